/* SPDX-License-Identifier: Apache-2.0 */
/* Groups of findings in a terminal: what to upgrade, and what has no fix. */
#include "report/internal.h"

#include <string.h>

#include "base/map.h"
#include "base/num.h"

enum {
    ID_LINES = 2,        /* of ids of one severity */
    NAME_LINES = 2,      /* of packages of one severity without a fix */
    GROUPS_FIXABLE = 60, /* steps listed */
    GROUPS_UNFIXED = 15,
    TAG_COLUMN = 110,
    LEVEL_COLUMNS = 12, /* "▲ high", and a gap */
};
#define EPSS_HIGH 0.1 /* likelihood that is worth a word beside the id */

/* " (exploited, EPSS 71.2 %)", for what is more than a severity says. */
static void note_print(char out[static 48], const struct finding *finding)
{
    char epss[16] = "";
    bool is_likely = finding->epss >= EPSS_HIGH && epss_print(finding->epss, epss);
    out[0] = '\0';
    if (finding->is_kev || is_likely)
        snprintf(out, 48, " (%s%s%s%s)", finding->is_kev ? "exploited" : "",
                 finding->is_kev && is_likely ? ", " : "", is_likely ? "EPSS " : "", epss);
}

static size_t id_columns(const struct finding *finding)
{
    char note[48];
    note_print(note, finding);
    return paint_columns(finding->id) + strlen(note);
}

