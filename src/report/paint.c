/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of a terminal. */
#include "report/internal.h"

#include <stdarg.h>

#include "base/num.h"

/* The sixteen colours that a theme, light or dark, has made readable. */
static const char *const sgr[] = {
    [STYLE_PLAIN] = "",        [STYLE_DIM] = "2",      [STYLE_BOLD] = "1",
    [STYLE_CRITICAL] = "1;31", [STYLE_HIGH] = "31",    [STYLE_MEDIUM] = "33",
    [STYLE_LOW] = "36",        [STYLE_UNKNOWN] = "35", [STYLE_GOOD] = "32",
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
    if (t->options->is_colour && style != STYLE_PLAIN)
        sb_addf(&t->out.sb, "\033[%sm", sgr[style]);
}

static void plain(struct paint *t, enum style style)
{
    if (t->options->is_colour && style != STYLE_PLAIN)
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
