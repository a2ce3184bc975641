/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include <string.h>

#include "base/limits.h"
#include "base/map.h"
#include "base/sb.h"
#include "image/image.h"

/* --- a source in memory
 * --------------------------------------------------------------------------- */
struct shelf {
    struct image_source base;
    struct arena arena;
    struct map blobs; /* printed digest → str */
    str top;
    int n_fetched;
    struct source_mem reading;
};

static str text_of(struct arena *arena, const digest *d)
{
    char text[DIGEST_TEXT_SIZE];
    return arena_dup(arena, digest_print(d, text));
}

static str put(struct shelf *shelf, str bytes)
{
    digest d = digest_of(HASH_SHA256, bytes);
    str key = text_of(&shelf->arena, &d);
    str *copy = arena_new(&shelf->arena, str);
    *copy = arena_dup(&shelf->arena, bytes);
    assert_true(map_put(&shelf->blobs, key, copy));
    return key;
}

static bool shelf_manifest(struct image_source *source, struct arena *arena, str tag,
                           const digest *want, str *bytes, digest *got, struct err *err)
{
    struct shelf *shelf = (struct shelf *)source;
    (void)tag;
    shelf->n_fetched++;
    str *found = want ? map_get(&shelf->blobs, text_of(arena, want)) : &shelf->top;
    if (!found)
        return err_set(err, ERR_NOT_FOUND, "not on the shelf");
    *bytes = *found;
    *got = digest_of(HASH_SHA256, *found);
    return true;
}

static bool shelf_blob(struct image_source *source, const struct descriptor *what, struct blob *out,
                       struct err *err)
{
    struct shelf *shelf = (struct shelf *)source;
    str *found = map_get(&shelf->blobs, text_of(&shelf->arena, &what->digest));
    if (!found)
        return err_set(err, ERR_NOT_FOUND, "not on the shelf");
    *out = (struct blob){.from = source_from_mem(&shelf->reading, *found)};
    return true;
}

static void shelf_close(struct image_source *source) { (void)source; }
static const struct image_source_ops shelf_ops = {
    .manifest = shelf_manifest, .blob = shelf_blob, .close = shelf_close};

static void shelf_open(struct shelf *shelf)
{
    memset(shelf, 0, sizeof(*shelf));
    shelf->base.ops = &shelf_ops;
    arena_init(&shelf->arena, 64 << 20);
    map_init(&shelf->blobs, &shelf->arena);
}

/* --- documents
 * ------------------------------------------------------------------------------------ */
#define LAYER "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static str image_of(struct shelf *shelf, const char *os, const char *arch, const char *config_type,
                    size_t n_layers, size_t n_ids)
{
    struct sb sb;
    sb_init(&sb, 1 << 20);
    sb_addf(&sb, "{\"os\":\"%s\",\"architecture\":\"%s\",\"rootfs\":{\"diff_ids\":[", os, arch);
    for (size_t i = 0; i < n_ids; i++)
        sb_addf(&sb, "%s\"" LAYER "\"", i ? "," : "");
    sb_addc(&sb, "]}}");
    size_t size = sb.len;
    str config = put(shelf, sb_str(&sb));
    sb_clear(&sb);
    sb_addf(
        &sb,
        "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"%s\",\"digest\":\"%.*s\",\"size\":%zu},"
        "\"layers\":[",
        config_type, STR_ARG(config), size);
    for (size_t i = 0; i < n_layers; i++)
        sb_addf(&sb, "%s{\"digest\":\"" LAYER "\",\"size\":1}", i ? "," : "");
    sb_addc(&sb, "]}");
    str manifest = put(shelf, sb_str(&sb));
    sb_fini(&sb);
    return manifest;
}

#define OCI "application/vnd.oci.image.config.v1+json"

static str linux_image(struct shelf *shelf, const char *arch)
{
    return image_of(shelf, "linux", arch, OCI, 1, 1);
}

/* "DIGEST os/arch" items, or "DIGEST" without a platform, or "DIGEST attestation". */
static str index_of(struct shelf *shelf, const char *const *items, const str *digests, size_t n)
{
    struct sb sb;
    sb_init(&sb, 1 << 20);
    sb_addc(&sb, "{\"schemaVersion\":2,\"manifests\":[");
    for (size_t i = 0; i < n; i++) {
        str os, arch;
        sb_addf(&sb, "%s{\"digest\":\"%.*s\"", i ? "," : "", STR_ARG(digests[i]));
        if (str_cut_byte(str_from(items[i]), '/', &os, &arch))
            sb_addf(&sb, ",\"platform\":{\"os\":\"%.*s\",\"architecture\":\"%.*s\"}", STR_ARG(os),
                    STR_ARG(arch));
        sb_addc(&sb, "}");
    }
    sb_addc(&sb, "]}");
    str out = put(shelf, sb_str(&sb));
    sb_fini(&sb);
    return out;
}

