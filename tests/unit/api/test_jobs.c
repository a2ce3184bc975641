/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include "scene.h"

#define JOBS "/plimsoll/v1/jobs"

static const char *at(struct scene *s, int64_t id, const char *action)
{
    return arena_printf(&s->arena, JOBS "/%lld%s", (long long)id, action).ptr;
}

static int64_t newest(struct scene *s)
{
    assert_int_equal(scene_get(s, JOBS "?$top=1"), 200);
    return json_integer_value(scene_at(s, "value.0.id"));
}

static void test_job__is_shown_cancelled_and_queued_again(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    add_push(s, 1, "v1");
    int64_t id = newest(s);
    assert_int_equal(scene_get(s, at(s, id, "")), 200);
    assert_str(scene_str(s, "state"), "queued");
    assert_int_equal(scene_post(s, at(s, id, "/cancel"), ""), 200);
    assert_str(scene_str(s, "state"), "cancelled");
    assert_error(s, scene_post(s, at(s, id, "/cancel"), ""), 409, "Conflict");
    assert_int_equal(scene_post(s, at(s, id, "/requeue"), ""), 200);
    assert_str(scene_str(s, "state"), "queued");
    assert_error(s, scene_post(s, at(s, id, "/requeue"), ""), 409, "Conflict");
    scene_close(s);
}

/* What runs loses its lease: its result is refused. */
static void test_job__that_runs_is_fenced(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    static const enum job_kind kinds[] = {JOB_SCAN};
    struct job job;
    add_push(s, 1, "v1");
    const struct lease_spec lease = {
        .kinds = kinds, .n_kinds = 1, .now = 1700000010, .lease_s = 60};
    assert_int_equal(store_job_lease(s->store, &s->arena, &lease, &job, &s->err), NEXT_ITEM);
    assert_int_equal(scene_post(s, at(s, job.id, "/cancel"), ""), 200);
    const struct job_outcome outcome = {.end = JOB_END_DONE, .now = 1700000020};
    assert_false(store_job_finish(s->store, &job, &outcome, &s->err));
    assert_int_equal(s->err.kind, ERR_CONFLICT);
    s->err = (struct err){0};
    assert_false(store_job_extend(s->store, &job, 1700000100, &s->err));
    s->err = (struct err){0};
    scene_close(s);
}

static void test_job__same_work_twice_is_a_conflict(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    add_push(s, 1, "v1");
    int64_t first = newest(s);
    assert_int_equal(scene_post(s, at(s, first, "/cancel"), ""), 200);
    const struct job_spec again = {.kind = JOB_SCAN,
                                   .registry_id = s->registry.id,
                                   .repository = STR("team/app"),
                                   .digest = digest_n(s, 1),
                                   .priority = PRIORITY_PUSH};
    assert_ok(store_job_add(s->store, &again, 1, NULL, &s->err), s->err);
    assert_error(s, scene_post(s, at(s, first, "/requeue"), ""), 409, "Conflict");
    scene_close(s);
}

static void test_job__that_is_none(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    static const char *const actions[] = {"", "/cancel", "/requeue"};
    for (size_t i = 0; i < 3; i++) {
        const char *method = i ? "POST" : "GET";
        assert_error(s, scene_say(s, method, at(s, 4711, actions[i]), ""), 404, "ResourceNotFound");
        assert_error(s,
                     scene_say(s, method, arena_printf(&s->arena, JOBS "/x%s", actions[i]).ptr, ""),
                     400, "InvalidParameter");
    }
    scene_close(s);
}

/* Who has a role on one registry only learns nothing of the jobs of another. */
static void test_job__is_seen_by_those_of_its_registry(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    static const char other[] = "/subscriptions/" SUB "/resourceGroups/MyGroup/providers/"
                                "Microsoft.ContainerRegistry/registries/other";
    add_push(s, 1, "v1");
    int64_t id = newest(s);
    str here = scene_principal(s, "here", CONTRIBUTOR, REG);
    str there = scene_principal(s, "there", CONTRIBUTOR, other);
    str reader = scene_principal(s, "reader", SECURITY_READER, REG);
    assert_int_equal(scene_send(s, "GET", at(s, id, ""), "", here), 200);
    assert_int_equal(scene_send(s, "GET", at(s, id, ""), "", reader), 200);
    assert_error(s, scene_send(s, "GET", at(s, id, ""), "", there), 404, "ResourceNotFound");
    assert_error(s, scene_send(s, "POST", at(s, id, "/cancel"), "", there), 404,
                 "ResourceNotFound");
    assert_error(s, scene_send(s, "POST", at(s, id, "/cancel"), "", reader), 403,
                 "AuthorizationFailed");
    assert_int_equal(scene_send(s, "POST", at(s, id, "/cancel"), "", here), 200);
    scene_close(s);
}

/* --- a whole registry
 * ------------------------------------------------------------------------------------ */
static void test_scan__of_a_registry_is_every_image_and_a_sweep(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    add_image(s, 1, "v1", 2, NULL);
    add_image(s, 2, "v2", 0, NULL);
    assert_int_equal(scene_post(s, "/plimsoll/v1/registries/main/scan", ""), 202);
    assert_int_equal(json_integer_value(scene_at(s, "jobs")), 3);
    assert_int_equal(scene_post(s, "/plimsoll/v1/registries/main/scan", "{}"), 202);
    assert_int_equal(json_integer_value(scene_at(s, "jobs")), 0); /* they wait already */
    assert_error(s, scene_post(s, "/plimsoll/v1/registries/nobody/scan", "{}"), 404,
                 "ResourceNotFound");
    scene_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_job__is_shown_cancelled_and_queued_again),
        cmocka_unit_test(test_job__that_runs_is_fenced),
        cmocka_unit_test(test_job__same_work_twice_is_a_conflict),
        cmocka_unit_test(test_job__that_is_none),
        cmocka_unit_test(test_job__is_seen_by_those_of_its_registry),
        cmocka_unit_test(test_scan__of_a_registry_is_every_image_and_a_sweep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
