/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include "base/clock.h"
#include "base/num.h"
#include "http/http.h"
#include "raw_server.h"

struct scene {
    struct arena arena;
    struct http_client *client;
    struct err err;
    char url[128];
};

static struct scene *scene_open(const struct http_client_spec *spec)
{
    struct scene *scene = calloc(1, sizeof(*scene));
    assert_non_null(scene);
    arena_init(&scene->arena, 64 * MIB);
    struct http_client_spec plain = {.user_agent = "test/1"};
    assert_ok(http_client_open(spec ? spec : &plain, &scene->client, &scene->err), scene->err);
    return scene;
}

static void scene_close(struct scene *scene)
{
    http_client_close(scene->client);
    arena_fini(&scene->arena);
    free(scene);
}

static const char *url_of(struct scene *scene, const struct raw_server *server, const char *path)
{
    snprintf(scene->url, sizeof(scene->url), "http://127.0.0.1:%u%s", server->port, path);
    return scene->url;
}

static bool fetch(struct scene *scene, const struct http_call *call, struct http_answer *answer)
{
    return http_fetch(scene->client, call, &scene->arena, 1 << 20, answer, &scene->err);
}

/* The call fails with @kind, and its one line has @words and the server's host and port. */
static void assert_fails(struct scene *scene, const struct http_call *call, enum err_kind kind,
                         const char *words)
{
    struct http_answer answer;
    assert_false(fetch(scene, call, &answer));
    if (scene->err.kind != kind || !strstr(scene->err.msg, words))
        fail_msg("kind %d \"%s\", expected kind %d \"%s\"", (int)scene->err.kind, scene->err.msg,
                 (int)kind, words);
    assert_null(strchr(scene->err.msg, '\n'));
}

/* --- answers
 * -------------------------------------------------------------------------------------- */

static bool say_ctx(struct raw_server *server, int fd, const char *head)
{
    (void)head;
    raw_say(fd, server->ctx);
    return true;
}

static bool say_ctx_and_close(struct raw_server *server, int fd, const char *head)
{
    say_ctx(server, fd, head);
    return false;
}

/* Say nothing until the client goes away. */
static bool say_nothing(struct raw_server *server, int fd, const char *head)
{
    char byte;
    (void)server, (void)head;
    return recv(fd, &byte, 1, 0) > 0;
}

static const char HELLO[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Thing: a b \r\n\r\nhello";

static void test_fetch__gives_status_headers_and_body(void **state)
{
    (void)state;
    struct raw_server server;
    raw_open(&server, say_ctx, HELLO);
    struct scene *scene = scene_open(NULL);
    struct http_answer answer;
    assert_ok(fetch(scene, &(struct http_call){.url = url_of(scene, &server, "/x?y=1")}, &answer),
              scene->err);
    assert_int_equal(answer.status, 200);
    assert_str(answer.body, "hello");
    assert_str(http_header_get(&answer.headers, STR("x-thing")), "a b");
    assert_str(answer.final_url, scene->url);
    assert_non_null(strstr(raw_head(&server), "GET /x?y=1 HTTP/1.1\r\n"));
    assert_non_null(strstr(raw_head(&server), "User-Agent: test/1\r\n"));
    scene_close(scene);
    raw_close(&server);
}

static void test_fetch__reuses_its_connection(void **state)
{
    (void)state;
    struct raw_server server;
    raw_open(&server, say_ctx, HELLO);
    struct scene *scene = scene_open(NULL);
    struct http_answer answer;
    for (int i = 0; i < 20; i++)
        assert_ok(fetch(scene, &(struct http_call){.url = url_of(scene, &server, "/")}, &answer),
                  scene->err);
    assert_int_equal(atomic_load(&server.n_connections), 1);
    assert_int_equal(atomic_load(&server.n_requests), 20);
    scene_close(scene);
    raw_close(&server);
}

static void test_fetch__sends_method_headers_body_and_range(void **state)
{
    (void)state;
    struct raw_server server;
    raw_open(&server, say_ctx, HELLO);
    struct scene *scene = scene_open(NULL);
    struct http_answer answer;
    struct http_header headers[] = {{STR("Accept"), STR("text/plain")}, {STR("X-Empty"), STR("")}};
    const char *methods[] = {"POST", "PUT", "PATCH", "DELETE"};
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        struct http_call call = {.method = methods[i],
                                 .url = url_of(scene, &server, "/p"),
                                 .headers = headers,
                                 .n_headers = 2,
                                 .body = STR("some bytes"),
                                 .range_from = i == 0 ? 17 : 0};
        assert_ok(fetch(scene, &call, &answer), scene->err);
        assert_true(str_starts(str_from(raw_head(&server)), str_from(methods[i])));
        assert_non_null(strstr(raw_head(&server), "Accept: text/plain\r\n"));
        assert_non_null(strstr(raw_head(&server), "X-Empty:\r\n"));
        assert_null(strstr(raw_head(&server), "Expect:"));
        assert_null(strstr(raw_head(&server), "Content-Type:"));
        assert_string_equal(raw_body(&server), "some bytes");
        assert_true((strstr(raw_head(&server), "Range: bytes=17-\r\n") != NULL) == (i == 0));
    }
    scene_close(scene);
    raw_close(&server);
}

