/* SPDX-License-Identifier: Apache-2.0 */
/* For people: what it is, what to do, what is left, what was not understood, and the verdict last.
 * Every foreign byte goes through report_text; severity is a word and a shape, colour only helps.
 */
#include "report/internal.h"

#include <stdarg.h>
#include <string.h>

#include "base/clock.h"
#include "base/num.h"

enum {
    WIDTH_OF_A_PIPE = 100,
    WIDTH_MIN = 40,
    ID_LINES = 2,        /* of ids of one severity */
    GROUPS_FIXABLE = 60, /* steps listed */
    GROUPS_UNFIXED = 15,
    NOTICES_SHOWN = 20,
    LABEL_COLUMNS = 9,
    TAG_COLUMN = 110,
};

static void label(struct paint *t, const char *name)
{
    paint_text(t, STYLE_DIM, name);
    paint_to(t, LABEL_COLUMNS);
}

/* One of several facts on a line: ", " between, a new line when this one would not fit. */
static void fact(struct paint *t, bool *is_first, enum style s, const char *text)
{
    size_t columns = paint_columns(str_from(text));
    if (!*is_first && t->column + 2 + columns > t->width) {
        sb_addc(&t->out.sb, ",");
        paint_end(t);
        paint_to(t, LABEL_COLUMNS);
    } else if (!*is_first) {
        paint_text(t, STYLE_PLAIN, ", ");
    }
    *is_first = false;
    paint_text(t, s, text);
}

static const char *plural(size_t n) { return n == 1 ? "" : "s"; }

/* --- the head ------------------------------------------------------------------------------------
 */
struct verdict_look {
    const char *symbol;
    enum style style;
};
static struct verdict_look verdict_look(enum verdict verdict)
{
    switch (verdict) {
    case VERDICT_HEALTHY:
        return (struct verdict_look){"✓", STYLE_GOOD};
    case VERDICT_UNHEALTHY:
        return (struct verdict_look){"✗", STYLE_CRITICAL};
    case VERDICT_NOT_APPLICABLE:
        return (struct verdict_look){"–", STYLE_BOLD};
    case VERDICT_UNKNOWN:
    case VERDICT_FAILED:
        break;
    }
    return (struct verdict_look){"!", STYLE_CRITICAL};
}

static void head_os(struct paint *t, const struct report *report)
{
    char when[CLOCK_TEXT_SIZE];
    label(t, "System");
    str name = report->distro.name.len ? report->distro.name : report->distro.id;
    paint_rest(t, STYLE_PLAIN, name.len ? name : STR("no distribution identified"));
    if (report->has_end_of_life) {
        str day = str_slice(clock_print(report->end_of_life, when), 0, 10);
        const char *words = report->is_end_of_life ? "end of life since" : "supported until";
        if (t->column + 3 + strlen(words) + day.len > t->width) {
            paint_end(t);
            paint_to(t, LABEL_COLUMNS);
        } else {
            paint_text(t, STYLE_PLAIN, ", ");
        }
        paint_format(t, report->is_end_of_life ? STYLE_CRITICAL : STYLE_PLAIN, "%s " STR_FMT, words,
                     STR_ARG(day));
    }
    paint_end(t);
}

static void head_database(struct paint *t, const struct report *report)
{
    char when[CLOCK_TEXT_SIZE], text[160];
    if (!report->has_database)
        return;
    bool is_first = true;
    label(t, "Database");
    snprintf(text, sizeof(text), "generation %llu", (unsigned long long)report->generation);
    fact(t, &is_first, STYLE_PLAIN, text);
    for (size_t i = 0; i < report->n_sources; i++) {
        const struct source_state *source = &report->sources[i];
        str day = source->fetched_at ? str_slice(clock_print(source->fetched_at, when), 0, 10)
                                     : STR("never read");
        bool is_stale = source->valid_until && source->valid_until < report->scanned_at;
        snprintf(text, sizeof(text), STR_FMT " " STR_FMT "%s%s", STR_ARG(source->name),
                 STR_ARG(day), is_stale ? " (stale)" : "", source->error.len ? " (failed)" : "");
        fact(t, &is_first, is_stale || source->error.len ? STYLE_MEDIUM : STYLE_PLAIN, text);
    }
    paint_end(t);
}

