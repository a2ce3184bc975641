/* SPDX-License-Identifier: Apache-2.0 */
/* The contract suite of the store: what every driver must do with registries, events and jobs. */
#include "fixture.h"

/* --- schema
 * -------------------------------------------------------------------------------------------- */
static void test_store__refuses_a_newer_schema(void **state)
{
    struct fixture *f = *state;
    store_close(f->store);
    f->store = NULL;
    engine_run(&f->engine, "INSERT INTO migrations SELECT MAX(version) + 1 FROM migrations");
    assert_false(store_open(f->engine.name, STORE_RELAXED, &f->store, &err));
    assert_int_equal(err.kind, ERR_UNSUPPORTED);
    assert_non_null(strstr(err.msg, "newer"));
    engine_run(&f->engine,
               "DELETE FROM migrations WHERE version = (SELECT MAX(version) FROM migrations)");
    open_it(f);
}

/* Rows that were written before there were the columns say nothing of them, and are read. */
static void test_store__takes_a_first_schema_along(void **state)
{
    struct fixture *f = *state;
    struct engine mine = f->engine;
    str next;
    store_close(f->store);
    engine_open(&f->engine, &f->arena);
    engine_make_first(&f->engine, &f->arena);
    open_it(f);
    store_findings all = findings_all(f, 10, &next, STR(""));
    assert_int_equal(all.len, 1);
    assert_str(all.ptr[0].finding.id, "CVE-2020-3");
    assert_str(all.ptr[0].finding.rated_by, "");
    assert_int_equal(all.ptr[0].finding.cwes.len, 0);
    assert_true(all.ptr[0].finding.epss > 0.2499 && all.ptr[0].finding.epss < 0.2501);
    store_close(f->store);
    engine_close(&f->engine);
    f->engine = mine;
    open_it(f);
}

static void test_store__says_what_is_no_database(void **state)
{
    struct fixture *f = *state;
    char path[600];
    snprintf(path, sizeof(path), "%s/rubbish.db", f->engine.dir);
    FILE *file = fopen(path, "w");
    for (int i = 0; i < 1000; i++)
        fputs("this is not a database ", file);
    fclose(file);
    struct store *store = NULL;
    assert_false(store_open(path, STORE_RELAXED, &store, &err));
    assert_int_equal(err.kind, ERR_FORMAT);
    assert_non_null(strstr(err.msg, "rubbish.db"));
    snprintf(path, sizeof(path), "%s/no/such/folder.db", f->engine.dir);
    assert_false(store_open(path, STORE_RELAXED, &store, &err));
    assert_int_equal(err.kind, ERR_UNAVAILABLE);
}

static void test_store__check_finds_a_good_one_good(void **state)
{
    struct fixture *f = *state;
    scan_image(f, 1, report_of(f, 1, 0, 3));
    assert_ok(store_check(f->store, &err), err);
}

/* --- registries
 * ------------------------------------------------------------------------------------------ */
static void test_registry__names_compare_without_case_and_stay_where_they_are(void **state)
{
    struct fixture *f = *state;
    struct store_registry again = registry_named("main"), found;
    again.host = STR("other.example");
    assert_ok(store_registry_put(f->store, &again, f->now, &err), err);
    assert_int_equal(again.id, f->registry.id);
    assert_ok(store_registry_get(f->store, &f->arena, STR("MAIN"), &found, &err), err);
    assert_str(found.host, "other.example");
    assert_str(found.name, "Main");
    assert_str(store_registry_arm_id(&f->arena, &found),
               "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/Group/providers/"
               "Microsoft.ContainerRegistry/registries/Main");
    again.resource_group = STR("elsewhere");
    assert_false(store_registry_put(f->store, &again, f->now, &err));
    assert_int_equal(err.kind, ERR_CONFLICT);
    assert_false(store_registry_get(f->store, &f->arena, STR("none"), &found, &err));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
}

/* --- events
 * ------------------------------------------------------------------------------------------------
 */
