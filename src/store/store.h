/* SPDX-License-Identifier: Apache-2.0 */
/* store.h - what outlives the process: registries, images, findings, layer inventories, jobs,
 * events, tokens.  The one persistence interface; portable SQL above, one driver per engine below
 * (SQLite, PostgreSQL). Not: what is worth scanning (guard/), or how an answer looks (api/): every
 * read gives structs.
 *
 *   registries ─< repositories ─< images ─< findings >─ facts >─ advisories   text once, rows of
 * ids └< tags    └< image_layers ─ layer_inventories shared by all images events → jobs (queued →
 * leased → done | failed | dead | queued again)
 *
 * The last verdict of an image stands until it is replaced; a result replaces all findings of its
 * image in one transaction.  A late answer of a job whose lease went to another is refused
 * (fencing). Owns: a store is one connection.  What a read gives lives in the arena it was given.
 * Threads: one store, one thread at a time; any number of stores on the same file; a pool lends
 * them. Errors: ERR_UNAVAILABLE full, locked or gone (nothing was kept); ERR_UNSUPPORTED a newer
 * schema; ERR_NOT_FOUND, ERR_CONFLICT as said below.  Times are UTC seconds and come from the
 * caller. */
#pragma once

#include "base/cancel.h"
#include "report/report.h"

struct store;
/* DURABLE: a commit is on the disk before it returns (what a 2xx promises).  RELAXED: a power
 * failure may lose the last commits, never order or consistency; a killed process loses none.  For
 * results: the job that made them is lost with them, so it runs again. */
enum store_mode { STORE_DURABLE, STORE_RELAXED };
/* @name: "sqlite:PATH" or a path alone; "postgres:CONNINFO" (libpq's keywords and values),
 * "postgresql://…".  Opens or makes the database and brings its schema forward. */
NODISCARD bool store_open(const char *name, enum store_mode mode, struct store **out,
                          struct err *err);
/* As it is: nothing is made (ERR_NOT_FOUND), an older schema is refused too. */
NODISCARD bool store_open_kept(const char *name, enum store_mode mode, struct store **out,
                               struct err *err);
void store_close(struct store *store);
/* ERR_USAGE when nothing is called so; nothing is opened. */
NODISCARD bool store_name_check(str name, struct err *err);
/* What may be shown of a name: no password. */
str store_describe(struct arena *arena, const char *name);
int store_schema_version(void);
/* Brings the schema forward; *from is what it was, 0 for none. */
NODISCARD bool store_migrate(const char *name, int *from, struct err *err);

/* Other processes may use it at the same time: leases are not only ours. */
bool store_is_shared(const struct store *store);
/* Wait until another process adds work: NEXT_ITEM; NEXT_END after @ms.  ERR_UNSUPPORTED when the
 * store is not shared. */
NODISCARD enum next store_wait(struct store *store, uint32_t ms, struct err *err);
/* End what @store is doing (ERR_CANCELLED there).  Any thread, while it is open. */
void store_interrupt(struct store *store);

/* Connections for threads that come and go (handlers of requests).  Any thread. */
struct store_pool;
NODISCARD bool store_pool_open(const char *name, enum store_mode mode, struct store_pool **out,
                               struct err *err);
void store_pool_close(struct store_pool *pool); /* after all were given back */
NODISCARD bool store_pool_take(struct store_pool *pool, struct store **out, struct err *err);
void store_pool_give(struct store_pool *pool, struct store *store);

/* --- paging: keyset, stable while others insert
 * --------------------------------------------------- */
/* @after is the `next` of the page before, empty for the first; anything else is ERR_FORMAT. */
struct store_page {
    str after;
    size_t limit; /* 0: 100; at most STORE_PAGE_MAX */
};
enum { STORE_PAGE_MAX = 1000 };

/* --- registries
 * ------------------------------------------------------------------------------------ */
struct store_registry {
    int64_t id; /* 0: not stored */
    str subscription, resource_group,
        name; /* ARM names compare without case; shown as first written */
    str host; /* "reg.example:5000": where images are pulled from */
    bool is_plain_http;
    int64_t created_at;
    str properties; /* JSON of the ARM resource, for the API; may be empty */
};
typedef VEC(struct store_registry) store_registries;
/* A scope is "everything below": all empty, a subscription, a group in it, or a registry in that.
 */
