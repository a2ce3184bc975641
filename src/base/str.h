/* SPDX-License-Identifier: Apache-2.0 */
/* str.h - a borrowed run of bytes.  Not: a C string; it may hold NUL and has no terminator.
 * Owns: nothing; the bytes belong to whoever made them (an arena, a mapping, a literal).
 * Threads: plain values. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NODISCARD __attribute__((warn_unused_result))
#define PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

typedef struct {
    const char *ptr; /* borrowed; NULL only when len is 0 */
    size_t len;
} str;

#define STR(literal) ((str){("" literal), sizeof(literal) - 1})
#define STR_NONE ((str){NULL, 0})

/* printf("%.*s", STR_ARG(s)): longer than INT_MAX is cut, which only messages do. */
#define STR_FMT "%.*s"
#define STR_ARG(s) ((s).len > 4096 ? 4096 : (int)(s).len), ((s).ptr ? (s).ptr : "")

static inline str str_from(const char *c) /* NULL gives the empty string */
{
    return c ? (str){c, __builtin_strlen(c)} : STR_NONE;
}
static inline str str_of(const char *ptr, size_t len) { return (str){ptr, len}; }
static inline bool str_is_empty(str s) { return s.len == 0; }

static inline bool str_eq(str a, str b)
{
    return a.len == b.len &&
           (a.len == 0 || a.ptr == b.ptr || __builtin_memcmp(a.ptr, b.ptr, a.len) == 0);
}
bool str_eq_nocase(str a, str b); /* ASCII only */
int str_cmp(str a, str b);        /* bytewise; -1, 0, 1 */
static inline bool str_starts(str s, str prefix)
{
    return s.len >= prefix.len && str_eq(str_of(s.ptr, prefix.len), prefix);
}
bool str_ends(str s, str suffix);
bool str_has(str s, str needle);

/* Index of the first match, or s.len when there is none. */
size_t str_find(str s, str needle);
size_t str_find_byte(str s, char c);
size_t str_rfind_byte(str s, char c);

/* The part from @from to before @to; both are cut to the length. */
static inline str str_slice(str s, size_t from, size_t to)
{
    if (to > s.len)
        to = s.len;
    return from >= to ? STR_NONE : (str){s.ptr + from, to - from};
}
static inline str str_skip(str s, size_t n) { return str_slice(s, n, s.len); }
str str_trim(str s); /* ASCII white space, both ends */

/* Split at the first @sep: true and both halves when it is there; otherwise *head is all of @s and
 * *tail is empty.  @head or @tail may be the address of @s itself. */
bool str_cut(str s, str sep, str *head, str *tail);
bool str_cut_byte(str s, char sep, str *head, str *tail);

/* One step of a loop over the fields of @rest; false when none is left.  Empty fields count. */
bool str_next(str *rest, char sep, str *field);

/* Decimal digits only, nothing else, at most @max. */
NODISCARD bool str_to_u64(str s, uint64_t max, uint64_t *out);
