/* SPDX-License-Identifier: Apache-2.0 */
/* mirror.h - what every ordering is fuzzed with: two versions a line break apart.  The answer must
 * be the mirror image of the other way round, unknown when one of them is no version, and a version
 * equals itself. */
#pragma once

#include "version/version.h"

#include <stdlib.h>

static inline enum version_order flip(enum version_order order)
{
    return order == VERSION_LESS      ? VERSION_GREATER
           : order == VERSION_GREATER ? VERSION_LESS
                                      : order;
}

/* Two branches that move have no order, though each is a version. */
static inline bool has_order(const struct version_scheme *scheme, str a, str b)
{
    if (!scheme->is_valid(a) || !scheme->is_valid(b))
        return false;
    return !scheme->is_moving || !scheme->is_moving(a) || !scheme->is_moving(b);
}

static inline int check_mirror(str name, const uint8_t *data, size_t size)
{
    const struct version_scheme *scheme = version_find(name);
    str a, b;
    str_cut_byte(str_of((const char *)data, size), '\n', &a, &b);
    enum version_order ab = scheme->cmp(a, b);
    if (ab != flip(scheme->cmp(b, a)) || (has_order(scheme, a, b) && ab == VERSION_UNKNOWN))
        abort();
    bool both = scheme->is_valid(a) && scheme->is_valid(b);
    if (!both && ab != VERSION_UNKNOWN)
        abort();
    if (scheme->cmp(a, a) != (scheme->is_valid(a) ? VERSION_EQUAL : VERSION_UNKNOWN))
        abort();
    return 0;
}
