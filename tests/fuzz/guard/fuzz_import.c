/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the body of importImage. */
#include <stdlib.h>

#include "guard/guard.h"

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
    struct import_request request;
    struct err err = {0};
    arena_init(&arena, 16 << 20);
    bool is_ok = import_read(&arena, str_of((const char *)data, size), &request, &err);
    if (is_ok == err_is(&err))
        abort();
    if (is_ok) {
        if (!request.targets.len || !request.repository.len ||
            (request.from_registry.len > 0) == (request.from_host.len > 0) ||
            digest_is_none(&request.digest) != (request.tag.len > 0))
            abort();
        touch(request.from_id);
        touch(request.from_registry);
        touch(request.from_host);
        touch(request.username);
        touch(request.password);
        for (size_t i = 0; i < request.targets.len; i++) {
            touch(request.targets.ptr[i].repository);
            for (size_t k = 0; k < request.targets.ptr[i].tags.len; k++)
                touch(request.targets.ptr[i].tags.ptr[k]);
        }
    }
    arena_fini(&arena);
    return 0;
}
