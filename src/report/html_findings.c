/* SPDX-License-Identifier: Apache-2.0 */
/* Every finding with all that is known of it, closed until someone asks. */
#include "report/internal.h"

/* The browser lays out only the parts that are near the window. */
enum { FINDINGS_A_PART = 50 };
#define EPSS_TAGGED 0.01 /* said in the line of a finding; else only inside */
#define EPSS_SHOWN 0.001 /* below it that is said, and no number */

/* HTML 13.1.2.4: the end of a dt, dd or li need not be written, and there are a million of them. */
static inline void term(struct sb *out, const char *name)
{
    html_put(out, "<dt>");
    html_put(out, name);
    html_put(out, "<dd>");
}

static void entry(struct sb *out, const char *name, str value)
{
    if (!value.len)
        return;
    term(out, name);
    html_wrap(out, "", value, "\n");
}

static void words(struct sb *out, const char *name, const strs *values)
{
    if (!values->len)
        return;
    term(out, name);
    for (size_t i = 0; i < values->len; i++)
        html_wrap(out, i ? ", " : "", values->ptr[i], "");
    html_put(out, "\n");
}

static void put_names(struct sb *out, const struct finding *finding)
{
    term(out, "Id");
    html_id(out, finding->id);
    for (size_t i = 0; i < finding->aliases.len; i++) {
        html_put(out, i ? ", " : ", also ");
        html_id(out, finding->aliases.ptr[i]);
    }
    html_put(out, "\n");
}

static void put_package(struct page *page, const struct finding *finding)
{
    struct sb *out = &page->out.sb;
    const char *origin = origin_words(page->report, finding);
    term(out, "Package");
    if (finding->purl.len) {
        html_wrap(out, "<code>", finding->purl, "</code>");
    } else {
        html_wrap(out, "", finding->package_name, " ");
        html_text(out, finding->package_version);
    }
    html_put(out, "\n");
    words(out, "Installed as", &finding->binaries);
    if (finding->class == CLASS_LANGUAGE) /* else the package manager's database */
        entry(out, "Found in", finding->path);
    if (!layer_of(page->report, finding->layer))
        return;
    term(out, "Layer");
    html_put(out, "<a href=\"#p");
    sb_number(out, page->platform);
    html_put(out, "-layers\">");
    sb_number(out, (uint64_t)finding->layer + 1);
    html_put(out, "</a>");
    html_put(out, *origin ? ", " : "");
    html_put(out, origin);
    html_put(out, "\n");
}

static void put_fix(struct sb *out, const struct finding *finding)
{
    term(out, "Fix");
    if (finding->fixed_version.len)
        html_wrap(out, "fixed in <strong>", finding->fixed_version, "</strong>");
    else
        html_put(out, fix_state_words(finding->fix_state));
    if (finding->remediation_text.len)
        html_wrap(out, "<br>", finding->remediation_text, "");
    if (finding->remediation_command.len)
        html_wrap(out, "<pre><code>", finding->remediation_command, "</code></pre>");
    html_put(out, "\n");
}

/* Its colour is the finding's. */
static void own_severity(struct sb *out, const struct finding *finding)
{
    const struct level *level = level_of(finding->severity);
    html_put(out, "<span class=\"sev\">");
    html_put(out, level->symbol);
    sb_byte(out, ' ');
    html_put(out, level->word);
    html_put(out, "</span>");
}

static void put_ratings(struct sb *out, const struct finding *finding)
{
    term(out, "Severity");
    own_severity(out, finding);
    if (finding->rated_by.len)
        html_wrap(out, " by ", finding->rated_by, "");
    else
        html_put(out, ", rated by nobody");
    if (finding->rating_basis.len)
        html_wrap(out, " (", finding->rating_basis, ")");
    html_put(out, "\n");
    bool says_more =
        finding->ratings.len > 1 ||
        (finding->ratings.len && !str_eq(finding->ratings.ptr[0].source, finding->rated_by));
    if (says_more) {
        term(out, "All ratings");
        for (size_t i = 0; i < finding->ratings.len; i++) {
            html_wrap(out, i ? ", " : "", finding->ratings.ptr[i].source, " ");
            html_severity(out, finding->ratings.ptr[i].severity);
        }
        html_put(out, "\n");
    }
    for (size_t i = 0; i < finding->cvss.len; i++) {
        const struct cvss *cvss = &finding->cvss.ptr[i];
        html_wrap(out, "<dt>CVSS ", cvss->version, "<dd>");
        html_put(out, cvss->is_scored ? "<strong>" : "<strong>not scored");
        if (cvss->is_scored)
            html_tenths(out, cvss->score);
        html_put(out, "</strong> ");
        html_wrap(out, "<code>", cvss->vector, "</code>");
        html_wrap(out, " by ", cvss->source, "\n");
    }
}

