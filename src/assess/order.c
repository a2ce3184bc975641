/* SPDX-License-Identifier: Apache-2.0 */
/* order.c - in which order findings are presented, whatever the format. */
#include "assess/assess.h"

#include <stdlib.h>

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

/* --- many of them: what decides most comparisons lies beside the pointer
 * -------------------------------- */
struct sorting {
    struct assess_rank rank;
    str id;
    const struct finding *finding;
};

static int cmp_sorting(const void *left, const void *right)
{
    const struct sorting *a = left, *b = right;
    int sign = assess_rank_cmp(&a->rank, &b->rank);
    if (!sign)
        sign = str_cmp(a->id, b->id);
    return sign ? sign : assess_cmp(a->finding, b->finding);
}

bool assess_sort(struct arena *arena, finding_refs *refs)
{
    struct sorting *rows = arena_array(arena, struct sorting, refs->len + 1);
    if (!rows)
        return false;
    for (size_t i = 0; i < refs->len; i++)
        rows[i] = (struct sorting){assess_rank_of(refs->ptr[i]), refs->ptr[i]->id, refs->ptr[i]};
    qsort(rows, refs->len, sizeof(*rows), cmp_sorting);
    for (size_t i = 0; i < refs->len; i++)
        refs->ptr[i] = rows[i].finding;
    return true;
}
