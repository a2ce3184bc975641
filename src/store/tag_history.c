/* SPDX-License-Identifier: Apache-2.0 */
/* tag_history.c - what tags named before, and those that are no longer there. */
#include "store/internal.h"

/* --- one tag
 * -----------------------------------------------------------------------------------------------
 */
static bool change_read(struct rows *rows, struct arena *arena, store_tag_changes *out,
                        struct err *err)
{
    struct store_tag_change *change = vec_push(arena, out);
    if (!change)
        return err_memory(err);
    *change = (struct store_tag_change){row_dup(rows, 1, arena), row_int(rows, 2)};
    return change->digest.ptr ? true : err_memory(err);
}

/* Events come in any order: the time counts, then the order in which they came. */
bool store_tag_history(struct store *store, struct arena *arena, int64_t registry_id,
                       str repository, str tag, const struct store_page *page,
                       store_tag_changes *out, str *next, struct err *err)
{
    auto_rows rows = {0};
    int64_t below[2] = {INT64_MAX, INT64_MAX}, at[2] = {0};
    size_t limit = page_limit(page);
    enum next step;
    *next = STR("");
    if ((page && page->after.len && !cursor_parse(page->after, below, 2, NULL, err)) ||
        !db_query(store, &rows, err,
                  "SELECT h.id, h.digest, h.at FROM tag_history h"
                  " JOIN repositories p ON p.id = h.repository_id"
                  " WHERE p.registry_id = $1 AND p.name = $2 AND h.name = $3"
                  " AND (h.at < $4 OR (h.at = $4 AND h.id < $5))"
                  " ORDER BY h.at DESC, h.id DESC LIMIT $6",
                  vi(registry_id), vt(repository), vt(tag), vi(below[0]), vi(below[1]),
                  vu(limit + 1)))
        return false;
    while ((step = rows_next(&rows, err)) == NEXT_ITEM) {
        if (out->len == limit) {
            *next = arena_printf(arena, "%lld.%lld", (long long)at[0], (long long)at[1]);
            return next->ptr ? true : err_memory(err);
        }
        at[0] = row_int(&rows, 2);
        at[1] = row_int(&rows, 0);
        if (!change_read(&rows, arena, out, err))
            return false;
    }
    return step == NEXT_END;
}

/* --- all of a registry
 * ------------------------------------------------------------------------------------ */
static bool tag_row_read(struct rows *rows, struct arena *arena, store_tag_rows *out,
                         struct err *err)
{
    struct store_tag_row *row = vec_push(arena, out);
    if (!row)
        return err_memory(err);
    *row = (struct store_tag_row){row_dup(rows, 1, arena), row_dup(rows, 2, arena),
                                  row_dup(rows, 3, arena), row_int(rows, 4)};
    return row->repository.ptr && row->name.ptr && row->digest.ptr ? true : err_memory(err);
}

#define TAGS_THERE                                                                                 \
    "SELECT p.id, p.name, t.name, i.digest, t.set_at FROM repositories p"                          \
    " JOIN tags t ON t.repository_id = p.id JOIN images i ON i.id = t.image_id"                    \
    " WHERE p.registry_id = $1 AND ($2 = '' OR p.name = $2)"                                       \
    " AND (p.id > $3 OR (p.id = $3 AND t.name > $4))"
#define TAGS_GONE                                                                                  \
    "SELECT p.id, p.name, h.name, '', MAX(h.at) FROM repositories p"                               \
    " JOIN tag_history h ON h.repository_id = p.id"                                                \
    " WHERE p.registry_id = $1 AND ($2 = '' OR p.name = $2)"                                       \
    " AND (p.id > $3 OR (p.id = $3 AND h.name > $4))"                                              \
    " AND NOT EXISTS (SELECT 1 FROM tags t WHERE t.repository_id = p.id AND t.name = h.name)"      \
    " GROUP BY p.id, p.name, h.name"

static bool query(struct store *store, struct rows *rows, int64_t registry_id,
                  const struct tag_filter *filter, int64_t repository_id, str after, size_t limit,
                  struct err *err)
{
    static const char there[] = TAGS_THERE " ORDER BY 1, 3 LIMIT $5",
                      all[] = TAGS_THERE " UNION ALL " TAGS_GONE " ORDER BY 1, 3 LIMIT $5";
    return db_query(store, rows, err, filter->has_removed ? all : there, vi(registry_id),
                    vt(filter->repository), vi(repository_id), vt(after), vu(limit));
}

bool store_tag_rows_list(struct store *store, struct arena *arena, int64_t registry_id,
                         const struct tag_filter *filter, const struct store_page *page,
                         store_tag_rows *out, str *next, struct err *err)
{
    auto_rows rows = {0};
    int64_t after_id = 0, last = 0;
    str after = STR("");
    size_t limit = page_limit(page);
    enum next step;
    *next = STR("");
    if ((page && page->after.len && !cursor_parse(page->after, &after_id, 1, &after, err)) ||
        !query(store, &rows, registry_id, filter, after_id, after, limit + 1, err))
        return false;
    while ((step = rows_next(&rows, err)) == NEXT_ITEM) {
        if (out->len == limit) {
            *next = arena_printf(arena, "%lld." STR_FMT, (long long)last,
                                 STR_ARG(out->ptr[limit - 1].name));
            return next->ptr ? true : err_memory(err);
        }
        last = row_int(&rows, 0);
        if (!tag_row_read(&rows, arena, out, err))
            return false;
    }
    return step == NEXT_END;
}
