/* SPDX-License-Identifier: Apache-2.0 */
#include "syntax/syntax.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/num.h"

void jw_init(struct jw *jw, struct sb *out, bool is_pretty)
{
    *jw = (struct jw){.out = out, .is_pretty = is_pretty};
}

/* Bytes that begin() writes now. */
static inline size_t before(const struct jw *jw)
{
    if (jw->is_after_key)
        return 0;
    size_t line = jw->is_pretty && jw->depth ? 1 + 2 * (size_t)jw->depth : 0;
    return (jw->has_item[jw->depth] ? 1 : 0) + line;
}

/* @n bytes, mostly few: no call for those.  Gives the end. */
static inline char *copy_few(char *to, const char *from, size_t n)
{
    if (n > 16) {
        memcpy(to, from, n);
    } else if (n >= 8) { /* two that overlap */
        memcpy(to, from, 8);
        memcpy(to + n - 8, from + n - 8, 8);
    } else if (n >= 4) {
        memcpy(to, from, 4);
        memcpy(to + n - 4, from + n - 4, 4);
    } else {
        for (size_t i = 0; i < n; i++)
            to[i] = from[i];
    }
    return to + n;
}

static inline char *new_line(const struct jw *jw, char *to)
{
    static const char spaces[] = "                                                                "
                                 "                                                                ";
    static_assert(sizeof(spaces) > 2 * ARRAY_LEN(((struct jw *)NULL)->has_item), "one a depth");
    if (!jw->is_pretty)
        return to;
    *to++ = '\n';
    return copy_few(to, spaces, 2 * (size_t)jw->depth);
}

/* What stands between the item before and this one; @to has room for before() bytes. */
static inline char *begin(struct jw *jw, char *to)
{
    if (jw->is_after_key) {
        jw->is_after_key = false;
        return to;
    }
    if (jw->has_item[jw->depth])
        *to++ = ',';
    jw->has_item[jw->depth] = true;
    return jw->depth ? new_line(jw, to) : to;
}

static void begin_item(struct jw *jw)
{
    char *to = sb_room(jw->out, before(jw));
    if (to)
        sb_filled(jw->out, begin(jw, to));
}

static void open_item(struct jw *jw, uint8_t bracket)
{
    char *to = sb_room(jw->out, before(jw) + 1);
    if (to) {
        to = begin(jw, to);
        *to++ = (char)bracket;
        sb_filled(jw->out, to);
    }
    jw->depth++;
    assert(jw->depth < ARRAY_LEN(jw->has_item));
    jw->has_item[jw->depth] = false;
}

