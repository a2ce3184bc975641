/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/codec.h"

#include <string.h>

#include "base/num.h"
#include "support.h"

static enum hash_kind kind_of(str name)
{
    static const char *const names[] = {"sha256", "sha512", "sha1", "md5"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_eq(name, str_from(names[i])))
            return (enum hash_kind)i;
    fail_msg("unknown hash %.*s", STR_ARG(name));
    return HASH_SHA256;
}

static void check_row(str row)
{
    str name, message, want;
    assert_true(str_cut_byte(row, '|', &name, &row));
    assert_true(str_cut_byte(row, '|', &message, &want));
    enum hash_kind kind = kind_of(name);
    uint8_t digest[HASH_MAX];
    char text[2 * HASH_MAX + 1];
    hex_print(digest, hash_of(kind, message, digest), text);
    assert_int_equal(strlen(text), want.len);
    assert_memory_equal(text, want.ptr, want.len);

    struct err err = {0};
    struct hash *hash;
    assert_ok(hash_open(&hash, kind, &err), err);
    for (int round = 0; round < 2; round++) { /* used again from empty */
        for (size_t i = 0; i < message.len; i++)
            hash_add(hash, str_slice(message, i, i + 1));
        hex_print(digest, hash_done(hash, digest), text);
        assert_memory_equal(text, want.ptr, want.len);
    }
    hash_close(hash);
}

static void test_hash__published_vectors(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct rd in;
    rd_init(&in, test_data(&arena, "codec/hashes.txt"));
    str row;
    size_t n = 0;
    for (; test_next_row(&in, &row); n++)
        check_row(row);
    assert_int_equal(n, 10);
    arena_fini(&arena);
}

static void test_hash__close_is_harmless_on_null(void **state)
{
    (void)state;
    hash_close(NULL);
}

static void test_hex__reads_what_it_printed(void **state)
{
    (void)state;
    uint8_t bytes[256], back[256];
    char text[513];
    for (size_t i = 0; i < 256; i++)
        bytes[i] = (uint8_t)i;
    hex_print(bytes, 256, text);
    assert_true(hex_parse(str_from(text), back, 256));
    assert_memory_equal(bytes, back, 256);
    assert_true(hex_parse(STR("aAfF"), back, 2));
    assert_int_equal(back[0], 0xaa);
    assert_int_equal(back[1], 0xff);
}

static void test_hex__refuses_wrong_length_and_digits(void **state)
{
    (void)state;
    uint8_t back[4];
    assert_false(hex_parse(STR("abc"), back, 2));
    assert_false(hex_parse(STR("abcde"), back, 2));
    assert_false(hex_parse(STR("0g"), back, 1));
    assert_false(hex_parse(STR("/0"), back, 1));
    assert_false(hex_parse(STR("0:"), back, 1));
    assert_false(hex_parse(STR("`0"), back, 1));
    assert_false(hex_parse(STR_NONE, back, SIZE_MAX));
    assert_true(hex_parse(STR_NONE, back, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hash__published_vectors),
        cmocka_unit_test(test_hash__close_is_harmless_on_null),
        cmocka_unit_test(test_hex__reads_what_it_printed),
        cmocka_unit_test(test_hex__refuses_wrong_length_and_digits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