static void test_events__same_event_twice_is_one(void **state)
{
    struct fixture *f = *state;
    struct store_event event = push(f, "e1", 1, "v1");
    struct event_counts first = add(f, &event, 1), second = add(f, &event, 1);
    assert_int_equal(first.n_new, 1);
    assert_int_equal(first.n_jobs, 1);
    assert_int_equal(second.n_new, 0);
    assert_int_equal(second.n_known, 1);
    assert_int_equal(second.n_jobs, 0);
}

static void test_events__same_digest_while_queued_or_leased_is_one_job(void **state)
{
    struct fixture *f = *state;
    struct store_event a = push(f, "e1", 1, "v1"), b = push(f, "e2", 1, "v2"),
                       c = push(f, "e3", 1, "");
    assert_int_equal(add(f, &a, 1).n_jobs, 1);
    assert_int_equal(add(f, &b, 1).n_jobs, 0);
    struct job job = lease(f), none;
    assert_int_equal(add(f, &c, 1).n_jobs, 0);
    assert_false(try_lease(f, &none));
    assert_ok(finish(f, &job, report_of(f, 1, 0, 0), JOB_END_DONE), err);
    assert_int_equal(job_get(f, job.id).state, JOB_DONE); /* the digest is scanned: no second run */
    assert_false(try_lease(f, &none));
}

static void test_events__scanned_digest_needs_no_job_but_moves_its_tag(void **state)
{
    struct fixture *f = *state;
    scan_image(f, 1, report_of(f, 1, 0, 1));
    f->now += 10;
    struct store_event again = push(f, "again", 1, "latest");
    assert_int_equal(add(f, &again, 1).n_jobs, 0);
    store_images list = images_all(f);
    assert_int_equal(list.len, 1);
    assert_int_equal(list.ptr[0].tags.len, 1);
    assert_str(list.ptr[0].tags.ptr[0], "latest");
}

static void test_events__without_id_are_known_by_content(void **state)
{
    struct fixture *f = *state;
    struct store_event a = push(f, "", 1, "v1"), b = push(f, "", 1, "v2");
    assert_int_equal(add(f, &a, 1).n_new, 1);
    assert_int_equal(add(f, &a, 1).n_new, 0);
    assert_int_equal(add(f, &b, 1).n_new, 1);
}

static void test_events__late_older_push_does_not_take_the_tag(void **state)
{
    struct fixture *f = *state;
    struct store_event newer = push(f, "n", 2, "v1"), older = push(f, "o", 1, "v1");
    older.at = f->now - 100;
    add(f, &newer, 1);
    add(f, &older, 1);
    store_images list = images_all(f);
    assert_int_equal(list.len, 2);
    for (size_t i = 0; i < list.len; i++)
        assert_int_equal(list.ptr[i].tags.len, str_eq(list.ptr[i].digest, newer.digest) ? 1 : 0);
}

static void test_events__delete_takes_results_out_and_a_push_brings_a_new_job(void **state)
{
    struct fixture *f = *state;
    scan_image(f, 1, report_of(f, 1, 0, 2));
    assert_int_equal(assessment(f).verdict, VERDICT_UNHEALTHY);
    f->now += 10;
    struct store_event gone = push(f, "gone", 1, "");
    gone.action = EVENT_DELETE;
    add(f, &gone, 1);
    assert_int_equal(count_findings(f), 0);
    assert_int_equal(images_all(f).len, 0);
    assert_int_equal(assessment(f).verdict, VERDICT_NOT_APPLICABLE);
    assert_int_equal(assessment(f).status_changed_at, f->now);
    f->now += 10;
    struct store_event back = push(f, "back", 1, "v1");
    assert_int_equal(add(f, &back, 1).n_jobs, 1);
    assert_int_equal(images_all(f).ptr[0].verdict, VERDICT_UNKNOWN);
}

static void test_events__delete_older_than_the_last_push_is_ignored(void **state)
{
    struct fixture *f = *state;
    scan_image(f, 1, report_of(f, 1, 0, 2));
    struct store_event gone = push(f, "gone", 1, "");
    gone.action = EVENT_DELETE;
    gone.at = f->now - 5;
    add(f, &gone, 1);
    assert_int_equal(count_findings(f), 2);
}

