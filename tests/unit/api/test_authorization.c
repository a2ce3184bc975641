/* SPDX-License-Identifier: Apache-2.0 */
/* Roles and assignments over REST, every route under every role, and what tenants see. */
#include "support.h"

#include "api/internal.h"
#include "scene.h"

#define AUTH "/providers/Microsoft.Authorization/"
#define V22 "?api-version=2022-04-01"
#define SUB_PATH "/subscriptions/" SUB

/* --- definitions
 * --------------------------------------------------------------------------------------------- */
static void test_roles__are_listed_by_name(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    assert_int_equal(scene_get(s, SUB_PATH AUTH "roleDefinitions" V22), 200);
    assert_int_equal(json_array_size(scene_at(s, "value")), 12);
    assert_int_equal(
        scene_get(s, SUB_PATH AUTH "roleDefinitions" V22 "&$filter=roleName%20eq%20'AcrPull'"),
        200);
    assert_int_equal(json_array_size(scene_at(s, "value")), 1);
    assert_str(scene_str(s, "value.0.name"), ACR_PULL);
    assert_str(scene_str(s, "value.0.properties.type"), "BuiltInRole");
    assert_str(scene_str(s, "value.0.properties.permissions.0.actions.0"),
               "Microsoft.ContainerRegistry/registries/pull/read");
    assert_int_equal(scene_get(s, AUTH "roleDefinitions/" READER V22), 200);
    assert_str(scene_str(s, "id"), AUTH "roleDefinitions/" READER);
    assert_error(s, scene_get(s, AUTH "roleDefinitions/" SUB V22), 404,
                 "RoleDefinitionDoesNotExist");
    assert_error(s, scene_get(s, SUB_PATH AUTH "roleDefinitions" V22 "&$filter=a%20gt%203"), 400,
                 "InvalidFilterInQueryString");
    scene_close(s);
}

#define NAME_OF_NEW "0a0b0c0d-0000-4000-8000-000000000002"
#define MINE "0a0b0c0d-0000-4000-8000-000000000001"
static void test_roles__may_be_made(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    const char *target = SUB_PATH AUTH "roleDefinitions/" MINE V22;
    const char *body = "{\"properties\":{\"roleName\":\"Looker\",\"permissions\":[{\"actions\":"
                       "[\"Microsoft.Security/assessments/read\"],\"notActions\":[]}],"
                       "\"assignableScopes\":[\"" SUB_PATH "\"]}}";
    assert_int_equal(scene_send(s, "PUT", target, body, s->token), 201);
    assert_str(scene_str(s, "properties.type"), "CustomRole");
    str token = scene_principal(s, "looker", MINE, SUB_PATH);
    assert_int_equal(scene_send(s, "GET", SUB_PATH SEC "assessments" V, "", token), 200);
    assert_error(s, scene_send(s, "GET", SUB_PATH SEC "subAssessments" V, "", token), 403,
                 "AuthorizationFailed");
    assert_error(s, scene_send(s, "DELETE", target, "", s->token), 409,
                 "RoleDefinitionHasAssignments");
    assert_error(s,
                 scene_send(s, "PUT", SUB_PATH AUTH "roleDefinitions/" READER V22, body, s->token),
                 400, "InvalidRoleDefinitionId");
    assert_error(s, scene_send(s, "PUT", target, "{\"properties\":{}}", s->token), 400,
                 "InvalidRoleDefinition");
    scene_close(s);
}

static const char *role_body(struct scene *s, const char *scope)
{
    return arena_printf(&s->arena,
                        "{\"properties\":{\"roleName\":\"x\",\"permissions\":[{\"actions\":"
                        "[\"*\"]}],\"assignableScopes\":[\"%s\"]}}",
                        scope)
        .ptr;
}

