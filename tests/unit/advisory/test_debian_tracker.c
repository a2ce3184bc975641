/* SPDX-License-Identifier: Apache-2.0 */
#include "compiled.h"

#include "advisory/internal.h"

static void compile_tracker(struct compiled *c)
{
    compiled_init(c);
    compiled_copy(c, "advisory/tracker.json", "json");
    compiled_run(c, "debian-tracker", NULL);
}

static void test_debian_tracker__what_a_release_says(void **state)
{
    (void)state;
    struct compiled c;
    static const struct {
        const char *ecosystem, *record;
        enum fix_state state;
        enum severity severity;
        const char *ranges, *note;
    } rows[] = {
        {"Debian:12", "CVE-2099-0001", FIX_FIXED, SEVERITY_HIGH, ">=0 <1.2-3", ""},
        {"Debian:11", "CVE-2099-0001", FIX_NOT_AFFECTED, SEVERITY_LOW, "", "unimportant"},
        {"Debian:13", "CVE-2099-0001", FIX_AFFECTED, SEVERITY_UNKNOWN, ">=0", ""},
        {"Debian:12", "CVE-2099-0002", FIX_AFFECTED, SEVERITY_LOW, ">=0", "no-dsa: Minor issue"},
        {"Debian:11", "CVE-2099-0002", FIX_END_OF_LIFE, SEVERITY_UNKNOWN, ">=0", "end-of-life"},
        {"Debian:13", "CVE-2099-0002", FIX_UNKNOWN, SEVERITY_UNKNOWN, ">=0", "undetermined"},
        {"Debian:14", "CVE-2099-0002", FIX_AFFECTED, SEVERITY_LOW, ">=0", "unimportant"},
        {"Debian:12", "CVE-2099-0003", FIX_WILL_NOT_FIX, SEVERITY_MEDIUM, ">=0",
         "ignored: Too intrusive to backport"},
        {"Debian:11", "CVE-2099-0003", FIX_DEFERRED, SEVERITY_MEDIUM, ">=0",
         "postponed: Revisit when fixed upstream"},
        {"Debian:13", "CVE-2099-0003", FIX_UNKNOWN, SEVERITY_MEDIUM, ">=0", "resolved"},
    };
    compile_tracker(&c);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct affected found = compiled_find(&c, rows[i].ecosystem, "demo", rows[i].record);
        assert_int_equal(found.state, rows[i].state);
        assert_int_equal(found.severity, rows[i].severity);
        assert_str(found.note, rows[i].note);
        assert_str(compiled_ranges(&c, rows[i].ecosystem, "demo", rows[i].record), rows[i].ranges);
    }
    compiled_fini(&c);
}

static void test_debian_tracker__a_cve_of_two_packages_is_one_record(void **state)
{
    (void)state;
    struct compiled c;
    compile_tracker(&c);
    assert_int_equal(c.source->n_records, 5);
    assert_true(compiled_has(&c, "Debian:12", "copy", "CVE-2099-0001"));
    struct advisory advisory = compiled_record(&c, "CVE-2099-0001");
    assert_str(advisory.description, "A \"quoted\" {brace} [bracket] , comma.");
    assert_str(advisory.references.ptr ? advisory.references.ptr[0] : STR_NONE,
               "https://bugs.debian.org/123456");
    compiled_fini(&c);
}

static void test_debian_tracker__what_is_not_understood_is_said(void **state)
{
    (void)state;
    struct compiled c;
    compile_tracker(&c);
    assert_true(compiled_says(&c, "broken: not read: not a map"));
    assert_true(compiled_says(&c, "a release called future is not known"));
    assert_true(compiled_says(&c, "status \"resolved\" without a version is taken as unknown"));
    assert_int_equal(c.source->notices.len, 3);
    assert_true(advisory_db_covers(c.db, STR("Debian:14")));
    assert_false(advisory_db_covers(c.db, STR("Debian:10")));
    compiled_fini(&c);
}

