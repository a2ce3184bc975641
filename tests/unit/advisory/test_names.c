/* SPDX-License-Identifier: Apache-2.0 */
/* From a name to its records, and the filter that says which packages have none. */
#include "../support.h"

#include "advisory/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct place {
    struct arena arena;
    const char *dir, *feed;
    struct advisory_db *db;
};

static void put(struct place *place, const char *id, const char *aliases, const char *package)
{
    struct err err = {0};
    str text =
        arena_printf(&place->arena,
                     "{\"id\":\"%s\",\"aliases\":[%s],\"affected\":[{\"package\":{"
                     "\"ecosystem\":\"npm\",\"name\":\"%s\"},\"ranges\":[{\"type\":\"SEMVER\","
                     "\"events\":[{\"introduced\":\"0\"}]}]},{\"package\":{\"ecosystem\":"
                     "\"PyPI\",\"name\":\"%s\"},\"versions\":[\"1\"]}]}",
                     id, aliases, package, package);
    const char *path =
        arena_cstr(&place->arena, arena_printf(&place->arena, "%s/%.20s.json", place->feed, id));
    assert_ok(file_save(path, text, 0644, &err), err);
}

static void set_up(struct place *place)
{
    struct err err = {0};
    struct update_result result;
    arena_init(&place->arena, 1 << 22);
    place->dir = test_mkdir(&place->arena);
    place->feed = arena_cstr(&place->arena, arena_printf(&place->arena, "%s/feed", place->dir));
    const char *dir = arena_cstr(&place->arena, arena_printf(&place->arena, "%s/db", place->dir));
    assert_ok(dir_make(place->feed, &err), err);
    put(place, "GHSA-1", "\"CVE-2024-1\",\"CVE-2024-2\"", "one");
    put(place, "GHSA-2", "\"CVE-2024-1\"", "two");
    put(place, "CVE-2024-1", "\"GHSA-1\",\"CVE-2024-1\"", "three");
    char name[700];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    put(place, "LONG-1", arena_cstr(&place->arena, arena_printf(&place->arena, "\"%s\"", name)),
        "long");
    struct feed_choice choice = {STR("osv"), str_from(place->feed)};
    struct update_spec spec = {.dir = dir, .feeds = &choice, .n_feeds = 1};
    assert_ok(advisory_update(&spec, &result, &err), err);
    assert_ok(advisory_db_open(dir, &place->db, &err), err);
}

static void tear_down(struct place *place)
{
    advisory_db_close(place->db);
    test_rmdir(place->dir);
    arena_fini(&place->arena);
}

static str records_of(struct place *place, str id)
{
    struct err err = {0};
    named_records list;
    str out = STR("");
    assert_ok(advisory_by_id(place->db, &place->arena, id, &list, &err), err);
    for (size_t i = 0; i < list.len; i++) {
        assert_str(list.ptr[i].source, "osv");
        assert_int_equal(list.ptr[i].places.len, 2);
        out = arena_printf(&place->arena, STR_FMT "%s" STR_FMT "=" STR_FMT ":" STR_FMT,
                           STR_ARG(out), i ? " " : "", STR_ARG(list.ptr[i].record),
                           STR_ARG(list.ptr[i].places.ptr[0].ecosystem),
                           STR_ARG(list.ptr[i].places.ptr[0].package));
    }
    return out;
}

static void test_names__own_ids_and_aliases_lead_to_records(void **state)
{
    (void)state;
    struct place place;
    set_up(&place);
    assert_str(records_of(&place, STR("GHSA-2")), "GHSA-2=npm:two");
    assert_str(records_of(&place, STR("CVE-2024-2")), "GHSA-1=npm:one");
    assert_str(records_of(&place, STR("CVE-2024-1")),
               "CVE-2024-1=npm:three GHSA-1=npm:one GHSA-2=npm:two");
    assert_str(records_of(&place, STR("GHSA-1")), "CVE-2024-1=npm:three GHSA-1=npm:one");
    assert_str(records_of(&place, STR("CVE-2024-3")), "");
    assert_str(records_of(&place, STR("CVE-2024-")), "");
    assert_str(records_of(&place, STR("")), "");
    tear_down(&place);
}

static void test_names__a_name_longer_than_a_key_is_found_too(void **state)
{
    (void)state;
    struct place place;
    char name[700];
    set_up(&place);
    memset(name, 'x', sizeof name);
    assert_str(records_of(&place, str_of(name, 699)), "LONG-1=npm:long");
    assert_str(records_of(&place, str_of(name, 698)), "");
    tear_down(&place);
}

static void test_names__a_generation_with_names_verifies(void **state)
{
    (void)state;
    struct place place;
    struct err err = {0};
    struct advisory_size size;
    set_up(&place);
    const char *dir = arena_cstr(&place.arena, arena_printf(&place.arena, "%s/db", place.dir));
    assert_ok(advisory_verify(dir, 1, NULL, &size, &err), err);
    assert_int_equal(size.n_records, 4);
    assert_int_equal(size.n_packages, 8);
    tear_down(&place);
}

/* The filter never denies a package that is there, and seldom passes one that is not. */
static void test_names__the_filter_denies_nothing_that_is_there(void **state)
{
    (void)state;
    enum { N = 20000 };
    size_t size = filter_size(N), n_false = 0;
    unsigned char *bytes = calloc(1, size);
    assert_non_null(bytes);
    char name[32];
    for (int i = 0; i < N; i++) {
        snprintf(name, sizeof name, "package-%d", i);
        filter_add(bytes, size, filter_hash(STR("npm"), str_from(name)));
    }
    str filter = str_of((const char *)bytes, size);
    for (int i = 0; i < N; i++) {
        snprintf(name, sizeof name, "package-%d", i);
        assert_true(filter_has(filter, filter_hash(STR("npm"), str_from(name))));
        n_false += filter_has(filter, filter_hash(STR("PyPI"), str_from(name)));
    }
    assert_in_range(n_false, 0, N / 20);
    assert_true(filter_has(STR(""), 1)); /* none at all says nothing */
    assert_false(filter_hash(STR("ab"), STR("c")) == filter_hash(STR("a"), STR("bc")));
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names__own_ids_and_aliases_lead_to_records),
        cmocka_unit_test(test_names__a_name_longer_than_a_key_is_found_too),
        cmocka_unit_test(test_names__a_generation_with_names_verifies),
        cmocka_unit_test(test_names__the_filter_denies_nothing_that_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
