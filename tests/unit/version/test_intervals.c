/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

static str cell(str *row)
{
    str field = STR_NONE;
    (void)str_next(row, ';', &field);
    return str_trim(field);
}

/* "[1.0,2.0) (3.0," */
static str print(struct arena *arena, const version_intervals *list)
{
    str out = list->len ? STR("") : STR("none");
    for (size_t i = 0; i < list->len; i++) {
        const struct version_cut *from = &list->ptr[i].from, *to = &list->ptr[i].to;
        out =
            arena_printf(arena, STR_FMT "%s%s" STR_FMT "," STR_FMT "%s", STR_ARG(out), i ? " " : "",
                         !from->version.len ? ""
                         : from->is_behind  ? "("
                                            : "[",
                         STR_ARG(from->version), STR_ARG(to->version),
                         !to->version.len ? ""
                         : to->is_behind  ? "]"
                                          : ")");
    }
    return out;
}

static void check_row(str row, struct arena *arena)
{
    str line = row, name = cell(&row), text = cell(&row), inside = cell(&row), outside = cell(&row);
    struct version_ranges ranges = {0};
    version_intervals in, out;
    struct err err = {0};
    const struct version_dialect *dialect = version_dialect_find(name);
    assert_non_null(dialect);
    bool is_read = version_ranges_add(dialect, NULL, text, arena, &ranges, &err) &&
                   version_inside(&ranges, arena, &in, &err) &&
                   version_outside(&ranges, arena, &out, &err);
    if (is_read == str_eq(inside, STR("refused")))
        fail_msg(STR_FMT ": %s", STR_ARG(line), is_read ? "is read" : err.msg);
    if (!is_read)
        return;
    if (!str_eq(print(arena, &in), inside) || !str_eq(print(arena, &out), outside))
        fail_msg(STR_FMT ": is " STR_FMT " ; " STR_FMT, STR_ARG(line), STR_ARG(print(arena, &in)),
                 STR_ARG(print(arena, &out)));
}

static void test_intervals__rules(void **state)
{
    (void)state;
    struct arena arena;
    struct rd in;
    size_t n = 0;
    arena_init(&arena, CHECK_ARENA);
    rd_init(&in, test_data(&arena, "version/intervals.txt"));
    for (str row; test_next_row(&in, &row); n++)
        check_row(row, &arena);
    assert_true(n >= 12);
    arena_fini(&arena);
}

/* --- the same answers as the ranges that they are made of
 * ----------------------------------------------------------- */
static bool is_in(const struct version_scheme *scheme, const version_intervals *list, str version)
{
    for (size_t i = 0; i < list->len; i++) {
        const struct version_cut *from = &list->ptr[i].from, *to = &list->ptr[i].to;
        enum version_order a =
            from->version.len ? scheme->cmp(version, from->version) : VERSION_GREATER;
        enum version_order b = to->version.len ? scheme->cmp(version, to->version) : VERSION_LESS;
        bool is_behind_from = a == VERSION_GREATER || (a == VERSION_EQUAL && !from->is_behind);
        bool is_before_to = b == VERSION_LESS || (b == VERSION_EQUAL && to->is_behind);
        if (is_behind_from && is_before_to)
            return true;
    }
    return false;
}

/* False: the row is of none that has intervals. */
static bool check_answer(str row, struct arena *arena)
{
    str line = row, name = cell(&row), text = cell(&row), version = cell(&row), word = cell(&row);
    str dialect, scheme;
    struct version_ranges ranges = {0};
    version_intervals in, out;
    struct err err = {0};
    (void)str_cut_byte(name, ':', &dialect, &scheme);
    if (str_eq(version, STR("refused")) || str_eq(word, STR("unknown")))
        return false;
    assert_ok(version_ranges_add(version_dialect_find(dialect),
                                 scheme.len ? version_find(scheme) : NULL, text, arena, &ranges,
                                 &err),
              err);
    if (!version_inside(&ranges, arena, &in, &err) || !version_outside(&ranges, arena, &out, &err))
        return false;
    bool is_inside = is_in(ranges.scheme, &in, version);
    bool is_outside = is_in(ranges.scheme, &out, version);
    if (is_inside != str_eq(word, STR("yes")) || is_outside == is_inside)
        fail_msg(STR_FMT ": inside %d, outside %d", STR_ARG(line), is_inside, is_outside);
    return true;
}

static void test_intervals__agree_with_their_ranges(void **state)
{
    (void)state;
    struct arena arena;
    struct rd in;
    size_t n = 0;
    arena_init(&arena, CHECK_ARENA);
    rd_init(&in, test_data(&arena, "version/ranges.txt"));
    for (str row; test_next_row(&in, &row);)
        n += check_answer(row, &arena);
    print_message("# rows of ranges that are intervals: %zu\n", n);
    assert_true(n >= 150);
    arena_fini(&arena);
}

static void test_intervals__a_small_arena_is_an_error(void **state)
{
    (void)state;
    bool has_worked = false;
    for (size_t budget = 0; budget < 32768; budget += 64) {
        struct arena arena;
        struct version_ranges ranges = {0};
        version_intervals out;
        struct err err = {0};
        arena_init(&arena, budget);
        bool is_read = version_ranges_add(version_dialect_find(STR("npm")), NULL,
                                          STR("^1.2 || ^2.3 || >4.0.0"), &arena, &ranges, &err) &&
                       version_outside(&ranges, &arena, &out, &err);
        assert_true(is_read || err.kind == ERR_MEMORY);
        has_worked |= is_read;
        arena_fini(&arena);
    }
    assert_true(has_worked);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_intervals__rules),
        cmocka_unit_test(test_intervals__agree_with_their_ranges),
        cmocka_unit_test(test_intervals__a_small_arena_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
