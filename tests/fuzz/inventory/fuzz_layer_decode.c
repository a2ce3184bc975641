/* SPDX-License-Identifier: Apache-2.0 */
/* What decodes encodes to the same bytes again, merges, and never crashes. */
#include "detector.h"

#include "base/sb.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    arena_init(&arena, 64u << 20);
    struct layer_inventory layer;
    struct err err = {0};
    size_t sum = 0;
    if (layer_inventory_decode(&arena, str_of((const char *)data, size), &layer, &err)) {
        auto_sb again;
        sb_init(&again, 1u << 24);
        if (!layer_inventory_encode(&layer, &again, &err) || again.len > size)
            abort();
        struct layer_inventory twin;
        if (!layer_inventory_decode(&arena, sb_str(&again), &twin, &err) ||
            twin.files.len != layer.files.len || twin.steps.len != layer.steps.len)
            abort();
        const struct layer_inventory *layers[] = {&layer, &twin};
        struct image_inventory image;
        if (image_inventory_merge(&arena, &combiner_here, layers, 2, &image, &err))
            for (size_t i = 0; i < image.packages.len; i++)
                touch(image.packages.ptr[i].path, &sum);
    }
    arena_fini(&arena);
    return sum == SIZE_MAX;
}
