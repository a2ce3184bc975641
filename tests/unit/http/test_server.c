/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include <semaphore.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "http/http.h"
#include "raw_server.h"

struct stage {
    struct http_server *server;
    struct http_client *client;
    struct arena arena;
    struct err err;
    struct http_answer answer;
    sem_t is_inside, may_leave; /* of "/slow" and "/later" */
    struct http_later *later[64];
    atomic_uint n_later;
    char url[256];
};

static void add_line(struct http_response *res, const char *name, str value)
{
    sb_addf(&res->body, "%s=", name);
    sb_add(&res->body, value);
    sb_addc(&res->body, "\n");
}

static void echo(struct http_request *req, struct http_response *res)
{
    add_line(res, "method", req->method);
    add_line(res, "target", req->target);
    add_line(res, "path", req->path);
    for (size_t i = 0; i < req->query.len; i++) {
        add_line(res, "key", req->query.ptr[i].key);
        add_line(res, "value", req->query.ptr[i].value);
    }
    add_line(res, "scheme_host", req->scheme_host);
    add_line(res, "remote", req->remote);
    add_line(res, "x-test", http_request_header(req, STR("X-Test")));
    add_line(res, "body", req->body);
    res->status = 200;
}

static void handle(struct http_request *req, struct http_response *res)
{
    struct stage *stage = req->user;
    bool is_ok = http_respond_header(req, res, STR("Content-Type"), STR("text/plain")) &&
                 http_respond_header(req, res, STR("X-Evil"), STR("a\r\nSet-Cookie: b"));
    assert_true(is_ok);
    res->status = 200;
    if (str_eq(req->path, STR("/slow"))) {
        sem_post(&stage->is_inside);
        sem_wait(&stage->may_leave);
        sb_addc(&res->body, "slow");
    } else if (str_eq(req->path, STR("/later"))) {
        struct http_later *later = http_respond_later(req);
        stage->later[atomic_fetch_add(&stage->n_later, 1)] = later;
        sb_addc(&res->body, "what is said too early");
        sem_post(&stage->is_inside);
    } else if (str_eq(req->path, STR("/at-once"))) {
        struct http_response now = {.status = 202};
        struct http_later *later = http_respond_later(req);
        sb_init(&now.body, 100);
        sb_addc(&now.body, "before it returned");
        http_answer(later, &now);
    } else if (str_eq(req->path, STR("/quick"))) {
        sb_addc(&res->body, "quick");
    } else if (str_eq(req->path, STR("/none"))) {
        res->status = 204;
    } else if (str_eq(req->path, STR("/bug"))) {
        res->status = 0;
    } else if (str_eq(req->path, STR("/large"))) {
        for (int i = 0; i < 3 << 20; i++)
            sb_byte(&res->body, (uint8_t)i);
    } else {
        echo(req, res);
    }
}

static uint64_t larger_for_events(void *user, str path)
{
    (void)user;
    return str_eq(path, STR("/events")) ? 3 << 20 : 0;
}

static struct stage *stage_open_with(struct http_server_spec spec, const char *ca_file)
{
    struct stage *stage = calloc(1, sizeof(*stage));
    assert_non_null(stage);
    arena_init(&stage->arena, 64 * MIB);
    sem_init(&stage->is_inside, 0, 0);
    sem_init(&stage->may_leave, 0, 0);
    spec.address = STR("127.0.0.1");
    spec.handler = handle;
    spec.user = stage;
    spec.max_body_of = larger_for_events;
    assert_ok(http_server_open(&spec, &stage->server, &stage->err), stage->err);
    struct http_client_spec client = {.ca_file = ca_file};
    assert_ok(http_client_open(&client, &stage->client, &stage->err), stage->err);
    return stage;
}

static struct stage *stage_open(void)
{
    return stage_open_with((struct http_server_spec){0}, NULL);
}

static void stage_close(struct stage *stage)
{
    http_client_close(stage->client);
    http_server_close(stage->server, 5000);
    arena_fini(&stage->arena);
    free(stage);
}

