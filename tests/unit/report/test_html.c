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

/* Without what is the same on every page: style, script, the hashes of both, our version. */
static str body_of(struct arena *arena, str page)
{
    str before, after, ignored, version = str_from(report_engine_version());
    auto_sb sb;
    sb_init(&sb, 16 << 20);
    assert_true(str_cut(page, STR("<style>"), &before, &after));
    assert_true(str_cut(after, STR("</style>"), &ignored, &page));
    str head, tail;
    assert_true(str_cut(before, STR("<title>"), &ignored, &tail));
    sb_add(&sb, tail);
    assert_true(str_cut(page, STR("<script>"), &page, &after));
    while (str_cut(page, version, &head, &tail)) {
        sb_add(&sb, head);
        sb_addc(&sb, "0.0.0");
        page = tail;
    }
    sb_add(&sb, page);
    assert_false(sb.has_failed);
    return arena_dup(arena, sb_str(&sb));
}

static str write_page(struct arena *arena, const struct report *const *reports, size_t n,
                      struct report_filter filter)
{
    const struct report_options options = {.filter = filter};
    return sample_write(arena, "html", reports, n, &options);
}

static void test_html__page(void **state)
{
    const struct report *report = sample_unhealthy(*state);
    str page = write_page(*state, &report, 1, (struct report_filter){0});
    sample_golden(*state, "report/page.html", body_of(*state, page));
}

static void test_html__several_platforms(void **state)
{
    const struct report *reports[] = {sample_healthy(*state), sample_failed(*state)};
    str page = write_page(*state, reports, 2, (struct report_filter){0});
    sample_golden(*state, "report/page-platforms.html", body_of(*state, page));
}

static size_t count(str text, str needle)
{
    size_t n = 0;
    while (str_cut(text, needle, &(str){0}, &text))
        n++;
    return n;
}

static void test_html__filter_says_what_it_hides(void **state)
{
    const struct report *report = sample_unhealthy(*state);
    const struct report_filter filter = {.severities = 1U << SEVERITY_CRITICAL,
                                         .hides_unfixed = true};
    str page = write_page(*state, &report, 1, filter);
    assert_int_equal(count(page, STR("<details class=\"f critical\"")), 1);
    assert_int_equal(count(page, STR("<details class=\"f high\"")), 0);
    assert_true(str_has(page, STR("<li>59 hidden by --severity or --ignore-*")));
    assert_true(str_has(page, STR("data-n=\"high\">7<")));
}

/* In text and in attributes: names that would be elements, references, scripts, addresses. */
static void test_html__hostile_names_stay_text(void **state)
{
    static const char *const names[] = {
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "' onmouseover='alert(1)",
        "&lt;&#60;</title></style></details>",
        "javascript:alert(1)",
        "<!-- --><![CDATA[",
        SAMPLE_HOSTILE,
    };
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct arena arena;
        arena_init(&arena, 64 << 20);
        struct report *report = sample_unhealthy(&arena);
        const char *name = names[i];
        struct finding *f = sample_finding(&arena, report, name, SEVERITY_HIGH, name, name, name);
        str hostile = str_from(name);
        report->source = report->reason = report->platform = report->distro.name = hostile;
        f->title = f->description = f->path = f->remediation_command = hostile;
        f->rated_by = f->rating_basis = f->published = f->purl = hostile;
        f->evidence.ptr[0].note = f->evidence.ptr[0].record = hostile;
        sample_list(&arena, &f->references,
                    SAMPLE_LIST(name, "javascript:alert(2)", "https://e.example/\"'<"));
        sample_list(&arena, &f->aliases, SAMPLE_LIST(name));
        report->layers.ptr[0].created_by = hostile;
        const struct report *const all = report;
        str page = write_page(&arena, &all, 1, (struct report_filter){0});
        assert_int_equal(count(page, STR("<script")), 1);
        assert_int_equal(count(page, STR("<img")), 0);
        assert_int_equal(count(page, STR("<!")), 1);
        assert_int_equal(count(page, STR("href=\"javascript")), 0);
        assert_int_equal(count(page, STR(" onmouseover='")), 0);
        assert_true(str_has(page, STR("href=\"https://e.example/&quot;&#39;&lt;\">")));
        arena_fini(&arena);
    }
    (void)state;
}

/* No control but the newline, nothing that reorders. */
static void test_html__no_control_characters(void **state)
{
    const struct report *reports[] = {sample_unhealthy(*state), sample_failed(*state)};
    str page = write_page(*state, reports, 2, (struct report_filter){0});
    for (size_t i = 0; i < page.len; i++) {
        unsigned char c = (unsigned char)page.ptr[i];
        if (c != '\n' && (c < 0x20 || c == 0x7f))
            fail_msg("byte %zu is %02x", i, c);
    }
    assert_false(str_has(page, STR("\xc2\x9b")) || str_has(page, STR("\xe2\x80\xae")));
}

/* No address outside of a link that a person follows. */
static void test_html__fetches_nothing(void **state)
{
    const struct report *report = sample_unhealthy(*state);
    str page = write_page(*state, &report, 1, (struct report_filter){0});
    static const char *const loads[] = {" src=", "url(h", "@import", "<link", "<iframe", " style="};
    for (size_t i = 0; i < ARRAY_LEN(loads); i++)
        assert_false(str_has(page, str_from(loads[i])));
    assert_int_equal(count(page, STR("href=\"http")), count(page, STR("<a href=\"http")));
    assert_true(str_has(page, STR("<meta name=\"referrer\" content=\"no-referrer\">")));
    assert_false(str_has(page, STR(" target=")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_html__page, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_html__several_platforms, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_html__filter_says_what_it_hides, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_html__hostile_names_stay_text, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_html__no_control_characters, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_html__fetches_nothing, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
