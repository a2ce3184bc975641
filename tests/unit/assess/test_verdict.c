/* SPDX-License-Identifier: Apache-2.0 */
#include "rows.h"

#include "assess/assess.h"

static enum match_ground ground_of(str word)
{
    return str_eq(word, STR("ok"))            ? MATCH_OK
           : str_eq(word, STR("no-distro"))   ? MATCH_NO_DISTRO
           : str_eq(word, STR("not-covered")) ? MATCH_NOT_COVERED
           : str_eq(word, STR("no-packages")) ? MATCH_NO_PACKAGES
                                              : (enum match_ground)99;
}

static struct verdict_input parse_input(str *row)
{
    str not_assessable = column(row);
    struct verdict_input in = {.distro_name = STR("Debian 12")};
    in.not_assessable = str_eq(not_assessable, STR("-")) ? STR_NONE : not_assessable;
    in.is_complete = str_eq(column(row), STR("yes"));
    in.is_identified = str_eq(column(row), STR("yes"));
    in.ground = ground_of(column(row));
    in.is_end_of_life = str_eq(column(row), STR("yes"));
    uint64_t n = 99;
    assert_true(str_to_u64(column(row), 9, &n));
    in.n_findings = n;
    return in;
}

static void test_verdict__every_cell_of_the_table(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct rd in;
    rd_init(&in, test_data(&arena, "assess/verdict.txt"));
    str row;
    size_t n = 0;
    for (; test_next_row(&in, &row); n++) {
        str whole = row;
        struct verdict_input input = parse_input(&row);
        str expected = column(&row), words = column(&row);
        struct verdict_output out = assess_verdict(&arena, &input);
        if (!str_eq(str_from(verdict_name(out.verdict)), expected) || !str_has(out.reason, words) ||
            (words.len == 0) != (out.reason.len == 0))
            fail_msg(STR_FMT ": is %s, " STR_FMT, STR_ARG(whole), verdict_name(out.verdict),
                     STR_ARG(out.reason));
    }
    assert_true(n > 20);
    arena_fini(&arena);
}

/* Over all inputs: Healthy in one case only, whatever else the table says. */
static void test_verdict__healthy_only_when_everything_is_known(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    size_t n_healthy = 0;
    for (unsigned bits = 0; bits < 1 << 7; bits++) {
        struct verdict_input in = {
            .not_assessable = bits & 1 ? STR("odd") : STR_NONE,
            .is_complete = bits & 2,
            .is_identified = bits & 4,
            .ground = (enum match_ground)(bits >> 3 & 3),
            .is_end_of_life = bits & 32,
            .n_findings = bits >> 6 & 1,
        };
        bool is_healthy = assess_verdict(&arena, &in).verdict == VERDICT_HEALTHY;
        bool is_known = !in.not_assessable.len && in.is_complete && in.is_identified &&
                        in.ground == MATCH_OK && !in.is_end_of_life && in.n_findings == 0;
        assert_true(is_healthy == is_known);
        n_healthy += is_healthy;
    }
    assert_int_equal(n_healthy, 1);
    arena_fini(&arena);
}

static void test_verdict__zeroed_input_is_not_healthy(void **state)
{
    (void)state;
    struct arena none = {0};
    struct verdict_input in = {0};
    assert_int_equal(assess_verdict(&none, &in).verdict, VERDICT_FAILED);
    assert_string_equal(verdict_name((enum verdict)99), "Failed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdict__every_cell_of_the_table),
        cmocka_unit_test(test_verdict__healthy_only_when_everything_is_known),
        cmocka_unit_test(test_verdict__zeroed_input_is_not_healthy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
