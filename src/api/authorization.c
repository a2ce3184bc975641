/* SPDX-License-Identifier: Apache-2.0 */
/* authorization.c - Microsoft.Authorization: role definitions, role assignments, permissions. */
#include "api/internal.h"

#include "base/clock.h"
#include "base/num.h"

#define PROVIDER "/providers/Microsoft.Authorization/"

/* The scope before "/providers/Microsoft.Authorization": "" of the server, else "/subscriptions/…".
 */
static str scope_of(const struct api_call *call, bool has_scope)
{
    return has_scope ? arena_printf(call->arena, "/" STR_FMT, STR_ARG(call->req->params[0]))
                     : STR("");
}

/* Roles are compared by the UUID that ends their id. */
static str last_segment(str id) { return str_skip(id, str_rfind_byte(id, '/') + 1); }
static str segment(str id) { return str_find_byte(id, '/') < id.len ? last_segment(id) : id; }

/* --- definitions
 * --------------------------------------------------------------------------------------------- */
static void write_actions(struct jw *jw, const char *key, const char *const *actions)
{
    jw_key(jw, key);
    jw_arr(jw);
    for (; *actions; actions++)
        jw_str(jw, str_from(*actions));
    jw_arr_end(jw);
}

static void write_permissions(struct jw *jw, const struct role *role)
{
    static const char *const nothing[] = {NULL};
    jw_obj(jw);
    write_actions(jw, "actions", role->actions);
    write_actions(jw, "notActions", role->not_actions);
    write_actions(jw, "dataActions", role->data_actions);
    write_actions(jw, "notDataActions", nothing);
    jw_obj_end(jw);
}

/* Stored as the JSON that was checked when it came. */
static bool write_scopes(struct api_call *call, const struct role *role, struct err *err)
{
    json_t *scopes = NULL;
    jw_key(&call->jw, "assignableScopes");
    if (role->made && !json_read(role->made->scopes, &scopes, err))
        return false;
    jw_arr(&call->jw);
    if (!role->made)
        jw_str(&call->jw, STR("/"));
    for (size_t i = 0; i < json_array_size(scopes); i++)
        jw_str(&call->jw, json_str_of(json_array_get(scopes, i)));
    jw_arr_end(&call->jw);
    json_decref(scopes);
    return true;
}

static bool write_role(struct api_call *call, const struct role *role, str scope, struct err *err)
{
    struct jw *jw = &call->jw;
    str id =
        arena_printf(call->arena, STR_FMT PROVIDER "roleDefinitions/%s", STR_ARG(scope), role->id);
    if (!id.ptr)
        return err_memory(err);
    jw_obj(jw);
    jw_kstr(jw, "id", id);
    jw_kstr(jw, "type", STR("Microsoft.Authorization/roleDefinitions"));
    jw_kstr(jw, "name", str_from(role->id));
    jw_key(jw, "properties");
    jw_obj(jw);
    jw_kstr(jw, "roleName", str_from(role->name));
    jw_kstr(jw, "type", role->made ? STR("CustomRole") : STR("BuiltInRole"));
    jw_kstr(jw, "description", str_from(role->description));
    if (!write_scopes(call, role, err))
        return false;
    jw_key(jw, "permissions");
    jw_arr(jw);
    write_permissions(jw, role);
    jw_arr_end(jw);
    if (role->made) {
        api_write_time(jw, "createdOn", role->made->created_at);
        api_write_time(jw, "updatedOn", role->made->updated_at);
        jw_kstr(jw, "createdBy", role->made->created_by);
        jw_kstr(jw, "updatedBy", role->made->updated_by);
    }
    jw_obj_end(jw);
    jw_obj_end(jw);
    return true;
}

static bool is_asked(const struct role *role, const filter_terms *terms)
{
    str name = filter_get(terms, STR("roleName")), type = filter_get(terms, STR("type"));
    return (!name.ptr || str_eq_nocase(name, str_from(role->name))) &&
           (!type.ptr || str_eq_nocase(type, role->made ? STR("CustomRole") : STR("BuiltInRole")));
}

