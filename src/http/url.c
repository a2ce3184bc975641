/* SPDX-License-Identifier: Apache-2.0 */
/* url.c - RFC 3986: percent-encoding and the first three parts of an absolute URL. */
#include "http/http.h"

#include "base/num.h"
#include "base/rd.h"

static bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static bool is_unreserved(char c)
{
    return is_alpha(c) || is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

str http_url_escape(struct arena *arena, str text)
{
    static const char hex[] = "0123456789ABCDEF";
    size_t room;
    if (!num_mul(text.len, 3, &room) || !num_add(room, 1, &room))
        return STR_NONE;
    char *out = arena_alloc(arena, room);
    if (!out)
        return STR_NONE;
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (is_unreserved((char)c)) {
            out[n++] = (char)c;
            continue;
        }
        out[n++] = '%';
        out[n++] = hex[c >> 4];
        out[n++] = hex[c & 15];
    }
    return str_of(out, n);
}

static int hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (uint8_t)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool http_url_unescape(struct arena *arena, str text, str *out)
{
    char *bytes = arena_alloc(arena, text.len + 1);
    if (!bytes)
        return false;
    struct rd in;
    rd_init(&in, text);
    size_t n = 0;
    while (!rd_is_end(&in)) {
        uint8_t c = rd_u8(&in);
        if (c == '%') {
            if (rd_left(&in) < 2)
                return false;
            int high = hex_value(rd_u8(&in)), low = hex_value(rd_u8(&in));
            if (high < 0 || low < 0)
                return false;
            c = (uint8_t)(high << 4 | low);
        }
        bytes[n++] = (char)c;
    }
    *out = str_of(bytes, n);
    return true;
}

static bool is_scheme(str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (!is_alpha(c) && (i == 0 || (!is_digit(c) && c != '+' && c != '-' && c != '.')))
            return false;
    }
    return s.len > 0;
}

bool http_url_split(str url, str *scheme, str *host, str *rest)
{
    str after;
    if (!str_cut(url, STR("://"), scheme, &after) || !is_scheme(*scheme))
        return false;
    size_t end = num_min(str_find_byte(after, '/'),
                         num_min(str_find_byte(after, '?'), str_find_byte(after, '#')));
    *host = str_slice(after, 0, end);
    *rest = str_skip(after, end);
    size_t at = str_rfind_byte(*host, '@'); /* who logs in is not where */
    if (at < host->len)
        *host = str_skip(*host, at + 1);
    return host->len > 0 && host->ptr[0] != ':';
}
