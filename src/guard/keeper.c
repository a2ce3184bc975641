/* SPDX-License-Identifier: Apache-2.0 */
/* The keeper: keeps leases of running jobs alive, takes back those that ran out, and knows when
 * feeds are due.  It does no work that takes long, so a slow scan never costs a lease. */
#include "base/clock.h"
#include "guard/internal.h"

enum { MAX_DEATHS = 100, DAY_S = 86400, KEEP_S = 30 * DAY_S };

struct keeper {
    struct guard *guard;
    struct store *store;
    int64_t purged_at;
    bool is_first;       /* since the start */
    uint64_t generation; /* that stored images were last compared with */
};

/* --- leases
 * --------------------------------------------------------------------------------------------------------
 */
static bool slot_copy(struct guard *guard, size_t i, struct job *job)
{
    pthread_mutex_lock(&guard->lock);
    const struct slot *slot = &guard->slots[i];
    bool is_busy = slot->is_busy;
    *job = (struct job){.id = slot->id, .lease = slot->lease};
    pthread_mutex_unlock(&guard->lock);
    return is_busy;
}

static void slot_cancel(struct guard *guard, size_t i, const struct job *job)
{
    pthread_mutex_lock(&guard->lock);
    struct slot *slot = &guard->slots[i];
    if (slot->is_busy && slot->id == job->id && slot->lease == job->lease)
        cancel_want(&slot->cancel);
    pthread_mutex_unlock(&guard->lock);
}

static void extend_leases(struct keeper *k)
{
    for (size_t i = 0; i < SLOTS; i++) {
        struct err err = {0};
        struct job job;
        if (!slot_copy(k->guard, i, &job) ||
            store_job_extend(k->store, &job, clock_now_s() + k->guard->config->lease_s, &err))
            continue;
        log_event(LOG_WARN, "lease", LOG_ERR(&err));
        if (err.kind == ERR_CONFLICT)
            slot_cancel(k->guard, i, &job);
    }
}

static void take_back(struct keeper *k)
{
    struct err err = {0};
    size_t n = 0;
    if (!store_jobs_expire(k->store, clock_now_s(), false, MAX_DEATHS, &n, &err))
        log_event(LOG_ERROR, "leases", LOG_ERR(&err));
    else if (n) {
        log_event(LOG_WARN, "jobs whose lease ran out are queued again", LOG_NUM("jobs", n));
        guard_wake(k->guard);
    }
}

/* --- schedule
 * -------------------------------------------------------------------------------------------------------
 */
/* As long as there is no database; at start when no interval is set; else when the interval passed.
 * A second job beside one that waits for its next try is none. */
static bool feeds_due(struct keeper *k, int64_t now, bool *is_due, struct err *err)
{
    int64_t last = 0;
    uint32_t interval = k->guard->config->feeds_interval_s;
    if (!meta_time(k->store, META_FEEDS_READ_AT, &last, err))
        return false;
    *is_due = advisories_generation(&k->guard->advisories) == 0 || (k->is_first && !interval) ||
              (interval && now >= last + interval);
    return true;
}

static bool images_due(struct keeper *k, bool *is_due, struct err *err)
{
    struct arena arena;
    stored_images behind = {0};
    uint64_t generation = advisories_generation(&k->guard->advisories);
    arena_init(&arena, 16 * MIB);
    bool ok = !generation || store_images_behind(k->store, &arena, generation, 0, 1, &behind, err);
    *is_due = behind.len > 0;
    arena_fini(&arena);
    return ok;
}

/* A generation may come from the refresher, from `plimsoll db update`, or have come while we were
 * down. */
static bool rematch_when_new(struct keeper *k, struct err *err)
{
    uint64_t generation = advisories_generation(&k->guard->advisories);
    bool is_due = false;
    if (generation == k->generation)
        return true;
    if (!images_due(k, &is_due, err) || (is_due && !add_rematch(k->guard, k->store, err)))
        return false;
    k->generation = generation;
    return true;
}

static bool look_at_pulled(struct keeper *k, int64_t now, struct err *err)
{
    size_t n_jobs;
    if (!pulled_schedule(k->store, now, &n_jobs, err))
        return false;
    if (n_jobs)
        guard_wake(k->guard);
    return true;
}

static bool schedule(struct keeper *k, int64_t now, struct err *err)
{
    bool is_due = false;
    if (!feeds_due(k, now, &is_due, err) ||
        (is_due && !add_refresh(k->guard, k->store, STR(""), now, err)))
        return false;
    k->is_first = false;
    if (!rematch_when_new(k, err) || !sweeps_schedule(k->guard, k->store, now, err) ||
        !look_at_pulled(k, now, err))
        return false;
    if (now - k->purged_at < DAY_S)
        return true;
    k->purged_at = now;
    return store_purge(k->store, now - KEEP_S, err);
}

/* --- the thread
 * -------------------------------------------------------------------------------------------------------
 */
static void keep(struct keeper *k)
{
    /* A third of a lease: one heartbeat may be late.  Only the stop wakes it, not every new job. */
    uint32_t pause_ms = k->guard->config->lease_s * 1000 / 3;
    int64_t next_ms = 0;
    while (!guard_is_stopping(k->guard)) {
        uint64_t wakes = guard_wakes(k->guard);
        int64_t now_ms = clock_mono_ms();
        if (now_ms >= next_ms) {
            struct err err = {0};
            extend_leases(k);
            take_back(k);
            if (!schedule(k, clock_now_s(), &err))
                log_event(LOG_ERROR, "schedule", LOG_ERR(&err));
            next_ms = now_ms + (pause_ms < 5000 ? pause_ms : 5000);
        }
        guard_sleep(k->guard, wakes, (uint32_t)(next_ms > now_ms ? next_ms - now_ms : 1));
    }
}

void *keeper_main(void *arg)
{
    struct keeper k = {.guard = arg, .is_first = true, .purged_at = clock_now_s()};
    struct err err = {0};
    if (!store_pool_take(k.guard->relaxed, &k.store, &err)) {
        log_event(LOG_ERROR, "the keeper cannot open the store", LOG_ERR(&err));
        return NULL;
    }
    keep(&k);
    store_pool_give(k.guard->relaxed, k.store);
    return NULL;
}
