/* SPDX-License-Identifier: Apache-2.0 */
#include "record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    vex_statements statements;
    struct err err = {0};
    arena_init(&arena, 64 << 20);
    bool is_ok = vex_parse(str_of((const char *)data, size), &arena, &statements, &err);
    if (is_ok)
        is_ok = vex_to_records(&statements, STR("fuzz"), &arena, record_check, &arena, &err);
    if (!is_ok && err.kind == ERR_NONE)
        abort();
    arena_fini(&arena);
    return 0;
}
