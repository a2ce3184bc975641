/* SPDX-License-Identifier: Apache-2.0 */
#include "syntax/syntax.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/num.h"

void jw_init(struct jw *jw, struct sb *out, bool is_pretty)
{
    *jw = (struct jw){.out = out, .is_pretty = is_pretty};
}

static void new_line(struct jw *jw)
{
    if (!jw->is_pretty)
        return;
    static const char line[] = "\n                                                                ";
    size_t left = 1 + 2 * (size_t)jw->depth;
    sb_add(jw->out, (str){line, num_min(left, sizeof(line) - 1)});
    for (left -= num_min(left, sizeof(line) - 1); left; left -= 2)
        sb_add(jw->out, STR("  "));
}

/* What stands between the item before and this one. */
static void begin_item(struct jw *jw)
{
    if (jw->is_after_key) {
        jw->is_after_key = false;
        return;
    }
    if (jw->has_item[jw->depth])
        sb_byte(jw->out, ',');
    jw->has_item[jw->depth] = true;
    if (jw->depth)
        new_line(jw);
}

static void open_item(struct jw *jw, uint8_t bracket)
{
    begin_item(jw);
    sb_byte(jw->out, bracket);
    jw->depth++;
    assert(jw->depth < ARRAY_LEN(jw->has_item));
    jw->has_item[jw->depth] = false;
}

static void close_item(struct jw *jw, uint8_t bracket)
{
    assert(jw->depth > 0 && !jw->is_after_key);
    bool has_item = jw->has_item[jw->depth];
    jw->depth--;
    if (has_item)
        new_line(jw);
    sb_byte(jw->out, bracket);
}

void jw_obj(struct jw *jw) { open_item(jw, '{'); }
void jw_obj_end(struct jw *jw) { close_item(jw, '}'); }
void jw_arr(struct jw *jw) { open_item(jw, '['); }
void jw_arr_end(struct jw *jw) { close_item(jw, ']'); }

static bool is_tail(str s, size_t at)
{
    return at < s.len && ((unsigned char)s.ptr[at] & 0xc0) == 0x80;
}

/* The length of the UTF-8 sequence at @at (RFC 3629, 4), or 0 when there is none. */
static size_t utf8_len(str s, size_t at)
{
    unsigned char c = (unsigned char)s.ptr[at];
    unsigned char next = at + 1 < s.len ? (unsigned char)s.ptr[at + 1] : 0;
    if (c < 0x80)
        return 1;
    if (!is_tail(s, at + 1) || c < 0xc2 || c > 0xf4)
        return 0;
    if (c < 0xe0)
        return 2;
    if ((c == 0xe0 && next < 0xa0) || (c == 0xed && next > 0x9f) || (c == 0xf0 && next < 0x90) ||
        (c == 0xf4 && next > 0x8f) || !is_tail(s, at + 2))
        return 0;
    if (c < 0xf0)
        return 3;
    return is_tail(s, at + 3) ? 4 : 0;
}

static bool is_literal(unsigned char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; }

/* The code point of a sequence that utf8_len measured; those of four bytes are never asked for. */
static unsigned code_point(str s, size_t at, size_t n)
{
    unsigned a = (unsigned char)s.ptr[at], b = (unsigned char)s.ptr[at + 1] & 0x3f;
    return n == 2 ? (a & 0x1f) << 6 | b
                  : (a & 0x0f) << 12 | b << 6 | ((unsigned char)s.ptr[at + 2] & 0x3f);
}

/* What moves a terminal's cursor or turns its text around: C1 controls and the bidi controls of
 * UAX #9, 2.  Escaped they say the same to a reader of JSON, and nothing to a terminal. */
static bool is_control(unsigned c)
{
    return (c >= 0x80 && c <= 0x9f) || c == 0x061c || c == 0x200e || c == 0x200f ||
           (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

static void add_escaped(struct sb *out, unsigned c)
{
    static const char *const shorts[32] = {
        ['\b'] = "\\b", ['\t'] = "\\t", ['\n'] = "\\n", ['\f'] = "\\f", ['\r'] = "\\r"};
    if (c == '"')
        sb_add(out, STR("\\\""));
    else if (c == '\\')
        sb_add(out, STR("\\\\"));
    else if (c < 0x20 && shorts[c])
        sb_addc(out, shorts[c]);
    else
        sb_addf(out, "\\u%04x", c);
}

static void add_sequence(struct sb *out, str s, size_t at, size_t n)
{
    if (n == 0)
        sb_add(out, STR("\xef\xbf\xbd"));
    else if (n == 1)
        add_escaped(out, (unsigned char)s.ptr[at]);
    else if (n < 4 && is_control(code_point(s, at, n)))
        add_escaped(out, code_point(s, at, n));
    else
        sb_add(out, str_slice(s, at, at + n));
}

static void add_string(struct sb *out, str s)
{
    sb_byte(out, '"');
    size_t at = 0;
    while (at < s.len) {
        size_t run = at;
        while (run < s.len && is_literal((unsigned char)s.ptr[run]))
            run++;
        sb_add(out, str_slice(s, at, run));
        at = run;
        if (at == s.len)
            break;
        size_t n = utf8_len(s, at);
        add_sequence(out, s, at, n);
        at += n ? n : 1;
    }
    sb_byte(out, '"');
}

void jw_key(struct jw *jw, const char *key)
{
    assert(!jw->is_after_key && jw->depth > 0);
    begin_item(jw);
    add_string(jw->out, str_from(key));
    sb_add(jw->out, jw->is_pretty ? STR(": ") : STR(":"));
    jw->is_after_key = true;
}

void jw_str(struct jw *jw, str value)
{
    begin_item(jw);
    add_string(jw->out, value);
}

void jw_int(struct jw *jw, int64_t value)
{
    begin_item(jw);
    char text[24];
    sb_add(jw->out, (str){text, (size_t)snprintf(text, sizeof(text), "%lld", (long long)value)});
}

void jw_num(struct jw *jw, double value)
{
    begin_item(jw);
    char text[40];
    snprintf(text, sizeof(text), "%.15g", value == 0 ? 0.0 : value);
    if (strtod(text, NULL) != value) /* lint: allowed, reads what was just printed */
        snprintf(text, sizeof(text), "%.17g", value);
    sb_addc(jw->out, isfinite(value) ? text : "null"); /* JSON has no other word for it */
}

static void add_word(struct jw *jw, const char *word)
{
    begin_item(jw);
    sb_addc(jw->out, word);
}

void jw_bool(struct jw *jw, bool value) { add_word(jw, value ? "true" : "false"); }
void jw_null(struct jw *jw) { add_word(jw, "null"); }

void jw_kstr(struct jw *jw, const char *key, str value)
{
    jw_key(jw, key);
    jw_str(jw, value);
}

void jw_kint(struct jw *jw, const char *key, int64_t value)
{
    jw_key(jw, key);
    jw_int(jw, value);
}

void jw_kbool(struct jw *jw, const char *key, bool value)
{
    jw_key(jw, key);
    jw_bool(jw, value);
}

void jw_kstr_if(struct jw *jw, const char *key, str value)
{
    if (value.len)
        jw_kstr(jw, key, value);
}
