/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include "http/raw_server.h"
#include "scene.h"

#define OWN "/plimsoll/v1/"

static void test_health__needs_no_token(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    assert_int_equal(scene_call(s, "GET", "/healthz", STR_NONE, NULL, ""), 200);
    assert_str(scene_str(s, "status"), "ok");
    assert_int_equal(scene_call(s, "HEAD", "/healthz", STR_NONE, NULL, ""), 200);
    assert_error(s, scene_call(s, "DELETE", "/healthz", STR_NONE, NULL, ""), 401,
                 "AuthenticationFailed");
    scene_close(s);
}

static void test_ready__only_with_a_database(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    assert_error(s, scene_call(s, "GET", "/readyz", STR_NONE, NULL, ""), 503, "ServiceUnavailable");
    assert_true(str_has(scene_str(s, "error.message"), STR("no advisory database")));
    scene_close(s);
}

static void test_status__tells_what_the_guard_does(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    assert_int_equal(scene_get(s, OWN "status"), 200);
    assert_true(scene_str(s, "version").len > 0);
    assert_true(json_is_false(scene_at(s, "scanning")));
    assert_int_equal(json_int(s->json, "notificationsAccepted", -1), 0);
    scene_close(s);
}

/* --- jobs
 * ----------------------------------------------------------------------------------------- */

static void test_jobs__show_state_and_error(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    add_image(s, 1, "v1", 2, NULL);
    add_image(s, 2, "v2", 0, "layer 3: digest mismatch");
    add_push(s, 3, "v3");
    assert_int_equal(scene_get(s, OWN "jobs"), 200);
    assert_int_equal(json_array_size(scene_at(s, "value")), 3);
    assert_int_equal(json_integer_value(scene_at(s, "counts.queued")), 1);
    assert_int_equal(json_integer_value(scene_at(s, "counts.done")), 1);
    assert_int_equal(json_integer_value(scene_at(s, "counts.failed")), 1);
    assert_str(scene_str(s, "value.0.state"), "queued"); /* newest first */
    assert_str(scene_str(s, "value.0.kind"), "scan");
    assert_str(scene_str(s, "value.0.registry"), "Main");
    assert_str(scene_str(s, "value.0.repository"), "team/app");
    assert_str(scene_str(s, "value.0.tag"), "v3");
    assert_str(scene_str(s, "value.1.state"), "failed");
    assert_str(scene_str(s, "value.1.error"), "layer 3: digest mismatch");
    assert_str(scene_str(s, "value.2.state"), "done");
    scene_close(s);
}

static void test_jobs__are_filtered_and_paged(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    for (unsigned i = 1; i <= 5; i++)
        add_push(s, i, "t");
    assert_int_equal(scene_get(s, OWN "jobs?state=queued&registry=MAIN&$top=2"), 200);
    assert_int_equal(json_array_size(scene_at(s, "value")), 2);
    size_t n = 2;
    while (scene_str(s, "nextLink").len) {
        assert_int_equal(scene_get(s, arena_cstr(&s->arena, scene_str(s, "nextLink"))), 200);
        n += json_array_size(scene_at(s, "value"));
    }
    assert_int_equal(n, 5);
    assert_int_equal(scene_get(s, OWN "jobs?state=done"), 200);
    assert_int_equal(json_array_size(scene_at(s, "value")), 0);
    assert_int_equal(scene_get(s, OWN "jobs?registry=other"), 200);
    assert_int_equal(json_array_size(scene_at(s, "value")), 0);
    assert_error(s, scene_get(s, OWN "jobs?state=sleeping"), 400, "InvalidParameter");
    assert_error(s, scene_get(s, OWN "jobs?registry=nobody"), 404, "ResourceNotFound");
    scene_close(s);
}

/* --- scan by hand
 * --------------------------------------------------------------------------------- */

#define MANIFEST                                                                                   \
    "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\","           \
    "\"config\":{\"mediaType\":\"application/vnd.oci.image.config.v1+json\",\"digest\":"           \
    "\"sha256:0000000000000000000000000000000000000000000000000000000000000005\",\"size\":2},"     \
    "\"layers\":[]}"

/* A registry that has one manifest under the tag v1. */
static bool be_registry(struct raw_server *server, int fd, const char *head)
{
    (void)server;
    char text[1024];
    if (strstr(head, " /v2/team/app/manifests/")) {
        bool has_body = strncmp(head, "HEAD ", 5) != 0;
        bool is_known = strstr(head, "/manifests/v1 ") || strstr(head, "/manifests/sha256:");
        snprintf(text, sizeof(text),
                 is_known ? "HTTP/1.1 200 OK\r\nContent-Type: "
                            "application/vnd.oci.image.manifest.v1+json\r\n"
                            "Content-Length: %zu\r\n\r\n%s"
                          : "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
                 sizeof(MANIFEST) - 1, has_body ? MANIFEST : "");
        raw_say(fd, text);
    } else {
        raw_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    }
    return true;
}

static void set_host(struct scene *s, uint16_t port)
{
    s->registry.host = arena_printf(&s->arena, "127.0.0.1:%u", port);
    assert_ok(store_registry_put(s->store, &s->registry, 1, &s->err), s->err);
}

