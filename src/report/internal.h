/* SPDX-License-Identifier: Apache-2.0 */
/* internal.h - what the writers share: output in pieces, text for terminals, grouping by fix. */
#pragma once

#include <string.h>

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
typedef VEC(const struct finding *) finding_refs;
struct group {
    const struct finding *first; /* names package, version, type */
    const struct finding *best;  /* with the highest fixed version: its command heals all */
    finding_refs members;        /* one per id, in the report's order: worst severity first */
    size_t n_findings;           /* the same id at several paths counts each time */
    strs paths;                  /* distinct, in the report's order */
    size_t n_kev;
    double epss; /* highest */
};
typedef VEC(struct group) groups;
/* Of the listed findings.  With a fix: by package and installed version, as long as their fixed
 * versions can be compared; without: by fix state too.  Sorted: with a fix, known exploited,
 * severity, EPSS, name.  False when @arena is used up. */
NODISCARD bool group_findings(struct arena *arena, const struct report *report,
                              const struct report_filter *filter, groups *out);

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
/* A shell command, to be pasted: a line that ends goes on behind " \\". */
void paint_command(struct paint *paint, enum style style, str command, size_t indent);
void paint_end(struct paint *paint);
void paint_to(struct paint *paint, size_t column);
/* Columns to the end of the line; at least 1. */
size_t paint_left(const struct paint *paint);
/* Columns that a text will take. */
size_t paint_columns(str text);

/* --- words and numbers that reports for people have in common
 * ----------------------------------- */
const char *plural(size_t n); /* "" or "s" */
struct verdict_look {
    const char *symbol;
    enum style style;
};
struct verdict_look verdict_look(enum verdict verdict);
/* The index of the worst of several platforms, and how many have its verdict. */
size_t verdict_worst(const struct report *const *reports, size_t n, size_t *n_worst);
/* Platforms of one image, not several images. */
bool is_one_source(const struct report *const *reports, size_t n);
/* "60 findings, 2 critical, 7 high, 38 with a fix"; false when the report's reason says it. */
bool verdict_words(struct sb *out, const struct report *report);
const char *fix_state_words(enum fix_state state); /* of what has no fix: "will not be fixed" */
unsigned summary_count(const struct report_summary *summary, enum severity severity);
unsigned summary_total(const struct report_summary *summary);
void size_print(char out[static 32], uint64_t bytes); /* "1.2 MB" */
bool epss_print(double epss, char out[static 16]);    /* "91.2 %"; false when it is not known */
/* "99.4 % of 123 MB executable bytes belong to known packages, 1004 files do not:"; the colon when
 * some can be named.  False when nobody measured. */
bool coverage_print(const struct coverage *coverage, char out[static 160]);
const struct report_layer *layer_of(const struct report *report, int layer); /* NULL: not known */
bool has_base(const struct report *report); /* is it known what the base image is? */
/* "base image", "own step", or empty when that is not known. */
const char *origin_words(const struct report *report, const struct finding *finding);
/* Where people read about an id of this shape (append it: it is letters, digits and '-' then);
 * NULL: nowhere that we know. */
const char *advisory_site(str id);
/* http or https, of printable ASCII without spaces: may become a link. */
bool is_link(str url);

/* --- the order of presentation, and counts for charts
 * ------------------------------------------- */
/* Known exploited, severity, EPSS, fix available, then as the report has them.  False when @arena
 * is used up. */
NODISCARD bool findings_in_order(struct arena *arena, const struct report *report,
                                 const struct report_filter *filter, enum report_place place,
                                 finding_refs *out);
/* Of all findings that count, as report_summarize does. */
struct tally {
    unsigned with_fix[N_LEVELS], without_fix[N_LEVELS]; /* in the order of levels */
    unsigned n_base, n_own, n_kev;
    unsigned *by_layer; /* n_layers of them, in the arena */
    size_t n_layers;
};
NODISCARD bool tally_findings(struct arena *arena, const struct report *report, struct tally *out);

/* --- the table, in its parts
 * --------------------------------------------------------------------- */
enum { TABLE_LABEL_COLUMNS = 9 };
void table_label(struct paint *paint, const char *name);
void table_section(struct paint *paint, const char *title, const char *fmt, ...) PRINTF(3, 4);
/* "… and 12 more packages (--details shows all)" */
void table_more(struct paint *paint, size_t n, const char *what);
const char *table_more_words(const struct paint *paint);
void table_head(struct paint *paint, const struct report *report);
/* False when the arena is used up. */
NODISCARD bool table_groups(struct paint *paint, struct arena *arena, const struct report *report);
NODISCARD bool table_details(struct paint *paint, struct arena *arena, const struct report *report);

/* --- the HTML page, in its parts
 * ---------------------------------------------------------------- */
struct page {
    struct out out;
    const struct report_options *options;
    struct arena arena;
    bool is_one_source;
    const struct report *report; /* the one that is being written */
    size_t platform;             /* its number from 1: ids on the page begin with it */
};
/* Text in an element or between the quotes of an attribute.  As report_text shows it; a line break
 * stays one only in html_lines. */
void html_text(struct sb *out, str text);
void html_lines(struct sb *out, str text);
/* What is ours, as it is: the length of a literal is known when this is compiled. */
static inline void html_put(struct sb *out, const char *ours)
{
    sb_add(out, str_of(ours, strlen(ours)));
}
void html_number(struct sb *out, uint64_t n);
void html_tenths(struct sb *out, double value); /* "9.1" */
/* Ours and foreign in turn: literal, text, literal. */
static inline void html_wrap(struct sb *out, const char *before, str text, const char *after)
{
    html_put(out, before);
    html_text(out, text);
    html_put(out, after);
}
/* A link when @url may be one, else text. */
void html_link(struct sb *out, str url);
/* An id, linked to where people read about it. */
void html_id(struct sb *out, str id);
void html_severity(struct sb *out, enum severity severity);
/* Parts of a report; false when the arena is used up. */
NODISCARD bool html_summary(struct page *page);
NODISCARD bool html_steps(struct page *page);
NODISCARD bool html_findings(struct page *page);
void html_notices(struct page *page);
void html_layers(struct page *page);
void html_packages(struct page *page);
void html_unowned(struct page *page);
