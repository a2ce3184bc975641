/* SPDX-License-Identifier: Apache-2.0 */
/* Several processes on one store: what each engine must keep, whoever comes first, is killed, or
 * loses its connection. */
#include "fixture.h"

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

enum { CHILDREN = 4, JOBS = 120, KILLS = 12 };

/* Children are forked without a connection of the parent's. */
typedef void work(struct fixture *f, unsigned child, int out);

static void let_go(struct fixture *f)
{
    store_close(f->store);
    f->store = NULL;
}

static pid_t fork_one(struct fixture *f, work *run, unsigned child, const int ends[2])
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct err why = {0};
        close(ends[0]);
        if (!store_open(f->engine.name, STORE_RELAXED, &f->store, &why)) {
            fprintf(stderr, "child: %s\n", why.msg);
            _exit(9);
        }
        run(f, child, ends[1]);
        store_close(f->store);
        _exit(0);
    }
    return pid;
}

static void fork_all(struct fixture *f, work *run, int ends[2], pid_t pids[static CHILDREN])
{
    let_go(f);
    assert_int_equal(pipe(ends), 0);
    for (unsigned i = 0; i < CHILDREN; i++)
        pids[i] = fork_one(f, run, i, ends);
    close(ends[1]);
}

static void join_all(struct fixture *f, int ends[2], const pid_t pids[static CHILDREN])
{
    close(ends[0]);
    for (unsigned i = 0; i < CHILDREN; i++) {
        int status = 0;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
    open_it(f);
}

static void say(void *ctx, const char *what, uint64_t n)
{
    (void)ctx;
    print_message("%llu %s\n", (unsigned long long)n, what);
}

static void assert_whole(struct fixture *f)
{
    struct store_counts counts;
    unsigned n = 0;
    assert_ok(store_check_whole(f->store, NULL, say, NULL, &n, &counts, &err), err);
    assert_int_equal(n, 0);
}

/* --- claims
 * ------------------------------------------------------------------------------------------------
 */
static enum next lease_any(struct fixture *f, struct job *job, struct err *why)
{
    static const enum job_kind kinds[] = {JOB_SCAN};
    const struct lease_spec spec = {.kinds = kinds, .n_kinds = 1, .now = f->now, .lease_s = 60};
    return store_job_lease(f->store, &f->arena, &spec, job, why);
}

static unsigned image_of(const struct job *job)
{
    unsigned n = 0;
    for (size_t i = 0; i < job->digest.len; i++) {
        char c = job->digest.ptr[i];
        n = n * 16 + (unsigned)(c >= 'a' ? c - 'a' + 10 : c - '0');
    }
    return n & 0xffff;
}

/* Findings in an order of its own: what two write at once they write crosswise. */
static struct report *report_turned(struct fixture *f, unsigned image, unsigned child)
{
    struct report *r = report_of(f, image, 0, 12);
    for (size_t i = 0; child % 2 && i < r->findings.len / 2; i++) {
        struct finding one = r->findings.ptr[i];
        r->findings.ptr[i] = r->findings.ptr[r->findings.len - 1 - i];
        r->findings.ptr[r->findings.len - 1 - i] = one;
    }
    return r;
}

static void claim(struct fixture *f, unsigned child, int out)
{
    struct job job;
    struct err why = {0};
    enum next next;
    while ((next = lease_any(f, &job, &why)) == NEXT_ITEM) {
        struct store_result result = {.report = report_turned(f, image_of(&job), child)};
        const struct job_outcome outcome = {
            .results = &result, .n_results = 1, .generation = 7, .revision = 3, .now = f->now};
        if (!store_job_finish(f->store, &job, &outcome, &why) ||
            write(out, &job.id, sizeof(job.id)) != sizeof(job.id))
            break;
    }
    if (err_is(&why)) {
        fprintf(stderr, "child %u: %s\n", child, why.msg);
        _exit(1);
    }
}

static void queue(struct fixture *f, struct store_registry *registries, unsigned n_registries)
{
    for (unsigned r = 0; r < n_registries; r++) {
        char name[16];
        snprintf(name, sizeof(name), "reg%u", r);
        registries[r] = registry_named("");
        registries[r].name = arena_dup(&f->arena, str_from(name));
        assert_ok(store_registry_put(f->store, &registries[r], f->now, &err), err);
        for (unsigned i = 0; i < JOBS / n_registries; i++) {
            char id[16];
            struct event_counts counts;
            snprintf(id, sizeof(id), "%u", i);
            struct store_event event = push(f, id, 1 + i, "v");
            assert_ok(
                store_events_add(f->store, registries[r].id, &event, 1, f->now, &counts, &err),
                err);
            assert_int_equal(counts.n_jobs, 1);
        }
    }
}

static void test_shared__each_job_is_claimed_once_and_billed_once(void **state)
{
    struct fixture *f = *state;
    struct store_registry registries[3];
    int ends[2];
    pid_t pids[CHILDREN];
    int64_t id;
    static unsigned char seen[4 * JOBS];
    unsigned n = 0;
    queue(f, registries, 3);
    fork_all(f, claim, ends, pids);
    while (read(ends[0], &id, sizeof(id)) == sizeof(id)) {
        assert_in_range(id, 1, sizeof(seen) - 1);
        assert_int_equal(seen[id]++, 0);
        n++;
    }
    join_all(f, ends, pids);
    assert_int_equal(n, JOBS);
    struct job_counts counts;
    assert_ok(store_jobs_count(f->store, &counts, &err), err);
    assert_int_equal(counts.done, JOBS);
    /* three registries of one subscription have the same digests */
    store_ledger ledger = {0};
    const struct ledger_span ever = {0, INT64_MAX};
    const struct store_page page = {.limit = STORE_PAGE_MAX};
    str next;
    assert_ok(store_ledger_list(f->store, &f->arena, &ever, &page, &ledger, &next, &err), err);
    assert_int_equal(ledger.len, JOBS / 3);
    assert_int_equal(engine_number(&f->engine, "SELECT COUNT(*) FROM findings"), JOBS * 12);
    assert_whole(f);
}

/* --- the same new store, opened by all at once
 * --------------------------------------------------------------------------------------------- */
static void open_only(struct fixture *f, unsigned child, int out)
{
    (void)f;
    (void)child;
    (void)out;
}

static void test_shared__a_new_store_may_be_opened_by_all_at_once(void **state)
{
    struct fixture *f = *state;
    struct engine mine = f->engine;
    int ends[2];
    pid_t pids[CHILDREN];
    engine_open(&f->engine, &f->arena);
    fork_all(f, open_only, ends, pids);
    join_all(f, ends, pids);
    assert_int_equal(engine_number(&f->engine, "SELECT MAX(version) FROM migrations"),
                     store_schema_version());
    let_go(f);
    engine_close(&f->engine);
    f->engine = mine;
    open_it(f);
}

/* --- killed
 * ------------------------------------------------------------------------------------------------
 */
/* For ever: the same images with other findings. */
static void write_and_write(struct fixture *f, unsigned child, int out)
{
    struct err why;
    (void)child;
    for (unsigned i = 0;; i++) {
        struct job job;
        const struct job_spec spec = {.kind = JOB_SCAN,
                                      .registry_id = f->registry.id,
                                      .repository = STR("team/app"),
                                      .digest = digest_n(f, 1 + i % 3)};
        if (!store_job_add(f->store, &spec, f->now, NULL, &why) ||
            lease_any(f, &job, &why) != NEXT_ITEM)
            _exit(2);
        struct store_result result = {.report = report_of(f, 1 + i % 3, i, 40 + i % 50)};
        const struct job_outcome outcome = {
            .results = &result, .n_results = 1, .generation = 7, .revision = 3, .now = f->now};
        if (!store_job_finish(f->store, &job, &outcome, &why) || write(out, &i, sizeof(i)) < 0)
            _exit(3);
        if (i % 16 == 15)
            arena_reset(&f->arena);
    }
}

static void test_shared__killed_in_the_middle_leaves_all_or_nothing(void **state)
{
    struct fixture *f = *state;
    for (unsigned k = 0; k < KILLS; k++) {
        int ends[2], status = 0;
        unsigned n, n_wanted = 1 + k % 5;
        let_go(f);
        assert_int_equal(pipe(ends), 0);
        pid_t child = fork_one(f, write_and_write, 0, ends);
        close(ends[1]);
        while (n_wanted-- && read(ends[0], &n, sizeof(n)) == sizeof(n))
            ;
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        close(ends[0]);
        open_it(f);
        assert_whole(f);
        assert_ok(store_jobs_expire(f->store, f->now + 1000, false, 100, NULL, &err), err);
    }
}

/* --- news
 * --------------------------------------------------------------------------------------------------
 */
static void test_shared__who_waits_is_told_of_work(void **state)
{
    struct fixture *f = *state;
    struct store *other;
    if (!store_is_shared(f->store)) {
        assert_int_equal(store_wait(f->store, 1, &err), NEXT_ERR);
        assert_int_equal(err.kind, ERR_UNSUPPORTED);
        return;
    }
    assert_ok(store_open(f->engine.name, STORE_RELAXED, &other, &err), err);
    assert_int_equal(store_wait(f->store, 0, &err), NEXT_END); /* it listens now */
    const struct job_spec spec = {.kind = JOB_REFRESH, .repository = STR("feed")};
    assert_ok(store_job_add(other, &spec, f->now, NULL, &err), err);
    assert_int_equal(store_wait(f->store, 20000, &err), NEXT_ITEM);
    assert_int_equal(store_wait(f->store, 0, &err), NEXT_END);
    store_close(other);
}

/* --- what a server of PostgreSQL can do to us
 * --------------------------------------------------------------------------------------------------
 */
static void cut_all(void)
{
    engine_pg(getenv("TEST_POSTGRES"),
              "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE"
              " pid <> pg_backend_pid() AND backend_type = 'client backend'");
}

static void test_postgres__a_lost_connection_is_made_again(void **state)
{
    struct fixture *f = *state;
    str value;
    assert_ok(store_meta_set(f->store, STR("k"), STR("1"), &err), err);
    assert_int_equal(store_wait(f->store, 0, &err), NEXT_END);
    cut_all(); /* then a read */
    assert_ok(store_meta_get(f->store, &f->arena, STR("k"), &value, &err), err);
    assert_str(value, "1");
    cut_all(); /* then a transaction */
    scan_image(f, 1, report_of(f, 1, 0, 3));
    cut_all(); /* then a read of several statements */
    assert_int_equal(count_findings(f), 3);
    cut_all(); /* then a write of its own: nobody knows whether it arrived, the next one does */
    if (!store_meta_set(f->store, STR("k"), STR("2"), &err)) {
        assert_int_equal(err.kind, ERR_UNAVAILABLE);
        assert_ok(store_meta_set(f->store, STR("k"), STR("2"), &err), err);
    }
    cut_all(); /* then somebody who waits */
    assert_int_not_equal(store_wait(f->store, 1000, &err), NEXT_ITEM);
    assert_int_equal(store_wait(f->store, 0, &err), NEXT_END);
}

static void test_postgres__what_it_says_becomes_our_kinds(void **state)
{
    struct fixture *f = *state;
    struct store *store = NULL;
    assert_false(store_open("postgres:host=/nowhere password=hush", STORE_RELAXED, &store, &err));
    assert_int_equal(err.kind, ERR_UNAVAILABLE);
    assert_null(strstr(err.msg, "hush"));
    assert_non_null(strstr(err.msg, "/nowhere"));
    assert_false(
        store_open("postgresql://me:hush@localhost:1/x?sslmode=off", STORE_RELAXED, &store, &err));
    assert_null(strstr(err.msg, "hush"));
    char name[800];
    snprintf(name, sizeof(name), "postgres:%s dbname=nothing", getenv("TEST_POSTGRES"));
    assert_false(store_open(name, STORE_RELAXED, &store, &err));
    assert_int_equal(err.kind, ERR_UNAVAILABLE);
    assert_non_null(strstr(err.msg, "\"nothing\""));
    assert_false(store_name_check(STR("mysql://x"), &err));
    assert_int_equal(err.kind, ERR_USAGE);
    assert_str(store_describe(&f->arena, "postgresql://me:hush@db.example/plimsoll"),
               "postgresql user=me dbname=plimsoll host=db.example");
}

/* A trigger that says what a server in trouble says; nextval() is not rolled back, so it can stop.
 */
static void trouble(struct fixture *f, const char *state_code, unsigned n_times)
{
    char sql[700];
    snprintf(
        sql, sizeof(sql),
        "SET client_min_messages = warning; CREATE SEQUENCE IF NOT EXISTS n; ALTER SEQUENCE n "
        "RESTART;"
        "CREATE OR REPLACE FUNCTION trouble() RETURNS trigger LANGUAGE plpgsql AS $t$ BEGIN"
        " IF nextval('n') <= %u THEN RAISE EXCEPTION 'in trouble' USING ERRCODE = '%s'; END IF;"
        " RETURN NEW; END $t$;"
        "CREATE OR REPLACE TRIGGER trouble BEFORE INSERT ON events"
        " FOR EACH ROW EXECUTE FUNCTION trouble()",
        n_times, state_code);
    engine_run(&f->engine, sql);
}

static void test_postgres__each_trouble_has_its_kind(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *code;
        enum err_kind kind;
    } rows[] = {
        {"53100", ERR_UNAVAILABLE}, /* disk full */
        {"53200", ERR_UNAVAILABLE}, /* out of memory */
        {"57P01", ERR_UNAVAILABLE}, /* admin shutdown */
        {"58030", ERR_UNAVAILABLE}, /* I/O error */
        {"25006", ERR_UNAVAILABLE}, /* a standby: read only */
        {"23505", ERR_CONFLICT},    /* unique violation */
        {"57014", ERR_CANCELLED},   /* query cancelled */
        {"42501", ERR_DENIED},      /* insufficient privilege */
        {"54000", ERR_LIMIT},       /* program limit exceeded */
        {"XX001", ERR_FORMAT},      /* data corrupted */
        {"42P01", ERR_IO},          /* undefined table */
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct store_event event = push(f, rows[i].code, 1, "");
        struct event_counts counts;
        trouble(f, rows[i].code, 1000);
        assert_false(store_events_add(f->store, f->registry.id, &event, 1, f->now, &counts, &err));
        if (err.kind != rows[i].kind)
            fail_msg("%s becomes %s", rows[i].code, err_row(err.kind)->name);
        assert_non_null(strstr(err.msg, "in trouble"));
        assert_int_equal(counts.n_new, 0);
        trouble(f, rows[i].code, 0);
        assert_int_equal(add(f, &event, 1).n_new, 1); /* nothing was kept, and all goes on */
    }
}

