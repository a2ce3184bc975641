/* SPDX-License-Identifier: Apache-2.0 */
#include "../support.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "inventory/inventory.h"

#include "tar.h"

static const char one_package[] = "Package: a\nStatus: install ok installed\nVersion: 1\n";

struct layer_test {
    struct arena arena;
    struct sb tar;
    struct layer_inventory layer;
};

static void begin(struct layer_test *test)
{
    *test = (struct layer_test){0};
    arena_init(&test->arena, 256u << 20);
    sb_init(&test->tar, 64u << 20);
}

static void add(struct layer_test *test, char type, const char *path, const char *link,
                const char *body)
{
    tar_add(&test->tar, type, str_from(path), str_from(link), str_from(body));
}

static void scan(struct layer_test *test)
{
    struct err err = {0};
    tar_end(&test->tar);
    assert_ok(scan_tar(&test->arena, sb_str(&test->tar), &test->layer, &err), err);
}

static void end(struct layer_test *test)
{
    sb_fini(&test->tar);
    arena_fini(&test->arena);
}

static void assert_step(const struct layer_inventory *layer, size_t i, enum step_kind kind,
                        const char *path, const char *target)
{
    assert_true(i < layer->steps.len);
    assert_int_equal(layer->steps.ptr[i].kind, kind);
    assert_str(layer->steps.ptr[i].path, path);
    assert_str(layer->steps.ptr[i].target, target);
}

static void test_layer__cleans_paths(void **state)
{
    (void)state;
    struct layer_test test;
    begin(&test);
    add(&test, '0', "./var/lib/dpkg/status", "", one_package);
    add(&test, '0', "/lib//apk/./db/installed", "", "P:b\nV:1\n\n");
    add(&test, '0', "etc/os-release", "", "ID=debian\n");
    scan(&test);
    assert_int_equal(test.layer.files.len, 3);
    assert_str(test.layer.files.ptr[0].path, "etc/os-release");
    assert_str(test.layer.files.ptr[0].distro.path, "/etc/os-release");
    assert_str(test.layer.files.ptr[1].path, "lib/apk/db/installed");
    assert_str(test.layer.files.ptr[2].path, "var/lib/dpkg/status");
    assert_str(test.layer.files.ptr[2].packages.ptr[0].path, "/var/lib/dpkg/status");
    assert_int_equal(test.layer.files.ptr[2].packages.ptr[0].layer, -1);
    assert_int_equal(test.layer.n_entries, 3);
    assert_int_equal(test.layer.size_bytes, strlen(one_package) + 9 + 10);
    assert_int_equal(test.layer.notices.len, 0);
    end(&test);
}

static void test_layer__does_not_follow_dots(void **state)
{
    (void)state;
    struct layer_test test;
    begin(&test);
    add(&test, '0', "../../var/lib/dpkg/status", "", one_package);
    add(&test, '0', "opt/../harmless", "", "x");
    scan(&test);
    assert_int_equal(test.layer.files.len, 0);
    assert_int_equal(test.layer.notices.len, 2);
    assert_true(test.layer.notices.ptr[0].is_incomplete);
    assert_false(test.layer.notices.ptr[1].is_incomplete);
    end(&test);
}

static void test_layer__many_oddities_hide_no_loss(void **state)
{
    (void)state;
    struct layer_test test;
    begin(&test);
    for (unsigned i = 0; i < LIMIT(STRAY_FILES) + 1; i++)
        add(&test, '0', "opt/../harmless", "", "");
    add(&test, '0', "../var/lib/dpkg/status", "", one_package);
    scan(&test);
    assert_int_equal(test.layer.notices.len, 22);
    assert_true(test.layer.notices.ptr[20].is_incomplete);
    assert_str(test.layer.notices.ptr[21].message, "and 9981 more odd paths");
    end(&test);
}

static void test_layer__a_path_longer_than_the_limit_is_told(void **state)
{
    (void)state;
    struct layer_test test;
    begin(&test);
    char *path = malloc(LIMIT(PATH) + 100);
    memset(path, 'a', LIMIT(PATH) + 99);
    for (size_t i = 100; i < LIMIT(PATH); i += 100)
        path[i] = '/';
    path[LIMIT(PATH) + 99] = '\0';
    add(&test, '0', path, "", "x");
    path[LIMIT(PATH)] = '\0';
    add(&test, '0', path, "", "x");
    scan(&test);
    assert_int_equal(test.layer.notices.len, 1);
    assert_int_equal(test.layer.notices.ptr[0].kind, NOTICE_LIMIT);
    assert_true(test.layer.notices.ptr[0].is_incomplete);
    free(path);
    end(&test);
}

