/* SPDX-License-Identifier: Apache-2.0 */
#include "../support.h"

#include "advisory/advisory.h"
#include "os/file.h"

static const char *path_in(struct arena *arena, const char *dir, const char *name)
{
    return arena_cstr(arena, arena_printf(arena, "%s/%s", dir, name));
}

static void copy_data(struct arena *arena, const char *from, const char *dir, const char *to)
{
    struct err err = {0};
    assert_ok(file_save(path_in(arena, dir, to), test_data(arena, from), 0644, &err), err);
}

static struct advisory_db *compile(const char *db_dir, const char *place)
{
    struct err err = {0};
    struct update_result result;
    struct advisory_db *db;
    struct feed_choice choice = {STR("alpine-secdb"), str_from(place)};
    struct update_spec spec = {.dir = db_dir, .feeds = &choice, .n_feeds = 1};
    assert_ok(advisory_update(&spec, &result, &err), err);
    assert_int_equal(result.n_failed, 0);
    assert_ok(advisory_db_open(db_dir, &db, &err), err);
    return db;
}

static const struct affected *find(const struct advisory_db *db, struct arena *arena, str ecosystem,
                                   str package, str record)
{
    struct err err = {0};
    affecteds list;
    assert_ok(advisory_find(db, arena, ecosystem, package, &list, &err), err);
    for (size_t i = 0; i < list.len; i++) {
        if (str_eq(list.ptr[i].record, record))
            return &list.ptr[i];
    }
    return NULL;
}

/* v3.21/main.json says that it is of v3.20; v3.20 has both, one of them in YAML. */
static const char *make_place(struct arena *arena, const char *dir)
{
    struct err err = {0};
    assert_ok(dir_make(path_in(arena, dir, "feed/v3.20"), &err), err);
    assert_ok(dir_make(path_in(arena, dir, "feed/v3.21"), &err), err);
    assert_ok(dir_make(path_in(arena, dir, "feed/v3.22"), &err), err);
    assert_ok(dir_make(path_in(arena, dir, "feed/other"), &err), err);
    copy_data(arena, "advisory/secdb.json", dir, "feed/v3.20/main.json");
    copy_data(arena, "advisory/secdb.yaml", dir, "feed/v3.20/community.yaml");
    copy_data(arena, "advisory/secdb.json", dir, "feed/v3.21/main.json");
    copy_data(arena, "advisory/secdb.yaml", dir, "feed/v3.22/community.yaml");
    return path_in(arena, dir, "feed");
}

static void test_alpine_secdb__a_secfix_is_a_range_below_the_highest_version(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    const char *dir = test_mkdir(&arena);
    struct advisory_db *db = compile(path_in(&arena, dir, "db"), make_place(&arena, dir));
    const str eco = STR("Alpine:v3.20");
    const struct affected *fix = find(db, &arena, eco, STR("musl"), STR("CVE-2024-0002"));
    assert_non_null(fix);
    assert_int_equal(fix->ranges.len, 1);
    assert_str(fix->ranges.ptr[0].introduced, "0");
    assert_str(fix->ranges.ptr[0].fixed, "1.2.5-r1"); /* also listed under 1.2.4-r9 */
    assert_int_equal(fix->state, FIX_FIXED);
    assert_non_null(find(db, &arena, eco, STR("musl"), STR("CVE-2024-0003")));
    assert_non_null(find(db, &arena, eco, STR("musl"), STR("CVE-2024-0004")));
    assert_non_null(find(db, &arena, eco, STR("git"), STR("CVE-2024-32002")));
    advisory_db_close(db);
    test_rmdir(dir);
    arena_fini(&arena);
}

static void test_alpine_secdb__version_zero_is_not_affected_and_no_range(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    const char *dir = test_mkdir(&arena);
    struct advisory_db *db = compile(path_in(&arena, dir, "db"), make_place(&arena, dir));
    const struct affected *fix =
        find(db, &arena, STR("Alpine:v3.20"), STR("musl"), STR("CVE-2024-0005"));
    assert_non_null(fix);
    assert_int_equal(fix->state, FIX_NOT_AFFECTED);
    assert_int_equal(fix->ranges.len + fix->versions.len, 0);
    advisory_db_close(db);
    test_rmdir(dir);
    arena_fini(&arena);
}

