/* SPDX-License-Identifier: Apache-2.0 */
/* What every detector promises, on every row of the table, with the cases of its own data file and
 * real files as fixtures. */
#include "detect.h"

enum { ARENA = 64 << 20, PREFIX_STEP_FROM = 4096 };

struct fixture {
    const struct detector *detector;
    str path, text;
};

/* A failure has a reason, packages have names and versions. */
static void check_result(const struct fixture *fixture, bool ok, const struct file_record *file,
                         const struct err *err)
{
    if (ok == err_is(err))
        fail_msg("%s: a failure without a reason, or a reason without one",
                 fixture->detector->name);
    for (size_t i = 0; i < file->packages.len; i++)
        assert_true(file->packages.ptr[i].name.len && file->packages.ptr[i].version.len);
}

static bool run(const struct fixture *fixture, str text, size_t budget, struct cancel *cancel,
                struct err *err)
{
    struct arena arena;
    arena_init(&arena, budget);
    struct rd in;
    /* an exact-size copy, so that a read behind the end is seen by the sanitizer */
    char *copy = malloc(text.len ? text.len : 1);
    if (text.len)
        memcpy(copy, text.ptr, text.len);
    rd_init(&in, str_of(copy, text.len));
    in.cancel = cancel;
    *err = (struct err){0};
    struct file_record file = {.path = fixture->path, .detector = fixture->detector};
    bool ok = fixture->detector->parse(&arena, fixture->path, &in, &file, err);
    check_result(fixture, ok, &file, err);
    free(copy);
    arena_fini(&arena);
    return ok;
}

static void check_prefixes(const struct fixture *fixture)
{
    struct err err;
    for (size_t n = 0; n <= fixture->text.len; n += n < PREFIX_STEP_FROM ? 1 : 97)
        (void)!run(fixture, str_slice(fixture->text, 0, n), ARENA, NULL, &err);
}

static void check_flips(const struct fixture *fixture)
{
    struct err err;
    char *copy = malloc(fixture->text.len + 1);
    if (fixture->text.len)
        memcpy(copy, fixture->text.ptr, fixture->text.len);
    uint64_t state = 88172645463325252u;
    for (int i = 0; i < 500 && fixture->text.len; i++) {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        size_t at = (size_t)(state >> 8) % fixture->text.len;
        char old = copy[at];
        copy[at] = (char)(copy[at] ^ (1 << (state & 7)));
        (void)!run(fixture, str_of(copy, fixture->text.len), ARENA, NULL, &err);
        copy[at] = i % 4 ? old : copy[at]; /* some stay, so that damage adds up */
    }
    free(copy);
}

/* With 1 KiB it either fits or says that it did not. */
static void check_budget(const struct fixture *fixture)
{
    struct err err;
    if (!run(fixture, fixture->text, 1024, NULL, &err) && fixture->text.len > 4096)
        assert_int_equal(err.kind, ERR_MEMORY);
}

static void check_cancel(const struct fixture *fixture)
{
    struct err err;
    struct cancel cancel = {0};
    cancel_want(&cancel);
    if (fixture->detector->is_os_database && fixture->text.len &&
        !str_ends(fixture->path, STR(".md5sums"))) {
        assert_false(run(fixture, fixture->text, ARENA, &cancel, &err));
        assert_int_equal(err.kind, ERR_CANCELLED);
    }
}

static void check_fixture(const struct fixture *fixture)
{
    struct err err;
    if (!run(fixture, STR_NONE, ARENA, NULL, &err))
        fail_msg("%s: an empty file is no failure: %s", fixture->detector->name, err.msg);
    check_prefixes(fixture);
    check_flips(fixture);
    check_budget(fixture);
    check_cancel(fixture);
}

static void test_detectors__keep_their_contract(void **state)
{
    (void)state;
    size_t n;
    const struct detector *const *all = inventory_detectors(&n);
    for (size_t i = 0; i < n; i++) {
        struct arena arena;
        arena_init(&arena, ARENA);
        char name[100];
        snprintf(name, sizeof(name), "inventory/%s.cases", all[i]->name);
        str rest = test_data(&arena, name), one;
        while (rest.len) {
            str_cut(rest, STR("\n=== "), &one, &rest);
            str title, body, path;
            str_cut_byte(one, '\n', &title, &body);
            str_cut(title, STR(": "), &title, &path);
            struct fixture fixture = {all[i], path.len ? path : str_from(all[i]->paths[0]),
                                      str_slice(body, 0, str_find(body, STR("\n---")) + 1)};
            fixture.text = case_input(&arena, fixture.text);
            check_fixture(&fixture);
        }
        arena_fini(&arena);
    }
}

static void test_detectors__have_complete_rows(void **state)
{
    (void)state;
    size_t n;
    const struct detector *const *all = inventory_detectors(&n);
    for (size_t i = 0; i < n; i++) {
        assert_true(all[i]->name && all[i]->revision && all[i]->summary && all[i]->spec);
        assert_true(all[i]->paths && all[i]->paths[0] && all[i]->parse &&
                    all[i]->limit < LIMIT_COUNT);
        for (const char *const *path = all[i]->paths; *path; path++)
            assert_true((*path)[0] != '/' && (*path)[strlen(*path) - 1] != '/');
        for (size_t j = 0; j < i; j++) {
            assert_true(strcmp(all[i]->name, all[j]->name) != 0);
            assert_true(!all[i]->release_rank || all[i]->release_rank != all[j]->release_rank);
        }
    }
    assert_int_equal(inventory_revision(), inventory_revision());
}

static void test_detectors__say_that_the_budget_is_used_up(void **state)
{
    (void)state;
    static const char *const names[] = {"dpkg", "opkg", "apk"};
    for (size_t r = 0; r < 3; r++) {
        auto_sb text;
        sb_init(&text, 1 << 20);
        for (int i = 0; i < 200; i++) {
            if (r < 2)
                sb_addf(&text, "Package: p%d\nStatus: install ok installed\nVersion: %d\n\n", i, i);
            else
                sb_addf(&text, "P:p%d\nV:%d\n\n", i, i);
        }
        const struct detector *detector = detector_named(names[r]);
        struct fixture fixture = {detector, str_from(detector->paths[0]), sb_str(&text)};
        struct err err;
        assert_true(run(&fixture, fixture.text, ARENA, NULL, &err));
        assert_false(run(&fixture, fixture.text, 1024, NULL, &err));
        assert_int_equal(err.kind, ERR_MEMORY);
    }
}

static void test_detectors__survive_a_large_file_of_garbage(void **state)
{
    (void)state;
    enum { SIZE = 4 << 20 };
    char *garbage = malloc(SIZE);
    uint64_t x = 1;
    for (size_t i = 0; i < SIZE; i++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        garbage[i] = (char)x;
    }
    size_t n;
    const struct detector *const *all = inventory_detectors(&n);
    for (size_t i = 0; i < n; i++) {
        struct err err;
        struct fixture fixture = {all[i], str_from(all[i]->paths[0]), str_of(garbage, SIZE)};
        bool ok = run(&fixture, fixture.text, ARENA, NULL, &err);
        assert_true(!ok || !all[i]->is_os_database);
    }
    free(garbage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_detectors__have_complete_rows),
        cmocka_unit_test(test_detectors__keep_their_contract),
        cmocka_unit_test(test_detectors__say_that_the_budget_is_used_up),
        cmocka_unit_test(test_detectors__survive_a_large_file_of_garbage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
