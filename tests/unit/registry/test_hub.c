/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include <stdio.h>

#include "scene.h"

static struct registry_hub *hub_of(struct scene *s)
{
    assert_ok(registry_hub_open(&s->config.hub, &s->err), s->err);
    return s->config.hub;
}

static void reopen(struct scene *s)
{
    image_source_close(s->source);
    open_source(s);
}

static void done(struct scene *s)
{
    image_source_close(s->source);
    s->source = NULL;
    registry_hub_close(s->config.hub);
}

static void test_hub__a_token_serves_the_next_source_too(void **state)
{
    struct scene *s = *state;
    str bytes;
    hub_of(s);
    s->config.username = STR("user");
    s->config.password = STR("pass");
    ask_for_bearer(s);
    say(s, s->token, "200 OK", "", "{\"token\":\"T1\",\"expires_in\":300}");
    for (int i = 0; i < 2; i++)
        say(s, s->registry, "200 OK", "", "{}");
    open_source(s);
    assert_ok(manifest(s, &bytes), s->err);
    reopen(s);
    assert_ok(manifest(s, &bytes), s->err);
    expect_line(s->registry->heads[2], "Authorization: Bearer T1\r\n");
    assert_int_equal(s->token->n_asked, 1);
    /* another account does not get it */
    s->config.username = STR("other");
    say(s, s->registry, "200 OK", "", "{}");
    reopen(s);
    assert_ok(manifest(s, &bytes), s->err);
    assert_false(has(s->registry->heads[3], "Authorization"));
    /* nor another repository */
    s->config.username = STR("user");
    s->ref.repository = STR("team/other");
    say(s, s->registry, "200 OK", "", "{}");
    reopen(s);
    assert_ok(manifest(s, &bytes), s->err);
    assert_false(has(s->registry->heads[4], "Authorization"));
    done(s);
}

/* Who reads keeps its seat until its blob is read; the next one waits, and not for ever. */
static void test_hub__readers_of_a_host_are_counted(void **state)
{
    struct scene *s = *state;
    struct image_source *second;
    struct cancel cancel = {0};
    struct blob blob = {0};
    str bytes;
    digest got;
    hub_of(s);
    s->config.concurrency = 1;
    say(s, s->registry, "200 OK", "", "layer");
    say(s, s->registry, "200 OK", "", "{}");
    open_source(s);
    const struct descriptor what = {.digest = digest_of(HASH_SHA256, STR("layer")),
                                    .size_bytes = 5};
    assert_ok(s->source->ops->blob(s->source, &what, &blob, &s->err), s->err);
    s->config.cancel = &cancel;
    assert_ok(registry_open(&s->ref, &s->config, &second, &s->err), s->err);
    cancel.deadline_mono_ms = clock_mono_ms() + 300;
    assert_false(second->ops->manifest(second, &s->arena, STR_NONE, NULL, &bytes, &got, &s->err));
    assert_int_equal(s->err.kind, ERR_CANCELLED);
    assert_int_equal(s->registry->n_asked, 1);
    blob_close(&blob);
    cancel.deadline_mono_ms = 0;
    assert_ok(second->ops->manifest(second, &s->arena, STR_NONE, NULL, &bytes, &got, &s->err),
              s->err);
    image_source_close(second);
    done(s);
}

static void test_hub__a_host_that_asks_for_it_is_left_alone(void **state)
{
    struct scene *s = *state;
    struct registry_hub *hub = hub_of(s);
    say(s, s->registry, "429 Too Many Requests", "Retry-After: 100\r\n", "");
    open_source(s);
    expect_error(s, ERR_UNAVAILABLE, "too many requests (429)");
    assert_in_range(registry_hub_rest_s(hub, s->ref.host), 99, 100);
    reopen(s);
    expect_error(s, ERR_UNAVAILABLE, "asks to be left alone for 1");
    assert_int_equal(s->registry->n_asked, 1);
    assert_int_equal(registry_hub_rest_s(hub, STR("other.example")), 0);
    assert_int_equal(registry_hub_rest_s(NULL, s->ref.host), 0);
    done(s);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_hub__a_token_serves_the_next_source_too),
        TEST(test_hub__readers_of_a_host_are_counted),
        TEST(test_hub__a_host_that_asks_for_it_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