static void test_layer__keeps_whiteouts_and_links(void **state)
{
    (void)state;
    struct layer_test test;
    begin(&test);
    add(&test, '2', "lib", "usr/lib", "");
    add(&test, '0', "var/lib/.wh.dpkg", "", "");
    add(&test, '0', "opt/.wh..wh..opq", "", "");
    add(&test, '0', ".wh..wh.plnk", "", "");
    add(&test, '2', "man", "usr/man", "");      /* leads to no database */
    add(&test, '2', "srv/x", "../var/lib", ""); /* does */
    add(&test, '1', "etc/os-release", "/usr/lib/os-release", "");
    add(&test, '5', "var/lib/dpkg/", "", "");
    add(&test, '5', "opt/x/", "", ""); /* no database there */
    add(&test, '3', "etc/os-release", "", "");
    add(&test, '0', "var", "", "a file where a folder should be");
    add(&test, '0', "a/.wh..", "", "");
    scan(&test);
    const struct layer_inventory *layer = &test.layer;
    assert_int_equal(layer->steps.len, 8);
    assert_step(layer, 0, STEP_SYMLINK, "lib", "usr/lib");
    assert_step(layer, 1, STEP_WHITEOUT, "var/lib/dpkg", "");
    assert_step(layer, 2, STEP_OPAQUE, "opt", "");
    assert_step(layer, 3, STEP_SYMLINK, "srv/x", "../var/lib");
    assert_step(layer, 4, STEP_HARDLINK, "etc/os-release", "usr/lib/os-release");
    assert_step(layer, 5, STEP_FOLDER, "var/lib/dpkg", "");
    assert_step(layer, 6, STEP_OTHER, "etc/os-release", "");
    assert_step(layer, 7, STEP_OTHER, "var", "");
    assert_int_equal(layer->notices.len, 1);
    end(&test);
}

static void test_layer__folders_above_a_stray_file_are_kept(void **state)
{
    (void)state;
    struct layer_test test;
    begin(&test);
    add(&test, '5', "root", "", "");
    add(&test, '5', "other", "", "");
    add(&test, '0', "root/var/lib/dpkg/status", "", one_package);
    scan(&test);
    assert_int_equal(test.layer.files.len, 1);
    assert_int_equal(test.layer.steps.len, 1);
    assert_step(&test.layer, 0, STEP_FOLDER, "root", "");
    end(&test);
}

static void test_layer__a_file_over_the_limit_stays_as_failed(void **state)
{
    (void)state;
    struct layer_test test;
    begin(&test);
    char *body = malloc(LIMIT(RELEASE_FILE) + 2);
    memset(body, '#', LIMIT(RELEASE_FILE) + 1);
    body[LIMIT(RELEASE_FILE) + 1] = '\0';
    add(&test, '0', "etc/os-release", "", body);
    scan(&test);
    assert_int_equal(test.layer.files.len, 1);
    assert_true(test.layer.files.ptr[0].is_failed);
    assert_str(test.layer.files.ptr[0].reason, "larger than 65536 bytes");
    free(body);
    end(&test);
}

static void test_layer__a_broken_file_keeps_what_was_read(void **state)
{
    (void)state;
    struct layer_test test;
    begin(&test);
    add(&test, '0', "var/lib/dpkg/status", "",
        "Package: b\nStatus: install ok installed\nVersion: 1\n\n???\n\nPackage: a\nStatus: "
        "install ok installed\nVersion: 1\n");
    scan(&test);
    const struct file_record *file = &test.layer.files.ptr[0];
    assert_true(file->is_failed);
    assert_str(file->reason, "line 5: expected 'Field: value'");
    assert_int_equal(file->packages.len, 2);
    assert_str(file->packages.ptr[0].name, "a"); /* sorted */
    assert_int_equal(test.layer.notices.len, 0); /* told when the merge shows that it is there */
    end(&test);
}

static void test_layer__too_many_stray_files_are_told(void **state)
{
    (void)state;
    struct layer_test test;
    begin(&test);
    for (unsigned i = 0; i < LIMIT(STRAY_FILES) + 5; i++) {
        char path[60];
        snprintf(path, sizeof(path), "x/%u/status", i);
        add(&test, '0', path, "", "");
    }
    scan(&test);
    assert_int_equal(test.layer.files.len, LIMIT(STRAY_FILES));
    assert_int_equal(test.layer.notices.len, 1);
    assert_true(test.layer.notices.ptr[0].is_incomplete);
    end(&test);
}

static void test_layer__a_cut_stream_is_no_layer(void **state)
{
    (void)state;
    struct layer_test test;
    struct err err = {0};
    begin(&test);
    add(&test, '0', "var/lib/dpkg/status", "", one_package);
    assert_false(scan_tar(&test.arena, str_of(test.tar.ptr, 530), &test.layer, &err));
    assert_int_equal(err.kind, ERR_FORMAT);
    end(&test);
}

