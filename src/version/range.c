/* SPDX-License-Identifier: Apache-2.0 */
/* range.c - ranges as the ecosystems write them: alternatives of bounds that hold together.
 *
 *     alternative {"||" alternative}        bound {"," bound}        [operator] version
 *
 * A row of the table says which signs a dialect has and what they mean.  Intervals, "[1.0,2.0)",
 * are a second form. */
#include "version/internal.h"

#include "base/limits.h"
#include "base/num.h"

enum {
    AND_COMMA = 1,      /* ">=1,<2" */
    AND_SPACE = 2,      /* ">=1 <2" */
    AND_SIGN = 4,       /* ">=1 && <2" */
    AND_WORD = 8,       /* ">=1 and <2", "or" for the alternatives */
    OR_BARS = 16,       /* "1 || 2" */
    OR_BAR = 32,        /* "1 | 2" too */
    WILD_STAR = 64,     /* 1.* */
    WILD_X = 128,       /* 1.x */
    PARTIAL = 256,      /* 1.2 is 1.2.* */
    HYPHEN = 512,       /* "1.0 - 2.0" */
    CARET = 1024,       /* ^1.2: the first number that is not zero stays */
    CARET_MINOR = 2048, /* of 0.x.y the x, zero too */
    TILDE = 4096,       /* ~1.2: the first two numbers stay */
    TILDE_LAST = 8192,  /* ~1.2: all but the last number stay */
    BARE_EQUAL = 1 << 14,
    BARE_CARET = 1 << 15,
    BARE_LEAST = 1 << 16,
    INTERVALS = 1 << 17,
    BRACKETED = 1 << 18,   /* "[>=1 <2]" */
    NO_LOCAL = 1 << 19,    /* a bound without "+local" means the versions with one as well */
    STABILITY = 1 << 20,   /* ">=1.0" begins with the prereleases; "@flag" says nothing */
    PESSIMISTIC = 1 << 21, /* "~>", as TILDE_LAST */
    COMPATIBLE = 1 << 22,  /* "~=", as TILDE_LAST, of two numbers at least */
    MAJOR_BOUND = 1 << 23, /* "^>=": the first two numbers stay */
    TILDE_ARROW = 1 << 24, /* "~>" is "~" */
};

static const struct version_dialect dialects[] = {
    {.name = "cargo",
     .spec = "The Cargo Book: Specifying dependencies",
     .scheme = "cargo",
     .lowest = "-0",
     .flags = AND_COMMA | WILD_STAR | WILD_X | PARTIAL | CARET | TILDE | BARE_CARET,
     .n_numbers = 3},
    {.name = "composer",
     .spec = "Composer, Versions and constraints",
     .scheme = "composer",
     .lowest = "-dev",
     .flags = AND_COMMA | AND_SPACE | OR_BARS | OR_BAR | WILD_STAR | WILD_X | HYPHEN | CARET |
              TILDE_LAST | BARE_EQUAL | STABILITY},
    {.name = "conan",
     .spec = "Conan 2, Version ranges",
     .scheme = "conan",
     .lowest = "-0",
     .flags = AND_SPACE | OR_BARS | WILD_STAR | CARET | TILDE | BARE_EQUAL | BRACKETED},
    {.name = "gem",
     .spec = "RubyGems, Gem::Requirement",
     .scheme = "gem",
     .lowest = ".A",
     .flags = AND_COMMA | PESSIMISTIC | BARE_EQUAL},
    {.name = "ghsa",
     .spec = "GitHub Advisory Database, vulnerable version range",
     .scheme = NULL,
     .lowest = "",
     .flags = AND_COMMA | OR_BARS | BARE_EQUAL},
    {.name = "hackage",
     .spec = "Cabal, build-depends",
     .scheme = "hackage",
     .lowest = "",
     .flags = AND_SIGN | OR_BARS | WILD_STAR | MAJOR_BOUND},
    {.name = "hex",
     .spec = "Elixir, module Version: Requirements",
     .scheme = "hex",
     .lowest = "-0",
     .flags = AND_WORD | PESSIMISTIC | BARE_EQUAL,
     .n_numbers = 3},
    {.name = "maven",
     .spec = "Maven, Version range specification",
     .scheme = "maven",
     .lowest = "",
     .flags = INTERVALS},
    {.name = "npm",
     .spec = "node-semver: Ranges",
     .scheme = "npm",
     .lowest = "-0",
     .flags = AND_SPACE | AND_COMMA | OR_BARS | WILD_STAR | WILD_X | PARTIAL | HYPHEN | CARET |
              TILDE | TILDE_ARROW | BARE_EQUAL,
     .n_numbers = 3},
    {.name = "nuget",
     .spec = "NuGet, Package versioning: Version ranges",
     .scheme = "nuget",
     .lowest = "-0",
     .flags = INTERVALS | BARE_LEAST},
    {.name = "pep440",
     .spec = "PyPA, Version specifiers",
     .scheme = "pep440",
     .lowest = ".dev0",
     .flags = AND_COMMA | WILD_STAR | COMPATIBLE | NO_LOCAL},
    {.name = "pub",
     .spec = "Dart, Version constraints",
     .scheme = "pub",
     .lowest = "-0",
     .flags = AND_SPACE | CARET | CARET_MINOR | BARE_EQUAL,
     .n_numbers = 3},
};

