/* SPDX-License-Identifier: Apache-2.0 */
/* internal.h - what the files of guard/ share: one guard, its threads, its snapshot of the
 * advisories. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "base/map.h"
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
    atomic_uint_fast64_t scans_in[SCAN_BUCKETS], scan_ms, rematches, told, matched, changed, rows,
        ended[JOB_END_GIVE_BACK + 1];
    atomic_int_fast64_t rematch_lag_ms;
};
void counters_add(struct counters *counters, const struct job *job, enum job_end end,
                  int64_t took_ms, int64_t now);
enum {
    WORKERS_MAX = 64,
    SLOT_REFRESHER = WORKERS_MAX,
    SLOT_SWEEPER,
    SLOT_IMPORTER,
    SLOT_RULER,
    SLOT_DELIVERER,
    SLOTS
};

/* intake.c: what waits for the next commit. */
struct waiting {
    struct waiting *next;
    str registry; /* name */
    const struct store_event *events;
    size_t n;
    struct event_counts counts;
    struct err err;
    bool is_kept;
    void (*done)(struct waiting *waiting); /* on the intake's thread */
};
struct intake {
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t changed;
    struct waiting *first, *last;
    bool is_open;
    pthread_t thread;
};
bool intake_start(struct guard *guard, struct err *err) NODISCARD;
/* What waits is kept, more is refused; harmless twice, and on one that never started. */
void intake_stop(struct guard *guard);
/* False with ERR_UNAVAILABLE when it is stopped; else waiting->done is called. */
bool intake_add(struct guard *guard, struct waiting *waiting, struct err *err) NODISCARD;

enum { DELIVERIES_MAX = 256 };

struct guard {
    enum guard_role role;
    const struct config *_Atomic config; /* the newest of the settings: see reload.c */
    pthread_mutex_t settings_lock;       /* guards the chain, and pins */
    struct settings *oldest, *newest;
    atomic_bool is_reload_well;
    atomic_int_fast64_t reloaded_at;
    struct delivery_count deliveries[DELIVERIES_MAX]; /* under lock */
    size_t n_deliveries;
    struct scanner *scanner; /* borrowed */
    int lock_fd;
    char *store_path;
    struct secret_key key;
    struct registry_hub *hub; /* of all that talks to registries here */
    bool is_shared;           /* others may bring work to the store */
    char holder[128];         /* what we are called as leader */
    atomic_bool is_leader;
    atomic_uint_fast64_t newest_generation; /* generation that the leader has; 0: not known */
    struct store_pool *durable;             /* for what is acknowledged */
    struct store_pool *relaxed;             /* for results */
    struct advisories advisories;
    struct intake intake;
    pthread_mutex_t lock; /* guards wakes, slots, is_stopping's change */
    pthread_cond_t changed;
    uint64_t wakes;
    struct slot slots[SLOTS]; /* the last ones are the refresher's and the sweeper's */
    atomic_bool is_stopping;
    atomic_uint_fast64_t n_accepted, n_refused;
    struct counters counters;
    struct stored_rules *rules; /* guarded by lock; one reference of it is ours */
    int64_t rules_seen_at;      /* the keeper's: when it last looked for images of older rules */
    pthread_t threads[SLOTS + 3];
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
void *importer_main(void *guard_thread);
void *ruler_main(void *guard_thread);
void *keeper_main(void *guard);
void *listener_main(void *guard);
void *deliver_main(void *guard_thread);

/* leader.c.  Once a second: lead if nobody else does.  True: we do, and @store is fenced until
 * leader_done(). */
bool leader_beat(struct guard *guard, struct store *store, int64_t *term);
void leader_done(struct store *store);
/* Another may lead now. */
void leader_end(struct guard *guard, struct store *store);
/* Is our advisory database older than the leader's; or none of theirs? */
bool guard_is_behind(struct guard *guard);
bool guard_is_foreign(struct guard *guard);

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
    struct arena arena;        /* of one job */
    struct snapshot *snapshot; /* of one job, whose results borrow from it; NULL: none */
};
typedef void run_job(struct loop *loop, const struct job *job, struct job_outcome *outcome);
bool loop_step(struct loop *loop, const enum job_kind *kinds, size_t n_kinds, uint64_t limit_s,
               run_job *run);

