/* SPDX-License-Identifier: Apache-2.0 */
/* providers.c - which namespaces there are, and the versions that generic tools pick from. */
#include "api/internal.h"

#include "base/num.h"

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})
struct type {
    const char *name;
    const char *const *versions; /* newest first */
};
struct provider {
    const char *name;
    const struct type *types;
    size_t n_types;
};
#define TYPES(rows) .types = (rows), .n_types = ARRAY_LEN(rows)

static const struct type authorization[] = {
    {"roleDefinitions",
     LIST("2022-04-01", "2020-04-01-preview", "2018-01-01-preview", "2015-07-01")},
    {"roleAssignments",
     LIST("2022-04-01", "2020-04-01-preview", "2018-01-01-preview", "2015-07-01")},
    {"permissions", LIST("2022-04-01", "2018-01-01-preview", "2015-07-01")},
};
static const struct type registry[] = {
    {"registries", LIST("2025-11-01", "2025-03-01-preview", "2023-07-01", "2022-12-01",
                        "2022-02-01-preview", "2021-09-01", "2021-06-01-preview",
                        "2019-12-01-preview", "2019-05-01", "2017-10-01", "2017-03-01")},
    {"registries/importImage", LIST("2025-11-01", "2023-07-01", "2022-12-01", "2019-05-01")},
    {"registries/webhooks",
     LIST("2025-11-01", "2023-07-01", "2022-12-01", "2019-05-01", "2017-10-01")},
};
static const struct type graph[] = {
    {"resources", LIST("2024-04-01", "2022-10-01", "2021-03-01", "2019-04-01")},
};
static const struct type resources_types[] = {
    {"subscriptions", LIST("2022-12-01", "2021-01-01", "2020-01-01", "2019-11-01", "2016-06-01")},
    {"resourceGroups", LIST("2025-04-01", "2024-11-01", "2022-09-01", "2021-04-01")},
    {"resources", LIST("2025-04-01", "2024-11-01", "2022-09-01", "2021-04-01")},
    {"providers", LIST("2025-04-01", "2024-11-01", "2022-09-01", "2021-04-01")},
};
static const struct type security[] = {
    {"assessments", LIST("2025-05-04", "2021-06-01", "2020-01-01", "2019-01-01-preview")},
    {"assessmentMetadata", LIST("2025-05-04", "2021-06-01", "2020-01-01", "2019-01-01-preview")},
    {"subAssessments", LIST("2020-01-01", "2019-01-01-preview")},
    {"pricings",
     LIST("2024-01-01", "2023-01-01", "2022-03-01", "2018-06-01", "2017-08-01-preview")},
};
static const struct provider providers[] = {
    {"Microsoft.Authorization", TYPES(authorization)},
    {"Microsoft.ContainerRegistry", TYPES(registry)},
    {"Microsoft.ResourceGraph", TYPES(graph)},
    {"Microsoft.Resources", TYPES(resources_types)},
    {"Microsoft.Security", TYPES(security)},
};

static void write_type(struct jw *jw, const struct type *type)
{
    jw_obj(jw);
    jw_kstr(jw, "resourceType", str_from(type->name));
    jw_key(jw, "locations");
    jw_arr(jw);
    jw_arr_end(jw);
    jw_key(jw, "apiVersions");
    jw_arr(jw);
    for (size_t i = 0; type->versions[i]; i++)
        jw_str(jw, str_from(type->versions[i]));
    jw_arr_end(jw);
    jw_kstr(jw, "defaultApiVersion", str_from(type->versions[0]));
    jw_kstr(jw, "capabilities", STR("None"));
    jw_obj_end(jw);
}

/* @above: "" or "/subscriptions/S". */
static bool write_provider(struct api_call *call, const struct provider *p, str above,
                           struct err *err)
{
    struct jw *jw = &call->jw;
    str id = arena_printf(call->arena, STR_FMT "/providers/%s", STR_ARG(above), p->name);
    if (!id.ptr)
        return err_memory(err);
    jw_obj(jw);
    jw_kstr(jw, "id", id);
    jw_kstr(jw, "namespace", str_from(p->name));
    jw_kstr(jw, "registrationState", STR("Registered"));
    jw_kstr(jw, "registrationPolicy", STR("RegistrationRequired"));
    jw_key(jw, "authorizations");
    jw_arr(jw);
    jw_arr_end(jw);
    jw_key(jw, "resourceTypes");
    jw_arr(jw);
    for (size_t i = 0; i < p->n_types; i++)
        write_type(jw, &p->types[i]);
    jw_arr_end(jw);
    jw_obj_end(jw);
    return true;
}

