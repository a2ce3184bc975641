/* SPDX-License-Identifier: Apache-2.0 */
/* A layer's tar: what its scan gives encodes, decodes to the same bytes, and merges. */
#include "detector.h"

#include "../../unit/inventory/tar.h"

#include "inventory/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void travel(struct arena *arena, const struct matcher *matcher,
                   const struct layer_inventory *scanned, size_t *sum)
{
    struct layer_inventory layer;
    struct image_inventory image;
    struct err err = {0};
    const struct layer_inventory *layers[] = {&layer};
    auto_sb bytes, again;
    sb_init(&bytes, 16u << 20);
    sb_init(&again, 16u << 20);
    if (!layer_inventory_encode(scanned, &bytes, &err) ||
        !layer_inventory_decode(arena, sb_str(&bytes), &layer, &err) ||
        !layer_inventory_encode(&layer, &again, &err) || !str_eq(sb_str(&bytes), sb_str(&again)))
        abort();
    if (!image_inventory_merge_with(arena, &combiner_here, matcher, layers, 1, &image, &err))
        abort();
    for (size_t i = 0; i < image.packages.len; i++)
        touch_package(&image.packages.ptr[i], sum);
    for (size_t i = 0; i < layer.files.len; i++)
        if (layer.files.ptr[i].is_failed && layer.files.ptr[i].reason.len == 0)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct arena long_arena; /* lint: mutable static, made once */
    static struct matcher *matcher; /* lint: mutable static, made once */
    struct arena arena;
    struct source_mem state;
    struct archive_reader *archive;
    struct layer_scan *scan;
    struct layer_inventory layer;
    struct err err = {0};
    size_t sum = 0;
    if (!matcher) {
        arena_init(&long_arena, 1u << 20);
        if (!matcher_open(&long_arena, &matcher, &err))
            abort();
    }
    arena_init(&arena, 64u << 20);
    if (archive_open(&archive, ARCHIVE_TAR,
                     source_from_mem(&state, str_of((const char *)data, size)), &err)) {
        if (!layer_scan_open_with(&arena, matcher, NULL, &scan, &err))
            abort();
        (void)scan_entries(scan, archive, &err); /* what was read of a broken one travels, too */
        err = (struct err){0};
        if (layer_scan_close(scan, &layer, &err))
            travel(&arena, matcher, &layer, &sum);
        archive_close(archive);
    }
    arena_fini(&arena);
    return sum == SIZE_MAX;
}
