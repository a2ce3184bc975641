/* SPDX-License-Identifier: Apache-2.0 */
/* What results have changed, and the messages made of it. */
#include "fixture.h"

static void watch(struct fixture *f) { assert_ok(store_changes_watch(f->store, true, &err), err); }

static struct store_batch next_batch(struct fixture *f)
{
    struct store_batch batch;
    enum next next = store_changes_next(f->store, &f->arena, f->now, 64, &batch, &err);
    if (next != NEXT_ITEM)
        fail_msg("there is no batch: %s", next == NEXT_ERR ? err.msg : "none");
    return batch;
}

static void assert_no_batch(struct fixture *f)
{
    struct store_batch batch;
    assert_int_equal(store_changes_next(f->store, &f->arena, f->now, 64, &batch, &err), NEXT_END);
}

static void tell(struct fixture *f, const struct store_batch *batch, const char *id)
{
    const struct outbox_message message = {.message = str_from(id),
                                           .channel = STR("hook"),
                                           .kind = STR("new-findings"),
                                           .subject = STR("subject"),
                                           .body = STR("body")};
    assert_ok(store_outbox_add(f->store, batch, &message, 1, f->now, &err), err);
}

static void drop(struct fixture *f)
{
    struct store_batch batch = next_batch(f);
    assert_ok(store_outbox_add(f->store, &batch, NULL, 0, f->now, &err), err);
}

/* Pushed under @tag, scanned, with findings CVE-2020-<from> … */
static struct job scan(struct fixture *f, unsigned image, const char *tag, unsigned from,
                       unsigned n)
{
    char id[64];
    snprintf(id, sizeof(id), "%u-%s-%lld", image, tag, (long long)f->now);
    struct store_event event = push(f, id, image, tag);
    add(f, &event, 1);
    struct job job = lease(f);
    assert_ok(finish(f, &job, report_of(f, image, from, n), JOB_END_DONE), err);
    return job;
}

static void rescan(struct fixture *f, unsigned image, unsigned from, unsigned n)
{
    const struct job_spec spec = {.kind = JOB_SCAN,
                                  .registry_id = f->registry.id,
                                  .repository = STR("team/app"),
                                  .digest = digest_n(f, image),
                                  .priority = PRIORITY_MANUAL,
                                  .not_before = f->now};
    assert_ok(store_job_add(f->store, &spec, f->now, NULL, &err), err);
    struct job job = lease(f);
    assert_ok(finish(f, &job, report_of(f, image, from, n), JOB_END_DONE), err);
}

static void test_changes__nothing_is_noted_while_nobody_listens(void **state)
{
    struct fixture *f = *state;
    scan(f, 1, "v1", 0, 3);
    assert_no_batch(f);
}

static void test_changes__new_findings_once(void **state)
{
    struct fixture *f = *state;
    watch(f);
    scan(f, 1, "v1", 0, 3);
    struct store_batch batch = next_batch(f);
    findings news = {0};
    assert_int_equal(batch.changes.len, 1);
    assert_int_equal(batch.changes.ptr[0].kind, NEWS_SCAN);
    assert_str(batch.changes.ptr[0].registry, "Main");
    assert_str(batch.changes.ptr[0].tag, "v1");
    assert_int_equal(batch.changes.ptr[0].verdict_before, VERDICT_UNKNOWN);
    assert_ok(store_image_findings(f->store, &f->arena, &f->registry, batch.changes.ptr[0].image_id,
                                   batch.changes.ptr[0].at, &news, &err),
              err);
    assert_int_equal(news.len, 3);
    drop(f);
    rescan(f, 1, 0, 3); /* in the same second */
    f->now += 10;
    rescan(f, 1, 0, 3);
    rescan(f, 1, 0, 2); /* one less */
    assert_no_batch(f);
    f->now += 10;
    rescan(f, 1, 0, 4); /* the third comes back, the fourth is new */
    batch = next_batch(f);
    news = (findings){0};
    assert_ok(store_image_findings(f->store, &f->arena, &f->registry, batch.changes.ptr[0].image_id,
                                   batch.changes.ptr[0].at, &news, &err),
              err);
    assert_int_equal(news.len, 2);
    assert_int_equal(batch.changes.ptr[0].verdict_before, VERDICT_UNHEALTHY);
}

