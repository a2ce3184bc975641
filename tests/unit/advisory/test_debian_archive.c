/* SPDX-License-Identifier: Apache-2.0 */
/* Against a small archive that tests/data/advisory/make-mirror.sh makes and signs. */
#include "../support.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "advisory/advisory.h"
#include "os/file.h"
#include "os/proc.h"
#include "version/version.h"

struct fixture {
    struct arena arena;
    const char *dir, *db, *keyring, *place;
};

static const char *in(struct fixture *fixture, const char *name)
{
    return arena_cstr(&fixture->arena, arena_printf(&fixture->arena, "%s/%s", fixture->dir, name));
}

/* @setting "" or one assignment for the script. */
static void make_mirror(struct fixture *fixture, const char *setting)
{
    struct err err = {0};
    struct proc_result result;
    const char *script =
        arena_cstr(&fixture->arena, str_from(test_data_path("advisory/make-mirror.sh")));
    const char *const argv[] = {"env", *setting ? setting : "NOTHING=1", "sh", script, fixture->dir,
                                NULL};
    assert_ok(proc_run(argv, STR_NONE, 1 << 20, 60, &fixture->arena, &result, &err), err);
    if (result.exit_code)
        fail_msg("make-mirror.sh: %.*s", STR_ARG(result.errors));
}

static bool has_program(struct arena *arena, const char *name)
{
    struct err err = {0};
    struct proc_result result;
    const char *const argv[] = {name, "--version", NULL};
    return proc_run(argv, STR_NONE, 1 << 16, 30, arena, &result, &err) && result.exit_code == 0;
}

static void fixture_init(struct fixture *fixture, const char *setting)
{
    static const char *const needed[] = {"gpg", "gpgv", "dpkg-deb", "tar"};
    arena_init(&fixture->arena, 1 << 24);
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        if (!has_program(&fixture->arena, needed[i])) {
            print_message("skipped: no %s here\n", needed[i]);
            arena_fini(&fixture->arena);
            skip();
        }
    }
    fixture->dir = test_mkdir(&fixture->arena);
    fixture->db = in(fixture, "db");
    fixture->keyring = in(fixture, "keyring.gpg");
    fixture->place = in(fixture, "debian");
    make_mirror(fixture, setting);
}

static void fixture_fini(struct fixture *fixture)
{
    test_rmdir(fixture->dir);
    arena_fini(&fixture->arena);
}

#define WANT(source, version)                                                                      \
    {                                                                                              \
        {"Debian:12", 9}, {source, sizeof source - 1}, { version, sizeof version - 1 }             \
    }
static const struct wanted_package INSTALLED[] = {
    WANT("quilt", "1.0-1"),       WANT("native", "2.0"), WANT("viadeb", "7-1"), WANT("bare", "3-1"),
    WANT("mixed", "1-1+deb12u1"), WANT("plain", "9-1"),  WANT("diff", "5-1"),
};
enum { N_INSTALLED = sizeof INSTALLED / sizeof *INSTALLED };

static bool try_update(struct fixture *fixture, const struct wanted_package *wanted,
                       size_t n_wanted, struct update_result *result, struct err *err)
{
    struct feed_choice choice = {STR("debian-archive"), str_from(fixture->place)};
    struct update_spec spec = {.dir = fixture->db,
                               .feeds = &choice,
                               .n_feeds = 1,
                               .wanted = wanted,
                               .n_wanted = n_wanted,
                               .keyring = fixture->keyring,
                               .apt_dir = "/nonexistent"};
    *err = (struct err){0};
    return advisory_update(&spec, result, err);
}

static struct update_result update(struct fixture *fixture, const struct wanted_package *wanted,
                                   size_t n_wanted)
{
    struct err err;
    struct update_result result;
    assert_ok(try_update(fixture, wanted, n_wanted, &result, &err), err);
    return result;
}

static struct advisory_db *open_db(struct fixture *fixture)
{
    struct err err = {0};
    struct advisory_db *db;
    assert_ok(advisory_db_open(fixture->db, &db, &err), err);
    return db;
}

static const struct source_state *source_of(const struct advisory_db *db)
{
    const struct source_state *source;
    assert_int_equal(advisory_db_sources(db, &source), 1);
    return source;
}

