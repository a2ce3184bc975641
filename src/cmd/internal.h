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

/* One scan of a source as the options say; @db NULL: inventory only.  The scanner is opened first,
 * and closed before it returns. */
struct source_scan {
    str source;
    enum sandbox_level required;
    struct image_choice choice;
    const char *db_dir; /* NULL: inventory only */
    bool is_quiet;
    reports reports;
    const char *remedy; /* of a failure, when it knows better than the error's kind; else NULL */
    struct advisory_db *db; /* the reports borrow from it; closed by source_scan_close */
};
NODISCARD bool source_scan_run(const struct cmd_call *call, struct source_scan *scan,
                               struct err *err);
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
/* The format by name; ERR_USAGE lists those there are. */
const struct report_format *cmd_format(str name, bool is_sbom, struct err *err);

/* --- progress
 * -------------------------------------------------------------------------------------- */
struct progress_row {
    uint64_t done, total;
    int64_t started_ms;
};
enum { PROGRESS_ROWS = 512, PROGRESS_SHOWN = 8 };
struct progress {
    int fd;                 /* -1: silent */
    unsigned width, height; /* 0: plain lines */
    struct progress_row rows[PROGRESS_ROWS];
    size_t n_rows;
    char feed[32], what[64]; /* of an update: instead of layers */
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
/* The distinct source packages that the package manager of one scanned image installed. */
NODISCARD bool db_wanted_of(struct arena *arena, const struct report *report, wanted_packages *out);
