/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept of who a token is of: it is never older than the last change of this process, nor
 * than a second of another one's, and says what is said without it. */
#include "support.h"

#include "api/internal.h"
#include "base/clock.h"
#include "scene.h"

#define PRINCIPALS "/plimsoll/v1/principals"
#define AUTH "/providers/Microsoft.Authorization/"
#define V22 "?api-version=2022-04-01"
#define SUB_PATH "/subscriptions/" SUB
#define MINE "0a0b0c0d-0000-4000-8000-000000000001"
#define TARGET SUB_PATH SEC "assessments" V

static int asked(struct scene *s, str token) { return scene_send(s, "GET", TARGET, "", token); }

static const char *text(struct scene *s, const char *head, str middle, const char *tail)
{
    return arena_printf(&s->arena, "%s" STR_FMT "%s", head, STR_ARG(middle), tail).ptr;
}

static str object_of(struct scene *s, const char *name)
{
    assert_int_equal(scene_get(s, PRINCIPALS), 200);
    const json_t *all = json_object_get(s->json, "value");
    for (size_t i = 0; i < json_array_size(all); i++)
        if (str_eq(json_str(json_array_get(all, i), "displayName"), str_from(name)))
            return arena_dup(&s->arena, json_str(json_array_get(all, i), "objectId"));
    fail_msg("no principal %s", name);
    return STR_NONE;
}

static store_assignments assignments_of(struct scene *s, str object)
{
    store_assignments all = {0};
    assert_ok(store_assignments_list(s->store, &s->arena, object, &all, &s->err), s->err);
    return all;
}

static void test_known__a_role_taken_away_ends_at_once(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    str token = scene_principal(s, "ann", SECURITY_READER, SUB_PATH);
    assert_int_equal(asked(s, token), 200);
    assert_int_equal(asked(s, token), 200);
    store_assignments all = assignments_of(s, object_of(s, "ann"));
    assert_int_equal(all.len, 1);
    const char *target = text(s, SUB_PATH AUTH "roleAssignments/", all.ptr[0].name, V22);
    assert_int_equal(scene_say(s, "DELETE", target, ""), 200);
    assert_error(s, asked(s, token), 404, "SubscriptionNotFound");
    scene_close(s);
}

static void test_known__a_role_given_counts_at_once(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    str token = scene_principal(s, "ann", NULL, NULL);
    assert_error(s, asked(s, token), 404, "SubscriptionNotFound");
    const char *body = text(s,
                            "{\"properties\":{\"roleDefinitionId\":\"" AUTH
                            "roleDefinitions/" SECURITY_READER "\",\"principalId\":\"",
                            object_of(s, "ann"), "\"}}");
    const char *target = SUB_PATH AUTH "roleAssignments/" MINE V22;
    assert_int_equal(scene_say(s, "PUT", target, body), 201);
    assert_int_equal(asked(s, token), 200);
    scene_close(s);
}

static void test_known__a_principal_disabled_or_deleted_is_out_at_once(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    str token = scene_principal(s, "ann", SECURITY_READER, SUB_PATH);
    const char *target = text(s, PRINCIPALS "/", object_of(s, "ann"), "");
    assert_int_equal(asked(s, token), 200);
    assert_int_equal(scene_say(s, "PATCH", target, "{\"disabled\":true}"), 200);
    assert_error(s, asked(s, token), 401, "InvalidAuthenticationToken");
    assert_int_equal(scene_say(s, "PATCH", target, "{\"disabled\":false}"), 200);
    assert_int_equal(asked(s, token), 200);
    assert_int_equal(scene_say(s, "DELETE", target, ""), 200);
    assert_error(s, asked(s, token), 401, "InvalidAuthenticationToken");
    scene_close(s);
}

/* A secret is for signing in: its end is that of no token, kept or not. */
static void test_known__a_secret_revoked_changes_what_it_changed_before(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    store_principal_secrets secrets = {0};
    str token = scene_principal(s, "ann", SECURITY_READER, SUB_PATH), object = object_of(s, "ann");
    uint64_t before = store_pool_access(s->api->pool);
    assert_int_equal(asked(s, token), 200);
    assert_ok(store_principal_secrets_list(s->store, &s->arena, object, &secrets, &s->err), s->err);
    assert_int_equal(secrets.len, 1);
    const char *target = arena_printf(&s->arena, PRINCIPALS "/" STR_FMT "/secrets/%lld",
                                      STR_ARG(object), (long long)secrets.ptr[0].id)
                             .ptr;
    assert_int_equal(scene_say(s, "DELETE", target, "") / 100, 2);
    assert_true(store_pool_access(s->api->pool) > before);
    assert_int_equal(asked(s, token), 200);
    known_forget(s->api->known);
    assert_int_equal(asked(s, token), 200);
    scene_close(s);
}

