/* SPDX-License-Identifier: Apache-2.0 */
#include "report/internal.h"

#include "report/engine.inc"

#include "base/num.h"
#include "version/version.h"

#define ROW(name) extern const struct report_format report_format_##name;
#include "report/formats.inc"
#undef ROW

static const struct report_format *const rows[] = {
#define ROW(name) &report_format_##name,
#include "report/formats.inc"
#undef ROW
};

const struct report_format *const *report_formats(size_t *n)
{
    *n = ARRAY_LEN(rows);
    return rows;
}

const struct report_format *report_format_find(str name)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (str_eq(str_from(rows[i]->name), name))
            return rows[i];
    return NULL;
}

const char *report_engine_version(void) { return ENGINE_VERSION; }

digest report_engine_digest(void)
{
    auto_sb rules;
    sb_init(&rules, 64 << 10);
    sb_addf(&rules, "plimsoll %s\ninventory %016llx\n", ENGINE_VERSION,
            (unsigned long long)inventory_revision());
    size_t n;
    const struct version_scheme *const *schemes = version_schemes(&n);
    for (size_t i = 0; i < n; i++)
        sb_addf(&rules, "version %s\n", schemes[i]->name);
    return digest_of(HASH_SHA256, sb_str(&rules));
}

enum report_place report_place_of(const struct finding *finding, const struct report_filter *filter)
{
    if (finding->disabled_by.len)
        return PLACE_DISABLED;
    if (finding->class == CLASS_KERNEL_HEADERS)
        return PLACE_HEADERS;
    bool is_hidden = (filter->hides_unfixed && !finding->is_patchable) ||
                     (filter->hides_unknown && finding->severity == SEVERITY_UNKNOWN) ||
                     (filter->severities && !(filter->severities >> finding->severity & 1));
    return is_hidden ? PLACE_HIDDEN : PLACE_LISTED;
}

size_t report_count(const struct report *report, const struct report_filter *filter,
                    enum report_place place)
{
    size_t n = 0;
    for (size_t i = 0; i < report->findings.len; i++)
        n += report_place_of(&report->findings.ptr[i], filter) == place;
    return n;
}

void report_set_base(struct report *report, size_t n_base)
{
    for (size_t i = 0; i < report->layers.len; i++)
        report->layers.ptr[i].is_base = i < n_base;
    for (size_t i = 0; i < report->findings.len; i++) {
        struct finding *finding = &report->findings.ptr[i];
        finding->is_from_base = finding->layer >= 0 && (size_t)finding->layer < n_base;
    }
}

static unsigned *counter_of(struct report_summary *summary, enum severity severity)
{
    switch (severity) {
    case SEVERITY_CRITICAL:
        return &summary->critical;
    case SEVERITY_HIGH:
        return &summary->high;
    case SEVERITY_MEDIUM:
        return &summary->medium;
    case SEVERITY_LOW:
    case SEVERITY_NONE:
        return &summary->low;
    case SEVERITY_UNKNOWN:
        break;
    }
    return &summary->unknown;
}

struct report_summary report_summarize(const struct report *report)
{
    struct report_summary summary = {0};
    const struct report_filter none = {0};
    for (size_t i = 0; i < report->findings.len; i++) {
        const struct finding *finding = &report->findings.ptr[i];
        enum report_place place = report_place_of(finding, &none);
        summary.disabled += place == PLACE_DISABLED;
        if (place != PLACE_LISTED)
            continue;
        ++*counter_of(&summary, finding->severity);
        summary.patchable += finding->is_patchable;
    }
    return summary;
}
