/* SPDX-License-Identifier: Apache-2.0 */
#include "../support.h"

#include "compare.h"

static void test_merge__equals_the_scan_of_the_flattened_root(void **state)
{
    (void)state;
    enum { STACKS = 2000 };
    struct dice dice = {.state = 0x9e3779b97f4a7c15u};
    struct stack *stack = malloc(sizeof(*stack));
    struct stack_work *work = stack_work_new();
    int n_of[3] = {0};
    struct stack_tally tally = {0};
    for (int i = 0; i < STACKS; i++) {
        char why[256] = "";
        stack_make(&dice, stack);
        enum stack_result result = stack_check(work, stack, why, sizeof(why), &tally);
        n_of[result]++;
        if (result == STACK_DIFFERS && n_of[result] <= 3) {
            print_message("stack %d: %s\n", i, why);
            stack_print(stack);
        }
    }
    free(stack);
    stack_work_free(work);
    print_message("%d stacks, %zu packages: %d equal, %d told to be incomplete, %d differ\n",
                  STACKS, tally.n_packages, n_of[STACK_EQUAL], n_of[STACK_INCOMPLETE],
                  n_of[STACK_DIFFERS]);
    print_message("%zu with executables, %zu with owned ones\n", tally.n_executables,
                  tally.n_known);
    assert_true(tally.n_packages > STACKS); /* there was something to compare */
    assert_true(tally.n_executables > STACKS / 2 && tally.n_known > STACKS / 2);
    for (int kind = 0; kind < BODY_KINDS; kind++) {
        print_message("%zu packages in databases of kind %d\n", tally.n_of[kind], kind);
        assert_true(kind == BODY_OS || tally.n_of[kind] > STACKS / 20);
    }
    assert_int_equal(n_of[STACK_DIFFERS], 0);
    assert_true(n_of[STACK_INCOMPLETE] < STACKS / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_merge__equals_the_scan_of_the_flattened_root),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
