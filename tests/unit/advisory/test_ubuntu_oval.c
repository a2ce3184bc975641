/* SPDX-License-Identifier: Apache-2.0 */
#include "feeds.h"

static const char *const flaws =
    "<oval_definitions xmlns:l=\"x\"><definitions>"
    "<definition class=\"vulnerability\" id=\"d1\"><metadata><title>CVE-2024-10001 on Ubuntu 22.04 "
    "LTS (jammy) - low.</title><affected><platform>Ubuntu 22.04 "
    "LTS</platform></affected><advisory><severity>Low</severity></advisory></metadata>"
    "<criteria><criteria operator=\"OR\">"
    "<criterion test_ref=\"t1\" comment=\"a package in jammy was vulnerable but has been fixed "
    "(note: '1.2-3ubuntu1').\"/>"
    "<criterion test_ref=\"t2\" comment=\"b package in jammy is affected, but a decision has been "
    "made to defer addressing it (note: '2024-01-01').\"/>"
    "<criterion test_ref=\"t3\" comment=\"c package in jammy is affected and needs fixing.\"/>"
    "<criterion test_ref=\"t4\" comment=\"While related to the CVE in some way, a decision has "
    "been made to ignore this issue (note: 'end of life').\"/>"
    "<criterion test_ref=\"t5\" comment=\"e package in jammy is affected. An update containing the "
    "fix has been completed and is pending publication (note: '2-1').\"/>"
    "</criteria></criteria></definition></definitions>"
    "<tests>"
    "<l:dpkginfo_test id=\"t1\" check=\"at least one\"><l:object object_ref=\"o1\"/><l:state "
    "state_ref=\"s1\"/></l:dpkginfo_test>"
    "<l:dpkginfo_test id=\"t2\" check=\"at least one\"><l:object "
    "object_ref=\"o2\"/></l:dpkginfo_test>"
    "<l:dpkginfo_test id=\"t3\" check=\"at least one\"><l:object "
    "object_ref=\"o3\"/></l:dpkginfo_test>"
    "<l:dpkginfo_test id=\"t4\" check=\"at least one\"><l:object "
    "object_ref=\"o4\"/></l:dpkginfo_test>"
    "<l:dpkginfo_test id=\"t5\" check=\"at least one\"><l:object object_ref=\"o5\"/><l:state "
    "state_ref=\"s1\"/></l:dpkginfo_test>"
    "</tests><objects>"
    "<l:dpkginfo_object id=\"o1\"><l:name var_ref=\"v1\"/></l:dpkginfo_object><l:dpkginfo_object "
    "id=\"o2\"><l:name>b</l:name></l:dpkginfo_object>"
    "<l:dpkginfo_object id=\"o3\"><l:name>c</l:name></l:dpkginfo_object><l:dpkginfo_object "
    "id=\"o4\"><l:name>d</l:name></l:dpkginfo_object><l:dpkginfo_object "
    "id=\"o5\"><l:name>e</l:name></l:dpkginfo_object>"
    "</objects><states><l:dpkginfo_state id=\"s1\"><l:evr datatype=\"debian_evr_string\" "
    "operation=\"less than\">0:1.2-3ubuntu1</l:evr></l:dpkginfo_state></states>"
    "<variables><constant_variable "
    "id=\"v1\"><value>liba1</value><value>a-tools</value></constant_variable></variables></"
    "oval_definitions>";

static const struct affected *on(struct fed *fed, const char *package)
{
    return fed_statement(fed, "Ubuntu:22.04:LTS", package, "CVE-2024-10001");
}

static void test_ubuntu_oval__says_why_there_is_no_fix(void **state)
{
    (void)state;
    struct fed fed;
    fed_open_text(&fed, "ubuntu-oval", "jammy.xml", flaws);
    assert_int_equal(fed.source->n_records, 1);
    assert_int_equal(fed.source->notices.len, 0);
    assert_int_equal(on(&fed, "liba1")->state, FIX_FIXED);
    assert_str(on(&fed, "a-tools")->ranges.ptr[0].fixed, "1.2-3ubuntu1");
    assert_int_equal(on(&fed, "b")->state, FIX_DEFERRED);
    assert_str(on(&fed, "b")->note, "2024-01-01");
    assert_int_equal(on(&fed, "c")->state, FIX_AFFECTED);
    assert_str(on(&fed, "c")->ranges.ptr[0].introduced, "0");
    assert_int_equal(on(&fed, "d")->state, FIX_WILL_NOT_FIX);
    assert_str(on(&fed, "d")->note, "end of life");
    assert_int_equal(on(&fed, "e")->state, FIX_AFFECTED); /* not yet published */
    assert_int_equal(on(&fed, "e")->severity, SEVERITY_LOW);
    fed_close(&fed);
}

/* Two definitions, one of them an inventory: FEEDS.json counts no records. */
static void test_ubuntu_oval__published_excerpt(void **state)
{
    (void)state;
    struct fed fed;
    test_need_shared("feeds/samples/oval/ubuntu/ubuntu-excerpt.xml");
    fed_open(&fed, "ubuntu-oval", test_shared_path("feeds/samples/oval/ubuntu"));
    assert_int_equal(fed.source->n_records, 1);
    assert_str(
        fed_statement(&fed, "Ubuntu:16.04:LTS", "libmspack0", "CVE-2015-4471")->ranges.ptr[0].fixed,
        "0.4-3");
    assert_int_equal(fed_statement(&fed, "Ubuntu:16.04:LTS", "cabextract", "CVE-2015-4471")->state,
                     FIX_AFFECTED);
    fed_close(&fed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ubuntu_oval__says_why_there_is_no_fix),
        cmocka_unit_test(test_ubuntu_oval__published_excerpt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