/* A role that somebody made names scopes, and is shown to who sees one of them. */
static bool is_shown(struct api_call *call, const struct role *role)
{
    auto_json *list = NULL;
    struct err none = {0};
    bool is_seen = !role->made;
    if (!is_seen && !json_read(role->made->scopes, &list, &none))
        return false;
    for (size_t i = 0; !is_seen && i < json_array_size(list); i++) {
        str scope = api_lower(call->arena, json_str_of(json_array_get(list, i)));
        while (str_ends(scope, STR("/")))
            scope.len--;
        is_seen = scope.ptr && api_sees(call, scope);
    }
    return is_seen;
}

static bool write_roles(struct api_call *call, const filter_terms *terms, const roles *made,
                        str scope, struct err *err)
{
    const struct role *role;
    for (size_t i = 0; (role = role_at(i)); i++)
        if (is_asked(role, terms) && !write_role(call, role, scope, err))
            return false;
    for (size_t i = 0; i < made->len; i++)
        if (is_asked(&made->ptr[i], terms) && is_shown(call, &made->ptr[i]) &&
            !write_role(call, &made->ptr[i], scope, err))
            return false;
    return true;
}

static bool list_roles(struct api_call *call, bool has_scope, struct err *err)
{
    static const char *const names[] = {"roleName", "type", "atScopeAndBelow()", "atScope()", NULL};
    filter_terms terms = {0};
    roles made = {0};
    if (!api_filter(call, names, &terms, err) || !roles_load(call, &made, err))
        return false;
    jw_obj(&call->jw);
    jw_key(&call->jw, "value");
    jw_arr(&call->jw);
    if (!write_roles(call, &terms, &made, scope_of(call, has_scope), err))
        return false;
    jw_arr_end(&call->jw);
    jw_obj_end(&call->jw);
    return api_done(call, 200, err);
}
static bool list_roles_of_scope(struct api_call *call, struct err *err)
{
    return list_roles(call, true, err);
}
static bool list_roles_of_server(struct api_call *call, struct err *err)
{
    return list_roles(call, false, err);
}

/* Built in or made; NULL with *err untouched when there is none. */
static bool find_role(struct api_call *call, str id, const struct role **out, struct err *err)
{
    roles made = {0};
    if ((*out = role_find(id)))
        return true;
    if (!roles_load(call, &made, err))
        return false;
    for (size_t i = 0; i < made.len; i++)
        if (str_eq_nocase(str_from(made.ptr[i].id), id))
            *out = &made.ptr[i];
    return true;
}

static bool refuse_role(struct api_call *call, str id, struct err *err)
{
    return api_refuse(call, err, 404, "RoleDefinitionDoesNotExist",
                      "The specified role definition with ID '" STR_FMT "' does not exist.",
                      STR_ARG(id));
}

static bool show_role(struct api_call *call, str id, str scope, int status, struct err *err)
{
    const struct role *role = NULL;
    if (!find_role(call, id, &role, err))
        return false;
    if (!role || !is_shown(call, role))
        return refuse_role(call, id, err);
    return write_role(call, role, scope, err) && api_done(call, status, err);
}
static bool get_role_of_scope(struct api_call *call, struct err *err)
{
    return show_role(call, call->req->params[1], scope_of(call, true), 200, err);
}
static bool get_role_of_server(struct api_call *call, struct err *err)
{
    return show_role(call, call->req->params[0], STR(""), 200, err);
}

static bool is_scope_list(const json_t *scopes)
{
    for (size_t i = 0; i < json_array_size(scopes); i++)
        if (!str_starts(json_str_of(json_array_get(scopes, i)), STR("/")))
            return false;
    return json_array_size(scopes) > 0;
}

static str dump(struct arena *arena, const json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT);
    str out = text ? arena_dup(arena, str_from(text)) : STR_NONE;
    free(text);
    return out;
}

