/* SPDX-License-Identifier: Apache-2.0 */
/* The first byte chooses the kind of archive and how its bodies are read; the rest is the archive.
 * A seed that is a plain archive is read as what it is, too. */
#include "codec/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BODY_MAX = 1 << 20, WORK_MAX = 16 << 20 };

static unsigned sum_of(str s)
{
    unsigned sum = 0;
    for (size_t i = 0; i < s.len; i++)
        sum += (unsigned char)s.ptr[i];
    return sum;
}

static unsigned read_pieces(struct archive_reader *reader, size_t *work, struct err *err)
{
    unsigned sum = 0;
    str chunk;
    while (*work < WORK_MAX && archive_data(reader, &chunk, err) == NEXT_ITEM) {
        sum += sum_of(chunk);
        *work += chunk.len;
    }
    return sum;
}

static unsigned read_all(struct archive_reader *reader, unsigned how)
{
    unsigned sum = 0;
    size_t work = 0;
    struct entry entry;
    struct err err = {0};
    while (work < WORK_MAX && archive_next(reader, &entry, &err) == NEXT_ITEM) {
        sum += sum_of(entry.path) + sum_of(entry.link) + entry.type + entry.mode;
        struct arena arena;
        arena_init(&arena, 2 * BODY_MAX);
        str body;
        if (how == 1)
            sum += read_pieces(reader, &work, &err);
        else if (how == 2 && archive_body(reader, &arena, BODY_MAX, &body, &err))
            sum += sum_of(body);
        work += 1 << 12;
        arena_fini(&arena);
    }
    return sum;
}

static unsigned read_as(enum archive_kind kind, str bytes, unsigned how)
{
    struct source_mem mem;
    struct archive_reader *reader = NULL;
    struct err err = {0};
    unsigned sum = 0;
    if (archive_open(&reader, kind, source_from_mem(&mem, bytes), &err))
        sum = read_all(reader, how);
    archive_close(reader);
    reader = NULL;
    if (kind == ARCHIVE_ZIP && archive_open_zip_mem(&reader, bytes, &err))
        sum += read_all(reader, how);
    archive_close(reader);
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str whole = {(const char *)data, size};
    unsigned first = size ? data[0] : 0, sum = 0;
    if (str_starts(whole, STR("PK")))
        sum = read_as(ARCHIVE_ZIP, whole, 2);
    else if (str_starts(whole, STR("!<arch>")))
        sum = read_as(ARCHIVE_AR, whole, 2);
    else if (size % 512 == 0)
        sum = read_as(ARCHIVE_TAR, whole, 1 + size / 512 % 2);
    else
        sum = read_as((enum archive_kind)(first % 3), str_skip(whole, 1), first / 3 % 3);
    return sum == 0x7fffffff ? 1 : 0;
}
