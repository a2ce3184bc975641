/* SPDX-License-Identifier: Apache-2.0 */
#include "record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct record record;
    struct err err = {0};
    arena_init(&arena, 64 << 20);
    bool is_ok = ubuntu_tracker_parse(str_of((const char *)data, size), &arena, &record, &err);
    if (is_ok && !record_check(&arena, &record, &err))
        abort();
    if (!is_ok && err.kind == ERR_NONE)
        abort();
    arena_fini(&arena);
    return 0;
}