static unsigned count_of(const struct report_summary *summary, enum severity severity)
{
    switch (severity) {
    case SEVERITY_CRITICAL:
        return summary->critical;
    case SEVERITY_HIGH:
        return summary->high;
    case SEVERITY_UNKNOWN:
        return summary->unknown;
    case SEVERITY_MEDIUM:
        return summary->medium;
    case SEVERITY_LOW:
        return summary->low;
    case SEVERITY_NONE: /* counted as low */
        break;
    }
    return 0;
}

static unsigned total_of(const struct report_summary *summary)
{
    return summary->critical + summary->high + summary->medium + summary->low + summary->unknown;
}

static size_t count_kev(const struct report *report)
{
    const struct report_filter none = {0};
    size_t n = 0;
    for (size_t i = 0; i < report->findings.len; i++)
        n += report->findings.ptr[i].is_kev &&
             report_place_of(&report->findings.ptr[i], &none) == PLACE_LISTED;
    return n;
}

static void head_severities(struct paint *t, const struct report_summary *summary)
{
    for (size_t i = 0; i < N_LEVELS; i++) {
        unsigned n = count_of(summary, levels[i].severity);
        if (!n)
            continue;
        char text[48];
        snprintf(text, sizeof(text), "%s %u %s", levels[i].symbol, n, levels[i].word);
        if (t->column + 3 + paint_columns(str_from(text)) > t->width) {
            paint_end(t);
            paint_to(t, LABEL_COLUMNS);
        } else if (t->column > LABEL_COLUMNS) {
            paint_text(t, STYLE_PLAIN, "   ");
        }
        paint_text(t, levels[i].style, text);
    }
    paint_end(t);
}

static void head_remarks(struct paint *t, const struct report *report,
                         const struct report_summary *summary)
{
    char text[96];
    bool is_first = true;
    size_t n_kev = count_kev(report), n_hidden, n_headers;
    n_hidden = report_count(report, &t->options->filter, PLACE_HIDDEN);
    n_headers = report_count(report, &t->options->filter, PLACE_HEADERS);
    label(t, "");
    snprintf(text, sizeof(text), "%u with a fix", summary->patchable);
    fact(t, &is_first, STYLE_PLAIN, text);
    if (n_kev) {
        snprintf(text, sizeof(text), "%zu known to be exploited", n_kev);
        fact(t, &is_first, STYLE_CRITICAL, text);
    }
    if (n_hidden) {
        snprintf(text, sizeof(text), "hidden: %zu (by --severity or --ignore-*)", n_hidden);
        fact(t, &is_first, STYLE_BOLD, text);
    }
    if (summary->disabled) {
        snprintf(text, sizeof(text), "disabled by rules or VEX: %u", summary->disabled);
        fact(t, &is_first, STYLE_PLAIN, text);
    }
    if (n_headers) {
        snprintf(text, sizeof(text), "not counted: %zu in kernel headers", n_headers);
        fact(t, &is_first, STYLE_PLAIN, text);
    }
    paint_end(t);
}

static const char *more_words(const struct paint *t)
{
    return t->width < 60 ? "" : " (--format json shows all)";
}

static void put_more(struct paint *t, size_t n, const char *what)
{
    char text[128];
    snprintf(text, sizeof(text), "… and %zu more%s%s", n, what, more_words(t));
    paint_rest(t, STYLE_DIM, str_from(text));
}

/* Never rounded up to 100 %: a file that is not known must show. */
static unsigned permille(uint64_t part, uint64_t whole)
{
    while (whole > UINT64_MAX / 1000) {
        part >>= 1;
        whole >>= 1;
    }
    return whole ? (unsigned)(part * 1000 / whole) : 1000;
}

static void size_print(char out[static 32], uint64_t bytes)
{
    static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB", "PB", "EB"};
    size_t unit = 0;
    uint64_t tenths = 0;
    for (; bytes >= 1000; unit++, bytes /= 1000)
        tenths = bytes % 1000 / 100;
    if (unit && bytes < 10)
        snprintf(out, 32, "%u.%u %s", (unsigned)bytes, (unsigned)tenths, units[unit]);
    else
        snprintf(out, 32, "%u %s", (unsigned)bytes, units[unit]);
}

