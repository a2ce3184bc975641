/* SPDX-License-Identifier: Apache-2.0 */
/* order.c - in which order findings are presented, whatever the format. */
#include "assess/assess.h"

#include "base/num.h"

struct assess_rank assess_rank_of(const struct finding *finding)
{
    return (struct assess_rank){.is_kev = finding->is_kev,
                                .severity = finding->severity,
                                .epss = finding->epss,
                                .is_patchable = finding->is_patchable};
}

struct assess_rank assess_rank_max(struct assess_rank a, struct assess_rank b)
{
    bool is_b_worse = severity_rank(b.severity) < severity_rank(a.severity);
    return (struct assess_rank){.is_kev = a.is_kev || b.is_kev,
                                .severity = is_b_worse ? b.severity : a.severity,
                                .epss = a.epss > b.epss ? a.epss : b.epss,
                                .is_patchable = a.is_patchable || b.is_patchable};
}

int assess_rank_cmp(const struct assess_rank *a, const struct assess_rank *b)
{
    if (a->is_kev != b->is_kev)
        return a->is_kev ? -1 : 1;
    int by_severity = severity_rank(a->severity) - severity_rank(b->severity);
    if (by_severity)
        return by_severity;
    if (a->epss > b->epss || a->epss < b->epss)
        return a->epss > b->epss ? -1 : 1;
    return (int)b->is_patchable - (int)a->is_patchable;
}

int assess_cmp(const struct finding *a, const struct finding *b)
{
    struct assess_rank of_a = assess_rank_of(a), of_b = assess_rank_of(b);
    int by_rank = assess_rank_cmp(&of_a, &of_b);
    if (by_rank)
        return by_rank;
    const str left[] = {a->id, a->package_name, a->package_version, a->type, a->path};
    const str right[] = {b->id, b->package_name, b->package_version, b->type, b->path};
    for (size_t i = 0; i < ARRAY_LEN(left); i++) {
        int by_text = str_cmp(left[i], right[i]);
        if (by_text)
            return by_text;
    }
    return 0;
}
