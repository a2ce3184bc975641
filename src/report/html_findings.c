/* SPDX-License-Identifier: Apache-2.0 */
/* Every finding with all that is known of it, closed until someone asks. */
#include "report/internal.h"

/* The browser lays out only the parts that are near the window. */
enum { FINDINGS_A_PART = 50 };

static void term(struct sb *out, const char *name)
{
    sb_addc(out, "<dt>");
    sb_addc(out, name);
    sb_addc(out, "</dt><dd>");
}

static void entry(struct sb *out, const char *name, str value)
{
    if (!value.len)
        return;
    term(out, name);
    html_wrap(out, "", value, "</dd>\n");
}

static void words(struct sb *out, const char *name, const strs *values)
{
    if (!values->len)
        return;
    term(out, name);
    for (size_t i = 0; i < values->len; i++)
        html_wrap(out, i ? ", " : "", values->ptr[i], "");
    sb_addc(out, "</dd>\n");
}

static void put_names(struct sb *out, const struct finding *finding)
{
    term(out, "Id");
    html_id(out, finding->id);
    for (size_t i = 0; i < finding->aliases.len; i++) {
        sb_addc(out, i ? ", " : ", also ");
        html_id(out, finding->aliases.ptr[i]);
    }
    sb_addc(out, "</dd>\n");
}

static void put_package(struct page *page, const struct finding *finding)
{
    struct sb *out = &page->out.sb;
    const struct report_layer *layer = layer_of(page->report, finding->layer);
    const char *origin = origin_words(page->report, finding);
    term(out, "Package");
    html_wrap(out, "", finding->package_name, " ");
    html_wrap(out, "", finding->package_version, "");
    if (finding->purl.len)
        html_wrap(out, "<br><code>", finding->purl, "</code>");
    sb_addc(out, "</dd>\n");
    words(out, "Installed as", &finding->binaries);
    entry(out, "Found in", finding->path);
    if (!layer)
        return;
    term(out, "Layer");
    sb_addf(out, "%d%s%s", finding->layer + 1, *origin ? ", " : "", origin);
    str step = str_trim(layer->created_by);
    if (step.len)
        html_wrap(out, ": <code>", step, "</code>");
    sb_addc(out, "</dd>\n");
}

static void put_fix(struct sb *out, const struct finding *finding)
{
    term(out, "Fix");
    if (finding->fixed_version.len)
        html_wrap(out, "fixed in <strong>", finding->fixed_version, "</strong>");
    else
        sb_addc(out, fix_state_words(finding->fix_state));
    if (finding->remediation_text.len)
        html_wrap(out, "<br>", finding->remediation_text, "");
    if (finding->remediation_command.len)
        html_wrap(out, "<pre><code>", finding->remediation_command, "</code></pre>");
    sb_addc(out, "</dd>\n");
}

static void put_ratings(struct sb *out, const struct finding *finding)
{
    term(out, "Severity");
    html_severity(out, finding->severity);
    if (finding->rated_by.len)
        html_wrap(out, " by ", finding->rated_by, "");
    else
        sb_addc(out, ", rated by nobody");
    if (finding->rating_basis.len)
        html_wrap(out, " (", finding->rating_basis, ")");
    sb_addc(out, "</dd>\n");
    if (finding->ratings.len) {
        term(out, "All ratings");
        for (size_t i = 0; i < finding->ratings.len; i++) {
            html_wrap(out, i ? ", " : "", finding->ratings.ptr[i].source, " ");
            html_severity(out, finding->ratings.ptr[i].severity);
        }
        sb_addc(out, "</dd>\n");
    }
    for (size_t i = 0; i < finding->cvss.len; i++) {
        const struct cvss *cvss = &finding->cvss.ptr[i];
        html_wrap(out, "<dt>CVSS ", cvss->version, "</dt><dd>");
        if (cvss->is_scored)
            sb_addf(out, "<strong>%.1f</strong> ", cvss->score);
        else
            sb_addc(out, "not scored ");
        html_wrap(out, "<code>", cvss->vector, "</code>");
        html_wrap(out, " by ", cvss->source, "</dd>\n");
    }
}

