/* SPDX-License-Identifier: Apache-2.0 */
/* Bars on a terminal's standard error, redrawn at most ten times a second, gone at the end; where
 * it is none, a plain line now and then, so that a log shows that long work goes on. */
#include "cmd/internal.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/num.h"

enum { REDRAW_MS = 100, PLAIN_MS = 10000, BAR_MAX = 24 };

void progress_open(struct progress *progress, bool is_quiet)
{
    *progress = (struct progress){.fd = -1, .started_ms = clock_mono_ms()};
    pthread_mutex_init(&progress->lock, NULL);
    struct terminal terminal = terminal_of(STDERR_FILENO);
    if (is_quiet)
        return;
    progress->fd = STDERR_FILENO;
    progress->drawn_ms = terminal.width ? 0 : progress->started_ms;
    progress->width = terminal.width;
    progress->height = terminal.height;
}

static bool is_total_known(const struct progress_row *row)
{
    return row->total > 0 && row->total != UINT64_MAX;
}

static unsigned percent_of(const struct progress_row *row)
{
    double share = (double)row->done / (double)row->total;
    return share >= 1 ? 100 : (unsigned)(share * 100);
}

static void add_bar(struct sb *out, const struct progress_row *row, size_t columns)
{
    size_t full = percent_of(row) * columns / 100;
    for (size_t i = 0; i < columns; i++)
        sb_addc(out, i < full ? "█" : "░");
    sb_addf(out, " %3u%%", percent_of(row));
}

static void add_bytes(struct sb *out, double bytes)
{
    if (bytes >= (double)GIB)
        sb_addf(out, "%.1f GiB", bytes / (double)GIB);
    else if (bytes >= (double)MIB)
        sb_addf(out, "%.1f MiB", bytes / (double)MIB);
    else
        sb_addf(out, "%.0f KiB", bytes / (double)KIB);
}

static void add_duration(struct sb *out, double seconds)
{
    unsigned s = seconds > 359999 ? 359999 : (unsigned)(seconds + 0.5);
    if (s >= 3600)
        sb_addf(out, "%u h %02u min", s / 3600, s / 60 % 60);
    else if (s >= 60)
        sb_addf(out, "%u min %02u s", s / 60, s % 60);
    else
        sb_addf(out, "%u s", s);
}

/* ", 5.2 MiB/s, 3 s left"; nothing in the first half second, when nobody can tell. */
static void add_rate(struct sb *out, const struct progress_row *row, int64_t now_ms, bool is_bytes)
{
    int64_t elapsed_ms = now_ms - row->started_ms;
    if (elapsed_ms < 500 || !row->done)
        return;
    double rate = (double)row->done * 1000 / (double)elapsed_ms;
    if (is_bytes) {
        sb_addc(out, "  ");
        add_bytes(out, rate);
        sb_addc(out, "/s");
    }
    if (is_total_known(row) && row->done < row->total) {
        sb_addc(out, "  ");
        add_duration(out, (double)(row->total - row->done) / rate);
        sb_addc(out, " left");
    }
}

/* One line of at most @width columns. */
static void add_line(struct sb *out, str line, size_t width)
{
    report_text(out, line, width);
    sb_byte(out, '\n');
}

static size_t bar_columns(size_t width) { return width < 60 ? 8 : num_min(BAR_MAX, width / 5); }

/* A layer when all was read; an image when its scan says so. */
static bool is_over(const struct progress *progress, const struct progress_row *row)
{
    return progress->names ? row->is_over : is_total_known(row) && row->done >= row->total;
}

static void print_row(const struct progress *progress, size_t i, int64_t now_ms, struct sb *out)
{
    const struct progress_row *row = &progress->rows[i];
    auto_sb line;
    sb_init(&line, 4096);
    if (progress->names) {
        sb_addc(&line, "  ");
        sb_add(&line, progress->names[i]);
        sb_addc(&line, "  ");
    } else {
        sb_addf(&line, "  layer %zu/%zu  ", i + 1, progress->n_rows);
    }
    if (is_total_known(row)) {
        add_bar(&line, row, bar_columns(progress->width));
        sb_addc(&line, "  ");
    }
    add_bytes(&line, (double)row->done);
    if (is_total_known(row)) {
        sb_addc(&line, " of ");
        add_bytes(&line, (double)row->total);
    }
    add_rate(&line, row, now_ms, true);
    add_line(out, sb_str(&line), progress->width);
}

static void print_sum(const struct progress *progress, int64_t now_ms, struct sb *out)
{
    struct progress_row sum = {.started_ms = progress->started_ms};
    size_t n_done = 0;
    for (size_t i = 0; i < progress->n_rows; i++) {
        const struct progress_row *row = &progress->rows[i];
        sum.done += row->done;
        n_done += is_over(progress, row);
    }
    auto_sb line;
    sb_init(&line, 4096);
    sb_addf(&line, "  %zu of %zu %s, ", n_done, progress->n_rows,
            progress->names ? "images scanned" : "layers read");
    add_bytes(&line, (double)sum.done);
    add_rate(&line, &sum, now_ms, true);
    add_line(out, sb_str(&line), progress->width);
}

