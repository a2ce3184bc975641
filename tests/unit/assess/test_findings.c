/* SPDX-License-Identifier: Apache-2.0 */
/* From what is installed and what is said of it to severity, class, fix state, category and
 * command: the whole way of a finding, a row each. */
#include "../match/world.h"

#include "assess/assess.h"

static void assert_column(str row, const char *what, str got, str want)
{
    if (!str_eq(got, want))
        fail_msg("%s is \"" STR_FMT "\", expected \"" STR_FMT "\" in:\n" STR_FMT, what,
                 STR_ARG(got), STR_ARG(want), STR_ARG(row));
}

/* The finding that the row is about: the only one. */
static struct finding *only_finding(struct world *world, str row)
{
    struct match_result *result = arena_new(&world->arena, struct match_result);
    struct err err = {0};
    assert_ok(run(world, result, &err), err);
    if (result->findings.len != 1)
        fail_msg("%zu findings in:\n" STR_FMT, result->findings.len, STR_ARG(row));
    return &result->findings.ptr[0];
}

static void check_row(str row)
{
    struct world world;
    str rest = row;
    parse_world(&world, &rest);
    struct finding *f = only_finding(&world, row);
    struct remedy_tools tools = assess_tools(&world.inventory.distro, &world.inventory.packages);
    assert_true(assess_remediate(&world.arena, f, &tools, STR("RUN x")));
    assert_column(row, "severity",
                  arena_printf(&world.arena, "%s " STR_FMT "/" STR_FMT, severity_name(f->severity),
                               STR_ARG(f->rated_by), STR_ARG(f->rating_basis)),
                  column(&rest));
    assert_column(row, "class", str_from(finding_class_name(f->class)), column(&rest));
    assert_column(row, "fix state", str_from(fix_state_name(f->fix_state)), column(&rest));
    assert_int_equal(f->is_patchable, f->fix_state == FIX_FIXED);
    assert_column(row, "category", f->category, column(&rest));
    assert_column(row, "command", f->remediation_command, column(&rest));
    assert_true(f->remediation_text.len > 0);
    arena_fini(&world.arena);
}

static void test_findings__rules(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct rd in;
    rd_init(&in, test_data(&arena, "assess/findings.txt"));
    str row;
    size_t n = 0;
    for (; test_next_row(&in, &row); n++)
        check_row(row);
    assert_true(n >= 150);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_findings__rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
