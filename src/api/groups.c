/* SPDX-License-Identifier: Apache-2.0 */
/* groups.c - resource groups, and the lists of resources by which tools find a registry's group. */
#include "api/internal.h"

#include "base/clock.h"
#include "base/num.h"

/* --- groups
 * ------------------------------------------------------------------------------------------------
 */
static bool find_group(struct api_call *call, str subscription, str name, struct store_group *out,
                       bool *is_there, struct err *err)
{
    store_groups found = {0};
    *is_there = false;
    if (!store_groups_list(call->store, call->arena, subscription, &found, err))
        return false;
    for (size_t i = 0; i < found.len; i++)
        if (str_eq_nocase(found.ptr[i].name, name)) {
            *out = found.ptr[i];
            *is_there = true;
        }
    return true;
}

static bool need_group(struct api_call *call, struct store_group *out, struct err *err)
{
    const str *params = call->req->params;
    struct store_subscription subscription;
    bool is_there = false;
    if (!api_subscription(call, params[0], &subscription, err) ||
        !find_group(call, params[0], params[1], out, &is_there, err))
        return false;
    return is_there ||
           api_refuse(call, err, 404, "ResourceGroupNotFound",
                      "Resource group '" STR_FMT "' could not be found.", STR_ARG(params[1]));
}

/* Tags are JSON that was an object of texts when it was stored. */
static void write_tags(struct jw *jw, str tags)
{
    json_t *object = NULL;
    struct err none = {0};
    const char *key;
    json_t *value;
    jw_key(jw, "tags");
    jw_obj(jw);
    if (tags.len && json_read(tags, &object, &none))
        json_object_foreach(object, key, value)
        {
            jw_key_text(jw, str_from(key));
            jw_str(jw, json_str_of(value));
        }
    jw_obj_end(jw);
    json_decref(object);
}

static bool write_group(struct api_call *call, const struct store_group *group, struct err *err)
{
    struct jw *jw = &call->jw;
    str id = arena_printf(call->arena, "/subscriptions/" STR_FMT "/resourceGroups/" STR_FMT,
                          STR_ARG(group->subscription), STR_ARG(group->name));
    if (!id.ptr)
        return err_memory(err);
    jw_obj(jw);
    jw_kstr(jw, "id", id);
    jw_kstr(jw, "name", group->name);
    jw_kstr(jw, "type", STR("Microsoft.Resources/resourceGroups"));
    jw_kstr(jw, "location", group->location.len ? group->location : STR("global"));
    write_tags(jw, group->tags);
    jw_key(jw, "properties");
    jw_obj(jw);
    jw_kstr(jw, "provisioningState", STR("Succeeded"));
    jw_obj_end(jw);
    jw_obj_end(jw);
    return true;
}

static bool is_seen(struct api_call *call, const struct store_group *group)
{
    str id = arena_printf(call->arena, "/subscriptions/" STR_FMT "/resourceGroups/" STR_FMT,
                          STR_ARG(group->subscription), STR_ARG(group->name));
    str scope = api_lower(call->arena, id);
    return scope.ptr && api_sees(call, scope);
}

static bool list_groups(struct api_call *call, struct err *err)
{
    static const char *const names[] = {"tagName", "tagValue", NULL};
    struct store_subscription subscription;
    store_groups found = {0};
    filter_terms terms = {0};
    if (!api_subscription(call, call->req->params[0], &subscription, err) ||
        !api_filter(call, names, &terms, err) ||
        !store_groups_list(call->store, call->arena, call->req->params[0], &found, err))
        return false;
    jw_obj(&call->jw);
    jw_key(&call->jw, "value");
    jw_arr(&call->jw);
    for (size_t i = 0; i < found.len; i++)
        if (is_seen(call, &found.ptr[i]) && api_has_tag(found.ptr[i].tags, &terms) &&
            !write_group(call, &found.ptr[i], err))
            return false;
    jw_arr_end(&call->jw);
    jw_obj_end(&call->jw);
    return api_done(call, 200, err);
}

