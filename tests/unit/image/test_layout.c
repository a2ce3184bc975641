/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
    arena_init(&arena, 64 << 20);
    err = (struct err){0};
    return 0;
}
static int tear_down(void **state)
{
    (void)state;
    arena_fini(&arena);
    return 0;
}

static struct image_source *open_corpus(const char *name)
{
    struct reference ref = {.kind = SOURCE_OCI_DIR};
    struct image_source *source = NULL;
    test_need_shared("corpus/images/oci");
    ref.path = arena_printf(&arena, "%s/%s", test_shared_path("corpus/images/oci"), name);
    assert_ok(image_source_open_dir(&ref, &source, &err), err);
    return source;
}

static bool resolve(struct image_source *source, const char *tag, bool is_all, images *out)
{
    struct image_choice choice = {.is_all = is_all};
    return image_resolve(source, &arena, str_from(tag), NULL, &choice, out, &err);
}

static void test_layout__hello_world_of_the_corpus(void **state)
{
    (void)state;
    images out;
    struct image_source *source = open_corpus("harbor-hello-world");
    assert_ok(resolve(source, "", false, &out), err);
    assert_int_equal(out.len, 1);
    assert_true(out.ptr[0].is_assessable);
    assert_str(out.ptr[0].platform.arch, "amd64");
    assert_true(str_has(image_created_by(&out.ptr[0].config, 0), STR("COPY file:201f8f18")));
    check_layers(source, &arena, &out.ptr[0]);
    assert_ok(resolve(source, "test", false, &out), err);
    assert_false(resolve(source, "other", false, &out));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    assert_non_null(strstr(err.msg, "no image other; there are: test"));
    image_source_close(source);
}

static void test_layout__cosign_signature_is_no_image(void **state)
{
    (void)state;
    images out;
    struct image_source *source = open_corpus("harbor-hello-world-sig");
    assert_ok(resolve(source, "", false, &out), err);
    assert_int_equal(out.len, 1);
    assert_false(out.ptr[0].is_assessable);
    assert_true(str_has(out.ptr[0].reason, STR("a cosign signature")));
    image_source_close(source);
}

static void test_layout__all_platforms_of_a_nested_index(void **state)
{
    (void)state;
    images out;
    struct image_source *source = open_corpus("stereoscope-multiplatform_oci_dir");
    assert_ok(resolve(source, "latest", true, &out), err);
    assert_int_equal(out.len, 2);
    assert_str(out.ptr[0].platform.arch, "amd64");
    assert_str(out.ptr[1].platform.arch, "arm64");
    for (size_t i = 0; i < out.len; i++)
        check_layers(source, &arena, &out.ptr[i]);
    assert_str(image_created_by(&out.ptr[1].config, 0),
               "COPY README.md /linux/arm64/README.md # buildkit");
    image_source_close(source);
}

static void test_layout__missing_media_type_is_fine_a_missing_blob_is_not(void **state)
{
    (void)state;
    images out;
    struct image_source *source = open_corpus("trivy-test.oci");
    assert_ok(resolve(source, "", false, &out), err);
    check_layers(source, &arena, &out.ptr[0]);
    image_source_close(source);
    source = open_corpus("trivy-test_invalid_oci_image.oci");
    assert_false(resolve(source, "", false, &out));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    image_source_close(source);
}

/* --- layouts made here
 * ---------------------------------------------------------------------------- */
static void save(const char *dir, const char *name, str bytes)
{
    assert_ok(file_save(arena_printf(&arena, "%s/%s", dir, name).ptr, bytes, 0644, &err), err);
}

static str save_blob(const char *dir, str bytes)
{
    char text[DIGEST_TEXT_SIZE];
    digest d = digest_of(HASH_SHA256, bytes);
    str printed = arena_dup(&arena, digest_print(&d, text));
    save(dir, arena_printf(&arena, "blobs/sha256/%s", printed.ptr + 7).ptr, bytes);
    return printed;
}

static str save_image(const char *dir, const char *arch)
{
    str config = arena_printf(
        &arena, "{\"os\":\"linux\",\"architecture\":\"%s\",\"rootfs\":{\"diff_ids\":[]}}", arch);
    str digest_text = save_blob(dir, config);
    return save_blob(
        dir, arena_printf(&arena,
                          "{\"schemaVersion\":2,\"config\":{\"digest\":\"%s\",\"size\":%zu},"
                          "\"layers\":[]}",
                          digest_text.ptr, config.len));
}

static const char *make_layout(void)
{
    const char *dir = test_mkdir(&arena);
    assert_ok(dir_make(arena_printf(&arena, "%s/blobs/sha256", dir).ptr, &err), err);
    save(dir, "oci-layout", STR("{\"imageLayoutVersion\":\"1.0.0\"}"));
    return dir;
}

