/* SPDX-License-Identifier: Apache-2.0 */
/* The contract suite of the store: what every driver must do with registries, events and jobs. */
#include "fixture.h"

#include <sqlite3.h>
<<<<<<< HEAD
#include <stdio.h>
#include <string.h>

#include "store/store.h"

    struct fixture {
    struct arena arena;
    const char *dir;
    char path[512];
    struct store *store;
    struct store_registry registry;
    int64_t now;
};

static struct err err;

static void open_it(struct fixture *f)
{
    assert_ok(store_open(f->path, STORE_RELAXED, &f->store, &err), err);
}

static void reopen(struct fixture *f)
{
    store_close(f->store);
    open_it(f);
}

static struct store_registry registry_named(const char *name)
{
    return (struct store_registry){.subscription = STR("11111111-2222-3333-4444-555555555555"),
                                   .resource_group = STR("Group"),
                                   .name = str_from(name),
                                   .host = STR("reg.example:5000")};
}

static int setup(void **state)
{
    struct fixture *f = test_calloc(1, sizeof(*f));
    arena_init(&f->arena, 64 << 20);
    f->dir = test_mkdir(&f->arena);
    snprintf(f->path, sizeof(f->path), "%s/store.db", f->dir);
    f->now = 1000000;
    open_it(f);
    f->registry = registry_named("Main");
    assert_ok(store_registry_put(f->store, &f->registry, f->now, &err), err);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    store_close(f->store);
    test_rmdir(f->dir);
    arena_fini(&f->arena);
    test_free(f);
    return 0;
}

/* "sha256:" and 64 digits made of @n. */
static str digest_n(struct fixture *f, unsigned n)
{
    return arena_printf(&f->arena, "sha256:%064x", n);
}

static struct store_event push(struct fixture *f, const char *id, unsigned image, const char *tag)
{
    return (struct store_event){.id = str_from(id),
                                .action = EVENT_PUSH,
                                .repository = STR("team/app"),
                                .digest = digest_n(f, image),
                                .tag = str_from(tag),
                                .at = f->now};
}

static struct event_counts add(struct fixture *f, const struct store_event *events, size_t n)
{
    struct event_counts counts;
    assert_ok(store_events_add(f->store, f->registry.id, events, n, f->now, &counts, &err), err);
    return counts;
}

static bool try_lease(struct fixture *f, struct job *job)
{
    static const enum job_kind kinds[] = {JOB_SCAN};
    const struct lease_spec spec = {.kinds = kinds, .n_kinds = 1, .now = f->now, .lease_s = 60};
    enum next next = store_job_lease(f->store, &f->arena, &spec, job, &err);
    assert_int_not_equal(next, NEXT_ERR);
    return next == NEXT_ITEM;
}

static struct job lease(struct fixture *f)
{
    struct job job;
    assert_true(try_lease(f, &job));
    return job;
}

static struct job job_get(struct fixture *f, int64_t id)
{
    struct job job;
    assert_ok(store_job_get(f->store, &f->arena, id, &job, &err), err);
    return job;
}

/* A report with findings CVE-2020-<from> … , named after image and number. */
static struct report *report_of(struct fixture *f, unsigned image, unsigned from, unsigned n)
{
    struct report *r = arena_new(&f->arena, struct report);
    assert_true(digest_parse(digest_n(f, image), &r->digest));
    r->verdict = n ? VERDICT_UNHEALTHY : VERDICT_HEALTHY;
    r->is_complete = true;
    r->platform = STR("linux/amd64");
    r->distro = (struct distro){.id = STR("debian"), .version_id = STR("12")};
    struct report_layer *layer = vec_push(&f->arena, &r->layers);
    assert_true(digest_parse(digest_n(f, 900), &layer->digest));
    assert_true(digest_parse(digest_n(f, 901), &layer->diff_id));
    layer->size_bytes = 4096;
    layer->created_by = STR("ADD rootfs");
    for (unsigned i = from; i < from + n; i++) {
        struct finding *x = vec_push(&f->arena, &r->findings);
        x->id = arena_printf(&f->arena, "CVE-2020-%u", i);
        x->name = arena_printf(&f->arena, "%08x-0000-8000-8000-%012x", i, image);
        x->package_name = STR("openssl");
        x->package_version = STR("3.0.11-1");
        x->purl = STR("pkg:deb/debian/openssl@3.0.11-1");
        x->severity = i % 2 ? SEVERITY_HIGH : SEVERITY_UNKNOWN;
        x->fix_state = FIX_FIXED;
        x->fixed_version = STR("3.0.11-2");
        x->is_patchable = true;
        x->description = STR("A long text about it.");
        x->remediation_text = STR("Upgrade openssl.");
        *vec_push(&f->arena, &x->aliases) = arena_printf(&f->arena, "DSA-%u \"quoted\"", i);
        *vec_push(&f->arena, &x->cvss) = (struct cvss){
            .version = STR("3.1"), .vector = STR("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H")};
        *vec_push(&f->arena, &x->evidence) = (struct finding_evidence){
            .source = STR("osv"), .record = x->id, .range = STR("< 3.0.11-2")};
    }
    return r;
}

