/* SPDX-License-Identifier: Apache-2.0 */
/* For a comment at a pull request: GitHub Flavored Markdown, as long as such a comment may be.
 *
 * Foreign text stands in code spans and fences only: nothing in them is read as a link, an element,
 * a mention of somebody or a reference to an issue, neither by the parser nor by what a forge runs
 * over its output (escaping "@" with a backslash does not hold that back).  No foreign text stands
 * in a table, whose cells end at '|' even there. */
#include "report/internal.h"

#include "base/clock.h"
#include "base/num.h"

enum {
    IDS_SHOWN = 12, /* of one step */
    RESERVE = 512,  /* what closes a section and says what was left out */
};

struct comment {
    struct sb done, block, shown;
    const struct report_options *options;
    const struct report *report;
    struct arena arena;
    size_t limit;
    size_t n_steps, n_findings, n_others; /* left out */
};

/* --- text ----------------------------------------------------------------------------------------
 */
static size_t longest_run(str text, char c)
{
    size_t longest = 0, run = 0;
    for (size_t i = 0; i < text.len; i++) {
        run = text.ptr[i] == c ? run + 1 : 0;
        longest = num_max(longest, run);
    }
    return longest;
}

static void put_ticks(struct sb *out, size_t n)
{
    while (n--)
        sb_byte(out, '`');
}

/* CommonMark 6.1: a code span ends at a run of backticks as long as the one it began with; one
 * space inside is not part of it.  report_text leaves no line break in it. */
static void put_code(struct comment *c, str text)
{
    sb_clear(&c->shown);
    report_text(&c->shown, text, 0);
    str shown = sb_str(&c->shown);
    size_t n = longest_run(shown, '`') + 1;
    bool is_padded = shown.len && (str_starts(shown, STR("`")) || str_ends(shown, STR("`")) ||
                                   str_starts(shown, STR(" ")) || str_ends(shown, STR(" ")));
    if (!str_trim(shown).len)
        return; /* of spaces alone no span can be made */
    put_ticks(&c->block, n);
    sb_addc(&c->block, is_padded ? " " : "");
    sb_add(&c->block, shown);
    sb_addc(&c->block, is_padded ? " " : "");
    put_ticks(&c->block, n);
}

/* CommonMark 4.5: a fence ends at a longer or equal one. */
static void put_fence(struct comment *c, str command)
{
    sb_clear(&c->shown);
    report_text(&c->shown, command, 0);
    size_t n = num_max(longest_run(sb_str(&c->shown), '`') + 1, 3);
    put_ticks(&c->block, n);
    sb_addc(&c->block, "sh\n");
    sb_add(&c->block, sb_str(&c->shown));
    sb_byte(&c->block, '\n');
    put_ticks(&c->block, n);
    sb_byte(&c->block, '\n');
}

static void put_id(struct comment *c, const struct finding *finding)
{
    const char *site = advisory_site(finding->id);
    if (site)
        sb_addf(&c->block, "[" STR_FMT "](%s" STR_FMT ")", STR_ARG(finding->id), site,
                STR_ARG(finding->id));
    else
        put_code(c, finding->id);
}

/* What stands in the block, if there is room for it. */
static bool take_block(struct comment *c)
{
    bool has_room = !c->block.has_failed && c->done.len + c->block.len + RESERVE <= c->limit;
    if (has_room)
        sb_add(&c->done, sb_str(&c->block));
    sb_fini(&c->block); /* sticky failure goes with it */
    sb_init(&c->block, 8 * LIMIT(FEED_RECORD));
    return has_room;
}

/* Closing tags and the last line, for which RESERVE is kept. */
static void close_section(struct comment *c) { sb_addc(&c->done, "\n</details>\n"); }

static bool open_section(struct comment *c, const char *title, size_t n)
{
    sb_addf(&c->block, "\n<details><summary>%s (%zu)</summary>\n\n", title, n);
    return take_block(c);
}

/* --- the top -------------------------------------------------------------------------------------
 */
static void put_verdict(struct comment *c, const struct report *report)
{
    struct verdict_look look = verdict_look(report->verdict);
    sb_addf(&c->block, "%s %s%s: ", look.symbol, verdict_name(report->verdict),
            report->is_complete || report->verdict == VERDICT_NOT_APPLICABLE ? "" : ", incomplete");
    bool has_words = report_verdict_words(&c->block, report);
    if (report->reason.len) {
        sb_addc(&c->block, has_words ? "; " : "");
        put_code(c, report->reason);
    }
}

