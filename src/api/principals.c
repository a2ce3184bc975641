/* SPDX-License-Identifier: Apache-2.0 */
/* principals.c - who may log in: Azure keeps them in its directory, so these routes are our own.
 * A secret is answered once, when it is made. */
#include "api/internal.h"

#include "base/clock.h"
#include "base/num.h"

enum { DAY_S = 86400, DEFAULT_DAYS = 180, MAX_DAYS = 730, NAME_MAX_LEN = 120, MAX_SECRETS = 10 };

/* --- showing
 * -------------------------------------------------------------------------------------------------
 */
static bool write_principal(struct api_call *call, const struct store_principal *p, struct err *err)
{
    store_principal_secrets secrets = {0};
    struct jw *jw = &call->jw;
    if (!store_principal_secrets_list(call->store, call->arena, p->object_id, &secrets, err))
        return false;
    jw_kstr(jw, "objectId", p->object_id);
    jw_kstr(jw, "appId", p->app_id);
    jw_kstr(jw, "displayName", p->name);
    jw_kbool(jw, "disabled", p->is_disabled);
    api_write_time(jw, "createdAt", p->created_at);
    jw_kstr_if(jw, "createdBy", p->created_by);
    jw_key(jw, "secrets");
    jw_arr(jw);
    for (size_t i = 0; i < secrets.len; i++) {
        jw_obj(jw);
        jw_kint(jw, "id", secrets.ptr[i].id);
        jw_kstr(jw, "hint", secrets.ptr[i].hint);
        api_write_time(jw, "createdAt", secrets.ptr[i].created_at);
        api_write_time(jw, "expiresAt", secrets.ptr[i].expires_at);
        jw_obj_end(jw);
    }
    jw_arr_end(jw);
    return true;
}

static bool list_principals(struct api_call *call, struct err *err)
{
    store_principals found = {0};
    if (!store_principals_list(call->store, call->arena, &found, err))
        return false;
    jw_obj(&call->jw);
    jw_key(&call->jw, "value");
    jw_arr(&call->jw);
    for (size_t i = 0; i < found.len; i++) {
        jw_obj(&call->jw);
        if (!write_principal(call, &found.ptr[i], err))
            return false;
        jw_obj_end(&call->jw);
    }
    jw_arr_end(&call->jw);
    jw_obj_end(&call->jw);
    return api_done(call, 200, err);
}

static bool find(struct api_call *call, struct store_principal *out, struct err *err)
{
    str id = api_lower(call->arena, call->req->params[0]);
    if (!id.ptr)
        return err_memory(err);
    if (store_principal_get(call->store, call->arena, id, out, err))
        return true;
    return err->kind == ERR_NOT_FOUND
               ? api_refuse(call, err, 404, "PrincipalNotFound",
                            "There is no principal '" STR_FMT "'.", STR_ARG(call->req->params[0]))
               : false;
}

static bool show(struct api_call *call, const struct store_principal *principal, str secret,
                 int status, struct err *err)
{
    jw_obj(&call->jw);
    if (!write_principal(call, principal, err))
        return false;
    jw_kstr(&call->jw, "tenantId", call->api->tenant);
    jw_kstr_if(&call->jw, "clientSecret", secret);
    jw_obj_end(&call->jw);
    if (secret.len)
        api_header_set(call, STR("Cache-Control"), STR("no-store"));
    return api_done(call, status, err);
}

static bool get_principal(struct api_call *call, struct err *err)
{
    struct store_principal found;
    return find(call, &found, err) && show(call, &found, STR(""), 200, err);
}

/* --- making and ending
 * ------------------------------------------------------------------------------------------ */
static bool add_secret(struct api_call *call, str object_id, int64_t days, str *secret,
                       struct err *err)
{
    int64_t now = clock_now_s();
    struct store_principal_secret one = {0};
    store_principal_secrets kept = {0};
    if (days < 1 || days > MAX_DAYS)
        return api_refuse(call, err, 400, "InvalidParameter",
                          "\"days\" of a secret is 1 to %d; without it %d.", MAX_DAYS,
                          DEFAULT_DAYS);
    if (!store_principal_secrets_list(call->store, call->arena, object_id, &kept, err))
        return false;
    if (kept.len >= MAX_SECRETS)
        return api_refuse(call, err, 409, "Conflict",
                          "A principal has at most %d secrets; delete one first.", MAX_SECRETS);
    if (!secret_make(&call->api->hasher, call->arena, secret, &one, err))
        return false;
    one.expires_at = now + days * DAY_S;
    return store_principal_secret_add(call->store, object_id, &one, now, err);
}

static bool read_name(struct api_call *call, const json_t *body, str *name, struct err *err)
{
    *name = arena_dup(call->arena, json_str(body, "displayName"));
    if (!name->ptr)
        return err_memory(err);
    return (name->len > 0 && name->len <= NAME_MAX_LEN) ||
           api_refuse(call, err, 400, "InvalidRequestContent",
                      "The body needs \"displayName\", at most %d bytes.", NAME_MAX_LEN);
}

