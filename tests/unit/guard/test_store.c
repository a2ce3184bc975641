/* SPDX-License-Identifier: Apache-2.0 */
/* What a guard writes into its store when it opens: credentials, sealed under a key of its own. */
#include "support.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "guard/internal.h"

struct fixture {
    struct arena arena;
    const char *dir;
    struct err err;
};

static int setup(void **state)
{
    struct fixture *f = test_calloc(1, sizeof(*f));
    arena_init(&f->arena, 64 << 20);
    f->dir = test_mkdir(&f->arena);
    log_configure(LOG_OFF, false);
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

/* Open and close a guard whose registry has these credentials. */
static bool run_guard(struct fixture *f, const char *credentials)
{
    struct config config;
    struct guard *guard = NULL;
    str text = arena_printf(&f->arena,
                            "data-directory: %s\nstore: sqlite:%s/other.db\n"
                            "registries: [{name: lab, host: h%s}]\n",
                            f->dir, f->dir, credentials);
    assert_ok(config_parse(&f->arena, STR("FILE"), text, &config, &f->err), f->err);
    const struct guard_spec spec = {.config = &config};
    bool ok = guard_open(&spec, &guard, &f->err);
    if (ok)
        guard_close(guard);
    return ok;
}

static str secret_of(struct fixture *f, const char *name)
{
    struct store *store;
    struct store_registry registry;
    struct secret_key key;
    str out;
    const char *path = arena_printf(&f->arena, "%s/other.db", f->dir).ptr;
    const char *file = arena_printf(&f->arena, "%s/secret.key", f->dir).ptr;
    assert_ok(secret_key_load(file, &key, &f->err), f->err);
    assert_ok(store_open_kept(path, STORE_RELAXED, &store, &f->err), f->err);
    assert_ok(store_registry_get(store, &f->arena, STR("lab"), &registry, &f->err), f->err);
    assert_ok(store_secret_get(store, &f->arena, &key, registry.id, name, &out, &f->err), f->err);
    store_close(store);
    return out;
}

static void test_guard__seals_what_the_configuration_says(void **state)
{
    struct fixture *f = *state;
    assert_ok(run_guard(f, ", username: robot, password: first"), f->err);
    assert_str(secret_of(f, "username"), "robot");
    assert_str(secret_of(f, "password"), "first");
    assert_ok(run_guard(f, ", username: robot, password: second"), f->err);
    assert_str(secret_of(f, "password"), "second");
    assert_ok(run_guard(f, ""), f->err); /* anonymous from now on */
    assert_int_equal(secret_of(f, "password").len, 0);
    assert_int_equal(secret_of(f, "username").len, 0);
}

static void test_guard__refuses_a_key_that_others_may_read(void **state)
{
    struct fixture *f = *state;
    assert_ok(run_guard(f, ", username: robot, password: first"), f->err);
    assert_int_equal(chmod(arena_printf(&f->arena, "%s/secret.key", f->dir).ptr, 0644), 0);
    assert_false(run_guard(f, ", username: robot, password: first"));
    assert_int_equal(f->err.kind, ERR_DENIED);
}

static void test_guard__seals_anew_when_the_key_is_another(void **state)
{
    struct fixture *f = *state;
    assert_ok(run_guard(f, ", username: robot, password: first"), f->err);
    assert_int_equal(remove(arena_printf(&f->arena, "%s/secret.key", f->dir).ptr), 0);
    assert_ok(run_guard(f, ", username: robot, password: first"), f->err);
    assert_str(secret_of(f, "password"), "first");
}

/* Of two servers on one store, the second knows the registry from the store alone. */
static void test_worker__has_the_credentials_of_a_registry_that_it_does_not_configure(void **state)
{
    struct fixture *f = *state;
    struct config config = {0};
    struct guard other = {.config = &config};
    struct loop loop = {.guard = &other};
    struct store_registry registry;
    struct registry_config out;
    assert_ok(run_guard(f, ", username: robot, password: first"), f->err);
    const char *path = arena_printf(&f->arena, "%s/other.db", f->dir).ptr;
    const char *file = arena_printf(&f->arena, "%s/secret.key", f->dir).ptr;
    assert_ok(secret_key_load(file, &other.key, &f->err), f->err);
    assert_ok(store_open_kept(path, STORE_RELAXED, &loop.store, &f->err), f->err);
    arena_init(&loop.arena, 1 << 20);
    assert_ok(store_registry_get(loop.store, &f->arena, STR("lab"), &registry, &f->err), f->err);
    assert_ok(registry_config_of(&loop, &registry, &out, &f->err), f->err);
    assert_str(out.username, "robot");
    assert_str(out.password, "first");
    other.key.bytes[3] ^= 1;
    assert_false(registry_config_of(&loop, &registry, &out, &f->err));
    assert_int_equal(f->err.kind, ERR_MISMATCH);
    assert_null(strstr(f->err.msg, "first"));
    store_close(loop.store);
    arena_fini(&loop.arena);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_guard__seals_what_the_configuration_says),
        T(test_guard__refuses_a_key_that_others_may_read),
        T(test_guard__seals_anew_when_the_key_is_another),
        T(test_worker__has_the_credentials_of_a_registry_that_it_does_not_configure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