static bool finish(struct fixture *f, const struct job *job, struct report *report,
                   enum job_end end)
{
    struct store_result result = {.report = report};
    const struct job_outcome outcome = {.end = end,
                                        .error =
                                            end == JOB_END_DONE ? STR("") : STR("no route to host"),
                                        .not_before = f->now + 30,
                                        .results = &result,
                                        .n_results = report ? 1 : 0,
                                        .generation = 7,
                                        .revision = 3,
                                        .now = f->now};
    return store_job_finish(f->store, job, &outcome, &err);
}

static void scan_image(struct fixture *f, unsigned image, struct report *report)
{
    char id[32];
    snprintf(id, sizeof(id), "scan-%u-%lld", image, (long long)f->now);
    struct store_event event = push(f, id, image, "");
    add(f, &event, 1);
    struct job job = lease(f);
    assert_ok(finish(f, &job, report, JOB_END_DONE), err);
}

static store_findings findings_all(struct fixture *f, size_t limit, str *next, str after)
{
    store_findings out = {0};
    const struct store_scope scope = {0};
    const struct store_page page = {after, limit};
    assert_ok(store_findings_list(f->store, &f->arena, &scope, NULL, &page, &out, next, &err), err);
    return out;
}

static size_t count_findings(struct fixture *f)
{
    str next;
    return findings_all(f, 1000, &next, STR("")).len;
}

static struct store_assessment assessment(struct fixture *f)
{
    store_assessments all = {0};
    const struct store_scope scope = {.registry = STR("MAIN")};
    assert_ok(store_assessments_list(f->store, &f->arena, &scope, &all, &err), err);
    assert_int_equal(all.len, 1);
    return all.ptr[0];
}

static store_images images_all(struct fixture *f)
{
    store_images out = {0};
    str next;
    const struct store_scope scope = {0};
    assert_ok(store_images_list(f->store, &f->arena, &scope, NULL, NULL, &out, &next, &err), err);
    return out;
}
=======
>>>>>>> w-store

/* --- schema
 * -------------------------------------------------------------------------------------------- */
static void test_store__refuses_a_newer_schema(void **state)
{
    struct fixture *f = *state;
    store_close(f->store);
    f->store = NULL;
    sqlite3 *db;
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db, "INSERT INTO migrations SELECT MAX(version) + 1 FROM migrations", 0, 0, 0),
        SQLITE_OK);
    assert_false(store_open(f->path, STORE_RELAXED, &f->store, &err));
    assert_int_equal(err.kind, ERR_UNSUPPORTED);
    assert_non_null(strstr(err.msg, "newer"));
    assert_int_equal(
        sqlite3_exec(db,
                     "DELETE FROM migrations WHERE version = (SELECT MAX(version) FROM migrations)",
                     0, 0, 0),
        SQLITE_OK);
    sqlite3_close(db);
    open_it(f);
}

