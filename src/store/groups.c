/* SPDX-License-Identifier: Apache-2.0 */
/* Subscriptions and resource groups: those that somebody made, and those that a registry implies.
 */
#include "store/internal.h"
#include "store/principals.h"

static str folded(struct arena *arena, str text)
{
    char *out = arena_alloc(arena, text.len + 1);
    for (size_t i = 0; out && i < text.len; i++) {
        char c = text.ptr[i];
        out[i] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
    }
    return out ? str_of(out, text.len) : STR_NONE;
}

/* --- subscriptions
 * --------------------------------------------------------------------------------------------- */
/* A role's scope is "/subscriptions/UUID…": 15 bytes before the id of 36. */
bool store_subscriptions_list(struct store *store, struct arena *arena, store_subscriptions *out,
                              struct err *err)
{
    auto_rows rows = {0};
    enum next next;
    if (!db_query(store, &rows, err,
                  "SELECT k.id, COALESCE(s.name, k.id) FROM"
                  " (SELECT id FROM subscriptions"
                  "  UNION SELECT LOWER(subscription) FROM registries WHERE removed_at = 0"
                  "  UNION SELECT subscription FROM resource_groups"
                  "  UNION SELECT SUBSTR(folded, 16, 36) FROM role_assignments"
                  "   WHERE folded LIKE '/subscriptions/%') k"
                  " LEFT JOIN subscriptions s ON s.id = k.id ORDER BY k.id"))
        return false;
    while ((next = rows_next(&rows, err)) == NEXT_ITEM) {
        struct store_subscription *one = vec_push(arena, out);
        if (!one)
            return err_memory(err);
        *one = (struct store_subscription){.id = row_dup(&rows, 0, arena),
                                           .name = row_dup(&rows, 1, arena)};
        if (!one->id.ptr || !one->name.ptr)
            return err_memory(err);
    }
    return next == NEXT_END;
}

bool store_subscription_put(struct store *store, str id, str name, int64_t now, struct err *err)
{
    struct arena arena;
    arena_init(&arena, 64 * KIB);
    str key = folded(&arena, id);
    bool ok = key.ptr
                  ? db_run(store, err,
                           "INSERT INTO subscriptions (id, name, created_at) VALUES ($1, $2, $3)"
                           " ON CONFLICT (id) DO UPDATE SET name = excluded.name",
                           vt(key), vt(name), vi(now))
                  : err_memory(err);
    arena_fini(&arena);
    return ok;
}

/* --- groups
 * ------------------------------------------------------------------------------------------------
 */
static bool group_read(struct rows *rows, struct arena *arena, str subscription,
                       struct store_group *out, struct err *err)
{
    *out = (struct store_group){.subscription = subscription,
                                .name = row_dup(rows, 0, arena),
                                .location = row_dup(rows, 1, arena),
                                .tags = row_dup(rows, 2, arena),
                                .created_at = row_int(rows, 3)};
    return out->name.ptr && out->location.ptr && out->tags.ptr ? true : err_memory(err);
}

bool store_groups_list(struct store *store, struct arena *arena, str subscription,
                       store_groups *out, struct err *err)
{
    auto_rows rows = {0};
    str key = folded(arena, subscription);
    enum next next;
    if (!key.ptr)
        return err_memory(err);
    if (!db_query(store, &rows, err,
                  "SELECT name, location, tags, created_at, folded FROM resource_groups"
                  " WHERE subscription = $1"
                  " UNION ALL SELECT MIN(r.resource_group), '', '', MIN(r.created_at),"
                  "  LOWER(r.resource_group) FROM registries r WHERE r.removed_at = 0"
                  "  AND LOWER(r.subscription) = $1"
                  "  AND NOT EXISTS (SELECT 1 FROM resource_groups g WHERE g.subscription = $1"
                  "   AND g.folded = LOWER(r.resource_group)) GROUP BY LOWER(r.resource_group)"
                  " ORDER BY 5",
                  vt(key)))
        return false;
    while ((next = rows_next(&rows, err)) == NEXT_ITEM) {
        struct store_group *one = vec_push(arena, out);
        if (!one)
            return err_memory(err);
        if (!group_read(&rows, arena, key, one, err))
            return false;
    }
    return next == NEXT_END;
}

bool store_group_put(struct store *store, const struct store_group *group, int64_t now,
                     struct err *err)
{
    struct arena arena;
    arena_init(&arena, 64 * KIB);
    str subscription = folded(&arena, group->subscription), name = folded(&arena, group->name);
    bool ok =
        subscription.ptr && name.ptr
            ? db_run(store, err,
                     "INSERT INTO resource_groups (subscription, folded, name, location, tags,"
                     " created_at) VALUES ($1, $2, $3, $4, $5, $6)"
                     " ON CONFLICT (subscription, folded) DO UPDATE SET tags = excluded.tags",
                     vt(subscription), vt(name), vt(group->name), vt(group->location),
                     vt(group->tags), vi(now))
            : err_memory(err);
    arena_fini(&arena);
    return ok;
}

static bool group_drop(struct store *store, str subscription, str name, struct err *err)
{
    int64_t n = 0;
    if (!db_int(store, 0, &n, err,
                "SELECT COUNT(*) FROM registries WHERE removed_at = 0"
                " AND LOWER(subscription) = $1"
                " AND LOWER(resource_group) = $2",
                vt(subscription), vt(name)))
        return false;
    if (n)
        return err_set(err, ERR_CONFLICT, "the group has %lld registries", (long long)n);
    return db_run(store, err, "DELETE FROM resource_groups WHERE subscription = $1 AND folded = $2",
                  vt(subscription), vt(name));
}

bool store_group_delete(struct store *store, str subscription, str name, struct err *err)
{
    struct arena arena;
    arena_init(&arena, 64 * KIB);
    str key = folded(&arena, subscription), group = folded(&arena, name);
    bool ok = key.ptr && group.ptr ? TX_DONE_ALONE(store, err, group_drop(store, key, group, err))
                                   : err_memory(err);
    arena_fini(&arena);
    return ok;
}
