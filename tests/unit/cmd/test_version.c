/* SPDX-License-Identifier: Apache-2.0 */
#include "run.h"

static void test_version__names_the_rules(void **state)
{
    struct arena arena;
    (void)state;
    arena_init(&arena, 1 << 20);
    struct run first = RUN(&arena, "version"), second = RUN(&arena, "version");
    assert_int_equal(first.code, EXIT_DONE);
    assert_true(str_starts(first.out, STR("plimsoll 0.")));
    assert_true(str_has(first.out, STR("\nengine sha256:")));
    assert_true(str_eq(first.out, second.out));
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_version__names_the_rules)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
