/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

/* One of every four in turn. */
static const char *const pieces[] = {"1",  "2",  "01", "10", ".1", ".2", "",   ".10", "",    ".1",
                                     ".2", ".0", "",   "",   ".0", ".1", "",   "-rc", "-RC", "-1",
                                     "",   ".1", ".2", ".A", "",   "",   "+a", "+1"};

static const struct version_scheme *scheme(void) { return version_find(STR("nuget")); }

static void test_nuget__rules(void **state)
{
    (void)state;
    check_rules(scheme(), "version/nuget.txt");
}

static void test_nuget__is_an_order(void **state)
{
    (void)state;
    check_properties(scheme(), (struct maker){9, true, pieces, ARRAY_LEN(pieces)});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nuget__rules),
        cmocka_unit_test(test_nuget__is_an_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
