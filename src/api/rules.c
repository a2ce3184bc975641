/* SPDX-License-Identifier: Apache-2.0 */
/* rules.c - disable rules that are stored: the rule of a rules file (docs/RULES.md) as a resource.
 * The body is that rule in JSON, so both are read by the same reader. */
#include "api/internal.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/num.h"

/* --- the rule of a body
 * ----------------------------------------------------------------------------------------- */

/* "rule:1:30: why" → "why" */
static bool refuse_rule(struct api_call *call, struct err *err)
{
    char text[sizeof(err->msg)];
    if (err->kind != ERR_USAGE)
        return false;
    memcpy(text, err->msg, sizeof(text));
    str why = str_from(text), place, rest;
    if (str_starts(why, STR("rule:")) && str_cut(why, STR(": "), &place, &rest))
        why = rest;
    return api_refuse(call, err, 400, "InvalidRequestContent", STR_FMT, STR_ARG(why));
}

/* What an answer has and a rules file has not. */
static void drop_own(json_t *rule)
{
    static const char *const own[] = {"id",        "state",     "createdAt",
                                      "createdBy", "changedAt", "changedBy"};
    for (size_t i = 0; i < ARRAY_LEN(own); i++)
        (void)json_object_del(rule, own[i]);
}

/* {"rules":[…]}, as rules_parse reads it. */
static bool file_of(struct api_call *call, json_t *rule, str *out, struct err *err)
{
    auto_json *file = json_pack("{s:[O]}", "rules", rule);
    char *text = file ? json_dumps(file, JSON_COMPACT | JSON_REAL_PRECISION(4)) : NULL;
    *out = text ? arena_dup(call->arena, str_from(text)) : STR_NONE;
    free(text);
    return out->ptr || err_memory(err);
}

static bool read_rule(struct api_call *call, struct store_rule *out, struct err *err)
{
    auto_json *body = NULL;
    struct rules rules = {0};
    if (!api_body(call, &body, err))
        return false;
    drop_own(body);
    if (!file_of(call, body, &out->text, err))
        return false;
    if (!rules_parse(call->arena, STR("rule"), out->text, &rules, err))
        return refuse_rule(call, err);
    out->name = rules.all.ptr[0].name;
    out->expires_at = rules.all.ptr[0].has_expiry ? rules.all.ptr[0].expires_at : 0;
    return true;
}

/* --- how it looks
 * ----------------------------------------------------------------------------------------- */

/* Of our own writing, and no deeper than a rule is. */
static void write_json(struct jw *jw, const json_t *value, unsigned depth)
{
    const char *key;
    json_t *item;
    union {
        const json_t *from;
        json_t *to;
    } same = {value}; /* jansson's iteration wants it mutable, and changes nothing */
    if (json_is_object(value) && depth < 8) {
        jw_obj(jw);
        json_object_foreach(same.to, key, item)
        {
            jw_key_text(jw, str_from(key));
            write_json(jw, item, depth + 1);
        }
        jw_obj_end(jw);
    } else if (json_is_array(value) && depth < 8) {
        jw_arr(jw);
        for (size_t i = 0; i < json_array_size(value); i++)
            write_json(jw, json_array_get(value, i), depth + 1);
        jw_arr_end(jw);
    } else if (json_is_integer(value)) {
        jw_int(jw, json_integer_value(value));
    } else if (json_is_real(value)) {
        jw_num(jw, json_real_value(value));
    } else if (json_is_boolean(value)) {
        jw_bool(jw, json_is_true(value));
    } else {
        jw_str(jw, json_str_of(value));
    }
}

static bool write_members(struct jw *jw, str text, struct err *err)
{
    auto_json *root = NULL;
    const char *key;
    json_t *value;
    if (!json_read(text, &root, err))
        return false;
    json_object_foreach(json_array_get(json_arr(root, "rules"), 0), key, value)
    {
        jw_key_text(jw, str_from(key));
        write_json(jw, value, 0);
    }
    return true;
}

static bool write_rule(struct api_call *call, const struct store_rule *rule, struct err *err)
{
    struct jw *jw = &call->jw;
    bool is_past = rule->is_expired || (rule->expires_at && rule->expires_at <= clock_now_s());
    jw_obj(jw);
    jw_kstr(jw, "id", rule->uuid);
    if (!write_members(jw, rule->text, err))
        return false;
    jw_kstr(jw, "state", is_past ? STR("Expired") : STR("Enabled"));
    api_write_time(jw, "createdAt", rule->created_at);
    jw_kstr(jw, "createdBy", rule->created_by);
    api_write_time(jw, "changedAt", rule->changed_at);
    jw_kstr(jw, "changedBy", rule->changed_by);
    jw_obj_end(jw);
    return true;
}

/* --- routes
 * ----------------------------------------------------------------------------------------- */

