/* SPDX-License-Identifier: Apache-2.0 */
#include "feeds.h"

static void check_entry(const struct enrichment *e)
{
    assert_true(e->is_kev && e->is_ransomware);
    assert_str(e->kev_added, "2021-12-10");
    assert_str(e->kev_due, "2021-12-24");
    assert_str(e->title, "Demo \"Quoted\" Flaw");
    assert_int_equal(e->cwes.len, 2);
    assert_str(e->cwes.ptr[1], "CWE-20");
    assert_int_equal(e->references.len, 2);
    assert_str(e->references.ptr[0], "https://example.com/a");
}

static void test_kev__json_and_csv_say_the_same(void **state)
{
    (void)state;
    static const char *const json =
        "{\"vulnerabilities\": [{\"cveID\": \"CVE-2021-44228\", \"vulnerabilityName\": \"Demo "
        "\\\"Quoted\\\" Flaw\", \"dateAdded\": \"2021-12-10\", \"dueDate\": \"2021-12-24\", "
        "\"knownRansomwareCampaignUse\": \"Known\", \"shortDescription\": \"x\", \"notes\": \"see "
        "https://example.com/a; https://example.com/b\", \"cwes\": [\"CWE-502\", \"CWE-20\"]}]}";
    static const char *const csv =
        "cveID,vulnerabilityName,dateAdded,shortDescription,dueDate,knownRansomwareCampaignUse,"
        "notes,cwes\r\nCVE-2021-44228,\"Demo \"\"Quoted\"\" Flaw\",2021-12-10,\"two\nlines\","
        "2021-12-24,Known,\"see https://example.com/a; https://example.com/b\",\"CWE-502, "
        "CWE-20\"\r\n";
    struct fed fed;
    fed_open_text(&fed, "kev", "kev.json", json);
    check_entry(fed_enrichment(&fed, "CVE-2021-44228"));
    fed_close(&fed);
    fed_open_text(&fed, "kev", "kev.csv", csv);
    check_entry(fed_enrichment(&fed, "CVE-2021-44228"));
    assert_str(fed_enrichment(&fed, "CVE-2021-44228")->description, "two\nlines");
    fed_close(&fed);
}

static void test_kev__an_entry_without_a_cve_is_a_notice(void **state)
{
    (void)state;
    struct fed fed;
    fed_open_text(&fed, "kev", "kev.csv",
                  "cveID,dateAdded\nCVE-2024-12345,2024-01-02\nnonsense,2024-01-02\n");
    assert_int_equal(fed.source->n_records, 1);
    assert_int_equal(fed.source->notices.len, 1);
    assert_false(fed_enrichment(&fed, "CVE-2024-12345")->is_ransomware);
    fed_close(&fed);
}

/* Both forms lie in one folder. */
static void test_kev__the_whole_catalogue(void **state)
{
    (void)state;
    struct fed fed;
    test_need_shared("feeds/kev/known_exploited_vulnerabilities.json");
    uint64_t n = fed_counted("kev/known_exploited_vulnerabilities.json");
    fed_open(&fed, "kev", test_shared_path("feeds/kev"));
    assert_int_equal(fed.source->n_records, n);
    assert_int_equal(fed.source->notices.len, 0);
    const struct enrichment *log4j = fed_enrichment(&fed, "CVE-2021-44228");
    assert_true(log4j->is_kev && log4j->is_ransomware);
    assert_str(log4j->kev_added, "2021-12-10");
    fed_close(&fed);
    fed_open(&fed, "kev", test_shared_path("feeds/kev/known_exploited_vulnerabilities.json"));
    assert_int_equal(fed.source->n_records, n);
    fed_close(&fed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kev__json_and_csv_say_the_same),
        cmocka_unit_test(test_kev__an_entry_without_a_cve_is_a_notice),
        cmocka_unit_test(test_kev__the_whole_catalogue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
