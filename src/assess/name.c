/* SPDX-License-Identifier: Apache-2.0 */
/* name.c - names that stay the same for ever: RFC 9562, section 5.8 (version 8, variant 10). */
#include "assess/assess.h"

#include "base/num.h"
#include "codec/codec.h"

enum { UUID_BYTES = 16 };

static void add_part(struct hash *hash, str part)
{
    char length[8];
    for (size_t i = 0; i < sizeof(length); i++)
        length[i] = (char)((uint64_t)part.len >> (8 * i) & 0xff);
    hash_add(hash, str_of(length, sizeof(length)));
    hash_add(hash, part);
}

str assess_uuid(struct arena *arena, const str *parts, size_t n)
{
    struct hash *hash;
    struct err err = {0};
    if (!hash_open(&hash, HASH_SHA256, &err))
        return STR_NONE;
    for (size_t i = 0; i < n; i++)
        add_part(hash, parts[i]);
    uint8_t bytes[HASH_MAX];
    hash_done(hash, bytes);
    hash_close(hash);
    bytes[6] = (uint8_t)((bytes[6] & 0x0f) | 0x80);
    bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
    char hex[2 * UUID_BYTES + 1];
    hex_print(bytes, UUID_BYTES, hex);
    return arena_printf(arena, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16,
                        hex + 20);
}

/* The package key: type, name, version; and where it lies for what may be installed more than once.
 */
str assess_finding_name(struct arena *arena, str registry_id, str assessment_key, str repository,
                        str image_digest, const struct finding *finding)
{
    const str parts[] = {
        registry_id,
        assessment_key,
        repository,
        image_digest,
        finding->type,
        finding->package_name,
        finding->package_version,
        finding->class == CLASS_LANGUAGE ? finding->path : STR_NONE,
        finding->id,
    };
    return assess_uuid(arena, parts, ARRAY_LEN(parts));
}