static void test_fetch__head_has_no_body(void **state)
{
    (void)state;
    struct raw_server server;
    raw_open(&server, say_ctx, "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n");
    struct scene *scene = scene_open(NULL);
    struct http_answer answer;
    struct http_call call = {.method = "HEAD", .url = url_of(scene, &server, "/")};
    assert_ok(fetch(scene, &call, &answer), scene->err);
    assert_true(str_is_empty(answer.body));
    assert_str(http_header_get(&answer.headers, STR("content-length")), "5000");
    scene_close(scene);
    raw_close(&server);
}

/* --- failures, each in words of its own
 * ----------------------------------------------------------- */

static void test_fetch__names_what_went_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *says, *words;
    } rows[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n0123456789",
         "ended after 10 of 1000 bytes"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
         "ended early, after 5"},
        {"", "without an answer"},
        {"SSH-2.0-OpenSSH_9.2\r\n", "HTTP/0.9"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: x\r\n\r\nhello",
         "Content-Length"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct raw_server server;
        raw_open(&server, say_ctx_and_close, rows[i].says);
        struct scene *scene = scene_open(NULL);
        struct http_call call = {.url = url_of(scene, &server, "/")};
        assert_fails(scene, &call, ERR_UNAVAILABLE, rows[i].words);
        assert_non_null(strstr(scene->err.msg, "127.0.0.1:"));
        scene_close(scene);
        raw_close(&server);
    }
}

static void test_fetch__connection_refused(void **state)
{
    (void)state;
    struct raw_server server;
    raw_open(&server, say_ctx, HELLO);
    raw_close(&server); /* its port is free now */
    struct scene *scene = scene_open(NULL);
    struct http_call call = {.url = url_of(scene, &server, "/")};
    assert_fails(scene, &call, ERR_UNAVAILABLE, "efused");
    assert_non_null(strstr(scene->err.msg, "127.0.0.1:"));
    scene_close(scene);
}

