/* SPDX-License-Identifier: Apache-2.0 */
/* plan.c - which steps heal what.  Findings of one package that one upgrade heals are one package
 * of the plan; packages that one command upgrades, in one layer, are one step. */
#include "assess/internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/num.h"
#include "version/version.h"

enum { COMMAND_MAX = 1 << 20 };

/* A step and its packages while they grow. */
struct growing_package {
    struct plan_package package;
    struct growing_step *step;
};
struct growing_step {
    struct plan_step step;
    const struct tool *tool;
    bool has_items;
    VEC(struct growing_package *) packages;
};
struct planning {
    struct arena *arena;
    const struct remedy_tools *tools;
    const strs *build_steps;
    struct map steps, packages, rests;
    struct sb key;
    struct plan *out;
    struct fix_ordering ordering;
    str tool_type; /* whose tool was looked up */
    const struct tool *tool;
};

/* --- keys: what shares a step, a package, a rest
 * ------------------------------------------------- */
static void key_number(struct sb *key, int64_t n) { sb_u64le(key, (uint64_t)n); }

static void key_step(struct sb *key, const struct tool *tool, bool has_items,
                     const struct finding *f)
{
    sb_clear(key);
    sb_byte(key, f->is_from_base);
    key_number(key, f->layer);
    sb_byte(key, has_items);
    sb_blob(key, str_from(tool ? tool->name : ""));
    sb_blob(key, remedy_folder(f));
    sb_blob(key, remedy_parent(f));
    sb_blob(key, tool ? STR_NONE : f->type);
    sb_blob(key, str_from(tool && tool->command ? remedy_command(tool, f) : ""));
}

/* Behind the key of its step.  A fixed version that nobody can compare is part of it: then there is
 * no "highest" to upgrade to. */
static void key_package(struct sb *key, const struct finding *f,
                        const struct version_scheme *scheme)
{
    sb_blob(key, f->type);
    sb_blob(key, f->package_name);
    sb_blob(key, f->package_version);
    sb_blob(key, scheme ? str_from(scheme->name) : f->fixed_version);
}

static void key_rest(struct sb *key, const struct finding *f)
{
    sb_clear(key);
    sb_blob(key, f->type);
    sb_blob(key, f->package_name);
    sb_blob(key, f->package_version);
    sb_byte(key, (uint8_t)f->fix_state);
}

/* The value under the key, made when it is new; NULL: out of memory. */
static void *at_key(struct planning *p, struct map *map, size_t size, bool *is_new)
{
    *is_new = false;
    if (p->key.has_failed)
        return NULL;
    void *known = map_get(map, sb_str(&p->key));
    if (known)
        return known;
    str key = arena_dup(p->arena, sb_str(&p->key));
    void **slot = key.ptr ? map_at(map, key) : NULL;
    if (!slot)
        return NULL;
    *is_new = true;
    return *slot = arena_alloc(p->arena, size);
}

/* --- gathering
 * ------------------------------------------------------------------------------------------ */
static bool add_member(struct planning *p, finding_refs *members, struct assess_rank *rank,
                       const struct finding *f)
{
    const struct finding **slot = vec_push(p->arena, members);
    if (!slot)
        return false;
    *slot = f;
    *rank = members->len == 1 ? assess_rank_of(f) : assess_rank_max(*rank, assess_rank_of(f));
    return true;
}

static void begin_step(const struct planning *p, struct growing_step *s, const struct tool *tool,
                       bool has_items, const struct finding *f)
{
    s->tool = tool;
    s->has_items = has_items;
    s->step.layer = f->layer;
    s->step.is_base = f->is_from_base;
    s->step.manager = str_from(tool ? tool->name : "");
    s->step.folder = remedy_folder(f);
    if (f->layer >= 0 && (size_t)f->layer < p->build_steps->len)
        s->step.build_step = str_trim(p->build_steps->ptr[f->layer]);
}

/* remedy_tool, which asks for the type alone. */
static const struct tool *tool_of(struct planning *p, const struct finding *f)
{
    if (!p->tool_type.ptr || !str_eq(p->tool_type, f->type)) {
        p->tool = remedy_tool(p->tools, f);
        p->tool_type = f->type;
    }
    return p->tool;
}

static struct growing_step *step_of(struct planning *p, const struct finding *f)
{
    const struct tool *tool = tool_of(p, f);
    bool has_items = tool && tool->command && remedy_has_items(tool, f), is_new;
    key_step(&p->key, tool, has_items, f);
    struct growing_step *s = at_key(p, &p->steps, sizeof(*s), &is_new);
    if (s && is_new)
        begin_step(p, s, tool, has_items, f);
    return s;
}

