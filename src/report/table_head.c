/* SPDX-License-Identifier: Apache-2.0 */
/* The head of a report in a terminal: what was looked at, with what, and what came of it. */
#include "report/internal.h"

#include <string.h>

#include "base/clock.h"
#include "base/num.h"

/* One of several facts on a line: ", " between, a new line when this one would not fit. */
static void fact(struct paint *t, bool *is_first, enum style s, const char *text)
{
    size_t columns = paint_columns(str_from(text));
    if (!*is_first && t->column + 2 + columns > t->width) {
        sb_addc(&t->out.sb, ",");
        paint_end(t);
        paint_to(t, TABLE_LABEL_COLUMNS);
    } else if (!*is_first) {
        paint_text(t, STYLE_PLAIN, ", ");
    }
    *is_first = false;
    paint_text(t, s, text);
}

static void head_os(struct paint *t, const struct report *report)
{
    char when[CLOCK_TEXT_SIZE];
    table_label(t, "System");
    str name = report->distro.name.len ? report->distro.name : report->distro.id;
    paint_rest(t, STYLE_PLAIN, name.len ? name : STR("no distribution identified"));
    if (report->has_end_of_life) {
        str day = str_slice(clock_print(report->end_of_life, when), 0, 10);
        const char *words = report->is_end_of_life ? "end of life since" : "supported until";
        if (t->column + 3 + strlen(words) + day.len > t->width) {
            paint_end(t);
            paint_to(t, TABLE_LABEL_COLUMNS);
        } else {
            paint_text(t, STYLE_PLAIN, ", ");
        }
        paint_format(t, report->is_end_of_life ? STYLE_CRITICAL : STYLE_PLAIN, "%s " STR_FMT, words,
                     STR_ARG(day));
    }
    paint_end(t);
}

/* The day of the newest; a source of another day, stale or not read says so. */
static void put_source(struct paint *t, const struct source_state *source, str newest,
                       int64_t scanned_at, bool *is_first)
{
    char when[CLOCK_TEXT_SIZE], text[160];
    str day = source->fetched_at ? str_slice(clock_print(source->fetched_at, when), 0, 10)
                                 : STR("never read");
    bool is_stale = source->valid_until && source->valid_until < scanned_at;
    bool is_odd = is_stale || source->error.len || !source->fetched_at;
    str shown = str_eq(day, newest) ? STR_NONE : day;
    snprintf(text, sizeof(text), STR_FMT "%s" STR_FMT "%s%s", STR_ARG(source->name),
             shown.len ? " " : "", STR_ARG(shown), is_stale ? " (stale)" : "",
             source->error.len ? " (failed)" : "");
    fact(t, is_first, is_odd ? STYLE_MEDIUM : STYLE_PLAIN, text);
}

static void head_database(struct paint *t, const struct report *report)
{
    char when[CLOCK_TEXT_SIZE], text[64];
    int64_t newest = 0;
    if (!report->has_database)
        return;
    for (size_t i = 0; i < report->n_sources; i++)
        if (report->sources[i].fetched_at > newest)
            newest = report->sources[i].fetched_at;
    bool is_first = true;
    table_label(t, "Database");
    snprintf(text, sizeof(text), "generation %llu", (unsigned long long)report->generation);
    fact(t, &is_first, STYLE_PLAIN, text);
    str day = newest ? str_slice(clock_print(newest, when), 0, 10) : STR_NONE;
    if (newest) {
        snprintf(text, sizeof(text), "of " STR_FMT ": ", STR_ARG(day));
        paint_text(t, STYLE_PLAIN, " ");
        paint_text(t, STYLE_PLAIN, text);
        is_first = true;
    }
    for (size_t i = 0; i < report->n_sources; i++)
        put_source(t, &report->sources[i], day, report->scanned_at, &is_first);
    paint_end(t);
}

static size_t count_kev(const struct report *report)
{
    const struct report_filter none = {0};
    size_t n = 0;
    for (size_t i = 0; i < report->findings.len; i++)
        n += report->findings.ptr[i].is_kev &&
             report_place_of(&report->findings.ptr[i], &none) == PLACE_LISTED;
    return n;
}

static void head_severities(struct paint *t, const struct report_summary *summary)
{
    for (size_t i = 0; i < N_LEVELS; i++) {
        unsigned n = summary_count(summary, levels[i].severity);
        if (!n)
            continue;
        char text[48];
        snprintf(text, sizeof(text), "%s %u %s", levels[i].symbol, n, levels[i].word);
        if (t->column + 3 + paint_columns(str_from(text)) > t->width) {
            paint_end(t);
            paint_to(t, TABLE_LABEL_COLUMNS);
        } else if (t->column > TABLE_LABEL_COLUMNS) {
            paint_text(t, STYLE_PLAIN, "   ");
        }
        paint_text(t, levels[i].style, text);
    }
    paint_end(t);
}