static bool read_role(struct api_call *call, const json_t *body, struct store_role *out,
                      struct err *err)
{
    const json_t *properties = json_obj(body, "properties");
    const json_t *permissions = json_arr(properties, "permissions");
    const json_t *scopes = json_arr(properties, "assignableScopes");
    struct role checked;
    *out = (struct store_role){
        .name = api_lower(call->arena, call->req->params[1]),
        .role_name = arena_dup(call->arena, json_str(properties, "roleName")),
        .description = arena_dup(call->arena, json_str(properties, "description")),
        .permissions = dump(call->arena, permissions),
        .scopes = dump(call->arena, scopes),
        .created_by = call->caller.object_id};
    if (!out->role_name.len || !role_read_permissions(call->arena, permissions, &checked) ||
        !is_scope_list(scopes))
        return api_refuse(call, err, 400, "InvalidRoleDefinition",
                          "A role needs properties.roleName, one object in permissions, and "
                          "assignableScopes that begin with '/'.");
    return out->name.ptr && out->permissions.ptr && out->scopes.ptr ? true : err_memory(err);
}

/* A role is one for all scopes that it may be assigned at, so whoever changes it needs the right at
 * each of them: else a right here would become one elsewhere.  @scopes: JSON of ours. */
static bool may_at_all(struct api_call *call, str scopes, struct err *err)
{
    auto_json *list = NULL;
    if (!json_read(scopes, &list, err))
        return false;
    for (size_t i = 0; i < json_array_size(list); i++) {
        str scope = api_lower(call->arena, json_str_of(json_array_get(list, i)));
        if (!scope.ptr)
            return err_memory(err);
        while (str_ends(scope, STR("/")))
            scope.len--;
        if (!api_may(call, call->action, scope))
            return api_refuse(call, err, 403, "AuthorizationFailed",
                              "The role may be assigned at '" STR_FMT
                              "/', where the client is not authorised to change it.",
                              STR_ARG(scope));
    }
    return true;
}

static bool put_role(struct api_call *call, struct err *err)
{
    const struct role *before = NULL;
    json_t *body = NULL;
    struct store_role role;
    str id = call->req->params[1];
    if (!api_is_uuid(id) || role_find(id))
        return api_refuse(call, err, 400, "InvalidRoleDefinitionId",
                          "'" STR_FMT "' is no UUID, or one of a role that is built in.",
                          STR_ARG(id));
    if (!find_role(call, id, &before, err) ||
        (before && !may_at_all(call, before->made->scopes, err)) || !api_body(call, &body, err))
        return false;
    bool ok = read_role(call, body, &role, err) && may_at_all(call, role.scopes, err) &&
              store_role_put(call->store, &role, clock_now_s(), err);
    json_decref(body);
    return ok && show_role(call, role.name, scope_of(call, true), 201, err);
}

static bool delete_role(struct api_call *call, struct err *err)
{
    str id = api_lower(call->arena, call->req->params[1]);
    const struct role *role = NULL;
    if (!id.ptr)
        return err_memory(err);
    if (role_find(id))
        return api_refuse(call, err, 400, "RoleDefinitionCannotBeDeleted",
                          "A role that is built in stays.");
    if (!find_role(call, id, &role, err))
        return false;
    if (!role)
        return api_done(call, 204, err);
    if (!may_at_all(call, role->made->scopes, err) ||
        !write_role(call, role, scope_of(call, true), err))
        return false;
    if (store_role_delete(call->store, id, err))
        return api_done(call, 200, err);
    return err->kind == ERR_CONFLICT
               ? api_refuse(call, err, 409, "RoleDefinitionHasAssignments",
                            "There are assignments of this role; delete them first.")
               : false;
}

/* --- assignments
 * --------------------------------------------------------------------------------------------- */