static void test_known__a_role_made_otherwise_counts_at_once(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    const char *target = SUB_PATH AUTH "roleDefinitions/" MINE V22;
#define ROLE(action)                                                                               \
    "{\"properties\":{\"roleName\":\"Looker\",\"permissions\":[{\"actions\":[\"" action            \
    "\"],\"notActions\":[]}],\"assignableScopes\":[\"" SUB_PATH "\"]}}"
    assert_int_equal(scene_say(s, "PUT", target, ROLE("Microsoft.Security/assessments/read")), 201);
    str token = scene_principal(s, "looker", MINE, SUB_PATH);
    assert_int_equal(asked(s, token), 200);
    assert_int_equal(scene_say(s, "PUT", target, ROLE("Microsoft.Security/pricings/read")) / 100,
                     2);
    assert_error(s, asked(s, token), 403, "AuthorizationFailed");
    scene_close(s);
}

/* s->store is not of the API's pool: to it, another process'. */
static void test_known__what_another_process_changes_is_seen_within_the_bound(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    str token = scene_principal(s, "ann", SECURITY_READER, SUB_PATH);
    assert_int_equal(asked(s, token), 200);
    assert_ok(store_principal_set_disabled(s->store, object_of(s, "ann"), true, &s->err), s->err);
    int64_t from = clock_mono_ms();
    int status;
    while ((status = asked(s, token)) == 200)
        assert_true(clock_mono_ms() - from < KNOWN_LOOK_MS + 2000);
    assert_error(s, status, 401, "InvalidAuthenticationToken");
    scene_close(s);
}

static void test_known__nothing_refused_is_kept(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    str token = scene_principal(s, "ann", SECURITY_READER, SUB_PATH);
    str broken = arena_dup(&s->arena, str_slice(token, 0, token.len - 5));
    for (int i = 0; i < 2; i++) {
        assert_error(s, asked(s, broken), 401, "InvalidAuthenticationToken");
        assert_error(s, asked(s, STR("plim_nobody")), 401, "InvalidAuthenticationToken");
        assert_int_equal(asked(s, token), 200);
    }
    scene_close(s);
}

/* --- the same with and without
 * ------------------------------------------------------------------------------------ */
static uint64_t rnd(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static void change(struct scene *s, uint64_t *seed, str object)
{
    static const char *const given[] = {SECURITY_READER, READER, ACR_PULL, OWNER};
    static const char *const scopes[] = {"", SUB_PATH, SUB_PATH "/resourceGroups/MyGroup", REG};
    store_assignments all = assignments_of(s, object);
    unsigned n = (unsigned)(rnd(seed) % 1000000);
    if (all.len > 2 || (all.len && rnd(seed) % 3 == 0)) {
        const struct store_assignment *one = &all.ptr[rnd(seed) % all.len];
        str scope = str_eq(one->scope, STR("/")) ? STR("") : one->scope;
        const char *target = arena_printf(&s->arena, STR_FMT AUTH "roleAssignments/" STR_FMT V22,
                                          STR_ARG(scope), STR_ARG(one->name))
                                 .ptr;
        assert_int_equal(scene_say(s, "DELETE", target, ""), 200);
        return;
    }
    const char *target = arena_printf(&s->arena,
                                      "%s" AUTH "roleAssignments/"
                                      "00000000-0000-4000-9000-%012u" V22,
                                      scopes[rnd(seed) % 4], n)
                             .ptr;
    const char *body = arena_printf(&s->arena,
                                    "{\"properties\":{\"roleDefinitionId\":\"" AUTH
                                    "roleDefinitions/%s\",\"principalId\":\"" STR_FMT "\"}}",
                                    given[rnd(seed) % 4], STR_ARG(object))
                           .ptr;
    int status = scene_say(s, "PUT", target, body);
    assert_true(status == 201 || status == 409); /* the same again */
}

static void test_known__says_what_is_said_without_it(void **state)
{
    (void)state;
    static const char *const targets[] = {(TARGET), (SUB_PATH SEC "subAssessments" V),
                                          (REG SEC "subAssessments" V), (REG V22),
                                          ("/subscriptions" V22)};
    struct scene *s = scene_open();
    uint64_t seed = 88172645463325252ULL;
    str token = scene_principal(s, "ann", NULL, NULL), object = object_of(s, "ann");
    add_image(s, 1, "v1", 2, NULL);
    for (int i = 0; i < 25; i++) {
        int kept[ARRAY_LEN(targets)];
        str bodies[ARRAY_LEN(targets)];
        change(s, &seed, object);
        for (size_t j = 0; j < ARRAY_LEN(targets); j++) {
            kept[j] = scene_send(s, "GET", targets[j], "", token);
            bodies[j] = arena_dup(&s->arena, s->answer.body);
        }
        for (size_t j = 0; j < ARRAY_LEN(targets); j++) {
            known_forget(s->api->known);
            assert_int_equal(scene_send(s, "GET", targets[j], "", token), kept[j]);
            assert_true(str_eq(s->answer.body, bodies[j]));
        }
    }
    scene_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known__a_role_taken_away_ends_at_once),
        cmocka_unit_test(test_known__a_role_given_counts_at_once),
        cmocka_unit_test(test_known__a_principal_disabled_or_deleted_is_out_at_once),
        cmocka_unit_test(test_known__a_secret_revoked_changes_what_it_changed_before),
        cmocka_unit_test(test_known__a_role_made_otherwise_counts_at_once),
        cmocka_unit_test(test_known__what_another_process_changes_is_seen_within_the_bound),
        cmocka_unit_test(test_known__nothing_refused_is_kept),
        cmocka_unit_test(test_known__says_what_is_said_without_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
