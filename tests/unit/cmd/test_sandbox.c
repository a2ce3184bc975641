/* SPDX-License-Identifier: Apache-2.0 */
#include "run.h"

/* Whatever this machine allows, the check tells it: a level and what is missing, or an error. */
static void test_sandbox__check_tells_the_level(void **state)
{
    struct arena arena;
    (void)state;
    arena_init(&arena, 1 << 20);
    struct run run = RUN(&arena, "sandbox", "check");
    bool is_full = str_starts(run.out, STR("level    full\n"));
    bool is_basic = str_starts(run.out, STR("level    basic\n"));
    if (run.code == EXIT_DONE) {
        assert_true(is_full || is_basic);
        assert_true(str_has(run.out, STR("\nmissing  nothing\n")) == is_full);
    } else {
        assert_int_equal(run.code, EXIT_INCOMPLETE);
        assert_true(str_starts(run.errors, STR("plimsoll: ")));
        assert_false(is_full || is_basic);
    }
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sandbox__check_tells_the_level)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
