/* SPDX-License-Identifier: Apache-2.0 */
/* The one door through which foreign text reaches a terminal. */
#include "report/internal.h"

#include <wchar.h>
#include <wctype.h>

#include "base/num.h"
#include "base/rd.h"

struct range {
    uint32_t from, to;
};

/* Printable, but they move what stands beside them: right-to-left letters (a terminal may reorder
 * the line), and characters that show nothing. */
static const struct range refused[] = {
    {0xad, 0xad},     {0x34f, 0x34f},     {0x590, 0x8ff},     {0x115f, 0x1160},    {0x180b, 0x180f},
    {0x200b, 0x200f}, {0x2028, 0x202f},   {0x205f, 0x206f},   {0x2800, 0x2800},    {0x3164, 0x3164},
    {0xd800, 0xf8ff}, {0xfb1d, 0xfdff},   {0xfe00, 0xfe0f},   {0xfe70, 0xfeff},    {0xffa0, 0xffa0},
    {0xfff0, 0xffff}, {0x10800, 0x10fff}, {0x1e800, 0x1efff}, {0xe0000, 0x10ffff},
};

static bool is_refused(uint32_t c)
{
    for (size_t i = 0; i < ARRAY_LEN(refused); i++)
        if (c >= refused[i].from && c <= refused[i].to)
            return true;
    return false;
}

/* RFC 3629; false when the bytes at @in are not a whole, shortest form.  @in moves only when true.
 */
static bool take_utf8(struct rd *in, uint32_t *c, str *bytes)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    uint8_t lead = rd_peek(in);
    size_t n = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (n > 1 && (lead < 0xc2 || lead > 0xf4))
        return false;
    if (rd_left(in) < n)
        return false;
    struct rd ahead = *in;
    uint32_t code = rd_u8(&ahead);
    if (n > 1)
        code &= 0x7fU >> n;
    for (size_t i = 1; i < n; i++) {
        uint8_t next = rd_u8(&ahead);
        if ((next & 0xc0) != 0x80)
            return false;
        code = code << 6 | (next & 0x3f);
    }
    if (code < smallest[n] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        return false;
    *c = code;
    *bytes = rd_bytes(in, n);
    return true;
}

/* One character as it may be shown, and its columns. */
static size_t next_cell(struct rd *in, char escape[static 16], str *shown)
{
    uint32_t c;
    int n;
    if (!take_utf8(in, &c, shown)) {
        n = snprintf(escape, 16, "\\x%02x", rd_u8(in));
    } else if (c >= 0x20 && c < 0x7f) { /* a backslash too: commands are for pasting */
        return 1;
    } else if (c >= 0x80 && !is_refused(c) && iswprint((wint_t)c) && wcwidth((wchar_t)c) > 0) {
        return (size_t)wcwidth((wchar_t)c);
    } else {
        n = snprintf(escape, 16, c < 0x80 ? "\\x%02x" : c < 0x10000 ? "\\u%04x" : "\\U%06x", c);
    }
    *shown = str_of(escape, (size_t)n);
    return (size_t)n;
}

/* The printable ASCII that @text begins with, a column each. */
static size_t plain_run(str text)
{
    size_t n = 0;
    while (n < text.len && text.ptr[n] >= 0x20 && text.ptr[n] < 0x7f)
        n++;
    return n;
}

size_t report_text(struct sb *out, str foreign, size_t max_columns)
{
    struct rd in;
    rd_init(&in, foreign);
    size_t columns = 0;
    size_t cut_len = out->len, cut_columns = 0; /* where "…" would still fit */
    while (!rd_is_end(&in)) {
        char escape[16];
        str shown;
        str rest = str_skip(foreign, foreign.len - rd_left(&in));
        size_t room = !max_columns            ? rest.len
                      : max_columns > columns ? max_columns - columns - 1
                                              : 0;
        size_t run = plain_run(str_slice(rest, 0, room));
        if (run) { /* and "…" would still fit behind it */
            sb_add(out, rd_bytes(&in, run));
            cut_len = out->len;
            cut_columns = columns += run;
            continue;
        }
        size_t cell = next_cell(&in, escape, &shown);
        if (max_columns && columns + cell > max_columns) {
            if (!out->has_failed)
                out->len = cut_len; /* only ever shorter */
            sb_addc(out, "…");
            return cut_columns + 1;
        }
        sb_add(out, shown);
        columns += cell;
        if (!max_columns || columns < max_columns) {
            cut_len = out->len;
            cut_columns = columns;
        }
    }
    return columns;
}
