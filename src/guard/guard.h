/* SPDX-License-Identifier: Apache-2.0 */
/* guard.h - what is scanned when, and what its result changes: configuration of a server,
 * notifications of registries, the job loop, the advisory refresh.  Not: HTTP (api/), how a scan is
 * done (scan/).
 *
 *   notification ─ guard_notify ─> events + jobs (one durable commit) ─> N workers: lease, scan,
 * store scanned Debian packages, feeds-interval ─> refresher: advisory_update ─> new generation ─>
 * re-match
 *
 * Owns: a guard owns its threads and connections until guard_close; a config lives in its arena.
 * Threads: guard_notify and guard_wake from any; the others from the thread that opened it. */
#pragma once

#include "base/limits.h"
#include "base/log.h"
#include "scan/scan.h"
#include "store/store.h"

/* --- configuration
 * ---------------------------------------------------------------------------------- */
struct config_registry {
    str name, subscription, resource_group; /* [A-Za-z0-9-]; UUID; ARM group name */
    str host;
    bool is_plain_http;
    str username, password, password_file, ca_file;
    str notification_secret;   /* empty: the server's */
    strs repositories;         /* instead of the registry's catalog */
    uint32_t sweep_interval_s; /* 0: the server's */
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
    uint32_t max_attempts;
    uint32_t retry_base_s, lease_s;
    enum sandbox_level sandbox;
    enum log_level log_level;
    bool is_log_json;
    str notification_secret, notification_secret_file;
    VEC(struct config_registry) registries;
    struct limits limits;
};
/* YAML of packaging/plimsoll.yaml.  An unknown key, a wrong type or a missing must is one line with
 * "FILE:LINE:COLUMN: " in front, ERR_USAGE.  Secret files are read here. */
NODISCARD bool config_load(struct arena *arena, const char *path, struct config *out,
                           struct err *err);
NODISCARD bool config_parse(struct arena *arena, str file, str text, struct config *out,
                            struct err *err);
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

/* --- the guard
 * --------------------------------------------------------------------------------------- */
struct guard;
struct guard_spec {
    const struct config *config; /* borrowed, must outlive it */
    struct scanner *scanner;     /* borrowed; NULL: nothing is scanned here (tests, API only) */
};
/* Takes DATA/lock (ERR_CONFLICT: another server has it), opens the store, writes the configured
 * registries and their sealed credentials into it, puts jobs of a killed predecessor back into the
 * queue (of a shared store: those whose lease ran out).  No threads yet. */
NODISCARD bool guard_open(const struct guard_spec *spec, struct guard **out, struct err *err);
/* Name of the store: for pools and commands. */
const char *guard_store_path(const struct guard *guard);
/* What secrets in the store are sealed with. */
const struct secret_key *guard_secret_key(const struct guard *guard);
NODISCARD bool guard_start(struct guard *guard, struct err *err);
/* No new job is taken; running ones have @grace_ms to end, then they are cancelled and given back.
 */
void guard_stop(struct guard *guard, uint32_t grace_ms);
void guard_close(struct guard *guard);
/* A job was added by somebody else: look now, not at the next poll. */
void guard_wake(struct guard *guard);

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

/* What a server counts of its work since its start. */
enum { SCAN_BUCKETS = 12 };
extern const double
    guard_scan_bounds_s[SCAN_BUCKETS - 1]; /* upper ones; the last bucket has none */
struct guard_metrics {
    uint64_t scans_in[SCAN_BUCKETS]; /* that ended with a result, by duration */
    uint64_t scan_ms;                /* of all of them */
    uint64_t rematches;
    int64_t rematch_lag_ms; /* from the last new generation to its last image; 0: none yet */
    struct {
        uint64_t done, retried, failed, dead, given_back;
    } jobs;
    VEC(struct source_state) sources; /* name, fetched_at, n_records, is_held, error */
};
NODISCARD bool guard_metrics_get(struct guard *guard, struct arena *arena,
                                 struct guard_metrics *out, struct err *err);

struct guard_status {
    bool is_scanning;    /* threads run and there is an advisory database */
    uint64_t generation; /* 0: no database yet */
    uint64_t notifications_accepted, notifications_refused;
    enum sandbox_level sandbox;
};
/* Any thread. */
void guard_status_get(struct guard *guard, struct guard_status *out);
