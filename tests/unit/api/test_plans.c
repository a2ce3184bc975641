/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include "scene.h"

#define PRICINGS "/subscriptions/" SUB "/providers/Microsoft.Security/pricings"
#define TIER(tier) "{\"properties\":{\"pricingTier\":\"" tier "\"}}"

static void test_plan__is_standard_until_it_is_switched(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    assert_int_equal(scene_get(s, PRICINGS "/containerregistry" V), 200);
    assert_str(scene_str(s, "id"), PRICINGS "/ContainerRegistry");
    assert_str(scene_str(s, "type"), "Microsoft.Security/pricings");
    assert_str(scene_str(s, "properties.pricingTier"), "Standard");
    assert_str(scene_str(s, "properties.freeTrialRemainingTime"), "PT0S");
    assert_int_equal(scene_say(s, "PUT", PRICINGS "/Containers" V, TIER("free")), 200);
    assert_str(scene_str(s, "name"), "Containers");
    assert_str(scene_str(s, "properties.pricingTier"), "Free");
    assert_int_equal(scene_get(s, PRICINGS V), 200);
    assert_int_equal(json_array_size(scene_at(s, "value")), 2);
    assert_str(scene_str(s, "value.0.properties.pricingTier"), "Free");
    assert_null(scene_at(s, "nextLink"));
    scene_close(s);
}

static void test_plan__off_cancels_on_queues(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    struct job_counts counts;
    add_push(s, 1, "v1");
    assert_int_equal(scene_say(s, "PUT", PRICINGS "/ContainerRegistry" V, TIER("Free")), 200);
    assert_ok(store_jobs_count(s->store, &counts, &s->err), s->err);
    assert_int_equal(counts.queued, 0);
    assert_int_equal(counts.cancelled, 1);
    assert_error(s, scene_post(s, "/plimsoll/v1/registries/main/scan", "{}"), 409, "Conflict");
    assert_int_equal(scene_say(s, "PUT", PRICINGS "/ContainerRegistry" V, TIER("Standard")), 200);
    assert_true(scene_str(s, "properties.enablementTime").len > 0);
    assert_ok(store_jobs_count(s->store, &counts, &s->err), s->err);
    assert_int_equal(counts.queued, 4); /* the image, two sweeps, the re-match */
    scene_close(s);
}

static void test_plan__refusals(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    assert_error(s, scene_get(s, PRICINGS "/Teapots" V), 404, "NotFound");
    assert_error(s, scene_say(s, "PUT", PRICINGS "/Teapots" V, TIER("Free")), 404, "NotFound");
    assert_error(s, scene_get(s, "/subscriptions/x/providers/Microsoft.Security/pricings" V), 400,
                 "InvalidSubscriptionId");
    assert_error(s, scene_say(s, "PUT", PRICINGS "/Containers" V, TIER("Gold")), 400,
                 "InvalidParameter");
    assert_error(s, scene_say(s, "PUT", PRICINGS "/Containers" V, "{}"), 400, "InvalidParameter");
    assert_error(s, scene_say(s, "PUT", PRICINGS "/Containers" V, "nonsense"), 400,
                 "InvalidRequestContent");
    assert_error(s, scene_say(s, "DELETE", PRICINGS "/Containers" V, ""), 405,
                 "HttpMethodNotAllowed");
    scene_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plan__is_standard_until_it_is_switched),
        cmocka_unit_test(test_plan__off_cancels_on_queues),
        cmocka_unit_test(test_plan__refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