static bool get_group(struct api_call *call, struct err *err)
{
    struct store_group group = {0};
    bool is_head = str_eq(call->req->method, STR("HEAD"));
    if (!need_group(call, &group, err))
        return false;
    if (is_head)
        return api_done(call, 204, err);
    return write_group(call, &group, err) && api_done(call, 200, err);
}

static bool read_tags(struct api_call *call, const json_t *body, str *out, struct err *err)
{
    json_t *tags = json_object_get(body, "tags"), *value;
    const char *key;
    *out = STR("");
    if (!tags || json_is_null(tags))
        return true;
    bool ok = json_is_object(tags);
    if (ok)
        json_object_foreach(tags, key, value) ok &= json_is_string(value);
    if (!ok)
        return api_refuse(call, err, 400, "InvalidRequestContent",
                          "\"tags\" is an object of texts.");
    char *text = json_dumps(tags, JSON_COMPACT | JSON_SORT_KEYS);
    *out = text ? arena_dup(call->arena, str_from(text)) : STR_NONE;
    free(text);
    return out->ptr ? true : err_memory(err);
}

static bool put_group(struct api_call *call, struct err *err)
{
    const str *params = call->req->params;
    json_t *body = NULL;
    struct store_group old = {0}, group = {.subscription = params[0], .name = params[1]};
    bool is_there = false;
    if (!api_is_uuid(params[0]))
        return api_refuse(call, err, 400, "InvalidSubscriptionId",
                          "The provided subscription identifier '" STR_FMT "' is malformed.",
                          STR_ARG(params[0]));
    if (!find_group(call, params[0], params[1], &old, &is_there, err) ||
        !api_body(call, &body, err))
        return false;
    group.location = arena_dup(call->arena, json_str(body, "location"));
    bool ok = read_tags(call, body, &group.tags, err);
    json_decref(body);
    if (!ok)
        return false;
    if (!group.location.len)
        return api_refuse(call, err, 400, "LocationRequired",
                          "The location property is required for this definition.");
    if (is_there && old.location.len && !str_eq_nocase(old.location, group.location))
        return api_refuse(call, err, 409, "InvalidResourceGroupLocation",
                          "The resource group is in '" STR_FMT "' already.", STR_ARG(old.location));
    return store_group_put(call->store, &group, clock_now_s(), err) &&
           find_group(call, params[0], params[1], &group, &is_there, err) &&
           write_group(call, &group, err) && api_done(call, old.location.len ? 200 : 201, err);
}

static bool patch_group(struct api_call *call, struct err *err)
{
    struct store_group group = {0};
    json_t *body = NULL;
    if (!need_group(call, &group, err) || !api_body(call, &body, err))
        return false;
    bool has_tags = json_object_get(body, "tags") != NULL;
    bool ok = !has_tags || read_tags(call, body, &group.tags, err);
    json_decref(body);
    if (!group.location.len)
        group.location = STR("global");
    return ok && store_group_put(call->store, &group, clock_now_s(), err) &&
           write_group(call, &group, err) && api_done(call, 200, err);
}

static bool delete_group(struct api_call *call, struct err *err)
{
    struct store_group group = {0};
    if (!need_group(call, &group, err))
        return false;
    if (store_group_delete(call->store, group.subscription, group.name, err))
        return api_done(call, 200, err);
    return err->kind == ERR_CONFLICT
               ? api_refuse(call, err, 409, "ResourceGroupNotEmpty",
                            "There are registries in the group '" STR_FMT "'; delete them first.",
                            STR_ARG(group.name))
               : false;
}

/* --- resources: registries are all there is
 * --------------------------------------------------------------------- */
