/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include "base/num.h"
#include "http/http.h"
#include "raw_server.h"

static void test_address__rules(void **state)
{
    (void)state;
    struct arena arena;
    struct rd in;
    str row, word, text;
    size_t n = 0;
    arena_init(&arena, 1 << 20);
    rd_init(&in, test_data(&arena, "http/addresses.txt"));
    while (test_next_row(&in, &row)) {
        assert_true(str_cut_byte(row, ' ', &word, &text));
        if (http_mail_address(text) != str_eq(word, STR("yes")))
            fail_msg("%.*s: expected %.*s", STR_ARG(text), STR_ARG(word));
        n++;
    }
    assert_true(n > 15);
    assert_false(http_mail_address(STR("")));
    assert_false(http_mail_address(STR("a@b\r\nRCPT TO:<x@y>")));
    assert_false(http_mail_address(STR("a@b\0c")));
    arena_fini(&arena);
}

/* A server that refuses each client at its door. */
static bool refuse(struct raw_server *server, int fd, const char *head)
{
    (void)server, (void)head, (void)fd;
    return false;
}

static void test_mail__what_is_no_address_never_leaves(void **state)
{
    (void)state;
    struct arena arena;
    struct err err = {0};
    int status = -1;
    str reply;
    const str good = STR("a@b.example"), bad = STR("a@b>\r\nX: y");
    struct http_mail mail = {
        .url = "smtp://127.0.0.1:1", .from = good, .to = &bad, .n_to = 1, .timeout_s = 2};
    arena_init(&arena, 1 << 20);
    assert_false(http_mail_send(&mail, &arena, &status, &reply, &err));
    assert_int_equal(err.kind, ERR_FORMAT);
    mail.to = &good;
    mail.from = bad;
    assert_false(http_mail_send(&mail, &arena, &status, &reply, &err));
    assert_int_equal(err.kind, ERR_FORMAT);
    assert_int_equal(status, 0);
    arena_fini(&arena);
}

static void test_mail__a_server_that_is_none_is_said(void **state)
{
    (void)state;
    struct arena arena;
    struct err err = {0};
    struct raw_server server;
    char url[64];
    int status = -1;
    str reply;
    const str to = STR("a@b.example");
    arena_init(&arena, 1 << 20);
    raw_open(&server, refuse, NULL);
    snprintf(url, sizeof(url), "smtp://127.0.0.1:%u", server.port);
    struct http_mail mail = {
        .url = url, .from = to, .to = &to, .n_to = 1, .message = STR("x\r\n"), .timeout_s = 1};
    assert_false(http_mail_send(&mail, &arena, &status, &reply, &err));
    assert_int_equal(err.kind, ERR_UNAVAILABLE);
    assert_non_null(strstr(err.msg, url));
    mail.url = "http://127.0.0.1:1/";
    assert_false(http_mail_send(&mail, &arena, &status, &reply, &err));
    assert_int_equal(err.kind, ERR_UNAVAILABLE);
    raw_close(&server);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_address__rules),
        cmocka_unit_test(test_mail__what_is_no_address_never_leaves),
        cmocka_unit_test(test_mail__a_server_that_is_none_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
