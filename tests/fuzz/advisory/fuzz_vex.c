/* SPDX-License-Identifier: Apache-2.0 */
#include "record.h"

static volatile unsigned char sink; /* lint: mutable static, keeps the reads */

static void touch(str s)
{
    for (size_t i = 0; i < s.len; i++)
        sink ^= (unsigned char)s.ptr[i];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct vex_document document;
    struct err err = {0};
    arena_init(&arena, 64 << 20);
    bool is_ok = vex_document_parse(str_of((const char *)data, size), &arena, &document, &err);
    touch(document.id);
    for (size_t i = 0; is_ok && i < document.subjects.len; i++)
        touch(document.subjects.ptr[i]);
    if (is_ok)
        is_ok =
            vex_to_records(&document.statements, STR("fuzz"), &arena, record_check, &arena, &err);
    if (!is_ok && err.kind == ERR_NONE)
        abort();
    arena_fini(&arena);
    return 0;
}
