/* SPDX-License-Identifier: Apache-2.0 */
/* Sign-in as Azure's clients do it, and what an attacker tries. */
#include "support.h"

#include <jwt.h>
#include <sodium.h>

#include "api/internal.h"
#include "base/clock.h"
#include "scene.h"

#define FORM "application/x-www-form-urlencoded"
#define TOKEN_V2 "/oauth2/v2.0/token"

struct owner {
    struct scene *s;
    struct api_owner made;
};

static struct owner open_owner(void)
{
    struct owner o = {.s = scene_open()};
    assert_ok(api_first_owner(o.s->api, &o.s->arena, &o.made, &o.s->err), o.s->err);
    assert_true(o.made.secret.len > 40);
    return o;
}

static int post_form(struct owner *o, const char *path, const char *form)
{
    const char *target =
        arena_printf(&o->s->arena, "/" STR_FMT "%s", STR_ARG(o->made.tenant), path).ptr;
    return scene_call(o->s, "POST", target, str_from(form), NULL, FORM);
}

static const char *credentials(struct owner *o, const char *more)
{
    return arena_printf(&o->s->arena, "client_id=" STR_FMT "&client_secret=" STR_FMT "&%s",
                        STR_ARG(o->made.client_id),
                        STR_ARG(http_url_escape(&o->s->arena, o->made.secret)), more)
        .ptr;
}

static void assert_oauth_error(struct owner *o, int status, int expected, const char *code,
                               int number)
{
    if (status != expected || !str_eq(scene_str(o->s, "error"), str_from(code)))
        fail_msg("is %d " STR_FMT, status, STR_ARG(o->s->answer.body));
    assert_int_equal(json_integer_value(scene_at(o->s, "error_codes.0")), number);
    assert_true(scene_str(o->s, "error_description").len > 10);
    assert_int_equal(scene_str(o->s, "trace_id").len, 36);
}

static void test_login__discovery_names_where_the_rest_is(void **state)
{
    (void)state;
    struct owner o = open_owner();
    const char *target = arena_printf(&o.s->arena,
                                      "/" STR_FMT "/v2.0/.well-known/"
                                      "openid-configuration",
                                      STR_ARG(o.made.tenant))
                             .ptr;
    assert_int_equal(scene_call(o.s, "GET", target, STR_NONE, NULL, ""), 200);
    str origin = arena_printf(&o.s->arena, "http://127.0.0.1:%u/" STR_FMT,
                              http_server_port(o.s->server), STR_ARG(o.made.tenant));
    assert_true(str_starts(scene_str(o.s, "issuer"), origin));
    assert_true(str_starts(scene_str(o.s, "token_endpoint"), origin));
    assert_true(str_ends(scene_str(o.s, "token_endpoint"), STR(TOKEN_V2)));
    assert_true(scene_str(o.s, "jwks_uri").len && scene_str(o.s, "authorization_endpoint").len);
    assert_int_equal(
        scene_call(o.s, "GET", "/common/.well-known/openid-configuration", STR_NONE, NULL, ""),
        200);
    assert_int_equal(scene_call(o.s, "GET",
                                "/00000000-0000-0000-0000-000000000001/v2.0/.well-known/"
                                "openid-configuration",
                                STR_NONE, NULL, ""),
                     400);
    scene_close(o.s);
}

static void test_login__metadata_of_both_generations(void **state)
{
    (void)state;
    struct owner o = open_owner();
    assert_int_equal(
        scene_call(o.s, "GET", "/metadata/endpoints?api-version=2015-01-01", STR_NONE, NULL, ""),
        200);
    assert_true(scene_str(o.s, "authentication.audiences.0").len > 0);
    assert_int_equal(
        scene_call(o.s, "GET", "/metadata/endpoints?api-version=2022-09-01", STR_NONE, NULL, ""),
        200);
    assert_str(scene_str(o.s, "0.name"), "Plimsoll");
    assert_true(str_eq(scene_str(o.s, "0.authentication.tenant"), o.made.tenant));
    scene_close(o.s);
}

static void test_login__a_secret_gives_a_token_that_works(void **state)
{
    (void)state;
    struct owner o = open_owner();
    str token;
    assert_int_equal(scene_login(o.s, o.made.tenant, o.made.client_id, o.made.secret, &token), 200);
    assert_str(scene_str(o.s, "token_type"), "Bearer");
    assert_int_equal(json_integer_value(scene_at(o.s, "expires_in")), 3599);
    assert_str(http_header_get(&o.s->answer.headers, STR("Cache-Control")), "no-store");
    assert_int_equal(scene_send(o.s, "GET", "/subscriptions" V, "", token), 200);
    assert_str(scene_str(o.s, "value.0.subscriptionId"), SUB);
    assert_int_equal(scene_send(o.s, "GET", "/plimsoll/v1/jobs", "", token), 200);
    scene_close(o.s);
}

