/* SPDX-License-Identifier: Apache-2.0 */
/* hackage.c - Cabal's versions: numbers between dots, none of them with a zero in front.  Compared
 * from the left as numbers; when one ends first it is the smaller: 1.0 < 1.0.0. */
#include "version/internal.h"

static bool hackage_is_valid(str version)
{
    for (size_t i = 0;; i++) {
        size_t end = version_digits(version, i);
        if (end == i || (end - i > 1 && version_at(version, i) == '0'))
            return false;
        i = end;
        if (i == version.len)
            return true;
        if (version_at(version, i) != '.')
            return false;
    }
}

static enum version_order hackage_cmp(str a, str b)
{
    if (!hackage_is_valid(a) || !hackage_is_valid(b))
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

extern const struct version_scheme version_hackage;
const struct version_scheme version_hackage = {
    .name = "hackage",
    .spec = "Haskell Package Versioning Policy; Cabal, Distribution.Version",
    .is_valid = hackage_is_valid,
    .cmp = hackage_cmp,
};
