/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

static const char *const pieces[] = {"1",   "2", "0",    "10", "007",   "a",  "b", "rc", "Z",
                                     "~",   "~", ".",    ".",  "^",     "^",  "-", "-1", "_",
                                     "el9", "+", "git1", "1:", "^2024", "99", ":", "0:"};

static const struct version_scheme *scheme(void) { return version_find(STR("rpm")); }

static void test_rpm__rules(void **state)
{
    (void)state;
    check_rules(scheme(), "version/rpm.txt");
}

static void test_rpm__shared_vectors(void **state)
{
    (void)state;
    assert_true(check_vectors(scheme(), "versions/rpm.tsv", true) >= 4580);
}

static void test_rpm__is_an_order(void **state)
{
    (void)state;
    check_properties(scheme(), (struct maker){7, false, pieces, ARRAY_LEN(pieces)});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rpm__rules),
        cmocka_unit_test(test_rpm__shared_vectors),
        cmocka_unit_test(test_rpm__is_an_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