static void test_fetch__no_such_host(void **state)
{
    (void)state;
    struct scene *scene = scene_open(NULL);
    /* A label of 64 bytes cannot be asked for, so no resolver is needed to say no. */
    struct http_call call = {.url =
                                 "http://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                                 "aaaaaaaa.example/"};
    assert_fails(scene, &call, ERR_UNAVAILABLE, ".example: no such host");
    scene_close(scene);
}

static void test_fetch__refuses_what_is_not_http(void **state)
{
    (void)state;
    static const char *const urls[] = {
        "file:///etc/passwd", "ftp://127.0.0.1/", "127.0.0.1/x", "", "http://", "https:///x"};
    struct scene *scene = scene_open(NULL);
    for (size_t i = 0; i < ARRAY_LEN(urls); i++)
        assert_fails(scene, &(struct http_call){.url = urls[i]}, ERR_FORMAT, "no http or https");
    scene_close(scene);
}

static void test_fetch__refuses_to_smuggle_a_header(void **state)
{
    (void)state;
    struct http_header rows[] = {
        {STR("X"), STR("a\r\nInjected: 1")}, {STR("X\r\nInjected"), STR("1")}, {STR(""), STR("1")}};
    struct scene *scene = scene_open(NULL);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct http_call call = {.url = "http://127.0.0.1:1/", .headers = &rows[i], .n_headers = 1};
        assert_fails(scene, &call, ERR_FORMAT, "forbidden characters");
    }
    struct http_call call = {.url = "http://127.0.0.1:1/", .method = "GET /x"};
    assert_fails(scene, &call, ERR_FORMAT, "no HTTP method");
    scene_close(scene);
}

static void test_fetch__limits_the_body(void **state)
{
    (void)state;
    struct raw_server server;
    raw_open(&server, say_ctx_and_close, HELLO);
    struct scene *scene = scene_open(NULL);
    struct http_call call = {.url = url_of(scene, &server, "/")};
    struct http_answer answer;
    assert_false(http_fetch(scene->client, &call, &scene->arena, 4, &answer, &scene->err));
    assert_int_equal(scene->err.kind, ERR_LIMIT);
    assert_ok(http_fetch(scene->client, &call, &scene->arena, 5, &answer, &scene->err), scene->err);
    scene_close(scene);
    raw_close(&server);
}

static bool say_headers_for_ever(struct raw_server *server, int fd, const char *head)
{
    (void)server, (void)head;
    raw_say(fd, "HTTP/1.1 200 OK\r\n");
    char line[1026];
    memset(line, 'a', sizeof(line));
    memcpy(line, "X: ", 3);
    memcpy(line + 1024, "\r\n", 2);
    for (int i = 0; i < 1000; i++)
        raw_write(fd, line, sizeof(line));
    return false;
}

static void test_fetch__limits_the_headers(void **state)
{
    (void)state;
    struct raw_server server;
    raw_open(&server, say_headers_for_ever, NULL);
    struct scene *scene = scene_open(NULL);
    struct http_call call = {.url = url_of(scene, &server, "/")};
    assert_fails(scene, &call, ERR_LIMIT, "bytes of headers");
    scene_close(scene);
    raw_close(&server);
}

static void test_fetch__a_server_that_falls_silent(void **state)
{
    (void)state;
    struct raw_server server;
    raw_open(&server, say_nothing, NULL);
    struct scene *scene = scene_open(&(struct http_client_spec){.stall_s = 1});
    struct http_call call = {.url = url_of(scene, &server, "/")};
    assert_fails(scene, &call, ERR_UNAVAILABLE, "timeout, less than 1024 bytes a second for 1 s");
    scene_close(scene);
    raw_close(&server);
}

static void test_fetch__a_handshake_that_never_comes(void **state)
{
    (void)state;
    struct raw_server server;
    raw_open(&server, say_nothing, NULL);
    struct scene *scene = scene_open(&(struct http_client_spec){.connect_s = 1});
    char url[64];
    snprintf(url, sizeof(url), "https://127.0.0.1:%u/", server.port);
    assert_fails(scene, &(struct http_call){.url = url}, ERR_UNAVAILABLE,
                 "timeout, no connection within 1 s");
    scene_close(scene);
    raw_close(&server);
}

static void test_fetch__stops_when_asked(void **state)
{
    (void)state;
    struct raw_server server;
    raw_open(&server, say_nothing, NULL);
    struct cancel cancel = {.deadline_mono_ms = clock_mono_ms() + 50};
    struct scene *scene = scene_open(&(struct http_client_spec){.cancel = &cancel});
    int64_t from = clock_mono_ms();
    struct http_call call = {.url = url_of(scene, &server, "/")};
    assert_fails(scene, &call, ERR_CANCELLED, "127.0.0.1");
    assert_true(clock_mono_ms() - from < 2000);
    scene_close(scene);
    raw_close(&server);
}

