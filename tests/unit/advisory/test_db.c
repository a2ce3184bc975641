/* SPDX-License-Identifier: Apache-2.0 */
/* What an update leaves behind, whatever happens to it. */
#include "../support.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "advisory/advisory.h"
#include "os/file.h"

struct place {
    struct arena arena;
    const char *dir, *db, *feed;
};

static const char *in(struct place *place, const char *name)
{
    return arena_cstr(&place->arena, arena_printf(&place->arena, "%s/%s", place->dir, name));
}

static void put_record(struct place *place, const char *id, const char *fixed)
{
    struct err err = {0};
    str text = arena_printf(&place->arena,
                            "{\"id\": \"%s\", \"affected\": [{\"package\": {\"ecosystem\": "
                            "\"Debian:12\", \"name\": \"demo\"},"
                            "\"ranges\": [{\"type\": \"ECOSYSTEM\", \"events\": [{\"introduced\": "
                            "\"0\"}, {\"fixed\": \"%s\"}]}]}]}",
                            id, fixed);
    const char *path =
        arena_cstr(&place->arena, arena_printf(&place->arena, "%s/%s.json", place->feed, id));
    assert_ok(file_save(path, text, 0644, &err), err);
}

static void place_init(struct place *place)
{
    struct err err = {0};
    arena_init(&place->arena, 1 << 22);
    place->dir = test_mkdir(&place->arena);
    place->db = in(place, "db");
    place->feed = in(place, "feed");
    assert_ok(dir_make(place->feed, &err), err);
    put_record(place, "A-1", "1");
}

static void place_fini(struct place *place)
{
    test_rmdir(place->dir);
    arena_fini(&place->arena);
}

static bool try_update(struct place *place, struct update_result *result, struct err *err)
{
    struct feed_choice choice = {STR("osv"), str_from(place->feed)};
    struct update_spec spec = {.dir = place->db, .feeds = &choice, .n_feeds = 1};
    *err = (struct err){0};
    return advisory_update(&spec, result, err);
}

static struct update_result update(struct place *place)
{
    struct err err;
    struct update_result result;
    assert_ok(try_update(place, &result, &err), err);
    return result;
}

/* Statements on the demo package; the database must open. */
static size_t count(struct place *place, uint64_t *generation)
{
    struct err err = {0};
    struct advisory_db *db;
    affecteds list;
    assert_ok(advisory_db_open(place->db, &db, &err), err);
    assert_ok(advisory_find(db, &place->arena, STR("Debian:12"), STR("demo"), &list, &err), err);
    size_t n = list.len;
    if (generation)
        *generation = advisory_db_generation(db);
    advisory_db_close(db);
    return n;
}

static void test_db__unchanged_content_makes_no_generation(void **state)
{
    (void)state;
    struct place place;
    place_init(&place);
    struct update_result first = update(&place), second = update(&place);
    assert_true(first.is_new && first.generation == 1);
    assert_true(!second.is_new && second.generation == 1);
    put_record(&place, "A-2", "2");
    struct update_result third = update(&place);
    assert_true(third.is_new && third.generation == 2);
    assert_int_equal(count(&place, NULL), 2);
    place_fini(&place);
}

static void test_db__a_failure_keeps_the_last_good_state_and_is_told(void **state)
{
    (void)state;
    struct place place;
    struct err err = {0};
    struct advisory_db *db;
    const struct source_state *source;
    place_init(&place);
    update(&place);
    assert_ok(dir_remove(place.feed, &err), err);
    struct update_result result = update(&place);
    assert_true(!result.is_new && result.n_failed == 1 && result.generation == 1);
    assert_ok(advisory_db_open(place.db, &db, &err), err);
    assert_int_equal(advisory_db_sources(db, &source), 1);
    assert_true(source->error.len > 0);
    assert_int_equal(source->n_records, 1);
    advisory_db_close(db);
    assert_int_equal(count(&place, NULL), 1);
    assert_ok(dir_make(place.feed, &err), err);
    put_record(&place, "A-1", "1");
    assert_int_equal(update(&place).n_failed, 0);
    place_fini(&place);
}

