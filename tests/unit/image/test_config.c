/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include "base/limits.h"
#include "base/sb.h"
#include "image/image.h"

#define A "\"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\""
#define B "\"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\""

static const char whole[] = "{\"created\":\"2026-01-02T03:04:05Z\",\"architecture\":\"arm64\","
                            "\"variant\":\"v8\",\"os\":\"linux\","
                            "\"config\":{\"Labels\":{\"z\":\"last\",\"a\":\"first\"}},"
                            "\"history\":[{\"created_by\":\"ADD rootfs\"},{\"created_by\":\"ENV "
                            "A=b\",\"empty_layer\":true},"
                            "{\"created_by\":\"RUN make\",\"comment\":\"buildkit\"}],"
                            "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[" A "," B "]}}";

static void test_config__reads_all_of_it(void **state)
{
    (void)state;
    struct arena arena;
    struct image_config c;
    struct err err = {0};
    arena_init(&arena, 1 << 20);
    assert_ok(image_config_parse(&arena, str_from(whole), &c, &err), err);
    assert_str(c.platform.os, "linux");
    assert_str(c.platform.variant, "v8");
    assert_str(c.created, "2026-01-02T03:04:05Z");
    assert_int_equal(c.diff_ids.len, 2);
    assert_int_equal(c.labels.len, 2);
    assert_str(c.labels.ptr[0].key, "a");
    assert_str(c.labels.ptr[1].value, "last");
    assert_str(c.history.ptr[2].comment, "buildkit");
    arena_fini(&arena);
}

static void test_config__created_by_steps_over_empty_layers(void **state)
{
    (void)state;
    struct arena arena;
    struct image_config c;
    struct err err = {0};
    arena_init(&arena, 1 << 20);
    assert_ok(image_config_parse(&arena, str_from(whole), &c, &err), err);
    assert_str(image_created_by(&c, 0), "ADD rootfs");
    assert_str(image_created_by(&c, 1), "RUN make");
    assert_str(image_created_by(&c, 2), "");
    arena_fini(&arena);
}

static void test_config__created_by_is_silent_when_the_history_does_not_fit(void **state)
{
    (void)state;
    struct arena arena;
    struct image_config c;
    struct err err = {0};
    arena_init(&arena, 1 << 20);
    assert_ok(image_config_parse(&arena,
                                 STR("{\"os\":\"linux\",\"history\":[{\"created_by\":\"x\"}],"
                                     "\"rootfs\":{\"diff_ids\":[" A "," B "]}}"),
                                 &c, &err),
              err);
    assert_str(image_created_by(&c, 0), "");
    arena_fini(&arena);
}

static void test_config__bad_ones_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *json, *words;
    } rows[] = {
        {"{}", "not the configuration"},
        {"[]", "not the configuration"},
        {"{\"os\":\"linux\",", "config"},
        {"{\"os\":\"windows\",\"OS\":\"linux\"}", "only by its case"},
        {"{\"rootfs\":{\"diff_ids\":[],\"Diff_IDs\":[" A "]}}", "only by its case"},
        {"{\"rootfs\":{\"diff_ids\":[\"sha256:1\"]}}", "diff id 0 is not a digest"},
        {"{\"rootfs\":{\"diff_ids\":[null]}}", "diff id 0 is not a digest"},
    };
    struct arena arena;
    struct image_config c;
    arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct err err = {0};
        assert_false(image_config_parse(&arena, str_from(rows[i].json), &c, &err));
        assert_int_equal(err.kind, ERR_FORMAT);
        if (!str_has(str_from(err.msg), str_from(rows[i].words)))
            fail_msg("\"%s\", expected \"%s\"", err.msg, rows[i].words);
    }
    arena_fini(&arena);
}

static bool parse_many(struct arena *arena, const char *head, const char *item, size_t n,
                       const char *tail, struct err *err)
{
    struct image_config c;
    struct sb sb;
    sb_init(&sb, 4 << 20);
    sb_addc(&sb, head);
    for (size_t i = 0; i < n; i++)
        sb_addf(&sb, "%s%s", i ? "," : "", item);
    sb_addc(&sb, tail);
    bool ok = image_config_parse(arena, sb_str(&sb), &c, err);
    sb_fini(&sb);
    return ok;
}

static void test_config__limits_hold(void **state)
{
    (void)state;
    struct arena arena;
    struct err err = {0};
    struct image_config c;
    arena_init(&arena, 64 << 20);
    assert_ok(parse_many(&arena, "{\"rootfs\":{\"diff_ids\":[", A, LIMIT(LAYERS), "]}}", &err),
              err);
    assert_false(
        parse_many(&arena, "{\"rootfs\":{\"diff_ids\":[", A, LIMIT(LAYERS) + 1, "]}}", &err));
    assert_int_equal(err.kind, ERR_LIMIT);
    assert_false(
        parse_many(&arena, "{\"os\":\"x\",\"history\":[", "{}", LIMIT(HISTORY) + 1, "]}", &err));
    assert_int_equal(err.kind, ERR_LIMIT);
    char *large = arena_alloc(&arena, LIMIT(CONFIG) + 1);
    assert_false(image_config_parse(&arena, str_of(large, LIMIT(CONFIG) + 1), &c, &err));
    assert_int_equal(err.kind, ERR_LIMIT);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_config__reads_all_of_it),
        cmocka_unit_test(test_config__created_by_steps_over_empty_layers),
        cmocka_unit_test(test_config__created_by_is_silent_when_the_history_does_not_fit),
        cmocka_unit_test(test_config__bad_ones_are_refused),
        cmocka_unit_test(test_config__limits_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
