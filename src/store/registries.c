/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "store/internal.h"

#define REGISTRY_COLUMNS                                                                           \
    "id, subscription, resource_group, name, host, is_plain_http, created_at, properties, is_made"

static bool registry_read(struct rows *rows, struct arena *arena, struct store_registry *out,
                          struct err *err)
{
    *out = (struct store_registry){
        .id = row_int(rows, 0),
        .subscription = row_dup(rows, 1, arena),
        .resource_group = row_dup(rows, 2, arena),
        .name = row_dup(rows, 3, arena),
        .host = row_dup(rows, 4, arena),
        .is_plain_http = row_int(rows, 5) != 0,
        .created_at = row_int(rows, 6),
        .properties = row_dup(rows, 7, arena),
        .is_made = row_int(rows, 8) != 0,
    };
    return out->subscription.ptr && out->resource_group.ptr && out->name.ptr && out->host.ptr &&
                   out->properties.ptr
               ? true
               : err_memory(err);
}

str store_registry_arm_id(struct arena *arena, const struct store_registry *registry)
{
    return ARENA_JOIN(arena, STR("/subscriptions/"), registry->subscription,
                      STR("/resourceGroups/"), registry->resource_group,
                      STR("/providers/Microsoft.ContainerRegistry/registries/"), registry->name);
}

static char fold(char c) { return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c; }

static bool folded(str name, struct sb *out, struct err *err)
{
    sb_init(out, LIMIT(PATH));
    for (size_t i = 0; i < name.len; i++)
        sb_byte(out, (uint8_t)fold(name.ptr[i]));
    return sb_ok(out, err);
}

static bool registry_find(struct store *store, struct arena *arena, str name,
                          struct store_registry *out, bool *is_found, struct err *err)
{
    auto_sb key;
    auto_rows rows = {0};
    if (!folded(name, &key, err) ||
        !db_query(store, &rows, err,
                  "SELECT " REGISTRY_COLUMNS " FROM registries WHERE folded = $1",
                  vt(sb_str(&key))))
        return false;
    enum next next = rows_next(&rows, err);
    *is_found = next == NEXT_ITEM;
    return next == NEXT_ERR ? false : next == NEXT_END || registry_read(&rows, arena, out, err);
}

bool store_registry_get(struct store *store, struct arena *arena, str name,
                        struct store_registry *out, struct err *err)
{
    bool is_found = false;
    if (!registry_find(store, arena, name, out, &is_found, err))
        return false;
    return is_found ? true
                    : err_set(err, ERR_NOT_FOUND, "registry " STR_FMT ": not known", STR_ARG(name));
}

static bool insert(struct store *store, const struct store_registry *r, int64_t now,
                   struct err *err)
{
    auto_sb key;
    return folded(r->name, &key, err) &&
           db_run(store, err,
                  "INSERT INTO registries (subscription, resource_group, name, folded, host,"
                  " is_plain_http, created_at, properties, is_made)"
                  " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                  vt(r->subscription), vt(r->resource_group), vt(r->name), vt(sb_str(&key)),
                  vt(r->host), vi(r->is_plain_http), vi(now), vt(r->properties), vi(r->is_made));
}

/* Finding names are made of the three names: a silent move would rename every finding. */
static bool update(struct store *store, const struct store_registry *r,
                   const struct store_registry *old, struct err *err)
{
    if (!str_eq_nocase(r->subscription, old->subscription) ||
        !str_eq_nocase(r->resource_group, old->resource_group))
        return err_set(err, ERR_CONFLICT,
                       "registry " STR_FMT " is already kept under subscription " STR_FMT
                       ", group " STR_FMT "; give this one another name",
                       STR_ARG(r->name), STR_ARG(old->subscription), STR_ARG(old->resource_group));
    return db_run(
        store, err,
        "UPDATE registries SET host = $1, is_plain_http = $2, properties = $3, is_made = $4"
        " WHERE id = $5",
        vt(r->host), vi(r->is_plain_http), vt(r->properties.len ? r->properties : old->properties),
        vi(r->is_made), vi(old->id));
}