static void set_top(struct shelf *shelf, str key)
{
    str *bytes = map_get(&shelf->blobs, key);
    assert_non_null(bytes);
    shelf->top = *bytes;
}

static bool resolve(struct shelf *shelf, const char *platform, images *out, struct err *err)
{
    struct image_choice choice = {.is_all = platform && strcmp(platform, "all") == 0};
    if (platform && !choice.is_all)
        assert_true(platform_parse(str_from(platform), &choice.platform));
    *err = (struct err){0};
    return image_resolve(&shelf->base, &shelf->arena, STR_NONE, NULL, &choice, out, err);
}

static void expect_digest(struct shelf *shelf, const digest *d, str key)
{
    assert_true(str_eq(text_of(&shelf->arena, d), key));
}

/* --- behaviour
 * ------------------------------------------------------------------------------------ */
static void test_resolve__single_image_of_any_platform(void **state)
{
    (void)state;
    struct shelf shelf;
    struct err err;
    images out;
    shelf_open(&shelf);
    str key = linux_image(&shelf, "s390x");
    set_top(&shelf, key);
    assert_ok(resolve(&shelf, NULL, &out, &err), err);
    assert_int_equal(out.len, 1);
    assert_true(out.ptr[0].is_assessable);
    assert_str(out.ptr[0].platform.arch, "s390x");
    expect_digest(&shelf, &out.ptr[0].digest, key);
    assert_true(digest_is_none(&out.ptr[0].index));
    assert_false(resolve(&shelf, "linux/arm64", &out, &err));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    assert_non_null(strstr(err.msg, "linux/s390x"));
    arena_fini(&shelf.arena);
}

static void test_resolve__one_or_all_platforms_of_an_index(void **state)
{
    (void)state;
    static const char *const items[] = {"linux/amd64", "linux/arm64", "windows/amd64",
                                        "unknown/unknown"};
    struct shelf shelf;
    struct err err;
    images out;
    shelf_open(&shelf);
    str keys[] = {linux_image(&shelf, "amd64"), linux_image(&shelf, "arm64"),
                  image_of(&shelf, "windows", "amd64", OCI, 1, 1), put(&shelf, STR("{rubbish"))};
    str index = index_of(&shelf, items, keys, 4);
    set_top(&shelf, index);
    assert_ok(resolve(&shelf, "linux/arm64/v8", &out, &err), err);
    assert_int_equal(out.len, 1);
    expect_digest(&shelf, &out.ptr[0].digest, keys[1]);
    expect_digest(&shelf, &out.ptr[0].index, index);
    assert_int_equal(shelf.n_fetched, 2); /* the others were not pulled */
    assert_ok(resolve(&shelf, "all", &out, &err), err);
    assert_int_equal(out.len, 3);
    assert_true(out.ptr[0].is_assessable && out.ptr[1].is_assessable);
    assert_false(out.ptr[2].is_assessable);
    assert_true(str_has(out.ptr[2].reason, STR("Windows")));
    assert_false(resolve(&shelf, "linux/riscv64", &out, &err));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    assert_non_null(strstr(err.msg, "linux/amd64, linux/arm64, windows/amd64"));
    arena_fini(&shelf.arena);
}

static void test_resolve__windows_only_is_not_assessable(void **state)
{
    (void)state;
    static const char *const items[] = {"windows/amd64", "windows/arm64"};
    struct shelf shelf;
    struct err err;
    images out;
    shelf_open(&shelf);
    str keys[] = {image_of(&shelf, "windows", "amd64", OCI, 1, 1),
                  image_of(&shelf, "windows", "arm64", OCI, 1, 1)};
    set_top(&shelf, index_of(&shelf, items, keys, 2));
    assert_ok(resolve(&shelf, NULL, &out, &err), err);
    assert_int_equal(out.len, 1);
    assert_false(out.ptr[0].is_assessable);
    assert_true(str_has(out.ptr[0].reason, STR("Windows")));
    arena_fini(&shelf.arena);
}

static void test_resolve__only_child_is_meant_whatever_its_platform(void **state)
{
    (void)state;
    static const char *const items[] = {"linux/s390x", "unknown/unknown"};
    struct shelf shelf;
    struct err err;
    images out;
    shelf_open(&shelf);
    str keys[] = {linux_image(&shelf, "s390x"), put(&shelf, STR("{}"))};
    set_top(&shelf, index_of(&shelf, items, keys, 2));
    assert_ok(resolve(&shelf, NULL, &out, &err), err);
    assert_int_equal(out.len, 1);
    expect_digest(&shelf, &out.ptr[0].digest, keys[0]);
    arena_fini(&shelf.arena);
}