static struct growing_package *package_of(struct planning *p, struct growing_step *s,
                                          const struct finding *f,
                                          const struct version_scheme *scheme)
{
    bool is_new;
    key_package(&p->key, f, scheme);
    struct growing_package *g = at_key(p, &p->packages, sizeof(*g), &is_new);
    if (!g || !is_new)
        return g;
    g->step = s;
    g->package.first = g->package.best = f;
    g->package.parent = remedy_parent(f);
    struct growing_package **slot = vec_push(p->arena, &s->packages);
    if (slot)
        *slot = g;
    return slot ? g : NULL;
}

static bool add_healed(struct planning *p, const struct finding *f)
{
    const struct version_scheme *scheme = assess_fix_scheme_next(&p->ordering, f);
    struct growing_step *s = step_of(p, f);
    struct growing_package *g = s ? package_of(p, s, f, scheme) : NULL;
    if (!g)
        return false;
    if (scheme && g->package.best != f &&
        scheme->cmp(f->fixed_version, g->package.best->fixed_version) == VERSION_GREATER)
        g->package.best = f;
    p->out->n_healed++;
    return add_member(p, &g->package.members, &g->package.rank, f);
}

static bool add_unhealed(struct planning *p, const struct finding *f)
{
    bool is_new;
    key_rest(&p->key, f);
    struct plan_rest *rest = at_key(p, &p->rests, sizeof(*rest), &is_new);
    if (!rest)
        return false;
    if (is_new) {
        rest->first = f;
        rest->why = str_from(assess_state_words(f->fix_state));
    }
    p->out->n_unhealed++;
    return add_member(p, &rest->members, &rest->rank, f);
}

/* --- finishing
 * ------------------------------------------------------------------------------------------ */
static int cmp_members(const void *a, const void *b)
{
    return assess_cmp(*(const struct finding *const *)a, *(const struct finding *const *)b);
}

/* Each is asked only where the ones before it say nothing. */
static int cmp_firsts(const struct finding *x, const struct finding *y)
{
    int sign = str_cmp(x->package_name, y->package_name);
    sign = sign ? sign : str_cmp(x->package_version, y->package_version);
    sign = sign ? sign : str_cmp(x->type, y->type);
    sign = sign ? sign : x->layer - y->layer;
    sign = sign ? sign : str_cmp(x->path, y->path);
    sign = sign ? sign : (int)x->fix_state - (int)y->fix_state;
    sign = sign ? sign : str_cmp(x->fixed_version, y->fixed_version);
    return sign ? sign : str_cmp(x->id, y->id);
}

static int cmp_packages(const void *left, const void *right)
{
    const struct plan_package *a = left, *b = right;
    int by_rank = assess_rank_cmp(&a->rank, &b->rank);
    return by_rank ? by_rank : cmp_firsts(a->first, b->first);
}

static int cmp_rests(const void *left, const void *right)
{
    const struct plan_rest *a = left, *b = right;
    int by_rank = assess_rank_cmp(&a->rank, &b->rank);
    return by_rank ? by_rank : cmp_firsts(a->first, b->first);
}

/* What can be pasted first, then the worst. */
static int cmp_steps(const void *left, const void *right)
{
    const struct plan_step *a = left, *b = right;
    if ((a->command.len > 0) != (b->command.len > 0))
        return a->command.len ? -1 : 1;
    int order[] = {assess_rank_cmp(&a->rank, &b->rank), a->layer - b->layer,
                   str_cmp(a->manager, b->manager), str_cmp(a->folder, b->folder)};
    for (size_t i = 0; i < ARRAY_LEN(order); i++)
        if (order[i])
            return order[i];
    return cmp_firsts(a->packages.ptr[0].first, b->packages.ptr[0].first);
}

static int cmp_text(const void *a, const void *b)
{
    return str_cmp(*(const str *)a, *(const str *)b);
}

static bool are_alike(const strs *a, const strs *b)
{
    bool are = a->len == b->len;
    for (size_t i = 0; i < a->len && are; i++)
        are = str_eq(a->ptr[i], b->ptr[i]);
    return are;
}

static bool have_same_binaries(const struct plan_package *package)
{
    bool have = true;
    for (size_t i = 1; i < package->members.len && have; i++)
        have = are_alike(&package->members.ptr[i]->binaries, &package->members.ptr[0]->binaries);
    return have;
}

