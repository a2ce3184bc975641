/* SPDX-License-Identifier: Apache-2.0 */
/* The billing ledger: append-only.  The key makes a second entry impossible; rescans, retries,
 * crashes and a second tag come upon the one that is there. */
#include "base/clock.h"
#include "store/internal.h"

static bool is_billed(const struct report *report)
{
    return report->is_complete &&
           (report->verdict == VERDICT_HEALTHY || report->verdict == VERDICT_UNHEALTHY);
}

bool ledger_note(struct store *store, int64_t image_id, const struct report *report, int64_t now,
                 struct err *err)
{
    return !is_billed(report) ||
           db_run(store, err,
                  "INSERT INTO ledger (subscription, digest, registry, repository, at)"
                  " SELECT LOWER(r.subscription), i.digest, r.name, p.name, $1 FROM images i"
                  " JOIN repositories p ON p.id = i.repository_id"
                  " JOIN registries r ON r.id = i.registry_id WHERE i.id = $2"
                  " ON CONFLICT (subscription, digest) DO NOTHING",
                  vi(now), vi(image_id));
}

bool ledger_month_parse(str text, struct ledger_span *out)
{
    uint64_t year = 0, month = 0;
    char next[16], day[16];
    str head, rest;
    if (text.len != 7 || !str_cut_byte(text, '-', &head, &rest) || head.len != 4 ||
        !str_to_u64(head, 9998, &year) || !str_to_u64(rest, 12, &month) || month < 1 || year < 1970)
        return false;
    snprintf(day, sizeof(day), "%04u-%02u-01", (unsigned)year, (unsigned)month);
    snprintf(next, sizeof(next), "%04u-%02u-01", (unsigned)(year + (month == 12)),
             (unsigned)(month % 12 + 1));
    return clock_parse(str_from(day), &out->from) && clock_parse(str_from(next), &out->until);
}

static bool entry_read(struct rows *rows, struct arena *arena, store_ledger *out, struct err *err)
{
    struct ledger_entry *e = vec_push(arena, out);
    if (!e)
        return err_memory(err);
    *e = (struct ledger_entry){.subscription = row_dup(rows, 0, arena),
                               .digest = row_dup(rows, 1, arena),
                               .registry = row_dup(rows, 2, arena),
                               .repository = row_dup(rows, 3, arena),
                               .at = row_int(rows, 4)};
    return e->subscription.ptr && e->digest.ptr && e->registry.ptr && e->repository.ptr
               ? true
               : err_memory(err);
}

/* Where a page goes on: "TIME.SUBSCRIPTION DIGEST". */
static bool cursor_read(const struct store_page *page, int64_t *at, str *subscription, str *name,
                        struct err *err)
{
    str rest = STR("");
    *subscription = *name = STR("");
    if (!page || !page->after.len)
        return true;
    return cursor_parse(page->after, at, 1, &rest, err) &&
           (str_cut_byte(rest, ' ', subscription, name) ||
            err_set(err, ERR_FORMAT, "the page's continuation is none of ours"));
}

bool store_ledger_list(struct store *store, struct arena *arena, const struct ledger_span *span,
                       const struct store_page *page, store_ledger *out, str *next, struct err *err)
{
    auto_rows rows = {0};
    int64_t at = INT64_MIN;
    str subscription, name;
    size_t limit = page_limit(page);
    enum next step;
    *next = STR("");
    if (!cursor_read(page, &at, &subscription, &name, err) ||
        !db_query(store, &rows, err,
                  "SELECT subscription, digest, registry, repository, at FROM ledger"
                  " WHERE at >= $1 AND at < $2 AND (subscription > $3 OR (subscription = $3"
                  " AND (at > $4 OR (at = $4 AND digest > $5))))"
                  " ORDER BY subscription, at, digest LIMIT $6",
                  vi(span->from), vi(span->until), vt(subscription), vi(at), vt(name),
                  vu(limit + 1)))
        return false;
    while ((step = rows_next(&rows, err)) == NEXT_ITEM) {
        if (out->len == limit) {
            const struct ledger_entry *last = &out->ptr[limit - 1];
            *next = arena_printf(arena, "%lld." STR_FMT " " STR_FMT, (long long)last->at,
                                 STR_ARG(last->subscription), STR_ARG(last->digest));
            return next->ptr ? true : err_memory(err);
        }
        if (!entry_read(&rows, arena, out, err))
            return false;
    }
    return step == NEXT_END;
}

bool store_ledger_sum(struct store *store, struct arena *arena, const struct ledger_span *span,
                      store_ledger_totals *out, struct err *err)
{
    auto_rows rows = {0};
    enum next next;
    if (!db_query(store, &rows, err,
                  "SELECT subscription, registry, COUNT(*) FROM ledger WHERE at >= $1 AND at < $2"
                  " GROUP BY subscription, registry ORDER BY subscription, registry",
                  vi(span->from), vi(span->until)))
        return false;
    while ((next = rows_next(&rows, err)) == NEXT_ITEM) {
        struct ledger_total *total = vec_push(arena, out);
        if (!total)
            return err_memory(err);
        *total = (struct ledger_total){row_dup(&rows, 0, arena), row_dup(&rows, 1, arena),
                                       (uint64_t)row_int(&rows, 2)};
        if (!total->subscription.ptr || !total->registry.ptr)
            return err_memory(err);
    }
    return next == NEXT_END;
}
