/* SPDX-License-Identifier: Apache-2.0 */
/* internal.h - what the orderings share: checked access to one character, and numbers of any
 * length.  No allocation: matching compares millions of times a second. */
#pragma once

#include "version/version.h"

#include <string.h>

/* The character at @i, or 0 behind the end.  A NUL inside is valid in no ordering. */
static inline unsigned char version_at(str s, size_t i)
{
    return i < s.len ? (unsigned char)s.ptr[i] : 0;
}
static inline bool version_is_digit(unsigned char c) { return c >= '0' && c <= '9'; }
static inline bool version_is_lower(unsigned char c) { return c >= 'a' && c <= 'z'; }
static inline bool version_is_letter(unsigned char c)
{
    return version_is_lower(c) || (c >= 'A' && c <= 'Z');
}
static inline bool version_is_alnum(unsigned char c)
{
    return version_is_digit(c) || version_is_letter(c);
}
static inline unsigned char version_lower(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c + 32) : c;
}
/* Bytewise without case: -1, 0, 1. */
static inline int version_cmp_nocase(str a, str b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    for (size_t i = 0; i < n; i++) {
        int sign = version_lower(version_at(a, i)) - version_lower(version_at(b, i));
        if (sign)
            return sign < 0 ? -1 : 1;
    }
    return (a.len > b.len) - (a.len < b.len);
}

/* Digits from @i on: the index behind them. */
static inline size_t version_digits(str s, size_t i)
{
    while (version_is_digit(version_at(s, i)))
        i++;
    return i;
}
static inline bool version_is_number(str s) { return s.len && version_digits(s, 0) == s.len; }

static inline str version_part(str s, size_t from, size_t to)
{
    return from < to ? (str){s.ptr + from, to - from} : STR_NONE;
}

static inline enum version_order version_order_of(int sign)
{
    return sign < 0 ? VERSION_LESS : sign > 0 ? VERSION_GREATER : VERSION_EQUAL;
}

/* Two runs of digits as numbers, however long: -1, 0, 1.  Empty is zero. */
static inline int version_cmp_numbers(str a, str b)
{
    size_t i = 0, j = 0;
    while (version_at(a, i) == '0')
        i++;
    while (version_at(b, j) == '0')
        j++;
    size_t n = a.len - i, m = b.len - j;
    if (n != m)
        return n < m ? -1 : 1;
    int sign = n ? memcmp(a.ptr + i, b.ptr + j, n) : 0;
    return (sign > 0) - (sign < 0);
}

/* Numbers between dots; missing ones are zero. */
int version_cmp_number_lists(str a, str b);

/* --- SemVer and its kin (precedence.c)
 * -------------------------------------------------------------- */
enum {
    GRAMMAR_TRIMMED = 1, /* white space around it is none of it */
    GRAMMAR_ZEROES = 2,  /* numbers may begin with a zero */
    GRAMMAR_BUILD = 4,   /* build metadata is ordered too, none before any */
    GRAMMAR_NOCASE = 8,  /* identifiers compare without case */
    GRAMMAR_LOOSE = 16,  /* npm: any of "v", "=" and white space before, 1.2.3beta as 1.2.3-beta */
    GRAMMAR_WHOLE = 32,  /* fewer than the most numbers stand alone: no prerelease, no build */
};
struct version_grammar {
    unsigned flags;
    size_t least, most; /* numbers; most 0: any count.  Missing ones are zero */
};
struct version_precedence {
    str numbers, prerelease, build; /* as written, without the signs between them */
};
bool precedence_split(str version, struct version_grammar grammar, struct version_precedence *out);
/* The sign, by SemVer 2.0.0, 11. */
int precedence_sign(const struct version_precedence *a, const struct version_precedence *b,
                    unsigned flags);
bool precedence_is_valid(str version, struct version_grammar grammar);
enum version_order precedence_cmp(str a, str b, struct version_grammar grammar);

/* --- ranges (range.c): does a bound hold the builds ("+local") of its version too? */
bool version_dialect_holds_builds(const struct version_dialect *dialect);

/* --- ranges (range_made.c)
 * -------------------------------------------------------------------------------- */
enum { PATTERN_NUMBERS = 16 };
/* A version, or what one begins with: [epoch!]number{.number}[.*][suffix] */
struct version_pattern {
    str text, epoch; /* epoch with its sign */
    str numbers[PATTERN_NUMBERS];
    size_t n;        /* numbers before the first wildcard */
    bool is_wild;    /* ends with a wildcard */
    bool is_partial; /* has fewer numbers than a whole version, and that means a wildcard */
    str suffix;
};
enum { PATTERN_WILD = 1, PATTERN_X = 2, PATTERN_PARTIAL = 4 };
bool version_pattern_read(str text, unsigned flags, size_t n_whole, struct version_pattern *out);
/* The numbers, as many as @n with zeroes behind them, and @suffix; ptr NULL: arena used up. */
str version_pattern_make(struct arena *arena, const struct version_pattern *pattern, size_t n,
                         str suffix);
/* The same with the number at @index one higher and the ones behind it away. */
str version_pattern_bump(struct arena *arena, const struct version_pattern *pattern, size_t index,
                         size_t n, str suffix);
