/* SPDX-License-Identifier: Apache-2.0 */
/* The one door through which foreign text reaches the page. */
#include "report/internal.h"

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

static size_t plain_run(str text, size_t from)
{
    size_t to = from;
    while (to < text.len && plain[(uint8_t)text.ptr[to]])
        to++;
    return to - from;
}

/* The length of the run of bytes at @from that only report_text knows how to show. */
static size_t odd_run(str text, size_t from)
{
    size_t to = from;
    while (to < text.len && !plain[(uint8_t)text.ptr[to]] && !entity_of((uint8_t)text.ptr[to]))
        to++;
    return to - from;
}

void html_text(struct sb *out, str text)
{
    for (size_t at = 0; at < text.len;) {
        size_t n = plain_run(text, at);
        if (n) {
            sb_add(out, str_slice(text, at, at + n));
        } else if (entity_of((uint8_t)text.ptr[at])) {
            sb_addc(out, entity_of((uint8_t)text.ptr[at]));
            n = 1;
        } else {
            n = odd_run(text, at); /* what comes back has none of the five */
            report_text(out, str_slice(text, at, at + n), 0);
        }
        at += n;
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

void html_number(struct sb *out, uint64_t n)
{
    char digits[20];
    size_t at = sizeof(digits);
    do
        digits[--at] = (char)('0' + n % 10);
    while (n /= 10);
    sb_add(out, str_of(digits + at, sizeof(digits) - at));
}

void html_tenths(struct sb *out, double value)
{
    uint64_t tenths = value > 0 && value < 1e9 ? (uint64_t)(value * 10 + 0.5) : 0;
    html_number(out, tenths / 10);
    html_put(out, ".");
    html_number(out, tenths % 10);
}

static void link_open(struct sb *out, const char *site, str rest)
{
    html_put(out, "<a rel=\"noopener noreferrer\" href=\"");
    html_put(out, site);
    html_wrap(out, "", rest, "\">");
}

void html_link(struct sb *out, str url)
{
    if (!is_link(url)) {
        html_text(out, url);
        return;
    }
    link_open(out, "", url);
    html_wrap(out, "", url, "</a>");
}

void html_id(struct sb *out, str id)
{
    const char *site = advisory_site(id);
    if (!site) {
        html_text(out, id);
        return;
    }
    link_open(out, site, id);
    html_wrap(out, "", id, "</a>");
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
