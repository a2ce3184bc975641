/* SPDX-License-Identifier: Apache-2.0 */
/* What `db status` counts, against ../shared/feeds/FEEDS.json where that counts the same thing. */
#include "compiled.h"

#include "advisory/internal.h"

/* The number of @key in the entry of FEEDS.json that is of @file. */
static uint64_t stated(struct arena *arena, const char *file, const char *key)
{
    struct err err = {0};
    auto_json *root = NULL;
    assert_ok(json_read(test_shared(arena, "feeds/FEEDS.json"), &root, &err), err);
    for (size_t i = 0; i < json_array_size(root); i++) {
        const json_t *entry = json_array_get(root, i);
        if (str_eq(json_str(entry, "file"), str_from(file)))
            return (uint64_t)json_int(entry, key, 0);
    }
    fail_msg("FEEDS.json does not name %s", file);
    return 0;
}

static uint64_t counted(const char *feed, const char *place)
{
    struct compiled c;
    compiled_init(&c);
    compiled_run(&c, feed, test_shared_path(place));
    uint64_t n = c.source->n_records;
    assert_int_equal(c.source->notices.len, 0);
    compiled_fini(&c);
    return n;
}

static void test_counts__records_are_as_many_as_stated(void **state)
{
    (void)state;
    static const struct {
        const char *feed, *place, *file;
    } rows[] = {
        {"osv", "feeds/osv/Go", "osv/Go/all.zip"},
        {"osv", "feeds/osv/PyPI", "osv/PyPI/all.zip"},
        {"osv", "feeds/osv/crates.io", "osv/crates.io/all.zip"},
        {"osv", "feeds/osv/AlmaLinux", "osv/AlmaLinux/all.zip"},
        {"osv", "feeds/osv/Bitnami", "osv/Bitnami/all.zip"},
        {"osv", "feeds/osv/CRAN", "osv/CRAN/all.zip"},
        {"debian-lists", "feeds/debian/data/DSA/list", "debian/data/DSA/list"},
        {"debian-lists", "feeds/debian/data/DLA/list", "debian/data/DLA/list"},
        {"rubysec", "feeds/rubysec", "rubysec/ruby-advisory-db.tar.gz"},
        {"friendsofphp", "feeds/friendsofphp", "friendsofphp/security-advisories.tar.gz"},
    };
    test_need_shared("feeds/FEEDS.json");
    struct arena arena;
    arena_init(&arena, 1 << 24);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint64_t want = stated(&arena, rows[i].file, "records");
        uint64_t have = counted(rows[i].feed, rows[i].place);
        if (want != have || !want)
            fail_msg("%s: %llu records, FEEDS.json states %llu", rows[i].place,
                     (unsigned long long)have, (unsigned long long)want);
    }
    arena_fini(&arena);
}

/* FEEDS.json counts Wolfi's packages and its own ids: each package has statements, and each id is a
 * record or stands in the note of one. */
static void test_counts__wolfis_packages_and_ids_are_all_there(void **state)
{
    (void)state;
    struct compiled c;
    struct secdb secdb;
    struct err err = {0};
    struct map names, ids;
    test_need_shared("feeds/wolfi/os/security.json");
    compiled_init(&c);
    compiled_run(&c, "wolfi-secdb", test_shared_path("feeds/wolfi"));
    struct arena arena;
    arena_init(&arena, 256 << 20);
    map_init(&names, &arena);
    map_init(&ids, &arena);
    assert_ok(secdb_parse(test_shared(&arena, "feeds/wolfi/os/security.json"), false, &arena,
                          &secdb, &err),
              err);
    for (size_t i = 0; i < secdb.fixes.len; i++)
        assert_true(map_put(&names, secdb.fixes.ptr[i].package, &secdb));
    assert_int_equal(names.len, stated(&arena, "wolfi/os/security.json", "records"));
    for (size_t i = 0; i < names.len; i++) {
        affecteds list;
        assert_ok(advisory_find(c.db, &arena, STR("Wolfi"), names.entries[i].key, &list, &err),
                  err);
        for (size_t j = 0; j < list.len; j++) {
            str note = list.ptr[j].note, record = arena_dup(&arena, list.ptr[j].record), id;
            if (str_starts(record, STR("CGA-")))
                assert_true(map_put(&ids, record, &secdb));
            while (str_next(&note, ',', &id)) {
                if (str_starts(str_trim(id), STR("CGA-")))
                    assert_true(map_put(&ids, str_trim(id), &secdb));
            }
        }
    }
    assert_int_equal(ids.len, stated(&arena, "wolfi/os/security.json", "fixed_events"));
    arena_fini(&arena);
    compiled_fini(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts__records_are_as_many_as_stated),
        cmocka_unit_test(test_counts__wolfis_packages_and_ids_are_all_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