static void test_events__delete_of_a_repository_takes_all(void **state)
{
    struct fixture *f = *state;
    scan_image(f, 1, report_of(f, 1, 0, 1));
    scan_image(f, 2, report_of(f, 2, 0, 1));
    struct store_event queued = push(f, "q", 3, "");
    add(f, &queued, 1);
    f->now += 1;
    struct store_event gone = {
        .id = STR("g"), .action = EVENT_DELETE, .repository = STR("team/app"), .at = f->now};
    add(f, &gone, 1);
    struct job job;
    assert_int_equal(images_all(f).len, 0);
    assert_false(try_lease(f, &job)); /* what was queued is cancelled */
}

static void test_events__result_of_an_image_deleted_meanwhile_is_dropped(void **state)
{
    struct fixture *f = *state;
    struct store_event event = push(f, "p", 1, ""), gone = push(f, "g", 1, "");
    add(f, &event, 1);
    struct job job = lease(f);
    gone.action = EVENT_DELETE;
    gone.at = ++f->now;
    add(f, &gone, 1);
    assert_ok(finish(f, &job, report_of(f, 1, 0, 2), JOB_END_DONE), err);
    assert_int_equal(count_findings(f), 0);
    assert_int_equal(images_all(f).len, 0);
}

static void test_events__pull_is_remembered_and_scans_what_was_never_seen(void **state)
{
    struct fixture *f = *state;
    struct store_event pull = push(f, "pull", 1, "");
    pull.action = EVENT_PULL;
    assert_int_equal(add(f, &pull, 1).n_jobs, 1);
    struct job job = lease(f);
    assert_int_equal(job.priority, PRIORITY_PULLED);
    assert_int_equal(images_all(f).ptr[0].last_pulled, f->now);
    assert_int_equal(images_all(f).ptr[0].last_pushed, 0);
}

static void test_events__clock_ahead_is_cut(void **state)
{
    struct fixture *f = *state;
    struct store_event ahead = push(f, "a", 1, "v1"), later = push(f, "b", 2, "v1");
    ahead.at = f->now + 1000000;
    add(f, &ahead, 1);
    later.at = ++f->now;
    add(f, &later, 1);
    store_images list = images_all(f);
    assert_int_equal(list.ptr[0].tags.len, 0);
    assert_int_equal(list.ptr[1].tags.len, 1);
}

/* --- jobs
 * --------------------------------------------------------------------------------------------------------
 */
static void test_jobs__more_urgent_goes_first(void **state)
{
    struct fixture *f = *state;
    struct job_spec spec = {
        .kind = JOB_SCAN, .registry_id = f->registry.id, .repository = STR("r")};
    const enum job_priority order[] = {PRIORITY_SWEEP, PRIORITY_PUSH, PRIORITY_MANUAL};
    for (unsigned i = 0; i < 3; i++) {
        spec.digest = digest_n(f, i);
        spec.priority = order[i];
        assert_ok(store_job_add(f->store, &spec, f->now, NULL, &err), err);
    }
    assert_int_equal(lease(f).priority, PRIORITY_PUSH);
    assert_int_equal(lease(f).priority, PRIORITY_MANUAL);
    assert_int_equal(lease(f).priority, PRIORITY_SWEEP);
}

