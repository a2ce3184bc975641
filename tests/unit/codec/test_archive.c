/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/codec.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "base/sb.h"
#include "support.h"

struct pieces {
    str rest;
    size_t step;
};

static enum next pieces_read(void *ctx, str *chunk, struct err *err)
{
    (void)err;
    struct pieces *pieces = ctx;
    *chunk = str_slice(pieces->rest, 0, pieces->step);
    pieces->rest = str_skip(pieces->rest, pieces->step);
    return chunk->len ? NEXT_ITEM : NEXT_END;
}

static void add_escaped(struct sb *out, str name)
{
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.ptr[i];
        if (c < 0x21 || c > 0x7e || c == '\\')
            sb_addf(out, "\\x%02x", c);
        else
            sb_byte(out, c);
    }
}

static bool add_entry(struct sb *out, struct archive_reader *reader, const struct entry *entry,
                      str whole, struct err *err)
{
    static const char *const types[] = {"other", "file", "dir", "symlink", "hardlink"};
    sb_addf(out, "%s %o %llu ", types[entry->type], entry->mode,
            (unsigned long long)entry->size_bytes);
    add_escaped(out, entry->path);
    if (entry->link.len) {
        sb_addc(out, " -> ");
        add_escaped(out, entry->link);
    }
    struct arena arena;
    arena_init(&arena, 1 << 20);
    str body;
    uint64_t offset = entry->data_offset;
    bool is_read = archive_body(reader, &arena, 400000, &body, err);
    if (is_read) {
        uint8_t digest[HASH_MAX];
        char text[2 * HASH_MAX + 1];
        hex_print(digest, hash_of(HASH_SHA256, body, digest), text);
        sb_addf(out, " %.16s\n", text);
        /* the body lies where the entry says, unless it is sparse */
        if (whole.len && body.len < 100000)
            assert_true(str_eq(str_slice(whole, offset, offset + body.len), body));
    }
    arena_fini(&arena);
    return is_read;
}

/* All entries as text, like the list files. */
static enum next list(struct archive_reader *reader, str whole, struct sb *out, struct err *err)
{
    struct entry entry;
    enum next step;
    while ((step = archive_next(reader, &entry, err)) == NEXT_ITEM)
        if (!add_entry(out, reader, &entry, whole, err))
            return NEXT_ERR;
    struct err again = {0};
    assert_int_equal(archive_next(reader, &entry, &again), step);
    return step;
}

static enum archive_kind kind_of(str name)
{
    return str_eq(name, STR("tar"))   ? ARCHIVE_TAR
           : str_eq(name, STR("zip")) ? ARCHIVE_ZIP
                                      : ARCHIVE_AR;
}

static void check_row(struct arena *arena, str row, size_t step)
{
    str name, kind, words;
    char path[200];
    assert_true(str_cut_byte(row, '|', &name, &row));
    assert_true(str_cut_byte(row, '|', &kind, &row));
    snprintf(path, sizeof(path), "codec/archive/%.*s", STR_ARG(name));
    str whole = test_data(arena, path), want = STR_NONE;
    bool is_bad = str_cut(row, STR(": "), &row, &words);
    snprintf(path, sizeof(path), "codec/archive/%.*s", STR_ARG(row));
    if (!is_bad)
        want = test_data(arena, path);

    struct pieces pieces = {whole, step};
    struct archive_reader *reader = NULL;
    struct err err = {0};
    auto_sb got;
    sb_init(&got, 1 << 16);
    enum next end = NEXT_ERR;
    if (archive_open(&reader, kind_of(kind), (struct source){pieces_read, &pieces}, &err))
        end = list(reader, str_eq(kind, STR("tar")) ? whole : STR_NONE, &got, &err);
    archive_close(reader);
    if (is_bad) {
        if (end != NEXT_ERR || err.kind != ERR_FORMAT || !str_has(str_from(err.msg), words))
            fail_msg("%.*s: %d \"%s\"", STR_ARG(name), end, err.msg);
        return;
    }
    if (end != NEXT_END)
        fail_msg("%.*s: %s", STR_ARG(name), err.msg);
    if (!str_eq(sb_str(&got), want))
        fail_msg("%.*s: is\n%.*s", STR_ARG(name), STR_ARG(sb_str(&got)));
}

static void check_all(size_t step)
{
    struct arena arena;
    arena_init(&arena, 16 << 20);
    struct rd in;
    rd_init(&in, test_data(&arena, "codec/archive.txt"));
    str row;
    size_t n = 0;
    for (; test_next_row(&in, &row); n++)
        check_row(&arena, row, step);
    assert_true(n > 15);
    arena_fini(&arena);
}

static void test_archive__gives_what_each_file_promises(void **state)
{
    (void)state;
    setlocale(LC_CTYPE, "C.UTF-8");
    static const size_t steps[] = {1 << 30, 1, 511, 512, 513};
    for (size_t i = 0; i < ARRAY_LEN(steps); i++)
        check_all(steps[i]);
}

static void test_archive__names_do_not_depend_on_the_locale(void **state)
{
    (void)state;
    setlocale(LC_CTYPE, "C");
    check_all(1 << 30);
    setlocale(LC_CTYPE, "C.UTF-8");
}

