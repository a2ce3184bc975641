/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

/* --- what is expected
 * ----------------------------------------------------------------------------------- */
static str join(struct arena *arena, const strs *list)
{
    str out = STR("");
    for (size_t i = 0; i < list->len; i++)
        out = arena_printf(arena, STR_FMT "%s" STR_FMT, STR_ARG(out), i ? "," : "",
                           STR_ARG(list->ptr[i]));
    return out;
}

static str join_ratings(struct arena *arena, const struct finding *f)
{
    str out = STR("");
    for (size_t i = 0; i < f->ratings.len; i++)
        out = arena_printf(arena, STR_FMT "%s" STR_FMT ":%s", STR_ARG(out), i ? "," : "",
                           STR_ARG(f->ratings.ptr[i].source),
                           severity_name(f->ratings.ptr[i].severity));
    return out;
}

static str join_scores(struct arena *arena, const struct finding *f)
{
    str out = STR("");
    for (size_t i = 0; i < f->cvss.len; i++)
        out = arena_printf(arena, STR_FMT "%s" STR_FMT ":%.1f", STR_ARG(out), i ? "," : "",
                           STR_ARG(f->cvss.ptr[i].source), f->cvss.ptr[i].score);
    return out;
}

static str last_note(const struct finding *f) { return f->evidence.ptr[f->evidence.len - 1].note; }

/* Words of rows have no spaces. */
static str with_at_signs(struct arena *arena, str s)
{
    char *copy = arena_alloc(arena, s.len + 1);
    assert_non_null(copy);
    for (size_t i = 0; i < s.len; i++)
        copy[i] = s.ptr[i] == ' ' ? '@' : s.ptr[i];
    return str_of(copy, s.len);
}

static void check_word(struct world *world, const struct finding *f, str word)
{
    str key, value, is = STR_NONE;
    assert_true(str_cut_byte(word, '=', &key, &value));
    if (str_eq(key, STR("fixed")))
        is = f->fixed_version.len ? f->fixed_version : STR("-");
    else if (str_eq(key, STR("sev")))
        is = str_from(severity_name(f->severity));
    else if (str_eq(key, STR("state")))
        is = str_from(states[f->fix_state]);
    else if (str_eq(key, STR("class")))
        is = str_from(finding_class_name(f->class));
    else if (str_eq(key, STR("bin")))
        is = join(&world->arena, &f->binaries);
    else if (str_eq(key, STR("aka")))
        is = join(&world->arena, &f->aliases);
    else if (str_eq(key, STR("kev")))
        is = f->is_kev ? STR("yes") : STR("no");
    else if (str_eq(key, STR("epss")))
        is = arena_printf(&world->arena, "%g", f->epss);
    else if (str_eq(key, STR("cwe")))
        is = join(&world->arena, &f->cwes);
    else if (str_eq(key, STR("title")))
        is = f->title.len ? f->title : STR("-");
    else if (str_eq(key, STR("by")))
        is = arena_printf(&world->arena, STR_FMT "/" STR_FMT, STR_ARG(f->rated_by),
                          STR_ARG(f->rating_basis));
    else if (str_eq(key, STR("ratings")))
        is = join_ratings(&world->arena, f);
    else if (str_eq(key, STR("scores")))
        is = join_scores(&world->arena, f);
    else if (str_eq(key, STR("off"))) {
        is = f->disabled_by.len ? f->disabled_by : STR("-");
        assert_true(str_eq(f->disabled_reason, f->disabled_by.len ? last_note(f) : STR_NONE));
    } else if (str_eq(key, STR("note")))
        is = f->evidence.len && last_note(f).len ? last_note(f) : STR("-");
    else if (str_eq(key, STR("pkg")))
        is = arena_printf(&world->arena, STR_FMT "@" STR_FMT, STR_ARG(f->package_name),
                          STR_ARG(f->package_version));
    else if (str_eq(key, STR("ev")))
        is = arena_printf(&world->arena, "%zu", f->evidence.len);
    else if (str_eq(key, STR("layer")))
        is = arena_printf(&world->arena, "%d", f->layer);
    else
        fail_msg("word " STR_FMT, STR_ARG(word));
    if (str_has(value, STR("@")) && (str_eq(key, STR("by")) || str_eq(key, STR("note"))))
        is = with_at_signs(&world->arena, is);
    if (!str_eq(is, value))
        fail_msg(STR_FMT ": " STR_FMT " is '" STR_FMT "', expected '" STR_FMT "'", STR_ARG(f->id),
                 STR_ARG(key), STR_ARG(is), STR_ARG(value));
}

