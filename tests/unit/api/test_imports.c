/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include "scene.h"

#define IMPORT REG "/importImage" V
#define GOOD                                                                                       \
    "{\"source\":{\"registryUri\":\"h.example\",\"sourceImage\":\"a:1\",\"credentials\":"          \
    "{\"username\":\"u\",\"password\":\"hidden\"}},\"targetTags\":[\"b:1\"]}"

static str location(struct scene *s)
{
    return http_header_get(&s->answer.headers, STR("Location"));
}

static struct job only_job(struct scene *s)
{
    jobs all = {0};
    str next;
    const struct job_filter filter = {.kind = JOB_IMPORT};
    const struct store_page page = {0};
    assert_ok(store_jobs_list(s->store, &s->arena, &filter, &page, &all, &next, &s->err), s->err);
    assert_int_equal(all.len, 1);
    return all.ptr[0];
}

static void end_job(struct scene *s, enum job_end end, const char *error)
{
    static const enum job_kind kinds[] = {JOB_IMPORT};
    const struct lease_spec lease = {.kinds = kinds, .n_kinds = 1, .now = INT32_MAX, .lease_s = 60};
    struct job job;
    assert_int_equal(store_job_lease(s->store, &s->arena, &lease, &job, &s->err), NEXT_ITEM);
    const struct job_outcome outcome = {.end = end, .error = str_from(error), .now = INT32_MAX};
    assert_ok(store_job_finish(s->store, &job, &outcome, &s->err), s->err);
}

static const char *begin(struct scene *s)
{
    assert_int_equal(scene_post(s, IMPORT, GOOD), 202);
    assert_str(s->answer.body, "null");
    assert_str(http_header_get(&s->answer.headers, STR("Retry-After")), "1");
    assert_true(str_has(location(s), STR("/subscriptions/" SUB
                                         "/providers/Microsoft.ContainerRegistry/locations/global/"
                                         "operationResults/registries-")));
    assert_true(str_ends(location(s), STR(V)));
    return arena_cstr(&s->arena, location(s));
}

static const char *status_of(struct scene *s, const char *url)
{
    str head, tail;
    assert_true(str_cut(str_from(url), STR("operationResults"), &head, &tail));
    return arena_printf(&s->arena, STR_FMT "operationStatuses" STR_FMT, STR_ARG(head),
                        STR_ARG(tail))
        .ptr;
}

static void test_import__is_a_job_until_it_is_done(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    const char *url = begin(s);
    assert_int_equal(only_job(s).priority, PRIORITY_IMPORT);
    assert_int_equal(scene_get(s, url), 202);
    assert_str(location(s), url);
    assert_int_equal(scene_get(s, status_of(s, url)), 200);
    assert_str(scene_str(s, "status"), "InProgress");
    end_job(s, JOB_END_DONE, "");
    assert_int_equal(scene_get(s, url), 200);
    assert_int_equal(scene_get(s, status_of(s, url)), 200);
    assert_str(scene_str(s, "status"), "Succeeded");
    assert_null(scene_at(s, "error"));
    assert_int_equal(scene_get(s, "/plimsoll/v1/jobs"), 200);
    assert_int_equal(scene_str(s, "value.0.operation").len, 36);
    scene_close(s);
}

static void test_import__failure_has_status_and_code(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    const char *url = begin(s);
    str operation = only_job(s).digest;
    assert_ok(store_import_fail(s->store, operation, STR("Conflict"), &s->err), s->err);
    end_job(s, JOB_END_FAILED, "the tag b:1 exists already");
    assert_error(s, scene_get(s, url), 409, "Conflict");
    assert_str(scene_str(s, "error.message"), "the tag b:1 exists already");
    assert_int_equal(scene_get(s, status_of(s, url)), 200);
    assert_str(scene_str(s, "status"), "Failed");
    assert_str(scene_str(s, "error.code"), "Conflict");
    /* never 5xx: clients would ask again and again */
    assert_ok(store_import_fail(s->store, operation, STR("ServiceUnavailable"), &s->err), s->err);
    assert_error(s, scene_get(s, url), 400, "ServiceUnavailable");
    scene_close(s);
}

