/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include "scene.h"

#define RULES "/plimsoll/v1/rules"
#define ID "AAAAAAAA-0000-4000-8000-000000000001"
#define RULE(name, more) "{\"name\":\"" name "\",\"justification\":\"why\"," more "}"
#define CVE "\"criteria\":{\"cve\":[\"CVE-2020-1234\"],\"cvss-below\":7.5,\"patchable\":true}"

static void test_rule__is_made_shown_and_deleted(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    assert_int_equal(scene_post(s, RULES, RULE("one", "\"scope\":{\"registry\":\"Main\"}," CVE)),
                     201);
    str id = arena_dup(&s->arena, scene_str(s, "id"));
    assert_int_equal(id.len, 36);
    assert_str(scene_str(s, "state"), "Enabled");
    assert_str(scene_str(s, "scope.registry"), "Main");
    assert_str(scene_str(s, "criteria.cve.0"), "CVE-2020-1234");
    assert_true(json_real_value(scene_at(s, "criteria.cvss-below")) == 7.5);
    assert_true(json_is_true(scene_at(s, "criteria.patchable")));
    assert_str(scene_str(s, "createdBy"), "test");
    str shown = arena_dup(&s->arena, s->answer.body);
    const char *target = arena_printf(&s->arena, RULES "/" STR_FMT, STR_ARG(id)).ptr;
    /* what is shown may be sent back */
    assert_int_equal(scene_say(s, "PUT", target, arena_cstr(&s->arena, shown)), 200);
    assert_int_equal(scene_get(s, RULES), 200);
    assert_int_equal(json_array_size(scene_at(s, "value")), 1);
    assert_int_equal(json_integer_value(scene_at(s, "revision")), 2);
    assert_true(json_is_true(scene_at(s, "applied"))); /* there is no image */
    assert_int_equal(scene_say(s, "DELETE", target, ""), 204);
    assert_error(s, scene_get(s, target), 404, "NotFound");
    assert_error(s, scene_say(s, "DELETE", target, ""), 404, "NotFound");
    const char *history = arena_printf(&s->arena, "%s/history", target).ptr;
    assert_int_equal(scene_get(s, history), 200);
    assert_int_equal(json_array_size(scene_at(s, "value")), 3);
    assert_str(scene_str(s, "value.2.action"), "delete");
    assert_str(scene_str(s, "value.2.by"), "test");
    scene_close(s);
}

static void test_rule__queues_its_application(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    add_image(s, 1, "v1", 2, NULL);
    assert_int_equal(scene_say(s, "PUT", RULES "/" ID, RULE("one", CVE)), 201);
    assert_str(scene_str(s, "id"), "aaaaaaaa-0000-4000-8000-000000000001");
    assert_int_equal(scene_get(s, RULES), 200);
    assert_true(json_is_false(scene_at(s, "applied")));
    assert_int_equal(scene_get(s, "/plimsoll/v1/jobs?state=queued"), 200);
    assert_str(scene_str(s, "value.0.kind"), "rules");
    scene_close(s);
}

static void test_rule__of_the_past_is_expired(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    assert_int_equal(scene_post(s, RULES, RULE("old", "\"expires\":\"2020-01-31\"," CVE)), 201);
    assert_str(scene_str(s, "state"), "Expired");
    assert_str(scene_str(s, "expires"), "2020-01-31");
    scene_close(s);
}

/* As in the cloud: a Contributor may change everything but what counts. */
static void test_rule__is_for_security_admins(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    str contributor = scene_principal(s, "contributor", CONTRIBUTOR, "");
    str admin = scene_principal(s, "admin", SECURITY_ADMIN, "");
    str reader = scene_principal(s, "reader", SECURITY_READER, "");
    assert_error(s, scene_send(s, "POST", RULES, RULE("x", CVE), contributor), 403,
                 "AuthorizationFailed");
    assert_error(s, scene_send(s, "POST", RULES, RULE("x", CVE), reader), 403,
                 "AuthorizationFailed");
    assert_int_equal(scene_send(s, "POST", RULES, RULE("x", CVE), admin), 201);
    assert_str(scene_str(s, "createdBy"), "admin");
    assert_int_equal(scene_send(s, "GET", RULES, "", reader), 200);
    scene_close(s);
}

static void test_rule__refusals_say_what(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    static const struct {
        const char *body, *message;
    } rows[] = {
        {"{", NULL},
        {"[]", NULL},
        {"{\"name\":\"x\"}", "the rule has no justification: x"},
        {"{\"name\":\"x\",\"justification\":\"y\"}", "the rule has no criteria: x"},
        {RULE("x", "\"criteria\":{\"colour\":\"red\"}"), "unknown key colour"},
        {RULE("x", "\"criteria\":{\"cve\":[]}"), NULL},
        {RULE("x", "\"criteria\":{\"cvss-below\":11}"), NULL},
        {RULE("x", CVE ",\"expires\":\"2026-02-30\""), NULL},
        {RULE("vex:x", CVE), NULL},
        {RULE("", CVE), NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_error(s, scene_post(s, RULES, rows[i].body), 400, "InvalidRequestContent");
        if (rows[i].message)
            assert_str(scene_str(s, "error.message"), rows[i].message);
    }
    assert_int_equal(scene_post(s, RULES, RULE("x", CVE)), 201);
    assert_error(s, scene_post(s, RULES, RULE("x", CVE)), 409, "Conflict");
    assert_error(s, scene_get(s, RULES "/nonsense"), 400, "InvalidParameter");
    assert_error(s, scene_get(s, RULES "/" ID), 404, "NotFound");
    assert_error(s, scene_get(s, RULES "/" ID "/history"), 404, "NotFound");
    scene_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rule__is_made_shown_and_deleted),
        cmocka_unit_test(test_rule__queues_its_application),
        cmocka_unit_test(test_rule__of_the_past_is_expired),
        cmocka_unit_test(test_rule__is_for_security_admins),
        cmocka_unit_test(test_rule__refusals_say_what),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
