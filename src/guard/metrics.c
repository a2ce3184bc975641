/* SPDX-License-Identifier: Apache-2.0 */
/* metrics.c - what a server counts of its work. */
#include "guard/internal.h"

const double guard_scan_bounds_s[SCAN_BUCKETS - 1] = {0.1, 0.25, 0.5, 1,   2.5, 5,
                                                      10,  30,   60,  300, 1200};

static size_t bucket_of(int64_t took_ms)
{
    size_t i = 0;
    while (i < SCAN_BUCKETS - 1 && (double)took_ms > guard_scan_bounds_s[i] * 1000)
        i++;
    return i;
}

void counters_add(struct counters *counters, const struct job *job, enum job_end end,
                  int64_t took_ms, int64_t now)
{
    atomic_fetch_add(&counters->ended[end], 1);
    if (end != JOB_END_DONE)
        return;
    if (job->kind == JOB_SCAN) {
        atomic_fetch_add(&counters->scans_in[bucket_of(took_ms)], 1);
        atomic_fetch_add(&counters->scan_ms, (uint64_t)took_ms);
    }
    if (job->kind == JOB_REMATCH) {
        atomic_fetch_add(&counters->rematches, 1);
        int64_t waited_ms = (now - job->created_at) * 1000;
        atomic_store(&counters->rematch_lag_ms, waited_ms > took_ms ? waited_ms : took_ms);
    }
}

static bool copy_sources(struct guard *guard, struct arena *arena, struct guard_metrics *out,
                         struct err *err)
{
    struct snapshot *snapshot = NULL;
    const struct source_state *sources = NULL;
    if (!advisories_generation(&guard->advisories))
        return true;
    if (!snapshot_take(&guard->advisories, &snapshot, err))
        return false;
    bool ok = true;
    size_t n = advisory_db_sources(snapshot->db, &sources);
    for (size_t i = 0; ok && i < n; i++) {
        struct source_state *slot = vec_push(arena, &out->sources);
        if (!slot) {
            ok = err_memory(err);
            break;
        }
        *slot = (struct source_state){.name = arena_dup(arena, sources[i].name),
                                      .error = arena_dup(arena, sources[i].error),
                                      .fetched_at = sources[i].fetched_at,
                                      .n_records = sources[i].n_records,
                                      .is_held = sources[i].is_held};
        ok = (slot->name.ptr && slot->error.ptr) || err_memory(err);
    }
    snapshot_give(snapshot);
    return ok;
}

bool guard_metrics_get(struct guard *guard, struct arena *arena, struct guard_metrics *out,
                       struct err *err)
{
    struct counters *c = &guard->counters;
    *out = (struct guard_metrics){
        .scan_ms = atomic_load(&c->scan_ms),
        .rematches = atomic_load(&c->rematches),
        .images_told = atomic_load(&c->told),
        .images_matched = atomic_load(&c->matched),
        .rematch_lag_ms = atomic_load(&c->rematch_lag_ms),
        .jobs = {.done = atomic_load(&c->ended[JOB_END_DONE]),
                 .retried = atomic_load(&c->ended[JOB_END_RETRY]),
                 .failed = atomic_load(&c->ended[JOB_END_FAILED]),
                 .dead = atomic_load(&c->ended[JOB_END_DEAD]),
                 .given_back = atomic_load(&c->ended[JOB_END_GIVE_BACK])},
    };
    for (size_t i = 0; i < SCAN_BUCKETS; i++)
        out->scans_in[i] = atomic_load(&c->scans_in[i]);
    return copy_sources(guard, arena, out, err);
}