/* Different vulnerabilities of one source may concern different packages of it: all of them. */
static bool all_binaries(struct planning *p, const struct plan_package *package, strs *out)
{
    struct map seen;
    map_init(&seen, p->arena);
    for (size_t i = 0; i < package->members.len; i++) {
        const strs *binaries = &package->members.ptr[i]->binaries;
        for (size_t b = 0; b < binaries->len; b++) {
            if (map_get(&seen, binaries->ptr[b]))
                continue;
            str *slot = vec_push(p->arena, out);
            if (!slot || !map_put(&seen, binaries->ptr[b], slot))
                return false;
            *slot = binaries->ptr[b];
        }
    }
    vec_sort(out, cmp_text);
    return true;
}

static bool add_items(struct planning *p, const struct growing_step *s,
                      const struct plan_package *package, struct sb *command)
{
    struct finding whole = *package->best;
    if (!have_same_binaries(package)) {
        whole.binaries = (strs){0};
        if (!all_binaries(p, package, &whole.binaries))
            return false;
    }
    if (command->len == 0)
        sb_addc(command, remedy_command(s->tool, &whole));
    else if (s->tool->is_single)
        sb_addf(command, " && %s", remedy_command(s->tool, &whole));
    remedy_items(command, s->tool, &whole);
    return true;
}

static bool write_command(struct planning *p, const struct growing_step *s, struct plan_step *step)
{
    auto_sb command;
    sb_init(&command, COMMAND_MAX);
    for (size_t i = 0; i < step->packages.len; i++)
        if (!add_items(p, s, &step->packages.ptr[i], &command))
            return false;
    if (!command.has_failed)
        step->command = arena_dup(p->arena, sb_str(&command));
    return step->command.ptr || command.has_failed;
}

static bool write_how(struct planning *p, const struct growing_step *s, struct plan_step *step)
{
    const struct plan_package *first = &step->packages.ptr[0];
    const char *hint = s->tool && s->tool->hint ? s->tool->hint : "";
    if (first->parent.len)
        step->how =
            arena_printf(p->arena,
                         "comes with " STR_FMT " in " STR_FMT
                         "/node_modules: upgrade that to a release that brings it, or override it",
                         STR_ARG(first->parent), STR_ARG(step->folder));
    else if (step->command.len)
        step->how = str_from(hint);
    else if (!s->tool && first->first->class != CLASS_LANGUAGE)
        step->how = STR("the image has no package manager that could do it: build it again from a "
                        "newer base image or newer packages");
    else
        step->how = arena_printf(p->arena, "by hand: no command can be given for it%s%s",
                                 *hint ? ". " : "", hint);
    return step->how.ptr != NULL;
}

static bool finish_step(struct planning *p, struct growing_step *s)
{
    struct plan_step *step = vec_push(p->arena, &p->out->steps);
    if (!step)
        return false;
    *step = s->step;
    for (size_t i = 0; i < s->packages.len; i++) {
        struct plan_package *slot = vec_push(p->arena, &step->packages);
        if (!slot)
            return false;
        *slot = s->packages.ptr[i]->package;
        vec_sort(&slot->members, cmp_members);
        step->n_findings += slot->members.len;
        step->rank = i ? assess_rank_max(step->rank, slot->rank) : slot->rank;
    }
    vec_sort(&step->packages, cmp_packages);
    return (!s->has_items || write_command(p, s, step)) && write_how(p, s, step);
}

static bool finish(struct planning *p)
{
    for (size_t i = 0; i < p->steps.len; i++)
        if (!finish_step(p, p->steps.entries[i].value))
            return false;
    for (size_t i = 0; i < p->rests.len; i++) {
        struct plan_rest *slot = vec_push(p->arena, &p->out->unhealed);
        if (!slot)
            return false;
        memcpy(slot, p->rests.entries[i].value, sizeof(*slot));
        vec_sort(&slot->members, cmp_members);
    }
    vec_sort(&p->out->steps, cmp_steps);
    vec_sort(&p->out->unhealed, cmp_rests);
    return true;
}

bool assess_plan(struct arena *arena, const finding_refs *listed, const struct remedy_tools *tools,
                 const strs *build_steps, struct plan *out)
{
    struct planning p = {.arena = arena, .tools = tools, .build_steps = build_steps, .out = out};
    *out = (struct plan){0};
    map_init(&p.steps, arena);
    map_init(&p.packages, arena);
    map_init(&p.rests, arena);
    sb_init(&p.key, COMMAND_MAX);
    bool is_done = true;
    for (size_t i = 0; is_done && i < listed->len; i++) {
        const struct finding *f = listed->ptr[i];
        is_done = f->fixed_version.len ? add_healed(&p, f) : add_unhealed(&p, f);
    }
    is_done = is_done && finish(&p);
    sb_fini(&p.key);
    return is_done;
}
