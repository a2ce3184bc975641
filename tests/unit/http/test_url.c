/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include <string.h>

#include "base/limits.h"
#include "http/http.h"

static void test_split__by_the_table(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 * MIB);
    struct rd in;
    rd_init(&in, test_data(&arena, "http/urls.txt"));
    str row;
    size_t n_rows = 0;
    while (test_next_row(&in, &row)) {
        str url, expected, scheme, host, rest;
        assert_true(str_cut(row, STR("|"), &url, &expected));
        str actual = STR("-");
        if (http_url_split(str_trim(url), &scheme, &host, &rest))
            actual = arena_printf(&arena, STR_FMT " " STR_FMT " " STR_FMT, STR_ARG(scheme),
                                  STR_ARG(host), STR_ARG(rest));
        if (!str_eq(str_trim(actual), str_trim(expected)))
            fail_msg(STR_FMT ": is \"" STR_FMT "\"", STR_ARG(row), STR_ARG(actual));
        n_rows++;
    }
    assert_true(n_rows > 10);
    arena_fini(&arena);
}

static void test_escape__leaves_only_unreserved_bytes(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 * MIB);
    assert_str(http_url_escape(&arena, STR("aZ09-._~")), "aZ09-._~");
    assert_str(http_url_escape(&arena, STR("a b/c:d+\xc3\xa9%")), "a%20b%2Fc%3Ad%2B%C3%A9%25");
    assert_non_null(http_url_escape(&arena, STR("")).ptr);
    arena_fini(&arena);
}

static void test_unescape__undoes_escape_for_every_byte(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 * MIB);
    char all[256];
    for (int i = 0; i < 256; i++)
        all[i] = (char)i;
    str text = str_of(all, sizeof(all)), back;
    assert_true(http_url_unescape(&arena, http_url_escape(&arena, text), &back));
    assert_true(str_eq(back, text));
    assert_true(http_url_unescape(&arena, STR("%4a%4A+"), &back));
    assert_str(back, "JJ+");
    arena_fini(&arena);
}

static void test_unescape__refuses_half_an_escape(void **state)
{
    (void)state;
    static const char *const rows[] = {"%", "a%4", "%g0", "%0g", "%%41", "% 41"};
    struct arena arena;
    arena_init(&arena, 1 * MIB);
    str out;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_false(http_url_unescape(&arena, str_from(rows[i]), &out));
    arena_fini(&arena);
    struct arena none = {0};
    assert_false(http_url_unescape(&none, STR("a"), &out));
    assert_null(http_url_escape(&none, STR("a")).ptr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_split__by_the_table),
        cmocka_unit_test(test_escape__leaves_only_unreserved_bytes),
        cmocka_unit_test(test_unescape__undoes_escape_for_every_byte),
        cmocka_unit_test(test_unescape__refuses_half_an_escape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
