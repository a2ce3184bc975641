/* SPDX-License-Identifier: Apache-2.0 */
/* Downloads from a server that answers, line by line, as it is told to. */
#include "../support.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "advisory/internal.h"

enum { ANSWERS = 8, ASKED = 4096 };

/* One answer a connection, in order. */
struct stage {
    struct arena arena;
    const char *dir;
    int listener;
    uint16_t port;
    pthread_t thread;
    atomic_bool is_done; /* nobody will ask any more */
    const char *answers[ANSWERS];
    char asked[ANSWERS][ASKED];
    size_t n_answers, n_asked;
    struct feed_reader reader;
    struct source_state source;
    struct update_spec update;
    struct err err;
};

static void *serve(void *arg)
{
    struct stage *stage = arg;
    for (size_t i = 0; i < stage->n_answers; i++) {
        struct pollfd ready = {.fd = stage->listener, .events = POLLIN};
        while (poll(&ready, 1, 10) == 0 && !atomic_load(&stage->is_done)) {
        }
        int fd = ready.revents ? accept(stage->listener, NULL, NULL) : -1;
        size_t len = 0;
        ssize_t n;
        if (fd < 0)
            break;
        char *to = stage->asked[i];
        while (!strstr(to, "\r\n\r\n") && (n = read(fd, to + len, ASKED - 1 - len)) > 0)
            len += (size_t)n;
        stage->n_asked++;
        (void)!write(fd, stage->answers[i], strlen(stage->answers[i]));
        shutdown(fd, SHUT_WR);
        while (read(fd, &n, sizeof n) > 0) {
        }
        close(fd);
    }
    return NULL;
}

static struct stage *stage_open(void)
{
    struct stage *stage = calloc(1, sizeof *stage);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    assert_non_null(stage);
    arena_init(&stage->arena, 1 << 24);
    stage->dir = test_mkdir(&stage->arena);
    stage->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(stage->listener, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(stage->listener, 8), 0);
    assert_int_equal(getsockname(stage->listener, (struct sockaddr *)&address, &len), 0);
    stage->port = ntohs(address.sin_port);
    stage->reader = (struct feed_reader){.spec = &stage->update,
                                         .arena = &stage->arena,
                                         .state = &stage->source,
                                         .cache = stage->dir,
                                         .backoff_ms = 1};
    return stage;
}

static void stage_close(struct stage *stage)
{
    http_client_close(stage->reader.http);
    close(stage->listener);
    test_rmdir(stage->dir);
    arena_fini(&stage->arena);
    free(stage);
}

/* The body as a file holds it, or "error: …"; the server gives @answers, and all must be used. */
static const char *fetch(struct stage *stage, const char *const *answers)
{
    const char *path = NULL;
    char url[64];
    str text;
    memset(stage->asked, 0, sizeof stage->asked);
    stage->n_asked = 0;
    atomic_store(&stage->is_done, false);
    for (stage->n_answers = 0; answers[stage->n_answers]; stage->n_answers++)
        stage->answers[stage->n_answers] = answers[stage->n_answers];
    assert_int_equal(pthread_create(&stage->thread, NULL, serve, stage), 0);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/all.zip", stage->port);
    stage->err = (struct err){0};
    bool is_ok = feed_download(&stage->reader, str_from(url), 1000, &path, &stage->err);
    atomic_store(&stage->is_done, true);
    pthread_join(stage->thread, NULL);
    assert_int_equal(stage->n_asked, stage->n_answers);
    if (!is_ok)
        return arena_cstr(&stage->arena, arena_printf(&stage->arena, "error: %s", stage->err.msg));
    assert_ok(file_read(&stage->arena, path, 1000, &text, &stage->err), stage->err);
    return arena_cstr(&stage->arena, text);
}

#define FETCH(stage, ...) fetch(stage, (const char *const[]){__VA_ARGS__, NULL})
#define OK "HTTP/1.1 200 OK\r\nConnection: close\r\n"

static void test_fetch__what_has_not_changed_is_not_sent_again(void **state)
{
    (void)state;
    struct stage *stage = stage_open();
    assert_string_equal(FETCH(stage, OK "ETag: \"one\"\r\nContent-Length: 5\r\n\r\nfirst"),
                        "first");
    assert_null(strstr(stage->asked[0], "If-None-Match"));
    assert_string_equal(
        FETCH(stage, "HTTP/1.1 304 Not Modified\r\nConnection: close\r\nETag: \"one\"\r\n\r\n"),
        "first");
    assert_non_null(strstr(stage->asked[0], "If-None-Match: \"one\""));
    assert_string_equal(FETCH(stage, OK "ETag: \"two\"\r\nContent-Length: 6\r\n\r\nsecond"),
                        "second");
    stage_close(stage);
}

static void test_fetch__a_file_that_was_spoilt_is_fetched_anew(void **state)
{
    (void)state;
    struct stage *stage = stage_open();
    assert_string_equal(FETCH(stage, OK "ETag: \"one\"\r\nContent-Length: 5\r\n\r\nfirst"),
                        "first");
    str name = stage->reader.fetched.ptr[0];
    str path = arena_printf(&stage->arena, "%s/web/" STR_FMT, stage->dir, STR_ARG(name));
    assert_ok(file_save(arena_cstr(&stage->arena, path), STR("fi"), 0644, &stage->err), stage->err);
    assert_string_equal(FETCH(stage, OK "ETag: \"one\"\r\nContent-Length: 5\r\n\r\nfirst"),
                        "first");
    assert_null(strstr(stage->asked[0], "If-None-Match"));
    stage_close(stage);
}