static bool open_made(const char *dir, const char *tag, struct image_source **source)
{
    struct reference ref = {.kind = SOURCE_OCI_DIR, .path = str_from(dir), .tag = str_from(tag)};
    err = (struct err){0};
    return image_source_open_dir(&ref, source, &err);
}

static void test_layout__several_names_need_a_tag(void **state)
{
    (void)state;
    images out;
    struct image_source *source = NULL;
    const char *dir = make_layout();
    str a = save_image(dir, "amd64"), b = save_image(dir, "arm64");
    save(dir, "index.json",
         arena_printf(&arena,
                      "{\"manifests\":[{\"digest\":\"%s\",\"annotations\":{\"org.opencontainers."
                      "image.ref.name\":\"v1\"}},"
                      "{\"digest\":\"%s\",\"annotations\":{\"org.opencontainers.image.ref.name\":"
                      "\"reg.example/app:v2\"}}]}",
                      a.ptr, b.ptr));
    assert_ok(open_made(dir, "", &source), err);
    assert_false(resolve(source, "", false, &out));
    assert_non_null(
        strstr(err.msg, "several images, say which with :TAG; there are: v1, reg.example/app:v2"));
    image_source_close(source);
    assert_ok(open_made(dir, "v2", &source), err);
    assert_ok(resolve(source, "", false, &out), err);
    assert_str(out.ptr[0].platform.arch, "arm64");
    image_source_close(source);
    struct reference ref = {.kind = SOURCE_OCI_DIR, .path = str_from(dir)};
    assert_true(digest_parse(a, &ref.digest));
    assert_ok(image_source_open_dir(&ref, &source, &err), err);
    assert_ok(resolve(source, "", false, &out), err);
    assert_str(out.ptr[0].platform.arch, "amd64");
    image_source_close(source);
    test_rmdir(dir);
}

static void test_layout__nameless_children_are_an_index(void **state)
{
    (void)state;
    images out;
    struct image_source *source = NULL;
    const char *dir = make_layout();
    str a = save_image(dir, "amd64"), b = save_image(dir, "arm64");
    save(dir, "index.json",
         arena_printf(&arena, "{\"manifests\":[{\"digest\":\"%s\"},{\"digest\":\"%s\"}]}", a.ptr,
                      b.ptr));
    assert_ok(open_made(dir, "", &source), err);
    assert_ok(resolve(source, "", true, &out), err);
    assert_int_equal(out.len, 2);
    image_source_close(source);
    test_rmdir(dir);
}

static void test_layout__bad_folders_are_refused(void **state)
{
    (void)state;
    struct image_source *source = NULL;
    const char *dir = make_layout();
    assert_false(open_made(dir, "", &source)); /* no index.json */
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    save(dir, "index.json", STR("{\"config\":{},\"layers\":[]}"));
    assert_false(open_made(dir, "", &source));
    save(dir, "index.json", STR("{\"manifests\":[]}"));
    assert_ok(open_made(dir, "", &source), err);
    images out;
    assert_false(resolve(source, "", false, &out));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    image_source_close(source);
    save(dir, "oci-layout", STR("{\"imageLayoutVersion\":\"2.0.0\"}"));
    assert_false(open_made(dir, "", &source));
    assert_int_equal(err.kind, ERR_UNSUPPORTED);
    assert_false(open_made("/no/such/folder", "", &source));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    test_rmdir(dir);
}

static void test_layout__blob_with_other_bytes_is_a_mismatch(void **state)
{
    (void)state;
    images out;
    struct image_source *source = NULL;
    const char *dir = make_layout();
    str a = save_image(dir, "amd64");
    save(dir, "index.json", arena_printf(&arena, "{\"manifests\":[{\"digest\":\"%s\"}]}", a.ptr));
    save(dir, arena_printf(&arena, "blobs/sha256/%s", a.ptr + 7).ptr, STR("{}"));
    assert_ok(open_made(dir, "", &source), err);
    assert_false(resolve(source, "", false, &out));
    assert_int_equal(err.kind, ERR_MISMATCH);
    image_source_close(source);
    test_rmdir(dir);
}

