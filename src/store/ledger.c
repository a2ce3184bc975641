/* SPDX-License-Identifier: Apache-2.0 */
/* The billing ledger: append-only.  The key makes a second entry impossible; rescans, retries,
 * crashes and a second tag come upon the one that is there. */
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

bool store_ledger_list(struct store *store, struct arena *arena, int64_t from, int64_t until,
                       store_ledger *out, struct err *err)
{
    auto_rows rows = {0};
    if (!db_query(store, &rows, err,
                  "SELECT subscription, digest, registry, repository, at FROM ledger"
                  " WHERE at >= $1 AND at < $2 ORDER BY subscription, at, digest",
                  vi(from), vi(until)))
        return false;
    enum next next;
    while ((next = rows_next(&rows, err)) == NEXT_ITEM) {
        struct ledger_entry *e = vec_push(arena, out);
        if (!e)
            return err_memory(err);
        *e = (struct ledger_entry){.subscription = row_dup(&rows, 0, arena),
                                   .digest = row_dup(&rows, 1, arena),
                                   .registry = row_dup(&rows, 2, arena),
                                   .repository = row_dup(&rows, 3, arena),
                                   .at = row_int(&rows, 4)};
        if (!e->subscription.ptr || !e->digest.ptr || !e->registry.ptr || !e->repository.ptr)
            return err_memory(err);
    }
    return next == NEXT_END;
}