static void test_postgres__what_another_writer_spoilt_is_done_again(void **state)
{
    struct fixture *f = *state;
    static const char *const codes[] = {"40001", "40P01"}; /* serialization failure, deadlock */
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        struct store_event event = push(f, codes[i], (unsigned)i, "v1");
        trouble(f, codes[i], 3);
        struct event_counts counts = add(f, &event, 1);
        assert_int_equal(counts.n_new, 1);
        assert_int_equal(counts.n_jobs, 1);
    }
    assert_whole(f);
}

struct blocked {
    struct fixture *f;
    struct err err;
    atomic_bool is_done;
    bool ok;
};

static void *purge_now(void *arg)
{
    struct blocked *b = arg;
    b->ok = store_purge(b->f->store, 1, &b->err);
    atomic_store(&b->is_done, true);
    return NULL;
}

static void test_postgres__what_waits_can_be_interrupted(void **state)
{
    struct fixture *f = *state;
    struct blocked b = {.f = f};
    pthread_t thread;
    PGconn *db = PQconnectdb(getenv("TEST_POSTGRES"));
    /* as a writer holds it */
    PQclear(PQexec(db, "BEGIN; SELECT pg_advisory_xact_lock_shared(8100965748541713516)"));
    assert_int_equal(pthread_create(&thread, NULL, purge_now, &b), 0);
    while (!atomic_load(&b.is_done))
        store_interrupt(f->store);
    pthread_join(thread, NULL);
    assert_false(b.ok);
    assert_int_equal(b.err.kind, ERR_CANCELLED);
    PQfinish(db);
    assert_ok(store_purge(f->store, 1, &err), err);
}

