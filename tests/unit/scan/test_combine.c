/* SPDX-License-Identifier: Apache-2.0 */
/* A database and its -wal of another layer: read together in the sandbox, with the same result as
 * here. */
#include "../support.h"

#include "base/limits.h"
#include "scan/scan.h"

#include "../inventory/tar.h"

#define DB "var/lib/rpm/rpmdb.sqlite"

struct pair {
    struct arena arena;
    struct scanner *scanner;
    struct layer_inventory layers[2];
    const struct layer_inventory *pointers[2];
};

static int setup(void **state)
{
    static struct pair pair; /* lint: mutable static, one test at a time */
    struct err err = {0};
    arena_init(&pair.arena, 256 * MIB);
    assert_ok(scanner_open(&(struct scanner_spec){.required = SANDBOX_BASIC}, &pair.scanner, &err),
              err);
    *state = &pair;
    return 0;
}

static int teardown(void **state)
{
    struct pair *pair = *state;
    scanner_close(pair->scanner);
    arena_fini(&pair->arena);
    return 0;
}

static void fill_layer(struct pair *pair, int i, const char *path, str body)
{
    struct err err = {0};
    auto_sb tar;
    sb_init(&tar, 64 * MIB);
    tar_add(&tar, '0', str_from(path), STR_NONE, body);
    tar_end(&tar);
    assert_ok(scan_tar(&pair->arena, sb_str(&tar), &pair->layers[i], &err), err);
    pair->pointers[i] = &pair->layers[i];
}

static str fixture(struct pair *pair, const char *name)
{
    char path[100];
    snprintf(path, sizeof(path), "rpm/%s", name);
    return test_data(&pair->arena, path);
}

static void assert_same(const struct image_inventory *a, const struct image_inventory *b)
{
    assert_int_equal(a->packages.len, b->packages.len);
    for (size_t i = 0; i < a->packages.len; i++) {
        assert_true(str_eq(a->packages.ptr[i].name, b->packages.ptr[i].name));
        assert_true(str_eq(a->packages.ptr[i].version, b->packages.ptr[i].version));
        assert_true(str_eq(a->packages.ptr[i].path, b->packages.ptr[i].path));
        assert_int_equal(a->packages.ptr[i].layer, b->packages.ptr[i].layer);
    }
    assert_int_equal(a->is_complete, b->is_complete);
    assert_int_equal(a->notices.len, b->notices.len);
    for (size_t i = 0; i < a->notices.len; i++)
        assert_true(str_eq(a->notices.ptr[i].message, b->notices.ptr[i].message));
}

static void merge_both_ways(struct pair *pair, struct image_inventory *sandboxed)
{
    struct image_inventory here;
    struct err err = {0};
    assert_ok(scan_merge(pair->scanner, NULL, &pair->arena, pair->pointers, 2, sandboxed, &err),
              err);
    assert_ok(image_inventory_merge(&pair->arena, &combiner_here, pair->pointers, 2, &here, &err),
              err);
    assert_same(sandboxed, &here);
}

static void test_combine__database_and_wal_of_two_layers(void **state)
{
    struct pair *pair = *state;
    struct image_inventory image;
    fill_layer(pair, 0, DB, fixture(pair, "base.sqlite"));
    fill_layer(pair, 1, DB "-wal", fixture(pair, "base.sqlite-wal"));
    merge_both_ways(pair, &image);
    assert_int_equal(image.packages.len, 4);
    assert_true(image.is_complete);
}

static void test_combine__damage_is_told(void **state)
{
    struct pair *pair = *state;
    struct image_inventory image;
    str wal = fixture(pair, "base.sqlite-wal");
    char *broken = arena_array(&pair->arena, char, wal.len);
    memset(broken, 0x5a, wal.len);
    fill_layer(pair, 0, DB, str_slice(fixture(pair, "base.sqlite"), 0, 5000));
    fill_layer(pair, 1, DB "-wal", str_of(broken, wal.len));
    merge_both_ways(pair, &image);
    assert_false(image.is_complete);
}

static void test_combine__cancelled(void **state)
{
    struct pair *pair = *state;
    struct image_inventory image;
    struct cancel cancel = {0};
    struct err err = {0};
    cancel_want(&cancel);
    fill_layer(pair, 0, DB, fixture(pair, "base.sqlite"));
    fill_layer(pair, 1, DB "-wal", fixture(pair, "base.sqlite-wal"));
    assert_false(scan_merge(pair->scanner, &cancel, &pair->arena, pair->pointers, 2, &image, &err));
    assert_int_equal(err.kind, ERR_CANCELLED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_combine__database_and_wal_of_two_layers, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_combine__damage_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(test_combine__cancelled, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
