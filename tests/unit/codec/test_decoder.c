/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/codec.h"

#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "support.h"

/* A source that gives @step bytes at a time; the first piece may differ. */
struct pieces {
    str rest;
    size_t first, step;
    struct err err; /* given instead of the end, when set */
};

static enum next pieces_read(void *ctx, str *chunk, struct err *err)
{
    struct pieces *pieces = ctx;
    size_t n = pieces->first ? pieces->first : pieces->step;
    pieces->first = 0;
    *chunk = str_slice(pieces->rest, 0, n);
    pieces->rest = str_skip(pieces->rest, n);
    if (chunk->len)
        return NEXT_ITEM;
    *err = pieces->err;
    return err_is(err) ? NEXT_ERR : NEXT_END;
}

struct answer {
    enum next end;
    enum codec_kind kind;
    uint64_t bytes_in, bytes_out;
    char sha256[2 * HASH_MAX + 1];
    struct err err;
};

/* Decode with the given pieces; @cap 0 leaves the buffer to the decoder. */
static struct answer decode(struct pieces *pieces, size_t cap, uint64_t max)
{
    static char buf[1 << 16];
    struct answer answer = {0};
    struct decoder *decoder;
    struct hash *hash;
    assert_ok(decoder_open(&decoder, (struct source){pieces_read, pieces}, max, &answer.err),
              answer.err);
    assert_ok(hash_open(&hash, HASH_SHA256, &answer.err), answer.err);
    for (;;) {
        str chunk;
        decoder_set_buffer(decoder, buf, cap);
        answer.end = decoder_next(decoder, &chunk, &answer.err);
        if (answer.end != NEXT_ITEM)
            break;
        assert_true(chunk.len > 0);
        assert_true(cap == 0 || (chunk.ptr == buf && chunk.len <= cap));
        hash_add(hash, chunk);
    }
    str after;
    struct err again = {0};
    assert_int_equal(decoder_next(decoder, &after, &again), answer.end); /* sticky */
    answer.kind = decoder_kind(decoder);
    answer.bytes_in = decoder_bytes_in(decoder);
    answer.bytes_out = decoder_bytes_out(decoder);
    uint8_t digest[HASH_MAX];
    hex_print(digest, hash_done(hash, digest), answer.sha256);
    hash_close(hash);
    decoder_close(decoder);
    return answer;
}

struct row {
    char name[64];
    str kind, want, bytes;
    bool is_good;
};

static bool next_row(struct rd *in, struct arena *arena, struct row *row)
{
    str line, name;
    if (!test_next_row(in, &line))
        return false;
    assert_true(str_cut_byte(line, '|', &name, &line));
    assert_true(str_cut_byte(line, '|', &row->kind, &row->want));
    snprintf(row->name, sizeof(row->name), "%.*s", STR_ARG(name));
    char path[128];
    snprintf(path, sizeof(path), "codec/decoder/%s", row->name);
    row->bytes = test_data(arena, path);
    row->is_good = !str_has(row->want, STR(": "));
    return true;
}

static void begin(struct arena *arena, struct rd *in)
{
    arena_init(arena, 8 << 20);
    rd_init(in, test_data(arena, "codec/decoder.txt"));
}

static void check(const struct row *row, const struct answer *answer)
{
    if (!str_eq(str_from(codec_name(answer->kind)), row->kind))
        fail_msg("%s: is %s", row->name, codec_name(answer->kind));
    if (row->is_good) {
        if (answer->end != NEXT_END)
            fail_msg("%s: %s", row->name, answer->err.msg);
        if (!str_eq(row->want, str_from(answer->sha256)))
            fail_msg("%s: other bytes came out", row->name);
        assert_int_equal(answer->bytes_in, row->bytes.len);
        return;
    }
    str kind, words;
    str_cut(row->want, STR(": "), &kind, &words);
    if (answer->end != NEXT_ERR)
        fail_msg("%s: was accepted", row->name);
    if (!str_eq(kind, str_from(err_row(answer->err.kind)->name)) ||
        !str_has(str_from(answer->err.msg), words))
        fail_msg("%s: says \"%s\"", row->name, answer->err.msg);
}

