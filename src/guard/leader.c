/* SPDX-License-Identifier: Apache-2.0 */
/* leader.c - of several servers on one store one schedules.  It says so every second; who was not
 * heard of for LEAD_S is followed by another.  What a leader does is fenced by its term: one that
 * was frozen finds out before it writes. */
#include <sodium.h>
#include <unistd.h>

#include "base/clock.h"
#include "guard/internal.h"

enum { LEAD_S = 4 };
#define NAME "scheduler"
#define META_GENERATION STR("generation")

static void name_holder(struct guard *guard)
{
    char host[64] = "";
    if (gethostname(host, sizeof(host) - 1) != 0)
        host[0] = '\0';
    snprintf(guard->holder, sizeof(guard->holder), "%s:%ld:%08x", host, (long)getpid(),
             randombytes_random());
}

static bool lead(struct guard *guard, struct store *store, int64_t *term, struct err *err)
{
    int64_t now = clock_now_s();
    *term = 0;
    if (guard->role == GUARD_WORKER)
        return true;
    if (!guard->is_shared) {
        *term = 1; /* the lock on the data directory says that we are alone */
        return true;
    }
    if (!guard->holder[0])
        name_holder(guard);
    return store_lead(store, NAME, str_from(guard->holder), now, now + LEAD_S, term, err);
}

/* The leader's generation is the newest, even when it is a lower number than before. */
static bool share_generation(struct guard *guard, struct store *store, bool is_leader,
                             struct err *err)
{
    uint64_t own = advisories_generation(&guard->advisories);
    int64_t kept = 0;
    if (!guard->is_shared) {
        atomic_store(&guard->newest_generation, own);
        return true;
    }
    if (!meta_time(store, META_GENERATION, &kept, err) ||
        (is_leader && own && (uint64_t)kept != own &&
         !meta_time_set(store, META_GENERATION, (int64_t)own, err)))
        return false;
    atomic_store(&guard->newest_generation, is_leader && own ? own : (uint64_t)kept);
    return true;
}

bool leader_beat(struct guard *guard, struct store *store, int64_t *term)
{
    struct err err = {0};
    int64_t was = *term;
    bool ok = lead(guard, store, term, &err);
    atomic_store(&guard->is_leader, *term != 0);
    if (ok && *term && guard->is_shared)
        store_fence(store, NAME, *term);
    if (!ok || !share_generation(guard, store, *term != 0, &err))
        log_event(LOG_WARN, "who leads is not known", LOG_ERR(&err));
    if (*term != was && guard->is_shared)
        log_event(LOG_INFO, *term ? "this server leads: it schedules" : "another server leads",
                  LOG_STR("holder", str_from(guard->holder)), LOG_NUM("term", *term));
    return *term != 0;
}

void leader_done(struct store *store) { store_fence(store, NULL, 0); }

void leader_end(struct guard *guard, struct store *store)
{
    struct err err = {0};
    if (atomic_exchange(&guard->is_leader, false) && guard->is_shared &&
        !store_lead_end(store, NAME, str_from(guard->holder), &err))
        log_event(LOG_DEBUG, "the others find out by themselves", LOG_ERR(&err));
}

bool guard_is_behind(struct guard *guard)
{
    return advisories_generation(&guard->advisories) < atomic_load(&guard->newest_generation);
}

bool guard_is_foreign(struct guard *guard)
{
    return guard->role == GUARD_WORKER &&
           advisories_generation(&guard->advisories) > atomic_load(&guard->newest_generation);
}