static void put_facts(struct comment *c, const struct report *report)
{
    char when[CLOCK_TEXT_SIZE];
    sb_addc(&c->block, "Image ");
    put_code(c, report->source);
    if (report->platform.len) {
        sb_addc(&c->block, ", ");
        put_code(c, report->platform);
    }
    if (report->distro.id.len) {
        sb_addc(&c->block, ", ");
        put_code(c, report->distro.name.len ? report->distro.name : report->distro.id);
        if (report->is_end_of_life)
            sb_addc(&c->block, " (**end of life**)");
    }
    sb_addf(&c->block, ", %zu package%s. Scanned " STR_FMT, report->packages.len,
            plural(report->packages.len), STR_ARG(clock_print(report->scanned_at, when)));
    if (report->has_database)
        sb_addf(&c->block, " with generation %llu of the advisories",
                (unsigned long long)report->generation);
    sb_addc(&c->block, ".\n\n");
}

static void put_remark(struct comment *c, size_t n, const char *words)
{
    if (n)
        sb_addf(&c->block, "- %zu %s\n", n, words);
}

static void put_summary(struct comment *c, const struct tally *tally)
{
    const struct report_filter *filter = &c->options->filter;
    if (tally->n_base + tally->n_own) {
        sb_addc(&c->block, "| Severity | Findings | With a fix | Without |\n|---|--:|--:|--:|\n");
        for (size_t i = 0; i < N_LEVELS; i++)
            if (tally->with_fix[i] + tally->without_fix[i])
                sb_addf(&c->block, "| %s %s | %u | %u | %u |\n", levels[i].symbol, levels[i].word,
                        tally->with_fix[i] + tally->without_fix[i], tally->with_fix[i],
                        tally->without_fix[i]);
        sb_byte(&c->block, '\n');
    }
    put_remark(c, tally->n_kev, "**known to be exploited**");
    put_remark(c, report_count(c->report, filter, PLACE_HIDDEN),
               "hidden by `--severity` or `--ignore-*`: counted above, not listed below");
    put_remark(c, report_count(c->report, filter, PLACE_DISABLED),
               "disabled by rules or VEX, not counted");
    put_remark(c, report_count(c->report, filter, PLACE_HEADERS), "in kernel headers, not counted");
}

/* --- steps ---------------------------------------------------------------------------------------
 */
static void put_members(struct comment *c, const struct group *group)
{
    size_t n = num_min(group->members.len, IDS_SHOWN);
    for (size_t i = 0; i < n; i++) {
        sb_addf(&c->block, "%s%s ", i ? ", " : "",
                level_of(group->members.ptr[i]->severity)->symbol);
        put_id(c, group->members.ptr[i]);
    }
    if (group->members.len > n)
        sb_addf(&c->block, " and %zu more", group->members.len - n);
    sb_addc(&c->block, "\n\n");
}

static void put_origin(struct comment *c, const struct group *group)
{
    const char *origin = origin_words(c->report, group->first);
    if (group->first->layer >= 0)
        sb_addf(&c->block, " (%s%slayer %d)", origin, *origin ? ", " : "", group->first->layer + 1);
}

static void put_step(struct comment *c, const struct group *group)
{
    const struct finding *best = group->best;
    char epss[16];
    sb_addf(&c->block, "**%s** ", level_of(group->first->severity)->symbol);
    put_code(c, group->first->package_name);
    sb_byte(&c->block, ' ');
    put_code(c, group->first->package_version);
    sb_addc(&c->block, " → ");
    put_code(c, best->fixed_version);
    sb_addf(&c->block, " heals %zu finding%s", group->n_findings, plural(group->n_findings));
    put_origin(c, group);
    if (group->n_kev)
        sb_addf(&c->block, ", **%zu known to be exploited**", group->n_kev);
    if (group->epss >= 0.1 && epss_print(group->epss, epss))
        sb_addf(&c->block, ", EPSS up to %s", epss);
    sb_addc(&c->block, "  \n");
    put_members(c, group);
}

static void put_command(struct comment *c, const struct plan_step *step)
{
    size_t n = num_min(step->packages.len, STEP_NAMES);
    for (size_t i = 0; i < n; i++) {
        sb_addc(&c->block, i ? ", " : "");
        put_code(c, step->packages.ptr[i].first->package_name);
    }
    if (n < step->packages.len)
        sb_addf(&c->block, " and %zu more", step->packages.len - n);
    sb_addf(&c->block, ": %zu finding%s", step->n_findings, plural(step->n_findings));
    if (step->layer >= 0)
        sb_addf(&c->block, ", %slayer %d",
                !has_base(c->report) ? ""
                : step->is_base      ? "base "
                                     : "own ",
                step->layer + 1);
    if (step->folder.len) {
        sb_addc(&c->block, ", in ");
        put_code(c, step->folder);
    }
    sb_addc(&c->block, ":\n\n");
    if (step->command.len)
        put_fence(c, step->command);
    if (step->how.len) {
        put_code(c, step->how);
        sb_byte(&c->block, '\n');
    }
    sb_byte(&c->block, '\n');
}