static void test_resolve__nested_index_and_children_without_platform(void **state)
{
    (void)state;
    static const char *const inner_items[] = {"", ""}, *const outer_items[] = {"", ""};
    struct shelf shelf;
    struct err err;
    images out;
    shelf_open(&shelf);
    str inner_keys[] = {linux_image(&shelf, "amd64"), linux_image(&shelf, "arm64")};
    str inner = index_of(&shelf, inner_items, inner_keys, 2);
    str outer_keys[] = {inner, inner}; /* the same twice is one */
    str outer = index_of(&shelf, outer_items, outer_keys, 2);
    set_top(&shelf, outer);
    assert_ok(resolve(&shelf, "linux/arm64", &out, &err), err);
    assert_int_equal(out.len, 1);
    expect_digest(&shelf, &out.ptr[0].digest, inner_keys[1]);
    expect_digest(&shelf, &out.ptr[0].index, outer);
    assert_ok(resolve(&shelf, "all", &out, &err), err);
    assert_int_equal(out.len, 2);
    for (int i = 0; i < 4; i++)
        outer = index_of(&shelf, outer_items, &outer, 1);
    set_top(&shelf, outer);
    assert_false(resolve(&shelf, "all", &out, &err));
    assert_int_equal(err.kind, ERR_LIMIT);
    arena_fini(&shelf.arena);
}

static void test_resolve__index_without_images_says_so(void **state)
{
    (void)state;
    static const char *const items[] = {"unknown/unknown"};
    struct shelf shelf;
    struct err err;
    images out;
    shelf_open(&shelf);
    str key = put(&shelf, STR("{}"));
    set_top(&shelf, index_of(&shelf, items, &key, 0));
    assert_ok(resolve(&shelf, NULL, &out, &err), err);
    assert_int_equal(out.len, 1);
    assert_false(out.ptr[0].is_assessable);
    assert_true(str_has(out.ptr[0].reason, STR("without images")));
    set_top(&shelf, index_of(&shelf, items, &key, 1));
    assert_ok(resolve(&shelf, "all", &out, &err), err);
    assert_true(str_has(out.ptr[0].reason, STR("attestations")));
    arena_fini(&shelf.arena);
}

static void test_resolve__unknown_config_type_is_decided_by_its_bytes(void **state)
{
    (void)state;
    struct shelf shelf;
    struct err err;
    images out;
    shelf_open(&shelf);
    set_top(&shelf, image_of(&shelf, "linux", "amd64", "application/vnd.example.odd", 2, 2));
    assert_ok(resolve(&shelf, NULL, &out, &err), err);
    assert_true(out.ptr[0].is_assessable);
    assert_int_equal(out.ptr[0].manifest.kind, MANIFEST_IMAGE);
    set_top(&shelf, image_of(&shelf, "linux", "amd64", "application/vnd.example.odd", 2, 0));
    assert_ok(resolve(&shelf, NULL, &out, &err), err);
    assert_false(out.ptr[0].is_assessable);
    assert_true(str_has(out.ptr[0].reason, STR("application/vnd.example.odd")));
    set_top(&shelf,
            image_of(&shelf, "linux", "amd64", "application/vnd.cncf.helm.config.v1+json", 1, 1));
    assert_ok(resolve(&shelf, NULL, &out, &err), err);
    assert_true(str_has(out.ptr[0].reason, STR("Helm chart")));
    arena_fini(&shelf.arena);
}

static void test_resolve__layers_and_diff_ids_must_agree(void **state)
{
    (void)state;
    struct shelf shelf;
    struct err err;
    images out;
    shelf_open(&shelf);
    set_top(&shelf, image_of(&shelf, "linux", "amd64", OCI, 2, 1));
    assert_false(resolve(&shelf, NULL, &out, &err));
    assert_int_equal(err.kind, ERR_FORMAT);
    assert_non_null(strstr(err.msg, "2 layers, its config 1 diff ids"));
    set_top(&shelf, image_of(&shelf, "linux", "amd64", OCI, 0, 0));
    assert_ok(resolve(&shelf, NULL, &out, &err), err);
    assert_int_equal(out.ptr[0].manifest.layers.len, 0);
    arena_fini(&shelf.arena);
}

