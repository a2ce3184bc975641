/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include <string.h>

#include "image/image.h"

static void test_digest__rules(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct rd in;
    str row;
    size_t n = 0;
    rd_init(&in, test_data(&arena, "image/digests.txt"));
    while (test_next_row(&in, &row)) {
        str verdict, text;
        digest d;
        char printed[DIGEST_TEXT_SIZE];
        assert_true(str_cut_byte(row, ' ', &verdict, &text));
        bool is_good = str_eq(verdict, STR("good"));
        if (digest_parse(text, &d) != is_good)
            fail_msg("%.*s", STR_ARG(row));
        assert_true(is_good || digest_is_none(&d));
        if (is_good)
            assert_true(str_eq(digest_print(&d, printed), text));
        n++;
    }
    assert_true(n >= 10);
    arena_fini(&arena);
}

static void test_digest__of_bytes_is_checked_against_them(void **state)
{
    (void)state;
    struct err err = {0};
    digest want;
    assert_true(digest_parse(
        STR("sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"), &want));
    digest got = digest_of(HASH_SHA256, STR("abc"));
    assert_true(digest_eq(&got, &want));
    assert_ok(digest_check(&want, STR("abc"), &err), err);
    assert_false(digest_check(&want, STR("abd"), &err));
    assert_int_equal(err.kind, ERR_MISMATCH);
    digest long_one = digest_of(HASH_SHA512, STR("abc"));
    assert_false(digest_eq(&long_one, &want));
    assert_int_equal(long_one.n, 64);
}

static void test_digest__none_prints_nothing(void **state)
{
    (void)state;
    char text[DIGEST_TEXT_SIZE] = "x";
    digest none = {0};
    assert_str(digest_print(&none, text), "");
    assert_int_equal(text[0], '\0');
}

static void test_base64__takes_padding_and_refuses_rubbish(void **state)
{
    (void)state;
    struct arena arena;
    str out;
    arena_init(&arena, 1 << 20);
    assert_true(base64_decode(&arena, STR("dXNlcjpwYXNz"), &out));
    assert_str(out, "user:pass");
    assert_true(base64_decode(&arena, STR("YQ=="), &out));
    assert_str(out, "a");
    assert_true(base64_decode(&arena, STR("YWI="), &out));
    assert_str(out, "ab");
    assert_false(base64_decode(&arena, STR("YQ="), &out));
    assert_false(base64_decode(&arena, STR("Y!Q="), &out));
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_digest__rules),
        cmocka_unit_test(test_digest__of_bytes_is_checked_against_them),
        cmocka_unit_test(test_digest__none_prints_nothing),
        cmocka_unit_test(test_base64__takes_padding_and_refuses_rubbish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
