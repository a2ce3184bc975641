/* SPDX-License-Identifier: Apache-2.0 */
/* What to do: the plan's steps, each a command that heals many findings; then what each upgrade of
 * a package heals. */
#include "base/num.h"
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
        sb_number(out, page->platform);
        html_put(out, "f");
        sb_number(out, (uint64_t)(finding - page->report->findings.ptr));
        html_put(out, "\">");
        html_wrap(out, "", finding->id, "</a>");
        html_put(out, finding->is_kev ? " (exploited)</li>" : "</li>");
        out_piece(&page->out);
    }
    html_put(out, is_long ? "</ul></details>\n" : "</ul>\n");
}

/* --- the plan
 * ------------------------------------------------------------------------------------- */
static void put_command(struct page *page, const struct plan_step *step)
{
    struct sb *out = &page->out.sb;
    const char *origin = !has_base(page->report) ? "" : step->is_base ? "base " : "own ";
    sb_addf(out, "<li class=\"step %s\"><p>", level_of(step->rank.severity)->word);
    size_t n = num_min(step->packages.len, STEP_NAMES);
    for (size_t i = 0; i < n; i++)
        html_wrap(out, i ? ", " : "", step->packages.ptr[i].first->package_name, "");
    if (n < step->packages.len)
        sb_addf(out, " and %zu more", step->packages.len - n);
    sb_addf(out, ": %zu finding%s", step->n_findings, plural(step->n_findings));
    if (step->layer >= 0)
        sb_addf(out, ", %slayer %d", origin, step->layer + 1);
    if (step->folder.len)
        html_wrap(out, ", in <code>", step->folder, "</code>");
    html_put(out, "</p>\n");
    if (step->command.len)
        html_wrap(out, "<pre><code>", step->command, "</code></pre>\n");
    if (step->how.len)
        html_wrap(out, "<p>", step->how, "</p>\n");
    html_put(out, "</li>\n");
    out_piece(&page->out);
}

static bool put_plan(struct page *page)
{
    struct plan plan;
    struct sb *out = &page->out.sb;
    if (!report_plan(&page->arena, page->report, &page->options->filter, &plan))
        return false;
    sb_addf(out, "<p>%zu step%s heal%s %zu finding%s. A click on a command selects it.</p>\n",
            plan.steps.len, plural(plan.steps.len), plan.steps.len == 1 ? "s" : "", plan.n_healed,
            plural(plan.n_healed));
    html_put(out, "<ol class=\"plain\">\n");
    for (size_t i = 0; i < plan.steps.len; i++)
        put_command(page, &plan.steps.ptr[i]);
    html_put(out, "</ol>\n<h4>What each upgrade heals</h4>\n");
    return true;
}

/* --- each package
 * --------------------------------------------------------------------------------- */
static void put_step(struct page *page, const struct group *group)
{
    struct sb *out = &page->out.sb;
    const struct finding *first = group->first, *best = group->best;
    sb_addf(out, "<li class=\"step %s\"><h5>", level_of(first->severity)->word);
    html_wrap(out, "", first->package_name, " ");
    html_wrap(out, "<code>", first->package_version, "</code> → <code>");
    html_wrap(out, "", best->fixed_version, "</code></h5>\n<p>");
    put_counts(out, group);
    put_marks(out, group);
    html_put(out, "</p>\n");
    put_origin(out, page->report, group);
    put_paths(out, group);
    put_members(page, group);
    html_put(out, "</li>\n");
    out_piece(&page->out);
}

bool html_steps(struct page *page)
{
    enum { STEPS_A_PART = 20 };
    groups all;
    struct sb *out = &page->out.sb;
    if (!group_findings(&page->arena, page->report, &page->options->filter, &all))
        return false;
    size_t n = 0;
    while (n < all.len && all.ptr[n].first->is_patchable)
        n++;
    if (!n)
        return true;
    sb_addf(out, "<section aria-labelledby=\"p%zu-steps\"><h3 id=\"p%zu-steps\">What to do</h3>\n",
            page->platform, page->platform);
    if (!put_plan(page))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (i % STEPS_A_PART == 0)
            sb_addf(out, "%s<ul class=\"plain%s\">\n", i ? "</ul>\n" : "",
                    n > 4 * STEPS_A_PART ? " part" : "");
        put_step(page, &all.ptr[i]);
    }
    html_put(out, "</ul></section>\n");
    return true;
}