static void put_likelihood(struct sb *out, const struct finding *finding)
{
    bool has_epss = finding->epss > 0;
    if (!has_epss && !finding->is_kev)
        return;
    term(out, "Exploited");
    if (finding->is_kev)
        html_put(out, "<strong>known to be exploited</strong> (CISA KEV)");
    if (has_epss) {
        html_put(out, finding->is_kev ? "<br>likelihood" : "likelihood");
        html_put(out, " within 30 days (EPSS): ");
        html_put(out, finding->epss < EPSS_SHOWN ? "below " : "");
        html_tenths(out, 100 * (finding->epss < EPSS_SHOWN ? EPSS_SHOWN : finding->epss));
        html_put(out, " %");
    }
    html_put(out, "\n");
}

static void put_evidence(struct page *page, const struct finding *finding)
{
    struct sb *out = &page->out.sb;
    if (!finding->evidence.len)
        return;
    term(out, "Evidence");
    html_put(out, "<ul>");
    for (size_t i = 0; i < finding->evidence.len; i++) {
        const struct finding_evidence *evidence = &finding->evidence.ptr[i];
        html_wrap(out, "<li>", evidence->source, " ");
        if (str_eq(evidence->record, finding->id)) /* its link is above */
            html_text(out, evidence->record);
        else
            html_id(out, evidence->record);
        if (evidence->range.len)
            html_wrap(out, ": affected <code>", evidence->range, "</code>");
        if (!str_eq(evidence->installed, finding->package_version))
            html_wrap(out, ", installed <code>", evidence->installed, "</code>");
        if (evidence->comparator.len)
            html_wrap(out, ", compared as ", evidence->comparator, "");
        if (evidence->note.len)
            html_wrap(out, ", “", evidence->note, "”");
        if (evidence->revision.len)
            html_wrap(out, " <span class=\"soft\">(", evidence->revision, ")</span>");
        out_piece(&page->out);
    }
    html_put(out, "</ul>\n");
}

static void put_references(struct page *page, const struct finding *finding)
{
    struct sb *out = &page->out.sb;
    if (!finding->references.len)
        return;
    term(out, "References");
    html_put(out, "<ul>");
    for (size_t i = 0; i < finding->references.len; i++) {
        html_put(out, "<li>");
        html_link(out, finding->references.ptr[i]);
        out_piece(&page->out);
    }
    html_put(out, "</ul>\n");
}

static void put_head(struct sb *out, const struct finding *finding)
{
    html_put(out, "<summary>");
    own_severity(out, finding);
    html_wrap(out, " <span class=\"id\">", finding->id, "</span> <span class=\"pkg\">");
    html_wrap(out, "", finding->package_name, " ");
    html_text(out, finding->package_version);
    if (finding->fixed_version.len)
        html_wrap(out, " → ", finding->fixed_version, "");
    else
        html_wrap(out, " <span class=\"tag\">", str_from(fix_state_words(finding->fix_state)),
                  "</span>");
    html_put(out, "</span> <span class=\"title\">");
    if (finding->is_kev)
        html_put(out, "<span class=\"kev\">⚠ known exploited</span> ");
    if (finding->epss >= EPSS_TAGGED) {
        html_put(out, "<span class=\"tag\">EPSS ");
        html_tenths(out, 100 * finding->epss);
        html_put(out, " %</span> ");
    }
    html_wrap(out, "", finding->title, "</span></summary>");
}

