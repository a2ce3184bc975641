/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include "scene.h"
#include "store/principals.h"

#define OWN "/plimsoll/v1/principals"

static const char *path(struct scene *s, str id, const char *behind)
{
    return arena_printf(&s->arena, OWN "/" STR_FMT "%s", STR_ARG(id), behind).ptr;
}

static void test_principals__rotate_their_secrets(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    str token;
    assert_int_equal(scene_post(s, OWN, "{\"displayName\":\"ci\"}"), 201);
    str app = arena_dup(&s->arena, scene_str(s, "appId"));
    str tenant = arena_dup(&s->arena, scene_str(s, "tenantId"));
    str first = arena_dup(&s->arena, scene_str(s, "clientSecret"));
    int64_t first_id = json_integer_value(scene_at(s, "secrets.0.id"));
    assert_int_equal(scene_login(s, tenant, app, first, &token), 200);
    assert_int_equal(scene_post(s, path(s, app, "/secrets"), "{\"days\":30}"), 201);
    str second = arena_dup(&s->arena, scene_str(s, "clientSecret"));
    assert_int_equal(scene_login(s, tenant, app, second, &token), 200);
    const char *old =
        path(s, app, arena_printf(&s->arena, "/secrets/%lld", (long long)first_id).ptr);
    assert_int_equal(scene_send(s, "DELETE", old, "", s->token), 200);
    assert_int_equal(scene_send(s, "DELETE", old, "", s->token), 204);
    assert_int_equal(scene_login(s, tenant, app, first, &token), 401);
    assert_int_equal(scene_login(s, tenant, app, second, &token), 200);
    assert_int_equal(scene_get(s, path(s, app, "")), 200);
    assert_null(scene_at(s, "clientSecret"));
    assert_null(scene_at(s, "secrets.1"));
    scene_close(s);
}

static void test_principals__disabled_ones_are_out_at_once(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    str token = scene_principal(s, "reader", READER, "");
    assert_int_equal(scene_send(s, "GET", "/subscriptions" V, "", token), 200);
    assert_int_equal(scene_get(s, OWN), 200);
    str id = arena_dup(&s->arena, scene_str(s, "value.0.objectId"));
    assert_int_equal(scene_send(s, "PATCH", path(s, id, ""), "{\"disabled\":true}", s->token), 200);
    assert_error(s, scene_send(s, "GET", "/subscriptions" V, "", token), 401,
                 "InvalidAuthenticationToken");
    assert_int_equal(scene_send(s, "PATCH", path(s, id, ""), "{\"disabled\":false}", s->token),
                     200);
    assert_int_equal(scene_send(s, "GET", "/subscriptions" V, "", token), 200);
    assert_int_equal(scene_send(s, "DELETE", path(s, id, ""), "", s->token), 200);
    assert_int_equal(scene_send(s, "DELETE", path(s, id, ""), "", s->token), 204);
    assert_error(s, scene_send(s, "GET", "/subscriptions" V, "", token), 401,
                 "InvalidAuthenticationToken");
    scene_close(s);
}

static void test_principals__wrong_requests_are_refused(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    assert_error(s, scene_post(s, OWN, "{}"), 400, "InvalidRequestContent");
    assert_error(s, scene_post(s, OWN, "[1]"), 400, "InvalidRequestContent");
    assert_error(s, scene_post(s, OWN, "{"), 400, "InvalidRequestContent");
    assert_error(s, scene_post(s, OWN, "{\"displayName\":\"x\",\"days\":9999}"), 400,
                 "InvalidParameter");
    assert_error(s, scene_get(s, OWN "/" SUB), 404, "PrincipalNotFound");
    str token = scene_principal(s, "reader", READER, "");
    assert_error(s, scene_send(s, "POST", OWN, "{\"displayName\":\"x\"}", token), 403,
                 "AuthorizationFailed");
    scene_close(s);
}

static void test_audit__has_every_write(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    store_audits found = {0};
    str next;
    assert_int_equal(scene_post(s, OWN, "{\"displayName\":\"ci\"}"), 201);
    assert_error(s, scene_post(s, OWN, "{}"), 400, "InvalidRequestContent");
    assert_int_equal(scene_get(s, OWN), 200);
    assert_ok(store_audit_list(s->store, &s->arena, NULL, &found, &next, &s->err), s->err);
    assert_int_equal(found.len, 2);
    assert_int_equal(found.ptr[0].status, 400);
    assert_int_equal(found.ptr[1].status, 201);
    assert_true(str_eq(found.ptr[1].path, STR(OWN)) && found.ptr[1].at > 0);
    assert_true(str_eq(found.ptr[1].principal, STR("test")));
    assert_int_equal(found.ptr[1].request.len, 36);
    scene_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_principals__rotate_their_secrets),
        cmocka_unit_test(test_principals__disabled_ones_are_out_at_once),
        cmocka_unit_test(test_principals__wrong_requests_are_refused),
        cmocka_unit_test(test_audit__has_every_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
