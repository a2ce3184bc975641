/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

/* One of every four in turn. */
static const char *const pieces[] = {
    "1", "2", "v1", "2010", ".1", ".2", "", ".0", "",  ".1", ".x", "-01-02", "",     "-",
    ".", "_", "",   "beta", "RC", "p",  "", "1",  "2", ".1", "",   "",       "-dev", "dev"};

static const struct version_scheme *scheme(void) { return version_find(STR("composer")); }

static void test_composer__rules(void **state)
{
    (void)state;
    check_rules(scheme(), "version/composer.txt");
}

static void test_composer__is_an_order(void **state)
{
    (void)state;
    check_properties(scheme(), (struct maker){17, true, pieces, ARRAY_LEN(pieces)});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_composer__rules),
        cmocka_unit_test(test_composer__is_an_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
