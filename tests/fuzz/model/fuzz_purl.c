/* SPDX-License-Identifier: Apache-2.0 */
/* A text is refused, or its canonical form parses to the same canonical form. */
#include "model/model.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct err err = {0};
    struct purl purl, again;
    str first, second;
    arena_init(&arena, 16 << 20);
    if (purl_parse(&arena, str_of((const char *)data, size), PURL_ANY_CASE, &purl, &err)) {
        /* the canonical form may be too long, three times the text at most */
        if (!purl_build(&arena, &purl, &first, &err)) {
            if (err.kind != ERR_LIMIT)
                abort();
        } else if (!purl_parse(&arena, first, 0, &again, &err)) {
            if (err.kind != ERR_LIMIT)
                abort();
        } else if (!purl_build(&arena, &again, &second, &err) || !str_eq(first, second)) {
            abort();
        }
    } else if (!err_is(&err)) {
        abort();
    }
    arena_fini(&arena);
    return 0;
}
