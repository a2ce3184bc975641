/* SPDX-License-Identifier: Apache-2.0 */
/* plimsoll store: the commands as one types them, on SQLite, and between the engines where
 * PostgreSQL is there. */
#include "run.h"

#include <sys/file.h>
#include <sys/stat.h>

#include "../store/engine.h"

struct fixture {
    struct arena arena;
    struct engine engine;
    char backup[700];
};

static struct err err;

static int setup(void **state)
{
    struct fixture *f = test_calloc(1, sizeof(*f));
    struct store *store;
    struct store_registry registry = {
        .subscription = STR("s"), .resource_group = STR("g"), .name = STR("r"), .host = STR("h")};
    const struct store_event event = {.id = STR("e"),
                                      .action = EVENT_PUSH,
                                      .repository = STR("app"),
                                      .digest = STR("sha256:1"),
                                      .tag = STR("v1"),
                                      .at = 1000};
    struct event_counts counts;
    arena_init(&f->arena, 64 << 20);
    engine_open(&f->engine, &f->arena);
    snprintf(f->backup, sizeof(f->backup), "%s/backup", f->engine.dir);
    assert_ok(store_open(f->engine.name, STORE_RELAXED, &store, &err), err);
    assert_ok(store_registry_put(store, &registry, 1000, &err), err);
    assert_ok(store_events_add(store, registry.id, &event, 1, 1000, &counts, &err), err);
    store_close(store);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    engine_close(&f->engine);
    arena_fini(&f->arena);
    test_free(f);
    return 0;
}

static void assert_says(str text, const char *what)
{
    if (!str_has(text, str_from(what)))
        fail_msg("\"%s\" is not in: %.*s", what, STR_ARG(text));
}

static void test_store__wants_one_store_by_name(void **state)
{
    struct fixture *f = *state;
    struct run run = RUN(&f->arena, "store", "check");
    assert_int_equal(run.code, EXIT_USAGE);
    assert_says(run.errors, "name the store");
    run = RUN(&f->arena, "store", "check", "--store", "mysql://x");
    assert_int_equal(run.code, EXIT_USAGE);
    assert_says(run.errors, "sqlite:PATH, postgres:CONNINFO or postgresql://");
    run = RUN(&f->arena, "store", "migrate", "--store", "x", "--force");
    assert_int_equal(run.code, EXIT_USAGE);
}

static void test_store__check_does_not_make_what_is_not_there(void **state)
{
    struct fixture *f = *state;
    const char *path = arena_printf(&f->arena, "%s/nothing.db", f->engine.dir).ptr;
    struct run run = RUN(&f->arena, "store", "check", "--store", path);
    assert_int_equal(run.code, EXIT_INCOMPLETE);
    assert_says(run.errors, "nothing.db");
    assert_int_equal(access(path, F_OK), -1);
}

static void test_store__check_tells_good_from_bad(void **state)
{
    struct fixture *f = *state;
    struct run run = RUN(&f->arena, "store", "check", "--store", f->engine.name);
    assert_int_equal(run.code, EXIT_DONE);
    assert_true(str_starts(run.out, STR("whole: ")));
    engine_run(&f->engine, "UPDATE jobs SET state = 'asleep'");
    run = RUN(&f->arena, "store", "check", "--store", f->engine.name);
    assert_int_equal(run.code, EXIT_GATE);
    assert_says(run.out, "broken: 1 jobs in no known state\nnot whole: ");
}

