/* SPDX-License-Identifier: Apache-2.0 */
/* Executables and their owners in images made of a few entries. */
#include "../support.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "inventory/inventory.h"

#include "tar.h"

#define P(name) "Package: " name "\nStatus: install ok installed\nVersion: 1\n\n"
#define STATUS "var/lib/dpkg/status"
#define LIST(name) "var/lib/dpkg/info/" name ".list"
#define ELF(rest) "\177ELF" rest

enum { MAX_LAYERS = 4 };
struct image {
    struct arena arena;
    struct sb tars[MAX_LAYERS];
    struct image_inventory merged;
};

static void begin(struct image *image)
{
    *image = (struct image){0};
    arena_init(&image->arena, 64u << 20);
    for (size_t i = 0; i < MAX_LAYERS; i++)
        sb_init(&image->tars[i], 1u << 20);
}

static void add(struct image *image, size_t layer, char type, const char *path, const char *link,
                const char *body)
{
    tar_add(&image->tars[layer], type, str_from(path), str_from(link), str_from(body));
}

static void file(struct image *image, size_t layer, const char *path, const char *body)
{
    add(image, layer, '0', path, "", body);
}

/* Through their bytes.  @want: "executable known: path size layer; …" */
static void check(struct image *image, size_t n, const char *want)
{
    struct err err = {0};
    struct layer_inventory scanned, layers[MAX_LAYERS];
    const struct layer_inventory *pointers[MAX_LAYERS];
    for (size_t i = 0; i < n; i++) {
        auto_sb bytes;
        sb_init(&bytes, 1u << 20);
        tar_end(&image->tars[i]);
        assert_ok(scan_tar(&image->arena, sb_str(&image->tars[i]), &scanned, &err), err);
        assert_ok(layer_inventory_encode(&scanned, &bytes, &err), err);
        assert_ok(layer_inventory_decode(&image->arena, sb_str(&bytes), &layers[i], &err), err);
        pointers[i] = &layers[i];
    }
    assert_ok(
        image_inventory_merge(&image->arena, &combiner_here, pointers, n, &image->merged, &err),
        err);
    const struct coverage *coverage = &image->merged.coverage;
    auto_sb text;
    sb_init(&text, 1u << 20);
    assert_true(coverage->is_measured);
    sb_addf(&text, "%d %d:", (int)coverage->executable_bytes, (int)coverage->known_bytes);
    for (size_t i = 0; i < coverage->unowned.len; i++)
        sb_addf(&text, "%s %.*s %d %d", i ? ";" : "", STR_ARG(coverage->unowned.ptr[i].path),
                (int)coverage->unowned.ptr[i].size_bytes, coverage->unowned.ptr[i].layer);
    assert_string_equal(text.ptr, want);
    for (size_t i = 0; i < MAX_LAYERS; i++)
        sb_fini(&image->tars[i]);
    arena_fini(&image->arena);
}

static void test_coverage__what_is_executable(void **state)
{
    (void)state;
    struct image image;
    begin(&image);
    file(&image, 0, "a/elf", ELF("1"));
    file(&image, 0, "a/script", "#!/bin/sh");
    file(&image, 0, "a/lib.JAR", "PK\3\4xxxx");
    file(&image, 0, "a/lib.zip", "PK\3\4xxxx");
    file(&image, 0, "a/no.jar", "text text");
    file(&image, 0, "a/module.pyc", "\xa7\r\r\n----");
    file(&image, 0, "a/short", "#!");
    file(&image, 0, "a/empty", "");
    file(&image, 0, "a/installed", "#!/bin/a script that is named like a database\n");
    check(&image, 1, "68 0: /a/installed 46 0; /a/script 9 0; /a/lib.JAR 8 0; /a/elf 5 0");
}

