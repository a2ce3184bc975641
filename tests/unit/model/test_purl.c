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

static void test_purl__patterns(void **state)
{
    (void)state;
    struct arena arena;
    struct err err = {0};
    struct rd in;
    size_t n = 0;
    arena_init(&arena, 1 << 20);
    rd_init(&in, test_data(&arena, "model/purl-matches.txt"));
    for (str row; test_next_row(&in, &row); n++) {
        struct purl pattern, purl;
        str left = column(&row), right = column(&row), is = column(&row);
        assert_ok(purl_parse(&arena, left, 0, &pattern, &err), err);
        assert_ok(purl_parse(&arena, right, 0, &purl, &err), err);
        if (purl_matches(&pattern, &purl) != str_eq(is, STR("yes")))
            fail_msg(STR_FMT " and " STR_FMT ": expected " STR_FMT, STR_ARG(left), STR_ARG(right),
                     STR_ARG(is));
    }
    assert_true(n >= 15);
    arena_fini(&arena);
}

static str text_of(json_t *object, const char *key)
{
    return str_from(json_string_value(json_object_get(object, key)));
}

/* What the specification's file says of a purl, as one. */
static struct purl components(struct arena *arena, json_t *json)
{
    struct purl purl = {
        .type = text_of(json, "type"),
        .ns = text_of(json, "namespace"),
        .name = text_of(json, "name"),
        .version = text_of(json, "version"),
        .subpath = text_of(json, "subpath"),
    };
    const char *key;
    json_t *value;
    json_object_foreach(json_object_get(json, "qualifiers"), key, value)
    {
        struct purl_qualifier *to = vec_push(arena, &purl.qualifiers);
        assert_non_null(to);
        *to = (struct purl_qualifier){str_from(key), str_from(json_string_value(value))};
    }
    return purl;
}

static bool same_qualifiers(const struct purl *a, const struct purl *b)
{
    size_t n_same = 0;
    for (size_t i = 0; i < a->qualifiers.len; i++)
        for (size_t j = 0; j < b->qualifiers.len; j++)
            n_same += str_eq(a->qualifiers.ptr[i].key, b->qualifiers.ptr[j].key) &&
                      str_eq(a->qualifiers.ptr[i].value, b->qualifiers.ptr[j].value);
    return n_same == a->qualifiers.len && n_same == b->qualifiers.len;
}

static bool same(const struct purl *a, const struct purl *b)
{
    return str_eq(a->type, b->type) && str_eq(a->ns, b->ns) && str_eq(a->name, b->name) &&
           str_eq(a->version, b->version) && str_eq(a->subpath, b->subpath) &&
           same_qualifiers(a, b);
}

/* "parse": text to components; "build": components to text; "validate": text to canonical text. */
static bool is_passed(struct arena *arena, json_t *test)
{
    json_t *input = json_object_get(test, "input");
    bool fails = json_is_true(json_object_get(test, "expected_failure"));
    str type = text_of(test, "test_type"), text = STR_NONE;
    struct err err = {0};
    struct purl purl = components(arena, input);
    unsigned flags = str_eq(type, STR("validate")) ? PURL_ANY_CASE : 0;
    bool ok = json_is_object(input) ||
              purl_parse(arena, str_from(json_string_value(input)), flags, &purl, &err);
    if (ok && !str_eq(type, STR("parse")))
        ok = purl_build(arena, &purl, &text, &err);
    if (fails || !ok)
        return fails && !ok && err.kind == ERR_FORMAT;
    struct purl expected = components(arena, json_object_get(test, "expected_output"));
    return str_eq(type, STR("parse")) ? same(&purl, &expected)
                                      : str_eq(text, text_of(test, "expected_output"));
}

struct counts {
    int n, n_exact;
};
static struct counts check_file(const char *path)
{
    struct arena arena;
    arena_init(&arena, 8 << 20);
    str text = test_shared(&arena, path);
    json_t *root = json_loadb(text.ptr, text.len, 0, NULL), *test;
    assert_non_null(root);
    size_t i;
    struct counts counts = {0};
    json_array_foreach(json_object_get(root, "tests"), i, test)
    {
        counts.n++;
        bool ok = is_passed(&arena, test);
        counts.n_exact += ok;
        if (!ok)
            print_message("%s: %s: %s\n", path,
                          json_string_value(json_object_get(test, "test_type")),
                          json_string_value(json_object_get(test, "description")));
    }
    json_decref(root);
    arena_fini(&arena);
    return counts;
}

static void test_purl__follows_the_specification_tests(void **state)
{
    (void)state;
    static const char *const types[] = {
        "alpm", "apk",   "bitnami", "cargo", "cocoapods", "composer", "conan", "conda",
        "cran", "deb",   "docker",  "gem",   "generic",   "golang",   "hex",   "maven",
        "npm",  "nuget", "oci",     "pub",   "pypi",      "rpm",      "swift", "specification"};
    test_need_shared("corpus/purl");
    struct counts all = {0};
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        char path[128];
        snprintf(path, sizeof(path), "corpus/purl/%s-test.json", types[i]);
        struct counts of = check_file(path);
        all.n += of.n;
        all.n_exact += of.n_exact;
    }
    print_message("purl: exact %d/total %d\n", all.n_exact, all.n);
    assert_true(all.n > 300);
    assert_int_equal(all.n_exact, all.n);
}

/* "text => canonical text" or "text => !". */
static void test_purl__parses_by_rules(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct rd in;
    rd_init(&in, test_data(&arena, "model/purl-parse.txt"));
    str row;
    size_t n = 0;
    for (; test_next_row(&in, &row); n++) {
        str text = column(&row), expected = column(&row), got = STR("!");
        struct purl purl;
        struct err err = {0};
        if (purl_parse(&arena, text, 0, &purl, &err))
            assert_ok(purl_build(&arena, &purl, &got, &err), err);
        if (!str_eq(got, expected))
            fail_msg(STR_FMT " is " STR_FMT ", expected " STR_FMT, STR_ARG(text), STR_ARG(got),
                     STR_ARG(expected));
    }
    assert_true(n > 20);
    arena_fini(&arena);
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
        cmocka_unit_test(test_purl__patterns),
        cmocka_unit_test(test_purl__an_rpm_names_its_source),
        cmocka_unit_test(test_purl__follows_the_specification_tests),
        cmocka_unit_test(test_purl__parses_by_rules),
        cmocka_unit_test(test_purl__says_when_the_arena_is_used_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