/* --- redirects
 * ------------------------------------------------------------------------------------ */

static void print_redirect(char text[static 256], const struct raw_server *to, const char *path)
{
    snprintf(text, 256,
             "HTTP/1.1 307 Away\r\nLocation: http://127.0.0.1:%u%s\r\nX-From: first\r\n"
             "Content-Length: 4\r\n\r\naway",
             to->port, path);
}

static void test_redirect__takes_no_credentials_to_another_port(void **state)
{
    (void)state;
    struct scene *scene = scene_open(NULL);
    struct raw_server second, first;
    raw_open(&second, say_ctx, HELLO);
    char away[256];
    print_redirect(away, &second, "/blob");
    raw_open(&first, say_ctx, away);
    struct http_header headers[] = {{STR("Authorization"), STR("Bearer secret")},
                                    {STR("Accept"), STR("a/b")}};
    struct http_call call = {.url = url_of(scene, &first, "/"),
                             .headers = headers,
                             .n_headers = 2,
                             .follows_redirects = true};
    struct http_answer answer;
    assert_ok(fetch(scene, &call, &answer), scene->err);
    assert_non_null(strstr(raw_head(&first), "Authorization: Bearer secret\r\n"));
    assert_null(strstr(raw_head(&second), "secret"));
    assert_non_null(strstr(raw_head(&second), "Accept: a/b\r\n"));
    assert_str(answer.body, "hello");
    assert_true(str_ends(answer.final_url, STR("/blob")));
    assert_true(str_is_empty(http_header_get(&answer.headers, STR("X-From"))));
    scene_close(scene);
    raw_close(&first);
    raw_close(&second);
}

static bool redirect_once(struct raw_server *server, int fd, const char *head)
{
    raw_say(fd, strstr(head, "GET /second ") ? HELLO : (const char *)server->ctx);
    return true;
}

static void test_redirect__keeps_credentials_on_the_first_host(void **state)
{
    (void)state;
    struct scene *scene = scene_open(NULL);
    struct raw_server server;
    raw_open(&server, redirect_once,
             "HTTP/1.1 302 Found\r\nLocation: /second\r\nContent-Length: 0\r\n\r\n");
    struct http_header header = {STR("Authorization"), STR("Bearer secret")};
    struct http_call call = {.url = url_of(scene, &server, "/first"),
                             .headers = &header,
                             .n_headers = 1,
                             .follows_redirects = true};
    struct http_answer answer;
    assert_ok(fetch(scene, &call, &answer), scene->err);
    assert_non_null(strstr(raw_head(&server), "GET /second "));
    assert_non_null(strstr(raw_head(&server), "Authorization: Bearer secret\r\n"));
    scene_close(scene);
    raw_close(&server);
}

static void test_redirect__is_an_answer_unless_followed(void **state)
{
    (void)state;
    struct scene *scene = scene_open(NULL);
    struct raw_server server;
    raw_open(&server, say_ctx, "HTTP/1.1 302 F\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n");
    struct http_call call = {.url = url_of(scene, &server, "/")};
    struct http_answer answer;
    assert_ok(fetch(scene, &call, &answer), scene->err);
    assert_int_equal(answer.status, 302);
    assert_str(http_header_get(&answer.headers, STR("location")), "/again");
    call.follows_redirects = true;
    assert_fails(scene, &call, ERR_UNAVAILABLE, "more than 8 redirects");
    scene_close(scene);
    raw_close(&server);
}

static void test_redirect__leads_to_http_only(void **state)
{
    (void)state;
    struct scene *scene = scene_open(NULL);
    struct raw_server server;
    raw_open(&server, say_ctx,
             "HTTP/1.1 302 F\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n");
    struct http_call call = {.url = url_of(scene, &server, "/"), .follows_redirects = true};
    assert_fails(scene, &call, ERR_UNAVAILABLE, "rotocol");
    scene_close(scene);
    raw_close(&server);
}

