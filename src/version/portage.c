/* SPDX-License-Identifier: Apache-2.0 */
/* portage.c - the order of Gentoo's ebuilds: Package Manager Specification, 3.2 and 3.3.
 *
 *     number{.number}[letter]{_suffix[number]}[-rN]
 *
 * The first numbers are compared as numbers.  Of the others, one that begins with a zero makes its
 * pair text, without the zeroes at their ends (1.10 > 1.1, but 1.010 = 1.01); more of them is
 * greater.  Then the letters, the suffixes (alpha < beta < pre < rc < none < p) and the revisions.
 */
#include "version/internal.h"

#include "base/num.h"

struct cursor {
    str s;
    size_t at;
};

static const struct {
    str name;
    int rank; /* none is 0 */
} suffixes[] = {
    {{"alpha", 5}, -4}, {{"beta", 4}, -3}, {{"pre", 3}, -2}, {{"rc", 2}, -1}, {{"p", 1}, 1},
};

static str take_digits(struct cursor *c)
{
    size_t from = c->at;
    c->at = version_digits(c->s, from);
    return version_part(c->s, from, c->at);
}

/* The number behind a dot; false when there is none. */
static bool take_component(struct cursor *c, str *number)
{
    if (version_at(c->s, c->at) != '.' || !version_is_digit(version_at(c->s, c->at + 1)))
        return false;
    c->at++;
    *number = take_digits(c);
    return true;
}

/* 0: none. */
static unsigned char take_letter(struct cursor *c)
{
    unsigned char letter = version_at(c->s, c->at);
    if (!version_is_lower(letter))
        return 0;
    c->at++;
    return letter;
}

/* Its rank, and the number behind it, none of which is zero; rank 0: none. */
static int take_suffix(struct cursor *c, str *number)
{
    *number = STR_NONE;
    if (version_at(c->s, c->at) != '_')
        return 0;
    size_t end = c->at + 1;
    while (version_is_lower(version_at(c->s, end)))
        end++;
    str word = version_part(c->s, c->at + 1, end);
    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++)
        if (str_eq(suffixes[i].name, word)) {
            c->at = end;
            *number = take_digits(c);
            return suffixes[i].rank;
        }
    return 0;
}

static str take_revision(struct cursor *c)
{
    if (version_at(c->s, c->at) != '-' || version_at(c->s, c->at + 1) != 'r' ||
        !version_is_digit(version_at(c->s, c->at + 2)))
        return STR_NONE;
    c->at += 2;
    return take_digits(c);
}

static bool portage_is_valid(str version)
{
    struct cursor c = {version, 0};
    str number;
    if (take_digits(&c).len == 0)
        return false;
    while (take_component(&c, &number))
        continue;
    take_letter(&c);
    while (take_suffix(&c, &number))
        continue;
    take_revision(&c);
    return c.at == version.len;
}

static str without_end_zeroes(str s)
{
    while (s.len && s.ptr[s.len - 1] == '0')
        s.len--;
    return s;
}

/* Algorithms 3.2 and 3.3. */
static int cmp_numbers(struct cursor *a, struct cursor *b)
{
    int sign = version_cmp_numbers(take_digits(a), take_digits(b));
    while (sign == 0) {
        str na = STR_NONE, nb = STR_NONE;
        bool has_a = take_component(a, &na), has_b = take_component(b, &nb);
        if (!has_a || !has_b)
            return (int)has_a - (int)has_b;
        bool is_text = version_at(na, 0) == '0' || version_at(nb, 0) == '0';
        sign = is_text ? str_cmp(without_end_zeroes(na), without_end_zeroes(nb))
                       : version_cmp_numbers(na, nb);
    }
    return sign;
}

/* Algorithms 3.5 and 3.6.  Where one has no more suffixes, its rank is 0. */
static int cmp_suffixes(struct cursor *a, struct cursor *b)
{
    for (;;) {
        str na = STR_NONE, nb = STR_NONE;
        int ra = take_suffix(a, &na), rb = take_suffix(b, &nb);
        if (ra != rb)
            return ra < rb ? -1 : 1;
        int sign = version_cmp_numbers(na, nb);
        if (ra == 0 || sign)
            return sign;
    }
}

static enum version_order portage_cmp(str sa, str sb)
{
    if (!portage_is_valid(sa) || !portage_is_valid(sb))
        return VERSION_UNKNOWN;
    struct cursor a = {sa, 0}, b = {sb, 0};
    int sign = cmp_numbers(&a, &b);
    if (!sign)
        sign = (int)take_letter(&a) - (int)take_letter(&b);
    if (!sign)
        sign = cmp_suffixes(&a, &b);
    if (!sign)
        sign = version_cmp_numbers(take_revision(&a), take_revision(&b));
    return version_order_of(sign);
}

extern const struct version_scheme version_portage;
const struct version_scheme version_portage = {
    .name = "portage",
    .spec = "Gentoo Package Manager Specification, 3.2 and 3.3",
    .is_valid = portage_is_valid,
    .cmp = portage_cmp,
};
