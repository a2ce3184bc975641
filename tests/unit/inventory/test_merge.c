/* SPDX-License-Identifier: Apache-2.0 */
/* Images made of a few entries, each a rule of how layers meet. */
#include "../support.h"

#include <stdlib.h>
#include <string.h>

#include "inventory/inventory.h"

#include "tar.h"

#define P(name, version) "Package: " name "\nStatus: install ok installed\nVersion: " version "\n\n"
#define A(name, version) "P:" name "\nV:" version "\n\n"
#define STATUS "var/lib/dpkg/status"

enum { MAX_LAYERS = 8 };
struct image {
    struct arena arena;
    struct sb tars[MAX_LAYERS];
    struct image_inventory merged;
    str text; /* "name version layer path" a line */
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

static void merge(struct image *image, size_t n)
{
    struct err err = {0};
    struct layer_inventory layers[MAX_LAYERS];
    const struct layer_inventory *pointers[MAX_LAYERS];
    for (size_t i = 0; i < n; i++) {
        tar_end(&image->tars[i]);
        assert_ok(scan_tar(&image->arena, sb_str(&image->tars[i]), &layers[i], &err), err);
        pointers[i] = &layers[i];
    }
    assert_ok(
        image_inventory_merge(&image->arena, &combiner_here, pointers, n, &image->merged, &err),
        err);
    auto_sb text;
    sb_init(&text, 1u << 20);
    for (size_t i = 0; i < image->merged.packages.len; i++) {
        const struct package *p = &image->merged.packages.ptr[i];
        sb_addf(&text, "%.*s %.*s %d %.*s\n", STR_ARG(p->name), STR_ARG(p->version), p->layer,
                STR_ARG(p->path));
    }
    image->text = arena_dup(&image->arena, sb_str(&text));
}

static void end(struct image *image)
{
    for (size_t i = 0; i < MAX_LAYERS; i++)
        sb_fini(&image->tars[i]);
    arena_fini(&image->arena);
}

static void expect(struct image *image, bool is_complete, const char *text)
{
    for (size_t i = 0; is_complete && i < image->merged.notices.len; i++)
        if (image->merged.notices.ptr[i].is_incomplete)
            print_message("notice: %.*s: %.*s\n", STR_ARG(image->merged.notices.ptr[i].path),
                          STR_ARG(image->merged.notices.ptr[i].message));
    assert_str(image->text, text);
    assert_int_equal(image->merged.is_complete, is_complete);
}

static void test_merge__a_package_keeps_the_layer_that_brought_it(void **state)
{
    (void)state;
    struct image image;
    begin(&image);
    add(&image, 0, '0', STATUS, "", P("a", "1") P("b", "1") P("gone", "1") P("back", "1"));
    add(&image, 1, '0', STATUS, "", P("a", "1") P("b", "2") P("c", "1"));
    add(&image, 2, '0', "opt/x", "", "nothing of ours");
    add(&image, 3, '0', STATUS, "", P("a", "1") P("b", "2") P("c", "1") P("back", "1"));
    merge(&image, 4);
    expect(&image, true,
           "a 1 0 /" STATUS "\nb 2 1 /" STATUS "\nback 1 3 /" STATUS "\nc 1 1 /" STATUS "\n");
    end(&image);
}

static void test_merge__a_whiteout_takes_lower_layers_only(void **state)
{
    (void)state;
    struct image image;
    begin(&image);
    add(&image, 0, '0', STATUS, "", P("a", "1"));
    add(&image, 0, '0', "var/lib/dpkg/status.d/x", "", "Package: x\nVersion: 1\n");
    add(&image, 1, '0', STATUS, "", P("b", "1"));
    add(&image, 1, '0', "var/lib/.wh.dpkg", "", "");
    merge(&image, 2);
    expect(&image, true, "b 1 1 /" STATUS "\n");
    end(&image);
}

static void test_merge__a_database_that_was_away_starts_anew(void **state)
{
    (void)state;
    struct image image;
    begin(&image);
    add(&image, 0, '0', STATUS, "", P("a", "1"));
    add(&image, 1, '0', "var/lib/dpkg/.wh.status", "", "");
    add(&image, 2, '0', STATUS, "", P("a", "1"));
    merge(&image, 3);
    expect(&image, true, "a 1 2 /" STATUS "\n");
    end(&image);
}

static void test_merge__an_opaque_folder_hides_lower_layers(void **state)
{
    (void)state;
    struct image image;
    begin(&image);
    add(&image, 0, '0', STATUS, "", P("a", "1"));
    add(&image, 0, '0', "etc/os-release", "", "ID=debian\nVERSION_ID=11\n");
    add(&image, 1, '0', "etc/.wh..wh..opq", "", "");
    add(&image, 1, '0', "var/lib/dpkg/.wh..wh..opq", "", "");
    add(&image, 1, '0', "var/lib/dpkg/status.d/x", "", "Package: x\nVersion: 1\n");
    merge(&image, 2);
    expect(&image, true, "x 1 1 /var/lib/dpkg/status.d/x\n");
    assert_str(image.merged.distro.id, "");
    end(&image);
}

static void test_merge__a_lower_link_redirects_an_upper_file(void **state)
{
    (void)state;
    struct image image;
    begin(&image);
    add(&image, 0, '5', "usr/lib", "", "");
    add(&image, 0, '2', "lib", "usr/lib", "");
    add(&image, 0, '0', "usr/lib/apk/db/installed", "", A("a", "1"));
    add(&image, 1, '0', "lib/apk/db/installed", "", A("a", "1") A("b", "1"));
    merge(&image, 2);
    expect(&image, true, "a 1 0 /usr/lib/apk/db/installed\nb 1 1 /usr/lib/apk/db/installed\n");
    end(&image);
}

static void test_merge__a_folder_replaces_a_link(void **state)
{
    (void)state;
    struct image image;
    begin(&image);
    add(&image, 0, '2', "lib", "usr/lib", "");
    add(&image, 0, '0', "usr/lib/apk/db/installed", "", A("a", "1"));
    add(&image, 1, '5', "lib", "", "");
    add(&image, 1, '0', "lib/apk/db/installed", "", A("b", "1"));
    merge(&image, 2);
    expect(&image, true, "a 1 0 /usr/lib/apk/db/installed\nb 1 1 /lib/apk/db/installed\n");
    end(&image);
}

static void test_merge__a_file_replaces_a_folder_with_all_in_it(void **state)
{
    (void)state;
    struct image image;
    begin(&image);
    add(&image, 0, '0', STATUS, "", P("a", "1"));
    add(&image, 1, '0', "var/lib", "", "now a file");
    merge(&image, 2);
    expect(&image, true, "");
    end(&image);
}

static void test_merge__a_link_replaces_a_folder_with_all_in_it(void **state)
{
    (void)state;
    struct image image;
    begin(&image);
    add(&image, 0, '0', STATUS, "", P("a", "1"));
    add(&image, 1, '0', "opt/dpkg/status", "", P("b", "1"));
    add(&image, 2, '2', "var/lib/dpkg", "/opt/dpkg", "");
    merge(&image, 3);
    expect(&image, true, "b 1 1 /opt/dpkg/status\n");
    end(&image);
}

static void test_merge__two_paths_to_one_file_count_once(void **state)
{
    (void)state;
    struct image image;
    begin(&image);
    add(&image, 0, '2', "lib", "usr/lib", "");
    add(&image, 0, '0', "usr/lib/apk/db/installed", "", A("a", "1"));
    add(&image, 0, '0', STATUS, "", P("x", "1"));
    add(&image, 0, '1', "var/lib/dpkg/status.d/status", STATUS, "");
    merge(&image, 1);
    expect(&image, true, "a 1 0 /usr/lib/apk/db/installed\nx 1 0 /" STATUS "\n");
    end(&image);
}

static void test_merge__a_hard_link_gets_a_lower_layers_file(void **state)
{
    (void)state;
    struct image image;
    begin(&image);
    add(&image, 0, '0', "opt/status", "", P("a", "1"));
    add(&image, 0, '0', "usr/lib/os-release", "", "ID=debian\nVERSION_ID=12\n");
    add(&image, 1, '1', STATUS, "opt/status", "");
    add(&image, 1, '1', "etc/os-release", "usr/lib/os-release", "");
    add(&image, 1, '0', "usr/lib/.wh.os-release", "", "");
    merge(&image, 2);
    expect(&image, true, "a 1 1 /" STATUS "\n");
    assert_str(image.merged.distro.path, "/etc/os-release");
    assert_int_equal(image.merged.distro.layer, 1);
    end(&image);
}

static void test_merge__a_hard_link_to_the_unknown_is_told(void **state)
{
    (void)state;
    struct image image;
    begin(&image);
    add(&image, 0, '1', STATUS, "opt/backup", "");
    merge(&image, 1);
    expect(&image, false, "");
    end(&image);
}

static void test_merge__a_link_to_an_odd_name_is_told(void **state)
{
    (void)state;
    struct image image;
    begin(&image);
    add(&image, 0, '0', "opt/packages", "", P("a", "1"));
    add(&image, 0, '2', STATUS, "../../../opt/packages", "");
    merge(&image, 1);
    expect(&image, false, "");
    end(&image);
}

static void test_merge__links_in_a_circle_are_told(void **state)
{
    (void)state;
    struct image image;
    begin(&image);
    add(&image, 0, '2', "var/lib/dpkg", "../lib/dpkg", "");
    add(&image, 1, '0', STATUS, "", P("a", "1"));
    merge(&image, 2);
    expect(&image, false, "");
    end(&image);
}

static void test_merge__links_stay_in_the_root(void **state)
{
    (void)state;
    struct image image;
    begin(&image);
    add(&image, 0, '2', "lib", "../../../../../usr/lib", "");
    add(&image, 0, '0', "lib/apk/db/installed", "", A("a", "1"));
    merge(&image, 1);
    expect(&image, true, "a 1 0 /usr/lib/apk/db/installed\n");
    end(&image);
}

static void test_merge__a_failed_database_counts_only_if_it_stays(void **state)
{
    (void)state;
    struct image image;
    begin(&image);
    add(&image, 0, '0', STATUS, "", P("a", "1") "rubbish\n");
    add(&image, 1, '0', STATUS, "", P("a", "1"));
    merge(&image, 2);
    /* the lower file is gone, and with what was read of it the layer is known */
    expect(&image, true, "a 1 0 /" STATUS "\n");
    end(&image);

    begin(&image);
    add(&image, 0, '0', STATUS, "", P("a", "1"));
    add(&image, 1, '0', STATUS, "", P("a", "1") "rubbish\n");
    merge(&image, 2);
    expect(&image, false, "a 1 0 /" STATUS "\n");
    assert_int_equal(image.merged.notices.ptr[0].layer, 1);
    assert_str(image.merged.notices.ptr[0].path, "/" STATUS);
    end(&image);
}

static void test_merge__release_files_in_their_order(void **state)
{
    (void)state;
    static const struct {
        const char *path, *body;
    } rows[] = {
        /* each goes before those above it */
        {"etc/debian_version", "11.9\n"},
        {"etc/alpine-release", "3.20.3\n"},
        {"etc/redhat-release", "Red Hat Enterprise Linux release 9.4 (Plow)\n"},
        {"etc/rocky-release", "Rocky Linux release 9.4 (Blue Onyx)\n"},
        {"etc/lsb-release", "DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=22.04\n"},
        {"usr/lib/os-release", "ID=fedora\nVERSION_ID=40\n"},
        {"etc/os-release", "ID=wolfi\nVERSION_ID=20230201\n"},
    };
    static const char *const want[] = {"debian 11",     "alpine 3.20.3", "rhel 9.4",
                                       "rocky 9.4",     "ubuntu 22.04",  "fedora 40",
                                       "wolfi 20230201"};
    for (size_t n = 1; n <= sizeof(rows) / sizeof(*rows); n++) {
        struct image image;
        begin(&image);
        for (size_t i = 0; i < n; i++)
            add(&image, 0, '0', rows[i].path, "", rows[i].body);
        merge(&image, 1);
        const struct distro *distro = &image.merged.distro;
        assert_str(arena_printf(&image.arena, "%.*s %.*s", STR_ARG(distro->id),
                                STR_ARG(distro->version_id)),
                   want[n - 1]);
        assert_true(image.merged.is_complete && image.merged.is_identified);
        end(&image);
    }
}

static void test_merge__the_release_may_come_from_a_lower_rank(void **state)
{
    (void)state;
    struct image image;
    begin(&image);
    add(&image, 0, '0', "etc/os-release", "", "ID=debian\nPRETTY_NAME=\"Debian GNU/Linux\"\n");
    add(&image, 1, '0', "etc/debian_version", "", "10.8\n");
    merge(&image, 2);
    assert_str(image.merged.distro.version_id, "10");
    assert_str(image.merged.distro.path, "/etc/os-release");
    assert_int_equal(image.merged.distro.layer, 0);
    end(&image);

    begin(&image); /* but not another distribution's */
    add(&image, 0, '0', "etc/os-release", "", "ID=devuan\n");
    add(&image, 0, '0', "etc/debian_version", "", "10.8\n");
    merge(&image, 1);
    assert_str(image.merged.distro.version_id, "");
    end(&image);
}

static void test_merge__an_unreadable_release_file_is_told(void **state)
{
    (void)state;
    struct image image;
    begin(&image);
    add(&image, 0, '0', "etc/os-release", "", "ID=\"debian\n");
    add(&image, 0, '0', "usr/lib/os-release", "", "ID=debian\nVERSION_ID=12\n");
    merge(&image, 1);
    assert_false(image.merged.is_complete); /* the file that goes first might have said otherwise */
    assert_str(image.merged.distro.id, "debian");
    end(&image);

    begin(&image); /* a lower one that nobody needs is no loss */
    add(&image, 0, '0', "etc/os-release", "", "ID=debian\nVERSION_ID=12\n");
    add(&image, 0, '0', "etc/redhat-release", "", "nonsense\n");
    merge(&image, 1);
    assert_true(image.merged.is_complete);
    end(&image);
}

static void test_merge__nothing_is_not_identified(void **state)
{
    (void)state;
    struct image image;
    begin(&image);
    add(&image, 0, '0', "app", "", "x");
    merge(&image, 1);
    expect(&image, true, "");
    assert_false(image.merged.is_identified);
    end(&image);
}

static void test_merge__names_with_stars_are_just_names(void **state)
{
    (void)state;
    struct image image;
    begin(&image);
    add(&image, 0, '0', "var/lib/dpkg/status.d/*", "", "Package: a\nVersion: 1\n");
    add(&image, 0, '2', "var/lib/dpkg/status.d/**", "*", "");
    merge(&image, 1);
    expect(&image, true, "a 1 0 /var/lib/dpkg/status.d/*\n");
    end(&image);
}

static void test_merge__too_many_layers_are_an_error(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1u << 20);
    struct layer_inventory layer = {0};
    const struct layer_inventory **layers = malloc((LIMIT(LAYERS) + 1) * sizeof(*layers));
    for (size_t i = 0; i <= LIMIT(LAYERS); i++)
        layers[i] = &layer;
    struct image_inventory image;
    struct err err = {0};
    assert_true(image_inventory_merge(&arena, &combiner_here, layers, LIMIT(LAYERS), &image, &err));
    assert_false(
        image_inventory_merge(&arena, &combiner_here, layers, LIMIT(LAYERS) + 1, &image, &err));
    assert_int_equal(err.kind, ERR_LIMIT);
    free(layers);
    arena_fini(&arena);
}

