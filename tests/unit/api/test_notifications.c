/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include "scene.h"

static const char TYPE[] = "application/vnd.docker.distribution.events.v1+json";

static const char PUSH[] =
    "{\"events\":[{\"id\":\"e1\",\"timestamp\":\"2026-08-09T12:00:00.123456789Z\","
    "\"action\":\"push\",\"target\":{\"mediaType\":"
    "\"application/vnd.oci.image.manifest.v1+json\",\"digest\":"
    "\"sha256:0000000000000000000000000000000000000000000000000000000000000001\","
    "\"size\":708,\"repository\":\"team/app\",\"tag\":\"v1\"},"
    "\"request\":{\"id\":\"r\",\"method\":\"PUT\",\"useragent\":\"skopeo\"}}]}";

static int notify(struct scene *s, const char *target, const char *authorization, const char *body)
{
    return scene_call(s, "POST", target, str_from(body), authorization, TYPE);
}

static uint64_t n_queued(struct scene *s)
{
    struct job_counts counts;
    assert_ok(store_jobs_count(s->store, &counts, &s->err), s->err);
    return counts.queued;
}

static void test_notification__is_kept_before_202(void **state)
{
    (void)state;
    static const char *const secrets[] = {"Bearer hush", "bearer hush", "hush"};
    struct scene *s = scene_open();
    for (size_t i = 0; i < 3; i++) { /* the second and third time the event is known */
        assert_int_equal(notify(s, "/notifications/Main", secrets[i], PUSH), 202);
        assert_int_equal(json_int(s->json, "events", -1), 1);
        assert_int_equal(json_int(s->json, "jobs", -1), i == 0);
        assert_int_equal(n_queued(s), 1);
    }
    scene_close(s);
}

static void test_notification__needs_the_secret(void **state)
{
    (void)state;
    static const char *const secrets[] = {NULL,         "",      "Bearer",    "Bearer ",
                                          "Bearer hus", "hushh", "Basic hush"};
    struct scene *s = scene_open();
    for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++)
        assert_error(s, notify(s, "/notifications/Main", secrets[i], PUSH), 401,
                     "InvalidAuthenticationToken");
    assert_error(s, notify(s, "/notifications/nobody", "Bearer hush", PUSH), 401,
                 "InvalidAuthenticationToken");
    const char *token = arena_printf(&s->arena, "Bearer " STR_FMT, STR_ARG(s->token)).ptr;
    assert_error(s, notify(s, "/notifications/Main", token, PUSH), 401,
                 "InvalidAuthenticationToken");
    assert_int_equal(n_queued(s), 0);
    scene_close(s);
}

static void test_notification__a_bad_body_is_refused_whole(void **state)
{
    (void)state;
    static const char *const bodies[] = {"", "{", "[]", "{\"events\":1}",
                                         ("{\"events\":[{\"action\":\"push\",\"target\":"
                                          "{\"digest\":\"sha256:1\",\"repository\":\"a\"}}]}")};
    struct scene *s = scene_open();
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
        assert_error(s, notify(s, "/notifications/Main", "Bearer hush", bodies[i]), 400,
                     "InvalidRequestContent");
    assert_int_equal(n_queued(s), 0);
    scene_close(s);
}

static void test_notification__may_be_larger_than_other_bodies(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    size_t n = LIMIT(HTTP_BODY) * 2;
    char *body = malloc(n + 1);
    assert_non_null(body);
    memset(body, ' ', n);
    memcpy(body, PUSH, sizeof(PUSH) - 1);
    body[n] = '\0';
    assert_int_equal(notify(s, "/notifications/Main", "Bearer hush", body), 202);
    free(body);
    n = LIMIT(EVENTS_BODY) + 1;
    body = calloc(1, n + 1);
    assert_non_null(body);
    memset(body, ' ', n);
    assert_error(s, notify(s, "/notifications/Main", "Bearer hush", body), 413,
                 "RequestEntityTooLarge");
    free(body);
    scene_close(s);
}

/* An api without a guard has nobody to keep it. */
static void test_notification__what_cannot_be_kept_is_503(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    http_server_close(s->server, 1000);
    api_close(s->api);
    struct api_spec spec = {.config = &s->config, .store_path = guard_store_path(s->guard)};
    assert_ok(api_open(&spec, &s->api, &s->err), s->err);
    struct http_server_spec server = {
        .address = STR("127.0.0.1"), .handler = api_handle, .user = s->api};
    assert_ok(http_server_open(&server, &s->server, &s->err), s->err);
    assert_error(s, notify(s, "/notifications/Main", "Bearer hush", PUSH), 503,
                 "ServiceUnavailable");
    assert_true(http_header_get(&s->answer.headers, STR("Retry-After")).len > 0);
    scene_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_notification__is_kept_before_202),
        cmocka_unit_test(test_notification__needs_the_secret),
        cmocka_unit_test(test_notification__a_bad_body_is_refused_whole),
        cmocka_unit_test(test_notification__may_be_larger_than_other_bodies),
        cmocka_unit_test(test_notification__what_cannot_be_kept_is_503),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