static void check_ground(const struct match_result *result, str word)
{
    static const char *const grounds[] = {[MATCH_NO_DISTRO] = "!no-distro",
                                          [MATCH_NOT_COVERED] = "!not-covered",
                                          [MATCH_NO_PACKAGES] = "!no-packages",
                                          [MATCH_OK] = "!ok"};
    assert_str(word, grounds[result->ground]);
}

struct expectation {
    size_t n_findings;
    bool is_incomplete;
};

static void check_finding(struct world *world, const struct match_result *result, str text,
                          struct expectation *expected)
{
    str id = next_word(&text);
    const struct finding *f = NULL;
    if (!str_eq(id, STR("none"))) {
        if (expected->n_findings >= result->findings.len)
            fail_msg(STR_FMT " is not found", STR_ARG(id));
        f = &result->findings.ptr[expected->n_findings++];
        if (!str_eq(f->id, id))
            fail_msg("is " STR_FMT ", expected " STR_FMT, STR_ARG(f->id), STR_ARG(id));
    }
    for (str word; (word = next_word(&text)).len;) {
        if (str_eq(word, STR("incomplete")))
            expected->is_incomplete = true;
        else if (word.ptr[0] == '!')
            check_ground(result, word);
        else
            check_word(world, f, word);
    }
}

static void check_row(str row)
{
    struct world world;
    struct match_result result;
    struct err err = {0};
    str part;
    parse_world(&world, &row);
    str wanted = column(&row);
    assert_ok(run(&world, &result, &err), err);
    struct expectation expected = {0};
    while (str_next(&wanted, ';', &part))
        check_finding(&world, &result, part, &expected);
    assert_int_equal(result.findings.len, expected.n_findings);
    assert_true(result.is_complete == !expected.is_incomplete);
    arena_fini(&world.arena);
}

/* Rows of every table; the row of a failure is the last one printed. */
static void check_table(const char *path, size_t *n)
{
    struct arena arena;
    struct rd in;
    arena_init(&arena, 1 << 20);
    rd_init(&in, test_data(&arena, path));
    for (str row; test_next_row(&in, &row); (*n)++) {
        print_message(STR_FMT "\n", STR_ARG(row));
        check_row(row);
    }
    arena_fini(&arena);
}

static void test_match__rules(void **state)
{
    (void)state;
    static const char *const tables[] = {"match/rules.txt",    "match/versions.txt",
                                         "match/scope.txt",    "match/identity.txt",
                                         "match/severity.txt", "match/vex.txt"};
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_LEN(tables); i++)
        check_table(tables[i], &n);
    print_message("# rows of the match: %zu/%zu\n", n, n);
    assert_true(n >= 300);
}

/* --- what a row does not say
 * ------------------------------------------------------------------------------ */
static void parse_text(struct world *world, char *text)
{
    str row = str_from(text);
    parse_world(world, &row);
}

static void test_match__evidence_explains(void **state)
{
    (void)state;
    struct world world;
    struct match_result result;
    struct err err = {0};
    char text[] = "debian 12 | deb libssl3 3.0-1 src=openssl/3.0-1 | osv/CVE-2024-1 openssl "
                  "1.0..1.1 3.0..3.0-2 |";
    parse_text(&world, text);
    assert_ok(run(&world, &result, &err), err);
    assert_int_equal(result.findings.len, 1);
    const struct finding *f = &result.findings.ptr[0];
    assert_int_equal(f->evidence.len, 1);
    assert_str(f->evidence.ptr[0].range, ">= 3.0, < 3.0-2");
    assert_str(f->evidence.ptr[0].comparator, "dpkg");
    assert_str(f->evidence.ptr[0].installed, "3.0-1");
    assert_str(f->evidence.ptr[0].record, "CVE-2024-1");
    assert_str(f->purl, "pkg:deb/debian/openssl@3.0-1?arch=source&distro=debian-12");
    assert_str(f->category, "Debian");
    assert_str(result.ecosystem, "Debian:12");
    arena_fini(&world.arena);
}

static void test_match__a_version_notice_names_package_and_advisory(void **state)
{
    (void)state;
    struct world world;
    struct match_result result;
    struct err err = {0};
    char text[] = "debian 12 | deb s 1_0 | osv/CVE-2024-1 s 0..2; osv/CVE-2024-2 s 0..2 |";
    parse_text(&world, text);
    assert_ok(run(&world, &result, &err), err);
    assert_int_equal(result.notices.len, 1); /* one a package, not one an advisory */
    assert_int_equal(result.notices.ptr[0].kind, NOTICE_VERSION);
    assert_true(result.notices.ptr[0].is_incomplete);
    assert_str(result.notices.ptr[0].path, "/db");
    assert_true(str_has(result.notices.ptr[0].message, STR("s 1_0")));
    assert_true(
        str_has(result.notices.ptr[0].message, STR("2 advisories, first CVE-2024-1 of osv")));
    arena_fini(&world.arena);
}

