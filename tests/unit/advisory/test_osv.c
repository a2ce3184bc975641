/* SPDX-License-Identifier: Apache-2.0 */
#include "../support.h"

#include "compiled.h"

#include "advisory/internal.h"
#include "model/model.h"

static void put(struct arena *arena, const char *dir, const char *name, const char *text)
{
    struct err err = {0};
    assert_ok(file_save(arena_cstr(arena, arena_printf(arena, "%s/%s", dir, name)), str_from(text),
                        0644, &err),
              err);
}

static const char *below(struct arena *arena, const char *dir, const char *name)
{
    struct err err = {0};
    const char *path = arena_cstr(arena, arena_printf(arena, "%s/%s", dir, name));
    assert_ok(dir_make(path, &err), err);
    return path;
}

static struct update_result update(const char *db, const char *place)
{
    struct err err = {0};
    struct update_result result;
    struct feed_choice choice = {STR("osv"), str_from(place)};
    struct update_spec spec = {.dir = db, .feeds = &choice, .n_feeds = 1};
    assert_ok(advisory_update(&spec, &result, &err), err);
    return result;
}

static struct advisory_db *open_db(const char *dir)
{
    struct err err = {0};
    struct advisory_db *db;
    assert_ok(advisory_db_open(dir, &db, &err), err);
    return db;
}

static void test_osv__a_broken_record_is_a_notice_and_the_rest_goes_in(void **state)
{
    (void)state;
    struct arena arena;
    struct err err = {0};
    affecteds list;
    struct advisory advisory;
    const struct source_state *source;
    arena_init(&arena, 1 << 20);
    const char *dir = test_mkdir(&arena), *feed = below(&arena, dir, "feed"),
               *db_dir = below(&arena, dir, "db");
    put(&arena, feed, "GOOD-1.json",
        "{\"id\": \"GOOD-1\", \"modified\": \"2024-01-01T00:00:00Z\", \"affected\": [{\"package\": "
        "{\"ecosystem\": \"Debian:12\","
        "\"name\": \"demo\"}, \"ranges\": [{\"type\": \"ECOSYSTEM\", \"events\": [{\"introduced\": "
        "\"0\"}, {\"fixed\": \"2\"}]}]}]}");
    put(&arena, feed, "GONE-1.json",
        "{\"id\": \"GONE-1\", \"withdrawn\": \"2024-01-01T00:00:00Z\", \"affected\": "
        "[{\"package\": {\"ecosystem\": \"Debian:12\","
        "\"name\": \"demo\"}, \"versions\": [\"1\"]}]}");
    put(&arena, feed, "BAD-1.json",
        "{\"id\": \"BAD-1\", \"affected\": [{\"package\": {\"name\": \"x\"}}]}");
    put(&arena, feed, "BAD-2.json", "{\"id\": \"BAD-2\"");
    put(&arena, feed, "README", "not a record");
    struct update_result result = update(db_dir, feed);
    assert_true(result.is_new && result.n_failed == 0);
    struct advisory_db *db = open_db(db_dir);
    assert_int_equal(advisory_db_sources(db, &source), 1);
    assert_int_equal(source->n_records, 2);
    assert_int_equal(source->notices.len, 2);
    assert_true(str_starts(source->notices.ptr[0].message, STR("BAD-1: not read: ")));
    assert_true(str_starts(source->notices.ptr[1].message, STR("BAD-2.json: not read: ")));
    assert_ok(advisory_find(db, &arena, STR("Debian:12"), STR("demo"), &list, &err), err);
    assert_int_equal(list.len, 2);
    assert_true(list.ptr[0].is_withdrawn && !list.ptr[1].is_withdrawn);
    assert_ok(advisory_get(db, &arena, STR("osv"), STR("GONE-1"), &advisory, &err), err);
    assert_str(advisory.withdrawn, "2024-01-01T00:00:00Z");
    assert_str(advisory.source, "osv");
    assert_false(advisory_get(db, &arena, STR("osv"), STR("BAD-1"), &advisory, &err));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    assert_true(advisory_db_covers(db, STR("Debian:12")));
    assert_false(advisory_db_covers(db, STR("Debian:1")));
    assert_false(advisory_db_covers(db, STR("")));
    assert_ok(advisory_find(db, &arena, STR("Debian:12"), STR("other"), &list, &err), err);
    assert_int_equal(list.len, 0);
    advisory_db_close(db);
    test_rmdir(dir);
    arena_fini(&arena);
}

static void test_osv__a_place_without_records_is_an_error(void **state)
{
    (void)state;
    struct arena arena;
    struct err err = {0};
    struct update_result result;
    arena_init(&arena, 1 << 20);
    const char *dir = test_mkdir(&arena), *empty = below(&arena, dir, "empty"),
               *db = below(&arena, dir, "db");
    struct feed_choice choice = {STR("osv"), str_from(empty)};
    struct update_spec spec = {.dir = db, .feeds = &choice, .n_feeds = 1};
    assert_false(advisory_update(&spec, &result, &err));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    put(&arena, empty, "all.zip", "PK\x03\x04 cut off");
    err = (struct err){0};
    assert_false(advisory_update(&spec, &result, &err));
    assert_int_not_equal(err.kind, ERR_NONE);
    assert_true(str_has(str_from(err.msg), STR("all.zip")));
    test_rmdir(dir);
    arena_fini(&arena);
}