/* --- streams
 * -------------------------------------------------------------------------------------- */

enum { PIECE = 1 << 20, N_PIECES = 200 };

/* Piece i is filled with the byte i. */
static bool say_200_mb(struct raw_server *server, int fd, const char *head)
{
    (void)server, (void)head;
    char *piece = malloc(PIECE);
    assert_non_null(piece);
    char text[80];
    snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\nContent-Length: %llu\r\n\r\n",
             (unsigned long long)N_PIECES * PIECE);
    raw_say(fd, text);
    for (int i = 0; i < N_PIECES; i++) {
        memset(piece, i, PIECE);
        raw_write(fd, piece, PIECE);
    }
    free(piece);
    return true;
}

static size_t resident_bytes(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    unsigned long size, resident = 0;
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%lu %lu", &size, &resident), 2);
    fclose(file);
    return resident * (size_t)sysconf(_SC_PAGESIZE);
}

static void test_stream__gives_200_mb_without_keeping_them(void **state)
{
    (void)state;
    struct raw_server server;
    raw_open(&server, say_200_mb, NULL);
    struct scene *scene = scene_open(NULL);
    struct http_call call = {.url = url_of(scene, &server, "/")};
    struct http_answer answer;
    struct http_stream *stream;
    size_t before = resident_bytes(), most = 0;
    assert_ok(http_stream_open(scene->client, &call, &scene->arena, &stream, &answer, &scene->err),
              scene->err);
    assert_int_equal(answer.status, 200);
    str chunk;
    uint64_t total = 0;
    enum next next;
    while ((next = http_stream_next(stream, &chunk, &scene->err)) == NEXT_ITEM) {
        assert_true(chunk.len > 0);
        assert_int_equal((unsigned char)chunk.ptr[0], total / PIECE);
        total += chunk.len;
        assert_int_equal((unsigned char)chunk.ptr[chunk.len - 1], (total - 1) / PIECE);
        most = num_max(most, resident_bytes());
    }
    assert_int_equal(next, NEXT_END);
    assert_true(total == (uint64_t)N_PIECES * PIECE);
    if (!PLIMSOLL_SANITIZED)
        assert_true(most < before + 16 * MIB);
    http_stream_close(stream);
    scene_close(scene);
    raw_close(&server);
}

/* A chunk stays where it is while the same client fetches something else, and nothing is lost. */
static void test_stream__waits_while_others_talk(void **state)
{
    (void)state;
    struct raw_server server, other;
    raw_open(&server, say_200_mb, NULL);
    raw_open(&other, say_ctx, HELLO);
    struct scene *scene = scene_open(NULL);
    struct http_call call = {.url = url_of(scene, &server, "/")};
    struct http_answer answer;
    struct http_stream *stream;
    assert_ok(http_stream_open(scene->client, &call, &scene->arena, &stream, &answer, &scene->err),
              scene->err);
    uint64_t total = 0;
    str chunk;
    for (int i = 0; http_stream_next(stream, &chunk, &scene->err) == NEXT_ITEM; i++) {
        char last = chunk.ptr[chunk.len - 1];
        if (i % 32 == 0) {
            struct http_call fetched = {.url = url_of(scene, &other, "/")};
            assert_ok(fetch(scene, &fetched, &answer), scene->err);
        }
        assert_int_equal(chunk.ptr[chunk.len - 1], last);
        assert_int_equal((unsigned char)chunk.ptr[0], total / PIECE);
        total += chunk.len;
    }
    assert_true(total == (uint64_t)N_PIECES * PIECE);
    http_stream_close(stream);
    scene_close(scene);
    raw_close(&server);
    raw_close(&other);
}

