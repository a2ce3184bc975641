/* SPDX-License-Identifier: Apache-2.0 */
/* guard.h - what is scanned when, and what its result changes: configuration of a server,
 * notifications of registries, the job loop, the advisory refresh.  Not: HTTP (api/), how a scan is
 * done (scan/).
 *
 *   notifications ─ guard_notify ─> events + jobs (one commit for all that wait) ─> N workers:
 * lease, scan, store scanned Debian packages, feeds-interval ─> refresher: advisory_update ─> new
 * generation ─> re-match
 *
 * Owns: a guard owns its threads and connections until guard_close; a config lives in its arena.
 * Threads: guard_notify and guard_wake from any; the others from the thread that opened it. */
#pragma once

#include "base/limits.h"
#include "base/log.h"
#include "scan/scan.h"
#include "store/store.h"
#include "syntax/syntax.h"

/* --- configuration
 * ---------------------------------------------------------------------------------- */
struct config_registry {
    str name, subscription, resource_group; /* [A-Za-z0-9-]; UUID; ARM group name */
    str host;
    bool is_plain_http;
    str username, password, password_file;
    str identity_token, identity_token_file;
    str tenant, client_id, client_secret, client_secret_file, authority, audience;
    str ca_file, client_cert_file, client_key_file;
    str proxy, no_proxy; /* proxy empty: the server's */
    uint32_t timeout_s, concurrency;
    str notification_secret;   /* empty: the server's */
    strs repositories;         /* instead of the registry's catalog */
    uint32_t sweep_interval_s; /* 0: the server's */
};
/* What is told, and over which channel. */
enum told {
    TOLD_NEW_FINDINGS,      /* findings that were not there before */
    TOLD_IMAGE_HEALTHY,     /* an image, or what a tag names, has none any more */
    TOLD_SCAN_FAILED,       /* for good */
    TOLD_PULLED_VULNERABLE, /* pulled lately, and has findings */
    TOLD_SOURCE_HELD,       /* an advisory source, by the firewall */
    TOLD_TEST,
    TOLD_COUNT
};
const char *told_name(enum told told); /* "new-findings", … */
enum channel_kind { CHANNEL_WEBHOOK, CHANNEL_SMTP };
struct config_header {
    str name, value;
};
struct config_channel {
    str name;
    enum channel_kind kind;
    str url; /* https://…, http://…; smtp://HOST:PORT, smtps://HOST:PORT */
    str secret, secret_file;
    unsigned events;        /* 1 << enum told */
    enum severity severity; /* least; SEVERITY_UNKNOWN: any */
    strs registries, repositories;
    VEC(struct config_header) headers;
    str ca_file;
    bool is_starttls; /* smtp: ends when the server has none */
    str username, password, password_file;
    str from;
    strs to;
    uint32_t timeout_s, max_attempts, retry_base_s;
};
struct config {
    str listen_address;
    uint16_t listen_port; /* 0: any free one */
    str public_url;       /* "https://plimsoll.example"; empty: made of listen and port */
    str tls_cert_file, tls_key_file; /* empty: self-made below data_dir */
    str data_dir, database_dir;      /* database_dir empty in the file: data_dir/advisories */
    str store;                       /* for store_open; empty in the file: in data_dir */
    str secret_key_file;             /* empty in the file: data_dir/secret.key */
    str assessment_key;
    VEC(struct feed_choice) feeds;
    uint32_t feeds_interval_s; /* 0: only at start */
    uint32_t feeds_max_change; /* percent; 0: any */
    uint32_t refresh_pause_s;  /* between two refreshes for scanned images */
    uint32_t sweep_interval_s; /* between two looks at what a registry has; 0: never */
    uint32_t workers, http_workers;
    str worker_address; /* of a worker's probes; empty: none */
    uint16_t worker_port;
    uint32_t max_attempts;
    uint32_t retry_base_s, lease_s;
    enum sandbox_level sandbox;
    enum log_level log_level;
    bool is_log_json;
    str notification_secret, notification_secret_file;
    str proxy, no_proxy; /* to registries; proxy empty: none, "environment": its variables' */
    VEC(struct config_registry) registries;
    VEC(struct config_channel) channels;
    struct limits limits;
};
/* YAML of packaging/plimsoll.yaml.  An unknown key, a wrong type or a missing must is one line with
 * "FILE:LINE:COLUMN: " in front, ERR_USAGE.  Secret files are read here. */
NODISCARD bool config_load(struct arena *arena, const char *path, struct config *out,
                           struct err *err);
NODISCARD bool config_parse(struct arena *arena, str file, str text, struct config *out,
                            struct err *err);
/* How @registry of @config is reached; borrows from both.  Its host, scheme, cancel and hub are the
 * caller's to set. */
