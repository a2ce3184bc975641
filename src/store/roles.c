/* SPDX-License-Identifier: Apache-2.0 */
/* Who has which role where, and the roles that somebody made.  What a role allows is the API's. */
#include "store/internal.h"
#include "store/principals.h"

/* ARM ids compare without case, and "/subscriptions/S/" is "/subscriptions/S". */
static bool folded(str scope, struct sb *out, struct err *err)
{
    sb_init(out, LIMIT(PATH));
    while (scope.len > 1 && str_ends(scope, STR("/")))
        scope.len--;
    for (size_t i = 0; i < scope.len; i++) {
        char c = scope.ptr[i];
        sb_byte(out, (uint8_t)(c >= 'A' && c <= 'Z' ? c | 0x20 : c));
    }
    return sb_ok(out, err);
}

/* --- assignments
 * ------------------------------------------------------------------------------------------------
 */
#define ASSIGNMENT_COLUMNS                                                                         \
    "name, scope, role, principal, principal_type, description, created_at, updated_at,"           \
    " created_by, updated_by"

static bool assignment_read(struct rows *rows, struct arena *arena, struct store_assignment *out,
                            struct err *err)
{
    *out = (struct store_assignment){.name = row_dup(rows, 0, arena),
                                     .scope = row_dup(rows, 1, arena),
                                     .role = row_dup(rows, 2, arena),
                                     .principal = row_dup(rows, 3, arena),
                                     .principal_type = row_dup(rows, 4, arena),
                                     .description = row_dup(rows, 5, arena),
                                     .created_at = row_int(rows, 6),
                                     .updated_at = row_int(rows, 7),
                                     .created_by = row_dup(rows, 8, arena),
                                     .updated_by = row_dup(rows, 9, arena)};
    return out->name.ptr && out->scope.ptr && out->role.ptr && out->principal.ptr &&
                   out->principal_type.ptr && out->description.ptr && out->created_by.ptr &&
                   out->updated_by.ptr
               ? true
               : err_memory(err);
}

static bool assignment_insert(struct store *store, const struct store_assignment *a, str scope,
                              int64_t now, struct err *err)
{
    return db_run(store, err,
                  "INSERT INTO role_assignments (name, scope, folded, role, principal,"
                  " principal_type, description, created_at, updated_at, created_by, updated_by)"
                  " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9, $9) ON CONFLICT DO NOTHING",
                  vt(a->name), vt(a->scope), vt(scope), vt(a->role), vt(a->principal),
                  vt(a->principal_type), vt(a->description), vi(now), vt(a->created_by));
}

/* The same assignment under its own name may be described anew; anything else is taken. */
static bool assignment_update(struct store *store, const struct store_assignment *a, str scope,
                              int64_t now, struct err *err)
{
    if (!db_run(store, err,
                "UPDATE role_assignments SET description = $1, updated_at = $2, updated_by = $3"
                " WHERE name = $4 AND folded = $5 AND role = $6 AND principal = $7",
                vt(a->description), vi(now), vt(a->created_by), vt(a->name), vt(scope), vt(a->role),
                vt(a->principal)))
        return false;
    return db_changes(store) > 0 ? true
                                 : err_set(err, ERR_CONFLICT, "the role assignment exists already");
}

static bool assignment_put(struct store *store, const struct store_assignment *assignment,
                           str scope, int64_t now, bool *is_new, struct err *err)
{
    *is_new = false;
    if (!assignment_insert(store, assignment, scope, now, err))
        return false;
    *is_new = db_changes(store) > 0;
    return *is_new ? access_note(store, err)
                   : assignment_update(store, assignment, scope, now, err);
}

bool store_assignment_put(struct store *store, const struct store_assignment *assignment,
                          int64_t now, bool *is_new, struct err *err)
{
    auto_sb scope;
    return folded(assignment->scope, &scope, err) &&
           TX_WRITTEN(store, err,
                      assignment_put(store, assignment, sb_str(&scope), now, is_new, err));
}

bool store_assignment_get(struct store *store, struct arena *arena, str name,
                          struct store_assignment *out, struct err *err)
{
    auto_rows rows = {0};
    if (!db_query(store, &rows, err,
                  "SELECT " ASSIGNMENT_COLUMNS " FROM role_assignments WHERE name = $1", vt(name)))
        return false;
    enum next next = rows_next(&rows, err);
    if (next == NEXT_END)
        return err_set(err, ERR_NOT_FOUND, "role assignment " STR_FMT ": not known", STR_ARG(name));
    return next == NEXT_ITEM && assignment_read(&rows, arena, out, err);
}

