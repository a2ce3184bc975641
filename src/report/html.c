/* SPDX-License-Identifier: Apache-2.0 */
/* One self-contained page: nothing is fetched, nothing runs but the script below, which a policy
 * names by its hash.  It says everything without the script too. */
#include "report/internal.h"

#include <sodium.h>

static const char style[] =
#include "report/html-style.inc"
    ;
static const char script[] =
#include "report/html-script.inc"
    ;

static void put_hash(struct sb *out, const char *name, str text)
{
    char base64[sodium_base64_ENCODED_LEN(32, sodium_base64_VARIANT_ORIGINAL)];
    digest hash = digest_of(HASH_SHA256, text);
    sodium_bin2base64(base64, sizeof(base64), hash.bytes, 32, sodium_base64_VARIANT_ORIGINAL);
    sb_addf(out, "; %s-src 'sha256-%s'", name, base64);
}

static void page_title(struct sb *out, const struct report *const *reports, size_t n)
{
    if (is_one_source(reports, n))
        html_text(out, reports[0]->source);
    else
        sb_addf(out, "%zu images", n);
}

static void page_head(struct page *page, const struct report *const *reports, size_t n)
{
    struct sb *out = &page->out.sb;
    html_put(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                  "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'");
    put_hash(out, "style", str_from(style));
    put_hash(out, "script", str_from(script));
    html_put(out, "; base-uri 'none'; form-action 'none'\">\n"
                  "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                  "<meta name=\"color-scheme\" content=\"light dark\">\n"
                  "<meta name=\"referrer\" content=\"no-referrer\">\n");
    html_wrap(out, "<meta name=\"generator\" content=\"plimsoll ",
              str_from(report_engine_version()), "\">\n");
    html_put(out, "<title>");
    page_title(out, reports, n);
    html_put(out, " – Plimsoll report</title>\n<style>");
    html_put(out, style);
    html_put(out, "</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#main\">Skip to the "
                  "report</a>\n<header><p class=\"brand\">Plimsoll report</p>\n<h1>");
    page_title(out, reports, n);
    html_put(out, "</h1></header>\n<main id=\"main\">\n");
}

/* Hidden until the script, which it is for, runs. */
static void page_filter(struct page *page)
{
    struct sb *out = &page->out.sb;
    html_put(out, "<form id=\"filter\" role=\"search\" aria-label=\"Filter findings\" hidden>\n"
                  "<label>Filter <input type=\"search\" name=\"text\" placeholder=\"id, package, "
                  "text (press /)\"></label>\n<fieldset><legend>Severities</legend>");
    for (size_t i = 0; i < N_LEVELS; i++)
        sb_addf(out,
                "<label class=\"sev %s\"><input type=\"checkbox\" name=\"severity\" value=\"%s\"> "
                "%s %s</label>",
                levels[i].word, levels[i].word, levels[i].symbol, levels[i].word);
    html_put(out,
             "</fieldset>\n<label><input type=\"checkbox\" name=\"fixable\"> with a fix</label>\n"
             "<label><input type=\"checkbox\" name=\"kev\"> known exploited</label>\n"
             "<button type=\"reset\">Clear</button>\n"
             "<button type=\"button\" id=\"open\">Open or close all</button>\n</form>\n"
             "<p id=\"shown\" role=\"status\" hidden></p>\n");
}

/* "linux/arm64", with its source where there are several. */
static void report_title(struct page *page, const struct report *report)
{
    struct sb *out = &page->out.sb;
    if (!page->is_one_source)
        html_wrap(out, "", report->source, report->platform.len ? ", " : "");
    html_text(out, report->platform.len || !page->is_one_source ? report->platform : STR("Result"));
}

static void page_contents(struct page *page, const struct report *const *reports, size_t n)
{
    struct sb *out = &page->out.sb;
    const char *what = page->is_one_source ? "platforms" : "images";
    size_t n_worst;
    enum verdict worst = reports[verdict_worst(reports, n, &n_worst)]->verdict;
    sb_addf(out, "<p class=\"verdict %s\"><b>%s %s</b> <span>%zu of %zu %s</span></p>\n",
            verdict_name(worst), verdict_look(worst).symbol, verdict_name(worst), n_worst, n, what);
    sb_addf(out, "<nav aria-label=\"%s\"><ul>\n", what);
    for (size_t i = 0; i < n; i++) {
        sb_addf(out, "<li><a href=\"#p%zu\">", i + 1);
        report_title(page, reports[i]);
        sb_addf(out, "</a> %s %s: ", verdict_look(reports[i]->verdict).symbol,
                verdict_name(reports[i]->verdict));
        if (!report_verdict_words(out, reports[i]))
            html_text(out, reports[i]->reason);
        html_put(out, "</li>\n");
    }
    html_put(out, "</ul></nav>\n");
}

static bool page_report(struct page *page, bool is_alone)
{
    struct sb *out = &page->out.sb;
    if (!is_alone)
        sb_addf(out, "<section aria-labelledby=\"p%zu\">\n", page->platform);
    sb_addf(out, "<h2 id=\"p%zu\">", page->platform);
    report_title(page, page->report);
    html_put(out, "</h2>\n");
    if (!html_summary(page) || !html_steps(page))
        return false;
    arena_reset(&page->arena);
    if (is_alone)
        page_filter(page);
    if (!html_findings(page))
        return false;
    html_notices(page);
    html_layers(page);
    html_unowned(page);
    html_packages(page);
    html_put(out, is_alone ? "" : "</section>\n");
    arena_reset(&page->arena);
    return true;
}

static void page_end(struct page *page)
{
    struct sb *out = &page->out.sb;
    html_put(out, "</main>\n<script>");
    html_put(out, script);
    html_put(out, "</script>\n</body>\n</html>\n");
}

static bool html_write(int fd, const struct report *const *reports, size_t n,
                       const struct report_options *options, struct err *err)
{
    struct page page = {.options = options, .is_one_source = is_one_source(reports, n)};
    out_open(&page.out, fd, err);
    arena_init(&page.arena, LIMIT(SCAN_MEMORY));
    bool is_done = true;
    page_head(&page, reports, n);
    if (n > 1) {
        page_contents(&page, reports, n);
        page_filter(&page);
    }
    for (size_t i = 0; i < n && is_done; i++) {
        page.report = reports[i];
        page.platform = i + 1;
        is_done = page_report(&page, n == 1);
    }
    page_end(&page);
    arena_fini(&page.arena);
    if (!is_done) {
        sb_fini(&page.out.sb);
        return err_memory(err);
    }
    return out_close(&page.out);
}

const struct report_format report_format_html = {
    .name = "html",
    .summary = "for people, one page for the browser and the printer",
    .write = html_write,
};
