/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include <string.h>

#include "guard/guard.h"
#include "syntax/syntax.h"

static int setup(void **state)
{
    struct arena *arena = test_calloc(1, sizeof(*arena));
    arena_init(arena, 16 << 20);
    *state = arena;
    return 0;
}

static int teardown(void **state)
{
    arena_fini(*state);
    test_free(*state);
    return 0;
}

static str lines_of(struct arena *arena, str row)
{
    char *text = arena_alloc(arena, row.len + 1);
    assert_non_null(text);
    memcpy(text, row.ptr, row.len);
    for (size_t i = 0; i < row.len; i++)
        if (text[i] == ';')
            text[i] = '\n';
    return str_of(text, row.len);
}

static void test_config__each_mistake_is_named_with_its_place(void **state)
{
    struct arena *arena = *state;
    struct rd in;
    str row, yaml, expected;
    size_t n = 0;
    rd_init(&in, test_data(arena, "guard/config-errors.txt"));
    while (test_next_row(&in, &row)) {
        struct config config;
        struct err err = {0};
        assert_true(str_cut(row, STR(" => "), &yaml, &expected));
        if (config_parse(arena, STR("FILE"), lines_of(arena, yaml), &config, &err))
            fail_msg("is accepted: %.*s", STR_ARG(yaml));
        assert_int_equal(err.kind, ERR_USAGE);
        str message = str_from(err.msg);
        assert_true(str_starts(message, STR("FILE:")));
        if (!str_eq(str_skip(message, 5), expected))
            fail_msg("%.*s: \"%s\", expected \"%.*s\"", STR_ARG(yaml), err.msg, STR_ARG(expected));
        n++;
    }
    assert_true(n > 20);
}

static void test_config__empty_file_gives_the_defaults(void **state)
{
    struct arena *arena = *state;
    struct config c;
    struct err err = {0};
    assert_ok(config_parse(arena, STR("FILE"), STR(""), &c, &err), err);
    assert_str(c.listen_address, "127.0.0.1");
    assert_int_equal(c.listen_port, 8443);
    assert_int_equal(c.workers, 2);
    assert_int_equal(c.sandbox, SANDBOX_FULL);
    assert_int_equal(c.log_level, LOG_INFO);
    assert_false(c.is_log_json);
    assert_str(c.database_dir, "/var/lib/plimsoll/advisories");
    assert_str(c.store, "sqlite:/var/lib/plimsoll/plimsoll.db");
    assert_str(c.secret_key_file, "/var/lib/plimsoll/secret.key");
    assert_int_equal(c.limits.of[LIMIT_ID_LAYERS], LIMIT(LAYERS));
    assert_int_equal(c.registries.len, 0);
}

static void test_config__values_arrive(void **state)
{
    struct arena *arena = *state;
    struct config c;
    struct err err = {0};
    str text = STR("listen: {port: 0}\nlog: {format: json, level: debug}\nsandbox: basic\n"
                   "feeds: [osv, alpine-secdb=/srv/secdb]\nlimits: {layers: 7}\n"
                   "registries:\n- name: lab\n  host: 127.0.0.1:5001\n  plain-http: true\n"
                   "  username: u\n  password: p\n");
    assert_ok(config_parse(arena, STR("FILE"), text, &c, &err), err);
    assert_int_equal(c.listen_port, 0);
    assert_true(c.is_log_json);
    assert_int_equal(c.log_level, LOG_DEBUG);
    assert_int_equal(c.sandbox, SANDBOX_BASIC);
    assert_int_equal(c.feeds.len, 2);
    assert_str(c.feeds.ptr[1].name, "alpine-secdb");
    assert_str(c.feeds.ptr[1].place, "/srv/secdb");
    assert_int_equal(c.limits.of[LIMIT_ID_LAYERS], 7);
    assert_true(c.registries.ptr[0].is_plain_http);
    assert_str(c.registries.ptr[0].resource_group, "default");
    assert_str(c.registries.ptr[0].password, "p");
}

static void test_config__channels_arrive(void **state)
{
    struct arena *arena = *state;
    struct config c;
    struct err err = {0};
    str text = STR("notify:\n- name: hook\n  url: https://h/x\n  secret: s\n"
                   "  headers: {X-A: b}\n  repositories: [\"shop/**\"]\n"
                   "- name: mail\n  kind: smtp\n  url: smtps://h:465\n  severity: high\n"
                   "  events: [scan-failed]\n  from: a@b.example\n  to: [c@d.example, e@f]\n");
    assert_ok(config_parse(arena, STR("FILE"), text, &c, &err), err);
    assert_int_equal(c.channels.len, 2);
    const struct config_channel *hook = &c.channels.ptr[0], *mail = &c.channels.ptr[1];
    assert_int_equal(hook->kind, CHANNEL_WEBHOOK);
    assert_int_equal(hook->events, (1U << TOLD_TEST) - 1);
    assert_int_equal(hook->severity, SEVERITY_UNKNOWN);
    assert_str(hook->headers.ptr[0].name, "X-A");
    assert_str(hook->repositories.ptr[0], "shop/**");
    assert_int_equal(hook->max_attempts, 12);
    assert_int_equal(mail->kind, CHANNEL_SMTP);
    assert_int_equal(mail->events, 1U << TOLD_SCAN_FAILED);
    assert_int_equal(mail->severity, SEVERITY_HIGH);
    assert_true(mail->is_starttls);
    assert_str(mail->to.ptr[1], "e@f");
    assert_int_equal(c.registries.len, 0);
}

/* "listen.port", "registries[].host" in the tree of the example. */
static const struct yaml *find(const struct yaml *at, str path)
{
    str step, rest = path;
    while (at && rest.len) {
        str_cut_byte(rest, '.', &step, &rest);
        bool is_list = str_ends(step, STR("[]"));
        at = yaml_get(at, is_list ? str_slice(step, 0, step.len - 2) : step);
        if (at && is_list)
            at = at->items.len ? at->items.ptr[0] : NULL;
    }
    return at;
}

static void test_config__example_has_every_key_with_its_default_and_help(void **state)
{
    struct arena *arena = *state;
    struct config config;
    struct err err = {0};
    struct yaml *root = NULL;
    str text = test_data(arena, "../../packaging/plimsoll.yaml");
    assert_ok(config_parse(arena, STR("plimsoll.yaml"), text, &config, &err), err);
    assert_ok(yaml_read(arena, text, &root, &err), err);
    const struct config_key *key;
    for (size_t i = 0; (key = config_key_at(i)); i++) {
        const struct yaml *value = find(root, str_from(key->path));
        if (!value)
            fail_msg("the example lacks %s", key->path);
        if (!str_has(text, str_from(key->help)))
            fail_msg("the example does not explain %s: %s", key->path, key->help);
        bool is_scalar = key->type != CONFIG_LIST && key->type != CONFIG_MAP;
        if (is_scalar && key->fallback && !str_eq(value->text, str_from(key->fallback)))
            fail_msg("%s is %.*s in the example, its default is %s", key->path,
                     STR_ARG(value->text), key->fallback);
    }
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_config__each_mistake_is_named_with_its_place),
        T(test_config__empty_file_gives_the_defaults),
        T(test_config__values_arrive),
        T(test_config__channels_arrive),
        T(test_config__example_has_every_key_with_its_default_and_help),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
