/* SPDX-License-Identifier: Apache-2.0 */
#include "../support.h"

#include <stdio.h>

#include "base/clock.h"

static void test_clock__reads_what_the_rules_say(void **state)
{
    (void)state;
    struct arena arena;
    struct rd in;
    str row, text, expected;
    unsigned n = 0;
    arena_init(&arena, 1 << 20);
    rd_init(&in, test_data(&arena, "base/clock.txt"));
    while (test_next_row(&in, &row)) {
        int64_t at = 0;
        char got[32] = "-";
        assert_true(str_cut(row, STR(" | "), &text, &expected));
        if (clock_parse(text, &at))
            snprintf(got, sizeof(got), "%lld", (long long)at);
        if (!str_eq(str_from(got), expected))
            fail_msg(STR_FMT ": %s, expected " STR_FMT, STR_ARG(text), got, STR_ARG(expected));
        n++;
    }
    assert_true(n > 25);
    arena_fini(&arena);
}

static void test_clock__rfc5322_has_no_thirtieth_of_february(void **state)
{
    (void)state;
    int64_t at = 0;
    assert_true(clock_parse_rfc5322(STR("Tue, 24 Nov 2026 06:04:37 UTC"), &at));
    assert_int_equal(at, 1795500277);
    assert_false(clock_parse_rfc5322(STR("Mon, 30 Feb 2026 06:04:37 UTC"), &at));
    assert_false(clock_parse_rfc5322(STR("Tue, 31 Nov 2026 06:04:37 UTC"), &at));
}

static void test_clock__prints_what_it_reads(void **state)
{
    (void)state;
    char text[CLOCK_TEXT_SIZE];
    for (int64_t at = 0; at < 4102444800; at += 86399 * 11) {
        int64_t back = -1;
        assert_true(clock_parse(clock_print(at, text), &back));
        assert_int_equal(back, at);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clock__reads_what_the_rules_say),
        cmocka_unit_test(test_clock__rfc5322_has_no_thirtieth_of_february),
        cmocka_unit_test(test_clock__prints_what_it_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
