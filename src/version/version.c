/* SPDX-License-Identifier: Apache-2.0 */
#include "version/version.h"

#include "base/num.h"

#define ROW(name) extern const struct version_scheme version_##name;
#include "version/schemes.inc"
#undef ROW

#define ROW(name) &version_##name,
static const struct version_scheme *const schemes[] = {
#include "version/schemes.inc"
};
#undef ROW

const struct version_scheme *version_find(str name)
{
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
        if (str_eq(str_from(schemes[i]->name), name))
            return schemes[i];
    return NULL;
}

const struct version_scheme *const *version_schemes(size_t *n)
{
    *n = ARRAY_LEN(schemes);
    return schemes;
}