static uint64_t records_of(const char *db_dir)
{
    const struct source_state *source;
    struct advisory_db *db = open_db(db_dir);
    advisory_db_sources(db, &source);
    uint64_t n = source->n_records;
    assert_int_equal(source->notices.len, 0);
    advisory_db_close(db);
    return n;
}

/* Counts of ../shared/feeds/FEEDS.json. */
static void test_osv__bulk_zips_hold_what_their_publishers_count(void **state)
{
    (void)state;
    static const struct {
        const char *place;
        uint64_t n_records;
    } rows[] = {
        {"feeds/osv/Go", 4291},
        {"feeds/osv/PyPI/all.zip", 2661},
        {"feeds/osv/crates.io", 1206},
        {"feeds/osv/AlmaLinux", 5637},
        {"feeds/osv/Bitnami", 7444},
        {"feeds/osv/CRAN", 14},
        {"feeds/osv", 21253},
        {"feeds/debian-security-by-changelog/osv-debian-changelog", 3556},
    };
    test_need_shared("feeds/osv/Go/all.zip");
    struct arena arena;
    arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *dir = test_mkdir(&arena);
        update(dir, test_shared_path(rows[i].place));
        assert_int_equal(records_of(dir), rows[i].n_records);
        test_rmdir(dir);
    }
    arena_fini(&arena);
}

static void test_osv__debian_by_changelog_covers_its_two_releases(void **state)
{
    (void)state;
    struct arena arena;
    struct err err = {0};
    affecteds list;
    test_need_shared("feeds/debian-security-by-changelog/osv-debian-changelog/all.zip");
    arena_init(&arena, 1 << 20);
    const char *dir = test_mkdir(&arena);
    update(dir, test_shared_path("feeds/debian-security-by-changelog/osv-debian-changelog"));
    struct advisory_db *db = open_db(dir);
    assert_true(advisory_db_covers(db, STR("Debian:11")) &&
                advisory_db_covers(db, STR("Debian:12")));
    assert_false(advisory_db_covers(db, STR("Debian:13")));
    assert_ok(advisory_find(db, &arena, STR("Debian:11"), STR("openldap"), &list, &err), err);
    const struct affected *found = NULL;
    for (size_t i = 0; i < list.len; i++) {
        if (str_eq(list.ptr[i].record, STR("DEBIAN-CVE-2020-36229")))
            found = &list.ptr[i];
    }
    assert_non_null(found);
    assert_str(found ? found->ranges.ptr[0].fixed : STR_NONE, "2.4.57+dfsg-1");
    advisory_db_close(db);
    test_rmdir(dir);
    arena_fini(&arena);
}

/* The single records of FEEDS.json's samples: all of them, without a notice. */
static void test_osv__published_samples_are_read_whole(void **state)
{
    (void)state;
    static const struct {
        const char *place;
        uint64_t n_records;
    } rows[] = {{"feeds/samples/ghsa", 10},
                {"feeds/samples/rocky-osv", 3},
                {"feeds/samples/julia-osv", 2},
                {"feeds/samples/ubuntu-osv", 9}};
    test_need_shared("feeds/samples/ghsa");
    struct arena arena;
    arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *dir = test_mkdir(&arena);
        update(dir, test_shared_path(rows[i].place));
        assert_int_equal(records_of(dir), rows[i].n_records);
        test_rmdir(dir);
    }
    arena_fini(&arena);
}

static void test_osv__ubuntus_samples_say_what_ubuntu_says(void **state)
{
    (void)state;
    struct compiled c;
    test_need_shared("feeds/samples/ubuntu-osv/USN-5614-1.json");
    compiled_init(&c);
    compiled_run(&c, "osv", test_shared_path("feeds/samples/ubuntu-osv"));
    struct affected unzip = compiled_find(&c, "Ubuntu:14.04:LTS", "unzip", "UBUNTU-CVE-2014-9913");
    assert_true(str_has(unzip.note, STR("Ubuntu Pro (Infra-only)")));
    assert_int_equal(unzip.severity, SEVERITY_LOW);
    struct affected wayland = compiled_find(&c, "Ubuntu:20.04:LTS", "wayland", "USN-5614-1");
    assert_int_equal(wayland.severity, SEVERITY_MEDIUM);
    assert_str(wayland.note, "");
    struct advisory usn = compiled_record(&c, "USN-5614-1");
    assert_true(strs_hold(&usn.aliases, "CVE-2021-3782"));
    compiled_fini(&c);
}

