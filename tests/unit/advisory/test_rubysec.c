/* SPDX-License-Identifier: Apache-2.0 */
#include "compiled.h"

#include "advisory/internal.h"

static str ranges_of(struct arena *arena, const struct affected *affected)
{
    str out = STR("");
    for (size_t i = 0; i < affected->ranges.len; i++) {
        const struct version_range *r = &affected->ranges.ptr[i];
        out = arena_printf(arena, STR_FMT "%s%s" STR_FMT "%s" STR_FMT "%s" STR_FMT, STR_ARG(out),
                           i ? ", " : "", r->is_after ? ">" : ">=", STR_ARG(r->introduced),
                           r->fixed.len ? " <" : "", STR_ARG(r->fixed),
                           r->last_affected.len ? " <=" : "", STR_ARG(r->last_affected));
    }
    return out;
}

static void test_gem_requirement__what_is_left_is_affected(void **state)
{
    (void)state;
    struct arena arena;
    struct rd in;
    str row, left, right, clause;
    size_t n = 0;
    arena_init(&arena, 1 << 22);
    str text = test_data(&arena, "advisory/gem_requirements.txt");
    rd_init(&in, text);
    while (test_next_row(&in, &row)) {
        struct affected affected = {0};
        struct err err = {0};
        strs healthy = {0};
        assert_true(str_cut(row, STR("=> "), &left, &right) ||
                    str_cut(row, STR("=>"), &left, &right));
        while (str_next(&left, ';', &clause))
            assert_true(strs_push(&arena, &healthy, str_trim(clause), &err));
        bool is_ok = gem_affected(&healthy, &arena, &affected, &err);
        str have = is_ok ? ranges_of(&arena, &affected) : STR("error");
        if (!str_eq(have, str_trim(right)))
            fail_msg(STR_FMT ": left is \"" STR_FMT "\"", STR_ARG(row), STR_ARG(have));
        n++;
    }
    assert_int_equal(n, 32);
    arena_fini(&arena);
}

static const char GEM[] =
    "---\n"
    "gem: demo\n"
    "cve: 2099-0001\n"
    "ghsa: aaaa-bbbb-cccc\n"
    "osvdb: 123\n"
    "url: https://example.org/1\n"
    "title: Words\n"
    "date: 2099-01-02\n"
    "description: |\n  More words.\n"
    "cvss_v2: 5.0\n"
    "cvss_v3: 9.8\n"
    "unaffected_versions:\n  - \"< 1.0\"\n"
    "patched_versions:\n  - \"~> 1.5.2\"\n  - \">= 2.0.1\"\n"
    "related:\n  cve:\n    - 2099-0009\n  url:\n    - https://example.org/2\n";

static void compile_gems(struct compiled *c)
{
    compiled_init(c);
    compiled_put(c, "gems/demo/CVE-2099-0001.yml", str_from(GEM));
    compiled_put(c, "gems/demo/CVE-2099-0002.yml",
                 STR("---\ngem: demo\ncve: 2099-0002\ntitle: No fix\ndate: 2099-01-02\n"));
    compiled_put(c, "gems/demo/GHSA-odd.yml",
                 STR("---\ngem: demo\nghsa: odd\npatched_versions:\n  - \"^1.2\"\n"));
    compiled_put(
        c, "gems/demo/none.yml",
        STR("---\ngem: demo\npatched_versions: [\">= 1\"]\nunaffected_versions: [\"< 1\"]\n"
            "platform: jruby\n"));
    compiled_put(c, "gems/demo/broken.yml", STR("---\ntitle: of nothing\n"));
    compiled_put(c, "rubies/jruby/CVE-2099-0003.yml",
                 STR("---\nengine: jruby\ncve: 2099-0003\npatched_versions: [\">= 9.3\"]\n"));
    compiled_put(c, "spec/gems/demo/fixture.yml", STR("---\ngem: demo\n"));
    compiled_put(c, ".github/workflows/ruby.yml", STR("on: push\n"));
    compiled_run(c, "rubysec", NULL);
}