static void test_debian_tracker__a_document_that_is_cut_off_fails_the_source(void **state)
{
    (void)state;
    struct compiled c;
    struct err err = {0};
    struct update_result result;
    compiled_init(&c);
    str whole = test_data(&c.arena, "advisory/tracker.json");
    compiled_put(&c, "json", str_slice(whole, 0, whole.len - 20));
    struct feed_choice choice = {STR("debian-tracker"), str_from(compiled_path(&c, "feed"))};
    struct update_spec spec = {.dir = compiled_path(&c, "db"), .feeds = &choice, .n_feeds = 1};
    assert_false(advisory_update(&spec, &result, &err));
    assert_int_equal(err.kind, ERR_FORMAT);
    test_rmdir(c.dir);
    arena_fini(&c.arena);
}

/* The members of an object as they stand, "name=value" each, joined by '|'; "!" behind an error. */
static str members_of(struct arena *arena, const char *text)
{
    struct json_members members;
    struct err err = {0};
    str name, value, out = STR("");
    enum next next;
    json_members_init(&members, str_from(text));
    while ((next = json_members_next(&members, &name, &value, &err)) == NEXT_ITEM)
        out = arena_printf(arena, STR_FMT STR_FMT "=" STR_FMT "|", STR_ARG(out), STR_ARG(name),
                           STR_ARG(value));
    return next == NEXT_END ? out : arena_printf(arena, STR_FMT "!", STR_ARG(out));
}

static void test_json_members__ends_where_a_value_ends(void **state)
{
    (void)state;
    static const struct {
        const char *text, *members;
    } rows[] = {
        {"{}", ""},
        {" { } ", ""},
        {"{\"a\":1}", "\"a\"=1|"},
        {"{\"a\" : {\"b\":[1,{\"}\":2}]} , \"c\":\"]\\\"}\"}",
         "\"a\"={\"b\":[1,{\"}\":2}]}|\"c\"=\"]\\\"}\"|"},
        {"\xef\xbb\xbf{\"a\":[]}", "\"a\"=[]|"},
        {"", "!"},
        {"[1]", "!"},
        {"{\"a\":1", "!"},
        {"{\"a\"", "!"},
        {"{\"a\":\"x", "!"},
        {"{\"a\":1]", "\"a\"=1|!"},
        {"{\"a\":1} x", "\"a\"=1|!"},
        {"{a:1}", "!"},
    };
    struct arena arena;
    arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_str(members_of(&arena, rows[i].text), rows[i].members);
    arena_fini(&arena);
}

static void test_debian_tracker__the_published_excerpt_is_read(void **state)
{
    (void)state;
    struct compiled c;
    test_need_shared("feeds/samples/debian-tracker/debian-excerpt.json");
    compiled_init(&c);
    compiled_run(&c, "debian-tracker", test_shared_path("feeds/samples/debian-tracker"));
    assert_int_equal(c.source->notices.len, 0);
    assert_str(compiled_ranges(&c, "Debian:12", "chromium", "CVE-2022-0456"),
               ">=0 <98.0.4758.80-1");
    assert_int_equal(compiled_find(&c, "Debian:10", "chromium", "CVE-2022-0456").state,
                     FIX_END_OF_LIFE);
    assert_int_equal(compiled_find(&c, "Debian:9", "prototypejs", "CVE-2007-2383").state,
                     FIX_NOT_AFFECTED);
    assert_int_equal(compiled_find(&c, "Debian:9", "prototypejs", "CVE-2008-7220").severity,
                     SEVERITY_HIGH);
    compiled_fini(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_debian_tracker__what_a_release_says),
        cmocka_unit_test(test_debian_tracker__a_cve_of_two_packages_is_one_record),
        cmocka_unit_test(test_debian_tracker__what_is_not_understood_is_said),
        cmocka_unit_test(test_debian_tracker__a_document_that_is_cut_off_fails_the_source),
        cmocka_unit_test(test_json_members__ends_where_a_value_ends),
        cmocka_unit_test(test_debian_tracker__the_published_excerpt_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
