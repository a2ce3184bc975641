/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of every row of the table. */
#include "check.h"

#include <string.h>
#include <time.h>

static void test_version__finds_every_row_by_name(void **state)
{
    (void)state;
    size_t n;
    const struct version_scheme *const *all = version_schemes(&n);
    assert_true(n >= 2);
    for (size_t i = 0; i < n; i++) {
        assert_ptr_equal(version_find(str_from(all[i]->name)), all[i]);
        assert_non_null(all[i]->spec);
    }
    assert_null(version_find(STR("rpm-of-another-day")));
    assert_null(version_find(STR_NONE));
}

static bool is_one_of(const char *name, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

/* Those whose parsers trim. */
static bool is_trimmed(const struct version_scheme *scheme)
{
    static const char *const names[] = {"composer", "gem", "npm",   "nuget",
                                        "pep440",   "pub", "semver"};
    return is_one_of(scheme->name, names, ARRAY_LEN(names));
}

static void test_version__foreign_bytes_are_unknown(void **state)
{
    (void)state;
    size_t n;
    const struct version_scheme *const *all = version_schemes(&n);
    for (size_t i = 0; i < n; i++) {
        check_invalid(all[i], STR_NONE);
        check_invalid(all[i], STR(" "));
        check_invalid(all[i], str_of("1\0", 2));
        check_invalid(all[i], str_of("1.0.0\0", 6));
        check_invalid(all[i], STR("\xff"));
        check_invalid(all[i], STR("1.0.0\xff"));
        check_invalid(all[i], STR("1.0.0\n1"));
        check_invalid(all[i], STR("1.0.0 1"));
        if (is_trimmed(all[i])) {
            assert_int_equal(all[i]->cmp(STR(" 1.0.0\n"), STR("1.0.0")), VERSION_EQUAL);
            continue;
        }
        check_invalid(all[i], STR("1.0\n"));
        check_invalid(all[i], STR("1.0 "));
        check_invalid(all[i], STR(" 1.0"));
    }
}

/* Sixty thousand bytes made of @unit, behind @head. */
enum { LONG_LEN = 60000 };
static str make_long(struct arena *arena, str head, str unit)
{
    char *bytes = arena_alloc(arena, LONG_LEN + 1);
    memcpy(bytes, head.ptr, head.len);
    for (size_t i = head.len; i < LONG_LEN; i++)
        bytes[i] = unit.ptr[(i - head.len) % unit.len];
    bytes[LONG_LEN] = '1';
    return (str){bytes, LONG_LEN + 1};
}

/* Generous by a factor of ten or more: catches an allocation or a quadratic loop, not a slow
 * machine. */
static void test_version__a_long_version_costs_linear_time(void **state)
{
    (void)state;
    static const struct {
        str head, unit;
    } shapes[] = {
        {{"", 0}, {"1.", 2}},         {{"", 0}, {"0.", 2}},        {{"", 0}, {"1", 1}},
        {{"1.0.0-", 6}, {"1.a.", 4}}, {{"1.0.0-", 6}, {"-0.", 3}}, {{"1.0.0+", 6}, {"1.", 2}},
        {{"1", 1}, {"-0", 2}},        {{"1", 1}, {"a0", 2}},       {{"1.0-beta", 8}, {"-1", 2}},
    };
    size_t n;
    const struct version_scheme *const *all = version_schemes(&n);
    for (size_t s = 0; s < ARRAY_LEN(shapes); s++) {
        struct arena arena;
        arena_init(&arena, CHECK_ARENA);
        str v = make_long(&arena, shapes[s].head, shapes[s].unit);
        clock_t start = clock();
        for (size_t i = 0; i < n; i++)
            assert_int_equal(all[i]->cmp(v, v),
                             all[i]->is_valid(v) ? VERSION_EQUAL : VERSION_UNKNOWN);
        assert_true(clock() - start < CLOCKS_PER_SEC);
        arena_fini(&arena);
    }
}

/* Where every ordering agrees. */
static void test_version__numbers_of_any_length(void **state)
{
    (void)state;
    size_t n;
    const struct version_scheme *const *all = version_schemes(&n);
    for (size_t i = 0; i < n; i++) {
        /* composer: five digits in front at most, more are a date */
        check_order(all[i], STR("1.0.99999999999999999999999999999999999999"), '<',
                    STR("1.0.100000000000000000000000000000000000000"));
        check_order(all[i], STR("1.9.0"), '<', STR("1.10.0"));
        check_order(all[i], STR("1.10.0"), '=', STR("1.10.0"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_version__finds_every_row_by_name),
        cmocka_unit_test(test_version__foreign_bytes_are_unknown),
        cmocka_unit_test(test_version__a_long_version_costs_linear_time),
        cmocka_unit_test(test_version__numbers_of_any_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