static bool get(struct stage *stage, const char *scheme, const char *path)
{
    snprintf(stage->url, sizeof(stage->url), "%s://127.0.0.1:%u%s", scheme,
             http_server_port(stage->server), path);
    struct http_call call = {.url = stage->url};
    return http_fetch(stage->client, &call, &stage->arena, 8 << 20, &stage->answer, &stage->err);
}

/* Say @request on a connection of its own; the whole answer until the server closes, or @n bytes of
 * it. */
static const char *talk(struct stage *stage, const char *request, size_t n)
{
    int fd = raw_connect(http_server_port(stage->server));
    char *out = arena_alloc(&stage->arena, 1 << 16);
    assert_non_null(out);
    raw_say(fd, request);
    size_t len = 0;
    while (len < n && len < (1 << 16) - 1) {
        ssize_t got = recv(fd, out + len, (1 << 16) - 1 - len, 0);
        if (got <= 0)
            break;
        len += (size_t)got;
    }
    close(fd);
    return out;
}

#define CLOSE "Host: h.example:8443\r\nConnection: close\r\n\r\n"

static void assert_has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("no \"%s\" in:\n%s", part, text);
}

/* --- requests
 * ------------------------------------------------------------------------------------- */

static void test_request__target_is_a_plain_path(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"//subscriptions/x", "target=//subscriptions/x\npath=/subscriptions/x\n"},
        {"/a//b///c/", "path=/a/b/c\n"},
        {"/", "path=/\n"},
        {"//", "path=/\n"},
        {"/a%2Fb/sha256%3Aab", "path=/a%2Fb/sha256%3Aab\n"},
        {"http://other.example/a?b=c", "path=/a\nkey=b\nvalue=c\n"},
        {"/x?%24filter=a%20b+c&$top=5&e&=v&&f=%zz",
         "path=/x\nkey=$filter\nvalue=a b c\nkey=$top\nvalue=5\nkey=e\nvalue=\nkey=\nvalue=v\n"
         "key=f\nvalue=%zz\n"},
        {"/?q=a=b", "key=q\nvalue=a=b\n"},
    };
    struct stage *stage = stage_open();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char request[256];
        snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\n" CLOSE, rows[i][0]);
        const char *answer = talk(stage, request, SIZE_MAX);
        assert_has(answer, "HTTP/1.1 200");
        assert_has(answer, rows[i][1]);
        assert_has(answer, "scheme_host=http://h.example:8443\nremote=127.0.0.1\n");
    }
    stage_close(stage);
}

static void test_request__refuses_what_is_no_path(void **state)
{
    (void)state;
    static const char *const targets[] = {"/%", "/%4", "/%zz",  "/a%00b",
                                          "*",  "x",   "/\x01", "/\x7f"};
    struct stage *stage = stage_open();
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        char request[256];
        snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\n" CLOSE, targets[i]);
        assert_has(talk(stage, request, SIZE_MAX), "HTTP/1.1 400");
    }
    stage_close(stage);
}

static void test_request__a_strange_host_is_not_repeated(void **state)
{
    (void)state;
    struct stage *stage = stage_open();
    char expected[64];
    snprintf(expected, sizeof(expected), "scheme_host=http://127.0.0.1:%u\n",
             http_server_port(stage->server));
    assert_has(talk(stage, "GET / HTTP/1.1\r\nHost: a\"><b\r\nConnection: close\r\n\r\n", SIZE_MAX),
               expected);
    stage_close(stage);
}

static void test_request__body_arrives_whole_in_pieces_and_chunks(void **state)
{
    (void)state;
    struct stage *stage = stage_open();
    const char *chunked = "POST /e HTTP/1.1\r\nTransfer-Encoding: chunked\r\nX-Test: y\r\n" CLOSE
                          "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    const char *answer = talk(stage, chunked, SIZE_MAX);
    assert_has(answer, "method=POST\n");
    assert_has(answer, "x-test=y\n");
    assert_has(answer, "body=abcde\n");
    stage_close(stage);
}

