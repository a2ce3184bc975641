/* SPDX-License-Identifier: Apache-2.0 */
/* Real package databases against a real feed, compiled as `db update` does it: exactly the findings
 * that an independent reading gives (DATA.md), nothing missing, nothing more. */
#include "support.h"

#include "base/num.h"
#include "match/match.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum { ARENA = 256 << 20 };
#define FEED "feeds/debian-security-by-changelog/osv-debian-changelog"

static void make_database_of(struct arena *arena, const char *dir, const char *feed,
                             const char *place, struct advisory_db **db)
{
    struct err err = {0};
    struct feed_choice choice = {.name = str_from(feed),
                                 .place = arena_dup(arena, str_from(place))};
    struct update_spec spec = {.dir = dir, .feeds = &choice, .n_feeds = 1};
    struct update_result result = {0};
    assert_ok(advisory_update(&spec, &result, &err), err);
    assert_int_equal(result.n_failed, 0);
    assert_ok(advisory_db_open(dir, db, &err), err);
}

static void make_database(struct arena *arena, const char *dir, struct advisory_db **db)
{
    make_database_of(arena, dir, "osv", test_shared_path(FEED), db);
}

static const struct detector *find_detector(const char *name)
{
    size_t n;
    const struct detector *const *all = inventory_detectors(&n);
    for (size_t i = 0; i < n; i++)
        if (strcmp(all[i]->name, name) == 0)
            return all[i];
    return NULL;
}

static void read_status(struct arena *arena, str text, str version_id, struct image_inventory *out)
{
    struct err err = {0};
    struct file_record file = {0};
    struct rd in;
    rd_init(&in, text);
    const struct detector *dpkg = find_detector("dpkg");
    if (!dpkg)
        fail_msg("there is no dpkg detector");
    else
        assert_ok(dpkg->parse(arena, STR("var/lib/dpkg/status"), &in, &file, &err), err);
    *out = (struct image_inventory){.distro = {.id = STR("debian"), .version_id = version_id},
                                    .packages = file.packages,
                                    .is_complete = true,
                                    .is_identified = true};
}

/* --- findings as lines of the expected table
 * ------------------------------------------------------------ */
static int cmp_lines(const void *a, const void *b)
{
    return str_cmp(*(const str *)a, *(const str *)b);
}

static str line_of(struct arena *arena, const struct finding *f)
{
    str line = arena_printf(arena, STR_FMT "\t" STR_FMT "\t" STR_FMT "\t" STR_FMT "\t",
                            STR_ARG(f->package_name), STR_ARG(f->package_version), STR_ARG(f->id),
                            STR_ARG(f->fixed_version));
    for (size_t i = 0; i < f->binaries.len; i++)
        line = arena_printf(arena, STR_FMT "%s" STR_FMT, STR_ARG(line), i ? "," : "",
                            STR_ARG(f->binaries.ptr[i]));
    return line;
}

/* Without the column of confidence. */
static strs expected_lines(struct arena *arena, str table)
{
    strs lines = {0};
    struct rd in;
    rd_init(&in, table);
    str row, field;
    assert_true(rd_line(&in, 1 << 16, &row));
    while (rd_line(&in, 1 << 16, &row)) {
        str line = STR("");
        for (size_t i = 0; str_next(&row, '\t', &field); i++)
            if (i != 4)
                line = arena_printf(arena, STR_FMT "%s" STR_FMT, STR_ARG(line), i ? "\t" : "",
                                    STR_ARG(field));
        *vec_push(arena, &lines) = line;
    }
    vec_sort(&lines, cmp_lines);
    return lines;
}

static size_t check_findings(struct arena *arena, const struct match_result *result, strs expected,
                             const char *name)
{
    strs lines = {0};
    for (size_t i = 0; i < result->findings.len; i++)
        *vec_push(arena, &lines) = line_of(arena, &result->findings.ptr[i]);
    vec_sort(&lines, cmp_lines);
    for (size_t i = 0; i < lines.len && i < expected.len; i++)
        if (!str_eq(lines.ptr[i], expected.ptr[i]))
            fail_msg("%s: is " STR_FMT ", expected " STR_FMT, name, STR_ARG(lines.ptr[i]),
                     STR_ARG(expected.ptr[i]));
    if (lines.len != expected.len)
        fail_msg("%s: %zu findings, expected %zu", name, lines.len, expected.len);
    return lines.len;
}

