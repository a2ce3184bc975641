/* SPDX-License-Identifier: Apache-2.0 */
#include "record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct err err = {0};
    json_t *root = NULL;
    arena_init(&arena, 256 << 20);
    if (json_read(str_of((const char *)data, size), &root, &err) &&
        !redhat_vex_parse(root, &arena, record_check, &arena, &err) && err.kind == ERR_NONE)
        abort();
    json_decref(root);
    arena_fini(&arena);
    return 0;
}
