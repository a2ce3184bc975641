/* SPDX-License-Identifier: Apache-2.0 */
/* What many senders, workers and servers do to one store: batches, fairness, leadership. */
#include "fixture.h"

#include "base/clock.h"

/* --- messages
 * ---------------------------------------------------------------------------------------------------
 */
static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 16;
}

/* Of few images, tags and ids, so that they meet. */
static struct store_event any_event(struct fixture *f, uint32_t *state)
{
    static const enum event_action actions[] = {EVENT_PUSH, EVENT_PUSH,  EVENT_PUSH,  EVENT_PULL,
                                                EVENT_PULL, EVENT_FOUND, EVENT_DELETE};
    static const char *const repositories[] = {"team/app", "team/lib", "other"};
    static const char *const tags[] = {"", "v1", "v2", "v3"};
    struct store_event e = {
        .action = actions[next_random(state) % ARRAY_LEN(actions)],
        .repository = str_from(repositories[next_random(state) % ARRAY_LEN(repositories)]),
        .tag = str_from(tags[next_random(state) % ARRAY_LEN(tags)]),
        .digest = digest_n(f, next_random(state) % 9),
        .media_type = next_random(state) % 2 ? STR("application/x") : STR(""),
        .is_index = next_random(state) % 8 == 0,
        .id = arena_printf(&f->arena, "e%u", next_random(state) % 400),
        .at = f->now - 500 + next_random(state) % 600};
    if (e.action == EVENT_DELETE && next_random(state) % 3)
        e.digest = STR("");
    return e;
}

/* What is known afterwards, without the numbers that an engine gives. */
static str picture(struct fixture *f)
{
    struct sb out;
    sb_init(&out, 1 << 20);
    store_images seen = images_all(f);
    for (size_t i = 0; i < seen.len; i++) {
        const struct store_image *m = &seen.ptr[i];
        sb_addf(&out, "%s %s %s %d %lld %lld", m->repository.ptr, m->digest.ptr, m->media_type.ptr,
                m->is_index, (long long)m->last_pushed, (long long)m->last_pulled);
        for (size_t k = 0; k < m->tags.len; k++)
            sb_addf(&out, " %s", m->tags.ptr[k].ptr);
        sb_addc(&out, "\n");
    }
    jobs all = {0};
    str next;
    const struct job_filter filter = {0};
    const struct store_page page = {STR(""), 1000};
    assert_ok(store_jobs_list(f->store, &f->arena, &filter, &page, &all, &next, &err), err);
    for (size_t i = 0; i < all.len; i++)
        sb_addf(&out, "%s %s %s %s %d\n", all.ptr[i].repository.ptr, all.ptr[i].digest.ptr,
                all.ptr[i].tag.ptr, job_state_name(all.ptr[i].state), all.ptr[i].priority);
    sb_addf(&out, "%lld %lld", engine_number(&f->engine, "SELECT COUNT(*) FROM tag_history"),
            engine_number(&f->engine, "SELECT COUNT(*) FROM events"));
    str copy = arena_dup(&f->arena, sb_str(&out));
    sb_fini(&out);
    return copy;
}

static void test_messages__in_batches_do_what_they_do_alone(void **state)
{
    enum { N = 600 };
    struct fixture *f = *state, *alone;
    uint32_t random = 7;
    assert_int_equal(setup((void **)&alone), 0);
    struct store_event events[N];
    struct store_message messages[N];
    unsigned batched[3] = {0}, single[3] = {0};
    for (size_t i = 0; i < N; i++) {
        events[i] = any_event(f, &random);
        struct event_counts one = add(alone, &events[i], 1);
        single[0] += one.n_new, single[1] += one.n_known, single[2] += one.n_jobs;
    }
    for (size_t i = 0, n; i < N; i += n) {
        n = num_min(1 + next_random(&random) % 90, N - i);
        for (size_t k = 0; k < n; k++)
            messages[k] = (struct store_message){
                .registry_id = f->registry.id, .events = &events[i + k], .n = 1};
        store_messages_add(f->store, messages, n, f->now);
        for (size_t k = 0; k < n; k++) {
            assert_ok(messages[k].is_kept, messages[k].err);
            batched[0] += messages[k].counts.n_new;
            batched[1] += messages[k].counts.n_known;
            batched[2] += messages[k].counts.n_jobs;
        }
    }
    str expected = picture(alone);
    assert_string_equal(picture(f).ptr, expected.ptr);
    assert_true(expected.len > 500);
    assert_memory_equal(batched, single, sizeof(batched));
    teardown((void **)&alone);
}

