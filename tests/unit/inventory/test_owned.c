/* SPDX-License-Identifier: Apache-2.0 */
/* Packages of other managers, whose file an OS package lists or does not.  As there is no reader of
 * languages here, pacman's desc plays one: what it says becomes a package of npm. */
#include "../support.h"

#include "inventory/inventory.h"

#include "tar.h"

enum { LAYERS_MAX = 3 };
struct image {
    struct arena arena;
    struct sb tar;
    struct layer_inventory layers[LAYERS_MAX];
    const struct layer_inventory *pointers[LAYERS_MAX];
    size_t n;
    struct image_inventory merged;
};

#define P(name, version) "Package: " name "\nStatus: install ok installed\nVersion: " version "\n\n"
#define STATUS "var/lib/dpkg/status"
#define LIST(name) "var/lib/dpkg/info/" name ".list"
#define EVIDENCE "var/lib/pacman/local/left-pad/desc"
#define NPM(version) "%NAME%\nleft-pad\n\n%VERSION%\n" version "\n"

static void begin(struct image *image)
{
    *image = (struct image){0};
    arena_init(&image->arena, 64u << 20);
    sb_init(&image->tar, 1u << 20);
}

static void put(struct image *image, char type, const char *path, const char *link,
                const char *body)
{
    tar_add(&image->tar, type, str_from(path), str_from(link), str_from(body));
}

static void file(struct image *image, const char *path, const char *body)
{
    put(image, '0', path, "", body);
}

/* The layer goes through its bytes, as layers travel. */
static void end_layer(struct image *image)
{
    struct err err = {0};
    struct layer_inventory scanned;
    auto_sb bytes;
    sb_init(&bytes, 1u << 20);
    tar_end(&image->tar);
    assert_ok(scan_tar(&image->arena, sb_str(&image->tar), &scanned, &err), err);
    for (size_t f = 0; f < scanned.files.len; f++) {
        packages *all = &scanned.files.ptr[f].packages;
        for (size_t i = 0; i < all->len; i++)
            if (str_eq(all->ptr[i].type, STR("alpm"))) {
                all->ptr[i].type = STR("npm");
                all->ptr[i].is_os = false;
            }
    }
    struct layer_inventory *layer = &image->layers[image->n];
    assert_ok(layer_inventory_encode(&scanned, &bytes, &err), err);
    assert_ok(layer_inventory_decode(&image->arena, sb_str(&bytes), layer, &err), err);
    image->pointers[image->n++] = layer;
    sb_clear(&image->tar);
}

/* @want: whose the one package of npm is, or "". */
static void check(struct image *image, const char *want)
{
    struct err err = {0};
    size_t n = 0;
    assert_ok(image_inventory_merge(&image->arena, &combiner_here, image->pointers, image->n,
                                    &image->merged, &err),
              err);
    for (size_t i = 0; i < image->merged.packages.len; i++) {
        const struct package *package = &image->merged.packages.ptr[i];
        if (package->is_os) {
            assert_int_equal(package->owned_by.len, 0);
            continue;
        }
        n++;
        assert_str(package->name, "left-pad");
        assert_str(package->owned_by, want);
    }
    assert_int_equal(n, 1);
    sb_fini(&image->tar);
    arena_fini(&image->arena);
}

static void test_owned__by_the_package_that_lists_its_file(void **state)
{
    (void)state;
    struct image image;
    begin(&image);
    file(&image, EVIDENCE, NPM("1"));
    file(&image, STATUS, P("node-left-pad", "1-1") P("other", "1"));
    file(&image, LIST("node-left-pad:all"), "/.\n/" EVIDENCE "\n");
    file(&image, LIST("other"), "/" EVIDENCE ".bak\n");
    end_layer(&image);
    check(&image, "deb:node-left-pad");
}

static void test_owned__not_when_no_list_names_it(void **state)
{
    (void)state;
    struct image image;
    begin(&image);
    file(&image, EVIDENCE, NPM("1"));
    file(&image, STATUS, P("other", "1"));
    file(&image, LIST("other"), "/var/lib/pacman/local/left-pad\n");
    end_layer(&image);
    check(&image, "");
}

