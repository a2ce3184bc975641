/* SPDX-License-Identifier: Apache-2.0 */
#include "feeds.h"

#include <stdio.h>

static void check_fixture(struct fed *fed)
{
    assert_int_equal(fed->source->n_records, 2);
    const struct affected *demo = fed_statement(fed, "Amazon Linux:2", "demo", "ALAS2-2024-1");
    assert_str(demo->ranges.ptr[0].fixed, "1.0-2.amzn2");
    assert_int_equal(demo->arches.len, 2);
    assert_int_equal(demo->severity, SEVERITY_HIGH);
    assert_true(demo->is_binary);
    demo = fed_statement(fed, "Amazon Linux:2", "demo-doc", "ALAS2-2024-1");
    assert_str(demo->ranges.ptr[0].fixed, "1:1.0-2.amzn2");
    assert_int_equal(demo->arches.len, 0);
    assert_str(
        fed_statement(fed, "Amazon Linux:2023", "demo", "ALAS2023-2024-2")->ranges.ptr[0].fixed,
        "1.0-2.amzn2023.0.1");
    struct advisory a = fed_record(fed, "ALAS2-2024-1");
    assert_int_equal(a.aliases.len, 2);
    assert_str(a.related.ptr[0], "RHSA-2024:1");
    assert_str(a.modified, "2024-01-03 03:04");
}

static void test_amazon_updateinfo__releases_and_architectures(void **state)
{
    (void)state;
    struct fed fed;
    fed_open(&fed, "amazon-updateinfo", test_data_path("advisory/updateinfo.xml"));
    check_fixture(&fed);
    assert_int_equal(fed.source->notices.len, 0);
    fed_close(&fed);
}

/* A server: the same bulletins in two repositories are the same records. */
struct site {
    struct http_server *server;
    str updates;
};

static void serve(struct http_request *req, struct http_response *res)
{
    const struct site *site = req->user;
    unsigned port = http_server_port(site->server);
    res->status = 200;
    if (str_eq(req->path, STR("/2/core/latest/x86_64/mirror.list")) ||
        str_eq(req->path, STR("/2/extras/nginx1/latest/x86_64/mirror.list")))
        sb_addf(&res->body, "http://127.0.0.1:%u/real/base\n", port);
    else if (str_eq(req->path, STR("/real/base/repodata/repomd.xml")))
        sb_addc(&res->body, "<repomd><data type=\"primary\"><location href=\"no\"/></data><data "
                            "type=\"updateinfo\"><location href=\"repodata/updateinfo.xml\"/>"
                            "</data></repomd>");
    else if (str_eq(req->path, STR("/real/base/repodata/updateinfo.xml")))
        sb_add(&res->body, site->updates);
    else if (str_eq(req->path, STR("/2/extras-catalog.json")))
        sb_addc(&res->body, "{\"topics\": [{\"n\": \"nginx1\"}]}");
    else
        res->status = 404;
}

static void test_amazon_updateinfo__repositories_by_mirror_list_and_extras(void **state)
{
    (void)state;
    struct fed fed;
    struct arena arena;
    struct err err = {0};
    struct site site = {0};
    char url[64];
    arena_init(&arena, 1 << 20);
    site.updates = test_data(&arena, "advisory/updateinfo.xml");
    struct http_server_spec spec = {
        .address = STR("127.0.0.1"), .handler = serve, .user = &site, .n_workers = 1};
    assert_ok(http_server_open(&spec, &site.server, &err), err);
    snprintf(url, sizeof url, "http://127.0.0.1:%u", http_server_port(site.server));
    fed_open(&fed, "amazon-updateinfo", url);
    check_fixture(&fed);
    assert_int_equal(fed.source->notices.len, 3); /* three of the four core repositories */
    fed_close(&fed);
    http_server_close(site.server, 1000);
    arena_fini(&arena);
}

/* Four bulletins and the titles of 97, two of them the same: FEEDS.json counts no records. */
static void test_amazon_updateinfo__published_documents(void **state)
{
    (void)state;
    struct fed fed;
    test_need_shared("feeds/samples/amazon/al2-updateinfo.xml");
    fed_open(&fed, "amazon-updateinfo", test_shared_path("feeds/samples/amazon"));
    assert_int_equal(fed.source->n_records, 4 + 97 - 2);
    assert_int_equal(fed.source->notices.len, 0);
    assert_str(
        fed_statement(&fed, "Amazon Linux:2", "kernel", "ALAS2-2018-939")->ranges.ptr[0].fixed,
        "4.9.76-38.79.amzn2");
    assert_str(
        fed_statement(&fed, "Amazon Linux:2018", "mod_ssl", "ALAS-2011-1")->ranges.ptr[0].fixed,
        "1:2.2.21-1.18.amzn1");
    struct advisory title = fed_record(&fed, "ALAS2-2018-1106");
    assert_str(title.aliases.ptr[0], "CVE-2018-14648");
    fed_close(&fed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_amazon_updateinfo__releases_and_architectures),
        cmocka_unit_test(test_amazon_updateinfo__repositories_by_mirror_list_and_extras),
        cmocka_unit_test(test_amazon_updateinfo__published_documents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
