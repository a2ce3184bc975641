/* SPDX-License-Identifier: Apache-2.0 */
/* Foreign text into the syntax of others: URIs, Markdown, XML. */
#include "report/internal.h"

static uint32_t tail_at(str s, size_t at)
{
    uint32_t c = at < s.len ? (unsigned char)s.ptr[at] : 0;
    return (c & 0xc0) == 0x80 ? c & 0x3f : UINT32_MAX;
}

size_t utf8_at(str s, size_t at, uint32_t *c)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    uint32_t lead = (unsigned char)s.ptr[at];
    *c = lead;
    if (lead < 0x80)
        return 1;
    if (lead < 0xc2 || lead > 0xf4)
        return 0;
    size_t n = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    *c = lead & (0x7fU >> n);
    for (size_t i = 1; i < n; i++) {
        uint32_t tail = tail_at(s, at + i);
        if (tail == UINT32_MAX)
            return 0;
        *c = *c << 6 | tail;
    }
    bool is_scalar = *c >= smallest[n] && *c <= 0x10ffff && (*c < 0xd800 || *c > 0xdfff);
    return is_scalar ? n : 0;
}

bool is_hidden_control(uint32_t c)
{
    return (c >= 0x7f && c <= 0x9f) || c == 0x061c || c == 0x200e || c == 0x200f ||
           (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

/* RFC 3986, 2: which characters stay in which part. */
enum {
    U = 1 << URI_NAME | 1 << URI_PATH | 1 << URI_LINK, /* unreserved */
    P = 1 << URI_PATH | 1 << URI_LINK,
    L = 1 << URI_LINK,
};
static const uint8_t uri_kept[256] = {
    ['a' ... 'z'] = U, ['A' ... 'Z'] = U, ['0' ... '9'] = U, ['-'] = U, ['.'] = U, ['_'] = U,
    ['~'] = U,         ['/'] = P,         ['!'] = P,         ['$'] = P, ['&'] = P, ['\''] = P,
    ['('] = P,         [')'] = P,         ['*'] = P,         ['+'] = P, [','] = P, [';'] = P,
    ['='] = P,         ['@'] = P,         [':'] = L,         ['?'] = L, ['#'] = L, ['%'] = L,
};

void uri_add(struct sb *out, str text, enum uri_part part)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t from = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (uri_kept[c] >> part & 1)
            continue;
        const char escaped[] = {'%', digits[c >> 4], digits[c & 15]};
        sb_add(out, str_slice(text, from, i));
        sb_add(out, str_of(escaped, sizeof(escaped)));
        from = i + 1;
    }
    sb_add(out, str_skip(text, from));
}

/* CommonMark escapes any ASCII punctuation.  Escaped are: what marks up wherever it stands, also as
 * GitHub and GitLab have it (@name, #1, !1, ~label, $math$, {+diff+}); what does only at the start
 * of a line, there; and what would make a link of bare text. */
enum { IS_ESCAPED = 1, IS_BREAK = 2, IS_SEPARATOR = 4, IS_START = 8 };
static const uint8_t markdown_kinds[256] = {
    ['!'] = IS_ESCAPED,         ['#'] = IS_ESCAPED,
    ['$'] = IS_ESCAPED,         ['&'] = IS_ESCAPED,
    ['*'] = IS_ESCAPED,         ['<'] = IS_ESCAPED,
    ['>'] = IS_ESCAPED,         ['@'] = IS_ESCAPED,
    ['['] = IS_ESCAPED,         ['\\' ... ']'] = IS_ESCAPED,
    ['_' ... '`'] = IS_ESCAPED, ['{' ... '~'] = IS_ESCAPED,
    ['\n'] = IS_BREAK,          ['\r'] = IS_BREAK,
    ['\t'] = IS_BREAK,          [':'] = IS_SEPARATOR,
    ['.'] = IS_SEPARATOR,       ['+'] = IS_START,
    ['-'] = IS_START,           ['='] = IS_START,
    [')'] = IS_START,
};

/* "1." and "1)" begin a list. */
static bool is_at_start(str text, size_t at)
{
    while (at && ((text.ptr[at - 1] >= '0' && text.ptr[at - 1] <= '9') || text.ptr[at - 1] == ' '))
        at--;
    return at == 0;
}

static bool makes_link(str text, size_t at)
{
    str before = str_slice(text, at < 3 ? 0 : at - 3, at);
    return text.ptr[at] == ':' ? str_starts(str_skip(text, at + 1), STR("/"))
                               : str_eq_nocase(before, STR("www"));
}

static bool is_markdown(str text, size_t at)
{
    uint8_t kind = markdown_kinds[(unsigned char)text.ptr[at]];
    return kind & IS_ESCAPED || (kind & IS_SEPARATOR && makes_link(text, at)) ||
           (kind & (IS_START | IS_SEPARATOR) && is_at_start(text, at));
}

/* Twice the length is the worst: room for it is asked for once. */
void markdown_add(struct sb *out, str text)
{
    char *to = text.len > SIZE_MAX / 2 ? NULL : sb_room(out, 2 * text.len);
    for (size_t i = 0; to && i < text.len; i++) {
        size_t from = i;
        while (i < text.len && !markdown_kinds[(unsigned char)text.ptr[i]])
            i++;
        memcpy(to, text.ptr + from, i - from);
        to += i - from;
        if (i == text.len)
            break;
        if (is_markdown(text, i))
            *to++ = '\\';
        *to++ = markdown_kinds[(unsigned char)text.ptr[i]] & IS_BREAK ? ' ' : text.ptr[i];
    }
    if (to)
        sb_filled(out, to);
    out->has_failed |= !to;
}

static const char *entity_of(uint32_t c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\t':
        return "&#9;";
    case '\n':
        return "&#10;";
    case '\r':
        return "&#13;";
    default:
        return NULL;
    }
}

static const bool is_xml_literal[256] = {
    [' ' ... '!'] = true, ['#' ... '%'] = true, ['\'' ... ';'] = true,
    ['='] = true,         ['?' ... '~'] = true,
};

static void xml_character(struct sb *out, str bytes, uint32_t c)
{
    const char *entity = entity_of(c);
    if (!bytes.len)
        sb_add(out, STR("\xef\xbf\xbd"));
    else if (entity)
        sb_addc(out, entity);
    else if (c < 0x20)
        sb_addf(out, "\\x%02x", c);
    else if (c == 0xfffe || c == 0xffff)
        sb_addf(out, "\\u%04x", c);
    else if (is_hidden_control(c))
        sb_addf(out, "&#x%x;", c);
    else
        sb_add(out, bytes);
}

void xml_add(struct sb *out, str text)
{
    for (size_t at = 0; at < text.len;) {
        size_t run = at;
        while (run < text.len && is_xml_literal[(unsigned char)text.ptr[run]])
            run++;
        sb_add(out, str_slice(text, at, run));
        at = run;
        if (at == text.len)
            return;
        uint32_t c;
        size_t n = utf8_at(text, at, &c);
        xml_character(out, str_slice(text, at, at + n), c);
        at += n ? n : 1;
    }
}