static void test_import__cancelled_says_so(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    const char *url = begin(s);
    str cancel =
        arena_printf(&s->arena, "/plimsoll/v1/jobs/%lld/cancel", (long long)only_job(s).id);
    assert_int_equal(scene_post(s, cancel.ptr, ""), 200);
    assert_error(s, scene_get(s, url), 409, "Canceled");
    str again =
        arena_printf(&s->arena, "/plimsoll/v1/jobs/%lld/requeue", (long long)only_job(s).id);
    assert_error(s, scene_post(s, again.ptr, ""), 409, "Conflict");
    scene_close(s);
}

static void test_import__is_found_below_its_subscription_only(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    const char *url = begin(s);
    str head, tail;
    assert_true(str_cut(str_from(url), STR(SUB), &head, &tail));
    str other = arena_printf(&s->arena, STR_FMT "99999999-2222-3333-4444-555555555555" STR_FMT,
                             STR_ARG(head), STR_ARG(tail));
    assert_error(s, scene_get(s, other.ptr), 404, "NotFound");
    assert_error(s,
                 scene_get(s, "/subscriptions/" SUB
                              "/providers/Microsoft.ContainerRegistry/locations/global/"
                              "operationResults/registries-no" V),
                 404, "NotFound");
    scene_close(s);
}

/* importImage at the target is not enough to pull from the source. */
static void test_import__needs_rights_at_both_ends(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    static const char other[] = "/subscriptions/" SUB "/resourceGroups/MyGroup/providers/"
                                "Microsoft.ContainerRegistry/registries/other";
    static const char body[] =
        "{\"source\":{\"resourceId\":\"/subscriptions/" SUB
        "/resourceGroups/MyGroup/providers/Microsoft.ContainerRegistry/registries/other\","
        "\"sourceImage\":\"a:1\"},\"targetTags\":[\"b:1\"]}";
    str target = scene_principal(s, "target", CONTRIBUTOR, REG);
    str reader = scene_principal(s, "reader", SECURITY_READER, REG);
    str source = scene_principal(s, "source", CONTRIBUTOR, other);
    assert_error(s, scene_send(s, "POST", IMPORT, body, target), 403, "LinkedAuthorizationFailed");
    assert_error(s, scene_send(s, "POST", IMPORT, GOOD, reader), 403, "AuthorizationFailed");
    assert_int_equal(scene_send(s, "POST", IMPORT, GOOD, target), 202);
    const char *url = arena_cstr(&s->arena, location(s));
    assert_int_equal(scene_send(s, "GET", url, "", target), 202);
    assert_error(s, scene_send(s, "GET", url, "", source), 404, "NotFound");
    scene_close(s);
}

static void test_import__refusals(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    static const struct {
        const char *body;
        int status;
        const char *code;
    } rows[] = {
        {"", 400, "InvalidParameters"},
        {"{", 400, "InvalidParameters"},
        {"{\"source\":{\"registryUri\":\"h\",\"sourceImage\":\"a:1\",\"credentials\":{}},"
         "\"targetTags\":[\"b:1\"]}",
         400, "InvalidParameters"},
        {"{\"source\":{\"resourceId\":\"/subscriptions/x/resourceGroups/MyGroup/providers/"
         "Microsoft.ContainerRegistry/registries/other\",\"sourceImage\":\"a:1\"},"
         "\"targetTags\":[\"b:1\"]}",
         400, "InvalidParameters"}, /* another subscription's */
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_error(s, scene_post(s, IMPORT, rows[i].body), rows[i].status, rows[i].code);
    struct job_counts counts;
    assert_ok(store_jobs_count(s->store, &counts, &s->err), s->err);
    assert_int_equal(counts.queued, 0);
    scene_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_import__is_a_job_until_it_is_done),
        cmocka_unit_test(test_import__failure_has_status_and_code),
        cmocka_unit_test(test_import__cancelled_says_so),
        cmocka_unit_test(test_import__is_found_below_its_subscription_only),
        cmocka_unit_test(test_import__needs_rights_at_both_ends),
        cmocka_unit_test(test_import__refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
