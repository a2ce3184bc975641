/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include "scene.h"

static void test_providers__say_their_versions(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    assert_int_equal(scene_get(s, "/subscriptions/" SUB "/providers" V), 200);
    assert_int_equal(json_array_size(scene_at(s, "value")), 5);
    assert_int_equal(scene_get(s, "/subscriptions/" SUB "/providers/microsoft.security" V), 200);
    assert_str(scene_str(s, "id"), "/subscriptions/" SUB "/providers/Microsoft.Security");
    assert_str(scene_str(s, "registrationState"), "Registered");
    assert_true(json_array_size(scene_at(s, "resourceTypes.0.apiVersions")) > 0);
    assert_int_equal(
        scene_post(s, "/subscriptions/" SUB "/providers/Microsoft.Security/register" V, ""), 200);
    assert_error(s, scene_get(s, "/providers/Microsoft.Nothing" V), 404,
                 "InvalidResourceNamespace");
    scene_close(s);
}

static void test_providers__operations_are_those_of_the_routes(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    bool is_found = false;
    assert_int_equal(scene_get(s, "/providers/Microsoft.Security/operations" V), 200);
    for (size_t i = 0; i < json_array_size(scene_at(s, "value")); i++)
        is_found |= str_eq(json_str(json_array_get(scene_at(s, "value"), i), "name"),
                           STR("Microsoft.Security/assessments/subAssessments/read"));
    assert_true(is_found);
    scene_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_providers__say_their_versions),
        cmocka_unit_test(test_providers__operations_are_those_of_the_routes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
