/* SPDX-License-Identifier: Apache-2.0 */
/* The plan in a terminal: what to run, each command with what it heals. */
#include "base/num.h"
#include "report/internal.h"

enum { STEPS_SHOWN = 30 };

static void put_names(struct paint *t, const struct plan_step *step)
{
    size_t n = num_min(step->packages.len, STEP_NAMES);
    for (size_t i = 0; i < n; i++) {
        paint_text(t, STYLE_PLAIN, i ? ", " : "");
        paint_str(t, STYLE_PLAIN, step->packages.ptr[i].first->package_name, t->width / 4);
    }
    if (n < step->packages.len)
        paint_format(t, STYLE_PLAIN, " and %zu more", step->packages.len - n);
}

/* "curl, zlib: 12 findings, base layer 1, in /app" */
static void put_what(struct paint *t, const struct report *report, const struct plan_step *step)
{
    const char *origin = !has_base(report) ? "" : step->is_base ? "base " : "own ";
    put_names(t, step);
    paint_format(t, STYLE_DIM, ": %zu finding%s", step->n_findings, plural(step->n_findings));
    if (step->layer >= 0)
        paint_format(t, STYLE_DIM, ", %slayer %d", origin, step->layer + 1);
    if (step->folder.len) {
        paint_text(t, STYLE_DIM, ", in ");
        paint_rest(t, STYLE_DIM, step->folder);
    }
    paint_end(t);
}

static void put_step(struct paint *t, const struct report *report, const struct plan_step *step)
{
    const struct level *level = level_of(step->rank.severity);
    paint_format(t, level->style, "%s ", level->symbol);
    put_what(t, report, step);
    if (step->command.len) {
        paint_text(t, STYLE_DIM, "  $ ");
        paint_command(t, STYLE_BOLD, step->command, 4);
        paint_end(t);
    }
    if (step->how.len) {
        paint_text(t, STYLE_DIM, "  → ");
        paint_wrap(t, STYLE_PLAIN, step->how, 4);
        paint_end(t);
    }
}

bool table_steps(struct paint *t, struct arena *arena, const struct report *report)
{
    struct plan plan;
    if (!report_plan(arena, report, &t->options->filter, &plan))
        return false;
    if (!plan.steps.len)
        return true;
    table_section(t, "WHAT TO DO", "%zu step%s heal%s %zu finding%s", plan.steps.len,
                  plural(plan.steps.len), plan.steps.len == 1 ? "s" : "", plan.n_healed,
                  plural(plan.n_healed));
    size_t n = t->options->is_detailed ? plan.steps.len : num_min(plan.steps.len, STEPS_SHOWN);
    for (size_t i = 0; i < n; i++)
        put_step(t, report, &plan.steps.ptr[i]);
    if (n < plan.steps.len) {
        table_more(t, plan.steps.len - n, " steps");
        paint_end(t);
    }
    return true;
}
