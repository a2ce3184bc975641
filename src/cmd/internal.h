/* SPDX-License-Identifier: Apache-2.0 */
/* internal.h - what several commands share: options, credentials, output files, progress, exits. */
#pragma once

#include <pthread.h>

#include "base/cancel.h"
#include "cmd/cmd.h"
#include "scan/scan.h"

/* --- options that several commands have
 * ------------------------------------------------------------ */
#define CMD_OPTION_DB                                                                              \
    {                                                                                              \
        .name = "db", .argument = "DIR",                                                           \
        .help =                                                                                    \
            "the advisory database; default $PLIMSOLL_DB, else /var/lib/plimsoll/db for root, "    \
            "else plimsoll/db in $XDG_CACHE_HOME or ~/.cache"                                      \
    }
#define CMD_OPTION_VEX                                                                             \
    {                                                                                              \
        .name = "vex", .argument = "FILE|oci",                                                     \
        .help =                                                                                    \
            "hold findings against the statements of a VEX document (OpenVEX, CSAF, CycloneDX), "  \
            "or with oci against those attached to the image, whose signatures nobody verifies "   \
            "(a file of that name is ./oci): what is not affected or fixed stays in the report, "  \
            "disabled and with its reason; may be given several times",                            \
        .is_repeatable = true                                                                      \
    }
#define CMD_OPTION_RULES                                                                           \
    {                                                                                              \
        .name = "rules", .argument = "FILE",                                                       \
        .help = "disable findings by the rules of FILE (docs/RULES.md), or by its list of ids, "   \
                "one a line with a reason; they stay in the report, disabled and with their "      \
                "reason, and neither count nor gate; may be given several times",                  \
        .is_repeatable = true                                                                      \
    }
#define CMD_OPTION_BASE                                                                            \
    {                                                                                              \
        .name = "base", .argument = "SOURCE",                                                      \
        .help = "an image that SOURCE may be built on: what its layers brought is marked as the "  \
                "base image's; no layer of it is read; may be given several times, the longest "   \
                "that fits counts",                                                                \
        .is_repeatable = true                                                                      \
    }
#define CMD_OPTION_OUTPUT                                                                          \
    {                                                                                              \
        .name = "output", .letter = 'o', .argument = "FILE",                                       \
        .help = "write to FILE, replaced as a whole; default standard output"                      \
    }
#define CMD_OPTION_QUIET                                                                           \
    {                                                                                              \
        .name = "quiet", .letter = 'q', .help = "no progress on standard error"                    \
    }
#define CMD_OPTIONS_REGISTRY                                                                       \
    {.name = "username",                                                                           \
     .argument = "NAME",                                                                           \
     .help = "log in to the registry with this name and --password-stdin; default: Docker's "      \
             "config.json"},                                                                       \
        {.name = "password-stdin", .help = "read the password from standard input"},               \
        {.name = "ca-file",                                                                        \
         .argument = "FILE",                                                                       \
         .help = "trust the certificate authorities in FILE (PEM) instead of the system's"},       \
    {                                                                                              \
        .name = "plain-http", .help = "talk HTTP without TLS to the registry"                      \
    }

/* choices.c: the words that an option takes, the @i-th of them; NULL behind the last. */
const char *choice_table_or_json(size_t i);
const char *choice_table_json_or_csv(size_t i);
const char *choice_severity(size_t i);
const char *choice_sandbox(size_t i);
const char *choice_platform(size_t i);
const char *choice_report_format(size_t i);
const char *choice_sbom_format(size_t i);
const char *choice_feed(size_t i);

/* Where the database is: --db, or the default.  NULL with ERR_USAGE when no home is known. */
const char *cmd_db_dir(const struct cmd_call *call, struct err *err);
/* The same, pure. */
struct db_dir_input {
    const char *option, *env, *xdg_cache_home, *home;
    bool is_root;
};
str cmd_db_dir_of(struct arena *arena, const struct db_dir_input *in);