struct store_scope {
    str subscription, resource_group, registry;
    bool is_limited; /* only what lies below one of @within too: what the asker may see */
    const struct store_scope *within;
    size_t n_within;
};
/* "/subscriptions/…/resourceGroups/…/providers/Microsoft.ContainerRegistry/registries/…" */
str store_registry_arm_id(struct arena *arena, const struct store_registry *registry);
/* Insert, or update host and properties of the one with the same three names; fills @registry->id.
 */
NODISCARD bool store_registry_put(struct store *store, struct store_registry *registry, int64_t now,
                                  struct err *err);
NODISCARD bool store_registries_list(struct store *store, struct arena *arena,
                                     const struct store_scope *scope, store_registries *out,
                                     struct err *err);
/* ERR_NOT_FOUND.  By the name alone: registry names are unique in a store. */
NODISCARD bool store_registry_get(struct store *store, struct arena *arena, str name,
                                  struct store_registry *out, struct err *err);

/* --- events and the jobs they make
 * ------------------------------------------------------------------ */
enum job_kind { JOB_NONE, JOB_SCAN, JOB_REFRESH, JOB_REMATCH, JOB_SWEEP };
const char *
job_kind_name(enum job_kind kind); /* "scan", "refresh" (advisories), "rematch", "sweep" */
enum job_state { JOB_ANY, JOB_QUEUED, JOB_LEASED, JOB_DONE, JOB_FAILED, JOB_DEAD, JOB_CANCELLED };
/* "queued", "running", "done", "failed" (for good: trying again would not help), "dead" (tried too
 * often), "cancelled". */
const char *job_state_name(enum job_state state);
NODISCARD bool job_state_parse(str text, enum job_state *out);
/* Higher first. */
enum job_priority {
    PRIORITY_SWEEP = 10,
    PRIORITY_PULLED = 20,
    PRIORITY_MANUAL = 30,
    PRIORITY_IMPORT = 40,
    PRIORITY_PUSH = 50,
};

struct job_spec {
    enum job_kind kind;
    int64_t registry_id;    /* 0: none */
    str repository, digest; /* empty where the kind has none */
    str tag;                /* for people; not part of the identity */
    enum job_priority priority;
    int64_t not_before;
};
/* While a job with the same kind, registry, repository and digest is queued or leased there is no
 * second: the queued one takes the higher priority and the earlier time, the leased one is marked
 * to be looked at again.  *is_new may be NULL. */
NODISCARD bool store_job_add(struct store *store, const struct job_spec *spec, int64_t now,
                             bool *is_new, struct err *err);

enum event_action { EVENT_NONE, EVENT_PUSH, EVENT_PULL, EVENT_DELETE, EVENT_FOUND };
struct store_event {
    str id; /* of the sender; empty: cannot be deduplicated */
    enum event_action action;
    str repository, digest, tag, media_type;
    bool is_index;
    int64_t at;
};
struct event_counts {
    unsigned n_new, n_known, n_jobs;
};
/* All of them or none, in one commit.  A push makes the repository, the image and the tag known,
 * and a job unless the image has a verdict of a complete scan; a delete takes the image (or,
 * without digest but with a tag, the tag; without both, the repository) out of the results, unless
 * it was pushed after; a pull sets last_pulled, and makes a job for an image that has no result;
 * what a sweep found is as a push, of an unknown time and in no hurry. */
NODISCARD bool store_events_add(struct store *store, int64_t registry_id,
                                const struct store_event *events, size_t n, int64_t now,
                                struct event_counts *out, struct err *err);

/* --- what a sweep compares with: the images of one repository that are there
 * ----------------------------------------------------------------------------- */
NODISCARD bool store_repositories_list(struct store *store, struct arena *arena,
                                       int64_t registry_id, strs *out, struct err *err);
