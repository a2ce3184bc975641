/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include <stdio.h>

#include "scene.h"

/* --- what we ask
 * ----------------------------------------------------------------------------------- */
static void test_client__asks_for_all_kinds_of_manifests_by_name(void **state)
{
    struct scene *s = *state;
    str bytes;
    say(s, s->registry, "200 OK", "", "{}");
    open_source(s);
    assert_ok(manifest(s, &bytes), s->err);
    assert_str(bytes, "{}");
    const char *head = s->registry->heads[0];
    expect_line(head, "GET /v2/team/app/manifests/v1 HTTP/1.1\r\n");
    expect_line(head, registry_user_agent());
    expect_line(head, "application/vnd.oci.image.index.v1+json");
    expect_line(head, "application/vnd.oci.image.manifest.v1+json");
    expect_line(head, "application/vnd.docker.distribution.manifest.list.v2+json");
    expect_line(head, "application/vnd.docker.distribution.manifest.v2+json");
    assert_false(has(head, "Authorization"));
}

static void test_client__digests_are_checked(void **state)
{
    struct scene *s = *state;
    str bytes;
    digest got, want = digest_of(HASH_SHA512, STR("{}"));
    char text[DIGEST_TEXT_SIZE];
    say(s, s->registry, "200 OK", "", "{}");
    say(s, s->registry, "200 OK", "", "{ }");
    say(s, s->registry, "200 OK",
        arena_printf(&s->arena, "Docker-Content-Digest: %s\r\n", digest_print(&want, text).ptr).ptr,
        "{ }");
    open_source(s);
    struct err *err = &s->err;
    assert_ok(s->source->ops->manifest(s->source, &s->arena, STR_NONE, &want, &bytes, &got, err),
              *err);
    assert_true(digest_eq(&got, &want));
    expect_line(s->registry->heads[0], "GET /v2/team/app/manifests/sha512:");
    assert_false(
        s->source->ops->manifest(s->source, &s->arena, STR_NONE, &want, &bytes, &got, err));
    assert_int_equal(err->kind, ERR_MISMATCH);
    expect_error(s, ERR_MISMATCH, "Docker-Content-Digest");
}

/* --- authentication
 * --------------------------------------------------------------------------------- */
static void test_client__bearer_token_is_fetched_once_and_never_leaves_its_host(void **state)
{
    struct scene *s = *state;
    str bytes;
    s->config.username = STR("user");
    s->config.password = STR("pass:word");
    ask_for_bearer(s);
    say(s, s->token, "200 OK", "", "{\"token\":\"T1\",\"expires_in\":300}");
    say(s, s->registry, "200 OK", "", "{}");
    say(s, s->registry, "307 Temporary Redirect",
        arena_printf(&s->arena, "Location: http://127.0.0.1:%u/signed?x=1\r\n", s->cdn->port).ptr,
        "");
    say(s, s->cdn, "200 OK", "", "layer bytes");
    open_source(s);
    assert_ok(manifest(s, &bytes), s->err);
    assert_ok(read_blob(s, "layer bytes", &bytes), s->err);
    assert_str(bytes, "layer bytes");
    assert_int_equal(s->token->n_asked, 1);
    expect_line(
        s->token->heads[0],
        "GET /token?a=b&service=reg%20one&scope=repository%3Ateam%2Fapp%3Apull HTTP/1.1\r\n");
    expect_line(s->token->heads[0], "Authorization: Basic dXNlcjpwYXNzOndvcmQ=\r\n");
    assert_false(has(s->registry->heads[0], "Authorization"));
    expect_line(s->registry->heads[1], "Authorization: Bearer T1\r\n");
    expect_line(s->registry->heads[2], "Authorization: Bearer T1\r\n");
    expect_line(s->cdn->heads[0], "GET /signed?x=1 HTTP/1.1\r\n");
    assert_false(has(s->cdn->heads[0], "Authorization"));
    assert_false(has(s->cdn->heads[0], "T1"));
}

static void test_client__identity_token_goes_by_post(void **state)
{
    struct scene *s = *state;
    str bytes;
    s->config.identity_token = STR("refresh+me");
    ask_for_bearer(s);
    say(s, s->token, "200 OK", "", "{\"access_token\":\"A1\"}");
    say(s, s->registry, "200 OK", "", "{}");
    open_source(s);
    assert_ok(manifest(s, &bytes), s->err);
    expect_line(s->token->heads[0], "POST /token?a=b HTTP/1.1\r\n");
    expect_line(s->token->heads[0], "grant_type=refresh_token&");
    expect_line(s->token->heads[0], "&refresh_token=refresh%2Bme");
    expect_line(s->registry->heads[1], "Authorization: Bearer A1\r\n");
}