static void test_changes__disabled_findings_are_no_news(void **state)
{
    struct fixture *f = *state;
    watch(f);
    struct store_event event = push(f, "e", 1, "v1");
    add(f, &event, 1);
    struct job job = lease(f);
    struct report *report = report_of(f, 1, 0, 2);
    report->findings.ptr[0].disabled_by = report->findings.ptr[1].disabled_by = STR("rule");
    assert_ok(finish(f, &job, report, JOB_END_DONE), err);
    assert_no_batch(f);
}

static void test_changes__a_late_answer_tells_nothing(void **state)
{
    struct fixture *f = *state;
    size_t n;
    watch(f);
    struct store_event event = push(f, "e", 1, "v1");
    add(f, &event, 1);
    struct job job = lease(f);
    assert_ok(store_jobs_expire(f->store, f->now, true, 9, &n, &err), err);
    assert_false(finish(f, &job, report_of(f, 1, 0, 3), JOB_END_DONE));
    assert_int_equal(err.kind, ERR_CONFLICT);
    assert_no_batch(f);
}

static void test_changes__healthy_is_news_only_after_unhealthy(void **state)
{
    struct fixture *f = *state;
    bool mends = true;
    watch(f);
    scan(f, 1, "v1", 0, 0);
    struct store_batch batch = next_batch(f);
    assert_ok(store_change_mends(f->store, batch.changes.ptr[0].image_id, &mends, &err), err);
    assert_false(mends);
    drop(f);
    rescan(f, 1, 0, 0);
    assert_no_batch(f);
    f->now += 10;
    rescan(f, 1, 0, 2);
    drop(f);
    rescan(f, 1, 0, 0);
    batch = next_batch(f);
    assert_int_equal(batch.changes.ptr[0].verdict_before, VERDICT_UNHEALTHY);
}

static void test_changes__a_tag_that_moves_to_a_healthy_image_is_mended(void **state)
{
    struct fixture *f = *state;
    bool mends = false;
    watch(f);
    scan(f, 1, "v1", 0, 2);
    drop(f);
    f->now += 10;
    scan(f, 2, "v1", 0, 0);
    struct store_batch batch = next_batch(f);
    assert_ok(store_change_mends(f->store, batch.changes.ptr[0].image_id, &mends, &err), err);
    assert_true(mends);
    drop(f);
    f->now += 10;
    scan(f, 3, "other", 0, 0);
    batch = next_batch(f);
    assert_ok(store_change_mends(f->store, batch.changes.ptr[0].image_id, &mends, &err), err);
    assert_false(mends);
}

static void test_changes__a_scan_that_fails_for_good_is_noted_and_a_retry_is_not(void **state)
{
    struct fixture *f = *state;
    watch(f);
    struct store_event event = push(f, "e", 1, "v1");
    add(f, &event, 1);
    struct job job = lease(f);
    assert_ok(finish(f, &job, NULL, JOB_END_RETRY), err);
    assert_no_batch(f);
    f->now += 100;
    job = lease(f);
    assert_ok(finish(f, &job, NULL, JOB_END_DEAD), err);
    struct store_batch batch = next_batch(f);
    assert_int_equal(batch.changes.len, 1);
    assert_int_equal(batch.changes.ptr[0].kind, NEWS_FAILED);
    assert_str(batch.changes.ptr[0].detail, "no route to host");
    assert_str(batch.changes.ptr[0].tag, "v1");
    drop(f);
    event = push(f, "g", 2, "v2");
    add(f, &event, 1);
    job = lease(f);
    event.action = EVENT_DELETE;
    event.id = STR("h");
    event.tag = STR("");
    event.at = f->now + 1;
    add(f, &event, 1);
    if (finish(f, &job, NULL, JOB_END_FAILED)) /* unless the delete took the job too */
        assert_no_batch(f);
}

