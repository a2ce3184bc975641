/* SPDX-License-Identifier: Apache-2.0 */
#include "rows.h"

#include "base/num.h"
#include "model/model.h"

#include <jansson.h>

static void test_purl__rules(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct rd in;
    rd_init(&in, test_data(&arena, "model/purl.txt"));
    str row;
    while (test_next_row(&in, &row)) {
        struct package package = {.type = column(&row)};
        package.name = column(&row);
        package.version = column(&row);
        package.arch = column(&row);
        struct distro distro = {.id = column(&row)};
        distro.version_id = column(&row);
        package.is_os = distro.id.len > 0;
        str expected = column(&row), purl = purl_of(&arena, &package, &distro);
        if (!str_eq(purl, expected))
            fail_msg("is " STR_FMT ", expected " STR_FMT, STR_ARG(purl), STR_ARG(expected));
    }
    arena_fini(&arena);
}

static void test_purl__an_rpm_names_its_source(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 16);
    const struct package package = {.type = STR("rpm"),
                                    .name = STR("openssl-libs"),
                                    .version = STR("1:3.0.7-27.el9"),
                                    .arch = STR("x86_64"),
                                    .source_name = STR("openssl"),
                                    .source_version = STR("1:3.0.7-27.el9"),
                                    .is_os = true};
    const struct distro distro = {.id = STR("rocky"), .version_id = STR("9.3")};
    assert_str(purl_of(&arena, &package, &distro),
               "pkg:rpm/rocky/openssl-libs@3.0.7-27.el9?arch=x86_64&distro=rocky-9.3&epoch=1"
               "&upstream=openssl-3.0.7-27.el9.src.rpm");
    arena_fini(&arena);
}

static str text_of(json_t *object, const char *key)
{
    return str_from(json_string_value(json_object_get(object, key)));
}

static void check_build(struct arena *arena, json_t *test)
{
    json_t *input = json_object_get(test, "input"), *value;
    str qualifiers[32], expected = text_of(test, "expected_output");
    size_t n = 0;
    const char *key;
    json_object_foreach(json_object_get(input, "qualifiers"), key, value)
    {
        assert_true(n < ARRAY_LEN(qualifiers) / 2);
        qualifiers[2 * n] = str_from(key);
        qualifiers[2 * n++ + 1] = str_from(json_string_value(value));
    }
    str purl = purl_print(arena, text_of(input, "type"), text_of(input, "namespace"),
                          text_of(input, "name"), text_of(input, "version"), qualifiers, n);
    if (!str_eq(purl, expected))
        fail_msg("is " STR_FMT ", expected " STR_FMT, STR_ARG(purl), STR_ARG(expected));
}

/* The tests of package-url/purl-spec that build a purl; subpaths are not ours. */
static size_t check_file(const char *path)
{
    struct arena arena;
    arena_init(&arena, 4 << 20);
    str text = test_shared(&arena, path);
    json_t *root = json_loadb(text.ptr, text.len, 0, NULL), *test;
    assert_non_null(root);
    size_t i, n = 0;
    json_array_foreach(json_object_get(root, "tests"), i, test)
    {
        json_t *input = json_object_get(test, "input");
        if (!str_eq(text_of(test, "test_type"), STR("build")) ||
            json_is_true(json_object_get(test, "expected_failure")) ||
            json_is_string(json_object_get(input, "subpath")))
            continue;
        check_build(&arena, test);
        n++;
    }
    json_decref(root);
    arena_fini(&arena);
    return n;
}

static void test_purl__builds_as_the_specification_tests(void **state)
{
    (void)state;
    static const char *const types[] = {
        "alpm",   "apk", "bitnami", "cargo",  "composer",      "conda", "cran", "deb",
        "docker", "gem", "generic", "golang", "hex",           "maven", "npm",  "nuget",
        "oci",    "pub", "pypi",    "rpm",    "specification", "swift"};
    test_need_shared("corpus/purl");
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        char path[128];
        snprintf(path, sizeof(path), "corpus/purl/%s-test.json", types[i]);
        n += check_file(path);
    }
    assert_true(n > 30);
}

static void test_purl__says_when_the_arena_is_used_up(void **state)
{
    (void)state;
    struct arena none = {0};
    assert_null(purl_print(&none, STR("deb"), STR("debian"), STR("a"), STR("1"), NULL, 0).ptr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_purl__rules),
        cmocka_unit_test(test_purl__an_rpm_names_its_source),
        cmocka_unit_test(test_purl__builds_as_the_specification_tests),
        cmocka_unit_test(test_purl__says_when_the_arena_is_used_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