/* A right in one subscription is none over a role that another one uses. */
static void test_roles__of_others_are_not_to_be_changed(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    const char *there = "/subscriptions/" KEY AUTH "roleDefinitions/" MINE V22;
    const char *here = SUB_PATH AUTH "roleDefinitions/" MINE V22;
    const char *theirs = role_body(s, "/subscriptions/" KEY);
    assert_int_equal(scene_send(s, "PUT", there, theirs, s->token), 201);
    str token = scene_principal(s, "owner of one", OWNER, SUB_PATH);
    const char *mine = role_body(s, SUB_PATH);
    const char *everywhere = role_body(s, "/");
    assert_error(s, scene_send(s, "PUT", here, mine, token), 403, "AuthorizationFailed");
    assert_error(s, scene_send(s, "DELETE", here, "", token), 403, "AuthorizationFailed");
    const char *fresh = SUB_PATH AUTH "roleDefinitions/" NAME_OF_NEW V22;
    assert_error(s, scene_send(s, "PUT", fresh, everywhere, token), 403, "AuthorizationFailed");
    assert_int_equal(scene_send(s, "PUT", fresh, mine, token), 201);
    assert_error(s, scene_send(s, "GET", here, "", token), 404, "RoleDefinitionDoesNotExist");
    assert_int_equal(scene_send(s, "GET", SUB_PATH AUTH "roleDefinitions" V22, "", token), 200);
    assert_int_equal(json_array_size(scene_at(s, "value")), 13);
    assert_false(str_has(s->answer.body, STR(KEY)));
    scene_close(s);
}

/* --- assignments
 * --------------------------------------------------------------------------------------------- */
#define NAME "aaaaaaaa-0000-4000-8000-000000000001"
static const char *assignment(struct scene *s, const char *role, str principal)
{
    return arena_printf(&s->arena,
                        "{\"properties\":{\"roleDefinitionId\":\"" SUB_PATH AUTH
                        "roleDefinitions/%s\",\"principalId\":\"" STR_FMT "\"}}",
                        role, STR_ARG(principal))
        .ptr;
}

static void test_assignments__live_at_their_scope(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    assert_int_equal(scene_post(s, "/plimsoll/v1/principals", "{\"displayName\":\"x\"}"), 201);
    str principal = arena_dup(&s->arena, scene_str(s, "objectId"));
    const char *target = SUB_PATH AUTH "roleAssignments/" NAME V22;
    const char *body = assignment(s, READER, principal);
    assert_int_equal(scene_send(s, "PUT", target, body, s->token), 201);
    assert_str(scene_str(s, "id"), SUB_PATH AUTH "roleAssignments/" NAME);
    assert_str(scene_str(s, "properties.scope"), SUB_PATH);
    assert_int_equal(scene_send(s, "PUT", target, body, s->token), 200);
    assert_error(s,
                 scene_send(s, "PUT",
                            SUB_PATH AUTH
                            "roleAssignments/aaaaaaaa-0000-4000-8000-000000000002" V22,
                            body, s->token),
                 409, "RoleAssignmentExists");
    assert_error(s, scene_send(s, "PUT", target, assignment(s, SUB, principal), s->token), 400,
                 "RoleDefinitionDoesNotExist");
    assert_error(s, scene_send(s, "PUT", target, assignment(s, READER, STR(SUB)), s->token), 400,
                 "PrincipalNotFound");
    assert_int_equal(scene_get(s, target), 200);
    assert_error(s, scene_get(s, REG AUTH "roleAssignments/" NAME V22), 404,
                 "RoleAssignmentNotFound");
    assert_int_equal(scene_get(s, REG AUTH "roleAssignments" V22 "&$filter=atScope()"), 200);
    assert_int_equal(json_array_size(scene_at(s, "value")), 1);
    assert_int_equal(scene_send(s, "DELETE", target, "", s->token), 200);
    assert_int_equal(scene_send(s, "DELETE", target, "", s->token), 204);
    scene_close(s);
}

static void test_permissions__are_those_of_the_caller(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    str token = scene_principal(s, "reader", READER, SUB_PATH);
    assert_int_equal(scene_send(s, "GET", REG AUTH "permissions" V22, "", token), 200);
    assert_str(scene_str(s, "value.0.actions.0"), "*/read");
    scene_close(s);
}

/* --- every route under every role
 * -------------------------------------------------------------------------------------------- */
