/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <string.h>

static const char *const pieces[] = {"1",   "2",    "0",     "10",  "05",  ".1",     ".0",
                                     ".05", ".2",   ".10",   "a",   "b",   "_alpha", "_rc",
                                     "_p",  "_git", "_pre2", "-r1", "-r0", "~abc"};

static const struct version_scheme *scheme(void) { return version_find(STR("apk")); }

static void test_apk__rules(void **state)
{
    (void)state;
    check_rules(scheme(), "version/apk.txt");
}

static void test_apk__shared_vectors(void **state)
{
    (void)state;
    assert_true(check_vectors(scheme(), "versions/apk.tsv", true) > 8000);
}

static void test_apk__disputed_vectors_get_some_answer(void **state)
{
    (void)state;
    assert_true(check_vectors(scheme(), "versions/disputed/apk.tsv", false) > 50);
}

static void test_apk__shared_validity(void **state)
{
    (void)state;
    test_need_shared("versions/apk-validity.tsv");
    struct arena arena;
    arena_init(&arena, CHECK_ARENA);
    struct rd in;
    rd_init(&in, test_shared(&arena, "versions/apk-validity.tsv"));
    str line;
    size_t n = 0;
    assert_true(rd_line(&in, 4096, &line));
    for (; rd_line(&in, 4096, &line); n++) {
        str version, word;
        str_cut_byte(line, '\t', &version, &word);
        if (scheme()->is_valid(version) != str_eq(word, STR("valid")))
            fail_msg("'%.*s' should be %.*s", STR_ARG(version), STR_ARG(word));
    }
    assert_true(n > 20);
    arena_fini(&arena);
}

static void test_apk__is_an_order(void **state)
{
    (void)state;
    static const char *const slots[] = {
        "1",  "2",     "10", "007", ".01", ".1",   ".2", ".10",    ".0",   ".05",  ".00",
        ".5", "",      "",   "a",   "b",   "",     "",   "_alpha", "_rc1", "",     "",
        "_p", "_git2", "",   "",    "",    "~abc", "",   "-r0",    "-r1",  "-r10",
    };
    check_properties(scheme(), (struct maker){7, true, slots, ARRAY_LEN(slots)});
}

static void test_apk__is_antisymmetric_with_leading_zeros(void **state)
{
    (void)state;
    struct maker source = {9, false, pieces, ARRAY_LEN(pieces)};
    for (size_t i = 0; i < 100000; i++) {
        char a[MADE_SIZE], b[MADE_SIZE];
        str va = maker_next(&source, a), vb = maker_next(&source, b);
        assert_true(scheme()->cmp(va, vb) == order_flip(scheme()->cmp(vb, va)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_apk__rules),
        cmocka_unit_test(test_apk__shared_vectors),
        cmocka_unit_test(test_apk__disputed_vectors_get_some_answer),
        cmocka_unit_test(test_apk__shared_validity),
        cmocka_unit_test(test_apk__is_an_order),
        cmocka_unit_test(test_apk__is_antisymmetric_with_leading_zeros),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