static bool list(struct api_call *call, str above, struct err *err)
{
    jw_obj(&call->jw);
    jw_key(&call->jw, "value");
    jw_arr(&call->jw);
    for (size_t i = 0; i < ARRAY_LEN(providers); i++)
        if (!write_provider(call, &providers[i], above, err))
            return false;
    jw_arr_end(&call->jw);
    jw_obj_end(&call->jw);
    return api_done(call, 200, err);
}

static bool show(struct api_call *call, str above, str name, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(providers); i++)
        if (str_eq_nocase(str_from(providers[i].name), name))
            return write_provider(call, &providers[i], above, err) && api_done(call, 200, err);
    return api_refuse(call, err, 404, "InvalidResourceNamespace",
                      "The resource namespace '" STR_FMT "' is invalid.", STR_ARG(name));
}

static bool above(struct api_call *call, str *out, struct err *err)
{
    struct store_subscription subscription;
    if (!api_subscription(call, call->req->params[0], &subscription, err))
        return false;
    *out = arena_printf(call->arena, "/subscriptions/" STR_FMT, STR_ARG(subscription.id));
    return out->ptr ? true : err_memory(err);
}

static bool list_all(struct api_call *call, struct err *err) { return list(call, STR(""), err); }
static bool show_one(struct api_call *call, struct err *err)
{
    return show(call, STR(""), call->req->params[0], err);
}
static bool list_of_subscription(struct api_call *call, struct err *err)
{
    str prefix;
    return above(call, &prefix, err) && list(call, prefix, err);
}
static bool show_of_subscription(struct api_call *call, struct err *err)
{
    str prefix;
    return above(call, &prefix, err) && show(call, prefix, call->req->params[1], err);
}

/* --- operations: each action that a route asks for
 * ----------------------------------------------------------------- */
static bool write_operation(struct api_call *call, const char *action, str provider)
{
    str name = str_from(action), rest, last = name;
    str_cut_byte(name, '/', &rest, &last);
    size_t slash = str_rfind_byte(last, '/');
    struct jw *jw = &call->jw;
    if (!str_eq_nocase(rest, provider))
        return true;
    jw_obj(jw);
    jw_kstr(jw, "name", name);
    jw_kbool(jw, "isDataAction", false);
    jw_key(jw, "display");
    jw_obj(jw);
    jw_kstr(jw, "provider", rest);
    jw_kstr(jw, "resource", str_slice(last, 0, slash));
    jw_kstr(jw, "operation", str_skip(last, slash + 1));
    jw_kstr(jw, "description", name);
    jw_obj_end(jw);
    jw_obj_end(jw);
    return true;
}

static bool list_operations(struct api_call *call, struct err *err)
{
    struct api_row row, before;
    jw_obj(&call->jw);
    jw_key(&call->jw, "value");
    jw_arr(&call->jw);
    for (size_t i = 0; api_row_at(i, &row); i++) {
        bool is_known = !row.action;
        for (size_t k = 0; k < i && !is_known && api_row_at(k, &before); k++)
            is_known = before.action && str_eq(str_from(before.action), str_from(row.action));
        if (!is_known && !write_operation(call, row.action, call->req->params[0]))
            return err_memory(err);
    }
    jw_arr_end(&call->jw);
    jw_obj_end(&call->jw);
    return api_done(call, 200, err);
}

#define OF_SUBSCRIPTION "/subscriptions/{subscription}/providers"
#define ARM(...) API_OP(.is_arm = true, __VA_ARGS__)
static const struct http_route routes[] = {
    {"GET", "/providers", NULL, ARM(.run = list_all, .summary = "namespaces")},
    {"GET", "/providers/{namespace}", NULL, ARM(.run = show_one, .summary = "one namespace")},
    {"GET", "/providers/{namespace}/operations", NULL,
     ARM(.run = list_operations, .summary = "actions that roles may allow")},
    {"GET", OF_SUBSCRIPTION, NULL, ARM(.run = list_of_subscription, .summary = "namespaces")},
    {"GET", OF_SUBSCRIPTION "/{namespace}", NULL,
     ARM(.run = show_of_subscription, .summary = "one namespace")},
    {"POST", OF_SUBSCRIPTION "/{namespace}/register", NULL,
     ARM(.run = show_of_subscription, .summary = "all are registered: the namespace")},
    {"POST", OF_SUBSCRIPTION "/{namespace}/unregister", NULL,
     ARM(.run = show_of_subscription, .summary = "all stay registered: the namespace")},
};
API_RESOURCE(providers, routes);