static void test_jobs__expired_lease_moves_and_the_late_answer_is_refused(void **state)
{
    struct fixture *f = *state;
    struct store_event event = push(f, "e", 1, "");
    add(f, &event, 1);
    struct job first = lease(f);
    f->now += 61;
    size_t n = 0;
    assert_ok(store_jobs_expire(f->store, f->now, false, 5, &n, &err), err);
    assert_int_equal(n, 1);
    struct job second = lease(f);
    assert_int_equal(second.id, first.id);
    assert_true(second.lease > first.lease);
    assert_false(finish(f, &first, report_of(f, 1, 0, 9), JOB_END_DONE));
    assert_int_equal(err.kind, ERR_CONFLICT);
    assert_int_equal(count_findings(f), 0);
    assert_ok(finish(f, &second, report_of(f, 1, 0, 2), JOB_END_DONE), err);
    assert_false(finish(f, &first, report_of(f, 1, 0, 9), JOB_END_DONE));  /* nor later */
    assert_false(finish(f, &second, report_of(f, 1, 0, 9), JOB_END_DONE)); /* nor twice */
    assert_int_equal(count_findings(f), 2);
}

static void test_jobs__heartbeat_keeps_a_lease(void **state)
{
    struct fixture *f = *state;
    struct store_event event = push(f, "e", 1, "");
    add(f, &event, 1);
    struct job job = lease(f);
    f->now += 50;
    assert_ok(store_job_extend(f->store, &job, f->now + 60, &err), err);
    f->now += 50;
    size_t n = 9;
    assert_ok(store_jobs_expire(f->store, f->now, false, 5, &n, &err), err);
    assert_int_equal(n, 0);
    assert_ok(store_job_cancel(f->store, job.id, f->now, &err), err);
    assert_false(store_job_extend(f->store, &job, f->now + 60, &err));
    assert_int_equal(err.kind, ERR_CONFLICT);
}

static void test_jobs__retry_waits_and_the_last_verdict_stands(void **state)
{
    struct fixture *f = *state;
    scan_image(f, 1, report_of(f, 1, 0, 2));
    const struct job_spec spec = {.kind = JOB_SCAN,
                                  .registry_id = f->registry.id,
                                  .repository = STR("team/app"),
                                  .digest = digest_n(f, 1),
                                  .not_before = f->now};
    assert_ok(store_job_add(f->store, &spec, f->now, NULL, &err), err);
    struct job job = lease(f), none;
    assert_ok(finish(f, &job, NULL, JOB_END_RETRY), err);
    assert_false(try_lease(f, &none));
    int64_t at = 0;
    assert_ok(store_jobs_next_at(f->store, &at, &err), err);
    assert_int_equal(at, f->now + 30);
    struct store_image image = images_all(f).ptr[0];
    assert_int_equal(image.verdict, VERDICT_UNHEALTHY);
    assert_str(image.failure, "no route to host");
    assert_int_equal(count_findings(f), 2);
    f->now += 30;
    assert_int_equal(lease(f).attempts, 2);
}

static void test_jobs__failed_verdict_keeps_what_the_image_had(void **state)
{
    struct fixture *f = *state;
    struct report *incomplete = report_of(f, 1, 0, 0);
    scan_image(f, 1, report_of(f, 1, 0, 2));
    incomplete->verdict = VERDICT_FAILED;
    incomplete->reason = STR("layer 2 is cut short");
    const struct job_spec spec = {.kind = JOB_SCAN,
                                  .registry_id = f->registry.id,
                                  .repository = STR("team/app"),
                                  .digest = digest_n(f, 1)};
    assert_ok(store_job_add(f->store, &spec, f->now, NULL, &err), err);
    struct job job = lease(f);
    assert_ok(finish(f, &job, incomplete, JOB_END_RETRY), err);
    struct store_image image = images_all(f).ptr[0];
    assert_int_equal(image.verdict, VERDICT_UNHEALTHY);
    assert_str(image.failure, "layer 2 is cut short");
    assert_int_equal(count_findings(f), 2);
}

static size_t count_given_up(struct fixture *f)
{
    strs list = {0};
    assert_ok(
        store_given_up_list(f->store, &f->arena, f->registry.id, STR("team/app"), &list, &err),
        err);
    return list.len;
}

