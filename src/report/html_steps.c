/* SPDX-License-Identifier: Apache-2.0 */
/* What to do: one upgrade that heals many findings is one step. */
#include "report/internal.h"

static void put_counts(struct sb *out, const struct group *group)
{
    size_t n[N_LEVELS] = {0};
    for (size_t i = 0; i < group->members.len; i++)
        n[level_of(group->members.ptr[i]->severity) - levels]++;
    sb_addf(out, "heals %zu finding%s", group->n_findings, plural(group->n_findings));
    for (size_t i = 0; i < N_LEVELS; i++) {
        if (!n[i])
            continue;
        sb_addf(out, " · <span class=\"sev %s\">%s %zu %s</span>", levels[i].word, levels[i].symbol,
                n[i], levels[i].word);
    }
}

static void put_marks(struct sb *out, const struct group *group)
{
    char epss[16];
    if (group->n_kev)
        sb_addf(out, " <span class=\"kev\">⚠ known exploited: %zu</span>", group->n_kev);
    if (epss_print(group->epss, epss) && group->epss >= 0.001)
        sb_addf(out, " <span class=\"tag\">EPSS up to %s</span>", epss);
}

static void put_origin(struct sb *out, const struct report *report, const struct group *group)
{
    const struct finding *first = group->first;
    const struct report_layer *layer = layer_of(report, first->layer);
    const char *origin = origin_words(report, first);
    if (*origin)
        sb_addf(out, "<p>Change the <strong>%s</strong>%s</p>\n", origin,
                first->is_from_base ? ": rebuild on a newer base, or upgrade in a step of your own."
                                    : ".");
    if (!layer)
        return;
    sb_addf(out, "<p class=\"soft\">Layer %d", first->layer + 1);
    str step = str_trim(layer->created_by);
    if (step.len)
        html_wrap(out, ": <code>", step, "</code>");
    html_put(out, "</p>\n");
}

static void put_paths(struct sb *out, const struct group *group)
{
    if (group->first->class != CLASS_LANGUAGE || !group->paths.len || !group->paths.ptr[0].len)
        return;
    html_wrap(out, "<p class=\"soft\">in <code>", group->paths.ptr[0], "</code>");
    if (group->paths.len > 1)
        sb_addf(out, " and %zu more place%s", group->paths.len - 1, plural(group->paths.len - 1));
    html_put(out, "</p>\n");
}

static void put_members(struct page *page, const struct group *group)
{
    struct sb *out = &page->out.sb;
    bool is_long = group->members.len > 12;
    if (is_long)
        sb_addf(out, "<details><summary>%zu ids</summary>\n", group->members.len);
    html_put(out, "<ul class=\"ids\">");
    for (size_t i = 0; i < group->members.len; i++) {
        const struct finding *finding = group->members.ptr[i];
        html_put(out, "<li><a href=\"#p");
        html_number(out, page->platform);
        html_put(out, "f");
        html_number(out, (uint64_t)(finding - page->report->findings.ptr));
        html_put(out, "\">");
        html_wrap(out, "", finding->id, "</a>");
        html_put(out, finding->is_kev ? " (exploited)</li>" : "</li>");
        out_piece(&page->out);
    }
    html_put(out, is_long ? "</ul></details>\n" : "</ul>\n");
}

static void put_step(struct page *page, const struct group *group)
{
    struct sb *out = &page->out.sb;
    const struct finding *first = group->first, *best = group->best;
    sb_addf(out, "<li class=\"step %s\"><h4>", level_of(first->severity)->word);
    html_wrap(out, "", first->package_name, " ");
    html_wrap(out, "<code>", first->package_version, "</code> → <code>");
    html_wrap(out, "", best->fixed_version, "</code></h4>\n<p>");
    put_counts(out, group);
    put_marks(out, group);
    html_put(out, "</p>\n");
    if (best->remediation_command.len)
        html_wrap(out, "<pre><code>", best->remediation_command, "</code></pre>\n");
    else if (best->remediation_text.len)
        html_wrap(out, "<p>", best->remediation_text, "</p>\n");
    put_origin(out, page->report, group);
    put_paths(out, group);
    put_members(page, group);
    html_put(out, "</li>\n");
    out_piece(&page->out);
}

static void put_at_once(struct page *page, const struct at_once *at_once)
{
    struct sb *out = &page->out.sb;
    for (size_t i = 0; i < at_once->plan.steps.len; i++) {
        const struct plan_step *step = &at_once->plan.steps.ptr[i];
        if (!is_at_once(step))
            continue;
        html_put(out, "<div class=\"step once\"><h4>");
        at_once_words(out, page->report, step);
        html_wrap(out, "</h4>\n<pre><code>", step->command, "</code></pre>\n");
        if (step->folder.len)
            html_wrap(out, "<p class=\"soft\">in <code>", step->folder, "</code></p>\n");
        if (step->build_step.len)
            html_wrap(out, "<p class=\"soft\">brought by <code>", step->build_step,
                      "</code></p>\n");
        html_put(out, "</div>\n");
    }
}

bool html_steps(struct page *page)
{
    enum { STEPS_A_PART = 20 };
    groups all;
    struct at_once at_once;
    struct sb *out = &page->out.sb;
    const struct report_filter *filter = &page->options->filter;
    if (!group_findings(&page->arena, page->report, filter, &all) ||
        !at_once_make(&page->arena, page->report, filter, &at_once))
        return false;
    size_t n = 0, n_healed = 0;
    for (; n < all.len && all.ptr[n].first->is_patchable; n++)
        n_healed += all.ptr[n].n_findings;
    if (!n)
        return true;
    sb_addf(out,
            "<section aria-labelledby=\"p%zu-steps\"><h3 id=\"p%zu-steps\">What to do</h3>\n"
            "<p>%zu upgrade%s heal%s %zu finding%s. A click on a command selects it.</p>\n",
            page->platform, page->platform, n, plural(n), n == 1 ? "s" : "", n_healed,
            plural(n_healed));
    put_at_once(page, &at_once);
    html_put(out, at_once.n_packages ? "<p>Or package by package, worst first:</p>\n" : "");
    for (size_t i = 0; i < n; i++) {
        if (i % STEPS_A_PART == 0)
            sb_addf(out, "%s<ul class=\"plain%s\">\n", i ? "</ul>\n" : "",
                    n > 4 * STEPS_A_PART ? " part" : "");
        put_step(page, &all.ptr[i]);
    }
    html_put(out, "</ul></section>\n");
    return true;
}
