/* SPDX-License-Identifier: Apache-2.0 */
#include "../support.h"

#include "advisory/internal.h"

static void test_secdb__items_are_ids_and_remarks(void **state)
{
    (void)state;
    struct arena arena;
    struct err err = {0};
    struct secdb secdb;
    static const char *const ids[] = {
        "CVE-2024-0001", "CVE-2024-0002", "CVE-2024-0002", "CVE-2024-0003", "CVE-2024-0004",
        "CVE-2024-0005", "CVE-2024-0010", "CVE-2024-0011", "CVE-2024-0012", "CVE-2024-0013",
    };
    arena_init(&arena, 1 << 20);
    assert_ok(secdb_parse(test_data(&arena, "advisory/secdb.json"), false, &arena, &secdb, &err),
              err);
    assert_str(secdb.branch, "v3.20");
    assert_str(secdb.repo, "main");
    assert_int_equal(secdb.fixes.len, sizeof ids / sizeof *ids);
    for (size_t i = 0; i < secdb.fixes.len; i++)
        assert_str(secdb.fixes.ptr[i].id, ids[i]);
    assert_int_equal(secdb.fixes.ptr[0].others.len, 1);
    assert_str(secdb.fixes.ptr[0].others.ptr[0], "XSA-900");
    assert_str(secdb.fixes.ptr[9].text, "CVE-2024-0013 XSA-902 (+ regression fix)");
    assert_int_equal(secdb.broken.len, 3);
    arena_fini(&arena);
}

static void test_secdb__yaml_reads_the_same(void **state)
{
    (void)state;
    struct arena arena;
    struct err err = {0};
    struct secdb secdb;
    arena_init(&arena, 1 << 20);
    assert_ok(secdb_parse(test_data(&arena, "advisory/secdb.yaml"), true, &arena, &secdb, &err),
              err);
    assert_str(secdb.branch, "v3.20");
    assert_int_equal(secdb.fixes.len, 3);
    assert_str(secdb.fixes.ptr[2].version, "0");
    assert_str(secdb.fixes.ptr[0].version, "2.45.1-r0");
    arena_fini(&arena);
}

static void test_secdb__other_documents_are_refused(void **state)
{
    (void)state;
    static const char *const broken[] = {"", "[]", "{}", "{\"packages\": {}}", "{\"packages\": 1}"};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        for (int is_yaml = 0; is_yaml < 2; is_yaml++) {
            struct arena arena;
            struct err err = {0};
            struct secdb secdb;
            arena_init(&arena, 1 << 20);
            if (secdb_parse(str_from(broken[i]), is_yaml, &arena, &secdb, &err))
                fail_msg("taken: %s", broken[i]);
            arena_fini(&arena);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_secdb__items_are_ids_and_remarks),
        cmocka_unit_test(test_secdb__yaml_reads_the_same),
        cmocka_unit_test(test_secdb__other_documents_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
