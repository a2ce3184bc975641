/* SPDX-License-Identifier: Apache-2.0 */
/* apk.c - the order of Alpine's apk-tools: apk-package(5), "PACKAGE VERSION".
 *
 *     number{.number}[letter]{_suffix[number]}[~hash][-rN]
 *
 * Tokens are compared in turns.  Where one version has a token of an earlier kind than the other it
 * is the greater one, unless that token is a suffix of a pre-release.  A number behind a dot that
 * begins with a zero, on either side, is compared as text (1.05 < 1.1), the first number never is.
 */
#include "version/internal.h"

#include "base/num.h"

/* In the order in which they may follow each other, which is the order that decides. */
enum kind {
    TOKEN_FIRST_NUMBER,
    TOKEN_NUMBER,
    TOKEN_LETTER,
    TOKEN_SUFFIX,
    TOKEN_SUFFIX_NUMBER,
    TOKEN_HASH,
    TOKEN_REVISION,
    TOKEN_END,
    TOKEN_INVALID,
};

/* Below zero: before the release itself. */
static const struct {
    str name;
    int rank;
} suffixes[] = {
    {{"alpha", 5}, -4}, {{"beta", 4}, -3}, {{"pre", 3}, -2}, {{"rc", 2}, -1}, {{"cvs", 3}, 1},
    {{"svn", 3}, 2},    {{"git", 3}, 3},   {{"hg", 2}, 4},   {{"p", 1}, 5},
};

struct token {
    enum kind kind;
    int rank;    /* of a suffix */
    str value;   /* digits, letter, hash */
    size_t next; /* index behind it */
};

static bool number(struct token *t, str s, size_t from, enum kind kind)
{
    size_t end = version_digits(s, from);
    if (end == from)
        return false;
    *t = (struct token){.kind = kind, .value = version_part(s, from, end), .next = end};
    return true;
}

static bool suffix(struct token *t, str s, size_t from)
{
    size_t end = from;
    while (version_is_lower(version_at(s, end)))
        end++;
    str word = version_part(s, from, end);
    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++)
        if (str_eq(suffixes[i].name, word)) {
            *t = (struct token){.kind = TOKEN_SUFFIX, .rank = suffixes[i].rank, .next = end};
            return true;
        }
    return false;
}

static bool hash(struct token *t, str s, size_t from)
{
    size_t end = from;
    while (version_is_digit(version_at(s, end)) ||
           (version_at(s, end) >= 'a' && version_at(s, end) <= 'f'))
        end++;
    *t = (struct token){.kind = TOKEN_HASH, .value = version_part(s, from, end), .next = end};
    return end > from;
}

static bool letter(struct token *t, str s, size_t at)
{
    *t = (struct token){.kind = TOKEN_LETTER, .value = version_part(s, at, at + 1), .next = at + 1};
    return true;
}

/* The token behind @t; false when there is none that may stand there. */
static bool parse_next(struct token *t, str s)
{
    size_t at = t->next;
    unsigned char c = version_at(s, at);
    if (version_is_lower(c))
        return t->kind <= TOKEN_NUMBER && letter(t, s, at);
    if (version_is_digit(c))
        return t->kind == TOKEN_SUFFIX && number(t, s, at, TOKEN_SUFFIX_NUMBER);
    switch (c) {
    case '.':
        return t->kind <= TOKEN_NUMBER && number(t, s, at + 1, TOKEN_NUMBER);
    case '_':
        return t->kind <= TOKEN_SUFFIX_NUMBER && suffix(t, s, at + 1);
    case '~':
        return t->kind < TOKEN_HASH && hash(t, s, at + 1);
    case '-':
        return t->kind < TOKEN_REVISION && version_at(s, at + 1) == 'r' &&
               number(t, s, at + 2, TOKEN_REVISION);
    default:
        return false;
    }
}

static void next(struct token *t, str s)
{
    if (t->next == s.len)
        t->kind = TOKEN_END;
    else if (!parse_next(t, s))
        t->kind = TOKEN_INVALID;
}

static struct token first(str s)
{
    struct token t = {.kind = TOKEN_INVALID};
    if (!number(&t, s, 0, TOKEN_FIRST_NUMBER))
        t.kind = TOKEN_INVALID;
    return t;
}

static int cmp_token(const struct token *a, const struct token *b)
{
    if (a->kind == TOKEN_SUFFIX)
        return (a->rank > b->rank) - (a->rank < b->rank);
    bool is_text = a->kind == TOKEN_LETTER || a->kind == TOKEN_HASH ||
                   (a->kind == TOKEN_NUMBER &&
                    (version_at(a->value, 0) == '0' || version_at(b->value, 0) == '0'));
    return is_text ? str_cmp(a->value, b->value) : version_cmp_numbers(a->value, b->value);
}

static int cmp_kind(const struct token *a, const struct token *b)
{
    if (a->kind == TOKEN_SUFFIX && a->rank < 0)
        return -1;
    if (b->kind == TOKEN_SUFFIX && b->rank < 0)
        return 1;
    return a->kind > b->kind ? -1 : 1;
}

static bool apk_is_valid(str version)
{
    struct token t = first(version);
    while (t.kind < TOKEN_END)
        next(&t, version);
    return t.kind == TOKEN_END;
}

static enum version_order apk_cmp(str a, str b)
{
    if (!apk_is_valid(a) || !apk_is_valid(b))
        return VERSION_UNKNOWN;
    struct token ta = first(a), tb = first(b);
    while (ta.kind == tb.kind && ta.kind < TOKEN_END) {
        int sign = cmp_token(&ta, &tb);
        if (sign)
            return version_order_of(sign);
        next(&ta, a);
        next(&tb, b);
    }
    return ta.kind == tb.kind ? VERSION_EQUAL : version_order_of(cmp_kind(&ta, &tb));
}

extern const struct version_scheme version_apk;
const struct version_scheme version_apk = {
    .name = "apk",
    .spec = "apk-tools, apk-package(5)",
    .is_valid = apk_is_valid,
    .cmp = apk_cmp,
};