static void test_rubysec__a_file_is_a_record_of_its_gem(void **state)
{
    (void)state;
    struct compiled c;
    compile_gems(&c);
    assert_int_equal(c.source->n_records, 5);
    assert_str(compiled_ranges(&c, "RubyGems", "demo", "demo/CVE-2099-0001"),
               ">=1.0 <1.5.2, >=1.6.A <2.0.1");
    assert_int_equal(compiled_find(&c, "RubyGems", "demo", "demo/CVE-2099-0001").state, FIX_FIXED);
    struct advisory advisory = compiled_record(&c, "demo/CVE-2099-0001");
    assert_true(strs_hold(&advisory.aliases, "CVE-2099-0001") &&
                strs_hold(&advisory.aliases, "GHSA-aaaa-bbbb-cccc") &&
                strs_hold(&advisory.aliases, "OSVDB-123"));
    assert_true(strs_hold(&advisory.related, "CVE-2099-0009"));
    assert_true(strs_hold(&advisory.references, "https://example.org/1") &&
                strs_hold(&advisory.references, "https://example.org/2"));
    assert_str(advisory.published, "2099-01-02T00:00:00Z");
    assert_int_equal(advisory.ratings.len, 1);
    assert_int_equal(advisory.ratings.ptr ? advisory.ratings.ptr[0].severity : SEVERITY_UNKNOWN,
                     SEVERITY_CRITICAL);
    assert_str(compiled_ranges(&c, "RubyGems", "demo", "demo/CVE-2099-0002"), ">=0");
    assert_int_equal(compiled_find(&c, "RubyGems", "demo", "demo/CVE-2099-0002").state,
                     FIX_AFFECTED);
    struct affected none = compiled_find(&c, "RubyGems", "demo", "demo/none");
    assert_int_equal(none.state, FIX_NOT_AFFECTED);
    assert_str(none.note, "platform: jruby");
    compiled_fini(&c);
}

static void test_rubysec__what_cannot_be_read_is_unknown_and_said(void **state)
{
    (void)state;
    struct compiled c;
    compile_gems(&c);
    struct affected odd = compiled_find(&c, "RubyGems", "demo", "demo/GHSA-odd");
    assert_int_equal(odd.state, FIX_UNKNOWN);
    assert_int_equal(odd.ranges.len, 0);
    assert_true(compiled_says(&c, "demo/GHSA-odd: its versions are taken as unknown: \"^1.2\""));
    assert_true(compiled_says(&c, "neither a gem nor an engine"));
    assert_int_equal(c.source->notices.len, 2);
    compiled_fini(&c);
}

static void test_rubysec__an_engine_is_no_gem(void **state)
{
    (void)state;
    struct compiled c;
    compile_gems(&c);
    assert_false(compiled_has(&c, "RubyGems", "jruby", "rubies/jruby/CVE-2099-0003"));
    assert_str(compiled_ranges(&c, "Ruby", "jruby", "rubies/jruby/CVE-2099-0003"), ">=0 <9.3");
    assert_true(advisory_db_covers(c.db, STR("RubyGems")));
    assert_false(advisory_db_covers(c.db, STR("Ruby")));
    compiled_fini(&c);
}

/* Counts of ../shared/feeds/FEEDS.json. */
static void test_rubysec__the_published_database_is_read_whole(void **state)
{
    (void)state;
    struct compiled c;
    test_need_shared("feeds/rubysec/ruby-advisory-db.tar.gz");
    compiled_init(&c);
    compiled_run(&c, "rubysec", test_shared_path("feeds/rubysec"));
    assert_int_equal(c.source->n_records, 1381);
    assert_int_equal(c.source->notices.len, 0);
    assert_str(compiled_ranges(&c, "RubyGems", "resque", "resque/CVE-2023-50725"), ">=0 <2.2.1");
    assert_str(compiled_ranges(&c, "RubyGems", "grpc", "grpc/CVE-2023-33953"),
               ">=0 <1.53.2, >=1.54.A <1.54.3, >=1.55.A <1.55.2, >=1.56.A <1.56.2");
    compiled_fini(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gem_requirement__what_is_left_is_affected),
        cmocka_unit_test(test_rubysec__a_file_is_a_record_of_its_gem),
        cmocka_unit_test(test_rubysec__what_cannot_be_read_is_unknown_and_said),
        cmocka_unit_test(test_rubysec__an_engine_is_no_gem),
        cmocka_unit_test(test_rubysec__the_published_database_is_read_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
