/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

/* One of every four in turn. */
static const char *const pieces[] = {"1", "2",  "v1", "10",   ".1", ".2", "",    ".10",
                                     "",  ".1", ".2", ".1.0", "",   "",   "-rc", "-1",
                                     "",  ".1", ".2", ".a",   "",   "",   "+a",  "+1"};

static const struct version_scheme *scheme(void) { return version_find(STR("pub")); }

static void test_pub__rules(void **state)
{
    (void)state;
    check_rules(scheme(), "version/pub.txt");
}

static void test_pub__is_an_order(void **state)
{
    (void)state;
    check_properties(scheme(), (struct maker){7, true, pieces, ARRAY_LEN(pieces)});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pub__rules),
        cmocka_unit_test(test_pub__is_an_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