static bool put_plan(struct comment *c, bool *has_room)
{
    struct plan plan;
    if (!report_plan(&c->arena, c->report, &c->options->filter, &plan))
        return false;
    sb_addf(&c->block, "\n#### What to do: %zu step%s, %zu finding%s healed\n\n", plan.steps.len,
            plural(plan.steps.len), plan.n_healed, plural(plan.n_healed));
    *has_room = take_block(c);
    for (size_t i = 0; i < plan.steps.len; i++) {
        if (*has_room) {
            put_command(c, &plan.steps.ptr[i]);
            *has_room = take_block(c);
        }
        c->n_steps += !*has_room;
    }
    return true;
}

static bool put_steps(struct comment *c)
{
    groups all;
    bool has_room = true;
    if (!group_findings(&c->arena, c->report, &c->options->filter, &all))
        return false;
    size_t n = 0;
    while (n < all.len && all.ptr[n].first->is_patchable)
        n++;
    if (!n)
        return true;
    if (!put_plan(c, &has_room))
        return false;
    sb_addf(&c->block, "#### What each upgrade heals: %zu package%s\n\n", n, plural(n));
    has_room = has_room && take_block(c);
    for (size_t i = 0; i < n; i++) {
        if (has_room) {
            put_step(c, &all.ptr[i]);
            has_room = take_block(c);
        }
        c->n_steps += !has_room;
    }
    return true;
}

/* --- the rest, closed until someone asks ---------------------------------------------------------
 */
static void put_finding(struct comment *c, const struct finding *finding)
{
    const struct level *level = level_of(finding->severity);
    char epss[16];
    sb_addf(&c->block, "- %s %s ", level->symbol, level->word);
    put_id(c, finding);
    sb_byte(&c->block, ' ');
    put_code(c, finding->package_name);
    sb_byte(&c->block, ' ');
    put_code(c, finding->package_version);
    if (finding->fixed_version.len) {
        sb_addc(&c->block, " → ");
        put_code(c, finding->fixed_version);
    } else {
        sb_addf(&c->block, " %s", fix_state_words(finding->fix_state));
    }
    if (finding->is_kev)
        sb_addc(&c->block, ", **known to be exploited**");
    if (finding->epss >= 0.01 && epss_print(finding->epss, epss))
        sb_addf(&c->block, ", EPSS %s", epss);
    if (finding->title.len) {
        sb_addc(&c->block, ": ");
        put_code(c, finding->title);
    }
    if (finding->disabled_by.len) {
        sb_addc(&c->block, "; disabled by ");
        put_code(c, finding->disabled_by);
    }
    sb_byte(&c->block, '\n');
}

enum part { PART_UNFIXED, PART_FIXED, PART_ALL };
static bool is_in_part(const struct finding *finding, enum part part)
{
    return part == PART_ALL || finding->is_patchable == (part == PART_FIXED);
}

static void put_list(struct comment *c, const finding_refs *refs, enum part part, const char *title)
{
    size_t n = 0;
    for (size_t i = 0; i < refs->len; i++)
        n += is_in_part(refs->ptr[i], part);
    if (!n)
        return;
    bool is_open = open_section(c, title, n), has_room = is_open;
    for (size_t i = 0; i < refs->len; i++) {
        if (!is_in_part(refs->ptr[i], part))
            continue;
        if (has_room) {
            put_finding(c, refs->ptr[i]);
            has_room = take_block(c);
        }
        c->n_findings += !has_room;
    }
    if (is_open)
        close_section(c);
}

static void put_notices(struct comment *c)
{
    const notices *all = &c->report->notices;
    if (!all->len)
        return;
    bool is_open = open_section(c, "Notices", all->len), has_room = is_open;
    for (size_t i = 0; i < all->len; i++) {
        const struct notice *notice = &all->ptr[i];
        if (has_room) {
            sb_addf(&c->block, "- %s%s ", notice->is_incomplete ? "**incomplete:** " : "",
                    notice_kind_name(notice->kind));
            put_code(c, notice->path);
            sb_addc(&c->block, notice->path.len ? ": " : "");
            put_code(c, notice->message);
            sb_byte(&c->block, '\n');
            has_room = take_block(c);
        }
        c->n_others += !has_room;
    }
    if (is_open)
        close_section(c);
}

