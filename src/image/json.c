/* SPDX-License-Identifier: Apache-2.0 */
#include "image/internal.h"

static bool is_twin(str key, const char *const *keys, size_t n)
{
    bool is_twin = false;
    for (size_t i = 0; i < n; i++) {
        str known = str_from(keys[i]);
        if (str_eq(key, known))
            return false;
        is_twin = is_twin || str_eq_nocase(key, known);
    }
    return is_twin;
}

bool json_has_case_twin(json_t *object, const char *const *keys, size_t n)
{
    for (void *it = json_object_iter(object); it; it = json_object_iter_next(object, it))
        if (is_twin(str_from(json_object_iter_key(it)), keys, n))
            return true;
    return false;
}

bool json_keep(struct arena *arena, const json_t *object, const char *key, str *out)
{
    *out = arena_dup(arena, json_str(object, key));
    return out->ptr != NULL;
}
