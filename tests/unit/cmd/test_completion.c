/* SPDX-License-Identifier: Apache-2.0 */
#include "run.h"

#include "base/sb.h"

enum { WORDS_MAX = 16 };

static size_t split(str text, str *words)
{
    size_t n = 0;
    str word;
    text = str_trim(text);
    while (text.len && str_next(&text, ' ', &word)) {
        if (!word.len)
            continue;
        assert_true(n < WORDS_MAX);
        words[n++] = str_eq(word, STR("_")) ? STR("") : word;
    }
    return n;
}

static const char *const hints[] = {
    [COMPLETE_WORDS] = "-", [COMPLETE_FILE] = "file", [COMPLETE_DIR] = "dir"};

/* The wanted candidates in their order; "…" passes over any. */
static bool are_as(const struct completion *found, const str *wanted, size_t n)
{
    size_t at = 0;
    bool is_open = false;
    for (size_t i = 0; i < found->candidates.len; i++) {
        if (at < n && str_eq(wanted[at], STR("…"))) {
            is_open = true;
            at++;
        }
        bool is_next = at < n && str_eq(found->candidates.ptr[i].word, wanted[at]);
        if (!is_next && !is_open)
            return false;
        at += is_next;
    }
    return at == n || (at + 1 == n && str_eq(wanted[at], STR("…")));
}

static void check_row(struct arena *arena, const struct command *const *table, size_t n_table,
                      str row)
{
    str typed, rest, wanted, hint, words[WORDS_MAX], want[WORDS_MAX];
    struct completion found;
    str_cut_byte(row, '|', &typed, &rest);
    assert_true(str_cut_byte(rest, '|', &wanted, &hint));
    size_t n = split(typed, words), n_want = split(wanted, want);
    assert_true(cmd_complete(table, n_table, words, n, arena, &found));
    bool is_hint = str_eq(str_trim(hint), str_from(hints[found.hint]));
    if (is_hint && are_as(&found, want, n_want))
        return;
    auto_sb said;
    sb_init(&said, 16 << 10);
    for (size_t i = 0; i < found.candidates.len; i++)
        sb_addf(&said, " " STR_FMT, STR_ARG(found.candidates.ptr[i].word));
    fail_msg(STR_FMT ": offers" STR_FMT " (%s)", STR_ARG(row), STR_ARG(sb_str(&said)),
             hints[found.hint]);
}

static void test_complete__table(void **state)
{
    struct arena arena;
    size_t n_table, n_rows = 0;
    (void)state;
    arena_init(&arena, 4 << 20);
    const struct command *const *table = commands(&n_table);
    struct rd in;
    rd_init(&in, test_data(&arena, "cmd/complete.txt"));
    for (str row; test_next_row(&in, &row); n_rows++)
        check_row(&arena, table, n_table, row);
    assert_true(n_rows > 35);
    arena_fini(&arena);
}

static void test_completion__scripts(void **state)
{
    static const char *const shells[] = {"bash", "zsh", "fish"};
    struct arena arena;
    (void)state;
    arena_init(&arena, 4 << 20);
    for (size_t i = 0; i < 3; i++) {
        struct run run = RUN(&arena, "completion", shells[i]);
        assert_int_equal(run.code, EXIT_DONE);
        assert_true(str_has(run.out, STR("plimsoll completion --words")));
    }
    assert_int_equal(RUN(&arena, "completion").code, EXIT_USAGE);
    assert_int_equal(RUN(&arena, "completion", "csh").code, EXIT_USAGE);
    assert_int_equal(RUN(&arena, "completion", "bash", "zsh").code, EXIT_USAGE);
    arena_fini(&arena);
}

static void test_completion__words_and_what_they_mean(void **state)
{
    struct arena arena;
    (void)state;
    arena_init(&arena, 4 << 20);
    struct run run = RUN(&arena, "completion", "--words", "--", "db", "sta");
    assert_str(run.out, "status\tsay what the database was made of\n");
    run = RUN(&arena, "completion", "--words", "--", "scan", "--output", "x");
    assert_str(run.out, ":file\n");
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_complete__table),
        cmocka_unit_test(test_completion__scripts),
        cmocka_unit_test(test_completion__words_and_what_they_mean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
