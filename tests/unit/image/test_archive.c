/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include <archive.h>
#include <archive_entry.h> /* libarchive's struct archive_entry is opaque; ours is image.h's */
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/sb.h"
#include "image/image.h"
#include "os/file.h"

#include "archive_list.h"

static struct arena arena; /* lint: mutable static, one test at a time */
static struct err err;     /* lint: mutable static, one test at a time */

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 128 << 20);
    err = (struct err){0};
    return 0;
}
static int tear_down(void **state)
{
    (void)state;
    arena_fini(&arena);
    return 0;
}

static bool open_file(const char *path, enum source_kind kind, const char *tag,
                      struct image_source **out)
{
    struct reference ref = {.kind = kind, .path = str_from(path), .tag = str_from(tag)};
    archive_entries entries = list_archive(&arena, path);
    err = (struct err){0};
    return image_source_open_archive(&ref, &entries, out, &err);
}

static bool resolve(struct image_source *source, images *out)
{
    struct image_choice choice = {0};
    return image_resolve(source, &arena, STR_NONE, NULL, &choice, out, &err);
}

static void test_archive__every_image_of_the_corpus_resolves(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum source_kind kind;
        size_t n_layers;
    } rows[] = {
        {"harbor-busybox.tar", SOURCE_DOCKER_ARCHIVE, 1},
        {"osv-scalibr-basic.tar", SOURCE_DOCKER_ARCHIVE, 2},
        {"osv-scalibr-permissions.tar", SOURCE_DOCKER_ARCHIVE, 1},
        {"osv-scalibr-symlink-attack.tar", SOURCE_DOCKER_ARCHIVE, 1},
        {"osv-scalibr-symlink-cycle.tar", SOURCE_DOCKER_ARCHIVE, 1},
        {"osv-scalibr-symlinks.tar", SOURCE_DOCKER_ARCHIVE, 2},
        {"osv-scalibr-two-files.tar", SOURCE_DOCKER_ARCHIVE, 2},
        {"derived-debian-11-opaque.docker.tar", SOURCE_DOCKER_ARCHIVE, 2},
        {"derived-debian-12-plain.docker.tar", SOURCE_DOCKER_ARCHIVE, 1},
        {"trivy-image3_gz_layers.tar", SOURCE_DOCKER_ARCHIVE, 4},
        {"derived-debian-11-plain.oci.tar", SOURCE_OCI_ARCHIVE, 1},
        {"derived-debian-11-removed.oci.tar", SOURCE_OCI_ARCHIVE, 2},
        {"derived-debian-12-upgraded.oci.tar", SOURCE_OCI_ARCHIVE, 2},
        {"stereoscope-valid-oci.tar", SOURCE_OCI_ARCHIVE, 1},
    };
    test_need_shared("corpus/images");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct image_source *source = NULL;
        images out;
        str path = arena_printf(&arena, "%s/%s", test_shared_path("corpus/images"), rows[i].name);
        if (!open_file(path.ptr, rows[i].kind, "", &source) || !resolve(source, &out))
            fail_msg("%s: %s", rows[i].name, err.msg);
        assert_int_equal(out.len, 1);
        assert_true(out.ptr[0].is_assessable);
        if (out.ptr[0].manifest.layers.len != rows[i].n_layers)
            fail_msg("%s: %zu layers", rows[i].name, out.ptr[0].manifest.layers.len);
        assert_false(digest_is_none(&out.ptr[0].digest));
        check_layers(source, &arena, &out.ptr[0]);
        image_source_close(source);
    }
}

static void test_archive__tag_chooses_and_the_error_lists(void **state)
{
    (void)state;
    struct image_source *source = NULL;
    images out;
    test_need_shared("corpus/images");
    str path = arena_printf(&arena, "%s/harbor-busybox.tar", test_shared_path("corpus/images"));
    assert_ok(open_file(path.ptr, SOURCE_DOCKER_ARCHIVE, "latest", &source), err);
    assert_ok(resolve(source, &out), err);
    image_source_close(source);
    assert_ok(open_file(path.ptr, SOURCE_DOCKER_ARCHIVE, "busybox:latest", &source), err);
    assert_ok(resolve(source, &out), err);
    image_source_close(source);
    assert_ok(open_file(path.ptr, SOURCE_DOCKER_ARCHIVE, "v9", &source), err);
    assert_false(resolve(source, &out));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    assert_non_null(strstr(err.msg, "no image v9; there are: busybox:latest"));
    image_source_close(source);
}

