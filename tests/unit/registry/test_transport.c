/* SPDX-License-Identifier: Apache-2.0 */
/* What lies between: troubles that pass, proxies, slowness. */
#include "support.h"

#include <stdio.h>

#include "scene.h"

/* The connection ends without an answer. */
static void hang_up(struct fake *fake)
{
    assert_true(fake->n_replies < FAKE_MAX);
    fake->replies[fake->n_replies++] = STR("");
}

static void test_transport__troubles_of_a_server_pass(void **state)
{
    struct scene *s = *state;
    static const char *const troubles[] = {"500 Internal Server Error", "502 Bad Gateway",
                                           "504 Gateway Timeout"};
    str bytes;
    for (size_t i = 0; i < 3; i++)
        say(s, s->registry, troubles[i], "", "");
    say(s, s->registry, "200 OK", "", "{}");
    open_source(s);
    assert_ok(manifest(s, &bytes), s->err);
    assert_int_equal(s->registry->n_asked, 4);
}

static void test_transport__a_connection_that_ends_is_made_again(void **state)
{
    struct scene *s = *state;
    str bytes;
    hang_up(s->registry);
    hang_up(s->registry);
    say(s, s->registry, "200 OK", "", "{}");
    open_source(s);
    assert_ok(manifest(s, &bytes), s->err);
    for (int i = 0; i < 4; i++)
        hang_up(s->registry);
    expect_error(s, ERR_UNAVAILABLE, s->ref.host.ptr);
    assert_int_equal(s->registry->n_asked, 7);
}

/* What is sent twice may be done twice. */
static void test_transport__a_write_is_not_repeated(void **state)
{
    struct scene *s = *state;
    say(s, s->registry, "500 Internal Server Error", "", "");
    open_source(s);
    assert_false(registry_push_manifest(s->source, STR("{}"), "application/json", &s->err));
    assert_int_equal(s->registry->n_asked, 1);
    hang_up(s->registry);
    assert_false(registry_push_manifest(s->source, STR("{}"), "application/json", &s->err));
    assert_int_equal(s->registry->n_asked, 2);
}

static void test_transport__a_token_server_in_trouble_is_asked_again(void **state)
{
    struct scene *s = *state;
    str bytes;
    ask_for_bearer(s);
    say(s, s->token, "502 Bad Gateway", "", "<html>");
    hang_up(s->token);
    say(s, s->token, "200 OK", "", "{\"token\":\"T1\"}");
    say(s, s->registry, "200 OK", "", "{}");
    open_source(s);
    assert_ok(manifest(s, &bytes), s->err);
    expect_line(s->registry->heads[1], "Authorization: Bearer T1\r\n");
    image_source_close(s->source);
    ask_for_bearer(s);
    say(s, s->token, "200 OK", "", "<html>come back later</html>");
    open_source(s);
    expect_error(s, ERR_UNAVAILABLE, "token"); /* nothing that the image is to blame for */
}

/* A token that ends in the middle is renewed once; a registry that refuses the new one too is not
 * asked for ever. */
static void test_transport__a_401_in_the_middle_is_one_renewal(void **state)
{
    struct scene *s = *state;
    str bytes;
    s->config.username = STR("user");
    s->config.password = STR("pass");
    for (int i = 0; i < 2; i++) {
        ask_for_bearer(s);
        say(s, s->token, "200 OK", "", i ? "{\"token\":\"T2\"}" : "{\"token\":\"T1\"}");
        say(s, s->registry, "200 OK", "", i ? "layer" : "{}");
    }
    open_source(s);
    assert_ok(manifest(s, &bytes), s->err);
    assert_ok(read_blob(s, "layer", &bytes), s->err);
    expect_line(s->registry->heads[3], "Authorization: Bearer T2\r\n");
    for (int i = 0; i < 2; i++)
        ask_for_bearer(s);
    say(s, s->token, "200 OK", "", "{\"token\":\"T3\"}");
    expect_error(s, ERR_DENIED, "(401)");
    assert_int_equal(s->registry->n_asked, 6);
}

