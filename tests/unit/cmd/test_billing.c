/* SPDX-License-Identifier: Apache-2.0 */
/* plimsoll billing: a month of the ledger, on the store that the tests run on. */
#include "run.h"

#include "../store/fixture.h"
#include "syntax/syntax.h"

static int fill(void **state)
{
    setup(state);
    struct fixture *f = *state;
    struct store_event event;
    f->now = 1793491200; /* 2026-11-01T00:00:00Z */
    scan_image(f, 1, report_of(f, 1, 0, 0));
    scan_image(f, 2, report_of(f, 2, 0, 1));
    event = push(f, "odd", 3, "v");
    event.repository = STR("=odd\"name\n");
    add(f, &event, 1);
    struct job job = lease(f);
    assert_ok(finish(f, &job, report_of(f, 3, 0, 0), JOB_END_DONE), err);
    f->now = 1796083200; /* December */
    scan_image(f, 4, report_of(f, 4, 0, 0));
    store_close(f->store);
    f->store = NULL;
    return 0;
}

static int empty(void **state)
{
    struct fixture *f = *state;
    open_it(f);
    return teardown(state);
}

static void assert_says(str text, const char *what)
{
    if (!str_has(text, str_from(what)))
        fail_msg("\"%s\" is not in: %.*s", what, STR_ARG(text));
}

static size_t count_lines(str text)
{
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++)
        n += text.ptr[i] == '\n';
    return n;
}

#define BILLING(...) RUN(&f->arena, "billing", "--store", f->engine.name, __VA_ARGS__)

static void test_billing__table_sums_up(void **state)
{
    struct fixture *f = *state;
    struct run run = BILLING("--month", "2026-11");
    if (run.code)
        fail_msg("%.*s", STR_ARG(run.errors));
    assert_says(run.out,
                "11111111-2222-3333-4444-555555555555  Main                               3\n");
    assert_says(run.out, "all                                3\n");
    assert_int_equal(count_lines(run.out), 3);
    run = BILLING("--month", "2026-12");
    assert_says(run.out, "all                                1\n");
    run = BILLING("--month", "2027-01");
    assert_int_equal(run.code, EXIT_DONE);
    assert_says(run.out, "all                                0\n");
}

static void test_billing__csv_has_every_entry(void **state)
{
    struct fixture *f = *state;
    struct run run = BILLING("--month", "2026-11", "--format", "csv");
    assert_int_equal(run.code, EXIT_DONE);
    assert_int_equal(count_lines(run.out), 4);
    assert_true(str_starts(run.out, STR("month,subscription,registry,repository,digest,at\r\n")));
    assert_says(run.out,
                "\"2026-11\",\"11111111-2222-3333-4444-555555555555\",\"Main\",\"team/app\","
                "\"sha256:0000000000000000000000000000000000000000000000000000000000000001"
                "\",\"2026-11-01T00:00:00Z\"\r\n");
    assert_says(run.out, "\"'=odd\"\"name\\x0a\"");
}

static void test_billing__json_is_what_the_server_says(void **state)
{
    struct fixture *f = *state;
    const char *path = arena_printf(&f->arena, "%s/out.json", f->engine.dir).ptr;
    struct run run = BILLING("--month", "2026-11", "--format", "json");
    assert_int_equal(run.code, EXIT_DONE);
    assert_says(run.out, "\"month\": \"2026-11\"");
    assert_says(run.out, "\"images\": 3");
    assert_says(run.out, "\"repository\": \"team/app\"");
    auto_json *root = NULL;
    assert_ok(json_read(run.out, &root, &err), err);
    assert_int_equal(json_array_size(json_arr(root, "value")), 3);
    assert_int_equal(json_array_size(json_arr(root, "totals")), 1);
    run = BILLING("--month", "2026-11", "--format", "json", "-o", path);
    assert_int_equal(run.code, EXIT_DONE);
    assert_int_equal(run.out.len, 0);
    assert_int_equal(access(path, R_OK), 0);
}

static void test_billing__says_what_it_wants(void **state)
{
    struct fixture *f = *state;
    struct run run = BILLING("--format", "csv");
    assert_int_equal(run.code, EXIT_USAGE);
    assert_says(run.errors, "--month");
    run = BILLING("--month", "2026-13");
    assert_int_equal(run.code, EXIT_USAGE);
    run = BILLING("--month", "2026-11", "--format", "xml");
    assert_int_equal(run.code, EXIT_USAGE);
    assert_says(run.errors, "table, json or csv");
    run = RUN(&f->arena, "billing", "--month", "2026-11");
    assert_int_equal(run.code, EXIT_USAGE);
    assert_says(run.errors, "name the store");
    run = RUN(&f->arena, "billing", "--month", "2026-11", "--store", "/nowhere/x.db");
    assert_int_equal(run.code, EXIT_INCOMPLETE);
}

#define B(name) cmocka_unit_test_setup_teardown(name, fill, empty)
int main(void)
{
    const struct CMUnitTest tests[] = {
        B(test_billing__table_sums_up),
        B(test_billing__csv_has_every_entry),
        B(test_billing__json_is_what_the_server_says),
        B(test_billing__says_what_it_wants),
    };
    setlocale(LC_CTYPE, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
