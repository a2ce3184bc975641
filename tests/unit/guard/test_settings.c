/* SPDX-License-Identifier: Apache-2.0 */
/* A registry that was made over REST is reached, and heard, as it was said. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "base/sb.h"
#include "guard/guard.h"

struct fixture {
    struct arena arena;
    const char *dir;
    struct config config;
    struct guard *guard;
    struct store *store;
    struct store_registry made;
};
static struct err err; /* of the call before */

static const char PROPERTIES[] =
    "{\"plimsoll\":{\"host\":\"reg.example\",\"username\":\"robot\",\"proxy\":"
    "\"http://proxy.example:3128\",\"caCertificates\":\"-----BEGIN CERTIFICATE-----\\nx\","
    "\"repositories\":[\"a/b\"],\"sweepIntervalSeconds\":60}}";

static int setup(void **state)
{
    struct fixture *f = test_calloc(1, sizeof(*f));
    arena_init(&f->arena, 64 << 20);
    f->dir = test_mkdir(&f->arena);
    str text = arena_printf(&f->arena,
                            "data-directory: %s\nnotification: {secret: s3cret}\n"
                            "log: {level: off}\nregistries:\n- {name: lab, host: h, username: u,"
                            " password: p}\n",
                            f->dir);
    log_configure(LOG_OFF, false);
    assert_ok(config_parse(&f->arena, STR("FILE"), text, &f->config, &err), err);
    assert_ok(guard_open(&(struct guard_spec){.config = &f->config}, &f->guard, &err), err);
    assert_ok(store_open(guard_store_path(f->guard), STORE_RELAXED, &f->store, &err), err);
    f->made = (struct store_registry){.subscription = STR("11111111-2222-3333-4444-555555555555"),
                                      .resource_group = STR("g"),
                                      .name = STR("made1"),
                                      .host = STR("reg.example"),
                                      .properties = str_from(PROPERTIES),
                                      .is_made = true};
    assert_ok(store_registry_put(f->store, &f->made, 1, &err), err);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    store_close(f->store);
    guard_close(f->guard);
    test_rmdir(f->dir);
    arena_fini(&f->arena);
    test_free(f);
    return 0;
}

static void test_reach__secrets_are_sealed_and_found_again(void **state)
{
    struct fixture *f = *state;
    struct registry_config config;
    const struct registry_settings secrets = {.has_password = true,
                                              .password = STR("pass"),
                                              .has_client_key = true,
                                              .client_key_pem = STR("-----BEGIN PRIVATE KEY-----")};
    assert_ok(guard_keep_secrets(f->guard, f->store, f->made.id, &secrets, &err), err);
    assert_ok(guard_reach(f->guard, f->store, &f->arena, &f->made, &config, &err), err);
    assert_str(config.host, "reg.example");
    assert_str(config.username, "robot");
    assert_str(config.password, "pass");
    assert_str(config.proxy, "http://proxy.example:3128");
    assert_str(config.client_key_pem, "-----BEGIN PRIVATE KEY-----");
    assert_true(config.ca_pem.len > 0);
    assert_true(config.is_alone); /* not what Docker's file of this account says */
    /* what is not said stays, what is said to be empty goes */
    const struct registry_settings none = {.has_password = true};
    assert_ok(guard_keep_secrets(f->guard, f->store, f->made.id, &none, &err), err);
    assert_ok(guard_reach(f->guard, f->store, &f->arena, &f->made, &config, &err), err);
    assert_int_equal(config.password.len, 0);
    assert_true(config.client_key_pem.len > 0);
}

static void test_reach__configured_one_is_as_the_file_says(void **state)
{
    struct fixture *f = *state;
    struct store_registry lab;
    struct registry_config config;
    assert_ok(store_registry_get(f->store, &f->arena, STR("LAB"), &lab, &err), err);
    assert_false(lab.is_made);
    assert_ok(guard_reach(f->guard, f->store, &f->arena, &lab, &config, &err), err);
    assert_str(config.password, "p");
}

static bool tell(struct fixture *f, const char *registry, const char *secret)
{
    struct notify_result result;
    const struct notification in = {.registry = str_from(registry),
                                    .secret = str_from(secret),
                                    .message = {.body = STR("{\"events\":[]}")}};
    err = (struct err){0};
    return guard_notify(f->guard, &f->arena, &in, &result, &err);
}

static void test_notify__own_secret_instead_of_the_servers(void **state)
{
    struct fixture *f = *state;
    assert_ok(tell(f, "made1", "s3cret"), err);
    const struct registry_settings own = {.has_notification_secret = true,
                                          .notification_secret = STR("own")};
    assert_ok(guard_keep_secrets(f->guard, f->store, f->made.id, &own, &err), err);
    assert_ok(tell(f, "MADE1", "own"), err);
    assert_false(tell(f, "made1", "s3cret"));
    assert_int_equal(err.kind, ERR_DENIED);
    assert_false(tell(f, "nobody", "s3cret"));
    assert_int_equal(err.kind, ERR_DENIED);
    assert_ok(store_registry_remove(f->store, f->made.id, 2, &err), err);
    assert_false(tell(f, "made1", "own"));
    assert_int_equal(err.kind, ERR_DENIED);
}

static void test_settings__go_round(void **state)
{
    struct fixture *f = *state;
    struct registry_settings settings;
    struct sb text;
    struct jw jw;
    assert_ok(registry_settings_of(&f->arena, &f->made, &settings, &err), err);
    assert_int_equal(settings.sweep_interval_s, 60);
    assert_int_equal(settings.repositories.len, 1);
    settings.password = STR("never");
    sb_init(&text, 1 << 16);
    jw_init(&jw, &text, false);
    registry_settings_write(&jw, &settings);
    str inner = str_of(PROPERTIES + 12, sizeof(PROPERTIES) - 1 - 13);
    json_t *a = NULL, *b = NULL;
    assert_ok(json_read(inner, &a, &err), err);
    assert_ok(json_read(sb_str(&text), &b, &err), err);
    assert_false(str_has(sb_str(&text), STR("never")));
    assert_int_equal(json_object_del(b, "plainHttp"), 0);
    assert_true(json_equal(a, b));
    json_decref(a);
    json_decref(b);
    sb_fini(&text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_reach__secrets_are_sealed_and_found_again),
        TEST(test_reach__configured_one_is_as_the_file_says),
        TEST(test_notify__own_secret_instead_of_the_servers),
        TEST(test_settings__go_round),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
