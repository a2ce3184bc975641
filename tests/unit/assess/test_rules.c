/* SPDX-License-Identifier: Apache-2.0 */
#include "../rows.h"

#include "assess/assess.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/sb.h"

#define NOW 1795506277 /* 2026-11-24 */

/* --- criteria and scope: a row each
 * ---------------------------------------------------------------------- */
static str decode(struct arena *arena, str text)
{
    char *copy = arena_alloc(arena, text.len + 1);
    for (size_t i = 0; i < text.len; i++)
        copy[i] = (char)(text.ptr[i] == '@' ? ' ' : text.ptr[i]);
    return str_of(copy, text.len);
}

static void add_score(struct arena *arena, struct finding *f, const char *version, str value)
{
    struct cvss *cvss = vec_push(arena, &f->cvss);
    *cvss = (struct cvss){.version = str_from(version),
                          .score = strtod(arena_cstr(arena, value), NULL),
                          .is_scored = true};
}

struct scene {
    struct arena arena;
    struct finding finding;
    struct distro distro;
    struct rule_image image;
};

static void read_word(struct scene *s, str word)
{
    str key, value, item;
    struct finding *f = &s->finding;
    str_cut_byte(word, '=', &key, &value);
    value = decode(&s->arena, value);
    if (str_eq(key, STR("id")))
        f->id = value;
    else if (str_eq(key, STR("name")))
        f->name = value;
    else if (str_eq(key, STR("cat")))
        f->category = value;
    else if (str_eq(key, STR("title")))
        f->title = value;
    else if (str_eq(key, STR("sev")))
        assert_true(severity_parse(value, &f->severity));
    else if (str_eq(key, STR("fix")))
        f->is_patchable = true;
    else if (str_eq(key, STR("cvss2")))
        add_score(&s->arena, f, "2.0", value);
    else if (str_eq(key, STR("cvss3")))
        add_score(&s->arena, f, f->cvss.len ? "3.0" : "3.1", value);
    else if (str_eq(key, STR("cvss4")))
        add_score(&s->arena, f, "4.0", value);
    else if (str_eq(key, STR("elsewhere")))
        s->image = (struct rule_image){.distro = &s->distro};
    else if (str_eq(key, STR("aka")))
        while (str_next(&value, ',', &item))
            *(str *)vec_push(&s->arena, &f->aliases) = item;
    else if (str_eq(key, STR("os"))) {
        str_cut_byte(value, '/', &s->distro.id, &value);
        str_cut_byte(value, '/', &s->distro.version_id, &s->distro.name);
    } else
        fail_msg("word " STR_FMT, STR_ARG(word));
}

static str repeat(struct arena *arena, char c)
{
    char hex[65] = {0};
    memset(hex, c, 64);
    return arena_printf(arena, "sha256:%s", hex);
}

static void open_scene(struct scene *s, str words)
{
    *s = (struct scene){.distro = {.id = STR("debian"),
                                   .version_id = STR("12.5"),
                                   .name = STR("Debian GNU/Linux 12 (bookworm)")}};
    arena_init(&s->arena, 1 << 20);
    s->image = (struct rule_image){.subscription = STR("S-1"),
                                   .resource_group = STR("G-1"),
                                   .repository = STR("shop/cart"),
                                   .distro = &s->distro};
    *(str *)vec_push(&s->arena, &s->image.registries) = STR("reg.example:5000");
    *(str *)vec_push(&s->arena, &s->image.registries) = STR("harbour");
    *(str *)vec_push(&s->arena, &s->image.digests) = repeat(&s->arena, 'a');
    *(str *)vec_push(&s->arena, &s->image.digests) = repeat(&s->arena, 'b');
    str word;
    while (str_next(&words, ' ', &word))
        if (word.len)
            read_word(s, word);
}

static bool is_disabled(struct scene *s, const struct rules *rules, int64_t now,
                        struct rule_outcome *outcomes)
{
    findings all = {&s->finding, 1, 1};
    s->finding.disabled_by = s->finding.disabled_reason = STR_NONE;
    assert_true(rules_apply(&s->arena, rules, &s->image, now, &all, outcomes));
    return s->finding.disabled_by.len > 0;
}

static void test_rules__apply_and_just_do_not(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct rd in;
    rd_init(&in, test_data(&arena, "assess/rules.txt"));
    str row;
    size_t n = 0;
    for (; test_next_row(&in, &row); n++) {
        struct scene s;
        struct rules rules = {0};
        struct rule_outcome outcome;
        struct err err = {0};
        str rest = row, scope = column(&rest), criteria = column(&rest);
        open_scene(&s, column(&rest));
        bool is_scoped = !str_eq(scope, STR("-"));
        if (!is_scoped)
            scope = STR_NONE;
        str text = arena_printf(&s.arena,
                                "rules:\n- name: r\n  justification: why\n%s" STR_FMT
                                "\n  criteria: " STR_FMT,
                                is_scoped ? "  scope: " : "", STR_ARG(scope), STR_ARG(criteria));
        assert_ok(rules_parse(&s.arena, STR("f"), text, &rules, &err), err);
        bool want = str_eq(column(&rest), STR("yes"));
        if (is_disabled(&s, &rules, NOW, &outcome) != want)
            fail_msg("expected %s: " STR_FMT, want ? "yes" : "no", STR_ARG(row));
        assert_int_equal(outcome.n_matched, want);
        assert_int_equal(outcome.n_disabled, want);
        if (want) {
            assert_str(s.finding.disabled_by, "r");
            assert_str(s.finding.disabled_reason, "why");
        }
        arena_fini(&s.arena);
    }
    assert_true(n > 80);
    arena_fini(&arena);
}

