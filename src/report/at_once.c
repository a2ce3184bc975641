/* SPDX-License-Identifier: Apache-2.0 */
/* One command that upgrades several packages, where a plan has one: it stands once, and each of its
 * packages need not say how. */
#include "report/internal.h"

#include "base/map.h"

bool is_at_once(const struct plan_step *step)
{
    return step->command.len && step->packages.len > 1;
}

static str key_of(const struct finding *const *finding)
{
    return str_of((const char *)finding, sizeof(*finding));
}

static bool cover(struct at_once *out, const struct plan_step *step)
{
    out->n_packages += step->packages.len;
    for (size_t i = 0; i < step->packages.len; i++) {
        const finding_refs *members = &step->packages.ptr[i].members;
        for (size_t k = 0; k < members->len; k++) {
            void **slot = map_at(&out->covered, key_of(&members->ptr[k]));
            if (!slot)
                return false;
            *slot = out;
        }
    }
    return true;
}

bool at_once_make(struct arena *arena, const struct report *report,
                  const struct report_filter *filter, struct at_once *out)
{
    *out = (struct at_once){0};
    map_init(&out->covered, arena);
    if (!report_plan(arena, report, filter, &out->plan))
        return false;
    for (size_t i = 0; i < out->plan.steps.len; i++)
        if (is_at_once(&out->plan.steps.ptr[i]) && !cover(out, &out->plan.steps.ptr[i]))
            return false;
    return true;
}

bool at_once_has(const struct at_once *at_once, const struct finding *finding)
{
    return map_get(&at_once->covered, key_of(&finding)) != NULL;
}

void at_once_words(struct sb *out, const struct report *report, const struct plan_step *step)
{
    sb_addf(out, "%zu package%s", step->packages.len, plural(step->packages.len));
    if (step->layer >= 0)
        sb_addf(out, " of %slayer %d",
                !has_base(report) ? ""
                : step->is_base   ? "base "
                                  : "own ",
                step->layer + 1);
    sb_addf(out, " at once, heals %zu finding%s", step->n_findings, plural(step->n_findings));
}