/* A layout from a stranger: a link in it must not lead out of it, and a pipe must not hang us. */
static void test_layout__links_do_not_lead_out(void **state)
{
    (void)state;
    images out;
    struct image_source *source = NULL;
    const char *dir = make_layout();
    str secret = STR("{\"os\":\"linux\",\"rootfs\":{\"diff_ids\":[]}}");
    const char *outside = test_mkdir(&arena);
    save(outside, "secret", secret);
    char text[DIGEST_TEXT_SIZE];
    digest d = digest_of(HASH_SHA256, secret);
    digest_print(&d, text);
    str manifest = save_blob(
        dir, arena_printf(&arena, "{\"config\":{\"digest\":\"%s\"},\"layers\":[]}", text));
    save(dir, "index.json",
         arena_printf(&arena, "{\"manifests\":[{\"digest\":\"%s\"}]}", manifest.ptr));
    str target = arena_printf(&arena, "%s/secret", outside);
    str blob = arena_printf(&arena, "%s/blobs/sha256/%s", dir, text + 7);
    assert_int_equal(symlink(target.ptr, blob.ptr), 0);
    assert_ok(open_made(dir, "", &source), err);
    assert_false(resolve(source, "", false, &out));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    assert_int_equal(unlink(blob.ptr), 0);
    assert_int_equal(mkfifo(blob.ptr, 0600), 0);
    err = (struct err){0};
    assert_false(resolve(source, "", false, &out));
    assert_int_equal(err.kind, ERR_FORMAT);
    image_source_close(source);
    test_rmdir(dir);
    test_rmdir(outside);
}

/* --- referrers
 * ------------------------------------------------------------------------------------------------
 */
static str save_referrer(const char *dir, str subject, const char *type)
{
    str layer = save_blob(dir, str_from(type));
    return save_blob(dir, arena_printf(&arena,
                                       "{\"artifactType\":\"%s\",\"config\":{\"digest\":\"%s\"},"
                                       "\"layers\":[{\"digest\":\"%s\"}],"
                                       "\"subject\":{\"digest\":\"%s\"}}",
                                       type, layer.ptr, layer.ptr, subject.ptr));
}

static size_t count_referrers(struct image_source *source, str subject, const char *type)
{
    descriptors found = {0};
    digest d;
    assert_true(digest_parse(subject, &d));
    assert_ok(source->ops->referrers(source, &arena, &d, str_from(type), &found, &err), err);
    return found.len;
}

static void test_layout__referrers_are_children_with_the_subject(void **state)
{
    (void)state;
    struct image_source *source = NULL;
    const char *dir = make_layout();
    char tag[REFERRERS_TAG_SIZE];
    digest d;
    str a = save_image(dir, "amd64"), b = save_image(dir, "arm64");
    str of_a = save_referrer(dir, a, "a/vex"), of_b = save_referrer(dir, b, "a/sbom");
    str copied = save_referrer(dir, a, "a/copied");
    str list = save_blob(
        dir,
        arena_printf(&arena, "{\"manifests\":[{\"digest\":\"%s\",\"artifactType\":\"a/copied\"}]}",
                     copied.ptr));
    assert_true(digest_parse(a, &d));
    save(
        dir, "index.json",
        arena_printf(&arena,
                     "{\"manifests\":[{\"digest\":\"%s\"},{\"digest\":\"%s\"},{\"digest\":\"%s\"},"
                     "{\"digest\":\"%s\"},{\"digest\":\"%s\",\"annotations\":{\"org.opencontainers."
                     "image.ref.name\":\"%s\"}}]}",
                     a.ptr, b.ptr, of_a.ptr, of_b.ptr, list.ptr, referrers_tag(&d, tag).ptr));
    assert_ok(open_made(dir, "", &source), err);
    assert_int_equal(count_referrers(source, a, ""), 2); /* a child, and one of the list */
    assert_int_equal(count_referrers(source, a, "a/vex"), 1);
    assert_int_equal(count_referrers(source, a, "a/copied"), 1);
    assert_int_equal(count_referrers(source, a, "a/sbom"), 0);
    assert_int_equal(count_referrers(source, b, ""), 1);
    assert_int_equal(count_referrers(source, of_a, ""), 0);
    image_source_close(source);
    test_rmdir(dir);
}

/* It may be one: who fetches it says what is wrong with it. */
static void test_layout__a_child_that_cannot_be_read_is_not_hidden(void **state)
{
    (void)state;
    struct image_source *source = NULL;
    const char *dir = make_layout();
    str a = save_image(dir, "amd64"), broken = save_blob(dir, STR("{\"subject\":"));
    save(dir, "index.json",
         arena_printf(&arena, "{\"manifests\":[{\"digest\":\"%s\"},{\"digest\":\"%s\"}]}", a.ptr,
                      broken.ptr));
    assert_ok(open_made(dir, "", &source), err);
    assert_int_equal(count_referrers(source, a, ""), 1);
    image_source_close(source);
    test_rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_layout__hello_world_of_the_corpus, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_layout__cosign_signature_is_no_image, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_layout__all_platforms_of_a_nested_index, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            test_layout__missing_media_type_is_fine_a_missing_blob_is_not, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_layout__several_names_need_a_tag, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_layout__nameless_children_are_an_index, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_layout__bad_folders_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_layout__blob_with_other_bytes_is_a_mismatch, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_layout__links_do_not_lead_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_layout__referrers_are_children_with_the_subject,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_layout__a_child_that_cannot_be_read_is_not_hidden,
                                        set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