/* Ids of the records that hit the source at @version, sorted as the database gives them. */
static str hits(struct fixture *fixture, const struct advisory_db *db, str source, str version)
{
    const struct version_scheme *dpkg = version_find(STR("dpkg"));
    struct err err = {0};
    affecteds list;
    str out = STR("");
    assert_non_null(dpkg);
    assert_ok(advisory_find(db, &fixture->arena, STR("Debian:12"), source, &list, &err), err);
    for (size_t i = 0; i < list.len; i++) {
        for (size_t j = 0; j < list.ptr[i].ranges.len; j++) {
            const struct version_range *range = &list.ptr[i].ranges.ptr[j];
            bool is_in = (str_eq(range->introduced, STR("0")) ||
                          dpkg->cmp(range->introduced, version) != VERSION_GREATER) &&
                         dpkg->cmp(version, range->fixed) == VERSION_LESS;
            if (is_in)
                out = arena_printf(&fixture->arena, STR_FMT "%s" STR_FMT, STR_ARG(out),
                                   out.len ? " " : "", STR_ARG(list.ptr[i].record));
        }
    }
    return out;
}

static void test_debian_archive__findings_are_what_newer_entries_name(void **state)
{
    (void)state;
    static const struct {
        str source, version;
        const char *ids;
    } rows[] = {
        {{"quilt", 5}, {"1.0-1", 5}, "CVE-2026-0001 CVE-2026-0002 CVE-2026-0003"},
        {{"quilt", 5}, {"1.0-1+deb12u1", 13}, "CVE-2026-0002"},
        {{"quilt", 5}, {"1.0-1+deb12u2", 13}, ""},
        {{"quilt", 5}, {"0.9-1", 5}, "CVE-2020-0001 CVE-2026-0001 CVE-2026-0002 CVE-2026-0003"},
        {{"native", 6}, {"2.0", 3}, "DEBIAN-UPDATE-native-2.1"},
        {{"native", 6}, {"1.9", 3}, "CVE-2021-0001"},
        {{"native", 6}, {"2.1", 3}, ""},
        {{"viadeb", 6}, {"7-1", 3}, "CVE-2026-0040"},
        {{"bare", 4}, {"3-1", 3}, "DEBIAN-UPDATE-bare-3-1+deb12u1"},
        {{"bare", 4}, {"3-1+deb12u1", 11}, ""},
        {{"mixed", 5}, {"1-1+deb12u1", 11}, "CVE-2026-0020"},
        {{"mixed", 5}, {"1-1+deb12u2", 11}, "DEBIAN-UPDATE-mixed-1-1+deb12u3"},
        {{"mixed", 5}, {"1-1+deb12u3", 11}, ""},
        {{"plain", 5}, {"9-0", 3}, ""},
        {{"diff", 4}, {"5-1", 3}, "CVE-2026-0030"},
    };
    struct fixture fixture;
    fixture_init(&fixture, "");
    struct update_result result = update(&fixture, INSTALLED, N_INSTALLED);
    assert_true(result.is_new && result.n_failed == 0);
    struct advisory_db *db = open_db(&fixture);
    assert_true(advisory_db_covers(db, STR("Debian:12")));
    assert_false(advisory_db_covers(db, STR("Debian:11")));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_str(hits(&fixture, db, rows[i].source, rows[i].version), rows[i].ids);
    advisory_db_close(db);
    fixture_fini(&fixture);
}

static void test_debian_archive__a_record_says_where_it_comes_from(void **state)
{
    (void)state;
    struct fixture fixture;
    struct advisory advisory;
    struct err err = {0};
    fixture_init(&fixture, "");
    update(&fixture, INSTALLED, N_INSTALLED);
    struct advisory_db *db = open_db(&fixture);
    assert_ok(advisory_get(db, &fixture.arena, STR("debian-archive"), STR("CVE-2026-0002"),
                           &advisory, &err),
              err);
    assert_str(advisory.title, "Fix CVE-2026-0002.");
    assert_str(advisory.published, "2026-11-20T10:00:00Z");
    assert_int_equal(advisory.revision.len, 7 + 64);
    size_t n_unread = 0, n_trimmed = 0;
    const struct source_state *source = source_of(db);
    for (size_t i = 0; i < source->notices.len; i++) {
        n_unread += str_eq(source->notices.ptr[i].path, STR("bare"));
        n_trimmed += str_eq(source->notices.ptr[i].path, STR("viadeb"));
        assert_false(source->notices.ptr[i].is_incomplete);
    }
    assert_int_equal(n_unread, 1);
    assert_int_equal(n_trimmed, 1);
    assert_int_equal(source->notices.len, 2 + 1); /* diff's changelog begins at 5-2 as well */
    advisory_db_close(db);
    fixture_fini(&fixture);
}

