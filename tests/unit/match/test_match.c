/* SPDX-License-Identifier: Apache-2.0 */
#include "rows.h"

#include "base/num.h"
#include "match/match.h"

#include <stdio.h>
#include <string.h>

/* --- statements of one row, as a look-up
 * -------------------------------------------------------------- */
struct statement {
    str ecosystem, package;
    struct affected affected;
    struct advisory advisory;
};
struct world {
    struct arena arena;
    VEC(struct statement) statements;
    struct image_inventory inventory;
    str ecosystem; /* of the distribution */
    bool is_uncovered;
    bool is_failing; /* a look-up gives an error */
};

static bool covers(void *ctx, str ecosystem)
{
    (void)ecosystem;
    return !((struct world *)ctx)->is_uncovered;
}

static bool find(void *ctx, struct arena *arena, str ecosystem, str package,
                 const struct affected_filter *filter, affecteds *out, struct err *err)
{
    struct world *world = ctx;
    if (world->is_failing)
        return err_set(err, ERR_FORMAT, "broken");
    for (size_t i = 0; i < world->statements.len; i++) {
        struct statement *s = &world->statements.ptr[i];
        if (!str_eq(s->ecosystem, ecosystem) || !str_eq(s->package, package))
            continue;
        if (filter && !filter->wants(filter->ctx, &s->affected))
            continue;
        struct affected *slot = vec_push(arena, out);
        if (!slot)
            return err_memory(err);
        *slot = s->affected;
    }
    return true;
}

/* Records of the same name are told apart by nothing: their statements come with the first. */
static bool get(void *ctx, struct arena *arena, str source, str record, struct advisory *out,
                struct err *err)
{
    (void)arena;
    struct world *world = ctx;
    for (size_t i = 0; i < world->statements.len; i++) {
        struct statement *s = &world->statements.ptr[i];
        if (str_eq(s->affected.source, source) && str_eq(s->affected.record, record)) {
            *out = s->advisory;
            return true;
        }
    }
    return err_set(err, ERR_NOT_FOUND, "no such record");
}

/* --- the rows' language
 * -------------------------------------------------------------------------------- */
static const char *const states[] = {"unknown",  "fixed",       "affected",    "will-not-fix",
                                     "deferred", "end-of-life", "not-affected"};

static str next_word(str *text)
{
    *text = str_trim(*text);
    str word = STR_NONE;
    str_cut_byte(*text, ' ', &word, text);
    return word;
}

/* "key=value" → true and the value. */
static bool value_of(str word, const char *key, str *value)
{
    str name;
    return str_cut_byte(word, '=', &name, value) && str_eq(name, str_from(key));
}

static bool parse_number(str text, int *out)
{
    uint64_t n;
    if (!str_to_u64(text, 1000, &n))
        return false;
    *out = (int)n;
    return true;
}

static void parse_package(struct world *world, str text)
{
    struct package *p = vec_push(&world->arena, &world->inventory.packages);
    p->type = next_word(&text);
    p->name = p->source_name = next_word(&text);
    p->version = p->source_version = next_word(&text);
    p->is_os = str_eq(p->type, STR("deb")) || str_eq(p->type, STR("apk")) ||
               str_eq(p->type, STR("rpm")) || str_eq(p->type, STR("alpm"));
    p->path = STR("/db");
    for (str word, value; (word = next_word(&text)).len;) {
        if (value_of(word, "src", &value))
            str_cut_byte(value, '/', &p->source_name, &p->source_version);
        else if (value_of(word, "owned", &value))
            p->owned_by = value;
        else if (value_of(word, "path", &value))
            p->path = value;
        else if (!value_of(word, "layer", &value) || !parse_number(value, &p->layer))
            fail_msg("word " STR_FMT, STR_ARG(word));
    }
}

static void parse_cvss(struct world *world, struct advisory *a, str value)
{
    struct cvss *cvss = vec_push(&world->arena, &a->cvss);
    struct err ignored = {0};
    str_cut_byte(value, '@', &cvss->source, &cvss->vector);
    cvss->version =
        str_starts(cvss->vector, STR("CVSS:")) ? str_slice(cvss->vector, 5, 8) : STR("2.0");
    cvss->is_scored = cvss_score(cvss->vector, &cvss->score, &ignored);
}

static bool parse_range(struct world *world, struct affected *a, str word)
{
    size_t at = str_find(word, STR(".."));
    if (str_starts(word, STR("=="))) {
        *vec_push(&world->arena, &a->versions) = str_skip(word, 2);
        return true;
    }
    if (at == word.len)
        return false;
    struct version_range *range = vec_push(&world->arena, &a->ranges);
    range->introduced = str_slice(word, 0, at);
    str end = str_skip(word, at + 2);
    if (str_starts(end, STR("=")))
        range->last_affected = str_skip(end, 1);
    else
        range->fixed = end;
    return true;
}

