/* SPDX-License-Identifier: Apache-2.0 */
#include "detector.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_detector("pacman_files", "var/lib/pacman/local/gawk-5.3.1-1/files", data, size);
}
