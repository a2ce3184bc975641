/* SPDX-License-Identifier: Apache-2.0 */
#include "store/internal.h"

/* --- adding
 * --------------------------------------------------------------------------------------------- */
bool job_merge(struct store *store, const struct job_spec *spec, bool *is_there, struct err *err)
{
    bool ok = db_run(
        store, err,
        "UPDATE jobs SET is_again = CASE WHEN state = 'running' THEN 1 ELSE is_again END,"
        " priority = CASE WHEN priority < $1 THEN $1 ELSE priority END,"
        " not_before = CASE WHEN state = 'queued' AND not_before > $2 AND attempts = 0"
        " THEN $2 ELSE not_before END,"
        " tag = CASE WHEN tag = '' THEN $3 ELSE tag END"
        " WHERE kind = $4 AND registry_id = $5 AND repository = $6 AND digest = $7"
        " AND state IN ('queued', 'running')",
        vi(spec->priority), vi(spec->not_before), vt(spec->tag), vc(job_kind_name(spec->kind)),
        vi(spec->registry_id), vt(spec->repository), vt(spec->digest));
    *is_there = ok && db_changes(store) > 0;
    return ok;
}

static bool job_insert(struct store *store, const struct job_spec *spec, int64_t now,
                       bool *is_inserted, struct err *err)
{
    if (!db_run(store, err,
                "INSERT INTO jobs (kind, state, registry_id, repository, digest, tag, priority,"
                " created_at, not_before) VALUES ($1, 'queued', $2, $3, $4, $5, $6, $7, $8)"
                " ON CONFLICT (kind, registry_id, repository, digest)"
                " WHERE state IN ('queued', 'running') DO NOTHING",
                vc(job_kind_name(spec->kind)), vi(spec->registry_id), vt(spec->repository),
                vt(spec->digest), vt(spec->tag), vi(spec->priority), vi(now), vi(spec->not_before)))
        return false;
    *is_inserted = db_changes(store) > 0;
    return true;
}

/* Between the two the job that was there may end; then there is room for a new one. */
bool job_add(struct store *store, const struct job_spec *spec, int64_t now, bool *is_new,
             struct err *err)
{
    bool is_inserted = false, is_there = false;
    do {
        if (!job_insert(store, spec, now, &is_inserted, err) ||
            (!is_inserted && !job_merge(store, spec, &is_there, err)))
            return false;
    } while (!is_inserted && !is_there);
    if (is_new)
        *is_new = is_inserted;
    store->has_news = true;
    return true;
}

/* Where the plan is off nothing is scanned, whoever asks. */
static bool job_add_wanted(struct store *store, const struct job_spec *spec, int64_t now,
                           bool *is_new, struct err *err)
{
    bool is_off = false, is_guard = spec->kind == JOB_SCAN || spec->kind == JOB_SWEEP;
    if (is_new)
        *is_new = false;
    if (is_guard && !store_plan_is_off(store, spec->registry_id, &is_off, err))
        return false;
    return is_off || job_add(store, spec, now, is_new, err);
}

bool store_job_add(struct store *store, const struct job_spec *spec, int64_t now, bool *is_new,
                   struct err *err)
{
    return TX_WRITTEN(store, err, job_add_wanted(store, spec, now, is_new, err));
}

/* --- reading
 * -------------------------------------------------------------------------------------------- */
#define JOB_COLUMNS                                                                                \
    "j.id, j.kind, j.state, j.registry_id, COALESCE(r.name, ''), j.repository, j.digest, j.tag,"   \
    " j.priority, j.attempts, j.created_at, j.not_before, j.leased_until, j.started_at,"           \
    " j.finished_at, j.lease, j.error"
#define JOB_TABLES " FROM jobs j LEFT JOIN registries r ON r.id = j.registry_id"

static bool job_read(struct rows *rows, struct arena *arena, struct job *out, struct err *err)
{
    *out = (struct job){
        .id = row_int(rows, 0),
        .kind = word_job_kind_parse(row_text(rows, 1)),
        .registry_id = row_int(rows, 3),
        .registry = row_dup(rows, 4, arena),
        .repository = row_dup(rows, 5, arena),
        .digest = row_dup(rows, 6, arena),
        .tag = row_dup(rows, 7, arena),
        .priority = (int)row_int(rows, 8),
        .attempts = (unsigned)row_int(rows, 9),
        .created_at = row_int(rows, 10),
        .not_before = row_int(rows, 11),
        .leased_until = row_int(rows, 12),
        .started_at = row_int(rows, 13),
        .finished_at = row_int(rows, 14),
        .lease = row_int(rows, 15),
        .error = row_dup(rows, 16, arena),
    };
    if (!job_state_parse(row_text(rows, 2), &out->state))
        return err_set(err, ERR_FORMAT, "store: job %lld has no known state", (long long)out->id);
    return out->registry.ptr && out->repository.ptr && out->digest.ptr && out->tag.ptr &&
                   out->error.ptr
               ? true
               : err_memory(err);
}

