/* SPDX-License-Identifier: Apache-2.0 */
/* What REST changes: registries that come and go, plans, stored rules, imports. */
#include "support.h"

#include "fixture.h"

/* --- registries
 * ------------------------------------------------------------------------------------------ */
static size_t count_registries(struct fixture *f)
{
    store_registries all = {0};
    assert_ok(store_registries_list(f->store, &f->arena, NULL, &all, &err), err);
    return all.len;
}

static size_t count_billed(struct fixture *f)
{
    store_ledger ledger = {0};
    str next;
    const struct ledger_span ever = {0, INT64_MAX};
    const struct store_page page = {0};
    assert_ok(store_ledger_list(f->store, &f->arena, &ever, &page, &ledger, &next, &err), err);
    return ledger.len;
}

static void test_removal__results_leave_and_history_stays(void **state)
{
    struct fixture *f = *state;
    struct secret_key key = {.bytes = {7}};
    scan_image(f, 1, report_of(f, 1, 1, 3));
    struct store_event event = push(f, "late", 2, "v2");
    add(f, &event, 1);
    assert_ok(store_secret_set(f->store, &key, f->registry.id, "password", STR("x"), 1, &err), err);
    assert_ok(store_registry_remove(f->store, f->registry.id, f->now, &err), err);
    assert_int_equal(count_registries(f), 0);
    assert_int_equal(count_findings(f), 0);
    assert_int_equal(images_all(f).len, 0);
    str secret;
    assert_ok(
        store_secret_get(f->store, &f->arena, &key, f->registry.id, "password", &secret, &err),
        err);
    assert_int_equal(secret.len, 0);
    struct job_counts counts;
    assert_ok(store_jobs_count(f->store, &counts, &err), err);
    assert_int_equal(counts.done, 1);
    assert_int_equal(counts.cancelled, 1);
    assert_int_equal(counts.queued, 0);
    assert_int_equal(count_billed(f), 1);
    assert_false(store_registry_remove(f->store, f->registry.id, f->now, &err));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    err = (struct err){0};
    assert_ok(store_check(f->store, &err), err);
}

static void test_removal__name_is_free_again_and_another_one(void **state)
{
    struct fixture *f = *state;
    struct store_registry again = registry_named("MAIN"), got;
    again.resource_group = STR("Elsewhere");
    assert_false(store_registry_put(f->store, &again, f->now, &err));
    assert_int_equal(err.kind, ERR_CONFLICT);
    err = (struct err){0};
    scan_image(f, 1, report_of(f, 1, 1, 3));
    assert_ok(store_registry_remove(f->store, f->registry.id, f->now, &err), err);
    again.is_made = true;
    again.properties = STR("{\"plimsoll\":{\"host\":\"h\"}}");
    assert_ok(store_registry_put(f->store, &again, f->now + 5, &err), err);
    assert_int_not_equal(again.id, f->registry.id);
    assert_ok(store_registry_get(f->store, &f->arena, STR("main"), &got, &err), err);
    assert_true(got.is_made);
    assert_str(got.properties, "{\"plimsoll\":{\"host\":\"h\"}}");
    assert_int_equal(images_all(f).len, 0);
}

static void test_removal__late_result_is_refused(void **state)
{
    struct fixture *f = *state;
    struct store_event event = push(f, "e", 1, "v1");
    add(f, &event, 1);
    struct job job = lease(f);
    assert_ok(store_registry_remove(f->store, f->registry.id, f->now, &err), err);
    assert_false(finish(f, &job, report_of(f, 1, 1, 2), JOB_END_DONE));
    assert_int_equal(err.kind, ERR_CONFLICT);
    err = (struct err){0};
}

/* --- plans
 * ------------------------------------------------------------------------------------------ */
static size_t set_plan(struct fixture *f, bool is_off)
{
    size_t n = 0;
    assert_ok(store_plan_set(f->store, f->registry.subscription, is_off, 9, STR("lead"), f->now, &n,
                             &err),
              err);
    return n;
}

static void test_plan__is_on_until_it_is_switched(void **state)
{
    struct fixture *f = *state;
    struct store_plan plan;
    assert_ok(store_plan_get(f->store, &f->arena, STR("AAAA"), &plan, &err), err);
    assert_false(plan.is_off);
    assert_int_equal(plan.changed_at, 0);
    assert_int_equal(set_plan(f, true), 0);
    assert_ok(store_plan_get(f->store, &f->arena, STR("11111111-2222-3333-4444-555555555555"),
                             &plan, &err),
              err);
    assert_true(plan.is_off);
    assert_str(plan.changed_by, "lead");
    assert_int_equal(plan.changed_at, f->now);
}