struct store_tag {
    str name, digest;
};
typedef VEC(struct store_tag) store_tags;
/* Sorted by name. */
NODISCARD bool store_tags_list(struct store *store, struct arena *arena, int64_t registry_id,
                               str repository, store_tags *out, struct err *err);
/* What tags were: one row each time one was set to another image or removed. */
struct store_tag_change {
    str digest; /* empty: removed */
    int64_t at;
};
typedef VEC(struct store_tag_change) store_tag_changes;
/* Of one tag, newest first; of a tag that never was, none. */
NODISCARD bool store_tag_history(struct store *store, struct arena *arena, int64_t registry_id,
                                 str repository, str tag, const struct store_page *page,
                                 store_tag_changes *out, str *next, struct err *err);
struct store_tag_row {
    str repository, name;
    str digest;     /* empty: removed */
    int64_t set_at; /* or removed */
};
typedef VEC(struct store_tag_row) store_tag_rows;
struct tag_filter {
    str repository;   /* empty: all */
    bool has_removed; /* those that are gone too */
};
/* In the order in which repositories were first seen, then by name. */
NODISCARD bool store_tag_rows_list(struct store *store, struct arena *arena, int64_t registry_id,
                                   const struct tag_filter *filter, const struct store_page *page,
                                   store_tag_rows *out, str *next, struct err *err);
/* Digests that no tag names, and no index that is there. */
NODISCARD bool store_untagged_list(struct store *store, struct arena *arena, int64_t registry_id,
                                   str repository, strs *out, struct err *err);

/* --- images that were pulled: assessed again every so often
 * ----------------------------------------------------------------- */
struct pulled_spec {
    int64_t now;
    int64_t since;       /* of the last pull; who was pulled before is left in peace */
    uint32_t period_s;   /* between two assessments of one image */
    uint32_t late_s;     /* what is later than that was missed, by a server that was down */
    uint32_t catch_up_s; /* and is spread over so long */
    size_t limit;        /* images at a time */
};
struct pulled_image {
    int64_t id, registry_id;
    str repository, digest;
    int64_t due_at;
};
typedef VEC(struct pulled_image) pulled_images;
struct pulled_counts {
    size_t n_placed;  /* pulled, and on the schedule from now on */
    size_t n_dropped; /* not pulled for long, or deleted: on it no longer */
    size_t n_missed;  /* spread over the next catch_up_s */
};
/* What is due at spec->now.  Every image has an instant of its own in the period, from its row's
 * number: they are spread evenly, and it is the same one after a restart. */
NODISCARD bool store_pulled_due(struct store *store, struct arena *arena,
                                const struct pulled_spec *spec, pulled_images *out,
                                struct pulled_counts *counts, struct err *err);
/* Its job was added: the next time is its next instant.  A second time nothing changes. */
NODISCARD bool store_pulled_done(struct store *store, const struct pulled_spec *spec,
                                 const struct pulled_image *image, struct err *err);
struct pulled_status {
    uint64_t n_images; /* on the schedule */
    int64_t next_at;   /* the next one; 0: none */
};
NODISCARD bool store_pulled_status(struct store *store, struct pulled_status *out, struct err *err);

/* --- jobs
 * ------------------------------------------------------------------------------------------- */
struct job {
    int64_t id;
    enum job_kind kind;
    enum job_state state;
    int64_t registry_id;
    str registry; /* name */
    str repository, digest, tag;
    int priority;
    unsigned attempts; /* leases so far; one given back, or lost with its server, does not count */
    int64_t created_at, not_before, leased_until, started_at, finished_at;
    int64_t lease; /* fencing token, rises with every lease */
    str error;     /* of the last attempt */
};
typedef VEC(struct job) jobs;

struct lease_spec {
    const enum job_kind *kinds; /* at most three */
    size_t n_kinds;
    int64_t now;
    uint32_t lease_s;
};
/* The most urgent job that may run; NEXT_END when there is none. */
NODISCARD enum next store_job_lease(struct store *store, struct arena *arena,
                                    const struct lease_spec *spec, struct job *out,
                                    struct err *err);
/* ERR_CONFLICT when the lease is no longer ours: stop working on it. */
NODISCARD bool store_job_extend(struct store *store, const struct job *job, int64_t leased_until,
                                struct err *err);
