/* SPDX-License-Identifier: Apache-2.0 */
#include "feeds.h"

static void test_epss__scores_are_of_their_day(void **state)
{
    (void)state;
    struct fed fed;
    fed_open_text(&fed, "epss", "epss.csv",
                  "#model_version:v2025.03.14,score_date:2025-04-01T00:00:00+0000\n"
                  "cve,epss,percentile\nCVE-2021-0001,0.94321,0.99999\nCVE-2021-0002,5e-05,1\n"
                  "CVE-2021-0003,1.5,0.1\nnot a row\n");
    assert_int_equal(fed.source->n_records, 2);
    assert_int_equal(fed.source->notices.len, 2);
    const struct enrichment *e = fed_enrichment(&fed, "CVE-2021-0001");
    assert_true(e->has_epss && !e->is_kev);
    assert_float_equal(e->epss, 0.94321, 1e-9);
    assert_float_equal(e->epss_percentile, 0.99999, 1e-9);
    assert_str(e->modified, "2025-04-01T00:00:00+0000");
    assert_float_equal(fed_enrichment(&fed, "CVE-2021-0002")->epss, 0.00005, 1e-9);
    fed_close(&fed);
}

static void test_epss__a_table_without_header_is_none(void **state)
{
    (void)state;
    struct arena arena;
    struct err err = {0};
    struct enrich_sink sink = {0};
    arena_init(&arena, 1 << 20);
    assert_false(epss_parse(STR("CVE-2021-0001,0.1,0.2\n"), &arena, &sink, &err));
    assert_int_equal(err.kind, ERR_FORMAT);
    arena_fini(&arena);
}

static void test_epss__published_excerpts(void **state)
{
    (void)state;
    struct fed fed;
    test_need_shared("feeds/samples/epss/data.csv");
    fed_open(&fed, "epss", test_shared_path("feeds/samples/epss"));
    assert_int_equal(fed.source->notices.len, 0);
    assert_float_equal(fed_enrichment(&fed, "CVE-1999-0005")->epss, 0.91963, 1e-9);
    fed_close(&fed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_epss__scores_are_of_their_day),
        cmocka_unit_test(test_epss__a_table_without_header_is_none),
        cmocka_unit_test(test_epss__published_excerpts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
