/* SPDX-License-Identifier: Apache-2.0 */
#include "feeds.h"

static const char *const errata =
    "<oval_definitions><definitions>"
    "<definition class=\"patch\" id=\"d1\"><metadata><title> ELSA-2024-0001: demo update "
    "(MODERATE) </title><affected><platform>Oracle Linux 8</platform></affected><reference "
    "source=\"CVE\" ref_id=\"CVE-2024-10001\" ref_url=\"u\"/><reference source=\"CVE\" "
    "ref_id=\"CVE-2024-10002\" "
    "ref_url=\"u\"/><advisory><severity>Moderate</severity></advisory></metadata>"
    "<criteria operator=\"AND\"><criterion test_ref=\"a\" comment=\"Oracle Linux 8 is "
    "installed\"/><criteria operator=\"OR\">"
    "<criteria operator=\"AND\"><criterion test_ref=\"b\" comment=\"Oracle Linux arch is "
    "aarch64\"/><criteria operator=\"AND\"><criterion test_ref=\"c\" comment=\"demo is earlier "
    "than 0:1-2.el8\"/></criteria></criteria>"
    "<criteria operator=\"AND\"><criterion test_ref=\"b\" comment=\"Oracle Linux arch is "
    "x86_64\"/><criteria operator=\"AND\"><criterion test_ref=\"c\" comment=\"demo is earlier than "
    "0:1-2.el8\"/></criteria></criteria>"
    "<criteria operator=\"AND\"><criterion test_ref=\"b\" comment=\"Oracle Linux arch is "
    "x86_64\"/><criterion test_ref=\"c\" comment=\"demo-x is earlier than 0:1-3.el8\"/></criteria>"
    "<criteria operator=\"AND\"><criterion test_ref=\"d\" comment=\"ssl is earlier than "
    "1:1-2.ksplice1.el8\"/><criterion test_ref=\"e\" comment=\"ssl is ksplice-based\"/></criteria>"
    "<criterion test_ref=\"f\" comment=\"crypt is earlier than "
    "10:1-2.el8_fips\"/></criteria></criteria></definition>"
    "</definitions></oval_definitions>";

static void test_oracle_oval__an_erratum_belongs_to_each_of_its_cves(void **state)
{
    (void)state;
    struct fed fed;
    fed_open_text(&fed, "oracle-oval", "elsa.xml", errata);
    assert_int_equal(fed.source->n_records, 1);
    assert_int_equal(fed.source->notices.len, 0);
    struct advisory a = fed_record(&fed, "ELSA-2024-0001");
    assert_int_equal(a.aliases.len, 2);
    assert_str(a.aliases.ptr[1], "CVE-2024-10002");
    const struct affected *demo = fed_statement(&fed, "Oracle Linux:8", "demo", "ELSA-2024-0001");
    assert_int_equal(demo->arches.len, 2); /* the same fix on both */
    assert_str(demo->ranges.ptr[0].fixed, "1-2.el8");
    assert_int_equal(demo->severity, SEVERITY_MEDIUM);
    demo = fed_statement(&fed, "Oracle Linux:8", "demo-x", "ELSA-2024-0001");
    assert_int_equal(demo->arches.len, 1);
    assert_str(demo->arches.ptr[0], "x86_64");
    fed_close(&fed);
}

static void test_oracle_oval__what_is_numbered_apart_is_an_ecosystem_of_its_own(void **state)
{
    (void)state;
    struct fed fed;
    affecteds list;
    fed_open_text(&fed, "oracle-oval", "elsa.xml", errata);
    assert_int_equal(fed_find(&fed, "Oracle Linux:8", "ssl", &list), 0);
    assert_int_equal(fed_find(&fed, "Oracle Linux:8:ksplice", "ssl", &list), 1);
    assert_int_equal(fed_find(&fed, "Oracle Linux:8", "crypt", &list), 0);
    assert_int_equal(fed_find(&fed, "Oracle Linux:8:fips", "crypt", &list), 1);
    fed_close(&fed);
}

/* Eight definitions, one of them with four rated CVEs: FEEDS.json counts no records. */
static void test_oracle_oval__published_documents(void **state)
{
    (void)state;
    struct fed fed;
    test_need_shared("feeds/samples/oval/oracle/mock_per_arch_data.xml");
    fed_open(&fed, "oracle-oval", test_shared_path("feeds/samples/oval/oracle"));
    assert_int_equal(fed.source->n_records, 11);
    assert_int_equal(fed.source->notices.len, 0);
    assert_str(
        fed_statement(&fed, "Oracle Linux:7", "xerces-c", "ELSA-2015-1193")->ranges.ptr[0].fixed,
        "3.1.1-7.el7_1");
    fed_close(&fed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_oracle_oval__an_erratum_belongs_to_each_of_its_cves),
        cmocka_unit_test(test_oracle_oval__what_is_numbered_apart_is_an_ecosystem_of_its_own),
        cmocka_unit_test(test_oracle_oval__published_documents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
