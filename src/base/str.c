/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

#include <string.h>

static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

bool str_eq_nocase(str a, str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.ptr[i]) != lower(b.ptr[i]))
            return false;
    return true;
}

int str_cmp(str a, str b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int c = n ? memcmp(a.ptr, b.ptr, n) : 0;
    if (c != 0)
        return c < 0 ? -1 : 1;
    return (a.len > b.len) - (a.len < b.len);
}

bool str_ends(str s, str suffix)
{
    return s.len >= suffix.len && str_eq(str_skip(s, s.len - suffix.len), suffix);
}

bool str_has(str s, str needle) { return needle.len == 0 || str_find(s, needle) < s.len; }

size_t str_find(str s, str needle)
{
    if (needle.len == 0 || s.len < needle.len)
        return needle.len == 0 ? 0 : s.len;
    const char *hit = memmem(s.ptr, s.len, needle.ptr, needle.len);
    return hit ? (size_t)(hit - s.ptr) : s.len;
}

size_t str_find_byte(str s, char c)
{
    const char *hit = s.len ? memchr(s.ptr, c, s.len) : NULL;
    return hit ? (size_t)(hit - s.ptr) : s.len;
}

size_t str_rfind_byte(str s, char c)
{
    const char *hit = s.len ? memrchr(s.ptr, c, s.len) : NULL;
    return hit ? (size_t)(hit - s.ptr) : s.len;
}

static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

str str_trim(str s)
{
    while (s.len && is_space(s.ptr[0]))
        s = str_skip(s, 1);
    while (s.len && is_space(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

static bool cut_at(str s, size_t at, size_t sep_len, str *head, str *tail)
{
    bool found = at < s.len;
    *head = str_slice(s, 0, at);
    *tail = found ? str_skip(s, at + sep_len) : STR_NONE;
    return found;
}

bool str_cut(str s, str sep, str *head, str *tail)
{
    return cut_at(s, str_find(s, sep), sep.len, head, tail);
}

bool str_cut_byte(str s, char sep, str *head, str *tail)
{
    return cut_at(s, str_find_byte(s, sep), 1, head, tail);
}

bool str_next(str *rest, char sep, str *field)
{
    if (rest->ptr == NULL)
        return false;
    str tail;
    if (!str_cut_byte(*rest, sep, field, &tail))
        *rest = STR_NONE;
    else
        *rest = tail.ptr ? tail : STR("");
    return true;
}

bool str_to_u64(str s, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;
    if (s.len == 0 || s.len > 20)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
        if (__builtin_mul_overflow(value, (uint64_t)10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(s.ptr[i] - '0'), &value))
            return false;
    }
    if (value > max)
        return false;
    *out = value;
    return true;
}