/* --- time
 * -----------------------------------------------------------------------------------------------
 */
static int64_t at(const char *text)
{
    int64_t s;
    assert_true(clock_parse(str_from(text), &s));
    return s;
}

static void test_rules__end_with_their_day_or_instant(void **state)
{
    (void)state;
    static const struct {
        const char *text, *last, *over;
    } rows[] = {
        {"CVE-2024-1000 until 2026-12-31 reason", "2026-12-31T23:59:59Z", "2027-01-01T00:00:00Z"},
        {"rules: [{name: a, justification: b, expires: 2026-12-31, criteria: {id: CVE-2024-1000}}]",
         "2026-12-31T23:59:59Z", "2027-01-01T00:00:00Z"},
        {"rules: [{name: a, justification: b, expires: \"2026-12-31T12:00:00Z\", criteria: {id: "
         "CVE-2024-1000}}]",
         "2026-12-31T11:59:59Z", "2026-12-31T12:00:00Z"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct scene s;
        struct rules rules = {0};
        struct rule_outcome outcome;
        struct err err = {0};
        notices told = {0};
        open_scene(&s, STR("id=CVE-2024-1000"));
        assert_ok(rules_parse(&s.arena, STR("f"), str_from(rows[i].text), &rules, &err), err);
        assert_true(is_disabled(&s, &rules, at(rows[i].last), &outcome));
        assert_false(outcome.is_expired);
        assert_true(rules_tell(&s.arena, &rules, &outcome, &told));
        assert_int_equal(told.len, 0);
        assert_false(is_disabled(&s, &rules, at(rows[i].over), &outcome));
        assert_true(outcome.is_expired);
        assert_int_equal(outcome.n_matched, 1);
        assert_true(rules_tell(&s.arena, &rules, &outcome, &told));
        assert_int_equal(told.len, 1);
        assert_true(str_has(told.ptr[0].message, rules.all.ptr[0].name));
        assert_true(str_has(told.ptr[0].message, STR("1 finding of this image would fit it")));
        assert_false(told.ptr[0].is_incomplete);
        arena_fini(&s.arena);
    }
}

/* --- files
 * ---------------------------------------------------------------------------------------------- */
static void test_rules__ids_with_reasons(void **state)
{
    (void)state;
    struct arena arena;
    struct rules rules = {0};
    struct err err = {0};
    arena_init(&arena, 1 << 20);
    assert_ok(rules_parse(&arena, STR(".plimsollignore"), test_data(&arena, "assess/ignore.txt"),
                          &rules, &err),
              err);
    assert_int_equal(rules.all.len, 3);
    const struct rule *r = rules.all.ptr;
    assert_str(r[0].ids.ptr[0], "CVE-2024-1000");
    assert_str(r[0].name, ".plimsollignore:3");
    assert_str(r[0].justification, "not reachable: the parser is never called");
    assert_false(r[0].has_expiry);
    assert_str(r[1].ids.ptr[0], "GHSA-aaaa-bbbb-cccc");
    assert_true(r[1].has_expiry);
    assert_str(r[1].justification, "waits for 2.0 # really");
    assert_str(r[2].ids.ptr[0], "DEBIAN-UPDATE-tzdata-2026f-0+deb12u1");
    assert_int_equal(r[2].line, 6);
    arena_fini(&arena);
}

static void test_rules__json_is_yaml(void **state)
{
    (void)state;
    struct arena arena;
    struct rules rules = {0};
    struct err err = {0};
    arena_init(&arena, 1 << 20);
    assert_ok(rules_parse(&arena, STR("f"), test_data(&arena, "assess/rules.json"), &rules, &err),
              err);
    assert_int_equal(rules.all.len, 2);
    assert_int_equal(rules.all.ptr[0].severity_below, SEVERITY_MEDIUM);
    assert_int_equal(rules.all.ptr[1].repositories.len, 2);
    /* a second file adds; a name of the first may not come again */
    assert_ok(rules_parse(&arena, STR("g"), STR("CVE-2024-1000 why"), &rules, &err), err);
    assert_int_equal(rules.all.len, 3);
    assert_false(
        rules_parse(&arena, STR("h"), test_data(&arena, "assess/rules.json"), &rules, &err));
    assert_true(str_has(str_from(err.msg), STR("already: low-noise")));
    /* nothing but comments is no rule, and no error */
    assert_ok(rules_parse(&arena, STR("i"), STR("# nothing\n\n"), &rules, &err), err);
    assert_ok(rules_parse(&arena, STR("j"), STR(""), &rules, &err), err);
    assert_ok(rules_parse(&arena, STR("k"), STR("\xef\xbb\xbfrules: []\n"), &rules, &err), err);
    assert_int_equal(rules.all.len, 3);
    arena_fini(&arena);
}

static void test_rules__errors_have_their_place(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 4 << 20);
    str all = test_data(&arena, "assess/bad_rules.txt"), line;
    size_t n = 0;
    while (str_next(&all, '\n', &line)) {
        if (!str_starts(line, STR("> ")))
            continue;
        struct sb text;
        struct rules rules = {0};
        struct err err = {0};
        str part;
        sb_init(&text, 1 << 16);
        while (str_next(&all, '\n', &part) && !str_eq(part, STR(".")))
            sb_addf(&text, STR_FMT "\n", STR_ARG(part));
        assert_false(rules_parse(&arena, STR("f"), sb_str(&text), &rules, &err));
        if (!str_eq(str_from(err.msg), str_skip(line, 2)))
            fail_msg("is \"%s\", expected \"" STR_FMT "\"", err.msg, STR_ARG(str_skip(line, 2)));
        assert_int_equal(err.kind, ERR_USAGE);
        sb_fini(&text);
        n++;
    }
    assert_true(n > 35);
    arena_fini(&arena);
}

