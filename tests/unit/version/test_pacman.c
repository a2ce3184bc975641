/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

static const char *const pieces[] = {"1", "2", "0", "10", "007", "a", "b",  "rc", "Z",
                                     "~", ".", ".", "+",  "_",   "-", "-1", "1:", "99"};

static const struct version_scheme *scheme(void) { return version_find(STR("pacman")); }

static void test_pacman__rules(void **state)
{
    (void)state;
    check_rules(scheme(), "version/pacman.txt");
}

static void test_pacman__shared_vectors(void **state)
{
    (void)state;
    assert_true(check_vectors(scheme(), "versions/pacman.tsv", true) >= 7);
}

/* vercmp is no order where one side has no release (1-1 = 1 = 1-2), so either all have one or none:
 * here none, and no letters behind a digit without a separator. */
static void test_pacman__is_mirrored(void **state)
{
    (void)state;
    struct maker source = {7, false, pieces, ARRAY_LEN(pieces)};
    size_t n_valid = 0;
    for (size_t i = 0; i < 100000; i++) {
        char bytes[2][MADE_SIZE];
        str a = maker_next(&source, bytes[0]), b = maker_next(&source, bytes[1]);
        enum version_order ab = scheme()->cmp(a, b);
        bool both = scheme()->is_valid(a) && scheme()->is_valid(b);
        n_valid += both;
        if ((ab == VERSION_UNKNOWN) == both || scheme()->cmp(b, a) != order_flip(ab))
            fail_msg("%s and %s", bytes[0], bytes[1]);
        assert_true(!both || scheme()->cmp(a, a) == VERSION_EQUAL);
    }
    assert_true(n_valid > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pacman__rules),
        cmocka_unit_test(test_pacman__shared_vectors),
        cmocka_unit_test(test_pacman__is_mirrored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