static void test_resolve__config_with_other_bytes_is_a_mismatch(void **state)
{
    (void)state;
    struct shelf shelf;
    struct err err;
    images out;
    shelf_open(&shelf);
    str key = linux_image(&shelf, "amd64");
    set_top(&shelf, key);
    for (size_t i = 0; i < shelf.blobs.len; i++) {
        str *bytes = shelf.blobs.entries[i].value;
        if (str_has(*bytes, STR("rootfs")))
            *bytes =
                arena_printf(&shelf.arena, "%.*s ", STR_ARG(str_slice(*bytes, 0, bytes->len - 1)));
    }
    assert_false(resolve(&shelf, NULL, &out, &err));
    assert_int_equal(err.kind, ERR_MISMATCH);
    arena_fini(&shelf.arena);
}

static void test_resolve__broken_child_does_not_hide_the_others(void **state)
{
    (void)state;
    static const char *const items[] = {"linux/amd64", "linux/arm64", "linux/s390x"};
    struct shelf shelf;
    struct err err;
    images out;
    shelf_open(&shelf);
    str keys[] = {put(&shelf, STR("{rubbish")), linux_image(&shelf, "arm64"), STR(LAYER)};
    set_top(&shelf, index_of(&shelf, items, keys, 3));
    assert_ok(resolve(&shelf, "all", &out, &err), err);
    assert_int_equal(out.len, 3);
    for (size_t i = 0; i < 3; i++) {
        expect_digest(&shelf, &out.ptr[i].digest, keys[i]);
        assert_int_equal(out.ptr[i].is_broken, i != 1);
        assert_int_equal(out.ptr[i].is_assessable, i == 1);
        assert_int_equal(out.ptr[i].reason.len > 0, i != 1);
    }
    assert_str(out.ptr[0].platform.arch, "amd64");
    assert_true(str_has(out.ptr[2].reason, STR("not on the shelf")));
    assert_false(resolve(&shelf, "linux/amd64", &out, &err)); /* asked for by itself */
    keys[1] = keys[2];
    set_top(&shelf, index_of(&shelf, items, keys, 3));
    assert_false(resolve(&shelf, "all", &out, &err)); /* nothing can be said at all */
    assert_int_equal(err.kind, ERR_FORMAT);
    arena_fini(&shelf.arena);
}

static void test_resolve__missing_child_is_an_error(void **state)
{
    (void)state;
    static const char *const items[] = {"linux/amd64"};
    struct shelf shelf;
    struct err err;
    images out;
    shelf_open(&shelf);
    str key = STR(LAYER);
    set_top(&shelf, index_of(&shelf, items, &key, 1));
    assert_false(resolve(&shelf, "all", &out, &err));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    arena_fini(&shelf.arena);
}

static void test_resolve__indexes_of_indexes_do_not_multiply(void **state)
{
    (void)state;
    enum { WIDE = 40 };
    static const char *items[WIDE];
    struct shelf shelf;
    struct err err;
    images out;
    str keys[WIDE], middles[WIDE];
    shelf_open(&shelf);
    for (size_t i = 0; i < WIDE; i++)
        items[i] = "";
    for (size_t m = 0; m < WIDE; m++) {
        for (size_t i = 0; i < WIDE; i++) {
            str arch = arena_printf(&shelf.arena, "a%zux%zu", m, i);
            keys[i] = linux_image(&shelf, arch.ptr);
        }
        middles[m] = index_of(&shelf, items, keys, WIDE);
    }
    set_top(&shelf, index_of(&shelf, items, middles, WIDE));
    assert_false(resolve(&shelf, "all", &out, &err));
    assert_int_equal(err.kind, ERR_LIMIT);
    assert_true(shelf.n_fetched <= (int)LIMIT(INDEX_CHILDREN) + 1);
    arena_fini(&shelf.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resolve__single_image_of_any_platform),
        cmocka_unit_test(test_resolve__one_or_all_platforms_of_an_index),
        cmocka_unit_test(test_resolve__windows_only_is_not_assessable),
        cmocka_unit_test(test_resolve__only_child_is_meant_whatever_its_platform),
        cmocka_unit_test(test_resolve__nested_index_and_children_without_platform),
        cmocka_unit_test(test_resolve__index_without_images_says_so),
        cmocka_unit_test(test_resolve__unknown_config_type_is_decided_by_its_bytes),
        cmocka_unit_test(test_resolve__layers_and_diff_ids_must_agree),
        cmocka_unit_test(test_resolve__config_with_other_bytes_is_a_mismatch),
        cmocka_unit_test(test_resolve__broken_child_does_not_hide_the_others),
        cmocka_unit_test(test_resolve__missing_child_is_an_error),
        cmocka_unit_test(test_resolve__indexes_of_indexes_do_not_multiply),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
