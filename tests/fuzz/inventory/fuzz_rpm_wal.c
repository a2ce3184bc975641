/* SPDX-License-Identifier: Apache-2.0 */
/* A number (u32, little-endian), a database of that many bytes, and its -wal. */
#include "detector.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void combine(const struct detector *detector, struct rd *in)
{
    struct arena arena;
    arena_init(&arena, 32u << 20);
    uint32_t n = rd_u32le(in);
    str db = rd_bytes(in, n < rd_left(in) ? n : rd_left(in)), wal = rd_rest(in);
    struct file_record file = {.path = STR("var/lib/rpm/rpmdb.sqlite"), .detector = detector};
    struct err err = {0};
    size_t sum = 0;
    bool ok = detector->combine(&arena, db, wal, &file, &err);
    if (ok == err_is(&err))
        abort(); /* a failure says why, and nothing else does */
    touch_file(&file, &sum);
    arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t n;
    const struct detector *const *all = inventory_detectors(&n);
    for (size_t i = 0; i < n; i++) {
        if (!all[i]->combine)
            continue;
        struct rd in;
        rd_init(&in, str_of((const char *)data, size));
        combine(all[i], &in);
    }
    return 0;
}
