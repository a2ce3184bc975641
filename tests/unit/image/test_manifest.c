/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include "base/limits.h"
#include "base/sb.h"
#include "image/image.h"

static const char *const kinds[] = {"unknown", "image", "index", "not-image"};

static void check_error(str want_kind, str words, const struct err *err, bool is_ok)
{
    if (is_ok)
        fail_msg("parsed, expected %.*s %.*s", STR_ARG(want_kind), STR_ARG(words));
    assert_str(str_skip(want_kind, sizeof("error-") - 1), err_row(err->kind)->name);
    if (!str_eq(words, STR("json")) && !str_has(str_from(err->msg), words))
        fail_msg("\"%s\", expected \"%.*s\"", err->msg, STR_ARG(words));
}

static void check_row(struct arena *arena, str row)
{
    str verdict, json, kind, words;
    struct manifest manifest;
    struct err err = {0};
    uint64_t n = 0;
    assert_true(str_cut(row, STR(" | "), &verdict, &json));
    str_cut_byte(verdict, ' ', &kind, &words);
    bool is_ok = manifest_parse(arena, json, &manifest, &err);
    if (str_starts(kind, STR("error-"))) {
        check_error(kind, words, &err, is_ok);
        return;
    }
    if (!is_ok)
        fail_msg("%.*s: %s", STR_ARG(row), err.msg);
    if (!str_eq(kind, str_from(kinds[manifest.kind])))
        fail_msg("%s (%.*s): %.*s", kinds[manifest.kind], STR_ARG(manifest.reason), STR_ARG(row));
    size_t len = manifest.kind == MANIFEST_INDEX ? manifest.children.len : manifest.layers.len;
    if (str_to_u64(words, 100, &n))
        assert_int_equal(len, n);
    else if (!str_has(manifest.reason, words))
        fail_msg("\"%.*s\", expected \"%.*s\"", STR_ARG(manifest.reason), STR_ARG(words));
}

static void test_manifest__rules(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 8 << 20);
    struct rd in;
    str row;
    size_t n = 0;
    rd_init(&in, test_data(&arena, "image/manifests.txt"));
    for (; test_next_row(&in, &row); n++)
        check_row(&arena, row);
    assert_true(n >= 44);
    arena_fini(&arena);
}

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void test_manifest__keeps_what_descriptors_say(void **state)
{
    (void)state;
    struct arena arena;
    struct manifest m;
    struct err err = {0};
    arena_init(&arena, 1 << 20);
    assert_ok(manifest_parse(
                  &arena,
                  STR("{\"schemaVersion\":2,\"manifests\":["
                      "{\"digest\":\"sha256:" A
                      "\",\"size\":7,\"platform\":{\"os\":\"windows\",\"architecture\":"
                      "\"amd64\",\"os.version\":\"10.0.1\"},\"annotations\":{\"org.opencontainers."
                      "image.ref.name\":"
                      "\"v1\"}},"
                      "{\"digest\":\"sha256:" A
                      "\",\"platform\":{\"os\":\"unknown\",\"architecture\":\"unknown\"}},"
                      "{\"digest\":\"sha256:" A "\",\"annotations\":{\"vnd.docker.reference.type\":"
                      "\"attestation-manifest\"}}]}"),
                  &m, &err),
              err);
    assert_int_equal(m.children.len, 3);
    assert_str(m.children.ptr[0].ref_name, "v1");
    assert_str(m.children.ptr[0].platform.os_version, "10.0.1");
    assert_int_equal(m.children.ptr[0].size_bytes, 7);
    assert_true(m.children.ptr[1].size_bytes == UINT64_MAX);
    assert_false(m.children.ptr[0].is_attestation);
    assert_true(m.children.ptr[1].is_attestation);
    assert_true(m.children.ptr[2].is_attestation);
    arena_fini(&arena);
}

static str many(struct arena *arena, const char *head, size_t n, const char *tail)
{
    struct sb sb;
    sb_init(&sb, 1 << 20);
    sb_addc(&sb, head);
    for (size_t i = 0; i < n; i++)
        sb_addf(&sb, "%s{\"digest\":\"sha256:" A "\"}", i ? "," : "");
    sb_addc(&sb, tail);
    str out = arena_dup(arena, sb_str(&sb));
    sb_fini(&sb);
    return out;
}

static void test_manifest__limits_hold(void **state)
{
    (void)state;
    static const char head[] = "{\"config\":{\"digest\":\"sha256:" A "\"},\"layers\":[";
    struct arena arena;
    struct manifest m;
    struct err err = {0};
    arena_init(&arena, 32 << 20);
    assert_ok(manifest_parse(&arena, many(&arena, head, LIMIT(LAYERS), "]}"), &m, &err), err);
    assert_false(manifest_parse(&arena, many(&arena, head, LIMIT(LAYERS) + 1, "]}"), &m, &err));
    assert_int_equal(err.kind, ERR_LIMIT);
    str index = many(&arena, "{\"manifests\":[", LIMIT(INDEX_CHILDREN) + 1, "]}");
    assert_false(manifest_parse(&arena, index, &m, &err));
    assert_int_equal(err.kind, ERR_LIMIT);
    char *large = arena_alloc(&arena, LIMIT(MANIFEST) + 1);
    assert_false(manifest_parse(&arena, str_of(large, LIMIT(MANIFEST) + 1), &m, &err));
    assert_int_equal(err.kind, ERR_LIMIT);
    arena_fini(&arena);
}

static void test_manifest__small_budget_is_an_error(void **state)
{
    (void)state;
    static const char head[] = "{\"config\":{\"digest\":\"sha256:" A "\"},\"layers\":[";
    struct arena text, arena;
    struct manifest m;
    struct err err = {0};
    arena_init(&text, 1 << 20);
    str json = many(&text, head, 20, "]}");
    for (size_t budget = 0; budget < 4096; budget += 64) {
        arena_init(&arena, budget);
        assert_false(manifest_parse(&arena, json, &m, &err));
        assert_int_equal(err.kind, ERR_MEMORY);
        arena_fini(&arena);
    }
    arena_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_manifest__rules),
        cmocka_unit_test(test_manifest__keeps_what_descriptors_say),
        cmocka_unit_test(test_manifest__limits_hold),
        cmocka_unit_test(test_manifest__small_budget_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
