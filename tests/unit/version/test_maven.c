/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

/* One of every four in turn: one word at most, always in its own list.  Of words in the same list
 * there are circles: 1.sp < 1-alpha < 1 < 1.sp. */
static const char *const pieces[] = {"1",      "2",   "0",  "10", ".1",  ".2", ".0",
                                     ".10",    "",    ".0", ".1", ".10", "",   "-rc",
                                     "-Final", "-sp", "",   "1",  "-1",  "-2"};

static const struct version_scheme *scheme(void) { return version_find(STR("maven")); }

static void test_maven__rules(void **state)
{
    (void)state;
    check_rules(scheme(), "version/maven.txt");
}

static void test_maven__is_an_order(void **state)
{
    (void)state;
    check_properties(scheme(), (struct maker){19, true, pieces, ARRAY_LEN(pieces)});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_maven__rules),
        cmocka_unit_test(test_maven__is_an_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
