/* SPDX-License-Identifier: Apache-2.0 */
#include "syntax/syntax.h"

#include <math.h>
#include <string.h>

#include "support.h"

static void write_sample(struct jw *jw)
{
    jw_obj(jw);
    jw_kstr(jw, "name", STR("a\"\\\n\x01\x7f"));
    jw_kint(jw, "n", -7);
    jw_kbool(jw, "flag", true);
    jw_kstr_if(jw, "absent", STR_NONE);
    jw_key(jw, "list");
    jw_arr(jw);
    jw_num(jw, 9.8);
    jw_num(jw, 10);
    jw_num(jw, 0.00043);
    jw_num(jw, -0.0);
    jw_num(jw, NAN);
    jw_null(jw);
    jw_obj(jw);
    jw_obj_end(jw);
    jw_arr(jw);
    jw_arr_end(jw);
    jw_arr_end(jw);
    jw_obj_end(jw);
}

static void test_jw__writes_in_order(void **state)
{
    (void)state;
    auto_sb out;
    sb_init(&out, 1 << 16);
    struct jw jw;
    jw_init(&jw, &out, false);
    write_sample(&jw);
    assert_str(sb_str(&out), "{\"name\":\"a\\\"\\\\\\n\\u0001\\u007f\",\"n\":-7,\"flag\":true,"
                             "\"list\":[9.8,10,0.00043,0,null,null,{},[]]}");
}

static void test_jw__indents_when_asked(void **state)
{
    (void)state;
    auto_sb out;
    sb_init(&out, 1 << 16);
    struct jw jw;
    jw_init(&jw, &out, true);
    jw_obj(&jw);
    jw_key(&jw, "a");
    jw_arr(&jw);
    jw_int(&jw, 1);
    jw_int(&jw, 2);
    jw_arr_end(&jw);
    jw_key(&jw, "b");
    jw_obj(&jw);
    jw_obj_end(&jw);
    jw_obj_end(&jw);
    assert_str(sb_str(&out), "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": {}\n}");
}

/* What one string looks like when written and read again. */
static str through(str value, struct sb *out, json_t **json)
{
    struct jw jw;
    struct err err = {0};
    sb_clear(out);
    jw_init(&jw, out, false);
    jw_arr(&jw);
    jw_str(&jw, value);
    jw_arr_end(&jw);
    assert_ok(json_read(sb_str(out), json, &err), err);
    return json_str_of(json_array_get(*json, 0));
}

static void test_jw__any_two_bytes_make_valid_json(void **state)
{
    (void)state;
    auto_sb out;
    sb_init(&out, 1 << 16);
    for (unsigned i = 0; i < 0x10000; i++) {
        const char bytes[] = {(char)(i >> 8), (char)(i & 0xff), 'z'};
        json_t *json;
        str back = through((str){bytes, 3}, &out, &json);
        assert_true(str_ends(back, STR("z")));
        if ((i >> 8) < 0x80 && (i & 0xff) < 0x80)
            assert_memory_equal(back.ptr, bytes, 3);
        json_decref(json);
    }
}

static void test_jw__utf8_stays_and_what_is_not_is_replaced(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 \xf4\x8f\xbf\xbf",
         "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 \xf4\x8f\xbf\xbf"},
        {"\xc0\x80", "\xef\xbf\xbd\xef\xbf\xbd"},                                 /* overlong */
        {"\xe0\x9f\xbf", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},                 /* overlong */
        {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},                 /* surrogate */
        {"\xf0\x8f\xbf\xbf", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}, /* overlong */
        {"\xf4\x90\x80\x80",
         "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}, /* above U+10FFFF */
        {"\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd"},             /* cut */
        {"a\x80z", "a\xef\xbf\xbdz"},
    };
    auto_sb out;
    sb_init(&out, 1 << 16);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        json_t *json;
        assert_str(through(str_from(rows[i].in), &out, &json), rows[i].out);
        json_decref(json);
    }
}

static bool is_harmless(unsigned c)
{
    return c >= 0x20 && c != 0x7f && (c < 0x80 || c > 0x9f) && c != 0x061c && c != 0x200e &&
           c != 0x200f && (c < 0x202a || c > 0x202e) && (c < 0x2066 || c > 0x2069);
}

static size_t encode(unsigned c, char out[static 4])
{
    if (c < 0x80)
        return out[0] = (char)c, 1;
    if (c < 0x800)
        return out[0] = (char)(0xc0 | c >> 6), out[1] = (char)(0x80 | (c & 0x3f)), 2;
    out[0] = (char)(0xe0 | c >> 12);
    out[1] = (char)(0x80 | (c >> 6 & 0x3f));
    out[2] = (char)(0x80 | (c & 0x3f));
    return 3;
}

/* Every character reads back as it was, and those a terminal obeys are written as escapes. */
static void test_jw__what_a_terminal_obeys_is_escaped(void **state)
{
    (void)state;
    auto_sb out;
    sb_init(&out, 1 << 16);
    for (unsigned c = 1; c < 0x3000; c++) {
        char bytes[4];
        str value = {bytes, encode(c, bytes)};
        json_t *json;
        assert_true(str_eq(through(value, &out, &json), value));
        json_decref(json);
        bool is_plain = str_eq(str_slice(sb_str(&out), 2, 2 + value.len), value);
        if (c != '"' && c != '\\')
            assert_int_equal(is_plain, is_harmless(c));
        for (size_t i = 0; i < out.len; i++)
            assert_true((unsigned char)out.ptr[i] >= 0x20 && out.ptr[i] != 0x7f);
    }
}

static void test_jw__indents_at_any_depth(void **state)
{
    (void)state;
    auto_sb out;
    sb_init(&out, 1 << 16);
    struct jw jw;
    jw_init(&jw, &out, true);
    for (unsigned i = 0; i < 60; i++)
        jw_arr(&jw);
    jw_int(&jw, 1);
    for (unsigned i = 0; i < 60; i++)
        jw_arr_end(&jw);
    size_t one = str_find_byte(sb_str(&out), '1'), n = 0;
    while (out.ptr[one - 1 - n] == ' ')
        n++;
    assert_int_equal(n, 120);
}

static void test_jw__numbers_read_back(void **state)
{
    (void)state;
    static const double rows[] = {0.1, 1.0 / 3, 1e300, 5e-324, 123456789.125, -2.5, 7.05};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        auto_sb out;
        sb_init(&out, 100);
        struct jw jw;
        jw_init(&jw, &out, false);
        jw_arr(&jw);
        jw_num(&jw, rows[i]);
        jw_arr_end(&jw);
        json_t *json;
        struct err err = {0};
        assert_ok(json_read(sb_str(&out), &json, &err), err);
        assert_true(json_number_value(json_array_get(json, 0)) == rows[i]);
        json_decref(json);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jw__writes_in_order),
        cmocka_unit_test(test_jw__indents_when_asked),
        cmocka_unit_test(test_jw__any_two_bytes_make_valid_json),
        cmocka_unit_test(test_jw__utf8_stays_and_what_is_not_is_replaced),
        cmocka_unit_test(test_jw__what_a_terminal_obeys_is_escaped),
        cmocka_unit_test(test_jw__indents_at_any_depth),
        cmocka_unit_test(test_jw__numbers_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
