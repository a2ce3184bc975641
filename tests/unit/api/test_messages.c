/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include "../http/raw_server.h"
#include "scene.h"

/* One message in the outbox, by way of a source that is held. */
static void add_message(struct scene *s, const char *id)
{
    struct store_batch batch;
    bool is_new = false;
    const struct outbox_message message = {.message = str_from(id),
                                           .channel = STR("hook"),
                                           .kind = STR("source-held"),
                                           .subject = STR("a \"subject\""),
                                           .body = STR("{}")};
    assert_ok(store_changes_source(s->store, str_from(id), STR("why"), 1, &is_new, &s->err),
              s->err);
    assert_int_equal(store_changes_next(s->store, &s->arena, 1, 9, &batch, &s->err), NEXT_ITEM);
    assert_ok(store_outbox_add(s->store, &batch, &message, 1, 1700000000, &s->err), s->err);
}

static void test_messages__are_listed_and_the_dead_are_requeued(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    add_message(s, "one");
    add_message(s, "two");
    assert_int_equal(scene_get(s, "/plimsoll/v1/notify/messages"), 200);
    assert_int_equal(json_int(json_obj(s->json, "counts"), "queued", -1), 2);
    assert_str(scene_str(s, "value.0.message"), "two");
    assert_str(scene_str(s, "value.0.subject"), "a \"subject\"");
    assert_null(scene_at(s, "value.0.body"));
    assert_int_equal(scene_get(s, "/plimsoll/v1/notify/messages?$top=1"), 200);
    str link = scene_str(s, "nextLink");
    assert_true(link.len > 0);
    assert_int_equal(scene_get(s, arena_cstr(&s->arena, link)), 200);
    assert_str(scene_str(s, "value.0.message"), "one");
    assert_error(s, scene_get(s, "/plimsoll/v1/notify/messages?state=lost"), 400,
                 "InvalidParameter");
    assert_error(s, scene_post(s, "/plimsoll/v1/notify/messages/1/requeue", ""), 404,
                 "ResourceNotFound"); /* it is not dead */
    assert_ok(store_outbox_bury(s->store, STR("hook"), STR("gone"), 1700000001, &s->err), s->err);
    assert_int_equal(scene_get(s, "/plimsoll/v1/notify/messages?state=dead&channel=hook"), 200);
    assert_str(scene_str(s, "value.0.error"), "gone");
    assert_int_equal(scene_post(s, "/plimsoll/v1/notify/messages/1/requeue", ""), 202);
    assert_str(scene_str(s, "state"), "queued");
    assert_error(s, scene_post(s, "/plimsoll/v1/notify/messages/x/requeue", ""), 404, "NotFound");
    scene_close(s);
}

static bool say_thanks(struct raw_server *server, int fd, const char *head)
{
    (void)server, (void)head;
    raw_say(fd, "HTTP/1.1 202 Accepted\r\nContent-Length: 6\r\nConnection: close\r\n\r\nthanks");
    return false;
}

static void test_channels__say_where_to_without_secrets_and_are_tried(void **state)
{
    (void)state;
    struct raw_server receiver;
    raw_open(&receiver, say_thanks, NULL);
    struct scene *s = scene_open();
    char url[128], shown[64];
    snprintf(url, sizeof(url), "http://user:hidden@127.0.0.1:%u/token-in-path", receiver.port);
    snprintf(shown, sizeof(shown), "http://127.0.0.1:%u", receiver.port);
    *vec_push(&s->arena, &s->config.channels) = (struct config_channel){.name = STR("hook"),
                                                                        .url = str_from(url),
                                                                        .secret = STR("s"),
                                                                        .events = 1,
                                                                        .timeout_s = 5,
                                                                        .max_attempts = 3};
    assert_int_equal(scene_get(s, "/plimsoll/v1/notify/channels"), 200);
    assert_str(scene_str(s, "value.0.host"), shown);
    assert_str(scene_str(s, "value.0.events.0"), "new-findings");
    assert_null(strstr(s->answer.body.ptr, "hidden"));
    assert_null(strstr(s->answer.body.ptr, "token"));
    assert_int_equal(scene_post(s, "/plimsoll/v1/notify/channels/hook/test", ""), 200);
    assert_true(json_flag(s->json, "delivered", false));
    assert_int_equal(json_int(s->json, "status", -1), 202);
    assert_str(scene_str(s, "answer"), "thanks");
    assert_non_null(strstr(raw_head(&receiver), "X-Plimsoll-Signature-256: sha256="));
    assert_error(s, scene_post(s, "/plimsoll/v1/notify/channels/none/test", ""), 404,
                 "ResourceNotFound");
    raw_close(&receiver);
    assert_int_equal(scene_post(s, "/plimsoll/v1/notify/channels/hook/test", ""), 200);
    assert_false(json_flag(s->json, "delivered", true));
    assert_int_equal(json_int(s->json, "status", -1), 0);
    assert_true(str_has(scene_str(s, "error"), STR("refused")));
    scene_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages__are_listed_and_the_dead_are_requeued),
        cmocka_unit_test(test_channels__say_where_to_without_secrets_and_are_tried),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
