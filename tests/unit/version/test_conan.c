/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

/* One of every four in turn.  Numbers alone: among numbers and words there are circles. */
static const char *const pieces[] = {"1",   "2",    "0",  "10",   ".1", ".2", ".0",
                                     ".10", "",     ".0", ".0.0", ".1", "",   "-1",
                                     "-0",  "-2.1", "",   "+1",   "+0", "+2"};

static const struct version_scheme *scheme(void) { return version_find(STR("conan")); }

static void test_conan__rules(void **state)
{
    (void)state;
    check_rules(scheme(), "version/conan.txt");
}

static void test_conan__is_an_order(void **state)
{
    (void)state;
    check_properties(scheme(), (struct maker){18, true, pieces, ARRAY_LEN(pieces)});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conan__rules),
        cmocka_unit_test(test_conan__is_an_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
