/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include "api/internal.h"
#include "scene.h"

#define GROUP_PATH                                                                                 \
    "/subscriptions/" SUB "/resourceGroups/MyGroup/providers/Microsoft.ContainerRegistry/"
#define SUB_PATH "/subscriptions/" SUB "/providers/Microsoft.ContainerRegistry/"
#define MADE GROUP_PATH "registries/Made1"
#define BODY(more)                                                                                 \
    "{\"location\":\"eastus\",\"sku\":{\"name\":\"Premium\"},\"tags\":{\"a\":\"b\"},"              \
    "\"properties\":{\"plimsoll\":{\"host\":\"127.0.0.1:1\",\"plainHttp\":true" more "}}}"

static int put(struct scene *s, const char *target, const char *body)
{
    return scene_say(s, "PUT", target, body);
}

static void test_bodies__read_as_the_table_says(void **state)
{
    (void)state;
    struct arena arena;
    struct rd in;
    str row, body, expected;
    size_t n = 0;
    arena_init(&arena, 16 << 20);
    rd_init(&in, test_data(&arena, "api/registries.txt"));
    while (test_next_row(&in, &row)) {
        struct err err = {0};
        assert_true(str_cut(row, STR(" => "), &body, &expected));
        bool is_patch = str_starts(body, STR("~"));
        struct registry_doc doc = {0};
        if (is_patch) {
            doc = (struct registry_doc){.location = STR("global"), .sku = STR("Standard")};
            doc.reach.host = STR("old.example");
            body = str_skip(body, 1);
        }
        str is =
            registry_doc_read(&arena, body, is_patch, &doc, &err)
                ? arena_printf(&arena, "ok " STR_FMT " " STR_FMT " " STR_FMT,
                               STR_ARG(doc.reach.host), STR_ARG(doc.sku), STR_ARG(doc.location))
                : str_from(err.msg);
        if (!str_eq(is, expected))
            fail_msg("%.*s: \"%.*s\", expected \"%.*s\"", STR_ARG(body), STR_ARG(is),
                     STR_ARG(expected));
        n++;
    }
    assert_true(n > 25);
    arena_fini(&arena);
}

static void test_registry__is_made_shown_and_listed(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    assert_int_equal(put(s, MADE V, BODY(",\"password\":\"hidden\",\"username\":\"robot\"")), 201);
    assert_str(scene_str(s, "id"), MADE);
    assert_str(scene_str(s, "type"), "Microsoft.ContainerRegistry/registries");
    assert_str(scene_str(s, "sku.tier"), "Premium");
    assert_str(scene_str(s, "properties.provisioningState"), "Succeeded");
    assert_str(scene_str(s, "properties.loginServer"), "127.0.0.1:1");
    assert_str(scene_str(s, "properties.policies.trustPolicy.type"), "Notary");
    assert_str(scene_str(s, "properties.encryption.status"), "disabled");
    assert_str(scene_str(s, "properties.plimsoll.username"), "robot");
    assert_str(scene_str(s, "systemData.createdBy"), "test");
    assert_false(str_has(s->answer.body, STR("hidden")));
    assert_int_equal(scene_get(s, GROUP_PATH "registries/MADE1" V), 200);
    assert_str(scene_str(s, "name"), "Made1");
    assert_false(str_has(s->answer.body, STR("hidden")));
    assert_int_equal(scene_get(s, SUB_PATH "registries" V), 200);
    assert_int_equal(json_array_size(scene_at(s, "value")), 3);
    assert_int_equal(scene_get(s, GROUP_PATH "registries" V), 200);
    assert_int_equal(json_array_size(scene_at(s, "value")), 3);
    assert_str(scene_str(s, "value.0.sku.name"), "Standard"); /* of the configuration */
    assert_int_equal(scene_get(s, "/subscriptions/99999999-2222-3333-4444-555555555555/providers/"
                                  "Microsoft.ContainerRegistry/registries" V),
                     200);
    assert_int_equal(json_array_size(scene_at(s, "value")), 0);
    scene_close(s);
}

static str password_of(struct scene *s)
{
    struct store_registry made;
    struct registry_config config;
    assert_ok(store_registry_get(s->store, &s->arena, STR("made1"), &made, &s->err), s->err);
    assert_ok(guard_reach(s->guard, s->store, &s->arena, &made, &config, &s->err), s->err);
    return config.password;
}

/* A secret is kept until it is said anew, or until it would go to another host. */
static void test_registry__password_stays_with_its_host(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    assert_int_equal(put(s, MADE V, BODY(",\"password\":\"hidden\"")), 201);
    assert_int_equal(put(s, MADE V, BODY("")), 200);
    assert_str(password_of(s), "hidden");
    assert_int_equal(scene_say(s, "PATCH", MADE V, "{\"tags\":{}}"), 200);
    assert_int_equal(json_object_size(scene_at(s, "tags")), 0);
    assert_str(password_of(s), "hidden");
    assert_int_equal(scene_say(s, "PATCH", MADE V,
                               "{\"properties\":{\"plimsoll\":{\"host\":\"evil.example\"}}}"),
                     200);
    assert_int_equal(password_of(s).len, 0);
    assert_int_equal(
        scene_say(s, "PATCH", MADE V,
                  "{\"properties\":{\"plimsoll\":{\"host\":\"b.example\",\"password\":\"p2\"}}}"),
        200);
    assert_str(password_of(s), "p2");
    scene_close(s);
}