/* A path that fits a pattern and names something that is there. */
static const char *example(struct scene *s, const char *pattern)
{
    auto_sb out;
    str rest = str_skip(str_from(pattern), 1), part;
    sb_init(&out, KIB);
    while (rest.len && str_next(&rest, '/', &part)) {
        sb_addc(&out, "/");
        if (str_eq(part, STR("{scope*}")))
            sb_addc(&out, &REG[1]);
        else if (str_eq(part, STR("{subscription}")))
            sb_addc(&out, SUB);
        else if (str_eq(part, STR("{group}")))
            sb_addc(&out, "MyGroup");
        else if (str_eq(part, STR("{registry}")))
            sb_addc(&out, "Main");
        else if (str_starts(part, STR("{")))
            sb_addc(&out, NAME);
        else
            sb_add(&out, part);
    }
    return arena_printf(&s->arena, STR_FMT "?api-version=2021-06-01", STR_ARG(sb_str(&out))).ptr;
}

/* Refused exactly when the role does not allow the action that the row names. */
static void check_row(struct scene *s, const struct api_row *row, const struct role *role,
                      str token)
{
    int status = scene_send(s, row->method, example(s, row->pattern), "", token);
    bool is_refused =
        status == 403 && str_eq(scene_str(s, "error.code"), STR("AuthorizationFailed"));
    bool is_allowed = !row->action || role_allows(role, str_from(row->action));
    if (is_refused == is_allowed || status >= 500)
        fail_msg("%s %s as %s: %d " STR_FMT, row->method, row->pattern, role->name, status,
                 STR_ARG(s->answer.body));
}

static void test_matrix__every_route_under_every_role(void **state)
{
    (void)state;
    const struct role *role;
    for (size_t i = 0; (role = role_at(i)); i++) {
        struct scene *s = scene_open();
        struct api_row row;
        str token = scene_principal(s, role->name, role->id, "");
        for (size_t k = 0; api_row_at(k, &row); k++)
            if (!row.is_public && !str_eq(str_from(row.method), STR("HEAD")))
                check_row(s, &row, role, token);
        scene_close(s);
    }
}

static void test_matrix__whoever_has_no_role_may_nothing(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    struct api_row row;
    str token = scene_principal(s, "nobody", NULL, "");
    for (size_t k = 0; api_row_at(k, &row); k++) {
        if (row.is_public || !row.action)
            continue;
        int status = scene_send(s, row.method, example(s, row.pattern), "", token);
        if (status != 403 && status != 404)
            fail_msg("%s %s: %d " STR_FMT, row.method, row.pattern, status,
                     STR_ARG(s->answer.body));
    }
    assert_int_equal(scene_send(s, "GET", "/subscriptions" V, "", token), 200);
    assert_int_equal(json_array_size(scene_at(s, "value")), 0);
    scene_close(s);
}

/* --- tenants
 * -------------------------------------------------------------------------------------------------
 */
#define N_TENANTS 3
struct tenant {
    const char *subscription, *registry;
    str token, finding;
    char mark[32]; /* what only its answers may hold */
};

static void add_tenant(struct scene *s, struct tenant *t, unsigned i)
{
    struct event_counts counts;
    t->subscription =
        arena_printf(&s->arena, "%08x-0000-4000-8000-000000000000", 0xa0000000u + i).ptr;
    t->registry = arena_printf(&s->arena, "tenant%u", i).ptr;
    snprintf(t->mark, sizeof(t->mark), "secret-%u", i);
    struct store_registry registry = {.subscription = str_from(t->subscription),
                                      .resource_group = arena_printf(&s->arena, "group%u", i),
                                      .name = str_from(t->registry),
                                      .host = STR("127.0.0.1:1")};
    assert_ok(store_registry_put(s->store, &registry, 1, &s->err), s->err);
    struct store_event event = {.id = str_from(t->mark),
                                .action = EVENT_PUSH,
                                .repository = arena_printf(&s->arena, "%s/app", t->mark),
                                .digest = digest_n(s, 1000 + i),
                                .at = 1700000000};
    assert_ok(store_events_add(s->store, registry.id, &event, 1, 1700000000, &counts, &s->err),
              s->err);
    const char *scope = arena_printf(&s->arena, "/subscriptions/%s", t->subscription).ptr;
    t->token = scene_principal(s, t->registry, i == 2 ? SECURITY_READER : OWNER, scope);
}

