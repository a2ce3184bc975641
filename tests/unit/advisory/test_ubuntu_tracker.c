/* SPDX-License-Identifier: Apache-2.0 */
#include "feeds.h"

static const struct affected *on(struct fed *fed, const char *ecosystem, const char *package)
{
    return fed_statement(fed, ecosystem, package, "CVE-2024-10001");
}

static void test_ubuntu_tracker__states_of_every_release(void **state)
{
    (void)state;
    struct fed fed;
    struct arena arena;
    affecteds list;
    arena_init(&arena, 1 << 20);
    str text = test_data(&arena, "advisory/tracker.txt");
    fed_open_text(&fed, "ubuntu-tracker", "CVE-2024-10001", text.ptr);
    assert_int_equal(fed.source->n_records, 1);
    assert_str(on(&fed, "Ubuntu:22.04:LTS", "curl")->ranges.ptr[0].fixed, "7.81.0-1ubuntu1.15");
    assert_int_equal(on(&fed, "Ubuntu:22.04:LTS", "curl")->severity, SEVERITY_MEDIUM);
    assert_int_equal(on(&fed, "Ubuntu:14.04:LTS", "curl")->state, FIX_END_OF_LIFE);
    assert_int_equal(on(&fed, "Ubuntu:Pro:14.04:LTS", "curl")->state, FIX_AFFECTED);
    assert_str(on(&fed, "Ubuntu:Pro:16.04:LTS", "curl")->ranges.ptr[0].fixed,
               "7.47.0-1ubuntu2.19+esm9");
    assert_int_equal(on(&fed, "Ubuntu:20.04:LTS", "curl")->state, FIX_DEFERRED);
    assert_int_equal(on(&fed, "Ubuntu:24.04:LTS", "curl")->state, FIX_UNKNOWN);
    assert_str(on(&fed, "Ubuntu:24.04:LTS", "curl")->note, "needs-triage");
    assert_int_equal(fed_find(&fed, "Ubuntu:24.04:LTS", "curl-old", &list), 0);
    assert_int_equal(on(&fed, "Ubuntu:22.04:LTS", "curl-old")->state, FIX_NOT_AFFECTED);
    assert_str(on(&fed, "Ubuntu:22.04:LTS", "curl-old")->note, "code not present");
    assert_int_equal(on(&fed, "Ubuntu:20.04:LTS", "curl-old")->state, FIX_WILL_NOT_FIX);
    assert_int_equal(on(&fed, "Ubuntu:fips:22.04:LTS", "curl")->state, FIX_AFFECTED);
    struct advisory a = fed_record(&fed, "CVE-2024-10001");
    assert_str(a.description, "first line\nsecond line");
    assert_int_equal(a.references.len, 2);
    fed_close(&fed);
    arena_fini(&arena);
}

/* Three documents, as JSON. */
static void test_ubuntu_tracker__published_documents(void **state)
{
    (void)state;
    struct fed fed;
    test_need_shared("feeds/samples/ubuntu-cve-tracker/CVE-2012-5124.json");
    fed_open(&fed, "ubuntu-tracker", test_shared_path("feeds/samples/ubuntu-cve-tracker"));
    assert_int_equal(fed.source->n_records, 3);
    assert_int_equal(fed.source->notices.len, 0);
    assert_str(fed_statement(&fed, "Ubuntu:12.10", "chromium-browser", "CVE-2012-5124")
                   ->ranges.ptr[0]
                   .fixed,
               "3.0.1271.97-0ubuntu0.12.10.1");
    assert_int_equal(
        fed_statement(&fed, "Ubuntu:10.04:LTS", "chromium-browser", "CVE-2013-6627")->state,
        FIX_END_OF_LIFE);
    fed_close(&fed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ubuntu_tracker__states_of_every_release),
        cmocka_unit_test(test_ubuntu_tracker__published_documents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