static void test_owned__not_by_a_package_that_is_gone(void **state)
{
    (void)state;
    struct image image;
    begin(&image);
    file(&image, EVIDENCE, NPM("1"));
    file(&image, STATUS, P("node-left-pad", "1-1") P("other", "1"));
    file(&image, LIST("node-left-pad"), "/" EVIDENCE "\n");
    end_layer(&image);
    file(&image, STATUS, P("other", "1")); /* the list stayed */
    end_layer(&image);
    check(&image, "");
}

/* The name of a package of another manager: its list is not dpkg's. */
static void test_owned__not_by_a_namesake_of_another_manager(void **state)
{
    (void)state;
    struct image image;
    begin(&image);
    file(&image, EVIDENCE, NPM("1"));
    file(&image, "lib/apk/db/installed", "P:left\nV:1\n\n");
    file(&image, LIST("left"), "/" EVIDENCE "\n");
    end_layer(&image);
    check(&image, "");
}

static void test_owned__through_links_of_links(void **state)
{
    (void)state;
    struct image image;
    begin(&image);
    put(&image, '2', "lib", "usr/lib", "");
    put(&image, '2', "usr/lib64", "lib", "");
    put(&image, '2', "usr/lib/pacman", "/var/lib/pacman", "");
    file(&image, EVIDENCE, NPM("1"));
    file(&image, STATUS, P("node-left-pad", "1-1"));
    file(&image, LIST("node-left-pad"), "/usr/lib64/pacman/local/left-pad/desc\n");
    end_layer(&image);
    check(&image, "deb:node-left-pad");
}

/* "npm install" over what the distribution brought: its advisories do not speak of that. */
static void test_owned__not_what_a_later_layer_put_in_its_place(void **state)
{
    (void)state;
    struct image image;
    begin(&image);
    file(&image, EVIDENCE, NPM("1"));
    file(&image, STATUS, P("node-left-pad", "1-1"));
    file(&image, LIST("node-left-pad"), "/" EVIDENCE "\n");
    end_layer(&image);
    file(&image, EVIDENCE, NPM("2"));
    file(&image, STATUS, P("new", "1") P("node-left-pad", "1-1"));
    end_layer(&image);
    check(&image, "");
}

/* A later layer that touches the file (chmod) or upgrades its owner. */
static void test_owned__still_when_touched_or_upgraded(void **state)
{
    (void)state;
    struct image image;
    begin(&image);
    file(&image, EVIDENCE, NPM("1"));
    file(&image, STATUS, P("node-left-pad", "1-1"));
    file(&image, LIST("node-left-pad"), "/" EVIDENCE "\n");
    end_layer(&image);
    file(&image, EVIDENCE, NPM("1"));
    end_layer(&image);
    file(&image, EVIDENCE, NPM("2"));
    file(&image, STATUS, P("node-left-pad", "2-1"));
    end_layer(&image);
    check(&image, "deb:node-left-pad");
    begin(&image);
    file(&image, EVIDENCE, NPM("1"));
    file(&image, STATUS, P("node-left-pad", "1-1"));
    file(&image, LIST("node-left-pad"), "/" EVIDENCE "\n");
    end_layer(&image);
    file(&image, EVIDENCE, NPM("1"));
    end_layer(&image);
    check(&image, "deb:node-left-pad");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_owned__by_the_package_that_lists_its_file),
        cmocka_unit_test(test_owned__not_when_no_list_names_it),
        cmocka_unit_test(test_owned__not_by_a_package_that_is_gone),
        cmocka_unit_test(test_owned__not_by_a_namesake_of_another_manager),
        cmocka_unit_test(test_owned__through_links_of_links),
        cmocka_unit_test(test_owned__not_what_a_later_layer_put_in_its_place),
        cmocka_unit_test(test_owned__still_when_touched_or_upgraded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