static void test_request__expect_100_continue_is_answered(void **state)
{
    (void)state;
    struct stage *stage = stage_open();
    int fd = raw_connect(http_server_port(stage->server));
    char text[4096] = "";
    raw_say(fd, "PUT /e HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 4\r\n"
                "Expect: 100-continue\r\n\r\n");
    assert_true(recv(fd, text, sizeof(text) - 1, 0) > 0);
    assert_has(text, "HTTP/1.1 100 ");
    raw_say(fd, "body");
    size_t n = 0;
    for (ssize_t got; (got = recv(fd, text + n, sizeof(text) - 1 - n, 0)) > 0;)
        n += (size_t)got;
    text[n] = '\0';
    assert_has(text, "HTTP/1.1 200");
    assert_has(text, "body=body\n");
    close(fd);
    stage_close(stage);
}

/* --- limits
 * --------------------------------------------------------------------------------------- */

static int put_bytes(struct stage *stage, const char *path, size_t n)
{
    char *bytes = malloc(n);
    assert_non_null(bytes);
    memset(bytes, 'x', n);
    snprintf(stage->url, sizeof(stage->url), "http://127.0.0.1:%u%s",
             http_server_port(stage->server), path);
    struct http_call call = {.method = "PUT", .url = stage->url, .body = str_of(bytes, n)};
    bool is_ok =
        http_fetch(stage->client, &call, &stage->arena, 8 << 20, &stage->answer, &stage->err);
    free(bytes);
    if (!is_ok)
        fail_msg("%s", stage->err.msg);
    return stage->answer.status;
}

static void test_limits__a_body_too_large_is_413_and_the_next_request_is_served(void **state)
{
    (void)state;
    struct stage *stage = stage_open();
    assert_int_equal(put_bytes(stage, "/e", LIMIT(HTTP_BODY)), 200);
    assert_int_equal(put_bytes(stage, "/e", LIMIT(HTTP_BODY) + 1), 413);
    assert_int_equal(put_bytes(stage, "/e", LIMIT(HTTP_BODY) * 4), 413);
    assert_int_equal(put_bytes(stage, "/events", 3 << 20), 200);
    assert_int_equal(put_bytes(stage, "/events", (3 << 20) + 1), 413);
    assert_ok(get(stage, "http", "/quick"), stage->err);
    stage_close(stage);
}

static void test_limits__a_body_far_too_large_is_told_before_it_comes(void **state)
{
    (void)state;
    struct stage *stage = stage_open();
    assert_has(talk(stage, "PUT /e HTTP/1.1\r\nContent-Length: 99999999999\r\n" CLOSE, SIZE_MAX),
               "HTTP/1.1 413");
    assert_has(talk(stage,
                    "PUT /e HTTP/1.1\r\nContent-Length: 1048577\r\nExpect: 100-continue\r\n" CLOSE,
                    SIZE_MAX),
               "HTTP/1.1 413");
    stage_close(stage);
}

