/* SPDX-License-Identifier: Apache-2.0 */
#include "sample.h"

static void test_junit__golden(void **state)
{
    const struct report *report = sample_full(*state);
    const struct report_options options = {0};
    sample_golden(*state, "report/junit.xml", sample_write(*state, "junit", &report, 1, &options));
}

static void test_junit__same_input_same_bytes(void **state)
{
    const struct report_options options = {0};
    const struct report *first = sample_full(*state), *second = sample_full(*state);
    str a = sample_write(*state, "junit", &first, 1, &options);
    str b = sample_write(*state, "junit", &second, 1, &options);
    assert_true(str_eq(a, b));
}

struct seen {
    size_t cases, failures, errors, skipped, suites;
};

static bool see(void *ctx, str name, const char **attributes, struct err *err)
{
    struct seen *seen = ctx;
    (void)attributes;
    (void)err;
    seen->cases += str_eq(name, STR("testcase"));
    seen->failures += str_eq(name, STR("failure"));
    seen->errors += str_eq(name, STR("error"));
    seen->skipped += str_eq(name, STR("skipped"));
    seen->suites += str_eq(name, STR("testsuite"));
    return true;
}

static struct seen read_back(struct arena *arena, const struct report *const *reports, size_t n,
                             const struct report_options *options)
{
    struct seen seen = {0};
    struct err err = {0};
    const struct xml_handler handler = {.open = see, .ctx = &seen};
    assert_ok(xml_read(sample_write(arena, "junit", reports, n, options), &handler, &err), err);
    return seen;
}

static void test_junit__every_listed_finding_is_a_failure(void **state)
{
    const struct report *report = sample_full(*state);
    const struct report_options options = {0};
    struct seen seen = read_back(*state, &report, 1, &options);
    assert_int_equal(seen.failures, report_count(report, &options.filter, PLACE_LISTED));
    assert_int_equal(seen.errors, 0);
}

static void test_junit__what_is_hidden_or_disabled_fails_nothing(void **state)
{
    const struct report *report = sample_full(*state);
    const struct report_options options = {.filter = {.severities = 1U << SEVERITY_NONE}};
    struct seen seen = read_back(*state, &report, 1, &options);
    assert_int_equal(seen.failures, 0);
    assert_true(seen.skipped > 20);
}

static void test_junit__a_failed_scan_is_an_error(void **state)
{
    const struct report *reports[] = {sample_healthy(*state), sample_failed(*state)};
    const struct report_options options = {0};
    struct seen seen = read_back(*state, reports, 2, &options);
    assert_int_equal(seen.suites, 2);
    assert_int_equal(seen.errors, 1);
    assert_int_equal(seen.failures, 0);
    assert_int_equal(seen.cases, 2 * (1 + 2)); /* the scan, openssl, and the hostile one */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SAMPLE_TEST(test_junit__golden),
        SAMPLE_TEST(test_junit__same_input_same_bytes),
        SAMPLE_TEST(test_junit__every_listed_finding_is_a_failure),
        SAMPLE_TEST(test_junit__what_is_hidden_or_disabled_fails_nothing),
        SAMPLE_TEST(test_junit__a_failed_scan_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
