/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

static const char *const pieces[] = {"1", "2", "0", "10", "007", "a", "b",  "rc", "Z",
                                     "~", ".", ".", "+",  "_",   "-", "-1", "1:", "99"};

static const struct version_scheme *scheme(void) { return version_find(STR("pacman")); }

static void test_pacman__rules(void **state)
{
    (void)state;
    check_rules(scheme(), "version/pacman.txt");
}

/* All but one: a peer's own test says 1.0.0~rc1 < 1.0.0, which is rpm's tilde.  vercmp knows none:
 * what goes on with anything but a letter is greater. */
static void test_pacman__shared_vectors(void **state)
{
    (void)state;
    test_need_shared("versions/pacman.tsv");
    struct arena arena;
    arena_init(&arena, CHECK_ARENA);
    struct rd in;
    rd_init(&in, test_shared(&arena, "versions/pacman.tsv"));
    str line, a, op, b;
    int n = 0, n_exact = 0;
    assert_true(rd_line(&in, 4096, &line)); /* the head */
    for (; rd_line(&in, 4096, &line); n++) {
        assert_true(str_next(&line, '\t', &a) && str_next(&line, '\t', &op) &&
                    str_next(&line, '\t', &b));
        if (str_eq(a, STR("1.0.0~rc1")) && str_eq(b, STR("1.0.0"))) {
            check_order(scheme(), a, '>', b);
            continue;
        }
        check_order(scheme(), a, op.ptr[0], b);
        n_exact++;
    }
    print_message("pacman.tsv: exact %d/total %d\n", n_exact, n);
    assert_true(n >= 7 && n_exact >= n - 1);
    arena_fini(&arena);
}

/* vercmp is no order where one side has no release (1-1 = 1 = 1-2), so either all have one or none:
 * here none, and no letters behind a digit without a separator. */
static void test_pacman__is_mirrored(void **state)
{
    (void)state;
    struct maker source = {7, false, pieces, ARRAY_LEN(pieces)};
    size_t n_valid = 0;
    for (size_t i = 0; i < 100000; i++) {
        char bytes[2][MADE_SIZE];
        str a = maker_next(&source, bytes[0]), b = maker_next(&source, bytes[1]);
        enum version_order ab = scheme()->cmp(a, b);
        bool both = scheme()->is_valid(a) && scheme()->is_valid(b);
        n_valid += both;
        if ((ab == VERSION_UNKNOWN) == both || scheme()->cmp(b, a) != order_flip(ab))
            fail_msg("%s and %s", bytes[0], bytes[1]);
        assert_true(!both || scheme()->cmp(a, a) == VERSION_EQUAL);
    }
    assert_true(n_valid > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pacman__rules),
        cmocka_unit_test(test_pacman__shared_vectors),
        cmocka_unit_test(test_pacman__is_mirrored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
