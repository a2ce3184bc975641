/* SPDX-License-Identifier: Apache-2.0 */
#include "feeds.h"

#include <stdio.h>

static const struct affected *on(struct fed *fed, const char *ecosystem, const char *package,
                                 const char *vulnerability)
{
    char record[64];
    snprintf(record, sizeof record, "openvex.json#%s", vulnerability);
    return fed_statement(fed, ecosystem, package, record);
}

static void test_vexhub__products_outside_distributions_are_kept_by_their_key(void **state)
{
    (void)state;
    struct fed fed;
    fed_open(&fed, "vexhub", test_data_path("advisory/openvex.json"));
    assert_int_equal(fed.source->n_records, 2);
    const struct affected *app = on(&fed, "VEX:oci", "ghcr.io/demo/app", "CVE-2024-10001");
    assert_int_equal(app->state, FIX_NOT_AFFECTED);
    assert_str(app->versions.ptr[0],
               "pkg:oci/app@sha256%3Aabc?repository_url=ghcr.io%2Fdemo%2Fapp");
    assert_true(advisory_db_has_vex(fed.db));
    assert_int_equal(app->symbols.len, 2);
    assert_str(app->symbols.ptr[0], "pkg:apk/alpine/busybox");
    assert_str(app->note, "vulnerable_code_not_present: we do not call it");
    assert_str(on(&fed, "VEX:golang", "example.com/app", "CVE-2024-10001")->versions.ptr[0],
               "pkg:golang/example.com/app");
    assert_str(on(&fed, "VEX:maven", "org.demo:app", "CVE-2024-10001")->versions.ptr[0],
               "pkg:maven/org.demo/app@2.0");
    const struct affected *other = on(&fed, "VEX:other", "an image", "CVE-2024-10001");
    assert_str(other->versions.ptr[0], "an image");
    assert_str(other->versions.ptr[1], "sha256:abcdef");
    struct advisory a = fed_record(&fed, "openvex.json#CVE-2024-10001");
    assert_int_equal(a.aliases.len, 2);
    assert_false(advisory_db_covers(fed.db, STR("Ubuntu:22.04:LTS")));
    fed_close(&fed);
}

static void test_vexhub__packages_of_a_release_answer_for_the_version_they_name(void **state)
{
    (void)state;
    struct fed fed;
    affecteds list;
    fed_open(&fed, "vexhub", test_data_path("advisory/openvex.json"));
    const struct affected *curl = on(&fed, "Ubuntu:22.04:LTS", "curl", "CVE-2024-10001");
    assert_int_equal(curl->state, FIX_NOT_AFFECTED);
    assert_str(curl->note, "fixed");
    assert_int_equal(curl->ranges.len, 0);
    assert_str(curl->versions.ptr[0], "7.81.0-1ubuntu1.24");
    assert_false(curl->is_binary);
    assert_true(on(&fed, "Ubuntu:22.04:LTS", "libcurl4", "CVE-2024-10001")->is_binary);
    assert_int_equal(on(&fed, "Debian:12", "curl", "CVE-2024-10001")->state, FIX_AFFECTED);
    assert_str(on(&fed, "Alpine:v3.18", "curl", "CVE-2024-10001")->versions.ptr[0], "8.0-r0");
    assert_str(on(&fed, "Ubuntu:14.04:LTS", "curl", "CVE-2024-10001")->versions.ptr[0], "7.35");
    assert_int_equal(on(&fed, "Wolfi", "curl", "CVE-2024-10002")->state, FIX_UNKNOWN);
    assert_int_equal(fed_find(&fed, "VEX:deb", "ubuntu/curl", &list), 0);
    fed_close(&fed);
}

/* --- a repository
 * --------------------------------------------------------------------------------------- */

static void put(struct arena *arena, const char *dir, const char *name, str text)
{
    struct err err = {0};
    assert_ok(
        file_save(arena_cstr(arena, arena_printf(arena, "%s/%s", dir, name)), text, 0644, &err),
        err);
}