static void test_scan__resolves_a_tag_and_queues_it_once(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    struct raw_server registry;
    raw_open(&registry, be_registry, NULL);
    set_host(s, registry.port);
    const char *body = "{\"repository\":\"team/app\",\"reference\":\"v1\"}";
    assert_int_equal(scene_post(s, OWN "registries/MAIN/scan", body), 202);
    assert_true(json_is_true(scene_at(s, "new")));
    digest expected = digest_of(HASH_SHA256, STR(MANIFEST));
    char text[DIGEST_TEXT_SIZE];
    assert_true(str_eq(scene_str(s, "digest"), digest_print(&expected, text)));
    assert_int_equal(scene_post(s, OWN "registries/main/scan", body), 202);
    assert_true(json_is_false(scene_at(s, "new")));
    assert_int_equal(scene_get(s, OWN "jobs"), 200);
    assert_int_equal(json_array_size(scene_at(s, "value")), 1);
    assert_str(scene_str(s, "value.0.tag"), "v1");
    assert_error(s,
                 scene_post(s, OWN "registries/main/scan",
                            "{\"repository\":\"team/app\",\"reference\":\"v9\"}"),
                 404, "ResourceNotFound");
    raw_close(&registry);
    scene_close(s);
}

static void test_scan__says_what_is_wrong_with_the_request(void **state)
{
    (void)state;
    static const struct {
        const char *registry, *body;
        int status;
        const char *code;
    } rows[] = {
        {"main", "{", 400, "InvalidRequestContent"},
        {"main", "[]", 400, "InvalidRequestContent"},
        {"main", "{\"repository\":\"a\"}", 400, "InvalidRequestContent"},
        {"main", "{\"repository\":1,\"reference\":\"x\"}", 400, "InvalidRequestContent"},
        {"main", "{\"repository\":\"A b\",\"reference\":\"x\"}", 400, "InvalidParameter"},
        {"main", "{\"repository\":\"a\",\"reference\":\"sha256:1\"}", 400, "InvalidParameter"},
        {"nobody", "{\"repository\":\"a\",\"reference\":\"x\"}", 404, "ResourceNotFound"},
        {"main", "{\"repository\":\"a\",\"reference\":\"x\"}", 503, "ServiceUnavailable"},
    };
    struct scene *s = scene_open(); /* nothing listens on the registry's port 1 */
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char target[64];
        snprintf(target, sizeof(target), OWN "registries/%s/scan", rows[i].registry);
        int status = scene_post(s, target, rows[i].body);
        if (status != rows[i].status)
            print_message("%s\n", rows[i].body);
        assert_error(s, status, rows[i].status, rows[i].code);
    }
    const char *token = arena_printf(&s->arena, "Bearer " STR_FMT, STR_ARG(s->token)).ptr;
    assert_error(s,
                 scene_call(s, "POST", OWN "registries/main/scan", STR("a=b"), token,
                            "application/x-www-form-urlencoded"),
                 415, "UnsupportedMediaType");
    scene_close(s);
}

/* --- the table
 * ------------------------------------------------------------------------------------ */

static void test_rows__each_says_what_it_is(void **state)
{
    (void)state;
    struct api_row row;
    size_t n = 0, n_public = 0;
    while (api_row_at(n, &row)) {
        assert_true(row.pattern[0] == '/' && row.summary[0] && row.method[0]);
        assert_false(row.is_public && row.is_arm);
        n_public += row.is_public;
        n++;
    }
    /* health, readiness, notifications, and eight of sign-in; think twice before more */
    assert_int_equal(n_public, 11);
    assert_true(n >= 50);
}

/* "| GET | `/path`" of docs/API.md, without the star of what takes several segments. */
static bool row_of_line(str line, str *method, str *pattern)
{
    str rest, empty, query;
    return str_starts(line, STR("| ")) && str_cut(str_skip(line, 2), STR(" | `/"), method, &rest) &&
           str_find_byte(*method, ' ') == method->len && str_cut_byte(rest, '`', pattern, &empty) &&
           (str_cut_byte(*pattern, '?', pattern, &query) || true);
}

static bool is_route(struct arena *arena, str method, str pattern)
{
    struct api_row row;
    for (size_t i = 0; api_row_at(i, &row); i++) {
        str head, tail, path = str_skip(str_from(row.pattern), 1);
        if (str_cut(path, STR("*}"), &head, &tail))
            path = arena_printf(arena, STR_FMT "}" STR_FMT, STR_ARG(head), STR_ARG(tail));
        if (str_eq(method, str_from(row.method)) && str_eq(pattern, path))
            return true;
    }
    return false;
}

static void test_rows__are_where_the_document_says(void **state)
{
    (void)state;
    struct arena arena;
    str text, line, method, pattern;
    size_t n_listed = 0;
    arena_init(&arena, 16 << 20);
    text = test_data(&arena, "../../docs/API.md");
    while (str_next(&text, '\n', &line)) {
        if (!row_of_line(line, &method, &pattern))
            continue;
        if (!is_route(&arena, method, pattern))
            fail_msg("docs/API.md lists %.*s /%.*s, which is no route", STR_ARG(method),
                     STR_ARG(pattern));
        n_listed++;
    }
    assert_true(n_listed > 40);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_health__needs_no_token),
        cmocka_unit_test(test_ready__only_with_a_database),
        cmocka_unit_test(test_status__tells_what_the_guard_does),
        cmocka_unit_test(test_jobs__show_state_and_error),
        cmocka_unit_test(test_jobs__are_filtered_and_paged),
        cmocka_unit_test(test_scan__resolves_a_tag_and_queues_it_once),
        cmocka_unit_test(test_scan__says_what_is_wrong_with_the_request),
        cmocka_unit_test(test_rows__each_says_what_it_is),
        cmocka_unit_test(test_rows__are_where_the_document_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
