/* SPDX-License-Identifier: Apache-2.0 */
/* registries.c - Microsoft.ContainerRegistry: the registries that are guarded.  Those of the
 * configuration are shown, and changed there. */
#include "api/internal.h"

#include "base/clock.h"
#include "base/num.h"

enum { NAME_LEAST = 5, NAME_MOST = 50, GROUP_MOST = 90 };

/* --- which one
 * ----------------------------------------------------------------------------------------- */

static bool only(str text, const char *others)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool is_alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_alnum && !str_has(str_from(others), str_of(&c, 1)))
            return false;
    }
    return true;
}

static bool is_name(str name)
{
    return name.len >= NAME_LEAST && name.len <= NAME_MOST && only(name, "");
}

static bool find(struct api_call *call, struct store_registry *out, bool *is_found, struct err *err)
{
    const str *params = call->req->params;
    struct store_scope scope = {.resource_group = params[1], .registry = params[2]};
    store_registries found = {0};
    if (!api_subscription_id(call, &scope.subscription, err) ||
        !store_registries_list(call->store, call->arena, &scope, &found, err))
        return false;
    *is_found = found.len > 0;
    if (*is_found)
        *out = found.ptr[0];
    return true;
}

bool api_registry_of_path(struct api_call *call, struct store_registry *out, struct err *err)
{
    bool is_found = false;
    if (!find(call, out, &is_found, err))
        return false;
    return is_found || api_refuse(call, err, 404, "ResourceNotFound",
                                  "The Resource 'Microsoft.ContainerRegistry/registries/" STR_FMT
                                  "' under resource group '" STR_FMT "' was not found.",
                                  STR_ARG(call->req->params[2]), STR_ARG(call->req->params[1]));
}

static bool is_configured(const struct api_call *call, str name)
{
    return config_registry_find(call->api->config, name) != NULL;
}

static bool refuse_configured(struct api_call *call, str name, struct err *err)
{
    return api_refuse(call, err, 409, "Conflict",
                      "The registry '" STR_FMT
                      "' is one of the server's configuration: it is changed there.",
                      STR_ARG(name));
}

/* --- how it looks
 * ----------------------------------------------------------------------------------------- */

static void write_status(struct jw *jw, const char *key, const char *status)
{
    jw_key(jw, key);
    jw_obj(jw);
    jw_kstr(jw, "status", str_from(status));
    jw_obj_end(jw);
}

static void write_policies(struct jw *jw)
{
    jw_key(jw, "policies");
    jw_obj(jw);
    write_status(jw, "quarantinePolicy", "disabled");
    jw_key(jw, "trustPolicy");
    jw_obj(jw);
    jw_kstr(jw, "type", STR("Notary"));
    jw_kstr(jw, "status", STR("disabled"));
    jw_obj_end(jw);
    jw_key(jw, "retentionPolicy");
    jw_obj(jw);
    jw_kint(jw, "days", 7);
    jw_kstr(jw, "status", STR("disabled"));
    jw_obj_end(jw);
    write_status(jw, "exportPolicy", "enabled");
    jw_obj_end(jw);
}

static void write_empty(struct jw *jw, const char *key)
{
    jw_key(jw, key);
    jw_arr(jw);
    jw_arr_end(jw);
}

/* What of a cloud's registry is so of one that is only guarded. */
static void write_constants(struct jw *jw)
{
    jw_kbool(jw, "adminUserEnabled", false);
    write_policies(jw);
    write_status(jw, "encryption", "disabled");
    jw_kbool(jw, "dataEndpointEnabled", false);
    write_empty(jw, "dataEndpointHostNames");
    write_empty(jw, "privateEndpointConnections");
    jw_kstr(jw, "publicNetworkAccess", STR("Enabled"));
    jw_kstr(jw, "networkRuleBypassOptions", STR("AzureServices"));
    jw_kstr(jw, "zoneRedundancy", STR("Disabled"));
    jw_kbool(jw, "anonymousPullEnabled", false);
}