static void test_login__the_first_form_speaks_in_texts(void **state)
{
    (void)state;
    struct owner o = open_owner();
    const char *form = credentials(
        &o, "grant_type=client_credentials&resource=https%3A%2F%2Fmanagement.core.windows.net%2F");
    assert_int_equal(post_form(&o, "/oauth2/token", form), 200);
    assert_str(scene_str(o.s, "expires_in"), "3599");
    assert_str(scene_str(o.s, "resource"), "https://management.core.windows.net/");
    scene_close(o.s);
}

static void test_login__credentials_may_be_basic(void **state)
{
    (void)state;
    struct owner o = open_owner();
    char text[256], basic[512];
    int n = snprintf(text, sizeof(text), STR_FMT ":" STR_FMT, STR_ARG(o.made.client_id),
                     STR_ARG(http_url_escape(&o.s->arena, o.made.secret)));
    snprintf(basic, sizeof(basic), "Basic ");
    sodium_bin2base64(basic + 6, sizeof(basic) - 6, (unsigned char *)text, (size_t)n,
                      sodium_base64_VARIANT_ORIGINAL);
    const char *target =
        arena_printf(&o.s->arena, "/" STR_FMT TOKEN_V2, STR_ARG(o.made.tenant)).ptr;
    assert_int_equal(scene_call(o.s, "POST", target,
                                STR("grant_type=client_credentials&scope=x%2F.default"), basic,
                                FORM),
                     200);
    scene_close(o.s);
}

static void test_login__what_is_wrong_is_said_as_azure_does(void **state)
{
    (void)state;
    struct owner o = open_owner();
    assert_oauth_error(&o, post_form(&o, TOKEN_V2, ""), 400, "invalid_request", 900144);
    assert_oauth_error(&o, post_form(&o, TOKEN_V2, credentials(&o, "grant_type=password&scope=x")),
                       400, "unsupported_grant_type", 70003);
    assert_oauth_error(&o,
                       post_form(&o, TOKEN_V2, credentials(&o, "grant_type=client_credentials")),
                       400, "invalid_scope", 70011);
    assert_oauth_error(&o,
                       post_form(&o, TOKEN_V2,
                                 "grant_type=client_credentials&scope=x&client_id=" SUB
                                 "&client_secret=plims_12345678~wrong"),
                       401, "invalid_client", 7000215);
    assert_oauth_error(
        &o,
        post_form(&o, TOKEN_V2,
                  arena_printf(&o.s->arena,
                               "grant_type=client_credentials&scope=x&client_id=" STR_FMT
                               "&client_secret=plims_12345678~wrong",
                               STR_ARG(o.made.client_id))
                      .ptr),
        401, "invalid_client", 7000215);
    scene_close(o.s);
}

static void test_login__whoever_guesses_is_slowed_down(void **state)
{
    (void)state;
    struct owner o = open_owner();
    str token;
    int status = 0;
    for (int i = 0; i < 10; i++)
        assert_int_equal(scene_login(o.s, o.made.tenant, o.made.client_id, STR("plims_x"), &token),
                         401);
    status = scene_login(o.s, o.made.tenant, o.made.client_id, STR("plims_x"), &token);
    assert_oauth_error(&o, status, 429, "temporarily_unavailable", 90006);
    assert_true(http_header_get(&o.s->answer.headers, STR("Retry-After")).len > 0);
    scene_close(o.s);
}

/* --- forged tokens
 * ------------------------------------------------------------------------------------------- */
static str claims_until(struct owner *o, int64_t exp, str tenant)
{
    return arena_printf(&o->s->arena,
                        "{\"tid\":\"" STR_FMT "\",\"oid\":\"" STR_FMT
                        "\",\"aud\":\"x\",\"nbf\":1,\"exp\":%lld}",
                        STR_ARG(tenant), STR_ARG(o->made.client_id), (long long)exp);
}

static str sign(struct owner *o, str claims)
{
    str token = STR_NONE;
    assert_ok(token_sign(&o->s->api->ring, o->s->store, &o->s->arena, claims, clock_now_s(), &token,
                         &o->s->err),
              o->s->err);
    return token;
}

static void refused(struct owner *o, str token, const char *code)
{
    assert_error(o->s, scene_send(o->s, "GET", "/subscriptions" V, "", token), 401, code);
}

static void test_login__tokens_of_others_are_refused(void **state)
{
    (void)state;
    struct owner o = open_owner();
    int64_t later = clock_now_s() + 600;
    refused(&o, sign(&o, claims_until(&o, clock_now_s() - 1, o.made.tenant)),
            "ExpiredAuthenticationToken");
    refused(&o, sign(&o, claims_until(&o, later, STR(SUB))), "InvalidAuthenticationTokenTenant");
    refused(&o, sign(&o, STR("{\"exp\":0}")), "ExpiredAuthenticationToken");
    str good = sign(&o, claims_until(&o, later, o.made.tenant));
    str bad = arena_dup(&o.s->arena, good);
    ((char *)(uintptr_t)bad.ptr)[bad.len - 10] ^= 1;
    refused(&o, bad, "InvalidAuthenticationToken");
    refused(&o, str_slice(good, 0, good.len / 2), "InvalidAuthenticationToken");
    refused(&o, STR("plim_unknown"), "InvalidAuthenticationToken");
    refused(&o, STR("a.b.c"), "InvalidAuthenticationToken");
    scene_close(o.s);
}