static void test_limits__an_endless_chunked_body_is_cut_off(void **state)
{
    (void)state;
    struct stage *stage = stage_open();
    int fd = raw_connect(http_server_port(stage->server));
    raw_say(fd, "PUT /e HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
    static char chunk[(1 << 16) + 9];
    memcpy(chunk, "10000\r\n", 7);
    memset(chunk + 7, 'x', 1 << 16);
    memcpy(chunk + 7 + (1 << 16), "\r\n", 2);
    uint64_t sent = 0;
    while (sent < 64 * MIB && send(fd, chunk, sizeof(chunk), MSG_NOSIGNAL) > 0)
        sent += sizeof(chunk);
    assert_true(sent < 32 * MIB);
    close(fd);
    stage_close(stage);
}

static void test_limits__headers(void **state)
{
    (void)state;
    struct stage *stage = stage_open();
    struct sb request;
    sb_init(&request, 4 << 20);
    sb_addc(&request, "GET / HTTP/1.1\r\nX-Long: ");
    for (int i = 0; i < 1 << 16; i++)
        sb_addc(&request, "x");
    sb_addc(&request, "\r\n" CLOSE);
    assert_has(talk(stage, request.ptr, SIZE_MAX), "HTTP/1.1 431");
    sb_clear(&request);
    sb_addc(&request, "GET / HTTP/1.1\r\nX-Long: ");
    for (int i = 0; i < 60000; i++)
        sb_addc(&request, "x");
    sb_addc(&request, "\r\n" CLOSE);
    assert_has(talk(stage, request.ptr, SIZE_MAX), "HTTP/1.1 200");
    sb_fini(&request);
    stage_close(stage);
}

/* --- answers
 * -------------------------------------------------------------------------------------- */

static void test_answer__a_header_value_makes_no_second_header(void **state)
{
    (void)state;
    struct stage *stage = stage_open();
    assert_ok(get(stage, "http", "/quick"), stage->err);
    assert_str(http_header_get(&stage->answer.headers, STR("X-Evil")), "a??Set-Cookie: b");
    assert_true(str_is_empty(http_header_get(&stage->answer.headers, STR("Set-Cookie"))));
    stage_close(stage);
}

static void test_answer__head_has_the_length_and_no_body(void **state)
{
    (void)state;
    struct stage *stage = stage_open();
    const char *answer = talk(stage, "HEAD /quick HTTP/1.1\r\n" CLOSE, SIZE_MAX);
    assert_has(answer, "HTTP/1.1 200");
    assert_has(answer, "Content-Length: 5\r\n");
    assert_null(strstr(answer, "quick"));
    assert_has(talk(stage, "GET /none HTTP/1.1\r\n" CLOSE, SIZE_MAX), "HTTP/1.1 204");
    stage_close(stage);
}

static void test_answer__a_handler_without_an_answer_is_500(void **state)
{
    (void)state;
    struct stage *stage = stage_open();
    assert_ok(get(stage, "http", "/bug"), stage->err);
    assert_int_equal(stage->answer.status, 500);
    assert_ok(get(stage, "http", "/large"), stage->err);
    assert_int_equal(stage->answer.body.len, 3 << 20);
    stage_close(stage);
}

static void test_connection__is_kept_alive(void **state)
{
    (void)state;
    struct stage *stage = stage_open();
    int fd = raw_connect(http_server_port(stage->server));
    for (int i = 0; i < 50; i++) {
        char text[1024] = "";
        size_t n = 0;
        raw_say(fd, "GET /quick HTTP/1.1\r\nHost: h\r\n\r\n");
        while (!strstr(text, "\r\n\r\nquick")) {
            ssize_t got = recv(fd, text + n, sizeof(text) - 1 - n, 0);
            if (got <= 0)
                fail_msg("closed before answer %d", i);
            n += (size_t)got;
            text[n] = '\0';
        }
        assert_has(text, "HTTP/1.1 200");
    }
    close(fd);
    stage_close(stage);
}

/* --- workers
 * -------------------------------------------------------------------------------------- */

static void *ask_slow(void *ctx)
{
    struct stage *stage = ctx;
    int fd = raw_connect(http_server_port(stage->server));
    char *text = calloc(1, 4096);
    size_t n = 0;
    raw_say(fd, "GET /slow HTTP/1.1\r\n" CLOSE);
    for (ssize_t got; (got = recv(fd, text + n, 4095 - n, 0)) > 0;)
        n += (size_t)got;
    close(fd);
    return text;
}

static void assert_slow_says(pthread_t thread, const char *words)
{
    void *text;
    pthread_join(thread, &text);
    assert_has(text, words);
    free(text);
}

static void test_workers__a_slow_handler_delays_nobody_else(void **state)
{
    (void)state;
    enum { N_SLOW = 3 }; /* of 4 workers */
    struct stage *stage = stage_open();
    pthread_t slow[N_SLOW];
    for (int i = 0; i < N_SLOW; i++) {
        pthread_create(&slow[i], NULL, ask_slow, stage);
        sem_wait(&stage->is_inside);
    }
    for (int i = 0; i < 100; i++) { /* would hang if a network thread ran handlers */
        assert_ok(get(stage, "http", "/quick"), stage->err);
        assert_str(stage->answer.body, "quick");
    }
    for (int i = 0; i < N_SLOW; i++)
        sem_post(&stage->may_leave);
    for (int i = 0; i < N_SLOW; i++)
        assert_slow_says(slow[i], "\r\n\r\nslow");
    stage_close(stage);
}

static void *release_later(void *ctx)
{
    struct stage *stage = ctx;
    sem_wait(&stage->is_inside);
    sem_post(&stage->may_leave);
    return NULL;
}

static void answer(struct http_later *later, const char *text)
{
    struct http_response res = {.status = 202};
    sb_init(&res.body, 100);
    sb_addc(&res.body, text);
    http_answer(later, &res);
}

/* One thread runs the handlers of 40 requests that all wait. */
static unsigned lane_of_path(void *user, struct http_request *req)
{
    (void)user;
    return str_eq(req->path, STR("/slow"));
}

/* Eight of a lane of two: six wait there, and the first lane has all its workers. */
static void test_lanes__what_is_slow_waits_for_its_kind_only(void **state)
{
    (void)state;
    enum { N_SLOW = 8, N_OTHERS = 2 };
    struct stage *stage = stage_open_with((struct http_server_spec){.lane_of = lane_of_path}, NULL);
    pthread_t slow[N_SLOW];
    for (int i = 0; i < N_SLOW; i++)
        pthread_create(&slow[i], NULL, ask_slow, stage);
    for (int i = 0; i < N_OTHERS; i++)
        sem_wait(&stage->is_inside);
    for (int i = 0; i < 100; i++) {
        assert_ok(get(stage, "http", "/quick"), stage->err);
        assert_str(stage->answer.body, "quick");
    }
    assert_int_not_equal(sem_trywait(&stage->is_inside), 0);
    for (int i = 0; i < N_SLOW; i++)
        sem_post(&stage->may_leave);
    for (int i = 0; i < N_SLOW; i++)
        assert_slow_says(slow[i], "\r\n\r\nslow");
    stage_close(stage);
}

static void test_later__needs_no_thread_a_request(void **state)
{
    (void)state;
    enum { N = 40 };
    struct stage *stage = stage_open_with((struct http_server_spec){.n_workers = 1}, NULL);
    int fds[N];
    char out[512], text[32];
    for (int i = 0; i < N; i++) {
        fds[i] = raw_connect(http_server_port(stage->server));
        raw_say(fds[i], "GET /later HTTP/1.1\r\n" CLOSE);
        sem_wait(&stage->is_inside);
    }
    assert_true(get(stage, "http", "/quick"));
    for (int i = N; i-- > 0;) {
        snprintf(text, sizeof(text), "answer %d.", i);
        answer(stage->later[i], text);
    }
    for (int i = 0; i < N; i++) {
        size_t len = 0;
        for (ssize_t got; (got = recv(fds[i], out + len, sizeof(out) - 1 - len, 0)) > 0;)
            len += (size_t)got;
        out[len] = '\0';
        snprintf(text, sizeof(text), "answer %d.", i);
        assert_has(out, "HTTP/1.1 202");
        assert_has(out, text);
        close(fds[i]);
    }
    assert_true(get(stage, "http", "/at-once"));
    assert_int_equal(stage->answer.status, 202);
    assert_str(stage->answer.body, "before it returned");
    stage_close(stage);
}

static void test_later__close_gives_up_what_comes_too_late(void **state)
{
    (void)state;
    struct stage *stage = stage_open_with((struct http_server_spec){.n_workers = 1}, NULL);
    char out[512] = "";
    int fd = raw_connect(http_server_port(stage->server));
    raw_say(fd, "GET /later HTTP/1.1\r\n" CLOSE);
    sem_wait(&stage->is_inside);
    http_server_close(stage->server, 20);
    assert_true(recv(fd, out, sizeof(out) - 1, 0) > 0);
    assert_has(out, "HTTP/1.1 503");
    answer(stage->later[0], "nobody hears it");
    close(fd);
    http_client_close(stage->client);
    arena_fini(&stage->arena);
    free(stage);
}

static void test_close__lets_a_running_handler_answer(void **state)
{
    (void)state;
    struct stage *stage = stage_open();
    pthread_t slow, releaser;
    pthread_create(&slow, NULL, ask_slow, stage);
    sem_wait(&stage->is_inside);
    sem_post(&stage->is_inside);
    pthread_create(&releaser, NULL, release_later, stage);
    stage_close(stage); /* waits for the answer */
    assert_slow_says(slow, "\r\n\r\nslow");
    pthread_join(releaser, NULL);
}

static void test_close__gives_a_stuck_handler_up(void **state)
{
    (void)state;
    struct stage *stage = stage_open();
    pthread_t slow;
    pthread_create(&slow, NULL, ask_slow, stage);
    sem_wait(&stage->is_inside);
    int64_t from = clock_mono_ms();
    http_server_close(stage->server, 10);
    assert_true(clock_mono_ms() - from < 5000);
    assert_slow_says(slow, "HTTP/1.1 503");
    http_client_close(stage->client);
    arena_fini(&stage->arena);
    static struct stage *left_behind; /* its handler ends after us, and frees the server */
    left_behind = stage;
    sem_post(&left_behind->may_leave);
}

static void test_open__says_why_not(void **state)
{
    (void)state;
    struct stage *stage = stage_open();
    struct http_server *second = NULL;
    struct http_server_spec spec = {
        .address = STR("127.0.0.1"), .port = http_server_port(stage->server), .handler = handle};
    assert_false(http_server_open(&spec, &second, &stage->err));
    assert_int_equal(stage->err.kind, ERR_UNAVAILABLE);
    assert_has(stage->err.msg, "in use");
    spec.port = 0;
    spec.address = STR("not an address");
    assert_false(http_server_open(&spec, &second, &stage->err));
    assert_has(stage->err.msg, "'not an address'");
    spec.address = STR("127.0.0.1");
    spec.cert_pem = spec.key_pem = STR("-----BEGIN RUBBISH-----\n");
    assert_false(http_server_open(&spec, &second, &stage->err));
    assert_int_equal(stage->err.kind, ERR_UNAVAILABLE);
    stage_close(stage);
}

/* --- TLS
 * ------------------------------------------------------------------------------------------ */

static const char *save(struct arena *arena, const char *dir, const char *name, str bytes)
{
    str path = arena_printf(arena, "%s/%s", dir, name);
    FILE *file = fopen(path.ptr, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes.ptr, 1, bytes.len, file), bytes.len);
    fclose(file);
    return path.ptr;
}

