/* SPDX-License-Identifier: Apache-2.0 */
/* detector.h - run one detector over a fuzzer's bytes and read every byte that it gives. */
#pragma once

#include <stdint.h>
#include <stdlib.h>

#include "inventory/inventory.h"

static inline void touch(str s, size_t *sum)
{
    for (size_t i = 0; i < s.len; i++)
        *sum += (unsigned char)s.ptr[i];
}

static inline void touch_package(const struct package *package, size_t *sum)
{
    touch(package->type, sum);
    touch(package->name, sum);
    touch(package->version, sum);
    touch(package->arch, sum);
    touch(package->source_name, sum);
    touch(package->source_version, sum);
    touch(package->maintainer, sum);
    touch(package->vendor, sum);
    touch(package->modularity, sum);
    touch(package->path, sum);
    for (size_t i = 0; i < package->licenses.len; i++)
        touch(package->licenses.ptr[i], sum);
    if (package->name.len == 0 || package->version.len == 0)
        abort(); /* neither is ever given */
}

static inline void touch_file(const struct file_record *file, size_t *sum)
{
    for (size_t i = 0; i < file->packages.len; i++)
        touch_package(&file->packages.ptr[i], sum);
    for (size_t i = 0; i < file->owners.len; i++) {
        touch(file->owners.ptr[i].name, sum);
        for (size_t p = 0; p < file->owners.ptr[i].paths.len; p++)
            *sum += file->owners.ptr[i].paths.ptr[p] & 1;
    }
    touch(file->distro.id, sum);
    touch(file->distro.id_like, sum);
    touch(file->distro.version_id, sum);
    touch(file->distro.codename, sum);
    touch(file->distro.name, sum);
    touch(file->reason, sum);
}

static inline int fuzz_detector(const char *name, const char *path, const uint8_t *data,
                                size_t size)
{
    size_t n, sum = 0;
    const struct detector *const *all = inventory_detectors(&n);
    for (size_t i = 0; i < n; i++) {
        if (!str_eq(str_from(all[i]->name), str_from(name)))
            continue;
        struct arena arena;
        arena_init(&arena, 32u << 20);
        struct rd in;
        rd_init(&in, str_of((const char *)data, size));
        struct file_record file = {.path = str_from(path), .detector = all[i]};
        struct err err = {0};
        bool ok = all[i]->parse(&arena, file.path, &in, &file, &err);
        if (ok == err_is(&err))
            abort(); /* a failure says why, and nothing else does */
        touch_file(&file, &sum);
        arena_fini(&arena);
    }
    return sum == SIZE_MAX; /* always 0, but the compiler must do the sum */
}
