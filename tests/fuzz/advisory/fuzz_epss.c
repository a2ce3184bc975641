/* SPDX-License-Identifier: Apache-2.0 */
#include "enrich.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return enrich_fuzz(data, size, epss_parse);
}