void config_registry_reach(const struct config *config, const struct config_registry *registry,
                           struct registry_config *out);
/* One row a key: what the documents say of it. */
enum config_type { CONFIG_TEXT, CONFIG_NUMBER, CONFIG_FLAG, CONFIG_WORD, CONFIG_LIST, CONFIG_MAP };
struct config_key {
    const char *path; /* "listen.port", "registries[].host" */
    enum config_type type;
    const char *fallback; /* as written in YAML; NULL: must be given; "": none */
    const char *help;
};
/* NULL behind the last. */
const struct config_key *config_key_at(size_t i);

/* The configured registry of that name; NULL. */
const struct config_registry *config_registry_find(const struct config *config, str name);

/* --- registries that were made over REST: "plimsoll" in store_registry.properties
 * ---------------------------------------------------------------------------------- */
/* How one is reached.  The last three are kept sealed, apart from the rest, and never given out. */
struct registry_settings {
    str host;
    bool is_plain_http;
    str username, ca_pem, client_cert_pem, proxy;
    strs repositories;         /* instead of the registry's catalog */
    uint32_t sweep_interval_s; /* 0: the server's */
    str password, client_key_pem, notification_secret;
    bool has_password, has_client_key, has_notification_secret; /* said, perhaps to be empty */
};
/* Members that @object has replace what @settings says, null empties one; ERR_USAGE names the
 * member. */
NODISCARD bool registry_settings_read(struct arena *arena, const json_t *object,
                                      struct registry_settings *settings, struct err *err);
/* All but the secrets. */
void registry_settings_write(struct jw *jw, const struct registry_settings *settings);
/* Of a stored registry; what was never said is empty. */
NODISCARD bool registry_settings_of(struct arena *arena, const struct store_registry *registry,
                                    struct registry_settings *out, struct err *err);

/* --- the guard
 * --------------------------------------------------------------------------------------- */
struct guard;
/* A server takes notifications, schedules when it leads, and works.  A worker only works: for the
 * servers of a shared store, with their key and their advisory database. */
enum guard_role { GUARD_SERVER, GUARD_WORKER };
struct guard_spec {
    enum guard_role role;
    const struct config *config; /* borrowed, must outlive it */
    struct scanner *scanner;     /* borrowed; NULL: nothing is scanned here (tests, API only) */
};
/* Takes DATA/lock (ERR_CONFLICT: another server has it), opens the store, writes the configured
 * registries and their sealed credentials into it, puts jobs of a killed predecessor back into the
 * queue (of a shared store: those whose lease ran out).  No threads yet but the one that keeps
 * notifications. */
NODISCARD bool guard_open(const struct guard_spec *spec, struct guard **out, struct err *err);
/* Name of the store: for pools and commands. */
const char *guard_store_path(const struct guard *guard);
/* What secrets in the store are sealed with. */
const struct secret_key *guard_secret_key(const struct guard *guard);
NODISCARD bool guard_start(struct guard *guard, struct err *err);
/* What was notified is kept, more is not taken.  No new job is taken; running ones have @grace_ms
 * to end, then they are cancelled and given back.
 */
void guard_stop(struct guard *guard, uint32_t grace_ms);
void guard_close(struct guard *guard);
/* A job was added by somebody else: look now, not at the next poll. */
void guard_wake(struct guard *guard);

/* How to reach a registry: as it is configured, as REST said, or with the credentials that the
 * store has of one that another server's configuration names. */
NODISCARD bool guard_reach(struct guard *guard, struct store *store, struct arena *arena,
                           const struct store_registry *registry, struct registry_config *out,
                           struct err *err);
/* Secrets that @settings has, sealed; an empty one takes the kept one out. */
NODISCARD bool guard_keep_secrets(struct guard *guard, struct store *store, int64_t registry_id,
                                  const struct registry_settings *settings, struct err *err);
/* Stop what runs for a job that was cancelled, if it runs here; elsewhere its lease is gone. */
void guard_cancel(struct guard *guard, int64_t job_id);

/* --- imports: a JOB_IMPORT copies, verifies, and tells as a push would
 * ------------------------------------------------------------------------------------ */
struct import_target {
    str repository;
    strs tags; /* none: the manifest alone */
};
struct import_request {
    str from_id, from_registry; /* ARM id and name of one that is guarded; empty: from_host */
    str from_host, username, password;
    bool has_credentials;
    str repository, tag; /* the image; tag or digest */
    digest digest;
    VEC(struct import_target) targets;
    bool is_forced;
};
/* The body of importImage (arm-api 7.2).  ERR_USAGE says what is wrong with it. */
NODISCARD bool import_read(struct arena *arena, str body, struct import_request *out,
                           struct err *err);
