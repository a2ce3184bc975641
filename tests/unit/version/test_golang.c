/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

/* One of every four in turn. */
static const char *const pieces[] = {"v1", "2",  "go1", "v10", ".1", ".2",  "",    ".10",
                                     "",   ".1", ".2",  ".0",  "",   "-rc", "rc1", "-1",
                                     "",   ".1", ".2",  "",    "",   "",    "+a",  "+incompatible"};

static const struct version_scheme *scheme(void) { return version_find(STR("golang")); }

static void test_golang__rules(void **state)
{
    (void)state;
    check_rules(scheme(), "version/golang.txt");
}

static void test_golang__is_an_order(void **state)
{
    (void)state;
    check_properties(scheme(), (struct maker){12, true, pieces, ARRAY_LEN(pieces)});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golang__rules),
        cmocka_unit_test(test_golang__is_an_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
