/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger: one entry a subscription and digest, at its first complete scan, whatever else
 * happens. */
#include "fixture.h"

static store_ledger entries(struct fixture *f)
{
    store_ledger out = {0};
    str next;
    const struct ledger_span ever = {0, INT64_MAX};
    const struct store_page page = {.limit = STORE_PAGE_MAX};
    assert_ok(store_ledger_list(f->store, &f->arena, &ever, &page, &out, &next, &err), err);
    assert_int_equal(next.len, 0);
    return out;
}

static void scan_as(struct fixture *f, unsigned image, enum verdict verdict, bool is_complete)
{
    struct report *r = report_of(f, image, 0, verdict == VERDICT_UNHEALTHY ? 2 : 0);
    r->verdict = verdict;
    r->is_complete = is_complete;
    r->reason = verdict == VERDICT_NOT_APPLICABLE ? STR("a Windows image") : STR("");
    struct job job;
    struct job_spec spec = {.kind = JOB_SCAN,
                            .registry_id = f->registry.id,
                            .repository = STR("team/app"),
                            .digest = digest_n(f, image),
                            .priority = PRIORITY_MANUAL,
                            .not_before = f->now};
    assert_ok(store_job_add(f->store, &spec, f->now, NULL, &err), err);
    job = lease(f);
    assert_ok(finish(f, &job, r, JOB_END_DONE), err);
}

static void test_ledger__has_one_entry_whatever_comes_again(void **state)
{
    struct fixture *f = *state;
    scan_as(f, 1, VERDICT_HEALTHY, true);
    int64_t first = f->now;
    f->now += 100;
    scan_as(f, 1, VERDICT_UNHEALTHY, true); /* a rescan */
    struct store_event again[] = {push(f, "a", 1, "second-tag"), push(f, "b", 1, "third-tag")};
    again[1].repository = STR("other/repository");
    add(f, again, 2);
    struct job job;
    while (try_lease(f, &job)) {
        assert_ok(finish(f, &job, report_of(f, 1, 0, 0), JOB_END_DONE), err);
    }
    store_ledger all = entries(f);
    assert_int_equal(all.len, 1);
    assert_int_equal(all.ptr[0].at, first);
    assert_str(all.ptr[0].repository, "team/app");
}

static void test_ledger__bills_only_what_was_judged(void **state)
{
    struct fixture *f = *state;
    scan_as(f, 1, VERDICT_NOT_APPLICABLE, true);
    scan_as(f, 2, VERDICT_FAILED, false);
    scan_as(f, 3, VERDICT_UNHEALTHY, false); /* incomplete */
    assert_int_equal(entries(f).len, 0);
    scan_as(f, 3, VERDICT_UNHEALTHY, true);
    scan_as(f, 2, VERDICT_HEALTHY, true);
    assert_int_equal(entries(f).len, 2);
}

/* An answer that comes too late stores nothing, neither findings nor an entry. */
static void test_ledger__a_late_answer_bills_nothing(void **state)
{
    struct fixture *f = *state;
    struct store_event event = push(f, "e", 1, "v1");
    add(f, &event, 1);
    struct job job = lease(f);
    f->now += 3600;
    assert_ok(store_jobs_expire(f->store, f->now, false, 100, NULL, &err), err);
    assert_false(finish(f, &job, report_of(f, 1, 0, 0), JOB_END_DONE));
    assert_int_equal(err.kind, ERR_CONFLICT);
    assert_int_equal(entries(f).len, 0);
    job = lease(f);
    assert_ok(finish(f, &job, report_of(f, 1, 0, 0), JOB_END_DONE), err);
    assert_int_equal(entries(f).len, 1);
}

/* What is deleted was billed: the entry stays, and comes not again with the image. */
static void test_ledger__outlives_the_image_and_the_purge(void **state)
{
    struct fixture *f = *state;
    struct store_event gone = push(f, "gone", 1, "");
    scan_as(f, 1, VERDICT_HEALTHY, true);
    gone.action = EVENT_DELETE;
    f->now += 10;
    gone.at = f->now;
    add(f, &gone, 1);
    assert_ok(store_purge(f->store, f->now + 1, &err), err);
    f->now += 10;
    scan_image(f, 1, report_of(f, 1, 0, 0));
    assert_int_equal(entries(f).len, 1);
}

static void test_ledger__months_are_utc(void **state)
{
    struct fixture *f = *state;
    static const int64_t times[] = {1793491199, 1793491200, 1796083199, 1796083200};
    struct ledger_span november;
    store_ledger_totals totals = {0};
    for (unsigned i = 0; i < 4; i++) {
        f->now = times[i]; /* 2026-10-31T23:59:59Z, and so on */
        scan_as(f, i, VERDICT_HEALTHY, true);
    }
    assert_true(ledger_month_parse(STR("2026-11"), &november));
    assert_int_equal(november.from, times[1]);
    assert_int_equal(november.until, times[3]);
    assert_ok(store_ledger_sum(f->store, &f->arena, &november, &totals, &err), err);
    assert_int_equal(totals.len, 1);
    assert_str(totals.ptr[0].registry, "Main");
    assert_int_equal(totals.ptr[0].n, 2);
    assert_true(ledger_month_parse(STR("2026-12"), &november));
    assert_int_equal(november.until, 1798761600); /* the first of January */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_ledger__has_one_entry_whatever_comes_again),
        T(test_ledger__bills_only_what_was_judged),
        T(test_ledger__a_late_answer_bills_nothing),
        T(test_ledger__outlives_the_image_and_the_purge),
        T(test_ledger__months_are_utc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