/* --- several
 * -------------------------------------------------------------------------------------------- */
static void test_rules__the_first_is_named_and_vex_stays(void **state)
{
    (void)state;
    struct scene s;
    struct rules rules = {0};
    struct rule_outcome o[4];
    struct err err = {0};
    open_scene(&s, STR("id=CVE-2024-1000 aka=GHSA-aaaa-bbbb-cccc"));
    assert_ok(rules_parse(&s.arena, STR("f"),
                          STR("CVE-2024-9999 nothing\n"
                              "GHSA-aaaa-bbbb-cccc first\n"
                              "CVE-2024-1000 second\n"
                              "CVE-2024-1000 until 2020-01-01 over\n"),
                          &rules, &err),
              err);
    assert_true(is_disabled(&s, &rules, NOW, o));
    assert_str(s.finding.disabled_by, "f:2");
    assert_int_equal(o[1].n_disabled, 1);
    assert_int_equal(o[2].n_matched, 1);
    assert_int_equal(o[2].n_disabled, 0);
    notices told = {0};
    assert_true(rules_tell(&s.arena, &rules, o, &told));
    assert_int_equal(told.len, 2); /* one fits nothing, one is over; what was late is neither */
    assert_str(told.ptr[0].message, "rule f:1 fits no finding of this image");
    assert_str(told.ptr[0].path, "f:1");
    assert_true(str_has(told.ptr[1].message, STR("rule f:4 ended at 2020-01-02T00:00:00Z")));

    findings all = {&s.finding, 1, 1};
    s.finding.disabled_by = STR("vex:doc");
    assert_true(rules_apply(&s.arena, &rules, &s.image, NOW, &all, o));
    assert_str(s.finding.disabled_by, "vex:doc");
    assert_int_equal(o[1].n_matched, 1);
    assert_int_equal(o[1].n_disabled, 0);
    arena_fini(&s.arena);
}

static void test_rules__many_that_fit_nothing_are_counted(void **state)
{
    (void)state;
    struct scene s;
    struct rules rules = {0};
    struct err err = {0};
    struct sb text;
    open_scene(&s, STR("id=CVE-2024-1000"));
    sb_init(&text, 1 << 16);
    sb_addc(&text, "rules:\n- {name: a, justification: b, scope: {repository: x}, criteria: {id: "
                   "CVE-2024-1000}}\n");
    for (int i = 0; i < 30; i++)
        sb_addf(&text, "- {name: r%d, justification: b, criteria: {id: CVE-2020-%d}}\n", i,
                1000 + i);
    assert_ok(rules_parse(&s.arena, STR("f"), sb_str(&text), &rules, &err), err);
    struct rule_outcome *o = arena_array(&s.arena, struct rule_outcome, rules.all.len);
    assert_false(is_disabled(&s, &rules, NOW, o));
    assert_true(o[0].is_out_of_scope);
    notices told = {0};
    assert_true(rules_tell(&s.arena, &rules, o, &told));
    assert_int_equal(told.len, 22);
    assert_str(told.ptr[20].message, "10 more rules fit no finding of this image");
    assert_str(told.ptr[21].message, "1 rule is about other images");
    sb_fini(&text);
    arena_fini(&s.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules__apply_and_just_do_not),
        cmocka_unit_test(test_rules__end_with_their_day_or_instant),
        cmocka_unit_test(test_rules__ids_with_reasons),
        cmocka_unit_test(test_rules__json_is_yaml),
        cmocka_unit_test(test_rules__errors_have_their_place),
        cmocka_unit_test(test_rules__the_first_is_named_and_vex_stays),
        cmocka_unit_test(test_rules__many_that_fit_nothing_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