static void test_vexhub__the_index_says_what_counts(void **state)
{
    (void)state;
    struct fed fed;
    struct arena arena;
    affecteds list;
    arena_init(&arena, 1 << 20);
    const char *dir = test_mkdir(&arena);
    put(&arena, dir, "index.json",
        STR("{\"version\": 1, \"packages\": [{\"id\": \"pkg:npm/a\", \"location\": \"a.json\"}, "
            "{\"id\": \"pkg:npm/b\", \"location\": \"pkg/gone.json\"}]}"));
    put(&arena, dir, "a.json", test_data(&arena, "advisory/openvex.json"));
    put(&arena, dir, "draft.json",
        STR("{\"@context\": \"https://openvex.dev/ns\", \"statements\": [{\"vulnerability\": "
            "\"CVE-2024-99999\", \"products\": [\"pkg:npm/a\"], \"status\": \"not_affected\"}]}"));
    fed_open(&fed, "vexhub", dir);
    assert_int_equal(fed.source->n_records, 2);
    assert_int_equal(fed_find(&fed, "VEX:npm", "a", &list), 0);
    assert_int_equal(fed.source->notices.len, 1);
    assert_true(str_starts(fed.source->notices.ptr[0].message, STR("1 documents")));
    fed_close(&fed);
    test_rmdir(dir);
    arena_fini(&arena);
}

static void serve(struct http_request *req, struct http_response *res)
{
    const struct http_server *const *server = req->user;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    res->status = 200;
    if (str_eq(req->path, STR("/hub/vex-repository.json")))
        sb_addf(&res->body,
                "{\"versions\": [{\"spec_version\": \"9\"}, {\"spec_version\": \"0.1\", "
                "\"locations\": [{\"url\": \"http://127.0.0.1:%u/files/openvex.json//sub\"}]}]}",
                http_server_port(*server));
    else if (str_eq(req->path, STR("/files/openvex.json")))
        sb_add(&res->body, test_data(&arena, "advisory/openvex.json"));
    else
        res->status = 404;
    arena_fini(&arena);
}

static void test_vexhub__a_repository_says_where_its_archive_lies(void **state)
{
    (void)state;
    struct fed fed;
    struct err err = {0};
    struct http_server *server;
    char url[64];
    struct http_server_spec spec = {
        .address = STR("127.0.0.1"), .handler = serve, .user = &server, .n_workers = 1};
    assert_ok(http_server_open(&spec, &server, &err), err);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/hub", http_server_port(server));
    fed_open(&fed, "vexhub", url);
    assert_int_equal(fed.source->n_records, 2);
    fed_close(&fed);
    http_server_close(server, 1000);
}

/* FEEDS.json counts files: 118 are 57 documents that the index names, as many manifests, and what
 * is not named; 829 are 824 documents, two lists, and three reports that are not named.  Records
 * are vulnerabilities of a document. */
static void test_vexhub__published_repositories(void **state)
{
    (void)state;
    struct fed fed;
    test_need_shared("feeds/vexhub/aquasecurity-vexhub.tar.gz");
    assert_int_equal(fed_counted("vexhub/aquasecurity-vexhub.tar.gz"), 57 + 57 + 4);
    assert_int_equal(fed_counted("vexhub/rancher-vexhub-small.tar.gz"), 824 + 2 + 3);
    fed_open(&fed, "vexhub", test_shared_path("feeds/vexhub/aquasecurity-vexhub.tar.gz"));
    assert_int_equal(fed.source->n_records, 1148);
    assert_int_equal(fed.source->notices.len, 0);
    affecteds list;
    assert_true(fed_find(&fed, "VEX:oci", "ghcr.io/aquasecurity/trivy", &list) > 0);
    fed_close(&fed);
    fed_open(&fed, "vexhub", test_shared_path("feeds/vexhub/rancher-vexhub-small.tar.gz"));
    assert_int_equal(fed.source->n_records, 16734);
    assert_int_equal(fed.source->notices.len, 1); /* documents of 60 kB and more were left out */
    assert_true(str_starts(fed.source->notices.ptr[0].message, STR("294 documents")));
    fed_close(&fed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vexhub__products_outside_distributions_are_kept_by_their_key),
        cmocka_unit_test(test_vexhub__packages_of_a_release_answer_for_the_version_they_name),
        cmocka_unit_test(test_vexhub__the_index_says_what_counts),
        cmocka_unit_test(test_vexhub__a_repository_says_where_its_archive_lies),
        cmocka_unit_test(test_vexhub__published_repositories),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
