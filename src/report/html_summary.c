/* SPDX-License-Identifier: Apache-2.0 */
/* The top of a page: the verdict, what was looked at, and the charts. */
#include "report/internal.h"

#include "base/clock.h"
#include "base/num.h"

static void fact_open(struct sb *out, const char *name)
{
    html_put(out, "<dt>");
    html_put(out, name);
    html_put(out, "</dt><dd>");
}

static void fact(struct sb *out, const char *name, str value)
{
    if (!value.len)
        return;
    fact_open(out, name);
    html_wrap(out, "", value, "</dd>\n");
}

static void fact_digest(struct sb *out, const char *name, const digest *value)
{
    char hex[DIGEST_TEXT_SIZE];
    if (digest_is_none(value))
        return;
    fact_open(out, name);
    html_wrap(out, "<code>", digest_print(value, hex), "</code></dd>\n");
}

static str day_of(int64_t utc_s, char when[static CLOCK_TEXT_SIZE])
{
    return str_slice(clock_print(utc_s, when), 0, 10);
}

static void put_system(struct sb *out, const struct report *report)
{
    char when[CLOCK_TEXT_SIZE];
    str name = report->distro.name.len ? report->distro.name : report->distro.id;
    fact_open(out, "System");
    html_text(out, name.len ? name : STR("no distribution identified"));
    if (report->has_end_of_life)
        html_wrap(out,
                  report->is_end_of_life ? ", <strong class=\"Failed\">end of life since "
                                         : ", <span>supported until ",
                  day_of(report->end_of_life, when),
                  report->is_end_of_life ? "</strong>" : "</span>");
    html_put(out, "</dd>\n");
}

/* How old what it was held against was then. */
static void put_age(struct sb *out, const struct report *report)
{
    int64_t newest = 0;
    for (size_t i = 0; i < report->n_sources; i++)
        if (report->sources[i].fetched_at > newest)
            newest = report->sources[i].fetched_at;
    if (!newest || newest > report->scanned_at)
        return;
    size_t hours = (size_t)(report->scanned_at - newest) / 3600;
    if (hours == 0)
        html_put(out, ", fresh at the scan");
    else if (hours < 48)
        sb_addf(out, ", %zu hour%s old at the scan", hours, plural(hours));
    else
        sb_addf(out, ", <strong>%zu days old at the scan</strong>", hours / 24);
}

static void put_database(struct sb *out, const struct report *report)
{
    char when[CLOCK_TEXT_SIZE];
    fact_open(out, "Database");
    if (!report->has_database) {
        html_put(out, "none</dd>\n");
        return;
    }
    sb_addf(out, "generation %llu", (unsigned long long)report->generation);
    put_age(out, report);
    for (size_t i = 0; i < report->n_sources; i++) {
        const struct source_state *source = &report->sources[i];
        bool is_stale = source->valid_until && source->valid_until < report->scanned_at;
        html_wrap(out, i ? ", " : ": ", source->name, " ");
        html_text(out, source->fetched_at ? day_of(source->fetched_at, when) : STR("never read"));
        html_put(out, is_stale ? " <strong>(stale)</strong>" : "");
        html_put(out, source->error.len ? " <strong>(last update failed)</strong>" : "");
    }
    html_put(out, "</dd>\n");
}

static void put_coverage(struct page *page)
{
    char text[160];
    struct sb *out = &page->out.sb;
    const struct coverage *coverage = &page->report->coverage;
    fact_open(out, "Coverage");
    if (!coverage_print(coverage, text)) {
        html_put(out, "not measured</dd>\n");
        return;
    }
    html_text(out, str_from(text));
    if (coverage->unowned.len)
        sb_addf(out, " <a href=\"#p%zu-files\">listed below</a>", page->platform);
    html_put(out, "</dd>\n");
}

static void put_facts(struct page *page)
{
    char when[CLOCK_TEXT_SIZE];
    struct sb *out = &page->out.sb;
    const struct report *report = page->report;
    html_put(out, "<dl class=\"facts\">\n");
    fact_digest(out, "Digest", &report->digest);
    fact_digest(out, "Index", &report->index);
    put_system(out, report);
    fact_open(out, "Content");
    sb_addf(out, "%zu package%s in %zu layer%s</dd>\n", report->packages.len,
            plural(report->packages.len), report->layers.len, plural(report->layers.len));
    put_coverage(page);
    put_database(out, report);
    fact(out, "Scanned", clock_print(report->scanned_at, when));
    fact_open(out, "Engine");
    html_wrap(out, "plimsoll ", str_from(report_engine_version()), "");
    html_wrap(out, report->sandbox.len ? ", sandbox " : "", report->sandbox, "</dd>\n</dl>\n");
}

static void put_verdict(struct page *page)
{
    struct sb *out = &page->out.sb;
    const struct report *report = page->report;
    struct verdict_look look = verdict_look(report->verdict);
    bool is_partial = !report->is_complete && report->verdict != VERDICT_NOT_APPLICABLE;
    sb_addf(out, "<p class=\"verdict %s\"><b>%s %s%s</b> <span>", verdict_name(report->verdict),
            look.symbol, verdict_name(report->verdict), is_partial ? ", incomplete" : "");
    bool has_words = report_verdict_words(out, report);
    if (report->reason.len)
        html_wrap(out, has_words ? ". " : "", report->reason, "");
    else if (!has_words)
        html_put(out, "no reason was given");
    html_put(out, "</span></p>\n");
    for (size_t i = 0; is_partial && i < report->notices.len; i++) {
        const struct notice *notice = &report->notices.ptr[i];
        if (!notice->is_incomplete)
            continue;
        html_wrap(out, "<p class=\"alert\">The scan is incomplete: ", notice->path,
                  notice->path.len ? ": " : "");
        html_wrap(out, "", notice->message, "</p>\n");
    }
}

