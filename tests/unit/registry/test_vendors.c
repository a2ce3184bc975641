/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include <string.h>

#include "base/rd.h"
#include "registry/registry.h"

static void test_vendors__known_by_host_or_realm(void **state)
{
    struct arena arena;
    struct rd in;
    str row, who, expected, host, realm;
    size_t n = 0;
    (void)state;
    arena_init(&arena, 1 << 20);
    rd_init(&in, test_data(&arena, "registry/vendors.txt"));
    while (test_next_row(&in, &row)) {
        assert_true(str_cut(row, STR(" => "), &who, &expected));
        assert_true(str_cut_byte(who, ' ', &host, &realm));
        if (str_eq(realm, STR("-")))
            realm = STR("");
        const struct registry_vendor *vendor = registry_vendor_of(host, realm);
        if (!str_eq(str_from(vendor->name), expected))
            fail_msg("%.*s: %s, expected %.*s", STR_ARG(who), vendor->name, STR_ARG(expected));
        n++;
    }
    assert_true(n >= 15);
    arena_fini(&arena);
}

static void test_vendors__each_says_what_to_do(void **state)
{
    (void)state;
    const struct registry_vendor *vendor;
    for (size_t i = 0; (vendor = registry_vendor_at(i)); i++)
        assert_true(strlen(vendor->catalog) > 10 && strlen(vendor->events) > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vendors__known_by_host_or_realm),
        cmocka_unit_test(test_vendors__each_says_what_to_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
