/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include "assess/assess.h"

/* sha256 over (8-byte little-endian length, bytes) of "a", "bc", computed apart from us;
 * the first 16 bytes with version and variant put in. */
static void test_name__is_the_same_for_ever(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 16);
    const str parts[] = {STR("a"), STR("bc")};
    assert_str(assess_uuid(&arena, parts, 2), "9a8acca1-b6c6-80be-bd3f-bc756aed625d");
    arena_fini(&arena);
}

static void test_name__boundaries_count(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 16);
    const str one[] = {STR("a"), STR("bc")}, other[] = {STR("ab"), STR("c")},
              more[] = {STR("a"), STR("bc"), STR("")};
    str a = assess_uuid(&arena, one, 2);
    assert_false(str_eq(a, assess_uuid(&arena, other, 2)));
    assert_false(str_eq(a, assess_uuid(&arena, more, 3)));
    assert_int_equal(a.len, 36);
    assert_int_equal(a.ptr[14], '8');
    assert_true(str_find_byte(STR("89ab"), a.ptr[19]) < 4);
    arena_fini(&arena);
}

static str name_of(struct arena *arena, const struct finding *finding)
{
    return assess_finding_name(arena, STR("registry"), STR("key"), STR("repo"), STR("sha256:1"),
                               finding);
}

static void test_name__every_part_of_a_finding_counts(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 16);
    const struct finding base = {.id = STR("CVE-1"),
                                 .type = STR("deb"),
                                 .package_name = STR("a"),
                                 .package_version = STR("1"),
                                 .path = STR("/p")};
    str name = name_of(&arena, &base);
    struct finding other = base;
    other.id = STR("CVE-2");
    assert_false(str_eq(name, name_of(&arena, &other)));
    other = base;
    other.package_version = STR("2");
    assert_false(str_eq(name, name_of(&arena, &other)));
    other = base;
    other.path = STR("/q"); /* an OS package is one, wherever its database lies */
    assert_true(str_eq(name, name_of(&arena, &other)));
    struct finding language = base;
    language.class = CLASS_LANGUAGE;
    other = language;
    other.path = STR("/q");
    assert_false(str_eq(name_of(&arena, &language), name_of(&arena, &other)));
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_name__is_the_same_for_ever),
        cmocka_unit_test(test_name__boundaries_count),
        cmocka_unit_test(test_name__every_part_of_a_finding_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