static void close_item(struct jw *jw, uint8_t bracket)
{
    assert(jw->depth > 0 && !jw->is_after_key);
    bool has_item = jw->has_item[jw->depth];
    jw->depth--;
    char *to = sb_room(jw->out, 2 + 2 * (size_t)jw->depth);
    if (!to)
        return;
    to = has_item ? new_line(jw, to) : to;
    *to++ = (char)bracket;
    sb_filled(jw->out, to);
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

static const bool is_literal[256] = {
    [' ' ... '!'] = true, ['#' ... '['] = true, [']' ... '~'] = true};

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

/* Does none of eight bytes need an escape?  False may mean yes: whoever asks looks again. */
static inline bool are_eight_literal(const char *from, uint64_t *x)
{
    const uint64_t ones = 0x0101010101010101, tops = 0x8080808080808080;
    memcpy(x, from, sizeof(*x));
    uint64_t quote = *x ^ (ones * '"'), slash = *x ^ (ones * '\\'), del = *x ^ (ones * 0x7f);
    return !(((*x - ones * 0x20) | (quote - ones) | (slash - ones) | (del - ones) | *x) & tops);
}

/* A block that needs no escape is copied; else false. */
#ifdef __SSE2__
enum { BLOCK = sizeof(__m128i) };
static inline bool copy_block(char *to, const char *from)
{
    const __m128i space = _mm_set1_epi8(0x20), quote = _mm_set1_epi8('"');
    const __m128i slash = _mm_set1_epi8('\\'), del = _mm_set1_epi8(0x7f);
    __m128i x = _mm_loadu_si128((const __m128i *)(const void *)from);
    __m128i odd = _mm_or_si128(_mm_or_si128(_mm_cmplt_epi8(x, space), _mm_cmpeq_epi8(x, quote)),
                               _mm_or_si128(_mm_cmpeq_epi8(x, slash), _mm_cmpeq_epi8(x, del)));
    if (_mm_movemask_epi8(odd)) /* above 0x7f is negative: less than a space */
        return false;
    _mm_storeu_si128((__m128i *)(void *)to, x);
    return true;
}
#else
enum { BLOCK = sizeof(uint64_t) };
static inline bool copy_block(char *to, const char *from)
{
    uint64_t x;
    if (!are_eight_literal(from, &x))
        return false;
    memcpy(to, &x, sizeof(x));
    return true;
}
#endif

/* Up to the first byte that needs an escape; @to has room for what is left of @s.  The last block
 * overlaps the one before it: what is in it twice is the same. */
static inline size_t copy_literal(char *to, str s, size_t at)
{
    const char *from = s.len ? s.ptr + at : "";
    size_t left = s.len - at, n = 0;
    uint64_t first, last;
    while (left - n >= BLOCK && copy_block(to + n, from + n))
        n += BLOCK;
    if (left >= BLOCK && left - n < BLOCK && copy_block(to + left - BLOCK, from + left - BLOCK))
        return left;
    if (n == 0 && left >= 8 && left < 16 && are_eight_literal(from, &first) &&
        are_eight_literal(from + left - 8, &last)) {
        memcpy(to, &first, sizeof(first));
        memcpy(to + left - 8, &last, sizeof(last));
        return left;
    }
    for (; n < left && is_literal[(unsigned char)from[n]]; n++)
        to[n] = from[n];
    return n;
}

static void add_escapes(struct sb *out, str s, size_t at)
{
    while (at < s.len) {
        size_t n = utf8_len(s, at);
        add_sequence(out, s, at, n);
        at += n ? n : 1;
        char *to = sb_room(out, s.len - at); /* it is never written in less */
        if (!to)
            return;
        n = copy_literal(to, s, at);
        sb_filled(out, to + n);
        at += n;
    }
}

/* An item that is a string, and @behind behind it. */
static inline void add_item(struct jw *jw, str s, str behind)
{
    char *to = sb_room(jw->out, before(jw) + 2 + s.len + behind.len);
    if (!to)
        return;
    to = begin(jw, to);
    *to++ = '"';
    size_t run = copy_literal(to, s, 0);
    to += run;
    if (run < s.len) {
        sb_filled(jw->out, to);
        add_escapes(jw->out, s, run);
        to = sb_room(jw->out, 1 + behind.len);
        if (!to)
            return;
    }
    *to++ = '"';
    sb_filled(jw->out, copy_few(to, behind.ptr, behind.len));
}

void jw_key_text(struct jw *jw, str key)
{
    assert(!jw->is_after_key && jw->depth > 0);
    add_item(jw, key, jw->is_pretty ? STR(": ") : STR(":"));
    jw->is_after_key = true;
}

/* A key of ours with what stands before and behind it; @to has room for before() + 4 bytes more. */
static inline char *plain_key(struct jw *jw, char *to, str key)
{
    to = begin(jw, to);
    *to++ = '"';
    to = copy_few(to, key.ptr, key.len);
    *to++ = '"';
    *to++ = ':';
    if (jw->is_pretty)
        *to++ = ' ';
    return to;
}

void jw_key_plain(struct jw *jw, str key)
{
    assert(!jw->is_after_key && jw->depth > 0);
    char *to = sb_room(jw->out, before(jw) + 4 + key.len);
    if (to)
        sb_filled(jw->out, plain_key(jw, to, key));
    jw->is_after_key = true;
}

void jw_member(struct jw *jw, str key, str value)
{
    assert(!jw->is_after_key && jw->depth > 0);
    char *to = sb_room(jw->out, before(jw) + 4 + key.len + 2 + value.len);
    if (!to)
        return;
    to = plain_key(jw, to, key);
    *to++ = '"';
    size_t run = copy_literal(to, value, 0);
    to += run;
    if (run < value.len) {
        sb_filled(jw->out, to);
        add_escapes(jw->out, value, run);
        to = sb_room(jw->out, 1);
        if (!to)
            return;
    }
    *to++ = '"';
    sb_filled(jw->out, to);
}

void jw_str(struct jw *jw, str value) { add_item(jw, value, STR("")); }

void jw_int(struct jw *jw, int64_t value)
{
    begin_item(jw);
    if (value < 0)
        sb_byte(jw->out, '-');
    sb_number(jw->out, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

/* Most numbers are short decimals, 9.8 or 0.00043: a whole number over a power of ten, both exact
 * as doubles, so that their quotient is what a reader of the text gets.  False: none of these. */
static bool add_decimal(struct sb *out, double value)
{
    static const double tens[] = {1, 10, 100, 1000, 1e4, 1e5, 1e6};
    if (!(value >= 1e-4 && value < 1e9))
        return false;
    for (unsigned digits = 0; digits < ARRAY_LEN(tens); digits++) {
        uint64_t whole = (uint64_t)(value * tens[digits] + 0.5);
        if ((double)whole / tens[digits] != value)
            continue;
        char text[32], *at = text + sizeof(text);
        for (unsigned i = 0; i <= digits || whole; i++, whole /= 10) {
            if (i == digits && digits)
                *--at = '.';
            *--at = (char)('0' + whole % 10);
        }
        sb_add(out, str_of(at, (size_t)(text + sizeof(text) - at)));
        return true;
    }
    return false;
}

void jw_num(struct jw *jw, double value)
{
    begin_item(jw);
    if (add_decimal(jw->out, value))
        return;
    char text[40];
    snprintf(text, sizeof(text), "%.15g", value == 0 ? 0.0 : value);
    if (strtod(text, NULL) != value) /* lint: allowed, reads what was just printed */
        snprintf(text, sizeof(text), "%.17g", value);
    sb_addc(jw->out, isfinite(value) ? text : "null"); /* JSON has no other word for it */
}

static inline void add_word(struct jw *jw, str word)
{
    char *to = sb_room(jw->out, before(jw) + word.len);
    if (to)
        sb_filled(jw->out, copy_few(begin(jw, to), word.ptr, word.len));
}

void jw_bool(struct jw *jw, bool value) { add_word(jw, value ? STR("true") : STR("false")); }
void jw_null(struct jw *jw) { add_word(jw, STR("null")); }