/* --- building ------------------------------------------------------------------------------------
 */
struct parsing {
    const struct version_dialect *dialect;
    struct arena *arena;
    struct version_ranges *out;
    struct err *err;
    bool is_alternative; /* the next bound begins one */
};

static bool has(const struct parsing *p, unsigned flag) { return p->dialect->flags & flag; }

static bool refuse(struct parsing *p, str text, const char *why)
{
    return err_set(p->err, ERR_FORMAT, "\"" STR_FMT "\" %s", STR_ARG(str_slice(text, 0, 80)), why);
}

static bool add(struct parsing *p, struct version_bound bound)
{
    if (bound.op != OP_ANY && !bound.version.ptr)
        return err_memory(p->err);
    if (bound.op != OP_ANY && !p->out->scheme->is_valid(bound.version))
        return refuse(p, bound.version, "is no version");
    if (p->out->bounds.len >= LIMIT(RANGE_BOUNDS))
        return err_set(p->err, ERR_LIMIT, "range-bounds: a range of more than %llu bounds",
                       (unsigned long long)LIMIT(RANGE_BOUNDS));
    bound.is_alternative = p->is_alternative;
    struct version_bound *slot = vec_push(p->arena, &p->out->bounds);
    if (!slot)
        return err_memory(p->err);
    *slot = bound;
    p->is_alternative = false;
    return true;
}

static str lowest(const struct parsing *p) { return str_from(p->dialect->lowest); }

static bool add_op(struct parsing *p, enum version_op op, str version)
{
    return add(p, (struct version_bound){.op = op, .version = version});
}

/* A version as it stands; where the ordering wants more numbers, with zeroes behind. */
static str whole(struct parsing *p, const struct version_pattern *pattern)
{
    const struct version_scheme *scheme = p->out->scheme;
    str version = pattern->text;
    for (size_t n = pattern->n + 1; pattern->n && n <= 3 && !scheme->is_valid(version); n++)
        version = version_pattern_make(p->arena, pattern, n, pattern->suffix);
    return version.ptr && !scheme->is_valid(version) ? pattern->text : version;
}

static str first_of(struct parsing *p, const struct version_pattern *pattern)
{
    return version_pattern_make(p->arena, pattern, p->dialect->n_numbers, lowest(p));
}

static str behind(struct parsing *p, const struct version_pattern *pattern, size_t index)
{
    return version_pattern_bump(p->arena, pattern, index, p->dialect->n_numbers, lowest(p));
}

static bool is_prefix(const struct version_pattern *pattern)
{
    return pattern->is_wild || pattern->is_partial;
}

/* Where ">= version" begins. */
static str beginning(struct parsing *p, const struct version_pattern *pattern)
{
    bool names_stability = !has(p, STABILITY) || pattern->suffix.len || pattern->n == 0;
    return is_prefix(pattern) || !names_stability ? first_of(p, pattern) : whole(p, pattern);
}

/* From the version to before the number at @index changes. */
static bool add_until(struct parsing *p, const struct version_pattern *pattern, size_t index)
{
    return add_op(p, OP_AT_LEAST, beginning(p, pattern)) &&
           add_op(p, OP_LESS, behind(p, pattern, index));
}

/* --- operators -----------------------------------------------------------------------------------
 */
