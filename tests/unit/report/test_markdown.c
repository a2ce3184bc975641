/* SPDX-License-Identifier: Apache-2.0 */
#include "sample.h"

#include "base/limits.h"

static int set_up(void **state)
{
    static struct arena arena;
    setlocale(LC_CTYPE, "C.UTF-8");
    arena_init(&arena, 256 << 20);
    *state = &arena;
    return 0;
}

static int tear_down(void **state)
{
    arena_fini(*state);
    return 0;
}

static str write_comment(struct arena *arena, const struct report *const *reports, size_t n)
{
    const struct report_options options = {0};
    return sample_write(arena, "markdown", reports, n, &options);
}

static void test_markdown__comment(void **state)
{
    const struct report *report = sample_unhealthy(*state);
    sample_golden(*state, "report/comment.md", write_comment(*state, &report, 1));
}

static void test_markdown__several_platforms(void **state)
{
    struct report *healthy = sample_healthy(*state), *failed = sample_failed(*state);
    healthy->source = failed->source;
    const struct report *reports[] = {healthy, failed};
    sample_golden(*state, "report/comment-platforms.md", write_comment(*state, reports, 2));
}

static void test_markdown__ends_at_its_limit(void **state)
{
    struct report *report = sample_unhealthy(*state);
    size_t n_before = report->findings.len;
    for (int i = 0; i < 5000; i++) {
        const char *name = arena_printf(*state, "package-%d", i).ptr;
        sample_finding(*state, report, arena_printf(*state, "CVE-2030-%d", 10000 + i).ptr,
                       SEVERITY_LOW, name, "1.0", i % 2 ? "1.1" : "");
    }
    const struct report *const all = report;
    str text = write_comment(*state, &all, 1);
    assert_true(text.len <= LIMIT(COMMENT) && text.len > LIMIT(COMMENT) - 2000);
    assert_true(str_starts(text, STR("### ✗ Unhealthy: 5060 findings")));
    assert_true(str_has(text, STR("\n**Left out**, as a comment holds 65000 characters: ")));
    assert_true(str_ends(text, STR("`--format html` or `--details` shows all of them.\n")));
    assert_true(n_before < 100);
}

/* Outside of code, no character of a foreign name means anything, as none stands there. */
static void test_markdown__hostile_names_stay_in_code(void **state)
{
    static const struct {
        const char *name, *code;
    } rows[] = {
        {"@someone", "`@someone`"},
        {"a`b", "``a`b``"},
        {"``a`", "``` ``a` ```"},
        {" a ", "`  a  `"},
        {"a\n\n# b", "`a\\x0a\\x0a# b`"},
        {"<img src=x>", "`<img src=x>`"},
        {"a|b", "`a|b`"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct report *report = sample_healthy(*state);
        sample_finding(*state, report, rows[i].name, SEVERITY_HIGH, rows[i].name, "1", "2");
        report->verdict = VERDICT_UNHEALTHY;
        const struct report *const all = report;
        str text = write_comment(*state, &all, 1);
        if (!str_has(text, arena_printf(*state, "\n- ▲ high %s %s `1` → `2`\n", rows[i].code,
                                        rows[i].code)))
            fail_msg("%s in " STR_FMT, rows[i].name, STR_ARG(text));
    }
}

/* A command holds safe words only; where a name is none, there is no command, and words say so. */
static void test_markdown__no_command_of_a_name_that_is_none(void **state)
{
    struct report *report = sample_healthy(*state);
    sample_finding(*state, report, "CVE-2030-1", SEVERITY_HIGH, "a````\n````owned", "1", "2");
    const struct report *const all = report;
    str comment = write_comment(*state, &all, 1);
    assert_false(str_has(comment, STR("```sh")));
    assert_true(str_has(comment, STR("a````\\x0a````owned")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_markdown__comment, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_markdown__several_platforms, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_markdown__ends_at_its_limit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_markdown__hostile_names_stay_in_code, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_markdown__no_command_of_a_name_that_is_none, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