static bool write_assignment(struct api_call *call, const struct store_assignment *a,
                             struct err *err)
{
    struct jw *jw = &call->jw;
    str above = str_eq(a->scope, STR("/")) ? STR("") : a->scope;
    str id = arena_printf(call->arena, STR_FMT PROVIDER "roleAssignments/" STR_FMT, STR_ARG(above),
                          STR_ARG(a->name));
    str role = arena_printf(call->arena, STR_FMT PROVIDER "roleDefinitions/" STR_FMT,
                            STR_ARG(api_subscription_path(above)), STR_ARG(a->role));
    if (!id.ptr || !role.ptr)
        return err_memory(err);
    jw_obj(jw);
    jw_kstr(jw, "id", id);
    jw_kstr(jw, "type", STR("Microsoft.Authorization/roleAssignments"));
    jw_kstr(jw, "name", a->name);
    jw_key(jw, "properties");
    jw_obj(jw);
    jw_kstr(jw, "roleDefinitionId", role);
    jw_kstr(jw, "principalId", a->principal);
    jw_kstr(jw, "principalType", a->principal_type);
    jw_kstr(jw, "scope", a->scope);
    jw_key(jw, "condition");
    jw_null(jw);
    jw_key(jw, "conditionVersion");
    jw_null(jw);
    api_write_time(jw, "createdOn", a->created_at);
    api_write_time(jw, "updatedOn", a->updated_at);
    jw_kstr(jw, "createdBy", a->created_by);
    jw_kstr(jw, "updatedBy", a->updated_by);
    jw_key(jw, "delegatedManagedIdentityResourceId");
    jw_null(jw);
    jw_key(jw, "description");
    if (a->description.len)
        jw_str(jw, a->description);
    else
        jw_null(jw);
    jw_obj_end(jw);
    jw_obj_end(jw);
    return true;
}

/* At the scope and above; without atScope() below it too, as ARM does. */
static bool is_listed(struct api_call *call, const struct store_assignment *a,
                      const filter_terms *terms, str scope)
{
    str at = api_lower(call->arena, a->scope), wanted = api_lower(call->arena, scope);
    str principal = filter_get(terms, STR("principalId"));
    if (!principal.ptr)
        principal = filter_get(terms, STR("assignedTo"));
    if (principal.ptr && !str_eq_nocase(principal, a->principal))
        return false;
    while (str_ends(at, STR("/")))
        at.len--;
    return api_is_below(wanted, at) ||
           (!filter_get(terms, STR("atScope")).ptr && api_is_below(at, wanted));
}

static bool list_assignments(struct api_call *call, bool has_scope, struct err *err)
{
    static const char *const names[] = {"atScope()", "principalId", "assignedTo()", NULL};
    filter_terms terms = {0};
    store_assignments found = {0};
    str scope = scope_of(call, has_scope);
    if (!api_filter(call, names, &terms, err) ||
        !store_assignments_list(call->store, call->arena, STR(""), &found, err))
        return false;
    jw_obj(&call->jw);
    jw_key(&call->jw, "value");
    jw_arr(&call->jw);
    for (size_t i = 0; i < found.len; i++)
        if (is_listed(call, &found.ptr[i], &terms, scope) &&
            !write_assignment(call, &found.ptr[i], err))
            return false;
    jw_arr_end(&call->jw);
    jw_obj_end(&call->jw);
    return api_done(call, 200, err);
}
static bool list_assignments_of_scope(struct api_call *call, struct err *err)
{
    return list_assignments(call, true, err);
}
static bool list_assignments_of_server(struct api_call *call, struct err *err)
{
    return list_assignments(call, false, err);
}

/* The scope in the path is part of its identity: an assignment of elsewhere is not there. */
static bool find_assignment(struct api_call *call, str scope, str name,
                            struct store_assignment *out, bool *is_there, struct err *err)
{
    str id = api_lower(call->arena, name);
    if (!id.ptr)
        return err_memory(err);
    *is_there = store_assignment_get(call->store, call->arena, id, out, err) &&
                str_eq_nocase(str_eq(out->scope, STR("/")) ? STR("") : out->scope, scope);
    if (*is_there || err->kind == ERR_NOT_FOUND || err->kind == ERR_NONE) {
        *err = (struct err){0};
        return true;
    }
    return false;
}

static bool show_assignment(struct api_call *call, str scope, str name, struct err *err)
{
    struct store_assignment found = {0};
    bool is_there = false;
    if (!find_assignment(call, scope, name, &found, &is_there, err))
        return false;
    if (!is_there)
        return api_refuse(call, err, 404, "RoleAssignmentNotFound",
                          "The role assignment '" STR_FMT "' is not found.", STR_ARG(name));
    return write_assignment(call, &found, err) && api_done(call, 200, err);
}
static bool get_assignment_of_scope(struct api_call *call, struct err *err)
{
    return show_assignment(call, scope_of(call, true), call->req->params[1], err);
}
static bool get_assignment_of_server(struct api_call *call, struct err *err)
{
    return show_assignment(call, STR(""), call->req->params[0], err);
}

