/* SPDX-License-Identifier: Apache-2.0 */
#include "sample.h"

static void test_openvex__golden(void **state)
{
    const struct report *report = sample_full(*state);
    const struct report_options options = {0};
    sample_golden_json(*state, "report/openvex.json", "openvex", &report, 1, &options);
}

static void test_openvex__same_input_same_bytes(void **state)
{
    const struct report_options options = {0};
    const struct report *first = sample_full(*state), *second = sample_full(*state);
    str a = sample_write(*state, "openvex", &first, 1, &options);
    str b = sample_write(*state, "openvex", &second, 1, &options);
    assert_true(str_eq(a, b));
}

static void test_openvex__states_what_became_of_each(void **state)
{
    const struct report *report = sample_full(*state);
    const struct report_options options = {0};
    json_t *root = sample_json(*state, "openvex", &report, 1, &options);
    const json_t *all = sample_at(root, "statements"), *one;
    const struct {
        const char *id, *status;
    } rows[] = {{"CVE-2024-5535", "affected"},
                {"CVE-2026-1", "under_investigation"},
                {"CVE-2026-2", "not_affected"},
                {"CVE-2024-45490", "not_affected"},
                {"CVE-2024-45491", "fixed"}};
    size_t i, n = 0;
    json_array_foreach(all, i, one) for (size_t k = 0; k < ARRAY_LEN(rows);
                                         k++) if (strcmp(sample_text_at(one, "vulnerability.name"),
                                                         rows[k].id) == 0)
    {
        assert_string_equal(sample_text_at(one, "status"), rows[k].status);
        n++;
    }
    assert_int_equal(n, ARRAY_LEN(rows));
    json_decref(root);
}

static void test_openvex__the_same_package_at_three_places_is_one_statement(void **state)
{
    const struct report *report = sample_full(*state);
    const struct report_options options = {0};
    str rest = sample_write(*state, "openvex", &report, 1, &options), head;
    size_t n = 0;
    while (str_cut(rest, STR("\"CVE-2021-23337\""), &head, &rest))
        n++;
    assert_int_equal(n, 1);
}

static void test_openvex__our_own_reader_reads_it(void **state)
{
    const struct report *report = sample_full(*state);
    const struct report_options options = {0};
    struct err err = {0};
    vex_statements said = {0};
    assert_ok(vex_parse(sample_write(*state, "openvex", &report, 1, &options), *state, &said, &err),
              err);
    assert_int_equal(said.len, report->findings.len - 2);
    size_t n_not_affected = 0;
    for (size_t i = 0; i < said.len; i++)
        n_not_affected += said.ptr[i].status == VEX_NOT_AFFECTED;
    assert_int_equal(n_not_affected, 2);
}

static void test_openvex__tooling_tells_what_is_not_whole(void **state)
{
    const struct report *reports[] = {sample_full(*state), sample_failed(*state)};
    const struct report_options options = {.filter = {.hides_unfixed = true}};
    json_t *root = sample_json(*state, "openvex", reports, 2, &options);
    const char *said = sample_text_at(root, "tooling");
    assert_non_null(strstr(said, "hidden: 22"));
    assert_non_null(strstr(said, "status Failed, incomplete"));
    json_decref(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SAMPLE_TEST(test_openvex__golden),
        SAMPLE_TEST(test_openvex__same_input_same_bytes),
        SAMPLE_TEST(test_openvex__states_what_became_of_each),
        SAMPLE_TEST(test_openvex__the_same_package_at_three_places_is_one_statement),
        SAMPLE_TEST(test_openvex__our_own_reader_reads_it),
        SAMPLE_TEST(test_openvex__tooling_tells_what_is_not_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