static void test_messages__one_that_cannot_be_kept_fails_alone(void **state)
{
    struct fixture *f = *state;
    struct store_event first = push(f, "a", 1, "v1"), bad = push(f, "b", 2, "v1"),
                       last = push(f, "c", 3, "v1");
    struct store_message messages[] = {
        {.registry_id = f->registry.id, .events = &first, .n = 1},
        {.registry_id = 4711, .events = &bad, .n = 1},
        {.registry_id = f->registry.id, .events = &last, .n = 1},
    };
    store_messages_add(f->store, messages, ARRAY_LEN(messages), f->now);
    assert_true(messages[0].is_kept && messages[2].is_kept);
    assert_false(messages[1].is_kept);
    assert_true(err_is(&messages[1].err));
    assert_int_equal(messages[1].counts.n_new, 0);
    assert_int_equal(images_all(f).len, 2);
}

static void test_messages__text_that_is_no_utf8_is_found_again(void **state)
{
    struct fixture *f = *state;
    struct store_event events[] = {push(f, "a\xff", 1, "v\xfe"), push(f, "a\xff", 1, "v\xfe"),
                                   push(f, "b\xff", 1, "")};
    events[0].repository = events[1].repository = events[2].repository = STR("bad\xff");
    struct event_counts counts = add(f, events, 3);
    assert_int_equal(counts.n_new, 2);
    assert_int_equal(counts.n_known, 1);
    assert_int_equal(counts.n_jobs, 1);
    assert_int_equal(images_all(f).len, 1);
}

/* --- fairness
 * ---------------------------------------------------------------------------------------------------
 */
static struct store_registry another(struct fixture *f, const char *name)
{
    struct store_registry r = registry_named(name);
    assert_ok(store_registry_put(f->store, &r, f->now, &err), err);
    return r;
}

static void queue(struct fixture *f, int64_t registry_id, unsigned image,
                  enum job_priority priority, int64_t not_before)
{
    const struct job_spec spec = {.kind = JOB_SCAN,
                                  .registry_id = registry_id,
                                  .repository = STR("app"),
                                  .digest = digest_n(f, image),
                                  .priority = priority,
                                  .not_before = not_before};
    assert_ok(store_job_add(f->store, &spec, f->now, NULL, &err), err);
}

static void end_done(struct fixture *f, const struct job *job)
{
    assert_ok(finish(f, job, NULL, JOB_END_DONE), err);
}

static void test_lease__takes_turns_between_registries(void **state)
{
    struct fixture *f = *state;
    struct store_registry late = another(f, "late"), third = another(f, "third");
    for (unsigned i = 0; i < 30; i++)
        queue(f, f->registry.id, i, PRIORITY_PUSH, f->now);
    for (unsigned i = 0; i < 3; i++)
        queue(f, late.id, i, PRIORITY_PUSH, f->now);
    queue(f, third.id, 0, PRIORITY_PUSH, f->now);
    unsigned n_late = 0, n_third = 0;
    for (unsigned i = 0; i < 7; i++) { /* one worker: what it ends makes room */
        struct job job = lease(f);
        n_late += job.registry_id == late.id;
        n_third += job.registry_id == third.id;
        end_done(f, &job);
    }
    assert_int_equal(n_late, 3);
    assert_int_equal(n_third, 1);
}

