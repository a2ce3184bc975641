/* SPDX-License-Identifier: Apache-2.0 */
#include "syntax/syntax.h"

#include <stdio.h>
#include <string.h>

#include "support.h"

/* \n, \t and \r of the rules file. */
static str unescape(struct arena *arena, str text)
{
    char *out = arena_alloc(arena, text.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i], next = i + 1 < text.len ? text.ptr[i + 1] : 0;
        bool is_escape = c == '\\' && (next == 'n' || next == 't' || next == 'r');
        out[n++] = !is_escape ? c : next == 'n' ? '\n' : next == 't' ? '\t' : '\r';
        i += is_escape;
    }
    return (str){out, n};
}

static void print(struct sb *out, struct rd *in, struct arena *arena)
{
    struct stanza stanza;
    for (size_t n = 0; stanza_read(in, arena, &stanza) == NEXT_ITEM; n++) {
        if (n)
            sb_addc(out, "//");
        for (size_t i = 0; i < stanza.fields.len; i++) {
            if (i)
                sb_addc(out, ";");
            sb_add(out, stanza.fields.ptr[i].name);
            sb_addc(out, "=");
            sb_add(out, stanza.fields.ptr[i].value);
        }
    }
}

static void check_row(struct arena *arena, str row)
{
    str verdict, text;
    assert_true(str_cut_byte(row, '|', &verdict, &row));
    assert_true(str_cut_byte(row, '|', &text, &row));
    struct rd in;
    rd_init(&in, unescape(arena, text));
    auto_sb got;
    sb_init(&got, 1 << 16);
    print(&got, &in, arena);
    struct err err = {0};
    bool is_read = rd_ok(&in, &err);
    if (is_read != str_eq(verdict, STR("good")))
        fail_msg("%.*s: %s", STR_ARG(text), is_read ? "was accepted" : err.msg);
    if (!is_read && !str_has(str_from(err.msg), row))
        fail_msg("%.*s: says \"%s\"", STR_ARG(text), err.msg);
    if (is_read && !str_eq(sb_str(&got), unescape(arena, row)))
        fail_msg("%.*s: is \"%.*s\"", STR_ARG(text), STR_ARG(sb_str(&got)));
}

static void test_stanza__follows_the_rules_file(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 4 << 20);
    struct rd in;
    rd_init(&in, test_data(&arena, "syntax/stanza.txt"));
    str row;
    size_t n = 0;
    for (; test_next_row(&in, &row); n++)
        check_row(&arena, row);
    assert_int_equal(n, 29);
    arena_fini(&arena);
}

static void test_stanza__names_compare_without_case(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 16);
    struct rd in;
    struct stanza stanza;
    rd_init(&in, STR("\n# c\nPackage: a\nInstalled-Size: 7\n"));
    assert_int_equal(stanza_read(&in, &arena, &stanza), NEXT_ITEM);
    assert_int_equal(stanza.line, 3);
    assert_str(stanza_get(&stanza, STR("installed-SIZE")), "7");
    assert_int_equal(stanza_get(&stanza, STR("Install")).len, 0);
    assert_int_equal(stanza_read(&in, &arena, &stanza), NEXT_END);
    arena_fini(&arena);
}

static void test_stanza__values_are_slices_of_the_input(void **state)
{
    (void)state;
    enum { LINES = 100000 };
    auto_sb text;
    sb_init(&text, 16 << 20);
    sb_addc(&text, "Package: big\nConffiles:\n");
    for (int i = 0; i < LINES; i++)
        sb_addf(&text, " /etc/file-%06d 0123456789abcdef0123456789abcdef\n", i);
    sb_addc(&text, "Version: 1\n");
    struct arena arena;
    arena_init(&arena, 4096); /* room for the fields, none for a copy */
    struct rd in;
    struct stanza stanza;
    rd_init(&in, sb_str(&text));
    assert_int_equal(stanza_read(&in, &arena, &stanza), NEXT_ITEM);
    str value = stanza_get(&stanza, STR("Conffiles"));
    assert_int_equal(value.len, LINES * 51);
    assert_true(value.ptr > text.ptr && value.ptr + value.len < text.ptr + text.len);
    assert_str(stanza_get(&stanza, STR("Version")), "1");
    arena_fini(&arena);
}

static void test_stanza__a_copied_value_grows_in_few_steps(void **state)
{
    (void)state;
    enum { LINES = 100000 };
    auto_sb text;
    sb_init(&text, 16 << 20);
    sb_addc(&text, "A: b\r\n");
    for (int i = 0; i < LINES; i++)
        sb_addc(&text, " line\r\n");
    struct arena arena;
    arena_init(&arena, 4 << 20);
    struct rd in;
    struct stanza stanza;
    rd_init(&in, sb_str(&text));
    assert_int_equal(stanza_read(&in, &arena, &stanza), NEXT_ITEM);
    assert_int_equal(stanza_get(&stanza, STR("a")).len, 1 + LINES * 6);
    arena_fini(&arena);
}

static void test_stanza__a_used_up_arena_is_an_error(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 512);
    auto_sb text;
    sb_init(&text, 1 << 16);
    for (int i = 0; i < 100; i++)
        sb_addf(&text, "F%d: x\n", i);
    struct rd in;
    struct stanza stanza;
    struct err err = {0};
    rd_init(&in, sb_str(&text));
    assert_int_equal(stanza_read(&in, &arena, &stanza), NEXT_ERR);
    assert_false(rd_ok(&in, &err));
    assert_int_equal(err.kind, ERR_MEMORY);
    arena_fini(&arena);
}

/* A real status file: as many stanzas as it has lines that begin with "Package:". */
static void test_stanza__reads_a_real_status_file(void **state)
{
    (void)state;
    static const char path[] = "corpus/dpkg/debian-12-server-plain.status";
    test_need_shared(path);
    struct arena arena, fields;
    arena_init(&arena, 64 << 20);
    arena_init(&fields, 64 << 10);
    str text = test_shared(&arena, path), line;
    size_t n_want = 0, n = 0;
    for (str rest = text; str_next(&rest, '\n', &line);)
        n_want += str_starts(line, STR("Package: "));
    struct rd in;
    struct stanza stanza;
    rd_init(&in, text);
    for (; stanza_read(&in, &fields, &stanza) == NEXT_ITEM; n++) {
        assert_true(stanza_get(&stanza, STR("package")).len > 0);
        assert_true(stanza_get(&stanza, STR("status")).len > 0);
        arena_reset(&fields);
    }
    struct err err = {0};
    assert_ok(rd_ok(&in, &err), err);
    assert_true(n > 50);
    assert_int_equal(n, n_want);
    arena_fini(&fields);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stanza__follows_the_rules_file),
        cmocka_unit_test(test_stanza__names_compare_without_case),
        cmocka_unit_test(test_stanza__values_are_slices_of_the_input),
        cmocka_unit_test(test_stanza__a_copied_value_grows_in_few_steps),
        cmocka_unit_test(test_stanza__a_used_up_arena_is_an_error),
        cmocka_unit_test(test_stanza__reads_a_real_status_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
