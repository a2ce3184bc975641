/* SPDX-License-Identifier: Apache-2.0 */
#include "feeds.h"

#include <stdio.h>

static void open_fixture(struct fed *fed)
{
    fed_open(fed, "redhat-csaf", test_data_path("advisory/csaf.json"));
    assert_int_equal(fed->source->n_records, 1);
    assert_int_equal(fed->source->notices.len, 0);
}

static const struct affected *on(struct fed *fed, const char *ecosystem, const char *package)
{
    return fed_statement(fed, ecosystem, package, "CVE-2024-77777");
}

static void test_redhat_csaf__parts_of_a_release_are_one_and_the_highest_fix_counts(void **state)
{
    (void)state;
    struct fed fed;
    open_fixture(&fed);
    const struct affected *demo = on(&fed, "Red Hat:enterprise_linux:9", "demo");
    assert_int_equal(demo->state, FIX_FIXED);
    assert_int_equal(demo->ranges.len, 1);
    assert_str(demo->ranges.ptr[0].fixed, "1.0-2.el9");
    assert_false(demo->is_binary);
    assert_str(on(&fed, "Red Hat:rhel_eus:9.2", "demo")->ranges.ptr[0].fixed, "1.0-1.el9");
    fed_close(&fed);
}

static void test_redhat_csaf__a_source_is_enough_but_one_with_an_epoch_is_not(void **state)
{
    (void)state;
    struct fed fed;
    affecteds list;
    open_fixture(&fed);
    assert_int_equal(fed_find(&fed, "Red Hat:enterprise_linux:9", "demo-libs", &list), 0);
    assert_int_equal(fed_find(&fed, "Red Hat:enterprise_linux:9", "epo", &list), 0);
    const struct affected *tools = on(&fed, "Red Hat:enterprise_linux:9", "epo-tools");
    assert_true(tools->is_binary);
    assert_str(tools->ranges.ptr[0].fixed, "2:3-1.el9");
    assert_int_equal(tools->arches.len, 2);
    fed_close(&fed);
}

static void test_redhat_csaf__builds_of_a_stream_have_no_order(void **state)
{
    (void)state;
    struct fed fed;
    open_fixture(&fed);
    const struct affected *node = on(&fed, "Red Hat:enterprise_linux:9", "node");
    assert_str(node->module, "node:20");
    assert_str(node->ranges.ptr[0].fixed, "20-1.module+el9+100+aaaaaaaa");
    fed_close(&fed);
}

static void test_redhat_csaf__what_will_come_and_what_is_not_affected(void **state)
{
    (void)state;
    struct fed fed;
    affecteds list;
    open_fixture(&fed);
    const struct affected *demo = on(&fed, "Red Hat:enterprise_linux:8", "demo");
    assert_int_equal(demo->state, FIX_WILL_NOT_FIX);
    assert_str(demo->note, "Will not fix");
    assert_int_equal(demo->severity, SEVERITY_LOW);
    assert_str(demo->ranges.ptr[0].introduced, "0");
    assert_false(demo->is_binary);
    demo = on(&fed, "Red Hat:enterprise_linux:6", "demo");
    assert_int_equal(demo->state, FIX_NOT_AFFECTED);
    assert_str(demo->note, "component not present");
    demo = on(&fed, "Red Hat:enterprise_linux:7", "demo");
    assert_int_equal(demo->state, FIX_UNKNOWN);
    assert_str(demo->note, "under investigation");
    assert_int_equal(fed_find(&fed, "Red Hat:enterprise_linux:8", "image", &list), 0);
    fed_close(&fed);
}

static void test_redhat_csaf__the_record_has_texts_scores_and_errata(void **state)
{
    (void)state;
    struct fed fed;
    open_fixture(&fed);
    struct advisory a = fed_record(&fed, "CVE-2024-77777");
    assert_str(a.title, "demo: a flaw");
    assert_str(a.description, "words");
    assert_str(a.published, "2024-04-01T00:00:00+00:00");
    assert_float_equal(a.cvss.ptr[0].score, 9.8, 1e-9);
    assert_str(a.related.ptr[0], "RHSA-2024:1234");
    assert_int_equal(a.aliases.len, 0);
    assert_true(advisory_db_covers(fed.db, STR("Red Hat:enterprise_linux:9")));
    assert_false(advisory_db_covers(fed.db, STR("Red Hat:enterprise_linux:10")));
    fed_close(&fed);
}

