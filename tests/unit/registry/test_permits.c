/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include <stdio.h>

#include "scene.h"

static struct registry_permits permits(struct scene *s)
{
    struct registry_permits out;
    assert_ok(registry_permits_get(s->source, &s->arena, &out, &s->err), s->err);
    return out;
}

/* {"access":[{"type":"repository","name":"team/app","actions":["pull","push"]}]} */
#define JWT                                                                                        \
    "e30.eyJhY2Nlc3MiOlt7InR5cGUiOiJyZXBvc2l0b3J5IiwibmFtZSI6InRlYW0vYXBwIiwiYWN0aW9ucyI6WyJwdWxs" \
    "IiwicHVzaCJdfV19.sig"

static void test_permits__the_scope_of_a_token_says(void **state)
{
    struct scene *s = *state;
    ask_for_bearer(s);
    say(s, s->token, "200 OK", "", "{\"token\":\"" JWT "\"}");
    open_source(s);
    struct registry_permits p = permits(s);
    assert_int_equal(p.pull, PERMIT_YES);
    assert_int_equal(p.push, PERMIT_YES);
    assert_int_equal(p.remove, PERMIT_NO);
    expect_line(s->token->heads[0], "scope=repository%3Ateam%2Fapp%3Apull%2Cpush%2Cdelete");
    assert_false(has(s->registry->heads[0], "DELETE"));
}

static void test_permits__an_opaque_token_tells_nothing(void **state)
{
    struct scene *s = *state;
    static const char *const tokens[] = {"{\"token\":\"opaque\"}", "{\"token\":\"a.!!!.c\"}",
                                         "{\"token\":\"e30.e30.x\"}"};
    open_source(s);
    for (size_t i = 0; i < 3; i++) {
        ask_for_bearer(s);
        say(s, s->token, "200 OK", "", tokens[i]);
        struct registry_permits p = permits(s);
        assert_int_equal(p.pull, PERMIT_UNKNOWN);
        assert_int_equal(p.remove, PERMIT_UNKNOWN);
        assert_string_equal(p.how, "");
    }
}

static void test_permits__else_the_methods_say(void **state)
{
    struct scene *s = *state;
    say(s, s->registry, "200 OK", "", "{}");
    say(s, s->registry, "200 OK", "Allow: GET, HEAD , put\r\n", "");
    open_source(s);
    struct registry_permits p = permits(s);
    expect_line(s->registry->heads[1], "OPTIONS /v2/team/app/manifests/latest HTTP/1.1\r\n");
    assert_int_equal(p.pull, PERMIT_YES);
    assert_int_equal(p.push, PERMIT_YES);
    assert_int_equal(p.remove, PERMIT_NO);
    say(s, s->registry, "200 OK", "", "{}");
    say(s, s->registry, "405 Method Not Allowed", "", "{}");
    assert_int_equal(permits(s).pull, PERMIT_UNKNOWN);
}

static void test_permits__hooks_of_a_project(void **state)
{
    struct scene *s = *state;
    struct registry_hooks hooks;
    s->config.username = STR("user");
    s->config.password = STR("pass");
    say(s, s->registry, "200 OK", "",
        "[{\"enabled\":false,\"event_types\":[\"PULL_ARTIFACT\"]},{\"enabled\":true,"
        "\"event_types\":[\"PUSH_ARTIFACT\",\"DELETE_ARTIFACT\"],\"targets\":[{\"type\":\"http\","
        "\"address\":\"https://plimsoll.example/notifications/lab\"}]}]");
    say(s, s->registry, "403 Forbidden", "", "{}");
    open_source(s);
    assert_ok(registry_hooks_get(s->source, &s->arena, &hooks, &s->err), s->err);
    expect_line(s->registry->heads[0], "GET /api/v2.0/projects/team/webhook/policies HTTP/1.1\r\n");
    expect_line(s->registry->heads[0], "Authorization: Basic dXNlcjpwYXNz\r\n");
    assert_true(hooks.is_told && hooks.has_push && hooks.has_delete && !hooks.has_pull);
    assert_int_equal(hooks.n_enabled, 1);
    assert_str(hooks.address, "https://plimsoll.example/notifications/lab");
    assert_ok(registry_hooks_get(s->source, &s->arena, &hooks, &s->err), s->err);
    assert_false(hooks.is_told);
}

static void test_permits__whether_it_resumes_and_lists_referrers(void **state)
{
    struct scene *s = *state;
    bool is_so = true;
    const struct descriptor blob = {.digest = digest_of(HASH_SHA256, STR("abc")), .size_bytes = 3};
    say(s, s->registry, "206 Partial Content", "Content-Range: bytes 1-2/3\r\n", "bc");
    say(s, s->registry, "200 OK", "", "abc");
    say(s, s->registry, "404 Not Found", "", "{}");
    say(s, s->registry, "200 OK", "", "{}");
    open_source(s);
    assert_ok(registry_resumes(s->source, &blob, &is_so, &s->err), s->err);
    assert_true(is_so);
    expect_line(s->registry->heads[0], "Range: bytes=1-\r\n");
    assert_ok(registry_resumes(s->source, &blob, &is_so, &s->err), s->err);
    assert_false(is_so);
    assert_ok(registry_has_referrers(s->source, &blob.digest, &is_so, &s->err), s->err);
    assert_false(is_so);
    assert_ok(registry_has_referrers(s->source, &blob.digest, &is_so, &s->err), s->err);
    assert_true(is_so);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_permits__the_scope_of_a_token_says),
        TEST(test_permits__an_opaque_token_tells_nothing),
        TEST(test_permits__else_the_methods_say),
        TEST(test_permits__hooks_of_a_project),
        TEST(test_permits__whether_it_resumes_and_lists_referrers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
