/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include "http/http.h"
#include "raw_server.h"

static bool say_ok(struct raw_server *server, int fd, const char *head)
{
    (void)server;
    (void)head;
    raw_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    return true;
}

/* One client, one request. */
static void ask(struct raw_server *server, const struct http_client_spec *spec)
{
    struct http_client *client;
    struct http_answer answer;
    struct err err = {0};
    struct arena arena;
    char url[64];
    arena_init(&arena, 1 << 20);
    snprintf(url, sizeof(url), "http://127.0.0.1:%u/", server->port);
    const struct http_call call = {.url = url};
    assert_ok(http_client_open(spec, &client, &err), err);
    assert_ok(http_fetch(client, &call, &arena, 100, &answer, &err), err);
    assert_str(answer.body, "ok");
    http_client_close(client);
    arena_fini(&arena);
}

static void test_pool__the_next_client_goes_on_with_the_connection(void **state)
{
    struct raw_server server;
    struct http_pool *pool;
    struct err err = {0};
    (void)state;
    raw_open(&server, say_ok, NULL);
    assert_ok(http_pool_open(&pool, &err), err);
    const struct http_client_spec spec = {.user_agent = "test/1", .proxy = "", .pool = pool};
    for (int i = 0; i < 5; i++)
        ask(&server, &spec);
    assert_int_equal(server.n_requests, 5);
    assert_int_equal(server.n_connections, 1);
    http_pool_close(pool);
    raw_close(&server);
}

/* A connection that was made with one certificate is not for who shows another. */
static void test_pool__only_clients_of_the_same_kind(void **state)
{
    struct raw_server server;
    struct http_pool *pool;
    struct err err = {0};
    (void)state;
    raw_open(&server, say_ok, NULL);
    assert_ok(http_pool_open(&pool, &err), err);
    struct http_client_spec spec = {.user_agent = "test/1", .proxy = "", .pool = pool};
    struct http_client *one, *same, *other;
    assert_ok(http_client_open(&spec, &one, &err), err);
    http_client_close(one);
    spec.client_cert_file = "/etc/one.pem";
    assert_ok(http_client_open(&spec, &other, &err), err);
    assert_ptr_not_equal(one, other);
    spec.client_cert_file = NULL;
    assert_ok(http_client_open(&spec, &same, &err), err);
    assert_ptr_equal(one, same);
    http_client_close(other);
    http_client_close(same);
    http_pool_close(pool);
    raw_close(&server);
}

static void test_pool__holds_only_so_many(void **state)
{
    struct http_pool *pool;
    struct http_client *clients[40];
    struct err err = {0};
    (void)state;
    assert_ok(http_pool_open(&pool, &err), err);
    const struct http_client_spec spec = {.user_agent = "test/1", .pool = pool};
    for (size_t i = 0; i < 40; i++)
        assert_ok(http_client_open(&spec, &clients[i], &err), err);
    for (size_t i = 0; i < 40; i++)
        http_client_close(clients[i]); /* the leak checker sees the rest freed */
    http_pool_close(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pool__the_next_client_goes_on_with_the_connection),
        cmocka_unit_test(test_pool__only_clients_of_the_same_kind),
        cmocka_unit_test(test_pool__holds_only_so_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
