/* SPDX-License-Identifier: Apache-2.0 */
/* Which packages of the inventory a finding is about.  A finding of the distribution is about the
 * binaries of a source package, any other about what lies at its path. */
#include "report/internal.h"

#include <stdlib.h>

#include "base/num.h"

/* The next number of a chain, hidden in the map's pointer. */
static uint32_t number_of(const void *value) { return (uint32_t)(uintptr_t)value; }
static void *value_of(uint32_t number) { return (void *)(uintptr_t)number; } /* never followed */

/* How many before each have the same purl. */
static bool count_same(struct arena *arena, const struct report *report, uint32_t *nth)
{
    struct map seen;
    map_init(&seen, arena);
    for (size_t i = 0; i < report->packages.len && i < report->purls.len; i++) {
        void **slot = map_at(&seen, report->purls.ptr[i]);
        if (!slot)
            return false;
        nth[i] = number_of(*slot);
        *slot = value_of(nth[i] + 1);
    }
    return true;
}

bool package_index_make(struct arena *arena, const struct report *report, struct package_index *out)
{
    size_t n = report->packages.len;
    *out = (struct package_index){.report = report,
                                  .next = arena_array(arena, uint32_t, n + 1),
                                  .nth = arena_array(arena, uint32_t, n + 1)};
    map_init(&out->by_name, arena);
    if (n >= UINT32_MAX || !out->next || !out->nth || !count_same(arena, report, out->nth))
        return false;
    for (size_t i = n; i-- > 0;) {
        void **slot = map_at(&out->by_name, report->packages.ptr[i].name);
        if (!slot)
            return false;
        out->next[i] = number_of(*slot);
        *slot = value_of((uint32_t)i + 1);
    }
    return true;
}

static bool is_os_class(const struct finding *finding)
{
    return finding->class != CLASS_LANGUAGE && finding->binaries.len > 0;
}

static bool has_binary(const struct finding *finding, str name)
{
    for (size_t i = 0; i < finding->binaries.len; i++)
        if (str_eq(finding->binaries.ptr[i], name))
            return true;
    return false;
}

static bool is_of_source(const struct finding *finding, const struct package *package)
{
    str source = package->source_name.len ? package->source_name : package->name;
    str version = package->source_version.len ? package->source_version : package->version;
    return str_eq(source, finding->package_name) && str_eq(version, finding->package_version);
}

bool finding_is_about(const struct finding *finding, const struct package *package)
{
    if (!str_eq(package->type, finding->type))
        return false;
    if (!is_os_class(finding))
        return str_eq(package->name, finding->package_name) &&
               str_eq(package->version, finding->package_version) &&
               str_eq(package->path, finding->path);
    return is_of_source(finding, package) && has_binary(finding, package->name);
}

/* @package was found by the name of one of its binaries: that need not be asked again. */
static bool is_hit(const struct finding *finding, bool is_os, const struct package *package)
{
    return is_os ? str_eq(package->type, finding->type) && is_of_source(finding, package)
                 : finding_is_about(finding, package);
}

bool package_index_next(const struct package_index *index, const struct finding *finding,
                        struct package_walk *at, size_t *number)
{
    bool is_os = is_os_class(finding);
    size_t n = is_os ? finding->binaries.len : 1;
    for (; at->binary < n; at->binary++, at->is_open = false) {
        str name = is_os ? finding->binaries.ptr[at->binary] : finding->package_name;
        if (!at->is_open)
            at->next = number_of(map_get(&index->by_name, name));
        at->is_open = true;
        while (at->next) {
            *number = at->next - 1;
            at->next = index->next[*number];
            if (is_hit(finding, is_os, &index->report->packages.ptr[*number]))
                return true;
        }
    }
    return false;
}

bool package_index_has(const struct package_index *index, const struct finding *finding)
{
    struct package_walk at = {0};
    size_t number;
    return package_index_next(index, finding, &at, &number);
}

/* --- order ---------------------------------------------------------------------------------------
 */
/* The first bytes of the key decide about nearly all pairs, without a look at the findings. */
struct sorted {
    uint64_t first, second;
    const struct finding *finding;
};
struct sorting {
    str (*key)(const struct finding *finding);
    int (*cmp)(const struct finding *a, const struct finding *b);
};

static uint64_t eight_of(str s, size_t from)
{
    uint64_t out = 0;
    for (size_t i = 0; i < 8; i++)
        out = out << 8 | (from + i < s.len ? (unsigned char)s.ptr[from + i] : 0);
    return out;
}

static int cmp_numbers(uint64_t a, uint64_t b) { return (a > b) - (a < b); }

static int cmp_sorted(const void *left, const void *right, void *ctx)
{
    const struct sorted *a = left, *b = right;
    const struct sorting *by = ctx;
    int sign = cmp_numbers(a->first, b->first);
    sign = sign ? sign : cmp_numbers(a->second, b->second);
    sign = sign ? sign : str_cmp(by->key(a->finding), by->key(b->finding));
    sign = sign || !by->cmp ? sign : by->cmp(a->finding, b->finding);
    return sign ? sign : (a->finding > b->finding) - (a->finding < b->finding);
}

bool findings_sorted(struct arena *arena, const struct report *report,
                     str (*key)(const struct finding *finding),
                     int (*cmp)(const struct finding *a, const struct finding *b),
                     const struct finding ***out)
{
    size_t n = report->findings.len;
    struct sorting by = {key, cmp};
    struct sorted *all = arena_array(arena, struct sorted, n + 1);
    *out = arena_array(arena, const struct finding *, n + 1);
    if (!all || !*out)
        return false;
    for (size_t i = 0; i < n; i++) {
        const struct finding *f = &report->findings.ptr[i];
        all[i] = (struct sorted){eight_of(key(f), 0), eight_of(key(f), 8), f};
    }
    qsort_r(all, n, sizeof(*all), cmp_sorted, &by);
    for (size_t i = 0; i < n; i++)
        (*out)[i] = all[i].finding;
    return true;
}