static void test_client__expired_token_is_fetched_again(void **state)
{
    struct scene *s = *state;
    str bytes;
    ask_for_bearer(s);
    say(s, s->token, "200 OK", "", "{\"token\":\"T1\"}");
    say(s, s->registry, "200 OK", "", "{}");
    ask_for_bearer(s); /* the registry says when it is over */
    say(s, s->token, "200 OK", "", "{\"token\":\"T2\"}");
    say(s, s->registry, "200 OK", "", "{}");
    open_source(s);
    assert_ok(manifest(s, &bytes), s->err);
    assert_ok(manifest(s, &bytes), s->err);
    assert_false(has(s->token->heads[0], "Authorization"));
    expect_line(s->registry->heads[2], "Authorization: Bearer T1\r\n");
    expect_line(s->registry->heads[3], "Authorization: Bearer T2\r\n");
}

static void test_client__refusals_are_denied(void **state)
{
    struct scene *s = *state;
    s->config.username = STR("user");
    s->config.password = STR("wrong");
    ask_for_bearer(s);
    say(s, s->token, "401 Unauthorized", "", "{}");
    open_source(s);
    expect_error(s, ERR_DENIED, "refused the credentials");
    say(s, s->registry, "403 Forbidden", "", "{}");
    expect_error(s, ERR_DENIED, "manifest team/app:v1 is denied (403)");
    say(s, s->registry, "401 Unauthorized", "WWW-Authenticate: Basic realm=\"x\"\r\n", "{}");
    say(s, s->registry, "401 Unauthorized", "WWW-Authenticate: Basic realm=\"x\"\r\n", "{}");
    expect_error(s, ERR_DENIED, "(401)");
    expect_line(s->registry->heads[3], "Authorization: Basic dXNlcjp3cm9uZw==\r\n");
    say(s, s->registry, "401 Unauthorized", "WWW-Authenticate: Negotiate\r\n", "{}");
    expect_error(s, ERR_DENIED, "neither basic nor bearer");
    say(s, s->registry, "401 Unauthorized", "WWW-Authenticate: Bearer realm=\"\r\n", "{}");
    expect_error(s, ERR_DENIED, "not well formed");
}

static void test_client__without_credentials_says_how_to_log_in(void **state)
{
    struct scene *s = *state;
    say(s, s->registry, "401 Unauthorized", "WWW-Authenticate: Basic realm=\"x\"\r\n", "{}");
    open_source(s);
    expect_error(s, ERR_DENIED, "docker login");
}

static void test_client__token_realm_must_be_safe(void **state)
{
    struct scene *s = *state;
    s->config.username = STR("user");
    s->config.password = STR("pass");
    say(s, s->registry, "401 Unauthorized",
        "WWW-Authenticate: Bearer realm=\"http://198.51.100.7/token\",service=\"x\"\r\n", "{}");
    open_source(s);
    expect_error(s, ERR_DENIED, "not sent over plain http");
    say(s, s->registry, "401 Unauthorized",
        "WWW-Authenticate: Bearer realm=\"file:///etc/passwd\"\r\n", "{}");
    expect_error(s, ERR_DENIED, "is not an address");
    say(s, s->registry, "401 Unauthorized",
        "WWW-Authenticate: Bearer realm=\"ftp://127.0.0.1/t\"\r\n", "{}");
    expect_error(s, ERR_DENIED, "not https");
}

/* Through a proxy the registry has a name that is not this machine's. */
static void test_client__credentials_stay_off_plain_http(void **state)
{
    struct scene *s = *state;
    s->ref.host = STR("reg.example:5000");
    s->config.proxy = arena_printf(&s->arena, "http://127.0.0.1:%u", s->registry->port);
    s->config.username = STR("user");
    s->config.password = STR("pass");
    say(s, s->registry, "401 Unauthorized", "WWW-Authenticate: Basic realm=\"x\"\r\n", "{}");
    open_source(s);
    expect_error(s, ERR_DENIED, "reg.example:5000: credentials are not sent over plain http");
    assert_int_equal(s->registry->n_asked, 1);
    assert_false(has(s->registry->heads[0], "Authorization"));
}

