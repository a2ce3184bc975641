/* SPDX-License-Identifier: Apache-2.0 */
/* A service principal's way to a token; s->token plays Microsoft Entra ID. */
#include "support.h"

#include <stdio.h>

#include "scene.h"

static const char *challenge(struct scene *s, uint16_t port)
{
    return arena_printf(&s->arena,
                        "WWW-Authenticate: Bearer realm=\"http://127.0.0.1:%u/oauth2/token\","
                        "service=\"reg.example\",scope=\"repository:team/app:pull\"\r\n",
                        port)
        .ptr;
}

static void be_principal(struct scene *s)
{
    s->config.azure = (struct registry_azure){
        .tenant = STR("contoso"), .client_id = STR("app-1"), .client_secret = STR("s&cret")};
    s->config.azure.authority = arena_printf(&s->arena, "http://127.0.0.1:%u", s->token->port);
}

static void test_azure__credentials_become_a_refresh_token_once(void **state)
{
    struct scene *s = *state;
    str bytes;
    be_principal(s);
    say(s, s->registry, "401 Unauthorized", challenge(s, s->registry->port), "{}");
    say(s, s->token, "200 OK", "", "{\"access_token\":\"ENTRA+1\",\"expires_in\":3599}");
    say(s, s->registry, "200 OK", "", "{\"refresh_token\":\"R/1\"}");
    say(s, s->registry, "200 OK", "", "{\"access_token\":\"A1\"}");
    say(s, s->registry, "200 OK", "", "{}");
    open_source(s);
    assert_ok(manifest(s, &bytes), s->err);
    expect_line(s->token->heads[0], "POST /contoso/oauth2/v2.0/token HTTP/1.1\r\n");
    expect_line(s->token->heads[0],
                "grant_type=client_credentials&client_id=app-1&client_secret=s%26cret&scope="
                "https%3A%2F%2Fmanagement.azure.com%2F.default");
    expect_line(s->registry->heads[1], "POST /oauth2/exchange HTTP/1.1\r\n");
    expect_line(s->registry->heads[1], "grant_type=access_token&service=reg.example&tenant=contoso&"
                                       "access_token=ENTRA%2B1");
    expect_line(s->registry->heads[2], "POST /oauth2/token HTTP/1.1\r\n");
    expect_line(s->registry->heads[2], "grant_type=refresh_token&");
    expect_line(s->registry->heads[2], "&refresh_token=R%2F1");
    expect_line(s->registry->heads[3], "Authorization: Bearer A1\r\n");
    /* the token ends: the refresh token is kept */
    say(s, s->registry, "401 Unauthorized", challenge(s, s->registry->port), "{}");
    say(s, s->registry, "200 OK", "", "{\"access_token\":\"A2\"}");
    say(s, s->registry, "200 OK", "", "{}");
    assert_ok(manifest(s, &bytes), s->err);
    assert_int_equal(s->token->n_asked, 1);
    expect_line(s->registry->heads[6], "Authorization: Bearer A2\r\n");
    /* the refresh token ends too: a new one, once */
    say(s, s->registry, "401 Unauthorized", challenge(s, s->registry->port), "{}");
    say(s, s->registry, "401 Unauthorized", "", "{}");
    say(s, s->token, "200 OK", "", "{\"access_token\":\"ENTRA2\"}");
    say(s, s->registry, "200 OK", "", "{\"refresh_token\":\"R2\"}");
    say(s, s->registry, "200 OK", "", "{\"access_token\":\"A3\"}");
    say(s, s->registry, "200 OK", "", "{}");
    assert_ok(manifest(s, &bytes), s->err);
    expect_line(s->registry->heads[10], "&refresh_token=R2");
    expect_line(s->registry->heads[11], "Authorization: Bearer A3\r\n");
}

static void test_azure__a_refused_principal_is_denied_with_the_reason(void **state)
{
    struct scene *s = *state;
    be_principal(s);
    say(s, s->registry, "401 Unauthorized", challenge(s, s->registry->port), "{}");
    say(s, s->token, "401 Unauthorized", "", "{\"error\":\"invalid_client\"}");
    open_source(s);
    expect_error(s, ERR_DENIED, "refused the service principal (401, invalid_client)");
    say(s, s->registry, "401 Unauthorized", challenge(s, s->registry->port), "{}");
    say(s, s->token, "200 OK", "", "<html>a captive portal</html>");
    expect_error(s, ERR_UNAVAILABLE, "token");
}

static void test_azure__its_token_goes_to_the_registry_only(void **state)
{
    struct scene *s = *state;
    be_principal(s);
    say(s, s->registry, "401 Unauthorized", challenge(s, s->cdn->port), "{}");
    say(s, s->token, "200 OK", "", "{\"access_token\":\"ENTRA\"}");
    open_source(s);
    expect_error(s, ERR_DENIED, "its token realm is at another host");
    assert_int_equal(s->cdn->n_asked, 0);
}

static void test_azure__its_secret_goes_by_https_only(void **state)
{
    struct scene *s = *state;
    be_principal(s);
    s->config.azure.authority = STR("http://198.51.100.7");
    say(s, s->registry, "401 Unauthorized", challenge(s, s->registry->port), "{}");
    open_source(s);
    expect_error(s, ERR_DENIED, "by https only");
}

static void test_azure__half_a_principal_is_refused(void **state)
{
    struct scene *s = *state;
    be_principal(s);
    s->config.azure.client_secret = STR("");
    assert_false(registry_open(&s->ref, &s->config, &s->source, &s->err));
    assert_int_equal(s->err.kind, ERR_USAGE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_azure__credentials_become_a_refresh_token_once),
        TEST(test_azure__a_refused_principal_is_denied_with_the_reason),
        TEST(test_azure__its_token_goes_to_the_registry_only),
        TEST(test_azure__its_secret_goes_by_https_only),
        TEST(test_azure__half_a_principal_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