static void make_certificate(struct arena *arena, struct http_server_spec *spec, const char *name)
{
    struct err err;
    str names[] = {str_from(name), STR("localhost")};
    assert_ok(http_self_signed(arena, names, 2, 30, &spec->cert_pem, &spec->key_pem, &err), err);
}

static void test_tls__private_ca_is_trusted_only_when_named(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 * MIB);
    const char *dir = test_mkdir(&arena);
    struct http_server_spec spec = {0};
    make_certificate(&arena, &spec, "127.0.0.1");
    struct stage *stage = stage_open_with(spec, save(&arena, dir, "ca.pem", spec.cert_pem));
    assert_ok(get(stage, "https", "/e"), stage->err);
    assert_has(arena_cstr(&arena, stage->answer.body), "scheme_host=https://127.0.0.1:");
    http_client_close(stage->client);
    assert_ok(http_client_open(&(struct http_client_spec){0}, &stage->client, &stage->err),
              stage->err);
    assert_false(get(stage, "https", "/e"));
    assert_int_equal(stage->err.kind, ERR_UNAVAILABLE);
    assert_has(stage->err.msg, "127.0.0.1:");
    assert_has(stage->err.msg, "TLS: ");
    assert_has(stage->err.msg, "certificate");
    stage_close(stage);
    test_rmdir(dir);
    arena_fini(&arena);
}

