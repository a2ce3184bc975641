/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a manifest or index, and as a configuration; all that comes back is read. */
#include "image/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile unsigned char sink; /* lint: mutable static, keeps the reads */

static void touch(str s)
{
    for (size_t i = 0; i < s.len; i++)
        sink ^= (unsigned char)s.ptr[i];
}

static void touch_digest(const digest *d)
{
    char text[DIGEST_TEXT_SIZE];
    digest again;
    str printed = digest_print(d, text);
    if (!digest_is_none(d) && (!digest_parse(printed, &again) || !digest_eq(d, &again)))
        __builtin_trap();
}

static void touch_descriptor(struct arena *arena, const struct descriptor *d)
{
    touch(d->media_type);
    touch(d->artifact_type);
    touch(d->ref_name);
    touch(d->data);
    touch_digest(&d->digest);
    touch(platform_print(arena, &d->platform));
}

static void try_manifest(struct arena *arena, str json)
{
    struct manifest m;
    struct err err = {0};
    if (!manifest_parse(arena, json, &m, &err))
        return;
    touch(m.reason);
    touch(m.media_type);
    touch(m.artifact_type);
    touch_digest(&m.subject);
    touch_descriptor(arena, &m.config);
    for (size_t i = 0; i < m.layers.len; i++)
        touch_descriptor(arena, &m.layers.ptr[i]);
    for (size_t i = 0; i < m.children.len; i++)
        touch_descriptor(arena, &m.children.ptr[i]);
}

static void try_config(struct arena *arena, str json)
{
    struct image_config c;
    struct err err = {0};
    if (!image_config_parse(arena, json, &c, &err))
        return;
    touch(c.created);
    touch(platform_print(arena, &c.platform));
    for (size_t i = 0; i < c.diff_ids.len; i++) {
        touch_digest(&c.diff_ids.ptr[i]);
        touch(image_created_by(&c, i));
    }
    for (size_t i = 0; i < c.labels.len; i++) {
        touch(c.labels.ptr[i].key);
        touch(c.labels.ptr[i].value);
    }
    for (size_t i = 0; i < c.history.len; i++)
        touch(c.history.ptr[i].comment);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    str json = {(const char *)data, size};
    arena_init(&arena, 16 << 20);
    try_manifest(&arena, json);
    try_config(&arena, json);
    arena_fini(&arena);
    return 0;
}
