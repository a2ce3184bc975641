/* SPDX-License-Identifier: Apache-2.0 */
/* The order of presentation: known exploited, severity, EPSS, fix available; and the tally of what
 * charts show. */
#include "report/internal.h"

#include "base/num.h"

bool findings_in_order(struct arena *arena, const struct report *report,
                       const struct report_filter *filter, enum report_place place,
                       finding_refs *out)
{
    *out = (finding_refs){0};
    for (size_t i = 0; i < report->findings.len; i++) {
        const struct finding *finding = &report->findings.ptr[i];
        if (report_place_of(finding, filter) != place)
            continue;
        const struct finding **slot = vec_push(arena, out);
        if (!slot)
            return false;
        *slot = finding;
    }
    return assess_sort(arena, out);
}

static size_t index_of(enum severity severity)
{
    return (size_t)(level_of(severity == SEVERITY_NONE ? SEVERITY_LOW : severity) - levels);
}

bool tally_findings(struct arena *arena, const struct report *report, struct tally *out)
{
    const struct report_filter none = {0};
    *out = (struct tally){.n_layers = report->layers.len};
    out->by_layer = arena_alloc(arena, (report->layers.len + 1) * sizeof(*out->by_layer));
    if (!out->by_layer)
        return false;
    for (size_t i = 0; i < report->layers.len; i++)
        out->by_layer[i] = 0;
    for (size_t i = 0; i < report->findings.len; i++) {
        const struct finding *finding = &report->findings.ptr[i];
        if (report_place_of(finding, &none) != PLACE_LISTED)
            continue;
        size_t level = index_of(finding->severity);
        ++*(finding->is_patchable ? &out->with_fix[level] : &out->without_fix[level]);
        ++*(finding->is_from_base ? &out->n_base : &out->n_own);
        out->n_kev += finding->is_kev;
        if (layer_of(report, finding->layer))
            out->by_layer[finding->layer]++;
    }
    return true;
}