static void test_coverage__debian_lists_and_merged_usr(void **state)
{
    (void)state;
    struct image image;
    begin(&image);
    add(&image, 0, '2', "bin", "usr/bin", "");
    file(&image, 0, "usr/bin/ls", ELF("1"));
    file(&image, 0, "usr/bin/tool", ELF("12"));
    file(&image, 0, "usr/bin/stray", ELF("123"));
    file(&image, 0, STATUS, P("coreutils") P("tool"));
    file(&image, 0, LIST("coreutils"), "/.\n/bin\n/bin/ls\n");
    file(&image, 0, LIST("tool:amd64"), "/usr\n/usr/bin\n/usr/bin/tool\n");
    file(&image, 0, "var/lib/dpkg/info/tool:amd64.postinst", "#!/bin/sh");
    file(&image, 0, "var/lib/dpkg/info/gone.postinst", "#!/bin/s");
    check(&image, 1, "35 20: /var/lib/dpkg/info/gone.postinst 8 0; /usr/bin/stray 7 0");
}

/* dpkg-divert(1): whose list a file is in does not have it at that place; but for who diverted it.
 */
static void test_coverage__diverted_files(void **state)
{
    (void)state;
    struct image image;
    begin(&image);
    add(&image, 0, '2', "bin", "usr/bin", "");
    file(&image, 0, "usr/bin/parallel", ELF("1"));
    file(&image, 0, "usr/bin/parallel.moreutils", ELF("12"));
    file(&image, 0, "usr/bin/sh", ELF("123")); /* the administrator's own */
    file(&image, 0, "usr/bin/sh.distrib", ELF("1234"));
    file(&image, 0, STATUS, P("moreutils") P("parallel") P("dash"));
    file(&image, 0, LIST("moreutils"), "/usr/bin/parallel\n");
    file(&image, 0, LIST("parallel"), "/usr/bin/parallel\n");
    file(&image, 0, LIST("dash"), "/bin/sh\n");
    file(&image, 0, "var/lib/dpkg/diversions",
         "/usr/bin/parallel\n/usr/bin/parallel.moreutils\nparallel\n"
         "/bin/sh\n/bin/sh.distrib\n:\n");
    check(&image, 1, "26 19: /usr/bin/sh 7 0");
}

/* Without the link /bin/ls and /usr/bin/ls are two files. */
static void test_coverage__unmerged_usr(void **state)
{
    (void)state;
    struct image image;
    begin(&image);
    file(&image, 0, "bin/ls", ELF("1"));
    file(&image, 0, "usr/bin/ls", ELF("22"));
    file(&image, 0, STATUS, P("coreutils"));
    file(&image, 0, LIST("coreutils"), "/bin\n/bin/ls\n");
    check(&image, 1, "11 5: /usr/bin/ls 6 0");
}

static void test_coverage__lists_of_packages_that_are_gone(void **state)
{
    (void)state;
    struct image image;
    begin(&image);
    file(&image, 0, "usr/bin/a", ELF("1"));
    file(&image, 0, STATUS, P("a") P("b"));
    file(&image, 0, LIST("a"), "/usr/bin/a\n");
    file(&image, 1, STATUS, P("b")); /* removed, its configuration and list stay */
    check(&image, 2, "5 0: /usr/bin/a 5 0");
}

static void test_coverage__distroless_and_alpine(void **state)
{
    (void)state;
    struct image image;
    begin(&image);
    file(&image, 0, "usr/bin/a", ELF("1"));
    file(&image, 0, "sbin/apk", ELF("22"));
    file(&image, 0, "sbin/other", ELF("333"));
    file(&image, 0, "var/lib/dpkg/status.d/a", "Package: a\nVersion: 1\n");
    file(&image, 0, "var/lib/dpkg/status.d/a.md5sums",
         "fe5aabf4ba30a7dc0a4f4b0f9a4c4c0c  usr/bin/a\n");
    file(&image, 0, "lib/apk/db/installed", "P:apk-tools\nV:1\nF:sbin\nM:0:0:755\nR:apk\nZ:Q1\n\n");
    check(&image, 1, "18 11: /sbin/other 7 0");
}

