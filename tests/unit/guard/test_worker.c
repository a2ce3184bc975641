/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include <string.h>

#include "guard/internal.h"

static void test_worker__waits_twice_as_long_each_time(void **state)
{
    (void)state;
    static const struct {
        unsigned attempts;
        uint32_t least;
    } rows[] = {{0, 10}, {1, 10}, {2, 20}, {5, 160}, {9, 2560}, {10, 3600}, {4000000000, 3600}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        for (unsigned n = 0; n < 200; n++) {
            uint32_t wait = backoff_s(10, rows[i].attempts);
            assert_in_range(wait, rows[i].least, rows[i].least + rows[i].least / 4);
        }
    assert_int_equal(backoff_s(0, 50), 0);
}

static struct job_outcome end_of(struct guard *guard, struct arena *arena, unsigned attempts,
                                 enum err_kind kind)
{
    const struct job job = {.kind = JOB_SCAN, .attempts = attempts};
    const struct slot slot = {0};
    struct job_outcome out = {.now = 1000};
    struct err err = {.kind = kind, .msg = "why"};
    outcome_of_error(guard, &job, &slot, &err, arena, &out);
    assert_str(out.error, "why");
    return out;
}

static void test_worker__tries_again_only_what_may_change(void **state)
{
    (void)state;
    struct config config = {.max_attempts = 8, .retry_base_s = 10};
    struct guard guard = {.config = &config};
    struct arena arena;
    arena_init(&arena, 1 << 20);
    pthread_mutex_init(&guard.lock, NULL);
    struct job_outcome out = end_of(&guard, &arena, 1, ERR_UNAVAILABLE);
    assert_int_equal(out.end, JOB_END_RETRY);
    assert_in_range(out.not_before, 1010, 1012);
    assert_int_equal(end_of(&guard, &arena, 8, ERR_UNAVAILABLE).end, JOB_END_DEAD);
    assert_int_equal(end_of(&guard, &arena, 1, ERR_FORMAT).end, JOB_END_FAILED);
    assert_int_equal(end_of(&guard, &arena, 1, ERR_NOT_FOUND).end, JOB_END_RETRY);
    assert_int_equal(end_of(&guard, &arena, 3, ERR_NOT_FOUND).end, JOB_END_DEAD);
    assert_int_equal(end_of(&guard, &arena, 1, ERR_DENIED).end, JOB_END_RETRY);
    atomic_store(&guard.is_stopping, true); /* nothing that happens now is the job's fault */
    assert_int_equal(end_of(&guard, &arena, 3, ERR_FORMAT).end, JOB_END_GIVE_BACK);
    pthread_mutex_destroy(&guard.lock);
    arena_fini(&arena);
}

static void test_worker__rematch_keeps_what_the_scan_said_of_its_sandbox(void **state)
{
    (void)state;
    struct arena arena;
    notices inventory = {0}, stored = {0}, to = {0};
    arena_init(&arena, 1 << 20);
    assert_true(notice_add(&arena, &inventory, NOTICE_UNREADABLE, false, STR("a"), STR("broken")) &&
                notice_add(&arena, &stored, NOTICE_SANDBOX, false, STR_NONE, STR("basic")) &&
                notice_add(&arena, &stored, NOTICE_UNREADABLE, false, STR("a"), STR("broken")) &&
                notice_add(&arena, &stored, NOTICE_ADVISORY, false, STR_NONE, STR("stale")) &&
                notice_add(&arena, &stored, NOTICE_UNSUPPORTED, true, STR_NONE, STR("no feed")));
    assert_true(notices_keep(&arena, &inventory, &stored, &to));
    assert_int_equal(to.len, 2);
    assert_str(to.ptr[0].message, "broken");
    assert_str(to.ptr[1].message, "basic");
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_worker__waits_twice_as_long_each_time),
        cmocka_unit_test(test_worker__tries_again_only_what_may_change),
        cmocka_unit_test(test_worker__rematch_keeps_what_the_scan_said_of_its_sandbox),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
