/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

static const char *const pieces[] = {"1", "2", "0", "10", "007", ".", "-", ".1", "-1", ".0"};

static const struct version_scheme *scheme(void) { return version_find(STR("cran")); }

static void test_cran__rules(void **state)
{
    (void)state;
    check_rules(scheme(), "version/cran.txt");
}

static void test_cran__is_an_order(void **state)
{
    (void)state;
    check_properties(scheme(), (struct maker){13, false, pieces, ARRAY_LEN(pieces)});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cran__rules),
        cmocka_unit_test(test_cran__is_an_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
