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

/* Digits from @i on: the index behind them. */
static inline size_t version_digits(str s, size_t i)
{
    while (version_is_digit(version_at(s, i)))
        i++;
    return i;
}

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
