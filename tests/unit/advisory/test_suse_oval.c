/* SPDX-License-Identifier: Apache-2.0 */
#include "feeds.h"

static const char *const flaws =
    "<oval_definitions><definitions>"
    "<definition class=\"vulnerability\" "
    "id=\"d1\"><metadata><title>CVE-2024-10001</title><affected><platform>SUSE Linux Enterprise "
    "Server 15 "
    "SP5</platform></affected><advisory><severity>Moderate</severity></advisory></metadata>"
    "<criteria operator=\"OR\">"
    "<criteria operator=\"AND\"><criteria operator=\"OR\"><criterion test_ref=\"p\" comment=\"SUSE "
    "Linux Enterprise Module for Basesystem 15 SP5 is installed\"/></criteria><criterion "
    "test_ref=\"x\" comment=\"demo-1.2-3.1 is installed\"/></criteria>"
    "<criteria operator=\"AND\"><criterion test_ref=\"p\" comment=\"SUSE Linux Enterprise Server "
    "15 SP1-LTSS is installed\"/><criterion test_ref=\"x\" comment=\"demo-1.0-4.1 is "
    "installed\"/></criteria>"
    "<criteria operator=\"AND\"><criterion test_ref=\"p\" comment=\"openSUSE Leap 15.5 is "
    "installed\"/><criterion test_ref=\"x\" comment=\"demo is not affected\"/></criteria>"
    "<criteria operator=\"AND\"><criterion test_ref=\"p\" comment=\"openSUSE Tumbleweed is "
    "installed\"/><criterion test_ref=\"x\" comment=\"demo is affected\"/></criteria>"
    "</criteria></definition>"
    "</definitions></oval_definitions>";

static const struct affected *on(struct fed *fed, const char *ecosystem)
{
    return fed_statement(fed, ecosystem, "demo", "CVE-2024-10001");
}

static void test_suse_oval__products_are_called_as_systems_call_themselves(void **state)
{
    (void)state;
    struct fed fed;
    fed_open_text(&fed, "suse-oval", "suse.xml", flaws);
    assert_int_equal(fed.source->n_records, 1);
    assert_str(on(&fed, "SUSE:Linux Enterprise Server 15 SP5")->ranges.ptr[0].fixed, "1.2-3.1");
    assert_str(on(&fed, "SUSE:Linux Enterprise Module for Basesystem 15 SP5")->ranges.ptr[0].fixed,
               "1.2-3.1");
    assert_str(on(&fed, "SUSE:Linux Enterprise Server 15 SP1")->ranges.ptr[0].fixed, "1.0-4.1");
    assert_str(on(&fed, "SUSE:Linux Enterprise Server 15 SP1-LTSS")->ranges.ptr[0].fixed,
               "1.0-4.1");
    assert_int_equal(on(&fed, "openSUSE:Leap 15.5")->state, FIX_NOT_AFFECTED);
    assert_int_equal(on(&fed, "openSUSE:Tumbleweed")->state, FIX_AFFECTED);
    fed_close(&fed);
}

/* Six definitions of CVEs: FEEDS.json counts no records. */
static void test_suse_oval__published_documents(void **state)
{
    (void)state;
    struct fed fed;
    test_need_shared("feeds/samples/oval/suse/suse-linux-enterprise-15-truncated.xml");
    fed_open(&fed, "suse-oval", test_shared_path("feeds/samples/oval/suse"));
    assert_int_equal(fed.source->n_records, 6);
    assert_int_equal(fed.source->notices.len, 0);
    assert_str(
        fed_statement(&fed, "openSUSE:Leap 42.1", "xfsprogs", "CVE-2012-2150")->ranges.ptr[0].fixed,
        "3.2.1-5.1");
    assert_int_equal(
        fed_statement(&fed, "SUSE:Linux Enterprise Server 15", "kernel-default", "CVE-1999-0524")
            ->state,
        FIX_NOT_AFFECTED);
    fed_close(&fed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_suse_oval__products_are_called_as_systems_call_themselves),
        cmocka_unit_test(test_suse_oval__published_documents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