static bool make_principal(struct api_call *call, struct err *err)
{
    json_t *body = NULL;
    struct store_principal fresh = {.object_id = api_uuid(call->arena),
                                    .app_id = api_uuid(call->arena),
                                    .created_by = call->caller.object_id};
    str secret = STR("");
    if (!fresh.object_id.ptr || !fresh.app_id.ptr)
        return err_memory(err);
    if (!api_body(call, &body, err))
        return false;
    int64_t days = json_int(body, "days", DEFAULT_DAYS);
    bool ok = read_name(call, body, &fresh.name, err);
    json_decref(body);
    fresh.created_at = clock_now_s();
    return ok && store_principal_add(call->store, &fresh, fresh.created_at, err) &&
           add_secret(call, fresh.object_id, days, &secret, err) &&
           show(call, &fresh, secret, 201, err);
}

static bool make_secret(struct api_call *call, struct err *err)
{
    json_t *body = NULL;
    struct store_principal found;
    str secret = STR("");
    if (!find(call, &found, err) || !api_body(call, &body, err))
        return false;
    int64_t days = json_int(body, "days", DEFAULT_DAYS);
    json_decref(body);
    return add_secret(call, found.object_id, days, &secret, err) &&
           show(call, &found, secret, 201, err);
}

static bool delete_secret(struct api_call *call, struct err *err)
{
    struct store_principal found;
    uint64_t id = 0;
    bool was_there = false;
    if (!find(call, &found, err))
        return false;
    if (str_to_u64(call->req->params[1], INT64_MAX, &id) &&
        !store_principal_secret_delete(call->store, found.object_id, (int64_t)id, &was_there, err))
        return false;
    return api_done(call, was_there ? 200 : 204, err);
}

static bool change_principal(struct api_call *call, struct err *err)
{
    json_t *body = NULL;
    struct store_principal found;
    if (!find(call, &found, err) || !api_body(call, &body, err))
        return false;
    found.is_disabled = json_flag(body, "disabled", found.is_disabled);
    json_decref(body);
    return store_principal_set_disabled(call->store, found.object_id, found.is_disabled, err) &&
           show(call, &found, STR(""), 200, err);
}

static bool delete_principal(struct api_call *call, struct err *err)
{
    struct store_principal found;
    str id = api_lower(call->arena, call->req->params[0]);
    if (!id.ptr)
        return err_memory(err);
    if (!store_principal_get(call->store, call->arena, id, &found, err))
        return err->kind == ERR_NOT_FOUND && api_done(call, 204, err);
    return store_principal_delete(call->store, found.object_id, err) && api_done(call, 200, err);
}

/* --- the first of all, who may everything
 * --------------------------------------------------------------------- */
static bool make_owner(struct api *api, struct store *store, struct arena *arena,
                       struct api_owner *out, struct err *err)
{
    int64_t now = clock_now_s();
    bool is_new = false;
    struct store_principal_secret secret = {0};
    const struct store_principal owner = {
        .object_id = api_uuid(arena), .app_id = api_uuid(arena), .name = STR("owner")};
    const struct store_assignment everything = {.name = api_uuid(arena),
                                                .scope = STR("/"),
                                                .role = str_from(role_at(0)->id),
                                                .principal = owner.object_id,
                                                .principal_type = STR("ServicePrincipal"),
                                                .description = STR("made at the first start")};
    if (!owner.object_id.ptr || !owner.app_id.ptr || !everything.name.ptr)
        return err_memory(err);
    out->client_id = owner.app_id;
    secret.expires_at = 0; /* the operator rotates it */
    return secret_make(&api->hasher, arena, &out->secret, &secret, err) &&
           store_principal_add(store, &owner, now, err) &&
           store_principal_secret_add(store, owner.object_id, &secret, now, err) &&
           store_assignment_put(store, &everything, now, &is_new, err);
}

bool api_first_owner(struct api *api, struct arena *arena, struct api_owner *out, struct err *err)
{
    struct store *store;
    bool is_first = false;
    *out = (struct api_owner){.tenant = api->tenant};
    if (!store_pool_take(api->pool, &store, err))
        return false;
    bool ok = store_claim(store, STR("owner-made"), &is_first, err) &&
              (!is_first || make_owner(api, store, arena, out, err));
    store_pool_give(api->pool, store);
    return ok;
}

#define OWN "/plimsoll/v1/principals"
#define DIRECTORY "Microsoft.Authorization/principals/"
static const struct http_route routes[] = {
    {"GET", OWN, NULL,
     API_OP(.run = list_principals, .action = DIRECTORY "read", .summary = "who may log in")},
    {"POST", OWN, NULL,
     API_OP(.run = make_principal, .action = DIRECTORY "write",
            .summary = "make a principal; its secret is answered this once")},
    {"GET", OWN "/{principal}", NULL,
     API_OP(.run = get_principal, .action = DIRECTORY "read", .summary = "one principal")},
    {"PATCH", OWN "/{principal}", NULL,
     API_OP(.run = change_principal, .action = DIRECTORY "write",
            .summary = "disable or enable: {\"disabled\":true}")},
    {"DELETE", OWN "/{principal}", NULL,
     API_OP(.run = delete_principal, .action = DIRECTORY "delete",
            .summary = "delete, with its secrets and assignments")},
    {"POST", OWN "/{principal}/secrets", NULL,
     API_OP(.run = make_secret, .action = DIRECTORY "write",
            .summary = "a further secret, answered this once: for rotation")},
    {"DELETE", OWN "/{principal}/secrets/{id}", NULL,
     API_OP(.run = delete_secret, .action = DIRECTORY "write", .summary = "end a secret")},
};
API_RESOURCE(principals, routes);
