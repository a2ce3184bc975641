/* SPDX-License-Identifier: Apache-2.0 */
#include "syntax/syntax.h"

#include <string.h>

#include "base/limits.h"
#include "support.h"

static void check_row(str row)
{
    str verdict, words, text;
    assert_true(str_cut_byte(row, '|', &verdict, &row));
    assert_true(str_cut_byte(row, '|', &words, &text));
    struct err err = {0};
    json_t *json;
    bool is_read = json_read(text, &json, &err);
    if (is_read != str_eq(verdict, STR("good")))
        fail_msg("%.*s: %s", STR_ARG(text), is_read ? "was accepted" : err.msg);
    if (!is_read && (err.kind != ERR_FORMAT || !str_has(str_from(err.msg), words)))
        fail_msg("%.*s: says \"%s\"", STR_ARG(text), err.msg);
    json_decref(json);
}

static void test_json__follows_the_rules_file(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct rd in;
    rd_init(&in, test_data(&arena, "syntax/json.txt"));
    str row;
    while (test_next_row(&in, &row))
        check_row(row);
    arena_fini(&arena);
}

/* The same bracket n times and its partner n times. */
static bool reads_nested(size_t n, bool is_object, struct err *err)
{
    auto_sb text;
    sb_init(&text, 1 << 20);
    for (size_t i = 0; i < n; i++)
        sb_addc(&text, is_object ? "{\"[\":" : "[");
    if (is_object)
        sb_addc(&text, "0");
    for (size_t i = 0; i < n; i++)
        sb_addc(&text, is_object ? "}" : "]");
    json_t *json;
    bool is_read = json_read(sb_str(&text), &json, err);
    json_decref(json);
    return is_read;
}

static void test_json__nesting_ends_at_the_limit(void **state)
{
    (void)state;
    for (int is_object = 0; is_object < 2; is_object++) {
        struct err err = {0};
        assert_ok(reads_nested(LIMIT(JSON_DEPTH), is_object, &err), err);
        assert_false(reads_nested(LIMIT(JSON_DEPTH) + 1, is_object, &err));
        assert_int_equal(err.kind, ERR_LIMIT);
        assert_true(str_has(str_from(err.msg), STR("json-depth")));
        assert_false(reads_nested(20000, is_object, &err));
        assert_int_equal(err.kind, ERR_LIMIT);
    }
}

static void test_json__errors_name_line_and_column(void **state)
{
    (void)state;
    struct err err = {0};
    json_t *json;
    assert_false(json_read(STR("{\n  \"a\": 1,\n  \"b\": ?\n}"), &json, &err));
    assert_true(str_starts(str_from(err.msg), STR("line 3 column 8: ")));
    assert_null(json);
}

static void test_json__invalid_utf8_is_refused_and_a_mark_ignored(void **state)
{
    (void)state;
    struct err err = {0};
    json_t *json;
    assert_false(json_read(STR("[\"\xff\"]"), &json, &err));
    assert_int_equal(err.kind, ERR_FORMAT);
    assert_false(json_read(STR("[\"\xed\xa0\x80\"]"), &json, &err));
    assert_ok(json_read(STR("\xef\xbb\xbf[]"), &json, &err), err);
    json_decref(json);
    assert_false(json_read(STR("[]\0"), &json, &err));
}

static void test_json__getters_are_gentle(void **state)
{
    (void)state;
    struct err err = {0};
    auto_json *json = NULL;
    assert_ok(
        json_read(
            STR("{\"s\":\"a\\u0000b\",\"i\":7,\"r\":1.5,\"t\":true,\"o\":{},\"l\":[],\"n\":null}"),
            &json, &err),
        err);
    assert_int_equal(json_str(json, "s").len, 3);
    assert_int_equal(json_str(json, "i").len, 0);
    assert_int_equal(json_str(json, "absent").len, 0);
    assert_int_equal(json_int(json, "i", -1), 7);
    assert_int_equal(json_int(json, "s", -1), -1);
    assert_int_equal(json_int(json, "r", -1), -1);
    assert_true(json_flag(json, "t", false));
    assert_true(json_flag(json, "n", true));
    assert_non_null(json_obj(json, "o"));
    assert_null(json_obj(json, "l"));
    assert_non_null(json_arr(json, "l"));
    assert_null(json_arr(json, "o"));
    assert_null(json_arr(NULL, "o"));
    assert_int_equal(json_int(json_arr(json, "l"), "i", 3), 3);
    assert_int_equal(json_str_of(NULL).len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json__follows_the_rules_file),
        cmocka_unit_test(test_json__nesting_ends_at_the_limit),
        cmocka_unit_test(test_json__errors_name_line_and_column),
        cmocka_unit_test(test_json__invalid_utf8_is_refused_and_a_mark_ignored),
        cmocka_unit_test(test_json__getters_are_gentle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