static void head_coverage(struct paint *t, const struct report *report)
{
    enum { FILES_NAMED = 3 };
    const struct coverage *coverage = &report->coverage;
    char size[32], text[160];
    if (!coverage->is_measured || coverage->executable_bytes == 0)
        return;
    unsigned share = permille(coverage->known_bytes, coverage->executable_bytes);
    size_t n = coverage->n_unowned;
    size_print(size, coverage->executable_bytes);
    label(t, "Coverage");
    int len =
        snprintf(text, sizeof(text), "%u.%u %% of %s executable bytes belong to known packages",
                 share / 10, share % 10, size);
    if (n)
        snprintf(text + len, sizeof(text) - (size_t)len, ", %zu file%s do%s not%s", n, plural(n),
                 n == 1 ? "es" : "", coverage->unowned.len ? ":" : "");
    paint_wrap(t, STYLE_PLAIN, str_from(text), LABEL_COLUMNS);
    paint_end(t);
    for (size_t i = 0; i < coverage->unowned.len && i < FILES_NAMED; i++) {
        paint_to(t, LABEL_COLUMNS);
        paint_rest(t, STYLE_PLAIN, coverage->unowned.ptr[i].path);
        paint_end(t);
    }
    if (n > FILES_NAMED) {
        paint_to(t, LABEL_COLUMNS);
        put_more(t, n - FILES_NAMED, "");
        paint_end(t);
    }
}

static void head_image(struct paint *t, const struct report *report)
{
    char hex[DIGEST_TEXT_SIZE];
    label(t, "Image");
    paint_rest(t, STYLE_BOLD, report->source);
    paint_end(t);
    if (!digest_is_none(&report->digest)) {
        label(t, "Digest");
        paint_rest(t, STYLE_PLAIN, digest_print(&report->digest, hex));
        paint_end(t);
    }
    if (report->platform.len) {
        label(t, "Platform");
        paint_rest(t, STYLE_PLAIN, report->platform);
        paint_end(t);
    }
    head_os(t, report);
    label(t, "Content");
    paint_format(t, STYLE_PLAIN, "%zu package%s in %zu layer%s", report->packages.len,
                 plural(report->packages.len), report->layers.len, plural(report->layers.len));
    paint_end(t);
    head_coverage(t, report);
    head_database(t, report);
}

static void head(struct paint *t, const struct report *report)
{
    struct verdict_look look = verdict_look(report->verdict);
    struct report_summary summary = report_summarize(report);
    head_image(t, report);
    label(t, "Verdict");
    paint_format(t, look.style, "%s %s%s", look.symbol, verdict_name(report->verdict),
                 report->is_complete || report->verdict == VERDICT_NOT_APPLICABLE ? ""
                                                                                  : ", incomplete");
    if (report->reason.len) {
        paint_text(t, STYLE_PLAIN, ": ");
        paint_wrap(t, STYLE_PLAIN, report->reason, LABEL_COLUMNS);
    }
    paint_end(t);
    if (!report->findings.len)
        return;
    label(t, "Findings");
    if (total_of(&summary))
        head_severities(t, &summary);
    else
        paint_format(t, STYLE_PLAIN, "none that counts"), paint_end(t);
    head_remarks(t, report, &summary);
}

/* --- findings ------------------------------------------------------------------------------------
 */
static void section(struct paint *t, const char *title, const char *fmt, ...) PRINTF(3, 4);
static void section(struct paint *t, const char *title, const char *fmt, ...)
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

static size_t id_columns(const struct finding *finding)
{
    return paint_columns(finding->id) + (finding->is_kev ? sizeof(" (exploited)") - 1 : 0);
}

static void put_id(struct paint *t, const struct finding *finding)
{
    paint_str(t, finding->is_kev ? STYLE_CRITICAL : STYLE_PLAIN, finding->id,
              finding->is_kev || paint_left(t) < 16 ? 0 : paint_left(t));
    if (finding->is_kev)
        paint_text(t, STYLE_CRITICAL, " (exploited)");
}

/* True when members @from to @to fit into what is left of the line. */
static bool do_fit(const struct paint *t, const struct group *group, size_t from, size_t to)
{
    size_t columns = t->column;
    for (size_t i = from; i < to && columns <= t->width; i++)
        columns += id_columns(group->members.ptr[i]) + (i + 1 < to ? 2 : 0);
    return columns <= t->width;
}

