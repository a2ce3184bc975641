/* SPDX-License-Identifier: Apache-2.0 */
/* gem.c - RubyGems: Gem::Version.
 *
 *     number{.word}[-word{.word}]
 *
 * A version is the row of its runs of digits and of letters; a hyphen reads ".pre.".  Zeroes at the
 * end say nothing, nor those before the first letters: 1.0.a is 1.a.  Letters come before numbers,
 * and where one row ends it goes on with zeroes: 1.a < 1 < 1.1. */
#include "version/internal.h"

struct segment {
    str text;
    bool is_number;
};

struct cursor {
    str s;
    size_t at;
    size_t numbers_end; /* behind the last number before the first letters that is not zero */
    size_t letters;     /* where the first letters are */
    size_t end;         /* behind the last segment that is not zero */
};

/* --- parse ---------------------------------------------------------------------------------------
 */
/* The characters of one word from @i on: the index behind them. */
static size_t word_end(str s, size_t i, bool has_hyphens)
{
    while (version_is_alnum(version_at(s, i)) || (has_hyphens && version_at(s, i) == '-'))
        i++;
    return i;
}

static bool is_version(str s)
{
    size_t i = version_digits(s, 0);
    bool is_suffix = false;
    if (i == 0)
        return false;
    while (i < s.len) {
        unsigned char c = version_at(s, i);
        if (c == '-' && !is_suffix)
            is_suffix = true;
        else if (c != '.')
            return false;
        size_t end = word_end(s, i + 1, is_suffix);
        if (end == i + 1)
            return false;
        i = end;
    }
    return true;
}

/* The next segment from @i on; the text is empty behind the last. */
static struct segment take_segment(str s, size_t *i)
{
    while (version_at(s, *i) == '.')
        ++*i;
    size_t from = *i, end = version_digits(s, from);
    if (end > from) {
        *i = end;
        return (struct segment){version_part(s, from, end), true};
    }
    if (version_at(s, from) == '-') {
        *i = from + 1;
        return (struct segment){STR("pre"), false};
    }
    while (version_is_letter(version_at(s, end)))
        end++;
    *i = end;
    return (struct segment){version_part(s, from, end), false};
}

static bool open(str version, struct cursor *out)
{
    *out = (struct cursor){.s = str_trim(version)};
    if (!is_version(out->s))
        return false;
    out->letters = out->s.len;
    for (size_t i = 0; i < out->s.len;) {
        size_t from = i;
        struct segment segment = take_segment(out->s, &i);
        if (!segment.is_number && out->letters == out->s.len)
            out->letters = from;
        if (segment.is_number && version_cmp_numbers(segment.text, STR_NONE) == 0)
            continue;
        out->end = i;
        if (out->letters == out->s.len)
            out->numbers_end = i;
    }
    return true;
}

/* --- compare -------------------------------------------------------------------------------------
 */
/* Behind the last one there are zeroes. */
static struct segment next(struct cursor *c)
{
    if (c->at >= c->numbers_end && c->at < c->letters)
        c->at = c->letters;
    if (c->at >= c->end)
        return (struct segment){STR("0"), true};
    return take_segment(c->s, &c->at);
}

static int cmp_segments(struct segment a, struct segment b)
{
    if (a.is_number != b.is_number)
        return a.is_number ? 1 : -1;
    return a.is_number ? version_cmp_numbers(a.text, b.text) : str_cmp(a.text, b.text);
}

static bool gem_is_valid(str version) { return is_version(str_trim(version)); }

static enum version_order gem_cmp(str sa, str sb)
{
    struct cursor a, b;
    if (!open(sa, &a) || !open(sb, &b))
        return VERSION_UNKNOWN;
    int sign = 0;
    while (sign == 0 && (a.at < a.end || b.at < b.end))
        sign = cmp_segments(next(&a), next(&b));
    return version_order_of(sign);
}

extern const struct version_scheme version_gem;
const struct version_scheme version_gem = {
    .name = "gem",
    .spec = "RubyGems, Gem::Version",
    .is_valid = gem_is_valid,
    .cmp = gem_cmp,
};