/* The file is named like the package's, up to its first dot. */
static void test_coverage__distroless_names_of_files(void **state)
{
    (void)state;
    struct image image;
    begin(&image);
    file(&image, 0, "usr/lib/libssl.so.1.1", ELF("1"));
    file(&image, 0, "var/lib/dpkg/status.d/libssl1", "Package: libssl1.1\nVersion: 1\n");
    file(&image, 0, "var/lib/dpkg/status.d/libssl1.md5sums",
         "fe5aabf4ba30a7dc0a4f4b0f9a4c4c0c  usr/lib/libssl.so.1.1\n");
    check(&image, 1, "5 5:");
}

static void test_coverage__checksums_where_lists_were_removed(void **state)
{
    (void)state;
    struct image image;
    begin(&image);
    file(&image, 0, "usr/bin/a", ELF("1"));
    file(&image, 0, STATUS, P("a"));
    file(&image, 0, LIST("a"), "/usr/bin/a\n");
    file(&image, 0, "var/lib/dpkg/info/a.md5sums", "fe5aabf4ba30a7dc0a4f4b0f9a4c4c0c  usr/bin/a\n");
    file(&image, 1, "var/lib/dpkg/info/.wh.a.list", "");
    check(&image, 2, "5 5:");
}

static void test_coverage__rpm_and_a_lib64_that_is_lib(void **state)
{
    (void)state;
    struct image image;
    begin(&image);
    str db = test_data(&image.arena, "rpm/files.ndb");
    tar_add(&image.tars[0], '0', STR("usr/lib/sysimage/rpm/Packages.db"), STR_NONE, db);
    add(&image, 0, '2', "var/lib/rpm", "../../usr/lib/sysimage/rpm", "");
    add(&image, 0, '5', "opt/bin", "", "");
    add(&image, 0, '2', "usr/bin", "../opt/bin", "");
    file(&image, 0, "usr/bin/normal", ELF("1"));
    file(&image, 0, "usr/bin/ghost", ELF("22"));
    file(&image, 0, "usr/bin/left-out", ELF("333"));
    file(&image, 0, "bin/old", ELF("4444"));
    check(&image, 1, "26 13: /opt/bin/left-out 7 0; /opt/bin/ghost 6 0");
}

static void test_coverage__pacman_portage_and_opkg(void **state)
{
    (void)state;
    struct image image;
    begin(&image);
    add(&image, 0, '2', "usr/sbin", "bin", "");
    file(&image, 0, "usr/bin/a", ELF("1"));
    file(&image, 0, "usr/bin/b", ELF("22"));
    file(&image, 0, "usr/bin/c", ELF("333"));
    file(&image, 0, "usr/bin/d", ELF("4444"));
    file(&image, 0, "var/lib/pacman/local/a-b-1-1/desc", "%NAME%\na-b\n\n%VERSION%\n1-1\n");
    file(&image, 0, "var/lib/pacman/local/a-b-1-1/files", "%FILES%\nusr/\nusr/bin/a\n");
    file(&image, 0, "var/db/pkg/app/b-1/PF", "b-1\n");
    file(&image, 0, "var/db/pkg/app/b-1/CONTENTS", "dir /usr\nobj /usr/sbin/b abc 17\n");
    file(&image, 0, "usr/lib/opkg/status",
         "Package: c\nVersion: 1\nStatus: install ok installed\n");
    file(&image, 0, "usr/lib/opkg/info/c.list", "/usr/bin/c\t0100755\n");
    file(&image, 0, "usr/lib/opkg/info/c.postinst", "#!x");
    check(&image, 1, "29 21: /usr/bin/d 8 0");
}