#define DESC(name, version) "%NAME%\n" name "\n\n%VERSION%\n" version "\n\n"
#define LOCAL "var/lib/pacman/local/"

static void test_merge__a_folder_a_package_is_upgraded_and_removed(void **state)
{
    (void)state;
    struct image image;
    begin(&image);
    add(&image, 0, '0', LOCAL "a-1-1/desc", "", DESC("a", "1-1"));
    add(&image, 0, '0', LOCAL "b-1-1/desc", "", DESC("b", "1-1"));
    add(&image, 0, '0', LOCAL "c-1-1/desc", "", DESC("c", "1-1"));
    add(&image, 1, '0', LOCAL ".wh.a-1-1", "", "");
    add(&image, 1, '0', LOCAL "a-2-1/desc", "", DESC("a", "2-1"));
    add(&image, 1, '0', LOCAL ".wh.b-1-1", "", "");
    add(&image, 1, '0', "var/db/pkg/sys-apps/sed-4.9/PF", "", "sed-4.9\n");
    add(&image, 2, '0', "var/db/pkg/sys-apps/.wh.sed-4.9", "", "");
    merge(&image, 3);
    expect(&image, true,
           "a 2-1 1 /" LOCAL "a-2-1/desc\n"
           "c 1-1 0 /" LOCAL "c-1-1/desc\n");
    end(&image);
}