enum sign {
    SIGN_BARE,
    SIGN_LESS,
    SIGN_AT_MOST,
    SIGN_EQUAL,
    SIGN_NOT_EQUAL,
    SIGN_AT_LEAST,
    SIGN_GREATER,
    SIGN_CARET,
    SIGN_TILDE,
    SIGN_LAST,
    SIGN_MAJOR_BOUND,
};

static const struct sign_row {
    str text;
    enum sign sign;
    unsigned flags; /* of which the dialect has one; 0: every dialect has it */
} signs[] = {
    /* the longer of two that begin alike comes first */
    {{"===", 3}, SIGN_EQUAL, COMPATIBLE},
    {{"^>=", 3}, SIGN_MAJOR_BOUND, MAJOR_BOUND},
    {{"~>", 2}, SIGN_LAST, PESSIMISTIC},
    {{"~>", 2}, SIGN_TILDE, TILDE_ARROW},
    {{"~=", 2}, SIGN_LAST, COMPATIBLE},
    {{"<=", 2}, SIGN_AT_MOST, 0},
    {{">=", 2}, SIGN_AT_LEAST, 0},
    {{"!=", 2}, SIGN_NOT_EQUAL, 0},
    {{"<>", 2}, SIGN_NOT_EQUAL, STABILITY},
    {{"==", 2}, SIGN_EQUAL, 0},
    {{"=", 1}, SIGN_EQUAL, 0},
    {{"<", 1}, SIGN_LESS, 0},
    {{">", 1}, SIGN_GREATER, 0},
    {{"^", 1}, SIGN_CARET, CARET},
    {{"~", 1}, SIGN_TILDE, TILDE | TILDE_LAST},
};

static enum sign take_sign(const struct parsing *p, str text, size_t *i)
{
    str rest = str_skip(text, *i);
    for (size_t k = 0; k < ARRAY_LEN(signs); k++)
        if (str_starts(rest, signs[k].text) && (!signs[k].flags || has(p, signs[k].flags))) {
            *i += signs[k].text.len;
            return signs[k].sign;
        }
    return SIGN_BARE;
}

static bool is_zero(str number) { return version_cmp_numbers(number, STR_NONE) == 0; }

static bool add_caret(struct parsing *p, const struct version_pattern *pattern)
{
    size_t index = 0;
    if (has(p, CARET_MINOR))
        index = is_zero(pattern->numbers[0]) ? 1 : 0;
    else
        while (index + 1 < pattern->n && is_zero(pattern->numbers[index]))
            index++;
    return add_until(p, pattern, index);
}

static bool add_last(struct parsing *p, const struct version_pattern *pattern)
{
    if (pattern->n < 2 && !has(p, PESSIMISTIC | TILDE_LAST))
        return refuse(p, pattern->text, "has too few numbers");
    return add_until(p, pattern, pattern->n < 2 ? 0 : pattern->n - 2);
}

static bool add_not_equal(struct parsing *p, const struct version_pattern *pattern)
{
    if (!is_prefix(pattern))
        return add_op(p, OP_NOT_EQUAL, whole(p, pattern));
    str until = behind(p, pattern, pattern->n - 1);
    return until.ptr ? add(p, (struct version_bound){.op = OP_NOT_EQUAL,
                                                     .is_prefix = true,
                                                     .version = first_of(p, pattern),
                                                     .until = until})
                     : err_memory(p->err);
}

/* A prefix stands for all that begins so. */
static bool add_end(struct parsing *p, enum sign sign, const struct version_pattern *pattern)
{
    if (!is_prefix(pattern))
        return add_op(p, sign == SIGN_AT_MOST ? OP_AT_MOST : OP_LESS, whole(p, pattern));
    return add_op(p, OP_LESS,
                  sign == SIGN_AT_MOST
                      ? behind(p, pattern, pattern->n - 1)
                      : version_pattern_make(p->arena, pattern, p->dialect->n_numbers, STR_NONE));
}

static bool add_greater(struct parsing *p, const struct version_pattern *pattern)
{
    return is_prefix(pattern) ? add_op(p, OP_AT_LEAST, behind(p, pattern, pattern->n - 1))
                              : add_op(p, OP_GREATER, whole(p, pattern));
}

static bool add_tilde(struct parsing *p, const struct version_pattern *pattern)
{
    return has(p, TILDE_LAST) ? add_last(p, pattern) : add_until(p, pattern, pattern->n > 1);
}

