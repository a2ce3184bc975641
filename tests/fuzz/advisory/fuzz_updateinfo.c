/* SPDX-License-Identifier: Apache-2.0 */
/* Every string of every bulletin is read. */
#include "record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct updateinfo info;
    struct err err = {0};
    uint64_t sum = 0;
    arena_init(&arena, 64 << 20);
    bool is_ok = updateinfo_parse(str_of((const char *)data, size), &arena, &info, &err);
    for (size_t i = 0; is_ok && i < info.notices.len; i++) {
        const struct update_notice *n = &info.notices.ptr[i];
        sum += map_hash(n->id) + map_hash(n->title) + map_hash(n->description) +
               map_hash(n->collection) + map_hash(n->updated);
        for (size_t j = 0; j < n->cves.len; j++)
            sum += cve_is(n->cves.ptr[j]) ? 1 : 0;
        for (size_t j = 0; j < n->packages.len; j++)
            sum += map_hash(n->packages.ptr[j].name) + map_hash(n->packages.ptr[j].version);
    }
    if (!is_ok && err.kind == ERR_NONE)
        abort();
    arena_fini(&arena);
    return sum == 1; /* never asked, but it keeps the reads */
}
