/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a source; what was understood names only what the text says. */
#include <stdlib.h>

#include "image/image.h"

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
    struct reference ref;
    struct platform platform;
    struct err err = {0};
    str text = {(const char *)data, size};
    arena_init(&arena, 1 << 20);
    if (reference_parse(&arena, text, &ref, &err)) {
        touch(ref.text);
        touch(ref.host);
        touch(ref.repository);
        touch(ref.path);
        touch(ref.tag);
        /* nothing that could change the path of a request */
        if (str_has(ref.repository, STR("..")) || str_has(ref.host, STR("/")) ||
            str_has(ref.host, STR("@")) ||
            (ref.kind == SOURCE_REGISTRY && str_has(ref.tag, STR("/"))))
            abort();
    }
    if (platform_parse(text, &platform))
        touch(platform_print(&arena, &platform));
    arena_fini(&arena);
    return 0;
}