/* Leases that ran out go back into the queue; dead is what ran out @max_deaths times.  With @is_all
 * every lease (when this is the only process that can hold any).  *n may be NULL. */
NODISCARD bool store_jobs_expire(struct store *store, int64_t now, bool is_all, unsigned max_deaths,
                                 size_t *n, struct err *err);
/* UTC seconds at which the next queued job may run or lease runs out; 0: none. */
NODISCARD bool store_jobs_next_at(struct store *store, int64_t *at, struct err *err);

enum job_end {
    JOB_END_DONE,
    JOB_END_RETRY,  /* queued again at not_before */
    JOB_END_FAILED, /* for good */
    JOB_END_DEAD,
    JOB_END_GIVE_BACK, /* queued again at once, the attempt does not count */
};
/* What became of one image. */
struct store_result {
    const struct report *report; /* findings carry their names */
    str media_type;
};
struct job_outcome {
    enum job_end end;
    str error; /* shown with the job, and with an image that has no verdict */
    int64_t not_before;
    const struct store_result *results;
    size_t n_results;
    bool is_index;       /* the job's digest names an index: results are its children */
    uint64_t generation; /* of the database that was matched against */
    uint64_t revision;   /* inventory_revision() */
    int64_t now;
};
/* End a job and store its results, in one commit.  VERDICT_FAILED keeps what the image had, and
 * notes the failure.  An image that was deleted meanwhile stays deleted.  A job marked while it was
 * leased is queued once more if it failed for good, or if its kind is not a scan. ERR_CONFLICT: the
 * lease went to another, nothing was stored. */
NODISCARD bool store_job_finish(struct store *store, const struct job *job,
                                const struct job_outcome *outcome, struct err *err);
/* Queue a dead, failed or cancelled job again. */
NODISCARD bool store_job_requeue(struct store *store, int64_t id, int64_t now, struct err *err);
NODISCARD bool store_job_cancel(struct store *store, int64_t id, int64_t now, struct err *err);

struct job_filter {
    enum job_kind kind;              /* JOB_NONE: all */
    enum job_state state;            /* JOB_ANY: all */
    int64_t registry_id;             /* 0: all */
    const struct store_scope *scope; /* NULL: all, those without a registry too */
};
/* Newest first. */
NODISCARD bool store_jobs_list(struct store *store, struct arena *arena,
                               const struct job_filter *filter, const struct store_page *page,
                               jobs *out, str *next, struct err *err);
NODISCARD bool store_job_get(struct store *store, struct arena *arena, int64_t id, struct job *out,
                             struct err *err);
struct job_counts {
    uint64_t queued, leased, done, failed, dead, cancelled;
};
NODISCARD bool store_jobs_count(struct store *store, struct job_counts *out, struct err *err);

/* --- layer inventories and what a re-match needs
 * ------------------------------------------------------ */
/* False in *is_found: not there.  @revision: inventory_revision(). */
NODISCARD bool store_layer_get(struct store *store, struct arena *arena, const digest *layer,
                               const digest *diff_id, uint64_t revision, str *bytes, bool *is_found,
                               struct err *err);
NODISCARD bool store_layer_put(struct store *store, const digest *layer, const digest *diff_id,
                               uint64_t revision, str bytes, int64_t now, struct err *err);
/* How many of the first layers are all the layers of another image that was scanned: the longest
 * such chain, shorter than @n; 0: none. */
NODISCARD bool store_base_find(struct store *store, const digest *diff_ids, size_t n,
                               size_t *n_base, struct err *err);

/* An image as its last scan left it: everything of a report that no advisory changes. */
struct stored_image {
    int64_t id;
    int64_t registry_id;
    str repository;
    enum verdict verdict;
    uint64_t generation;
    bool has_inventory;   /* every layer was kept when it was scanned */
    struct report report; /* digest, platform, layers, labels, source, scanned_at */
};
typedef VEC(struct stored_image) stored_images;
/* Images with a verdict of a generation below @generation, id above @after_id, in order of id. */
NODISCARD bool store_images_behind(struct store *store, struct arena *arena, uint64_t generation,
                                   int64_t after_id, size_t limit, stored_images *out,
                                   struct err *err);