static void test_tls__a_certificate_for_another_name_is_refused(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 * MIB);
    const char *dir = test_mkdir(&arena);
    struct http_server_spec spec = {0};
    make_certificate(&arena, &spec, "registry.example");
    struct stage *stage = stage_open_with(spec, save(&arena, dir, "ca.pem", spec.cert_pem));
    assert_false(get(stage, "https", "/e"));
    assert_has(stage->err.msg, "TLS: ");
    assert_false(get(stage, "http", "/e")); /* and plain HTTP gets no answer */
    stage_close(stage);
    test_rmdir(dir);
    arena_fini(&arena);
}

static bool reaped(struct stage *stage)
{
    for (int i = 0; i < 500 && http_server_reap(stage->server); i++)
        poll(NULL, 0, 10); /* the server sees the end of a connection when it does */
    return !http_server_reap(stage->server);
}

static void test_tls__another_certificate_is_for_new_connections(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 * MIB);
    const char *dir = test_mkdir(&arena);
    struct http_server_spec first = {0}, second = {0};
    make_certificate(&arena, &first, "127.0.0.1");
    make_certificate(&arena, &second, "127.0.0.1");
    struct stage *stage = stage_open_with(first, save(&arena, dir, "ca.pem", first.cert_pem));
    assert_ok(get(stage, "https", "/e"), stage->err);
    assert_false(
        http_server_certificate(stage->server, second.cert_pem, first.key_pem, &stage->err));
    assert_int_equal(stage->err.kind, ERR_FORMAT);
    assert_false(
        http_server_certificate(stage->server, STR("rubbish"), STR("rubbish"), &stage->err));
    assert_ok(get(stage, "https", "/e"), stage->err);
    assert_ok(http_server_certificate(stage->server, second.cert_pem, second.key_pem, &stage->err),
              stage->err);
    assert_true(http_server_reap(stage->server)); /* the open connection of the first */
    assert_ok(get(stage, "https", "/e"), stage->err);
    http_client_close(stage->client);
    const struct http_client_spec old = {.ca_file = save(&arena, dir, "1.pem", first.cert_pem)},
                                  fresh = {.ca_file = save(&arena, dir, "2.pem", second.cert_pem)};
    assert_ok(http_client_open(&old, &stage->client, &stage->err), stage->err);
    assert_false(get(stage, "https", "/e"));
    http_client_close(stage->client);
    assert_ok(http_client_open(&fresh, &stage->client, &stage->err), stage->err);
    assert_ok(get(stage, "https", "/e"), stage->err);
    assert_true(reaped(stage));
    assert_ok(get(stage, "https", "/e"), stage->err);
    stage_close(stage);
    test_rmdir(dir);
    arena_fini(&arena);
}

