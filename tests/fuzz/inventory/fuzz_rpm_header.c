/* SPDX-License-Identifier: Apache-2.0 */
/* One header, as the three databases of rpm hand it over. */
#include "detector.h"

#include "inventory/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct err err = {0};
    size_t sum = 0;
    struct file_record file = {.path = STR("var/lib/rpm/Packages"),
                               .detector = detector_find(STR("rpm_bdb"))};
    struct rpm_reader rpm = {.arena = &arena, .file = &file};
    arena_init(&arena, 32u << 20);
    if (!rpm_add_header(&rpm, 1, str_of((const char *)data, size), &err))
        abort(); /* only for want of memory */
    if (file.packages.len > 1 || (!rpm.flaws.n && rpm.flaws.first.kind != ERR_NONE))
        abort();
    touch_file(&file, &sum);
    arena_fini(&arena);
    return sum == SIZE_MAX;
}
