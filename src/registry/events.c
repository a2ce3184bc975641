/* SPDX-License-Identifier: Apache-2.0 */
/* events.c - the envelope that CNCF Distribution posts (docs: about/notifications). */
#include "base/clock.h"
#include "base/num.h"
#include "registry/registry.h"
#include "syntax/syntax.h"

static enum registry_action action_of(str text)
{
    static const struct {
        const char *name;
        enum registry_action action;
    } rows[] = {{"push", ACTION_PUSH},
                {"pull", ACTION_PULL},
                {"delete", ACTION_DELETE},
                {"mount", ACTION_MOUNT}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (str_eq(text, str_from(rows[i].name)))
            return rows[i].action;
    return ACTION_OTHER;
}

static bool keep(struct arena *arena, str from, str *to, struct err *err)
{
    if (from.len > LIMIT(FIELD))
        return err_set(err, ERR_LIMIT, "a field of %zu bytes, more than %llu", from.len,
                       (unsigned long long)LIMIT(FIELD));
    *to = arena_dup(arena, from);
    return to->ptr ? true : err_memory(err);
}

static bool read_target(struct arena *arena, const json_t *target, struct registry_event *out,
                        struct err *err)
{
    str text = json_str(target, "digest");
    if (!keep(arena, json_str(target, "repository"), &out->repository, err) ||
        !keep(arena, json_str(target, "tag"), &out->tag, err) ||
        !keep(arena, json_str(target, "mediaType"), &out->media_type, err))
        return false;
    if (str_is_empty(out->repository))
        return err_set(err, ERR_FORMAT, "no repository");
    if (!str_is_empty(text) && !digest_parse(text, &out->digest))
        return err_set(err, ERR_FORMAT, "\"%.*s\" is not a digest",
                       STR_ARG(str_slice(text, 0, 90)));
    out->is_blob = str_eq(out->media_type, STR("application/octet-stream")) ||
                   str_has(json_str(target, "url"), STR("/blobs/"));
    return true;
}

static bool read_event(struct arena *arena, const json_t *object, struct registry_event *out,
                       struct err *err)
{
    if (!json_is_object(object))
        return err_set(err, ERR_FORMAT, "not an object");
    str at = json_str(object, "timestamp");
    out->action = action_of(json_str(object, "action"));
    if (!str_is_empty(at) && !clock_parse(at, &out->at))
        return err_set(err, ERR_FORMAT, "\"%.*s\" is not a time", STR_ARG(str_slice(at, 0, 60)));
    return keep(arena, json_str(object, "id"), &out->id, err) &&
           keep(arena, json_str(json_obj(object, "request"), "useragent"), &out->user_agent, err) &&
           keep(arena, json_str(json_obj(object, "actor"), "name"), &out->actor_name, err) &&
           read_target(arena, json_obj(object, "target"), out, err);
}

bool registry_events_parse(struct arena *arena, str json, registry_events *out, struct err *err)
{
    *out = (registry_events){0};
    if (json.len > LIMIT(EVENTS_BODY))
        return err_set(err, ERR_LIMIT, "a notification of %zu bytes, more than %llu", json.len,
                       (unsigned long long)LIMIT(EVENTS_BODY));
    auto_json *root = NULL;
    if (!json_read(json, &root, err))
        return err_wrap(err, "notification");
    json_t *list = json_arr(root, "events");
    if (!list)
        return err_set(err, ERR_FORMAT, "notification: no list of events");
    if (json_array_size(list) > LIMIT(EVENTS))
        return err_set(err, ERR_LIMIT, "notification: %zu events, more than %llu",
                       json_array_size(list), (unsigned long long)LIMIT(EVENTS));
    for (size_t i = 0; i < json_array_size(list); i++) {
        struct registry_event *event = vec_push(arena, out);
        if (!event)
            return err_memory(err);
        if (!read_event(arena, json_array_get(list, i), event, err))
            return err_wrap(err, "notification: event %zu", i);
    }
    return true;
}