static void test_osv__almalinux_names_modules_and_ratings(void **state)
{
    (void)state;
    struct compiled c;
    size_t n_modules = 0, n_rated = 0;
    test_need_shared("feeds/osv/AlmaLinux/all.zip");
    compiled_init(&c);
    compiled_run(&c, "osv", test_shared_path("feeds/osv/AlmaLinux"));
    affecteds list = compiled_list(&c, "AlmaLinux:8", "nodejs");
    for (size_t i = 0; i < list.len; i++) {
        n_modules += str_starts(list.ptr[i].module, STR("nodejs:"));
        n_rated += list.ptr[i].severity != SEVERITY_UNKNOWN;
    }
    assert_true(list.len > 20);
    assert_int_equal(n_modules, list.len);
    assert_true(n_rated > list.len / 2);
    compiled_fini(&c);
}

static void test_osv__go_names_what_is_vulnerable(void **state)
{
    (void)state;
    struct compiled c;
    test_need_shared("feeds/osv/Go/all.zip");
    compiled_init(&c);
    compiled_run(&c, "osv", test_shared_path("feeds/osv/Go"));
    struct affected gin = compiled_find(&c, "Go", "github.com/gin-gonic/gin", "GO-2020-0001");
    assert_true(strs_hold(&gin.symbols, "github.com/gin-gonic/gin.Default"));
    compiled_fini(&c);
}

/* --- the bucket
 * -------------------------------------------------------------------------------------------- */

static void serve_cran(struct http_request *req, struct http_response *res)
{
    const str *zip = req->user;
    bool is_it = str_eq(req->path, STR("/CRAN/all.zip"));
    res->status = is_it ? 200 : 404;
    if (is_it)
        sb_add(&res->body, *zip);
}

static void test_osv__a_zip_that_is_not_there_leaves_the_others(void **state)
{
    (void)state;
    struct compiled c;
    struct err err = {0};
    struct http_server *server;
    size_t n;
    test_need_shared("feeds/osv/CRAN/all.zip");
    compiled_init(&c);
    str zip = test_shared(&c.arena, "feeds/osv/CRAN/all.zip");
    struct http_server_spec spec = {
        .address = STR("127.0.0.1"), .handler = serve_cran, .user = &zip};
    assert_ok(http_server_open(&spec, &server, &err), err);
    compiled_run(&c, "osv",
                 arena_cstr(&c.arena, arena_printf(&c.arena, "http://127.0.0.1:%u",
                                                   http_server_port(server))));
    http_server_close(server, 1000);
    (void)osv_exports(&n);
    assert_int_equal(c.source->n_records, 14);
    assert_int_equal(c.source->notices.len, n - 1);
    assert_true(compiled_says(&c, "nothing there: "));
    assert_true(advisory_db_covers(c.db, STR("CRAN")));
    compiled_fini(&c);
}

static bool is_exported(struct arena *arena, str ecosystem)
{
    size_t n;
    const char *const *names = osv_exports(&n);
    str head, tail;
    (void)str_cut_byte(ecosystem, ':', &head, &tail);
    str escaped = http_url_escape(arena, head);
    for (size_t i = 0; i < n; i++) {
        if (str_eq(str_from(names[i]), escaped))
            return true;
    }
    return false;
}

/* What we know and osv.dev exports nothing of. */
static bool is_elsewhere(str ecosystem)
{
    static const char *const names[] = {
        "Amazon Linux", "Arch Linux", "Bioconductor",     "Bottlerocket",   "CentOS",
        "ConanCenter",  "Fedora",     "Gentoo",           "GitHub Actions", "OpenWrt",
        "Oracle Linux", "Photon OS",  "Scientific Linux", "VSCode"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (str_eq(ecosystem, str_from(names[i])))
            return true;
    }
    return false;
}

static void test_osv__every_ecosystem_of_ours_is_fetched(void **state)
{
    (void)state;
    struct arena arena;
    size_t n;
    arena_init(&arena, 1 << 20);
    const struct distro_row *distros = distro_rows(&n);
    for (size_t i = 0; i < n; i++) {
        str name = str_from(distros[i].ecosystem);
        if (is_exported(&arena, name) == is_elsewhere(name))
            fail_msg("is %s fetched or not?", distros[i].ecosystem);
    }
    const struct ecosystem_row *rows = ecosystem_rows(&n);
    for (size_t i = 0; i < n; i++) {
        str name = str_from(rows[i].ecosystem);
        if (is_exported(&arena, name) == is_elsewhere(name))
            fail_msg("is %s fetched or not?", rows[i].ecosystem);
    }
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_osv__a_broken_record_is_a_notice_and_the_rest_goes_in),
        cmocka_unit_test(test_osv__a_place_without_records_is_an_error),
        cmocka_unit_test(test_osv__bulk_zips_hold_what_their_publishers_count),
        cmocka_unit_test(test_osv__debian_by_changelog_covers_its_two_releases),
        cmocka_unit_test(test_osv__published_samples_are_read_whole),
        cmocka_unit_test(test_osv__ubuntus_samples_say_what_ubuntu_says),
        cmocka_unit_test(test_osv__almalinux_names_modules_and_ratings),
        cmocka_unit_test(test_osv__go_names_what_is_vulnerable),
        cmocka_unit_test(test_osv__a_zip_that_is_not_there_leaves_the_others),
        cmocka_unit_test(test_osv__every_ecosystem_of_ours_is_fetched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
