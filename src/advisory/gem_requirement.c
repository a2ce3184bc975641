/* SPDX-License-Identifier: Apache-2.0 */
/* gem_requirement.c - RubyGems' requirements ("~> 1.2, >= 1.2.5") as intervals of versions, and
 * what a list of them leaves over.
 *
 * An interval lies between two cuts.  A cut is just before or just behind a version:
 *     >= v   from before v        < v    up to before v       = v   from before v up to behind it
 *     >  v   from behind v        <= v   up to behind v       != v  the two that = v leaves
 *     ~> v   from before v up to before the first prerelease of v's bump: "1.2.3" → "1.3.A", as
 *            Bundler writes it, since 1.3.0.pre does not fulfil ~> 1.2.3 (and every word sorts
 *            behind "A")
 * Nothing is rounded: what cannot be expressed is an error. */
#include "advisory/internal.h"
#include "base/limits.h"
#include "base/num.h"
#include "version/version.h"

/* --- cuts and intervals
 * ------------------------------------------------------------------------------ */

enum { NUMBERS_MAX = 32, INTERVALS_MAX = 1024 };

struct cut {
    str version; /* empty: before or behind all */
    bool is_after;
};
struct interval {
    struct cut from, to;
};
typedef VEC(struct interval) intervals;

struct working {
    const struct version_scheme *gem;
    struct arena *arena;
    struct err *err;
};

static bool cut_cmp(struct working *w, struct cut a, struct cut b, int *sign)
{
    enum version_order order = w->gem->cmp(a.version, b.version);
    if (order == VERSION_UNKNOWN)
        return err_set(w->err, ERR_FORMAT, "no versions: \"" STR_FMT "\", \"" STR_FMT "\"",
                       STR_ARG(a.version), STR_ARG(b.version));
    *sign = order == VERSION_LESS ? -1 : order == VERSION_GREATER;
    if (*sign == 0)
        *sign = (int)a.is_after - (int)b.is_after;
    return true;
}

/* -1, 0, 1 of two beginnings, of which an empty one is the first. */
static bool from_cmp(struct working *w, struct cut a, struct cut b, int *sign)
{
    if (!a.version.len || !b.version.len) {
        *sign = (a.version.len > 0) - (b.version.len > 0);
        return true;
    }
    return cut_cmp(w, a, b, sign);
}

/* The same of two ends, of which an empty one is the last. */
static bool to_cmp(struct working *w, struct cut a, struct cut b, int *sign)
{
    if (!a.version.len || !b.version.len) {
        *sign = (b.version.len > 0) - (a.version.len > 0);
        return true;
    }
    return cut_cmp(w, a, b, sign);
}

static bool is_hollow(struct working *w, struct interval i, bool *out)
{
    int sign = -1;
    bool is_ok = !i.from.version.len || !i.to.version.len || cut_cmp(w, i.from, i.to, &sign);
    *out = sign >= 0;
    return is_ok;
}

static bool push(struct working *w, intervals *list, struct interval interval)
{
    struct interval *slot = vec_push(w->arena, list);
    if (!slot)
        return err_memory(w->err);
    *slot = interval;
    return true;
}