/* Replace findings and verdict, unless the image has a result of this or a later generation
 * already, or was deleted.  @report NULL: nothing changes but the generation. */
NODISCARD bool store_rematch_save(struct store *store, int64_t image_id,
                                  const struct report *report, uint64_t generation, int64_t now,
                                  struct err *err);

/* Source packages of scanned images, for feeds that read only what is asked for.  *n_new: how many
 * were not known before; when there are any, the job @then (may be NULL) is added in the same
 * commit. */
typedef VEC(struct wanted_package) store_wanted;
NODISCARD bool store_wanted_add(struct store *store, const struct wanted_package *list, size_t n,
                                const struct job_spec *then, int64_t now, size_t *n_new,
                                struct err *err);
NODISCARD bool store_wanted_list(struct store *store, struct arena *arena, store_wanted *out,
                                 struct err *err);

/* --- the ledger
 * --------------------------------------------------------------------------------------------- */
struct ledger_entry {
    str subscription, digest; /* once, for ever */
    str registry, repository; /* where it was scanned first */
    int64_t at;
};
typedef VEC(struct ledger_entry) store_ledger;
/* @from <= at < @until; sorted by subscription, then time. */
struct ledger_span {
    int64_t from, until;
};
NODISCARD bool store_ledger_list(struct store *store, struct arena *arena,
                                 const struct ledger_span *span, const struct store_page *page,
                                 store_ledger *out, str *next, struct err *err);
struct ledger_total {
    str subscription, registry;
    uint64_t n;
};
typedef VEC(struct ledger_total) store_ledger_totals;
/* Sorted by subscription and registry; those without an entry are not in it. */
NODISCARD bool store_ledger_sum(struct store *store, struct arena *arena,
                                const struct ledger_span *span, store_ledger_totals *out,
                                struct err *err);
/* "2026-11": that month, in UTC. */
NODISCARD bool ledger_month_parse(str text, struct ledger_span *out);

/* --- secrets of registries, sealed
 * ------------------------------------------------------------------------------------- */
/* The key: 32 random bytes, in a file that only its owner may read. */
struct secret_key {
    uint8_t bytes[32];
};
/* Made when the file is not there; ERR_DENIED when others may read it. */
NODISCARD bool secret_key_load(const char *path, struct secret_key *out, struct err *err);
void secret_key_forget(struct secret_key *key);
/* An empty secret takes it out. */
NODISCARD bool store_secret_set(struct store *store, const struct secret_key *key,
                                int64_t registry_id, const char *name, str secret, int64_t now,
                                struct err *err);
/* Empty when there is none; ERR_MISMATCH when it was sealed with another key, or for another
 * registry. */
NODISCARD bool store_secret_get(struct store *store, struct arena *arena,
                                const struct secret_key *key, int64_t registry_id, const char *name,
                                str *secret, struct err *err);

/* --- the whole store: check, backup, restore, copy
 * ------------------------------------------------------------------------------------- */
/* What is reported while it runs; @on may be NULL, @cancel too. */
struct store_watch {
    void (*on)(void *ctx, str what, uint64_t done, uint64_t total);
    void *ctx;
    const struct cancel *cancel;
};
struct store_counts {
    unsigned n_tables;
    uint64_t n_rows, n_bytes; /* of their values */
};
/* The engine's own check of its file and of references; ERR_FORMAT says what is broken. */
NODISCARD bool store_check(struct store *store, struct err *err);
/* That, every row read, and what rows say against each other.  @complain: once a kind, with how
 * many.  True: all of it was looked at; whether it is well says *n_complaints. */
typedef void store_complain(void *ctx, const char *what, uint64_t n);
NODISCARD bool store_check_whole(struct store *store, const struct store_watch *watch,
                                 store_complain *complain, void *ctx, unsigned *n_complaints,
                                 struct store_counts *counts, struct err *err);
