/* SPDX-License-Identifier: Apache-2.0 */
/* access.c - who asks, and may they?
 *
 *   Authorization: Bearer ─> a token of the server itself (the owner), or a principal's
 *   role assignments of the principal ─> grants: a scope and a role
 *   a grant covers its scope and all below; one that allows the action is enough
 *
 * A list is answered to whoever may read some of it, with that part.  Of a subscription in which
 * nothing is granted nobody learns whether it is there: 404, where else 403 is said. */
#include "api/internal.h"

#include "base/clock.h"

/* --- who
 * ---------------------------------------------------------------------------------------------------
 */
static bool refuse_token(struct api_call *call, const char *code, const char *why, struct err *err)
{
    return api_refuse(call, err, 401, code, "%s", why);
}

static bool is_own(str token) { return str_starts(token, STR("plim_")); }

static bool take_own(struct api_call *call, str token, struct err *err)
{
    struct api_caller *caller = &call->caller;
    caller->is_owner = true;
    if (store_token_check(call->store, call->arena, token, &caller->name, err))
        return true;
    return err->kind == ERR_DENIED
               ? refuse_token(call, "InvalidAuthenticationToken",
                              "The access token is not known to this server.", err)
               : false;
}

static const char *code_of(const struct err *err)
{
    return str_eq(str_from(err->msg), STR(TOKEN_EXPIRED)) ? "ExpiredAuthenticationToken"
                                                          : "InvalidAuthenticationToken";
}

static bool read_token(struct api_call *call, str token, struct token_claims *claims,
                       struct err *err)
{
    struct err why = {0};
    if (token_verify(&call->api->ring, call->store, call->arena, token, clock_now_s(), claims,
                     &why)) {
        if (str_eq_nocase(claims->tenant, call->api->tenant))
            return true;
        return refuse_token(call, "InvalidAuthenticationTokenTenant",
                            "The access token is of another tenant.", err);
    }
    if (why.kind == ERR_DENIED)
        return refuse_token(call, code_of(&why), why.msg, err);
    *err = why;
    return false;
}

/* --- what was granted
 * ----------------------------------------------------------------------------------------- */
/* A role that is no longer there grants nothing. */
static bool add_grant(struct api_call *call, const struct store_assignment *assignment,
                      const roles *made, struct err *err)
{
    const struct role *role = role_find(assignment->role);
    for (size_t i = 0; !role && i < made->len; i++)
        if (str_eq_nocase(str_from(made->ptr[i].id), assignment->role))
            role = &made->ptr[i];
    if (!role)
        return true;
    struct grant *grant = vec_push(call->arena, &call->caller.grants);
    str scope = api_lower(call->arena, assignment->scope);
    if (!grant || !scope.ptr)
        return err_memory(err);
    while (str_ends(scope, STR("/")))
        scope.len--; /* the root is empty, and before everything */
    *grant = (struct grant){.scope = scope, .role = role};
    return true;
}

static bool load_grants(struct api_call *call, struct err *err)
{
    store_assignments assigned = {0};
    roles made = {0};
    if (!store_assignments_list(call->store, call->arena, call->caller.object_id, &assigned, err))
        return false;
    bool needs_made = false;
    for (size_t i = 0; i < assigned.len; i++)
        needs_made |= !role_find(assigned.ptr[i].role);
    if (needs_made && !roles_load(call, &made, err))
        return false;
    for (size_t i = 0; i < assigned.len; i++)
        if (!add_grant(call, &assigned.ptr[i], &made, err))
            return false;
    return true;
}

/* A principal that was deleted or disabled is out at once, whatever tokens it still has. */
static bool take_principal(struct api_call *call, str token, int64_t *expires_at, struct err *err)
{
    struct token_claims claims;
    struct store_principal principal;
    if (!read_token(call, token, &claims, err))
        return false;
    if (!store_principal_get(call->store, call->arena, claims.object_id, &principal, err))
        return err->kind == ERR_NOT_FOUND ? refuse_token(call, "InvalidAuthenticationToken",
                                                         "The principal is no longer there.", err)
                                          : false;
    if (principal.is_disabled)
        return refuse_token(call, "InvalidAuthenticationToken", "The principal is disabled.", err);
    call->caller.name = principal.name;
    call->caller.object_id = principal.object_id;
    call->caller.app_id = principal.app_id;
    *expires_at = claims.expires_at;
    return load_grants(call, err);
}

/* All that is learnt lies in memory of the entry, which outlives the request. */
static bool learn(struct api_call *call, str token, struct err *err)
{
    struct arena *of_request = call->arena, *kept = known_begin(call);
    int64_t expires_at = INT64_MAX;
    if (!kept)
        return err_memory(err);
    call->arena = kept;
    bool ok =
        is_own(token) ? take_own(call, token, err) : take_principal(call, token, &expires_at, err);
    call->arena = of_request;
    if (ok)
        known_keep(call, token, expires_at);
    return ok;
}

bool api_authenticate(struct api_call *call, struct err *err)
{
    str header = http_request_header(call->req, STR("Authorization")), scheme, token;
    str_cut_byte(header, ' ', &scheme, &token);
    token = str_trim(token);
    if (!str_eq_nocase(scheme, STR("Bearer")) || token.len == 0)
        return refuse_token(call, "AuthenticationFailed",
                            "Authentication failed. The 'Authorization' header is missing or is no "
                            "bearer token.",
                            err);
    bool is_known = false;
    return known_take(call, token, &is_known, err) && (is_known || learn(call, token, err));
}

