/* SPDX-License-Identifier: Apache-2.0 */
#include "../support.h"

#include <string.h>

static void test_arena__the_budget_is_what_is_handed_out(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1024);
    assert_non_null(arena_alloc(&arena, 1000));
    assert_null(arena_alloc(&arena, 1000));
    assert_non_null(arena_alloc(&arena, 16));
    arena_reset(&arena);
    assert_non_null(arena_alloc(&arena, 1024));
    assert_null(arena_alloc_array(&arena, SIZE_MAX / 2, 16));
    arena_fini(&arena);
    assert_null(arena_alloc(&arena, 1));
}

static void test_arena__what_is_absorbed_stays(void **state)
{
    (void)state;
    for (int has_own = 0; has_own < 2; has_own++) {
        struct arena to, from;
        arena_init(&to, 8 << 20);
        arena_init(&from, 8 << 20);
        str own = has_own ? arena_dup(&to, STR("own")) : STR("own");
        str small = arena_dup(&from, STR("small"));
        char *large = arena_alloc(&from, 3 << 20);
        assert_true(own.ptr && small.ptr && large);
        memset(large, 'x', 3 << 20);
        size_t used = to.used_bytes + from.used_bytes;
        arena_absorb(&to, &from);
        assert_int_equal(to.used_bytes, used);
        assert_int_equal(from.used_bytes, 0);
        assert_non_null(arena_alloc(&from, 10)); /* usable still */
        for (int i = 0; i < 1000; i++)
            assert_non_null(arena_alloc(&to, 100));
        assert_str(own, "own");
        assert_str(small, "small");
        assert_true(large[0] == 'x' && large[(3 << 20) - 1] == 'x');
        arena_fini(&from);
        arena_fini(&to); /* the leak sanitizer looks whether it has all */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arena__the_budget_is_what_is_handed_out),
        cmocka_unit_test(test_arena__what_is_absorbed_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