static void test_registry__goes_with_its_results(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    assert_int_equal(put(s, MADE V, BODY("")), 201);
    assert_int_equal(scene_say(s, "DELETE", MADE V, ""), 200);
    assert_int_equal(scene_say(s, "DELETE", MADE V, ""), 204);
    assert_error(s, scene_get(s, MADE V), 404, "ResourceNotFound");
    scene_close(s);
}

static void test_registry__refusals(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    static const struct {
        const char *method, *target, *body;
        int status;
        const char *code;
    } rows[] = {
        {"PUT", REG V, BODY(""), 409, "Conflict"},
        {"PATCH", REG V, "{}", 409, "Conflict"},
        {"DELETE", REG V, "", 409, "Conflict"},
        {"PUT", MADE V, "{", 400, "InvalidRequestContent"},
        {"PUT", MADE V, "{\"sku\":{\"name\":\"Basic\"}}", 400, "LocationRequired"},
        {"PUT", GROUP_PATH "registries/a-b-c" V, BODY(""), 400, "InvalidResourceName"},
        {"PUT", GROUP_PATH "registries/abcd" V, BODY(""), 400, "InvalidResourceName"},
        {"PUT",
         "/subscriptions/x/resourceGroups/g/providers/Microsoft.ContainerRegistry/"
         "registries/Made1" V,
         BODY(""), 400, "InvalidSubscriptionId"},
        {"PATCH", MADE V, "{}", 404, "ResourceNotFound"},
        {"GET", MADE, "", 400, "MissingApiVersionParameter"},
        {"POST", MADE "/listCredentials" V, "", 404, "ResourceNotFound"},
        {"POST", REG "/listCredentials" V, "", 400, "UnAuthorizedForCredentialOperations"},
        {"POST", SUB_PATH "checkNameAvailability" V, "[]", 400, "InvalidRequestContent"},
        {"POST", MADE V, "{}", 405, "HttpMethodNotAllowed"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_error(s, scene_say(s, rows[i].method, rows[i].target, rows[i].body), rows[i].status,
                     rows[i].code);
    assert_error(s,
                 put(s,
                     "/subscriptions/" SUB
                     "/resourceGroups/Other/providers/Microsoft.ContainerRegistry/"
                     "registries/other" V,
                     BODY("")),
                 409, "Conflict"); /* the configuration's */
    assert_int_equal(put(s, MADE V, BODY("")), 201);
    assert_error(s,
                 put(s,
                     "/subscriptions/" SUB
                     "/resourceGroups/Other/providers/Microsoft.ContainerRegistry/"
                     "registries/made1" V,
                     BODY("")),
                 409, "AlreadyInUse");
    scene_close(s);
}

static void test_names__free_taken_invalid(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    static const char *const rows[][3] = {
        {"other", "AlreadyExists", "false"}, {"a-b-c", "Invalid", "false"}, {"fresh1", "", "true"}};
    for (size_t i = 0; i < 3; i++) {
        str body = arena_printf(&s->arena, "{\"name\":\"%s\",\"type\":\"x\"}", rows[i][0]);
        assert_int_equal(scene_post(s, SUB_PATH "checkNameAvailability" V, body.ptr), 200);
        assert_str(scene_str(s, "reason"), rows[i][1]);
        assert_int_equal(json_is_true(scene_at(s, "nameAvailable")), rows[i][2][0] == 't');
    }
    scene_close(s);
}

static void test_usages__count_what_is_there(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    add_image(s, 1, "v1", 1, NULL);
    assert_int_equal(scene_get(s, REG "/listUsages" V), 200);
    assert_str(scene_str(s, "value.0.name"), "Size");
    assert_int_equal(json_integer_value(scene_at(s, "value.0.limit")), 107374182400LL);
    assert_str(scene_str(s, "value.1.unit"), "Count");
    assert_int_equal(scene_get(s, REG "/replications" V), 200);
    assert_int_equal(json_array_size(scene_at(s, "value")), 0);
    scene_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bodies__read_as_the_table_says),
        cmocka_unit_test(test_registry__is_made_shown_and_listed),
        cmocka_unit_test(test_registry__password_stays_with_its_host),
        cmocka_unit_test(test_registry__goes_with_its_results),
        cmocka_unit_test(test_registry__refusals),
        cmocka_unit_test(test_names__free_taken_invalid),
        cmocka_unit_test(test_usages__count_what_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
