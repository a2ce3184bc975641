/* SPDX-License-Identifier: Apache-2.0 */
/* pulled.c - the weekly look at what is recently pulled: every digest whose last pull is at most
 * thirty days ago is assessed again, each at its own time of the week.  A job costs a manifest and
 * a match: its layers are known. */
#include "guard/internal.h"

enum {
    HOUR_S = 3600,
    DAY_S = 24 * HOUR_S,
    WEEK_S = 7 * DAY_S,
    RECENT_S = 30 * DAY_S,
    LATE_S = 2 * HOUR_S, /* a restart is not an outage */
    CATCH_UP_S = DAY_S,
    JOBS_MAX = 200, /* a look: the keeper has leases to keep */
};

/* The job first: killed in between, the image is looked at once more and not a week too late. */
static bool assess_again(struct store *store, const struct pulled_spec *spec,
                         const struct pulled_image *image, size_t *n_jobs, struct err *err)
{
    bool is_new = false;
    const struct job_spec job = {.kind = JOB_SCAN,
                                 .registry_id = image->registry_id,
                                 .repository = image->repository,
                                 .digest = image->digest,
                                 .priority = PRIORITY_PULLED,
                                 .not_before = spec->now};
    if (!store_job_add(store, &job, spec->now, &is_new, err) ||
        !store_pulled_done(store, spec, image, err))
        return false;
    *n_jobs += is_new;
    return true;
}

static bool look(struct store *store, struct arena *arena, int64_t now, size_t *n_jobs,
                 struct err *err)
{
    const struct pulled_spec spec = {.now = now,
                                     .since = now - RECENT_S,
                                     .period_s = WEEK_S,
                                     .late_s = LATE_S,
                                     .catch_up_s = CATCH_UP_S,
                                     .limit = JOBS_MAX};
    struct pulled_counts counts;
    pulled_images due = {0};
    if (!store_pulled_due(store, arena, &spec, &due, &counts, err))
        return false;
    for (size_t i = 0; i < due.len; i++)
        if (!assess_again(store, &spec, &due.ptr[i], n_jobs, err))
            return false;
    if (counts.n_missed)
        log_event(LOG_INFO, "recently pulled images that were missed are spread over a day",
                  LOG_NUM("images", counts.n_missed));
    if (*n_jobs)
        log_event(LOG_INFO, "recently pulled images are assessed again", LOG_NUM("jobs", *n_jobs));
    return true;
}

bool pulled_schedule(struct store *store, int64_t now, size_t *n_jobs, struct err *err)
{
    struct arena arena;
    *n_jobs = 0;
    arena_init(&arena, 16 * MIB);
    bool ok = look(store, &arena, now, n_jobs, err);
    arena_fini(&arena);
    return ok || err_wrap(err, "recently pulled images");
}
