/* SPDX-License-Identifier: Apache-2.0 */
#include "syntax/syntax.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned sum_of(const struct yaml *node)
{
    unsigned sum = (unsigned)(node->line + node->column) + node->is_plain;
    for (size_t i = 0; i < node->text.len; i++)
        sum += (unsigned char)node->text.ptr[i];
    for (size_t i = 0; i < node->items.len; i++)
        sum += sum_of(node->items.ptr[i]);
    for (size_t i = 0; i < node->pairs.len; i++) {
        const struct yaml_pair *pair = &node->pairs.ptr[i];
        if (yaml_get(node, pair->key->text) != pair->value)
            __builtin_trap();
        sum += sum_of(pair->key) + sum_of(pair->value);
    }
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    arena_init(&arena, 16 << 20);
    struct yaml *root;
    struct err err = {0};
    unsigned sum = 0;
    if (yaml_read(&arena, (str){(const char *)data, size}, &root, &err))
        sum = sum_of(root);
    else if (!err_is(&err))
        __builtin_trap();
    arena_fini(&arena);
    return sum == 0x7fffffff ? 1 : 0;
}
