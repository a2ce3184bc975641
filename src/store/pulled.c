/* SPDX-License-Identifier: Apache-2.0 */
/* pulled.c - images that were recently pulled, and when each is assessed again.
 *
 *     pulled, due_at 0 ──placed──> due_at: the next instant of its own in the period
 *         ^                             │ due                      │ missed by a server that was
 * down └──dropped (not pulled,       └─> a job, and the next    └─> within the next catch_up_s
 *            deleted)                       instant
 *
 * An image's own instant follows from its number: multiples of the golden ratio lie evenly in the
 * period, however many there are. */
#include "store/internal.h"

/* 0.6180 of a week of seconds and without a common factor, so no two of 604800 share an instant. */
#define INSTANT(period) "(images.id * 374761 % " period ")"

/* --- is there anything
 * ------------------------------------------------------------------------------------ */
static bool has_work(struct store *store, const struct pulled_spec *spec, bool *has,
                     struct err *err)
{
    int64_t n = 0;
    bool ok = db_int(store, 0, &n, err,
                     "SELECT CASE WHEN EXISTS (SELECT 1 FROM images WHERE due_at > 0 AND"
                     " due_at <= $1) OR EXISTS (SELECT 1 FROM images WHERE due_at = 0 AND"
                     " last_pulled > 0 AND last_pulled >= $2 AND deleted_at = 0) THEN 1 ELSE 0 END",
                     vi(spec->now), vi(spec->since));
    *has = n != 0;
    return ok;
}

/* --- on and off the schedule
 * ------------------------------------------------------------------------------ */
static bool place(struct store *store, const struct pulled_spec *spec, size_t *n, struct err *err)
{
    bool ok = db_run(store, err,
                     "UPDATE images SET due_at = $1 - (($1 - " INSTANT(
                         "$2") ") % $2) + $2"
                               " WHERE due_at = 0 AND last_pulled > 0 AND last_pulled >= $3"
                               " AND deleted_at = 0",
                     vi(spec->now), vi(spec->period_s), vi(spec->since));
    *n = ok ? (size_t)db_changes(store) : 0;
    return ok;
}

static bool drop(struct store *store, const struct pulled_spec *spec, size_t *n, struct err *err)
{
    bool ok = db_run(store, err,
                     "UPDATE images SET due_at = 0 WHERE due_at > 0 AND due_at <= $1"
                     " AND (last_pulled < $2 OR deleted_at <> 0)",
                     vi(spec->now), vi(spec->since));
    *n = ok ? (size_t)db_changes(store) : 0;
    return ok;
}

static bool spread_missed(struct store *store, const struct pulled_spec *spec, size_t *n,
                          struct err *err)
{
    bool ok = db_run(
        store, err,
        "UPDATE images SET due_at = $1 + 1 + " INSTANT("$2") " WHERE due_at > 0 AND due_at < $3",
        vi(spec->now), vi(spec->catch_up_s), vi(spec->now - spec->late_s));
    *n = ok ? (size_t)db_changes(store) : 0;
    return ok;
}

/* --- what is due
 * -----------------------------------------------------------------------------------------------
 */
static bool read_due(struct store *store, struct arena *arena, const struct pulled_spec *spec,
                     pulled_images *out, struct err *err)
{
    auto_rows rows = {0};
    enum next next;
    if (!db_query(store, &rows, err,
                  "SELECT i.id, i.registry_id, p.name, i.digest, i.due_at FROM images i"
                  " JOIN repositories p ON p.id = i.repository_id"
                  " WHERE i.due_at > 0 AND i.due_at <= $1 ORDER BY i.due_at, i.id LIMIT $2",
                  vi(spec->now), vu(spec->limit)))
        return false;
    while ((next = rows_next(&rows, err)) == NEXT_ITEM) {
        struct pulled_image *image = vec_push(arena, out);
        if (!image)
            return err_memory(err);
        *image =
            (struct pulled_image){row_int(&rows, 0), row_int(&rows, 1), row_dup(&rows, 2, arena),
                                  row_dup(&rows, 3, arena), row_int(&rows, 4)};
        if (!image->repository.ptr || !image->digest.ptr)
            return err_memory(err);
    }
    return next == NEXT_END;
}

static bool bring_forward(struct store *store, struct arena *arena, const struct pulled_spec *spec,
                          pulled_images *out, struct pulled_counts *counts, struct err *err)
{
    *counts = (struct pulled_counts){0};
    out->len = 0;
    return drop(store, spec, &counts->n_dropped, err) &&
           spread_missed(store, spec, &counts->n_missed, err) &&
           read_due(store, arena, spec, out, err) && place(store, spec, &counts->n_placed, err);
}

bool store_pulled_due(struct store *store, struct arena *arena, const struct pulled_spec *spec,
                      pulled_images *out, struct pulled_counts *counts, struct err *err)
{
    bool has = false;
    *counts = (struct pulled_counts){0};
    if (!has_work(store, spec, &has, err) || !has)
        return !err_is(err);
    return TX_WRITTEN(store, err, bring_forward(store, arena, spec, out, counts, err));
}

bool store_pulled_done(struct store *store, const struct pulled_spec *spec,
                       const struct pulled_image *image, struct err *err)
{
    return db_run(
        store, err,
        "UPDATE images SET due_at = $1 - (($1 - " INSTANT("$2") ") % $2) + $2"
                                                                " WHERE id = $3 AND due_at = $4",
        vi(spec->now), vi(spec->period_s), vi(image->id), vi(image->due_at));
}

bool store_pulled_status(struct store *store, struct pulled_status *out, struct err *err)
{
    auto_rows rows = {0};
    *out = (struct pulled_status){0};
    if (!db_query(store, &rows, err,
                  "SELECT COUNT(*), COALESCE(MIN(due_at), 0) FROM images WHERE due_at > 0"
                  " AND deleted_at = 0"))
        return false;
    enum next next = rows_next(&rows, err);
    if (next == NEXT_ITEM)
        *out = (struct pulled_status){(uint64_t)row_int(&rows, 0), row_int(&rows, 1)};
    return next != NEXT_ERR;
}
