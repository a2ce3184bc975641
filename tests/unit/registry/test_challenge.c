/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include "base/sb.h"
#include "registry/registry.h"

static void check_row(struct arena *arena, str row)
{
    str value, want;
    registry_challenges all = {0};
    struct sb got;
    assert_true(str_cut(row, STR(" =>"), &value, &want));
    want = str_trim(want);
    sb_init(&got, 1 << 16);
    if (!registry_challenge_parse(arena, value, &all))
        sb_addc(&got, "bad");
    else
        for (size_t i = 0; i < all.len; i++)
            sb_addf(&got, "%s%.*s{%.*s,%.*s,%.*s,%.*s}", i ? " " : "", STR_ARG(all.ptr[i].scheme),
                    STR_ARG(all.ptr[i].realm), STR_ARG(all.ptr[i].service),
                    STR_ARG(all.ptr[i].scope), STR_ARG(all.ptr[i].error));
    if (!str_eq(sb_str(&got), want))
        fail_msg("%.*s\n  is %.*s", STR_ARG(row), STR_ARG(sb_str(&got)));
    sb_fini(&got);
}

static void test_challenge__rules(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 4 << 20);
    struct rd in;
    str row;
    size_t n = 0;
    rd_init(&in, test_data(&arena, "registry/challenges.txt"));
    for (; test_next_row(&in, &row); n++)
        check_row(&arena, row);
    assert_true(n >= 19);
    arena_fini(&arena);
}

static void test_loopback__is_an_address_and_not_a_name_like_one(void **state)
{
    (void)state;
    static const char *const yes[] = {"localhost",    "LOCALHOST:5000", "127.0.0.1",
                                      "127.1.2.3:80", "[::1]",          "[::1]:5000"};
    static const char *const no[] = {"127.0.0.1.evil.example",
                                     "127.evil.example:5000",
                                     "128.0.0.1",
                                     "localhost.evil.example",
                                     "[::2]:5000",
                                     "[::1.evil",
                                     "10.0.0.1",
                                     ""};
    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
        assert_true(registry_host_is_loopback(str_from(yes[i])));
    for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
        if (registry_host_is_loopback(str_from(no[i])))
            fail_msg("%s was taken for this machine", no[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_challenge__rules),
        cmocka_unit_test(test_loopback__is_an_address_and_not_a_name_like_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
