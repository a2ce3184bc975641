/* SPDX-License-Identifier: Apache-2.0 */
/* internal.h - what the writers share: output in pieces, text for terminals, grouping by fix. */
#pragma once

#include <string.h>

#include "base/map.h"
#include "base/sb.h"
#include "report/report.h"
#include "syntax/syntax.h"

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

/* --- escaping: foreign text into the syntax of others --------------------------------------------
 */
/* The code point at @at and the bytes it takes, RFC 3629; 0 bytes when there is none. */
size_t utf8_at(str s, size_t at, uint32_t *c);
/* C1 controls and what turns text around (UAX #9, 2): legal in most formats, and a terminal that
 * shows the file obeys them. */
bool is_hidden_control(uint32_t c);
/* RFC 3986: what may not stand in that part becomes %XX; a link may have escapes already. */
enum uri_part { URI_NAME, URI_PATH, URI_LINK };
void uri_add(struct sb *out, str text, enum uri_part part);
/* CommonMark 2.4: one line of text, nothing in it means anything. */
void markdown_add(struct sb *out, str text);
/* An element's text or an attribute's value, XML 1.0, 2.2: what may not stand there is said in
 * words
 * (\x1b), what is not UTF-8 is U+FFFD. */
void xml_add(struct sb *out, str text);

/* --- documents of other standards ----------------------------------------------------------------
 */
enum { UUID_TEXT_SIZE = 37 };
struct hash;
struct doc {
    struct out out;
    struct jw jw;
    struct sb say; /* a value that is being put together */
    struct hash *hash;
    const struct report_options *options;
};
NODISCARD bool doc_open(struct doc *doc, int fd, const struct report_options *options,
                        struct err *err);
void doc_piece(struct doc *doc); /* between two items */
NODISCARD bool doc_close(struct doc *doc);
/* What stands in doc->say, taken: as a value, as the value of @key. */
void doc_said(struct doc *doc);
static inline void doc_ksaid(struct doc *doc, const char *key)
{
    jw_key(&doc->jw, key);
    doc_said(doc);
}
void doc_kuri(struct doc *doc, const char *key, str url); /* a web link, made a valid URI */
void doc_instant(struct doc *doc, const char *key, int64_t utc_s);
/* Only when it is RFC 3339 or a date. */
void doc_kdate(struct doc *doc, const char *key, str text);
/* A UUID version 8 over what stands in doc->say, taken. */
str doc_uuid(struct doc *doc, char out[static UUID_TEXT_SIZE]);
/* A UUID of the document: the same reports, options and format give the same. */
str doc_serial(struct doc *doc, str format, const struct report *const *reports, size_t n,
               char out[static UUID_TEXT_SIZE]);
/* Rounded to so many digits behind the point; for scores and shares, 0 to 10. */
void decimal_add(struct sb *out, double value, unsigned digits);
/* "openssl 3.0.11-1 (deb)" */
void say_package(struct sb *out, const struct finding *finding);
/* Title, else the description's first line, else "ID in PACKAGE". */
str finding_title(const struct finding *finding);
/* "Upgrade …", or why there is nothing to do. */
void say_advice(struct sb *out, const struct finding *finding);
/* Where people read about an id; nothing when nobody knows. */
void say_id_url(struct sb *out, str id);
/* The image: pkg:oci/…@sha256%3A…; of what has no digest pkg:generic/…  */
void say_image_purl(struct sb *out, const struct report *report);
str image_name(const struct report *report); /* last part of the repository or path */
/* What the filter left out, in a sentence; false when it left out nothing. */
bool say_hidden(struct sb *out, const struct report *report, const struct report_filter *filter);
/* "scan incomplete: reason", "Failed: …"; false when the result is whole and a verdict. */
bool say_shortfall(struct sb *out, const struct report *report);
/* How a finding was disabled: by a rule, or what VEX says, in OpenVEX's words. */
struct disabled {
    bool is_vex, is_fixed;
    str justification; /* one that OpenVEX 0.2 lists; empty */
    str words;         /* the reason; never empty */
};
struct disabled disabled_why(const struct finding *finding);
/* A format that describes one image, asked for several: says what to do. */
NODISCARD bool is_one_image(const char *format, size_t n, struct err *err);