static void print_feed(const struct progress *progress, int64_t now_ms, struct sb *out)
{
    const struct progress_row *row = &progress->rows[0];
    auto_sb line;
    sb_init(&line, 4096);
    sb_addf(&line, "  %s  ", progress->feed);
    if (is_total_known(row) && progress->width)
        add_bar(&line, row, bar_columns(progress->width));
    else if (is_total_known(row))
        sb_addf(&line, "%u%%", percent_of(row));
    sb_addf(&line, "  %s", progress->what);
    add_rate(&line, row, now_ms, false);
    add_line(out, sb_str(&line), progress->width);
}

void progress_print(const struct progress *progress, int64_t now_ms, struct sb *out,
                    size_t *n_lines)
{
    size_t room = progress->width == 0
                      ? 0
                      : num_min(PROGRESS_SHOWN, progress->height > 3 ? progress->height - 3 : 1);
    *n_lines = 0;
    if (progress->feed[0]) {
        print_feed(progress, now_ms, out);
        *n_lines = 1;
        return;
    }
    for (size_t i = 0; i < progress->n_rows && *n_lines < room; i++) {
        const struct progress_row *row = &progress->rows[i];
        if (!row->started_ms || is_over(progress, row))
            continue;
        print_row(progress, i, now_ms, out);
        ++*n_lines;
    }
    if (progress->n_rows) {
        print_sum(progress, now_ms, out);
        ++*n_lines;
    }
}

static void erase(const struct progress *progress, struct sb *out)
{
    if (progress->n_drawn)
        sb_addf(out, "\033[%zuA\r\033[J", progress->n_drawn);
}

static void show(const struct progress *progress, const struct sb *out)
{
    if (out->ptr && write(progress->fd, out->ptr, out->len) < 0)
        return; /* a terminal that went away shows nothing */
}

/* The caller holds the lock. */
static void redraw(struct progress *progress)
{
    int64_t now_ms = clock_mono_ms();
    if (now_ms - progress->drawn_ms < (progress->width ? REDRAW_MS : PLAIN_MS))
        return;
    auto_sb out;
    sb_init(&out, 64 << 10);
    size_t n_lines;
    erase(progress, &out);
    progress_print(progress, now_ms, &out, &n_lines);
    show(progress, &out);
    progress->n_drawn = progress->width ? n_lines : 0;
    progress->drawn_ms = now_ms;
}

void progress_close(struct progress *progress)
{
    auto_sb out;
    sb_init(&out, 4096);
    erase(progress, &out);
    if (progress->fd >= 0)
        show(progress, &out);
    pthread_mutex_destroy(&progress->lock);
}

void progress_layer(void *ctx, size_t layer, size_t n_layers, uint64_t done, uint64_t total)
{
    struct progress *progress = ctx;
    if (progress->fd < 0 || layer >= PROGRESS_ROWS)
        return;
    pthread_mutex_lock(&progress->lock);
    struct progress_row *row = &progress->rows[layer];
    if (!row->started_ms || done < row->done) /* the next platform starts its layers anew */
        row->started_ms = clock_mono_ms();
    row->done = done;
    row->total = total;
    progress->n_rows = num_min(n_layers, PROGRESS_ROWS);
    redraw(progress);
    pthread_mutex_unlock(&progress->lock);
}

void progress_name(struct progress *progress, const str *names, size_t n)
{
    progress->names = names;
    progress->n_rows = num_min(n, PROGRESS_ROWS);
}

void progress_layer_of(void *ctx, size_t layer, size_t n_layers, uint64_t done, uint64_t total)
{
    struct progress_of *of = ctx;
    struct progress *progress = of->progress;
    if (progress->fd < 0 || layer >= PROGRESS_ROWS || of->row >= PROGRESS_ROWS)
        return;
    of->done[layer] = done;
    of->total[layer] = total == UINT64_MAX ? 0 : total;
    pthread_mutex_lock(&progress->lock);
    struct progress_row *row = &progress->rows[of->row];
    if (!row->started_ms)
        row->started_ms = clock_mono_ms();
    row->done = row->total = 0;
    for (size_t i = 0; i < num_min(n_layers, PROGRESS_ROWS); i++) {
        row->done += of->done[i];
        row->total += of->total[i];
    }
    redraw(progress);
    pthread_mutex_unlock(&progress->lock);
}

void progress_row_ends(struct progress *progress, size_t row)
{
    if (row >= PROGRESS_ROWS)
        return;
    pthread_mutex_lock(&progress->lock);
    progress->rows[row].is_over = true;
    pthread_mutex_unlock(&progress->lock);
}

static void keep(char *to, size_t size, str from) { snprintf(to, size, STR_FMT, STR_ARG(from)); }

void progress_feed(void *ctx, str feed, str what, uint64_t done, uint64_t total)
{
    struct progress *progress = ctx;
    if (progress->fd < 0)
        return;
    pthread_mutex_lock(&progress->lock);
    struct progress_row *row = &progress->rows[0];
    if (!row->started_ms || done < row->done || !str_eq(str_from(progress->feed), feed))
        row->started_ms = clock_mono_ms();
    keep(progress->feed, sizeof(progress->feed), feed.len ? feed : STR("update"));
    keep(progress->what, sizeof(progress->what), what);
    row->done = done;
    row->total = total;
    redraw(progress);
    pthread_mutex_unlock(&progress->lock);
}