/* --- sources
 * --------------------------------------------------------------------------------------- */
/* --username without --password-stdin, and the reverse: ERR_USAGE. */
NODISCARD bool cmd_check_registry(const struct cmd_call *call, struct err *err);
/* What the options say about @ref's registry.  Reads the password from standard input. */
NODISCARD bool cmd_registry_config(const struct cmd_call *call, const struct reference *ref,
                                   struct registry_config *out, struct err *err);

bool cmd_has_registry_options(const struct cmd_call *call);

/* Scans of sources as the options say; @db NULL: inventory only.  The scanner is opened first, and
 * closed before it returns. */
struct source_run {
    struct reference reference;
    struct registry_config registry;
    struct arena arena; /* of its reports */
    reports reports;
    bool is_done;
    struct err err; /* why not */
};
struct source_scan {
    const str *sources; /* at least one */
    size_t n_sources;
    enum sandbox_level required;
    struct image_choice choice;
    const char *db_dir; /* NULL: inventory only */
    bool is_quiet;
    reports reports; /* of all, in their order */
    size_t
        n_failed; /* sources without a report; of several, which is told by source_scan_complain */
    struct source_run *runs; /* one a source */
    struct rules rules;      /* of --rules */
    bool takes_attached_vex; /* --vex oci */
    vex_statements vex;      /* of --vex */
    const char *remedy; /* of a failure, when it knows better than the error's kind; else NULL */
    struct advisory_db *db; /* the reports borrow from it; closed by source_scan_close */
};
/* False: nothing was scanned.  Of several sources some may have failed: n_failed. */
NODISCARD bool source_scan_run(const struct cmd_call *call, struct source_scan *scan,
                               struct err *err);
/* Its steps: rules and VEX files; the database. */
NODISCARD bool source_read_decisions(const struct cmd_call *call, struct source_scan *scan,
                                     struct err *err);
NODISCARD bool source_open_db(struct source_scan *scan, struct err *err);
void source_scan_close(struct source_scan *scan);
/* On stderr, why a report that was written is not whole: the reason and the first notice. */
void source_scan_complain(const struct cmd_call *call, const struct source_scan *scan);

/* The wish of SIGINT and SIGTERM to stop. */
struct cancel *cmd_cancel(void);

/* --- output
 * ---------------------------------------------------------------------------------------- */
struct output {
    int fd;
    const char *path; /* NULL: standard output */
    str aside;        /* what becomes @path; empty: written in place (a device, a pipe) */
};
/* Could --output be written? */
NODISCARD bool output_check(const struct cmd_call *call, struct err *err);
NODISCARD bool output_open(const struct cmd_call *call, struct output *out, struct err *err);
/* The same for a path; NULL: standard output. */
NODISCARD bool output_open_path(struct arena *arena, const char *to, struct output *out,
                                struct err *err);
/* Rename into place when @is_done, else forget it. */
NODISCARD bool output_close(struct output *out, bool is_done, struct err *err);
/* Width 0 and no colour when @fd is not a terminal. */
struct terminal {
    unsigned width, height;
    bool is_colour;
};
struct terminal terminal_of(int fd);

/* --- filters and gates: pure
 * ------------------------------------------------------------------------ */
/* "high,critical" → bits. ERR_USAGE names the word that is none. */
NODISCARD bool severities_parse(str list, unsigned *out, struct err *err);
struct gate {
    bool is_set;
    enum severity severity; /* the least that trips it; unknown always does */
};
/* 1 when a listed finding trips the gate (also when the scan is incomplete: what was found is
 * certain); 3 when a scan failed or is incomplete; 0 otherwise, for NotApplicable too. */
int scan_exit_code(const struct report *const *all, size_t n, const struct report_filter *filter,
                   const struct gate *gate);