static bool intersect(struct working *w, const intervals *a, const intervals *b, intervals *out)
{
    for (size_t i = 0; i < a->len; i++) {
        for (size_t j = 0; j < b->len; j++) {
            struct interval both = a->ptr[i];
            const struct interval *other = &b->ptr[j];
            int from, to;
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
    return out->len <= INTERVALS_MAX || err_set(w->err, ERR_LIMIT, "too many intervals");
}

/* --- requirements
 * ------------------------------------------------------------------------------------ */

/* Gem::Version#bump with ".A" behind it: 1.2.3 → 1.3.A, 2 → 3.A; words go first, with all behind
 * them, so 1.2.rc1 → 2.A. */
static bool bump(struct working *w, str version, str *out)
{
    str rest = version, part, numbers[NUMBERS_MAX];
    uint64_t number;
    size_t n = 0;
    auto_sb text;
    sb_init(&text, LIMIT(FIELD));
    (void)str_cut_byte(version, '-', &rest, &part);
    while (n < NUMBERS_MAX && str_next(&rest, '.', &part) &&
           str_to_u64(part, UINT64_MAX - 1, &number))
        numbers[n++] = part;
    n -= n > 1;
    if (!n || n == NUMBERS_MAX || !str_to_u64(numbers[n - 1], UINT64_MAX - 1, &number))
        return err_set(w->err, ERR_FORMAT, "~> of \"" STR_FMT "\"", STR_ARG(version));
    for (size_t i = 0; i + 1 < n; i++)
        sb_addf(&text, STR_FMT ".", STR_ARG(numbers[i]));
    sb_addf(&text, "%llu.A", (unsigned long long)number + 1);
    *out = arena_dup(w->arena, sb_str(&text));
    return sb_ok(&text, w->err) && (out->ptr || err_memory(w->err));
}

static str take_operator(str *text)
{
    static const char *const operators[] = {"~>", ">=", "<=", "!=", ">", "<", "="};
    *text = str_trim(*text);
    for (size_t i = 0; i < ARRAY_LEN(operators); i++) {
        str op = str_from(operators[i]);
        if (str_starts(*text, op)) {
            *text = str_trim(str_skip(*text, op.len));
            return op;
        }
    }
    return STR("=");
}

static bool one(struct working *w, str text, intervals *out)
{
    str version = text, op = take_operator(&version), upper;
    struct cut none = {0}, before = {version, false}, after = {version, true};
    if (!w->gem->is_valid(version))
        return err_set(w->err, ERR_FORMAT, "\"" STR_FMT "\" is no requirement", STR_ARG(text));
    if (str_eq(op, STR(">=")))
        return push(w, out, (struct interval){before, none});
    if (str_eq(op, STR(">")))
        return push(w, out, (struct interval){after, none});
    if (str_eq(op, STR("<")))
        return push(w, out, (struct interval){none, before});
    if (str_eq(op, STR("<=")))
        return push(w, out, (struct interval){none, after});
    if (str_eq(op, STR("=")))
        return push(w, out, (struct interval){before, after});
    if (str_eq(op, STR("!=")))
        return push(w, out, (struct interval){none, before}) &&
               push(w, out, (struct interval){after, none});
    if (!bump(w, version, &upper))
        return false;
    return push(w, out, (struct interval){before, (struct cut){upper, false}});
}

/* All that stands between commas. */
static bool clause(struct working *w, str text, intervals *out)
{
    struct interval all = {0};
    str rest = text, part;
    if (!push(w, out, all))
        return false;
    while (str_next(&rest, ',', &part)) {
        intervals next = {0}, both = {0};
        if (!one(w, part, &next) || !intersect(w, out, &next, &both))
            return false;
        *out = both;
    }
    return true;
}

static bool complement(struct working *w, const intervals *of, intervals *out)
{
    if (!push(w, out, (struct interval){0}))
        return false;
    for (size_t i = 0; i < of->len; i++) {
        const struct interval *in = &of->ptr[i];
        intervals sides = {0}, left = {0};
        if ((in->from.version.len && !push(w, &sides, (struct interval){.to = in->from})) ||
            (in->to.version.len && !push(w, &sides, (struct interval){.from = in->to})) ||
            !intersect(w, out, &sides, &left))
            return false;
        *out = left;
    }
    return true;
}

/* --- what is left
 * ------------------------------------------------------------------------------------------ */

static bool sort(struct working *w, intervals *list)
{
    for (size_t i = 1; i < list->len; i++) {
        struct interval interval = list->ptr[i];
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

bool gem_affected(const strs *healthy, struct arena *arena, struct affected *out, struct err *err)
{
    struct working w = {.gem = version_find(STR("gem")), .arena = arena, .err = err};
    intervals all = {0}, left = {0};
    if (!w.gem)
        return err_set(err, ERR_FORMAT, "the order of versions of gems is not known");
    for (size_t i = 0; i < healthy->len; i++) {
        intervals of = {0};
        if (!clause(&w, healthy->ptr[i], &of))
            return false;
        for (size_t j = 0; j < of.len; j++) {
            if (!push(&w, &all, of.ptr[j]))
                return false;
        }
    }
    if (!complement(&w, &all, &left) || !sort(&w, &left))
        return false;
    for (size_t i = 0; i < left.len; i++) {
        const struct interval *in = &left.ptr[i];
        struct version_range range = {.introduced = STR("0")};
        if (in->from.version.len) {
            range.introduced = in->from.version;
            range.is_after = in->from.is_after;
        }
        *(in->to.is_after ? &range.last_affected : &range.fixed) = in->to.version;
        if (!range_add(arena, out, range, err))
            return false;
    }
    return true;
}