static void test_transport__by_a_proxy_unless_the_host_is_excepted(void **state)
{
    struct scene *s = *state;
    str bytes;
    s->config.proxy = arena_printf(&s->arena, "http://127.0.0.1:%u", s->cdn->port);
    say(s, s->cdn, "200 OK", "", "{}");
    open_source(s);
    assert_ok(manifest(s, &bytes), s->err);
    expect_line(s->cdn->heads[0], "GET http://127.0.0.1:");
    image_source_close(s->source);
    s->config.no_proxy = STR("localhost,127.0.0.1");
    say(s, s->registry, "200 OK", "", "{}");
    open_source(s);
    assert_ok(manifest(s, &bytes), s->err);
    assert_int_equal(s->cdn->n_asked, 1);
    assert_int_equal(s->registry->n_asked, 1);
}

static void test_transport__the_environments_proxy_only_when_asked_for(void **state)
{
    struct scene *s = *state;
    str bytes, proxy = arena_printf(&s->arena, "http://127.0.0.1:%u", s->cdn->port);
    setenv("http_proxy", proxy.ptr, 1);
    s->config.proxy = STR("none");
    say(s, s->registry, "200 OK", "", "{}");
    say(s, s->cdn, "200 OK", "", "{}");
    open_source(s);
    assert_ok(manifest(s, &bytes), s->err);
    assert_int_equal(s->cdn->n_asked, 0);
    image_source_close(s->source);
    s->config.proxy = STR("");
    open_source(s);
    assert_ok(manifest(s, &bytes), s->err);
    unsetenv("http_proxy");
    assert_int_equal(s->cdn->n_asked, 1);
}

static void test_transport__a_stall_is_a_timeout(void **state)
{
    struct scene *s = *state;
    uint16_t port = 0;
    int silent = fake_bind(&port);
    assert_int_equal(listen(silent, 4), 0); /* connections are made, and nobody answers */
    s->config.timeout_s = 1;
    s->ref.host = arena_printf(&s->arena, "127.0.0.1:%u", port);
    open_source(s);
    expect_error(s, ERR_UNAVAILABLE, "timeout, less than");
    close(silent);
}

static void test_transport__each_trouble_has_its_remedy(void **state)
{
    struct scene *s = *state;
    uint16_t port = 0;
    int bound = fake_bind(&port);
    say(s, s->registry, "404 Not Found", "", "{}");
    open_source(s);
    expect_error(s, ERR_NOT_FOUND, "no such");
    assert_non_null(strstr(registry_remedy(s->source, &s->err), "spelling"));
    image_source_close(s->source);
    s->ref.host = arena_printf(&s->arena, "127.0.0.1:%u", port);
    open_source(s);
    expect_error(s, ERR_UNAVAILABLE, s->ref.host.ptr);
    assert_non_null(strstr(registry_remedy(s->source, &s->err), "check the port"));
    image_source_close(s->source);
    s->ref.host = STR("no-such-host.invalid");
    open_source(s);
    expect_error(s, ERR_UNAVAILABLE, "no such host");
    assert_non_null(strstr(registry_remedy(s->source, &s->err), "DNS"));
    close(bound);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_transport__troubles_of_a_server_pass),
        TEST(test_transport__a_connection_that_ends_is_made_again),
        TEST(test_transport__a_write_is_not_repeated),
        TEST(test_transport__a_token_server_in_trouble_is_asked_again),
        TEST(test_transport__a_401_in_the_middle_is_one_renewal),
        TEST(test_transport__by_a_proxy_unless_the_host_is_excepted),
        TEST(test_transport__the_environments_proxy_only_when_asked_for),
        TEST(test_transport__a_stall_is_a_timeout),
        TEST(test_transport__each_trouble_has_its_remedy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
