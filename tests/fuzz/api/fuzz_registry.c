/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the body of a registry; what was read goes into the store and is read from there. */
#include <stdlib.h>

#include "api/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void go_round(struct arena *arena, const struct registry_doc *doc)
{
    struct registry_doc again;
    struct store_registry stored = {.host = doc->reach.host};
    struct err err = {0};
    if (!registry_doc_print(arena, doc, &stored.properties, &err))
        return; /* too long */
    if (!registry_doc_of(arena, &stored, &again, &err) || !str_eq(again.sku, doc->sku) ||
        !str_eq(again.reach.host, doc->reach.host) ||
        again.reach.repositories.len != doc->reach.repositories.len ||
        again.tags.len != doc->tags.len || again.reach.has_password || again.reach.password.len)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    str body = str_of((const char *)data, size);
    arena_init(&arena, 16 << 20);
    for (int is_patch = 0; is_patch < 2; is_patch++) {
        struct registry_doc doc = {.reach = {.host = STR("reg.example")}};
        struct err err = {0};
        if (is_patch) {
            doc.location = STR("global");
            doc.sku = STR("Standard");
        }
        bool is_ok = registry_doc_read(&arena, body, is_patch, &doc, &err);
        if (is_ok == err_is(&err))
            abort();
        if (is_ok)
            go_round(&arena, &doc);
    }
    arena_fini(&arena);
    return 0;
}
