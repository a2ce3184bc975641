/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include "scene.h"

#define OWN "/plimsoll/v1/"

static void add_pull(struct scene *s, unsigned image)
{
    struct event_counts counts;
    struct store_event event = {.id = STR("pull"),
                                .action = EVENT_PULL,
                                .repository = STR("team/app"),
                                .digest = digest_n(s, image),
                                .at = 1700000100};
    assert_ok(store_events_add(s->store, s->registry.id, &event, 1, 1700000100, &counts, &s->err),
              s->err);
}

static void test_images__show_verdict_and_counts(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    add_image(s, 1, "v1", 3, NULL);
    add_image(s, 2, "v2", 0, NULL);
    add_image(s, 3, "v3", 0, "no route to host");
    add_push(s, 4, "v4");
    assert_int_equal(scene_get(s, OWN "images"), 200);
    assert_int_equal(json_array_size(scene_at(s, "value")), 4);
    static const char *const verdicts[] = {"Unhealthy", "Healthy", "Failed", "Pending"};
    for (int i = 0; i < 4; i++) {
        char path[32];
        snprintf(path, sizeof(path), "value.%d.status", i);
        assert_str(scene_str(s, path), verdicts[i]);
    }
    assert_str(scene_str(s, "value.0.registry"), "Main");
    assert_str(scene_str(s, "value.0.tags.0"), "v1");
    assert_str(scene_str(s, "value.0.os"), "Debian GNU/Linux 12");
    assert_int_equal(json_integer_value(scene_at(s, "value.0.generation")), 7);
    assert_int_equal(json_integer_value(scene_at(s, "value.0.counts.findings")), 3);
    assert_int_equal(json_integer_value(scene_at(s, "value.0.counts.critical")), 2);
    assert_int_equal(json_integer_value(scene_at(s, "value.0.counts.unknown")), 1);
    assert_int_equal(json_integer_value(scene_at(s, "value.0.counts.patchable")), 3);
    assert_str(scene_str(s, "value.2.failure"), "no route to host");
    scene_close(s);
}

static void test_images__are_filtered(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    add_image(s, 1, "v1", 1, NULL);
    add_image(s, 2, "v2", 1, NULL);
    add_image(s, 3, "", 0, NULL);
    add_push(s, 4, "v4");
    add_pull(s, 2);
    static const struct {
        const char *query;
        size_t n;
    } rows[] = {
        {"?repository=team/app", 4},
        {"?repository=team%2Fapp&registry=main", 4},
        {"?repository=team", 0},
        {"?registry=other", 0},
        {"?digest=sha256:0000000000000000000000000000000000000000000000000000000000000002", 1},
        {"?tag=v1", 1},
        {"?tag=v9", 0},
        {"?status=unhealthy", 2},
        {"?status=Healthy", 1},
        {"?status=Pending", 1},
        {"?status=Failed", 0},
        {"?status=NotApplicable", 0},
        {"?untagged=true", 1},
        {"?untagged=false", 4},
        {"?pulledSince=2023-11-14T00:00:00Z", 1},
        {"?pulledSince=2033-11-14", 0},
        {"?tag=v1&status=Healthy", 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char target[256];
        snprintf(target, sizeof(target), OWN "images%s", rows[i].query);
        assert_int_equal(scene_get(s, target), 200);
        assert_int_equal(json_array_size(scene_at(s, "value")), rows[i].n);
    }
    scene_close(s);
}

static void test_images__what_is_no_filter_is_refused(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    assert_error(s, scene_get(s, OWN "images?status=sick"), 400, "InvalidParameter");
    assert_error(s, scene_get(s, OWN "images?untagged=maybe"), 400, "InvalidParameter");
    assert_error(s, scene_get(s, OWN "images?pulledSince=yesterday"), 400, "InvalidParameter");
    assert_error(s, scene_get(s, OWN "images?pulledSince=2026-02-30"), 400, "InvalidParameter");
    assert_error(s, scene_get(s, OWN "images?registry=nobody"), 404, "ResourceNotFound");
    scene_close(s);
}

/* An image that lost its tag is there, and says so; a pulled one says when it is looked at again.
 */
static void test_images__tell_of_tags_and_pulls(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    struct pulled_counts counts;
    pulled_images due = {0};
    const struct pulled_spec spec = {.now = 1700000200,
                                     .since = 1700000000,
                                     .period_s = 604800,
                                     .late_s = 7200,
                                     .catch_up_s = 86400,
                                     .limit = 10};
    add_image(s, 1, "", 1, NULL);
    add_image(s, 2, "v2", 0, NULL);
    add_pull(s, 2);
    assert_ok(store_pulled_due(s->store, &s->arena, &spec, &due, &counts, &s->err), s->err);
    assert_int_equal(counts.n_placed, 1);
    assert_int_equal(due.len, 0);
    assert_int_equal(scene_get(s, OWN "images"), 200);
    assert_true(json_is_true(scene_at(s, "value.0.untagged")));
    assert_int_equal(json_array_size(scene_at(s, "value.0.tags")), 0);
    assert_int_equal(scene_str(s, "value.0.lastPulled").len, 0);
    assert_int_equal(scene_str(s, "value.0.nextReassessment").len, 0);
    assert_true(json_is_false(scene_at(s, "value.1.untagged")));
    assert_str(scene_str(s, "value.1.lastPulled"), "2023-11-14T22:15:00Z");
    assert_true(str_starts(scene_str(s, "value.1.nextReassessment"), STR("2023-11-")));
    assert_int_equal(scene_get(s, OWN "status"), 200);
    assert_int_equal(json_integer_value(scene_at(s, "recentlyPulled")), 1);
    assert_true(scene_str(s, "nextReassessment").len > 0);
    scene_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_images__show_verdict_and_counts),
        cmocka_unit_test(test_images__are_filtered),
        cmocka_unit_test(test_images__what_is_no_filter_is_refused),
        cmocka_unit_test(test_images__tell_of_tags_and_pulls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
