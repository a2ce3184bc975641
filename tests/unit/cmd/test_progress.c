/* SPDX-License-Identifier: Apache-2.0 */
#include "run.h"

static void expect(const struct progress *progress, int64_t now_ms, const char *text)
{
    struct sb out;
    size_t n_lines, n = 0;
    sb_init(&out, 1 << 20);
    progress_print(progress, now_ms, &out, &n_lines);
    assert_str(sb_str(&out), text);
    for (size_t i = 0; i < out.len; i++)
        n += out.ptr[i] == '\n';
    assert_int_equal(n, n_lines);
    sb_fini(&out);
}

static void test_progress__rate_and_time_left(void **state)
{
    (void)state;
    struct progress progress = {
        .fd = -1, .width = 80, .height = 24, .n_rows = 3, .started_ms = 1000};
    progress.rows[0] =
        (struct progress_row){.done = 10 << 20, .total = 10 << 20, .started_ms = 1000};
    progress.rows[1] =
        (struct progress_row){.done = 20 << 20, .total = 80 << 20, .started_ms = 1000};
    expect(&progress, 3000,
           "  layer 2/3  ████░░░░░░░░░░░░  25%  20.0 MiB of 80.0 MiB  10.0 MiB/s  6 s left\n"
           "  1 of 3 layers read, 30.0 MiB  15.0 MiB/s\n");
    expect(&progress, 1100, /* too early to tell */
           "  layer 2/3  ████░░░░░░░░░░░░  25%  20.0 MiB of 80.0 MiB\n"
           "  1 of 3 layers read, 30.0 MiB\n");
}

static void test_progress__unknown_total(void **state)
{
    (void)state;
    struct progress progress = {
        .fd = -1, .width = 80, .height = 24, .n_rows = 1, .started_ms = 1000};
    progress.rows[0] =
        (struct progress_row){.done = 3ULL << 30, .total = UINT64_MAX, .started_ms = 1000};
    expect(&progress, 61000,
           "  layer 1/1  3.0 GiB  51.2 MiB/s\n"
           "  0 of 1 layers read, 3.0 GiB  51.2 MiB/s\n");
}

static void test_progress__many_layers_fit_the_screen(void **state)
{
    (void)state;
    struct progress progress = {.fd = -1, .width = 50, .height = 6, .n_rows = 500, .started_ms = 1};
    for (size_t i = 0; i < 500; i++)
        progress.rows[i] =
            (struct progress_row){.done = 1 << 20, .total = 2 << 20, .started_ms = 1};
    struct sb out;
    size_t n_lines;
    sb_init(&out, 1 << 20);
    progress_print(&progress, 100000, &out, &n_lines);
    assert_int_equal(n_lines, 4);
    sb_fini(&out);
}

static void test_progress__a_row_an_image(void **state)
{
    (void)state;
    const str names[] = {STR("shop/cart:1"), STR("shop/pay:2"), STR("evil\033[2J")};
    struct progress progress = {.fd = -1, .width = 80, .height = 24, .started_ms = 1000};
    progress_name(&progress, names, 3);
    progress.rows[0] =
        (struct progress_row){.done = 10 << 20, .total = 10 << 20, .started_ms = 1000};
    progress.rows[0].is_over = true;
    progress.rows[1] =
        (struct progress_row){.done = 20 << 20, .total = 80 << 20, .started_ms = 1000};
    progress.rows[2] = (struct progress_row){.done = 1 << 20, .started_ms = 2900};
    expect(&progress, 3000,
           "  shop/pay:2  ████░░░░░░░░░░░░  25%  20.0 MiB of 80.0 MiB  10.0 MiB/s  6 s left\n"
           "  evil\\x1b[2J  1.0 MiB\n"
           "  1 of 3 images scanned, 31.0 MiB  15.5 MiB/s\n");
}

static void test_progress__feed_names_stay_text(void **state)
{
    (void)state;
    struct progress progress = {
        .fd = -1, .width = 80, .height = 24, .feed = "osv", .what = "\033[2JDebian/all.zip"};
    progress.rows[0] = (struct progress_row){.done = 1, .total = 2, .started_ms = 1000};
    expect(&progress, 2000, "  osv  ████████░░░░░░░░  50%  \\x1b[2JDebian/all.zip  1 s left\n");
}

static void test_progress__plain_lines_when_piped(void **state)
{
    (void)state;
    struct progress progress = {.fd = -1, .n_rows = 3, .started_ms = 1000};
    progress.rows[0] =
        (struct progress_row){.done = 10 << 20, .total = 10 << 20, .started_ms = 1000};
    progress.rows[1] =
        (struct progress_row){.done = 20 << 20, .total = 80 << 20, .started_ms = 1000};
    expect(&progress, 3000, "  1 of 3 layers read, 30.0 MiB  15.0 MiB/s\n");
    struct progress update = {.fd = -1, .feed = "osv", .what = "Debian/all.zip"};
    update.rows[0] = (struct progress_row){.done = 1, .total = 2, .started_ms = 1000};
    expect(&update, 2000, "  osv  50%  Debian/all.zip  1 s left\n");
}

static void test_progress__nothing_at_once_when_piped(void **state)
{
    (void)state;
    struct progress progress;
    int saved = dup(STDERR_FILENO), errors = memfd_create("errors", MFD_CLOEXEC);
    dup2(errors, STDERR_FILENO);
    progress_open(&progress, false);
    progress_layer(&progress, 0, 1, 1, 2);
    progress_feed(&progress, STR("osv"), STR("x"), 1, 2);
    progress_close(&progress);
    dup2(saved, STDERR_FILENO);
    close(saved);
    assert_int_equal(lseek(errors, 0, SEEK_END), 0);
    close(errors);
}

int main(void)
{
    setlocale(LC_CTYPE, "C.UTF-8");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_progress__rate_and_time_left),
        cmocka_unit_test(test_progress__unknown_total),
        cmocka_unit_test(test_progress__many_layers_fit_the_screen),
        cmocka_unit_test(test_progress__a_row_an_image),
        cmocka_unit_test(test_progress__feed_names_stay_text),
        cmocka_unit_test(test_progress__plain_lines_when_piped),
        cmocka_unit_test(test_progress__nothing_at_once_when_piped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
