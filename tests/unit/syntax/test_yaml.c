/* SPDX-License-Identifier: Apache-2.0 */
#include "syntax/syntax.h"

#include <string.h>

#include "base/limits.h"
#include "support.h"

static void add_scalar(struct sb *out, const struct yaml *node)
{
    sb_addc(out, node->is_plain ? "<" : "\"");
    for (size_t i = 0; i < node->text.len; i++) {
        if (node->text.ptr[i] == '\n')
            sb_addc(out, "\\n");
        else
            sb_byte(out, (uint8_t)node->text.ptr[i]);
    }
    sb_addc(out, node->is_plain ? ">" : "\"");
}

static void print(struct sb *out, const struct yaml *node)
{
    if (node->kind == YAML_NULL)
        sb_addc(out, "~");
    if (node->kind == YAML_SCALAR)
        add_scalar(out, node);
    if (node->kind == YAML_LIST) {
        for (size_t i = 0; i < node->items.len; i++) {
            sb_addc(out, i ? "," : "[");
            print(out, node->items.ptr[i]);
        }
        sb_addc(out, node->items.len ? "]" : "[]");
    }
    if (node->kind == YAML_MAP) {
        for (size_t i = 0; i < node->pairs.len; i++) {
            sb_addc(out, i ? "," : "{");
            print(out, node->pairs.ptr[i].key);
            sb_addc(out, ":");
            print(out, node->pairs.ptr[i].value);
        }
        sb_addc(out, node->pairs.len ? "}" : "{}");
    }
}

static str unescape(struct arena *arena, str text)
{
    char *out = arena_alloc(arena, text.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i], next = i + 1 < text.len ? text.ptr[i + 1] : 0;
        bool is_escape = c == '\\' && (next == 'n' || next == 't');
        out[n++] = !is_escape ? c : next == 'n' ? '\n' : '\t';
        i += is_escape;
    }
    return (str){out, n};
}

static void check_row(struct arena *arena, str row)
{
    str verdict, text;
    assert_true(str_cut_byte(row, '|', &verdict, &row));
    assert_true(str_cut_byte(row, '|', &text, &row));
    struct yaml *root;
    struct err err = {0};
    bool is_read = yaml_read(arena, unescape(arena, text), &root, &err);
    if (is_read != str_eq(verdict, STR("good")))
        fail_msg("%.*s: %s", STR_ARG(text), is_read ? "was accepted" : err.msg);
    if (!is_read && !str_has(str_from(err.msg), row))
        fail_msg("%.*s: says \"%s\"", STR_ARG(text), err.msg);
    auto_sb got;
    sb_init(&got, 1 << 16);
    if (is_read)
        print(&got, root);
    if (is_read && !str_eq(sb_str(&got), row))
        fail_msg("%.*s: is %.*s", STR_ARG(text), STR_ARG(sb_str(&got)));
}

static void test_yaml__follows_the_rules_file(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 16 << 20);
    struct rd in;
    rd_init(&in, test_data(&arena, "syntax/yaml.txt"));
    str row;
    while (test_next_row(&in, &row))
        check_row(&arena, row);
    arena_fini(&arena);
}

static bool reads_nested(size_t n, struct err *err)
{
    struct arena arena;
    arena_init(&arena, 64 << 20);
    auto_sb text;
    sb_init(&text, 1 << 20);
    for (size_t i = 0; i < n; i++)
        sb_addc(&text, "[");
    for (size_t i = 0; i < n; i++)
        sb_addc(&text, "]");
    struct yaml *root;
    bool is_read = yaml_read(&arena, sb_str(&text), &root, err);
    arena_fini(&arena);
    return is_read;
}

static void test_yaml__nesting_ends_at_the_limit(void **state)
{
    (void)state;
    struct err err = {0};
    assert_ok(reads_nested(LIMIT(JSON_DEPTH), &err), err);
    assert_false(reads_nested(LIMIT(JSON_DEPTH) + 1, &err));
    assert_int_equal(err.kind, ERR_LIMIT);
    assert_true(str_has(str_from(err.msg), STR("json-depth")));
}

