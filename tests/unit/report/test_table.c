/* SPDX-License-Identifier: Apache-2.0 */
#include "sample.h"

static int set_up(void **state)
{
    static struct arena arena;
    setlocale(LC_CTYPE, "C.UTF-8");
    arena_init(&arena, 64 << 20);
    *state = &arena;
    return 0;
}

static int tear_down(void **state)
{
    arena_fini(*state);
    return 0;
}

static void test_table__eighty_columns(void **state)
{
    const struct report *report = sample_unhealthy(*state);
    const struct report_options options = {.width = 80};
    sample_golden(*state, "report/table-80.txt",
                  sample_write(*state, "table", &report, 1, &options));
}

static void test_table__two_hundred_columns(void **state)
{
    const struct report *report = sample_unhealthy(*state);
    const struct report_options options = {.width = 200};
    sample_golden(*state, "report/table-200.txt",
                  sample_write(*state, "table", &report, 1, &options));
}

static void test_table__colour(void **state)
{
    const struct report *report = sample_unhealthy(*state);
    const struct report_options options = {.width = 80, .is_colour = true};
    sample_golden(*state, "report/table-colour.txt",
                  sample_write(*state, "table", &report, 1, &options));
}

static void test_table__details(void **state)
{
    const struct report *report = sample_unhealthy(*state);
    const struct report_options options = {.width = 80, .is_detailed = true};
    sample_golden(*state, "report/table-details.txt",
                  sample_write(*state, "table", &report, 1, &options));
}

static void test_table__filter_says_what_it_hides(void **state)
{
    const struct report *report = sample_unhealthy(*state);
    const struct report_options options = {
        .width = 80, .filter = {.severities = 1U << SEVERITY_CRITICAL, .hides_unfixed = true}};
    sample_golden(*state, "report/table-filtered.txt",
                  sample_write(*state, "table", &report, 1, &options));
}

static void test_table__several_platforms(void **state)
{
    const struct report *reports[] = {sample_healthy(*state), sample_failed(*state)};
    const struct report_options options = {.width = 80};
    sample_golden(*state, "report/table-platforms.txt",
                  sample_write(*state, "table", reports, 2, &options));
}

/* Every byte of the output, at every width: no control character but the newline (and our own
 * colour), and no line wider than the terminal but those that are for pasting. */
static void test_table__hostile_names_stay_text(void **state)
{
    for (unsigned width = 1; width < 220; width += 7) {
        struct arena arena;
        arena_init(&arena, 64 << 20);
        const struct report *reports[] = {sample_unhealthy(&arena), sample_failed(&arena)};
        const struct report_options options = {.width = width};
        str text = sample_write(&arena, "table", reports, 2, &options);
        for (size_t i = 0; i < text.len; i++) {
            unsigned char c = (unsigned char)text.ptr[i];
            if (c == '\n' || (c >= 0x20 && c != 0x7f))
                continue;
            fail_msg("byte %zu is %02x at width %u", i, c, width);
        }
        assert_false(str_has(text, STR("\xc2\x9b")) || str_has(text, STR("\xe2\x80\xae")));
        arena_fini(&arena);
    }
    (void)state;
}

static size_t columns_of(str line)
{
    size_t n = 0;
    for (size_t i = 0; i < line.len; i++)
        n += ((unsigned char)line.ptr[i] & 0xc0) != 0x80; /* no wide characters in the sample */
    return n;
}

static void test_table__lines_fit(void **state)
{
    for (unsigned width = 80; width <= 200; width += 3) {
        struct arena arena;
        arena_init(&arena, 64 << 20);
        struct report *long_words = sample_unhealthy(&arena);
        long_words->findings.ptr[0].fixed_version = STR("99");
        long_words->findings.ptr[0].remediation_command = STR(
            "apt-get install --only-upgrade "
            "a-name-that-is-longer-than-the-line-of-a-terminal-and-longer-and-longer-and-longer-"
            "still-a-name-that-is-longer-than-the-line-of-a-terminal-and-longer-and-longer-and-"
            "longer-still=1 and-one-that-is-not");
        const struct report *reports[] = {long_words, sample_failed(&arena)};
        const struct report_options options = {.width = width, .is_detailed = width % 2};
        str text = sample_write(&arena, "table", reports, 2, &options), line;
        while (str_cut_byte(text, '\n', &line, &text))
            if (columns_of(line) > width)
                fail_msg("%zu columns at width %u: " STR_FMT, columns_of(line), width,
                         STR_ARG(line));
        arena_fini(&arena);
    }
    (void)state;
}

static void test_table__last_line_is_the_verdict(void **state)
{
    const struct report_options options = {.width = 80};
    const struct {
        const struct report *report;
        const char *last;
    } rows[] = {
        {sample_unhealthy(*state),
         "✗ Unhealthy: 60 findings, 2 critical, 7 high, 38 with a fix, 1 disabled · "},
        {sample_healthy(*state),
         "✓ Healthy: nothing known against its 4 packages · oci:build/alpine"},
        {sample_failed(*state), "! Failed: a package database could not be read whole"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        str text = sample_write(*state, "table", &rows[i].report, 1, &options);
        text.len--; /* the last newline */
        str last = str_skip(text, str_rfind_byte(text, '\n') + 1);
        if (!str_starts(last, str_from(rows[i].last)))
            fail_msg("is \"" STR_FMT "\", expected \"%s\"", STR_ARG(last), rows[i].last);
    }
}

static void test_table__upgrade_goes_to_the_highest_fix(void **state)
{
    const struct report *report = sample_unhealthy(*state);
    const struct report_options options = {.width = 200};
    str text = sample_write(*state, "table", &report, 1, &options);
    assert_true(str_has(text, STR("openssl  3.0.11-1~deb12u2 → 3.0.15-1~deb12u1")));
    assert_false(str_has(text, STR("→ 3.0.14-1~deb12u1")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_table__eighty_columns, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_table__two_hundred_columns, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_table__colour, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_table__details, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_table__filter_says_what_it_hides, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_table__several_platforms, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_table__hostile_names_stay_text, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_table__lines_fit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_table__last_line_is_the_verdict, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_table__upgrade_goes_to_the_highest_fix, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
