/* SPDX-License-Identifier: Apache-2.0 */
/* disabled.c - what somebody has decided not to count, for who asks (--show-disabled). */
#include "report/internal.h"

#include "base/num.h"

static bool collect(struct arena *arena, const struct report *report, finding_refs *out)
{
    const struct report_filter none = {0};
    for (size_t i = 0; i < report->findings.len; i++) {
        if (report_place_of(&report->findings.ptr[i], &none) != PLACE_DISABLED)
            continue;
        const struct finding **slot = vec_push(arena, out);
        if (!slot)
            return false;
        *slot = &report->findings.ptr[i];
    }
    return assess_sort(arena, out);
}

static void put_finding(struct paint *t, const struct finding *finding)
{
    const struct level *level = level_of(finding->severity);
    paint_format(t, STYLE_DIM, "%s %s", level->symbol, level->word);
    paint_to(t, 12);
    paint_str(t, STYLE_PLAIN, finding->id, 0);
    paint_text(t, STYLE_PLAIN, "  ");
    paint_str(t, STYLE_PLAIN, finding->package_name, 0);
    paint_text(t, STYLE_PLAIN, " ");
    paint_rest(t, STYLE_PLAIN, finding->package_version);
    paint_end(t);
    paint_to(t, 12);
    paint_str(t, STYLE_BOLD, finding->disabled_by, num_max(paint_left(t), 8));
    if (finding->disabled_reason.len) {
        paint_text(t, STYLE_DIM, ": ");
        paint_wrap(t, STYLE_DIM, finding->disabled_reason, 12);
    }
    paint_end(t);
}

bool disabled_print(struct paint *t, const struct report *report)
{
    struct arena arena;
    finding_refs all = {0};
    arena_init(&arena, LIMIT(SCAN_MEMORY));
    bool is_done = collect(&arena, report, &all);
    if (all.len) {
        paint_end(t);
        paint_text(t, STYLE_BOLD, "DISABLED");
        paint_format(t, STYLE_DIM, "  %zu finding%s, by rules or VEX", all.len,
                     all.len == 1 ? "" : "s");
        paint_end(t);
    }
    for (size_t i = 0; i < all.len; i++)
        put_finding(t, all.ptr[i]);
    arena_fini(&arena);
    return is_done;
}
