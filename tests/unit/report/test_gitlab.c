/* SPDX-License-Identifier: Apache-2.0 */
#include "sample.h"

static void test_gitlab__golden(void **state)
{
    const struct report *report = sample_full(*state);
    const struct report_options options = {0};
    sample_golden_json(*state, "report/gitlab.json", "gitlab", &report, 1, &options);
}

static void test_gitlab__same_input_same_bytes(void **state)
{
    const struct report_options options = {0};
    const struct report *first = sample_full(*state), *second = sample_full(*state);
    str a = sample_write(*state, "gitlab", &first, 1, &options);
    str b = sample_write(*state, "gitlab", &second, 1, &options);
    assert_true(str_eq(a, b));
}

static void test_gitlab__several_images_are_an_error(void **state)
{
    const struct report *reports[] = {sample_healthy(*state), sample_failed(*state)};
    const struct report_options options = {0};
    struct err err = {0};
    assert_false(report_format_find(STR("gitlab"))->write(-1, reports, 2, &options, &err));
    assert_int_equal(err.kind, ERR_USAGE);
    assert_non_null(strstr(err.msg, "--platform"));
}

static void test_gitlab__an_incomplete_scan_is_a_failure(void **state)
{
    const struct report *report = sample_failed(*state);
    const struct report_options options = {0};
    json_t *root = sample_json(*state, "gitlab", &report, 1, &options);
    assert_string_equal(sample_text_at(root, "scan.status"), "failure");
    assert_string_equal(sample_text_at(root, "scan.messages.0.level"), "fatal");
    json_decref(root);
}

static void test_gitlab__severities_are_those_of_gitlab(void **state)
{
    const struct report *report = sample_full(*state);
    const struct report_options options = {0};
    json_t *root = sample_json(*state, "gitlab", &report, 1, &options);
    const json_t *all = sample_at(root, "vulnerabilities");
    assert_string_equal(sample_text_at(all, "0.severity"), "Critical");
    const json_t *one = sample_find(all, "name", "DEBIAN-UPDATE-curl-7.88.1-10+deb12u8");
    assert_string_equal(sample_text_at(one, "severity"), "Unknown");
    json_decref(root);
}

/* What is not a vulnerability here is counted in the messages. */
static void test_gitlab__what_is_apart_is_counted(void **state)
{
    const struct report *report = sample_full(*state);
    const struct report_options options = {.filter = {.hides_unfixed = true}};
    str text = sample_write(*state, "gitlab", &report, 1, &options);
    assert_true(str_has(text, STR("not listed: 3 disabled by rules or VEX")));
    assert_true(str_has(text, STR("not listed: 1 of kernel headers")));
    assert_true(str_has(text, STR("hidden: 22 findings")));
}

/* 255, 7,000 and 1,048,576 characters are the schema's. */
static void test_gitlab__long_texts_are_cut(void **state)
{
    struct report *report = sample_healthy(*state);
    struct finding *f = sample_finding(*state, report, "CVE-1", SEVERITY_LOW, "a", "1", "2");
    char *title = arena_alloc(*state, 2000001);
    memset(title, '*', 2000000);
    f->title = f->description = f->remediation_text = str_of(title, 2000000);
    const struct report_options options = {0};
    const struct report *const reports[] = {report};
    json_t *root = sample_json(*state, "gitlab", reports, 1, &options);
    const json_t *one = sample_at(root, "vulnerabilities.0");
    assert_in_range(strlen(sample_text_at(one, "name")), 200, 255);
    assert_in_range(strlen(sample_text_at(one, "solution")), 6900, 7000);
    assert_in_range(strlen(sample_text_at(one, "description")), 1048000, 1048576);
    json_decref(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SAMPLE_TEST(test_gitlab__golden),
        SAMPLE_TEST(test_gitlab__same_input_same_bytes),
        SAMPLE_TEST(test_gitlab__several_images_are_an_error),
        SAMPLE_TEST(test_gitlab__an_incomplete_scan_is_a_failure),
        SAMPLE_TEST(test_gitlab__severities_are_those_of_gitlab),
        SAMPLE_TEST(test_gitlab__what_is_apart_is_counted),
        SAMPLE_TEST(test_gitlab__long_texts_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
