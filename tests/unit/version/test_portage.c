/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

/* One of every four in turn. */
static const char *const pieces[] = {"1", "2",      "0",     "10",  ".1", ".01", ".10", ".2",
                                     "",  ".0",     ".010",  ".9",  "",   "",    "a",   "b",
                                     "",  "_alpha", "_beta", "_p",  "",   "1",   "2",   "0",
                                     "",  "_rc",    "_p1",   "_p0", "",   "-r0", "-r1", "-r10"};

static const struct version_scheme *scheme(void) { return version_find(STR("portage")); }

static void test_portage__rules(void **state)
{
    (void)state;
    check_rules(scheme(), "version/portage.txt");
}

static void test_portage__is_an_order(void **state)
{
    (void)state;
    check_properties(scheme(), (struct maker){3, true, pieces, ARRAY_LEN(pieces)});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_portage__rules),
        cmocka_unit_test(test_portage__is_an_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
