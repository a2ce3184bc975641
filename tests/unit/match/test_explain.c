/* SPDX-License-Identifier: Apache-2.0 */
/* Why, or why not: rows of tests/data/match/explain.txt. */
#include "world.h"

static str with_at_signs(struct arena *arena, str s)
{
    char *copy = arena_alloc(arena, s.len + 1);
    assert_non_null(copy);
    for (size_t i = 0; i < s.len; i++)
        copy[i] = s.ptr[i] == ' ' ? '@' : s.ptr[i];
    return str_of(copy, s.len);
}

static void check_is(struct arena *arena, const char *what, str is, str expected)
{
    str shown = with_at_signs(arena, is);
    if (!str_eq(shown, expected))
        fail_msg("%s is '" STR_FMT "', expected '" STR_FMT "'", what, STR_ARG(shown),
                 STR_ARG(expected));
}

static void check_explanation(struct arena *arena, const struct explanation *e, str kind, str text)
{
    str package = next_word(&text), value;
    check_is(arena, "kind", str_from(explain_kind_name(e->kind)), kind);
    check_is(arena, "package",
             arena_printf(arena, STR_FMT "@" STR_FMT, STR_ARG(e->name), STR_ARG(e->version)),
             package);
    for (str word; (word = next_word(&text)).len;) {
        if (value_of(word, "trace", &value))
            check_is(arena, "trace", e->trace, value);
        else if (value_of(word, "note", &value))
            check_is(arena, "note", e->note, value);
        else if (value_of(word, "rec", &value))
            check_is(
                arena, "record",
                arena_printf(arena, STR_FMT "/" STR_FMT, STR_ARG(e->source), STR_ARG(e->record)),
                value);
        else if (value_of(word, "off", &value))
            check_is(arena, "disabled", e->finding ? e->finding->disabled_by : STR("?"), value);
        else
            fail_msg("word " STR_FMT, STR_ARG(word));
    }
}

static void check_absent(const struct explain_result *result, str names)
{
    str name;
    size_t n = 0;
    for (; str_next(&names, ',', &name); n++) {
        assert_true(n < result->not_installed.len);
        assert_true(str_eq(result->not_installed.ptr[n].package, name));
    }
    assert_int_equal(result->not_installed.len, n);
}

struct told {
    size_t n_answers, n_elsewhere;
    bool has_absent, is_rejected, is_uncovered;
};

static void check_answer(struct world *world, const struct explain_result *result, str text,
                         struct told *told)
{
    str kind = next_word(&text);
    if (str_eq(kind, STR("nothing"))) {
        return;
    } else if (str_eq(kind, STR("rejected")) && !str_trim(text).len) {
        told->is_rejected = true;
    } else if (str_eq(kind, STR("uncovered"))) {
        told->is_uncovered = true;
    } else if (str_eq(kind, STR("elsewhere"))) {
        uint64_t n;
        assert_true(str_to_u64(next_word(&text), 100, &n));
        told->n_elsewhere = (size_t)n;
    } else if (str_eq(kind, STR("absent"))) {
        told->has_absent = true;
        check_absent(result, next_word(&text));
    } else {
        assert_true(told->n_answers < result->all.len);
        check_explanation(&world->arena, &result->all.ptr[told->n_answers++], kind, text);
    }
}

static void check_row(str row)
{
    struct world world;
    struct match_result matched;
    struct explain_result result;
    struct err err = {0};
    struct told told = {0};
    str part;
    parse_world(&world, &row);
    str id = column(&row), wanted = column(&row);
    const struct match_lookup lookup = lookup_of(&world);
    assert_ok(run(&world, &matched, &err), err);
    assert_ok(match_explain(&lookup, &world.inventory, &matched.findings, id, &world.arena, &result,
                            &err),
              err);
    while (str_next(&wanted, ';', &part))
        check_answer(&world, &result, part, &told);
    assert_int_equal(result.all.len, told.n_answers);
    assert_true(told.has_absent == (result.not_installed.len > 0));
    assert_int_equal(result.n_elsewhere, told.n_elsewhere);
    assert_int_equal(result.is_rejected, told.is_rejected);
    assert_int_equal(!result.is_covered, told.is_uncovered);
    arena_fini(&world.arena);
}

static void test_explain__answers(void **state)
{
    struct arena arena;
    struct rd in;
    size_t n = 0;
    (void)state;
    arena_init(&arena, 1 << 20);
    rd_init(&in, test_data(&arena, "match/explain.txt"));
    for (str row; test_next_row(&in, &row); n++) {
        print_message(STR_FMT "\n", STR_ARG(row)); /* the row of a failure is the last one */
        check_row(row);
    }
    print_message("# rows of explain: %zu/%zu\n", n, n);
    assert_true(n >= 50);
    arena_fini(&arena);
}

/* Whatever the memory, the answer is whole or an error. */
static void test_explain__a_small_arena_is_an_error(void **state)
{
    char text[] =
        "debian 12 | deb s 1; npm a 1.0.0; pypi r 1 owned=deb:s | osv/GHSA-a a 0.. eco=npm "
        "aka=CVE-2024-1; debian-tracker/CVE-2024-1 s 0..2; osv/GHSA-a r 0.. eco=PyPI; "
        "osv/GHSA-a z 0.. eco=npm |";
    struct world world;
    struct match_result matched;
    struct err err = {0};
    bool has_failed = false, has_worked = false;
    str row = str_from(text);
    (void)state;
    parse_world(&world, &row);
    const struct match_lookup lookup = lookup_of(&world);
    assert_ok(run(&world, &matched, &err), err);
    for (size_t budget = 0; budget < 64 << 10; budget += 64) {
        struct arena small;
        struct explain_result result;
        arena_init(&small, budget);
        err = (struct err){0};
        if (match_explain(&lookup, &world.inventory, &matched.findings, STR("CVE-2024-1"), &small,
                          &result, &err)) {
            has_worked = true;
            assert_int_equal(result.all.len, 3);
            assert_int_equal(result.not_installed.len, 1);
        } else {
            has_failed = true;
            assert_int_equal(err.kind, ERR_MEMORY);
        }
        arena_fini(&small);
    }
    assert_true(has_failed && has_worked);
    arena_fini(&world.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_explain__answers),
        cmocka_unit_test(test_explain__a_small_arena_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
