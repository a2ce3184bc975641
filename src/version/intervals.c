/* SPDX-License-Identifier: Apache-2.0 */
/* intervals.c - what ranges hold, and what they leave over, as intervals.  An interval lies between
 * two cuts, a cut just before or just behind a version:
 *     >= v   from before v        < v    up to before v       = v   from before v up to behind it
 *     >  v   from behind v        <= v   up to behind v       != v  the two that = v leaves
 * Nothing is rounded: what cannot be expressed is an error. */
#include "version/internal.h"

#include "base/limits.h"

struct working {
    const struct version_scheme *scheme;
    struct arena *arena;
    struct err *err;
};

/* --- cuts and intervals
 * ------------------------------------------------------------------------------ */
static bool cut_cmp(struct working *w, struct version_cut a, struct version_cut b, int *sign)
{
    enum version_order order = w->scheme->cmp(a.version, b.version);
    if (order == VERSION_UNKNOWN)
        return err_set(w->err, ERR_FORMAT, "no versions: \"" STR_FMT "\", \"" STR_FMT "\"",
                       STR_ARG(a.version), STR_ARG(b.version));
    *sign = order == VERSION_LESS ? -1 : order == VERSION_GREATER;
    if (*sign == 0)
        *sign = (int)a.is_behind - (int)b.is_behind;
    return true;
}

/* -1, 0, 1 of two beginnings, of which an empty one is the first. */
static bool from_cmp(struct working *w, struct version_cut a, struct version_cut b, int *sign)
{
    if (!a.version.len || !b.version.len) {
        *sign = (a.version.len > 0) - (b.version.len > 0);
        return true;
    }
    return cut_cmp(w, a, b, sign);
}

/* The same of two ends, of which an empty one is the last. */
static bool to_cmp(struct working *w, struct version_cut a, struct version_cut b, int *sign)
{
    if (!a.version.len || !b.version.len) {
        *sign = (b.version.len > 0) - (a.version.len > 0);
        return true;
    }
    return cut_cmp(w, a, b, sign);
}

static bool is_hollow(struct working *w, struct version_interval i, bool *out)
{
    int sign = -1;
    bool is_ok = !i.from.version.len || !i.to.version.len || cut_cmp(w, i.from, i.to, &sign);
    *out = sign >= 0;
    return is_ok;
}

static bool push(struct working *w, version_intervals *list, struct version_interval interval)
{
    struct version_interval *slot = vec_push(w->arena, list);
    if (!slot)
        return err_memory(w->err);
    *slot = interval;
    return true;
}

static bool intersect(struct working *w, const version_intervals *a, const version_intervals *b,
                      version_intervals *out)
{
    for (size_t i = 0; i < a->len; i++) {
        for (size_t j = 0; j < b->len; j++) {
            struct version_interval both = a->ptr[i];
            const struct version_interval *other = &b->ptr[j];
            int from = 0, to = 0;
            bool is_empty;
            if (!from_cmp(w, other->from, both.from, &from) || !to_cmp(w, other->to, both.to, &to))
                return false;
            if (from > 0)
                both.from = other->from;
            if (to < 0)
                both.to = other->to;
            if (!is_hollow(w, both, &is_empty) || (!is_empty && !push(w, out, both)))
                return false;
        }
    }
    return out->len <= LIMIT(RANGE_BOUNDS) ||
           err_set(w->err, ERR_LIMIT, "range-bounds: more than %llu intervals",
                   (unsigned long long)LIMIT(RANGE_BOUNDS));
}

/* --- from bounds
 * ---------------------------------------------------------------------------------------------- */