/* Ids of one severity, members @from to @to: at most ID_LINES lines, then how many more. */
static void put_ids(struct paint *t, const struct group *group, size_t from, size_t to)
{
    size_t indent = t->column, n_lines = 1;
    size_t reserve = sizeof("… and 100000 more") + strlen(more_words(t));
    for (size_t i = from; i < to; i++) {
        size_t need = id_columns(group->members.ptr[i]) + 2; /* ", " before or "," behind */
        if (i > from) {
            paint_text(t, STYLE_PLAIN, ",");
            if (n_lines < ID_LINES && t->column + need > t->width) {
                paint_end(t);
                paint_to(t, indent);
                n_lines++;
            } else {
                paint_text(t, STYLE_PLAIN, " ");
            }
        }
        if (n_lines == ID_LINES && t->column > indent && t->column + need + reserve > t->width &&
            !do_fit(t, group, i, to)) {
            put_more(t, to - i, "");
            break;
        }
        put_id(t, group->members.ptr[i]);
    }
    paint_end(t);
}

static void put_members(struct paint *t, const struct group *group)
{
    for (size_t from = 0, to; from < group->members.len; from = to) {
        const struct level *level = level_of(group->members.ptr[from]->severity);
        for (to = from; to < group->members.len; to++)
            if (level_of(group->members.ptr[to]->severity) != level)
                break;
        paint_text(t, STYLE_PLAIN, "  ");
        paint_format(t, level->style, "%s %s", level->symbol, level->word);
        paint_to(t, 14);
        put_ids(t, group, from, to);
    }
}

static const char *state_words(enum fix_state state)
{
    switch (state) {
    case FIX_WILL_NOT_FIX:
        return "will not be fixed";
    case FIX_DEFERRED:
        return "fix deferred";
    case FIX_END_OF_LIFE:
        return "end of life";
    case FIX_UNKNOWN:
        return "fix not known";
    case FIX_AFFECTED:
    case FIX_FIXED:
    case FIX_NOT_AFFECTED:
        break;
    }
    return "no fix yet";
}

/* What stands at the right end of a group's first line. */
static void tag_print(char out[static 80], const struct group *group)
{
    int used = 0;
    if (group->first->is_patchable)
        used = snprintf(out, 80, "%zu finding%s", group->n_findings, plural(group->n_findings));
    else
        used = snprintf(out, 80, "%s", state_words(group->first->fix_state));
    if (group->first->layer >= 0)
        snprintf(out + used, 80 - (size_t)used, ", layer %d", group->first->layer + 1);
}

/* At the right end of this line when it fits, else of the next; not too far from what it is about.
 */
static void put_tag(struct paint *t, const struct group *group)
{
    char tag[80];
    tag_print(tag, group);
    size_t columns = paint_columns(str_from(tag));
    if (t->column + 2 + columns > t->width)
        paint_end(t);
    size_t right_end = num_max(num_min(t->width, TAG_COLUMN), t->column + 2 + columns);
    paint_to(t, right_end - columns);
    paint_text(t, STYLE_DIM, tag);
    paint_end(t);
}

static void put_package(struct paint *t, const struct finding *first, size_t max)
{
    paint_str(t, STYLE_BOLD, first->package_name, max);
    paint_text(t, STYLE_PLAIN, "  ");
    paint_str(t, STYLE_PLAIN, first->package_version, max);
}

static void group_head(struct paint *t, const struct group *group)
{
    const struct finding *first = group->first;
    const struct level *level = level_of(first->severity);
    size_t max = t->width / 2 - 4;
    paint_format(t, level->style, "%s ", level->symbol);
    put_package(t, first, max);
    if (first->is_patchable) {
        if (t->column + 3 + num_min(paint_columns(group->best->fixed_version), max) > t->width) {
            paint_end(t);
            paint_to(t, 3);
        }
        paint_text(t, STYLE_PLAIN, " → ");
        paint_str(t, STYLE_GOOD, group->best->fixed_version, max);
    }
    put_tag(t, group);
}

/* "● low       zlib  1.2.13-1  CVE-2023-45853          no fix yet, layer 1", when that says it all.
 */
