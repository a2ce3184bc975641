/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

/* One of every four in turn. */
static const char *const pieces[] = {
    "v", "=",  "", "",     "1",   "02", "0", "10", ".1.", ".2.", ".0.", ".01.", "0",  "1",
    "2", "10", "", "beta", "-rc", "-1", "",  ".1", ".2",  ".a",  "",    "",     "+a", "+b"};

static const struct version_scheme *scheme(void) { return version_find(STR("npm")); }

static void test_npm__rules(void **state)
{
    (void)state;
    check_rules(scheme(), "version/npm.txt");
}

static void test_npm__is_an_order(void **state)
{
    (void)state;
    check_properties(scheme(), (struct maker){3, true, pieces, ARRAY_LEN(pieces)});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_npm__rules),
        cmocka_unit_test(test_npm__is_an_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
