/* SPDX-License-Identifier: Apache-2.0 */
#include "sample.h"

/* "\xNN" in the data → the byte. */
static str unescape(struct arena *arena, str text)
{
    struct sb out;
    sb_init(&out, 4096);
    struct rd in;
    rd_init(&in, text);
    while (!rd_is_end(&in)) {
        uint8_t byte = rd_u8(&in);
        if (byte == '\\' && rd_take(&in, STR("x")))
            assert_true(hex_parse(rd_bytes(&in, 2), &byte, 1));
        sb_byte(&out, byte);
    }
    str copy = arena_dup(arena, sb_str(&out));
    sb_fini(&out);
    return copy;
}

/* Rows of text.txt: columns allowed | bytes | what is shown | columns taken */
static void test_text__rows(void **state)
{
    struct arena arena;
    struct rd in;
    str row, max, bytes, shown, columns;
    size_t n = 0;
    (void)state;
    arena_init(&arena, 1 << 20);
    rd_init(&in, test_data(&arena, "report/text.txt"));
    while (test_next_row(&in, &row)) {
        uint64_t n_max, n_columns;
        assert_true(str_cut(row, STR(" | "), &max, &row) &&
                    str_cut(row, STR(" | "), &bytes, &row) &&
                    str_cut(row, STR(" | "), &shown, &columns));
        assert_true(str_to_u64(max, 1000, &n_max) && str_to_u64(columns, 1000, &n_columns));
        struct sb out;
        sb_init(&out, 4096);
        size_t got = report_text(&out, unescape(&arena, bytes), (size_t)n_max);
        if (!str_eq(sb_str(&out), shown) || got != n_columns)
            fail_msg("line %zu: is \"" STR_FMT "\" in %zu columns", in.line, STR_ARG(sb_str(&out)),
                     got);
        sb_fini(&out);
        n++;
    }
    assert_true(n >= 20);
    arena_fini(&arena);
}

/* Every single byte, and every pair behind a lead byte: nothing below 0x20 comes out. */
static void test_text__no_byte_gets_through(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 65536; i++) {
        char bytes[2] = {(char)(i >> 8), (char)i};
        struct sb out;
        sb_init(&out, 4096);
        report_text(&out, str_of(bytes, 2), 0);
        for (size_t at = 0; at < out.len; at++)
            assert_true((unsigned char)out.ptr[at] >= 0x20 && (unsigned char)out.ptr[at] != 0x7f);
        assert_false(out.len == 2 && (unsigned char)out.ptr[0] == 0xc2 &&
                     (unsigned char)out.ptr[1] < 0xa0);
        sb_fini(&out);
    }
}

int main(void)
{
    setlocale(LC_CTYPE, "C.UTF-8");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text__rows),
        cmocka_unit_test(test_text__no_byte_gets_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
