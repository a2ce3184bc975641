/* SPDX-License-Identifier: Apache-2.0 */
#include "syntax/syntax.h"

#include <string.h>

#include "base/limits.h"
#include "support.h"

static bool stop(struct err *err) { return err_set(err, ERR_CANCELLED, "the handler stopped"); }

static bool on_open(void *ctx, str name, const char **attributes, struct err *err)
{
    struct sb *out = ctx;
    sb_addc(out, "<");
    sb_add(out, name);
    for (size_t i = 0; attributes[i]; i += 2)
        sb_addf(out, " %s=%s", attributes[i], attributes[i + 1]);
    sb_addc(out, ">");
    return !str_eq(name, STR("stop")) || stop(err);
}

static bool on_text(void *ctx, str text, struct err *err)
{
    sb_add(ctx, text);
    return !str_eq(text, STR("stop")) || stop(err);
}

static bool on_close(void *ctx, str name, struct err *err)
{
    (void)err;
    struct sb *out = ctx;
    sb_addc(out, "</");
    sb_add(out, name);
    sb_addc(out, ">");
    return true;
}

static void check_row(str row)
{
    str verdict, text;
    assert_true(str_cut_byte(row, '|', &verdict, &row));
    assert_true(str_cut_byte(row, '|', &text, &row));
    auto_sb got;
    sb_init(&got, 1 << 16);
    struct xml_handler handler = {on_open, on_text, on_close, &got};
    struct err err = {0};
    bool is_read = xml_read(text, &handler, &err);
    if (is_read != str_eq(verdict, STR("good")))
        fail_msg("%.*s: %s", STR_ARG(text), is_read ? "was accepted" : err.msg);
    if (!is_read && !str_has(str_from(err.msg), row))
        fail_msg("%.*s: says \"%s\"", STR_ARG(text), err.msg);
    if (is_read && !str_eq(sb_str(&got), row))
        fail_msg("%.*s: is %.*s", STR_ARG(text), STR_ARG(sb_str(&got)));
}

static void test_xml__follows_the_rules_file(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct rd in;
    rd_init(&in, test_data(&arena, "syntax/xml.txt"));
    str row;
    while (test_next_row(&in, &row))
        check_row(row);
    arena_fini(&arena);
}

static bool reads_nested(size_t n, struct err *err)
{
    auto_sb text;
    sb_init(&text, 1 << 20);
    for (size_t i = 0; i < n; i++)
        sb_addc(&text, "<a>");
    for (size_t i = 0; i < n; i++)
        sb_addc(&text, "</a>");
    struct xml_handler handler = {0};
    return xml_read(sb_str(&text), &handler, err);
}

static void test_xml__nesting_ends_at_the_limit(void **state)
{
    (void)state;
    struct err err = {0};
    assert_ok(reads_nested(LIMIT(XML_DEPTH), &err), err);
    assert_false(reads_nested(LIMIT(XML_DEPTH) + 1, &err));
    assert_int_equal(err.kind, ERR_LIMIT);
    assert_true(str_has(str_from(err.msg), STR("xml-depth")));
}

/* Longer than one step of the parser. */
static void test_xml__a_long_document_is_read_whole(void **state)
{
    (void)state;
    auto_sb text, got;
    sb_init(&text, 8 << 20);
    sb_init(&got, 8 << 20);
    sb_addc(&text, "<a>");
    for (int i = 0; i < 400000; i++)
        sb_addc(&text, "12345678");
    sb_addc(&text, "</a>");
    struct xml_handler handler = {.text = on_text, .ctx = &got};
    struct err err = {0};
    assert_ok(xml_read(sb_str(&text), &handler, &err), err);
    assert_int_equal(got.len, 3200000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_xml__follows_the_rules_file),
        cmocka_unit_test(test_xml__nesting_ends_at_the_limit),
        cmocka_unit_test(test_xml__a_long_document_is_read_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
