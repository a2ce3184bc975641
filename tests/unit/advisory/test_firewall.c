/* SPDX-License-Identifier: Apache-2.0 */
/* Sources that move too much at once keep their last good state. */
#include "../support.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "advisory/advisory.h"
#include "base/sb.h"
#include "os/file.h"

enum { RECORDS = 200 };

struct place {
    struct arena arena;
    const char *dir, *db, *feed;
    struct update_result result;
    struct err err;
};

static const char *in(struct place *place, const char *name)
{
    return arena_cstr(&place->arena, arena_printf(&place->arena, "%s/%s", place->dir, name));
}

/* Records @from to @to of packages called @stem1, @stem2 …, and no others. */
static void put(struct place *place, const char *stem, int from, int to)
{
    struct err err = {0};
    assert_ok(dir_remove(place->feed, &err), err);
    assert_ok(dir_make(place->feed, &err), err);
    for (int i = from; i < to; i++) {
        str text = arena_printf(&place->arena,
                                "{\"id\": \"A-%d\", \"affected\": [{\"package\": {\"ecosystem\": "
                                "\"Debian:12\", \"name\": "
                                "\"%s%d\"}, \"versions\": [\"1\"]}]}",
                                i, stem, i);
        const char *path =
            arena_cstr(&place->arena, arena_printf(&place->arena, "%s/A-%d.json", place->feed, i));
        assert_ok(file_save(path, text, 0644, &err), err);
    }
}

static void update(struct place *place, double max_change, const char *accepted)
{
    struct feed_choice choice = {STR("osv"), str_from(place->feed)};
    str name = str_from(accepted);
    struct update_spec spec = {
        .dir = place->db, .feeds = &choice, .n_feeds = 1, .max_change = max_change};
    if (accepted)
        spec.accepted = (strs){.ptr = &name, .len = 1, .cap = 1};
    place->err = (struct err){0};
    assert_ok(advisory_update(&spec, &place->result, &place->err), place->err);
}

static void place_init(struct place *place)
{
    *place = (struct place){0};
    arena_init(&place->arena, 1 << 24);
    place->dir = test_mkdir(&place->arena);
    place->db = in(place, "db");
    place->feed = in(place, "feed");
    put(place, "p", 0, RECORDS);
    update(place, 0, NULL);
    assert_true(place->result.is_new && place->result.n_failed == 0);
}

static void place_fini(struct place *place)
{
    test_rmdir(place->dir);
    arena_fini(&place->arena);
}

/* What the status says of the source: its error. */
static const char *state_of(struct place *place, bool *is_held)
{
    struct advisory_db *db;
    const struct source_state *source;
    assert_ok(advisory_db_open(place->db, &db, &place->err), place->err);
    assert_int_equal(advisory_db_sources(db, &source), 1);
    assert_int_equal(advisory_db_generation(db), place->result.generation);
    const char *said = arena_cstr(&place->arena, source->error);
    *is_held = source->is_held;
    advisory_db_close(db);
    return said;
}

static void check_held(struct place *place, bool want)
{
    bool is_held;
    const char *said = state_of(place, &is_held);
    assert_int_equal(place->result.n_failed, want);
    assert_int_equal(is_held, want);
    assert_int_equal(strstr(said, "held: ") != NULL, want);
}

static void test_firewall__a_source_that_shrinks_is_held_until_it_is_accepted(void **state)
{
    (void)state;
    struct place place;
    place_init(&place);
    put(&place, "p", 0, RECORDS * 74 / 100); /* 26 % gone */
    update(&place, 0, NULL);
    check_held(&place, true);
    assert_false(place.result.is_new);
    update(&place, 0, "osv");
    check_held(&place, false);
    assert_true(place.result.is_new);
    place_fini(&place);
}

static void test_firewall__just_within_the_share_is_believed(void **state)
{
    (void)state;
    struct place place;
    place_init(&place);
    put(&place, "p", 0, RECORDS * 75 / 100); /* 25 % gone */
    update(&place, 0, NULL);
    check_held(&place, false);
    put(&place, "p", 0, RECORDS * 93 / 100); /* 24 % more */
    update(&place, 0, NULL);
    check_held(&place, false);
    place_fini(&place);
}

static void test_firewall__as_many_records_about_other_packages_are_held(void **state)
{
    (void)state;
    struct place place;
    place_init(&place);
    put(&place, "other", 0, RECORDS);
    update(&place, 0, NULL);
    check_held(&place, true);
    update(&place, 0, NULL); /* not by asking twice */
    check_held(&place, true);
    update(&place, -1, NULL);
    check_held(&place, false);
    place_fini(&place);
}

static void test_firewall__growth_beyond_the_share_is_held_too(void **state)
{
    (void)state;
    struct place place;
    place_init(&place);
    put(&place, "p", 0, RECORDS * 2);
    update(&place, 0.5, NULL);
    check_held(&place, true);
    update(&place, 1.0, NULL);
    check_held(&place, false);
    place_fini(&place);
}

static void test_firewall__a_small_source_and_another_place_are_free(void **state)
{
    (void)state;
    struct place place;
    place_init(&place);
    put(&place, "other", 0, RECORDS / 4);
    const char *elsewhere = in(&place, "elsewhere");
    assert_int_equal(rename(place.feed, elsewhere), 0);
    place.feed = elsewhere;
    update(&place, 0, NULL); /* the user named another mirror */
    check_held(&place, false);
    put(&place, "third", 0, 3); /* 50 records became 3: below what the firewall looks at */
    update(&place, 0, NULL);
    check_held(&place, false);
    place_fini(&place);
}

/* Records that this program cannot read any more are read anew, also when another feed is asked
 * for. */
static void test_update__records_of_another_format_are_read_anew(void **state)
{
    (void)state;
    struct place place;
    struct err err = {0};
    str_vec names = {0};
    place_init(&place);
    const char *folder = in(&place, "db/sources/osv");
    assert_ok(dir_list(&place.arena, folder, &names, &err), err);
    for (size_t i = 0; i < names.len; i++) {
        if (!str_ends(names.ptr[i], STR(".records")))
            continue;
        str path = arena_printf(&place.arena, "%s/" STR_FMT, folder, STR_ARG(names.ptr[i]));
        assert_ok(file_save(arena_cstr(&place.arena, path), STR("plimrec\x01"), 0644, &err), err);
    }
    struct feed_choice choice = {STR("alpine-secdb"), str_from(in(&place, "nowhere"))};
    struct update_spec spec = {.dir = place.db, .feeds = &choice, .n_feeds = 1};
    assert_ok(advisory_update(&spec, &place.result, &err), err);
    assert_int_equal(place.result.n_failed, 1); /* nowhere */
    struct advisory_db *db;
    affecteds list;
    assert_ok(advisory_db_open(place.db, &db, &err), err);
    assert_ok(advisory_find(db, &place.arena, STR("Debian:12"), STR("p7"), &list, &err), err);
    assert_int_equal(list.len, 1);
    advisory_db_close(db);
    place_fini(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_firewall__a_source_that_shrinks_is_held_until_it_is_accepted),
        cmocka_unit_test(test_firewall__just_within_the_share_is_believed),
        cmocka_unit_test(test_firewall__as_many_records_about_other_packages_are_held),
        cmocka_unit_test(test_firewall__growth_beyond_the_share_is_held_too),
        cmocka_unit_test(test_firewall__a_small_source_and_another_place_are_free),
        cmocka_unit_test(test_update__records_of_another_format_are_read_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
