/* SPDX-License-Identifier: Apache-2.0 */
/* precedence.c - SemVer 2.0.0 and what its kin change (semver.org, items 2, 9, 10 and 11).
 *
 *     number.number.number[-identifier{.identifier}][+identifier{.identifier}]
 *
 * Numbers compare as numbers.  A prerelease comes before its release; identifiers of digits alone
 * compare as numbers and come before the others, which compare as ASCII text; of two lists that
 * begin alike the shorter comes first.  Build metadata says nothing, but to Dart and Julia. */
#include "version/internal.h"

#include "base/num.h"

static bool is_space(unsigned char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
static bool is_identifier(unsigned char c) { return version_is_alnum(c) || c == '-'; }

/* --- parse ---------------------------------------------------------------------------------------
 */
static size_t skip_prefix(str s, unsigned flags)
{
    size_t i = 0;
    if (flags & GRAMMAR_LOOSE) {
        while (is_space(version_at(s, i)) || version_at(s, i) == '=' ||
               version_lower(version_at(s, i)) == 'v')
            i++;
        return i;
    }
    return version_lower(version_at(s, 0)) == 'v' ? 1 : 0;
}

/* Numbers between dots from @i on: the index behind them, and how many; 0 when one is no number. */
static size_t take_numbers(str s, size_t i, struct version_grammar grammar, size_t *n)
{
    for (*n = 0;;) {
        size_t end = version_digits(s, i);
        if (end == i || (end - i > 1 && s.ptr[i] == '0' && !(grammar.flags & GRAMMAR_ZEROES)))
            return 0;
        i = end;
        ++*n;
        if (version_at(s, i) != '.' || *n == grammar.most)
            return i;
        i++;
    }
}

/* Identifiers between dots from @i on: the index behind them, or @i when one is none. */
static size_t take_identifiers(str s, size_t i, bool has_zeroes)
{
    size_t from = i;
    for (;;) {
        size_t begin = i;
        bool is_number = true;
        for (; is_identifier(version_at(s, i)); i++)
            is_number = is_number && version_is_digit(s.ptr[i]);
        bool is_odd = !has_zeroes && is_number && i - begin > 1 && s.ptr[begin] == '0';
        if (i == begin || is_odd)
            return from;
        if (version_at(s, i) != '.')
            return i;
        i++;
    }
}

static bool take_prerelease(str s, size_t *i, unsigned flags, str *out)
{
    bool has_hyphen = version_at(s, *i) == '-';
    *out = STR_NONE;
    if (!has_hyphen && !((flags & GRAMMAR_LOOSE) && version_is_letter(version_at(s, *i))))
        return true;
    size_t from = *i + has_hyphen;
    *i = take_identifiers(s, from, flags & GRAMMAR_ZEROES);
    *out = version_part(s, from, *i);
    return out->len > 0;
}

static bool take_build(str s, size_t *i, str *out)
{
    *out = STR_NONE;
    if (version_at(s, *i) != '+')
        return true;
    size_t from = *i + 1;
    *i = take_identifiers(s, from, true);
    *out = version_part(s, from, *i);
    return out->len > 0;
}

bool precedence_split(str version, struct version_grammar grammar, struct version_precedence *out)
{
    str s = grammar.flags & GRAMMAR_TRIMMED ? str_trim(version) : version;
    size_t n, from = skip_prefix(s, grammar.flags), i = take_numbers(s, from, grammar, &n);
    if (i == 0 || n < grammar.least)
        return false;
    out->numbers = version_part(s, from, i);
    if ((grammar.flags & GRAMMAR_WHOLE) && n < grammar.most) {
        out->prerelease = out->build = STR_NONE;
        return i == s.len;
    }
    return take_prerelease(s, &i, grammar.flags, &out->prerelease) &&
           take_build(s, &i, &out->build) && i == s.len;
}

/* --- compare -------------------------------------------------------------------------------------
 */
static str take_number(str s, size_t *i)
{
    size_t from = *i, end = version_digits(s, from);
    *i = end < s.len ? end + 1 : s.len;
    return version_part(s, from, end);
}

int version_cmp_number_lists(str a, str b)
{
    int sign = 0;
    for (size_t i = 0, j = 0; sign == 0 && (i < a.len || j < b.len);)
        sign = version_cmp_numbers(take_number(a, &i), take_number(b, &j));
    return sign;
}

static str take_identifier(str s, size_t *i)
{
    size_t from = *i, end = from;
    while (end < s.len && s.ptr[end] != '.')
        end++;
    *i = end < s.len ? end + 1 : s.len;
    return version_part(s, from, end);
}

static int cmp_identifiers(str a, str b, unsigned flags)
{
    bool is_number = version_is_number(a);
    if (is_number != version_is_number(b))
        return is_number ? -1 : 1;
    if (is_number)
        return version_cmp_numbers(a, b);
    return flags & GRAMMAR_NOCASE ? version_cmp_nocase(a, b) : str_cmp(a, b);
}

static int cmp_identifier_lists(str a, str b, unsigned flags)
{
    size_t i = 0, j = 0;
    while (i < a.len && j < b.len) {
        int sign = cmp_identifiers(take_identifier(a, &i), take_identifier(b, &j), flags);
        if (sign)
            return sign;
    }
    return (i < a.len) - (j < b.len);
}

int precedence_sign(const struct version_precedence *a, const struct version_precedence *b,
                    unsigned flags)
{
    int sign = version_cmp_number_lists(a->numbers, b->numbers);
    if (!sign)
        sign = (a->prerelease.len == 0) - (b->prerelease.len == 0);
    if (!sign)
        sign = cmp_identifier_lists(a->prerelease, b->prerelease, flags);
    if (!sign && (flags & GRAMMAR_BUILD))
        sign = cmp_identifier_lists(a->build, b->build, flags);
    return sign;
}

bool precedence_is_valid(str version, struct version_grammar grammar)
{
    struct version_precedence parts;
    return precedence_split(version, grammar, &parts);
}

enum version_order precedence_cmp(str a, str b, struct version_grammar grammar)
{
    struct version_precedence pa, pb;
    if (!precedence_split(a, grammar, &pa) || !precedence_split(b, grammar, &pb))
        return VERSION_UNKNOWN;
    return version_order_of(precedence_sign(&pa, &pb, grammar.flags));
}
