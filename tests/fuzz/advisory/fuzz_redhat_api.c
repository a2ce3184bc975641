/* SPDX-License-Identifier: Apache-2.0 */
#include "record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct record record;
    struct err err = {0};
    json_t *root = NULL;
    arena_init(&arena, 64 << 20);
    bool is_ok = json_read(str_of((const char *)data, size), &root, &err) &&
                 redhat_api_parse(root, &arena, &record, &err);
    if (is_ok && !record_check(&arena, &record, &err))
        abort();
    if (!is_ok && err.kind == ERR_NONE)
        abort();
    json_decref(root);
    arena_fini(&arena);
    return 0;
}
