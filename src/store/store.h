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
 * Who may log in and do what: principals.h.  Threads: one store, one thread at a time; any number
 * of stores on the same file; a pool lends them. Errors: ERR_UNAVAILABLE full, locked or gone
 * (nothing was kept); ERR_UNSUPPORTED a newer schema; ERR_NOT_FOUND, ERR_CONFLICT as said below.
 * Times are UTC seconds and come from the caller. */
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
/* How often its connections changed who may do what; rises before the change is answered. */
uint64_t store_pool_access(const struct store_pool *pool);

/* --- paging: keyset, stable while others insert
 * --------------------------------------------------- */
/* @after is the `next` of the page before, empty for the first; anything else is ERR_FORMAT. */
struct store_page {
    str after;
    size_t limit; /* 0: 100; at most STORE_PAGE_MAX */
};
enum { STORE_PAGE_MAX = 1000 };
/* Findings that are best asked for at once, when many are wanted. */
enum { STORE_PIECE = 250 };

/* --- registries
 * ------------------------------------------------------------------------------------ */
struct store_registry {
    int64_t id; /* 0: not stored */
    str subscription, resource_group,
        name; /* ARM names compare without case; shown as first written */
    str host; /* "reg.example:5000": where images are pulled from */
    bool is_plain_http;
    int64_t created_at;
    str properties; /* JSON of the ARM resource (guard/reach.c); may be empty */
    bool is_made;   /* over REST, not by a configuration */
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
 * ERR_CONFLICT when the name is taken in another subscription or group. */
NODISCARD bool store_registry_put(struct store *store, struct store_registry *registry, int64_t now,
                                  struct err *err);
NODISCARD bool store_registries_list(struct store *store, struct arena *arena,
                                     const struct store_scope *scope, store_registries *out,
                                     struct err *err);
/* ERR_NOT_FOUND.  By the name alone: registry names are unique in a store. */
NODISCARD bool store_registry_get(struct store *store, struct arena *arena, str name,
                                  struct store_registry *out, struct err *err);

/* It leaves every list; its images, findings and secrets leave the results, its jobs are cancelled,
 * history and ledger stay.  The name is free again. */
NODISCARD bool store_registry_remove(struct store *store, int64_t id, int64_t now, struct err *err);
/* Of the images that are there, each layer counted once. */
NODISCARD bool store_registry_size(struct store *store, int64_t id, uint64_t *bytes,
                                   struct err *err);

/* --- plans: whether the registries of a subscription are guarded
 * ------------------------------------------------------------------------------------ */
struct store_plan {
    bool is_off;        /* nothing is scanned, nothing is billed; results stay readable */
    int64_t changed_at; /* 0: never: it is on */
    str changed_by;
};
NODISCARD bool store_plan_get(struct store *store, struct arena *arena, str subscription,
                              struct store_plan *out, struct err *err);
/* Off: its scans and sweeps are cancelled, and no new ones are made (store_job_add adds none).  On:
 * as store_registry_queue for each registry.  @generation: of the advisories now, 0: none.  True
 * with *n_jobs 0 when it was so before. */
NODISCARD bool store_plan_set(struct store *store, str subscription, bool is_off,
                              uint64_t generation, str actor, int64_t now, size_t *n_jobs,
                              struct err *err);
NODISCARD bool store_plan_is_off(struct store *store, int64_t registry_id, bool *is_off,
                                 struct err *err);
/* A sweep, and scans of known images: of all with @priority; with @is_due_only of those without a
 * result or with one of an older generation, PRIORITY_PULLED if they were pulled within 30 days.
 * What waits for another try is tried at once. */
struct queue_spec {
    int64_t registry_id;
    int priority;
    bool is_due_only;
    uint64_t generation;
};
NODISCARD bool store_registry_queue(struct store *store, const struct queue_spec *spec, int64_t now,
                                    size_t *n_jobs, struct err *err);

/* --- disable rules that were stored
 * ------------------------------------------------------------------------------------ */
struct store_rule {
    int64_t id;
    str uuid, name;
    str text;           /* a rules file (rules_parse) with this one rule */
    int64_t expires_at; /* 0: never */
    bool is_expired;
    int64_t created_at, changed_at;
    str created_by, changed_by;
};
typedef VEC(struct store_rule) store_rules;
/* In order; *revision rises with every change of what applies. */
NODISCARD bool store_rules_list(struct store *store, struct arena *arena, store_rules *out,
                                uint64_t *revision, struct err *err);
NODISCARD bool store_rules_revision(struct store *store, uint64_t *revision, struct err *err);
/* Insert, or replace the one with the same uuid, and queue a JOB_RULES.  ERR_CONFLICT: the name is
 * another rule's. */
NODISCARD bool store_rule_put(struct store *store, struct store_rule *rule, str actor, int64_t now,
                              bool *is_new, struct err *err);
/* ERR_NOT_FOUND. */
NODISCARD bool store_rule_remove(struct store *store, str uuid, str actor, int64_t now,
                                 struct err *err);
/* Rules whose end has come are marked, and what they disabled comes back by a JOB_RULES. */
NODISCARD bool store_rules_expire(struct store *store, int64_t now, size_t *n, struct err *err);
struct rule_entry_log {
    str uuid, action, name, text, actor;
    int64_t at;
};
typedef VEC(struct rule_entry_log) rule_logs;
NODISCARD bool store_rule_log(struct store *store, struct arena *arena, str uuid, rule_logs *out,
                              struct err *err);
/* @rules over the findings of a report that is not stored yet: disabled_by, verdict, revision. */
struct rule_set {
    const struct rules *rules;
    uint64_t revision;
};
NODISCARD bool store_rules_hold(struct arena *arena, const struct rule_set *set,
                                const struct store_registry *registry, str repository,
                                struct report *report, struct err *err);
/* What is stored, a few images at a time and each few in one commit: findings, counts, verdicts,
 * assessments of images that are held against another revision than @set's. */
struct rules_run;
NODISCARD bool rules_run_open(struct store *store, const struct rule_set *set,
                              struct rules_run **out, struct err *err);
/* *n 0: there are none left. */
NODISCARD bool rules_run_step(struct rules_run *run, int64_t now, size_t *n, struct err *err);
void rules_run_close(struct rules_run *run);
NODISCARD bool store_rules_pending(struct store *store, uint64_t revision, bool *is_pending,
                                   struct err *err);

/* --- events and the jobs they make
 * ------------------------------------------------------------------ */
enum job_kind { JOB_NONE, JOB_SCAN, JOB_REFRESH, JOB_REMATCH, JOB_SWEEP, JOB_IMPORT, JOB_RULES };
const char *
job_kind_name(enum job_kind kind); /* "scan", "refresh" (advisories), "rematch", "sweep", … */
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
 * to be looked at again.  *is_new may be NULL.  No scan and no sweep where the plan is off. */
NODISCARD bool store_job_add(struct store *store, const struct job_spec *spec, int64_t now,
                             bool *is_new, struct err *err);

enum event_action { EVENT_NONE, EVENT_PUSH, EVENT_PULL, EVENT_DELETE, EVENT_FOUND, EVENT_IMPORT };
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
/* What one sender said at once: all of it is kept, or none. */
struct store_message {
    int64_t registry_id;
    const struct store_event *events; /* borrowed */
    size_t n;
    bool is_kept; /* else err says why not */
    struct event_counts counts;
    struct err err;
};
/* Many messages in one commit, in their order; one that cannot be kept does not take the others
 * along.  A push makes the repository, the image and the tag known, and a job unless the image has
 * a verdict of a complete scan; a delete takes the image (or, without digest but with a tag, the
 * tag; without both, the repository) out of the results, unless it was pushed after; a pull sets
 * last_pulled, and makes a job for an image that has no result; what a sweep found is as a push, of
 * an unknown time and in no hurry. */
void store_messages_add(struct store *store, struct store_message *messages, size_t n, int64_t now);
/* One message. */
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

/* Digests of images that are there, whose scan was given up (dead) and whose failure stands. */
NODISCARD bool store_given_up_list(struct store *store, struct arena *arena, int64_t registry_id,
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
/* The most urgent job that may run, fair between registries; NEXT_END when there is none. */
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

/* --- who leads: of several processes on one store
 * ------------------------------------------------------------------------------- */
/* Lead, or go on leading, until @until; @holder names the process, and no other one.  *term is 0
 * while another leads; it rises with each new leader. */
NODISCARD bool store_lead(struct store *store, const char *name, str holder, int64_t now,
                          int64_t until, int64_t *term, struct err *err);
/* Let another lead at once. */
NODISCARD bool store_lead_end(struct store *store, const char *name, str holder, struct err *err);
struct store_leader {
    str holder; /* empty: nobody ever led */
    int64_t term, until;
};
NODISCARD bool store_leader_get(struct store *store, struct arena *arena, const char *name,
                                struct store_leader *out, struct err *err);
/* From now on what @store writes is refused (ERR_CONFLICT) unless the leader of @name is the one of
 * @term: a leader that was frozen does not go on where it was.  0: no more. */
void store_fence(struct store *store, const char *name, int64_t term);

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
    uint64_t newest;     /* that is known; above it: see store_job_finish */
    uint64_t revision;   /* inventory_revision() */
    int64_t now;
};
/* End a job and store its results, in one commit.  VERDICT_FAILED keeps what the image had, and
 * notes the failure.  An image that was deleted meanwhile stays deleted.  A job marked while it was
 * leased is queued once more if it failed for good, or if its kind is not a scan.  What was matched
 * against a generation that is not the newest does not replace a verdict of a later one, and a
 * re-match is queued with it.  ERR_CONFLICT: the lease went to another, nothing was stored. */
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

/* --- an advisory change, unit by unit (assess.h)
 * ---------------------------------------------------
 * A result keeps the units of its image.  A new generation is held against the units whose keys
 * changed, each once; what that changes is written to all images that hold them. */
typedef VEC(int64_t) store_ids;
struct stored_unit {
    int64_t id;
    str bytes; /* for unit_parse */
};
typedef VEC(struct stored_unit) stored_units;
/* Ids of the units that have one of these keys: rising, each once. */
NODISCARD bool store_units_find(struct store *store, struct arena *arena, const uint64_t *keys,
                                size_t n, store_ids *out, struct err *err);
/* Every unit above @after, at most @limit. */
NODISCARD bool store_units_after(struct store *store, struct arena *arena, int64_t after,
                                 size_t limit, store_ids *out, struct err *err);
NODISCARD bool store_units_load(struct store *store, struct arena *arena, const int64_t *ids,
                                size_t n, stored_units *out, struct err *err);

/* A fact that is to be there; or one that changes what it says, for all images that have it. */
struct fact_wish {
    const struct finding *before; /* NULL: nothing is changed, @after is to be there */
    const struct finding *after;
    /* filled in */
    int64_t id;
    bool is_renewed; /* who had @before has @after now */
};
NODISCARD bool store_facts_settle(struct store *store, struct fact_wish *wishes, size_t n,
                                  struct err *err);
/* What tells one fact from another: the same for two findings when they would share a row. */
enum { STORE_FACT_DIGEST = 32 };
NODISCARD bool store_fact_digest(const struct finding *finding,
                                 uint8_t out[static STORE_FACT_DIGEST], struct err *err);

/* An image, and what becomes of it. */
struct span_image {
    int64_t id;
    str repository, digest;
    struct report_summary counts;
    store_ids units; /* rising */
};
struct span_finding {
    str name;
    int64_t fact_id;
    str path;
    int layer; /* whose build step is the finding's */
    bool is_from_base;
};
struct span_change {
    bool is_whole; /* it cannot be told by units: matched whole, it loses its units until then */
    VEC(struct span_finding) put; /* new ones, and those that changed */
    strs drop;                    /* names */
    struct report_summary counts; /* after it */
};
/* Images of one registry that have units and were last matched with generation @from. */
struct span {
    int64_t registry_id;
    uint64_t from, to;
    int64_t after_id; /* where it begins; moved past it */
    size_t limit;     /* images, about */
    int64_t now;
    /* Fills *change, zeroed: where nothing is put or dropped the image is only brought to @to.
     * Called again when the engine asks for the transaction once more. */
    bool (*change)(void *ctx, struct arena *arena, const struct span_image *image,
                   struct span_change *change, struct err *err);
    void *ctx;
    /* filled in */
    bool is_end; /* no image is behind this span */
    size_t n_images, n_changed, n_whole, n_rows;
};
/* One commit.  Nobody writes to the registry's images meanwhile. */
NODISCARD bool store_span_run(struct store *store, struct span *span, struct err *err);
struct store_generation {
    uint64_t generation;
    uint64_t n_images;
};
typedef VEC(struct store_generation) store_generations;
/* What a generation's number stands for here.  Two databases that call different states by one
 * number: it stands for nothing any more. */
NODISCARD bool store_generation_note(struct store *store, uint64_t generation, str identity,
                                     struct err *err);
NODISCARD bool store_generation_is(struct store *store, struct arena *arena, uint64_t generation,
                                   str identity, bool *is_so, struct err *err);
/* Below @generation: those that images with a verdict were matched with, most images first. */
NODISCARD bool store_generations_behind(struct store *store, struct arena *arena,
                                        uint64_t generation, store_generations *out,
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

/* --- imports: what a JOB_IMPORT is to do
 * ------------------------------------------------------------------------------------ */
struct store_import {
    str operation;                              /* UUID; the job's digest */
    int64_t registry_id;                        /* where to */
    str spec;                                   /* JSON, without a password (guard/import.c) */
    str code;                                   /* ARM's word for why it failed; empty: none */
    str subscription, resource_group, registry; /* names, also when that was removed */
    struct job job;
};
/* The job, its spec and its sealed password, in one commit. */
struct secret_key;
NODISCARD bool store_import_add(struct store *store, const struct secret_key *key,
                                const struct store_import *import, str repository, str password,
                                int64_t now, struct err *err);
/* ERR_NOT_FOUND. */
NODISCARD bool store_import_get(struct store *store, struct arena *arena, str operation,
                                struct store_import *out, struct err *err);
NODISCARD bool store_import_password(struct store *store, struct arena *arena,
                                     const struct secret_key *key,
                                     const struct store_import *import, str *password,
                                     struct err *err);
NODISCARD bool store_import_fail(struct store *store, str operation, str code, struct err *err);
/* Passwords of imports that have ended go; those that are no longer known too. */
NODISCARD bool store_imports_tidy(struct store *store, struct err *err);

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

/* An image that is there; ERR_NOT_FOUND. */
NODISCARD bool store_image_get(struct store *store, struct arena *arena,
                               const struct store_registry *registry, int64_t id,
                               struct store_image *out, struct err *err);
/* All findings of one image that count; with @first_seen not 0 those of that second only. */
NODISCARD bool store_image_findings(struct store *store, struct arena *arena,
                                    const struct store_registry *registry, int64_t image_id,
                                    int64_t first_seen, findings *out, struct err *err);

/* --- what others are told
 * ----------------------------------------------------------------------------- */
/* Results note what they changed in their own transaction, while somebody wants to know. */
NODISCARD bool store_changes_watch(struct store *store, bool is_on, struct err *err);
enum news_kind {
    NEWS_NONE,
    NEWS_SCAN,    /* findings of this second are new, or it is healthy and was not */
    NEWS_REMATCH, /* the same, by a new generation */
    NEWS_FAILED,  /* a scan, for good; detail: why */
    NEWS_PULLED,  /* it has findings and is in use */
    NEWS_SOURCE,  /* an advisory source is held; digest: its name, detail: why */
};
struct store_change {
    int64_t id;
    enum news_kind kind;
    str registry; /* name; empty: none */
    int64_t image_id;
    str repository;
    str digest, tag; /* that the job was about: of an index, perhaps */
    enum verdict verdict_before;
    str detail;
    uint64_t generation;
    int64_t at;
};
struct store_batch {
    str name;
    VEC(struct store_change) changes;
};
enum { CHANGES_WAIT_S = 60, CHANGES_NAMELESS_S = 10 };
/* The oldest batch, at most @limit of it: what makes one message.  While a re-match runs, its own
 * are waited for, at most CHANGES_WAIT_S; so is an image that neither tag nor index names, until
 * CHANGES_NAMELESS_S have passed and its repository has no scan left to do. */
NODISCARD enum next store_changes_next(struct store *store, struct arena *arena, int64_t now,
                                       size_t limit, struct store_batch *out, struct err *err);
/* True in *mends: a tag that names the image named one with findings before. */
NODISCARD bool store_change_mends(struct store *store, int64_t image_id, bool *mends,
                                  struct err *err);
/* Notes images with findings pulled after @pulled_after of which nothing was said since
 * @told_after. */
struct in_use_spec {
    int64_t now, pulled_after, told_after;
};
NODISCARD bool store_changes_pulled(struct store *store, const struct in_use_spec *spec, size_t *n,
                                    struct err *err);
/* Notes a source that is held, once until it is not (@error empty). */
NODISCARD bool store_changes_source(struct store *store, str name, str error, int64_t now,
                                    bool *is_new, struct err *err);

enum outbox_state { OUTBOX_ANY, OUTBOX_QUEUED, OUTBOX_LEASED, OUTBOX_SENT, OUTBOX_DEAD };
const char *outbox_state_name(enum outbox_state state); /* "queued", "sending", "sent", "dead" */
NODISCARD bool outbox_state_parse(str text, enum outbox_state *out);
struct outbox_message {
    int64_t id;
    str message; /* UUID: the same for the receiver, however often it is sent */
    str channel, kind, registry, repository;
    str subject, body;
    enum outbox_state state;
    unsigned attempts;
    int64_t created_at, not_before, ended_at;
    int64_t lease; /* fencing token */
    str error;     /* of the last attempt */
};
typedef VEC(struct outbox_message) outbox_messages;
/* Messages in place of the batch's changes, in one commit; none when another process did so. */
NODISCARD bool store_outbox_add(struct store *store, const struct store_batch *batch,
                                const struct outbox_message *list, size_t n, int64_t now,
                                struct err *err);
/* The oldest of @channel that may be sent; NEXT_END when there is none. */
NODISCARD enum next store_outbox_lease(struct store *store, struct arena *arena, str channel,
                                       int64_t now, uint32_t lease_s, struct outbox_message *out,
                                       struct err *err);
struct outbox_outcome {
    enum outbox_state state; /* SENT, DEAD, or QUEUED again at not_before */
    int64_t not_before;
    bool is_no_attempt; /* we were stopped */
    str error;
    int64_t now;
};
/* ERR_CONFLICT: the lease went to another. */
NODISCARD bool store_outbox_end(struct store *store, const struct outbox_message *message,
                                const struct outbox_outcome *outcome, struct err *err);
/* Leases that ran out, or all, are queued again. */
NODISCARD bool store_outbox_expire(struct store *store, int64_t now, bool is_all, size_t *n,
                                   struct err *err);
/* Channels that something waits for; and: nothing can be sent over this one any more. */
NODISCARD bool store_outbox_channels(struct store *store, struct arena *arena, strs *out,
                                     struct err *err);
NODISCARD bool store_outbox_bury(struct store *store, str channel, str error, int64_t now,
                                 struct err *err);
NODISCARD bool store_outbox_requeue(struct store *store, int64_t id, int64_t now, struct err *err);
NODISCARD bool store_outbox_get(struct store *store, struct arena *arena, int64_t id,
                                struct outbox_message *out, struct err *err);
struct outbox_filter {
    str channel;             /* empty: all */
    enum outbox_state state; /* OUTBOX_ANY: all */
};
/* Newest first. */
NODISCARD bool store_outbox_list(struct store *store, struct arena *arena,
                                 const struct outbox_filter *filter, const struct store_page *page,
                                 outbox_messages *out, str *next, struct err *err);
struct outbox_counts {
    uint64_t queued, leased, sent, dead;
};
NODISCARD bool store_outbox_count(struct store *store, struct outbox_counts *out, struct err *err);
/* What ended before @before goes. */
NODISCARD bool store_outbox_purge(struct store *store, int64_t before, struct err *err);

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
