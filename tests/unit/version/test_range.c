/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include "base/limits.h"

static str cell(str *row)
{
    str field = STR_NONE;
    (void)str_next(row, ';', &field);
    return str_trim(field);
}

static const char *const words[] = {
    [WITHIN_UNKNOWN] = "unknown", [WITHIN_NO] = "no", [WITHIN_YES] = "yes"};

/* "ghsa:npm" */
static bool parse(str name, str text, struct arena *arena, struct version_ranges *out,
                  struct err *err)
{
    str dialect, scheme;
    (void)str_cut_byte(name, ':', &dialect, &scheme);
    const struct version_dialect *row = version_dialect_find(dialect);
    if (!row)
        fail_msg("no dialect " STR_FMT, STR_ARG(dialect));
    return version_ranges_add(row, scheme.len ? version_find(scheme) : NULL, text, arena, out, err);
}

static void check_row(str row, struct arena *arena)
{
    str line = row, name = cell(&row), text = cell(&row), version = cell(&row), word = cell(&row);
    struct version_ranges ranges = {0};
    struct err err = {0};
    bool is_read = parse(name, text, arena, &ranges, &err);
    if (str_eq(version, STR("refused"))) {
        if (is_read || err.kind == ERR_NONE || ranges.bounds.len)
            fail_msg("is read: " STR_FMT, STR_ARG(line));
        return;
    }
    if (!is_read)
        fail_msg(STR_FMT ": %s", STR_ARG(line), err.msg);
    const char *answer = words[version_within(&ranges, version)];
    if (!str_eq(word, str_from(answer)))
        fail_msg(STR_FMT ": is %s", STR_ARG(line), answer);
}

static void test_range__rules(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, CHECK_ARENA);
    struct rd in;
    rd_init(&in, test_data(&arena, "version/ranges.txt"));
    str row;
    size_t n = 0;
    for (; test_next_row(&in, &row); n++)
        check_row(row, &arena);
    assert_true(n > 200);
    arena_fini(&arena);
}

static void test_range__every_dialect_has_an_ordering_and_rules(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, CHECK_ARENA);
    str rules = test_data(&arena, "version/ranges.txt");
    size_t n;
    const struct version_dialect *all = version_dialects(&n);
    for (size_t i = 0; i < n; i++) {
        assert_ptr_equal(version_dialect_find(str_from(all[i].name)), &all[i]);
        assert_true(!all[i].scheme || version_find(str_from(all[i].scheme)));
        assert_true(str_has(rules, arena_printf(&arena, "\n%s ;", all[i].name)) ||
                    str_has(rules, arena_printf(&arena, "\n%s:", all[i].name)));
    }
    assert_null(version_dialect_find(STR("cobol")));
    arena_fini(&arena);
}

/* rubysec's lists: one of them must hold. */
static void test_range__texts_add_up(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, CHECK_ARENA);
    struct version_ranges ranges = {0};
    struct err err = {0};
    assert_int_equal(version_within(&ranges, STR("1")), WITHIN_UNKNOWN);
    assert_ok(parse(STR("gem"), STR("~> 1.2.3"), &arena, &ranges, &err), err);
    assert_ok(parse(STR("gem"), STR(">= 2"), &arena, &ranges, &err), err);
    assert_int_equal(version_within(&ranges, STR("1.2.5")), WITHIN_YES);
    assert_int_equal(version_within(&ranges, STR("1.3")), WITHIN_NO);
    assert_int_equal(version_within(&ranges, STR("2.1")), WITHIN_YES);
    size_t before = ranges.bounds.len;
    assert_false(parse(STR("gem"), STR(">= 3, ?"), &arena, &ranges, &err));
    assert_int_equal(ranges.bounds.len, before);
    arena_fini(&arena);
}

static void test_range__has_a_limit(void **state)
{
    (void)state;
    enum { BOUNDS = 5000 };
    struct arena arena;
    arena_init(&arena, CHECK_ARENA);
    char *text = arena_alloc(&arena, BOUNDS * 3);
    for (size_t i = 0; i < BOUNDS; i++)
        memcpy(text + i * 3, ">1,", 3);
    struct version_ranges ranges = {0};
    struct err err = {0};
    assert_true(BOUNDS > LIMIT(RANGE_BOUNDS));
    assert_false(parse(STR("gem"), str_of(text, BOUNDS * 3 - 1), &arena, &ranges, &err));
    assert_int_equal(err.kind, ERR_LIMIT);
    assert_int_equal(ranges.bounds.len, 0);
    arena_fini(&arena);
}

static void test_range__a_small_arena_is_an_error(void **state)
{
    (void)state;
    for (size_t budget = 0; budget < 1024; budget += 16) {
        struct arena arena;
        arena_init(&arena, budget);
        struct version_ranges ranges = {0};
        struct err err = {0};
        if (!parse(STR("npm"), STR("^1.2 || ~2.0 || 3.x - 4"), &arena, &ranges, &err))
            assert_true(err.kind != ERR_NONE && ranges.bounds.len == 0);
        arena_fini(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_range__rules),
        cmocka_unit_test(test_range__every_dialect_has_an_ordering_and_rules),
        cmocka_unit_test(test_range__texts_add_up),
        cmocka_unit_test(test_range__has_a_limit),
        cmocka_unit_test(test_range__a_small_arena_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