static void test_archive__what_is_none_says_so(void **state)
{
    (void)state;
    struct image_source *source = NULL;
    test_need_shared("corpus/images");
    str path = arena_printf(&arena, "%s/osv-scalibr-empty.tar", test_shared_path("corpus/images"));
    assert_false(open_file(path.ptr, SOURCE_DOCKER_ARCHIVE, "", &source));
    assert_int_equal(err.kind, ERR_FORMAT);
    archive_entries none = {0};
    struct reference ref = {.kind = SOURCE_DOCKER_ARCHIVE};
    ref.path =
        arena_printf(&arena, "%s/trivy-alpine-310.tar.gz", test_shared_path("corpus/images"));
    assert_false(image_source_open_archive(&ref, &none, &source, &err));
    assert_int_equal(err.kind, ERR_UNSUPPORTED);
    assert_non_null(strstr(err.msg, "decompress it first"));
}

/* --- archives made here
 * --------------------------------------------------------------------------- */
struct item {
    const char *path, *body, *link;
    bool is_hard;
};

static void write_tar(const char *path, const struct item *items, size_t n)
{
    struct archive *tar = archive_write_new();
    archive_write_set_format_ustar(tar);
    assert_int_equal(archive_write_open_filename(tar, path), ARCHIVE_OK);
    for (size_t i = 0; i < n; i++) {
        __auto_type entry = archive_entry_new();
        archive_entry_set_pathname(entry, items[i].path);
        archive_entry_set_filetype(entry, items[i].link && !items[i].is_hard ? AE_IFLNK : AE_IFREG);
        archive_entry_set_perm(entry, 0644);
        if (items[i].link && items[i].is_hard)
            archive_entry_set_hardlink(entry, items[i].link);
        else if (items[i].link)
            archive_entry_set_symlink(entry, items[i].link);
        size_t size = items[i].body ? strlen(items[i].body) : 0;
        archive_entry_set_size(entry, (int64_t)size);
        assert_int_equal(archive_write_header(tar, entry), ARCHIVE_OK);
        if (size)
            assert_int_equal(archive_write_data(tar, items[i].body, size), size);
        archive_entry_free(entry);
    }
    assert_int_equal(archive_write_free(tar), ARCHIVE_OK);
}

#define ID "\"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\""
#define CONFIG(n) "{\"os\":\"linux\",\"architecture\":\"amd64\",\"rootfs\":{\"diff_ids\":[" n "]}}"

static void test_archive__layers_may_be_links(void **state)
{
    (void)state;
    const struct item items[] = {
        {"manifest.json",
         "[{\"Config\":\"./c.json\",\"RepoTags\":null,\"Layers\":[\"a/layer.tar\","
         "\"b/layer.tar\",\"c/layer.tar\",\"a/layer.tar\"]}]",
         NULL, false},
        {"c.json", CONFIG(ID "," ID "," ID "," ID), NULL, false},
        {"a/layer.tar", "one layer", NULL, false},
        {"b/layer.tar", NULL, "a/layer.tar", false},
        {"c/layer.tar", NULL, "a/layer.tar", true},
    };
    struct image_source *source = NULL;
    images out;
    const char *dir = test_mkdir(&arena);
    str path = arena_printf(&arena, "%s/image.tar", dir);
    write_tar(path.ptr, items, 5);
    assert_ok(open_file(path.ptr, SOURCE_DOCKER_ARCHIVE, "", &source), err);
    assert_ok(resolve(source, &out), err);
    assert_int_equal(out.ptr[0].manifest.layers.len, 4);
    digest want = digest_of(HASH_SHA256, STR("one layer"));
    for (size_t i = 0; i < 4; i++)
        assert_true(digest_eq(&out.ptr[0].manifest.layers.ptr[i].digest, &want));
    check_layers(source, &arena, &out.ptr[0]);
    image_source_close(source);
    test_rmdir(dir);
}

