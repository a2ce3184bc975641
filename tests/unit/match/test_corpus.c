/* SPDX-License-Identifier: Apache-2.0 */
/* Packages of real artefacts of languages against real feeds: exactly the findings that the corpus
 * states (DATA.md), nothing missing, nothing more.  The packages are those that the corpus says are
 * in the artefact; what detectors find there is their own tests' affair.
 *
 * As DATA.md has it: packages marked dev, main or root were not matched, a replaced Go module
 * counts as its replacement; and only records with a statement on the package count, withdrawn ones
 * not. */
#include "support.h"

#include "base/map.h"
#include "base/num.h"
#include "match/match.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum { ARENA = 64 << 20 };

struct feed_score {
    const char *ecosystem, *type;
    size_t n_items, n_expected, n_found, n_right;
};

/* --- what the artefact holds
 * ---------------------------------------------------------------------------------- */
static struct feed_score *feed_of(struct feed_score *feeds, const char *kind)
{
    bool is_go = strncmp(kind, "go-", 3) == 0;
    bool is_rust = strncmp(kind, "cargo", 5) == 0 || strncmp(kind, "rust", 4) == 0;
    return &feeds[is_go ? 0 : is_rust ? 1 : 2];
}

static str text_of(const json_t *object, const char *key)
{
    return str_from(json_string_value(json_object_get(object, key)));
}

static bool is_left_out(const json_t *package)
{
    return json_is_true(json_object_get(package, "dev")) ||
           json_is_true(json_object_get(package, "main")) ||
           json_is_true(json_object_get(package, "root"));
}

/* A Go module that another stands in for counts as that one: "replaced_by" "path version". */
static void replace(const json_t *package, str *name, str *version)
{
    const json_t *by = json_object_get(package, "replaced_by");
    if (json_is_object(by)) {
        *name = text_of(by, "name");
        *version = text_of(by, "version");
    } else if (json_is_string(by)) {
        (void)str_cut_byte(str_from(json_string_value(by)), ' ', name, version);
    }
}

static void read_packages(struct arena *arena, const json_t *item, const char *type,
                          struct image_inventory *out)
{
    size_t i;
    json_t *one;
    *out = (struct image_inventory){.is_complete = true, .is_identified = true};
    json_array_foreach(json_object_get(item, "expected"), i, one)
    {
        str name = text_of(one, "name"), version = text_of(one, "version");
        if (is_left_out(one))
            continue;
        replace(one, &name, &version);
        *(struct package *)vec_push(arena, &out->packages) =
            (struct package){.type = str_from(type),
                             .name = name,
                             .version = version,
                             .path = arena_printf(arena, "/%zu", i)};
    }
}

/* --- the two lists
 * ------------------------------------------------------------------------------------------- */
static int cmp_lines(const void *a, const void *b)
{
    return str_cmp(*(const str *)a, *(const str *)b);
}

static void add_line(struct arena *arena, strs *list, str name, str version, str id)
{
    str line = arena_printf(arena, STR_FMT " " STR_FMT " " STR_FMT, STR_ARG(name), STR_ARG(version),
                            STR_ARG(id));
    for (size_t i = 0; i < list->len; i++)
        if (str_eq(list->ptr[i], line))
            return;
    *(str *)vec_push(arena, list) = line;
}

static strs expected_lines(struct arena *arena, const json_t *item)
{
    strs lines = {0};
    size_t i;
    json_t *one;
    json_array_foreach(json_object_get(item, "expected_osv_findings"), i, one)
        add_line(arena, &lines, text_of(one, "name"), text_of(one, "version"), text_of(one, "id"));
    vec_sort(&lines, cmp_lines);
    return lines;
}

static strs found_lines(struct arena *arena, const struct match_result *result)
{
    strs lines = {0};
    for (size_t i = 0; i < result->findings.len; i++) {
        const struct finding *f = &result->findings.ptr[i];
        for (size_t j = 0; j < f->evidence.len; j++)
            add_line(arena, &lines, f->package_name, f->package_version, f->evidence.ptr[j].record);
    }
    vec_sort(&lines, cmp_lines);
    return lines;
}

