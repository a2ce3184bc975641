/* SPDX-License-Identifier: Apache-2.0 */
/* --details: every listed finding, with what is known of it. */
#include "report/internal.h"

static void line(struct paint *t, enum style style, str text)
{
    if (!text.len)
        return;
    paint_to(t, 2);
    paint_wrap(t, style, text, 4);
    paint_end(t);
}

static void put_head(struct paint *t, const struct finding *finding)
{
    const struct level *level = level_of(finding->severity);
    paint_format(t, level->style, "%s ", level->symbol);
    paint_str(t, STYLE_BOLD, finding->id, paint_left(t));
    paint_format(t, level->style, "  %s  ", level->word);
    auto_sb sb;
    sb_init(&sb, 8 * LIMIT(FIELD));
    sb_add(&sb, finding->package_name);
    sb_addc(&sb, " ");
    sb_add(&sb, finding->package_version);
    if (finding->fixed_version.len)
        sb_addc(&sb, " → "), sb_add(&sb, finding->fixed_version);
    paint_wrap(t, STYLE_PLAIN, sb_str(&sb), 4);
    paint_end(t);
}

static void put_rating(struct paint *t, const struct finding *finding)
{
    char epss[16];
    auto_sb sb;
    sb_init(&sb, 8 * LIMIT(FIELD));
    if (finding->rated_by.len)
        sb_addf(&sb, "rated by " STR_FMT ", " STR_FMT, STR_ARG(finding->rated_by),
                STR_ARG(finding->rating_basis));
    else
        sb_addc(&sb, "rated by nobody");
    for (size_t i = 0; i < finding->cvss.len && i < 1; i++)
        if (finding->cvss.ptr[i].is_scored)
            sb_addf(&sb, ", %.1f " STR_FMT, finding->cvss.ptr[i].score,
                    STR_ARG(finding->cvss.ptr[i].vector));
    if (epss_print(finding->epss, epss))
        sb_addf(&sb, ", EPSS %s", epss);
    if (finding->is_kev)
        sb_addc(&sb, ", known to be exploited");
    line(t, finding->is_kev ? STYLE_CRITICAL : STYLE_PLAIN, sb_str(&sb));
}

static void put_evidence(struct paint *t, const struct finding *finding)
{
    for (size_t i = 0; i < finding->evidence.len; i++) {
        const struct finding_evidence *evidence = &finding->evidence.ptr[i];
        auto_sb sb;
        sb_init(&sb, 8 * LIMIT(FIELD));
        sb_add(&sb, evidence->source);
        sb_addc(&sb, " ");
        sb_add(&sb, evidence->record);
        if (evidence->range.len)
            sb_addc(&sb, ": "), sb_add(&sb, evidence->range);
        if (evidence->note.len)
            sb_addc(&sb, "; "), sb_add(&sb, evidence->note);
        line(t, STYLE_DIM, sb_str(&sb));
    }
}

static void put_finding(struct paint *t, const struct finding *finding)
{
    const char *site = advisory_site(finding->id);
    put_head(t, finding);
    line(t, STYLE_PLAIN, finding->title);
    put_rating(t, finding);
    if (finding->class == CLASS_LANGUAGE)
        line(t, STYLE_DIM, finding->path);
    put_evidence(t, finding);
    if (site) {
        auto_sb sb;
        sb_init(&sb, 256);
        sb_addc(&sb, site);
        sb_add(&sb, finding->id);
        line(t, STYLE_DIM, sb_str(&sb));
    }
}

bool table_details(struct paint *t, struct arena *arena, const struct report *report)
{
    finding_refs refs;
    if (!findings_in_order(arena, report, &t->options->filter, PLACE_LISTED, &refs))
        return false;
    if (refs.len)
        table_section(t, "DETAILS", "%zu finding%s, known exploited first", refs.len,
                      plural(refs.len));
    for (size_t i = 0; i < refs.len; i++)
        put_finding(t, refs.ptr[i]);
    return true;
}
