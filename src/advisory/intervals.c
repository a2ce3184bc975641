/* SPDX-License-Identifier: Apache-2.0 */
/* intervals.c - intervals of versions (version/) as the ranges of a statement. */
#include "advisory/internal.h"

bool intervals_add(const version_intervals *intervals, struct arena *arena, struct affected *out,
                   struct err *err)
{
    for (size_t i = 0; i < intervals->len; i++) {
        const struct version_interval *in = &intervals->ptr[i];
        struct version_range range = {.introduced = STR("0")};
        if (in->from.version.len) {
            range.introduced = in->from.version;
            range.is_after = in->from.is_behind;
        }
        *(in->to.is_behind ? &range.last_affected : &range.fixed) = in->to.version;
        if (!range_add(arena, out, range, err))
            return false;
    }
    return true;
}