static void test_changes__a_scan_that_kills_its_server_each_time_is_noted(void **state)
{
    struct fixture *f = *state;
    size_t n;
    watch(f);
    struct store_event event = push(f, "e", 1, "v1");
    add(f, &event, 1);
    for (unsigned i = 0; i < 3; i++) {
        lease(f);
        assert_no_batch(f);
        assert_ok(store_jobs_expire(f->store, f->now, true, 3, &n, &err), err);
        assert_int_equal(n, 1);
    }
    assert_ok(store_jobs_expire(f->store, f->now, true, 3, &n, &err), err);
    struct store_batch batch = next_batch(f);
    assert_int_equal(batch.changes.len, 1);
    assert_str(batch.changes.ptr[0].detail, "the server was killed each time it ran");
}

static void test_changes__platforms_wait_for_their_index_and_are_one_batch(void **state)
{
    struct fixture *f = *state;
    watch(f);
    scan(f, 1, "", 0, 2); /* pushed one after the other, without a tag */
    scan(f, 2, "", 0, 2);
    assert_no_batch(f);
    struct store_event event = push(f, "index", 9, "v1");
    event.is_index = true;
    add(f, &event, 1);
    struct job job = lease(f);
    const struct store_result results[] = {{.report = report_of(f, 1, 0, 2)},
                                           {.report = report_of(f, 2, 0, 2)}};
    const struct job_outcome outcome = {.end = JOB_END_DONE,
                                        .results = results,
                                        .n_results = 2,
                                        .is_index = true,
                                        .generation = 7,
                                        .revision = 3,
                                        .now = f->now};
    assert_ok(store_job_finish(f->store, &job, &outcome, &err), err);
    struct store_batch batch = next_batch(f);
    assert_int_equal(batch.changes.len, 2);
    drop(f);
    assert_no_batch(f);
    f->now += 100;
    scan(f, 3, "", 0, 2); /* nobody ever names it */
    assert_no_batch(f);
    f->now += CHANGES_NAMELESS_S;
    assert_int_equal(next_batch(f).changes.len, 1);
}

static int64_t image_id_of(struct fixture *f)
{
    store_images all = images_all(f);
    assert_int_equal(all.len, 1);
    return all.ptr[0].id;
}

static void test_changes__a_rematch_is_told_when_it_is_over(void **state)
{
    struct fixture *f = *state;
    static const enum job_kind kinds[] = {JOB_REMATCH};
    struct job job;
    watch(f);
    scan(f, 1, "v1", 0, 2);
    drop(f);
    f->now += 10;
    const struct job_spec spec = {
        .kind = JOB_REMATCH, .priority = PRIORITY_PUSH, .not_before = f->now};
    assert_ok(store_job_add(f->store, &spec, f->now, NULL, &err), err);
    const struct lease_spec what = {.kinds = kinds, .n_kinds = 1, .now = f->now, .lease_s = 600};
    assert_int_equal(store_job_lease(f->store, &f->arena, &what, &job, &err), NEXT_ITEM);
    assert_ok(store_rematch_save(f->store, image_id_of(f), report_of(f, 1, 0, 3), 8, f->now, &err),
              err);
    assert_no_batch(f);
    struct job_outcome outcome = {.end = JOB_END_DONE, .now = f->now};
    assert_ok(store_job_finish(f->store, &job, &outcome, &err), err);
    struct store_batch batch = next_batch(f);
    assert_int_equal(batch.changes.len, 1);
    assert_int_equal(batch.changes.ptr[0].kind, NEWS_REMATCH);
    assert_int_equal(batch.changes.ptr[0].generation, 8);
}

static void test_changes__a_held_source_is_noted_until_it_is_free(void **state)
{
    struct fixture *f = *state;
    bool is_new = false;
    static const struct {
        const char *error;
        bool is_new;
    } steps[] = {{"moved 90 %", true}, {"moved 91 %", false}, {"", false}, {"again", true}};
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        f->now++;
        assert_ok(store_changes_source(f->store, STR("osv"), str_from(steps[i].error), f->now,
                                       &is_new, &err),
                  err);
        assert_int_equal(is_new, steps[i].is_new);
    }
    struct store_batch batch = next_batch(f);
    assert_int_equal(batch.changes.ptr[0].kind, NEWS_SOURCE);
    assert_str(batch.changes.ptr[0].digest, "osv");
    assert_str(batch.changes.ptr[0].detail, "moved 90 %");
}