/* --- which package a finding is about ------------------------------------------------------------
 */
struct package_index {
    const struct report *report;
    struct map by_name; /* the first package of that name, as a number + 1 */
    uint32_t *next;     /* the next one of the same name: a number + 1, 0 behind the last */
    uint32_t *nth;      /* how many packages before it have the same purl */
};
NODISCARD bool package_index_make(struct arena *arena, const struct report *report,
                                  struct package_index *out);
/* The packages that a finding is about, one after the other, by their numbers; *at starts zeroed.
 */
struct package_walk {
    size_t binary;
    uint32_t next;
    bool is_open;
};
bool package_index_next(const struct package_index *index, const struct finding *finding,
                        struct package_walk *at, size_t *number);
bool package_index_has(const struct package_index *index, const struct finding *finding);
bool finding_is_about(const struct finding *finding, const struct package *package);
/* Pointers to findings, by @key, then by @cmp (NULL: nothing), then as the report has them. */
NODISCARD bool findings_sorted(struct arena *arena, const struct report *report,
                               str (*key)(const struct finding *finding),
                               int (*cmp)(const struct finding *a, const struct finding *b),
                               const struct finding ***out);

/* --- licences: SPDX 2.3, annexes A, B and D ------------------------------------------------------
 */
extern const char *const licence_ids[], *const licence_exceptions[];
extern const size_t n_licence_ids, n_licence_exceptions;
/* As the list spells it; NULL when it is not on it. */
const char *licence_find(str id);
enum licence_kind { LICENCE_OTHER, LICENCE_ID, LICENCE_EXPRESSION };
/* @text in canonical spelling is appended to @out when it is an id or a whole expression. */
enum licence_kind licence_read(str text, struct sb *out);
struct licence {
    enum licence_kind kind;
    str text; /* in canonical spelling; of LICENCE_OTHER empty */
};
/* The same, read once for every text; @known is a map of its arena.  NULL when that is used up. */
const struct licence *licence_known(struct map *known, str text);

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
/* A shell command, to be pasted: a line that ends goes on behind " \\". */
void paint_command(struct paint *paint, enum style style, str command, size_t indent);
void paint_end(struct paint *paint);
void paint_to(struct paint *paint, size_t column);
/* Columns to the end of the line; at least 1. */
size_t paint_left(const struct paint *paint);
/* Columns that a text will take. */
size_t paint_columns(str text);

/* The section of disabled findings; nothing when there are none.  False when memory is used up. */
NODISCARD bool disabled_print(struct paint *paint, const struct report *report);
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
/* Where people read about an id of this shape (append it: it is letters, digits, '-', ':' and '.'
 * then); NULL: nowhere that we know. */
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
/* Whoever writes @refs one after the other and is at @at: what comes next is on its way from
 * memory. Changes nothing but the time. */
void findings_ahead(const finding_refs *refs, size_t at);
void report_ahead(const struct report *report, size_t at); /* in the report's own order */
/* Of all findings that count, as report_summarize does. */
struct tally {
    unsigned with_fix[N_LEVELS], without_fix[N_LEVELS]; /* in the order of levels */
    unsigned n_base, n_own, n_kev;
    unsigned *by_layer; /* n_layers of them, in the arena */
    size_t n_layers;
};
NODISCARD bool tally_findings(struct arena *arena, const struct report *report, struct tally *out);

enum { STEP_NAMES = 3 }; /* packages that the head of a step names; of the others the number */

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
NODISCARD bool table_steps(struct paint *paint, struct arena *arena, const struct report *report);
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