static void test_debian_archive__without_wishes_every_update_is_a_row(void **state)
{
    (void)state;
    struct fixture fixture;
    static const struct wanted_package only[] = {WANT("plain", "9-1")};
    fixture_init(&fixture, "");
    update(&fixture, only, 1);
    struct advisory_db *db = open_db(&fixture);
    assert_str(hits(&fixture, db, STR("quilt"), STR("1.0-1")), "DEBIAN-UPDATE-quilt-1.0-1+deb12u2");
    assert_int_equal(source_of(db)->n_records, 5);
    advisory_db_close(db);
    /* wishes add up, and what was read stays without the archive */
    update(&fixture, INSTALLED, 1);
    update(&fixture, NULL, 0);
    db = open_db(&fixture);
    assert_str(hits(&fixture, db, STR("quilt"), STR("1.0-1")),
               "CVE-2026-0001 CVE-2026-0002 CVE-2026-0003");
    advisory_db_close(db);
    fixture_fini(&fixture);
}

static void
test_debian_archive__nothing_is_read_twice_and_a_gone_mirror_keeps_the_last_good(void **state)
{
    (void)state;
    struct fixture fixture;
    struct err err = {0};
    fixture_init(&fixture, "");
    update(&fixture, INSTALLED, N_INSTALLED);
    assert_ok(dir_remove(in(&fixture, "debian/pool"), &err), err);
    assert_ok(dir_remove(in(&fixture, "debian-security/pool"), &err), err);
    struct update_result again = update(&fixture, NULL, 0);
    assert_true(!again.is_new && again.n_failed == 0);
    assert_ok(dir_remove(in(&fixture, "debian"), &err), err);
    assert_ok(dir_remove(in(&fixture, "debian-security"), &err), err);
    again = update(&fixture, NULL, 0);
    assert_true(!again.is_new);
    assert_int_equal(again.n_failed, 1);
    struct advisory_db *db = open_db(&fixture);
    assert_true(source_of(db)->error.len > 0);
    assert_str(hits(&fixture, db, STR("viadeb"), STR("7-1")), "CVE-2026-0040");
    advisory_db_close(db);
    fixture_fini(&fixture);
}

static void test_debian_archive__an_expired_release_is_stale_not_failed(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, "UNTIL=Sat, 28 Nov 2020 00:00:00 UTC");
    struct update_result result = update(&fixture, INSTALLED, N_INSTALLED);
    assert_int_equal(result.n_failed, 0);
    struct advisory_db *db = open_db(&fixture);
    const struct source_state *source = source_of(db);
    size_t n_stale = 0;
    assert_int_equal(source->valid_until, 1606521600);
    for (size_t i = 0; i < source->notices.len; i++)
        n_stale += str_starts(source->notices.ptr[i].message, STR("stale: "));
    assert_int_equal(n_stale, 2);
    assert_true(advisory_db_covers(db, STR("Debian:12")));
    advisory_db_close(db);
    fixture_fini(&fixture);
}

static void expect_refusal(struct fixture *fixture)
{
    struct update_result result;
    struct err err;
    assert_false(try_update(fixture, INSTALLED, N_INSTALLED, &result, &err));
    assert_int_not_equal(err.kind, ERR_NONE);
}