/* A registry whose scans hang does not get every worker. */
static void test_lease__fewest_running_go_first(void **state)
{
    struct fixture *f = *state;
    struct store_registry other = another(f, "other");
    for (unsigned i = 0; i < 10; i++)
        queue(f, f->registry.id, i, PRIORITY_PUSH, f->now);
    struct job hung[] = {lease(f), lease(f), lease(f)};
    for (unsigned i = 0; i < 3; i++)
        queue(f, other.id, i, PRIORITY_PUSH, f->now);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(lease(f).registry_id, other.id);
    for (size_t i = 0; i < ARRAY_LEN(hung); i++)
        assert_int_equal(hung[i].registry_id, f->registry.id);
    assert_int_equal(lease(f).registry_id,
                     f->registry.id); /* 3 and 3: the one not served longest */
}

static void test_lease__urgent_beats_fair_and_what_waits_hides_nothing(void **state)
{
    struct fixture *f = *state;
    struct store_registry other = another(f, "other");
    queue(f, f->registry.id, 1, PRIORITY_PUSH, f->now + 60);
    queue(f, f->registry.id, 2, PRIORITY_SWEEP, f->now);
    queue(f, other.id, 3, PRIORITY_PUSH, f->now + 60);
    queue(f, other.id, 4, PRIORITY_IMPORT, f->now);
    queue(f, f->registry.id, 5, PRIORITY_IMPORT, f->now + 60);
    assert_string_equal(lease(f).digest.ptr, digest_n(f, 4).ptr);
    assert_string_equal(lease(f).digest.ptr, digest_n(f, 2).ptr);
    struct job job;
    assert_false(try_lease(f, &job));
    f->now += 60;
    assert_int_equal(lease(f).priority, PRIORITY_PUSH);
}

/* 100,000 queued jobs of 100 registries; half of them wait. */
static void test_lease__is_quick_in_a_long_queue(void **state)
{
    enum { LEASES = 40 };
    struct fixture *f = *state;
    for (unsigned i = 0; i < 100; i++)
        (void)another(f, arena_printf(&f->arena, "r%u", i).ptr);
    engine_run(&f->engine,
               "INSERT INTO jobs (kind, state, registry_id, repository, digest, tag, priority,"
               " created_at, not_before) WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1"
               " FROM n WHERE i < 99999) SELECT 'scan', 'queued', r.id, 'app', 'd' || i, '', 50,"
               " 1, CASE WHEN i % 2 = 0 THEN 1 ELSE 2000000 END FROM n JOIN registries r ON"
               " r.name = 'r' || (i % 100)");
    int64_t from_ms = clock_mono_ms();
    for (unsigned i = 0; i < LEASES; i++) {
        struct job job = lease(f);
        if (i % 2)
            end_done(f, &job);
    }
    int64_t took_ms = clock_mono_ms() - from_ms;
    printf("lease: %.2f ms each of 100,000 queued\n", (double)took_ms / LEASES);
    assert_true(took_ms < LEASES * 100); /* to walk the queue takes far longer */
}

/* --- who leads
 * ---------------------------------------------------------------------------------------------------
 */
static int64_t lead(struct fixture *f, const char *who)
{
    int64_t term = -1;
    assert_ok(store_lead(f->store, "s", str_from(who), f->now, f->now + 4, &term, &err), err);
    return term;
}

static void test_leader__one_at_a_time_and_each_with_a_term(void **state)
{
    struct fixture *f = *state;
    struct store_leader now;
    assert_int_equal(lead(f, "a"), 1);
    assert_int_equal(lead(f, "b"), 0);
    f->now += 3;
    assert_int_equal(lead(f, "a"), 1); /* goes on */
    f->now += 4;
    assert_int_equal(lead(f, "b"), 0);
    f->now += 1; /* a is silent for longer than it said */
    assert_int_equal(lead(f, "b"), 2);
    assert_int_equal(lead(f, "a"), 0);
    assert_ok(store_lead_end(f->store, "s", STR("a"), &err), err); /* it is not a's to end */
    assert_int_equal(lead(f, "a"), 0);
    assert_ok(store_lead_end(f->store, "s", STR("b"), &err), err);
    assert_int_equal(lead(f, "a"), 3);
    assert_ok(store_leader_get(f->store, &f->arena, "s", &now, &err), err);
    assert_str(now.holder, "a");
    assert_int_equal(now.term, 3);
}