static bool put_one_line(struct paint *t, const struct group *group)
{
    const struct finding *first = group->first;
    const struct level *level = level_of(first->severity);
    size_t n = group->members.len, columns = 12 + 2 + 2;
    char tag[80];
    tag_print(tag, group);
    columns += paint_columns(first->package_name) + paint_columns(first->package_version) + 2 +
               paint_columns(str_from(tag));
    for (size_t i = 0; i < n && columns <= t->width; i++)
        columns += id_columns(group->members.ptr[i]) + (i ? 2 : 0);
    if (first->is_patchable || first->class == CLASS_LANGUAGE || columns > t->width ||
        group->members.ptr[n - 1]->severity != first->severity)
        return false;
    paint_format(t, level->style, "%s %s", level->symbol, level->word);
    paint_to(t, 12);
    put_package(t, first, 0);
    paint_text(t, STYLE_PLAIN, "  ");
    for (size_t i = 0; i < n; i++) {
        paint_text(t, STYLE_PLAIN, i ? ", " : "");
        put_id(t, group->members.ptr[i]);
    }
    put_tag(t, group);
    return true;
}

/* Where it lies: said for what no package manager's database names. */
static void put_places(struct paint *t, const struct group *group)
{
    if (group->first->class != CLASS_LANGUAGE || !group->paths.len || !group->paths.ptr[0].len)
        return;
    char more[48] = "";
    if (group->paths.len > 1)
        snprintf(more, sizeof(more), " and %zu more place%s", group->paths.len - 1,
                 plural(group->paths.len - 1));
    paint_text(t, STYLE_DIM, "  in ");
    paint_str(t, STYLE_DIM, group->paths.ptr[0],
              paint_left(t) > strlen(more) + 20 ? paint_left(t) - strlen(more) : 20);
    paint_text(t, STYLE_DIM, more);
    paint_end(t);
}

static void group_print(struct paint *t, const struct group *group)
{
    if (put_one_line(t, group))
        return;
    group_head(t, group);
    put_places(t, group);
    put_members(t, group);
    str command = group->best->remediation_command;
    if (group->first->is_patchable && command.len) {
        paint_text(t, STYLE_DIM, "  $ ");
        paint_str(t, STYLE_GOOD, command, 0); /* whole, to be pasted */
        paint_end(t);
    } else if (group->first->is_patchable && group->best->remediation_text.len) {
        paint_text(t, STYLE_DIM, "  → ");
        paint_wrap(t, STYLE_PLAIN, group->best->remediation_text, 4);
        paint_end(t);
    }
}

/* Groups @from to @to, at most @max of them. */
static void section_groups(struct paint *t, const groups *all, size_t from, size_t to, size_t max)
{
    for (size_t i = from; i < to && i < from + max; i++)
        group_print(t, &all->ptr[i]);
    if (to > from + max) {
        put_more(t, to - from - max, " packages");
        paint_end(t);
    }
}

static size_t count_members(const groups *all, size_t from, size_t to)
{
    size_t n = 0;
    for (size_t i = from; i < to; i++)
        n += all->ptr[i].n_findings;
    return n;
}

/* The build steps that brought what is listed above. */
static void section_layers(struct paint *t, const struct report *report, const groups *all)
{
    bool has_title = false;
    for (size_t layer = 0; layer < report->layers.len; layer++) {
        bool is_used = false;
        for (size_t i = 0; i < all->len && !is_used; i++)
            is_used = all->ptr[i].first->layer == (int)layer;
        str step = str_trim(report->layers.ptr[layer].created_by);
        if (!is_used || !step.len)
            continue;
        if (!has_title)
            section(t, "LAYERS", "that brought them");
        has_title = true;
        paint_format(t, STYLE_PLAIN, "  %2zu  %s  ", layer + 1,
                     report->layers.ptr[layer].is_base ? "base" : "own ");
        paint_rest(t, STYLE_DIM, step);
        paint_end(t);
    }
}

static bool sections_findings(struct paint *t, const struct report *report)
{
    struct arena arena;
    arena_init(&arena, LIMIT(SCAN_MEMORY));
    groups all = {0};
    bool is_done = group_findings(&arena, report, &t->options->filter, &all);
    size_t n_fixable = 0;
    while (n_fixable < all.len && all.ptr[n_fixable].first->is_patchable)
        n_fixable++;
    if (n_fixable) {
        size_t n = count_members(&all, 0, n_fixable);
        section(t, "UPGRADE", "%zu package%s, heals %zu finding%s", n_fixable, plural(n_fixable), n,
                plural(n));
        section_groups(t, &all, 0, n_fixable, GROUPS_FIXABLE);
    }
    if (n_fixable < all.len) {
        size_t n = count_members(&all, n_fixable, all.len);
        section(t, "NO FIX", "%zu package%s, %zu finding%s", all.len - n_fixable,
                plural(all.len - n_fixable), n, plural(n));
        section_groups(t, &all, n_fixable, all.len, GROUPS_UNFIXED);
    }
    section_layers(t, report, &all);
    arena_fini(&arena);
    return is_done;
}