static bool check_principal(struct api_call *call, const struct store_assignment *a,
                            struct err *err)
{
    struct store_principal principal;
    if (store_principal_get(call->store, call->arena, a->principal, &principal, err))
        return true;
    return err->kind == ERR_NOT_FOUND
               ? api_refuse(call, err, 400, "PrincipalNotFound",
                            "Principal " STR_FMT " does not exist in the directory.",
                            STR_ARG(a->principal))
               : false;
}

static bool read_assignment(struct api_call *call, const json_t *body, str scope, str name,
                            struct store_assignment *out, struct err *err)
{
    const json_t *properties = json_obj(body, "properties");
    const struct role *role = NULL;
    str type = json_str(properties, "principalType");
    *out = (struct store_assignment){
        .name = api_lower(call->arena, name),
        .scope = scope.len ? scope : STR("/"),
        .role = api_lower(call->arena, segment(json_str(properties, "roleDefinitionId"))),
        .principal = api_lower(call->arena, json_str(properties, "principalId")),
        .principal_type = type.len ? arena_dup(call->arena, type) : STR("ServicePrincipal"),
        .description = arena_dup(call->arena, json_str(properties, "description")),
        .created_by = call->caller.object_id};
    if (!out->name.ptr || !out->role.ptr || !out->principal.ptr)
        return err_memory(err);
    if (json_str(properties, "condition").len)
        return api_refuse(call, err, 400, "ConditionNotSupported",
                          "Conditions of role assignments are not supported here.");
    if (!find_role(call, out->role, &role, err))
        return false;
    if (!role)
        return api_refuse(call, err, 400, "RoleDefinitionDoesNotExist",
                          "The specified role definition with ID '" STR_FMT "' does not exist.",
                          STR_ARG(out->role));
    return check_principal(call, out, err);
}

static bool put_assignment(struct api_call *call, str scope, str name, struct err *err)
{
    json_t *body = NULL;
    struct store_assignment assignment;
    bool is_new = false;
    if (!api_is_uuid(name))
        return api_refuse(call, err, 400, "InvalidRoleAssignmentId",
                          "The role assignment's name '" STR_FMT "' is no UUID.", STR_ARG(name));
    if (!api_body(call, &body, err))
        return false;
    bool ok = read_assignment(call, body, scope, name, &assignment, err);
    json_decref(body);
    if (!ok)
        return false;
    if (!store_assignment_put(call->store, &assignment, clock_now_s(), &is_new, err))
        return err->kind == ERR_CONFLICT ? api_refuse(call, err, 409, "RoleAssignmentExists",
                                                      "The role assignment already exists.")
                                         : false;
    return store_assignment_get(call->store, call->arena, assignment.name, &assignment, err) &&
           write_assignment(call, &assignment, err) && api_done(call, is_new ? 201 : 200, err);
}
static bool put_assignment_of_scope(struct api_call *call, struct err *err)
{
    return put_assignment(call, scope_of(call, true), call->req->params[1], err);
}
static bool put_assignment_of_server(struct api_call *call, struct err *err)
{
    return put_assignment(call, STR(""), call->req->params[0], err);
}

static bool drop_assignment(struct api_call *call, str scope, str name, struct err *err)
{
    struct store_assignment found = {0};
    bool is_there = false;
    if (!find_assignment(call, scope, name, &found, &is_there, err))
        return false;
    if (!is_there)
        return api_done(call, 204, err);
    return write_assignment(call, &found, err) &&
           store_assignment_delete(call->store, found.name, err) && api_done(call, 200, err);
}
static bool delete_assignment_of_scope(struct api_call *call, struct err *err)
{
    return drop_assignment(call, scope_of(call, true), call->req->params[1], err);
}
static bool delete_assignment_of_server(struct api_call *call, struct err *err)
{
    return drop_assignment(call, STR(""), call->req->params[0], err);
}

/* --- what the caller may do here
 * ------------------------------------------------------------------------------- */