static void test_coverage__later_layers_replace(void **state)
{
    (void)state;
    struct image image;
    begin(&image);
    for (int i = 0; i < 8; i++) {
        char path[20];
        snprintf(path, sizeof(path), "a/%d", i);
        file(&image, 0, path, ELF("1"));
    }
    file(&image, 0, "b/x", ELF("1"));
    file(&image, 0, "c/x", ELF("1"));
    file(&image, 0, "d/x", ELF("1"));
    file(&image, 0, "e/x/y", ELF("1"));
    file(&image, 1, "a/0", "text");
    file(&image, 1, "a/1", ELF("22"));
    add(&image, 1, '2', "a/2", "0", "");
    add(&image, 1, '5', "a/3", "", "");
    file(&image, 1, "a/.wh.4", "");
    file(&image, 1, "a/5/x", "text");
    add(&image, 1, '3', "a/6", "", "");
    file(&image, 1, ".wh.b", "");
    file(&image, 1, "c/.wh..wh..opq", "");
    file(&image, 1, "c/y", ELF("333"));
    add(&image, 1, '2', "d", "c", "");
    file(&image, 1, "e/x", "text");
    check(&image, 2, "18 0: /c/y 7 1; /a/1 6 1; /a/7 5 0");
}

static void test_coverage__hard_links_are_one_file(void **state)
{
    (void)state;
    struct image image;
    begin(&image);
    file(&image, 0, "usr/bin/perl5", ELF("1"));
    add(&image, 0, '1', "usr/bin/perl", "usr/bin/perl5", "");
    file(&image, 0, "opt/b", ELF("22"));
    add(&image, 0, '1', "opt/a", "opt/b", "");
    file(&image, 0, "opt/text", "text");
    add(&image, 0, '1', "opt/link", "opt/text", "");
    add(&image, 1, '1', "opt/c", "opt/b", ""); /* to a lower layer's */
    file(&image, 1, "opt/.wh.a", "");
    file(&image, 1, STATUS, P("perl"));
    file(&image, 1, LIST("perl"), "/usr/bin/perl\n");
    check(&image, 2, "11 5: /opt/b 6 0");
}

static void test_coverage__layers_write_through_links(void **state)
{
    (void)state;
    struct image image;
    begin(&image);
    add(&image, 0, '2', "bin", "usr/bin", "");
    add(&image, 0, '5', "opt/v1", "", "");
    add(&image, 0, '2', "opt/now", "v1", "");
    file(&image, 0, "usr/bin/a", ELF("1"));
    file(&image, 0, "opt/v1/b", ELF("22"));
    file(&image, 1, "bin/a", "text");
    file(&image, 1, "opt/now/b", ELF("333"));
    file(&image, 1, "bin/c", ELF("4444"));
    check(&image, 2, "15 0: /usr/bin/c 8 1; /opt/v1/b 7 1");
}

static void test_coverage__an_image_of_nothing(void **state)
{
    (void)state;
    struct image image;
    begin(&image);
    check(&image, 1, "0 0:");
}

static void test_coverage__the_list_is_bounded(void **state)
{
    (void)state;
    struct image image;
    struct err err = {0};
    struct layer_inventory layer;
    const struct layer_inventory *layers[] = {&layer};
    begin(&image);
    auto_sb tar;
    sb_init(&tar, 8u << 20);
    for (size_t i = 0; i < LIMIT(UNOWNED_FILES) + 5; i++) {
        char path[40];
        snprintf(path, sizeof(path), "opt/%04zu", i);
        tar_add(&tar, '0', str_from(path), STR_NONE, STR("#!x"));
    }
    tar_end(&tar);
    assert_ok(scan_tar(&image.arena, sb_str(&tar), &layer, &err), err);
    assert_ok(image_inventory_merge(&image.arena, &combiner_here, layers, 1, &image.merged, &err),
              err);
    assert_int_equal(image.merged.coverage.unowned.len, LIMIT(UNOWNED_FILES));
    assert_int_equal(image.merged.coverage.n_unowned, LIMIT(UNOWNED_FILES) + 5);
    assert_int_equal(image.merged.notices.len, 1);
    assert_str(image.merged.notices.ptr[0].message,
               "5 more executable files of no package (unowned-files)");
    assert_true(image.merged.is_complete);
    layer.executables.is_cut = true;
    assert_ok(image_inventory_merge(&image.arena, &combiner_here, layers, 1, &image.merged, &err),
              err);
    assert_false(image.merged.coverage.is_measured);
    for (size_t i = 0; i < MAX_LAYERS; i++)
        sb_fini(&image.tars[i]);
    arena_fini(&image.arena);
}

