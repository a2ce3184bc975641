/* SPDX-License-Identifier: Apache-2.0 */
#include "run.h"

/* "scan [oci:img] format=json quiet" */
static str call_print(struct arena *arena, const struct cmd_call *call)
{
    struct sb out;
    sb_init(&out, 4096);
    if (call->wants_help) {
        sb_addf(&out,
                "help of"
                "%s" STR_FMT,
                call->path.len ? " " : "", STR_ARG(call->path));
    } else {
        sb_add(&out, call->path);
        sb_addc(&out, " [");
        for (size_t i = 0; i < call->operands.len; i++)
            sb_addf(&out, "%s" STR_FMT, i ? " " : "", STR_ARG(call->operands.ptr[i]));
        sb_addc(&out, "]");
        for (size_t i = 0; i < call->values.len; i++)
            sb_addf(&out, call->values.ptr[i].option->argument ? " %s=" STR_FMT : " %s" STR_FMT,
                    call->values.ptr[i].option->name, STR_ARG(call->values.ptr[i].text));
    }
    str copy = arena_dup(arena, sb_str(&out));
    sb_fini(&out);
    return copy;
}

static str run_row(struct arena *arena, str text)
{
    str args[32], word;
    size_t n = 0, n_table;
    struct cmd_call call;
    struct err err = {0};
    for (text = str_trim(text); text.len; n++) {
        str_cut_byte(text, ' ', &word, &text);
        args[n] = word;
    }
    const struct command *const *table = commands(&n_table);
    if (!cmd_parse(table, n_table, args, n, arena, &call, &err))
        return arena_printf(arena, "error: %s", err.msg);
    return call_print(arena, &call);
}

/* A server may or may not be built in; the rows are about the others. */
static str without_serve(struct arena *arena, str text)
{
    size_t at = str_find(text, STR("serve, "));
    return arena_printf(arena, STR_FMT STR_FMT, STR_ARG(str_slice(text, 0, at)),
                        STR_ARG(str_skip(text, at + (at < text.len ? 7 : 0))));
}

static void test_parse__rows(void **state)
{
    struct arena arena;
    struct rd in;
    str row, args, want;
    size_t n = 0;
    (void)state;
    arena_init(&arena, 4 << 20);
    rd_init(&in, test_data(&arena, "cmd/parse.txt"));
    while (test_next_row(&in, &row)) {
        if (str_starts(row, STR("| ")))
            args = STR_NONE, want = str_skip(row, 2);
        else
            assert_true(str_cut(row, STR(" | "), &args, &want));
        str got = without_serve(&arena, run_row(&arena, args));
        if (!str_eq(got, want))
            fail_msg("line %zu: is \"" STR_FMT "\", expected \"" STR_FMT "\"", in.line,
                     STR_ARG(got), STR_ARG(want));
        n++;
    }
    assert_true(n >= 55);
    arena_fini(&arena);
}

static void test_parse__usage_exits_2_with_two_lines(void **state)
{
    struct arena arena;
    (void)state;
    arena_init(&arena, 1 << 20);
    struct run run = RUN(&arena, "scan", "a", "--formt", "\033[31mred");
    assert_int_equal(run.code, EXIT_USAGE);
    assert_str(run.out, "");
    assert_str(run.errors, "plimsoll: --formt: no such option; did you mean --format?\n"
                           "  see `plimsoll scan --help`\n");
    run = RUN(&arena, "db", "update", "--for");
    assert_int_equal(run.code, EXIT_USAGE);
    assert_true(str_has(run.errors, STR("see `plimsoll db update --help`")));
    arena_fini(&arena);
}

static void test_parse__arguments_cannot_move_the_cursor(void **state)
{
    struct arena arena;
    (void)state;
    arena_init(&arena, 1 << 20);
    struct run run = RUN(&arena, "scan", "a",
                         "--\033[2J\xc2\x9b"
                         "31m\xe2\x80\xae");
    assert_int_equal(run.code, EXIT_USAGE);
    assert_false(str_has(run.errors, STR("\033")) || str_has(run.errors, STR("\xc2\x9b")) ||
                 str_has(run.errors, STR("\xe2\x80\xae")));
    arena_fini(&arena);
}

int main(void)
{
    setlocale(LC_CTYPE, "C.UTF-8");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse__rows),
        cmocka_unit_test(test_parse__usage_exits_2_with_two_lines),
        cmocka_unit_test(test_parse__arguments_cannot_move_the_cursor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
