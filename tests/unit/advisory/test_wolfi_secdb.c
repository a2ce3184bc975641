/* SPDX-License-Identifier: Apache-2.0 */
#include "compiled.h"

static void test_wolfi_secdb__names_of_one_vulnerability_are_one_record(void **state)
{
    (void)state;
    struct compiled c;
    compiled_init(&c);
    compiled_copy(&c, "advisory/wolfi.json", "security.json");
    compiled_run(&c, "wolfi-secdb", NULL);
    assert_true(advisory_db_covers(c.db, STR("Wolfi")));
    struct affected one = compiled_find(&c, "Wolfi", "one", "CGA-1111-1111-1111");
    assert_int_equal(one.state, FIX_FIXED);
    assert_str(compiled_ranges(&c, "Wolfi", "one", "CGA-1111-1111-1111"), ">=0 <1.0-r1");
    struct advisory advisory = compiled_record(&c, "CGA-1111-1111-1111");
    assert_int_equal(advisory.aliases.len, 2);
    assert_true(strs_hold(&advisory.aliases, "CVE-2024-0001") &&
                strs_hold(&advisory.aliases, "GHSA-aaaa-aaaa-aaaa"));
    advisory = compiled_record(&c, "CGA-1111-1111-2222"); /* all on one line */
    assert_true(strs_hold(&advisory.aliases, "CVE-2024-0004") &&
                strs_hold(&advisory.aliases, "GHSA-dddd-dddd-dddd"));
    assert_int_equal(compiled_find(&c, "Wolfi", "one", "CVE-2024-0009").state, FIX_NOT_AFFECTED);
    assert_int_equal(compiled_list(&c, "Wolfi", "one").len, 3);
    compiled_fini(&c);
}

static void test_wolfi_secdb__what_one_list_says_parts_another(void **state)
{
    (void)state;
    struct compiled c;
    compiled_init(&c);
    compiled_copy(&c, "advisory/wolfi.json", "security.json");
    compiled_run(&c, "wolfi-secdb", NULL);
    /* aaaa is 0001 by another package's list, so bbbb is 0002 */
    struct advisory advisory = compiled_record(&c, "CVE-2024-0002");
    assert_int_equal(advisory.aliases.len, 1);
    assert_str(advisory.aliases.ptr[0], "GHSA-bbbb-bbbb-bbbb");
    advisory = compiled_record(&c, "CVE-2024-0001");
    assert_true(strs_hold(&advisory.aliases, "GHSA-aaaa-aaaa-aaaa"));
    assert_false(compiled_has(&c, "Wolfi", "two", "GHSA-bbbb-bbbb-bbbb"));
    assert_str(compiled_find(&c, "Wolfi", "two", "CVE-2024-0001").note,
               "CGA-2222-1111-1111, CGA-2222-2222-2222");
    /* two CGA and one CVE: the GHSA is a vulnerability of its own */
    assert_true(compiled_has(&c, "Wolfi", "two", "CVE-2024-0003") &&
                compiled_has(&c, "Wolfi", "two", "GHSA-cccc-cccc-cccc"));
    assert_int_equal(compiled_list(&c, "Wolfi", "two").len, 4);
    compiled_fini(&c);
}

static void test_wolfi_secdb__without_own_ids_nothing_is_merged(void **state)
{
    (void)state;
    struct compiled c;
    compiled_init(&c);
    compiled_copy(&c, "advisory/wolfi.json", "security.json");
    compiled_run(&c, "wolfi-secdb", NULL);
    assert_true(compiled_has(&c, "Wolfi", "three", "GHSA-eeee-eeee-eeee"));
    assert_str(compiled_ranges(&c, "Wolfi", "three", "CVE-2024-0005"), ">=0 <3.1-r0");
    assert_true(compiled_says(&c, "what is this"));
    compiled_fini(&c);
}

/* FEEDS.json counts packages and `fixed` events; every event has one CGA id, which is a record or
 * stands in the note of one. */
static void test_wolfi_secdb__the_published_file_is_read_whole(void **state)
{
    (void)state;
    struct compiled c;
    test_need_shared("feeds/wolfi/os/security.json");
    compiled_init(&c);
    compiled_run(&c, "wolfi-secdb", test_shared_path("feeds/wolfi"));
    assert_int_equal(c.source->notices.len, 0);
    assert_true(c.source->n_records > 5000);
    /* "0.4.12-r11": ["CGA-q672-w479-6w63", "CVE-2023-45288", "GHSA-4v7x-pqxf-cx7m"] */
    struct advisory advisory = compiled_record(&c, "CGA-q672-w479-6w63");
    assert_true(strs_hold(&advisory.aliases, "CVE-2023-45288") &&
                strs_hold(&advisory.aliases, "GHSA-4v7x-pqxf-cx7m"));
    /* "0.4.12-r10": two CGA, two CVE, two GHSA: no finding twice */
    assert_true(compiled_has(&c, "Wolfi", "aactl", "CVE-2024-29902") &&
                compiled_has(&c, "Wolfi", "aactl", "CVE-2024-29903"));
    assert_false(compiled_has(&c, "Wolfi", "aactl", "GHSA-88jx-383q-w4qc") ||
                 compiled_has(&c, "Wolfi", "aactl", "GHSA-95pr-fxf5-86gv"));
    compiled_fini(&c);
}

static void test_wolfi_secdb__an_excerpt_without_own_ids_is_read(void **state)
{
    (void)state;
    struct compiled c;
    test_need_shared("feeds/samples/wolfi/security-excerpt.json");
    compiled_init(&c);
    compiled_run(&c, "wolfi-secdb", test_shared_path("feeds/samples/wolfi"));
    assert_str(compiled_ranges(&c, "Wolfi", "binutils", "CVE-2022-38126"), ">=0 <2.39-r1");
    assert_int_equal(compiled_find(&c, "Wolfi", "coreutils", "CVE-2016-2781").state,
                     FIX_NOT_AFFECTED);
    compiled_fini(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wolfi_secdb__names_of_one_vulnerability_are_one_record),
        cmocka_unit_test(test_wolfi_secdb__what_one_list_says_parts_another),
        cmocka_unit_test(test_wolfi_secdb__without_own_ids_nothing_is_merged),
        cmocka_unit_test(test_wolfi_secdb__the_published_file_is_read_whole),
        cmocka_unit_test(test_wolfi_secdb__an_excerpt_without_own_ids_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