static void test_layer__a_small_budget_is_no_layer(void **state)
{
    (void)state;
    struct layer_test test;
    struct err err = {0};
    begin(&test);
    add(&test, '0', "var/lib/dpkg/status", "", one_package);
    tar_end(&test.tar);
    struct arena small;
    arena_init(&small, 1024);
    assert_false(scan_tar(&small, sb_str(&test.tar), &test.layer, &err));
    assert_int_equal(err.kind, ERR_MEMORY);
    arena_fini(&small);
    end(&test);
}

static void test_layer__stops_when_cancelled_midway(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 16u << 20);
    struct err err = {0};
    struct cancel cancel = {0};
    struct layer_scan *scan;
    struct entry entry = {.path = STR("usr/bin/x"), .type = ENTRY_FILE, .size_bytes = 1};
    assert_ok(layer_scan_open(&arena, &cancel, &scan, &err), err);
    for (int i = 0; i < 1000; i++)
        assert_ok(layer_scan_entry(scan, &entry, NULL, &err), err);
    cancel_want(&cancel);
    bool went_on = true;
    for (int i = 0; i < 1000 && went_on; i++)
        went_on = layer_scan_entry(scan, &entry, NULL, &err);
    assert_false(went_on);
    assert_int_equal(err.kind, ERR_CANCELLED);
    arena_fini(&arena);
}

/* The list of all paths is never kept: of files that nobody wants stays a hash, because one of them
 * may take the place of a lower layer's executable. */
static void test_layer__a_hundred_thousand_entries_keep_no_paths(void **state)
{
    (void)state;
    enum { N = 100000 };
    struct arena arena;
    arena_init(&arena, 64u << 20);
    struct err err = {0};
    struct layer_scan *scan;
    struct layer_inventory layer;
    char path[80];
    assert_ok(layer_scan_open(&arena, NULL, &scan, &err), err);
    size_t before = arena.used_bytes;
    for (int i = 0; i < N; i++) {
        snprintf(path, sizeof(path), "usr/lib/python3/dist-packages/pkg%d/module%d.py%s", i / 50, i,
                 i % 10 ? "" : "/");
        struct entry entry = {
            .path = str_from(path), .type = i % 10 ? ENTRY_FILE : ENTRY_DIR, .size_bytes = 1000};
        assert_ok(layer_scan_entry(scan, &entry, NULL, &err), err);
    }
    size_t passing = arena.used_bytes - before;
    auto_sb bytes;
    sb_init(&bytes, 64u << 20);
    assert_ok(layer_scan_close(scan, &layer, &err), err);
    assert_ok(layer_inventory_encode(&layer, &bytes, &err), err);
    print_message("%d entries: %zu bytes on the way, %zu kept\n", N, passing, bytes.len);
    assert_true(passing < (size_t)N * 128);
    assert_true(bytes.len < (size_t)N * 12);
    arena_fini(&arena);
}

static void test_wants__names_of_databases_only(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        bool is_wanted;
    } rows[] = {
        {"var/lib/dpkg/status", true},
        {"./var/lib/dpkg/status", true},
        {"var/lib/dpkg/status.d/x", true},
        {"lib/apk/db/installed", true},
        {"etc/os-release", true},
        {"opt/x/os-release", true},
        {"var/lib/dpkg/status-old", false},
        {"usr/bin/x", false},
        {"status.d", false},
        {"", false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct entry entry = {.path = str_from(rows[i].path), .type = ENTRY_FILE};
        assert_int_equal(inventory_wants(&entry), rows[i].is_wanted);
        entry.type = ENTRY_DIR;
        assert_false(inventory_wants(&entry));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layer__cleans_paths),
        cmocka_unit_test(test_layer__does_not_follow_dots),
        cmocka_unit_test(test_layer__many_oddities_hide_no_loss),
        cmocka_unit_test(test_layer__a_path_longer_than_the_limit_is_told),
        cmocka_unit_test(test_layer__keeps_whiteouts_and_links),
        cmocka_unit_test(test_layer__folders_above_a_stray_file_are_kept),
        cmocka_unit_test(test_layer__a_file_over_the_limit_stays_as_failed),
        cmocka_unit_test(test_layer__a_broken_file_keeps_what_was_read),
        cmocka_unit_test(test_layer__too_many_stray_files_are_told),
        cmocka_unit_test(test_layer__a_cut_stream_is_no_layer),
        cmocka_unit_test(test_layer__a_small_budget_is_no_layer),
        cmocka_unit_test(test_layer__stops_when_cancelled_midway),
        cmocka_unit_test(test_layer__a_hundred_thousand_entries_keep_no_paths),
        cmocka_unit_test(test_wants__names_of_databases_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
