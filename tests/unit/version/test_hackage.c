/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

static const char *const pieces[] = {"1", "2", "0", "10", ".", ".1", ".0", ".2", ".10", "1."};

static const struct version_scheme *scheme(void) { return version_find(STR("hackage")); }

static void test_hackage__rules(void **state)
{
    (void)state;
    check_rules(scheme(), "version/hackage.txt");
}

static void test_hackage__is_an_order(void **state)
{
    (void)state;
    check_properties(scheme(), (struct maker){14, false, pieces, ARRAY_LEN(pieces)});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hackage__rules),
        cmocka_unit_test(test_hackage__is_an_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
