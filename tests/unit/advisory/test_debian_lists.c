/* SPDX-License-Identifier: Apache-2.0 */
#include "compiled.h"

#include "advisory/internal.h"

static void compile_lists(struct compiled *c)
{
    compiled_init(c);
    compiled_copy(c, "advisory/debian-list.txt", "DSA/list");
    compiled_put(c, "CVE/list", STR("CVE-2099-0001 (of another form)\n\t- demo 1\n"));
    compiled_run(c, "debian-lists", NULL);
}

static void test_debian_lists__a_line_is_a_release_a_package_and_a_fix(void **state)
{
    (void)state;
    struct compiled c;
    compile_lists(&c);
    assert_int_equal(c.source->n_records, 4);
    assert_str(compiled_ranges(&c, "Debian:12", "demo", "DSA-9003-1"), ">=0 <1.2-3+deb12u1");
    assert_int_equal(compiled_find(&c, "Debian:12", "demo", "DSA-9003-1").state, FIX_FIXED);
    assert_str(compiled_ranges(&c, "Debian:11", "other", "DSA-9003-1"), ">=0 <2:0.9-1~deb11u2");
    struct affected denied = compiled_find(&c, "Debian:11", "demo", "DSA-9003-1");
    assert_int_equal(denied.state, FIX_NOT_AFFECTED);
    assert_int_equal(denied.ranges.len, 0);
    assert_str(denied.note, "not-affected: vulnerable code not present");
    struct advisory advisory = compiled_record(&c, "DSA-9003-1");
    assert_str(advisory.title, "DSA-9003-1 demo - security update");
    assert_str(advisory.published, "2099-11-10T00:00:00Z");
    assert_int_equal(advisory.aliases.len, 2);
    assert_true(strs_hold(&advisory.aliases, "CVE-2099-0002"));
    assert_true(advisory_db_covers(c.db, STR("Debian:12")));
    assert_true(advisory_db_covers(c.db, STR("Debian:11")));
    assert_false(advisory_db_covers(c.db, STR("Debian:13")));
    compiled_fini(&c);
}

static void test_debian_lists__a_regression_without_cve_is_no_vulnerability(void **state)
{
    (void)state;
    struct compiled c;
    compile_lists(&c);
    assert_false(compiled_has(&c, "Debian:12", "demo", "DSA-9001-2"));
    assert_str(compiled_record(&c, "DSA-9001-2").title, "DSA-9001-2 demo - regression update");
    assert_str(compiled_ranges(&c, "Debian:12", "nameless", "DSA-9002-1"), ">=0 <4-1");
    compiled_fini(&c);
}

static void test_debian_lists__words_are_states(void **state)
{
    (void)state;
    struct compiled c;
    static const struct {
        const char *package;
        enum fix_state state;
        const char *note;
    } rows[] = {
        {"unfixed", FIX_AFFECTED, "unfixed"},
        {"ended", FIX_END_OF_LIFE, "end-of-life: see the notes"},
        {"ignored", FIX_WILL_NOT_FIX, "ignored: Minor issue"},
        {"later", FIX_DEFERRED, "postponed"},
        {"strange", FIX_UNKNOWN, "perhaps"},
    };
    compile_lists(&c);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct affected found = compiled_find(&c, "Debian:12", rows[i].package, "DLA-9001-1");
        assert_int_equal(found.state, rows[i].state);
        assert_str(found.note, rows[i].note);
        assert_int_equal(found.ranges.len, 1); /* every version */
    }
    assert_int_equal(compiled_record(&c, "DLA-9001-1").aliases.len, 2);
    assert_true(compiled_says(&c, "<perhaps> is taken as unknown"));
    assert_true(compiled_says(&c, "nowhere is not known"));
    assert_true(compiled_says(&c, "line 22: not understood: what is this"));
    assert_true(compiled_says(&c, "line 23: no package and version"));
    assert_int_equal(c.source->notices.len, 4);
    compiled_fini(&c);
}

/* Counts of ../shared/feeds/FEEDS.json. */
static void test_debian_lists__the_published_lists_are_read_whole(void **state)
{
    (void)state;
    struct compiled c;
    test_need_shared("feeds/debian/data/DSA/list");
    compiled_init(&c);
    compiled_run(&c, "debian-lists", test_shared_path("feeds/debian/data"));
    assert_int_equal(c.source->n_records, 5406 + 3534);
    assert_int_equal(c.source->notices.len, 0);
    assert_str(compiled_ranges(&c, "Debian:11", "curl", "DSA-5365-1"), ">=0 <7.74.0-1.3+deb11u7");
    assert_int_equal(compiled_record(&c, "DSA-5372-1").aliases.len, 10);
    compiled_fini(&c);
    compiled_init(&c);
    compiled_run(&c, "debian-lists", test_shared_path("feeds/debian/data/DLA/list"));
    assert_int_equal(c.source->n_records, 3534);
    compiled_fini(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_debian_lists__a_line_is_a_release_a_package_and_a_fix),
        cmocka_unit_test(test_debian_lists__a_regression_without_cve_is_no_vulnerability),
        cmocka_unit_test(test_debian_lists__words_are_states),
        cmocka_unit_test(test_debian_lists__the_published_lists_are_read_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
