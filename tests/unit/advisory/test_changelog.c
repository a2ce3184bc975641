/* SPDX-License-Identifier: Apache-2.0 */
#include "../support.h"

#include "advisory/internal.h"

static void test_changelog__entries_of_the_source_with_their_ids(void **state)
{
    (void)state;
    struct arena arena;
    struct err err = {0};
    struct changelog changelog;
    arena_init(&arena, 1 << 20);
    str text = test_data(&arena, "advisory/changelog.txt");
    assert_ok(changelog_parse(text, STR("demo"), &arena, &changelog, &err), err);
    assert_int_equal(changelog.entries.len, 3);
    assert_true(changelog.is_cut);
    const struct changelog_entry *first = &changelog.entries.ptr[0];
    assert_str(first->version, "1.2-3+deb12u2");
    assert_str(first->distribution, "bookworm-security");
    assert_int_equal(first->date, 1795218782);
    assert_int_equal(first->cves.len, 2);
    assert_str(first->cves.ptr[0].id, "CVE-2026-1111");
    assert_str(first->cves.ptr[0].line, "Fix out of bounds read (CVE-2026-1111, CVE-2026-22222)");
    assert_str(first->cves.ptr[1].id, "CVE-2026-22222");
    assert_int_equal(changelog.entries.ptr[1].cves.len, 0);
    assert_int_equal(changelog.entries.ptr[1].date, 0);
    assert_str(changelog.entries.ptr[2].version, "1.2-1");
    assert_int_equal(changelog.entries.ptr[2].cves.len, 1);
    assert_str(changelog.entries.ptr[2].cves.ptr[0].id, "CVE-2021-3333");
    arena_fini(&arena);
}

static void test_changelog__what_has_no_heads_is_refused(void **state)
{
    (void)state;
    struct arena arena;
    struct err err = {0};
    struct changelog changelog;
    arena_init(&arena, 1 << 20);
    assert_false(changelog_parse(STR("2024-01-01  upstream\n\n\t* CVE-2024-1234\n"), STR("demo"),
                                 &arena, &changelog, &err));
    assert_int_equal(err.kind, ERR_FORMAT);
    arena_fini(&arena);
}

static void test_changelog__a_small_budget_is_an_error(void **state)
{
    (void)state;
    struct arena data, small;
    struct err err = {0};
    struct changelog changelog;
    arena_init(&data, 1 << 20);
    arena_init(&small, 64);
    assert_false(changelog_parse(test_data(&data, "advisory/changelog.txt"), STR("demo"), &small,
                                 &changelog, &err));
    assert_int_equal(err.kind, ERR_MEMORY);
    arena_fini(&small);
    arena_fini(&data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_changelog__entries_of_the_source_with_their_ids),
        cmocka_unit_test(test_changelog__what_has_no_heads_is_refused),
        cmocka_unit_test(test_changelog__a_small_budget_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
