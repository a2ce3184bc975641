/* SPDX-License-Identifier: Apache-2.0 */
/* The one door through which foreign text reaches the page. */
#include "report/internal.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* Printable ASCII that means something to HTML, in text or between quotes of either kind. */
static const char *entity_of(uint8_t c)
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
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

/* The rest of printable ASCII: a table, as every byte of a page goes through it. */
static const bool plain[256] = {
    [' ' ... '!'] = true, ['#' ... '%'] = true, ['(' ... ';'] = true,
    ['='] = true,         ['?' ... '~'] = true,
};

/* A block that is plain is copied; else false. */
#ifdef __SSE2__
enum { BLOCK = sizeof(__m128i) };
static inline bool copy_block(char *to, const char *from)
{
    __m128i x = _mm_loadu_si128((const __m128i *)(const void *)from);
    __m128i odd = _mm_cmplt_epi8(x, _mm_set1_epi8(0x20)); /* above 0x7f is negative */
    odd = _mm_or_si128(odd, _mm_cmpeq_epi8(x, _mm_set1_epi8(0x7f)));
    odd = _mm_or_si128(odd, _mm_cmpeq_epi8(x, _mm_set1_epi8('"')));
    odd = _mm_or_si128(odd, _mm_cmpeq_epi8(x, _mm_set1_epi8('&')));
    odd = _mm_or_si128(odd, _mm_cmpeq_epi8(x, _mm_set1_epi8('\'')));
    odd = _mm_or_si128(odd, _mm_cmpeq_epi8(x, _mm_set1_epi8('<')));
    odd = _mm_or_si128(odd, _mm_cmpeq_epi8(x, _mm_set1_epi8('>')));
    if (_mm_movemask_epi8(odd))
        return false;
    _mm_storeu_si128((__m128i *)(void *)to, x);
    return true;
}
#else
enum { BLOCK = 16 };
static inline bool copy_block(char *to, const char *from)
{
    for (size_t i = 0; i < BLOCK; i++) {
        if (!plain[(uint8_t)from[i]])
            return false;
        to[i] = from[i];
    }
    return true;
}
#endif

/* The length of the run of bytes at @from that only report_text knows how to show. */
static size_t odd_run(str text, size_t from)
{
    size_t to = from;
    while (to < text.len && !plain[(uint8_t)text.ptr[to]] && !entity_of((uint8_t)text.ptr[to]))
        to++;
    return to - from;
}

/* What begins with a byte that is not plain; gives how many bytes that was. */
static size_t add_odd(struct sb *out, str text, size_t at)
{
    const char *entity = entity_of((uint8_t)text.ptr[at]);
    if (entity) {
        sb_addc(out, entity);
        return 1;
    }
    size_t n = odd_run(text, at); /* what comes back has none of the five */
    report_text(out, str_slice(text, at, at + n), 0);
    return n;
}

/* Most texts are plain from end to end: they are copied as they are read. */
void html_text(struct sb *out, str text)
{
    for (size_t at = 0; at < text.len;) {
        size_t left = text.len - at, n = 0;
        const char *from = text.ptr + at;
        char *to = sb_room(out, left); /* it is never written in less */
        if (!to)
            return;
        while (left - n >= BLOCK && copy_block(to + n, from + n))
            n += BLOCK;
        if (left >= BLOCK && left - n < BLOCK && /* overlaps: what is in both is the same */
            copy_block(to + left - BLOCK, from + left - BLOCK))
            n = left;
        for (; n < left && plain[(uint8_t)from[n]]; n++)
            to[n] = from[n];
        sb_filled(out, to + n);
        at += n;
        if (at < text.len)
            at += add_odd(out, text, at);
    }
}

void html_lines(struct sb *out, str text)
{
    str line;
    bool is_first = true;
    text = str_trim(text);
    while (text.len && str_next(&text, '\n', &line)) {
        if (!is_first)
            sb_byte(out, '\n');
        is_first = false;
        html_text(out, str_ends(line, STR("\r")) ? str_slice(line, 0, line.len - 1) : line);
    }
}

void html_tenths(struct sb *out, double value)
{
    uint64_t tenths = value > 0 && value < 1e9 ? (uint64_t)(value * 10 + 0.5) : 0;
    sb_number(out, tenths / 10);
    html_put(out, ".");
    sb_number(out, tenths % 10);
}

/* The page's own policy says no-referrer, and without a target nothing is opened beside it.  The
 * text is part of the address: it is escaped once and copied. */
static void put_link(struct sb *out, const char *site, str text)
{
    html_put(out, "<a href=\"");
    html_put(out, site);
    size_t from = out->len;
    html_text(out, text);
    size_t n = out->len - from;
    html_put(out, "\">");
    char *to = sb_room(out, n);
    if (to && n) {
        memcpy(to, out->ptr + from, n);
        sb_filled(out, to + n);
    }
    html_put(out, "</a>");
}

void html_link(struct sb *out, str url)
{
    if (is_link(url))
        put_link(out, "", url);
    else
        html_text(out, url);
}

void html_id(struct sb *out, str id)
{
    const char *site = advisory_site(id);
    if (site)
        put_link(out, site, id);
    else
        html_text(out, id);
}

void html_severity(struct sb *out, enum severity severity)
{
    const struct level *level = level_of(severity);
    html_put(out, "<span class=\"sev ");
    html_put(out, level->word);
    html_put(out, "\">");
    html_put(out, level->symbol);
    sb_byte(out, ' ');
    html_put(out, level->word);
    html_put(out, "</span>");
}