static void put_layers(struct comment *c)
{
    const struct report *report = c->report;
    if (!report->layers.len)
        return;
    bool is_open = open_section(c, "Layers", report->layers.len), has_room = is_open;
    for (size_t i = 0; i < report->layers.len; i++) {
        if (has_room) {
            sb_addf(&c->block, "%zu. ", i + 1);
            if (has_base(report))
                sb_addc(&c->block, report->layers.ptr[i].is_base ? "base: " : "own: ");
            put_code(c, str_trim(report->layers.ptr[i].created_by));
            sb_byte(&c->block, '\n');
            has_room = take_block(c);
        }
        c->n_others += !has_room;
    }
    if (is_open)
        close_section(c);
}

static bool put_report(struct comment *c, const struct report *report, bool is_alone)
{
    struct tally tally;
    finding_refs listed, disabled;
    const struct report_filter *filter = &c->options->filter;
    c->report = report;
    if (!tally_findings(&c->arena, report, &tally) ||
        !findings_in_order(&c->arena, report, filter, PLACE_LISTED, &listed) ||
        !findings_in_order(&c->arena, report, filter, PLACE_DISABLED, &disabled))
        return false;
    sb_addc(&c->block, is_alone ? "### " : "\n### ");
    put_verdict(c, report);
    sb_addc(&c->block, "\n\n");
    put_facts(c, report);
    put_summary(c, &tally);
    c->n_others += !take_block(c);
    if (!put_steps(c))
        return false;
    put_list(c, &listed, PART_UNFIXED, "Without a fix");
    put_list(c, &listed, PART_FIXED, "With a fix");
    put_notices(c);
    put_layers(c);
    put_list(c, &disabled, PART_ALL, "Disabled by rules or VEX");
    arena_reset(&c->arena);
    return true;
}

static void put_contents(struct comment *c, const struct report *const *reports, size_t n)
{
    size_t n_worst;
    enum verdict worst = reports[verdict_worst(reports, n, &n_worst)]->verdict;
    bool is_one = is_one_source(reports, n);
    sb_addf(&c->block, "## %s %s: %zu of %zu %s\n\n", verdict_look(worst).symbol,
            verdict_name(worst), n_worst, n, is_one ? "platforms" : "images");
    c->n_others += !take_block(c);
    for (size_t i = 0; i < n; i++) {
        sb_addc(&c->block, "- ");
        if (!is_one)
            put_code(c, reports[i]->source);
        sb_byte(&c->block, ' ');
        put_code(c, reports[i]->platform);
        sb_byte(&c->block, ' ');
        put_verdict(c, reports[i]);
        sb_byte(&c->block, '\n');
        c->n_others += !take_block(c);
    }
}

static void put_left_out(struct comment *c)
{
    if (c->n_steps + c->n_findings + c->n_others == 0)
        return;
    sb_addf(&c->done,
            "\n**Left out**, as a comment holds %zu characters: %zu step%s, %zu finding%s, %zu "
            "other row%s. `plimsoll scan` with `--format html` or `--details` shows all of them.\n",
            c->limit, c->n_steps, plural(c->n_steps), c->n_findings, plural(c->n_findings),
            c->n_others, plural(c->n_others));
}

static bool markdown_write(int fd, const struct report *const *reports, size_t n,
                           const struct report_options *options, struct err *err)
{
    struct comment c = {.options = options, .limit = LIMIT(COMMENT)};
    struct out out;
    sb_init(&c.done, c.limit);
    sb_init(&c.block, 8 * LIMIT(FEED_RECORD));
    sb_init(&c.shown, 8 * LIMIT(FEED_RECORD));
    arena_init(&c.arena, LIMIT(SCAN_MEMORY));
    bool is_done = true;
    if (n > 1)
        put_contents(&c, reports, n);
    for (size_t i = 0; i < n && is_done; i++)
        is_done = put_report(&c, reports[i], n == 1);
    put_left_out(&c);
    out_open(&out, fd, err);
    sb_add(&out.sb, sb_str(&c.done));
    if (!is_done)
        err_memory(err);
    is_done = is_done && sb_ok(&c.done, err);
    is_done = out_close(&out) && is_done;
    arena_fini(&c.arena);
    sb_fini(&c.shown);
    sb_fini(&c.block);
    sb_fini(&c.done);
    return is_done;
}

const struct report_format report_format_markdown = {
    .name = "markdown",
    .summary = "for people, a comment at a pull request",
    .write = markdown_write,
};