static void test_db__without_a_choice_what_it_has_is_refreshed(void **state)
{
    (void)state;
    struct place place;
    struct err err = {0};
    struct update_result result;
    place_init(&place);
    update(&place);
    put_record(&place, "A-2", "2");
    struct update_spec spec = {.dir = place.db};
    assert_ok(advisory_update(&spec, &result, &err), err);
    assert_true(result.is_new && result.n_failed == 0);
    assert_int_equal(count(&place, NULL), 2);
    struct feed_choice unknown = {.name = STR("no-such-feed")};
    spec = (struct update_spec){.dir = place.db, .feeds = &unknown, .n_feeds = 1};
    assert_false(advisory_update(&spec, &result, &err));
    assert_int_equal(err.kind, ERR_USAGE);
    place_fini(&place);
}

static void test_db__five_generations_are_kept(void **state)
{
    (void)state;
    struct place place;
    struct err err = {0};
    str_vec names = {0};
    char id[16];
    uint64_t generation;
    place_init(&place);
    for (int i = 0; i < 8; i++) {
        snprintf(id, sizeof id, "B-%d", i);
        put_record(&place, id, "1");
        update(&place);
    }
    assert_ok(dir_list(&place.arena, in(&place, "db/generations"), &names, &err), err);
    assert_int_equal(names.len, 5);
    assert_str(names.ptr[4], "000008");
    assert_int_equal(count(&place, &generation), 9);
    assert_int_equal(generation, 8);
    place_fini(&place);
}

static void test_db__one_update_at_a_time(void **state)
{
    (void)state;
    struct place place;
    struct err err;
    struct update_result result;
    place_init(&place);
    update(&place);
    int fd = open(in(&place, "db/lock"), O_RDWR | O_CLOEXEC);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_false(try_update(&place, &result, &err));
    assert_int_equal(err.kind, ERR_CONFLICT);
    close(fd);
    place_fini(&place);
}

/* The record changes before each attempt, so that every one would publish. */
static void test_db__killed_at_any_point_the_last_good_one_answers(void **state)
{
    (void)state;
    struct place place;
    char id[16];
    size_t n_killed = 0;
    place_init(&place);
    update(&place);
    for (int i = 0; i < 100; i++) {
        snprintf(id, sizeof id, "K-%d", i);
        put_record(&place, id, "1");
        size_t before = count(&place, NULL);
        int gate[2], status;
        assert_int_equal(pipe(gate), 0);
        pid_t pid = fork();
        if (pid == 0) {
            struct err err;
            struct update_result result;
            close(gate[0]);
            _exit(try_update(&place, &result, &err) ? 0 : 1);
        }
        close(gate[1]);
        /* no clock: the child's own progress, in units of our own work, is what varies */
        for (volatile int spin = 0; spin < i * 20000; spin = spin + 1)
            continue;
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        close(gate[0]);
        n_killed += WIFSIGNALED(status);
        size_t after = count(&place, NULL);
        assert_true(after == before || after == (size_t)i + 2);
    }
    assert_true(n_killed > 0);
    update(&place);
    assert_int_equal(count(&place, NULL), 101);
    str_vec names = {0};
    struct err err = {0};
    assert_ok(dir_list(&place.arena, place.db, &names, &err), err);
    for (size_t i = 0; i < names.len; i++)
        assert_false(str_starts(names.ptr[i], STR("building-")));
    place_fini(&place);
}