bool store_job_get(struct store *store, struct arena *arena, int64_t id, struct job *out,
                   struct err *err)
{
    auto_rows rows = {0};
    if (!db_query(store, &rows, err, "SELECT " JOB_COLUMNS JOB_TABLES " WHERE j.id = $1", vi(id)))
        return false;
    enum next next = rows_next(&rows, err);
    if (next == NEXT_END)
        return err_set(err, ERR_NOT_FOUND, "job %lld: not known", (long long)id);
    return next == NEXT_ITEM && job_read(&rows, arena, out, err);
}

static bool has_registry(const store_registries *list, int64_t id)
{
    for (size_t i = 0; i < list->len; i++)
        if (list->ptr[i].id == id)
            return true;
    return false;
}

/* One batch; *below is the last one seen, *n how many. */
static bool jobs_read(struct rows *rows, struct arena *arena, const store_registries *only,
                      size_t limit, jobs *out, bool *is_more, int64_t *below, size_t *n,
                      struct err *err)
{
    enum next next;
    while ((next = rows_next(rows, err)) == NEXT_ITEM) {
        ++*n;
        *below = row_int(rows, 0);
        if (only && !has_registry(only, row_int(rows, 3)))
            continue;
        if ((*is_more = out->len == limit))
            return true;
        struct job *job = vec_push(arena, out);
        if (!job)
            return err_memory(err);
        if (!job_read(rows, arena, job, err))
            return false;
    }
    return next == NEXT_END;
}

/* The scope is looked at here, so how many rows make a page is not known before. */
static bool jobs_collect(struct store *store, struct arena *arena, const struct job_filter *filter,
                         int64_t below, const store_registries *only, size_t limit, jobs *out,
                         bool *is_more, struct err *err)
{
    enum { BATCH = STORE_PAGE_MAX + 1 };
    size_t n = BATCH;
    *is_more = false;
    while (n == BATCH && !*is_more) {
        auto_rows rows = {0};
        n = 0;
        if (!db_query(store, &rows, err,
                      "SELECT " JOB_COLUMNS JOB_TABLES
                      " WHERE j.id < $1 AND ($2 = '' OR j.kind = $2) AND ($3 = '' OR j.state = $3)"
                      " AND ($4 = 0 OR j.registry_id = $4) ORDER BY j.id DESC LIMIT $5",
                      vi(below), vc(job_kind_name(filter->kind)), vc(job_state_name(filter->state)),
                      vi(filter->registry_id), vi(BATCH)) ||
            !jobs_read(&rows, arena, only, limit, out, is_more, &below, &n, err))
            return false;
    }
    return true;
}

bool store_jobs_list(struct store *store, struct arena *arena, const struct job_filter *filter,
                     const struct store_page *page, jobs *out, str *next, struct err *err)
{
    store_registries only = {0};
    int64_t below = INT64_MAX;
    size_t limit = page_limit(page);
    bool is_more = false;
    *next = STR("");
    if (page && page->after.len && !cursor_parse(page->after, &below, 1, NULL, err))
        return false;
    if (filter->scope && !scope_registries(store, arena, filter->scope, &only, err))
        return false;
    if (!jobs_collect(store, arena, filter, below, filter->scope ? &only : NULL, limit, out,
                      &is_more, err))
        return false;
    if (is_more)
        *next = arena_printf(arena, "%lld", (long long)out->ptr[out->len - 1].id);
    return next->ptr ? true : err_memory(err);
}

bool store_jobs_count(struct store *store, struct job_counts *out, struct err *err)
{
    auto_rows rows = {0};
    *out = (struct job_counts){0};
    uint64_t *const of[] = {[JOB_QUEUED] = &out->queued, [JOB_LEASED] = &out->leased,
                            [JOB_DONE] = &out->done,     [JOB_FAILED] = &out->failed,
                            [JOB_DEAD] = &out->dead,     [JOB_CANCELLED] = &out->cancelled};
    if (!db_query(store, &rows, err, "SELECT state, COUNT(*) FROM jobs GROUP BY state"))
        return false;
    enum next next;
    while ((next = rows_next(&rows, err)) == NEXT_ITEM) {
        enum job_state state;
        if (job_state_parse(row_text(&rows, 0), &state))
            *of[state] = (uint64_t)row_int(&rows, 1);
    }
    return next == NEXT_END;
}