static enum sign bare_sign(const struct parsing *p, const struct version_pattern *pattern)
{
    if (has(p, BARE_EQUAL) || (has(p, BARE_CARET) && pattern->is_wild))
        return SIGN_EQUAL;
    return has(p, BARE_CARET) ? SIGN_CARET : SIGN_BARE;
}

/* "*" */
static bool add_star(struct parsing *p, enum sign sign, str text)
{
    bool is_all =
        sign != SIGN_LESS && sign != SIGN_AT_MOST && sign != SIGN_GREATER && sign != SIGN_NOT_EQUAL;
    return is_all ? add_op(p, OP_ANY, STR_NONE) : refuse(p, text, "leaves nothing");
}

static bool add_term(struct parsing *p, enum sign sign, const struct version_pattern *pattern)
{
    if (pattern->is_wild && pattern->n == 0)
        return add_star(p, sign, pattern->text);
    if (sign == SIGN_BARE)
        sign = bare_sign(p, pattern);
    if (sign >= SIGN_CARET && pattern->n == 0)
        return refuse(p, pattern->text, "is no version");
    switch (sign) {
    case SIGN_LESS:
    case SIGN_AT_MOST:
        return add_end(p, sign, pattern);
    case SIGN_EQUAL:
        return is_prefix(pattern) ? add_until(p, pattern, pattern->n - 1)
                                  : add_op(p, OP_EQUAL, whole(p, pattern));
    case SIGN_NOT_EQUAL:
        return add_not_equal(p, pattern);
    case SIGN_AT_LEAST:
        return add_op(p, OP_AT_LEAST, beginning(p, pattern));
    case SIGN_GREATER:
        return add_greater(p, pattern);
    case SIGN_CARET:
        return add_caret(p, pattern);
    case SIGN_TILDE:
        return add_tilde(p, pattern);
    case SIGN_LAST:
        return add_last(p, pattern);
    case SIGN_MAJOR_BOUND:
        return add_until(p, pattern, 1);
    case SIGN_BARE:
    default:
        return refuse(p, pattern->text, "has no operator");
    }
}

/* --- reading -------------------------------------------------------------------------------------
 */
