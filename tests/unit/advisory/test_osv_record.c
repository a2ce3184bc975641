/* SPDX-License-Identifier: Apache-2.0 */
#include "../support.h"

#include "advisory/internal.h"

static struct record parse(struct arena *arena, str text)
{
    struct record record;
    struct err err = {0};
    assert_ok(osv_record_parse(text, arena, &record, &err), err);
    return record;
}

static void test_osv_record__every_field_is_kept(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct record record = parse(&arena, test_data(&arena, "advisory/record.json"));
    const struct advisory *advisory = &record.advisory;
    assert_str(advisory->id, "DEBIAN-CVE-2021-1000");
    assert_str(advisory->title, "short");
    assert_str(advisory->description, "long");
    assert_str(advisory->revision, "2024-02-03T00:00:00Z");
    assert_int_equal(advisory->aliases.len, 2);
    assert_str(advisory->aliases.ptr[1], "CVE-2021-1000"); /* its own name for the upstream one */
    assert_int_equal(advisory->related.len, 2);
    assert_str(advisory->related.ptr[1], "CVE-2021-77");
    assert_int_equal(advisory->cvss.len, 1);
    assert_str(advisory->cvss.ptr[0].version, "3.1");
    assert_true(advisory->cvss.ptr[0].is_scored && advisory->cvss.ptr[0].score > 9.7);
    assert_int_equal(advisory->ratings.len, 1);
    assert_int_equal(advisory->ratings.ptr[0].severity, SEVERITY_MEDIUM);
    assert_int_equal(advisory->references.len, 1);
    assert_int_equal(record.entries.len, 3); /* the commit range speaks of no package */
    arena_fini(&arena);
}

static void test_osv_record__events_are_walked_in_version_order(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct record record = parse(&arena, test_data(&arena, "advisory/record.json"));
    const struct affected *debian = &record.entries.ptr[0].affected;
    assert_int_equal(debian->ranges.len, 2);
    assert_str(debian->ranges.ptr[0].introduced, "0");
    assert_str(debian->ranges.ptr[0].fixed, "1:1.0-1");
    assert_str(debian->ranges.ptr[1].introduced, "2:0");
    assert_str(debian->ranges.ptr[1].fixed, "2:1");
    assert_int_equal(debian->state, FIX_FIXED);
    assert_int_equal(debian->severity, SEVERITY_LOW);
    const struct affected *pypi = &record.entries.ptr[1].affected;
    assert_int_equal(pypi->ranges.len, 2);
    assert_str(pypi->ranges.ptr[0].last_affected, "1.1");
    assert_str(pypi->ranges.ptr[1].introduced, "3");
    assert_str(pypi->ranges.ptr[1].fixed, "");
    assert_int_equal(pypi->versions.len, 2);
    assert_int_equal(pypi->state, FIX_AFFECTED);
    const struct affected *odd = &record.entries.ptr[2].affected;
    assert_str(odd->ranges.ptr[0].fixed, "2.0"); /* a limit ends the range … */
    assert_int_equal(odd->state, FIX_AFFECTED);  /* … and fixes nothing */
    arena_fini(&arena);
}

/* Title, fixed version | module */
static void test_osv_record__a_module_is_read_from_the_title(void **state)
{
    (void)state;
    static const char *const rows[][3] = {
        {"Important: nodejs:18 security update", "1:18.9-1.module_el8.9.0+3765+a", "nodejs:18"},
        {"ALSA-2022:5468: php:8.0 security update (Important)", "8.0-1.module_el8.6.0+1+a",
         "php:8.0"},
        {"Moderate: httpd:2.4/mod_http2 security update", "2-1.module+el8.9.0+1+a", "httpd:2.4"},
        {"Moderate: go-toolset security update", "1-1.module_el8.9.0+3765+a", ""},
        {"Moderate: unbound:1.16.2 security update", "1.16.2-6.el9", ""}, /* no module's build */
    };
    struct arena arena;
    arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct record record =
            parse(&arena, arena_printf(&arena,
                                       "{\"id\":\"ALSA-1\",\"summary\":\"%s\",\"affected\":[{"
                                       "\"package\":{\"ecosystem\":\"AlmaLinux:8\",\"name\":\"a\"},"
                                       "\"ranges\":[{\"type\":\"ECOSYSTEM\",\"events\":[{"
                                       "\"introduced\":\"0\"},{\"fixed\":\"%s\"}]}]}]}",
                                       rows[i][0], rows[i][1]));
        assert_str(record.entries.ptr[0].affected.module, rows[i][2]);
    }
    arena_fini(&arena);
}

static void test_osv_record__broken_ones_are_refused(void **state)
{
    (void)state;
    static const char *const broken[] = {
        "",
        "[]",
        "{",
        "{\"id\": 7}",
        "{\"id\": \"\"}",
        "{\"id\": \"a\", \"affected\": {}}",
        "{\"id\": \"a\", \"affected\": [{\"package\": {\"name\": \"x\"}}]}",
        "{\"id\": \"a\", \"affected\": [{\"package\": {\"name\": \"x\", \"ecosystem\": \"npm\"}, "
        "\"ranges\": [{\"type\": \"WEIRD\", \"events\": []}]}]}",
        "{\"id\": \"a\", \"affected\": [{\"package\": {\"name\": \"x\", \"ecosystem\": \"npm\"}, "
        "\"ranges\": [{\"type\": \"SEMVER\", \"events\": []}]}]}",
        "{\"id\": \"a\", \"affected\": [{\"package\": {\"name\": \"x\", \"ecosystem\": \"npm\"}, "
        "\"ranges\": [{\"type\": \"SEMVER\", \"events\": [{\"fixed\": 1}]}]}]}",
        "{\"id\": \"a\", \"affected\": [{\"package\": {\"name\": \"x\", \"ecosystem\": \"npm\"}, "
        "\"ranges\": [{\"type\": \"SEMVER\", \"events\": [{\"repaired\": \"1\"}]}]}]}",
    };
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        struct arena arena;
        struct record record;
        struct err err = {0};
        arena_init(&arena, 1 << 20);
        if (osv_record_parse(str_from(broken[i]), &arena, &record, &err))
            fail_msg("taken: %s", broken[i]);
        assert_int_equal(err.kind, ERR_FORMAT);
        arena_fini(&arena);
    }
}

static void test_osv_record__an_end_without_a_beginning_holds_from_the_first_version(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct record record =
        parse(&arena,
              STR("{\"id\": \"a\", \"affected\": [{\"package\": {\"name\": \"x\", \"ecosystem\": "
                  "\"Odd\"},"
                  "\"ranges\": [{\"type\": \"ECOSYSTEM\", \"events\": [{\"fixed\": \"2\"}]}]}]}"));
    assert_int_equal(record.entries.ptr[0].affected.ranges.len, 1);
    assert_str(record.entries.ptr[0].affected.ranges.ptr[0].introduced, "0");
    assert_str(record.entries.ptr[0].affected.ranges.ptr[0].fixed, "2");
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_osv_record__every_field_is_kept),
        cmocka_unit_test(test_osv_record__events_are_walked_in_version_order),
        cmocka_unit_test(test_osv_record__a_module_is_read_from_the_title),
        cmocka_unit_test(test_osv_record__broken_ones_are_refused),
        cmocka_unit_test(test_osv_record__an_end_without_a_beginning_holds_from_the_first_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