/* --- leasing
 * -------------------------------------------------------------------------------------------- */
/* The lease is fair: of the most urgent jobs that are due, those of the registry that has the
 * fewest running, then of the one whose last lease is the longest ago; of that registry's jobs the
 * one that is due the longest.  Whatever the queue's length, each question is a few steps into
 * jobs_queue: SQL's way to skip from one registry to the next is the recursion below. */
struct pick {
    const char *kind; /* borrowed, a literal */
    int64_t priority, registry_id;
};
enum { PICKS_MAX = 8 };

#define QUEUED "FROM jobs WHERE state = 'queued' AND kind = $1 AND "

static bool priority_below(struct store *store, const char *kind, int64_t above, int64_t *out,
                           struct err *err)
{
    return db_int(store, INT64_MIN, out, err,
                  "SELECT priority " QUEUED "priority < $2 ORDER BY priority DESC LIMIT 1",
                  vc(kind), vi(above));
}

/* Registries that have a due job of that priority, whose turn it is first. */
static bool picks_of(struct store *store, const char *kind, int64_t priority, int64_t now,
                     struct pick *out, size_t *n, struct err *err)
{
    auto_rows rows = {0};
    *n = 0;
    if (!db_query(store, &rows, err,
                  "WITH RECURSIVE r (id) AS ("
                  " SELECT (SELECT registry_id " QUEUED "priority = $2"
                  "   ORDER BY registry_id LIMIT 1)"
                  " UNION ALL"
                  " SELECT (SELECT registry_id " QUEUED "priority = $2 AND registry_id > r.id"
                  "   ORDER BY registry_id LIMIT 1) FROM r WHERE r.id IS NOT NULL)"
                  " SELECT r.id FROM r LEFT JOIN turns t ON t.registry_id = r.id"
                  " WHERE r.id IS NOT NULL AND (SELECT not_before " QUEUED "priority = $2"
                  "   AND registry_id = r.id ORDER BY not_before LIMIT 1) <= $3"
                  " ORDER BY (SELECT COUNT(*) FROM jobs WHERE state = 'running'"
                  "   AND registry_id = r.id), COALESCE(t.turn, 0), r.id LIMIT $4",
                  vc(kind), vi(priority), vi(now), vi(PICKS_MAX)))
        return false;
    enum next next;
    while ((next = rows_next(&rows, err)) == NEXT_ITEM && *n < PICKS_MAX)
        out[(*n)++] = (struct pick){kind, priority, row_int(&rows, 0)};
    return next != NEXT_ERR;
}

/* The most urgent picks of one kind: one question where there is nothing. */
static bool picks_of_kind(struct store *store, const char *kind, int64_t now, struct pick *out,
                          size_t *n, struct err *err)
{
    int64_t priority = INT64_MAX;
    *n = 0;
    while (!*n) {
        if (!priority_below(store, kind, priority, &priority, err))
            return false;
        if (priority == INT64_MIN)
            return true;
        if (!picks_of(store, kind, priority, now, out, n, err))
            return false;
    }
    return true;
}

/* Of several kinds the most urgent one's. */
static bool look(struct store *store, const struct lease_spec *spec, struct pick *out, size_t *n,
                 struct err *err)
{
    *n = 0;
    for (size_t i = 0; i < spec->n_kinds; i++) {
        struct pick picks[PICKS_MAX];
        size_t n_picks = 0;
        if (!picks_of_kind(store, job_kind_name(spec->kinds[i]), spec->now, picks, &n_picks, err))
            return false;
        if (!n_picks || (*n && out[0].priority >= picks[0].priority))
            continue;
        memcpy(out, picks, n_picks * sizeof(*picks));
        *n = n_picks;
    }
    return true;
}

/* Nobody else gets it until our transaction ends; what others hold so is passed over. */
static enum next take(struct store *store, const struct pick *pick, int64_t now, int64_t *id,
                      struct err *err)
{
    auto_rows rows = {0};
    if (!db_query(store, &rows, err,
                  "SELECT id " QUEUED "priority = $2 AND registry_id = $3 AND not_before <= $4"
                  " ORDER BY not_before, id LIMIT 1{skip locked}",
                  vc(pick->kind), vi(pick->priority), vi(pick->registry_id), vi(now)))
        return NEXT_ERR;
    enum next next = rows_next(&rows, err);
    if (next == NEXT_ITEM)
        *id = row_int(&rows, 0);
    return next;
}

