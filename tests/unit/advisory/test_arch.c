/* SPDX-License-Identifier: Apache-2.0 */
#include "compiled.h"

static void test_arch__a_group_says_by_its_status(void **state)
{
    (void)state;
    struct compiled c;
    static const struct {
        const char *package, *record;
        enum fix_state state;
        enum severity severity;
        const char *ranges, *note;
    } rows[] = {
        {"demo", "AVG-1", FIX_FIXED, SEVERITY_HIGH, ">=0 <1.0-2", ""},
        {"lib32-demo", "AVG-1", FIX_FIXED, SEVERITY_HIGH, ">=0 <1.0-2", ""},
        {"open", "AVG-2", FIX_AFFECTED, SEVERITY_CRITICAL, ">=0", ""},
        {"unsure", "AVG-3", FIX_UNKNOWN, SEVERITY_UNKNOWN, ">=0", "Unknown"},
        {"spared", "AVG-4", FIX_NOT_AFFECTED, SEVERITY_LOW, "", ""},
        {"soon", "AVG-5", FIX_FIXED, SEVERITY_MEDIUM, ">=0 <2.0-3", "Testing"},
    };
    compiled_init(&c);
    compiled_copy(&c, "advisory/arch.json", "all.json");
    compiled_run(&c, "arch", NULL);
    assert_int_equal(c.source->n_records, 5);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct affected found = compiled_find(&c, "Arch Linux", rows[i].package, rows[i].record);
        assert_int_equal(found.state, rows[i].state);
        assert_int_equal(found.severity, rows[i].severity);
        assert_str(found.note, rows[i].note);
        assert_str(compiled_ranges(&c, "Arch Linux", rows[i].package, rows[i].record),
                   rows[i].ranges);
    }
    struct advisory advisory = compiled_record(&c, "AVG-1");
    assert_true(strs_hold(&advisory.aliases, "CVE-2099-0001") &&
                strs_hold(&advisory.aliases, "CVE-2099-0002"));
    assert_str(advisory.title, "arbitrary code execution");
    assert_true(advisory_db_covers(c.db, STR("Arch Linux")));
    compiled_fini(&c);
}

static void test_arch__a_broken_group_is_a_notice(void **state)
{
    (void)state;
    struct compiled c;
    compiled_init(&c);
    compiled_copy(&c, "advisory/arch.json", "all.json");
    compiled_run(&c, "arch", NULL);
    assert_true(compiled_says(&c, "AVG-6: not read: no list of packages"));
    assert_true(compiled_says(&c, "all.json: not read: a group without a name"));
    assert_int_equal(c.source->notices.len, 3);
    compiled_fini(&c);
}

static void test_arch__the_published_samples_are_read_whole(void **state)
{
    (void)state;
    struct compiled c;
    test_need_shared("feeds/samples/arch/all.json");
    compiled_init(&c);
    compiled_run(&c, "arch", test_shared_path("feeds/samples/arch"));
    assert_int_equal(c.source->n_records, 5 + 3);
    assert_int_equal(c.source->notices.len, 0);
    assert_str(compiled_ranges(&c, "Arch Linux", "lib32-glibc", "AVG-1324"), ">=0 <2.38-2");
    assert_int_equal(compiled_find(&c, "Arch Linux", "zsh", "AVG-652").state, FIX_UNKNOWN);
    assert_int_equal(compiled_record(&c, "AVG-367").aliases.len, 4);
    compiled_fini(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arch__a_group_says_by_its_status),
        cmocka_unit_test(test_arch__a_broken_group_is_a_notice),
        cmocka_unit_test(test_arch__the_published_samples_are_read_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