static void test_yaml__getters_are_gentle(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct yaml *root;
    struct err err = {0};
    assert_ok(yaml_read(&arena, STR("a: x\nm: {k: v}\nn: ~\nl: [1]\n"), &root, &err), err);
    assert_str(yaml_str(root, STR("a")), "x");
    assert_str(yaml_str(yaml_get(root, STR("m")), STR("k")), "v");
    assert_int_equal(yaml_str(root, STR("n")).len, 0);
    assert_int_equal(yaml_str(root, STR("l")).len, 0);
    assert_null(yaml_get(root, STR("absent")));
    assert_null(yaml_get(yaml_get(root, STR("a")), STR("a")));
    assert_null(yaml_get(NULL, STR("a")));
    assert_int_equal(yaml_get(root, STR("l"))->line, 4);
    assert_int_equal(yaml_get(root, STR("l"))->column, 4);
    arena_fini(&arena);
}

static void test_yaml__a_used_up_arena_is_an_error(void **state)
{
    (void)state;
    for (size_t budget = 0; budget < 20000; budget += 500) {
        struct arena arena;
        arena_init(&arena, budget);
        struct yaml *root;
        struct err err = {0};
        assert_false(yaml_read(&arena, STR("{a: [b, c, {d: e}]}"), &root, &err) && budget < 5000);
        assert_true(err.kind == ERR_MEMORY || budget > 5000);
        arena_fini(&arena);
    }
}

static bool is_same(const struct yaml *yaml, const json_t *json);

static bool is_same_map(const struct yaml *yaml, const json_t *json)
{
    if (!json_is_object(json) || json_object_size(json) != yaml->pairs.len)
        return false;
    for (size_t i = 0; i < yaml->pairs.len; i++) {
        str key = yaml->pairs.ptr[i].key->text;
        if (!is_same(yaml->pairs.ptr[i].value, json_object_getn(json, key.ptr, key.len)))
            return false;
    }
    return true;
}

static bool is_same(const struct yaml *yaml, const json_t *json)
{
    if (yaml->kind == YAML_NULL)
        return json_is_null(json);
    if (yaml->kind == YAML_SCALAR)
        return json_is_string(json) ? str_eq(yaml->text, json_str_of(json))
                                    : json && yaml->is_plain;
    if (yaml->kind == YAML_MAP)
        return is_same_map(yaml, json);
    if (!json_is_array(json) || json_array_size(json) != yaml->items.len)
        return false;
    for (size_t i = 0; i < yaml->items.len; i++)
        if (!is_same(yaml->items.ptr[i], json_array_get(json, i)))
            return false;
    return true;
}

/* The same database in both languages, as its publisher wrote it. */
static void test_yaml__reads_what_the_json_beside_it_says(void **state)
{
    (void)state;
    test_need_shared("feeds/alpine-secdb/v3.11/main.yaml");
    struct arena arena;
    arena_init(&arena, 256 << 20);
    struct yaml *yaml;
    json_t *json;
    struct err err = {0};
    assert_ok(
        yaml_read(&arena, test_shared(&arena, "feeds/alpine-secdb/v3.11/main.yaml"), &yaml, &err),
        err);
    assert_ok(json_read(test_shared(&arena, "feeds/alpine-secdb/v3.11/main.json"), &json, &err),
              err);
    assert_true(is_same(yaml, json));
    json_decref(json);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_yaml__follows_the_rules_file),
        cmocka_unit_test(test_yaml__nesting_ends_at_the_limit),
        cmocka_unit_test(test_yaml__getters_are_gentle),
        cmocka_unit_test(test_yaml__a_used_up_arena_is_an_error),
        cmocka_unit_test(test_yaml__reads_what_the_json_beside_it_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
