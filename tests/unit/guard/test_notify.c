/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include <stdio.h>
#include <string.h>

#include "base/sb.h"
#include "guard/guard.h"

struct fixture {
    struct arena arena;
    const char *dir;
    struct config config;
    struct guard *guard;
    unsigned n_events;
};

static int setup(void **state)
{
    struct fixture *f = test_calloc(1, sizeof(*f));
    struct err err = {0};
    arena_init(&f->arena, 64 << 20);
    f->dir = test_mkdir(&f->arena);
    str text = arena_printf(
        &f->arena,
        "data-directory: %s\nnotification: {secret: s3cret}\nlog: {level: off}\n"
        "registries:\n- {name: lab, host: \"127.0.0.1:1\", username: robot$plimsoll, password: x}\n"
        "- {name: own, host: h, notification-secret: other}\n",
        f->dir);
    log_configure(LOG_OFF, false);
    assert_ok(config_parse(&f->arena, STR("FILE"), text, &f->config, &err), err);
    const struct guard_spec spec = {.config = &f->config};
    assert_ok(guard_open(&spec, &f->guard, &err), err);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    guard_close(f->guard);
    test_rmdir(f->dir);
    arena_fini(&f->arena);
    test_free(f);
    return 0;
}

static bool send(struct fixture *f, const char *registry, const char *secret, str body,
                 struct notify_result *out, struct err *err)
{
    const struct notification in = {
        .registry = str_from(registry), .secret = str_from(secret), .message = {.body = body}};
    return guard_notify(f->guard, &f->arena, &in, out, err);
}

static uint64_t count_jobs(struct fixture *f)
{
    struct store *store;
    struct err err = {0};
    struct job_counts counts;
    assert_ok(store_open(guard_store_path(f->guard), STORE_RELAXED, &store, &err), err);
    assert_ok(store_jobs_count(store, &counts, &err), err);
    store_close(store);
    return counts.queued + counts.cancelled;
}

/* One event of a rules file: "push m 1 v1 docker". */
static void event_print(struct fixture *f, struct sb *out, str event)
{
    str field[5], rest = str_trim(event);
    for (size_t i = 0; i < 5; i++)
        assert_true(str_next(&rest, ' ', &field[i]));
    const char *type = str_eq(field[1], STR("m"))   ? "application/vnd.oci.image.manifest.v1+json"
                       : str_eq(field[1], STR("i")) ? "application/vnd.oci.image.index.v1+json"
                       : str_eq(field[1], STR("b")) ? "application/octet-stream"
                                                    : "";
    uint64_t number = 0;
    assert_true(str_to_u64(field[2], 1000, &number));
    sb_addf(out,
            "{\"id\":\"e%u\",\"timestamp\":\"2021-08-09T12:00:%02u.5Z\",\"action\":\"" STR_FMT
            "\",\"target\":{",
            f->n_events, f->n_events, STR_ARG(field[0]));
    if (*type)
        sb_addf(out, "\"mediaType\":\"%s\",", type);
    if (!str_eq(field[3], STR("-")))
        sb_addf(out, "\"tag\":\"" STR_FMT "\",", STR_ARG(field[3]));
    sb_addf(out,
            "\"digest\":\"sha256:%064llx\",\"repository\":\"team/app\"},\"request\":{\"id\":\"r\","
            "\"method\":\"GET\",\"useragent\":\"" STR_FMT "\"}}",
            (unsigned long long)number, STR_ARG(field[4]));
    f->n_events++;
}

static str envelope(struct fixture *f, str events)
{
    auto_sb out;
    str one;
    sb_init(&out, 1 << 20);
    sb_addc(&out, "{\"events\":[");
    for (bool is_first = true; str_next(&events, ',', &one); is_first = false) {
        sb_addc(&out, is_first ? "" : ",");
        event_print(f, &out, one);
    }
    sb_addc(&out, "]}");
    return arena_dup(&f->arena, sb_str(&out));
}

static void test_notify__events_become_jobs_once(void **state)
{
    struct fixture *f = *state;
    struct rd in;
    str row, events, expected;
    size_t n = 0;
    rd_init(&in, test_data(&f->arena, "guard/events.txt"));
    while (test_next_row(&in, &row)) {
        struct notify_result result;
        struct err err = {0};
        char got[64];
        assert_true(str_cut(row, STR(" => "), &events, &expected));
        assert_ok(send(f, "lab", "s3cret", envelope(f, events), &result, &err), err);
        snprintf(got, sizeof(got), "%u %u %llu", result.n_events, result.n_ignored,
                 (unsigned long long)count_jobs(f));
        if (!str_eq(str_from(got), expected))
            fail_msg("%.*s: %s, expected %.*s", STR_ARG(events), got, STR_ARG(expected));
        n++;
    }
    assert_true(n >= 9);
}

/* By the user agent; a registry that does not tell one names the account, which may be ours. */
static void test_notify__own_pulls_do_not_count(void **state)
{
    struct fixture *f = *state;
    struct rd in;
    str row, counts, body;
    unsigned n = 0;
    rd_init(&in, test_data(&f->arena, "guard/own-pulls.txt"));
    while (test_next_row(&in, &row)) {
        struct notify_result result;
        struct err err = {0};
        assert_true(str_cut_byte(row, ' ', &counts, &body));
        assert_ok(send(f, "lab", "s3cret", body, &result, &err), err);
        if (result.n_events != str_eq(counts, STR("1")) || result.n_events + result.n_ignored != 1)
            fail_msg("%u events, %u ignored: %.*s", result.n_events, result.n_ignored,
                     STR_ARG(body));
        n++;
    }
    assert_true(n >= 28);
}

