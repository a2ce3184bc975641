/* SPDX-License-Identifier: Apache-2.0 */
/* kill -9 in the middle of writing: every event that was acknowledged has its job afterwards. */
#include "engine.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { KILLS = 50 };

/* The child: one event after the other; each number goes into the pipe after its commit, as a 202
 * would. */
static void write_for_ever(const char *path, int64_t registry_id, unsigned from, int ack)
{
    struct store *store;
    struct err err;
    if (!store_open(path, STORE_DURABLE, &store, &err))
        _exit(1);
    for (unsigned i = from;; i++) {
        char id[32], image[96];
        struct event_counts counts;
        snprintf(id, sizeof(id), "event-%u", i);
        snprintf(image, sizeof(image), "sha256:%064x", i);
        const struct store_event event = {.id = str_from(id),
                                          .action = EVENT_PUSH,
                                          .repository = STR("app"),
                                          .digest = str_from(image),
                                          .at = 1000};
        if (!store_events_add(store, registry_id, &event, 1, 1000, &counts, &err))
            _exit(2);
        if (write(ack, &i, sizeof(i)) != sizeof(i))
            _exit(3);
    }
}

/* The last number acknowledged before the child was killed, at least @wanted of them after @from.
 */
static unsigned run_and_kill(const char *path, int64_t registry_id, unsigned from, unsigned wanted)
{
    int ends[2];
    unsigned last = from, n;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(ends[0]);
        write_for_ever(path, registry_id, from, ends[1]);
    }
    close(ends[1]);
    while (read(ends[0], &n, sizeof(n)) == sizeof(n)) {
        last = n;
        if (n + 1 >= from + wanted)
            break;
    }
    kill(child, SIGKILL);
    while (read(ends[0], &n, sizeof(n)) == sizeof(n))
        last = n; /* acknowledged before it died */
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    close(ends[0]);
    return last;
}

static void test_crash__every_acknowledged_event_has_its_job(void **state)
{
    (void)state;
    struct arena arena;
    struct err err = {0};
    struct store *store;
    struct engine engine;
    unsigned last = 0;
    arena_init(&arena, 64 << 20);
    engine_open(&engine, &arena);
    const char *path = engine.name;
    struct store_registry registry = {
        .subscription = STR("s"), .resource_group = STR("g"), .name = STR("r"), .host = STR("h")};
    assert_ok(store_open(path, STORE_DURABLE, &store, &err), err);
    assert_ok(store_registry_put(store, &registry, 1000, &err), err);
    store_close(store); /* before fork: no connection is shared */
    for (unsigned i = 0; i < KILLS; i++)
        last = run_and_kill(path, registry.id, last + 1, 1 + i % 7);
    assert_ok(store_open(path, STORE_DURABLE, &store, &err), err);
    assert_ok(store_check(store, &err), err);
    struct job_counts counts;
    assert_ok(store_jobs_count(store, &counts, &err), err);
    /* A child killed between commit and acknowledgement leaves one more; its number is used again,
     * and deduplicated. */
    print_message("crash: %u events acknowledged, %llu jobs, %d kills\n", last,
                  (unsigned long long)counts.queued, KILLS);
    assert_true(last >= KILLS);
    assert_in_range(counts.queued, last, last + 1);
    store_close(store);
    engine_close(&engine);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crash__every_acknowledged_event_has_its_job),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
