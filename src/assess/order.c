/* SPDX-License-Identifier: Apache-2.0 */
/* order.c - in which order findings are presented, whatever the format. */
#include "assess/assess.h"

#include <stdlib.h>
#include <string.h>

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
    uint64_t rank, epss, first, second; /* numbers that order as assess_cmp does */
    const struct finding *finding;
};

/* Descending; an order of doubles that are numbers. */
static uint64_t epss_key(double epss)
{
    uint64_t bits;
    epss += 0.0; /* of two zeroes one */
    memcpy(&bits, &epss, sizeof(bits));
    return ~(bits >> 63 ? ~bits : bits | (uint64_t)1 << 63);
}

/* @n bytes from @from on, zeroes behind the end. */
static uint64_t bytes_key(str s, size_t from, size_t n)
{
    uint64_t out = 0;
    for (size_t i = from; i < from + n; i++)
        out = out << 8 | (i < s.len ? (unsigned char)s.ptr[i] : 0);
    return out;
}

static struct sorting sorting_of(const struct finding *f)
{
    enum { FIRST = 7, SECOND = 8 }; /* bytes of the id */
    return (struct sorting){
        .rank = (uint64_t)!f->is_kev << 8 | (uint64_t)severity_rank(f->severity),
        .epss = epss_key(f->epss),
        .first = (uint64_t)!f->is_patchable << (8 * FIRST) | bytes_key(f->id, 0, FIRST),
        .second = bytes_key(f->id, FIRST, SECOND),
        .finding = f};
}

static int cmp_keys(uint64_t a, uint64_t b) { return (a > b) - (a < b); }

static int cmp_sorting(const void *left, const void *right)
{
    const struct sorting *a = left, *b = right;
    int sign = cmp_keys(a->rank, b->rank);
    sign = sign ? sign : cmp_keys(a->epss, b->epss);
    sign = sign ? sign : cmp_keys(a->first, b->first);
    sign = sign ? sign : cmp_keys(a->second, b->second);
    return sign ? sign : assess_cmp(a->finding, b->finding);
}

bool assess_sort(struct arena *arena, finding_refs *refs)
{
    struct sorting *rows = arena_array(arena, struct sorting, refs->len + 1);
    if (!rows)
        return false;
    for (size_t i = 0; i < refs->len; i++)
        rows[i] = sorting_of(refs->ptr[i]);
    qsort(rows, refs->len, sizeof(*rows), cmp_sorting);
    for (size_t i = 0; i < refs->len; i++)
        refs->ptr[i] = rows[i].finding;
    return true;
}
