/* SPDX-License-Identifier: Apache-2.0 */
/* record.h - what targets of record readers share: what is made of a document is printed and read
 * back, every byte of it. */
#pragma once

#include "advisory/internal.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline bool record_check(void *ctx, const struct record *record, struct err *err)
{
    struct arena *arena = ctx;
    struct advisory text;
    struct rd in;
    auto_sb out;
    (void)err;
    sb_init(&out, 64 << 20);
    record_text_print(&record->advisory, &out);
    rd_init(&in, sb_str(&out));
    if (!out.has_failed && (!record_text_parse(&in, arena, &text) || !rd_is_end(&in) ||
                            !str_eq(text.id, record->advisory.id)))
        abort();
    for (size_t i = 0; i < record->entries.len; i++) {
        const struct record_entry *entry = &record->entries.ptr[i];
        struct affected back;
        if (!entry->package.len || !entry->ecosystem.len)
            abort();
        sb_clear(&out);
        affected_print(&entry->affected, &out);
        rd_init(&in, sb_str(&out));
        if (!out.has_failed && (!affected_parse(&in, arena, &back) || !rd_is_end(&in)))
            abort();
    }
    return true;
}