static void write_system(struct jw *jw, const struct registry_doc *doc)
{
    jw_key(jw, "systemData");
    jw_obj(jw);
    if (doc->created_by.len) {
        jw_kstr(jw, "createdBy", doc->created_by);
        jw_kstr(jw, "createdByType", STR("Application"));
    }
    api_write_time(jw, "createdAt", doc->created_at);
    if (doc->changed_by.len) {
        jw_kstr(jw, "lastModifiedBy", doc->changed_by);
        jw_kstr(jw, "lastModifiedByType", STR("Application"));
    }
    api_write_time(jw, "lastModifiedAt", doc->changed_at);
    jw_obj_end(jw);
}

static void write_tags(struct jw *jw, const struct registry_doc *doc)
{
    jw_key(jw, "tags");
    jw_obj(jw);
    for (size_t i = 0; i < doc->tags.len; i++) {
        jw_key_text(jw, doc->tags.ptr[i].name);
        jw_str(jw, doc->tags.ptr[i].value);
    }
    jw_obj_end(jw);
}

static void write_properties(struct jw *jw, const struct registry_doc *doc)
{
    jw_key(jw, "properties");
    jw_obj(jw);
    jw_kstr(jw, "loginServer", doc->reach.host);
    api_write_time(jw, "creationDate", doc->created_at);
    jw_kstr(jw, "provisioningState", STR("Succeeded"));
    write_constants(jw);
    jw_key(jw, "plimsoll");
    registry_settings_write(jw, &doc->reach);
    jw_obj_end(jw);
}

static bool doc_of(struct api_call *call, const struct store_registry *registry,
                   struct registry_doc *out, struct err *err)
{
    const struct config_registry *c = config_registry_find(call->api->config, registry->name);
    if (!registry_doc_of(call->arena, registry, out, err))
        return false;
    if (!c)
        return true;
    out->reach = (struct registry_settings){.host = c->host,
                                            .is_plain_http = c->is_plain_http,
                                            .username = c->username,
                                            .repositories = c->repositories,
                                            .sweep_interval_s = c->sweep_interval_s};
    return true;
}

static bool write_registry(struct api_call *call, const struct store_registry *registry,
                           struct err *err)
{
    struct jw *jw = &call->jw;
    struct registry_doc doc;
    str id = store_registry_arm_id(call->arena, registry);
    if (!id.ptr)
        return err_memory(err);
    if (!doc_of(call, registry, &doc, err))
        return false;
    jw_obj(jw);
    jw_key(jw, "sku");
    jw_obj(jw);
    jw_kstr(jw, "name", doc.sku);
    jw_kstr(jw, "tier", doc.sku);
    jw_obj_end(jw);
    jw_kstr(jw, "type", STR("Microsoft.ContainerRegistry/registries"));
    jw_kstr(jw, "id", id);
    jw_kstr(jw, "name", registry->name);
    jw_kstr(jw, "location", doc.location);
    write_tags(jw, &doc);
    write_system(jw, &doc);
    write_properties(jw, &doc);
    jw_obj_end(jw);
    return true;
}

/* --- reading
 * ----------------------------------------------------------------------------------------- */

/* "/subscriptions/s[/resourcegroups/g]" */
static bool path_of(struct api_call *call, str subscription, str group, str *out, struct err *err)
{
    str text =
        arena_printf(call->arena, "/subscriptions/" STR_FMT "%s" STR_FMT, STR_ARG(subscription),
                     group.len ? "/resourcegroups/" : "", STR_ARG(group));
    *out = text.ptr ? api_lower(call->arena, text) : text;
    return out->ptr || err_memory(err);
}

static bool list_below(struct api_call *call, str group, struct err *err)
{
    struct store_scope scope = {.resource_group = group};
    store_registries found = {0};
    str path;
    if (!api_subscription_id(call, &scope.subscription, err) ||
        !path_of(call, scope.subscription, group, &path, err) ||
        !api_within(call, path, &scope, err) ||
        !store_registries_list(call->store, call->arena, &scope, &found, err))
        return false;
    jw_obj(&call->jw);
    jw_key(&call->jw, "value");
    jw_arr(&call->jw);
    for (size_t i = 0; i < found.len; i++)
        if (!write_registry(call, &found.ptr[i], err))
            return false;
    jw_arr_end(&call->jw);
    jw_obj_end(&call->jw);
    return api_done(call, 200, err);
}

static bool list_of_subscription(struct api_call *call, struct err *err)
{
    return list_below(call, STR(""), err);
}

