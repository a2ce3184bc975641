/* SPDX-License-Identifier: Apache-2.0 */
/* The audit: one row for every request that may change something. */
#include "store/internal.h"
#include "store/principals.h"

bool store_audit_add(struct store *store, const struct store_audit *e, struct err *err)
{
    return db_run(store, err,
                  "INSERT INTO audit (at, principal, method, path, status, request, address)"
                  " VALUES ($1, $2, $3, $4, $5, $6, $7)",
                  vi(e->at), vt(e->principal), vt(e->method), vt(e->path), vi(e->status),
                  vt(e->request), vt(e->address));
}

static bool audit_read(struct rows *rows, struct arena *arena, struct store_audit *out,
                       struct err *err)
{
    *out = (struct store_audit){.id = row_int(rows, 0),
                                .at = row_int(rows, 1),
                                .principal = row_dup(rows, 2, arena),
                                .method = row_dup(rows, 3, arena),
                                .path = row_dup(rows, 4, arena),
                                .status = (int)row_int(rows, 5),
                                .request = row_dup(rows, 6, arena),
                                .address = row_dup(rows, 7, arena)};
    return out->principal.ptr && out->method.ptr && out->path.ptr && out->request.ptr &&
                   out->address.ptr
               ? true
               : err_memory(err);
}

bool store_audit_list(struct store *store, struct arena *arena, const struct store_page *page,
                      store_audits *out, str *next, struct err *err)
{
    auto_rows rows = {0};
    int64_t below = INT64_MAX;
    size_t limit = page_limit(page);
    enum next step;
    *next = STR("");
    if (page && page->after.len && !cursor_parse(page->after, &below, 1, NULL, err))
        return false;
    if (!db_query(store, &rows, err,
                  "SELECT id, at, principal, method, path, status, request, address FROM audit"
                  " WHERE id < $1 ORDER BY id DESC LIMIT $2",
                  vi(below), vu(limit + 1)))
        return false;
    while ((step = rows_next(&rows, err)) == NEXT_ITEM) {
        if (out->len == limit) {
            *next = arena_printf(arena, "%lld", (long long)out->ptr[limit - 1].id);
            return next->ptr ? true : err_memory(err);
        }
        struct store_audit *one = vec_push(arena, out);
        if (!one || !audit_read(&rows, arena, one, err))
            return err_memory(err);
    }
    return step == NEXT_END;
}
