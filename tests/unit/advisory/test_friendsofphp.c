/* SPDX-License-Identifier: Apache-2.0 */
#include "compiled.h"

static void compile_php(struct compiled *c)
{
    compiled_init(c);
    compiled_put(c, "acme/demo/CVE-2099-0001.yaml",
                 STR("title: \"CVE-2099-0001: words\"\n"
                     "link: https://example.org/1\n"
                     "cve: CVE-2099-0001\n"
                     "branches:\n"
                     "    1.x:\n        time: 2099-01-02 08:00:00\n"
                     "        versions: ['>=1.0.0', '<1.2.3']\n"
                     "    2.x:\n        time: ~\n        versions: ['>2.0', '<=2.1']\n"
                     "    3.x:\n        time: ~\n        versions: ['>=3.0.0-beta1,<3.0.0']\n"
                     "    4.x:\n        time: ~\n        versions: ['=4.0']\n"
                     "    5.x:\n        time: ~\n        versions: ['^5.1', '!=5.2']\n"
                     "    old:\n        time: ~\n        versions: ['<0.9']\n"
                     "reference: composer://acme/demo\n"));
    compiled_put(c, "acme/demo/2099-01-02.yaml",
                 STR("title: words\nlink: https://example.org/2\ncve: ~\n"
                     "branches:\n    1.x:\n        versions: ['>=1.0', '<=1.2']\n"
                     "    2.x:\n        versions: ['>=2.0 or so']\n"
                     "    3.x:\n        versions: ['>=3.0', '<2.9']\n"
                     "reference: composer://acme/demo\n"));
    compiled_put(c, "acme/demo/broken.yaml", STR("title: of nothing\n"));
    compiled_put(c, "acme/demo/empty.yaml",
                 STR("title: no branches\nreference: composer://acme/demo\n"));
    compiled_put(c, ".github/workflows/php.yaml", STR("on: push\n"));
    compiled_run(c, "friendsofphp", NULL);
}

static void test_friendsofphp__a_branch_is_a_range(void **state)
{
    (void)state;
    struct compiled c;
    compile_php(&c);
    assert_int_equal(c.source->n_records, 2);
    assert_str(compiled_ranges(&c, "Packagist", "acme/demo", "acme/demo/CVE-2099-0001"),
               ">=1.0.0-dev <1.2.3, >2.0 <=2.1, >=3.0.0-beta1 <3.0.0, >=4.0 <=4.0, >=5.1-dev <5.2, "
               ">5.2 <6-dev, >=0 <0.9");
    assert_int_equal(compiled_find(&c, "Packagist", "acme/demo", "acme/demo/CVE-2099-0001").state,
                     FIX_FIXED);
    struct advisory advisory = compiled_record(&c, "acme/demo/CVE-2099-0001");
    assert_int_equal(advisory.aliases.len, 1);
    assert_str(advisory.title, "CVE-2099-0001: words");
    assert_true(strs_hold(&advisory.references, "https://example.org/1"));
    assert_true(advisory_db_covers(c.db, STR("Packagist")));
    compiled_fini(&c);
}

static void test_friendsofphp__a_branch_that_cannot_be_read_is_unknown_and_said(void **state)
{
    (void)state;
    struct compiled c;
    size_t n_unknown = 0;
    compile_php(&c);
    affecteds list = compiled_list(&c, "Packagist", "acme/demo");
    for (size_t i = 0; i < list.len; i++) {
        if (!str_eq(list.ptr[i].record, STR("acme/demo/2099-01-02")))
            continue;
        bool is_unknown = list.ptr[i].state == FIX_UNKNOWN && !list.ptr[i].ranges.len;
        n_unknown += is_unknown;
        if (!is_unknown)
            assert_int_equal(list.ptr[i].state, FIX_AFFECTED); /* "<=" is no fix */
    }
    assert_int_equal(n_unknown, 2);
    assert_int_equal(compiled_record(&c, "acme/demo/2099-01-02").aliases.len, 0);
    assert_true(compiled_says(&c, "2.x: \"or\" is no version"));
    assert_true(compiled_says(&c, "3.x: its constraints leave no version"));
    assert_true(compiled_says(&c, "no reference to a package of Composer's"));
    assert_true(compiled_says(&c, "acme/demo/empty: not read: no branches"));
    assert_int_equal(c.source->notices.len, 4);
    compiled_fini(&c);
}

/* Counts of ../shared/feeds/FEEDS.json. */
static void test_friendsofphp__the_published_database_is_read_whole(void **state)
{
    (void)state;
    struct compiled c;
    test_need_shared("feeds/friendsofphp/security-advisories.tar.gz");
    compiled_init(&c);
    compiled_run(&c, "friendsofphp", test_shared_path("feeds/friendsofphp"));
    assert_int_equal(c.source->n_records, 1592);
    assert_int_equal(c.source->notices.len, 0);
    assert_str(compiled_ranges(&c, "Packagist", "symfony/ux-twig-component",
                               "symfony/ux-twig-component/CVE-2025-47946"),
               ">=0 <2.25.1");
    assert_str(compiled_ranges(&c, "Packagist", "amphp/artax", "amphp/artax/CVE-2016-5385"),
               ">=2-dev <2.0.4, >0.7.1 <1.0.4");
    compiled_fini(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_friendsofphp__a_branch_is_a_range),
        cmocka_unit_test(test_friendsofphp__a_branch_that_cannot_be_read_is_unknown_and_said),
        cmocka_unit_test(test_friendsofphp__the_published_database_is_read_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
