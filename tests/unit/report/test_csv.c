/* SPDX-License-Identifier: Apache-2.0 */
#include "sample.h"

static void test_csv__golden(void **state)
{
    const struct report *report = sample_full(*state);
    const struct report_options options = {0};
    sample_golden(*state, "report/csv.csv", sample_write(*state, "csv", &report, 1, &options));
}

static void test_csv__same_input_same_bytes(void **state)
{
    const struct report_options options = {0};
    const struct report *first = sample_full(*state), *second = sample_full(*state);
    str a = sample_write(*state, "csv", &first, 1, &options);
    str b = sample_write(*state, "csv", &second, 1, &options);
    assert_true(str_eq(a, b));
}

static void test_csv__formulas_become_text(void **state)
{
    static const char *const formulas[] = {"=1+1", "+1",   "-1",   "@SUM(A1)",
                                           "\t=1", "\r=1", "\n=1", "\357\274\2351"};
    struct report *report = sample_healthy(*state);
    for (size_t i = 0; i < ARRAY_LEN(formulas); i++)
        sample_finding(*state, report, formulas[i], SEVERITY_LOW, formulas[i], "1", "");
    const struct report_options options = {0};
    const struct report *const reports[] = {report};
    str text = sample_write(*state, "csv", reports, 1, &options);
    for (size_t i = 0; i < ARRAY_LEN(formulas); i++) {
        if (formulas[i][0] == '\r')
            continue; /* said in words behind its apostrophe */
        str wanted = arena_printf(*state, ",\"'%s\",", formulas[i]);
        if (!str_has(text, wanted))
            fail_msg("no %s", wanted.ptr);
    }
    assert_true(str_has(text, STR(",\"'\\x0d=1\",")));
}

static void test_csv__columns_are_the_same_in_every_row(void **state)
{
    const struct report *reports[] = {sample_full(*state), sample_healthy(*state),
                                      sample_failed(*state)};
    const struct report_options options = {0};
    str text = sample_write(*state, "csv", reports, 3, &options);
    size_t columns = 0, rows = 0, in_row = 1;
    bool is_quoted = false;
    for (size_t i = 0; i < text.len; i++) {
        is_quoted ^= text.ptr[i] == '"';
        in_row += !is_quoted && text.ptr[i] == ',';
        if (is_quoted || text.ptr[i] != '\n')
            continue;
        columns = columns ? columns : in_row;
        assert_int_equal(in_row, columns);
        in_row = 1;
        rows++;
    }
    /* header, findings, and the failed image that has none */
    assert_int_equal(rows, 1 + reports[0]->findings.len + 1);
    assert_true(str_has(text, STR(",scan,")));
}

static void test_csv__disabled_have_their_word(void **state)
{
    const struct report *report = sample_full(*state);
    const struct report_options options = {0};
    str text = sample_write(*state, "csv", &report, 1, &options);
    assert_true(str_has(text, STR(",disabled,\"rule: accepted until spring\",")));
    assert_true(str_has(text, STR(",kernel-headers,,")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SAMPLE_TEST(test_csv__golden),
        SAMPLE_TEST(test_csv__same_input_same_bytes),
        SAMPLE_TEST(test_csv__formulas_become_text),
        SAMPLE_TEST(test_csv__columns_are_the_same_in_every_row),
        SAMPLE_TEST(test_csv__disabled_have_their_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