static void append(struct fixture *fixture, const char *name, const char *text)
{
    FILE *file = fopen(in(fixture, name), "a");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void test_debian_archive__what_is_not_signed_by_the_keyring_is_refused(void **state)
{
    (void)state;
    struct fixture fixture;
    struct err err = {0};
    str text;
    fixture_init(&fixture, "");
    const char *keyring = fixture.keyring;
    fixture.keyring = in(&fixture, "no-such-keyring.gpg");
    expect_refusal(&fixture);
    fixture.keyring = keyring;
    const char *path = in(&fixture, "debian-security/dists/bookworm-security/InRelease");
    assert_ok(file_read(&fixture.arena, path, 1 << 20, &text, &err), err);
    size_t at = str_find(text, STR("Codename"));
    str changed = arena_printf(&fixture.arena, STR_FMT "X" STR_FMT, STR_ARG(str_slice(text, 0, at)),
                               STR_ARG(str_skip(text, at + 1)));
    assert_ok(file_save(path, changed, 0644, &err), err);
    expect_refusal(&fixture);
    str twice = arena_printf(&fixture.arena, STR_FMT STR_FMT, STR_ARG(text), STR_ARG(text));
    assert_ok(file_save(path, twice, 0644, &err), err);
    expect_refusal(&fixture);
    assert_ok(file_save(path, text, 0644, &err), err);
    append(&fixture, "debian-security/dists/bookworm-security/main/source/Sources", "\n");
    expect_refusal(&fixture);
    fixture_fini(&fixture);
}

static void test_debian_archive__another_suites_release_does_not_stand_in(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, "SWAP=1");
    expect_refusal(&fixture);
    fixture_fini(&fixture);
}

static void test_debian_archive__an_older_release_is_a_replay(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, "");
    update(&fixture, INSTALLED, N_INSTALLED);
    make_mirror(&fixture, "DATE=Sat, 14 Nov 2026 00:00:00 UTC");
    struct update_result result = update(&fixture, NULL, 0);
    assert_int_equal(result.n_failed, 1);
    struct advisory_db *db = open_db(&fixture);
    assert_true(str_has(source_of(db)->error, STR("older than what was read before")));
    assert_true(advisory_db_covers(db, STR("Debian:12")));
    advisory_db_close(db);
    fixture_fini(&fixture);
}

static void test_debian_archive__a_changelog_with_a_wrong_digest_is_not_read(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, "");
    append(&fixture, "debian-security/pool/quilt/quilt_1.0-1+deb12u2.debian.tar.xz", "x");
    update(&fixture, INSTALLED, N_INSTALLED);
    struct advisory_db *db = open_db(&fixture);
    assert_str(hits(&fixture, db, STR("quilt"), STR("1.0-1")), "DEBIAN-UPDATE-quilt-1.0-1+deb12u2");
    advisory_db_close(db);
    fixture_fini(&fixture);
}

static void test_debian_archive__places_come_from_apt(void **state)
{
    (void)state;
    struct fixture fixture;
    struct err err = {0};
    struct update_result result;
    fixture_init(&fixture, "");
    str list = arena_printf(
        &fixture.arena,
        "deb file:%s/debian bookworm main\ndeb file:%s/debian-security bookworm-security main\n",
        fixture.dir, fixture.dir);
    assert_ok(dir_make(in(&fixture, "apt"), &err), err);
    assert_ok(file_save(in(&fixture, "apt/sources.list"), list, 0644, &err), err);
    struct feed_choice choice = {.name = STR("debian-archive")};
    struct update_spec spec = {.dir = fixture.db,
                               .feeds = &choice,
                               .n_feeds = 1,
                               .keyring = fixture.keyring,
                               .apt_dir = in(&fixture, "apt")};
    assert_ok(advisory_update(&spec, &result, &err), err); /* no wish: the machine's own release */
    struct advisory_db *db = open_db(&fixture);
    assert_true(advisory_db_covers(db, STR("Debian:12")));
    advisory_db_close(db);
    fixture_fini(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_debian_archive__findings_are_what_newer_entries_name),
        cmocka_unit_test(test_debian_archive__a_record_says_where_it_comes_from),
        cmocka_unit_test(test_debian_archive__without_wishes_every_update_is_a_row),
        cmocka_unit_test(
            test_debian_archive__nothing_is_read_twice_and_a_gone_mirror_keeps_the_last_good),
        cmocka_unit_test(test_debian_archive__an_expired_release_is_stale_not_failed),
        cmocka_unit_test(test_debian_archive__what_is_not_signed_by_the_keyring_is_refused),
        cmocka_unit_test(test_debian_archive__another_suites_release_does_not_stand_in),
        cmocka_unit_test(test_debian_archive__an_older_release_is_a_replay),
        cmocka_unit_test(test_debian_archive__a_changelog_with_a_wrong_digest_is_not_read),
        cmocka_unit_test(test_debian_archive__places_come_from_apt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