static void test_jobs__what_is_dead_is_given_up_while_its_failure_stands(void **state)
{
    struct fixture *f = *state;
    struct store_event event = push(f, "e", 1, "");
    add(f, &event, 1);
    struct job job = lease(f);
    assert_int_equal(count_given_up(f), 0);
    assert_ok(finish(f, &job, NULL, JOB_END_DEAD), err);
    assert_int_equal(count_given_up(f), 1);
    const struct job_spec spec = {.kind = JOB_SCAN,
                                  .registry_id = f->registry.id,
                                  .repository = job.repository,
                                  .digest = job.digest,
                                  .priority = PRIORITY_SWEEP,
                                  .not_before = f->now};
    assert_ok(store_job_add(f->store, &spec, f->now, NULL, &err), err);
    job = lease(f);
    assert_ok(finish(f, &job, report_of(f, 1, 0, 1), JOB_END_DONE), err);
    assert_int_equal(count_given_up(f), 0); /* the dead job is there still, the failure is not */
}

static void test_jobs__dead_can_be_queued_again(void **state)
{
    struct fixture *f = *state;
    struct store_event event = push(f, "e", 1, "");
    add(f, &event, 1);
    struct job job = lease(f), none;
    assert_ok(finish(f, &job, NULL, JOB_END_DEAD), err);
    assert_int_equal(job_get(f, job.id).state, JOB_DEAD);
    assert_str(job_get(f, job.id).error, "no route to host");
    assert_false(try_lease(f, &none));
    assert_ok(store_job_requeue(f->store, job.id, f->now, &err), err);
    assert_int_equal(lease(f).attempts, 1);
    assert_false(store_job_requeue(f->store, job.id, f->now, &err));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
}

static void test_jobs__killed_each_time_is_dead_in_the_end(void **state)
{
    struct fixture *f = *state;
    struct store_event event = push(f, "e", 1, "");
    add(f, &event, 1);
    struct job job;
    for (int i = 0; i < 3; i++) {
        job = lease(f);
        assert_int_equal(job.attempts, 1); /* a death is not an attempt */
        assert_ok(store_jobs_expire(f->store, f->now, true, 3, NULL, &err), err);
    }
    assert_false(try_lease(f, &job));
    assert_int_equal(job_get(f, 1).state, JOB_DEAD);
    assert_non_null(strstr(job_get(f, 1).error.ptr, "killed"));
}

static void test_jobs__given_back_does_not_count(void **state)
{
    struct fixture *f = *state;
    struct store_event event = push(f, "e", 1, "");
    add(f, &event, 1);
    for (int i = 0; i < 3; i++) {
        struct job job = lease(f);
        assert_int_equal(job.attempts, 1);
        assert_ok(finish(f, &job, NULL, JOB_END_GIVE_BACK), err);
    }
}

static void test_jobs__pushed_again_while_it_failed_runs_again(void **state)
{
    struct fixture *f = *state;
    struct store_event event = push(f, "e", 1, ""), again = push(f, "e2", 1, "");
    add(f, &event, 1);
    struct job job = lease(f);
    add(f, &again, 1);
    assert_ok(finish(f, &job, NULL, JOB_END_FAILED), err);
    assert_int_equal(lease(f).id, job.id);
}

static void test_jobs__refresh_wanted_again_while_it_ran_runs_again(void **state)
{
    struct fixture *f = *state;
    static const enum job_kind kinds[] = {JOB_REFRESH};
    const struct job_spec spec = {.kind = JOB_REFRESH, .repository = STR("debian-archive")};
    const struct lease_spec want = {.kinds = kinds, .n_kinds = 1, .now = f->now, .lease_s = 60};
    struct job job;
    bool is_new = false;
    assert_ok(store_job_add(f->store, &spec, f->now, &is_new, &err), err);
    assert_true(is_new);
    assert_int_equal(store_job_lease(f->store, &f->arena, &want, &job, &err), NEXT_ITEM);
    assert_ok(store_job_add(f->store, &spec, f->now, &is_new, &err), err);
    assert_false(is_new);
    assert_ok(finish(f, &job, NULL, JOB_END_DONE), err);
    assert_int_equal(store_job_lease(f->store, &f->arena, &want, &job, &err), NEXT_ITEM);
    assert_ok(finish(f, &job, NULL, JOB_END_DONE), err);
    assert_int_equal(store_job_lease(f->store, &f->arena, &want, &job, &err), NEXT_END);
}

