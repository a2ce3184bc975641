/* SPDX-License-Identifier: Apache-2.0 */
#include "detector.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_detector("portage_contents", "var/db/pkg/sys-apps/sed-4.9/CONTENTS", data, size);
}