/* More links to one folder than are followed: told, as files may be owned by another path. */
static void test_coverage__names_of_a_folder_are_bounded(void **state)
{
    (void)state;
    for (size_t n = LIMIT(FOLDER_NAMES) - 1; n <= LIMIT(FOLDER_NAMES); n++) {
        struct image image;
        struct err err = {0};
        struct layer_inventory layer;
        const struct layer_inventory *layers[] = {&layer};
        begin(&image);
        for (size_t i = 0; i < n; i++) {
            char path[40];
            snprintf(path, sizeof(path), "opt/%02zu", i);
            add(&image, 0, '2', path, "../usr/bin", "");
        }
        file(&image, 0, "usr/bin/a", ELF("1"));
        tar_end(&image.tars[0]);
        assert_ok(scan_tar(&image.arena, sb_str(&image.tars[0]), &layer, &err), err);
        assert_ok(
            image_inventory_merge(&image.arena, &combiner_here, layers, 1, &image.merged, &err),
            err);
        assert_int_equal(image.merged.coverage.unowned.len, 1);
        assert_int_equal(image.merged.notices.len, n == LIMIT(FOLDER_NAMES));
        for (size_t i = 0; i < MAX_LAYERS; i++)
            sb_fini(&image.tars[i]);
        arena_fini(&image.arena);
    }
}

/* A link into its own folder: names without end, of which some are followed. */
static void test_coverage__links_in_circles(void **state)
{
    (void)state;
    struct image image;
    begin(&image);
    add(&image, 0, '2', "usr/lib/self", ".", "");
    add(&image, 0, '2', "usr/lib/up", "..", "");
    add(&image, 0, '2', "usr/root", "/", "");
    add(&image, 0, '2', "usr/loop", "loop", "");
    file(&image, 0, "usr/lib/a", ELF("1"));
    file(&image, 0, "usr/lib/b", ELF("22"));
    file(&image, 0, STATUS, P("a") P("b"));
    file(&image, 0, LIST("a"), "/usr/lib/self/a\n");
    file(&image, 0, LIST("b"), "/usr/root/usr/lib/b\n");
    check(&image, 1, "11 11:");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_coverage__what_is_executable),
        cmocka_unit_test(test_coverage__debian_lists_and_merged_usr),
        cmocka_unit_test(test_coverage__diverted_files),
        cmocka_unit_test(test_coverage__unmerged_usr),
        cmocka_unit_test(test_coverage__lists_of_packages_that_are_gone),
        cmocka_unit_test(test_coverage__distroless_and_alpine),
        cmocka_unit_test(test_coverage__distroless_names_of_files),
        cmocka_unit_test(test_coverage__checksums_where_lists_were_removed),
        cmocka_unit_test(test_coverage__rpm_and_a_lib64_that_is_lib),
        cmocka_unit_test(test_coverage__pacman_portage_and_opkg),
        cmocka_unit_test(test_coverage__later_layers_replace),
        cmocka_unit_test(test_coverage__hard_links_are_one_file),
        cmocka_unit_test(test_coverage__layers_write_through_links),
        cmocka_unit_test(test_coverage__an_image_of_nothing),
        cmocka_unit_test(test_coverage__the_list_is_bounded),
        cmocka_unit_test(test_coverage__names_of_a_folder_are_bounded),
        cmocka_unit_test(test_coverage__links_in_circles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
