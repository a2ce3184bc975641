/* SPDX-License-Identifier: Apache-2.0 */
/* A buffer that is born with a maximum. */
#include "../support.h"

#include <stdio.h>

#include "base/sb.h"

static void test_sb__grows_to_its_maximum_and_not_beyond(void **state)
{
    (void)state;
    auto_sb sb;
    struct err err = {0};
    sb_init(&sb, 5);
    sb_addc(&sb, "abc");
    sb_add(&sb, STR("d"));
    sb_byte(&sb, 'e');
    sb_add(&sb, STR_NONE);
    assert_true(sb_ok(&sb, &err));
    assert_string_equal(sb.ptr, "abcde");
    sb_byte(&sb, 'f');
    assert_false(sb_ok(&sb, &err));
    assert_int_equal(err.kind, ERR_LIMIT);
    sb_add(&sb, STR("g")); /* sticky */
    assert_int_equal(sb.len, 5);
    sb_clear(&sb);
    sb_addc(&sb, "again");
    assert_true(sb_ok(&sb, &err));
}

static void test_sb__numbers_are_written_as_printf_has_them(void **state)
{
    static const uint64_t numbers[] = {0, 9, 10, 1234567890, UINT64_MAX};
    (void)state;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
        auto_sb sb;
        char text[32];
        sb_init(&sb, 64);
        sb_number(&sb, numbers[i]);
        snprintf(text, sizeof(text), "%llu", (unsigned long long)numbers[i]);
        assert_string_equal(sb.ptr, text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sb__grows_to_its_maximum_and_not_beyond),
        cmocka_unit_test(test_sb__numbers_are_written_as_printf_has_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