static size_t look_at_pulled(struct fixture *f)
{
    size_t n = 0;
    const struct in_use_spec spec = {
        .now = f->now, .pulled_after = f->now - 30 * 86400, .told_after = f->now - 7 * 86400};
    assert_ok(store_changes_pulled(f->store, &spec, &n, &err), err);
    return n;
}

static void test_changes__a_pulled_image_with_findings_is_noted_once_a_week(void **state)
{
    struct fixture *f = *state;
    f->now = 100 * 86400;
    scan(f, 1, "v1", 0, 2);
    scan(f, 2, "v2", 0, 0);
    assert_int_equal(look_at_pulled(f), 0);
    for (unsigned image = 1; image <= 2; image++) {
        struct store_event event = push(f, image == 1 ? "p1" : "p2", image, "");
        event.action = EVENT_PULL;
        add(f, &event, 1);
    }
    assert_int_equal(look_at_pulled(f), 1); /* the healthy one is none */
    f->now += 6 * 86400;
    assert_int_equal(look_at_pulled(f), 0);
    f->now += 2 * 86400;
    assert_int_equal(look_at_pulled(f), 1);
    f->now += 40LL * 86400;
    assert_int_equal(look_at_pulled(f), 0); /* nobody pulls it any more */
}

/* --- the outbox
 * -------------------------------------------------------------------------------------- */
static struct outbox_message lease_message(struct fixture *f)
{
    struct outbox_message m;
    assert_int_equal(store_outbox_lease(f->store, &f->arena, STR("hook"), f->now, 60, &m, &err),
                     NEXT_ITEM);
    return m;
}

static void assert_nothing_to_send(struct fixture *f)
{
    struct outbox_message m;
    assert_int_equal(store_outbox_lease(f->store, &f->arena, STR("hook"), f->now, 60, &m, &err),
                     NEXT_END);
}

static void fill(struct fixture *f)
{
    watch(f);
    scan(f, 1, "v1", 0, 2);
    struct store_batch batch = next_batch(f);
    tell(f, &batch, "first");
}

static void test_outbox__a_batch_becomes_messages_once(void **state)
{
    struct fixture *f = *state;
    struct outbox_counts counts;
    watch(f);
    scan(f, 1, "v1", 0, 2);
    struct store_batch batch = next_batch(f);
    tell(f, &batch, "first");
    tell(f, &batch, "of another server"); /* that saw the same batch */
    assert_no_batch(f);
    assert_ok(store_outbox_count(f->store, &counts, &err), err);
    assert_int_equal(counts.queued, 1);
    reopen(f);
    struct outbox_message m = lease_message(f);
    assert_str(m.message, "first");
    assert_str(m.body, "body");
    assert_int_equal(m.attempts, 1);
    assert_nothing_to_send(f);
}

static void test_outbox__retry_dead_and_requeue(void **state)
{
    struct fixture *f = *state;
    fill(f);
    struct outbox_message m = lease_message(f);
    struct outbox_outcome o = {.state = OUTBOX_QUEUED,
                               .not_before = f->now + 30,
                               .error = STR("answered 500"),
                               .now = f->now};
    assert_ok(store_outbox_end(f->store, &m, &o, &err), err);
    assert_nothing_to_send(f);
    f->now += 30;
    m = lease_message(f);
    assert_int_equal(m.attempts, 2);
    assert_str(m.error, "answered 500");
    o = (struct outbox_outcome){.state = OUTBOX_DEAD, .error = STR("gone"), .now = f->now};
    assert_ok(store_outbox_end(f->store, &m, &o, &err), err);
    f->now += 9999;
    assert_nothing_to_send(f);
    assert_ok(store_outbox_requeue(f->store, m.id, f->now, &err), err);
    assert_false(store_outbox_requeue(f->store, m.id, f->now, &err));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    m = lease_message(f);
    assert_int_equal(m.attempts, 1);
    o = (struct outbox_outcome){.state = OUTBOX_SENT, .now = f->now};
    assert_ok(store_outbox_end(f->store, &m, &o, &err), err);
    assert_nothing_to_send(f);
    assert_ok(store_outbox_get(f->store, &f->arena, m.id, &m, &err), err);
    assert_int_equal(m.state, OUTBOX_SENT);
    assert_int_equal(m.ended_at, f->now);
}