static void test_store__backup_and_restore(void **state)
{
    struct fixture *f = *state;
    struct stat st;
    const char *other = arena_printf(&f->arena, "sqlite:%s/other.db", f->engine.dir).ptr;
    struct run run = RUN(&f->arena, "store", "backup", f->backup, "--store", f->engine.name);
    assert_int_equal(run.code, EXIT_DONE);
    assert_int_equal(stat(f->backup, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    run = RUN(&f->arena, "store", "restore", f->backup, "--store", other);
    assert_int_equal(run.code, EXIT_DONE);
    assert_says(run.out, "restored into");
    run = RUN(&f->arena, "store", "restore", f->backup, "--store", other);
    assert_int_equal(run.code, EXIT_INCOMPLETE);
    assert_says(run.errors, "--force");
    run = RUN(&f->arena, "store", "restore", f->backup, "--store", other, "--force");
    assert_int_equal(run.code, EXIT_DONE);
    run = RUN(&f->arena, "store", "check", "--store", other);
    assert_int_equal(run.code, EXIT_DONE);
    run = RUN(&f->arena, "store", "restore", "/dev/null", "--store", other, "--force");
    assert_int_equal(run.code, EXIT_INCOMPLETE);
    assert_says(run.errors, "not a backup");
}

static void test_store__restore_waits_for_the_server_to_stop(void **state)
{
    struct fixture *f = *state;
    const char *other = arena_printf(&f->arena, "%s/other.db", f->engine.dir).ptr;
    const char *lock = arena_printf(&f->arena, "%s/lock", f->engine.dir).ptr;
    struct run run = RUN(&f->arena, "store", "backup", f->backup, "--store", f->engine.name);
    assert_int_equal(run.code, EXIT_DONE);
    int fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    run = RUN(&f->arena, "store", "restore", f->backup, "--store", other);
    assert_int_equal(run.code, EXIT_INCOMPLETE);
    assert_says(run.errors, "a server runs on it");
    run = RUN(&f->arena, "store", "migrate", "--store", f->engine.name, "--to", other);
    assert_int_equal(run.code, EXIT_INCOMPLETE);
    close(fd);
    run = RUN(&f->arena, "store", "restore", f->backup, "--store", other);
    assert_int_equal(run.code, EXIT_DONE);
}

/* The schema of the first release comes forward, with its rows. */
static void test_store__migrate_brings_an_old_schema_forward(void **state)
{
    struct fixture *f = *state;
    struct engine old;
    engine_open(&old, &f->arena);
    engine_make_first(&old, &f->arena);
    struct run run = RUN(&f->arena, "store", "check", "--store", old.name);
    assert_int_equal(run.code, EXIT_INCOMPLETE);
    assert_says(run.errors, "plimsoll store migrate");
    run = RUN(&f->arena, "store", "migrate", "--store", old.name);
    assert_int_equal(run.code, EXIT_DONE);
    assert_says(run.out, ", was 1: ");
    run = RUN(&f->arena, "store", "check", "--store", old.name);
    assert_int_equal(run.code, EXIT_DONE);
    assert_int_equal(engine_number(&old, "SELECT COUNT(*) FROM jobs WHERE digest = 'sha256:bb'"),
                     1);
    assert_int_equal(engine_number(&old, "SELECT COUNT(*) FROM ledger"), 0);
    engine_close(&old);
}

static void test_store__a_newer_schema_is_refused(void **state)
{
    struct fixture *f = *state;
    struct run run = RUN(&f->arena, "store", "migrate", "--store", f->engine.name);
    assert_int_equal(run.code, EXIT_DONE);
    assert_says(run.out, "already: ");
    engine_run(&f->engine, "INSERT INTO migrations SELECT MAX(version) + 1 FROM migrations");
    run = RUN(&f->arena, "store", "migrate", "--store", f->engine.name);
    assert_int_equal(run.code, EXIT_INCOMPLETE);
    assert_says(run.errors, "newer than this program's");
    assert_says(run.errors, "upgrade plimsoll");
    run = RUN(&f->arena, "store", "backup", f->backup, "--store", f->engine.name);
    assert_int_equal(run.code, EXIT_INCOMPLETE);
}

static void copy_to(struct fixture *f, bool is_postgres)
{
    struct engine there;
    engine_open_as(&there, &f->arena, is_postgres);
    struct run run =
        RUN(&f->arena, "store", "migrate", "--store", f->engine.name, "--to", there.name);
    if (run.code)
        fail_msg("%.*s", STR_ARG(run.errors));
    assert_says(run.out, "copied and compared");
    assert_int_equal(engine_number(&there, "SELECT COUNT(*) FROM jobs"), 1);
    run = RUN(&f->arena, "store", "migrate", "--store", f->engine.name, "--to", there.name);
    assert_int_equal(run.code, EXIT_INCOMPLETE);
    run = RUN(&f->arena, "store", "migrate", "--store", f->engine.name, "--to", there.name,
              "--force");
    assert_int_equal(run.code, EXIT_DONE);
    engine_close(&there);
}

static void test_store__migrate_to_sqlite(void **state) { copy_to(*state, false); }
static void test_store__migrate_to_postgresql(void **state) { copy_to(*state, true); }

static void test_store__configuration_names_it(void **state)
{
    struct fixture *f = *state;
    const char *path = arena_printf(&f->arena, "%s/c.yaml", f->engine.dir).ptr;
    FILE *file = fopen(path, "w");
    fprintf(file, "data-directory: %s\nstore: \"%s\"\n", f->engine.dir, f->engine.name);
    fclose(file);
    struct run run = RUN(&f->arena, "store", "check", "--config", path);
    assert_int_equal(run.code, EXIT_DONE);
    assert_says(run.out, "whole: ");
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_store__wants_one_store_by_name),
        T(test_store__check_does_not_make_what_is_not_there),
        T(test_store__check_tells_good_from_bad),
        T(test_store__backup_and_restore),
        T(test_store__restore_waits_for_the_server_to_stop),
        T(test_store__migrate_brings_an_old_schema_forward),
        T(test_store__a_newer_schema_is_refused),
        T(test_store__migrate_to_sqlite),
        T(test_store__configuration_names_it),
    };
    const struct CMUnitTest on_postgres[] = {T(test_store__migrate_to_postgresql)};
    int bad = cmocka_run_group_tests(tests, NULL, NULL);
    return engine_has_postgres() ? bad + cmocka_run_group_tests(on_postgres, NULL, NULL) : bad;
}
