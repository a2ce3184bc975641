/* SPDX-License-Identifier: Apache-2.0 */
#include "run.h"

#include "base/num.h"
#include "syntax/syntax.h"

enum { NOW = 1795506277 }; /* 2026-11-24T07:44:37Z */

static void make_sources(struct arena *arena, struct source_state out[3])
{
    out[0] = (struct source_state){.name = STR("debian-archive"),
                                   .url = STR("http://mirror.example/debian"),
                                   .fetched_at = NOW - 7300,
                                   .valid_until = NOW - 60,
                                   .n_records = 412,
                                   .digest = STR("sha256:0123456789abcdef0123456789abcdef"),
                                   .licence = STR("DFSG")};
    out[1] = (struct source_state){.name = STR("evil\033[2J\xe2\x80\xae"),
                                   .error = STR("mirror.example: refused\033[31m")};
    out[2] = (struct source_state){.name = STR("osv"),
                                   .fetched_at = NOW - 3 * 86400,
                                   .valid_until = NOW + 60,
                                   .n_records = 512345,
                                   .digest = STR("sha256:ff"),
                                   .licence = STR("CC-BY-4.0")};
    assert_true(notice_add(arena, &out[2].notices, NOTICE_ADVISORY, false, STR("Debian/all.zip"),
                           STR("2 records without a package")));
}

static void test_db__status_table(void **state)
{
    struct arena arena;
    struct source_state sources[3];
    struct sb out;
    (void)state;
    arena_init(&arena, 1 << 20);
    sb_init(&out, 1 << 20);
    make_sources(&arena, sources);
    db_status_table(&out, 42, sources, 3, NOW);
    assert_str(
        sb_str(&out),
        "generation 42, 3 sources\n\n"
        "SOURCE                FETCHED               AGE      RECORDS    DIGEST               "
        "LICENCE           STATE\n"
        "debian-archive        2026-11-24T05:42:57Z  2 h      412        sha256:0123456789a…  "
        "DFSG              stale: valid until 2026-11-24T07:43:37Z\n"
        "evil\\x1b[2J\\u202e     never                 -        0          -                    "
        "-                 error: mirror.example: refused\\x1b[31m\n"
        "osv                   2026-11-21T07:44:37Z  3 d      512345     sha256:ff            "
        "CC-BY-4.0         ok\n"
        "    advisory: Debian/all.zip: 2 records without a package\n");
    sb_fini(&out);
    arena_fini(&arena);
}

static void test_db__status_json(void **state)
{
    struct arena arena;
    struct source_state sources[3];
    struct sb out;
    struct err err = {0};
    json_t *root = NULL;
    (void)state;
    arena_init(&arena, 1 << 20);
    sb_init(&out, 1 << 20);
    make_sources(&arena, sources);
    db_status_json(&out, 42, sources, 3, NOW);
    assert_ok(json_read(sb_str(&out), &root, &err), err);
    const json_t *first = json_array_get(json_object_get(root, "sources"), 0);
    assert_int_equal(json_integer_value(json_object_get(root, "generation")), 42);
    assert_true(json_is_true(json_object_get(first, "stale")));
    assert_string_equal(json_string_value(json_object_get(first, "fetchedAt")),
                        "2026-11-24T05:42:57Z");
    assert_true(json_is_null(json_object_get(first, "error")));
    json_decref(root);
    sb_fini(&out);
    arena_fini(&arena);
}

static void test_db__status_without_database(void **state)
{
    struct arena arena;
    (void)state;
    arena_init(&arena, 1 << 20);
    const char *dir = test_mkdir(&arena);
    struct run run = RUN(&arena, "db", "status", "--db", dir);
    assert_int_equal(run.code, EXIT_INCOMPLETE);
    assert_str(run.out, "");
    assert_true(str_has(run.errors, STR("plimsoll db update")));
    test_rmdir(dir);
    arena_fini(&arena);
}

static void add_package(struct arena *arena, struct report *report, const char *source,
                        const char *version, bool is_os)
{
    *(struct package *)vec_push(arena, &report->packages) =
        (struct package){.name = STR("x"),
                         .source_name = str_from(source),
                         .source_version = str_from(version),
                         .is_os = is_os};
}

static void test_db__wanted_are_distinct_sources_of_the_distribution(void **state)
{
    struct arena arena;
    wanted_packages wanted = {0};
    (void)state;
    arena_init(&arena, 1 << 20);
    struct report report = {.distro = {.id = STR("debian"), .version_id = STR("12")}};
    add_package(&arena, &report, "openssl", "3.0.11-1", true); /* libssl3 */
    add_package(&arena, &report, "openssl", "3.0.11-1", true); /* openssl */
    add_package(&arena, &report, "openssl", "1.1.1-1", true);  /* two versions side by side */
    add_package(&arena, &report, "lodash", "4.17.20", false);
    add_package(&arena, &report, "curl", "7.88.1", true);
    assert_true(db_wanted_of(&arena, &report, &wanted));
    assert_int_equal(wanted.len, 3);
    assert_str(wanted.ptr[0].ecosystem, "Debian:12");
    assert_str(wanted.ptr[1].source_version, "1.1.1-1");
    assert_str(wanted.ptr[2].source_name, "curl");

    wanted = (wanted_packages){0};
    report.distro = (struct distro){.id = STR("nobody-knows")};
    assert_true(db_wanted_of(&arena, &report, &wanted));
    assert_int_equal(wanted.len, 0);
    arena_fini(&arena);
}

int main(void)
{
    setlocale(LC_CTYPE, "C.UTF-8");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_db__status_table),
        cmocka_unit_test(test_db__status_json),
        cmocka_unit_test(test_db__status_without_database),
        cmocka_unit_test(test_db__wanted_are_distinct_sources_of_the_distribution),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
