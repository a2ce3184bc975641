/* SPDX-License-Identifier: Apache-2.0 */
/* What the analyser says of a layer: it had the layer's bytes, so it is not trusted. */
#include "scan/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct layer_answer answer;
    struct layer_inventory layer;
    struct arena arena;
    struct err err = {0};
    if (!layer_answer_parse(str_of((const char *)data, size), HASH_SHA256, &answer, &err))
        return err_is(&err) ? 0 : (__builtin_trap(), 0);
    arena_init(&arena, 64u << 20);
    if (!layer_inventory_decode(&arena, answer.inventory, &layer, &err) && !err_is(&err))
        __builtin_trap();
    arena_fini(&arena);
    return 0;
}
