/* SPDX-License-Identifier: Apache-2.0 */
/* Every string of every claim is read: hashed, so that a wrong length shows. */
#include "record.h"

static uint64_t hash_all(const strs *list)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < list->len; i++)
        sum += map_hash(list->ptr[i]);
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct oval_document document;
    struct err err = {0};
    uint64_t sum = 0;
    arena_init(&arena, 256 << 20);
    bool is_ok = oval_parse(str_of((const char *)data, size), &arena, &document, &err);
    for (size_t i = 0; is_ok && i < document.definitions.len; i++) {
        const struct oval_definition *d = &document.definitions.ptr[i];
        oval_claims claims = {0};
        size_t n_unknown;
        sum += map_hash(d->title) + map_hash(d->description) + hash_all(&d->cpes);
        if (!oval_claim(&document, d, &arena, &claims, &n_unknown, &err))
            break;
        for (size_t j = 0; j < claims.len; j++) {
            const struct oval_claim *c = &claims.ptr[j];
            sum += hash_all(&c->names) + hash_all(&c->arches) + hash_all(&c->platforms) +
                   map_hash(c->comment) + map_hash(c->module) + map_hash(c->range.fixed);
            if (!c->names.len)
                abort();
        }
    }
    if (!is_ok && err.kind == ERR_NONE)
        abort();
    arena_fini(&arena);
    return sum == 1; /* never asked, but it keeps the reads */
}
