/* SPDX-License-Identifier: Apache-2.0 */
#include "sample.h"

static void test_sarif__golden(void **state)
{
    const struct report *report = sample_full(*state);
    const struct report_options options = {0};
    sample_golden_json(*state, "report/sarif.json", "sarif", &report, 1, &options);
}

static void test_sarif__same_input_same_bytes(void **state)
{
    const struct report_options options = {0};
    const struct report *first = sample_full(*state), *second = sample_full(*state);
    str a = sample_write(*state, "sarif", &first, 1, &options);
    str b = sample_write(*state, "sarif", &second, 1, &options);
    assert_true(str_eq(a, b));
}

static void test_sarif__each_platform_is_a_run(void **state)
{
    const struct report *reports[] = {sample_healthy(*state), sample_failed(*state)};
    const struct report_options options = {0};
    json_t *root = sample_json(*state, "sarif", reports, 2, &options);
    assert_int_equal(json_array_size(sample_at(root, "runs")), 2);
    assert_true(json_is_true(sample_at(root, "runs.0.invocations.0.executionSuccessful")));
    assert_true(json_is_false(sample_at(root, "runs.1.invocations.0.executionSuccessful")));
    const json_t *said = sample_at(root, "runs.1.invocations.0.toolExecutionNotifications");
    assert_string_equal(sample_text_at(said, "0.level"), "error");
    assert_non_null(strstr(sample_text_at(said, "0.message.text"), "incomplete: Failed"));
    assert_string_equal(sample_text_at(said, "1.descriptor.id"), "unreadable");
    json_decref(root);
}

static void test_sarif__results_point_at_their_rules(void **state)
{
    const struct report *report = sample_full(*state);
    const struct report_options options = {0};
    json_t *root = sample_json(*state, "sarif", &report, 1, &options);
    const json_t *rules = sample_at(root, "runs.0.tool.driver.rules"), *result;
    size_t i;
    json_array_foreach(sample_at(root, "runs.0.results"), i, result)
    {
        size_t rule = (size_t)json_integer_value(json_object_get(result, "ruleIndex"));
        assert_string_equal(sample_text_at(json_array_get(rules, rule), "id"),
                            sample_text_at(result, "ruleId"));
    }
    assert_int_equal(i, report->findings.len);
    json_decref(root);
}

/* Nobody rated it: no score, and no level of its own making. */
static void test_sarif__unknown_has_no_score(void **state)
{
    const struct report *report = sample_full(*state);
    const struct report_options options = {0};
    json_t *root = sample_json(*state, "sarif", &report, 1, &options);
    const json_t *rule = sample_find(sample_at(root, "runs.0.tool.driver.rules"), "id",
                                     "DEBIAN-UPDATE-curl-7.88.1-10+deb12u8");
    assert_null(json_object_get(sample_at(rule, "properties"), "security-severity"));
    assert_string_equal(sample_text_at(rule, "properties.severity"), "unknown");
    json_decref(root);
}

static void test_sarif__what_a_rule_disables_is_suppressed(void **state)
{
    const struct report *report = sample_full(*state);
    const struct report_options options = {0};
    json_t *root = sample_json(*state, "sarif", &report, 1, &options);
    const json_t *results = sample_at(root, "runs.0.results");
    const json_t *by_rule = sample_find(results, "ruleId", "CVE-2026-2");
    assert_string_equal(sample_text_at(by_rule, "suppressions.0.kind"), "external");
    assert_string_equal(sample_text_at(by_rule, "suppressions.0.justification"),
                        "rule: accepted until spring");
    const json_t *by_vex = sample_find(results, "ruleId", "CVE-2024-45491");
    assert_string_equal(sample_text_at(by_vex, "suppressions.0.justification"),
                        "vex:https://vendor.example/vex/1: fixed: in our build");
    const json_t *headers = sample_find(results, "ruleId", "CVE-2026-1");
    assert_string_equal(sample_text_at(headers, "kind"), "informational");
    json_decref(root);
}

/* A path, a version or another order changes no fingerprint. */
static void test_sarif__fingerprints_stay_when_paths_move(void **state)
{
    const struct report_options options = {0};
    struct report *before = sample_full(*state), *after = sample_full(*state);
    for (size_t i = 0; i < after->findings.len; i++) {
        after->findings.ptr[i].path = STR("/elsewhere");
        after->findings.ptr[i].package_version = STR("9");
    }
    const struct report *reports[] = {before, after};
    json_t *root = sample_json(*state, "sarif", reports, 2, &options);
    const json_t *a = sample_at(root, "runs.0.results"), *b = sample_at(root, "runs.1.results");
    for (size_t i = 0; i < json_array_size(a); i++)
        assert_true(json_equal(sample_at(json_array_get(a, i), "partialFingerprints"),
                               sample_at(json_array_get(b, i), "partialFingerprints")));
    json_decref(root);
}

static void test_sarif__filter_leaves_a_notification(void **state)
{
    const struct report *report = sample_full(*state);
    const struct report_options options = {.filter = {.severities = 1U << SEVERITY_CRITICAL}};
    json_t *root = sample_json(*state, "sarif", &report, 1, &options);
    const json_t *said = sample_at(root, "runs.0.invocations.0.toolExecutionNotifications");
    assert_non_null(strstr(sample_text_at(said, "0.message.text"), "hidden: 58"));
    assert_int_equal(json_array_size(sample_at(root, "runs.0.results")), 6);
    json_decref(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SAMPLE_TEST(test_sarif__golden),
        SAMPLE_TEST(test_sarif__same_input_same_bytes),
        SAMPLE_TEST(test_sarif__each_platform_is_a_run),
        SAMPLE_TEST(test_sarif__results_point_at_their_rules),
        SAMPLE_TEST(test_sarif__unknown_has_no_score),
        SAMPLE_TEST(test_sarif__what_a_rule_disables_is_suppressed),
        SAMPLE_TEST(test_sarif__fingerprints_stay_when_paths_move),
        SAMPLE_TEST(test_sarif__filter_leaves_a_notification),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