static void test_plan__off_a_push_is_known_and_not_scanned(void **state)
{
    struct fixture *f = *state;
    struct job job;
    bool is_new = true;
    set_plan(f, true);
    struct store_event event = push(f, "e", 1, "v1");
    assert_int_equal(add(f, &event, 1).n_jobs, 0);
    assert_false(try_lease(f, &job));
    assert_int_equal(images_all(f).len, 1);
    const struct job_spec by_hand = {.kind = JOB_SCAN,
                                     .registry_id = f->registry.id,
                                     .repository = STR("team/app"),
                                     .digest = digest_n(f, 1),
                                     .priority = PRIORITY_MANUAL};
    assert_ok(store_job_add(f->store, &by_hand, f->now, &is_new, &err), err);
    assert_false(is_new);
    assert_false(try_lease(f, &job));
}

static void test_plan__off_what_runs_is_fenced_and_results_stay(void **state)
{
    struct fixture *f = *state;
    stored_images behind = {0};
    scan_image(f, 1, report_of(f, 1, 1, 3));
    struct store_event event = push(f, "e2", 2, "v2");
    add(f, &event, 1);
    struct job job = lease(f);
    set_plan(f, true);
    assert_false(finish(f, &job, report_of(f, 2, 1, 2), JOB_END_DONE));
    assert_int_equal(err.kind, ERR_CONFLICT);
    err = (struct err){0};
    assert_int_equal(count_findings(f), 3);
    assert_int_equal(count_billed(f), 1);
    assert_ok(store_images_behind(f->store, &f->arena, 99, 0, 10, &behind, &err), err);
    assert_int_equal(behind.len, 0); /* a re-match leaves it alone */
    set_plan(f, false);
    assert_ok(store_images_behind(f->store, &f->arena, 99, 0, 10, &behind, &err), err);
    assert_int_equal(behind.len, 1);
}

/* 1 is settled, 2 never scanned, 3 pulled and stale. */
static void test_plan__on_what_was_pulled_comes_first(void **state)
{
    struct fixture *f = *state;
    set_plan(f, true);
    for (unsigned i = 1; i <= 3; i++) {
        char id[16];
        snprintf(id, sizeof(id), "e%u", i);
        struct store_event event = push(f, id, i, "");
        add(f, &event, 1);
    }
    struct store_event pull = push(f, "pulled", 3, "");
    pull.action = EVENT_PULL;
    assert_int_equal(add(f, &pull, 1).n_jobs, 0);
    assert_int_equal(set_plan(f, false), 4); /* three scans and the sweep */
    assert_int_equal(set_plan(f, false), 0); /* as it was */
    struct job job = lease(f);
    assert_str(job.digest, digest_n(f, 3).ptr);
    assert_int_equal(job.priority, PRIORITY_PULLED);
    assert_ok(finish(f, &job, report_of(f, 3, 1, 1), JOB_END_DONE), err);
    assert_int_equal(lease(f).priority, PRIORITY_SWEEP);
}

static void test_queue__all_or_what_is_due(void **state)
{
    struct fixture *f = *state;
    size_t n = 0;
    scan_image(f, 1, report_of(f, 1, 1, 3)); /* of generation 7 */
    struct queue_spec spec = {.registry_id = f->registry.id,
                              .priority = PRIORITY_SWEEP,
                              .is_due_only = true,
                              .generation = 7};
    assert_ok(store_registry_queue(f->store, &spec, f->now, &n, &err), err);
    assert_int_equal(n, 1); /* the sweep alone */
    spec.generation = 8;
    assert_ok(store_registry_queue(f->store, &spec, f->now, &n, &err), err);
    assert_int_equal(n, 1); /* the scan alone: the sweep waits already */
    spec = (struct queue_spec){.registry_id = f->registry.id, .priority = PRIORITY_MANUAL};
    assert_ok(store_registry_queue(f->store, &spec, f->now, &n, &err), err);
    assert_int_equal(n, 0);
    assert_int_equal(lease(f).priority, PRIORITY_MANUAL);
}

