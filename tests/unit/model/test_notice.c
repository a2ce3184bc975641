/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include "model/model.h"

static void test_notice__copies_what_it_is_given(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 16);
    char path[] = "/a", message[] = "odd";
    notices list = {0};
    assert_true(notice_add(&arena, &list, NOTICE_VERSION, true, str_from(path), str_from(message)));
    path[1] = message[0] = 'X';
    assert_int_equal(list.len, 1);
    assert_str(list.ptr[0].path, "/a");
    assert_str(list.ptr[0].message, "odd");
    assert_int_equal(list.ptr[0].layer, -1);
    assert_true(list.ptr[0].is_incomplete);
    arena_fini(&arena);
}

static void test_notice__says_when_the_arena_is_used_up(void **state)
{
    (void)state;
    struct arena none = {0};
    notices list = {0};
    assert_false(notice_add(&none, &list, NOTICE_INFO, false, STR("/a"), STR("m")));
    assert_int_equal(list.len, 0);
}

static void test_notice__kinds_have_names(void **state)
{
    (void)state;
    assert_string_equal(notice_kind_name(NOTICE_VERSION), "version");
    assert_string_equal(notice_kind_name(NOTICE_UNSUPPORTED), "unsupported");
    for (int kind = NOTICE_INFO; kind <= NOTICE_UNSUPPORTED; kind++)
        assert_non_null(notice_kind_name((enum notice_kind)kind));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_notice__copies_what_it_is_given),
        cmocka_unit_test(test_notice__says_when_the_arena_is_used_up),
        cmocka_unit_test(test_notice__kinds_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
