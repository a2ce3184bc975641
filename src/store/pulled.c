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

/* --- jobs
 * -------------------------------------------------------------------------------------------------
 */
struct due {
    int64_t image_id, due_at;
    struct job_spec job;
};
typedef VEC(struct due) dues;

static bool read_due(struct store *store, struct arena *arena, const struct pulled_spec *spec,
                     dues *out, struct err *err)
{
    auto_rows rows = {0};
    enum next next;
    if (!db_query(store, &rows, err,
                  "SELECT i.id, i.due_at, i.registry_id, p.name, i.digest FROM images i"
                  " JOIN repositories p ON p.id = i.repository_id"
                  " WHERE i.due_at > 0 AND i.due_at <= $1 ORDER BY i.due_at, i.id LIMIT $2",
                  vi(spec->now), vu(spec->limit)))
        return false;
    while ((next = rows_next(&rows, err)) == NEXT_ITEM) {
        struct due *due = vec_push(arena, out);
        if (!due)
            return err_memory(err);
        *due = (struct due){.image_id = row_int(&rows, 0),
                            .due_at = row_int(&rows, 1),
                            .job = {.kind = JOB_SCAN,
                                    .registry_id = row_int(&rows, 2),
                                    .repository = row_dup(&rows, 3, arena),
                                    .digest = row_dup(&rows, 4, arena),
                                    .priority = PRIORITY_PULLED,
                                    .not_before = spec->now}};
        if (!due->job.repository.ptr || !due->job.digest.ptr)
            return err_memory(err);
    }
    return next == NEXT_END;
}

/* The job first, then the image: in that order a scan that ends takes them too. */
static bool queue_one(struct store *store, const struct pulled_spec *spec, const struct due *due,
                      struct pulled_counts *out, struct err *err)
{
    bool is_new = false;
    if (!job_add(store, &due->job, spec->now, &is_new, err) ||
        !db_run(store, err,
                "UPDATE images SET due_at = $1 - (($1 - " INSTANT(
                    "$2") ") % $2) + $2"
                          " WHERE id = $3 AND due_at = $4",
                vi(spec->now), vi(spec->period_s), vi(due->image_id), vi(due->due_at)))
        return false;
    out->n_due++;
    out->n_jobs += is_new;
    return true;
}

static bool queue_due(struct store *store, struct arena *arena, const struct pulled_spec *spec,
                      struct pulled_counts *out, struct err *err)
{
    dues due = {0};
    if (!read_due(store, arena, spec, &due, err))
        return false;
    for (size_t i = 0; i < due.len; i++)
        if (!queue_one(store, spec, &due.ptr[i], out, err))
            return false;
    return true;
}

static bool schedule(struct store *store, struct arena *arena, const struct pulled_spec *spec,
                     struct pulled_counts *out, struct err *err)
{
    arena_reset(arena);
    *out = (struct pulled_counts){0};
    return drop(store, spec, &out->n_dropped, err) &&
           spread_missed(store, spec, &out->n_missed, err) &&
           queue_due(store, arena, spec, out, err) && place(store, spec, &out->n_placed, err);
}

bool store_pulled_schedule(struct store *store, const struct pulled_spec *spec,
                           struct pulled_counts *out, struct err *err)
{
    struct arena arena;
    bool has = false;
    *out = (struct pulled_counts){0};
    if (!has_work(store, spec, &has, err) || !has)
        return !err_is(err);
    arena_init(&arena, 16 * MIB);
    bool ok = TX_WRITTEN(store, err, schedule(store, &arena, spec, out, err));
    arena_fini(&arena);
    if (!ok)
        *out = (struct pulled_counts){0};
    return ok;
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
