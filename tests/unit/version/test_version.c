/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of every row of the table. */
#include "check.h"

#include <string.h>
#include <time.h>

static void test_version__finds_every_row_by_name(void **state)
{
    (void)state;
    size_t n;
    const struct version_scheme *const *all = version_schemes(&n);
    assert_true(n >= 2);
    for (size_t i = 0; i < n; i++) {
        assert_ptr_equal(version_find(str_from(all[i]->name)), all[i]);
        assert_non_null(all[i]->spec);
    }
    assert_null(version_find(STR("rpm-of-another-day")));
    assert_null(version_find(STR_NONE));
}

static void test_version__foreign_bytes_are_unknown(void **state)
{
    (void)state;
    size_t n;
    const struct version_scheme *const *all = version_schemes(&n);
    for (size_t i = 0; i < n; i++) {
        check_invalid(all[i], STR_NONE);
        check_invalid(all[i], str_of("1\0", 2));
        check_invalid(all[i], str_of("1.0\n", 4));
        check_invalid(all[i], STR("1.0 "));
        check_invalid(all[i], STR(" 1.0"));
        check_invalid(all[i], STR("\xff"));
    }
}

/* Generous by a factor of ten or more: catches an allocation or a quadratic loop, not a slow
 * machine. */
static void test_version__a_long_version_costs_linear_time(void **state)
{
    (void)state;
    enum { LEN = 60000 };
    static const char unit[] = "1.";
    struct arena arena;
    arena_init(&arena, CHECK_ARENA);
    char *bytes = arena_alloc(&arena, LEN + 1);
    for (size_t i = 0; i < LEN; i++)
        bytes[i] = unit[i % 2];
    bytes[LEN] = '1';
    str v = {bytes, LEN + 1};
    size_t n;
    const struct version_scheme *const *all = version_schemes(&n);
    clock_t start = clock();
    for (size_t i = 0; i < n; i++)
        assert_int_equal(all[i]->cmp(v, v), VERSION_EQUAL);
    assert_true(clock() - start < CLOCKS_PER_SEC);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_version__finds_every_row_by_name),
        cmocka_unit_test(test_version__foreign_bytes_are_unknown),
        cmocka_unit_test(test_version__a_long_version_costs_linear_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
