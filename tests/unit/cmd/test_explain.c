/* SPDX-License-Identifier: Apache-2.0 */
#include "run.h"

static void test_explain__wants_a_source_and_an_id(void **state)
{
    struct arena arena;
    (void)state;
    arena_init(&arena, 1 << 20);
    struct run run = RUN(&arena, "explain", "dir:/");
    assert_int_equal(run.code, EXIT_USAGE);
    run = RUN(&arena, "explain", "dir:/", "");
    assert_int_equal(run.code, EXIT_USAGE);
    assert_true(str_has(run.errors, STR("ID: empty")));
    run = RUN(&arena, "explain", "dir:/", "CVE-2024-1", "--format", "sarif");
    assert_int_equal(run.code, EXIT_USAGE);
    assert_true(str_has(run.errors, STR("json, table")));
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_explain__wants_a_source_and_an_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