static void test_tls__a_certificate_needs_sound_names(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "a b", "a,IP:1.2.3.4", "a\nb", "a/b"};
    struct arena arena;
    struct err err;
    arena_init(&arena, 1 * MIB);
    str cert, key;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        str name = str_from(bad[i]);
        assert_false(http_self_signed(&arena, &name, 1, 1, &cert, &key, &err));
        assert_int_equal(err.kind, ERR_USAGE);
    }
    assert_false(http_self_signed(&arena, NULL, 0, 1, &cert, &key, &err));
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request__target_is_a_plain_path),
        cmocka_unit_test(test_request__refuses_what_is_no_path),
        cmocka_unit_test(test_request__a_strange_host_is_not_repeated),
        cmocka_unit_test(test_request__body_arrives_whole_in_pieces_and_chunks),
        cmocka_unit_test(test_request__expect_100_continue_is_answered),
        cmocka_unit_test(test_limits__a_body_too_large_is_413_and_the_next_request_is_served),
        cmocka_unit_test(test_limits__a_body_far_too_large_is_told_before_it_comes),
        cmocka_unit_test(test_limits__an_endless_chunked_body_is_cut_off),
        cmocka_unit_test(test_limits__headers),
        cmocka_unit_test(test_answer__a_header_value_makes_no_second_header),
        cmocka_unit_test(test_answer__head_has_the_length_and_no_body),
        cmocka_unit_test(test_answer__a_handler_without_an_answer_is_500),
        cmocka_unit_test(test_connection__is_kept_alive),
        cmocka_unit_test(test_workers__a_slow_handler_delays_nobody_else),
        cmocka_unit_test(test_lanes__what_is_slow_waits_for_its_kind_only),
        cmocka_unit_test(test_later__needs_no_thread_a_request),
        cmocka_unit_test(test_later__close_gives_up_what_comes_too_late),
        cmocka_unit_test(test_close__lets_a_running_handler_answer),
        cmocka_unit_test(test_close__gives_a_stuck_handler_up),
        cmocka_unit_test(test_open__says_why_not),
        cmocka_unit_test(test_tls__private_ca_is_trusted_only_when_named),
        cmocka_unit_test(test_tls__a_certificate_for_another_name_is_refused),
        cmocka_unit_test(test_tls__another_certificate_is_for_new_connections),
        cmocka_unit_test(test_tls__a_certificate_needs_sound_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
