/* SPDX-License-Identifier: Apache-2.0 */
#include "feeds.h"

static void test_cvelist__rejected_records_are_marked(void **state)
{
    (void)state;
    struct fed fed;
    fed_open_text(
        &fed, "cvelist", "CVE-2024-99999.json",
        "{\"dataType\": \"CVE_RECORD\", \"cveMetadata\": {\"cveId\": \"CVE-2024-99999\", "
        "\"state\": "
        "\"REJECTED\", \"dateUpdated\": \"2024-05-01T00:00:00Z\"}, \"containers\": {\"cna\": "
        "{\"rejectedReasons\": [{\"lang\": \"en\", \"value\": \"a duplicate\"}]}}}");
    const struct enrichment *e = fed_enrichment(&fed, "CVE-2024-99999");
    assert_true(e->is_rejected);
    assert_str(e->description, "a duplicate");
    assert_str(e->modified, "2024-05-01T00:00:00Z");
    fed_close(&fed);
}

static void test_cvelist__other_files_beside_records_are_passed_by(void **state)
{
    (void)state;
    struct err err = {0};
    struct arena arena;
    struct update_result result;
    arena_init(&arena, 1 << 20);
    const char *dir = test_mkdir(&arena), *db = test_mkdir(&arena);
    assert_ok(file_save(arena_cstr(&arena, arena_printf(&arena, "%s/delta.json", dir)),
                        STR("{\"new\": []}"), 0644, &err),
              err);
    struct feed_choice choice = {STR("cvelist"), str_from(dir)};
    struct update_spec spec = {.dir = db, .feeds = &choice, .n_feeds = 1};
    assert_false(advisory_update(&spec, &result, &err)); /* nothing there is of any use */
    assert_int_equal(err.kind, ERR_FORMAT);
    test_rmdir(dir);
    test_rmdir(db);
    arena_fini(&arena);
}

static void test_cvelist__both_containers_count(void **state)
{
    (void)state;
    struct fed fed;
    test_need_shared("feeds/samples/cvelistV5/CVE-2024-3094.json");
    fed_open(&fed, "cvelist", test_shared_path("feeds/samples/cvelistV5"));
    assert_int_equal(fed.source->n_records, 4);
    assert_int_equal(fed.source->notices.len, 0);
    const struct enrichment *e = fed_enrichment(&fed, "CVE-2024-3094");
    assert_int_equal(e->cvss.len, 1);
    assert_float_equal(e->cvss.ptr[0].score, 10, 1e-9);
    assert_str(e->cvss.ptr[0].source, "redhat");
    assert_int_equal(e->ratings.len, 1);
    assert_int_equal(e->ratings.ptr[0].severity, SEVERITY_CRITICAL);
    assert_str(e->cwes.ptr[0], "CWE-506");
    assert_true(e->references.len > 40); /* most stand in an ADP container */
    fed_close(&fed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cvelist__rejected_records_are_marked),
        cmocka_unit_test(test_cvelist__other_files_beside_records_are_passed_by),
        cmocka_unit_test(test_cvelist__both_containers_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