static void test_redhat_csaf__names_of_packages(void **state)
{
    (void)state;
    static const struct {
        const char *text, *name, *version, *arch, *module;
        bool is_source;
    } rows[] = {
        {"hivex-0:1.3.15-7.el8.aarch64", "hivex", "1.3.15-7.el8", "aarch64", "", false},
        {"bind-32:9.8.2-0.68.el6.src", "bind", "32:9.8.2-0.68.el6", "", "", true},
        {"ruby-2.7.8-139.el8.noarch.rpm-ruby:2.7", "ruby", "2.7.8-139.el8", "noarch", "ruby:2.7",
         false},
        {"python36.src::python36:3.6", "python36", "", "", "python36:3.6", true},
        {"satellite:el8/python-brotli.src", "python-brotli", "", "", "satellite:el8", true},
        {"java-1.8.0-openjdk", "java-1.8.0-openjdk", "", "", "", false},
        {"rubygem-foreman_scap_client", "rubygem-foreman_scap_client", "", "", "", false},
        {"", "", "", "", "", false},
        {"-", "-", "", "", "", false},
        {"a-1-", "a-1-", "", "", "", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct redhat_package p;
        redhat_nevra(str_from(rows[i].text), &p);
        assert_str(p.name, rows[i].name);
        assert_str(p.version, rows[i].version);
        assert_str(p.arch, rows[i].arch);
        assert_str(p.module, rows[i].module);
        assert_int_equal(p.is_source, rows[i].is_source);
    }
}

static void test_redhat_csaf__products_of_others_are_none_of_ours(void **state)
{
    (void)state;
    static const struct {
        const char *cpe, *ecosystem;
    } rows[] = {
        {"cpe:/o:redhat:enterprise_linux:9::baseos", "Red Hat:enterprise_linux:9"},
        {"cpe:/o:redhat:enterprise_linux:10.1", "Red Hat:enterprise_linux:10"},
        {"cpe:/a:redhat:rhel_eus:9.2::appstream", "Red Hat:rhel_eus:9.2"},
        {"cpe:/a:redhat:satellite:6.13::el8", "Red Hat:satellite:6.13::el8"},
        {"cpe:/a:redhat:jbosseapxp", "Red Hat:jbosseapxp"},
        {"cpe:2.3:o:redhat:enterprise_linux:8:*:*:*:*:*:*:*", "Red Hat:enterprise_linux:8"},
        {"cpe:/o:suse:sles:15", ""},
        {"", ""},
    };
    struct arena arena;
    struct err err = {0};
    arena_init(&arena, 1 << 16);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        str out;
        assert_ok(redhat_ecosystem(&arena, str_from(rows[i].cpe), &out, &err), err);
        assert_str(out, rows[i].ecosystem);
    }
    arena_fini(&arena);
}

/* FEEDS.json counts no records here: 11 VEX; 24 vulnerabilities of 10 errata; one VEX elsewhere. */
static void test_redhat_csaf__published_documents(void **state)
{
    (void)state;
    struct fed fed;
    test_need_shared("feeds/samples/redhat-csaf-vex/cve-2023-38545.json");
    fed_open(&fed, "redhat-csaf", test_shared_path("feeds/samples/redhat-csaf-vex"));
    assert_int_equal(fed.source->n_records, 11);
    assert_int_equal(fed.source->notices.len, 0);
    assert_str(fed_statement(&fed, "Red Hat:enterprise_linux:9", "curl", "CVE-2023-38545")
                   ->ranges.ptr[0]
                   .fixed,
               "7.76.1-26.el9_3.2");
    assert_int_equal(
        fed_statement(&fed, "Red Hat:enterprise_linux:8", "curl", "CVE-2023-38545")->state,
        FIX_NOT_AFFECTED);
    assert_int_equal(
        fed_statement(&fed, "Red Hat:enterprise_linux:9", "openssl", "CVE-2026-2673")->state,
        FIX_DEFERRED);
    fed_close(&fed);
    fed_open(&fed, "redhat-csaf", test_shared_path("feeds/samples/redhat-csaf-advisory"));
    assert_int_equal(fed.source->n_records, 24);
    assert_int_equal(fed.source->notices.len, 0);
    const struct affected *ruby =
        fed_statement(&fed, "Red Hat:enterprise_linux:8", "ruby", "RHSA-2023:3821-CVE-2021-33621");
    assert_str(ruby->module, "ruby:2.7");
    assert_int_equal(ruby->severity, SEVERITY_MEDIUM);
    assert_str(fed_record(&fed, "RHSA-2023:3821-CVE-2021-33621").aliases.ptr[0], "CVE-2021-33621");
    fed_close(&fed);
    fed_open(&fed, "redhat-csaf", test_shared_path("feeds/samples/csaf-other"));
    assert_int_equal(fed.source->n_records, 1);
    assert_int_equal(fed.source->notices.len, 0);
    fed_close(&fed);
}

/* --- the server
 * --------------------------------------------------------------------------------------- */

struct mirror {
    struct http_server *server;
    struct arena arena;
    str document, archive;
};

