/* SPDX-License-Identifier: Apache-2.0 */
#include "rows.h"

#include "model/model.h"

#include <stdio.h>
#include <string.h>

static void check_score(str vector, str expected)
{
    struct err err = {0};
    double score;
    char text[16];
    if (!cvss_score(vector, &score, &err))
        fail_msg(STR_FMT ": %s", STR_ARG(vector), err.msg);
    snprintf(text, sizeof(text), "%.1f", score);
    if (!str_has(expected, STR(".")))
        snprintf(text, sizeof(text), "%.0f", score);
    if (!str_eq(str_from(text), expected))
        fail_msg(STR_FMT " is %s, expected " STR_FMT, STR_ARG(vector), text, STR_ARG(expected));
}

static void test_cvss__scores_as_first_does(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct rd in;
    rd_init(&in, test_data(&arena, "model/cvss.txt"));
    str row;
    while (test_next_row(&in, &row)) {
        str vector = column(&row), expected = column(&row), severity = column(&row);
        check_score(vector, expected);
        struct err err = {0};
        double score;
        assert_ok(cvss_score(vector, &score, &err), err);
        assert_str(severity, severity_name(cvss_severity(score)));
    }
    arena_fini(&arena);
}

static void test_cvss__refuses_what_is_no_vector(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct rd in;
    rd_init(&in, test_data(&arena, "model/cvss-invalid.txt"));
    str row;
    while (test_next_row(&in, &row)) {
        struct err err = {0};
        double score;
        if (cvss_score(row, &score, &err))
            fail_msg(STR_FMT " scores %.1f", STR_ARG(row), score);
        assert_int_equal(err.kind, ERR_FORMAT);
    }
    struct err err = {0};
    double score;
    assert_false(cvss_score(STR_NONE, &score, &err));
    arena_fini(&arena);
}

static void test_cvss__shared_vectors(void **state)
{
    (void)state;
    test_need_shared("versions/cvss-scores.tsv");
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct rd in;
    rd_init(&in, test_shared(&arena, "versions/cvss-scores.tsv"));
    str line;
    size_t n = 0;
    assert_true(rd_line(&in, 4096, &line));
    for (; rd_line(&in, 4096, &line); n++) {
        str vector, score;
        str_cut_byte(line, '\t', &vector, &score);
        check_score(vector, score);
    }
    assert_true(n > 100);
    arena_fini(&arena);
}

/* A worse value of one base metric never lowers the score. */
static void test_cvss__is_monotonic_in_impact(void **state)
{
    (void)state;
    static const char *const forms[] = {
        "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:%s/I:L/A:N",
        "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:%s/VI:L/VA:N/SC:N/SI:N/SA:N",
    };
    for (size_t i = 0; i < 2; i++) {
        double scores[3];
        for (size_t j = 0; j < 3; j++) {
            char vector[128];
            const char *mark = strchr(forms[i], '%');
            snprintf(vector, sizeof(vector), "%.*s%c%s", (int)(mark - forms[i]), forms[i], "NLH"[j],
                     mark + 2);
            struct err err = {0};
            assert_ok(cvss_score(str_from(vector), &scores[j], &err), err);
        }
        assert_true(scores[0] <= scores[1] && scores[1] < scores[2]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cvss__scores_as_first_does),
        cmocka_unit_test(test_cvss__refuses_what_is_no_vector),
        cmocka_unit_test(test_cvss__shared_vectors),
        cmocka_unit_test(test_cvss__is_monotonic_in_impact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
