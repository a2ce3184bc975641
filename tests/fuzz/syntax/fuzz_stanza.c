/* SPDX-License-Identifier: Apache-2.0 */
#include "syntax/syntax.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned sum_of(str s)
{
    unsigned sum = 0;
    for (size_t i = 0; i < s.len; i++)
        sum += (unsigned char)s.ptr[i];
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    arena_init(&arena, 4 << 20);
    struct rd in;
    rd_init(&in, (str){(const char *)data, size});
    struct stanza stanza;
    unsigned sum = 0;
    while (stanza_read(&in, &arena, &stanza) == NEXT_ITEM) {
        if (stanza.fields.len == 0 || stanza.line == 0)
            __builtin_trap();
        for (size_t i = 0; i < stanza.fields.len; i++) {
            str name = stanza.fields.ptr[i].name;
            if (!stanza_get(&stanza, name).ptr)
                __builtin_trap();
            sum += sum_of(name) + sum_of(stanza.fields.ptr[i].value);
        }
        arena_reset(&arena);
    }
    arena_fini(&arena);
    return sum == 0x7fffffff ? 1 : 0;
}