static void put_id(struct paint *t, const struct finding *finding)
{
    char note[48];
    note_print(note, finding);
    enum style style = finding->is_kev ? STYLE_CRITICAL : *note ? STYLE_BOLD : STYLE_PLAIN;
    size_t room = paint_left(t) > strlen(note) + 8 ? paint_left(t) - strlen(note) : 8;
    paint_str(t, style, finding->id, room);
    paint_text(t, style, note);
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
    size_t reserve = sizeof("… and 100000 more") + strlen(table_more_words(t));
    for (size_t i = from; i < to; i++) {
        size_t need = id_columns(group->members.ptr[i]) + 2; /* ", " before or "," behind */
        if (i > from) {
            paint_text(t, STYLE_PLAIN, ",");
            if ((t->options->is_detailed || n_lines < ID_LINES) && t->column + need > t->width) {
                paint_end(t);
                paint_to(t, indent);
                n_lines++;
            } else {
                paint_text(t, STYLE_PLAIN, " ");
            }
        }
        if (!t->options->is_detailed && n_lines == ID_LINES && t->column > indent &&
            t->column + need + reserve > t->width && !do_fit(t, group, i, to)) {
            table_more(t, to - i, "");
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

/* What stands at the right end of a group's first line. */
static void tag_print(char out[static 80], const struct report *report, const struct group *group)
{
    const struct finding *first = group->first;
    const char *origin = !has_base(report) ? "" : first->is_from_base ? "base " : "own ";
    int used = 0;
    if (first->is_patchable)
        used = snprintf(out, 80, "%zu finding%s", group->n_findings, plural(group->n_findings));
    else
        used = snprintf(out, 80, "%s", fix_state_words(first->fix_state));
    if (first->layer >= 0)
        snprintf(out + used, 80 - (size_t)used, ", %slayer %d", origin, first->layer + 1);
}

/* At the right end of this line when it fits, else of the next; not too far from what it is about.
 */
static void put_tag(struct paint *t, const struct report *report, const struct group *group)
{
    char tag[80];
    tag_print(tag, report, group);
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

static void group_head(struct paint *t, const struct report *report, const struct group *group)
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
        paint_str(t, STYLE_BOLD, group->best->fixed_version, max);
    }
    put_tag(t, report, group);
}

/* "● low       zlib  1.2.13-1  CVE-2023-45853          no fix yet, layer 1", when that says it all.
 */
static bool put_one_line(struct paint *t, const struct report *report, const struct group *group)
{
    const struct finding *first = group->first;
    const struct level *level = level_of(first->severity);
    size_t n = group->members.len, columns = 12 + 2 + 2;
    char tag[80];
    tag_print(tag, report, group);
    columns += paint_columns(first->package_name) + paint_columns(first->package_version) + 2 +
               paint_columns(str_from(tag));
    for (size_t i = 0; i < n && columns <= t->width; i++)
        columns += id_columns(group->members.ptr[i]) + (i ? 2 : 0);
    if (first->is_patchable || first->class == CLASS_LANGUAGE || columns > t->width ||
        group->members.ptr[n - 1]->severity != first->severity)
        return false;
    paint_format(t, level->style, "%s %s", level->symbol, level->word);
    paint_to(t, LEVEL_COLUMNS);
    put_package(t, first, 0);
    paint_text(t, STYLE_PLAIN, "  ");
    for (size_t i = 0; i < n; i++) {
        paint_text(t, STYLE_PLAIN, i ? ", " : "");
        put_id(t, group->members.ptr[i]);
    }
    put_tag(t, report, group);
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

static void group_print(struct paint *t, const struct report *report, const struct group *group)
{
    if (put_one_line(t, report, group))
        return;
    group_head(t, report, group);
    put_places(t, group);
    put_members(t, group);
}

/* Groups @from to @to, at most @max of them. */
static void section_groups(struct paint *t, const struct report *report, const groups *all,
                           size_t from, size_t to, size_t max)
{
    if (t->options->is_detailed)
        max = to - from;
    for (size_t i = from; i < to && i < from + max; i++)
        group_print(t, report, &all->ptr[i]);
    if (to > from + max) {
        table_more(t, to - from - max, " packages");
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

/* --- what has no fix: row by row what is severe or likely, the rest in a line a severity
 * ----------
 */
static bool is_notable(const struct finding *finding)
{
    return finding->severity == SEVERITY_CRITICAL || finding->severity == SEVERITY_HIGH ||
           finding->is_kev || finding->epss >= EPSS_HIGH;
}

/* The groups from @from on, of each only what is notable (or not). */
static bool split_groups(struct arena *arena, const groups *all, size_t from, bool wants_notable,
                         groups *out)
{
    for (size_t i = from; i < all->len; i++) {
        struct group part = all->ptr[i];
        part.members = (finding_refs){0};
        for (size_t k = 0; k < all->ptr[i].members.len; k++) {
            const struct finding *finding = all->ptr[i].members.ptr[k];
            if (is_notable(finding) != wants_notable)
                continue;
            const struct finding **member = vec_push(arena, &part.members);
            if (!member)
                return false;
            *member = finding;
        }
        struct group *slot = part.members.len ? vec_push(arena, out) : NULL;
        if (part.members.len && !slot)
            return false;
        if (slot)
            *slot = part;
    }
    return true;
}

static void put_names(struct paint *t, const struct map *names)
{
    size_t n_lines = 1, reserve = sizeof("… and 100000 more");
    for (size_t i = 0; i < names->len; i++) {
        size_t need = paint_columns(names->entries[i].key) + 3; /* ", " before, "," behind */
        bool is_last_line = n_lines == NAME_LINES;
        if (i && t->column + need + (is_last_line ? reserve : 0) > t->width) {
            paint_text(t, STYLE_PLAIN, ",");
            if (is_last_line) {
                paint_format(t, STYLE_DIM, " … and %zu more", names->len - i);
                break;
            }
            paint_end(t);
            paint_to(t, LEVEL_COLUMNS);
            n_lines++;
        } else if (i) {
            paint_text(t, STYLE_PLAIN, ", ");
        }
        paint_str(t, STYLE_PLAIN, names->entries[i].key, paint_left(t));
    }
    paint_end(t);
}

/* "◆ medium    12 in 9 packages: coreutils, curl, …" */
static bool put_rest_of_level(struct paint *t, struct arena *arena, const groups *rest,
                              const struct level *level)
{
    size_t n = 0;
    struct map names;
    map_init(&names, arena);
    for (size_t i = 0; i < rest->len; i++) {
        bool is_here = false;
        for (size_t k = 0; k < rest->ptr[i].members.len; k++) {
            bool is_level = level_of(rest->ptr[i].members.ptr[k]->severity) == level;
            n += is_level;
            is_here |= is_level;
        }
        if (is_here && !map_at(&names, rest->ptr[i].first->package_name))
            return false;
    }
    if (!n)
        return true;
    paint_format(t, level->style, "%s %s", level->symbol, level->word);
    paint_to(t, LEVEL_COLUMNS);
    paint_format(t, STYLE_PLAIN, "%zu in %zu package%s: ", n, names.len, plural(names.len));
    put_names(t, &names);
    return true;
}

static bool section_unfixed(struct paint *t, struct arena *arena, const struct report *report,
                            const groups *all, size_t from)
{
    groups notable = {0}, rest = {0};
    size_t n = count_members(all, from, all->len), n_packages = all->len - from;
    table_section(t, "NO FIX", "%zu package%s, %zu finding%s%s", n_packages, plural(n_packages), n,
                  plural(n), t->options->is_detailed ? "" : "; --details lists all");
    if (t->options->is_detailed) {
        section_groups(t, report, all, from, all->len, GROUPS_UNFIXED);
        return true;
    }
    if (!split_groups(arena, all, from, true, &notable) ||
        !split_groups(arena, all, from, false, &rest))
        return false;
    section_groups(t, report, &notable, 0, notable.len, GROUPS_UNFIXED);
    for (size_t i = 0; i < N_LEVELS; i++)
        if (!put_rest_of_level(t, arena, &rest, &levels[i]))
            return false;
    return true;
}

/* The build steps that brought what is listed above. */
static void section_layers(struct paint *t, const struct report *report, const groups *all)
{
    bool has_title = false, is_known = has_base(report);
    for (size_t layer = 0; layer < report->layers.len; layer++) {
        bool is_used = false;
        for (size_t i = 0; i < all->len && !is_used; i++)
            is_used = all->ptr[i].first->layer == (int)layer;
        str step = str_trim(report->layers.ptr[layer].created_by);
        if (!is_used || !step.len)
            continue;
        if (!has_title)
            table_section(t, "LAYERS", "that brought them");
        has_title = true;
        paint_format(t, STYLE_PLAIN, "  %2zu  %s", layer + 1,
                     !is_known                           ? ""
                     : report->layers.ptr[layer].is_base ? "base  "
                                                         : "own   ");
        paint_rest(t, STYLE_DIM, step);
        paint_end(t);
    }
}

bool table_groups(struct paint *t, struct arena *arena, const struct report *report)
{
    groups all = {0};
    if (!group_findings(arena, report, &t->options->filter, &all))
        return false;
    size_t n_fixable = 0;
    while (n_fixable < all.len && all.ptr[n_fixable].first->is_patchable)
        n_fixable++;
    if (n_fixable) {
        size_t n = count_members(&all, 0, n_fixable);
        table_section(t, "UPGRADE", "%zu package%s, %zu finding%s", n_fixable, plural(n_fixable), n,
                      plural(n));
        section_groups(t, report, &all, 0, n_fixable, GROUPS_FIXABLE);
    }
    if (n_fixable < all.len && !section_unfixed(t, arena, report, &all, n_fixable))
        return false;
    section_layers(t, report, &all);
    return true;
}