static void test_decoder__gives_what_each_file_promises(void **state)
{
    (void)state;
    static const size_t steps[] = {1, 2, 3, 7, 64, 1 << 30};
    static const size_t caps[] = {1, 5, 1000, 1 << 16, 0};
    struct arena arena;
    struct rd in;
    begin(&arena, &in);
    struct row row;
    size_t n = 0;
    for (; next_row(&in, &arena, &row); n++) {
        bool is_bomb = str_has(row.want, STR("layer-ratio"));
        for (size_t i = 0; i < ARRAY_LEN(steps); i++)
            for (size_t j = is_bomb ? 3 : 0; j < ARRAY_LEN(caps); j++) {
                struct pieces pieces = {.rest = row.bytes, .step = steps[i]};
                struct answer answer = decode(&pieces, caps[j], UINT64_MAX);
                check(&row, &answer);
            }
    }
    assert_true(n > 30);
    arena_fini(&arena);
}

static void test_decoder__input_may_be_split_anywhere(void **state)
{
    (void)state;
    struct arena arena;
    struct rd in;
    begin(&arena, &in);
    struct row row;
    while (next_row(&in, &arena, &row))
        for (size_t at = 1; at < row.bytes.len && row.is_good; at++) {
            struct pieces pieces = {.rest = row.bytes, .first = at, .step = 1 << 30};
            struct answer answer = decode(&pieces, at % 3 ? 0 : 100, UINT64_MAX);
            check(&row, &answer);
        }
    arena_fini(&arena);
}

/* Where a file may end: behind each member or frame, and in the padding. */
static bool is_border(const char *name, str whole, size_t at)
{
    if (strcmp(name, "zero-padded.gz") == 0)
        return at + 700 >= whole.len;
    str rest = str_skip(whole, at);
    bool may_go_on = strstr(name, "members") || strstr(name, "frames") || strstr(name, "-two");
    return may_go_on &&
           (str_starts(rest, STR("\x1f\x8b\x08")) || str_starts(rest, STR("\x52\x2a\x4d\x18")) ||
            str_starts(rest, STR("\x28\xb5\x2f\xfd")) || str_starts(rest, STR("BZh9")) ||
            str_starts(rest, STR("\xfd"
                                 "7zXZ")));
}

static void test_decoder__a_cut_stream_is_an_error(void **state)
{
    (void)state;
    struct arena arena;
    struct rd in;
    begin(&arena, &in);
    struct row row;
    while (next_row(&in, &arena, &row))
        for (size_t at = 1; at < row.bytes.len && row.is_good; at++) {
            struct pieces pieces = {.rest = str_slice(row.bytes, 0, at), .step = 1 << 30};
            struct answer answer = decode(&pieces, 0, UINT64_MAX);
            bool is_border_here = is_border(row.name, row.bytes, at);
            if (answer.kind != CODEC_PLAIN && (answer.end == NEXT_END) != is_border_here)
                fail_msg("%s cut at %zu: %s", row.name, at,
                         is_border_here ? answer.err.msg : "accepted");
            assert_true(answer.end == NEXT_END || answer.err.kind == ERR_FORMAT);
            assert_true(answer.kind != CODEC_PLAIN || at < 6 || str_eq(row.kind, STR("plain")));
        }
    arena_fini(&arena);
}

static void test_decoder__a_changed_gzip_body_is_an_error(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    str whole = test_data(&arena, "codec/decoder/one.gz");
    for (size_t at = 10; at < whole.len; at++) {
        str copy = arena_dup(&arena, whole);
        char *bytes = arena_alloc(&arena, copy.len);
        memcpy(bytes, whole.ptr, whole.len);
        bytes[at] = (char)(bytes[at] ^ (1 << at % 8));
        struct pieces pieces = {.rest = {bytes, whole.len}, .step = 1 << 30};
        assert_int_equal(decode(&pieces, 0, UINT64_MAX).end, NEXT_ERR);
        arena_reset(&arena);
        whole = test_data(&arena, "codec/decoder/one.gz");
    }
    arena_fini(&arena);
}

