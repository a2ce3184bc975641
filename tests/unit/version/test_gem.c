/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

static const char *const pieces[] = {"1",  "2",  "0",    "10", ".",  ".",  ".0",
                                     ".a", ".b", ".pre", "-1", "a1", ".1", "1."};

static const struct version_scheme *scheme(void) { return version_find(STR("gem")); }

static void test_gem__rules(void **state)
{
    (void)state;
    check_rules(scheme(), "version/gem.txt");
}

static void test_gem__is_an_order(void **state)
{
    (void)state;
    check_properties(scheme(), (struct maker){16, false, pieces, ARRAY_LEN(pieces)});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gem__rules),
        cmocka_unit_test(test_gem__is_an_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