static void put_likelihood(struct sb *out, const struct finding *finding)
{
    char epss[16];
    bool has_epss = epss_print(finding->epss, epss);
    if (!has_epss && !finding->is_kev)
        return;
    term(out, "Exploited");
    if (finding->is_kev)
        sb_addc(out, "<strong>known to be exploited</strong> (CISA KEV)");
    if (has_epss)
        sb_addf(out, "%slikelihood within 30 days (EPSS): %s", finding->is_kev ? "<br>" : "", epss);
    sb_addc(out, "</dd>\n");
}

static void put_evidence(struct page *page, const struct finding *finding)
{
    struct sb *out = &page->out.sb;
    if (!finding->evidence.len)
        return;
    term(out, "Evidence");
    sb_addc(out, "<ul>");
    for (size_t i = 0; i < finding->evidence.len; i++) {
        const struct finding_evidence *evidence = &finding->evidence.ptr[i];
        html_wrap(out, "<li>", evidence->source, " ");
        html_id(out, evidence->record);
        if (evidence->range.len)
            html_wrap(out, ": affected <code>", evidence->range, "</code>");
        if (evidence->installed.len)
            html_wrap(out, ", installed <code>", evidence->installed, "</code>");
        if (evidence->comparator.len)
            html_wrap(out, ", compared as ", evidence->comparator, "");
        if (evidence->note.len)
            html_wrap(out, ", “", evidence->note, "”");
        if (evidence->revision.len)
            html_wrap(out, " <span class=\"soft\">(", evidence->revision, ")</span>");
        sb_addc(out, "</li>");
        out_piece(&page->out);
    }
    sb_addc(out, "</ul></dd>\n");
}

static void put_references(struct page *page, const struct finding *finding)
{
    struct sb *out = &page->out.sb;
    if (!finding->references.len)
        return;
    term(out, "References");
    sb_addc(out, "<ul>");
    for (size_t i = 0; i < finding->references.len; i++) {
        sb_addc(out, "<li>");
        html_link(out, finding->references.ptr[i]);
        sb_addc(out, "</li>");
        out_piece(&page->out);
    }
    sb_addc(out, "</ul></dd>\n");
}

static void put_head(struct sb *out, const struct finding *finding)
{
    char epss[16];
    sb_addc(out, "<summary>");
    html_severity(out, finding->severity);
    html_wrap(out, " <span class=\"id\">", finding->id, "</span> <span class=\"pkg\">");
    html_wrap(out, "", finding->package_name, " ");
    html_text(out, finding->package_version);
    if (finding->fixed_version.len)
        html_wrap(out, " → ", finding->fixed_version, "");
    else
        html_wrap(out, " <span class=\"tag\">", str_from(fix_state_words(finding->fix_state)),
                  "</span>");
    sb_addc(out, "</span> <span class=\"title\">");
    if (finding->is_kev)
        sb_addc(out, "<span class=\"kev\">⚠ known exploited</span> ");
    if (finding->epss >= 0.01 && epss_print(finding->epss, epss))
        sb_addf(out, "<span class=\"tag\">EPSS %s</span> ", epss);
    html_wrap(out, "", finding->title, "</span></summary>");
}

static void put_dates(struct sb *out, const struct finding *finding)
{
    entry(out, "Published", str_slice(finding->published, 0, 10));
    entry(out, "Modified", str_slice(finding->modified, 0, 10));
}

static void put_finding(struct page *page, const struct finding *finding, const char *class)
{
    struct sb *out = &page->out.sb;
    const char *severity = level_of(finding->severity)->word;
    sb_addf(out, "<details class=\"%s %s\" id=\"p%zuf%zu\" data-s=\"%s\"%s%s>", class, severity,
            page->platform, (size_t)(finding - page->report->findings.ptr), severity,
            finding->is_patchable ? " data-fix" : "", finding->is_kev ? " data-kev" : "");
    put_head(out, finding);
    sb_addc(out, "<div>");
    if (finding->description.len) {
        sb_addc(out, "<p class=\"text\">");
        html_lines(out, finding->description);
        sb_addc(out, "</p>");
    }
    sb_addc(out, "<dl>\n");
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
    sb_addc(out, "</dl></div></details>\n");
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
        put_finding(page, refs->ptr[i], class);
    }
    sb_addc(out, refs->len ? "</div>\n" : "");
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
    sb_addc(&page->out.sb, "</section>\n");
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