/* Every write beyond @bytes of a file fails, as on a full disk. */
static int update_on_a_full_disk(struct place *place, rlim_t bytes)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        struct err err;
        struct update_result result;
        struct rlimit limit = {bytes, bytes};
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &limit);
        _exit(try_update(place, &result, &err) && result.n_failed == 0 ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_db__on_a_full_disk_the_last_good_one_answers(void **state)
{
    (void)state;
    struct place place;
    char id[16];
    size_t n_failed = 0, n_done = 0;
    place_init(&place);
    update(&place);
    for (rlim_t bytes = 0; bytes < 30000; bytes += 700) {
        snprintf(id, sizeof id, "F-%d", (int)bytes);
        put_record(&place, id, "1");
        size_t before = count(&place, NULL);
        int code = update_on_a_full_disk(&place, bytes);
        n_failed += code != 0;
        n_done += code == 0;
        size_t after = count(&place, NULL);
        assert_true(code == 0 ? after > before : after >= before);
    }
    assert_true(n_failed > 2 && n_done > 2);
    put_record(&place, "F-last", "1");
    update(&place);
    struct err err = {0};
    struct advisory_size size;
    assert_ok(advisory_verify(place.db, 0, NULL, &size, &err), err);
    place_fini(&place);
}

static void test_db__what_is_no_database_is_said_in_words(void **state)
{
    (void)state;
    struct place place;
    struct err err = {0};
    struct advisory_db *db;
    place_init(&place);
    assert_false(advisory_db_open(place.db, &db, &err));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    assert_true(str_has(str_from(err.msg), STR("plimsoll db update")));
    update(&place);
    const char *file = in(&place, "db/current/data.mdb");
    int fd = open(file, O_RDWR | O_CLOEXEC);
    off_t size = lseek(fd, 0, SEEK_END);
    assert_int_equal(ftruncate(fd, size - 4096), 0);
    err = (struct err){0};
    assert_false(advisory_db_open(place.db, &db, &err));
    assert_int_equal(err.kind, ERR_FORMAT);
    assert_int_equal(ftruncate(fd, 0), 0);
    err = (struct err){0};
    assert_false(advisory_db_open(place.db, &db, &err));
    assert_int_not_equal(err.kind, ERR_NONE);
    const char rubbish[] = "this is no database, and longer than nothing";
    assert_true(pwrite(fd, rubbish, sizeof rubbish, 0) > 0);
    assert_int_equal(ftruncate(fd, 65536), 0);
    err = (struct err){0};
    assert_false(advisory_db_open(place.db, &db, &err));
    assert_int_equal(err.kind, ERR_FORMAT);
    close(fd);
    place_fini(&place);
}

static void test_db__a_damaged_current_is_replaced_by_the_next_update(void **state)
{
    (void)state;
    struct place place;
    place_init(&place);
    update(&place);
    assert_int_equal(truncate(in(&place, "db/current/data.mdb"), 100), 0);
    struct update_result result = update(&place);
    assert_true(result.is_new && result.generation == 2);
    assert_int_equal(count(&place, NULL), 1);
    place_fini(&place);
}

static void test_db__feeds_have_their_facts(void **state)
{
    (void)state;
    size_t n;
    const struct feed *const *feeds = advisory_feeds(&n);
    assert_true(n >= 3);
    for (size_t i = 0; i < n; i++) {
        assert_non_null(feeds[i]->name);
        assert_non_null(feeds[i]->summary);
        assert_non_null(feeds[i]->licence);
        assert_non_null(feeds[i]->read);
    }
    assert_string_equal(fix_state_name(FIX_WILL_NOT_FIX), "will-not-fix");
    assert_string_equal(fix_state_name((enum fix_state)99), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_db__unchanged_content_makes_no_generation),
        cmocka_unit_test(test_db__a_failure_keeps_the_last_good_state_and_is_told),
        cmocka_unit_test(test_db__without_a_choice_what_it_has_is_refreshed),
        cmocka_unit_test(test_db__five_generations_are_kept),
        cmocka_unit_test(test_db__one_update_at_a_time),
        cmocka_unit_test(test_db__killed_at_any_point_the_last_good_one_answers),
        cmocka_unit_test(test_db__on_a_full_disk_the_last_good_one_answers),
        cmocka_unit_test(test_db__what_is_no_database_is_said_in_words),
        cmocka_unit_test(test_db__a_damaged_current_is_replaced_by_the_next_update),
        cmocka_unit_test(test_db__feeds_have_their_facts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
