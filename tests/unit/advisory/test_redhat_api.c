/* SPDX-License-Identifier: Apache-2.0 */
#include "feeds.h"

static void test_redhat_api__releases_and_states(void **state)
{
    (void)state;
    struct fed fed;
    affecteds list;
    fed_open(&fed, "redhat-api", test_data_path("advisory/redhat-api.json"));
    assert_int_equal(fed.source->n_records, 1);
    assert_int_equal(fed.source->notices.len, 0);
    const struct affected *demo =
        fed_statement(&fed, "Red Hat:enterprise_linux:9", "demo", "CVE-2024-10001");
    assert_str(demo->ranges.ptr[0].fixed, "1.0-3.el9"); /* each erratum asks for its own */
    assert_int_equal(demo->severity, SEVERITY_MEDIUM);
    const struct affected *ruby =
        fed_statement(&fed, "Red Hat:enterprise_linux:8", "ruby", "CVE-2024-10001");
    assert_str(ruby->module, "ruby:2.5");
    assert_int_equal(ruby->state, FIX_FIXED);
    assert_int_equal(ruby->ranges.len, 0); /* it does not say which version of the package */
    assert_int_equal(fed_find(&fed, "Red Hat:enterprise_linux:8", "demo", &list), 2);
    for (size_t i = 0; i < list.len; i++)
        assert_int_equal(list.ptr[i].state,
                         list.ptr[i].module.len ? FIX_DEFERRED : FIX_NOT_AFFECTED);
    assert_int_equal(
        fed_statement(&fed, "Red Hat:enterprise_linux:7", "demo", "CVE-2024-10001")->state,
        FIX_END_OF_LIFE);
    struct advisory a = fed_record(&fed, "CVE-2024-10001");
    assert_str(a.title, "demo: a flaw");
    assert_str(a.description, "Red Hat's words");
    assert_int_equal(a.references.len, 2);
    assert_int_equal(a.related.len, 3);
    fed_close(&fed);
}

/* Six documents of one CVE each. */
static void test_redhat_api__published_documents(void **state)
{
    (void)state;
    struct fed fed;
    test_need_shared("feeds/samples/redhat-api/CVE-2023-4863.json");
    fed_open(&fed, "redhat-api", test_shared_path("feeds/samples/redhat-api"));
    assert_int_equal(fed.source->n_records, 6);
    assert_int_equal(fed.source->notices.len, 0);
    assert_str(fed_statement(&fed, "Red Hat:enterprise_linux:8", "libwebp", "CVE-2023-4863")
                   ->ranges.ptr[0]
                   .fixed,
               "1.0.0-8.el8_8.1");
    fed_close(&fed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_redhat_api__releases_and_states),
        cmocka_unit_test(test_redhat_api__published_documents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
