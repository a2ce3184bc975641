/* SPDX-License-Identifier: Apache-2.0 */
/* What is recently pulled is assessed again every week: simulated time, hour by hour, on the store
 * that the tests run on. */
#include "../store/fixture.h"

#include "guard/internal.h"

enum { HOUR = 3600, DAY = 24 * HOUR, WEEK = 7 * DAY, RECENT = 30 * DAY };
enum { IMAGES = 420, RUNS_MAX = 16 };

/* What the test knows of an image, beside the store. */
struct model {
    int64_t last_pulled; /* 0: never */
    int64_t deleted_at;
    int64_t eligible_since; /* without a gap until now; 0: not */
    int64_t runs[RUNS_MAX];
    unsigned n_runs;
};
struct world {
    struct fixture *f;
    struct model images[IMAGES];
    int64_t from;
    unsigned n_runs, n_hours_down;
    unsigned busiest; /* most of one hour */
    uint32_t dice;
};

static unsigned roll(struct world *w, unsigned n)
{
    w->dice = w->dice * 1664525 + 1013904223;
    return (w->dice >> 8) % n;
}

static bool is_eligible(const struct model *m, int64_t now)
{
    return m->last_pulled && now - m->last_pulled <= RECENT && !m->deleted_at;
}

/* --- events
 * ------------------------------------------------------------------------------------------------
 */
static void tell(struct world *w, unsigned image, enum event_action action)
{
    struct fixture *f = w->f;
    struct store_event event = push(f, "", image, "");
    event.action = action;
    (void)add(f, &event, 1);
}

static void pull(struct world *w, unsigned image)
{
    struct model *m = &w->images[image];
    tell(w, image, EVENT_PULL);
    m->last_pulled = w->f->now;
    if (!m->eligible_since)
        m->eligible_since = w->f->now;
}

static void delete_image(struct world *w, unsigned image)
{
    tell(w, image, EVENT_DELETE);
    w->images[image].deleted_at = w->f->now;
    w->images[image].eligible_since = 0;
}

/* One habit each: never pulled; once, on some day; each day, until some day; now and then; deleted
 * on some day.  "Once" may be long before the beginning. */
static void live(struct world *w, unsigned image)
{
    struct model *m = &w->images[image];
    int64_t hour = (w->f->now - w->from) / HOUR;
    unsigned day = (unsigned)(hour / 24), mine = image * 7 % 31;
    if (m->deleted_at)
        return;
    switch (image % 6) {
    case 0:
        break;
    case 1:
        if (day == mine && hour % 24 == image % 24)
            pull(w, image);
        break;
    case 2:
        if (day <= mine && hour % 24 == image % 24)
            pull(w, image);
        break;
    case 3:
        if (roll(w, 100) == 0)
            pull(w, image);
        break;
    case 4:
        if (day == 0 && hour % 24 == image % 24)
            pull(w, image);
        else if (day == mine)
            delete_image(w, image);
        break;
    default:
        break; /* pulled before the beginning */
    }
}

/* --- the server's part
 * ------------------------------------------------------------------------------------- */
static unsigned number_of(const struct job *job)
{
    unsigned n = 0;
    for (size_t i = job->digest.len - 6; i < job->digest.len; i++) {
        char c = job->digest.ptr[i];
        n = n * 16 + (unsigned)(c >= 'a' ? c - 'a' + 10 : c - '0');
    }
    return n;
}

static void scan_all(struct world *w, bool is_counted)
{
    struct fixture *f = w->f;
    struct job job;
    unsigned n = 0;
    while (try_lease(f, &job)) {
        struct model *m = &w->images[number_of(&job)];
        struct report *report = report_of(f, 1, 0, 0);
        assert_true(digest_parse(job.digest, &report->digest));
        assert_ok(finish(f, &job, report, JOB_END_DONE), err);
        if (!is_counted)
            continue;
        assert_int_equal(job.priority, PRIORITY_PULLED);
        assert_true(m->n_runs < RUNS_MAX);
        m->runs[m->n_runs++] = f->now;
        w->n_runs++;
        n++;
    }
    if (n > w->busiest)
        w->busiest = n;
}

static void look(struct world *w)
{
    size_t n_jobs;
    assert_ok(pulled_schedule(w->f->store, w->f->now, &n_jobs, &err), err);
}

/* --- what must hold
 * ---------------------------------------------------------------------------------------- */
/* Called each hour, after its jobs. */
static void check_hour(struct world *w)
{
    int64_t now = w->f->now;
    for (unsigned i = 0; i < IMAGES; i++) {
        struct model *m = &w->images[i];
        int64_t last = m->n_runs ? m->runs[m->n_runs - 1] : 0;
        if (last == now && !is_eligible(m, now))
            fail_msg("image %u is assessed again, last pulled %lld s ago", i,
                     (long long)(now - m->last_pulled));
        if (!is_eligible(m, now)) {
            m->eligible_since = 0;
            continue;
        }
        int64_t since = last > m->eligible_since ? last : m->eligible_since;
        if (now - since > WEEK)
            fail_msg("image %u waits for %lld hours", i, (long long)(now - since) / HOUR);
        if (m->n_runs > 1 && last == now && m->runs[m->n_runs - 2] >= m->eligible_since &&
            last - m->runs[m->n_runs - 2] != WEEK)
            fail_msg("image %u: %lld hours after the last time", i,
                     (long long)(last - m->runs[m->n_runs - 2]) / HOUR);
    }
}