/* One state of the whole store into @fd, while others write: "plimsoll.store/1", see backup.c. */
NODISCARD bool store_backup(struct store *store, int fd, const struct store_watch *watch,
                            struct store_counts *counts, struct err *err);
/* What store_backup wrote, of any engine, in one commit.  ERR_CONFLICT when @store has content,
 * unless @is_forced: then that goes.  ERR_MISMATCH, ERR_FORMAT: nothing changed. */
NODISCARD bool store_restore(struct store *store, int fd, bool is_forced,
                             const struct store_watch *watch, struct store_counts *counts,
                             struct err *err);
/* From store to store, as restore of a backup; read back and compared before the commit. */
NODISCARD bool store_copy(struct store *from, struct store *to, bool is_forced,
                          const struct store_watch *watch, struct store_counts *counts,
                          struct err *err);

/* --- results, as the API shows them
 * ------------------------------------------------------------------ */
struct store_image {
    int64_t id;
    struct store_registry registry;
    str repository, digest, media_type;
    bool is_index; /* verdict and counts are rolled up from its children; not counted itself */
    str index;     /* digest of an index that holds it; empty */
    str platform;
    str os_id, os_version, os_name;
    enum verdict
        verdict; /* VERDICT_UNKNOWN: not scanned yet, or only failures so far (see failure) */
    bool is_complete;
    str reason;
    str failure; /* of the last attempt, when it was none; a verdict may stand beside it */
    int64_t failed_at;
    uint64_t generation;
    int64_t first_seen, last_pushed, last_pulled, scanned_at; /* 0: never */
    uint64_t size_bytes;                                      /* of its layers */
    struct report_summary counts;
    strs
        tags; /* that name it now, or name an index that holds it; sorted; none: untagged, but there
               */
    int64_t due_at;                 /* assessed again because it was recently pulled; 0: not */
    size_t n_platforms, n_assessed; /* of an index: images it holds, and those with a verdict */
};
typedef VEC(struct store_image) store_images;
/* What is shown of one: its verdict, or why it has none. */
enum image_status {
    IMAGE_ANY, /* in a filter */
    IMAGE_HEALTHY,
    IMAGE_UNHEALTHY,
    IMAGE_NOT_APPLICABLE,
    IMAGE_PENDING, /* not scanned yet; of an index: not every platform */
    IMAGE_FAILED,  /* in vain so far */
};
enum image_status store_image_status(const struct store_image *image);
const char *image_status_name(enum image_status status); /* "Healthy", "NotApplicable", … */
NODISCARD bool image_status_parse(str text, enum image_status *out);
struct image_filter {
    str repository, digest; /* empty: all */
    /* Of the list of images only: */
    str tag; /* that names it, or an index that holds it, now */
    enum image_status status;
    bool is_untagged;     /* only those without any */
    int64_t pulled_since; /* 0: pulled or not */
};
/* Sorted by registry and first_seen order. */
NODISCARD bool store_images_list(struct store *store, struct arena *arena,
                                 const struct store_scope *scope, const struct image_filter *filter,
                                 const struct store_page *page, store_images *out, str *next,
                                 struct err *err);
NODISCARD bool store_image_notices(struct store *store, struct arena *arena, int64_t image_id,
                                   notices *out, struct err *err);

/* Images that are there; an index is not counted, its children are. */
struct store_image_counts {
    uint64_t healthy, unhealthy, not_applicable;
    uint64_t pending, failed; /* without a verdict: not tried yet, or in vain so far */
};
NODISCARD bool store_images_count(struct store *store, struct store_image_counts *out,
                                  struct err *err);

struct store_finding {
    struct store_registry registry;
    int64_t image_id;
    str repository, digest, platform;
    strs tags;
    str media_type;
    str os_id, os_version;
    int64_t last_pushed;
    int64_t scanned_at, first_seen; /* of the finding: a rescan keeps it */
    uint64_t generation;
    struct finding finding;
};
typedef VEC(struct store_finding) store_findings;
/* Only images that are there and findings that no rule disables.  Sorted by registry, image, name.
 */
NODISCARD bool store_findings_list(struct store *store, struct arena *arena,
                                   const struct store_scope *scope,
                                   const struct image_filter *filter, const struct store_page *page,
                                   store_findings *out, str *next, struct err *err);
