/* SPDX-License-Identifier: Apache-2.0 */
/* A security database file, as JSON and as YAML; every byte kept is read. */
#include "advisory/internal.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (int is_yaml = 0; is_yaml < 2; is_yaml++) {
        struct arena arena;
        struct secdb secdb;
        struct err err = {0};
        auto_sb out;
        arena_init(&arena, 64 << 20);
        sb_init(&out, 64 << 20);
        if (secdb_parse(str_of((const char *)data, size), is_yaml, &arena, &secdb, &err)) {
            sb_add(&out, secdb.branch);
            for (size_t i = 0; i < secdb.fixes.len; i++) {
                if (str_is_empty(secdb.fixes.ptr[i].id))
                    abort();
                sb_add(&out, secdb.fixes.ptr[i].package);
                sb_add(&out, secdb.fixes.ptr[i].version);
                sb_add(&out, secdb.fixes.ptr[i].id);
                sb_add(&out, secdb.fixes.ptr[i].text);
            }
        }
        arena_fini(&arena);
    }
    return 0;
}
