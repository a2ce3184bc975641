/* SPDX-License-Identifier: Apache-2.0 */
/* What one generation says that another does not; and that each is what was written. */
#include "../support.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "advisory/advisory.h"
#include "base/auto.h"
#include "base/sb.h"
#include "os/file.h"

struct place {
    struct arena arena;
    const char *dir, *db;
};

static const char *in(struct place *place, const char *name)
{
    return arena_cstr(&place->arena, arena_printf(&place->arena, "%s/%s", place->dir, name));
}

static void place_init(struct place *place)
{
    arena_init(&place->arena, 1 << 24);
    place->dir = test_mkdir(&place->arena);
    place->db = in(place, "db");
}

static void place_fini(struct place *place)
{
    test_rmdir(place->dir);
    arena_fini(&place->arena);
}

/* One OSV record: @id fixes @package of Debian 12 in @fixed; @more are members behind a comma. */
static void put(struct place *place, const char *folder, const char *id, const char *package,
                const char *fixed, const char *more)
{
    struct err err = {0};
    const char *home = in(place, folder);
    str text = arena_printf(
        &place->arena,
        "{\"id\": \"%s\", \"affected\": [{\"package\": {\"ecosystem\": \"Debian:12\", \"name\": "
        "\"%s\"},"
        "\"ranges\": [{\"type\": \"ECOSYSTEM\", \"events\": [{\"introduced\": \"0\"}, {\"fixed\": "
        "\"%s\"}]}]}]%s}",
        id, package, fixed, more);
    assert_ok(dir_make(home, &err), err);
    assert_ok(
        file_save(arena_cstr(&place->arena, arena_printf(&place->arena, "%s/%s.json", home, id)),
                  text, 0644, &err),
        err);
}

static void update(struct place *place, const char *feed, const char *folder)
{
    struct err err = {0};
    struct update_result result;
    struct feed_choice choice = {str_from(feed), str_from(in(place, folder))};
    struct update_spec spec = {.dir = place->db, .feeds = &choice, .n_feeds = 1};
    assert_ok(advisory_update(&spec, &result, &err), err);
    assert_true(result.is_new && result.n_failed == 0);
}

/* "+Debian:12/a ~…; +osv/A-1 …" */
static const char *diff(struct place *place, uint64_t from, uint64_t to)
{
    static const char signs[] = "+~!-";
    struct err err = {0};
    struct advisory_db *a, *b;
    struct advisory_changes changes;
    auto_sb out;
    sb_init(&out, 1 << 16);
    assert_ok(advisory_db_open_at(place->db, from, &a, &err), err);
    assert_ok(advisory_db_open_at(place->db, to, &b, &err), err);
    assert_ok(advisory_diff(a, b, &place->arena, &changes, &err), err);
    for (size_t i = 0; i < changes.packages.len; i++)
        sb_addf(&out, "%c" STR_FMT "/" STR_FMT " ", signs[changes.packages.ptr[i].kind],
                STR_ARG(changes.packages.ptr[i].ecosystem),
                STR_ARG(changes.packages.ptr[i].package));
    sb_addc(&out, "|");
    for (size_t i = 0; i < changes.records.len; i++)
        sb_addf(&out, " %c" STR_FMT "/" STR_FMT, signs[changes.records.ptr[i].kind],
                STR_ARG(changes.records.ptr[i].source), STR_ARG(changes.records.ptr[i].record));
    for (size_t i = 0; i < changes.ecosystems.len; i++)
        sb_addf(&out, " covered:" STR_FMT, STR_ARG(changes.ecosystems.ptr[i]));
    for (size_t i = 0; i < changes.cves.len; i++)
        sb_addf(&out, " cve:" STR_FMT, STR_ARG(changes.cves.ptr[i]));
    advisory_db_close(a);
    advisory_db_close(b);
    return arena_cstr(&place->arena, arena_dup(&place->arena, sb_str(&out)));
}

static void test_diff__names_what_changed_and_nothing_else(void **state)
{
    (void)state;
    struct place place;
    place_init(&place);
    put(&place, "feed", "A-1", "same", "1", "");
    put(&place, "feed", "A-2", "gone", "1", "");
    put(&place, "feed", "A-3", "fixed-later", "1", "");
    put(&place, "feed", "A-4", "taken-back", "1", "");
    put(&place, "feed", "A-5", "retold", "1", ", \"summary\": \"old words\"");
    update(&place, "osv", "feed");
    assert_int_equal(unlink(in(&place, "feed/A-2.json")), 0);
    put(&place, "feed", "A-3", "fixed-later", "2", "");
    put(&place, "feed", "A-4", "taken-back", "1", ", \"withdrawn\": \"2024-01-01T00:00:00Z\"");
    put(&place, "feed", "A-5", "retold", "1", ", \"summary\": \"new words\"");
    put(&place, "feed", "A-6", "new", "1", "");
    update(&place, "osv", "feed");
    /* A-3's text is the same, its statement is not; A-5's statement is the same, its text is not.
     */
    assert_string_equal(diff(&place, 1, 2),
                        "~Debian:12/fixed-later -Debian:12/gone +Debian:12/new ~Debian:12/retold "
                        "~Debian:12/taken-back | -osv/A-2 !osv/A-4 ~osv/A-5 +osv/A-6");
    assert_string_equal(diff(&place, 2, 2), "|");
    place_fini(&place);
}