/* The classic: the public key as the secret of an HMAC, or no signature at all. */
static str forge(struct owner *o, jwt_alg_t alg, str key)
{
    jwt_t *jwt = NULL;
    str claims = claims_until(o, clock_now_s() + 600, o->made.tenant);
    assert_int_equal(jwt_new(&jwt), 0);
    assert_int_equal(
        jwt_set_alg(jwt, alg, key.len ? (const unsigned char *)key.ptr : NULL, (int)key.len), 0);
    assert_int_equal(jwt_add_grants_json(jwt, arena_cstr(&o->s->arena, claims)), 0);
    char *text = jwt_encode_str(jwt);
    str out = arena_dup(&o->s->arena, str_from(text));
    free(text);
    jwt_free(jwt);
    return out;
}

static void test_login__the_algorithm_is_not_the_tokens_to_choose(void **state)
{
    (void)state;
    struct owner o = open_owner();
    sign(&o, STR("{}")); /* there is a key now */
    str public_pem = o.s->api->ring.keys.ptr[0].public_pem;
    refused(&o, forge(&o, JWT_ALG_HS256, public_pem), "InvalidAuthenticationToken");
    refused(&o, forge(&o, JWT_ALG_NONE, STR("")), "InvalidAuthenticationToken");
    scene_close(o.s);
}

static void test_login__keys_are_published_and_kept(void **state)
{
    (void)state;
    struct owner o = open_owner();
    str token;
    assert_int_equal(scene_login(o.s, o.made.tenant, o.made.client_id, o.made.secret, &token), 200);
    const char *target =
        arena_printf(&o.s->arena, "/" STR_FMT "/discovery/v2.0/keys", STR_ARG(o.made.tenant)).ptr;
    assert_int_equal(scene_call(o.s, "GET", target, STR_NONE, NULL, ""), 200);
    assert_str(scene_str(o.s, "keys.0.kty"), "RSA");
    assert_str(scene_str(o.s, "keys.0.e"), "AQAB");
    assert_int_equal(scene_str(o.s, "keys.0.n").len, 342);
    assert_null(scene_at(o.s, "keys.0.d"));
    assert_null(scene_at(o.s, "keys.1"));
    scene_close(o.s);
}

static void test_login__a_key_is_made_anew_and_the_old_one_still_read(void **state)
{
    (void)state;
    struct owner o = open_owner();
    struct token_claims claims;
    struct token_ring *ring = &o.s->api->ring;
    str old, fresh;
    int64_t now = 2000000000, day = 86400;
    str text = claims_until(&o, now + 40 * day, o.made.tenant);
    assert_ok(token_sign(ring, o.s->store, &o.s->arena, text, now, &old, &o.s->err), o.s->err);
    now += 31 * day;
    assert_ok(token_sign(ring, o.s->store, &o.s->arena, text, now, &fresh, &o.s->err), o.s->err);
    assert_int_equal(ring->keys.len, 2);
    assert_ok(token_verify(ring, o.s->store, &o.s->arena, old, now, &claims, &o.s->err), o.s->err);
    assert_ok(token_verify(ring, o.s->store, &o.s->arena, fresh, now, &claims, &o.s->err),
              o.s->err);
    now += 31 * day;
    assert_ok(token_sign(ring, o.s->store, &o.s->arena, text, now, &fresh, &o.s->err), o.s->err);
    assert_int_equal(ring->keys.len, 2);
    assert_false(
        token_verify(ring, o.s->store, &o.s->arena, old, now - 60 * day, &claims, &o.s->err));
    scene_close(o.s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_login__discovery_names_where_the_rest_is),
        cmocka_unit_test(test_login__metadata_of_both_generations),
        cmocka_unit_test(test_login__a_secret_gives_a_token_that_works),
        cmocka_unit_test(test_login__the_first_form_speaks_in_texts),
        cmocka_unit_test(test_login__credentials_may_be_basic),
        cmocka_unit_test(test_login__what_is_wrong_is_said_as_azure_does),
        cmocka_unit_test(test_login__whoever_guesses_is_slowed_down),
        cmocka_unit_test(test_login__tokens_of_others_are_refused),
        cmocka_unit_test(test_login__the_algorithm_is_not_the_tokens_to_choose),
        cmocka_unit_test(test_login__keys_are_published_and_kept),
        cmocka_unit_test(test_login__a_key_is_made_anew_and_the_old_one_still_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
