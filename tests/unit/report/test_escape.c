/* SPDX-License-Identifier: Apache-2.0 */
#include "../support.h"

#include "report/internal.h"

static void check(void (*add)(struct sb *, str), const char *text, const char *wanted)
{
    auto_sb out;
    sb_init(&out, 4096);
    add(&out, str_from(text));
    assert_str(sb_str(&out), wanted);
}

static void name_add(struct sb *out, str text) { uri_add(out, text, URI_NAME); }
static void path_add(struct sb *out, str text) { uri_add(out, text, URI_PATH); }
static void link_add(struct sb *out, str text) { uri_add(out, text, URI_LINK); }

static void test_escape__markdown(void **state)
{
    static const char *const rows[][2] = {
        {"plain text, 1.2-3+b4 (x)", "plain text, 1.2-3+b4 (x)"},
        {"*a* _b_ `c` <d>", "\\*a\\* \\_b\\_ \\`c\\` \\<d\\>"},
        {"![x](http://y)", "\\!\\[x\\](http\\://y)"},
        {"see https://x and www.y.z", "see https\\://x and www\\.y.z"},
        {"- item", "\\- item"},
        {"  1. item", "  1\\. item"},
        {"12) item", "12\\) item"},
        {"# head\n# head", "\\# head \\# head"},
        {"@user #1 &amp; a|b ~~c~~ $d$", "\\@user \\#1 \\&amp; a\\|b \\~\\~c\\~\\~ \\$d\\$"},
        {"a\\b", "a\\\\b"},
        {"", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        check(markdown_add, rows[i][0], rows[i][1]);
}

static void test_escape__uris(void **state)
{
    (void)state;
    check(name_add, "a/b c@1+2:~é", "a%2Fb%20c%401%2B2%3A~%C3%A9");
    check(path_add, "usr/lib/a b@1?#%", "usr/lib/a%20b@1%3F%23%25");
    check(link_add, "https://x/?a=%20&b=\"<>#c", "https://x/?a=%20&b=%22%3C%3E#c");
    check(link_add, "https://x/\r\n\x01", "https://x/%0D%0A%01");
}

static void test_escape__xml(void **state)
{
    (void)state;
    check(xml_add, "a<b>&\"c\"'", "a&lt;b&gt;&amp;&quot;c&quot;'");
    check(xml_add, "\033[1m\x7f\t\n\r", "\\x1b[1m&#x7f;&#9;&#10;&#13;");
    check(xml_add, "\xff\xc0\x80\xed\xa0\x80",
          "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
          "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    check(xml_add, "\xef\xbf\xbe\xc2\x9b\xe2\x80\xae", "\\ufffe&#x9b;&#x202e;");
    check(xml_add, "日本 💥", "日本 💥");
}

static void test_escape__utf8(void **state)
{
    static const struct {
        const char *text;
        size_t n;
        uint32_t c;
    } rows[] = {
        {"a", 1, 'a'},          {"é", 2, 0xe9},
        {"日", 3, 0x65e5},      {"💥", 4, 0x1f4a5},
        {"\xc1\x81", 0, 0},     {"\xe0\x80\x80", 0, 0},
        {"\xed\xa0\x80", 0, 0}, {"\xf4\x90\x80\x80", 0, 0},
        {"\xf0\x9f\x92", 0, 0}, {"\x80", 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint32_t c;
        assert_int_equal(utf8_at(str_from(rows[i].text), 0, &c), rows[i].n);
        if (rows[i].n)
            assert_int_equal(c, rows[i].c);
    }
}

static void test_escape__decimals(void **state)
{
    static const struct {
        double value;
        unsigned digits;
        const char *wanted;
    } rows[] = {{9.8, 1, "9.8"},         {10, 1, "10.0"},          {0, 1, "0.0"},
                {0.00043, 5, "0.00043"}, {0.999996, 5, "1.00000"}, {7, 0, "7"}};
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        auto_sb out;
        sb_init(&out, 64);
        decimal_add(&out, rows[i].value, rows[i].digits);
        assert_str(sb_str(&out), rows[i].wanted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_escape__markdown), cmocka_unit_test(test_escape__uris),
        cmocka_unit_test(test_escape__xml),      cmocka_unit_test(test_escape__utf8),
        cmocka_unit_test(test_escape__decimals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
