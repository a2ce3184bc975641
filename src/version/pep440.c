/* SPDX-License-Identifier: Apache-2.0 */
/* pep440.c - Python's versions: PEP 440, Appendix B, with its normalisation.
 *
 *     [v][epoch!]number{.number}[{a|b|rc}N][.postN][.devN][+local]
 *
 * Zeroes at the end of the release say nothing.  A development release of nothing else comes before
 * every prerelease, a prerelease before the release, a post-release behind it; each has its own
 * development releases before it.  A local version comes behind the public one: its segments of
 * digits alone are numbers and come behind the others, which are text without case. */
#include "version/internal.h"

#include "base/num.h"

enum pre { PRE_DEV_ONLY, PRE_ALPHA, PRE_BETA, PRE_RC, PRE_NONE };

struct parts {
    str epoch, release, pre_number, post_number, dev_number, local;
    enum pre pre;
    bool has_post, has_dev;
};

struct word {
    str text;
    enum pre rank;
};
/* The longer of two that begin alike comes first. */
static const struct word pre_words[] = {
    {{"alpha", 5}, PRE_ALPHA}, {{"a", 1}, PRE_ALPHA}, {{"beta", 4}, PRE_BETA}, {{"b", 1}, PRE_BETA},
    {{"preview", 7}, PRE_RC},  {{"pre", 3}, PRE_RC},  {{"c", 1}, PRE_RC},      {{"rc", 2}, PRE_RC},
};
static const struct word post_words[] = {
    {{"post", 4}, PRE_NONE}, {{"rev", 3}, PRE_NONE}, {{"r", 1}, PRE_NONE}};
static const struct word dev_words[] = {{{"dev", 3}, PRE_NONE}};

/* --- parse ---------------------------------------------------------------------------------------
 */
static bool is_separator(unsigned char c) { return c == '-' || c == '_' || c == '.'; }

static bool has_word(str s, size_t i, str word)
{
    for (size_t j = 0; j < word.len; j++)
        if (version_lower(version_at(s, i + j)) != (unsigned char)word.ptr[j])
            return false;
    return true;
}

/* [separator] word [separator] [number]: the word; NULL when it is not there. */
static const struct word *take_word(str s, size_t *i, const struct word *words, size_t n,
                                    str *number)
{
    size_t from = *i + is_separator(version_at(s, *i));
    for (size_t w = 0; w < n; w++) {
        if (!has_word(s, from, words[w].text))
            continue;
        size_t at = from + words[w].text.len;
        at += is_separator(version_at(s, at));
        *i = version_digits(s, at);
        *number = version_part(s, at, *i);
        return &words[w];
    }
    return NULL;
}

static bool take_release(str s, size_t *i, struct parts *out)
{
    size_t end = version_digits(s, *i);
    if (end > *i && version_at(s, end) == '!') {
        out->epoch = version_part(s, *i, end);
        *i = end + 1;
        end = version_digits(s, *i);
    }
    if (end == *i)
        return false;
    while (version_at(s, end) == '.' && version_is_digit(version_at(s, end + 1)))
        end = version_digits(s, end + 1);
    out->release = version_part(s, *i, end);
    *i = end;
    return true;
}

static void take_post(str s, size_t *i, struct parts *out)
{
    if (version_at(s, *i) == '-' && version_is_digit(version_at(s, *i + 1))) {
        size_t end = version_digits(s, *i + 1); /* 1.0-1 is 1.0.post1 */
        out->post_number = version_part(s, *i + 1, end);
        out->has_post = true;
        *i = end;
        return;
    }
    out->has_post = take_word(s, i, post_words, ARRAY_LEN(post_words), &out->post_number) != NULL;
}

static bool take_local(str s, size_t *i, struct parts *out)
{
    if (version_at(s, *i) != '+')
        return true;
    size_t from = *i + 1, at = from;
    for (;; at++) {
        size_t begin = at;
        while (version_is_alnum(version_at(s, at)))
            at++;
        if (at == begin)
            return false;
        if (!is_separator(version_at(s, at)))
            break;
    }
    out->local = version_part(s, from, at);
    *i = at;
    return true;
}

static bool split(str version, struct parts *out)
{
    str s = str_trim(version);
    size_t i = version_lower(version_at(s, 0)) == 'v' ? 1 : 0;
    *out = (struct parts){.pre = PRE_NONE};
    if (!take_release(s, &i, out))
        return false;
    const struct word *pre = NULL;
    if (i < s.len) {
        pre = take_word(s, &i, pre_words, ARRAY_LEN(pre_words), &out->pre_number);
        take_post(s, &i, out);
        out->has_dev = take_word(s, &i, dev_words, ARRAY_LEN(dev_words), &out->dev_number) != NULL;
    }
    if (pre)
        out->pre = pre->rank;
    else if (out->has_dev && !out->has_post)
        out->pre = PRE_DEV_ONLY;
    return take_local(s, &i, out) && i == s.len;
}

/* --- compare -------------------------------------------------------------------------------------
 */
static str take_segment(str s, size_t *i)
{
    size_t from = *i, end = from;
    while (end < s.len && !is_separator(version_at(s, end)))
        end++;
    *i = end < s.len ? end + 1 : s.len;
    return version_part(s, from, end);
}

static int cmp_releases(str a, str b)
{
    int sign = 0;
    for (size_t i = 0, j = 0; sign == 0 && (i < a.len || j < b.len);)
        sign = version_cmp_numbers(take_segment(a, &i), take_segment(b, &j));
    return sign;
}

static int cmp_locals(str a, str b)
{
    size_t i = 0, j = 0;
    while (i < a.len && j < b.len) {
        str x = take_segment(a, &i), y = take_segment(b, &j);
        bool is_number = version_is_number(x);
        if (is_number != version_is_number(y))
            return is_number ? 1 : -1;
        int sign = is_number ? version_cmp_numbers(x, y) : version_cmp_nocase(x, y);
        if (sign)
            return sign;
    }
    return (i < a.len) - (j < b.len);
}

static int cmp_parts(const struct parts *a, const struct parts *b)
{
    int sign = version_cmp_numbers(a->epoch, b->epoch);
    if (!sign)
        sign = cmp_releases(a->release, b->release);
    if (!sign)
        sign = (int)a->pre - (int)b->pre;
    if (!sign)
        sign = version_cmp_numbers(a->pre_number, b->pre_number);
    if (!sign)
        sign = a->has_post - b->has_post;
    if (!sign)
        sign = version_cmp_numbers(a->post_number, b->post_number);
    if (!sign)
        sign = b->has_dev - a->has_dev;
    if (!sign)
        sign = version_cmp_numbers(a->dev_number, b->dev_number);
    return sign ? sign : cmp_locals(a->local, b->local);
}

static bool pep440_is_valid(str version)
{
    struct parts parts;
    return split(version, &parts);
}

static enum version_order pep440_cmp(str a, str b)
{
    struct parts pa, pb;
    if (!split(a, &pa) || !split(b, &pb))
        return VERSION_UNKNOWN;
    return version_order_of(cmp_parts(&pa, &pb));
}

extern const struct version_scheme version_pep440;
const struct version_scheme version_pep440 = {
    .name = "pep440",
    .spec = "PEP 440; PyPA, Version specifiers",
    .is_valid = pep440_is_valid,
    .cmp = pep440_cmp,
};
