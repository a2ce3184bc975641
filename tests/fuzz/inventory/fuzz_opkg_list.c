/* SPDX-License-Identifier: Apache-2.0 */
#include "detector.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_detector("opkg_list", "usr/lib/opkg/info/busybox.list", data, size);
}
