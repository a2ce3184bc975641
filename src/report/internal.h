/* SPDX-License-Identifier: Apache-2.0 */
/* internal.h - what the writers share: output in pieces, text for terminals, grouping by fix. */
#pragma once

#include "base/sb.h"
#include "report/report.h"

/* --- output in pieces: memory does not grow with the report --------------------------------------
 */
struct out {
    int fd;
    struct sb sb;    /* what was not written yet */
    struct err *err; /* borrowed; the first failure */
    bool has_failed;
};
void out_open(struct out *out, int fd, struct err *err);
/* Between two items: write when enough has come together. */
void out_piece(struct out *out);
/* Write the rest; false when anything failed on the way. */
NODISCARD bool out_close(struct out *out);

/* --- grouping: one upgrade that heals many findings is one step
 * ----------------------------------- */
struct group {
    const struct finding *first; /* names package, version, type */
    const struct finding *best;  /* with the highest fixed version: its command heals all */
    finding_refs members;        /* one per id, in the report's order: worst severity first */
    size_t n_findings;           /* the same id at several paths counts each time */
    strs paths;                  /* distinct, in the report's order */
    size_t n_kev;
    double epss;             /* highest */
    struct assess_rank rank; /* the worst of its members */
};
typedef VEC(struct group) groups;
/* Of the listed findings.  With a fix: by package and installed version, as long as their fixed
 * versions can be compared; without: by fix state too.  Sorted: with a fix, known exploited,
 * severity, EPSS, name (assess_rank_cmp).  False when @arena is used up. */
NODISCARD bool group_findings(struct arena *arena, const struct report *report,
                              const struct report_filter *filter, groups *out);

/* The steps that heal the listed findings (assess_plan). */
NODISCARD bool report_plan(struct arena *arena, const struct report *report,
                           const struct report_filter *filter, struct plan *out);

/* --- painting: lines of a terminal, in colour or not
 * ----------------------------------------------- */
enum style {
    STYLE_PLAIN,
    STYLE_DIM,
    STYLE_BOLD,
    STYLE_CRITICAL,
    STYLE_HIGH,
    STYLE_MEDIUM,
    STYLE_LOW,
    STYLE_UNKNOWN,
    STYLE_GOOD,
};
/* Severity is never colour alone: a shape and a word. */
struct level {
    enum severity severity;
    const char *symbol, *word;
    enum style style;
};
enum { N_LEVELS = 6 };
extern const struct level levels[N_LEVELS]; /* in the order of severity_rank */
const struct level *level_of(enum severity severity);

struct paint {
    struct out out;
    const struct report_options *options;
    size_t width, column;
};
/* At most @max columns of text, ours or foreign: escaped, cut with "…"; 0: whole. */
void paint_str(struct paint *paint, enum style style, str text, size_t max);
void paint_text(struct paint *paint, enum style style, const char *text);
void paint_format(struct paint *paint, enum style style, const char *fmt, ...) PRINTF(3, 4);
/* The rest of the line, cut where it ends. */
void paint_rest(struct paint *paint, enum style style, str text);
/* All of it, broken at spaces; the next lines begin at @indent. */
void paint_wrap(struct paint *paint, enum style style, str text, size_t indent);
void paint_end(struct paint *paint);
void paint_to(struct paint *paint, size_t column);
/* Columns to the end of the line; at least 1. */
size_t paint_left(const struct paint *paint);
/* Columns that a text will take. */
size_t paint_columns(str text);

/* The section of disabled findings; nothing when there are none.  False when memory is used up. */
NODISCARD bool disabled_print(struct paint *paint, const struct report *report);
