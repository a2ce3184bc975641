/* SPDX-License-Identifier: Apache-2.0 */
/* range.c - is a version within a statement's ranges?  Three answers: what cannot be compared is
 * unknown, unless the rest decides alone. */
#include "match/internal.h"

#include "base/num.h"
#include "base/sb.h"

/* Kleene's logic over three values. */
enum applies applies_both(enum applies a, enum applies b)
{
    if (a == APPLIES_NO || b == APPLIES_NO)
        return APPLIES_NO;
    return a == APPLIES_YES && b == APPLIES_YES ? APPLIES_YES : APPLIES_UNKNOWN;
}

enum applies applies_either(enum applies a, enum applies b)
{
    if (a == APPLIES_YES || b == APPLIES_YES)
        return APPLIES_YES;
    return a == APPLIES_NO && b == APPLIES_NO ? APPLIES_NO : APPLIES_UNKNOWN;
}

struct installed installed_of(const struct version_scheme *scheme, str version)
{
    struct installed out = {.scheme = scheme, .version = version};
    out.is_moving = scheme && scheme->is_moving && scheme->is_moving(version);
    if (scheme && scheme->read)
        scheme->read(version, &out.read);
    return out;
}

/* What is installed from a branch has a place in the order that says nothing of its code. */
static enum version_order order_of(const struct installed *a, str b)
{
    if (!a->scheme || a->is_moving)
        return VERSION_UNKNOWN;
    return a->scheme->cmp_read ? a->scheme->cmp_read(&a->read, b) : a->scheme->cmp(a->version, b);
}

static enum applies claim(enum version_order order, bool less, bool equal, bool greater)
{
    bool answer = false;
    switch (order) {
    case VERSION_LESS:
        answer = less;
        break;
    case VERSION_EQUAL:
        answer = equal;
        break;
    case VERSION_GREATER:
        answer = greater;
        break;
    case VERSION_UNKNOWN:
    default:
        return APPLIES_UNKNOWN;
    }
    return answer ? APPLIES_YES : APPLIES_NO;
}

static bool is_beginning(str introduced)
{
    return introduced.len == 0 || (introduced.len == 1 && introduced.ptr[0] == '0');
}

static enum applies in_range(const struct version_range *range, const struct installed *v)
{
    enum applies in = APPLIES_YES;
    if (!is_beginning(range->introduced))
        in = applies_both(in, claim(order_of(v, range->introduced), false, !range->is_after, true));
    if (range->fixed.len)
        in = applies_both(in, claim(order_of(v, range->fixed), true, false, false));
    if (range->last_affected.len)
        in = applies_both(in, claim(order_of(v, range->last_affected), true, true, false));
    return in;
}

/* A statement without any range or version: its state says whether it means all of them. */
static enum applies without_range(enum fix_state state)
{
    return state == FIX_UNKNOWN || state == FIX_FIXED ? APPLIES_UNKNOWN : APPLIES_YES;
}

enum applies range_applies_to(const struct affected *affected, const struct installed *v)
{
    if (affected->ranges.len == 0 && affected->versions.len == 0)
        return without_range(affected->state);
    enum applies applies = APPLIES_NO;
    for (size_t i = 0; i < affected->versions.len; i++)
        if (str_eq(affected->versions.ptr[i], v->version))
            return APPLIES_YES;
    for (size_t i = 0; i < affected->ranges.len; i++)
        applies = applies_either(applies, in_range(&affected->ranges.ptr[i], v));
    return applies;
}

enum applies range_applies(const struct affected *affected, const struct version_scheme *scheme,
                           str version)
{
    const struct installed v = installed_of(scheme, version);
    return range_applies_to(affected, &v);
}

static void print_range(struct sb *out, const struct version_range *range)
{
    str introduced = is_beginning(range->introduced) ? STR("0") : range->introduced;
    sb_addf(out, "%s%s " STR_FMT, out->len ? " or " : "",
            range->is_after ? ">" : ">=", STR_ARG(introduced));
    if (range->fixed.len)
        sb_addf(out, ", < " STR_FMT, STR_ARG(range->fixed));
    if (range->last_affected.len)
        sb_addf(out, ", <= " STR_FMT, STR_ARG(range->last_affected));
}