/* @applied: every image is held against the rules as they are now. */
static bool list_rules(struct api_call *call, struct err *err)
{
    store_rules all = {0};
    uint64_t revision = 0;
    bool is_pending = false;
    if (!store_rules_list(call->store, call->arena, &all, &revision, err) ||
        !store_rules_pending(call->store, revision, &is_pending, err))
        return false;
    jw_obj(&call->jw);
    jw_kint(&call->jw, "revision", (int64_t)revision);
    jw_kbool(&call->jw, "applied", !is_pending);
    jw_key(&call->jw, "value");
    jw_arr(&call->jw);
    for (size_t i = 0; i < all.len; i++)
        if (!write_rule(call, &all.ptr[i], err))
            return false;
    jw_arr_end(&call->jw);
    jw_obj_end(&call->jw);
    return api_done(call, 200, err);
}

static bool read_id(struct api_call *call, str *out, struct err *err)
{
    *out = api_lower(call->arena, call->req->params[0]);
    if (!out->ptr)
        return err_memory(err);
    return api_is_uuid(*out) || api_refuse(call, err, 400, "InvalidParameter",
                                           "'" STR_FMT "' is no UUID.", STR_ARG(*out));
}

static bool refuse_missing(struct api_call *call, str id, struct err *err)
{
    return api_refuse(call, err, 404, "NotFound", "The rule '" STR_FMT "' was not found.",
                      STR_ARG(id));
}

static bool show(struct api_call *call, str id, int status, struct err *err)
{
    store_rules all = {0};
    uint64_t revision = 0;
    if (!store_rules_list(call->store, call->arena, &all, &revision, err))
        return false;
    for (size_t i = 0; i < all.len; i++)
        if (str_eq(all.ptr[i].uuid, id))
            return write_rule(call, &all.ptr[i], err) && api_done(call, status, err);
    return refuse_missing(call, id, err);
}

static bool get_rule(struct api_call *call, struct err *err)
{
    str id;
    return read_id(call, &id, err) && show(call, id, 200, err);
}

static bool save(struct api_call *call, str id, struct err *err)
{
    struct store_rule rule = {.uuid = id};
    bool is_new = false;
    if (!read_rule(call, &rule, err))
        return false;
    if (!store_rule_put(call->store, &rule, call->caller.name, clock_now_s(), &is_new, err)) {
        char text[sizeof(err->msg)];
        memcpy(text, err->msg, sizeof(text));
        return err->kind == ERR_CONFLICT ? api_refuse(call, err, 409, "Conflict", "%s", text)
                                         : false;
    }
    if (call->api->guard)
        guard_wake(call->api->guard);
    return show(call, id, is_new ? 201 : 200, err);
}

static bool post_rule(struct api_call *call, struct err *err)
{
    str id = api_uuid(call->arena);
    return id.ptr ? save(call, id, err) : err_memory(err);
}

static bool put_rule(struct api_call *call, struct err *err)
{
    str id;
    return read_id(call, &id, err) && save(call, id, err);
}

static bool delete_rule(struct api_call *call, struct err *err)
{
    str id;
    if (!read_id(call, &id, err))
        return false;
    if (!store_rule_remove(call->store, id, call->caller.name, clock_now_s(), err))
        return err->kind == ERR_NOT_FOUND ? refuse_missing(call, id, err) : false;
    if (call->api->guard)
        guard_wake(call->api->guard);
    return api_done(call, 204, err);
}

/* Also of one that was deleted. */
static bool get_history(struct api_call *call, struct err *err)
{
    str id;
    struct jw *jw = &call->jw;
    rule_logs log = {0};
    if (!read_id(call, &id, err) || !store_rule_log(call->store, call->arena, id, &log, err))
        return false;
    if (!log.len)
        return refuse_missing(call, id, err);
    jw_obj(jw);
    jw_key(jw, "value");
    jw_arr(jw);
    for (size_t i = 0; i < log.len; i++) {
        jw_obj(jw);
        jw_kstr(jw, "action", log.ptr[i].action);
        api_write_time(jw, "at", log.ptr[i].at);
        jw_kstr_if(jw, "by", log.ptr[i].actor);
        if (!write_members(jw, log.ptr[i].text, err))
            return false;
        jw_obj_end(jw);
    }
    jw_arr_end(jw);
    jw_obj_end(jw);
    return api_done(call, 200, err);
}

/* In the cloud such a rule is kept with an assignment of a policy: whoever may write those
 * (Security Admin, Owner, and no Contributor) may disable findings. */
#define POLICY(what) .action = "Microsoft.Authorization/policyAssignments/" what
#define RULES "/plimsoll/v1/rules"
static const struct http_route routes[] = {
    {"GET", RULES, NULL, API_OP(.run = list_rules, POLICY("read"), .summary = "disable rules")},
    {"POST", RULES, NULL,
     API_OP(.run = post_rule, POLICY("write"), .summary = "disable findings by a rule")},
    {"GET", RULES "/{id}", NULL, API_OP(.run = get_rule, POLICY("read"), .summary = "one rule")},
    {"PUT", RULES "/{id}", NULL,
     API_OP(.run = put_rule, POLICY("write"), .summary = "make or replace a rule")},
    {"DELETE", RULES "/{id}", NULL,
     API_OP(.run = delete_rule, POLICY("delete"), .summary = "what it disabled comes back")},
    {"GET", RULES "/{id}/history", NULL,
     API_OP(.run = get_history, POLICY("read"), .summary = "who did what to a rule, and when")},
};
API_RESOURCE(rules, routes);