static const char *pick(struct scene *s, const struct tenant *of, unsigned n)
{
    const char *sub = of->subscription;
    switch (n % 13) {
    case 0:
        return arena_printf(&s->arena, "/subscriptions/%s" V, sub).ptr;
    case 1:
        return arena_printf(&s->arena, "/subscriptions/%s" SEC "assessments" V, sub).ptr;
    case 2:
        return arena_printf(&s->arena, "/subscriptions/%s" SEC "subAssessments" V, sub).ptr;
    case 3:
        return "/plimsoll/v1/images";
    case 4:
        return "/plimsoll/v1/jobs";
    case 5:
        return arena_printf(&s->arena, "/plimsoll/v1/images?registry=%s", of->registry).ptr;
    case 6:
        return arena_printf(&s->arena, "/plimsoll/v1/jobs?registry=%s", of->registry).ptr;
    case 7:
        return arena_printf(&s->arena, "/subscriptions/%s/resources" V, sub).ptr;
    case 8:
        return arena_printf(&s->arena, "/subscriptions/%s/resourceGroups" V, sub).ptr;
    case 9:
        return "/subscriptions" V;
    case 10:
        return arena_printf(&s->arena, "/subscriptions/%s" AUTH "roleAssignments" V, sub).ptr;
    case 11:
        return arena_printf(&s->arena, "/plimsoll/v1/registries/%s/tags?removed=true", of->registry)
            .ptr;
    default:
        return arena_printf(&s->arena,
                            "/subscriptions/%s/resourceGroups/group%u/providers/"
                            "Microsoft.ContainerRegistry/registries/%s" SEC "assessments/" KEY V,
                            sub, n, of->registry)
            .ptr;
    }
}

/* Nothing that names another tenant may be in an answer, but for what the asker wrote itself. */
static void check_isolated(struct scene *s, const struct tenant *tenants, size_t who, size_t of,
                           const char *target, int status)
{
    assert_true(status < 500);
    for (size_t i = 0; i < N_TENANTS; i++) {
        if (i == who)
            continue;
        bool is_echo = i == of && status >= 400;
        if (str_has(s->answer.body, str_from(tenants[i].mark)) ||
            (!is_echo && (str_has(s->answer.body, str_from(tenants[i].subscription)) ||
                          str_has(s->answer.body, str_from(tenants[i].registry)))))
            fail_msg("%zu asks %s: %d " STR_FMT, who, target, status, STR_ARG(s->answer.body));
    }
    if (of != who && str_has(str_from(target), str_from(tenants[of].subscription)))
        assert_int_equal(status, 404);
}

static void test_tenants__see_nothing_of_each_other(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    struct tenant tenants[N_TENANTS];
    unsigned seed = 7;
    for (unsigned i = 0; i < N_TENANTS; i++)
        add_tenant(s, &tenants[i], i);
    for (unsigned n = 0; n < 2000; n++) {
        seed = seed * 1103515245u + 12345u;
        size_t who = seed >> 16 & 0xff, of = seed >> 24;
        who %= N_TENANTS;
        of %= N_TENANTS;
        const char *target = pick(s, &tenants[of], n);
        int status = scene_send(s, "GET", target, "", tenants[who].token);
        check_isolated(s, tenants, who, of, target, status);
        if (who == of)
            assert_true(status != 401);
    }
    /* and there is something to see */
    assert_int_equal(scene_send(s, "GET", "/plimsoll/v1/images", "", tenants[1].token), 200);
    assert_int_equal(json_array_size(scene_at(s, "value")), 1);
    assert_true(str_has(s->answer.body, str_from(tenants[1].mark)));
    scene_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_roles__are_listed_by_name),
        cmocka_unit_test(test_roles__may_be_made),
        cmocka_unit_test(test_roles__of_others_are_not_to_be_changed),
        cmocka_unit_test(test_assignments__live_at_their_scope),
        cmocka_unit_test(test_permissions__are_those_of_the_caller),
        cmocka_unit_test(test_matrix__every_route_under_every_role),
        cmocka_unit_test(test_matrix__whoever_has_no_role_may_nothing),
        cmocka_unit_test(test_tenants__see_nothing_of_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