/* For the help of --format: the names and what they are for. */
void cmd_say_formats(struct sb *out);
void cmd_say_sbom_formats(struct sb *out);
/* Findings that trip the gate. */
size_t gate_count(const struct report *report, const struct report_filter *filter,
                  const struct gate *gate);
/* One line a report: verdict, counts, source; and of several which is the worst. */
void verdict_lines(struct sb *out, const struct report *const *all, size_t n);
/* "--fail-on high: 3 findings trip it"; nothing when none does. */
void gate_line(struct sb *out, const struct report *const *all, size_t n,
               const struct report_filter *filter, const struct gate *gate);
/* The format by name; ERR_USAGE lists those there are. */
const struct report_format *cmd_format(str name, bool is_sbom, struct err *err);

/* --- progress
 * -------------------------------------------------------------------------------------- */
struct progress_row {
    uint64_t done, total;
    int64_t started_ms;
    bool is_over; /* of a source */
};
enum { PROGRESS_ROWS = 512, PROGRESS_SHOWN = 8 };
struct progress {
    int fd;                 /* -1: silent */
    unsigned width, height; /* 0: plain lines */
    struct progress_row rows[PROGRESS_ROWS];
    size_t n_rows;
    char feed[32], what[64]; /* of an update: instead of layers */
    const str *names;        /* of several sources, a row each, instead of layers; else NULL */
    int64_t drawn_ms, started_ms;
    size_t n_drawn; /* lines on the screen */
    pthread_mutex_t
        lock; /* all of the above but fd and width: layers report from threads of their own */
};
/* Silent when @is_quiet; plain lines, ten seconds apart, when standard error is no terminal. */
void progress_open(struct progress *progress, bool is_quiet);
/* Erases what it drew. */
void progress_close(struct progress *progress);
/* scan_progress and update_spec callbacks; ctx is the progress. */
void progress_layer(void *ctx, size_t layer, size_t n_layers, uint64_t done, uint64_t total);
/* Rows for several sources. */
void progress_name(struct progress *progress, const str *names, size_t n);
struct progress_of {
    struct progress *progress;
    size_t row;
    uint64_t done[PROGRESS_ROWS], total[PROGRESS_ROWS]; /* of its layers */
};
void progress_layer_of(void *ctx, size_t layer, size_t n_layers, uint64_t done, uint64_t total);
void progress_row_ends(struct progress *progress, size_t row);
void progress_feed(void *ctx, str feed, str what, uint64_t done, uint64_t total);
/* The lines to show at @now_ms; pure. */
void progress_print(const struct progress *progress, int64_t now_ms, struct sb *out,
                    size_t *n_lines);

/* --format of table or json. */
NODISCARD bool cmd_check_table_or_json(const struct cmd_call *call, struct err *err);
bool cmd_is_json(const struct cmd_call *call);

/* --- explain: pure
 * --------------------------------------------------------------------------------------- */
void explain_table(struct sb *out, const struct report *report,
                   const struct explain_result *result);
void explain_json(struct sb *out, const struct report *report, const struct explain_result *result);

/* --- db: its sub-commands, and what is pure of them
 * --------------------------------------------------------------------------------------- */
void db_status_table(struct sb *out, uint64_t generation, const struct source_state *sources,
                     size_t n, int64_t now_s);
void db_status_json(struct sb *out, uint64_t generation, const struct source_state *sources,
                    size_t n, int64_t now_s);
extern const struct command command_db_diff, command_db_export, command_db_import,
    command_db_verify;
void db_diff_table(struct sb *out, uint64_t from, uint64_t to,
                   const struct advisory_changes *changes);
void db_diff_json(struct sb *out, uint64_t from, uint64_t to,
                  const struct advisory_changes *changes);
typedef VEC(struct wanted_package) wanted_packages;
/* The distinct source packages that the package manager of one scanned image installed, copied. */
NODISCARD bool db_wanted_of(struct arena *arena, const struct report *report, wanted_packages *out);