static bool mark_leased(struct store *store, const struct lease_spec *spec, int64_t id,
                        int64_t registry_id, struct err *err)
{
    return db_run(store, err,
                  "UPDATE jobs SET state = 'running', lease = lease + 1, attempts = attempts + 1,"
                  " is_again = 0, leased_until = $1, started_at = $2 WHERE id = $3",
                  vi(spec->now + spec->lease_s), vi(spec->now), vi(id)) &&
           db_run(store, err,
                  "INSERT INTO turns (registry_id, turn)"
                  " SELECT $1, COALESCE(MAX(turn), 0) + 1 FROM turns WHERE 1 = 1"
                  " ON CONFLICT (registry_id) DO UPDATE SET turn = excluded.turn",
                  vi(registry_id));
}

static enum next lease_locked(struct store *store, struct arena *arena,
                              const struct lease_spec *spec, const struct pick *pick,
                              struct job *out, struct err *err)
{
    int64_t id = 0;
    enum next next = take(store, pick, spec->now, &id, err);
    if (next == NEXT_ITEM && (!mark_leased(store, spec, id, pick->registry_id, err) ||
                              !store_job_get(store, arena, id, out, err)))
        return NEXT_ERR;
    return next;
}

enum next store_job_lease(struct store *store, struct arena *arena, const struct lease_spec *spec,
                          struct job *out, struct err *err)
{
    struct pick picks[PICKS_MAX];
    size_t n = 0;
    if (!look(store, spec, picks, &n, err)) /* idle workers lock nothing */
        return NEXT_ERR;
    for (size_t i = 0; i < n; i++) {
        enum next next;
        bool ok = TX_WRITTEN(
            store, err, (next = lease_locked(store, arena, spec, &picks[i], out, err)) != NEXT_ERR);
        if (!ok || next == NEXT_ITEM)
            return ok ? NEXT_ITEM : NEXT_ERR;
    }
    return NEXT_END; /* others were faster */
}

static bool lease_lost(const struct job *job, struct err *err)
{
    return err_set(err, ERR_CONFLICT, "job %lld: the lease is no longer ours", (long long)job->id);
}

bool store_job_extend(struct store *store, const struct job *job, int64_t leased_until,
                      struct err *err)
{
    if (!db_run(
            store, err,
            "UPDATE jobs SET leased_until = $1 WHERE id = $2 AND lease = $3 AND state = 'running'",
            vi(leased_until), vi(job->id), vi(job->lease)))
        return false;
    return db_changes(store) > 0 ? true : lease_lost(job, err);
}

/* A death is not an attempt: what is hostile dies in the sandbox, so a server that was killed says
 * little about the job.  It is counted apart, so that a job that does kill it comes to an end. */
static bool expire(struct store *store, int64_t now, bool is_all, unsigned max_deaths, size_t *n,
                   struct err *err)
{
    if (!db_run(store, err,
                "UPDATE jobs SET deaths = deaths + 1, attempts = attempts - 1, lease = lease + 1,"
                " leased_until = 0, started_at = 0,"
                " state = CASE WHEN deaths + 1 < $3 THEN 'queued' ELSE 'dead' END,"
                " finished_at = CASE WHEN deaths + 1 < $3 THEN 0 ELSE $1 END,"
                " error = CASE WHEN deaths + 1 < $3 THEN error ELSE"
                " 'the server was killed each time it ran' END"
                " WHERE state = 'running' AND ($2 = 1 OR leased_until < $1)",
                vi(now), vi(is_all), vi(max_deaths)))
        return false;
    size_t n_expired = (size_t)db_changes(store);
    store->has_news = n_expired > 0;
    if (n)
        *n = n_expired;
    return n_expired == 0 || changes_died(store, now, err);
}

bool store_jobs_expire(struct store *store, int64_t now, bool is_all, unsigned max_deaths,
                       size_t *n, struct err *err)
{
    return TX_WRITTEN(store, err, expire(store, now, is_all, max_deaths, n, err));
}

bool store_jobs_next_at(struct store *store, int64_t *at, struct err *err)
{
    return db_int(store, 0, at, err,
                  "SELECT COALESCE(MIN(CASE WHEN state = 'queued' THEN not_before ELSE leased_until"
                  " END), 0) FROM jobs WHERE state IN ('queued', 'running')");
}

