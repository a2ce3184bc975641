/* SPDX-License-Identifier: Apache-2.0 */
#include "feeds.h"

static const char *const advisories =
    "<oval_definitions><definitions>"
    "<definition class=\"patch\" id=\"d1\"><metadata><title>PHSA-2024:00001 demo Security Update. "
    "(Moderate)</title><affected><platform>Photon 5</platform></affected><reference source=\"CVE\" "
    "ref_id=\"CVE:00001:CVE-2024-10001\" "
    "ref_url=\"u\"/><advisory><severity>Moderate</severity></advisory></metadata><criteria "
    "operator=\"AND\"><criterion test_ref=\"p\" comment=\"Photon OS 5 is installed\"/><criterion "
    "test_ref=\"x\" comment=\"demo is earlier than 0:1-2.ph5\"/></criteria></definition>"
    "</definitions></oval_definitions>";

static void test_photon_oval__numbers_are_of_their_release(void **state)
{
    (void)state;
    struct fed fed;
    fed_open_text(&fed, "photon-oval", "photon5.xml", advisories);
    assert_str(fed_record(&fed, "PHSA-2024:00001:5").aliases.ptr[0], "CVE-2024-10001");
    assert_str(
        fed_statement(&fed, "Photon OS:5.0", "demo", "PHSA-2024:00001:5")->ranges.ptr[0].fixed,
        "1-2.ph5");
    assert_true(advisory_db_covers(fed.db, STR("Photon OS:5.0")));
    fed_close(&fed);
}

/* 222 definitions: FEEDS.json counts no records. */
static void test_photon_oval__the_whole_release_3(void **state)
{
    (void)state;
    struct fed fed;
    test_need_shared("feeds/samples/oval/photon/com.vmware.phsa-photon3.xml");
    fed_open(&fed, "photon-oval", test_shared_path("feeds/samples/oval/photon"));
    assert_int_equal(fed.source->n_records, 222);
    assert_int_equal(fed.source->notices.len, 0);
    assert_str(fed_statement(&fed, "Photon OS:3.0", "sqlite-libs", "PHSA-2020:00001:3")
                   ->ranges.ptr[0]
                   .fixed,
               "3.27.2-5.ph3");
    fed_close(&fed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_photon_oval__numbers_are_of_their_release),
        cmocka_unit_test(test_photon_oval__the_whole_release_3),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