static void test_stream__reports_a_body_cut_short(void **state)
{
    (void)state;
    struct raw_server server;
    raw_open(&server, say_ctx_and_close,
             "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n0123456789");
    struct scene *scene = scene_open(NULL);
    struct http_call call = {.url = url_of(scene, &server, "/")};
    struct http_answer answer;
    struct http_stream *stream;
    assert_ok(http_stream_open(scene->client, &call, &scene->arena, &stream, &answer, &scene->err),
              scene->err);
    str chunk;
    size_t total = 0;
    enum next next;
    while ((next = http_stream_next(stream, &chunk, &scene->err)) == NEXT_ITEM)
        total += chunk.len;
    assert_int_equal(next, NEXT_ERR);
    assert_int_equal(total, 10);
    assert_int_equal(scene->err.kind, ERR_UNAVAILABLE);
    assert_non_null(strstr(scene->err.msg, "ended after 10 of 1000 bytes"));
    http_stream_close(stream);
    scene_close(scene);
    raw_close(&server);
}

static void test_stream__may_be_left_in_the_middle(void **state)
{
    (void)state;
    struct raw_server server;
    raw_open(&server, say_200_mb, NULL);
    struct scene *scene = scene_open(NULL);
    struct http_call call = {.url = url_of(scene, &server, "/")};
    struct http_answer answer;
    struct http_stream *stream;
    str chunk;
    assert_ok(http_stream_open(scene->client, &call, &scene->arena, &stream, &answer, &scene->err),
              scene->err);
    assert_int_equal(http_stream_next(stream, &chunk, &scene->err), NEXT_ITEM);
    http_stream_close(stream);
    scene_close(scene);
    raw_close(&server);
}

static void test_stream__an_empty_body_ends_at_once(void **state)
{
    (void)state;
    struct raw_server server;
    raw_open(&server, say_ctx, "HTTP/1.1 404 Gone\r\nContent-Length: 0\r\n\r\n");
    struct scene *scene = scene_open(NULL);
    struct http_call call = {.url = url_of(scene, &server, "/")};
    struct http_answer answer;
    struct http_stream *stream;
    str chunk;
    assert_ok(http_stream_open(scene->client, &call, &scene->arena, &stream, &answer, &scene->err),
              scene->err);
    assert_int_equal(answer.status, 404);
    assert_int_equal(http_stream_next(stream, &chunk, &scene->err), NEXT_END);
    http_stream_close(stream);
    scene_close(scene);
    raw_close(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fetch__gives_status_headers_and_body),
        cmocka_unit_test(test_fetch__reuses_its_connection),
        cmocka_unit_test(test_fetch__sends_method_headers_body_and_range),
        cmocka_unit_test(test_fetch__head_has_no_body),
        cmocka_unit_test(test_fetch__names_what_went_wrong),
        cmocka_unit_test(test_fetch__connection_refused),
        cmocka_unit_test(test_fetch__no_such_host),
        cmocka_unit_test(test_fetch__refuses_what_is_not_http),
        cmocka_unit_test(test_fetch__refuses_to_smuggle_a_header),
        cmocka_unit_test(test_fetch__limits_the_body),
        cmocka_unit_test(test_fetch__limits_the_headers),
        cmocka_unit_test(test_fetch__a_server_that_falls_silent),
        cmocka_unit_test(test_fetch__a_handshake_that_never_comes),
        cmocka_unit_test(test_fetch__stops_when_asked),
        cmocka_unit_test(test_redirect__takes_no_credentials_to_another_port),
        cmocka_unit_test(test_redirect__keeps_credentials_on_the_first_host),
        cmocka_unit_test(test_redirect__is_an_answer_unless_followed),
        cmocka_unit_test(test_redirect__leads_to_http_only),
        cmocka_unit_test(test_stream__gives_200_mb_without_keeping_them),
        cmocka_unit_test(test_stream__waits_while_others_talk),
        cmocka_unit_test(test_stream__reports_a_body_cut_short),
        cmocka_unit_test(test_stream__may_be_left_in_the_middle),
        cmocka_unit_test(test_stream__an_empty_body_ends_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
