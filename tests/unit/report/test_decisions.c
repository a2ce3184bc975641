/* SPDX-License-Identifier: Apache-2.0 */
/* What was decided, in the reports: the plan, what is disabled, the base image's part. */
#include "sample.h"

#include "report/internal.h"
#include "syntax/syntax.h"

static int set_up(void **state)
{
    static struct arena arena; /* lint: mutable static, the group's */
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

/* The sample's Debian with its package manager. */
static struct report *with_apt(struct arena *arena)
{
    struct report *report = sample_unhealthy(arena);
    *(struct package *)vec_push(arena, &report->packages) =
        (struct package){.type = STR("deb"), .name = STR("apt"), .is_os = true};
    return report;
}

static size_t count_listed(const struct report *report, const struct report_filter *filter)
{
    return report_count(report, filter, PLACE_LISTED);
}

static void test_plan__holds_every_listed_finding_once(void **state)
{
    static const struct report_filter filters[] = {
        {0}, {.hides_unfixed = true}, {.severities = 1U << SEVERITY_CRITICAL}};
    struct report *report = with_apt(*state);
    for (size_t i = 0; i < ARRAY_LEN(filters); i++) {
        struct plan plan;
        size_t n = 0;
        assert_true(report_plan(*state, report, &filters[i], &plan));
        assert_int_equal(plan.n_healed + plan.n_unhealed, count_listed(report, &filters[i]));
        for (size_t s = 0; s < plan.steps.len; s++)
            n += plan.steps.ptr[s].n_findings;
        for (size_t r = 0; r < plan.unhealed.len; r++)
            n += plan.unhealed.ptr[r].members.len;
        assert_int_equal(n, count_listed(report, &filters[i]));
    }
}

static void test_plan__is_in_the_json_report(void **state)
{
    const struct report *report = with_apt(*state);
    const struct report_options options = {0};
    str text = sample_write(*state, "json", &report, 1, &options);
    auto_json *root = NULL;
    struct err err = {0};
    struct plan plan;
    assert_ok(json_read(text, &root, &err), err);
    assert_true(report_plan(*state, report, &options.filter, &plan));
    json_t *steps = json_arr(json_obj(root, "plan"), "steps");
    assert_int_equal(json_array_size(steps), plan.steps.len);
    assert_int_equal(json_array_size(json_arr(json_obj(root, "plan"), "unhealed")),
                     plan.unhealed.len);
    assert_true(str_starts(json_str(json_array_get(steps, 0), "command"),
                           STR("apt-get update && apt-get install -y --only-upgrade ")));
    const struct report_options sbom = {.is_sbom = true};
    auto_json *bare = NULL;
    assert_ok(json_read(sample_write(*state, "json", &report, 1, &sbom), &bare, &err), err);
    assert_true(json_is_null(json_object_get(bare, "plan")));
}

static void test_base__marks_layers_findings_and_packages(void **state)
{
    struct report *report = with_apt(*state);
    for (size_t n = 0; n <= report->layers.len; n++) {
        report_set_base(report, n);
        for (size_t i = 0; i < report->layers.len; i++)
            assert_int_equal(report->layers.ptr[i].is_base, i < n);
        for (size_t i = 0; i < report->findings.len; i++) {
            const struct finding *f = &report->findings.ptr[i];
            assert_int_equal(f->is_from_base, f->layer >= 0 && (size_t)f->layer < n);
        }
    }
    report->findings.ptr[0].layer = -1; /* nobody knows who brought it */
    report_set_base(report, 1);
    assert_false(report->findings.ptr[0].is_from_base);
}

static void disable(struct report *report, size_t i, const char *by, const char *why)
{
    report->findings.ptr[i].disabled_by = str_from(by);
    report->findings.ptr[i].disabled_reason = str_from(why);
}

static void test_disabled__is_listed_when_asked_for(void **state)
{
    struct report *report = with_apt(*state);
    const struct report *const one = report;
    const struct report_options plain = {.width = 80},
                                shown = {.width = 80, .shows_disabled = true};
    disable(report, 0, "low-noise", "decided \x1b[31m by us");
    str id = report->findings.ptr[0].id;
    str hidden = sample_write(*state, "table", &one, 1, &plain);
    assert_false(str_has(hidden, STR("low-noise")));
    str all = sample_write(*state, "table", &one, 1, &shown);
    size_t at = str_find(all, STR("DISABLED"));
    assert_true(at < all.len);
    assert_true(str_has(str_skip(all, at), id));
    assert_true(str_has(str_skip(all, at), STR("low-noise: decided \\x1b[31m by us")));
    assert_false(str_has(all, STR("\x1b")));
    /* the verdict stays the last line */
    str last = str_skip(all, str_rfind_byte(str_slice(all, 0, all.len - 1), '\n') + 1);
    assert_true(str_has(last, STR("Unhealthy: ")));
    str json = sample_write(*state, "json", &one, 1, &plain);
    assert_true(str_has(json, STR("\"disabledBy\": \"low-noise\"")));
    assert_true(str_has(json, STR("\"disabledReason\": \"decided \\u001b[31m by us\"")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_plan__holds_every_listed_finding_once, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_plan__is_in_the_json_report, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_base__marks_layers_findings_and_packages, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_disabled__is_listed_when_asked_for, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