static bool list_of_group(struct api_call *call, struct err *err)
{
    return list_below(call, call->req->params[1], err);
}

static bool get_registry(struct api_call *call, struct err *err)
{
    struct store_registry registry;
    return api_registry_of_path(call, &registry, err) && write_registry(call, &registry, err) &&
           api_done(call, 200, err);
}

/* --- writing
 * ----------------------------------------------------------------------------------------- */

static bool refuse_doc(struct api_call *call, struct err *err)
{
    if (err->kind != ERR_USAGE)
        return false;
    const char *code = str_starts(str_from(err->msg), STR("location: is required"))
                           ? "LocationRequired"
                           : "InvalidRequestContent";
    char text[sizeof(err->msg)];
    memcpy(text, err->msg, sizeof(text));
    return api_refuse(call, err, 400, code, "%s", text);
}

static bool check_names(struct api_call *call, struct err *err)
{
    str group = call->req->params[1], name = call->req->params[2];
    if (!is_name(name))
        return api_refuse(call, err, 400, "InvalidResourceName",
                          "The registry name '" STR_FMT "' is invalid: 5 to 50 letters and digits.",
                          STR_ARG(name));
    return (group.len <= GROUP_MOST && only(group, "-_.()")) ||
           api_refuse(call, err, 400, "InvalidResourceGroup",
                      "The resource group name '" STR_FMT "' is invalid.", STR_ARG(group));
}

/* Names are unique in a server, as they are in the world. */
static bool check_free(struct api_call *call, struct err *err)
{
    struct store_registry other;
    struct err none = {0};
    str name = call->req->params[2];
    if (!store_registry_get(call->store, call->arena, name, &other, &none)) {
        if (none.kind == ERR_NOT_FOUND)
            return true;
        *err = none;
        return false;
    }
    return api_refuse(call, err, 409, "AlreadyInUse",
                      "The registry name '" STR_FMT
                      "' is already in use, in another resource group or subscription.",
                      STR_ARG(name));
}

/* Without a host it is the cloud's registry of that name. */
static bool default_host(struct api_call *call, str name, struct registry_doc *doc, struct err *err)
{
    if (doc->reach.host.len)
        return true;
    str folded = api_lower(call->arena, name);
    doc->reach.host = arena_printf(call->arena, STR_FMT ".azurecr.io", STR_ARG(folded));
    return (folded.ptr && doc->reach.host.ptr) || err_memory(err);
}

/* A password was given for one host: another one never sees it. */
static void forget_for_host(const struct store_registry *old, struct registry_doc *doc)
{
    if (str_eq_nocase(old->host, doc->reach.host))
        return;
    doc->reach.has_password = true; /* what was not said is empty */
    doc->reach.has_client_key = true;
}

static bool save(struct api_call *call, struct store_registry *registry, struct registry_doc *doc,
                 struct err *err)
{
    size_t n = 0;
    int64_t now = clock_now_s();
    struct guard *guard = call->api->guard;
    doc->changed_at = now;
    doc->changed_by = call->caller.name;
    registry->host = doc->reach.host;
    registry->is_plain_http = doc->reach.is_plain_http;
    registry->is_made = true;
    if (!registry_doc_print(call->arena, doc, &registry->properties, err))
        return false;
    if (!store_registry_put(call->store, registry, now, err))
        return err->kind == ERR_CONFLICT
                   ? api_refuse(call, err, 409, "AlreadyInUse", "The registry name is in use.")
                   : false;
    const struct queue_spec queue = {
        .registry_id = registry->id, .priority = PRIORITY_SWEEP, .is_due_only = true};
    if (!guard_keep_secrets(guard, call->store, registry->id, &doc->reach, err) ||
        !store_registry_queue(call->store, &queue, now, &n, err))
        return false;
    guard_wake(guard);
    return true;
}

static bool check_guard(struct api_call *call, struct err *err)
{
    return call->api->guard || err_set(err, ERR_UNAVAILABLE, "nothing is guarded here");
}

