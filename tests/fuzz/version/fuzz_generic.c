/* SPDX-License-Identifier: Apache-2.0 */
#include "mirror.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return check_mirror(STR("generic"), data, size);
}
