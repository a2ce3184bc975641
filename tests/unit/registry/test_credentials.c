/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include "registry/registry.h"

static void expect(str got, str want)
{
    if (!str_eq(got, str_eq(want, STR("-")) ? STR_NONE : want))
        fail_msg("\"%.*s\", expected \"%.*s\"", STR_ARG(got), STR_ARG(want));
}

static void check_row(struct arena *arena, str json, str row)
{
    str host = STR_NONE, user = STR_NONE, password = STR_NONE, token = STR_NONE;
    struct registry_credentials got;
    struct err err = {0};
    assert_true(str_cut_byte(row, ' ', &host, &row) && str_cut_byte(row, ' ', &user, &row) &&
                str_cut_byte(row, ' ', &password, &row) && str_cut_byte(row, ' ', &token, &row));
    assert_ok(registry_credentials_parse(arena, json, host, &got, &err), err);
    expect(got.username, user);
    expect(got.password, password);
    expect(got.identity_token, token);
    assert_int_equal(got.has_helper, str_eq(row, STR("yes")));
}

static void test_credentials__rules(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 4 << 20);
    str json = test_data(&arena, "registry/docker-config.json"), row;
    struct rd in;
    size_t n = 0;
    rd_init(&in, test_data(&arena, "registry/credentials.txt"));
    for (; test_next_row(&in, &row); n++)
        check_row(&arena, json, row);
    assert_true(n >= 10);
    arena_fini(&arena);
}

static void test_credentials__store_for_all_hosts_is_a_helper(void **state)
{
    (void)state;
    struct arena arena;
    struct err err = {0};
    struct registry_credentials got;
    arena_init(&arena, 1 << 20);
    str json = STR("{\"auths\":{\"reg.example\":{}},\"credsStore\":\"desktop\"}");
    assert_ok(registry_credentials_parse(&arena, json, STR("reg.example"), &got, &err), err);
    assert_true(got.has_helper);
    arena_fini(&arena);
}

static void test_credentials__broken_file_is_an_error(void **state)
{
    (void)state;
    struct arena arena;
    struct err err = {0};
    struct registry_credentials got;
    arena_init(&arena, 1 << 20);
    assert_false(registry_credentials_parse(&arena, STR("{"), STR("a.b"), &got, &err));
    assert_int_equal(err.kind, ERR_FORMAT);
    str json = STR("{\"auths\":{\"a.b\":{\"auth\":\"%%\"}}}");
    assert_false(registry_credentials_parse(&arena, json, STR("a.b"), &got, &err));
    assert_int_equal(err.kind, ERR_FORMAT);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_credentials__rules),
        cmocka_unit_test(test_credentials__store_for_all_hosts_is_a_helper),
        cmocka_unit_test(test_credentials__broken_file_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