static size_t compare(const char *file, const strs *found, const strs *expected)
{
    size_t i = 0, j = 0, n_right = 0;
    while (i < found->len || j < expected->len) {
        int sign = i == found->len      ? 1
                   : j == expected->len ? -1
                                        : str_cmp(found->ptr[i], expected->ptr[j]);
        if (sign < 0)
            print_message("%s: more: " STR_FMT "\n", file, STR_ARG(found->ptr[i]));
        if (sign > 0)
            print_message("%s: missing: " STR_FMT "\n", file, STR_ARG(expected->ptr[j]));
        n_right += sign == 0;
        i += sign <= 0;
        j += sign >= 0;
    }
    return n_right;
}

static void check_item(const struct advisory_db *db, const json_t *item, struct feed_score *feed)
{
    struct arena arena;
    struct image_inventory inventory;
    struct match_result result;
    struct err err = {0};
    const char *file = json_string_value(json_object_get(item, "file"));
    arena_init(&arena, ARENA);
    read_packages(&arena, item, feed->type, &inventory);
    assert_ok(match_image(db, &inventory, &arena, &result, &err), err);
    strs found = found_lines(&arena, &result), expected = expected_lines(&arena, item);
    for (size_t i = 0; i < result.notices.len; i++)
        print_message("%s: notice: " STR_FMT "\n", file, STR_ARG(result.notices.ptr[i].message));
    feed->n_items++;
    feed->n_found += found.len;
    feed->n_expected += expected.len;
    feed->n_right += compare(file, &found, &expected);
    arena_fini(&arena);
}

static double share(size_t part, size_t whole) { return whole ? (double)part / (double)whole : 1; }

static void test_corpus__findings_of_real_artefacts_are_exact(void **state)
{
    struct feed_score feeds[] = {
        {.ecosystem = "Go", .type = "golang"},
        {.ecosystem = "crates.io", .type = "cargo"},
        {.ecosystem = "PyPI", .type = "pypi"},
    };
    struct arena arena;
    struct err err = {0};
    struct update_result updated = {0};
    struct advisory_db *db;
    size_t i;
    json_t *item;
    (void)state;
    test_need_shared("corpus/MANIFEST.json");
    test_need_shared("feeds/osv");
    arena_init(&arena, ARENA);
    const char *dir = test_mkdir(&arena);
    struct feed_choice choice = {STR("osv"),
                                 arena_dup(&arena, str_from(test_shared_path("feeds/osv")))};
    struct update_spec spec = {.dir = dir, .feeds = &choice, .n_feeds = 1};
    assert_ok(advisory_update(&spec, &updated, &err), err);
    assert_int_equal(updated.n_failed, 0);
    assert_ok(advisory_db_open(dir, &db, &err), err);
    json_t *root = json_load_file(test_shared_path("corpus/MANIFEST.json"), 0, NULL);
    assert_non_null(root);
    json_array_foreach(json_object_get(root, "items"), i, item)
    {
        if (json_object_get(item, "expected_osv_findings"))
            check_item(db, item, feed_of(feeds, json_string_value(json_object_get(item, "kind"))));
    }
    size_t n_expected = 0, n_wrong = 0;
    for (i = 0; i < ARRAY_LEN(feeds); i++) {
        const struct feed_score *f = &feeds[i];
        print_message("# %s: %zu items, %zu of %zu findings, precision %.4f, recall %.4f\n",
                      f->ecosystem, f->n_items, f->n_right, f->n_expected,
                      share(f->n_right, f->n_found), share(f->n_right, f->n_expected));
        n_expected += f->n_expected;
        n_wrong += f->n_found + f->n_expected - 2 * f->n_right;
    }
    assert_true(n_expected >= 879);
    assert_int_equal(n_wrong, 0);
    json_decref(root);
    advisory_db_close(db);
    test_rmdir(dir);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_corpus__findings_of_real_artefacts_are_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
