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
    JOBS_MAX = 500, /* a look: the keeper has leases to keep */
};

bool pulled_schedule(struct store *store, int64_t now, struct pulled_counts *out, struct err *err)
{
    const struct pulled_spec spec = {.now = now,
                                     .since = now - RECENT_S,
                                     .period_s = WEEK_S,
                                     .late_s = LATE_S,
                                     .catch_up_s = CATCH_UP_S,
                                     .limit = JOBS_MAX};
    if (!store_pulled_schedule(store, &spec, out, err))
        return err_wrap(err, "recently pulled images");
    if (out->n_missed)
        log_event(LOG_INFO, "recently pulled images that were missed are spread over a day",
                  LOG_NUM("images", out->n_missed));
    if (out->n_jobs)
        log_event(LOG_INFO, "recently pulled images are assessed again",
                  LOG_NUM("jobs", out->n_jobs));
    return true;
}
