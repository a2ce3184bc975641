/* SPDX-License-Identifier: Apache-2.0 */
/* For people: the verdict, what to do, what is left, what was not understood, and the verdict last.
 * Every foreign byte goes through report_text; severity is a word and a shape, colour only helps.
 */
#include "report/internal.h"

#include <stdarg.h>

#include "base/num.h"

enum {
    WIDTH_OF_A_PIPE = 100,
    WIDTH_MIN = 40,
    NOTICES_SHOWN = 20,
};

void table_label(struct paint *t, const char *name)
{
    paint_text(t, STYLE_DIM, name);
    paint_to(t, TABLE_LABEL_COLUMNS);
}

const char *table_more_words(const struct paint *t)
{
    return t->width < 60 ? "" : " (--details shows all)";
}

void table_more(struct paint *t, size_t n, const char *what)
{
    char text[128];
    snprintf(text, sizeof(text), "… and %zu more%s%s", n, what, table_more_words(t));
    paint_rest(t, STYLE_DIM, str_from(text));
}

void table_section(struct paint *t, const char *title, const char *fmt, ...)
{
    char text[128];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    paint_end(t);
    paint_text(t, STYLE_BOLD, title);
    paint_text(t, STYLE_PLAIN, "  ");
    paint_rest(t, STYLE_DIM, str_from(text));
    paint_end(t);
}

static void put_notice(struct paint *t, const struct notice *notice)
{
    enum style s = notice->is_incomplete ? STYLE_CRITICAL : STYLE_PLAIN;
    paint_format(t, s, "%s %s", notice->is_incomplete ? "!" : "·", notice_kind_name(notice->kind));
    paint_text(t, STYLE_PLAIN, "  ");
    if (notice->path.len) {
        paint_str(t, STYLE_PLAIN, notice->path, t->width / 2);
        paint_text(t, STYLE_PLAIN, ": ");
    }
    paint_wrap(t, STYLE_PLAIN, notice->message, 4);
    paint_end(t);
}

static void section_notices(struct paint *t, const struct report *report)
{
    size_t n_shown = 0, max = t->options->is_detailed ? report->notices.len : NOTICES_SHOWN;
    if (!report->notices.len)
        return;
    table_section(t, "NOTICES", "%s",
                  report->is_complete ? "the scan is complete"
                                      : "!: the scan is incomplete because of it");
    for (int pass = 0; pass < 2; pass++) { /* what makes it incomplete first */
        for (size_t i = 0; i < report->notices.len && n_shown < max; i++) {
            if (report->notices.ptr[i].is_incomplete != (pass == 0))
                continue;
            put_notice(t, &report->notices.ptr[i]);
            n_shown++;
        }
    }
    if (n_shown < report->notices.len) {
        table_more(t, report->notices.len - n_shown, "");
        paint_end(t);
    }
}

static void verdict_line(struct paint *t, const struct report *report)
{
    struct verdict_look look = verdict_look(report->verdict);
    paint_format(t, look.style, "%s %s", look.symbol, verdict_name(report->verdict));
    paint_text(t, STYLE_PLAIN, ": ");
    auto_sb words;
    sb_init(&words, 256);
    if (!report_verdict_words(&words, report)) {
        paint_rest(t, STYLE_PLAIN,
                   report->reason.len ? report->reason : STR("no reason was given"));
        paint_end(t);
        return;
    }
    paint_rest(t, STYLE_PLAIN, sb_str(&words));
    if (paint_left(t) > 8) {
        paint_text(t, STYLE_DIM, " · ");
        paint_rest(t, STYLE_DIM, report->source);
    }
    paint_end(t);
}

static void verdict_line_of_all(struct paint *t, const struct report *const *reports, size_t n)
{
    size_t n_worst, worst = verdict_worst(reports, n, &n_worst);
    enum verdict verdict = reports[worst]->verdict;
    struct verdict_look look = verdict_look(verdict);
    paint_end(t);
    paint_format(t, look.style, "%s %s", look.symbol, verdict_name(verdict));
    paint_format(t, STYLE_PLAIN, ": %zu of %zu %s · ", n_worst, n,
                 is_one_source(reports, n) ? "platforms" : "images");
    paint_rest(t, STYLE_DIM, reports[worst]->source);
    paint_end(t);
}

static bool table_report(struct paint *t, const struct report *report)
{
    struct arena arena;
    arena_init(&arena, LIMIT(SCAN_MEMORY));
    table_head(t, report);
    bool is_done = table_steps(t, &arena, report) && table_groups(t, &arena, report) &&
                   (!t->options->is_detailed || table_details(t, &arena, report)) &&
                   (!t->options->shows_disabled || disabled_print(t, report));
    arena_fini(&arena);
    section_notices(t, report);
    paint_end(t);
    verdict_line(t, report);
    return is_done;
}

static bool table_write(int fd, const struct report *const *reports, size_t n,
                        const struct report_options *options, struct err *err)
{
    struct paint table = {.options = options};
    struct paint *t = &table;
    t->width = options->width ? num_max(options->width, WIDTH_MIN) : WIDTH_OF_A_PIPE;
    out_open(&t->out, fd, err);
    bool is_done = true;
    for (size_t i = 0; i < n && is_done; i++) {
        if (i)
            paint_end(t);
        is_done = table_report(t, reports[i]);
    }
    if (n > 1)
        verdict_line_of_all(t, reports, n);
    if (!is_done) {
        sb_fini(&t->out.sb);
        return err_memory(err);
    }
    return out_close(&t->out);
}

const struct report_format report_format_table = {
    .name = "table",
    .summary = "for people, in the width of the terminal",
    .write = table_write,
};
