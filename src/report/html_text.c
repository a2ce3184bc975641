/* SPDX-License-Identifier: Apache-2.0 */
/* The one door through which foreign text reaches the page. */
#include "report/internal.h"

/* Printable ASCII that means nothing to HTML, in text or between quotes of either kind. */
static bool is_plain(char c)
{
    return c >= 0x20 && c < 0x7f && c != '&' && c != '<' && c != '>' && c != '"' && c != '\'';
}

static const char *entity_of(char c)
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

/* The length of the run of bytes at @from that only report_text knows how to show. */
static size_t odd_run(str text, size_t from)
{
    size_t to = from;
    while (to < text.len && !is_plain(text.ptr[to]) && !entity_of(text.ptr[to]))
        to++;
    return to - from;
}

void html_text(struct sb *out, str text)
{
    for (size_t at = 0; at < text.len;) {
        size_t n = 0;
        while (at + n < text.len && is_plain(text.ptr[at + n]))
            n++;
        if (n) {
            sb_add(out, str_slice(text, at, at + n));
        } else if (entity_of(text.ptr[at])) {
            sb_addc(out, entity_of(text.ptr[at]));
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

void html_wrap(struct sb *out, const char *before, str text, const char *after)
{
    sb_addc(out, before);
    html_text(out, text);
    sb_addc(out, after);
}

static void link_open(struct sb *out, const char *site, str rest)
{
    sb_addc(out, "<a rel=\"noopener noreferrer\" href=\"");
    sb_addc(out, site);
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
    sb_addc(out, "<span class=\"sev ");
    sb_addc(out, level->word);
    sb_addc(out, "\">");
    sb_addc(out, level->symbol);
    sb_byte(out, ' ');
    sb_addc(out, level->word);
    sb_addc(out, "</span>");
}
