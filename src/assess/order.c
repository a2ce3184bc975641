/* SPDX-License-Identifier: Apache-2.0 */
/* order.c - in which order findings are presented, whatever the format. */
#include "assess/assess.h"

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

static int cmp_ranks(bool a_is_kev, enum severity a_severity, double a_epss, bool a_is_patchable,
                     bool b_is_kev, enum severity b_severity, double b_epss, bool b_is_patchable)
{
    if (a_is_kev != b_is_kev)
        return a_is_kev ? -1 : 1;
    if (a_severity != b_severity)
        return severity_rank(a_severity) - severity_rank(b_severity);
    if (a_epss > b_epss || a_epss < b_epss)
        return a_epss > b_epss ? -1 : 1;
    return (int)b_is_patchable - (int)a_is_patchable;
}

int assess_rank_cmp(const struct assess_rank *a, const struct assess_rank *b)
{
    return cmp_ranks(a->is_kev, a->severity, a->epss, a->is_patchable, b->is_kev, b->severity,
                     b->epss, b->is_patchable);
}

int assess_cmp(const struct finding *a, const struct finding *b)
{
    int sign = cmp_ranks(a->is_kev, a->severity, a->epss, a->is_patchable, b->is_kev, b->severity,
                         b->epss, b->is_patchable);
    if (!sign)
        sign = str_cmp(a->id, b->id);
    if (!sign)
        sign = str_cmp(a->package_name, b->package_name);
    if (!sign)
        sign = str_cmp(a->package_version, b->package_version);
    if (!sign)
        sign = str_cmp(a->type, b->type);
    return sign ? sign : str_cmp(a->path, b->path);
}
