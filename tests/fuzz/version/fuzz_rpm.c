/* SPDX-License-Identifier: Apache-2.0 */
/* Two versions a line break apart: the answer must be the mirror image of the other way round, and
 * unknown exactly when one of them is no version. */
#include "version/version.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct version_scheme *scheme = version_find(STR("rpm"));
    str a, b;
    str_cut_byte(str_of((const char *)data, size), '\n', &a, &b);
    enum version_order ab = scheme->cmp(a, b), ba = scheme->cmp(b, a);
    bool is_known = scheme->is_valid(a) && scheme->is_valid(b);
    bool is_mirrored = ab == VERSION_LESS      ? ba == VERSION_GREATER
                       : ab == VERSION_GREATER ? ba == VERSION_LESS
                                               : ab == ba;
    if (!is_mirrored || (ab != VERSION_UNKNOWN) != is_known)
        abort();
    return 0;
}