static void serve(struct http_request *req, struct http_response *res)
{
    const struct mirror *mirror = req->user;
    res->status = 200;
    if (str_eq(req->path, STR("/vex/archive_latest.txt")))
        sb_addc(&res->body, "csaf_vex_2024-06-01.tar.zst\n");
    else if (str_eq(req->path, STR("/vex/csaf_vex_2024-06-01.tar.zst")))
        sb_add(&res->body, mirror->archive);
    else if (str_eq(req->path, STR("/vex/changes.csv")))
        sb_addc(&res->body, "\"2024/cve-2024-77777.json\",\"2024-06-02T00:00:00+00:00\"\n"
                            "\"2023/cve-2023-00001.json\",\"2023-06-02T00:00:00+00:00\"\n");
    else if (str_eq(req->path, STR("/vex/2024/cve-2024-77777.json")))
        sb_add(&res->body, mirror->document);
    else if (str_eq(req->path, STR("/vex/deletions.csv")))
        sb_addc(&res->body, "\"2024/cve-2024-00002.json\",\"2024-06-02T00:00:00+00:00\"\n");
    else
        res->status = 404;
}

/* One ustar entry; a plain tar is read as well as a compressed one. */
static void tar_add(struct sb *out, const char *name, const char *text)
{
    char head[512] = {0};
    unsigned sum = 8 * ' ';
    size_t len = str_from(text).len;
    snprintf(head, 100, "%s", name);
    snprintf(head + 100, 8, "%07o", 0644);
    snprintf(head + 124, 12, "%011o", (unsigned)len);
    snprintf(head + 136, 12, "%011o", 0);
    head[156] = '0';
    snprintf(head + 257, 8, "ustar");
    head[263] = head[264] = '0';
    for (size_t i = 0; i < sizeof head; i++)
        sum += (unsigned char)head[i];
    snprintf(head + 148, 8, "%06o", sum);
    head[155] = ' ';
    sb_add(out, str_of(head, sizeof head));
    sb_addc(out, text);
    for (size_t i = len % 512; i && i < 512; i++)
        sb_byte(out, 0);
}

static const char *small(struct arena *arena, const char *id)
{
    return arena_cstr(arena, arena_printf(arena,
                                          "{\"document\": {\"tracking\": {\"id\": \"%s\"}}, "
                                          "\"vulnerabilities\": [{\"cve\": \"%s\"}]}",
                                          id, id));
}

static void test_redhat_csaf__archive_then_changes_less_deletions(void **state)
{
    (void)state;
    struct fed fed;
    struct err err = {0};
    struct mirror mirror = {0};
    struct sb tar;
    char url[64];
    struct http_server_spec spec = {
        .address = STR("127.0.0.1"), .handler = serve, .user = &mirror, .n_workers = 1};
    arena_init(&mirror.arena, 1 << 20);
    sb_init(&tar, 1 << 20);
    tar_add(&tar, "2024/cve-2024-00001.json", small(&mirror.arena, "CVE-2024-00001"));
    tar_add(&tar, "2024/cve-2024-00002.json", small(&mirror.arena, "CVE-2024-00002"));
    tar_add(&tar, "2024/cve-2024-77777.json", small(&mirror.arena, "CVE-2024-77777"));
    for (int i = 0; i < 1024; i++)
        sb_byte(&tar, 0);
    mirror.archive = sb_str(&tar);
    mirror.document = test_data(&mirror.arena, "advisory/csaf.json");
    assert_ok(http_server_open(&spec, &mirror.server, &err), err);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/vex", http_server_port(mirror.server));
    fed_open(&fed, "redhat-csaf", url);
    assert_int_equal(fed.source->n_records, 2);
    assert_int_equal(fed.source->notices.len, 0);
    assert_str(fed_record(&fed, "CVE-2024-77777").title, "demo: a flaw"); /* the changed one */
    assert_str(fed_record(&fed, "CVE-2024-00001").id, "CVE-2024-00001");
    fed_close(&fed);
    http_server_close(mirror.server, 1000);
    sb_fini(&tar);
    arena_fini(&mirror.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_redhat_csaf__parts_of_a_release_are_one_and_the_highest_fix_counts),
        cmocka_unit_test(test_redhat_csaf__a_source_is_enough_but_one_with_an_epoch_is_not),
        cmocka_unit_test(test_redhat_csaf__builds_of_a_stream_have_no_order),
        cmocka_unit_test(test_redhat_csaf__what_will_come_and_what_is_not_affected),
        cmocka_unit_test(test_redhat_csaf__the_record_has_texts_scores_and_errata),
        cmocka_unit_test(test_redhat_csaf__names_of_packages),
        cmocka_unit_test(test_redhat_csaf__products_of_others_are_none_of_ours),
        cmocka_unit_test(test_redhat_csaf__published_documents),
        cmocka_unit_test(test_redhat_csaf__archive_then_changes_less_deletions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
