/* SPDX-License-Identifier: Apache-2.0 */
/* range_made.c - the versions that a range makes of those it names: "^1.2" ends before 2.0.0-0. */
#include "version/internal.h"

static bool is_wildcard(str s, size_t i, unsigned flags)
{
    unsigned char c = version_at(s, i);
    unsigned char next = version_at(s, i + 1);
    bool is_sign =
        ((flags & PATTERN_WILD) && c == '*') || ((flags & PATTERN_X) && version_lower(c) == 'x');
    return is_sign && !version_is_alnum(next);
}

/* "{.*}" and nothing else. */
static bool only_wildcards(str s, size_t i, unsigned flags)
{
    while (i < s.len) {
        if (!is_wildcard(s, i, flags))
            return false;
        i++;
        if (i == s.len)
            return true;
        if (version_at(s, i++) != '.')
            return false;
    }
    return false;
}

bool version_pattern_read(str text, unsigned flags, size_t n_whole, struct version_pattern *out)
{
    size_t i = 0, mark = version_digits(text, 0);
    *out = (struct version_pattern){.text = text};
    if (mark && version_at(text, mark) == '!') {
        i = mark + 1;
        out->epoch = version_part(text, 0, i);
    } else if (version_lower(version_at(text, 0)) == 'v' && version_is_digit(version_at(text, 1))) {
        i = 1;
    }
    while (out->n < PATTERN_NUMBERS) {
        if (is_wildcard(text, i, flags)) {
            out->is_wild = true;
            return only_wildcards(text, i, flags);
        }
        size_t end = version_digits(text, i);
        if (end == i)
            break;
        out->numbers[out->n++] = version_part(text, i, end);
        bool goes_on =
            version_at(text, end) == '.' &&
            (version_is_digit(version_at(text, end + 1)) || is_wildcard(text, end + 1, flags));
        i = end + goes_on;
        if (!goes_on)
            break;
    }
    out->suffix = str_skip(text, i);
    out->is_partial = (flags & PATTERN_PARTIAL) && out->n < n_whole && out->suffix.len == 0;
    return out->n > 0;
}

/* A number one higher, however long. */
static str higher(struct arena *arena, str number)
{
    char *out = arena_alloc(arena, number.len + 1);
    if (!out)
        return STR_NONE;
    memcpy(out + 1, number.ptr, number.len);
    out[0] = '0';
    size_t i = number.len;
    while (i > 0 && out[i] == '9')
        out[i--] = '0';
    out[i]++;
    return out[0] == '0' ? str_of(out + 1, number.len) : str_of(out, number.len + 1);
}

static size_t append(char *to, size_t at, str s)
{
    if (s.len)
        memcpy(to + at, s.ptr, s.len);
    return at + s.len;
}

str version_pattern_make(struct arena *arena, const struct version_pattern *pattern, size_t n,
                         str suffix)
{
    size_t size = pattern->epoch.len + suffix.len;
    if (n < pattern->n)
        n = pattern->n;
    for (size_t i = 0; i < n; i++)
        size += 2 + (i < pattern->n ? pattern->numbers[i].len : 0);
    char *out = arena_alloc(arena, size + 1);
    if (!out)
        return STR_NONE;
    size_t at = append(out, 0, pattern->epoch);
    for (size_t i = 0; i < n; i++) {
        at = append(out, at, i ? STR(".") : STR_NONE);
        at = append(out, at, i < pattern->n ? pattern->numbers[i] : STR("0"));
    }
    return str_of(out, append(out, at, suffix));
}

str version_pattern_bump(struct arena *arena, const struct version_pattern *pattern, size_t index,
                         size_t n, str suffix)
{
    struct version_pattern made = *pattern;
    for (; made.n <= index && made.n < PATTERN_NUMBERS; made.n++)
        made.numbers[made.n] = STR("0");
    made.n = index + 1;
    made.numbers[index] = higher(arena, made.numbers[index]);
    return made.numbers[index].ptr ? version_pattern_make(arena, &made, n, suffix) : STR_NONE;
}
