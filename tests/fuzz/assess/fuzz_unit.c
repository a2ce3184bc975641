/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "assess/assess.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was read can be printed and read again, and asked for its keys. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct unit unit, again;
    unit_keys keys, kin;
    struct err err = {0};
    auto_sb out;
    arena_init(&arena, 16 << 20);
    sb_init(&out, 4 << 20);
    if (unit_parse(&arena, str_of((const char *)data, size), &unit, &err)) {
        unit_print(&unit, &out);
        if (!sb_ok(&out, &err) || !unit_parse(&arena, sb_str(&out), &again, &err) ||
            again.part.packages.len != unit.part.packages.len || again.n_base != unit.n_base)
            abort();
        (void)!unit_keys_of(&arena, &unit, &keys, &err);
        (void)!unit_kin_of(&arena, &unit, &kin, &err);
    }
    arena_fini(&arena);
    return 0;
}