void refresher_work(struct loop *loop);
void sweeper_work(struct loop *loop);
void importer_work(struct loop *loop);
void ruler_work(struct loop *loop);
/* Rules whose end has come. */
bool rules_schedule(struct guard *guard, struct store *store, int64_t now,
                    struct err *err) NODISCARD;
/* A job for each registry whose sweep is due. */
bool sweeps_schedule(struct guard *guard, struct store *store, int64_t now,
                     struct err *err) NODISCARD;
/* A job for each recently pulled image whose time of the week has come. */
bool pulled_schedule(struct store *store, int64_t now, size_t *n_jobs, struct err *err) NODISCARD;
/* guard_reach for a job. */
bool registry_config_of(struct loop *loop, const struct store_registry *registry,
                        struct registry_config *out, struct err *err) NODISCARD;

/* Who posts notifications of a registry. */
struct notifier {
    bool is_known;
    str secret;   /* that it presents; empty: none is set, and nothing is taken */
    str own_name; /* under which we log in there */
};
bool notifier_of(struct guard *guard, struct arena *arena, str name, struct notifier *out,
                 struct err *err) NODISCARD;
/* Without secrets, of a configured one or of one that REST made. */
bool registry_settings_any(struct guard *guard, struct arena *arena,
                           const struct store_registry *registry, struct registry_settings *out,
                           struct err *err) NODISCARD;

/* What the store keeps sealed of a registry. */
#define SECRET_USERNAME "username"
#define SECRET_PASSWORD "password"
#define SECRET_NOTIFICATION "notification-secret"
#define SECRET_CLIENT_KEY "client-key"

/* --- stored rules: one set that all workers share
 * ------------------------------------------------------------------------------------------------
 */
struct stored_rules {
    struct rule_set set;
    struct rules rules;
    struct arena arena;
    atomic_uint refs;
};
/* The set of the revision that is current now; parsed once. */
bool rules_take(struct guard *guard, struct store *store, struct stored_rules **out,
                struct err *err) NODISCARD;
void rules_give(struct stored_rules *rules);
/* Into findings and verdict of what was just found. */
bool rules_over(const struct stored_rules *rules, struct arena *arena,
                const struct store_registry *registry, str repository, struct report *report,
                struct err *err) NODISCARD;
/* The configuration's into the store, sealed, for those who do not have it. */
bool registry_reach_save(struct guard *guard, struct store *store, int64_t registry_id,
                         const struct config *config, const struct config_registry *registry,
                         struct err *err) NODISCARD;

/* --- reload.c
 * ----------------------------------------------------------------------------------------- */
bool settings_open(struct guard *guard, const struct config *config, struct err *err) NODISCARD;
void settings_close(struct guard *guard);
/* Keys that are read at start only: @fresh keeps what @old says, and the log names them. */
bool config_keep(struct arena *arena, const struct config *old, struct config *fresh,
                 struct err *err) NODISCARD;
/* Registries of @config, their credentials, and whether anybody wants to be told. */
bool registries_write(struct guard *guard, const struct config *config, struct err *err) NODISCARD;

/* --- what others are told: telling (what), letter (its words), message (its bytes)
 * ------------------- */
struct told_image {
    struct store_image image;
    findings news;
};
struct telling {
    enum told what;
    int64_t at;
    const struct store_registry *registry; /* NULL: none */
    str repository, digest, tag;           /* digest: a source's or a channel's name, where it is
                                              about one */
    str reason;
    VEC(struct told_image) images;
};
typedef VEC(struct telling) tellings;
bool tellings_load(struct store *store, struct arena *arena, const struct store_batch *batch,
                   tellings *out, struct err *err) NODISCARD;
bool channel_wants(const struct config_channel *channel, const struct telling *telling);
bool channel_wants_finding(const struct config_channel *channel, const struct finding *finding);

