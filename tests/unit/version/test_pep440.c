/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

/* One of every four in turn. */
static const char *const pieces[] = {
    "1",   "1!", "v1", "",       "2",  "1",  "0", "01",    "",    ".0", ".1", ".0.0", "",   "a1",
    "rc2", "b",  "",   ".post1", "-1", "-r", "",  ".dev1", "dev", "",   "",   "+a",   "+1", "+a.1"};

static const struct version_scheme *scheme(void) { return version_find(STR("pep440")); }

static void test_pep440__rules(void **state)
{
    (void)state;
    check_rules(scheme(), "version/pep440.txt");
}

static void test_pep440__is_an_order(void **state)
{
    (void)state;
    check_properties(scheme(), (struct maker){15, true, pieces, ARRAY_LEN(pieces)});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pep440__rules),
        cmocka_unit_test(test_pep440__is_an_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