static void test_jobs__survive_a_crash(void **state)
{
    struct fixture *f = *state;
    struct store_event events[] = {push(f, "a", 1, ""), push(f, "b", 2, "")};
    add(f, events, 2);
    struct job first = lease(f), job;
    reopen(f); /* the lease is still held */
    job = lease(f);
    assert_int_not_equal(job.id, first.id);
    assert_false(try_lease(f, &job));
    assert_ok(store_jobs_expire(f->store, f->now, true, 5, NULL, &err), err);
    assert_int_equal(lease(f).id, first.id);
}

static void test_jobs__list_pages_newest_first(void **state)
{
    struct fixture *f = *state;
    for (unsigned i = 0; i < 5; i++) {
        char id[8];
        snprintf(id, sizeof(id), "%u", i);
        struct store_event event = push(f, id, i, "");
        add(f, &event, 1);
    }
    const struct store_scope here = {.registry = STR("main")}, away = {.registry = STR("other")};
    struct job_filter filter = {.kind = JOB_SCAN, .state = JOB_QUEUED, .scope = &here};
    jobs page = {0};
    str next = STR("");
    int64_t last = INT64_MAX;
    size_t n = 0;
    do {
        const struct store_page at = {next, 2};
        page = (jobs){0};
        assert_ok(store_jobs_list(f->store, &f->arena, &filter, &at, &page, &next, &err), err);
        for (size_t i = 0; i < page.len; i++, n++) {
            assert_true(page.ptr[i].id < last);
            last = page.ptr[i].id;
        }
    } while (next.len);
    assert_int_equal(n, 5);
    filter.scope = &away;
    page = (jobs){0};
    assert_ok(store_jobs_list(f->store, &f->arena, &filter, NULL, &page, &next, &err), err);
    assert_int_equal(page.len, 0);
    struct job_counts counts;
    assert_ok(store_jobs_count(f->store, &counts, &err), err);
    assert_int_equal(counts.queued, 5);
    assert_int_equal(counts.leased, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_store__refuses_a_newer_schema),
        T(test_store__takes_a_first_schema_along),
        T(test_store__says_what_is_no_database),
        T(test_store__check_finds_a_good_one_good),
        T(test_registry__names_compare_without_case_and_stay_where_they_are),
        T(test_events__same_event_twice_is_one),
        T(test_events__same_digest_while_queued_or_leased_is_one_job),
        T(test_events__scanned_digest_needs_no_job_but_moves_its_tag),
        T(test_events__without_id_are_known_by_content),
        T(test_events__late_older_push_does_not_take_the_tag),
        T(test_events__delete_takes_results_out_and_a_push_brings_a_new_job),
        T(test_events__delete_older_than_the_last_push_is_ignored),
        T(test_events__delete_of_a_repository_takes_all),
        T(test_events__result_of_an_image_deleted_meanwhile_is_dropped),
        T(test_events__pull_is_remembered_and_scans_what_was_never_seen),
        T(test_events__clock_ahead_is_cut),
        T(test_jobs__more_urgent_goes_first),
        T(test_jobs__expired_lease_moves_and_the_late_answer_is_refused),
        T(test_jobs__heartbeat_keeps_a_lease),
        T(test_jobs__retry_waits_and_the_last_verdict_stands),
        T(test_jobs__failed_verdict_keeps_what_the_image_had),
        T(test_jobs__what_is_dead_is_given_up_while_its_failure_stands),
        T(test_jobs__dead_can_be_queued_again),
        T(test_jobs__killed_each_time_is_dead_in_the_end),
        T(test_jobs__given_back_does_not_count),
        T(test_jobs__pushed_again_while_it_failed_runs_again),
        T(test_jobs__refresh_wanted_again_while_it_ran_runs_again),
        T(test_jobs__survive_a_crash),
        T(test_jobs__list_pages_newest_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