/* --- notices and the last line -------------------------------------------------------------------
 */
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
    size_t n_shown = 0;
    if (!report->notices.len)
        return;
    section(t, "NOTICES", "%s",
            report->is_complete ? "the scan is complete"
                                : "!: the scan is incomplete because of it");
    for (int pass = 0; pass < 2; pass++) { /* what makes it incomplete first */
        for (size_t i = 0; i < report->notices.len && n_shown < NOTICES_SHOWN; i++) {
            if (report->notices.ptr[i].is_incomplete != (pass == 0))
                continue;
            put_notice(t, &report->notices.ptr[i]);
            n_shown++;
        }
    }
    if (n_shown < report->notices.len) {
        put_more(t, report->notices.len - n_shown, "");
        paint_end(t);
    }
}

static void verdict_counts(struct paint *t, const struct report *report)
{
    struct report_summary summary = report_summarize(report);
    unsigned total = total_of(&summary);
    paint_format(t, STYLE_PLAIN, "%s%u finding%s", report->is_complete ? "" : "at least ", total,
                 plural(total));
    if (summary.critical)
        paint_format(t, STYLE_PLAIN, ", %u critical", summary.critical);
    if (summary.high)
        paint_format(t, STYLE_PLAIN, ", %u high", summary.high);
    paint_format(t, STYLE_PLAIN, ", %u with a fix", summary.patchable);
}

static void verdict_line(struct paint *t, const struct report *report)
{
    struct verdict_look look = verdict_look(report->verdict);
    paint_format(t, look.style, "%s %s", look.symbol, verdict_name(report->verdict));
    paint_text(t, STYLE_PLAIN, ": ");
    if (report->verdict == VERDICT_UNHEALTHY) {
        verdict_counts(t, report);
    } else if (report->verdict == VERDICT_HEALTHY) {
        unsigned n_disabled = report_summarize(report).disabled;
        paint_format(t, STYLE_PLAIN, "nothing known against its %zu package%s",
                     report->packages.len, plural(report->packages.len));
        if (n_disabled)
            paint_format(t, STYLE_PLAIN, " but %u disabled finding%s", n_disabled,
                         plural(n_disabled));
    } else {
        paint_str(t, STYLE_PLAIN, report->reason.len ? report->reason : STR("no reason was given"),
                  paint_left(t));
        paint_end(t);
        return;
    }
    if (paint_left(t) > 8) {
        paint_text(t, STYLE_DIM, " · ");
        paint_rest(t, STYLE_DIM, report->source);
    }
    paint_end(t);
}

/* Worst first. */
static int verdict_rank(enum verdict verdict)
{
    static const int ranks[] = {[VERDICT_UNKNOWN] = 0,
                                [VERDICT_FAILED] = 0,
                                [VERDICT_UNHEALTHY] = 1,
                                [VERDICT_NOT_APPLICABLE] = 2,
                                [VERDICT_HEALTHY] = 3};
    return ranks[verdict];
}

static void verdict_line_of_all(struct paint *t, const struct report *const *reports, size_t n)
{
    size_t n_worst = 0, worst = 0;
    for (size_t i = 0; i < n; i++)
        if (verdict_rank(reports[i]->verdict) < verdict_rank(reports[worst]->verdict))
            worst = i;
    for (size_t i = 0; i < n; i++)
        n_worst += verdict_rank(reports[i]->verdict) == verdict_rank(reports[worst]->verdict);
    struct verdict_look look = verdict_look(reports[worst]->verdict);
    paint_end(t);
    paint_format(t, look.style, "%s %s", look.symbol, verdict_name(reports[worst]->verdict));
    paint_format(t, STYLE_PLAIN, ": %zu of %zu platforms · ", n_worst, n);
    paint_rest(t, STYLE_DIM, reports[worst]->source);
    paint_end(t);
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
        head(t, reports[i]);
        is_done = sections_findings(t, reports[i]) &&
                  (!options->shows_disabled || disabled_print(t, reports[i]));
        section_notices(t, reports[i]);
        paint_end(t);
        verdict_line(t, reports[i]);
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