static void test_archive__several_images_need_a_tag(void **state)
{
    (void)state;
    const struct item items[] = {
        {"manifest.json",
         "[{\"Config\":\"c.json\",\"RepoTags\":[\"app:v1\"],\"Layers\":[]},"
         "{\"Config\":\"d.json\",\"RepoTags\":[\"app:v2\"],\"Layers\":[]}]",
         NULL, false},
        {"c.json", CONFIG(""), NULL, false},
        {"d.json", "{\"os\":\"linux\",\"architecture\":\"s390x\"}", NULL, false},
    };
    struct image_source *source = NULL;
    images out;
    const char *dir = test_mkdir(&arena);
    str path = arena_printf(&arena, "%s/image.tar", dir);
    write_tar(path.ptr, items, 3);
    assert_ok(open_file(path.ptr, SOURCE_DOCKER_ARCHIVE, "", &source), err);
    assert_false(resolve(source, &out));
    assert_non_null(
        strstr(err.msg, "several images, say which with :TAG; there are: app:v1, app:v2"));
    image_source_close(source);
    assert_ok(open_file(path.ptr, SOURCE_DOCKER_ARCHIVE, "v2", &source), err);
    assert_ok(resolve(source, &out), err);
    assert_str(out.ptr[0].platform.arch, "s390x");
    image_source_close(source);
    test_rmdir(dir);
}

static void expect_refusal(const struct item *items, size_t n, enum err_kind kind)
{
    struct image_source *source = NULL;
    images out;
    const char *dir = test_mkdir(&arena);
    str path = arena_printf(&arena, "%s/image.tar", dir);
    write_tar(path.ptr, items, n);
    if (open_file(path.ptr, SOURCE_DOCKER_ARCHIVE, "", &source)) {
        assert_false(resolve(source, &out));
        image_source_close(source);
    }
    if (err.kind != kind)
        fail_msg("%s, %s expected", err.msg, err_row(kind)->name);
    test_rmdir(dir);
}

static void test_archive__bad_ones_are_refused(void **state)
{
    (void)state;
    const struct item no_layer[] = {
        {"manifest.json", "[{\"Config\":\"c.json\",\"Layers\":[\"x/layer.tar\"]}]", NULL, false},
        {"c.json", CONFIG(ID), NULL, false}};
    expect_refusal(no_layer, 2, ERR_NOT_FOUND);
    const struct item circle[] = {
        {"manifest.json", "[{\"Config\":\"c.json\",\"Layers\":[\"x\"]}]", NULL, false},
        {"c.json", CONFIG(ID), NULL, false},
        {"x", NULL, "y", false},
        {"y", NULL, "x", false}};
    expect_refusal(circle, 4, ERR_FORMAT);
    const struct item outside[] = {
        {"manifest.json", "[{\"Config\":\"/etc/passwd\",\"Layers\":[]}]", NULL, false}};
    expect_refusal(outside, 1, ERR_NOT_FOUND);
    const struct item rubbish[] = {{"manifest.json", "[", NULL, false}};
    expect_refusal(rubbish, 1, ERR_FORMAT);
    const struct item empty[] = {{"manifest.json", "[]", NULL, false}};
    expect_refusal(empty, 1, ERR_FORMAT);
}

/* A lister that was taken over may say anything about where bodies lie. */
static void test_archive__offsets_outside_the_file_are_refused(void **state)
{
    (void)state;
    struct image_source *source = NULL;
    const struct item items[] = {{"manifest.json", "[]", NULL, false}};
    const char *dir = test_mkdir(&arena);
    str path = arena_printf(&arena, "%s/image.tar", dir);
    write_tar(path.ptr, items, 1);
    const uint64_t offsets[] = {1 << 20, UINT64_MAX, UINT64_MAX - 10};
    for (size_t i = 0; i < 3; i++) {
        struct archive_entry entry = {
            .path = STR("manifest.json"), .type = ENTRY_FILE, .size_bytes = 20};
        entry.offset = offsets[i];
        archive_entries entries = {&entry, 1, 1};
        struct reference ref = {.kind = SOURCE_DOCKER_ARCHIVE, .path = path};
        assert_false(image_source_open_archive(&ref, &entries, &source, &err));
        assert_int_equal(err.kind, ERR_FORMAT);
    }
    test_rmdir(dir);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_archive__every_image_of_the_corpus_resolves),
        TEST(test_archive__tag_chooses_and_the_error_lists),
        TEST(test_archive__what_is_none_says_so),
        TEST(test_archive__layers_may_be_links),
        TEST(test_archive__several_images_need_a_tag),
        TEST(test_archive__bad_ones_are_refused),
        TEST(test_archive__offsets_outside_the_file_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
