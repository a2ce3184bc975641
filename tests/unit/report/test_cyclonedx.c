/* SPDX-License-Identifier: Apache-2.0 */
#include "sample.h"

static void test_cyclonedx__golden(void **state)
{
    const struct report *report = sample_full(*state);
    const struct report_options options = {0};
    sample_golden_json(*state, "report/cyclonedx.json", "cyclonedx", &report, 1, &options);
}

static void test_cyclonedx__same_input_same_bytes(void **state)
{
    const struct report_options options = {0};
    const struct report *first = sample_full(*state), *second = sample_full(*state);
    str a = sample_write(*state, "cyclonedx", &first, 1, &options);
    str b = sample_write(*state, "cyclonedx", &second, 1, &options);
    assert_true(str_eq(a, b));
}

static void test_cyclonedx__several_images_are_an_error(void **state)
{
    const struct report *reports[] = {sample_healthy(*state), sample_failed(*state)};
    const struct report_options options = {0};
    struct err err = {0};
    assert_false(report_format_find(STR("cyclonedx"))->write(-1, reports, 2, &options, &err));
    assert_int_equal(err.kind, ERR_USAGE);
}

static void test_cyclonedx__an_inventory_judges_nothing(void **state)
{
    const struct report *report = sample_full(*state);
    const struct report_options options = {.is_sbom = true};
    json_t *root = sample_json(*state, "cyclonedx", &report, 1, &options);
    assert_null(json_object_get(root, "vulnerabilities"));
    assert_int_equal(json_array_size(sample_at(root, "components")), 4);
    json_decref(root);
    str text = sample_write(*state, "cyclonedx", &report, 1, &options);
    assert_false(str_has(text, STR("plimsoll:status")));
}

/* A finding of a source package is about those of its binaries that are installed. */
static void test_cyclonedx__findings_name_their_components(void **state)
{
    struct report *report = sample_healthy(*state);
    struct finding *f =
        sample_finding(*state, report, "CVE-1", SEVERITY_LOW, "openssl", "3.0.11-1", "");
    sample_list(*state, &f->binaries, SAMPLE_LIST("libssl0", "libssl2", "libssl9"));
    const struct report_options options = {0};
    const struct report *const reports[] = {report};
    json_t *root = sample_json(*state, "cyclonedx", reports, 1, &options);
    const json_t *affects = sample_at(root, "vulnerabilities.0.affects");
    assert_int_equal(json_array_size(affects), 2);
    assert_string_equal(sample_text_at(affects, "0.ref"),
                        sample_text_at(root, "components.0.bom-ref"));
    assert_string_equal(sample_text_at(affects, "1.ref"),
                        sample_text_at(root, "components.2.bom-ref"));
    json_decref(root);
}

static void test_cyclonedx__the_same_package_twice_has_two_references(void **state)
{
    struct report *report = sample_healthy(*state);
    report->purls.ptr[1] = report->purls.ptr[0];
    const struct report_options options = {.is_sbom = true};
    const struct report *const reports[] = {report};
    json_t *root = sample_json(*state, "cyclonedx", reports, 1, &options);
    assert_non_null(strstr(sample_text_at(root, "components.1.bom-ref"), "#2"));
    json_decref(root);
}

static void test_cyclonedx__what_is_disabled_has_an_analysis(void **state)
{
    const struct report *report = sample_full(*state);
    const struct report_options options = {0};
    json_t *root = sample_json(*state, "cyclonedx", &report, 1, &options);
    const json_t *all = sample_at(root, "vulnerabilities");
    const json_t *one = sample_find(all, "id", "CVE-2024-45490");
    assert_string_equal(sample_text_at(one, "analysis.state"), "not_affected");
    assert_string_equal(sample_text_at(one, "analysis.justification"), "code_not_reachable");
    assert_string_equal(sample_text_at(sample_find(all, "id", "CVE-2024-45491"), "analysis.state"),
                        "resolved");
    assert_string_equal(sample_text_at(sample_find(all, "id", "CVE-2026-1"), "analysis.state"),
                        "in_triage");
    assert_null(json_object_get(sample_find(all, "id", "CVE-2024-5535"), "analysis"));
    json_decref(root);
}

static void test_cyclonedx__an_incomplete_inventory_says_so(void **state)
{
    const struct report *report = sample_failed(*state);
    const struct report_options options = {.is_sbom = true};
    json_t *root = sample_json(*state, "cyclonedx", &report, 1, &options);
    assert_string_equal(sample_text_at(root, "compositions.0.aggregate"), "incomplete");
    assert_string_equal(sample_text_at(root, "metadata.properties.0.value"), "false");
    json_decref(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SAMPLE_TEST(test_cyclonedx__golden),
        SAMPLE_TEST(test_cyclonedx__same_input_same_bytes),
        SAMPLE_TEST(test_cyclonedx__several_images_are_an_error),
        SAMPLE_TEST(test_cyclonedx__an_inventory_judges_nothing),
        SAMPLE_TEST(test_cyclonedx__findings_name_their_components),
        SAMPLE_TEST(test_cyclonedx__the_same_package_twice_has_two_references),
        SAMPLE_TEST(test_cyclonedx__what_is_disabled_has_an_analysis),
        SAMPLE_TEST(test_cyclonedx__an_incomplete_inventory_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