/* What exists keeps who made it, and the secrets that the body does not name. */
static bool put_registry(struct api_call *call, struct err *err)
{
    struct store_registry registry = {0};
    struct registry_doc old = {0}, doc = {0};
    bool is_found = false;
    if (!check_guard(call, err) || !find(call, &registry, &is_found, err))
        return false;
    if (is_configured(call, call->req->params[2]) || (is_found && !registry.is_made))
        return refuse_configured(call, call->req->params[2], err);
    if (!is_found && (!check_names(call, err) || !check_free(call, err)))
        return false;
    if (is_found && !registry_doc_of(call->arena, &registry, &old, err))
        return false;
    if (!registry_doc_read(call->arena, call->req->body, false, &doc, err))
        return refuse_doc(call, err);
    doc.created_by = is_found ? old.created_by : call->caller.name;
    if (!default_host(call, call->req->params[2], &doc, err))
        return false;
    if (is_found)
        forget_for_host(&registry, &doc);
    else
        registry = (struct store_registry){.subscription = call->req->params[0],
                                           .resource_group = call->req->params[1],
                                           .name = call->req->params[2]};
    return save(call, &registry, &doc, err) && write_registry(call, &registry, err) &&
           api_done(call, is_found ? 200 : 201, err);
}

static bool patch_registry(struct api_call *call, struct err *err)
{
    struct store_registry registry;
    struct registry_doc doc;
    if (!check_guard(call, err) || !api_registry_of_path(call, &registry, err))
        return false;
    if (is_configured(call, registry.name) || !registry.is_made)
        return refuse_configured(call, registry.name, err);
    if (!registry_doc_of(call->arena, &registry, &doc, err))
        return false;
    if (!registry_doc_read(call->arena, call->req->body, true, &doc, err))
        return refuse_doc(call, err);
    if (!default_host(call, registry.name, &doc, err))
        return false;
    forget_for_host(&registry, &doc);
    return save(call, &registry, &doc, err) && write_registry(call, &registry, err) &&
           api_done(call, 200, err);
}

static bool delete_registry(struct api_call *call, struct err *err)
{
    struct store_registry registry;
    bool is_found = false;
    if (!find(call, &registry, &is_found, err))
        return false;
    if (!is_found)
        return api_done(call, 204, err);
    if (is_configured(call, registry.name))
        return refuse_configured(call, registry.name, err);
    return store_registry_remove(call->store, registry.id, clock_now_s(), err) &&
           api_done(call, 200, err);
}

/* --- what clients ask beside it
 * ----------------------------------------------------------------------------------------- */

static bool check_name(struct api_call *call, struct err *err)
{
    auto_json *body = NULL;
    str subscription, name;
    struct store_registry other;
    struct err none = {0};
    if (!api_subscription_id(call, &subscription, err) || !api_body(call, &body, err))
        return false;
    name = json_str(body, "name");
    bool is_valid = is_name(name);
    bool is_taken = is_valid && store_registry_get(call->store, call->arena, name, &other, &none);
    if (err_is(&none) && none.kind != ERR_NOT_FOUND) {
        *err = none;
        return false;
    }
    jw_obj(&call->jw);
    jw_kbool(&call->jw, "nameAvailable", is_valid && !is_taken);
    if (!is_valid || is_taken) {
        jw_kstr(&call->jw, "reason", is_taken ? STR("AlreadyExists") : STR("Invalid"));
        jw_kstr(&call->jw, "message",
                is_taken ? STR("The registry name is already in use.")
                         : STR("A registry name has 5 to 50 letters and digits."));
    }
    jw_obj_end(&call->jw);
    return api_done(call, 200, err);
}

static void write_usage(struct jw *jw, const char *name, uint64_t limit, uint64_t value,
                        const char *unit)
{
    jw_obj(jw);
    jw_kstr(jw, "name", str_from(name));
    jw_kint(jw, "limit", (int64_t)limit);
    jw_kint(jw, "currentValue", (int64_t)value);
    jw_kstr(jw, "unit", str_from(unit));
    jw_obj_end(jw);
}