static void test_notify__sent_again_is_known(void **state)
{
    struct fixture *f = *state;
    struct notify_result result;
    struct err err = {0};
    str body = envelope(f, STR("push m 1 v1 docker"));
    assert_ok(send(f, "lab", "s3cret", body, &result, &err), err);
    assert_int_equal(result.stored.n_new, 1);
    assert_ok(send(f, "LAB", "s3cret", body, &result, &err), err);
    assert_int_equal(result.stored.n_new, 0);
    assert_int_equal(result.stored.n_known, 1);
    assert_int_equal(count_jobs(f), 1);
}

static void test_notify__wrong_secret_stores_nothing(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *registry, *secret;
    } bad[] = {{"lab", ""},
               {"lab", "wrong"},
               {"lab", "s3cret "},
               {"none", "s3cret"},
               {"own", "s3cret"},
               {"lab", "other"},
               {"", ""}};
    str body = envelope(f, STR("push m 1 v1 docker"));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct notify_result result;
        struct err err = {0};
        assert_false(send(f, bad[i].registry, bad[i].secret, body, &result, &err));
        assert_int_equal(err_row(err.kind)->http_status, 401);
    }
    assert_int_equal(count_jobs(f), 0);
    struct notify_result result;
    struct err err = {0};
    assert_ok(send(f, "own", "other", body, &result, &err), err);
    struct guard_status status;
    guard_status_get(f->guard, &status);
    assert_int_equal(status.notifications_accepted, 1);
    assert_int_equal(status.notifications_refused, 7);
}

static void test_notify__malformed_is_400_and_nothing_is_stored(void **state)
{
    struct fixture *f = *state;
    static const char *const bad[] = {
        "", "{", "[]", "{\"events\":1}", "nonsense",
        /* one good event does not carry a bad one */
        "{\"events\":[{\"id\":\"a\",\"action\":\"push\",\"target\":{\"mediaType\":"
        "\"application/vnd.oci.image.manifest.v1+json\",\"repository\":\"r\",\"digest\":"
        "\"sha256:0000000000000000000000000000000000000000000000000000000000000001\"}},"
        "{\"id\":\"b\",\"action\":\"push\",\"target\":{\"repository\":\"r\",\"digest\":\"sha256:"
        "1\"}}]}"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct notify_result result;
        struct err err = {0};
        if (send(f, "lab", "s3cret", str_from(bad[i]), &result, &err))
            fail_msg("is accepted: %s", bad[i]);
        assert_int_equal(err_row(err.kind)->http_status, 400);
    }
    assert_int_equal(count_jobs(f), 0);
}

static void test_notify__too_large_is_413(void **state)
{
    struct fixture *f = *state;
    struct notify_result result;
    struct err err = {0};
    f->config.limits.of[LIMIT_ID_EVENTS_BODY] = 100;
    assert_false(send(f, "lab", "s3cret", envelope(f, STR("push m 1 v1 docker")), &result, &err));
    assert_int_equal(err_row(err.kind)->http_status, 413);
    assert_int_equal(count_jobs(f), 0);
}

static void test_guard__second_server_on_the_same_data_is_refused(void **state)
{
    struct fixture *f = *state;
    struct guard *other = NULL;
    struct err err = {0};
    const struct guard_spec spec = {.config = &f->config};
    assert_false(guard_open(&spec, &other, &err));
    assert_int_equal(err.kind, ERR_CONFLICT);
    assert_non_null(strstr(err.msg, f->dir));
}

/* A killed server's lease: the next one takes the job back at once, without waiting for the time.
 */
static void test_guard__takes_back_what_a_killed_server_held(void **state)
{
    struct fixture *f = *state;
    struct notify_result result;
    struct err err = {0};
    struct store *store;
    struct job job;
    static const enum job_kind kinds[] = {JOB_SCAN};
    const struct lease_spec lease = {
        .kinds = kinds, .n_kinds = 1, .now = INT64_C(4000000000), .lease_s = 3600};
    assert_ok(send(f, "lab", "s3cret", envelope(f, STR("push m 1 v1 docker")), &result, &err), err);
    assert_ok(store_open(guard_store_path(f->guard), STORE_RELAXED, &store, &err), err);
    assert_int_equal(store_job_lease(store, &f->arena, &lease, &job, &err), NEXT_ITEM);
    assert_int_equal(count_jobs(f), 0);
    guard_close(f->guard);
    const struct guard_spec spec = {.config = &f->config};
    assert_ok(guard_open(&spec, &f->guard, &err), err);
    assert_int_equal(count_jobs(f), 1);
    const struct job_outcome late = {.end = JOB_END_DONE, .now = lease.now};
    assert_false(store_job_finish(store, &job, &late, &err));
    assert_int_equal(err.kind, ERR_CONFLICT);
    store_close(store);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_notify__events_become_jobs_once),
        T(test_notify__own_pulls_do_not_count),
        T(test_notify__sent_again_is_known),
        T(test_notify__wrong_secret_stores_nothing),
        T(test_notify__malformed_is_400_and_nothing_is_stored),
        T(test_notify__too_large_is_413),
        T(test_guard__second_server_on_the_same_data_is_refused),
        T(test_guard__takes_back_what_a_killed_server_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