static void test_client__challenge_of_a_stranger_is_not_answered(void **state)
{
    struct scene *s = *state;
    str bytes;
    s->config.username = STR("user");
    s->config.password = STR("pass");
    say(s, s->registry, "302 Found",
        arena_printf(&s->arena, "Location: http://127.0.0.1:%u/x\r\n", s->cdn->port).ptr, "");
    say(s, s->cdn, "401 Unauthorized",
        arena_printf(&s->arena, "WWW-Authenticate: Bearer realm=\"http://127.0.0.1:%u/t\"\r\n",
                     s->token->port)
            .ptr,
        "{}");
    open_source(s);
    assert_false(read_blob(s, "layer", &bytes));
    assert_int_equal(s->err.kind, ERR_DENIED);
    assert_int_equal(s->token->n_asked, 0);
    assert_int_equal(s->cdn->n_asked, 1);
}

/* --- what may go wrong
 * -------------------------------------------------------------------------------- */
static void test_client__missing_tag_is_named(void **state)
{
    struct scene *s = *state;
    say(s, s->registry, "404 Not Found", "", "{}");
    open_source(s);
    expect_error(s, ERR_NOT_FOUND, "no such repository or tag: team/app:v1");
}

static void test_client__waits_as_long_as_it_is_told(void **state)
{
    struct scene *s = *state;
    str bytes;
    say(s, s->registry, "429 Too Many Requests", "Retry-After: 0\r\n", "");
    say(s, s->registry, "503 Service Unavailable", "Retry-After: Thu, 01 Jan 2026 00:00:00 GMT\r\n",
        "");
    say(s, s->registry, "200 OK", "", "{}");
    open_source(s);
    assert_ok(manifest(s, &bytes), s->err);
    assert_int_equal(s->registry->n_asked, 3);
    for (int i = 0; i < 4; i++)
        say(s, s->registry, "429 Too Many Requests", "Retry-After: 0\r\n", "");
    expect_error(s, ERR_UNAVAILABLE, "too many requests (429)");
    assert_int_equal(s->registry->n_asked, 7);
    say(s, s->registry, "503 Service Unavailable", "Retry-After: 3600\r\n", "");
    int64_t start = clock_mono_ms();
    expect_error(s, ERR_UNAVAILABLE, "answered 503");
    assert_true(clock_mono_ms() - start < 5000);
    assert_int_equal(s->registry->n_asked, 8);
}

static void test_client__refused_connection_names_the_host(void **state)
{
    struct scene *s = *state;
    uint16_t port = 0;
    int bound = fake_bind(&port); /* taken, and nobody listens */
    s->ref.host = arena_printf(&s->arena, "127.0.0.1:%u", port);
    open_source(s);
    expect_error(s, ERR_UNAVAILABLE, s->ref.host.ptr);
    image_source_close(s->source);
    s->config.is_plain_http = false; /* both schemes are tried, the answer is the same */
    open_source(s);
    expect_error(s, ERR_UNAVAILABLE, s->ref.host.ptr);
    close(bound);
}

static void test_client__loopback_may_speak_plain_http(void **state)
{
    struct scene *s = *state;
    str bytes;
    s->config.is_plain_http = false;
    say(s, s->registry, "200 OK", "", "{}");
    say(s, s->registry, "200 OK", "", "{}");
    open_source(s);
    assert_ok(manifest(s, &bytes), s->err);
    assert_ok(manifest(s, &bytes), s->err);
    assert_int_equal(s->registry->n_asked, 2);
}

static void test_client__redirects_end(void **state)
{
    struct scene *s = *state;
    for (int i = 0; i < 9; i++)
        say(s, s->registry, "302 Found", "Location: elsewhere\r\n", "");
    open_source(s);
    expect_error(s, ERR_UNAVAILABLE, "more than 8 redirects");
    expect_line(s->registry->heads[1], "GET /v2/team/app/manifests/elsewhere HTTP/1.1\r\n");
    say(s, s->registry, "302 Found", "", "");
    expect_error(s, ERR_UNAVAILABLE, "without a place to go");
    say(s, s->registry, "302 Found", "Location: file:///etc/passwd\r\n", "");
    say(s, s->registry, "404 Not Found", "", "");
    expect_error(s, ERR_NOT_FOUND, "no such");
}