static bool put(struct store *store, struct arena *arena, struct store_registry *registry,
                int64_t now, struct err *err)
{
    struct store_registry old;
    bool is_found = false;
    if (!registry_find(store, arena, registry->name, &old, &is_found, err))
        return false;
    if (is_found ? !update(store, registry, &old, err) : !insert(store, registry, now, err))
        return false;
    if (!is_found && !registry_find(store, arena, registry->name, &old, &is_found, err))
        return false;
    registry->id = old.id;
    registry->created_at = old.created_at;
    return true;
}

bool store_registry_put(struct store *store, struct store_registry *registry, int64_t now,
                        struct err *err)
{
    struct arena arena;
    arena_init(&arena, MIB);
    /* alone: servers that start together write the same ones */
    bool ok = TX_DONE_ALONE(store, err, put(store, &arena, registry, now, err));
    arena_fini(&arena);
    return ok;
}

bool registry_lock(struct store *store, int64_t registry_id, struct err *err)
{
    int64_t id = 0;
    return db_int(store, 0, &id, err, "SELECT id FROM registries WHERE id = $1{for update}",
                  vi(registry_id));
}

static bool is_of(const struct store_scope *scope, const struct store_registry *registry)
{
    return (!scope->subscription.len ||
            str_eq_nocase(scope->subscription, registry->subscription)) &&
           (!scope->resource_group.len ||
            str_eq_nocase(scope->resource_group, registry->resource_group)) &&
           (!scope->registry.len || str_eq_nocase(scope->registry, registry->name));
}

bool scope_has(const struct store_scope *scope, const struct store_registry *registry)
{
    if (!scope)
        return true;
    bool is_seen = !scope->is_limited;
    for (size_t i = 0; !is_seen && i < scope->n_within; i++)
        is_seen = is_of(&scope->within[i], registry);
    return is_seen && is_of(scope, registry);
}

bool scope_registries(struct store *store, struct arena *arena, const struct store_scope *scope,
                      store_registries *out, struct err *err)
{
    auto_rows rows = {0};
    if (!db_query(store, &rows, err,
                  "SELECT " REGISTRY_COLUMNS " FROM registries WHERE removed_at = 0 ORDER BY id"))
        return false;
    enum next next;
    while ((next = rows_next(&rows, err)) == NEXT_ITEM) {
        struct store_registry one, *kept;
        if (!registry_read(&rows, arena, &one, err))
            return false;
        if (!scope_has(scope, &one))
            continue;
        if (!(kept = vec_push(arena, out)))
            return err_memory(err);
        *kept = one;
    }
    return next == NEXT_END;
}

bool store_registries_list(struct store *store, struct arena *arena,
                           const struct store_scope *scope, store_registries *out, struct err *err)
{
    return scope_registries(store, arena, scope, out, err);
}

/* --- paging
 * ------------------------------------------------------------------------------------------ */
size_t page_limit(const struct store_page *page)
{
    size_t limit = page && page->limit ? page->limit : 100;
    return limit < STORE_PAGE_MAX ? limit : STORE_PAGE_MAX;
}

bool cursor_parse(str after, int64_t *numbers, size_t n, str *text, struct err *err)
{
    str rest = after, field;
    for (size_t i = 0; i < n; i++) {
        uint64_t value = 0;
        bool is_last = i + 1 == n && !text;
        if (!str_cut_byte(rest, '.', &field, &rest) && !is_last)
            return err_set(err, ERR_FORMAT, "the page's continuation is none of ours");
        if (!str_to_u64(field, INT64_MAX, &value) || (is_last && rest.len))
            return err_set(err, ERR_FORMAT, "the page's continuation is none of ours");
        numbers[i] = (int64_t)value;
    }
    if (text)
        *text = rest;
    return true;
}
