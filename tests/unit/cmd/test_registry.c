/* SPDX-License-Identifier: Apache-2.0 */
/* What cannot be reached; what can is tests/e2e/import.test.mjs's. */
#include "run.h"

static void test_registry_check__no_connection(void **state)
{
    struct arena arena;
    (void)state;
    arena_init(&arena, 4 << 20);
    struct run run = RUN(&arena, "registry", "check", "127.0.0.1:1");
    assert_int_equal(run.code, EXIT_INCOMPLETE);
    assert_true(str_starts(run.out, STR("127.0.0.1:1\n  ✗ reach")));
    assert_true(str_has(run.out, STR("→ check the port")));
    run = RUN(&arena, "registry", "check", "127.0.0.1:1", "--format", "json");
    assert_int_equal(run.code, EXIT_INCOMPLETE);
    assert_true(str_has(run.out, STR("\"works\": false")));
    assert_true(str_has(run.out, STR("\"state\": \"fails\"")));
    assert_true(str_has(run.out, STR("\"remedy\": \"check the port")));
    arena_fini(&arena);
}

static void test_registry_check__usage(void **state)
{
    struct arena arena;
    (void)state;
    arena_init(&arena, 4 << 20);
    assert_int_equal(RUN(&arena, "registry", "check").code, EXIT_USAGE);
    assert_int_equal(RUN(&arena, "registry", "check", "a b").code, EXIT_USAGE);
    assert_int_equal(RUN(&arena, "registry", "check", "a", "--format", "xml").code, EXIT_USAGE);
    assert_int_equal(RUN(&arena, "registry", "check", "h/a", "--username", "x").code, EXIT_USAGE);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_registry_check__no_connection),
        cmocka_unit_test(test_registry_check__usage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
