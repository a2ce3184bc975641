/* SPDX-License-Identifier: Apache-2.0 */
#include "feeds.h"

static const char *const flaws =
    "<oval_definitions><definitions>"
    "<definition class=\"vulnerability\" id=\"d0\"><metadata><title>CVE-2024-10001 affecting "
    "package demo</title><affected><platform>Azure Linux</platform></affected><reference "
    "source=\"CVE\" ref_id=\"CVE-2024-10001\" "
    "ref_url=\"u\"/><patchable>true</patchable><advisory><severity>Moderate</severity></advisory></"
    "metadata><criteria operator=\"AND\"><criterion test_ref=\"x\" comment=\"demo is earlier than "
    "0:1-2.azl3\"/></criteria></definition>"
    "<definition class=\"vulnerability\" id=\"d1\"><metadata><title>CVE-2024-10002 affecting "
    "package demo</title><affected><platform>CBL-Mariner</platform></affected><reference "
    "source=\"CVE\" ref_id=\"CVE-2024-10002\" ref_url=\"u\"/><patchable>Not "
    "Applicable</patchable><advisory><severity>Moderate</severity></advisory></metadata><criteria "
    "operator=\"AND\"><criterion test_ref=\"x\" comment=\"demo is earlier than "
    "0:1-2.cm2\"/></criteria></definition>"
    "<definition class=\"vulnerability\" id=\"d1\"><metadata><title>CVE-2024-10003 affecting "
    "package demo</title><affected><platform>Azure Linux</platform></affected><reference "
    "source=\"CVE\" ref_id=\"CVE-2024-10003\" "
    "ref_url=\"u\"/><patchable>false</patchable><advisory><severity>Moderate</severity></"
    "advisory></metadata><criteria operator=\"AND\"><criterion test_ref=\"x\" comment=\"demo is "
    "affected\"/></criteria></definition>"
    "</definitions></oval_definitions>";

static void test_azurelinux_oval__versions_name_the_release_else_the_file(void **state)
{
    (void)state;
    struct fed fed;
    fed_open_text(&fed, "azurelinux-oval", "azurelinux-3.0-oval.xml", flaws);
    assert_int_equal(fed.source->n_records, 3);
    const struct affected *demo = fed_statement(&fed, "Azure Linux:3.0", "demo", "CVE-2024-10001");
    assert_str(demo->ranges.ptr[0].fixed, "1-2.azl3");
    assert_false(demo->is_binary);
    assert_int_equal(fed_statement(&fed, "Azure Linux:2.0", "demo", "CVE-2024-10002")->state,
                     FIX_NOT_AFFECTED);
    assert_int_equal(fed_statement(&fed, "Azure Linux:3.0", "demo", "CVE-2024-10003")->state,
                     FIX_AFFECTED);
    fed_close(&fed);
}

/* 3 + 5 definitions: FEEDS.json counts no records. */
static void test_azurelinux_oval__published_documents(void **state)
{
    (void)state;
    struct fed fed;
    test_need_shared("feeds/samples/oval/azurelinux/azurelinux-3.0-truncated.xml");
    fed_open(&fed, "azurelinux-oval", test_shared_path("feeds/samples/oval/azurelinux"));
    assert_int_equal(fed.source->n_records, 8);
    assert_int_equal(fed.source->notices.len, 0);
    const struct affected *golang =
        fed_statement(&fed, "Azure Linux:2.0", "golang", "CVE-2023-29404");
    assert_str(golang->ranges.ptr[0].introduced, "1.19.0.cm2");
    assert_str(golang->ranges.ptr[0].fixed, "1.20.7-1.cm2");
    const struct affected *bind = fed_statement(&fed, "Azure Linux:2.0", "bind", "CVE-2022-3736");
    assert_int_equal(bind->state, FIX_AFFECTED);
    assert_str(bind->ranges.ptr[0].last_affected, "9.16.33-1.cm2");
    fed_close(&fed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_azurelinux_oval__versions_name_the_release_else_the_file),
        cmocka_unit_test(test_azurelinux_oval__published_documents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
