/* SPDX-License-Identifier: Apache-2.0 */
#include "run.h"

struct fixture {
    struct arena arena;
    const char *dir;
};

static int setup(void **state)
{
    struct fixture *f = test_calloc(1, sizeof(*f));
    arena_init(&f->arena, 16 << 20);
    f->dir = test_mkdir(&f->arena);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    test_rmdir(f->dir);
    arena_fini(&f->arena);
    test_free(f);
    return 0;
}

static const char *write_config(struct fixture *f, const char *text)
{
    str path = arena_printf(&f->arena, "%s/plimsoll.yaml", f->dir);
    FILE *file = fopen(path.ptr, "w");
    assert_non_null(file);
    fprintf(file, "%s", text);
    fclose(file);
    return path.ptr;
}

static void test_serve__wants_a_configuration(void **state)
{
    struct fixture *f = *state;
    struct run run = RUN(&f->arena, "serve");
    assert_int_equal(run.code, EXIT_USAGE);
    assert_true(str_has(run.errors, STR("--config FILE is missing")));
}

/* 2 with place and key; 3 only where the kernel allows no sandbox at all. */
static void test_serve__unknown_key_is_named_with_its_place(void **state)
{
    struct fixture *f = *state;
    const char *path = write_config(f, "workers: 2\nlisten:\n  prot: 1\n");
    struct run run = RUN(&f->arena, "serve", "--config", path);
    if (run.code == EXIT_INCOMPLETE && str_has(run.errors, STR("sandbox")))
        skip();
    assert_int_equal(run.code, EXIT_USAGE);
    assert_true(str_has(run.errors, STR("plimsoll.yaml:3:3: unknown key listen.prot")));
    assert_int_equal(run.out.len, 0);
}

static void test_serve__missing_file_is_named(void **state)
{
    struct fixture *f = *state;
    struct run run = RUN(&f->arena, "serve", "--config", "/no/such/file.yaml");
    if (run.code == EXIT_INCOMPLETE && str_has(run.errors, STR("sandbox")))
        skip();
    assert_int_equal(run.code, EXIT_USAGE);
    assert_true(str_has(run.errors, STR("/no/such/file.yaml")));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_serve__wants_a_configuration),
        T(test_serve__unknown_key_is_named_with_its_place),
        T(test_serve__missing_file_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