static size_t check_item(const struct advisory_db *db, json_t *item)
{
    struct arena arena;
    arena_init(&arena, ARENA);
    const char *file = json_string_value(json_object_get(item, "file"));
    const char *findings_file = json_string_value(json_object_get(item, "expected_findings"));
    char path[256];
    snprintf(path, sizeof(path), "corpus/%s", file);
    str version = strstr(file, "debian-11") ? STR("11") : STR("12");
    struct image_inventory inventory;
    read_status(&arena, test_shared(&arena, path), version, &inventory);
    struct match_result result;
    struct err err = {0};
    assert_ok(match_image(db, &inventory, &arena, &result, &err), err);
    assert_int_equal(result.ground, MATCH_OK);
    assert_true(result.is_complete);
    strs expected = expected_lines(&arena, test_shared(&arena, findings_file));
    size_t n = check_findings(&arena, &result, expected, file);
    arena_fini(&arena);
    return n;
}

/* --- VEX feeds
 * ------------------------------------------------------------------------------------------ */
static struct finding finding_on(const char *purl, const char *path)
{
    return (struct finding){.id = STR("CVE-2024-10001"),
                            .type = STR("golang"),
                            .class = CLASS_LANGUAGE,
                            .purl = str_from(purl),
                            .path = str_from(path)};
}

/* openvex.json: lib is not affected within the application; nobody speaks of it elsewhere. */
static void test_database__vex_feeds_take_findings_away(void **state)
{
    (void)state;
    struct arena arena;
    struct err err = {0};
    struct advisory_db *db;
    struct package installed[] = {
        {.type = STR("golang"),
         .name = STR("example.com/app"),
         .version = STR("v2.0.0"),
         .path = STR("/app")},
        {.type = STR("golang"),
         .name = STR("example.com/lib"),
         .version = STR("v1.0.0"),
         .path = STR("/app")},
        {.type = STR("golang"),
         .name = STR("example.com/lib"),
         .version = STR("v1.0.0"),
         .path = STR("/other")},
    };
    struct image_inventory inventory = {.packages = {installed, 3, 3}};
    struct finding found[] = {finding_on("pkg:golang/example.com/lib@v1.0.0", "/app"),
                              finding_on("pkg:golang/example.com/lib@v1.0.0", "/other")};
    findings all = {found, 2, 2};
    const struct vex_image image = {0};
    notices told = {0};
    arena_init(&arena, ARENA);
    const char *dir = test_mkdir(&arena);
    make_database_of(&arena, dir, "vexhub", test_data_path("advisory/openvex.json"), &db);
    assert_true(advisory_db_has_vex(db));
    assert_ok(match_vex_image(db, &image, &inventory, &arena, &all, &told, &err), err);
    assert_str(found[0].disabled_by, "vex:openvex.json#CVE-2024-10001");
    assert_int_equal(found[0].evidence.len, 1);
    assert_str(found[0].evidence.ptr[0].source, "vexhub");
    assert_str(found[0].evidence.ptr[0].note,
               "not_affected: vulnerable_code_not_present: we do not call it");
    assert_int_equal(found[1].disabled_by.len, 0);
    assert_int_equal(told.len, 1);
    assert_true(str_starts(told.ptr[0].message, STR("VEX: 1 of 2 findings are taken away")));
    advisory_db_close(db);
    test_rmdir(dir);
    arena_fini(&arena);
}

static void test_database__findings_of_real_status_files_are_exact(void **state)
{
    (void)state;
    test_need_shared("corpus/MANIFEST.json");
    test_need_shared(FEED);
    struct arena arena;
    arena_init(&arena, ARENA);
    const char *dir = test_mkdir(&arena);
    struct advisory_db *db;
    make_database(&arena, dir, &db);
    json_t *root = json_load_file(test_shared_path("corpus/MANIFEST.json"), 0, NULL), *item;
    assert_non_null(root);
    size_t i, n = 0, n_findings = 0;
    json_array_foreach(json_object_get(root, "items"), i, item)
    {
        const char *kind = json_string_value(json_object_get(item, "kind"));
        if (!kind || strcmp(kind, "dpkg-status") != 0 ||
            !json_object_get(item, "expected_findings"))
            continue;
        n_findings += check_item(db, item);
        n++;
    }
    /* each is compared line by line: the first that differs ends the test */
    print_message("# Debian: %zu items, %zu findings, precision 1.0000, recall 1.0000\n", n,
                  n_findings);
    assert_true(n >= 9);
    json_decref(root);
    advisory_db_close(db);
    test_rmdir(dir);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_database__findings_of_real_status_files_are_exact),
        cmocka_unit_test(test_database__vex_feeds_take_findings_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
