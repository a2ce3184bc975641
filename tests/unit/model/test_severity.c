/* SPDX-License-Identifier: Apache-2.0 */
#include "rows.h"

#include "model/model.h"

static void test_severity__parses_the_words_of_publishers(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct rd in;
    rd_init(&in, test_data(&arena, "model/severity.txt"));
    str row;
    while (test_next_row(&in, &row)) {
        str word = column(&row), expected = column(&row);
        enum severity severity = SEVERITY_UNKNOWN;
        if (severity_parse(word, &severity))
            assert_true(str_eq(str_from(severity_name(severity)), expected));
        else
            assert_str(expected, "?");
    }
    arena_fini(&arena);
}

static void test_severity__unknown_sorts_after_high(void **state)
{
    (void)state;
    static const enum severity order[] = {SEVERITY_CRITICAL, SEVERITY_HIGH, SEVERITY_UNKNOWN,
                                          SEVERITY_MEDIUM,   SEVERITY_LOW,  SEVERITY_NONE};
    for (int i = 0; i < 6; i++)
        assert_int_equal(severity_rank(order[i]), i);
    assert_int_equal(severity_rank((enum severity)99), severity_rank(SEVERITY_UNKNOWN));
    assert_string_equal(severity_name((enum severity)99), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_severity__parses_the_words_of_publishers),
        cmocka_unit_test(test_severity__unknown_sorts_after_high),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
