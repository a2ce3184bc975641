/* SPDX-License-Identifier: Apache-2.0 */
#include "feeds.h"

#include <stdio.h>

static void test_redhat_oval__each_cve_of_an_erratum_has_its_own_rating(void **state)
{
    (void)state;
    struct fed fed;
    fed_open(&fed, "redhat-oval", test_data_path("advisory/oval.xml"));
    assert_int_equal(fed.source->n_records, 2);
    assert_int_equal(fed.source->notices.len, 1); /* a criterion that nobody knows */
    const struct affected *demo =
        fed_statement(&fed, "Red Hat:enterprise_linux:8", "demo", "RHSA-2024:0001-CVE-2024-10001");
    assert_int_equal(demo->severity, SEVERITY_HIGH);
    assert_str(demo->module, "demo:3");
    assert_int_equal(demo->arches.len, 2);
    assert_true(demo->is_binary);
    demo =
        fed_statement(&fed, "Red Hat:enterprise_linux:8", "demo", "RHSA-2024:0001-CVE-2024-10002");
    assert_int_equal(demo->severity, SEVERITY_LOW);
    struct advisory a = fed_record(&fed, "RHSA-2024:0001-CVE-2024-10002");
    assert_int_equal(a.aliases.len, 1);
    assert_str(a.aliases.ptr[0], "CVE-2024-10002");
    assert_int_equal(a.cvss.len, 1);
    assert_float_equal(a.cvss.ptr[0].score, 3.3, 1e-9);
    assert_str(a.published, "2024-01-02");
    fed_close(&fed);
}

/* The manifest names what the server has; plain releases are read. */
static void serve(struct http_request *req, struct http_response *res)
{
    res->status = 200;
    if (str_eq(req->path, STR("/v2/PULP_MANIFEST")))
        sb_addc(&res->body,
                "RHEL8/ansible-2.8.oval.xml.bz2,00,1\nRHEL8/rhel-8.oval.xml.bz2,00,1\n"
                "RHEL8/rhel-8.4-eus.oval.xml.bz2,00,1\nRHEL7/rhel-7.oval.xml.bz2,0,1\n");
    else if (str_eq(req->path, STR("/v2/RHEL8/rhel-8.oval.xml.bz2")))
        sb_add(&res->body, *(const str *)req->user);
    else
        res->status = 404;
}

static void test_redhat_oval__a_server_lists_its_releases(void **state)
{
    (void)state;
    struct fed fed;
    struct arena arena;
    struct err err = {0};
    struct http_server *server;
    char url[64];
    arena_init(&arena, 1 << 20);
    str text = test_data(&arena, "advisory/oval.xml");
    struct http_server_spec spec = {
        .address = STR("127.0.0.1"), .handler = serve, .user = &text, .n_workers = 1};
    assert_ok(http_server_open(&spec, &server, &err), err);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/v2", http_server_port(server));
    fed_open(&fed, "redhat-oval", url);
    assert_int_equal(fed.source->n_records, 2);
    assert_int_equal(fed.source->notices.len, 2); /* a criterion; release 7 is not there */
    fed_close(&fed);
    http_server_close(server, 1000);
    arena_fini(&arena);
}

/* FEEDS.json counts no records: 181 + 5 + 1 definitions, of which those with several rated CVEs
 * are a record for each; the same file compressed counts once. */
static void test_redhat_oval__published_documents(void **state)
{
    (void)state;
    struct fed fed;
    test_need_shared("feeds/samples/oval/redhat/rhel-8.oval.xml");
    fed_open(&fed, "redhat-oval", test_shared_path("feeds/samples/oval/redhat"));
    assert_int_equal(fed.source->n_records, 719);
    assert_int_equal(fed.source->notices.len, 0);
    const struct affected *npm =
        fed_statement(&fed, "Red Hat:enterprise_linux:8", "npm", "RHEA-2020:0330-CVE-2019-16775");
    assert_str(npm->module, "nodejs:12");
    assert_str(npm->ranges.ptr[0].fixed, "1:6.13.4-1.12.14.1.1.module+el8.1.0+5466+30f75629");
    fed_close(&fed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_redhat_oval__each_cve_of_an_erratum_has_its_own_rating),
        cmocka_unit_test(test_redhat_oval__a_server_lists_its_releases),
        cmocka_unit_test(test_redhat_oval__published_documents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