static void test_decoder__stops_above_the_maximum(void **state)
{
    (void)state;
    static const char *const files[] = {"one.gz", "zstd.zst", "xz.xz", "bzip2.bz2", "plain.txt"};
    struct arena arena;
    arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        char path[64];
        snprintf(path, sizeof(path), "codec/decoder/%s", files[i]);
        str bytes = test_data(&arena, path);
        struct pieces all = {.rest = bytes, .step = 1 << 30}, exact = all, less = all;
        uint64_t size = decode(&all, 0, UINT64_MAX).bytes_out;
        assert_int_equal(decode(&exact, 0, size).end, NEXT_END);
        struct answer answer = decode(&less, 0, size - 1);
        assert_int_equal(answer.end, NEXT_ERR);
        assert_int_equal(answer.err.kind, ERR_LIMIT);
        assert_true(str_has(str_from(answer.err.msg), STR("limit")));
    }
    arena_fini(&arena);
}

static void test_decoder__passes_on_what_its_source_says(void **state)
{
    (void)state;
    static const char *const files[] = {"one.gz", "zstd.zst", "xz.xz", "bzip2.bz2", "plain.txt"};
    struct arena arena;
    arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        char path[64];
        snprintf(path, sizeof(path), "codec/decoder/%s", files[i]);
        str bytes = test_data(&arena, path);
        struct pieces pieces = {.rest = str_slice(bytes, 0, bytes.len / 2), .step = 7};
        err_set(&pieces.err, ERR_MISMATCH, "digest of layer");
        struct answer answer = decode(&pieces, 0, UINT64_MAX);
        assert_int_equal(answer.end, NEXT_ERR);
        assert_int_equal(answer.err.kind, ERR_MISMATCH);
    }
    arena_fini(&arena);
}

static void test_decoder__decodes_a_whole(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct err err = {0};
    str out;
    assert_ok(decode_whole(&arena, STR("plain"), 5, &out, &err), err);
    assert_str(out, "plain");
    assert_ok(decode_whole(&arena, STR_NONE, 0, &out, &err), err);
    assert_int_equal(out.len, 0);
    assert_ok(
        decode_whole(&arena, test_data(&arena, "codec/decoder/zero-padded.gz"), 6, &out, &err),
        err);
    assert_str(out, "padded");
    assert_false(decode_whole(&arena, STR("plain"), 4, &out, &err));
    assert_int_equal(err.kind, ERR_LIMIT);
    arena_fini(&arena);
}

static void test_decoder__reads_a_descriptor_to_its_end(void **state)
{
    (void)state;
    FILE *file = fopen(test_data_path("codec/decoder/one.gz"), "rb");
    assert_non_null(file);
    struct err err = {0};
    struct source_fd *fd;
    struct decoder *outer, *inner;
    assert_ok(source_fd_open(&fd, fileno(file), &err), err);
    assert_ok(decoder_open(&inner, source_from_fd(fd), UINT64_MAX, &err), err);
    /* a decoder is a source in its turn */
    assert_ok(decoder_open(&outer, source_from_decoder(inner), UINT64_MAX, &err), err);
    str chunk;
    size_t n = 0;
    enum next step;
    while ((step = decoder_next(outer, &chunk, &err)) == NEXT_ITEM)
        n += chunk.len;
    assert_int_equal(step, NEXT_END);
    assert_int_equal(n, 2500);
    assert_int_equal(decoder_kind(inner), CODEC_GZIP);
    assert_int_equal(decoder_kind(outer), CODEC_PLAIN);
    decoder_close(outer);
    decoder_close(inner);
    decoder_close(NULL);
    source_fd_close(fd);
    fclose(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decoder__gives_what_each_file_promises),
        cmocka_unit_test(test_decoder__input_may_be_split_anywhere),
        cmocka_unit_test(test_decoder__a_cut_stream_is_an_error),
        cmocka_unit_test(test_decoder__a_changed_gzip_body_is_an_error),
        cmocka_unit_test(test_decoder__stops_above_the_maximum),
        cmocka_unit_test(test_decoder__passes_on_what_its_source_says),
        cmocka_unit_test(test_decoder__decodes_a_whole),
        cmocka_unit_test(test_decoder__reads_a_descriptor_to_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
