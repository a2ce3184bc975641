/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a WWW-Authenticate value, and as a host. */
#include "registry/registry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile unsigned char sink; /* lint: mutable static, keeps the reads */

static void touch(str s)
{
    for (size_t i = 0; i < s.len; i++)
        sink ^= (unsigned char)s.ptr[i];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    registry_challenges all = {0};
    str value = {(const char *)data, size};
    arena_init(&arena, 4 << 20);
    bool is_good = registry_challenge_parse(&arena, value, &all);
    for (size_t i = 0; is_good && i < all.len; i++) {
        if (str_is_empty(all.ptr[i].scheme))
            __builtin_trap();
        touch(all.ptr[i].scheme);
        touch(all.ptr[i].realm);
        touch(all.ptr[i].service);
        touch(all.ptr[i].scope);
        touch(all.ptr[i].error);
    }
    sink ^= registry_host_is_loopback(value);
    arena_fini(&arena);
    return 0;
}