/* ERR_NOT_FOUND, also when it lies outside @scope. */
NODISCARD bool store_finding_get(struct store *store, struct arena *arena,
                                 const struct store_scope *scope, str name,
                                 struct store_finding *out, struct err *err);

/* The recommendation of one registry. */
struct store_assessment {
    struct store_registry registry;
    /* Unhealthy: an image has findings.  Healthy: there is a healthy image and none of that kind.
     * NotApplicable: nothing scanned, or nothing that can be assessed. */
    enum verdict verdict;
    uint64_t healthy, unhealthy, not_applicable, unscanned; /* images that are there */
    uint64_t findings;
    int64_t first_evaluated_at, status_changed_at; /* 0: never evaluated */
};
typedef VEC(struct store_assessment) store_assessments;
NODISCARD bool store_assessments_list(struct store *store, struct arena *arena,
                                      const struct store_scope *scope, store_assessments *out,
                                      struct err *err);

/* --- tokens and small facts
 * -------------------------------------------------------------------------- */
/* A new bearer token: 256 random bits; only its hash is kept, so this is the one time it is seen.
 */
NODISCARD bool store_token_create(struct store *store, struct arena *arena, str name, int64_t now,
                                  str *token, struct err *err);
NODISCARD bool store_token_count(struct store *store, size_t *n, struct err *err);
/* The name it was made with; ERR_DENIED when it is none of ours. */
NODISCARD bool store_token_check(struct store *store, struct arena *arena, str token, str *name,
                                 struct err *err);
/* One text a key; empty when never set. */
NODISCARD bool store_meta_get(struct store *store, struct arena *arena, str key, str *value,
                              struct err *err);
NODISCARD bool store_meta_set(struct store *store, str key, str value, struct err *err);
/* True for the first who claims @key, ever. */
NODISCARD bool store_claim(struct store *store, str key, bool *is_first, struct err *err);
/* The tenant that this store's servers speak for: a UUID, made the first time. */
NODISCARD bool store_tenant(struct store *store, struct arena *arena, str *tenant, struct err *err);
/* Ended jobs and events older than @before go. */
NODISCARD bool store_purge(struct store *store, int64_t before, struct err *err);

/* --- subscriptions and resource groups
 * ------------------------------------------------------------------------------------------ */
struct store_subscription {
    str id;   /* UUID, lower case */
    str name; /* for people; its id when nobody named it */
};
typedef VEC(struct store_subscription) store_subscriptions;
/* Those that were made, those of registries and those in which a role is assigned; sorted by id. */
NODISCARD bool store_subscriptions_list(struct store *store, struct arena *arena,
                                        store_subscriptions *out, struct err *err);
NODISCARD bool store_subscription_put(struct store *store, str id, str name, int64_t now,
                                      struct err *err);
struct store_group {
    str subscription, name; /* as first written */
    str location, tags; /* tags: JSON; both empty for a group that is only known by a registry */
    int64_t created_at;
};
typedef VEC(struct store_group) store_groups;
/* Of one subscription, sorted by name. */
NODISCARD bool store_groups_list(struct store *store, struct arena *arena, str subscription,
                                 store_groups *out, struct err *err);
NODISCARD bool store_group_put(struct store *store, const struct store_group *group, int64_t now,
                               struct err *err);
/* ERR_CONFLICT while a registry is in it. */
NODISCARD bool store_group_delete(struct store *store, str subscription, str name, struct err *err);

/* --- who may do what: principals, their secrets, assignments of roles, the audit
 * ----------------------------------------------------------------------------- */
struct store_principal {
    str object_id, app_id; /* UUIDs: what assignments name, what a client logs in with */
    str name;
    bool is_disabled;
    int64_t created_at;
    str created_by;
};
typedef VEC(struct store_principal) store_principals;
/* ERR_CONFLICT when one of its ids is taken. */
NODISCARD bool store_principal_add(struct store *store, const struct store_principal *principal,
                                   int64_t now, struct err *err);
