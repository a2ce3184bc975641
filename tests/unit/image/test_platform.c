/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include "image/internal.h"

static void check_row(str row)
{
    str wanted = STR_NONE, offered = STR_NONE, verdict = STR_NONE;
    struct platform w, h;
    assert_true(str_cut_byte(row, ' ', &wanted, &row) &&
                str_cut_byte(row, ' ', &offered, &verdict));
    assert_true(platform_parse(wanted, &w) && platform_parse(offered, &h));
    int fit = platform_fit(&w, &h);
    const char *got = fit == 0 ? "no" : fit >= 1000 ? "exact" : "lower";
    if (!str_eq(verdict, str_from(got)))
        fail_msg("%.*s %.*s: %s", STR_ARG(wanted), STR_ARG(row), got);
}

static void test_platform__rules(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct rd in;
    str row;
    size_t n = 0;
    rd_init(&in, test_data(&arena, "image/platforms.txt"));
    for (; test_next_row(&in, &row); n++)
        check_row(row);
    assert_true(n >= 20);
    arena_fini(&arena);
}

static void test_platform__prints_what_it_parsed(void **state)
{
    (void)state;
    static const char *const good[] = {"linux/amd64", "linux/arm/v7", "windows/amd64:10.0.17763",
                                       "wasip1/wasm"};
    static const char *const bad[] = {"",        "linux",     "linux/",       "/amd64",
                                      "a/b/c/d", "l i/amd64", "linux/amd64:", "linux/arm/"};
    struct arena arena;
    struct platform p;
    arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(platform_parse(str_from(good[i]), &p));
        assert_str(platform_print(&arena, &p), good[i]);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (platform_parse(str_from(bad[i]), &p))
            fail_msg("\"%s\" was taken", bad[i]);
    arena_fini(&arena);
}

static void test_platform__own_is_linux_here(void **state)
{
    (void)state;
    struct platform own = platform_own();
    assert_str(own.os, "linux");
    assert_true(own.arch.len > 0);
    assert_true(platform_fit(&own, &own) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_platform__rules),
        cmocka_unit_test(test_platform__prints_what_it_parsed),
        cmocka_unit_test(test_platform__own_is_linux_here),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
