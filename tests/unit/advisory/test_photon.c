/* SPDX-License-Identifier: Apache-2.0 */
#include "compiled.h"

static void test_photon__a_line_is_a_package_of_the_files_release(void **state)
{
    (void)state;
    struct compiled c;
    compiled_init(&c);
    compiled_copy(&c, "advisory/photon.json", "cve_data_photon4.0.json");
    compiled_run(&c, "photon", NULL);
    assert_int_equal(c.source->n_records, 3);
    assert_true(advisory_db_covers(c.db, STR("Photon OS:4.0")));
    const char *eco = "Photon OS:4.0";
    assert_str(compiled_ranges(&c, eco, "demo", "CVE-2099-0001"), ">=0 <1.0-2.ph4, >=0 <1.0-5.ph4");
    assert_int_equal(compiled_find(&c, eco, "demo", "CVE-2099-0001").state, FIX_FIXED);
    assert_int_equal(compiled_find(&c, eco, "other", "CVE-2099-0001").state, FIX_NOT_AFFECTED);
    assert_int_equal(compiled_find(&c, eco, "demo", "CVE-2099-0002").state, FIX_AFFECTED);
    assert_int_equal(compiled_find(&c, eco, "demo", "CVE-2099-0003").state, FIX_UNKNOWN);
    assert_str(compiled_find(&c, eco, "demo", "CVE-2099-0003").note, "under review");
    assert_str(compiled_ranges(&c, eco, "demo", "CVE-2099-0003"), ">=0");
    struct advisory advisory = compiled_record(&c, "CVE-2099-0001");
    assert_int_equal(advisory.ratings.len, 1);
    assert_int_equal(advisory.ratings.ptr ? advisory.ratings.ptr[0].severity : SEVERITY_UNKNOWN,
                     SEVERITY_CRITICAL);
    assert_int_equal(c.source->notices.len, 2);
    assert_true(compiled_says(&c, "CVE-2099-0004: not read: a line without cve_id or pkg"));
    compiled_fini(&c);
}

static void test_photon__elsewhere_the_version_tells_the_release(void **state)
{
    (void)state;
    struct compiled c;
    compiled_init(&c);
    compiled_copy(&c, "advisory/photon.json", "other.json");
    compiled_run(&c, "photon", NULL);
    assert_str(compiled_ranges(&c, "Photon OS:4.0", "demo", "CVE-2099-0001"),
               ">=0 <1.0-2.ph4, >=0 <1.0-5.ph4");
    assert_true(compiled_says(&c, "CVE-2099-0002: not read: a release \"\""));
    compiled_fini(&c);
}

static void test_photon__the_published_sample_is_read_whole(void **state)
{
    (void)state;
    struct compiled c;
    test_need_shared("feeds/samples/photon/cve_metadata.json");
    compiled_init(&c);
    compiled_run(&c, "photon", test_shared_path("feeds/samples/photon"));
    assert_int_equal(c.source->n_records, 2);
    assert_int_equal(c.source->notices.len, 0);
    assert_str(compiled_ranges(&c, "Photon OS:3.0", "wget", "CVE-2019-5953"), ">=0 <1.20.3-1.ph3");
    compiled_fini(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_photon__a_line_is_a_package_of_the_files_release),
        cmocka_unit_test(test_photon__elsewhere_the_version_tells_the_release),
        cmocka_unit_test(test_photon__the_published_sample_is_read_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
