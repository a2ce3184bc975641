/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include "api/internal.h"

struct row {
    str a, b, c;
};

/* Rows "a | b | c" of a file of tests/data. */
static bool next_row(str *rest, struct row *out)
{
    str line, tail;
    while (rest->len) {
        str_cut_byte(*rest, '\n', &line, rest);
        if (!line.len || str_starts(line, STR("#")))
            continue;
        str_cut_byte(line, '|', &out->a, &tail);
        str_cut_byte(tail, '|', &out->b, &out->c);
        out->a = str_trim(out->a);
        out->b = str_trim(out->b);
        out->c = str_trim(out->c);
        return true;
    }
    return false;
}

static const struct role *named(str name)
{
    for (size_t i = 0; role_at(i); i++)
        if (str_eq(str_from(role_at(i)->name), name))
            return role_at(i);
    fail_msg("no role " STR_FMT, STR_ARG(name));
    return NULL;
}

static void test_roles__allow_what_azure_says(void **state)
{
    (void)state;
    struct arena arena;
    struct row row;
    arena_init(&arena, MIB);
    str rest = test_data(&arena, "api/roles.txt");
    size_t n = 0;
    for (; next_row(&rest, &row); n++)
        if (role_allows(named(row.a), row.b) != str_eq(row.c, STR("yes")))
            fail_msg(STR_FMT ": " STR_FMT " should be " STR_FMT, STR_ARG(row.a), STR_ARG(row.b),
                     STR_ARG(row.c));
    assert_true(n > 40);
    arena_fini(&arena);
}

static void test_roles__actions_fit_patterns(void **state)
{
    (void)state;
    struct arena arena;
    struct row row;
    arena_init(&arena, MIB);
    str rest = test_data(&arena, "api/actions.txt");
    size_t n = 0;
    for (; next_row(&rest, &row); n++)
        if (action_fits(row.a, row.b) != str_eq(row.c, STR("yes")))
            fail_msg("'" STR_FMT "' and '" STR_FMT "' should be " STR_FMT, STR_ARG(row.a),
                     STR_ARG(row.b), STR_ARG(row.c));
    assert_true(n > 15);
    arena_fini(&arena);
}

static void test_roles__have_ids_of_their_own(void **state)
{
    (void)state;
    for (size_t i = 0; role_at(i); i++) {
        assert_true(api_is_uuid(str_from(role_at(i)->id)));
        assert_ptr_equal(role_find(str_from(role_at(i)->id)), role_at(i));
    }
    assert_null(role_find(STR("00000000-0000-0000-0000-000000000000")));
}

static void test_throttle__lets_ten_fail_and_then_one_each_three_seconds(void **state)
{
    (void)state;
    struct throttle *throttle = malloc(sizeof(*throttle));
    unsigned wait_s = 0;
    assert_non_null(throttle);
    assert_true(throttle_init(throttle));
    for (int i = 0; i < 10; i++) {
        assert_true(throttle_may(throttle, STR("10.0.0.1"), 1000, &wait_s));
        throttle_spend(throttle, STR("10.0.0.1"), 1000);
    }
    assert_false(throttle_may(throttle, STR("10.0.0.1"), 1001, &wait_s));
    assert_int_equal(wait_s, 3);
    assert_true(throttle_may(throttle, STR("10.0.0.2"), 1001, &wait_s));
    assert_true(throttle_may(throttle, STR("10.0.0.1"), 4000, &wait_s));
    throttle_spend(throttle, STR("10.0.0.1"), 4000);
    assert_false(throttle_may(throttle, STR("10.0.0.1"), 4001, &wait_s));
    assert_true(throttle_may(throttle, STR("10.0.0.1"), 4000 + 3600 * 1000, &wait_s));
    throttle_fini(throttle);
    free(throttle);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_roles__allow_what_azure_says),
        cmocka_unit_test(test_roles__actions_fit_patterns),
        cmocka_unit_test(test_roles__have_ids_of_their_own),
        cmocka_unit_test(test_throttle__lets_ten_fail_and_then_one_each_three_seconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