static bool parse_state(str value, enum fix_state *out)
{
    for (size_t i = 0; i < ARRAY_LEN(states); i++)
        if (str_eq(str_from(states[i]), value)) {
            *out = (enum fix_state)i;
            return true;
        }
    return false;
}

static void parse_statement_word(struct world *world, struct statement *s, str word)
{
    str value, alias;
    if (value_of(word, "aka", &value)) {
        while (str_next(&value, ',', &alias))
            *vec_push(&world->arena, &s->advisory.aliases) = alias;
    } else if (value_of(word, "state", &value)) {
        assert_true(parse_state(value, &s->affected.state));
    } else if (value_of(word, "sev", &value)) {
        assert_true(severity_parse(value, &s->affected.severity));
    } else if (value_of(word, "word", &value)) {
        struct rating *rating = vec_push(&world->arena, &s->advisory.ratings);
        rating->source = s->affected.source;
        assert_true(severity_parse(value, &rating->severity));
    } else if (value_of(word, "cvss", &value)) {
        parse_cvss(world, &s->advisory, value);
    } else if (value_of(word, "eco", &value)) {
        s->ecosystem = value;
    } else if (str_eq(word, STR("binary"))) {
        s->affected.is_binary = true;
    } else if (str_eq(word, STR("withdrawn"))) {
        s->advisory.withdrawn = STR("2024-01-01T00:00:00Z");
    } else if (!parse_range(world, &s->affected, word)) {
        fail_msg("word " STR_FMT, STR_ARG(word));
    }
}

static void parse_statement(struct world *world, str text)
{
    struct statement *s = vec_push(&world->arena, &world->statements);
    str_cut_byte(next_word(&text), '/', &s->affected.source, &s->affected.record);
    s->advisory.id = s->affected.record;
    s->advisory.source = s->affected.source;
    s->ecosystem = world->ecosystem;
    s->package = next_word(&text);
    for (str word; (word = next_word(&text)).len;)
        parse_statement_word(world, s, word);
}

static void parse_world(struct world *world, str *row)
{
    *world = (struct world){0};
    arena_init(&world->arena, 4 << 20);
    str release = column(row), installed = column(row), said = column(row), part;
    str id = next_word(&release), version = next_word(&release);
    world->inventory.distro.id = str_eq(id, STR("-")) ? STR_NONE : id;
    world->inventory.distro.version_id = str_eq(version, STR("-")) ? STR_NONE : version;
    world->is_uncovered = str_eq(next_word(&release), STR("uncovered"));
    world->ecosystem = distro_ecosystem(&world->inventory.distro, &world->arena);
    while (str_next(&installed, ';', &part) && str_trim(part).len)
        parse_package(world, part);
    while (str_next(&said, ';', &part) && str_trim(part).len)
        parse_statement(world, part);
}

static bool run(struct world *world, struct match_result *out, struct err *err)
{
    struct match_lookup lookup = {.covers = covers, .find = find, .get = get, .ctx = world};
    return match_inventory(&lookup, &world->inventory, &world->arena, out, err);
}

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
    else if (str_eq(key, STR("pkg")))
        is = arena_printf(&world->arena, STR_FMT "@" STR_FMT, STR_ARG(f->package_name),
                          STR_ARG(f->package_version));
    else if (str_eq(key, STR("ev")))
        is = arena_printf(&world->arena, "%zu", f->evidence.len);
    else if (str_eq(key, STR("layer")))
        is = arena_printf(&world->arena, "%d", f->layer);
    else
        fail_msg("word " STR_FMT, STR_ARG(word));
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

static void test_match__rules(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct rd in;
    rd_init(&in, test_data(&arena, "match/rules.txt"));
    str row, part;
    size_t n = 0;
    for (; test_next_row(&in, &row); n++) {
        struct world world;
        struct match_result result;
        struct err err = {0};
        str whole = row;
        parse_world(&world, &row);
        str wanted = column(&row);
        print_message(STR_FMT "\n",
                      STR_ARG(whole)); /* the row of a failure is the last one printed */
        assert_ok(run(&world, &result, &err), err);
        struct expectation expected = {0};
        while (str_next(&wanted, ';', &part))
            check_finding(&world, &result, part, &expected);
        assert_int_equal(result.findings.len, expected.n_findings);
        assert_true(result.is_complete == !expected.is_incomplete);
        arena_fini(&world.arena);
    }
    assert_true(n > 80);
    arena_fini(&arena);
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
    struct match_lookup lookup = {.covers = covers, .find = find, .get = get, .ctx = &world};
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
