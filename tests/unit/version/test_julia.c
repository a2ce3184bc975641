/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

/* One of every four in turn. */
static const char *const pieces[] = {"1", "2",  "v1", "10", ".1", ".2", "",    ".10",
                                     "",  ".1", ".2", ".0", "",   "",   "-rc", "-1",
                                     "",  ".1", ".2", ".a", "",   "",   "+a",  "+1"};

static const struct version_scheme *scheme(void) { return version_find(STR("julia")); }

static void test_julia__rules(void **state)
{
    (void)state;
    check_rules(scheme(), "version/julia.txt");
}

static void test_julia__is_an_order(void **state)
{
    (void)state;
    check_properties(scheme(), (struct maker){8, true, pieces, ARRAY_LEN(pieces)});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_julia__rules),
        cmocka_unit_test(test_julia__is_an_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
