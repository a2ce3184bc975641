/* SPDX-License-Identifier: Apache-2.0 */
#include "run.h"

#include "base/num.h"

static void add_finding(struct arena *arena, struct report *report, str word)
{
    struct finding *f = vec_push(arena, &report->findings);
    str severity, mark;
    f->is_patchable = str_ends(word, STR("+"));
    if (f->is_patchable)
        word = str_slice(word, 0, word.len - 1);
    str_cut_byte(word, '-', &severity, &mark);
    if (str_eq(mark, STR("disabled")))
        f->disabled_by = STR("a rule");
    if (str_eq(mark, STR("headers")))
        f->class = CLASS_KERNEL_HEADERS;
    assert_true(severity_parse(severity, &f->severity));
}

/* "unhealthy/incomplete:high,low" */
static struct report *report_of(struct arena *arena, str text)
{
    static const struct {
        const char *name;
        enum verdict verdict;
    } verdicts[] = {{"healthy", VERDICT_HEALTHY},
                    {"unhealthy", VERDICT_UNHEALTHY},
                    {"notapplicable", VERDICT_NOT_APPLICABLE},
                    {"failed", VERDICT_FAILED},
                    {"unknown", VERDICT_UNKNOWN}};
    struct report *report = arena_new(arena, struct report);
    str verdict, incomplete, list, word;
    bool is_known = false;
    str_cut_byte(text, ':', &verdict, &list);
    report->is_complete = !str_cut_byte(verdict, '/', &verdict, &incomplete);
    for (size_t i = 0; i < ARRAY_LEN(verdicts); i++) {
        if (str_eq(verdict, str_from(verdicts[i].name))) {
            report->verdict = verdicts[i].verdict;
            is_known = true;
        }
    }
    assert_true(is_known);
    while (list.len && str_next(&list, ',', &word))
        add_finding(arena, report, word);
    return report;
}

static void filter_of(str text, struct report_filter *filter)
{
    struct err err = {0};
    filter->hides_unfixed = str_eq(text, STR("ignore-unfixed"));
    filter->hides_unknown = str_eq(text, STR("ignore-unknown"));
    if (str_starts(text, STR("severity=")))
        assert_ok(severities_parse(str_skip(text, 9), &filter->severities, &err), err);
}

static int code_of(struct arena *arena, str gate_text, str filter_text, str list)
{
    struct gate gate = {0};
    struct report_filter filter = {0};
    const struct report *all[8];
    size_t n = 0;
    str word;
    gate.is_set = severity_parse(gate_text, &gate.severity);
    filter_of(filter_text, &filter);
    while (list.len && str_next(&list, ' ', &word))
        all[n++] = report_of(arena, word);
    return scan_exit_code(all, n, &filter, &gate);
}

static void test_scan__exit_codes(void **state)
{
    struct arena arena;
    struct rd in;
    str row, gate, filter, list, want;
    size_t n = 0;
    (void)state;
    arena_init(&arena, 4 << 20);
    rd_init(&in, test_data(&arena, "cmd/exit.txt"));
    while (test_next_row(&in, &row)) {
        uint64_t code;
        assert_true(str_cut(row, STR(" | "), &gate, &row) &&
                    str_cut(row, STR(" | "), &filter, &row) &&
                    str_cut(row, STR("| "), &list, &want));
        assert_true(str_to_u64(want, 9, &code));
        int got = code_of(&arena, gate, filter, str_trim(list));
        if (got != (int)code)
            fail_msg("line %zu: is %d", in.line, got);
        n++;
    }
    assert_true(n >= 30);
    arena_fini(&arena);
}

static void test_scan__default_database(void **state)
{
    const struct {
        struct db_dir_input in;
        const char *dir;
    } rows[] = {
        {{.option = "/a", .env = "/b", .is_root = true}, "/a"},
        {{.env = "/b", .xdg_cache_home = "/c", .home = "/d", .is_root = true}, "/b"},
        {{.xdg_cache_home = "/c", .home = "/d", .is_root = true}, "/var/lib/plimsoll/db"},
        {{.xdg_cache_home = "/c", .home = "/d"}, "/c/plimsoll/db"},
        {{.xdg_cache_home = "relative", .home = "/d"}, "/d/.cache/plimsoll/db"},
        {{.env = "", .xdg_cache_home = "", .home = "/d"}, "/d/.cache/plimsoll/db"},
        {{.home = ""}, ""},
    };
    struct arena arena;
    (void)state;
    arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_str(cmd_db_dir_of(&arena, &rows[i].in), rows[i].dir);
    arena_fini(&arena);
}

/* An empty folder as database, and a real if odd image: never a verdict. */
static void test_scan__without_database_says_how_to_make_one(void **state)
{
    struct arena arena;
    (void)state;
    arena_init(&arena, 1 << 20);
    const char *dir = test_mkdir(&arena);
    const char *source = arena_printf(&arena, "dir:%s", dir).ptr;
    struct run run = RUN(&arena, "scan", source, "--db", dir);
    assert_int_equal(run.code, EXIT_INCOMPLETE);
    assert_str(run.out, "");
    assert_true(str_starts(run.errors, STR("plimsoll: ")));
    if (!str_has(run.errors, STR("`plimsoll db update`")))
        fail_msg("is \"" STR_FMT "\"", STR_ARG(run.errors));
    test_rmdir(dir);
    arena_fini(&arena);
}