/* Walk without reading bodies; true when complete. */
static bool walk(str bytes, size_t *n, struct err *err)
{
    struct source_mem mem;
    struct archive_reader *reader = NULL;
    struct entry entry;
    enum next step = NEXT_ERR;
    *n = 0;
    if (archive_open(&reader, ARCHIVE_TAR, source_from_mem(&mem, bytes), err))
        while ((step = archive_next(reader, &entry, err)) == NEXT_ITEM)
            (*n)++;
    archive_close(reader);
    return step == NEXT_END;
}

static void test_archive__a_cut_tar_is_complete_only_at_a_border(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    str whole = test_data(&arena, "codec/archive/ustar.tar");
    size_t n_all, n_borders = 0, last_entry = 0, n;
    struct err err = {0};
    assert_true(walk(whole, &n_all, &err));
    size_t marker = str_find(whole, STR("end")) + 512; /* the last body is "end" */
    for (size_t at = 0; at < whole.len; at += 128) {
        err = (struct err){0};
        bool is_whole = walk(str_slice(whole, 0, at), &n, &err);
        if (!is_whole)
            assert_int_equal(err.kind, ERR_FORMAT);
        else
            assert_true(at % 512 == 0 || at > marker + 512);
        if (is_whole && (n > last_entry || at == 0)) {
            n_borders++;
            last_entry = n;
        }
    }
    assert_int_equal(n_borders, n_all + 1);
    arena_fini(&arena);
}

static void test_archive__a_body_above_the_maximum_is_a_limit(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    static const char *const files[] = {"ustar.tar", "good.zip", "good.ar"};
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        char path[64];
        snprintf(path, sizeof(path), "codec/archive/%s", files[i]);
        struct source_mem mem;
        struct archive_reader *reader;
        struct err err = {0};
        struct entry entry;
        str body;
        assert_ok(archive_open(&reader, (enum archive_kind)i,
                               source_from_mem(&mem, test_data(&arena, path)), &err),
                  err);
        do
            assert_int_equal(archive_next(reader, &entry, &err), NEXT_ITEM);
        while (entry.type != ENTRY_FILE);
        assert_false(archive_body(reader, &arena, 3, &body, &err));
        assert_int_equal(err.kind, ERR_LIMIT);
        archive_close(reader);
    }
    arena_fini(&arena);
}

/* With seeking the central directory is read, which knows the modes. */
static void check_zip(struct archive_reader *reader)
{
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct err err = {0};
    auto_sb got;
    sb_init(&got, 1 << 16);
    assert_int_equal(list(reader, STR_NONE, &got, &err), NEXT_END);
    assert_true(str_eq(sb_str(&got), test_data(&arena, "codec/archive/good.zip.seek.list")));
    archive_close(reader);
    arena_fini(&arena);
}

static void test_archive__zip_from_a_file(void **state)
{
    (void)state;
    struct archive_reader *reader;
    struct err err = {0};
    assert_ok(archive_open_zip_file(&reader, test_data_path("codec/archive/good.zip"), &err), err);
    check_zip(reader);
    assert_false(archive_open_zip_file(&reader, test_data_path("codec/archive/absent"), &err));
    assert_int_equal(err.kind, ERR_IO);
    archive_close(NULL);
}

static void test_archive__zip_from_memory(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct archive_reader *reader;
    struct entry entry;
    struct err err = {0};
    str whole = test_data(&arena, "codec/archive/good.zip");
    assert_ok(archive_open_zip_mem(&reader, whole, &err), err);
    check_zip(reader);
    bool is_open = archive_open_zip_mem(&reader, str_slice(whole, 0, whole.len - 30), &err);
    assert_true(!is_open || archive_next(reader, &entry, &err) == NEXT_ERR);
    assert_int_equal(err.kind, ERR_FORMAT);
    if (is_open)
        archive_close(reader);
    arena_fini(&arena);
}

static void test_archive__one_damaged_zip_entry_leaves_the_others(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    str whole = test_data(&arena, "codec/archive/bad-crc-of-one.zip"), body;
    for (int is_streaming = 0; is_streaming < 2; is_streaming++) {
        struct source_mem mem;
        struct archive_reader *reader;
        struct entry entry;
        struct err err = {0};
        size_t n = 0;
        assert_ok(is_streaming
                      ? archive_open(&reader, ARCHIVE_ZIP, source_from_mem(&mem, whole), &err)
                      : archive_open_zip_mem(&reader, whole, &err),
                  err);
        for (; archive_next(reader, &entry, &err) == NEXT_ITEM; n++) {
            bool is_damaged = str_eq(entry.path, STR("a/stored.txt"));
            err = (struct err){0};
            assert_int_equal(archive_body(reader, &arena, 1000, &body, &err), !is_damaged);
            assert_int_equal(err.kind, is_damaged ? ERR_FORMAT : ERR_NONE);
            assert_int_equal(archive_data(reader, &body, &err), is_damaged ? NEXT_ERR : NEXT_END);
            err = (struct err){0};
        }
        assert_int_equal(err.kind, ERR_NONE);
        assert_int_equal(n, 4);
        archive_close(reader);
    }
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_archive__gives_what_each_file_promises),
        cmocka_unit_test(test_archive__names_do_not_depend_on_the_locale),
        cmocka_unit_test(test_archive__a_cut_tar_is_complete_only_at_a_border),
        cmocka_unit_test(test_archive__a_body_above_the_maximum_is_a_limit),
        cmocka_unit_test(test_archive__zip_from_a_file),
        cmocka_unit_test(test_archive__zip_from_memory),
        cmocka_unit_test(test_archive__one_damaged_zip_entry_leaves_the_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
