/* SPDX-License-Identifier: Apache-2.0 */
#include "../support.h"

#include "advisory/internal.h"
#include "os/file.h"

static const char *put(struct arena *arena, const char *dir, const char *name, const char *text)
{
    struct err err = {0};
    const char *path = arena_cstr(arena, arena_printf(arena, "%s/%s", dir, name));
    assert_ok(file_save(path, str_from(text), 0644, &err), err);
    return path;
}

static void test_apt_sources__both_forms_are_read(void **state)
{
    (void)state;
    struct arena arena;
    struct err err = {0};
    apt_sources sources = {0};
    arena_init(&arena, 1 << 20);
    const char *dir = test_mkdir(&arena);
    assert_ok(dir_make(arena_cstr(&arena, arena_printf(&arena, "%s/sources.list.d", dir)), &err),
              err);
    put(&arena, dir, "sources.list",
        "# deb http://no.example/debian bookworm main\n"
        "deb [signed-by=/k arch=amd64] http://one.example/debian bookworm main contrib # tail\n"
        "deb cdrom:[x]/ bookworm main\n\nrubbish\n");
    put(&arena, dir, "sources.list.d/a.sources",
        "Types: deb deb-src\nURIs: http://two.example/debian file:/srv/mirror\n"
        "Suites: bookworm bookworm-security\nComponents: main\n\n"
        "Enabled: no\nTypes: deb\nURIs: http://off.example\nSuites: bookworm\n");
    put(&arena, dir, "sources.list.d/broken.sources", "Types: deb\nno field here\n");
    put(&arena, dir, "sources.list.d/ignored.save", "deb http://no.example/debian bookworm main\n");
    assert_ok(apt_sources_load(dir, &arena, &sources, &err), err);
    assert_int_equal(sources.len, 5);
    assert_str(sources.ptr[0].uri, "http://one.example/debian");
    assert_str(sources.ptr[0].suite, "bookworm");
    assert_str(sources.ptr[2].suite, "bookworm-security");
    assert_str(sources.ptr[4].uri, "/srv/mirror");
    test_rmdir(dir);
    arena_fini(&arena);
}

static void test_apt_sources__none_is_no_error(void **state)
{
    (void)state;
    struct arena arena;
    struct err err = {0};
    apt_sources sources = {0};
    arena_init(&arena, 1 << 20);
    assert_ok(apt_sources_load("/nonexistent", &arena, &sources, &err), err);
    assert_int_equal(sources.len, 0);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_apt_sources__both_forms_are_read),
        cmocka_unit_test(test_apt_sources__none_is_no_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
