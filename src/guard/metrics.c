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
    return advisory_sources(guard->advisories.dir, arena, &out->sources, err);
}

/* --- deliveries
 * -------------------------------------------------------------------------------------- */
static struct delivery_count *delivery_locked(struct guard *guard, const struct outbox_message *m)
{
    for (size_t i = 0; i < guard->n_deliveries; i++) {
        struct delivery_count *d = &guard->deliveries[i];
        if (str_eq(str_from(d->channel), m->channel) && str_eq(str_from(d->kind), m->kind))
            return d;
    }
    if (guard->n_deliveries == DELIVERIES_MAX)
        return NULL;
    struct delivery_count *d = &guard->deliveries[guard->n_deliveries++];
    snprintf(d->channel, sizeof(d->channel), STR_FMT, STR_ARG(m->channel));
    snprintf(d->kind, sizeof(d->kind), STR_FMT, STR_ARG(m->kind));
    return d;
}

void deliveries_add(struct guard *guard, const struct outbox_message *message,
                    enum outbox_state end)
{
    pthread_mutex_lock(&guard->lock);
    struct delivery_count *d = delivery_locked(guard, message);
    if (d) {
        d->sent += end == OUTBOX_SENT;
        d->retried += end == OUTBOX_QUEUED;
        d->dead += end == OUTBOX_DEAD;
    }
    pthread_mutex_unlock(&guard->lock);
}

bool guard_deliveries(struct guard *guard, struct arena *arena, delivery_counts *out,
                      struct err *err)
{
    bool ok = true;
    pthread_mutex_lock(&guard->lock);
    for (size_t i = 0; ok && i < guard->n_deliveries; i++) {
        struct delivery_count *slot = vec_push(arena, out);
        if (slot)
            *slot = guard->deliveries[i];
        ok = slot != NULL;
    }
    pthread_mutex_unlock(&guard->lock);
    return ok || err_memory(err);
}
