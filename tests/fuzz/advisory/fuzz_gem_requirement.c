/* SPDX-License-Identifier: Apache-2.0 */
/* Requirements, one clause a line: what is left lies in order and is not empty. */
#include "advisory/internal.h"
#include "version/version.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct version_range *range, const struct version_range *next)
{
    const struct version_scheme *gem = version_find(STR("gem"));
    str end = range->fixed.len ? range->fixed : range->last_affected;
    if (!end.len && next)
        abort();
    if (!next || !gem)
        return;
    if (gem->cmp(end, next->introduced) == VERSION_GREATER)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct err err = {0};
    struct affected affected = {0};
    strs healthy = {0};
    str rest = str_of((const char *)data, size < 4096 ? size : 4096), line;
    arena_init(&arena, 64 << 20);
    while (str_next(&rest, '\n', &line)) {
        if (!strs_push(&arena, &healthy, line, &err))
            abort();
    }
    if (gem_affected(&healthy, &arena, &affected, &err)) {
        for (size_t i = 0; i < affected.ranges.len; i++)
            check(&affected.ranges.ptr[i],
                  i + 1 < affected.ranges.len ? &affected.ranges.ptr[i + 1] : NULL);
    } else if (!err_is(&err)) {
        abort();
    }
    arena_fini(&arena);
    return 0;
}
