/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include "scene.h"

#define GROUPS "/subscriptions/" SUB "/resourcegroups"

static void test_groups__of_registries_and_made(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    assert_int_equal(scene_get(s, GROUPS V), 200);
    assert_str(scene_str(s, "value.0.id"), "/subscriptions/" SUB "/resourceGroups/MyGroup");
    assert_int_equal(scene_send(s, "PUT", GROUPS "/Other" V,
                                "{\"location\":\"eastus\",\"tags\":{\"a\":\"b\"}}", s->token),
                     201);
    assert_int_equal(scene_send(s, "PUT", GROUPS "/other" V, "{\"location\":\"eastus\"}", s->token),
                     200);
    assert_str(scene_str(s, "name"), "Other");
    assert_error(s, scene_send(s, "PUT", GROUPS "/other" V, "{\"location\":\"x\"}", s->token), 409,
                 "InvalidResourceGroupLocation");
    assert_error(s, scene_send(s, "PUT", GROUPS "/third" V, "{}", s->token), 400,
                 "LocationRequired");
    assert_int_equal(
        scene_send(s, "PATCH", GROUPS "/other" V, "{\"tags\":{\"team\":\"x\"}}", s->token), 200);
    assert_str(scene_str(s, "tags.team"), "x");
    assert_int_equal(
        scene_get(s, GROUPS V "&$filter=tagName%20eq%20'team'%20and%20tagValue%20eq%20'x'"), 200);
    assert_int_equal(json_array_size(scene_at(s, "value")), 1);
    assert_int_equal(scene_send(s, "HEAD", GROUPS "/other" V, "", s->token), 204);
    assert_int_equal(scene_send(s, "HEAD", GROUPS "/none" V, "", s->token), 404);
    assert_error(s, scene_send(s, "DELETE", GROUPS "/MyGroup" V, "", s->token), 409,
                 "ResourceGroupNotEmpty");
    assert_int_equal(scene_send(s, "DELETE", GROUPS "/other" V, "", s->token), 200);
    assert_error(s, scene_send(s, "DELETE", GROUPS "/other" V, "", s->token), 404,
                 "ResourceGroupNotFound");
    scene_close(s);
}

static void test_resources__find_a_registry_by_name(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    assert_int_equal(scene_get(s, "/subscriptions/" SUB "/resources" V
                                  "&$filter=resourceType%20eq%20%27"
                                  "Microsoft.ContainerRegistry%2Fregistries%27"),
                     200);
    assert_int_equal(json_array_size(scene_at(s, "value")), 2);
    assert_str(scene_str(s, "value.0.id"), REG);
    assert_int_equal(
        scene_get(s, "/subscriptions/" SUB "/resources" V "&$filter=&$expand=createdTime"), 200);
    assert_int_equal(
        scene_get(s, "/subscriptions/" SUB "/resources" V "&$filter=name%20eq%20'other'"), 200);
    assert_int_equal(json_array_size(scene_at(s, "value")), 1);
    assert_int_equal(scene_get(s, GROUPS "/mygroup/resources" V), 200);
    assert_int_equal(json_array_size(scene_at(s, "value")), 2);
    assert_error(s, scene_get(s, GROUPS "/none/resources" V), 404, "ResourceGroupNotFound");
    scene_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_groups__of_registries_and_made),
        cmocka_unit_test(test_resources__find_a_registry_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
