/* SPDX-License-Identifier: Apache-2.0 */
#include "run.h"

static void test_help__docs_are_what_the_tables_say(void **state)
{
    static const char *const pages[][2] = {
        {"--markdown", "docs/CLI.md"},    {"--support", "docs/support.md"},
        {"--limits", "docs/limits.md"},   {"--errors", "docs/errors.md"},
        {"--metrics", "docs/metrics.md"}, {"--routes", "docs/routes.md"}};
    struct arena arena;
    (void)state;
    arena_init(&arena, 4 << 20);
    for (size_t i = 0; i < sizeof(pages) / sizeof(*pages); i++) {
        struct run run = RUN(&arena, "help", pages[i][0]);
        const char *path = arena_cstr(&arena, arena_printf(&arena, "../../%s", pages[i][1]));
        assert_non_null(path);
        str docs = test_data(&arena, path);
        assert_int_equal(run.code, EXIT_DONE);
        assert_true(run.out.len > 500);
        if (!str_eq(run.out, docs))
            fail_msg("%s differs: `make docs`", pages[i][1]);
    }
    arena_fini(&arena);
}

/* Every command and every option is explained, in 80 columns. */
static void check_command(struct arena *arena, str path, const struct command *command)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    cmd_help(out, path, command);
    fclose(out);
    str rest = str_of(text, size), line;
    while (str_cut_byte(rest, '\n', &line, &rest))
        if (line.len > 80 && !str_starts(line, STR("  plimsoll")))
            fail_msg("too wide: " STR_FMT, STR_ARG(line));
    for (const struct cmd_option *o = command->options; o && o->name; o++) {
        assert_true(o->help && *o->help);
        assert_true(str_has(str_of(text, size), arena_printf(arena, "--%s", o->name)));
    }
    assert_true(command->summary && *command->summary && command->about && *command->about);
    assert_true(!command->run == !!command->subs);
    free(text);
    for (size_t i = 0; command->subs && command->subs[i]; i++)
        check_command(arena,
                      arena_printf(arena, STR_FMT " %s", STR_ARG(path), command->subs[i]->name),
                      command->subs[i]);
}

static void test_help__explains_every_option(void **state)
{
    struct arena arena;
    size_t n;
    (void)state;
    arena_init(&arena, 1 << 20);
    const struct command *const *table = commands(&n);
    for (size_t i = 0; i < n; i++)
        check_command(&arena, str_from(table[i]->name), table[i]);
    assert_true(n >= 6);
    arena_fini(&arena);
}

static void test_help__of_one_command(void **state)
{
    struct arena arena;
    (void)state;
    arena_init(&arena, 1 << 20);
    struct run asked = RUN(&arena, "help", "db", "update"),
               option = RUN(&arena, "db", "update", "-h");
    assert_int_equal(asked.code, EXIT_DONE);
    assert_true(asked.out.len > 200 && str_eq(asked.out, option.out));
    assert_int_equal(RUN(&arena, "help", "nothing").code, EXIT_USAGE);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_help__docs_are_what_the_tables_say),
        cmocka_unit_test(test_help__explains_every_option),
        cmocka_unit_test(test_help__of_one_command),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
