/* SPDX-License-Identifier: Apache-2.0 */
/* cran.c - R's numeric_version: numbers between dots or hyphens, which mean the same.  Compared
 * from the left as numbers; when one ends first it is the smaller: 1.8 < 1.8.0. */
#include "version/internal.h"

static bool cran_is_valid(str version)
{
    for (size_t i = 0;; i++) {
        size_t end = version_digits(version, i);
        if (end == i)
            return false;
        i = end;
        if (i == version.len)
            return true;
        if (version_at(version, i) != '.' && version_at(version, i) != '-')
            return false;
    }
}

static enum version_order cran_cmp(str a, str b)
{
    if (!cran_is_valid(a) || !cran_is_valid(b))
        return VERSION_UNKNOWN;
    size_t i = 0, j = 0;
    while (i < a.len && j < b.len) {
        size_t end_a = version_digits(a, i), end_b = version_digits(b, j);
        int sign = version_cmp_numbers(version_part(a, i, end_a), version_part(b, j, end_b));
        if (sign)
            return version_order_of(sign);
        i = end_a < a.len ? end_a + 1 : a.len;
        j = end_b < b.len ? end_b + 1 : b.len;
    }
    return version_order_of((i < a.len) - (j < b.len));
}

extern const struct version_scheme version_cran;
const struct version_scheme version_cran = {
    .name = "cran",
    .spec = "R, numeric_version; Writing R Extensions, 1.1.1",
    .is_valid = cran_is_valid,
    .cmp = cran_cmp,
};
