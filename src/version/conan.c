/* SPDX-License-Identifier: Apache-2.0 */
/* conan.c - Conan 2's Version: items between dots, -prerelease from the first hyphen, +build from
 * the last plus, both of them versions again.
 *
 * Zeroes at the end say nothing.  Items of digits are numbers; a number and a word compare as text,
 * as Conan has it, which is no order of three: 3 > 2a > 100 > 3.  A prerelease comes before its
 * release, a build behind what has none. */
#include "version/internal.h"

struct parts {
    str items, pre, build;
};

static bool conan_is_valid(str version)
{
    for (size_t i = 0; i < version.len; i++) {
        unsigned char c = version_at(version, i);
        if (!version_is_alnum(c) && c != '_' && c != '.' && c != '-' && c != '+')
            return false;
    }
    return version.len && (version_is_alnum(version_at(version, 0)) || version.ptr[0] == '_');
}

static struct parts split(str s)
{
    struct parts out = {.items = s};
    size_t plus = str_rfind_byte(s, '+');
    if (plus < s.len) {
        out.build = str_skip(s, plus + 1);
        out.items = str_slice(s, 0, plus);
    }
    (void)str_cut_byte(out.items, '-', &out.items, &out.pre);
    return out;
}

static bool is_zero(str item)
{
    return version_is_number(item) && version_cmp_numbers(item, STR_NONE) == 0;
}

static str without_end_zeroes(str items)
{
    while (items.len) {
        size_t dot = str_rfind_byte(items, '.');
        size_t from = dot < items.len ? dot + 1 : 0;
        if (!is_zero(str_skip(items, from)))
            break;
        items = str_slice(items, 0, from ? from - 1 : 0);
    }
    return items;
}

static str without_front_zeroes(str number)
{
    size_t i = 0;
    while (i + 1 < number.len && number.ptr[i] == '0')
        i++;
    return str_skip(number, i);
}

static int cmp_item(str a, str b)
{
    bool is_a = version_is_number(a), is_b = version_is_number(b);
    if (is_a && is_b)
        return version_cmp_numbers(a, b);
    return str_cmp(is_a ? without_front_zeroes(a) : a, is_b ? without_front_zeroes(b) : b);
}

static int cmp_items(str a, str b)
{
    str x, y;
    a = without_end_zeroes(a);
    b = without_end_zeroes(b);
    for (;;) {
        bool has_a = a.len && str_next(&a, '.', &x), has_b = b.len && str_next(&b, '.', &y);
        if (!has_a || !has_b)
            return (int)has_a - (int)has_b;
        int sign = cmp_item(x, y);
        if (sign)
            return sign;
    }
}

static enum version_order conan_cmp(str a, str b)
{
    if (!conan_is_valid(a) || !conan_is_valid(b))
        return VERSION_UNKNOWN;
    struct parts pa = split(a), pb = split(b);
    int sign = cmp_items(pa.items, pb.items);
    if (!sign)
        sign = (pa.pre.len == 0) - (pb.pre.len == 0);
    if (!sign)
        sign = cmp_items(pa.pre, pb.pre);
    if (!sign)
        sign = (pa.build.len > 0) - (pb.build.len > 0);
    return version_order_of(sign ? sign : cmp_items(pa.build, pb.build));
}

extern const struct version_scheme version_conan;
const struct version_scheme version_conan = {
    .name = "conan",
    .spec = "Conan 2, Version ranges: Versions",
    .is_valid = conan_is_valid,
    .cmp = conan_cmp,
};
