/* SPDX-License-Identifier: Apache-2.0 */
/* report.h - the result of one scan, and how it is written: one format per file, one row each.
 * `plimsoll.report/1` is specified in docs/report.schema.json.  Not: how the result came about.
 * Owns: nothing; a report borrows from the arena of its scan.  Threads: read-only. */
#pragma once

#include "assess/assess.h"
#include "base/sb.h"
#include "image/image.h"
#include "match/match.h"

struct report_layer {
    digest digest, diff_id;
    uint64_t size_bytes; /* compressed, as stored */
    str created_by;
    bool is_base;
};
struct report {
    str source; /* as the user wrote it */
    int64_t scanned_at;
    digest digest; /* of the manifest; none for dir: */
    digest index;  /* of the index it came from; none */
    str platform;
    VEC(struct report_layer) layers;
    VEC(struct label) labels;
    struct distro distro;
    bool has_end_of_life, is_end_of_life;
    int64_t end_of_life;
    enum verdict verdict;
    bool is_complete;
    str reason;
    enum verdict clear_verdict; /* what it were without its findings; unknown: not judged */
    str clear_reason;
    uint64_t rules_revision; /* of the stored rules that disabled some; 0: none */
    packages packages;
    strs purls; /* of packages, same order */
    struct coverage coverage;
    findings findings;
    notices notices;
    bool has_database;
    uint64_t generation;
    str database; /* advisory_db_identity */
    const struct source_state *sources;
    size_t n_sources;
    str sandbox; /* "full" or "basic" */
};
struct report_summary {
    unsigned critical, high, medium, low, unknown, patchable, disabled;
};
/* Of all findings that count: neither disabled nor kernel headers.  Rated "none" counts as low. */
struct report_summary report_summarize(const struct report *report);

/* "60 findings, 2 critical, 7 high, 38 with a fix"; false when the report's reason says it. */
bool report_verdict_words(struct sb *out, const struct report *report);

/* What a reader does not want to see.  The verdict and the summary do not change by it, and what it
 * hides is counted where it is missing. */
struct report_filter {
    unsigned severities; /* 1 << enum severity of those to show; 0: all */
    bool hides_unfixed, hides_unknown;
};
enum report_place {
    PLACE_LISTED,
    PLACE_HIDDEN,   /* by the filter */
    PLACE_HEADERS,  /* of the kernel: a class of their own, outside counts and gates */
    PLACE_DISABLED, /* by a rule */
};
enum report_place report_place_of(const struct finding *finding,
                                  const struct report_filter *filter);
/* The first @n_base layers are the base image's: marks layers, packages (by their layer) and
 * findings. Before remediations are written. */
void report_set_base(struct report *report, size_t n_base);
size_t report_count(const struct report *report, const struct report_filter *filter,
                    enum report_place place);

struct report_options {
    bool is_colour;
    unsigned width;      /* columns of the terminal; 0: not one */
    bool is_sbom;        /* packages only, no findings */
    bool shows_disabled; /* table: list what rules and VEX have disabled too */
    bool is_detailed;    /* table: every finding with what is known of it, and no limit on rows */
    struct report_filter filter;
};
struct report_format {
    const char *name;    /* "json" */
    const char *summary; /* for --help */
    bool is_single;      /* describes one image only */
    bool is_sbom_too;    /* may be asked of `plimsoll sbom` */
    /* Several reports: platforms of an index, in order.  Written to @fd as it goes. */
    bool (*write)(int fd, const struct report *const *reports, size_t n,
                  const struct report_options *options, struct err *err);
};
const struct report_format *report_format_find(str name);
const struct report_format *const *report_formats(size_t *n);
/* The engine's version and the digest of its rules (version, detectors, version orderings): stamped
 * on every report. */
const char *report_engine_version(void);
digest report_engine_digest(void);

/* Foreign text for a terminal: what could move a cursor, change a colour, reorder a line (controls,
 * bidirectional and right-to-left, zero-width and unassigned characters, what is not UTF-8) becomes
 * \x1b or \u202e in words.  At most @max_columns (0: no maximum), then cut with "…".
 * Gives the columns taken.  Needs LC_CTYPE=C.UTF-8; without it only ASCII passes. */
size_t report_text(struct sb *out, str foreign, size_t max_columns);