static void test_alpine_secdb__a_shared_further_id_is_related_not_an_alias(void **state)
{
    (void)state;
    struct arena arena;
    struct err err = {0};
    struct advisory advisory;
    arena_init(&arena, 1 << 20);
    const char *dir = test_mkdir(&arena);
    struct advisory_db *db = compile(path_in(&arena, dir, "db"), make_place(&arena, dir));
    assert_ok(advisory_get(db, &arena, STR("alpine-secdb"), STR("CVE-2024-0001"), &advisory, &err),
              err);
    assert_int_equal(advisory.aliases.len, 1);
    assert_str(advisory.aliases.ptr[0], "XSA-900");
    assert_ok(advisory_get(db, &arena, STR("alpine-secdb"), STR("CVE-2024-0012"), &advisory, &err),
              err);
    assert_int_equal(advisory.aliases.len, 0);
    assert_int_equal(advisory.related.len, 1);
    assert_str(advisory.related.ptr[0], "XSA-902");
    advisory_db_close(db);
    test_rmdir(dir);
    arena_fini(&arena);
}

static void test_alpine_secdb__the_folder_names_the_branch_and_main_covers_it(void **state)
{
    (void)state;
    struct arena arena;
    const struct source_state *source;
    size_t n_says = 0, n_missing = 0, n_broken = 0;
    arena_init(&arena, 1 << 20);
    const char *dir = test_mkdir(&arena);
    struct advisory_db *db = compile(path_in(&arena, dir, "db"), make_place(&arena, dir));
    assert_true(advisory_db_covers(db, STR("Alpine:v3.20")) &&
                advisory_db_covers(db, STR("Alpine:v3.21")));
    assert_false(advisory_db_covers(db, STR("Alpine:v3.22"))); /* community alone */
    assert_non_null(find(db, &arena, STR("Alpine:v3.21"), STR("musl"), STR("CVE-2024-0002")));
    assert_int_equal(advisory_db_sources(db, &source), 1);
    for (size_t i = 0; i < source->notices.len; i++) {
        str message = source->notices.ptr[i].message;
        n_says += str_starts(message, STR("says it is of v3.20; taken as "));
        n_missing += str_has(message, STR(" is missing"));
        n_broken += str_starts(message, STR("not read: "));
    }
    assert_int_equal(n_says, 2);
    assert_int_equal(n_missing, 2);
    assert_int_equal(n_broken, 6); /* three in each of the two copies */
    advisory_db_close(db);
    test_rmdir(dir);
    arena_fini(&arena);
}

static void test_alpine_secdb__the_published_branches_are_covered(void **state)
{
    (void)state;
    struct arena arena;
    test_need_shared("feeds/alpine-secdb/v3.10/main.json");
    arena_init(&arena, 1 << 22);
    const char *dir = test_mkdir(&arena);
    struct advisory_db *db =
        compile(path_in(&arena, dir, "db"), test_shared_path("feeds/alpine-secdb"));
    for (int minor = 3; minor <= 11; minor++)
        assert_true(advisory_db_covers(db, arena_printf(&arena, "Alpine:v3.%d", minor)));
    assert_false(advisory_db_covers(db, STR("Alpine:v3.12")));
    const struct affected *fix =
        find(db, &arena, STR("Alpine:v3.10"), STR("musl"), STR("CVE-2019-14697"));
    assert_non_null(fix);
    assert_str(fix->ranges.ptr[0].fixed, "1.1.22-r3");
    fix = find(db, &arena, STR("Alpine:v3.10"), STR("openssl"), STR("CVE-2019-1547"));
    assert_non_null(fix);
    assert_str(fix->ranges.ptr[0].fixed, "1.1.1d-r0");
    advisory_db_close(db);
    test_rmdir(dir);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alpine_secdb__a_secfix_is_a_range_below_the_highest_version),
        cmocka_unit_test(test_alpine_secdb__version_zero_is_not_affected_and_no_range),
        cmocka_unit_test(test_alpine_secdb__a_shared_further_id_is_related_not_an_alias),
        cmocka_unit_test(test_alpine_secdb__the_folder_names_the_branch_and_main_covers_it),
        cmocka_unit_test(test_alpine_secdb__the_published_branches_are_covered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