bool store_assignments_list(struct store *store, struct arena *arena, str principal,
                            store_assignments *out, struct err *err)
{
    auto_rows rows = {0};
    enum next next;
    bool is_asked =
        principal.len
            ? db_query(store, &rows, err,
                       "SELECT " ASSIGNMENT_COLUMNS
                       " FROM role_assignments WHERE principal = $1 ORDER BY name",
                       vt(principal))
            : db_query(store, &rows, err,
                       "SELECT " ASSIGNMENT_COLUMNS " FROM role_assignments ORDER BY name");
    if (!is_asked)
        return false;
    while ((next = rows_next(&rows, err)) == NEXT_ITEM) {
        struct store_assignment *one = vec_push(arena, out);
        if (!one || !assignment_read(&rows, arena, one, err))
            return err_memory(err);
    }
    return next == NEXT_END;
}

static bool assignment_forget(struct store *store, str name, struct err *err)
{
    return access_note(store, err) &&
           db_run(store, err, "DELETE FROM role_assignments WHERE name = $1", vt(name));
}

bool store_assignment_delete(struct store *store, str name, struct err *err)
{
    return TX_WRITTEN(store, err, assignment_forget(store, name, err));
}

/* --- roles that somebody made
 * ------------------------------------------------------------------------------------ */
static bool role_put(struct store *store, const struct store_role *role, int64_t now,
                     struct err *err)
{
    return access_note(store, err) &&
           db_run(store, err,
                  "INSERT INTO role_definitions (name, role_name, description, permissions, scopes,"
                  " created_at, updated_at, created_by, updated_by)"
                  " VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $7) ON CONFLICT (name) DO UPDATE SET"
                  " role_name = excluded.role_name, description = excluded.description,"
                  " permissions = excluded.permissions, scopes = excluded.scopes,"
                  " updated_at = excluded.updated_at, updated_by = excluded.updated_by",
                  vt(role->name), vt(role->role_name), vt(role->description), vt(role->permissions),
                  vt(role->scopes), vi(now), vt(role->created_by));
}

bool store_role_put(struct store *store, const struct store_role *role, int64_t now,
                    struct err *err)
{
    return TX_WRITTEN(store, err, role_put(store, role, now, err));
}

static bool role_read(struct rows *rows, struct arena *arena, struct store_role *out,
                      struct err *err)
{
    *out = (struct store_role){.name = row_dup(rows, 0, arena),
                               .role_name = row_dup(rows, 1, arena),
                               .description = row_dup(rows, 2, arena),
                               .permissions = row_dup(rows, 3, arena),
                               .scopes = row_dup(rows, 4, arena),
                               .created_at = row_int(rows, 5),
                               .updated_at = row_int(rows, 6),
                               .created_by = row_dup(rows, 7, arena),
                               .updated_by = row_dup(rows, 8, arena)};
    return out->name.ptr && out->role_name.ptr && out->description.ptr && out->permissions.ptr &&
                   out->scopes.ptr && out->created_by.ptr && out->updated_by.ptr
               ? true
               : err_memory(err);
}

bool store_roles_list(struct store *store, struct arena *arena, store_roles *out, struct err *err)
{
    auto_rows rows = {0};
    enum next next;
    if (!db_query(store, &rows, err,
                  "SELECT name, role_name, description, permissions, scopes, created_at,"
                  " updated_at, created_by, updated_by FROM role_definitions ORDER BY name"))
        return false;
    while ((next = rows_next(&rows, err)) == NEXT_ITEM) {
        struct store_role *one = vec_push(arena, out);
        if (!one || !role_read(&rows, arena, one, err))
            return err_memory(err);
    }
    return next == NEXT_END;
}

static bool role_forget(struct store *store, str name, struct err *err)
{
    int64_t n = 0;
    if (!db_int(store, 0, &n, err, "SELECT COUNT(*) FROM role_assignments WHERE role = $1",
                vt(name)))
        return false;
    if (n)
        return err_set(err, ERR_CONFLICT, "the role is assigned %lld times", (long long)n);
    return access_note(store, err) &&
           db_run(store, err, "DELETE FROM role_definitions WHERE name = $1", vt(name));
}

bool store_role_delete(struct store *store, str name, struct err *err)
{
    return TX_DONE_ALONE(store, err, role_forget(store, name, err));
}