static void put_dates(struct sb *out, const struct finding *finding)
{
    if (!finding->published.len && !finding->modified.len)
        return;
    term(out, "Published");
    html_text(out, str_slice(finding->published, 0, 10));
    html_wrap(out, finding->modified.len ? ", modified " : "", str_slice(finding->modified, 0, 10),
              "\n");
}

static void put_anchor(struct page *page, const struct finding *finding)
{
    html_put(&page->out.sb, "p");
    sb_number(&page->out.sb, page->platform);
    html_put(&page->out.sb, "f");
    sb_number(&page->out.sb, (uint64_t)(finding - page->report->findings.ptr));
}

static void put_finding(struct page *page, const struct finding *finding, const char *class)
{
    struct sb *out = &page->out.sb;
    const char *severity = level_of(finding->severity)->word;
    html_put(out, "<details class=\"");
    html_put(out, class);
    html_put(out, " ");
    html_put(out, severity);
    html_put(out, "\" id=\"");
    put_anchor(page, finding);
    html_put(out, finding->is_patchable ? "\" data-fix" : "\"");
    html_put(out, finding->is_kev ? " data-kev>" : ">");
    put_head(out, finding);
    html_put(out, "<div>");
    if (finding->description.len) {
        html_put(out, "<p class=\"text\">");
        html_lines(out, finding->description);
        html_put(out, "</p>");
    }
    html_put(out, "<dl>\n");
    entry(out, "Disabled by", finding->disabled_by);
    put_names(out, finding);
    put_fix(out, finding);
    put_package(page, finding);
    put_ratings(out, finding);
    put_likelihood(out, finding);
    words(out, "Weakness", &finding->cwes);
    put_dates(out, finding);
    out_piece(&page->out);
    put_evidence(page, finding);
    put_references(page, finding);
    html_put(out, "</dl></div></details>\n");
    out_piece(&page->out);
}

static void put_parts(struct page *page, const finding_refs *refs, const char *class,
                      const char *part)
{
    struct sb *out = &page->out.sb;
    bool is_long = refs->len > 4 * FINDINGS_A_PART; /* then a guess of heights is worth it */
    for (size_t i = 0; i < refs->len; i++) {
        if (i % FINDINGS_A_PART == 0)
            sb_addf(out, "%s<div class=\"%s%s\">\n", i ? "</div>\n" : "", part,
                    is_long ? " part" : "");
        findings_ahead(refs, i);
        put_finding(page, refs->ptr[i], class);
    }
    html_put(out, refs->len ? "</div>\n" : "");
}

static void section_open(struct page *page, const char *id, const char *title, size_t n)
{
    sb_addf(&page->out.sb,
            "<section aria-labelledby=\"p%zu-%s\"><h3 id=\"p%zu-%s\">%s (%zu)</h3>\n",
            page->platform, id, page->platform, id, title, n);
}

static bool put_section(struct page *page, enum report_place place, const char *id,
                        const char *title, const char *words_before)
{
    finding_refs refs;
    if (!findings_in_order(&page->arena, page->report, &page->options->filter, place, &refs))
        return false;
    if (!refs.len && place != PLACE_LISTED)
        return true;
    section_open(page, id, title, refs.len);
    sb_addf(&page->out.sb, "<p>%s</p>\n", refs.len ? words_before : "None.");
    /* Only what is listed takes part in the filter. */
    put_parts(page, &refs, place == PLACE_LISTED ? "f" : "f aside",
              place == PLACE_LISTED ? "findings" : "asides");
    html_put(&page->out.sb, "</section>\n");
    return true;
}

bool html_findings(struct page *page)
{
    return put_section(page, PLACE_LISTED, "findings", "Findings",
                       "Known exploited first, then by severity and likelihood.") &&
           put_section(page, PLACE_DISABLED, "disabled", "Disabled findings",
                       "By a rule or a VEX statement: neither counted nor gated.") &&
           put_section(page, PLACE_HEADERS, "headers", "Kernel headers",
                       "Findings of the kernel whose headers are installed: neither counted nor "
                       "gated.");
}