static void test_merge__a_control_file_completes_what_status_lists(void **state)
{
    (void)state;
    struct image image;
    begin(&image);
    add(&image, 0, '0', "usr/lib/opkg/status", "",
        "Package: libubus\nVersion: 1\nStatus: install ok installed\n");
    add(&image, 0, '0', "usr/lib/opkg/info/libubus.control", "",
        "Package: libubus\nVersion: 1\nSourceName: ubus\nLicense: LGPL-2.1\n");
    add(&image, 1, '0', "usr/lib/opkg/info/alone.control", "", "Package: alone\nVersion: 2\n");
    merge(&image, 2);
    expect(&image, true,
           "alone 2 1 /usr/lib/opkg/info/alone.control\n"
           "libubus 1 0 /usr/lib/opkg/status\n");
    assert_str(image.merged.packages.ptr[1].source_name, "ubus");
    assert_int_equal(image.merged.packages.ptr[1].licenses.len, 1);
    end(&image);
}

static void test_merge__busybox_names_a_system_of_its_own(void **state)
{
    (void)state;
    static const char binary[] = "\x7f"
                                 "ELF BusyBox v1.36.1 (2023)";
    struct image image;
    begin(&image);
    add(&image, 0, '0', "bin/[", "", binary);
    add(&image, 0, '1', "bin/busybox", "bin/[", "");
    merge(&image, 1);
    assert_str(image.merged.distro.id, "busybox");
    assert_str(image.merged.distro.name, "BusyBox v1.36.1");
    assert_int_equal(image.merged.distro.version_id.len, 0);
    assert_true(image.merged.is_complete);
    end(&image);
    begin(&image);
    add(&image, 0, '0', "bin/busybox", "", binary);
    add(&image, 1, '0', "etc/alpine-release", "", "3.20.3\n");
    merge(&image, 2);
    assert_str(image.merged.distro.id, "alpine");
    end(&image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_merge__a_folder_a_package_is_upgraded_and_removed),
        cmocka_unit_test(test_merge__a_control_file_completes_what_status_lists),
        cmocka_unit_test(test_merge__busybox_names_a_system_of_its_own),
        cmocka_unit_test(test_merge__a_package_keeps_the_layer_that_brought_it),
        cmocka_unit_test(test_merge__a_whiteout_takes_lower_layers_only),
        cmocka_unit_test(test_merge__a_database_that_was_away_starts_anew),
        cmocka_unit_test(test_merge__an_opaque_folder_hides_lower_layers),
        cmocka_unit_test(test_merge__a_lower_link_redirects_an_upper_file),
        cmocka_unit_test(test_merge__a_folder_replaces_a_link),
        cmocka_unit_test(test_merge__a_file_replaces_a_folder_with_all_in_it),
        cmocka_unit_test(test_merge__a_link_replaces_a_folder_with_all_in_it),
        cmocka_unit_test(test_merge__two_paths_to_one_file_count_once),
        cmocka_unit_test(test_merge__a_hard_link_gets_a_lower_layers_file),
        cmocka_unit_test(test_merge__a_hard_link_to_the_unknown_is_told),
        cmocka_unit_test(test_merge__a_link_to_an_odd_name_is_told),
        cmocka_unit_test(test_merge__links_in_a_circle_are_told),
        cmocka_unit_test(test_merge__links_stay_in_the_root),
        cmocka_unit_test(test_merge__a_failed_database_counts_only_if_it_stays),
        cmocka_unit_test(test_merge__release_files_in_their_order),
        cmocka_unit_test(test_merge__the_release_may_come_from_a_lower_rank),
        cmocka_unit_test(test_merge__an_unreadable_release_file_is_told),
        cmocka_unit_test(test_merge__nothing_is_not_identified),
        cmocka_unit_test(test_merge__names_with_stars_are_just_names),
        cmocka_unit_test(test_merge__too_many_layers_are_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
