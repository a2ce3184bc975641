/* SPDX-License-Identifier: Apache-2.0 */
#include "../support.h"

#include "assess/assess.h"

struct fixture {
    struct arena arena;
    struct image_inventory inventory;
};

static struct err err; /* of the call before */

static void add(struct fixture *f, const char *type, const char *name, const char *source,
                const char *path, int layer)
{
    struct package *p = vec_push(&f->arena, &f->inventory.packages);
    *p = (struct package){.type = str_from(type),
                          .name = str_from(name),
                          .version = STR("1.0"),
                          .source_name = str_from(source),
                          .source_version = STR("1.0"),
                          .path = str_from(path),
                          .layer = layer,
                          .is_os = str_eq(str_from(type), STR("deb"))};
}

static int setup(void **state)
{
    struct fixture *f = test_calloc(1, sizeof(*f));
    arena_init(&f->arena, 16 << 20);
    f->inventory.distro = (struct distro){.id = STR("debian"), .version_id = STR("12")};
    add(f, "deb", "apt", "apt", "/var/lib/dpkg/status", 0);
    add(f, "deb", "libssl3", "openssl", "/var/lib/dpkg/status", 0);
    add(f, "deb", "openssl", "openssl", "/var/lib/dpkg/status", 2);
    add(f, "golang", "example.com/a", "", "/app/server", 2);
    add(f, "golang", "example.com/b", "", "/app/server", 2);
    add(f, "npm", "left", "", "/app/node_modules/left/package.json", 2);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    arena_fini(&f->arena);
    test_free(f);
    return 0;
}

static unit_list cut(struct fixture *f, size_t n_base)
{
    unit_list out;
    assert_ok(units_cut(&f->arena, &f->inventory, n_base, false, &out, &err), err);
    return out;
}

static str print(struct fixture *f, const struct unit *unit)
{
    auto_sb out;
    sb_init(&out, 1 << 16);
    unit_print(unit, &out);
    return arena_dup(&f->arena, sb_str(&out));
}

static bool has(struct fixture *f, const struct unit *unit, const char *ecosystem, const char *name)
{
    unit_keys keys;
    uint64_t key = unit_key(str_from(ecosystem), str_from(name));
    assert_ok(unit_keys_of(&f->arena, unit, &keys, &err), err);
    for (size_t i = 0; i < keys.len; i++)
        if (keys.ptr[i] == key)
            return true;
    return false;
}

static void test_unit__is_a_source_package_or_a_file(void **state)
{
    struct fixture *f = *state;
    unit_list list = cut(f, 1);
    assert_int_equal(list.len, 5);
    assert_true(list.ptr[0].is_whole);
    assert_int_equal(list.ptr[2].part.packages.len, 2); /* openssl */
    assert_int_equal(list.ptr[3].part.packages.len, 2); /* the program */
    assert_int_equal(list.ptr[4].part.packages.len, 1);
    f->inventory.packages.ptr[5].owned_by = STR("deb:left"); /* the distribution's affair */
    assert_int_equal(cut(f, 1).len, 4);
}

static void test_unit__keys_are_what_the_matcher_asks_for(void **state)
{
    struct fixture *f = *state;
    unit_list list = cut(f, 1);
    assert_true(has(f, &list.ptr[2], "Debian:12", "openssl"));
    assert_true(has(f, &list.ptr[2], "Debian:12", "libssl3"));
    assert_false(has(f, &list.ptr[2], "Debian:12", "apt"));
    assert_true(has(f, &list.ptr[2], "VEX:deb", "debian/openssl"));
    assert_true(has(f, &list.ptr[3], "Go", "example.com/a"));
    assert_true(has(f, &list.ptr[3], "VEX:golang", "example.com/b"));
    assert_true(has(f, &list.ptr[0], "Debian:12", ""));
    assert_true(has(f, &list.ptr[0], "npm", ""));
    assert_true(has(f, &list.ptr[0], "", ""));
}

static void test_unit__comes_back_as_it_was(void **state)
{
    struct fixture *f = *state;
    unit_list list = cut(f, 1);
    for (size_t i = 0; i < list.len; i++) {
        struct unit back;
        str bytes = print(f, &list.ptr[i]);
        assert_ok(unit_parse(&f->arena, bytes, &back, &err), err);
        assert_true(str_eq(bytes, print(f, &back)));
        for (size_t n = 0; n < bytes.len; n++)
            assert_false(unit_parse(&f->arena, str_slice(bytes, 0, n), &back, &err));
    }
}

static void test_unit__differs_by_all_that_findings_depend_on(void **state)
{
    struct fixture *f = *state;
    str before = print(f, &cut(f, 1).ptr[2]);
    assert_true(str_eq(before, print(f, &cut(f, 2).ptr[2]))); /* the base ends elsewhere */
    assert_false(str_eq(before, print(f, &cut(f, 3).ptr[2])));
    f->inventory.packages.ptr[2].layer = 1;
    assert_false(str_eq(before, print(f, &cut(f, 1).ptr[2])));
    f->inventory.packages.ptr[2].layer = 2;
    f->inventory.packages.ptr[0].name = STR("not-apt"); /* what it can be mended with */
    assert_false(str_eq(before, print(f, &cut(f, 1).ptr[2])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_unit__is_a_source_package_or_a_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unit__keys_are_what_the_matcher_asks_for, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_unit__comes_back_as_it_was, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unit__differs_by_all_that_findings_depend_on, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