static bool is_space(unsigned char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

static size_t skip_spaces(str s, size_t i)
{
    while (is_space(version_at(s, i)))
        i++;
    return i;
}

static bool read_pattern(struct parsing *p, str text, struct version_pattern *out)
{
    unsigned flags = (has(p, WILD_STAR) ? PATTERN_WILD : 0) | (has(p, WILD_X) ? PATTERN_X : 0) |
                     (has(p, PARTIAL) ? PATTERN_PARTIAL : 0);
    size_t flag = has(p, STABILITY) ? str_find_byte(text, '@') : text.len;
    str version = str_slice(text, 0, flag);
    if (version_pattern_read(version, flags, p->dialect->n_numbers, out))
        return true;
    *out = (struct version_pattern){.text = version}; /* a branch, or nothing: add() asks */
    return version.len || refuse(p, text, "is no version");
}

/* The version from @i on: to a blank, a comma or a sign. */
static str take_version(str s, size_t *i)
{
    size_t from = *i;
    while (*i < s.len && !is_space(version_at(s, *i)) &&
           str_find_byte(STR(",|&<>="), s.ptr[*i]) == 6)
        ++*i;
    return version_part(s, from, *i);
}

/* What stands between two bounds; false: nothing that may. */
static bool take_and(const struct parsing *p, str s, size_t *i)
{
    size_t at = skip_spaces(s, *i);
    bool has_space = at > *i;
    str rest = str_skip(s, at);
    *i = at;
    if (has(p, AND_COMMA) && version_at(s, at) == ',')
        *i = at + 1;
    else if (has(p, AND_SIGN) && str_starts(rest, STR("&&")))
        *i = at + 2;
    else if (has(p, AND_WORD) && has_space && str_starts(rest, STR("and ")))
        *i = at + 4;
    else
        return has(p, AND_SPACE) && (has_space || str_find_byte(STR("<>=!"), *rest.ptr) < 4);
    return true;
}

static bool add_bounds(struct parsing *p, str text)
{
    for (size_t i = 0;;) {
        i = skip_spaces(text, i);
        enum sign sign = take_sign(p, text, &i);
        i = skip_spaces(text, i);
        struct version_pattern pattern;
        if (!read_pattern(p, take_version(text, &i), &pattern) || !add_term(p, sign, &pattern))
            return false;
        if (skip_spaces(text, i) == text.len)
            return true;
        if (!take_and(p, text, &i))
            return refuse(p, text, "is no range");
    }
}

/* "1.0 - 2.0": both ends belong to it, the prereleases of the first too; an end of fewer numbers
 * holds all that begin so. */
static bool add_hyphen(struct parsing *p, str from, str to)
{
    struct version_pattern a, b;
    if (!read_pattern(p, str_trim(from), &a) || !read_pattern(p, str_trim(to), &b))
        return false;
    a.is_partial = a.n && a.suffix.len == 0;
    b.is_partial = b.n && b.n < 3 && b.suffix.len == 0;
    return add_term(p, SIGN_AT_LEAST, &a) && add_term(p, SIGN_AT_MOST, &b);
}

static bool add_alternative(struct parsing *p, str text)
{
    str from, to;
    p->is_alternative = true;
    text = str_trim(text);
    if (text.len == 0)
        return refuse(p, text, "is no range");
    if (has(p, CARET_MINOR) && str_eq(text, STR("any")))
        return add_op(p, OP_ANY, STR_NONE);
    if (has(p, HYPHEN) && str_cut(text, STR(" - "), &from, &to))
        return add_hyphen(p, from, to);
    return add_bounds(p, text);
}

/* The next alternative of @rest. */
static str take_alternative(const struct parsing *p, str *rest)
{
    str head;
    if (has(p, AND_WORD)) {
        (void)str_cut(*rest, STR(" or "), &head, rest);
        return head;
    }
    if (!has(p, OR_BARS)) {
        head = *rest;
        *rest = STR_NONE;
        return head;
    }
    bool is_single = has(p, OR_BAR) && str_find_byte(*rest, '|') < str_find(*rest, STR("||"));
    (void)str_cut(*rest, is_single ? STR("|") : STR("||"), &head, rest);
    return head;
}

static bool add_alternatives(struct parsing *p, str text)
{
    bool is_bracketed = has(p, BRACKETED) && str_starts(text, STR("[")) && str_ends(text, STR("]"));
    str rest = is_bracketed ? str_slice(text, 1, text.len - 1) : text;
    do {
        size_t before = rest.len;
        str alternative = take_alternative(p, &rest);
        bool is_cut = alternative.len < before && rest.len == 0; /* "1 ||" */
        if (is_cut)
            return refuse(p, text, "ends before its end");
        if (!add_alternative(p, alternative))
            return false;
    } while (rest.len);
    return true;
}

/* --- intervals -----------------------------------------------------------------------------------
 */
static bool add_limit(struct parsing *p, enum version_op op, str version)
{
    return version.len == 0 || add_op(p, op, version);
}

static bool add_interval(struct parsing *p, str inner, bool has_low, bool has_high)
{
    str low, high;
    p->is_alternative = true;
    if (!str_cut_byte(inner, ',', &low, &high)) {
        bool is_exact = has_low && has_high && str_trim(inner).len;
        return is_exact ? add_op(p, OP_EQUAL, str_trim(inner)) : refuse(p, inner, "is no interval");
    }
    low = str_trim(low);
    high = str_trim(high);
    if (low.len == 0 && high.len == 0)
        return add_op(p, OP_ANY, STR_NONE);
    return add_limit(p, has_low ? OP_AT_LEAST : OP_GREATER, low) &&
           add_limit(p, has_high ? OP_AT_MOST : OP_LESS, high);
}

static bool add_intervals(struct parsing *p, str text)
{
    for (size_t i = skip_spaces(text, 0);;) {
        unsigned char open = version_at(text, i);
        size_t end = i + 1;
        while (end < text.len && text.ptr[end] != ']' && text.ptr[end] != ')')
            end++;
        if ((open != '[' && open != '(') || end >= text.len)
            return refuse(p, text, "is no interval");
        if (!add_interval(p, version_part(text, i + 1, end), open == '[', text.ptr[end] == ']'))
            return false;
        i = skip_spaces(text, end + 1);
        if (i == text.len)
            return true;
        if (version_at(text, i) != ',')
            return refuse(p, text, "is no interval");
        i = skip_spaces(text, i + 1);
    }
}

static bool parse(struct parsing *p, str text)
{
    unsigned char first = version_at(text, 0);
    if (!has(p, INTERVALS))
        return add_alternatives(p, text);
    if (first == '[' || first == '(' || !has(p, BARE_LEAST))
        return add_intervals(p, text);
    p->is_alternative = true;
    return add_op(p, OP_AT_LEAST, text);
}

bool version_ranges_add(const struct version_dialect *dialect, const struct version_scheme *scheme,
                        str text, struct arena *arena, struct version_ranges *out, struct err *err)
{
    size_t before = out->bounds.len;
    out->dialect = dialect;
    out->scheme = scheme ? scheme : version_find(str_from(dialect->scheme));
    if (!out->scheme)
        return err_set(err, ERR_USAGE, "a range of %s without an order of versions", dialect->name);
    struct parsing p = {.dialect = dialect, .arena = arena, .out = out, .err = err};
    str own = arena_dup(arena, str_trim(text));
    if (own.ptr && parse(&p, own))
        return true;
    out->bounds.len = before;
    return own.ptr ? false : err_memory(err);
}

/* --- asking --------------------------------------------------------------------------------------
 */
static enum version_within within_of(bool is_within) { return is_within ? WITHIN_YES : WITHIN_NO; }

/* Kleene's logic: no beats unknown beats yes. */
static enum version_within both(enum version_within a, enum version_within b)
{
    if (a == WITHIN_NO || b == WITHIN_NO)
        return WITHIN_NO;
    return a == WITHIN_YES && b == WITHIN_YES ? WITHIN_YES : WITHIN_UNKNOWN;
}

static enum version_within either(enum version_within a, enum version_within b)
{
    if (a == WITHIN_YES || b == WITHIN_YES)
        return WITHIN_YES;
    return a == WITHIN_NO && b == WITHIN_NO ? WITHIN_NO : WITHIN_UNKNOWN;
}

static enum version_within compare(enum version_op op, enum version_order order)
{
    if (order == VERSION_UNKNOWN)
        return WITHIN_UNKNOWN;
    switch (op) {
    case OP_LESS:
        return within_of(order == VERSION_LESS);
    case OP_AT_MOST:
        return within_of(order != VERSION_GREATER);
    case OP_EQUAL:
        return within_of(order == VERSION_EQUAL);
    case OP_NOT_EQUAL:
        return within_of(order != VERSION_EQUAL);
    case OP_AT_LEAST:
        return within_of(order != VERSION_LESS);
    case OP_GREATER:
        return within_of(order == VERSION_GREATER);
    case OP_ANY:
    default:
        return WITHIN_YES;
    }
}

static enum version_within hold(const struct version_ranges *ranges,
                                const struct version_bound *bound, str version)
{
    const struct version_scheme *scheme = ranges->scheme;
    if (bound->op == OP_ANY)
        return WITHIN_YES;
    if ((ranges->dialect->flags & NO_LOCAL) &&
        str_find_byte(bound->version, '+') == bound->version.len)
        version = str_slice(version, 0, str_find_byte(version, '+'));
    enum version_order order = scheme->cmp(version, bound->version);
    bool is_named = order == VERSION_EQUAL && (bound->op == OP_EQUAL || bound->op == OP_NOT_EQUAL);
    if (scheme->is_moving && scheme->is_moving(version) && !is_named)
        return WITHIN_UNKNOWN;
    if (bound->is_prefix)
        return either(compare(OP_LESS, order),
                      compare(OP_AT_LEAST, scheme->cmp(version, bound->until)));
    return compare(bound->op, order);
}

enum version_within version_within(const struct version_ranges *ranges, str version)
{
    enum version_within any = WITHIN_NO, all = WITHIN_NO;
    if (ranges->bounds.len == 0 || !ranges->scheme->is_valid(version))
        return WITHIN_UNKNOWN;
    for (size_t i = 0; i < ranges->bounds.len; i++) {
        const struct version_bound *bound = &ranges->bounds.ptr[i];
        if (bound->is_alternative) {
            any = either(any, all);
            all = WITHIN_YES;
        }
        all = both(all, hold(ranges, bound, version));
    }
    return either(any, all);
}

bool version_dialect_holds_builds(const struct version_dialect *dialect)
{
    return dialect->flags & NO_LOCAL;
}

const struct version_dialect *version_dialect_find(str name)
{
    for (size_t i = 0; i < ARRAY_LEN(dialects); i++)
        if (str_eq(str_from(dialects[i].name), name))
            return &dialects[i];
    return NULL;
}

const struct version_dialect *version_dialects(size_t *n)
{
    *n = ARRAY_LEN(dialects);
    return dialects;
}