static bool list_permissions(struct api_call *call, struct err *err)
{
    str scope = api_lower(call->arena, scope_of(call, true));
    const struct api_caller *caller = &call->caller;
    if (!scope.ptr)
        return err_memory(err);
    jw_obj(&call->jw);
    jw_key(&call->jw, "value");
    jw_arr(&call->jw);
    if (caller->is_owner)
        write_permissions(&call->jw, role_at(0));
    for (size_t i = 0; i < caller->grants.len; i++)
        if (api_is_below(scope, caller->grants.ptr[i].scope))
            write_permissions(&call->jw, caller->grants.ptr[i].role);
    jw_arr_end(&call->jw);
    jw_obj_end(&call->jw);
    return api_done(call, 200, err);
}

#define AUTHORIZATION "Microsoft.Authorization/"
#define AT(...) API_OP(.is_arm = true, .where = WHERE_PATH, __VA_ARGS__)
static const struct http_route routes[] = {
    {"GET", "/{scope*}" PROVIDER "roleDefinitions", NULL,
     AT(.run = list_roles_of_scope, .action = AUTHORIZATION "roleDefinitions/read",
        .summary = "roles, built in and made", .is_list = true)},
    {"GET", PROVIDER "roleDefinitions", NULL,
     AT(.run = list_roles_of_server, .summary = "the same, for the whole server")},
    {"GET", "/{scope*}" PROVIDER "roleDefinitions/{role}", NULL,
     AT(.run = get_role_of_scope, .action = AUTHORIZATION "roleDefinitions/read",
        .summary = "one role")},
    {"GET", PROVIDER "roleDefinitions/{role}", NULL,
     AT(.run = get_role_of_server, .summary = "one role")},
    {"PUT", "/{scope*}" PROVIDER "roleDefinitions/{role}", NULL,
     AT(.run = put_role, .action = AUTHORIZATION "roleDefinitions/write",
        .summary = "make or change a role")},
    {"DELETE", "/{scope*}" PROVIDER "roleDefinitions/{role}", NULL,
     AT(.run = delete_role, .action = AUTHORIZATION "roleDefinitions/delete",
        .summary = "delete a role that was made")},
    {"GET", "/{scope*}" PROVIDER "roleAssignments", NULL,
     AT(.run = list_assignments_of_scope, .action = AUTHORIZATION "roleAssignments/read",
        .summary = "who has which role at a scope")},
    {"GET", PROVIDER "roleAssignments", NULL,
     API_OP(.run = list_assignments_of_server, .action = AUTHORIZATION "roleAssignments/read",
            .summary = "who has which role anywhere", .is_arm = true)},
    {"GET", "/{scope*}" PROVIDER "roleAssignments/{name}", NULL,
     AT(.run = get_assignment_of_scope, .action = AUTHORIZATION "roleAssignments/read",
        .summary = "one assignment")},
    {"GET", PROVIDER "roleAssignments/{name}", NULL,
     API_OP(.run = get_assignment_of_server, .action = AUTHORIZATION "roleAssignments/read",
            .summary = "one assignment for the whole server", .is_arm = true)},
    {"PUT", "/{scope*}" PROVIDER "roleAssignments/{name}", NULL,
     AT(.run = put_assignment_of_scope, .action = AUTHORIZATION "roleAssignments/write",
        .summary = "give a principal a role at a scope")},
    {"PUT", PROVIDER "roleAssignments/{name}", NULL,
     API_OP(.run = put_assignment_of_server, .action = AUTHORIZATION "roleAssignments/write",
            .summary = "give a principal a role everywhere", .is_arm = true)},
    {"DELETE", "/{scope*}" PROVIDER "roleAssignments/{name}", NULL,
     AT(.run = delete_assignment_of_scope, .action = AUTHORIZATION "roleAssignments/delete",
        .summary = "take a role away")},
    {"DELETE", PROVIDER "roleAssignments/{name}", NULL,
     API_OP(.run = delete_assignment_of_server, .action = AUTHORIZATION "roleAssignments/delete",
            .summary = "take a role away that was given everywhere", .is_arm = true)},
    {"GET", "/{scope*}" PROVIDER "permissions", NULL,
     AT(.run = list_permissions, .summary = "what the caller may do at a scope")},
};
API_RESOURCE(authorization, routes);
