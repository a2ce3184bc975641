/* SPDX-License-Identifier: Apache-2.0 */
/* The one refresher: reads feeds, and has what is stored matched again when that made a generation.
 */
#include <string.h>

#include "base/clock.h"
#include "guard/internal.h"

/* --- a refresh
 * ----------------------------------------------------------------------------------------------------
 */
static const struct feed_choice *feed_of(const struct config *config, str name)
{
    for (size_t i = 0; i < config->feeds.len; i++)
        if (str_eq(config->feeds.ptr[i].name, name))
            return &config->feeds.ptr[i];
    return NULL;
}

/* A job that names a feed reads that one; otherwise all that are configured. */
static void choose_feeds(const struct guard *guard, const struct job *job, struct feed_choice *one,
                         struct update_spec *spec)
{
    spec->feeds = guard->config->feeds.ptr;
    spec->n_feeds = guard->config->feeds.len;
    if (!job->repository.len)
        return;
    const struct feed_choice *configured = feed_of(guard->config, job->repository);
    *one = configured ? *configured : (struct feed_choice){.name = job->repository};
    spec->feeds = one;
    spec->n_feeds = 1;
}

/* What a source says went wrong, for the job's error. */
static str source_error(struct guard *guard, struct arena *arena, size_t n_failed)
{
    struct err none = {0};
    struct snapshot *snapshot = NULL;
    str text = arena_printf(arena, "%zu sources could not be read", n_failed);
    if (!snapshot_take(&guard->advisories, &snapshot, &none))
        return text;
    const struct source_state *sources = NULL;
    size_t n = advisory_db_sources(snapshot->db, &sources);
    for (size_t i = 0; i < n; i++)
        if (sources[i].error.len) {
            text = arena_printf(arena, STR_FMT ": " STR_FMT, STR_ARG(sources[i].name),
                                STR_ARG(sources[i].error));
            break;
        }
    snapshot_give(snapshot);
    return text;
}

static bool update(struct loop *loop, const struct job *job, struct update_result *result,
                   struct err *err)
{
    struct guard *guard = loop->guard;
    store_wanted wanted = {0};
    struct feed_choice one;
    struct update_spec spec = {.dir = guard->advisories.dir, .cancel = &loop->slot->cancel};
    choose_feeds(guard, job, &one, &spec);
    if (wants_debian(guard->config) && !store_wanted_list(loop->store, &loop->arena, &wanted, err))
        return false;
    spec.wanted = wanted.ptr;
    spec.n_wanted = wanted.len;
    spec.max_change =
        guard->config->feeds_max_change ? guard->config->feeds_max_change / 100.0 : -1;
    return advisory_update(&spec, result, err);
}

static bool note_time(struct loop *loop, const struct job *job, struct err *err)
{
    int64_t now = clock_now_s();
    return meta_time_set(loop->store, META_WANTED_READ_AT, now, err) &&
           (job->repository.len || meta_time_set(loop->store, META_FEEDS_READ_AT, now, err));
}

static void run_refresh(struct loop *loop, const struct job *job, struct job_outcome *out)
{
    struct update_result result = {0};
    struct err err = {0};
    log_event(LOG_INFO, "advisories: update starts", LOG_NUM("job", job->id),
              LOG_STR("feed", job->repository.len ? job->repository : STR("all")));
    if (!update(loop, job, &result, &err) || !note_time(loop, job, &err) ||
        (result.is_new && !add_rematch(loop->guard, loop->store, &err))) {
        outcome_of_error(loop->guard, job, loop->slot, &err, &loop->arena, out);
        return;
    }
    log_event(LOG_INFO, "advisories: update ended", LOG_NUM("generation", result.generation),
              LOG_NUM("new", result.is_new), LOG_NUM("failed", result.n_failed));
    guard_wake(loop->guard); /* the first generation lets scans begin */
    out->generation = result.generation;
    out->end = JOB_END_DONE;
    if (!result.n_failed)
        return;
    str error = source_error(loop->guard, &loop->arena, result.n_failed);
    err_set(&err, ERR_UNAVAILABLE, STR_FMT, STR_ARG(error));
    outcome_of_error(loop->guard, job, loop->slot, &err, &loop->arena, out);
}

/* --- a re-match
 * ----------------------------------------------------------------------------------------------------
 */
static void run_rematch(struct loop *loop, const struct job *job, struct job_outcome *out)
{
    struct snapshot *snapshot = NULL;
    struct err err = {0};
    bool is_all = false;
    bool ok = snapshot_take(&loop->guard->advisories, &snapshot, &err) &&
              rematch_all(loop, snapshot, &is_all, &err);
    if (ok && !is_all)
        ok = err_set(&err, ERR_CANCELLED, "the re-match was stopped");
    out->end = JOB_END_DONE;
    if (!ok)
        outcome_of_error(loop->guard, job, loop->slot, &err, &loop->arena, out);
    snapshot_give(snapshot);
}

static void run_any(struct loop *loop, const struct job *job, struct job_outcome *out)
{
    if (job->kind == JOB_REFRESH)
        run_refresh(loop, job, out);
    else
        run_rematch(loop, job, out);
}

/* --- the thread
 * ------------------------------------------------------------------------------------------------------
 */
enum { POLL_MS = 1000 };

void refresher_work(struct loop *loop)
{
    static const enum job_kind kinds[] = {JOB_REFRESH, JOB_REMATCH};
    while (!guard_is_stopping(loop->guard)) {
        uint64_t wakes = guard_wakes(loop->guard);
        size_t n =
            guard_is_behind(loop->guard) ? 1 : ARRAY_LEN(kinds); /* not with old advisories */
        if (!loop_step(loop, kinds, n, 0, run_any))
            guard_sleep(loop->guard, wakes, POLL_MS);
    }
}
