/* SPDX-License-Identifier: Apache-2.0 */
/* enrich.h - what the targets of CVE feeds share: every enrichment is printed and read back. */
#pragma once

#include "advisory/internal.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline bool enrich_check(void *ctx, str cve, const struct enrichment *enrichment,
                                struct err *err)
{
    struct enrichment back;
    struct rd in;
    auto_sb out;
    (void)err;
    sb_init(&out, 64 << 20);
    enrichment_print(enrichment, &out);
    rd_init(&in, sb_str(&out));
    if (!cve_is(cve) ||
        (!out.has_failed && (!enrichment_parse(&in, ctx, &back) || !rd_is_end(&in) ||
                             !str_eq(back.description, enrichment->description))))
        abort();
    return true;
}

static inline bool enrich_broken(void *ctx, str id, const struct err *why, struct err *err)
{
    (void)ctx, (void)err;
    if (why->kind == ERR_NONE || map_hash(id) == 0) /* every byte of it is read */
        abort();
    return true;
}

static inline int enrich_fuzz(const uint8_t *data, size_t size,
                              bool (*parse)(str, struct arena *, const struct enrich_sink *,
                                            struct err *))
{
    struct arena arena;
    struct err err = {0};
    struct enrich_sink sink = {.take = enrich_check, .broken = enrich_broken, .ctx = &arena};
    arena_init(&arena, 64 << 20);
    if (!parse(str_of((const char *)data, size), &arena, &sink, &err) && err.kind == ERR_NONE)
        abort();
    arena_fini(&arena);
    return 0;
}