static void test_scan__missing_source_leaves_no_file(void **state)
{
    struct arena arena;
    (void)state;
    arena_init(&arena, 1 << 20);
    const char *dir = test_mkdir(&arena);
    const char *file = arena_printf(&arena, "%s/report.json", dir).ptr;
    struct run run = RUN(&arena, "scan", "oci:/no/such/layout", "--db", dir, "-o", file);
    assert_int_equal(run.code, EXIT_INCOMPLETE);
    assert_int_equal(access(file, F_OK), -1);
    test_rmdir(dir);
    arena_fini(&arena);
}

/* --- decisions and the last line
 * ------------------------------------------------------------------------ */
static const char *write_file(struct arena *arena, const char *dir, const char *name,
                              const char *text)
{
    const char *path = arena_printf(arena, "%s/%s", dir, name).ptr;
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    return path;
}

/* Before the database is missed, the source looked for, or a sandbox made. */
static void test_scan__a_bad_rules_or_vex_file_is_usage_with_its_place(void **state)
{
    struct arena arena;
    (void)state;
    arena_init(&arena, 1 << 20);
    const char *dir = test_mkdir(&arena);
    const char *rules = write_file(&arena, dir, "rules.yaml",
                                   "rules:\n- name: a\n  criteria:\n    severity: low\n");
    const char *vex = write_file(&arena, dir, "vex.json", "{\n  \"statements\": oops }\n");
    struct run run = RUN(&arena, "scan", "oci:/no/such", "--db", dir, "--rules", rules);
    assert_int_equal(run.code, EXIT_USAGE);
    if (!str_has(run.errors, arena_printf(&arena, "%s:4:5: unknown key severity", rules)))
        fail_msg("is \"" STR_FMT "\"", STR_ARG(run.errors));
    run = RUN(&arena, "scan", "oci:/no/such", "--db", dir, "--vex", vex);
    assert_int_equal(run.code, EXIT_USAGE);
    if (!str_has(run.errors, STR("line 2 column ")))
        fail_msg("is \"" STR_FMT "\"", STR_ARG(run.errors));
    run = RUN(&arena, "scan", "oci:/no/such", "--db", dir, "--rules", "/no/such/rules");
    assert_int_equal(run.code, EXIT_INCOMPLETE);
    assert_true(str_has(run.errors, STR("/no/such/rules")));
    run = RUN(&arena, "explain", "oci:/no/such", "CVE-2024-1", "--db", dir, "--rules", rules);
    assert_int_equal(run.code, EXIT_USAGE);
    test_rmdir(dir);
    arena_fini(&arena);
}

static void test_scan__verdict_line(void **state)
{
    static const char *const rows[][2] = {
        {"unhealthy:critical+,high,high-disabled,low-headers",
         "Unhealthy: 2 findings, 1 critical, 1 high, 1 with a fix, 1 disabled \xc2\xb7 src\n"},
        {"unhealthy/incomplete:low", "Unhealthy: at least 1 finding, 0 with a fix \xc2\xb7 src\n"},
        {"healthy:", "Healthy: nothing known against its 0 packages \xc2\xb7 src\n"},
        {"healthy:low-disabled",
         "Healthy: nothing known against its 0 packages but 1 disabled finding \xc2\xb7 src\n"},
        {"notapplicable:", "NotApplicable: no reason was given \xc2\xb7 src\n"},
    };
    struct arena arena;
    (void)state;
    setlocale(LC_CTYPE, "C.UTF-8");
    arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct report *report = report_of(&arena, str_from(rows[i][0]));
        const struct report *one = report;
        struct sb line;
        sb_init(&line, 1 << 16);
        report->source = STR("src");
        verdict_lines(&line, &one, 1);
        assert_str(sb_str(&line), rows[i][1]);
        sb_fini(&line);
    }
    arena_fini(&arena);
}

static void test_scan__gate_line(void **state)
{
    struct arena arena;
    struct sb line;
    (void)state;
    arena_init(&arena, 1 << 20);
    sb_init(&line, 1 << 16);
    const struct report *two[] = {
        report_of(&arena, STR("unhealthy:critical,low,unknown,high-disabled")),
        report_of(&arena, STR("unhealthy:high"))};
    const struct report_filter none = {0}, rated = {.hides_unknown = true};
    const struct gate high = {.is_set = true, .severity = SEVERITY_HIGH}, off = {0};
    gate_line(&line, two, 2, &none, &high);
    assert_str(sb_str(&line), "--fail-on high: 3 findings trip it\n");
    sb_clear(&line);
    gate_line(&line, two, 1, &rated, &high);
    assert_str(sb_str(&line), "--fail-on high: 1 finding trips it\n");
    sb_clear(&line);
    gate_line(&line, two, 2, &none, &off);
    assert_int_equal(line.len, 0);
    sb_fini(&line);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scan__exit_codes),
        cmocka_unit_test(test_scan__default_database),
        cmocka_unit_test(test_scan__without_database_says_how_to_make_one),
        cmocka_unit_test(test_scan__missing_source_leaves_no_file),
        cmocka_unit_test(test_scan__a_bad_rules_or_vex_file_is_usage_with_its_place),
        cmocka_unit_test(test_scan__verdict_line),
        cmocka_unit_test(test_scan__gate_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
