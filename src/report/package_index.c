/* SPDX-License-Identifier: Apache-2.0 */
/* Which packages of the inventory a finding is about.  A finding of the distribution is about the
 * binaries of a source package, any other about what lies at its path. */
#include "report/internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/num.h"

struct indexed {
    const struct package *package;
    str purl;
    uint32_t number;
};

static int cmp_number(const struct indexed *a, const struct indexed *b)
{
    return (a->number > b->number) - (a->number < b->number);
}

static int cmp_name(const void *left, const void *right)
{
    const struct indexed *a = left, *b = right;
    int sign = str_cmp(a->package->name, b->package->name);
    sign = sign ? sign : str_cmp(a->package->type, b->package->type);
    return sign ? sign : cmp_number(a, b);
}

static int cmp_purl(const void *left, const void *right)
{
    const struct indexed *a = left, *b = right;
    int sign = str_cmp(a->purl, b->purl);
    return sign ? sign : cmp_number(a, b);
}

static void count_same(struct indexed *entries, size_t n, uint32_t *nth)
{
    qsort(entries, n, sizeof(*entries), cmp_purl);
    for (size_t i = 0; i < n; i++) {
        bool is_same = i && str_eq(entries[i].purl, entries[i - 1].purl);
        nth[entries[i].number] = is_same ? nth[entries[i - 1].number] + 1 : 0;
    }
}

bool package_index_make(struct arena *arena, const struct report *report, struct package_index *out)
{
    size_t n = report->packages.len;
    struct indexed *entries = arena_array(arena, struct indexed, n + 1);
    *out = (struct package_index){.report = report,
                                  .by_name = arena_array(arena, uint32_t, n + 1),
                                  .nth = arena_array(arena, uint32_t, n + 1)};
    if (!entries || !out->by_name || !out->nth || n > UINT32_MAX)
        return false;
    for (size_t i = 0; i < n; i++)
        entries[i] =
            (struct indexed){.package = &report->packages.ptr[i],
                             .purl = i < report->purls.len ? report->purls.ptr[i] : STR_NONE,
                             .number = (uint32_t)i};
    count_same(entries, n, out->nth);
    qsort(entries, n, sizeof(*entries), cmp_name);
    for (size_t i = 0; i < n; i++)
        out->by_name[i] = entries[i].number;
    return true;
}

static bool is_os_class(const struct finding *finding)
{
    return finding->class != CLASS_LANGUAGE && finding->binaries.len > 0;
}

static str name_of(const struct finding *finding, size_t binary)
{
    return is_os_class(finding) ? finding->binaries.ptr[binary] : finding->package_name;
}

size_t package_index_start(const struct package_index *index, const struct finding *finding,
                           size_t binary)
{
    str name = name_of(finding, binary);
    size_t from = 0, to = index->report->packages.len;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        const struct package *package = &index->report->packages.ptr[index->by_name[middle]];
        int sign = str_cmp(package->name, name);
        if (sign < 0 || (sign == 0 && str_cmp(package->type, finding->type) < 0))
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static bool has_binary(const struct finding *finding, str name)
{
    for (size_t i = 0; i < finding->binaries.len; i++)
        if (str_eq(finding->binaries.ptr[i], name))
            return true;
    return false;
}

bool finding_is_about(const struct finding *finding, const struct package *package)
{
    if (!str_eq(package->type, finding->type))
        return false;
    if (!is_os_class(finding))
        return str_eq(package->name, finding->package_name) &&
               str_eq(package->version, finding->package_version) &&
               str_eq(package->path, finding->path);
    str source = package->source_name.len ? package->source_name : package->name;
    str version = package->source_version.len ? package->source_version : package->version;
    return has_binary(finding, package->name) && str_eq(source, finding->package_name) &&
           str_eq(version, finding->package_version);
}

bool package_index_next(const struct package_index *index, const struct finding *finding,
                        size_t binary, size_t *at, size_t *number)
{
    str name = name_of(finding, binary);
    while (*at < index->report->packages.len) {
        *number = index->by_name[(*at)++];
        const struct package *package = &index->report->packages.ptr[*number];
        if (!str_eq(package->name, name) || !str_eq(package->type, finding->type))
            return false;
        if (finding_is_about(finding, package))
            return true;
    }
    return false;
}

bool findings_sorted(struct arena *arena, const struct report *report,
                     int (*cmp)(const void *a, const void *b), const struct finding ***out)
{
    size_t n = report->findings.len;
    *out = arena_array(arena, const struct finding *, n + 1);
    if (!*out)
        return false;
    for (size_t i = 0; i < n; i++)
        (*out)[i] = &report->findings.ptr[i];
    qsort(*out, n, sizeof(**out), cmp);
    return true;
}

bool package_index_has(const struct package_index *index, const struct finding *finding)
{
    size_t n = is_os_class(finding) ? finding->binaries.len : 1;
    for (size_t i = 0; i < n; i++) {
        size_t at = package_index_start(index, finding, i), number;
        if (package_index_next(index, finding, i, &at, &number))
            return true;
    }
    return false;
}
