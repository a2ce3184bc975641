/* SPDX-License-Identifier: Apache-2.0 */
#include "base/vec.h"

#include <string.h>

#include "base/num.h"

void *vec_push_(struct arena *arena, void **ptr, size_t *len, size_t *cap, size_t size)
{
    if (*len == *cap) {
        size_t grown;
        if (!num_mul(*cap ? *cap : 4, 2, &grown))
            return NULL;
        void *bigger = arena_alloc_array(arena, grown, size);
        if (!bigger)
            return NULL;
        if (*len)
            memcpy(bigger, *ptr, *len * size);
        *ptr = bigger;
        *cap = grown;
    }
    return (char *)*ptr + (*len)++ * size;
}