enum { LETTER_FINDINGS = 25, LETTER_IMAGES = 20, LETTER_STEPS = 3 };
struct letter_finding {
    const struct finding *finding;
    size_t n_images;
};
struct letter {
    struct arena *arena;
    const struct telling *telling;
    str origin, place, summary;
    struct report_summary counts; /* of all findings that the channel wants */
    VEC(struct letter_finding) findings;
    size_t n_findings; /* with those that are not listed */
    strs steps;
};
bool letter_write(struct arena *arena, const struct config *config,
                  const struct config_channel *channel, const struct telling *telling,
                  struct letter *out, struct err *err) NODISCARD;
str letter_link(const struct letter *letter, str digest_text);
bool letter_json(const struct letter *letter, str id, str *out, struct err *err) NODISCARD;
bool letter_mail(const struct letter *letter, str id, str *out, struct err *err) NODISCARD;
bool letter_envelope(const struct config_channel *channel, const struct outbox_message *message,
                     struct arena *arena, str *out, struct err *err) NODISCARD;
bool message_write(struct arena *arena, const struct config *config,
                   const struct config_channel *channel, const struct telling *telling,
                   struct outbox_message *out, struct err *err) NODISCARD;
str message_id(struct arena *arena);

struct sent {
    enum outbox_state end;
    int status;
    int64_t retry_after_s;
    bool is_down;    /* the receiver, not the message */
    bool is_stopped; /* we are */
    str answer, error;
};
/* At most the channel's timeout. */
void channel_send(const struct config_channel *channel, const struct outbox_message *message,
                  struct cancel *cancel, struct arena *arena, struct sent *out);
void deliveries_add(struct guard *guard, const struct outbox_message *message,
                    enum outbox_state end);

/* --- pieces
 * ------------------------------------------------------------------------------------------------
 */
/* The configured registry of that name; NULL. */
const struct config_registry *config_registry_find(const struct config *config, str name);
const struct config_channel *config_channel_find(const struct config *config, str name);
/* How a job ends that ended with @err: retried, for good, dead, or given back. */
void outcome_of_error(struct guard *guard, const struct job *job, const struct slot *slot,
                      const struct err *err, struct arena *arena, struct job_outcome *out);
/* A retry waits as long as the registry asked for (Retry-After). */
void outcome_rests(struct guard *guard, const struct store_registry *registry,
                   struct job_outcome *out);
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
/* --- delta.c: what a generation changes about the units of images
 * ------------------------------------------------------------- */
struct unit_change {
    bool is_put;            /* false: the finding is gone */
    struct finding finding; /* what its name is made of */
    int64_t fact_id;
    int layer;
    bool is_from_base;
    struct {
        int critical, high, medium, low, unknown, patchable;
    } counts; /* to be added */
};
struct unit_delta {
    int64_t unit_id;
    bool is_whole; /* images that hold it are to be matched whole */
    VEC(struct unit_change) changes;
};
struct deltas {
    struct arena arena;
    VEC(struct unit_delta) all; /* by unit_id; units that change nothing are not there */
    uint64_t *bits, max_id;
    struct map spoken_of; /* names and digests of images that VEX statements are on */
    bool is_all;          /* every unit was looked at */
    size_t n_keys, n_units, n_renewed;
};
/* Facts that say something else now are renewed in the store on the way. */
bool deltas_make(struct loop *loop, const struct advisory_db *from, const struct advisory_db *to,
                 struct deltas *out, struct err *err) NODISCARD;
const struct unit_delta *deltas_find(const struct deltas *deltas, int64_t unit_id);
void deltas_fini(struct deltas *deltas);

/* The notices of an image before it is matched again: what its layers say, and of what was stored
 * how well the scan was shut in.  All else stored came from the layers (and comes from them again),
 * from the last match, or from layers that could not be read then and can now. */
bool notices_keep(struct arena *arena, const notices *inventory, const notices *stored,
                  notices *to) NODISCARD;
/* Match every image again that is behind @snapshot.  True with *is_all false when it was stopped.
 */
bool rematch_all(struct loop *loop, const struct snapshot *snapshot, bool *is_all,
                 struct err *err) NODISCARD;