static void test_leader__who_was_frozen_writes_nothing_more(void **state)
{
    struct fixture *f = *state;
    struct store *other;
    const struct job_spec spec = {.kind = JOB_SWEEP, .registry_id = f->registry.id};
    str value;
    int64_t term = 0;
    store_fence(f->store, "s", lead(f, "a"));
    assert_ok(store_meta_set(f->store, STR("k"), STR("1"), &err), err);
    assert_ok(store_open(f->engine.name, STORE_RELAXED, &other, &err), err);
    assert_ok(store_lead(other, "s", STR("b"), f->now + 60, f->now + 64, &term, &err), err);
    assert_int_equal(term, 2);
    store_close(other);
    assert_false(store_job_add(f->store, &spec, f->now, NULL, &err));
    assert_int_equal(err.kind, ERR_CONFLICT);
    assert_false(store_meta_set(f->store, STR("k"), STR("2"), &err));
    assert_false(store_purge(f->store, f->now, &err));
    assert_ok(store_meta_get(f->store, &f->arena, STR("k"), &value, &err), err); /* it may read */
    assert_str(value, "1");
    store_fence(f->store, NULL, 0);
    assert_ok(store_job_add(f->store, &spec, f->now, NULL, &err), err);
}

/* --- who is behind
 * ---------------------------------------------------------------------------------------------------
 */
static bool finish_with(struct fixture *f, const struct job *job, struct report *report,
                        uint64_t generation, uint64_t newest)
{
    struct store_result result = {.report = report};
    const struct job_outcome outcome = {.results = &result,
                                        .n_results = 1,
                                        .generation = generation,
                                        .newest = newest,
                                        .revision = 3,
                                        .now = f->now};
    return store_job_finish(f->store, job, &outcome, &err);
}

static void test_finish__older_advisories_do_not_replace_a_newer_verdict(void **state)
{
    struct fixture *f = *state;
    struct job_filter filter = {.kind = JOB_REMATCH};
    jobs rematches = {0};
    str next;
    scan_image(f, 1, report_of(f, 1, 0, 3)); /* of generation 7 */
    queue(f, f->registry.id, 1, PRIORITY_PULLED, f->now);
    struct store_event second = push(f, "second", 2, "");
    struct job old = lease(f);
    old.repository = STR("team/app");
    assert_ok(finish_with(f, &old, report_of(f, 1, 0, 0), 5, 7), err);
    assert_int_equal(count_findings(f), 3);
    assert_int_equal(images_all(f).ptr[0].verdict, VERDICT_UNHEALTHY);
    assert_int_equal(images_all(f).ptr[0].generation, 7);

    add(f, &second, 1); /* what has no verdict gets one, and is matched again */
    struct job fresh = lease(f);
    assert_ok(finish_with(f, &fresh, report_of(f, 2, 10, 2), 5, 7), err);
    assert_int_equal(count_findings(f), 5);
    assert_ok(store_jobs_list(f->store, &f->arena, &filter, NULL, &rematches, &next, &err), err);
    assert_int_equal(rematches.len, 1);
    stored_images behind = {0};
    assert_ok(store_images_behind(f->store, &f->arena, 7, 0, 10, &behind, &err), err);
    assert_int_equal(behind.len, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_messages__in_batches_do_what_they_do_alone),
        T(test_messages__one_that_cannot_be_kept_fails_alone),
        T(test_messages__text_that_is_no_utf8_is_found_again),
        T(test_lease__takes_turns_between_registries),
        T(test_lease__fewest_running_go_first),
        T(test_lease__urgent_beats_fair_and_what_waits_hides_nothing),
        T(test_lease__is_quick_in_a_long_queue),
        T(test_leader__one_at_a_time_and_each_with_a_term),
        T(test_leader__who_was_frozen_writes_nothing_more),
        T(test_finish__older_advisories_do_not_replace_a_newer_verdict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
