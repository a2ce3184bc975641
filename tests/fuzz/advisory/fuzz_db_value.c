/* SPDX-License-Identifier: Apache-2.0 */
/* Values of a database that somebody else may have written. */
#include "advisory/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct source_state sources[] = {{.name = {"a", 1}}, {.name = {"b", 1}}};
    str bytes = str_of((const char *)data, size);
    struct arena arena;
    struct err err = {0};
    struct rd in;
    affecteds list;
    struct advisory advisory;
    struct source_state state;
    auto_sb out;
    arena_init(&arena, 64 << 20);
    sb_init(&out, 64 << 20);
    if (package_value_parse(bytes, &arena, sources, 2, &list, &err)) {
        for (size_t i = 0; i < list.len; i++)
            affected_print(&list.ptr[i], &out);
    }
    rd_init(&in, bytes);
    if (record_text_parse(&in, &arena, &advisory))
        record_text_print(&advisory, &out);
    rd_init(&in, bytes);
    if (source_state_parse(&in, &arena, &state))
        source_state_print(&state, &out);
    arena_fini(&arena);
    return 0;
}
