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

static void test_worker__wants_a_configuration(void **state)
{
    struct fixture *f = *state;
    struct run run = RUN(&f->arena, "worker");
    assert_int_equal(run.code, EXIT_USAGE);
    assert_true(str_has(run.errors, STR("--config FILE is missing")));
}

static struct run run_with(struct fixture *f, const char *rest)
{
    str text = arena_printf(&f->arena, "data-directory: %s\nsandbox: basic\n%s", f->dir, rest);
    struct run run =
        RUN(&f->arena, "worker", "--config", write_config(f, arena_cstr(&f->arena, text)));
    if (run.code == EXIT_INCOMPLETE && str_has(run.errors, STR("sandbox")))
        skip();
    return run;
}

/* What, why, and what to do. */
static void test_worker__does_not_share_a_file(void **state)
{
    struct fixture *f = *state;
    struct run run = run_with(f, "");
    assert_int_equal(run.code, EXIT_USAGE);
    assert_true(str_has(run.errors, STR("plimsoll.db is a file of one machine")));
    assert_true(str_has(run.errors, STR("set store: ")));
}

static void test_worker__makes_no_key_of_its_own(void **state)
{
    struct fixture *f = *state;
    struct run run = run_with(f, "store: \"postgres:host=/nowhere\"\n");
    assert_int_equal(run.code, EXIT_USAGE);
    assert_true(str_has(run.errors, STR("secret.key: there is none")));
    assert_true(str_has(run.errors, STR("secret-key-file")));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_worker__wants_a_configuration),
        T(test_worker__does_not_share_a_file),
        T(test_worker__makes_no_key_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
