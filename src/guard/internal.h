/* SPDX-License-Identifier: Apache-2.0 */
/* internal.h - what the files of guard/ share: one guard, its threads, its snapshot of the
 * advisories. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "base/num.h"
#include "base/rd.h"
#include "base/sb.h"
#include "guard/guard.h"

/* --- the advisory database: one snapshot that all workers share
 * ------------------------------------- */
struct snapshot {
    struct advisory_db *db;
    uint64_t generation;
    atomic_uint refs;
    char target[128]; /* where `current` led when it was opened */
};
struct advisories {
    pthread_mutex_t lock; /* guards now */
    char *dir;
    struct snapshot *now; /* one reference of it is ours; NULL: none yet */
};
bool advisories_init(struct advisories *advisories, str dir, struct err *err) NODISCARD;
void advisories_fini(struct advisories *advisories);
/* The generation that is current now, opened when it changed; ERR_NOT_FOUND: there is none yet. */
bool snapshot_take(struct advisories *advisories, struct snapshot **out, struct err *err) NODISCARD;
void snapshot_give(struct snapshot *snapshot);
/* Its number; 0: none. */
uint64_t advisories_generation(struct advisories *advisories);

/* --- running jobs
 * -------------------------------------------------------------------------------------- */
/* What the keeper must know to keep a lease alive, and to end the work when it is lost. */
struct slot {
    bool is_busy;
    int64_t id, lease;
    struct cancel cancel;
};
/* metrics.c: any thread adds. */
struct counters {
    atomic_uint_fast64_t scans_in[SCAN_BUCKETS], scan_ms, rematches, ended[JOB_END_GIVE_BACK + 1];
    atomic_int_fast64_t rematch_lag_ms;
};
void counters_add(struct counters *counters, const struct job *job, enum job_end end,
                  int64_t took_ms, int64_t now);
enum { WORKERS_MAX = 64, SLOT_REFRESHER = WORKERS_MAX, SLOT_SWEEPER, SLOTS };

struct guard {
    const struct config *config; /* borrowed */
    struct scanner *scanner;     /* borrowed */
    int lock_fd;
    char *store_path;
    struct secret_key key;
    bool is_shared;             /* others may bring work to the store */
    struct store_pool *durable; /* for what is acknowledged */
    struct store_pool *relaxed; /* for results */
    struct advisories advisories;
    pthread_mutex_t lock; /* guards wakes, slots, is_stopping's change */
    pthread_cond_t changed;
    uint64_t wakes;
    struct slot slots[SLOTS]; /* the last ones are the refresher's and the sweeper's */
    atomic_bool is_stopping;
    atomic_uint_fast64_t n_accepted, n_refused;
    struct counters counters;
    pthread_t threads[SLOTS + 2];
    size_t n_threads;
};
struct guard_thread {
    struct guard *guard;
    struct slot *slot;
};

/* Threads: scan jobs; refresh and re-match; sweeps; leases, schedule; news of other processes. */
void *worker_main(void *guard_thread);
void *refresher_main(void *guard_thread);
void *sweeper_main(void *guard_thread);
void *keeper_main(void *guard);
void *listener_main(void *guard);

/* Sleep until somebody wakes (since @seen was read) or @timeout_ms passed. */
uint64_t guard_wakes(struct guard *guard);
void guard_sleep(struct guard *guard, uint64_t seen, uint32_t timeout_ms);
bool guard_is_stopping(struct guard *guard);
void slot_open(struct guard *guard, struct slot *slot, const struct job *job, uint64_t limit_s);
void slot_close(struct guard *guard, struct slot *slot);
/* Lease one job of @kinds into @slot and run it: false when there was none. */
struct loop {
    struct guard *guard;
    struct slot *slot;
    struct store *store;
    struct arena arena; /* of one job */
};
typedef void run_job(struct loop *loop, const struct job *job, struct job_outcome *outcome);
bool loop_step(struct loop *loop, const enum job_kind *kinds, size_t n_kinds, uint64_t limit_s,
               run_job *run);

void refresher_work(struct loop *loop);
void sweeper_work(struct loop *loop);
/* A job for each registry whose sweep is due. */
bool sweeps_schedule(struct guard *guard, struct store *store, int64_t now,
                     struct err *err) NODISCARD;
/* A job for each recently pulled image whose time of the week has come. */
bool pulled_schedule(struct store *store, int64_t now, size_t *n_jobs, struct err *err) NODISCARD;
/* How to reach a registry: as it is configured, or with the credentials that the store has of one
 * that another server's configuration names. */
bool registry_config_of(struct loop *loop, const struct store_registry *registry,
                        struct registry_config *out, struct err *err) NODISCARD;

/* What the store keeps sealed of a registry. */
#define SECRET_USERNAME "username"
#define SECRET_PASSWORD "password"

/* --- pieces
 * ------------------------------------------------------------------------------------------------
 */
/* The configured registry of that name; NULL. */
const struct config_registry *config_registry_find(const struct config *config, str name);
/* How a job ends that ended with @err: retried, for good, dead, or given back. */
void outcome_of_error(struct guard *guard, const struct job *job, const struct slot *slot,
                      const struct err *err, struct arena *arena, struct job_outcome *out);
/* Seconds until the next try of what was tried @attempts times: doubled each time, at most an hour,
 * and up to a quarter more by chance. */
uint32_t backoff_s(uint32_t base_s, unsigned attempts);
/* Names of sub-assessments into every finding. */
bool findings_name(struct arena *arena, const struct config *config,
                   const struct store_registry *registry, str repository, struct report *report,
                   struct err *err) NODISCARD;
/* scan_bases.find; ctx is a store. */
bool base_find(void *store, const digest *diff_ids, size_t n, size_t *n_base,
               struct err *err) NODISCARD;
bool add_refresh(struct guard *guard, struct store *store, str feed, int64_t not_before,
                 struct err *err) NODISCARD;
bool add_rematch(struct guard *guard, struct store *store, struct err *err) NODISCARD;
/* True when scanned Debian images should be looked up in changelogs. */
bool wants_debian(const struct config *config);
/* The key under which the store keeps when the configured feeds were last read. */
#define META_FEEDS_READ_AT STR("feeds-read-at")
#define META_WANTED_READ_AT STR("wanted-read-at")
bool meta_time(struct store *store, str key, int64_t *at, struct err *err) NODISCARD;
bool meta_time_set(struct store *store, str key, int64_t at, struct err *err) NODISCARD;
/* The notices of an image before it is matched again: what its layers say, and of what was stored
 * how well the scan was shut in.  All else stored came from the layers (and comes from them again),
 * from the last match, or from layers that could not be read then and can now. */
bool notices_keep(struct arena *arena, const notices *inventory, const notices *stored,
                  notices *to) NODISCARD;
/* Match every image again that is behind @snapshot.  True with *is_all false when it was stopped.
 */
bool rematch_all(struct loop *loop, const struct snapshot *snapshot, bool *is_all,
                 struct err *err) NODISCARD;