static bool add_bound(struct working *w, const struct version_bound *bound, version_intervals *out)
{
    struct version_cut none = {0}, before = {bound->version, false},
                       behind = {bound->version, true};
    struct version_cut until =
        bound->is_prefix ? (struct version_cut){bound->until, false} : behind;
    switch (bound->op) {
    case OP_LESS:
        return push(w, out, (struct version_interval){none, before});
    case OP_AT_MOST:
        return push(w, out, (struct version_interval){none, behind});
    case OP_EQUAL:
        return push(w, out, (struct version_interval){before, behind});
    case OP_NOT_EQUAL:
        return push(w, out, (struct version_interval){none, before}) &&
               push(w, out, (struct version_interval){until, none});
    case OP_AT_LEAST:
        return push(w, out, (struct version_interval){before, none});
    case OP_GREATER:
        return push(w, out, (struct version_interval){behind, none});
    case OP_ANY:
    default:
        return push(w, out, (struct version_interval){0});
    }
}

/* The bounds from *i on that hold together. */
static bool add_alternative(struct working *w, const struct version_ranges *ranges, size_t *i,
                            version_intervals *out)
{
    version_intervals all = {0};
    if (!push(w, &all, (struct version_interval){0}))
        return false;
    do {
        version_intervals one = {0}, both = {0};
        if (!add_bound(w, &ranges->bounds.ptr[(*i)++], &one) || !intersect(w, &all, &one, &both))
            return false;
        all = both;
    } while (*i < ranges->bounds.len && !ranges->bounds.ptr[*i].is_alternative);
    for (size_t j = 0; j < all.len; j++)
        if (!push(w, out, all.ptr[j]))
            return false;
    return true;
}

static bool add_all(struct working *w, const struct version_ranges *ranges, version_intervals *out)
{
    if (ranges->dialect && version_dialect_holds_builds(ranges->dialect))
        return err_set(w->err, ERR_UNSUPPORTED, "ranges of %s are no intervals",
                       ranges->dialect->name);
    for (size_t i = 0; i < ranges->bounds.len;)
        if (!add_alternative(w, ranges, &i, out))
            return false;
    return true;
}

static bool complement(struct working *w, const version_intervals *of, version_intervals *out)
{
    if (!push(w, out, (struct version_interval){0}))
        return false;
    for (size_t i = 0; i < of->len; i++) {
        const struct version_interval *in = &of->ptr[i];
        version_intervals sides = {0}, left = {0};
        if ((in->from.version.len && !push(w, &sides, (struct version_interval){.to = in->from})) ||
            (in->to.version.len && !push(w, &sides, (struct version_interval){.from = in->to})) ||
            !intersect(w, out, &sides, &left))
            return false;
        *out = left;
    }
    return true;
}

static bool sort(struct working *w, version_intervals *list)
{
    for (size_t i = 1; i < list->len; i++) {
        struct version_interval interval = list->ptr[i];
        size_t at = i;
        int sign = 0;
        for (; at > 0; at--) {
            if (!from_cmp(w, list->ptr[at - 1].from, interval.from, &sign))
                return false;
            if (sign <= 0)
                break;
            list->ptr[at] = list->ptr[at - 1];
        }
        list->ptr[at] = interval;
    }
    return true;
}

/* --- the answers
 * -----------------------------------------------------------------------------------------------
 */
static struct working working_on(const struct version_scheme *scheme, struct arena *arena,
                                 struct err *err)
{
    return (struct working){.scheme = scheme, .arena = arena, .err = err};
}

bool version_inside(const struct version_ranges *ranges, struct arena *arena,
                    version_intervals *out, struct err *err)
{
    struct working w = working_on(ranges->scheme, arena, err);
    *out = (version_intervals){0};
    return add_all(&w, ranges, out) && sort(&w, out);
}

bool version_outside(const struct version_ranges *ranges, struct arena *arena,
                     version_intervals *out, struct err *err)
{
    struct working w = working_on(ranges->scheme, arena, err);
    version_intervals inside = {0};
    *out = (version_intervals){0};
    return add_all(&w, ranges, &inside) && complement(&w, &inside, out) && sort(&w, out);
}

bool version_common(const struct version_scheme *scheme, const version_intervals *a,
                    const version_intervals *b, struct arena *arena, version_intervals *out,
                    struct err *err)
{
    struct working w = working_on(scheme, arena, err);
    *out = (version_intervals){0};
    return intersect(&w, a, b, out) && sort(&w, out);
}