/* Queue it; durable.  @operation: a UUID. */
NODISCARD bool guard_import(struct guard *guard, struct store *store, struct arena *arena,
                            const struct store_registry *to, str body, str operation,
                            struct err *err);

/* --- notifications
 * ------------------------------------------------------------------------------------ */
struct notification {
    str registry; /* name, of the URL */
    str secret;   /* as presented, without "Bearer "; empty: none */
    struct registry_message message;
};
struct notify_result {
    unsigned n_events;  /* that concern images */
    unsigned n_ignored; /* blobs, our own pulls, actions that mean nothing here */
    struct event_counts stored;
};
/* Durable when it returns true (202).  Otherwise err_row(err->kind)->http_status is the answer and
 * nothing was stored: ERR_DENIED 401 (wrong secret, or no such registry: the same answer),
 * ERR_FORMAT 400, ERR_LIMIT 413, ERR_UNAVAILABLE 503. */
NODISCARD bool guard_notify(struct guard *guard, struct arena *arena, const struct notification *in,
                            struct notify_result *out, struct err *err);

/* The same without waiting: @done is told once, perhaps before this returns, else by the thread
 * that keeps many of them in one commit.  @err NULL: durable.  @arena and what @in points to live
 * until then. */
typedef void notify_done(void *ctx, const struct notify_result *result, const struct err *err);
void guard_notify_later(struct guard *guard, struct arena *arena, const struct notification *in,
                        notify_done *done, void *ctx);

/* --- reload
 * -------------------------------------------------------------------------------------- */
/* One state of the configuration: immutable, and kept as long as somebody who pinned it, or an
 * earlier one, still reads.  What guard_config gives stays whole until the unpin. */
struct settings;
struct settings *guard_pin(struct guard *guard);
void guard_unpin(struct guard *guard, struct settings *settings);
const struct config *guard_config(const struct guard *guard);
/* The file again.  Keys that need a restart keep their value, and the log names them. */
NODISCARD bool guard_settings_read(struct guard *guard, const char *path, struct settings **out,
                                   struct err *err);
const struct config *guard_settings_config(const struct settings *settings);
void guard_settings_drop(struct settings *settings); /* one that was not taken */
/* It holds from now on; its registries are in the store.  False: nothing changed, and @fresh is
 * still the caller's. */
NODISCARD bool guard_reload(struct guard *guard, struct settings *fresh, struct err *err);
/* For the metrics: how the last reload ended. */
void guard_reload_note(struct guard *guard, bool is_well);

/* --- messages to others
 * ------------------------------------------------------------------------------ */
struct delivery_test {
    bool is_delivered;
    int status;  /* of the receiver; 0: it did not answer */
    str message; /* id */
    str answer;  /* its beginning */
    str error;
};
/* One message over the configured channel, now.  ERR_NOT_FOUND: none is called so. */
NODISCARD bool guard_deliver_test(struct guard *guard, struct arena *arena, str channel,
                                  struct delivery_test *out, struct err *err);
struct delivery_count {
    char channel[64], kind[32];
    uint64_t sent, retried, dead;
};
typedef VEC(struct delivery_count) delivery_counts;
/* Since the start. */
NODISCARD bool guard_deliveries(struct guard *guard, struct arena *arena, delivery_counts *out,
                                struct err *err);

/* What a server counts of its work since its start. */
enum { SCAN_BUCKETS = 12 };
extern const double
    guard_scan_bounds_s[SCAN_BUCKETS - 1]; /* upper ones; the last bucket has none */
struct guard_metrics {
    uint64_t scans_in[SCAN_BUCKETS]; /* that ended with a result, by duration */
    uint64_t scan_ms;                /* of all of them */
    uint64_t rematches;
    uint64_t images_told, images_matched; /* by re-matches: by their units, whole */
    int64_t rematch_lag_ms; /* from the last new generation to its last image; 0: none yet */
    struct {
        uint64_t done, retried, failed, dead, given_back;
    } jobs;
    source_states sources; /* name, fetched_at, n_records, is_held, error */
};
NODISCARD bool guard_metrics_get(struct guard *guard, struct arena *arena,
                                 struct guard_metrics *out, struct err *err);

struct guard_status {
    bool is_scanning;    /* threads run and there is an advisory database */
    uint64_t generation; /* 0: no database yet */
    uint64_t notifications_accepted, notifications_refused;
    enum sandbox_level sandbox;
    bool is_leader;      /* of several servers on one store the one that schedules */
    uint64_t newest;     /* generation of the one that leads; 0: not known */
    bool is_reload_well; /* of the configuration, the last time; true at start */
    int64_t reloaded_at; /* when it last was */
};
/* Any thread. */
void guard_status_get(struct guard *guard, struct guard_status *out);
