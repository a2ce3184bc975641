/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include "scene.h"

static void test_subscriptions__are_those_of_registries_and_roles(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    assert_int_equal(scene_get(s, "/subscriptions" V), 200);
    assert_int_equal(json_integer_value(scene_at(s, "count.value")), 1);
    assert_str(scene_str(s, "value.0.subscriptionId"), SUB);
    assert_str(scene_str(s, "value.0.id"), "/subscriptions/" SUB);
    assert_str(scene_str(s, "value.0.state"), "Enabled");
    assert_int_equal(scene_send(s, "PUT", "/plimsoll/v1/subscriptions/" SUB,
                                "{\"displayName\":\"Main\"}", s->token),
                     200);
    assert_int_equal(scene_get(s, "/subscriptions/" SUB V), 200);
    assert_str(scene_str(s, "displayName"), "Main");
    assert_int_equal(scene_str(s, "tenantId").len, 36);
    assert_error(s, scene_get(s, "/subscriptions/" KEY V), 404, "SubscriptionNotFound");
    assert_error(s, scene_get(s, "/subscriptions/nonsense" V), 400, "InvalidSubscriptionId");
    assert_error(s, scene_get(s, "/subscriptions"), 400, "MissingApiVersionParameter");
    scene_close(s);
}

static void test_subscriptions__locations_and_tenant(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    assert_int_equal(scene_get(s, "/subscriptions/" SUB "/locations" V), 200);
    assert_str(scene_str(s, "value.0.id"), "/subscriptions/" SUB "/locations/eastus");
    assert_true(scene_str(s, "value.0.metadata.longitude").len > 0);
    assert_int_equal(scene_get(s, "/tenants" V), 200);
    assert_int_equal(scene_str(s, "value.0.tenantId").len, 36);
    scene_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_subscriptions__are_those_of_registries_and_roles),
        cmocka_unit_test(test_subscriptions__locations_and_tenant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