static void test_match__owned_packages_are_told(void **state)
{
    (void)state;
    struct world world;
    struct match_result result;
    struct err err = {0};
    char text[] = "debian 12 | npm a 1 owned=deb:node-a; npm b 1 owned=deb:node-a; deb node-a 1 | "
                  "osv/CVE-2024-1 a 0..2 eco=npm |";
    parse_text(&world, text);
    assert_ok(run(&world, &result, &err), err);
    assert_int_equal(result.findings.len, 0);
    assert_int_equal(result.notices.len, 1);
    assert_int_equal(result.notices.ptr[0].kind, NOTICE_INFO);
    assert_false(result.notices.ptr[0].is_incomplete);
    assert_str(result.notices.ptr[0].message,
               "2 packages of other managers belong to packages of the distribution, whose "
               "advisories judge them: first npm a of deb:node-a");
    arena_fini(&world.arena);
}

/* A broken database is an error, never "nothing found". */
static void test_match__a_failing_look_up_is_an_error(void **state)
{
    (void)state;
    struct world world;
    struct match_result result;
    struct err err = {0};
    char text[] = "debian 12 | deb s 1 | osv/CVE-2024-1 s 0..2 |";
    parse_text(&world, text);
    world.is_failing = true;
    assert_false(run(&world, &result, &err));
    assert_int_equal(err.kind, ERR_FORMAT);
    world.is_failing = false;
    world.statements.ptr[0].affected.record = STR("CVE-2024-1");
    assert_ok(run(&world, &result, &err), err);
    arena_fini(&world.arena);
}

static void test_match__a_small_arena_is_an_error(void **state)
{
    (void)state;
    struct world world;
    char text[] = "debian 12 | deb s 1; deb t 1_0 | osv/GHSA-a s 0..2 aka=CVE-2024-1 sev=low; "
                  "osv/X-1 s 0..2; osv/Y t 0..2 |";
    parse_text(&world, text);
    const struct match_lookup lookup = lookup_of(&world);
    bool has_failed = false, has_worked = false;
    for (size_t budget = 0; budget < 64 << 10; budget += 64) {
        struct arena small;
        struct match_result result;
        struct err err = {0};
        arena_init(&small, budget);
        if (match_inventory(&lookup, &world.inventory, &small, &result, &err)) {
            has_worked = true;
            assert_int_equal(result.findings.len, 2);
            assert_false(result.is_complete);
        } else {
            has_failed = true;
            assert_int_equal(err.kind, ERR_MEMORY);
        }
        arena_fini(&small);
    }
    assert_true(has_failed && has_worked);
    arena_fini(&world.arena);
}

/* The order of packages and statements changes nothing. */
static void test_match__is_deterministic(void **state)
{
    (void)state;
    struct world a, b;
    struct match_result ra, rb;
    struct err err = {0};
    char one[] = "debian 12 | deb a 1 src=s/1; deb b 1 src=s/1 | osv/GHSA-a s 0..2 aka=CVE-2024-1; "
                 "debian-x/CVE-2024-1 s 0..3; osv/X s 0..2 |";
    char two[] = "debian 12 | deb b 1 src=s/1; deb a 1 src=s/1 | osv/X s 0..2; debian-x/CVE-2024-1 "
                 "s 0..3; osv/GHSA-a s 0..2 aka=CVE-2024-1 |";
    parse_text(&a, one);
    parse_text(&b, two);
    assert_ok(run(&a, &ra, &err), err);
    assert_ok(run(&b, &rb, &err), err);
    assert_int_equal(ra.findings.len, rb.findings.len);
    for (size_t i = 0; i < ra.findings.len; i++) {
        const struct finding *fa = &ra.findings.ptr[i], *fb = &rb.findings.ptr[i];
        assert_true(str_eq(fa->id, fb->id) && str_eq(fa->fixed_version, fb->fixed_version));
        assert_true(str_eq(join(&a.arena, &fa->binaries), join(&b.arena, &fb->binaries)));
        assert_int_equal(fa->evidence.len, fb->evidence.len);
        for (size_t j = 0; j < fa->evidence.len; j++)
            assert_true(str_eq(fa->evidence.ptr[j].record, fb->evidence.ptr[j].record));
    }
    arena_fini(&a.arena);
    arena_fini(&b.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_match__rules),
        cmocka_unit_test(test_match__evidence_explains),
        cmocka_unit_test(test_match__owned_packages_are_told),
        cmocka_unit_test(test_match__a_version_notice_names_package_and_advisory),
        cmocka_unit_test(test_match__a_failing_look_up_is_an_error),
        cmocka_unit_test(test_match__a_small_arena_is_an_error),
        cmocka_unit_test(test_match__is_deterministic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
