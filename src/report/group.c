/* SPDX-License-Identifier: Apache-2.0 */
/* Findings of one package that one upgrade heals are one group. */
#include "report/internal.h"

#include <string.h>

#include "base/map.h"
#include "version/version.h"

struct grouping {
    struct arena *arena;
    struct map by_key;
    struct sb key;
    struct fix_ordering ordering;
};

/* Findings with the same key share a group.  A fixed version that nobody can compare is part of it:
 * then there is no "highest" to upgrade to. */
static str key_of(struct grouping *g, const struct finding *finding,
                  const struct version_scheme *scheme)
{
    struct sb *key = &g->key;
    sb_clear(key);
    sb_blob(key, finding->type);
    sb_blob(key, finding->package_name);
    sb_blob(key, finding->package_version);
    sb_byte(key, finding->is_patchable);
    if (!finding->is_patchable)
        sb_byte(key, (uint8_t)finding->fix_state);
    else if (scheme)
        sb_addc(key, scheme->name);
    else
        sb_blob(key, finding->fixed_version);
    return key->has_failed ? STR_NONE : sb_str(key);
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

static bool add_member(struct arena *arena, struct group *group, const struct finding *finding,
                       const struct version_scheme *scheme)
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
    if (scheme && group->best != finding &&
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
    int sign = y->is_patchable - x->is_patchable;
    sign = sign ? sign : assess_rank_cmp(&a->rank, &b->rank);
    sign = sign ? sign : str_cmp(x->package_name, y->package_name);
    sign = sign ? sign : str_cmp(x->package_version, y->package_version);
    sign = sign ? sign : str_cmp(x->type, y->type);
    sign = sign ? sign : (int)x->fix_state - (int)y->fix_state;
    sign = sign ? sign : str_cmp(x->fixed_version, y->fixed_version);
    return sign ? sign : str_cmp(x->id, y->id);
}

/* The group under the key, made when it is new; NULL: out of memory. */
static struct group *group_at(struct grouping *g, str key)
{
    struct group *known = key.ptr ? map_get(&g->by_key, key) : NULL;
    if (known || !key.ptr)
        return known;
    struct group *group = arena_new(g->arena, struct group);
    key = arena_dup(g->arena, key);
    return group && key.ptr && map_put(&g->by_key, key, group) ? group : NULL;
}

static bool add_finding(struct grouping *g, const struct finding *finding)
{
    const struct version_scheme *scheme =
        finding->is_patchable ? assess_fix_scheme_next(&g->ordering, finding) : NULL;
    struct group *group = group_at(g, key_of(g, finding, scheme));
    return group && add_member(g->arena, group, finding, scheme);
}

static bool add_listed(struct grouping *g, const struct report *report,
                       const struct report_filter *filter)
{
    for (size_t i = 0; i < report->findings.len; i++) {
        const struct finding *finding = &report->findings.ptr[i];
        if (report_place_of(finding, filter) == PLACE_LISTED && !add_finding(g, finding))
            return false;
    }
    return true;
}

bool group_findings(struct arena *arena, const struct report *report,
                    const struct report_filter *filter, groups *out)
{
    struct grouping g = {.arena = arena};
    map_init(&g.by_key, arena);
    sb_init(&g.key, 8 * LIMIT(FIELD));
    bool is_done = add_listed(&g, report, filter);
    sb_fini(&g.key);
    *out = (groups){0};
    for (size_t i = 0; is_done && i < g.by_key.len; i++) {
        struct group *slot = vec_push(arena, out);
        is_done = slot != NULL;
        if (slot)
            memcpy(slot, g.by_key.entries[i].value, sizeof(*slot));
    }
    if (!is_done)
        return false;
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
