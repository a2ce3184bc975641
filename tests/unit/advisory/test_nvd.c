/* SPDX-License-Identifier: Apache-2.0 */
#include "feeds.h"

#include <stdatomic.h>
#include <stdio.h>

static void test_nvd__pages_hold_every_cvss_and_state(void **state)
{
    (void)state;
    struct fed fed;
    fed_open_text(
        &fed, "nvd", "page.json",
        "{\"vulnerabilities\": [{\"cve\": {\"id\": \"CVE-2024-11111\", \"published\": "
        "\"2024-01-01T00:00:00.000\", \"lastModified\": \"2024-02-01T00:00:00.000\", "
        "\"vulnStatus\": \"Analyzed\", \"descriptions\": [{\"lang\": \"es\", \"value\": \"no\"}, "
        "{\"lang\": \"en\", \"value\": \"a flaw\"}], \"metrics\": {\"cvssMetricV31\": "
        "[{\"source\": "
        "\"nvd@nist.gov\", \"type\": \"Primary\", \"cvssData\": {\"vectorString\": "
        "\"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H\"}}, {\"source\": \"cna@example.com\", "
        "\"type\": \"Secondary\", \"cvssData\": {\"vectorString\": "
        "\"CVSS:3.1/AV:L/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H\"}}], \"cvssMetricV2\": [{\"source\": "
        "\"nvd@nist.gov\", \"cvssData\": {\"vectorString\": \"AV:N/AC:L/Au:N/C:P/I:P/A:P\"}}]}, "
        "\"weaknesses\": [{\"description\": [{\"lang\": \"en\", \"value\": \"CWE-787\"}, "
        "{\"lang\": \"en\", \"value\": \"NVD-CWE-noinfo\"}]}]}}, {\"cve\": {\"id\": "
        "\"CVE-2024-22222\", \"vulnStatus\": \"Rejected\"}}, {\"cve\": {\"id\": \"x\"}}]}");
    assert_int_equal(fed.source->n_records, 2);
    assert_int_equal(fed.source->notices.len, 1);
    const struct enrichment *e = fed_enrichment(&fed, "CVE-2024-11111");
    assert_int_equal(e->cvss.len, 3);
    assert_float_equal(e->cvss.ptr[0].score, 9.8, 1e-9);
    assert_str(e->cvss.ptr[1].source, "cna@example.com");
    assert_str(e->cvss.ptr[2].version, "2.0");
    assert_float_equal(e->cvss.ptr[2].score, 7.5, 1e-9);
    assert_int_equal(e->cwes.len, 1);
    assert_str(e->description, "a flaw");
    assert_false(e->is_rejected);
    assert_true(fed_enrichment(&fed, "CVE-2024-22222")->is_rejected);
    fed_close(&fed);
}

/* --- the API: 4001 results on three pages
 * ---------------------------------------------------------------- */

struct api {
    struct http_server *server;
    atomic_int n_first, n_deltas;
    atomic_bool is_broken; /* beyond the first page */
};

static void answer(struct http_request *req, struct http_response *res)
{
    struct api *api = req->user;
    str start = http_request_query(req, STR("startIndex"));
    bool is_delta = http_request_query(req, STR("lastModStartDate")).len > 0;
    res->status = 200;
    if (is_delta) {
        atomic_fetch_add(&api->n_deltas, 1);
        sb_addc(&res->body,
                "{\"startIndex\": 0, \"totalResults\": 1, \"vulnerabilities\": "
                "[{\"cve\": {\"id\": \"CVE-2024-0000\", \"vulnStatus\": \"Rejected\"}}]}");
        return;
    }
    if (str_eq(start, STR("0")))
        atomic_fetch_add(&api->n_first, 1);
    else if (atomic_load(&api->is_broken)) {
        res->status = 404;
        return;
    }
    sb_addf(&res->body,
            "{\"startIndex\": " STR_FMT ", \"totalResults\": 4001, \"vulnerabilities\": "
            "[{\"cve\": {\"id\": \"CVE-2024-%04u\", \"vulnStatus\": \"Analyzed\"}}]}",
            STR_ARG(start), (unsigned)start.len);
}

static bool update(struct api *api, const char *dir, struct err *err)
{
    char url[64];
    struct update_result result;
    *err = (struct err){0};
    snprintf(url, sizeof url, "http://127.0.0.1:%u/cves/2.0", http_server_port(api->server));
    struct feed_choice choice = {STR("nvd"), str_from(url)};
    struct update_spec spec = {.dir = dir, .feeds = &choice, .n_feeds = 1};
    return advisory_update(&spec, &result, err) && !result.n_failed;
}

static bool is_rejected(const char *dir, const char *cve)
{
    struct arena arena;
    struct advisory_db *db;
    struct err err = {0};
    enrichments list;
    arena_init(&arena, 1 << 20);
    assert_ok(advisory_db_open(dir, &db, &err), err);
    assert_ok(advisory_enrich(db, &arena, str_from(cve), &list, &err), err);
    assert_int_equal(list.len, 1);
    bool answer_is = list.ptr[0].is_rejected;
    advisory_db_close(db);
    arena_fini(&arena);
    return answer_is;
}

static void test_nvd__a_listing_goes_on_where_it_broke_off(void **state)
{
    (void)state;
    struct arena arena;
    struct err err = {0};
    struct api api = {0};
    struct http_server_spec spec = {
        .address = STR("127.0.0.1"), .handler = answer, .user = &api, .n_workers = 1};
    arena_init(&arena, 1 << 20);
    const char *dir = test_mkdir(&arena);
    assert_ok(http_server_open(&spec, &api.server, &err), err);
    atomic_store(&api.is_broken, true);
    assert_false(update(&api, dir, &err));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    atomic_store(&api.is_broken, false);
    assert_ok(update(&api, dir, &err), err);
    assert_int_equal(atomic_load(&api.n_first), 1); /* it was kept */
    assert_int_equal(atomic_load(&api.n_deltas), 0);
    assert_false(is_rejected(dir, "CVE-2024-0004"));
    assert_ok(update(&api, dir, &err), err);
    assert_int_equal(atomic_load(&api.n_first), 1);
    assert_int_equal(atomic_load(&api.n_deltas), 1);
    assert_true(is_rejected(dir, "CVE-2024-0000"));
    assert_false(is_rejected(dir, "CVE-2024-0004"));
    http_server_close(api.server, 1000);
    test_rmdir(dir);
    arena_fini(&arena);
}

/* 38 on the page and six CVEs alone. */
static void test_nvd__published_pages(void **state)
{
    (void)state;
    struct fed fed;
    test_need_shared("feeds/samples/nvd/full-page.json");
    fed_open(&fed, "nvd", test_shared_path("feeds/samples/nvd"));
    assert_int_equal(fed.source->n_records, 44);
    assert_int_equal(fed.source->notices.len, 0);
    const struct enrichment *e = fed_enrichment(&fed, "CVE-2024-3094");
    assert_float_equal(e->cvss.ptr[0].score, 10, 1e-9);
    assert_str(e->cwes.ptr[0], "CWE-506");
    fed_close(&fed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nvd__pages_hold_every_cvss_and_state),
        cmocka_unit_test(test_nvd__a_listing_goes_on_where_it_broke_off),
        cmocka_unit_test(test_nvd__published_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