/* Who asks has perhaps mended what it failed at. */
static void test_queue__what_waits_for_another_try_is_tried_now(void **state)
{
    struct fixture *f = *state;
    size_t n = 0;
    struct job job;
    struct store_event event = push(f, "e", 1, "v1");
    add(f, &event, 1);
    job = lease(f);
    assert_ok(finish(f, &job, NULL, JOB_END_RETRY), err);
    assert_false(try_lease(f, &job));
    const struct queue_spec spec = {
        .registry_id = f->registry.id, .priority = PRIORITY_SWEEP, .is_due_only = true};
    assert_ok(store_registry_queue(f->store, &spec, f->now, &n, &err), err);
    job = lease(f);
    assert_str(job.digest, digest_n(f, 1).ptr);
    assert_int_equal(job.attempts, 1);
}

/* --- rules
 * ------------------------------------------------------------------------------------------ */
#define ID "aaaaaaaa-0000-4000-8000-00000000000"

static bool put_rule(struct fixture *f, const char *id, const char *name, const char *rest)
{
    bool is_new = false;
    struct store_rule rule = {
        .uuid = str_from(id),
        .name = str_from(name),
        .text = arena_printf(
            &f->arena, "{\"rules\":[{\"name\":\"%s\",\"justification\":\"why\",%s}]}", name, rest)};
    return store_rule_put(f->store, &rule, STR("lead"), f->now, &is_new, &err);
}

static size_t apply_rules(struct fixture *f)
{
    store_rules all = {0};
    struct rules rules = {0};
    struct rule_set set = {.rules = &rules};
    size_t n = 1, sum = 0;
    assert_ok(store_rules_list(f->store, &f->arena, &all, &set.revision, &err), err);
    for (size_t i = 0; i < all.len; i++)
        if (!all.ptr[i].is_expired)
            assert_ok(rules_parse(&f->arena, all.ptr[i].uuid, all.ptr[i].text, &rules, &err), err);
    struct rules_run *run;
    assert_ok(rules_run_open(f->store, &set, &run, &err), err);
    while (n) {
        assert_ok(rules_run_step(run, f->now, &n, &err), err);
        sum += n;
    }
    rules_run_close(run);
    bool is_pending = true;
    assert_ok(store_rules_pending(f->store, set.revision, &is_pending, &err), err);
    assert_false(is_pending);
    return sum;
}

static void scan_clear(struct fixture *f, unsigned image, unsigned n, enum verdict clear)
{
    struct report *report = report_of(f, image, 1, n);
    report->clear_verdict = clear;
    report->clear_reason = clear == VERDICT_HEALTHY ? STR("") : STR("past its end of life");
    scan_image(f, image, report);
}

static struct store_image image_at(struct fixture *f, size_t i)
{
    store_images all = images_all(f);
    assert_true(i < all.len);
    return all.ptr[i];
}

static void test_rules__apply_to_what_is_stored_and_back(void **state)
{
    struct fixture *f = *state;
    scan_clear(f, 1, 3, VERDICT_HEALTHY);
    scan_clear(f, 2, 2, VERDICT_NOT_APPLICABLE);
    assert_ok(put_rule(f, ID "1", "one", "\"criteria\":{\"id\":\"CVE-2020-1\"}"), err);
    assert_int_equal(apply_rules(f), 2);
    assert_int_equal(count_findings(f), 3);
    assert_int_equal(image_at(f, 0).counts.disabled, 1);
    assert_int_equal(image_at(f, 0).verdict, VERDICT_UNHEALTHY);
    assert_ok(put_rule(f, ID "2", "all", "\"criteria\":{\"patchable\":true}"), err);
    assert_int_equal(apply_rules(f), 2);
    assert_int_equal(count_findings(f), 0);
    assert_int_equal(image_at(f, 0).verdict, VERDICT_HEALTHY);
    assert_int_equal(image_at(f, 1).verdict, VERDICT_NOT_APPLICABLE);
    assert_str(image_at(f, 1).reason, "past its end of life");
    assert_int_equal(assessment(f).verdict, VERDICT_HEALTHY);
    assert_int_equal(assessment(f).findings, 0);
    assert_int_equal(apply_rules(f), 0); /* nothing is left to do */
    assert_ok(store_rule_remove(f->store, STR(ID "2"), STR("lead"), f->now, &err), err);
    assert_ok(store_rule_remove(f->store, STR(ID "1"), STR("lead"), f->now, &err), err);
    apply_rules(f);
    assert_int_equal(count_findings(f), 5);
    assert_int_equal(image_at(f, 1).verdict, VERDICT_UNHEALTHY);
    assert_int_equal(image_at(f, 1).reason.len, 0);
    assert_int_equal(assessment(f).verdict, VERDICT_UNHEALTHY);
    assert_ok(store_check(f->store, &err), err);
}