static void test_fetch__a_broken_transfer_goes_on_where_it_broke(void **state)
{
    (void)state;
    struct stage *stage = stage_open();
    assert_string_equal(
        FETCH(stage, OK "ETag: \"one\"\r\nContent-Length: 10\r\n\r\n0123",
              "HTTP/1.1 206 Partial Content\r\nConnection: close\r\nETag: \"one\"\r\n"
              "Content-Range: bytes 4-9/10\r\nContent-Length: 6\r\n\r\n456789"),
        "0123456789");
    assert_non_null(strstr(stage->asked[1], "If-Range: \"one\""));
    assert_non_null(strstr(stage->asked[1], "Range: bytes=4-"));
    stage_close(stage);
}

static void test_fetch__another_body_begins_from_the_start(void **state)
{
    (void)state;
    struct stage *stage = stage_open();
    assert_string_equal(FETCH(stage, OK "ETag: \"one\"\r\nContent-Length: 10\r\n\r\n0123",
                              OK "ETag: \"two\"\r\nContent-Length: 3\r\n\r\nnew"),
                        "new");
    /* without a strong validator nothing can be continued */
    assert_string_equal(FETCH(stage, OK "ETag: W/\"w\"\r\nContent-Length: 10\r\n\r\n0123",
                              OK "Content-Length: 5\r\n\r\nwhole"),
                        "whole");
    assert_null(strstr(stage->asked[1], "\r\nRange:"));
    assert_string_equal(FETCH(stage, OK "ETag: \"three\"\r\nContent-Length: 10\r\n\r\n0123",
                              "HTTP/1.1 416 Range Not Satisfiable\r\nConnection: close\r\n\r\n",
                              OK "Content-Length: 5\r\n\r\nagain"),
                        "again");
    stage_close(stage);
}

/* sha-256 of "good", base64; md5 of the same. */
#define SHA_GOOD "dw5gdiTWiSZcpsRIhNCAfZsFTSPEc8EGxyvp3gi3N2w="
#define MD5_GOOD "dV+FwnI7s5OBxzeaYEFg2A=="

static void test_fetch__a_stated_digest_must_hold(void **state)
{
    (void)state;
    struct stage *stage = stage_open();
    static const char *const good[] = {"Repr-Digest: sha-256=:" SHA_GOOD ":",
                                       "Digest: SHA-256=" SHA_GOOD, "Content-MD5: " MD5_GOOD,
                                       "x-goog-hash: crc32c=AAAAAA==,md5=" MD5_GOOD};
    for (size_t i = 0; i < 4; i++) {
        char right[512], wrong[512];
        snprintf(right, sizeof right, OK "%s\r\nContent-Length: 4\r\n\r\ngood", good[i]);
        snprintf(wrong, sizeof wrong, OK "%s\r\nContent-Length: 4\r\n\r\nevil", good[i]);
        assert_string_equal(FETCH(stage, wrong, right), "good");
        const char *said = FETCH(stage, wrong, wrong, wrong, wrong);
        assert_non_null(strstr(said, "not the bytes whose digest the server states"));
    }
    stage_close(stage);
}

static void test_fetch__what_may_pass_is_tried_again_and_the_rest_is_not(void **state)
{
    (void)state;
    struct stage *stage = stage_open();
#define ANSWER(status) "HTTP/1.1 " status "\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    assert_string_equal(
        FETCH(stage, ANSWER("503 Busy"), ANSWER("429 Slow"), OK "Content-Length: 2\r\n\r\nok"),
        "ok");
    assert_non_null(strstr(FETCH(stage, ANSWER("404 None")), "answered 404"));
    assert_int_equal(stage->err.kind, ERR_NOT_FOUND);
    assert_non_null(strstr(FETCH(stage, ANSWER("403 No")), "answered 403"));
    assert_int_equal(stage->err.kind, ERR_DENIED);
    char large[1400];
    int n = snprintf(large, sizeof large, OK "Content-Length: 1200\r\n\r\n");
    memset(large + n, 'x', 1200);
    large[n + 1200] = '\0';
    assert_non_null(strstr(FETCH(stage, large), "more than 1000 bytes"));
    assert_int_equal(stage->err.kind, ERR_LIMIT);
    stage_close(stage);
}

static void test_fetch__what_nobody_asks_for_is_forgotten(void **state)
{
    (void)state;
    struct stage *stage = stage_open();
    str_vec names = {0};
    assert_string_equal(FETCH(stage, OK "Content-Length: 5\r\n\r\nfirst"), "first");
    feed_forget_others(&stage->reader);
    const char *web = arena_cstr(&stage->arena, arena_printf(&stage->arena, "%s/web", stage->dir));
    assert_ok(dir_list(&stage->arena, web, &names, &stage->err), stage->err);
    assert_int_equal(names.len, 2);
    stage->reader.fetched.len = 0;
    feed_forget_others(&stage->reader);
    names.len = 0;
    assert_ok(dir_list(&stage->arena, web, &names, &stage->err), stage->err);
    assert_int_equal(names.len, 0);
    stage_close(stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fetch__what_has_not_changed_is_not_sent_again),
        cmocka_unit_test(test_fetch__a_file_that_was_spoilt_is_fetched_anew),
        cmocka_unit_test(test_fetch__a_broken_transfer_goes_on_where_it_broke),
        cmocka_unit_test(test_fetch__another_body_begins_from_the_start),
        cmocka_unit_test(test_fetch__a_stated_digest_must_hold),
        cmocka_unit_test(test_fetch__what_may_pass_is_tried_again_and_the_rest_is_not),
        cmocka_unit_test(test_fetch__what_nobody_asks_for_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