/* By either id; ERR_NOT_FOUND. */
NODISCARD bool store_principal_get(struct store *store, struct arena *arena, str id,
                                   struct store_principal *out, struct err *err);
/* Sorted by name. */
NODISCARD bool store_principals_list(struct store *store, struct arena *arena,
                                     store_principals *out, struct err *err);
NODISCARD bool store_principal_set_disabled(struct store *store, str object_id, bool is_disabled,
                                            struct err *err);
/* With its secrets and assignments; nothing when it is not there. */
NODISCARD bool store_principal_delete(struct store *store, str object_id, struct err *err);

struct store_principal_secret {
    int64_t id;
    str hint; /* its first characters, for people */
    str hash; /* libsodium's text of argon2id */
    int64_t created_at, expires_at;
};
typedef VEC(struct store_principal_secret) store_principal_secrets;
NODISCARD bool store_principal_secret_add(struct store *store, str object_id,
                                          struct store_principal_secret *secret, int64_t now,
                                          struct err *err);
NODISCARD bool store_principal_secrets_list(struct store *store, struct arena *arena, str object_id,
                                            store_principal_secrets *out, struct err *err);
NODISCARD bool store_principal_secret_delete(struct store *store, str object_id, int64_t id,
                                             bool *was_there, struct err *err);

/* What tokens are signed with; the private part is sealed. */
struct store_signing_key {
    str kid, private_pem, public_pem;
    int64_t created_at;
};
typedef VEC(struct store_signing_key) store_signing_keys;
/* Newest first. */
NODISCARD bool store_signing_keys_list(struct store *store, struct arena *arena,
                                       const struct secret_key *key, store_signing_keys *out,
                                       struct err *err);
/* Those older than @before go in the same commit.  ERR_CONFLICT when one younger than @unless is
 * there already: another server was first. */
NODISCARD bool store_signing_key_add(struct store *store, const struct secret_key *key,
                                     const struct store_signing_key *signing, int64_t unless,
                                     int64_t before, struct err *err);

struct store_assignment {
    str name;  /* UUID */
    str scope; /* "/", "/subscriptions/…": as it was given */
    str role;  /* UUID of the role's definition */
    str principal, principal_type, description;
    int64_t created_at, updated_at;
    str created_by, updated_by;
};
typedef VEC(struct store_assignment) store_assignments;
/* Made, or its description changed.  ERR_CONFLICT: the same principal has that role there under
 * another name, or the name is another assignment's. */
NODISCARD bool store_assignment_put(struct store *store, const struct store_assignment *assignment,
                                    int64_t now, bool *is_new, struct err *err);
NODISCARD bool store_assignment_get(struct store *store, struct arena *arena, str name,
                                    struct store_assignment *out, struct err *err);
/* Sorted by name; @principal empty: everybody's. */
NODISCARD bool store_assignments_list(struct store *store, struct arena *arena, str principal,
                                      store_assignments *out, struct err *err);
NODISCARD bool store_assignment_delete(struct store *store, str name, struct err *err);

/* A role that somebody made; permissions and scopes are JSON that the API wrote and reads. */
struct store_role {
    str name; /* UUID */
    str role_name, description, permissions, scopes;
    int64_t created_at, updated_at;
    str created_by, updated_by;
};
typedef VEC(struct store_role) store_roles;
NODISCARD bool store_role_put(struct store *store, const struct store_role *role, int64_t now,
                              struct err *err);
NODISCARD bool store_roles_list(struct store *store, struct arena *arena, store_roles *out,
                                struct err *err);
/* ERR_CONFLICT while it is assigned. */
NODISCARD bool store_role_delete(struct store *store, str name, struct err *err);

/* One row for every request that may change something, whatever became of it. */
struct store_audit {
    int64_t id, at;
    str principal, method, path, request, address;
    int status;
};
typedef VEC(struct store_audit) store_audits;
NODISCARD bool store_audit_add(struct store *store, const struct store_audit *entry,
                               struct err *err);
/* Newest first. */
NODISCARD bool store_audit_list(struct store *store, struct arena *arena,
                                const struct store_page *page, store_audits *out, str *next,
                                struct err *err);