static void head_remarks(struct paint *t, const struct report *report,
                         const struct report_summary *summary)
{
    char text[96];
    bool is_first = true;
    size_t n_kev = count_kev(report), n_hidden, n_headers;
    n_hidden = report_count(report, &t->options->filter, PLACE_HIDDEN);
    n_headers = report_count(report, &t->options->filter, PLACE_HEADERS);
    table_label(t, "");
    snprintf(text, sizeof(text), "%u with a fix", summary->patchable);
    fact(t, &is_first, STYLE_PLAIN, text);
    if (n_kev) {
        snprintf(text, sizeof(text), "%zu known to be exploited", n_kev);
        fact(t, &is_first, STYLE_CRITICAL, text);
    }
    if (n_hidden) {
        snprintf(text, sizeof(text), "hidden: %zu (by --severity or --ignore-*)", n_hidden);
        fact(t, &is_first, STYLE_BOLD, text);
    }
    if (summary->disabled) {
        snprintf(text, sizeof(text), "disabled by rules or VEX: %u", summary->disabled);
        fact(t, &is_first, STYLE_PLAIN, text);
    }
    if (n_headers) {
        snprintf(text, sizeof(text), "not counted: %zu in kernel headers", n_headers);
        fact(t, &is_first, STYLE_PLAIN, text);
    }
    paint_end(t);
}

static void head_coverage(struct paint *t, const struct report *report)
{
    enum { FILES_NAMED = 3 };
    const struct coverage *coverage = &report->coverage;
    char text[160];
    if (!coverage_print(coverage, text))
        return;
    size_t n = coverage->n_unowned;
    table_label(t, "Coverage");
    paint_wrap(t, STYLE_PLAIN, str_from(text), TABLE_LABEL_COLUMNS);
    paint_end(t);
    for (size_t i = 0; i < coverage->unowned.len && i < FILES_NAMED; i++) {
        paint_to(t, TABLE_LABEL_COLUMNS);
        paint_rest(t, STYLE_PLAIN, coverage->unowned.ptr[i].path);
        paint_end(t);
    }
    if (n > FILES_NAMED) {
        paint_to(t, TABLE_LABEL_COLUMNS);
        table_more(t, n - FILES_NAMED, "");
        paint_end(t);
    }
}

static void head_verdict(struct paint *t, const struct report *report)
{
    struct verdict_look look = verdict_look(report->verdict);
    table_label(t, "Verdict");
    paint_format(t, look.style, "%s %s%s", look.symbol, verdict_name(report->verdict),
                 report->is_complete || report->verdict == VERDICT_NOT_APPLICABLE ? ""
                                                                                  : ", incomplete");
    if (report->reason.len) {
        paint_text(t, STYLE_PLAIN, ": ");
        paint_wrap(t, STYLE_PLAIN, report->reason, TABLE_LABEL_COLUMNS);
    }
    paint_end(t);
}

static void head_findings(struct paint *t, const struct report *report)
{
    struct report_summary summary = report_summarize(report);
    if (!report->findings.len)
        return;
    table_label(t, "Findings");
    if (summary_total(&summary))
        head_severities(t, &summary);
    else
        paint_format(t, STYLE_PLAIN, "none that counts"), paint_end(t);
    head_remarks(t, report, &summary);
}

static void head_line(struct paint *t, const char *name, enum style style, str value)
{
    if (!value.len)
        return;
    table_label(t, name);
    paint_rest(t, style, value);
    paint_end(t);
}

void table_head(struct paint *t, const struct report *report)
{
    char hex[DIGEST_TEXT_SIZE];
    bool has_digest = !digest_is_none(&report->digest);
    head_line(t, "Image", STYLE_BOLD, report->source);
    head_verdict(t, report);
    head_findings(t, report);
    head_line(t, "Digest", STYLE_PLAIN, has_digest ? digest_print(&report->digest, hex) : STR_NONE);
    head_line(t, "Platform", STYLE_PLAIN, report->platform);
    head_os(t, report);
    table_label(t, "Content");
    paint_format(t, STYLE_PLAIN, "%zu package%s in %zu layer%s", report->packages.len,
                 plural(report->packages.len), report->layers.len, plural(report->layers.len));
    paint_end(t);
    head_coverage(t, report);
    head_database(t, report);
}