static void test_shared__text_that_is_no_utf8_does_not_stop_a_result(void **state)
{
    struct fixture *f = *state;
    struct report *r = report_of(f, 1, 0, 1);
    r->findings.ptr[0].path = str_of("opt/\xff\xfe\0x", 9);
    r->layers.ptr[0].created_by = STR("COPY \xc3( /");
    scan_image(f, 1, r);
    assert_int_equal(count_findings(f), 1);
    str next;
    str path = findings_all(f, 10, &next, STR("")).ptr[0].finding.path;
    assert_true(str_starts(path, STR("opt/")));
}

/* --- what a disk can do to a file of SQLite
 * ---------------------------------------------------------------------------------------------- */
static void test_sqlite__a_full_disk_keeps_nothing_and_goes_on(void **state)
{
    struct fixture *f = *state;
    struct rlimit was, small;
    struct store_event event = push(f, "e", 1, "v1");
    struct event_counts counts;
    if (f->engine.is_postgres)
        return; /* there it is the server's: each_trouble_has_its_kind */
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    small = was;
    small.rlim_cur = 4096;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    bool ok = store_events_add(f->store, f->registry.id, &event, 1, f->now, &counts, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
    assert_false(ok);
    assert_int_equal(err.kind, ERR_UNAVAILABLE);
    assert_int_equal(add(f, &event, 1).n_new, 1);
    assert_whole(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_shared__each_job_is_claimed_once_and_billed_once),
        T(test_shared__a_new_store_may_be_opened_by_all_at_once),
        T(test_shared__killed_in_the_middle_leaves_all_or_nothing),
        T(test_shared__who_waits_is_told_of_work),
        T(test_shared__text_that_is_no_utf8_does_not_stop_a_result),
        T(test_sqlite__a_full_disk_keeps_nothing_and_goes_on),
    };
    const struct CMUnitTest on_postgres[] = {
        T(test_postgres__a_lost_connection_is_made_again),
        T(test_postgres__what_it_says_becomes_our_kinds),
        T(test_postgres__each_trouble_has_its_kind),
        T(test_postgres__what_another_writer_spoilt_is_done_again),
        T(test_postgres__what_waits_can_be_interrupted),
    };
    int bad = cmocka_run_group_tests(tests, NULL, NULL);
    return engine_has_postgres() ? bad + cmocka_run_group_tests(on_postgres, NULL, NULL) : bad;
}
