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

/* --- order of versions: Gem::Version
 * --------------------------------------------------------------------- */

enum { SEGMENTS_MAX = 64 };
struct segment {
    str text;
    bool is_number;
};
struct segments {
    struct segment of[SEGMENTS_MAX];
    size_t n, n_numbers; /* numbers before the first word */
};

static bool is_digit(uint8_t c) { return c >= '0' && c <= '9'; }
static bool is_letter(uint8_t c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

static str take_while(struct rd *in, bool (*is)(uint8_t))
{
    struct rd from = *in;
    while (!rd_is_end(in) && is(rd_peek(in)))
        (void)rd_u8(in);
    return rd_bytes(&from, rd_left(&from) - rd_left(in));
}

static bool segment_add(struct segments *out, str text, bool is_number)
{
    while (is_number && text.len > 1 && str_starts(text, STR("0")))
        text = str_skip(text, 1);
    if (out->n == SEGMENTS_MAX)
        return false;
    out->of[out->n++] = (struct segment){text, is_number};
    return true;
}

static bool is_zero(const struct segment *segment)
{
    return segment->is_number && str_eq(segment->text, STR("0"));
}

/* Zeros at the end of the numbers, and at the end of all, say nothing: 1.0.0.a0 is 1.a0. */
static void canonical(struct segments *s)
{
    size_t n_front = 0;
    while (n_front < s->n && s->of[n_front].is_number)
        n_front++;
    size_t front = n_front, end = s->n;
    while (front > 0 && is_zero(&s->of[front - 1]))
        front--;
    while (end > n_front && is_zero(&s->of[end - 1]))
        end--;
    for (size_t i = n_front; i < end; i++)
        s->of[front + i - n_front] = s->of[i];
    s->n = front + end - n_front;
    s->n_numbers = front;
}

/* Digits, then letters and digits in dotted parts; a hyphen reads ".pre.". */
static bool segments_of(str version, struct segments *out)
{
    struct rd in;
    *out = (struct segments){0};
    rd_init(&in, str_trim(version));
    if (!is_digit(rd_peek(&in)))
        return false;
    while (!rd_is_end(&in)) {
        uint8_t c = rd_peek(&in);
        bool is_ok = true;
        if (is_digit(c))
            is_ok = segment_add(out, take_while(&in, is_digit), true);
        else if (is_letter(c))
            is_ok = segment_add(out, take_while(&in, is_letter), false);
        else if (rd_take(&in, STR(".")))
            is_ok = is_digit(rd_peek(&in)) || is_letter(rd_peek(&in));
        else if (rd_take(&in, STR("-")))
            is_ok = segment_add(out, STR("pre"), false);
        else
            return false;
        if (!is_ok)
            return false;
    }
    canonical(out);
    return true;
}

static int segment_cmp(const struct segment *a, const struct segment *b)
{
    if (a->is_number != b->is_number)
        return a->is_number ? 1 : -1;
    if (a->is_number && a->text.len != b->text.len)
        return a->text.len < b->text.len ? -1 : 1;
    return str_cmp(a->text, b->text);
}

bool gem_version_cmp(str a, str b, int *sign)
{
    static const struct segment zero = {{"0", 1}, true};
    struct segments sa, sb;
    if (!segments_of(a, &sa) || !segments_of(b, &sb))
        return false;
    *sign = 0;
    for (size_t i = 0; *sign == 0 && (i < sa.n || i < sb.n); i++)
        *sign = segment_cmp(i < sa.n ? &sa.of[i] : &zero, i < sb.n ? &sb.of[i] : &zero);
    return true;
}

/* --- cuts and intervals
 * ------------------------------------------------------------------------------ */

struct cut {
    str version; /* empty: before or behind all */
    bool is_after;
};
struct interval {
    struct cut from, to;
};
typedef VEC(struct interval) intervals;

struct working {
    struct arena *arena;
    struct err *err;
};

static bool cut_cmp(struct working *w, struct cut a, struct cut b, int *sign)
{
    if (!gem_version_cmp(a.version, b.version, sign))
        return err_set(w->err, ERR_FORMAT, "no versions: \"" STR_FMT "\", \"" STR_FMT "\"",
                       STR_ARG(a.version), STR_ARG(b.version));
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
    return out->len <= LIMIT(JSON_DEPTH) * 8 || err_set(w->err, ERR_LIMIT, "too many intervals");
}

/* --- requirements
 * ------------------------------------------------------------------------------------ */

/* 1.2.3 → 1.3, 1.2.rc1 → 2, 2 → 3; then ".A". */
static bool bump(struct working *w, str version, str *out)
{
    struct segments s;
    struct rd in;
    uint64_t number;
    size_t n = 0;
    auto_sb text;
    sb_init(&text, LIMIT(FIELD));
    s = (struct segments){0};
    rd_init(&in, version);
    /* here zeros count: ~> 1.0 is below 2, ~> 1 also */
    while (is_digit(rd_peek(&in)) && n < SEGMENTS_MAX) {
        s.of[n++] = (struct segment){take_while(&in, is_digit), true};
        if (!rd_take(&in, STR(".")))
            break;
    }
    n -= n > 1;
    for (size_t i = 0; i + 1 < n; i++)
        sb_addf(&text, STR_FMT ".", STR_ARG(s.of[i].text));
    if (!n || !str_to_u64(s.of[n - 1].text, UINT64_MAX - 1, &number))
        return err_set(w->err, ERR_FORMAT, "~> of \"" STR_FMT "\"", STR_ARG(version));
    sb_addf(&text, "%llu.A", (unsigned long long)number + 1);
    *out = arena_dup(w->arena, sb_str(&text));
    return sb_ok(&text, w->err) && (out->ptr || err_memory(w->err));
}

/* "1.2.rc1": its numbers end before the word, as Gem::Version#bump takes words off first. */
static bool one(struct working *w, str text, intervals *out)
{
    static const char *const operators[] = {"~>", ">=", "<=", "!=", ">", "<", "="};
    struct segments ignored;
    struct cut none = {0};
    str op = STR("="), version = str_trim(text), upper;
    for (size_t i = 0; i < ARRAY_LEN(operators); i++) {
        if (str_starts(version, str_from(operators[i]))) {
            op = str_from(operators[i]);
            version = str_trim(str_skip(version, op.len));
            break;
        }
    }
    if (!segments_of(version, &ignored))
        return err_set(w->err, ERR_FORMAT, "\"" STR_FMT "\" is no requirement", STR_ARG(text));
    struct cut before = {version, false}, after = {version, true};
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
    return bump(w, version, &upper) && push(w, out, (struct interval){before, {upper, false}});
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
        if ((in->from.version.len && !push(w, &sides, (struct interval){{0}, in->from})) ||
            (in->to.version.len && !push(w, &sides, (struct interval){in->to, {0}})) ||
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
    struct working w = {.arena = arena, .err = err};
    intervals all = {0}, left = {0};
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