/* The size of the layers of images that were scanned; limits are those of the sku. */
static bool list_usages(struct api_call *call, struct err *err)
{
    struct store_registry registry;
    struct registry_doc doc;
    uint64_t bytes = 0;
    if (!api_registry_of_path(call, &registry, err) || !doc_of(call, &registry, &doc, err) ||
        !store_registry_size(call->store, registry.id, &bytes, err))
        return false;
    bool is_premium = str_eq(doc.sku, STR("Premium")), is_basic = str_eq(doc.sku, STR("Basic"));
    uint64_t limit = (is_premium ? 500 : is_basic ? 10 : 100) * GIB;
    jw_obj(&call->jw);
    jw_key(&call->jw, "value");
    jw_arr(&call->jw);
    write_usage(&call->jw, "Size", limit, bytes, "Bytes");
    write_usage(&call->jw, "Webhooks", is_premium ? 500 : is_basic ? 2 : 10, 0, "Count");
    jw_arr_end(&call->jw);
    jw_obj_end(&call->jw);
    return api_done(call, 200, err);
}

/* We know a password of the registry, and never tell it. */
static bool refuse_credentials(struct api_call *call, struct err *err)
{
    struct store_registry registry = {0};
    return api_registry_of_path(call, &registry, err) &&
           api_refuse(call, err, 400, "UnAuthorizedForCredentialOperations",
                      "The admin user of the registry '" STR_FMT
                      "' is disabled: its credentials are kept by whoever runs it.",
                      STR_ARG(registry.name));
}

/* Kinds of children that a guarded registry has none of. */
static bool list_nothing(struct api_call *call, struct err *err)
{
    struct store_registry registry;
    if (!api_registry_of_path(call, &registry, err))
        return false;
    jw_obj(&call->jw);
    write_empty(&call->jw, "value");
    jw_obj_end(&call->jw);
    return api_done(call, 200, err);
}

#define PROVIDER "/providers/Microsoft.ContainerRegistry/"
#define OF_SUBSCRIPTION "/subscriptions/{subscription}" PROVIDER
#define OF_GROUP "/subscriptions/{subscription}/resourceGroups/{group}" PROVIDER
#define ONE OF_GROUP "registries/{registry}"
#define OP(what, ...)                                                                              \
    API_OP(.action = "Microsoft.ContainerRegistry/" what, .where = WHERE_PATH, .is_arm = true,     \
           __VA_ARGS__)
#define NOTHING(kind)                                                                              \
    {                                                                                              \
        "GET", ONE "/" kind, NULL,                                                                 \
            OP("registries/" kind "/read", .run = list_nothing, .summary = kind ": always none")   \
    }
static const struct http_route routes[] = {
    {"GET", OF_SUBSCRIPTION "registries", NULL,
     OP("registries/read", .run = list_of_subscription, .summary = "registries of a subscription",
        .is_list = true)},
    {"GET", OF_GROUP "registries", NULL,
     OP("registries/read", .run = list_of_group, .summary = "registries of a resource group",
        .is_list = true)},
    {"GET", ONE, NULL, OP("registries/read", .run = get_registry, .summary = "one registry")},
    {"PUT", ONE, NULL,
     OP("registries/write", .run = put_registry,
        .summary = "guard a registry, or say anew how it is reached")},
    {"PATCH", ONE, NULL,
     OP("registries/write", .run = patch_registry, .summary = "change what the body names")},
    {"DELETE", ONE, NULL,
     OP("registries/delete", .run = delete_registry, .summary = "guard it no longer")},
    {"POST", OF_SUBSCRIPTION "checkNameAvailability", NULL,
     OP("checkNameAvailability/read", .run = check_name,
        .summary = "whether a registry name is free")},
    {"GET", ONE "/listUsages", NULL,
     OP("registries/listUsages/read", .run = list_usages, .summary = "size and limits")},
    {"POST", ONE "/listCredentials", NULL,
     OP("registries/listCredentials/action", .run = refuse_credentials,
        .summary = "refused: there is no admin user")},
    {"POST", ONE "/regenerateCredential", NULL,
     OP("registries/regenerateCredential/action", .run = refuse_credentials,
        .summary = "refused: there is no admin user")},
    NOTHING("privateLinkResources"),
    NOTHING("privateEndpointConnections"),
    NOTHING("replications"),
    NOTHING("tokens"),
    NOTHING("scopeMaps"),
    NOTHING("cacheRules"),
    NOTHING("credentialSets"),
    NOTHING("connectedRegistries"),
};
API_RESOURCE(registries, routes);
