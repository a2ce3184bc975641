/* SPDX-License-Identifier: Apache-2.0 */
/* A vector is refused, or has a score between 0 and 10 with one decimal. */
#include "model/model.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {0};
    double score;
    if (!cvss_score(str_of((const char *)data, size), &score, &err))
        return err.kind == ERR_FORMAT ? 0 : (abort(), 0);
    double tenths = score * 10;
    if (!(score >= 0 && score <= 10) || tenths - (double)(int)(tenths + 0.5) > 1e-6)
        abort();
    return 0;
}