static bool write_resource(struct api_call *call, const struct store_registry *r, struct err *err)
{
    struct jw *jw = &call->jw;
    str id = store_registry_arm_id(call->arena, r);
    if (!id.ptr)
        return err_memory(err);
    jw_obj(jw);
    jw_kstr(jw, "id", id);
    jw_kstr(jw, "name", r->name);
    jw_kstr(jw, "type", STR("Microsoft.ContainerRegistry/registries"));
    jw_key(jw, "sku");
    jw_obj(jw);
    jw_kstr(jw, "name", STR("Premium"));
    jw_kstr(jw, "tier", STR("Premium"));
    jw_obj_end(jw);
    jw_kstr(jw, "location", STR("global"));
    write_tags(jw, STR(""));
    jw_obj_end(jw);
    return true;
}

static bool is_asked(const struct store_registry *r, const filter_terms *terms)
{
    str type = filter_get(terms, STR("resourceType")), name = filter_get(terms, STR("name"));
    str group = filter_get(terms, STR("resourceGroup"));
    return (!type.ptr || str_eq_nocase(type, STR("Microsoft.ContainerRegistry/registries"))) &&
           (!name.ptr || str_eq_nocase(name, r->name)) &&
           (!group.ptr || str_eq_nocase(group, r->resource_group)) && api_has_tag(STR(""), terms);
}

static bool list_resources(struct api_call *call, struct err *err)
{
    static const char *const names[] = {"resourceType", "name",     "resourceGroup",
                                        "tagName",      "tagValue", NULL};
    struct store_subscription subscription;
    struct store_group group = {0};
    store_registries found = {0};
    filter_terms terms = {0};
    if (!api_subscription(call, call->req->params[0], &subscription, err) ||
        (call->req->params[1].len && !need_group(call, &group, err)) ||
        !api_filter(call, names, &terms, err))
        return false;
    struct store_scope scope = {.subscription = call->req->params[0],
                                .resource_group = call->req->params[1]};
    call->action = STR("Microsoft.ContainerRegistry/registries/read");
    str path = arena_printf(call->arena, "/subscriptions/" STR_FMT, STR_ARG(subscription.id));
    if (!path.ptr)
        return err_memory(err);
    if (!api_within(call, path, &scope, err) ||
        !store_registries_list(call->store, call->arena, &scope, &found, err))
        return false;
    jw_obj(&call->jw);
    jw_key(&call->jw, "value");
    jw_arr(&call->jw);
    for (size_t i = 0; i < found.len; i++)
        if (is_asked(&found.ptr[i], &terms) && !write_resource(call, &found.ptr[i], err))
            return false;
    jw_arr_end(&call->jw);
    jw_obj_end(&call->jw);
    return api_done(call, 200, err);
}

#define GROUPS "/subscriptions/{subscription}/resourcegroups"
#define GROUP_ACTION "Microsoft.Resources/subscriptions/resourceGroups/"
static const struct http_route routes[] = {
    {"GET", GROUPS, NULL,
     API_OP(.run = list_groups, .summary = "resource groups that the caller sees", .is_arm = true)},
    {"GET", GROUPS "/{group}", NULL,
     API_OP(.run = get_group, .action = GROUP_ACTION "read", .where = WHERE_PATH,
            .summary = "one resource group; HEAD: 204 or 404", .is_arm = true)},
    {"PUT", GROUPS "/{group}", NULL,
     API_OP(.run = put_group, .action = GROUP_ACTION "write", .where = WHERE_PATH,
            .summary = "make a resource group", .is_arm = true)},
    {"PATCH", GROUPS "/{group}", NULL,
     API_OP(.run = patch_group, .action = GROUP_ACTION "write", .where = WHERE_PATH,
            .summary = "change its tags", .is_arm = true)},
    {"DELETE", GROUPS "/{group}", NULL,
     API_OP(.run = delete_group, .action = GROUP_ACTION "delete", .where = WHERE_PATH,
            .summary = "delete a group without registries", .is_arm = true)},
    {"GET", "/subscriptions/{subscription}/resources", NULL,
     API_OP(.run = list_resources, .summary = "registries, as a list of resources",
            .is_arm = true)},
    {"GET", GROUPS "/{group}/resources", NULL,
     API_OP(.run = list_resources, .summary = "the same, of one group", .is_arm = true)},
};
API_RESOURCE(groups, routes);
