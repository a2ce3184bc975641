/* SPDX-License-Identifier: Apache-2.0 */
#include "../support.h"

#include <strings.h>

#include "report/internal.h"

static void test_licence__expressions(void **state)
{
    static const struct {
        const char *text;
        enum licence_kind kind;
        const char *canonical;
    } rows[] = {
        {"MIT", LICENCE_ID, "MIT"},
        {"mit", LICENCE_ID, "MIT"},
        {"GPL-2.0+", LICENCE_ID, "GPL-2.0+"},
        {"Apache-2.0+", LICENCE_EXPRESSION, "Apache-2.0+"},
        {"GPL-2.0-only WITH Classpath-exception-2.0", LICENCE_EXPRESSION,
         "GPL-2.0-only WITH Classpath-exception-2.0"},
        {"( MIT OR apache-2.0) AND Zlib", LICENCE_EXPRESSION, "(MIT OR Apache-2.0) AND Zlib"},
        {"((MIT))", LICENCE_EXPRESSION, "((MIT))"},
        {"MIT/X11", LICENCE_OTHER, ""},
        {"MIT OR", LICENCE_OTHER, ""},
        {"OR MIT", LICENCE_OTHER, ""},
        {"MIT or Zlib", LICENCE_OTHER, ""},
        {"MIT Zlib", LICENCE_OTHER, ""},
        {"(MIT", LICENCE_OTHER, ""},
        {"MIT)", LICENCE_OTHER, ""},
        {"MIT WITH Zlib", LICENCE_OTHER, ""},
        {"Classpath-exception-2.0", LICENCE_OTHER, ""},
        {"LicenseRef-ours", LICENCE_OTHER, ""},
        {"GPL", LICENCE_OTHER, ""},
        {"", LICENCE_OTHER, ""},
        {"()", LICENCE_OTHER, ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        auto_sb out;
        sb_init(&out, 4096);
        sb_addc(&out, "before ");
        enum licence_kind kind = licence_read(str_from(rows[i].text), &out);
        if (kind != rows[i].kind)
            fail_msg("%s: kind %d, expected %d", rows[i].text, kind, rows[i].kind);
        assert_str(str_skip(sb_str(&out), 7), rows[i].canonical);
    }
}

/* They are searched by halves. */
static void test_licence__lists_are_sorted(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_licence_ids; i++)
        assert_ptr_equal(licence_find(str_from(licence_ids[i])), licence_ids[i]);
    for (size_t i = 1; i < n_licence_exceptions; i++)
        assert_true(strcasecmp(licence_exceptions[i - 1], licence_exceptions[i]) < 0);
}

static void test_licence__deep_nesting_is_no_recursion(void **state)
{
    (void)state;
    auto_sb text, out;
    sb_init(&text, 1 << 20);
    sb_init(&out, 1 << 20);
    for (int i = 0; i < 30000; i++)
        sb_byte(&text, '(');
    sb_addc(&text, "MIT");
    for (int i = 0; i < 30000; i++)
        sb_byte(&text, ')');
    assert_int_equal(licence_read(sb_str(&text), &out), LICENCE_EXPRESSION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_licence__expressions),
        cmocka_unit_test(test_licence__lists_are_sorted),
        cmocka_unit_test(test_licence__deep_nesting_is_no_recursion),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
