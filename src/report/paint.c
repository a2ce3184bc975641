/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of a terminal. */
#include "report/internal.h"

#include <stdarg.h>

#include "base/num.h"

/* Of the sixteen colours those that themes, light and dark, have made readable: no yellow, cyan or
 * blue.  The rest is bold, dim, or as text is. */
static const char *const sgr[] = {
    [STYLE_PLAIN] = "",        [STYLE_DIM] = "2",     [STYLE_BOLD] = "1",
    [STYLE_CRITICAL] = "1;31", [STYLE_HIGH] = "31",   [STYLE_MEDIUM] = "35",
    [STYLE_LOW] = "",          [STYLE_UNKNOWN] = "1", [STYLE_GOOD] = "1;32",
};

const struct level levels[N_LEVELS] = {
    {SEVERITY_CRITICAL, "■", "critical", STYLE_CRITICAL},
    {SEVERITY_HIGH, "▲", "high", STYLE_HIGH},
    {SEVERITY_UNKNOWN, "?", "unknown", STYLE_UNKNOWN},
    {SEVERITY_MEDIUM, "◆", "medium", STYLE_MEDIUM},
    {SEVERITY_LOW, "●", "low", STYLE_LOW},
    {SEVERITY_NONE, "○", "none", STYLE_DIM},
};

const struct level *level_of(enum severity severity)
{
    for (size_t i = 0; i < ARRAY_LEN(levels); i++)
        if (levels[i].severity == severity)
            return &levels[i];
    return &levels[2];
}

/* --- lines
 * ---------------------------------------------------------------------------------------- */
static void style(struct paint *t, enum style style)
{
    if (t->options->is_colour && *sgr[style])
        sb_addf(&t->out.sb, "\033[%sm", sgr[style]);
}

static void plain(struct paint *t, enum style style)
{
    if (t->options->is_colour && *sgr[style])
        sb_addc(&t->out.sb, "\033[0m");
}

void paint_str(struct paint *t, enum style s, str text, size_t max)
{
    if (!text.len)
        return;
    style(t, s);
    t->column += report_text(&t->out.sb, text, max);
    plain(t, s);
}

void paint_text(struct paint *t, enum style s, const char *text)
{
    paint_str(t, s, str_from(text), 0);
}

void paint_format(struct paint *t, enum style s, const char *fmt, ...)
{
    char text[128];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    paint_text(t, s, text);
}

void paint_end(struct paint *t)
{
    sb_byte(&t->out.sb, '\n');
    t->column = 0;
    out_piece(&t->out);
}

void paint_to(struct paint *t, size_t column)
{
    while (t->column < column) {
        sb_byte(&t->out.sb, ' ');
        t->column++;
    }
}

size_t paint_left(const struct paint *t) { return t->column < t->width ? t->width - t->column : 1; }

size_t paint_columns(str text)
{
    auto_sb scratch;
    sb_init(&scratch, 8 * LIMIT(FIELD));
    return report_text(&scratch, text, 0);
}

void paint_rest(struct paint *t, enum style s, str text) { paint_str(t, s, text, paint_left(t)); }

void paint_wrap(struct paint *t, enum style s, str text, size_t indent)
{
    str word;
    bool is_first = true;
    while (text.len && str_next(&text, ' ', &word)) {
        size_t columns = paint_columns(word);
        if (t->column > indent && t->column + !is_first + columns > t->width) {
            paint_end(t);
            paint_to(t, indent);
        } else if (!is_first) {
            paint_text(t, STYLE_PLAIN, " ");
        }
        paint_str(t, s, word, paint_left(t));
        is_first = false;
    }
}

/* A word that no line can hold is broken too: there a shell wants nothing before what follows. */
static void paint_long_word(struct paint *t, enum style s, str word, size_t end)
{
    while (t->column + paint_columns(word) + end > t->width) {
        size_t n = word.len;
        while (n > 1 && t->column + paint_columns(str_slice(word, 0, n)) + 1 > t->width)
            n = n > t->width ? t->width : n - 1;
        while (n > 1 && n < word.len && ((uint8_t)word.ptr[n] & 0xc0) == 0x80)
            n--; /* whole characters */
        paint_str(t, s, str_slice(word, 0, n), 0);
        paint_text(t, STYLE_DIM, "\\");
        paint_end(t);
        word = str_skip(word, n);
    }
    paint_str(t, s, word, 0);
}

void paint_command(struct paint *t, enum style s, str command, size_t indent)
{
    str word;
    bool is_first = true;
    while (command.len && str_next(&command, ' ', &word)) {
        size_t columns = paint_columns(word), end = command.len ? 2 : 0; /* " \" may follow */
        if (!is_first && t->column > indent && t->column + 1 + columns + end > t->width) {
            paint_text(t, STYLE_DIM, " \\");
            paint_end(t);
            paint_to(t, indent);
        } else if (!is_first) {
            paint_text(t, STYLE_PLAIN, " ");
        }
        if (t->column + columns + end > t->width)
            paint_long_word(t, s, word, end);
        else
            paint_str(t, s, word, 0);
        is_first = false;
    }
}