/* --- may they
 * ------------------------------------------------------------------------------------------------
 */
bool api_is_below(str inner, str outer)
{
    return str_starts(inner, outer) &&
           (inner.len == outer.len || outer.len == 0 || inner.ptr[outer.len] == '/');
}

bool api_may(const struct api_call *call, str action, str scope)
{
    const struct api_caller *caller = &call->caller;
    if (caller->is_owner)
        return true;
    for (size_t i = 0; i < caller->grants.len; i++)
        if (api_is_below(scope, caller->grants.ptr[i].scope) &&
            role_allows(caller->grants.ptr[i].role, action))
            return true;
    return false;
}

bool api_may_below(const struct api_call *call, str action, str scope)
{
    const struct api_caller *caller = &call->caller;
    for (size_t i = 0; i < caller->grants.len; i++)
        if (api_is_below(caller->grants.ptr[i].scope, scope) &&
            (!action.len || role_allows(caller->grants.ptr[i].role, action)))
            return true;
    return false;
}

bool api_sees(const struct api_call *call, str scope)
{
    const struct api_caller *caller = &call->caller;
    if (caller->is_owner)
        return true;
    for (size_t i = 0; i < caller->grants.len; i++)
        if (api_is_below(scope, caller->grants.ptr[i].scope))
            return true;
    return api_may_below(call, STR_NONE, scope);
}

/* "/subscriptions/s" of a lower-case scope; empty when it is of none. */
str api_subscription_path(str scope)
{
    str head = STR("/subscriptions/");
    if (!str_eq_nocase(str_slice(scope, 0, head.len), head))
        return STR_NONE;
    str id = str_skip(scope, head.len);
    return str_slice(scope, 0, head.len + str_find_byte(id, '/'));
}

static bool refuse_access(struct api_call *call, str action, str scope, struct err *err)
{
    str subscription = api_subscription_path(scope);
    if (subscription.len && !api_sees(call, subscription))
        return api_refuse(call, err, 404, "SubscriptionNotFound",
                          "The subscription '" STR_FMT "' could not be found.",
                          STR_ARG(str_skip(subscription, 15)));
    return api_refuse(call, err, 403, "AuthorizationFailed",
                      "The client '" STR_FMT "' with object id '" STR_FMT
                      "' does not have authorization to perform action '" STR_FMT
                      "' over scope '" STR_FMT "' or the scope is invalid.",
                      STR_ARG(call->caller.app_id), STR_ARG(call->caller.object_id),
                      STR_ARG(action), STR_ARG(scope.len ? scope : STR("/")));
}

/* Of what the request speaks, in lower case; empty: of the whole server. */
static bool scope_of(struct api_call *call, const struct api_op *op, str *scope, struct err *err)
{
    struct store_registry registry;
    str path = STR("");
    if (op->where == WHERE_PATH && !http_url_unescape(call->arena, call->req->path, &path))
        return err_memory(err);
    if (op->where == WHERE_REGISTRY) {
        struct err why = {0};
        bool is_there =
            store_registry_get(call->store, call->arena, call->req->params[0], &registry, &why);
        if (!is_there && why.kind != ERR_NOT_FOUND) {
            *err = why;
            return false;
        }
        if (is_there)
            path = store_registry_arm_id(call->arena, &registry);
    }
    *scope = api_lower(call->arena, path);
    return scope->ptr ? true : err_memory(err);
}

/* What a list is of: the path before its last "/providers/". */
static str before_provider(str scope)
{
    str mark = STR("/providers/");
    size_t end = scope.len, at;
    for (size_t from = 0; (at = str_find(str_skip(scope, from), mark)) < scope.len - from;
         from += at + mark.len)
        end = from + at;
    return str_slice(scope, 0, end);
}

bool api_authorise(struct api_call *call, const struct api_op *op, struct err *err)
{
    str scope, action = str_from(op->action ? op->action : "");
    if (!action.len || call->caller.is_owner)
        return true;
    if (!scope_of(call, op, &scope, err))
        return false;
    call->action = action;
    if (api_may(call, action, scope))
        return true;
    if (op->is_list) {
        str below = op->where == WHERE_PATH ? before_provider(scope) : scope;
        if (api_may_below(call, action, below))
            return true;
        scope = below;
    }
    return refuse_access(call, action, scope, err);
}

/* --- the part of a list that may be seen
 * ------------------------------------------------------------------------ */
bool api_within(struct api_call *call, str scope, struct store_scope *out, struct err *err)
{
    VEC(struct store_scope) parts = {0};
    if (call->caller.is_owner || !call->action.len || api_may(call, call->action, scope))
        return true;
    for (size_t i = 0; i < call->caller.grants.len; i++) {
        const struct grant *grant = &call->caller.grants.ptr[i];
        struct store_scope one;
        if (!api_is_below(grant->scope, scope) || !role_allows(grant->role, call->action) ||
            !api_scope_parse(str_skip(grant->scope, 1), &one))
            continue;
        struct store_scope *kept = vec_push(call->arena, &parts);
        if (!kept)
            return err_memory(err);
        *kept = one;
    }
    out->is_limited = true;
    out->within = parts.ptr;
    out->n_within = parts.len;
    return true;
}
