/* SPDX-License-Identifier: Apache-2.0 */
/* The first line as a Link header, the rest as a page of referrers. */
#include "registry/registry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile unsigned char sink; /* lint: mutable static, keeps the reads */

static void touch(str s)
{
    for (size_t i = 0; i < s.len; i++)
        sink ^= (unsigned char)s.ptr[i];
}

static void list(struct arena *arena, const struct manifest *index, str type)
{
    descriptors found = {0};
    struct err err = {0};
    if (!referrers_add(arena, index, type, &found, &err) && err.kind == ERR_NONE)
        __builtin_trap();
    for (size_t i = 0; i < found.len; i++) {
        char tag[REFERRERS_TAG_SIZE];
        if (type.len && found.ptr[i].artifact_type.len && !str_eq(found.ptr[i].artifact_type, type))
            __builtin_trap();
        touch(found.ptr[i].artifact_type);
        touch(found.ptr[i].media_type);
        touch(referrers_tag(&found.ptr[i].digest, tag));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct manifest index;
    struct err err = {0};
    str head, page, target;
    arena_init(&arena, 32 << 20);
    (void)str_cut_byte(str_of((const char *)data, size), '\n', &head, &page);
    if (registry_link_next(head, &target)) {
        if (!target.len || target.ptr < head.ptr || target.ptr + target.len > head.ptr + head.len)
            __builtin_trap();
        touch(target);
    }
    if (manifest_parse(&arena, page, &index, &err)) {
        list(&arena, &index, STR_NONE);
        list(&arena, &index, STR("application/vnd.openvex+json"));
    }
    arena_fini(&arena);
    return 0;
}
