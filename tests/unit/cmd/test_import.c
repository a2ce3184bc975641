/* SPDX-License-Identifier: Apache-2.0 */
/* What is refused before anything is opened; copies are tests/e2e/import.test.mjs's. */
#include "run.h"

static void test_import__usage(void **state)
{
    static const struct {
        const char *args[8], *words;
    } rows[] = {
        {{"import"}, "SOURCE DST is missing"},
        {{"import", "oci:/x"}, "SOURCE DST is missing"},
        {{"import", "oci:/x", "h.example/a", "--also", "not a tag"}, "--also not a tag: no tag"},
        {{"import", "oci:/x", "h.example/a", "--untagged", "--force"}, "--untagged: sets no tag"},
        {{"import", "oci:/x", "h.example/a", "--username", "x"}, "needs --password-stdin"},
        {{"import", "h.example/a", "h.example/B C"}, "DST: "},
        {{"import", "h.example/a",
          "h.example/a@sha256:"
          "0000000000000000000000000000000000000000000000000000000000000000"},
         "a destination has a tag"},
    };
    struct arena arena;
    (void)state;
    arena_init(&arena, 4 << 20);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct run run = run_command(&arena, rows[i].args);
        assert_int_equal(run.code, EXIT_USAGE);
        if (!str_has(run.errors, str_from(rows[i].words)))
            fail_msg("%s: said " STR_FMT, rows[i].words, STR_ARG(run.errors));
    }
    arena_fini(&arena);
}

static void test_import__a_folder_is_no_image(void **state)
{
    struct arena arena;
    (void)state;
    arena_init(&arena, 4 << 20);
    struct run run = RUN(&arena, "import", "dir:/", "127.0.0.1:1/a");
    assert_int_equal(run.code, EXIT_INCOMPLETE);
    assert_true(str_has(run.errors, STR("a folder is no image")));
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_import__usage),
        cmocka_unit_test(test_import__a_folder_is_no_image),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
