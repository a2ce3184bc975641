/* SPDX-License-Identifier: Apache-2.0 */
/* Findings of one package that one upgrade heals are one group. */
#include "report/internal.h"

#include <string.h>

#include "base/map.h"
#include "base/num.h"
#include "version/version.h"

/* Findings with the same key share a group.  A fixed version that nobody can compare is part of it:
 * then there is no "highest" to upgrade to. */
static str key_of(struct arena *arena, const struct finding *finding)
{
    auto_sb key;
    sb_init(&key, 8 * LIMIT(FIELD));
    sb_blob(&key, finding->type);
    sb_blob(&key, finding->package_name);
    sb_blob(&key, finding->package_version);
    sb_byte(&key, finding->is_patchable);
    const struct version_scheme *scheme = assess_fix_scheme(finding);
    if (!finding->is_patchable)
        sb_byte(&key, (uint8_t)finding->fix_state);
    else if (scheme)
        sb_addc(&key, scheme->name);
    else
        sb_blob(&key, finding->fixed_version);
    return key.has_failed ? STR_NONE : arena_dup(arena, sb_str(&key));
}

static bool add_path(struct arena *arena, struct group *group, str path)
{
    for (size_t i = 0; i < group->paths.len; i++)
        if (str_eq(group->paths.ptr[i], path))
            return true;
    str *slot = vec_push(arena, &group->paths);
    if (slot)
        *slot = path;
    return slot != NULL;
}

static bool add_member(struct arena *arena, struct group *group, const struct finding *finding)
{
    size_t n = group->members.len;
    if (!n || !str_eq(group->members.ptr[n - 1]->id, finding->id)) {
        const struct finding **slot = vec_push(arena, &group->members);
        if (!slot)
            return false;
        *slot = finding;
    }
    group->n_findings++;
    if (!group->first)
        group->first = group->best = finding;
    const struct version_scheme *scheme = finding->is_patchable ? assess_fix_scheme(finding) : NULL;
    if (scheme &&
        scheme->cmp(finding->fixed_version, group->best->fixed_version) == VERSION_GREATER)
        group->best = finding;
    struct assess_rank rank = assess_rank_of(finding);
    group->rank = group->n_findings == 1 ? rank : assess_rank_max(group->rank, rank);
    group->n_kev += finding->is_kev;
    group->epss = finding->epss > group->epss ? finding->epss : group->epss;
    return add_path(arena, group, finding->path);
}

/* Sections first: what can be mended, what cannot. */
static int cmp_groups(const void *left, const void *right)
{
    const struct group *a = left, *b = right;
    const struct finding *x = a->first, *y = b->first;
    int order[] = {
        y->is_patchable - x->is_patchable,
        assess_rank_cmp(&a->rank, &b->rank),
        str_cmp(x->package_name, y->package_name),
        str_cmp(x->package_version, y->package_version),
        str_cmp(x->type, y->type),
        (int)x->fix_state - (int)y->fix_state,
        str_cmp(x->fixed_version, y->fixed_version),
        str_cmp(x->id, y->id),
    };
    for (size_t i = 0; i < ARRAY_LEN(order); i++)
        if (order[i])
            return order[i];
    return 0;
}

static bool add_finding(struct arena *arena, struct map *by_key, const struct finding *finding)
{
    str key = key_of(arena, finding);
    void **slot = key.ptr ? map_at(by_key, key) : NULL;
    if (!slot)
        return false;
    if (!*slot)
        *slot = arena_new(arena, struct group);
    return *slot && add_member(arena, *slot, finding);
}

bool group_findings(struct arena *arena, const struct report *report,
                    const struct report_filter *filter, groups *out)
{
    struct map by_key;
    map_init(&by_key, arena);
    for (size_t i = 0; i < report->findings.len; i++) {
        const struct finding *finding = &report->findings.ptr[i];
        if (report_place_of(finding, filter) == PLACE_LISTED &&
            !add_finding(arena, &by_key, finding))
            return false;
    }
    *out = (groups){0};
    for (size_t i = 0; i < by_key.len; i++) {
        struct group *slot = vec_push(arena, out);
        if (!slot)
            return false;
        memcpy(slot, by_key.entries[i].value, sizeof(*slot));
    }
    vec_sort(out, cmp_groups);
    return true;
}

bool report_plan(struct arena *arena, const struct report *report,
                 const struct report_filter *filter, struct plan *out)
{
    finding_refs listed = {0};
    strs steps = {0};
    for (size_t i = 0; i < report->findings.len; i++) {
        const struct finding *finding = &report->findings.ptr[i];
        if (report_place_of(finding, filter) != PLACE_LISTED)
            continue;
        const struct finding **slot = vec_push(arena, &listed);
        if (!slot)
            return false;
        *slot = finding;
    }
    for (size_t i = 0; i < report->layers.len; i++) {
        str *slot = vec_push(arena, &steps);
        if (!slot)
            return false;
        *slot = report->layers.ptr[i].created_by;
    }
    struct remedy_tools tools = assess_tools(&report->distro, &report->packages);
    return assess_plan(arena, &listed, &tools, &steps, out);
}