static void test_store__says_what_is_no_database(void **state)
{
    struct fixture *f = *state;
    char path[600];
    snprintf(path, sizeof(path), "%s/rubbish.db", f->dir);
    FILE *file = fopen(path, "w");
    for (int i = 0; i < 1000; i++)
        fputs("this is not a database ", file);
    fclose(file);
    struct store *store = NULL;
    assert_false(store_open(path, STORE_RELAXED, &store, &err));
    assert_int_equal(err.kind, ERR_FORMAT);
    assert_non_null(strstr(err.msg, "rubbish.db"));
    snprintf(path, sizeof(path), "%s/no/such/folder.db", f->dir);
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

<<<<<<< HEAD
/* --- results
 * ---------------------------------------------------------------------------------------------------------
 */
static void test_results__come_back_as_they_were(void **state)
{
    struct fixture *f = *state;
    scan_image(f, 1, report_of(f, 1, 3, 1));
    str next;
    store_findings all = findings_all(f, 10, &next, STR(""));
    assert_int_equal(all.len, 1);
    const struct store_finding *s = &all.ptr[0];
    assert_str(s->registry.name, "Main");
    assert_str(s->repository, "team/app");
    assert_true(str_eq(s->digest, digest_n(f, 1)));
    assert_str(s->platform, "linux/amd64");
    assert_int_equal(s->generation, 7);
    assert_int_equal(s->scanned_at, f->now);
    assert_str(s->finding.id, "CVE-2020-3");
    assert_str(s->finding.package_name, "openssl");
    assert_str(s->finding.fixed_version, "3.0.11-2");
    assert_int_equal(s->finding.fix_state, FIX_FIXED);
    assert_int_equal(s->finding.severity, SEVERITY_HIGH);
    assert_true(s->finding.is_patchable);
    assert_str(s->finding.aliases.ptr[0], "DSA-3 \"quoted\"");
    assert_str(s->finding.evidence.ptr[0].range, "< 3.0.11-2");
    assert_true(s->finding.cvss.ptr[0].is_scored);
    assert_true(s->finding.cvss.ptr[0].score > 9.7 && s->finding.cvss.ptr[0].score < 9.9);
    assert_str(s->finding.remediation_text, "Upgrade openssl.");
    struct store_image image = images_all(f).ptr[0];
    assert_int_equal(image.size_bytes, 4096);
    assert_int_equal(image.counts.high, 1);
    assert_int_equal(image.counts.patchable, 1);
    assert_str(image.os_version, "12");
}

static void test_results__replace_what_was_and_keep_first_seen(void **state)
{
    struct fixture *f = *state;
    scan_image(f, 1, report_of(f, 1, 0, 4)); /* 0 1 2 3 */
    int64_t first = f->now;
    f->now += 100;
    const struct job_spec spec = {.kind = JOB_SCAN,
                                  .registry_id = f->registry.id,
                                  .repository = STR("team/app"),
                                  .digest = digest_n(f, 1)};
    assert_ok(store_job_add(f->store, &spec, f->now, NULL, &err), err);
    struct job job = lease(f);
    assert_ok(finish(f, &job, report_of(f, 1, 2, 4), JOB_END_DONE), err); /* 2 3 4 5 */
    str next;
    store_findings all = findings_all(f, 10, &next, STR(""));
    assert_int_equal(all.len, 4);
    for (size_t i = 0; i < all.len; i++) {
        bool was_there = str_eq(all.ptr[i].finding.id, STR("CVE-2020-2")) ||
                         str_eq(all.ptr[i].finding.id, STR("CVE-2020-3"));
        assert_int_equal(all.ptr[i].first_seen, was_there ? first : f->now);
        assert_false(str_eq(all.ptr[i].finding.id, STR("CVE-2020-0")));
    }
}

static void test_results__get_by_name_only_within_scope(void **state)
{
    struct fixture *f = *state;
    scan_image(f, 1, report_of(f, 1, 5, 1));
    str next, name = findings_all(f, 10, &next, STR("")).ptr[0].finding.name;
    struct store_finding found;
    const struct store_scope here = {.subscription = STR("11111111-2222-3333-4444-555555555555"),
                                     .resource_group = STR("GROUP")};
    const struct store_scope away = {.subscription = STR("99999999-2222-3333-4444-555555555555")};
    assert_ok(store_finding_get(f->store, &f->arena, &here, name, &found, &err), err);
    assert_str(found.finding.id, "CVE-2020-5");
    assert_false(store_finding_get(f->store, &f->arena, &away, name, &found, &err));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    assert_false(store_finding_get(f->store, &f->arena, &here, STR("none"), &found, &err));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
}

static void test_results__pages_are_stable_while_others_insert(void **state)
{
    struct fixture *f = *state;
    bool is_seen[3][20] = {0};
    scan_image(f, 1, report_of(f, 1, 0, 20));
    scan_image(f, 2, report_of(f, 2, 0, 20));
    str after = STR("");
    unsigned n = 0, n_pages = 0;
    do {
        str next;
        store_findings page = findings_all(f, 7, &next, after);
        assert_true(page.len <= 7);
        for (size_t i = 0; i < page.len; i++, n++) {
            unsigned image = str_eq(page.ptr[i].digest, digest_n(f, 1)) ? 1 : 2;
            uint64_t number = 0;
            str id = page.ptr[i].finding.id;
            if (!str_to_u64(str_skip(id, 9), 1000, &number) || number >= 20)
                continue;
            assert_false(is_seen[image][number]);
            is_seen[image][number] = true;
        }
        if (++n_pages == 2) { /* one more before the cursor's image is through, one image behind */
            f->now += 5;
            const struct job_spec spec = {.kind = JOB_SCAN,
                                          .registry_id = f->registry.id,
                                          .repository = STR("team/app"),
                                          .digest = digest_n(f, 1)};
            assert_ok(store_job_add(f->store, &spec, f->now, NULL, &err), err);
            struct job job = lease(f);
            assert_ok(finish(f, &job, report_of(f, 1, 0, 30), JOB_END_DONE), err);
        }
        after = next;
    } while (after.len);
    for (unsigned image = 1; image <= 2; image++)
        for (unsigned i = 0; i < 20; i++)
            assert_true(is_seen[image][i]);
}

static void test_results__foreign_continuation_is_refused(void **state)
{
    struct fixture *f = *state;
    static const char *const bad[] = {
        "x", "1", "1.", "1.x.y", ".1.2", "-1.2.x", "99999999999999999999.1.a"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        store_findings out = {0};
        str next;
        const struct store_scope scope = {0};
        const struct store_page page = {str_from(bad[i]), 10};
        assert_false(
            store_findings_list(f->store, &f->arena, &scope, NULL, &page, &out, &next, &err));
        assert_int_equal(err.kind, ERR_FORMAT);
    }
}

static void test_results__index_rolls_its_platforms_up(void **state)
{
    struct fixture *f = *state;
    struct store_event event = push(f, "idx", 50, "multi");
    event.is_index = true;
    add(f, &event, 1);
    struct job job = lease(f);
    struct store_result results[] = {{.report = report_of(f, 1, 0, 0)},
                                     {.report = report_of(f, 2, 0, 3)}};
    struct job_outcome outcome = {.end = JOB_END_DONE,
                                  .results = results,
                                  .n_results = 2,
                                  .is_index = true,
                                  .generation = 7,
                                  .now = f->now};
    assert_ok(store_job_finish(f->store, &job, &outcome, &err), err);
    store_images list = images_all(f);
    assert_int_equal(list.len, 3);
    assert_true(list.ptr[0].is_index);
    assert_int_equal(list.ptr[0].verdict, VERDICT_UNHEALTHY);
    assert_int_equal(list.ptr[0].counts.high + list.ptr[0].counts.unknown, 3);
    for (size_t i = 1; i < 3; i++) {
        assert_true(str_eq(list.ptr[i].index, digest_n(f, 50)));
        assert_str(list.ptr[i].tags.ptr[0], "multi");
    }
    struct store_assessment a = assessment(f);
    assert_int_equal(a.healthy, 1); /* the index itself is not counted */
    assert_int_equal(a.unhealthy, 1);
    assert_int_equal(a.unscanned, 0);
    assert_int_equal(add(f,
                         &(struct store_event){.id = STR("idx2"),
                                               .action = EVENT_PUSH,
                                               .repository = STR("team/app"),
                                               .digest = digest_n(f, 50),
                                               .is_index = true,
                                               .at = f->now},
                         1)
                         .n_jobs,
                     0);
}

static void test_results__index_with_an_unknown_child_is_not_healthy(void **state)
{
    struct fixture *f = *state;
    struct store_event event = push(f, "idx", 50, "multi");
    event.is_index = true;
    add(f, &event, 1);
    struct job job = lease(f);
    struct report *broken = report_of(f, 2, 0, 0);
    broken->verdict = VERDICT_FAILED;
    struct store_result results[] = {{.report = report_of(f, 1, 0, 0)}, {.report = broken}};
    struct job_outcome outcome = {
        .end = JOB_END_DEAD, .results = results, .n_results = 2, .is_index = true, .now = f->now};
    assert_ok(store_job_finish(f->store, &job, &outcome, &err), err);
    assert_int_equal(images_all(f).ptr[0].verdict, VERDICT_UNKNOWN);
    assert_false(images_all(f).ptr[0].is_complete);
}

static void test_results__kernel_headers_are_kept_but_not_listed(void **state)
{
    struct fixture *f = *state;
    struct report *r = report_of(f, 1, 0, 2);
    r->findings.ptr[0].class = CLASS_KERNEL_HEADERS;
    scan_image(f, 1, r);
    assert_int_equal(count_findings(f), 1);
    struct report_summary counts = images_all(f).ptr[0].counts;
    assert_int_equal(counts.high + counts.unknown, 1);
}

static void test_assessment__knows_since_when(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(assessment(f).first_evaluated_at, 0);
    assert_int_equal(assessment(f).verdict, VERDICT_NOT_APPLICABLE);
    int64_t first = f->now;
    scan_image(f, 1, report_of(f, 1, 0, 0));
    assert_int_equal(assessment(f).verdict, VERDICT_HEALTHY);
    f->now += 100;
    scan_image(f, 2, report_of(f, 2, 0, 2));
    struct store_assessment a = assessment(f);
    assert_int_equal(a.verdict, VERDICT_UNHEALTHY);
    assert_int_equal(a.first_evaluated_at, first);
    assert_int_equal(a.status_changed_at, f->now);
    assert_int_equal(a.findings, 2);
    f->now += 100;
    scan_image(f, 3, report_of(f, 3, 0, 2));
    assert_int_equal(assessment(f).status_changed_at, f->now - 100);
}

/* --- layers and re-match
 * ---------------------------------------------------------------------------------------------- */
static digest parsed(struct fixture *f, unsigned n)
{
    digest d;
    assert_true(digest_parse(digest_n(f, n), &d));
    return d;
}

static void test_layers__are_known_by_digest_diff_id_and_revision(void **state)
{
    struct fixture *f = *state;
    digest layer = parsed(f, 1), diff_id = parsed(f, 2), other = parsed(f, 3);
    str bytes = STR("\0inventory\0\xff"), got;
    bool is_found = true;
    assert_ok(store_layer_get(f->store, &f->arena, &layer, &diff_id, 3, &got, &is_found, &err),
              err);
    assert_false(is_found);
    assert_ok(store_layer_put(f->store, &layer, &diff_id, 3, bytes, f->now, &err), err);
    assert_ok(store_layer_put(f->store, &layer, &diff_id, 3, bytes, f->now, &err), err);
    assert_ok(store_layer_get(f->store, &f->arena, &layer, &diff_id, 3, &got, &is_found, &err),
              err);
    assert_true(is_found && str_eq(got, bytes));
    assert_ok(store_layer_get(f->store, &f->arena, &layer, &other, 3, &got, &is_found, &err), err);
    assert_false(is_found);
    assert_ok(store_layer_put(f->store, &layer, &diff_id, UINT64_MAX, bytes, f->now, &err), err);
    assert_ok(store_layer_get(f->store, &f->arena, &layer, &diff_id, 3, &got, &is_found, &err),
              err);
    assert_false(is_found); /* an older revision is of no use */
}

static void test_rematch__finds_what_is_behind_and_never_goes_back(void **state)
{
    struct fixture *f = *state;
    digest layer = parsed(f, 900), diff_id = parsed(f, 901);
    assert_ok(store_layer_put(f->store, &layer, &diff_id, 3, STR("x"), f->now, &err), err);
    scan_image(f, 1, report_of(f, 1, 0, 2)); /* generation 7 */
    stored_images behind = {0};
    assert_ok(store_images_behind(f->store, &f->arena, 7, 0, 10, &behind, &err), err);
    assert_int_equal(behind.len, 0);
    assert_ok(store_images_behind(f->store, &f->arena, 8, 0, 10, &behind, &err), err);
    assert_int_equal(behind.len, 1);
    assert_true(behind.ptr[0].has_inventory);
    assert_int_equal(behind.ptr[0].report.layers.len, 1);
    assert_str(behind.ptr[0].report.layers.ptr[0].created_by, "ADD rootfs");
    int64_t id = behind.ptr[0].id;
    assert_ok(store_rematch_save(f->store, id, report_of(f, 1, 0, 5), 9, f->now, &err), err);
    assert_int_equal(count_findings(f), 5);
    assert_int_equal(images_all(f).ptr[0].generation, 9);
    assert_ok(store_rematch_save(f->store, id, report_of(f, 1, 0, 1), 8, f->now, &err), err);
    assert_int_equal(count_findings(f), 5);
    assert_ok(store_rematch_save(f->store, id, NULL, 10, f->now, &err), err);
    assert_int_equal(count_findings(f), 5);
    assert_int_equal(images_all(f).ptr[0].generation, 9); /* what it was matched against */
    behind = (stored_images){0};
    assert_ok(store_images_behind(f->store, &f->arena, 10, 0, 10, &behind, &err), err);
    assert_int_equal(behind.len, 0);
}

static void test_wanted__new_ones_bring_their_job_in_the_same_commit(void **state)
{
    struct fixture *f = *state;
    const struct wanted_package list[] = {{STR("Debian:12"), STR("openssl"), STR("3.0.11-1")},
                                          {STR("Debian:12"), STR("curl"), STR("7.88.1-10")}};
    const struct job_spec then = {.kind = JOB_REFRESH, .repository = STR("debian-archive")};
    size_t n_new = 0;
    struct job_counts counts;
    assert_ok(store_wanted_add(f->store, list, 1, &then, f->now, &n_new, &err), err);
    assert_int_equal(n_new, 1);
    assert_ok(store_jobs_count(f->store, &counts, &err), err);
    assert_int_equal(counts.queued, 1);
    assert_ok(store_wanted_add(f->store, list, 2, &then, f->now, &n_new, &err), err);
    assert_int_equal(n_new, 1);
    assert_ok(store_jobs_count(f->store, &counts, &err), err);
    assert_int_equal(counts.queued, 1);
    store_wanted all = {0};
    assert_ok(store_wanted_list(f->store, &f->arena, &all, &err), err);
    assert_int_equal(all.len, 2);
    assert_str(all.ptr[0].source_name, "curl");
}

/* --- tokens, meta, purge
 * ------------------------------------------------------------------------------------------------
 */
static void test_tokens__only_the_right_one_opens(void **state)
{
    struct fixture *f = *state;
    str token, name;
    size_t n = 9;
    assert_ok(store_token_count(f->store, &n, &err), err);
    assert_int_equal(n, 0);
    assert_ok(store_token_create(f->store, &f->arena, STR("owner"), f->now, &token, &err), err);
    assert_true(token.len >= 48 && str_starts(token, STR("plim_")));
    assert_ok(store_token_check(f->store, &f->arena, token, &name, &err), err);
    assert_str(name, "owner");
    assert_false(
        store_token_check(f->store, &f->arena, str_slice(token, 0, token.len - 1), &name, &err));
    assert_int_equal(err.kind, ERR_DENIED);
    assert_false(store_token_check(f->store, &f->arena, STR(""), &name, &err));
    /* the token itself lies nowhere in the file */
    reopen(f);
    FILE *file = fopen(f->path, "r");
    char bytes[1 << 20];
    size_t len = fread(bytes, 1, sizeof(bytes), file);
    fclose(file);
    assert_false(str_has(str_of(bytes, len), token));
}

static void test_meta__is_what_was_set_last(void **state)
{
    struct fixture *f = *state;
    str value;
    assert_ok(store_meta_get(f->store, &f->arena, STR("k"), &value, &err), err);
    assert_int_equal(value.len, 0);
    assert_ok(store_meta_set(f->store, STR("k"), STR("1"), &err), err);
    assert_ok(store_meta_set(f->store, STR("k"), STR("2"), &err), err);
    assert_ok(store_meta_get(f->store, &f->arena, STR("k"), &value, &err), err);
    assert_str(value, "2");
}

static void test_purge__leaves_what_is_open_and_what_is_used(void **state)
{
    struct fixture *f = *state;
    scan_image(f, 1, report_of(f, 1, 0, 2));
    struct store_event event = push(f, "open", 2, "");
    add(f, &event, 1);
    assert_ok(store_purge(f->store, f->now + 1, &err), err);
    struct job_counts counts;
    assert_ok(store_jobs_count(f->store, &counts, &err), err);
    assert_int_equal(counts.done, 0);
    assert_int_equal(counts.queued, 1);
    assert_int_equal(count_findings(f), 2);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
=======
>>>>>>> w-store
    int
    main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_store__refuses_a_newer_schema),
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