static void test_client__broken_blob_goes_on_where_it_broke(void **state)
{
    struct scene *s = *state;
    str bytes;
    break_off(s, "200 OK", "", 26, "abcdefgh");
    break_off(s, "206 Partial Content", "Content-Range: bytes 8-25/26\r\n", 18, "ijklm");
    break_off(s, "200 OK", "", 26, "abcdefghijklmnopqr"); /* knows no ranges */
    break_off(s, "206 Partial Content", "Content-Range: bytes 18-25/26\r\n", 8, "stuvwxyz");
    open_source(s);
    assert_ok(read_blob(s, "abcdefghijklmnopqrstuvwxyz", &bytes), s->err);
    assert_str(bytes, "abcdefghijklmnopqrstuvwxyz");
    assert_false(has(s->registry->heads[0], "Range:"));
    expect_line(s->registry->heads[1], "Range: bytes=8-\r\n");
    expect_line(s->registry->heads[2], "Range: bytes=13-\r\n");
    expect_line(s->registry->heads[3], "Range: bytes=18-\r\n");
}

static void test_client__blob_that_keeps_breaking_is_given_up(void **state)
{
    struct scene *s = *state;
    str bytes;
    break_off(s, "200 OK", "", 26, "ab");
    break_off(s, "206 Partial Content", "Content-Range: bytes 2-25/26\r\n", 24, "c");
    break_off(s, "206 Partial Content", "Content-Range: bytes 3-25/26\r\n", 23, "d");
    break_off(s, "206 Partial Content", "Content-Range: bytes 4-25/26\r\n", 22, "e");
    open_source(s);
    assert_false(read_blob(s, "abcdefghijklmnopqrstuvwxyz", &bytes));
    assert_int_equal(s->err.kind, ERR_UNAVAILABLE);
    assert_int_equal(s->registry->n_asked, 4);
    break_off(s, "200 OK", "", 26, "ab");
    break_off(s, "206 Partial Content", "Content-Range: bytes 0-25/26\r\n", 26, "abcdef");
    assert_false(read_blob(s, "abcdefghijklmnopqrstuvwxyz", &bytes));
    assert_non_null(strstr(s->err.msg, "another range"));
}

static void test_client__short_blob_with_honest_length_is_noticed(void **state)
{
    struct scene *s = *state;
    str bytes;
    for (int i = 0; i < 4; i++)
        say(s, s->registry, i ? "416 Range Not Satisfiable" : "200 OK", "", i ? "" : "abc");
    open_source(s);
    assert_false(read_blob(s, "abcdef", &bytes));
    assert_int_equal(s->err.kind, ERR_UNAVAILABLE);
}

static void test_client__configuration_of_another_host_is_refused(void **state)
{
    struct scene *s = *state;
    s->config.host = STR("other.example");
    assert_false(registry_open(&s->ref, &s->config, &s->source, &s->err));
    assert_int_equal(s->err.kind, ERR_USAGE);
}

static void test_client__cancel_ends_the_wait(void **state)
{
    struct scene *s = *state;
    struct cancel cancel = {0};
    s->config.cancel = &cancel;
    say(s, s->registry, "503 Service Unavailable", "Retry-After: 20\r\n", "");
    open_source(s);
    cancel.deadline_mono_ms = clock_mono_ms() + 300;
    int64_t start = clock_mono_ms();
    str bytes;
    assert_false(manifest(s, &bytes));
    assert_true(clock_mono_ms() - start < 10000);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_client__asks_for_all_kinds_of_manifests_by_name),
        TEST(test_client__digests_are_checked),
        TEST(test_client__bearer_token_is_fetched_once_and_never_leaves_its_host),
        TEST(test_client__identity_token_goes_by_post),
        TEST(test_client__expired_token_is_fetched_again),
        TEST(test_client__refusals_are_denied),
        TEST(test_client__without_credentials_says_how_to_log_in),
        TEST(test_client__token_realm_must_be_safe),
        TEST(test_client__credentials_stay_off_plain_http),
        TEST(test_client__challenge_of_a_stranger_is_not_answered),
        TEST(test_client__missing_tag_is_named),
        TEST(test_client__waits_as_long_as_it_is_told),
        TEST(test_client__refused_connection_names_the_host),
        TEST(test_client__loopback_may_speak_plain_http),
        TEST(test_client__redirects_end),
        TEST(test_client__broken_blob_goes_on_where_it_broke),
        TEST(test_client__blob_that_keeps_breaking_is_given_up),
        TEST(test_client__short_blob_with_honest_length_is_noticed),
        TEST(test_client__configuration_of_another_host_is_refused),
        TEST(test_client__cancel_ends_the_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