/* --- ending
 * -----------------------------------------------------------------------------------------------
 */
struct ending {
    enum job_state state;
    int64_t attempts_less;
    bool is_reset; /* attempts start from zero */
    int64_t not_before;
};

static struct ending ending_of(const struct job *job, const struct job_outcome *o, bool is_again)
{
    static const enum job_state states[] = {[JOB_END_DONE] = JOB_DONE,
                                            [JOB_END_RETRY] = JOB_QUEUED,
                                            [JOB_END_FAILED] = JOB_FAILED,
                                            [JOB_END_DEAD] = JOB_DEAD,
                                            [JOB_END_GIVE_BACK] = JOB_QUEUED};
    struct ending e = {.state = states[o->end], .not_before = o->now};
    if (o->end == JOB_END_GIVE_BACK)
        e.attempts_less = 1;
    if (o->end == JOB_END_RETRY)
        e.not_before = o->not_before;
    /* A digest that was scanned stays scanned; everything else may have changed since the lease. */
    bool is_final = e.state != JOB_QUEUED;
    if (is_again && is_final && !(job->kind == JOB_SCAN && o->end == JOB_END_DONE)) {
        e.state = JOB_QUEUED;
        e.is_reset = true;
    }
    return e;
}

/* True with *is_again when the lease is still ours. */
static bool lease_confirm(struct store *store, const struct job *job, bool *is_again,
                          struct err *err)
{
    int64_t again = 0;
    if (!db_int(store, -1, &again, err,
                "SELECT is_again FROM jobs WHERE id = $1 AND lease = $2 AND state = 'running'"
                "{for update}",
                vi(job->id), vi(job->lease)))
        return false;
    *is_again = again > 0;
    return again >= 0 ? true : lease_lost(job, err);
}

bool job_end(struct store *store, const struct job *job, const struct job_outcome *o,
             struct err *err)
{
    bool is_again = false;
    if (!lease_confirm(store, job, &is_again, err))
        return false;
    struct ending e = ending_of(job, o, is_again);
    bool is_queued = e.state == JOB_QUEUED;
    store->has_news = is_queued && e.not_before <= o->now;
    return db_run(
        store, err,
        "UPDATE jobs SET state = $1, attempts = CASE WHEN $2 = 1 THEN 0 ELSE"
        " attempts - $3 END, not_before = $4, finished_at = $5, leased_until = 0,"
        " is_again = 0, error = $6, started_at = CASE WHEN $7 = 1 THEN 0 ELSE started_at END"
        " WHERE id = $8",
        vc(job_state_name(e.state)), vi(e.is_reset), vi(e.attempts_less), vi(e.not_before),
        vi(is_queued ? 0 : o->now), vt(o->error), vi(is_queued), vi(job->id));
}

/* --- by hand
 * ------------------------------------------------------------------------------------------------
 */
static bool requeue(struct store *store, int64_t id, int64_t now, struct err *err)
{
    if (!db_run(store, err,
                "UPDATE jobs SET state = 'queued', attempts = 0, deaths = 0, not_before = $1, "
                "finished_at = 0"
                " WHERE id = $2 AND state IN ('dead', 'failed', 'cancelled')",
                vi(now), vi(id)))
        return false;
    store->has_news = true;
    return db_changes(store) > 0
               ? true
               : err_set(err, ERR_NOT_FOUND, "job %lld: there is no dead, failed or cancelled one",
                         (long long)id);
}

/* ERR_CONFLICT comes from the unique index: the same work is already queued. */
bool store_job_requeue(struct store *store, int64_t id, int64_t now, struct err *err)
{
    return TX_WRITTEN(store, err, requeue(store, id, now, err));
}

/* A running job loses its lease, so what it still finds is refused. */
static bool cancel(struct store *store, int64_t id, int64_t now, struct err *err)
{
    if (!db_run(store, err,
                "UPDATE jobs SET state = 'cancelled', lease = lease + 1, leased_until = 0,"
                " finished_at = $1, error = 'cancelled' WHERE id = $2"
                " AND state IN ('queued', 'running')",
                vi(now), vi(id)))
        return false;
    return db_changes(store) > 0
               ? true
               : err_set(err, ERR_NOT_FOUND, "job %lld: there is no queued or running one",
                         (long long)id);
}

bool store_job_cancel(struct store *store, int64_t id, int64_t now, struct err *err)
{
    return TX_WRITTEN(store, err, cancel(store, id, now, err));
}
