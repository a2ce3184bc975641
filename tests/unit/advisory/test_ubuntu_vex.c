/* SPDX-License-Identifier: Apache-2.0 */
#include "feeds.h"

static void test_ubuntu_vex__a_heap_of_documents(void **state)
{
    (void)state;
    struct fed fed;
    fed_open(&fed, "ubuntu-vex", test_data_path("advisory/openvex.json"));
    assert_str(fed.source->name, "ubuntu-vex");
    assert_int_equal(
        fed_statement(&fed, "Ubuntu:22.04:LTS", "curl", "openvex.json#CVE-2024-10001")->state,
        FIX_NOT_AFFECTED);
    fed_close(&fed);
}

/* Two documents of one CVE each. */
static void test_ubuntu_vex__published_documents(void **state)
{
    (void)state;
    struct fed fed;
    affecteds list;
    test_need_shared("feeds/samples/ubuntu-vex/CVE-2023-38545.json");
    fed_open(&fed, "ubuntu-vex", test_shared_path("feeds/samples/ubuntu-vex"));
    assert_int_equal(fed.source->n_records, 2);
    assert_int_equal(fed.source->notices.len, 0);
    assert_int_equal(fed_find(&fed, "Ubuntu:24.04:LTS", "libcurl4t64", &list), 1);
    assert_int_equal(list.ptr[0].state, FIX_NOT_AFFECTED);
    assert_str(list.ptr[0].versions.ptr[0], "8.5.0-2ubuntu10.9");
    /* the last version without extended support, and the one with it */
    assert_int_equal(fed_find(&fed, "Ubuntu:16.04:LTS", "libcurl3", &list), 2);
    for (size_t i = 0; i < list.len; i++)
        assert_int_equal(list.ptr[i].state == FIX_NOT_AFFECTED,
                         str_has(list.ptr[i].versions.ptr[0], STR("+esm")));
    assert_false(advisory_db_covers(fed.db, STR("Ubuntu:24.04:LTS")));
    fed_close(&fed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ubuntu_vex__a_heap_of_documents),
        cmocka_unit_test(test_ubuntu_vex__published_documents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
