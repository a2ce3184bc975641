/* SPDX-License-Identifier: Apache-2.0 */
/* One OSV record, printed and read back. */
#include "advisory/internal.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct record record;
    struct err err = {0};
    struct rd in;
    auto_sb out;
    arena_init(&arena, 64 << 20);
    sb_init(&out, 64 << 20);
    if (osv_record_parse(str_of((const char *)data, size), &arena, &record, &err)) {
        struct advisory text;
        record_text_print(&record.advisory, &out);
        rd_init(&in, sb_str(&out));
        if (!out.has_failed && (!record_text_parse(&in, &arena, &text) || !rd_is_end(&in) ||
                                !str_eq(text.id, record.advisory.id)))
            abort();
        for (size_t i = 0; i < record.entries.len; i++) {
            struct affected back;
            sb_clear(&out);
            affected_print(&record.entries.ptr[i].affected, &out);
            rd_init(&in, sb_str(&out));
            if (!out.has_failed && (!affected_parse(&in, &arena, &back) || !rd_is_end(&in)))
                abort();
        }
    }
    arena_fini(&arena);
    return 0;
}