static void test_outbox__a_lost_lease_is_fenced_and_a_death_is_no_attempt(void **state)
{
    struct fixture *f = *state;
    size_t n = 0;
    fill(f);
    struct outbox_message old = lease_message(f);
    assert_ok(store_outbox_expire(f->store, f->now + 59, false, &n, &err), err);
    assert_int_equal(n, 0);
    assert_ok(store_outbox_expire(f->store, f->now + 61, false, &n, &err), err);
    assert_int_equal(n, 1);
    struct outbox_message m = lease_message(f);
    assert_int_equal(m.attempts, 1);
    struct outbox_outcome o = {.state = OUTBOX_SENT, .now = f->now};
    assert_false(store_outbox_end(f->store, &old, &o, &err));
    assert_int_equal(err.kind, ERR_CONFLICT);
    o = (struct outbox_outcome){
        .state = OUTBOX_QUEUED, .not_before = f->now, .is_no_attempt = true, .now = f->now};
    assert_ok(store_outbox_end(f->store, &m, &o, &err), err);
    assert_int_equal(lease_message(f).attempts, 1);
}

static void test_outbox__lists_pages_and_forgets(void **state)
{
    struct fixture *f = *state;
    outbox_messages list = {0};
    strs channels = {0};
    str next;
    fill(f);
    for (unsigned i = 2; i < 5; i++) {
        char id[16], tag[16];
        snprintf(id, sizeof(id), "m%u", i);
        snprintf(tag, sizeof(tag), "v%u", i);
        scan(f, i, tag, 0, 1);
        struct store_batch batch = next_batch(f);
        tell(f, &batch, id);
    }
    struct store_page page = {.limit = 3};
    const struct outbox_filter all = {0}, dead = {.state = OUTBOX_DEAD},
                               other = {.channel = STR("mail")};
    assert_ok(store_outbox_list(f->store, &f->arena, &all, &page, &list, &next, &err), err);
    assert_int_equal(list.len, 3);
    assert_str(list.ptr[0].message, "m4");
    page.after = next;
    list = (outbox_messages){0};
    assert_ok(store_outbox_list(f->store, &f->arena, &all, &page, &list, &next, &err), err);
    assert_int_equal(list.len, 1);
    assert_int_equal(next.len, 0);
    list = (outbox_messages){0};
    assert_ok(store_outbox_list(f->store, &f->arena, &other, NULL, &list, &next, &err), err);
    assert_int_equal(list.len, 0);
    assert_ok(store_outbox_channels(f->store, &f->arena, &channels, &err), err);
    assert_int_equal(channels.len, 1);
    assert_ok(store_outbox_bury(f->store, STR("hook"), STR("no such channel"), f->now, &err), err);
    assert_ok(store_outbox_list(f->store, &f->arena, &dead, NULL, &list, &next, &err), err);
    assert_int_equal(list.len, 4);
    assert_ok(store_outbox_purge(f->store, f->now + 1, &err), err);
    list = (outbox_messages){0};
    assert_ok(store_outbox_list(f->store, &f->arena, &all, NULL, &list, &next, &err), err);
    assert_int_equal(list.len, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_changes__nothing_is_noted_while_nobody_listens),
        TEST(test_changes__new_findings_once),
        TEST(test_changes__disabled_findings_are_no_news),
        TEST(test_changes__a_late_answer_tells_nothing),
        TEST(test_changes__healthy_is_news_only_after_unhealthy),
        TEST(test_changes__a_tag_that_moves_to_a_healthy_image_is_mended),
        TEST(test_changes__a_scan_that_fails_for_good_is_noted_and_a_retry_is_not),
        TEST(test_changes__a_scan_that_kills_its_server_each_time_is_noted),
        TEST(test_changes__platforms_wait_for_their_index_and_are_one_batch),
        TEST(test_changes__a_rematch_is_told_when_it_is_over),
        TEST(test_changes__a_held_source_is_noted_until_it_is_free),
        TEST(test_changes__a_pulled_image_with_findings_is_noted_once_a_week),
        TEST(test_outbox__a_batch_becomes_messages_once),
        TEST(test_outbox__retry_dead_and_requeue),
        TEST(test_outbox__a_lost_lease_is_fenced_and_a_death_is_no_attempt),
        TEST(test_outbox__lists_pages_and_forgets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