enum { RANGE_MAX = 64 << 10 };

str range_print(struct arena *arena, const struct affected *affected,
                const struct version_scheme *scheme, str version)
{
    auto_sb out;
    const struct installed v = installed_of(scheme, version);
    sb_init(&out, RANGE_MAX);
    for (size_t i = 0; i < affected->ranges.len; i++)
        if (in_range(&affected->ranges.ptr[i], &v) == APPLIES_YES)
            print_range(&out, &affected->ranges.ptr[i]);
    for (size_t i = 0; i < affected->versions.len && out.len == 0; i++)
        if (str_eq(affected->versions.ptr[i], version))
            sb_addf(&out, "= " STR_FMT, STR_ARG(version));
    if (out.len == 0)
        sb_addc(&out, "every version");
    return arena_dup(arena, sb_str(&out));
}

/* --- for people: which comparison decided
 * ------------------------------------------------------------------------------------------- */
str range_inside(struct arena *arena, const struct affected *affected,
                 const struct version_scheme *scheme, str version)
{
    const struct installed v = installed_of(scheme, version);
    for (size_t i = 0; i < affected->ranges.len; i++) {
        const struct version_range *range = &affected->ranges.ptr[i];
        if (in_range(range, &v) != APPLIES_YES)
            continue;
        if (range->fixed.len)
            return arena_printf(arena, STR_FMT " < " STR_FMT, STR_ARG(version),
                                STR_ARG(range->fixed));
        if (range->last_affected.len)
            return arena_printf(arena, STR_FMT " <= " STR_FMT, STR_ARG(version),
                                STR_ARG(range->last_affected));
        return arena_printf(
            arena, STR_FMT " >= " STR_FMT, STR_ARG(version),
            STR_ARG(is_beginning(range->introduced) ? STR("0") : range->introduced));
    }
    for (size_t i = 0; i < affected->versions.len; i++)
        if (str_eq(affected->versions.ptr[i], version))
            return arena_printf(arena, STR_FMT " is listed", STR_ARG(version));
    return arena_dup(arena, STR("every version"));
}

/* The end of the highest range that lies below @version; NULL when none does. */
static const struct version_range *range_below(const struct affected *affected,
                                               const struct version_scheme *scheme, str version)
{
    const struct version_range *best = NULL;
    for (size_t i = 0; i < affected->ranges.len; i++) {
        const struct version_range *range = &affected->ranges.ptr[i];
        str end = range->fixed.len ? range->fixed : range->last_affected;
        if (!end.len || claim(scheme->cmp(version, end), false, true, true) != APPLIES_YES)
            continue;
        str best_end = !best ? STR_NONE : best->fixed.len ? best->fixed : best->last_affected;
        if (!best || claim(scheme->cmp(end, best_end), false, false, true) == APPLIES_YES)
            best = range;
    }
    return best;
}

str range_outside(struct arena *arena, const struct affected *affected,
                  const struct version_scheme *scheme, str version, enum outside *side)
{
    const struct version_range *below = range_below(affected, scheme, version);
    *side = OUTSIDE_ALL;
    if (below && below->fixed.len) {
        *side = OUTSIDE_FIXED;
        return arena_printf(arena, STR_FMT " >= " STR_FMT, STR_ARG(version), STR_ARG(below->fixed));
    }
    if (below)
        return arena_printf(arena, STR_FMT " > " STR_FMT, STR_ARG(version),
                            STR_ARG(below->last_affected));
    if (affected->ranges.len == 0)
        return arena_printf(arena, STR_FMT " is not among the %zu listed", STR_ARG(version),
                            affected->versions.len);
    *side = OUTSIDE_BELOW;
    str first = affected->ranges.ptr[0].introduced;
    for (size_t i = 1; i < affected->ranges.len; i++)
        if (claim(scheme->cmp(affected->ranges.ptr[i].introduced, first), true, false, false) ==
            APPLIES_YES)
            first = affected->ranges.ptr[i].introduced;
    return arena_printf(arena, STR_FMT " < " STR_FMT, STR_ARG(version), STR_ARG(first));
}