/* --- charts: a table whose numbers are text, and a bar beside each -------------------------------
 */
/* @a solid, then @b outlined, of @whole. */
static void put_bar(struct sb *out, const char *class, size_t a, size_t b, size_t whole)
{
    double all = whole ? (double)whole : 1;
    double share_a = 100 * (double)a / all, share_b = 100 * (double)b / all;
    sb_addf(out, "<svg class=\"bar %s\" aria-hidden=\"true\" width=\"100%%\" height=\"14\">",
            class);
    if (a)
        sb_addf(out, "<rect y=\"1\" width=\"%.2f%%\" height=\"12\"/>", share_a);
    if (b)
        sb_addf(out, "<rect class=\"open\" x=\"%.2f%%\" y=\"1\" width=\"%.2f%%\" height=\"12\"/>",
                share_a, share_b);
    html_put(out, "</svg>");
}

static void chart_open(struct sb *out, const char *title, const char *column)
{
    sb_addf(out,
            "<div><h3>%s</h3><table><thead><tr><th scope=\"col\">Findings</th>"
            "<th class=\"n\" scope=\"col\">All</th><th class=\"n\" scope=\"col\">%s</th>"
            "<th scope=\"col\">Share</th></tr></thead><tbody>\n",
            title, column);
}

static void chart_severities(struct sb *out, const struct tally *tally)
{
    size_t most = 0;
    for (size_t i = 0; i < N_LEVELS; i++)
        most = num_max(most, tally->with_fix[i] + tally->without_fix[i]);
    chart_open(out, "By severity", "With a fix");
    for (size_t i = 0; i < N_LEVELS; i++) {
        if (levels[i].severity == SEVERITY_NONE) /* counted as low */
            continue;
        unsigned n = tally->with_fix[i] + tally->without_fix[i];
        html_put(out, "<tr><th scope=\"row\">");
        html_severity(out, levels[i].severity);
        sb_addf(out, "</th><td class=\"n\" data-n=\"%s\">%u</td><td class=\"n\">%u</td><td>",
                levels[i].word, n, tally->with_fix[i]);
        put_bar(out, levels[i].word, tally->with_fix[i], tally->without_fix[i], most);
        html_put(out, "</td></tr>\n");
    }
    html_put(out, "</tbody></table><p class=\"soft\">Filled: with a fix; outlined: "
                  "without.</p></div>\n");
}

static void chart_row(struct sb *out, const char *name, size_t n, size_t whole, bool is_filled)
{
    sb_addf(out,
            "<tr><th scope=\"row\">%s</th><td class=\"n\">%zu</td><td class=\"n\">%zu %%</td><td>",
            name, n, whole ? n * 100 / whole : 0);
    put_bar(out, "low", is_filled ? n : 0, is_filled ? 0 : n, whole);
    html_put(out, "</td></tr>\n");
}

static void chart_close(struct sb *out) { html_put(out, "</tbody></table></div>\n"); }

static void chart_fixes(struct sb *out, const struct tally *tally)
{
    size_t n_fixable = 0, n = tally->n_base + tally->n_own;
    for (size_t i = 0; i < N_LEVELS; i++)
        n_fixable += tally->with_fix[i];
    chart_open(out, "Can be fixed", "Of all");
    chart_row(out, "with a fix", n_fixable, n, true);
    chart_row(out, "without a fix", n - n_fixable, n, false);
    chart_row(out, "known exploited", tally->n_kev, n, true);
    chart_close(out);
}

static void chart_origin(struct sb *out, const struct report *report, const struct tally *tally)
{
    size_t n = tally->n_base + tally->n_own;
    bool is_known = has_base(report);
    if (!is_known && tally->n_layers < 2)
        return;
    chart_open(out, "Brought by", "Of all");
    if (is_known) {
        chart_row(out, "base image", tally->n_base, n, true);
        chart_row(out, "own steps", tally->n_own, n, true);
    }
    for (size_t i = 0; i < tally->n_layers; i++) {
        const char *origin = !is_known ? "" : report->layers.ptr[i].is_base ? " (base)" : " (own)";
        char name[64];
        snprintf(name, sizeof(name), "layer %zu%s", i + 1, origin);
        if (tally->by_layer[i])
            chart_row(out, name, tally->by_layer[i], n, true);
    }
    chart_close(out);
}

static void remark(struct sb *out, size_t n, const char *words)
{
    if (n)
        sb_addf(out, "<li>%zu %s</li>\n", n, words);
}

bool html_summary(struct page *page)
{
    struct sb *out = &page->out.sb;
    const struct report *report = page->report;
    const struct report_filter *filter = &page->options->filter;
    struct tally tally;
    if (!tally_findings(&page->arena, report, &tally))
        return false;
    put_verdict(page);
    put_facts(page);
    if (tally.n_base + tally.n_own) {
        html_put(out, "<div class=\"charts\">\n");
        chart_severities(out, &tally);
        chart_fixes(out, &tally);
        chart_origin(out, report, &tally);
        html_put(out, "</div>\n");
    }
    html_put(out, "<ul class=\"plain\">\n");
    remark(out, report_count(report, filter, PLACE_HIDDEN),
           "hidden by --severity or --ignore-* (counted above, not listed below)");
    remark(out, report_count(report, filter, PLACE_DISABLED),
           "disabled by rules or VEX (not counted, listed on their own)");
    remark(out, report_count(report, filter, PLACE_HEADERS),
           "in kernel headers (not counted, listed on their own)");
    html_put(out, "</ul>\n");
    return true;
}