static void test_diff__another_source_renumbers_and_changes_nothing_of_the_first(void **state)
{
    (void)state;
    struct place place;
    struct err err = {0};
    place_init(&place);
    put(&place, "feed", "A-1", "same", "1", "");
    update(&place, "osv", "feed");
    /* alpine-secdb sorts before osv, whose number becomes 1 */
    assert_ok(dir_make(in(&place, "secdb/v3.20"), &err), err);
    str text =
        STR("{\"distroversion\": \"v3.20\", \"reponame\": \"main\", \"packages\": [{\"pkg\": "
            "{\"name\": \"a\", \"secfixes\": {\"1-r0\": [\"CVE-2024-1\"]}}}]}");
    assert_ok(file_save(in(&place, "secdb/v3.20/main.json"), text, 0644, &err), err);
    update(&place, "alpine-secdb", "secdb");
    assert_string_equal(diff(&place, 1, 2),
                        "+Alpine:v3.20/a | +alpine-secdb/CVE-2024-1 covered:Alpine:v3.20");
    place_fini(&place);
}

/* Names that do not fit into a key are told all the same. */
static void test_diff__long_names_are_named(void **state)
{
    (void)state;
    struct place place;
    char name[700];
    place_init(&place);
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    put(&place, "feed", "A-1", "same", "1", "");
    put(&place, "feed", "A-2", name, "1", "");
    update(&place, "osv", "feed");
    put(&place, "feed", "A-2", name, "2", "");
    update(&place, "osv", "feed");
    str want = arena_printf(&place.arena, "~Debian:12/%s |", name);
    assert_str(str_from(diff(&place, 1, 2)), arena_cstr(&place.arena, want));
    place_fini(&place);
}

/* --- verify
 * ---------------------------------------------------------------------------------------------- */

static bool verify(struct place *place, struct advisory_size *size, struct err *err)
{
    *err = (struct err){0};
    return advisory_verify(place->db, 0, NULL, size, err);
}

static void flip(const char *path, off_t at)
{
    char byte = 0;
    auto_fd fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0 && pread(fd, &byte, 1, at) == 1);
    byte ^= 0x40;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
}

static void test_verify__whole_and_not(void **state)
{
    (void)state;
    struct place place;
    struct err err;
    struct advisory_size size;
    place_init(&place);
    put(&place, "feed", "A-1", "a", "1", "");
    put(&place, "feed", "A-2", "a", "2", "");
    update(&place, "osv", "feed");
    assert_ok(verify(&place, &size, &err), err);
    assert_int_equal(size.n_records, 2);
    assert_int_equal(size.n_statements, 2);
    assert_int_equal(size.n_packages, 1);
    assert_int_equal(size.n_ecosystems, 1);
    assert_true(size.bytes && size.index_bytes && size.index_bytes + size.text_bytes == size.bytes);
    flip(in(&place, "db/generations/000001/data.mdb"), 2 * 4096 + 200);
    assert_false(verify(&place, &size, &err));
    assert_int_equal(err.kind, ERR_MISMATCH);
    place_fini(&place);
}

static void test_open_at__says_what_is_kept(void **state)
{
    (void)state;
    struct place place;
    struct err err = {0};
    struct advisory_db *db = NULL;
    generation_list kept = {0};
    place_init(&place);
    put(&place, "feed", "A-1", "a", "1", "");
    update(&place, "osv", "feed");
    assert_ok(advisory_generations(place.db, &place.arena, &kept, &err), err);
    assert_true(kept.len == 1 && kept.ptr[0] == 1);
    assert_false(advisory_db_open_at(place.db, 9, &db, &err));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    assert_non_null(strstr(err.msg, "no generation 9 is kept"));
    place_fini(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_diff__names_what_changed_and_nothing_else),
        cmocka_unit_test(test_diff__another_source_renumbers_and_changes_nothing_of_the_first),
        cmocka_unit_test(test_diff__long_names_are_named),
        cmocka_unit_test(test_verify__whole_and_not),
        cmocka_unit_test(test_open_at__says_what_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