static void run_hours(struct world *w, int hours, bool is_checked)
{
    for (int i = 0; i < hours; i++, w->f->now += HOUR) {
        for (unsigned image = 0; image < IMAGES; image++)
            live(w, image);
        look(w);
        scan_all(w, true);
        if (is_checked)
            check_hour(w);
    }
}

static void begin(struct world *w)
{
    struct fixture *f = w->f;
    f->now = 1700000000 - 40 * DAY;
    for (unsigned i = 0; i < IMAGES; i++)
        tell(w, i, EVENT_PUSH);
    scan_all(w, false);
    /* the last sort: pulled at some time in the forty days before */
    for (int hour = 0; hour < 40 * 24; hour++, f->now += HOUR)
        for (unsigned i = 5; i < IMAGES; i += 6)
            if (i * 11 % 960 == (unsigned)hour)
                pull(w, i);
    for (unsigned i = 0; i < IMAGES; i++)
        w->images[i].eligible_since = is_eligible(&w->images[i], f->now) ? f->now : 0;
    w->from = f->now;
}

static void test_pulled__31_days_exactly_the_right_ones_exactly_weekly(void **state)
{
    struct world *w = test_calloc(1, sizeof(*w));
    unsigned n_again = 0, n_never = 0, by_count[RUNS_MAX] = {0};
    w->f = *state;
    begin(w);
    run_hours(w, 31 * 24, true);
    for (unsigned i = 0; i < IMAGES; i++) {
        n_again += w->images[i].n_runs > 0;
        n_never += w->images[i].last_pulled == 0;
        by_count[w->images[i].n_runs]++;
        assert_true(w->images[i].last_pulled || w->images[i].n_runs == 0);
    }
    print_message("# %s: 31 days, %d images, %u never pulled: %u assessed again, %u times in all "
                  "(%u once, %u twice, %u 3 times, %u 4, %u 5), at most %u in an hour\n",
                  w->f->engine.is_postgres ? "PostgreSQL" : "SQLite", IMAGES, n_never, n_again,
                  w->n_runs, by_count[1], by_count[2], by_count[3], by_count[4], by_count[5],
                  w->busiest);
    assert_true(by_count[4] > 20);
    assert_true(w->busiest <= 8); /* some 300 of them over 168 hours */
    test_free(w);
}

/* A week without a server: what was missed is spread over a day, then all goes on as before. */
static void test_pulled__an_outage_is_made_good_within_a_day(void **state)
{
    struct world *w = test_calloc(1, sizeof(*w));
    struct fixture *f = w->f = *state;
    begin(w);
    for (unsigned i = 0; i < IMAGES; i++)
        pull(w, i);
    run_hours(w, 24 * 7 + 1, false);
    f->now += 8 * DAY;
    int64_t back = f->now;
    unsigned before[IMAGES];
    for (unsigned i = 0; i < IMAGES; i++)
        before[i] = w->images[i].n_runs;
    w->busiest = 0;
    run_hours(w, 26, false);
    for (unsigned i = 0; i < IMAGES; i++)
        if (!w->images[i].deleted_at)
            assert_true(w->images[i].n_runs > before[i]);
    print_message("# back after 8 days: at most %u of %d in an hour\n", w->busiest, IMAGES);
    assert_true(w->busiest <= 2 * IMAGES / 24);
    run_hours(w, 24 * 7, false);
    for (unsigned i = 0; i < IMAGES; i++) {
        const struct model *m = &w->images[i];
        unsigned n = m->n_runs;
        if (!m->deleted_at)
            assert_true(n >= 2 && m->runs[n - 1] > back && m->runs[n - 1] - m->runs[n - 2] <= WEEK);
    }
    test_free(w);
}

/* Two servers that look at the same time make one job. */
static void test_pulled__two_that_look_make_one_job(void **state)
{
    struct fixture *f = *state;
    size_t one, two;
    struct pulled_status status;
    struct store *other;
    f->now = 1700000000;
    scan_image(f, 1, report_of(f, 1, 0, 0));
    struct store_event event = push(f, "pull", 1, "");
    event.action = EVENT_PULL;
    add(f, &event, 1);
    assert_ok(pulled_schedule(f->store, f->now, &one, &err), err);
    assert_int_equal(one, 0);
    assert_ok(store_pulled_status(f->store, &status, &err), err);
    assert_int_equal(status.n_images, 1);
    assert_true(status.next_at > f->now && status.next_at <= f->now + WEEK);
    f->now = status.next_at;
    assert_ok(store_open(f->engine.name, STORE_RELAXED, &other, &err), err);
    assert_ok(pulled_schedule(f->store, f->now, &one, &err), err);
    assert_ok(pulled_schedule(other, f->now, &two, &err), err);
    store_close(other);
    assert_int_equal(one, 1);
    assert_int_equal(two, 0);
    struct job job = lease(f);
    assert_int_equal(job.priority, PRIORITY_PULLED);
    assert_false(try_lease(f, &job));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_pulled__31_days_exactly_the_right_ones_exactly_weekly),
        T(test_pulled__an_outage_is_made_good_within_a_day),
        T(test_pulled__two_that_look_make_one_job),
    };
    log_configure(LOG_OFF, false);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