static void test_rules__keep_to_their_scope(void **state)
{
    struct fixture *f = *state;
    static const char *const elsewhere[] = {
        "\"scope\":{\"repository\":\"other/**\"},", "\"scope\":{\"registry\":\"another\"},",
        "\"scope\":{\"subscription\":\"99999999-2222-3333-4444-555555555555\"},",
        "\"scope\":{\"resource-group\":\"Nope\"},"};
    static const char *const here[] = {
        "\"scope\":{\"repository\":\"team/*\",\"registry\":\"main\"},",
        "\"scope\":{\"registry\":\"reg.example:5000\"},",
        "\"scope\":{\"resource-group\":\"GROUP\"},"};
    scan_clear(f, 1, 2, VERDICT_HEALTHY);
    for (size_t i = 0; i < ARRAY_LEN(elsewhere) + ARRAY_LEN(here); i++) {
        bool is_here = i >= ARRAY_LEN(elsewhere);
        const char *scope = is_here ? here[i - ARRAY_LEN(elsewhere)] : elsewhere[i];
        str rest = arena_printf(&f->arena, "%s\"criteria\":{\"patchable\":true}", scope);
        assert_ok(put_rule(f, ID "1", "scoped", rest.ptr), err);
        apply_rules(f);
        assert_int_equal(count_findings(f), is_here ? 0 : 2);
    }
}

/* What an image is without findings nobody wrote down: it stays what it was until it is scanned. */
static void test_rules__never_healthy_by_guess(void **state)
{
    struct fixture *f = *state;
    scan_clear(f, 1, 2, VERDICT_UNKNOWN);
    assert_ok(put_rule(f, ID "1", "all", "\"criteria\":{\"patchable\":true}"), err);
    apply_rules(f);
    assert_int_equal(image_at(f, 0).verdict, VERDICT_UNHEALTHY);
    assert_int_equal(image_at(f, 0).counts.disabled, 2);
    struct job job = lease(f);
    assert_str(job.digest, digest_n(f, 1).ptr);
}

static void test_rules__over_a_report_before_it_is_stored(void **state)
{
    struct fixture *f = *state;
    struct rules rules = {0};
    const struct rule_set set = {&rules, 4};
    struct report *report = report_of(f, 1, 1, 2);
    report->clear_verdict = VERDICT_HEALTHY;
    assert_ok(rules_parse(&f->arena, STR("f"),
                          STR("rules: [{name: a, justification: b, criteria: {patchable: true}}]"),
                          &rules, &err),
              err);
    assert_ok(store_rules_hold(&f->arena, &set, &f->registry, STR("team/app"), report, &err), err);
    assert_int_equal(report->verdict, VERDICT_HEALTHY);
    assert_int_equal(report->rules_revision, 4);
    assert_str(report->findings.ptr[0].disabled_by, "a");
}

static void test_rules__expire_once(void **state)
{
    struct fixture *f = *state;
    bool is_new = false;
    size_t n = 9;
    uint64_t before, after;
    rule_logs log = {0};
    struct store_rule rule = {.uuid = STR(ID "1"),
                              .name = STR("short"),
                              .text = STR("{\"rules\":[{\"name\":\"short\"}]}"),
                              .expires_at = f->now + 10};
    assert_ok(store_rule_put(f->store, &rule, STR("lead"), f->now, &is_new, &err), err);
    assert_true(is_new);
    assert_ok(store_rules_revision(f->store, &before, &err), err);
    assert_ok(store_rules_expire(f->store, f->now + 9, &n, &err), err);
    assert_int_equal(n, 0);
    assert_ok(store_rules_expire(f->store, f->now + 10, &n, &err), err);
    assert_int_equal(n, 1);
    assert_ok(store_rules_expire(f->store, f->now + 11, &n, &err), err);
    assert_int_equal(n, 0);
    assert_ok(store_rules_revision(f->store, &after, &err), err);
    assert_int_equal(after, before + 1);
    assert_ok(store_rule_log(f->store, &f->arena, STR(ID "1"), &log, &err), err);
    assert_int_equal(log.len, 2);
    assert_str(log.ptr[0].action, "create");
    assert_str(log.ptr[0].actor, "lead");
    assert_str(log.ptr[1].action, "expire");
}

static void test_rules__names_are_unique(void **state)
{
    struct fixture *f = *state;
    assert_ok(put_rule(f, ID "1", "one", "\"criteria\":{\"patchable\":true}"), err);
    assert_false(put_rule(f, ID "2", "one", "\"criteria\":{\"patchable\":true}"));
    assert_int_equal(err.kind, ERR_CONFLICT);
    err = (struct err){0};
    assert_false(store_rule_remove(f->store, STR(ID "2"), STR("x"), f->now, &err));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    err = (struct err){0};
}

/* --- imports
 * ------------------------------------------------------------------------------------------ */
static void test_import__password_is_sealed_and_goes_with_the_end(void **state)
{
    struct fixture *f = *state;
    struct secret_key key = {.bytes = {1, 2, 3}};
    struct store_import got,
        import = {.operation = STR(ID "7"), .registry_id = f->registry.id, .spec = STR("{}")};
    str password;
    assert_ok(store_import_add(f->store, &key, &import, STR("team/app"), STR("hush"), f->now, &err),
              err);
    assert_ok(store_import_get(f->store, &f->arena, STR(ID "7"), &got, &err), err);
    assert_int_equal(got.job.kind, JOB_IMPORT);
    assert_int_equal(got.job.state, JOB_QUEUED);
    assert_int_equal(got.job.priority, PRIORITY_IMPORT);
    assert_str(got.subscription, "11111111-2222-3333-4444-555555555555");
    assert_ok(store_imports_tidy(f->store, &err), err);
    assert_ok(store_import_password(f->store, &f->arena, &key, &got, &password, &err), err);
    assert_str(password, "hush");
    assert_ok(store_import_fail(f->store, STR(ID "7"), STR("Conflict"), &err), err);
    assert_ok(store_job_cancel(f->store, got.job.id, f->now, &err), err);
    assert_ok(store_imports_tidy(f->store, &err), err);
    assert_ok(store_import_password(f->store, &f->arena, &key, &got, &password, &err), err);
    assert_int_equal(password.len, 0);
    assert_ok(store_import_get(f->store, &f->arena, STR(ID "7"), &got, &err), err);
    assert_str(got.code, "Conflict");
    assert_int_equal(got.job.state, JOB_CANCELLED);
    assert_false(store_import_get(f->store, &f->arena, STR(ID "8"), &got, &err));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    err = (struct err){0};
}

static void test_import__event_is_as_a_push_with_its_own_priority(void **state)
{
    struct fixture *f = *state;
    struct store_event event = push(f, "import:1:1", 1, "v1");
    event.action = EVENT_IMPORT;
    assert_int_equal(add(f, &event, 1).n_jobs, 1);
    assert_int_equal(lease(f).priority, PRIORITY_IMPORT);
    assert_int_equal(image_at(f, 0).last_pushed, f->now);
    assert_int_equal(image_at(f, 0).tags.len, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_removal__results_leave_and_history_stays),
        TEST(test_removal__name_is_free_again_and_another_one),
        TEST(test_removal__late_result_is_refused),
        TEST(test_plan__is_on_until_it_is_switched),
        TEST(test_plan__off_a_push_is_known_and_not_scanned),
        TEST(test_plan__off_what_runs_is_fenced_and_results_stay),
        TEST(test_plan__on_what_was_pulled_comes_first),
        TEST(test_queue__all_or_what_is_due),
        TEST(test_queue__what_waits_for_another_try_is_tried_now),
        TEST(test_rules__apply_to_what_is_stored_and_back),
        TEST(test_rules__keep_to_their_scope),
        TEST(test_rules__never_healthy_by_guess),
        TEST(test_rules__over_a_report_before_it_is_stored),
        TEST(test_rules__expire_once),
        TEST(test_rules__names_are_unique),
        TEST(test_import__password_is_sealed_and_goes_with_the_end),
        TEST(test_import__event_is_as_a_push_with_its_own_priority),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
