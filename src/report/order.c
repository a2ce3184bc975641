/* SPDX-License-Identifier: Apache-2.0 */
/* The order of presentation: known exploited, severity, EPSS, fix available; and the tally of what
 * charts show. */
#include "report/internal.h"

#include "base/num.h"

bool findings_in_order(struct arena *arena, const struct report *report,
                       const struct report_filter *filter, enum report_place place,
                       finding_refs *out)
{
    *out = (finding_refs){0};
    for (size_t i = 0; i < report->findings.len; i++) {
        const struct finding *finding = &report->findings.ptr[i];
        if (report_place_of(finding, filter) != place)
            continue;
        const struct finding **slot = vec_push(arena, out);
        if (!slot)
            return false;
        *slot = finding;
    }
    return assess_sort(arena, out);
}

/* --- memory: in an order of their own, findings do not lie one behind the other
 * ----------------------- */
enum { LINE_BYTES = 64, TEXT_BYTES = 512 }; /* of a longer text the machine sees how it goes on */

static void fetch(const void *from, size_t n)
{
    for (size_t i = 0; i < n; i += LINE_BYTES)
        __builtin_prefetch((const char *)from + i);
}

static void fetch_texts(const strs *texts)
{
    for (size_t i = 0; i < texts->len && i < 8; i++)
        fetch(texts->ptr[i].ptr, 1);
}

static void fetch_parts(const struct finding *f)
{
    const str texts[] = {f->id,
                         f->package_name,
                         f->purl,
                         f->fixed_version,
                         f->title,
                         f->description,
                         f->remediation_text,
                         f->remediation_command};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        fetch(texts[i].ptr, num_min(texts[i].len, TEXT_BYTES));
    fetch(f->aliases.ptr, f->aliases.len * sizeof(str));
    fetch(f->binaries.ptr, num_min(f->binaries.len * sizeof(str), TEXT_BYTES));
    fetch(f->cwes.ptr, f->cwes.len * sizeof(str));
    fetch(f->references.ptr, num_min(f->references.len * sizeof(str), TEXT_BYTES));
    fetch(f->cvss.ptr, num_min(f->cvss.len * sizeof(*f->cvss.ptr), TEXT_BYTES));
    fetch(f->evidence.ptr, num_min(f->evidence.len * sizeof(*f->evidence.ptr), TEXT_BYTES));
}

enum { STRUCTS = 6, PARTS = 3, TEXTS = 1 }; /* so many findings ahead */

static void fetch_all_texts(const struct finding *f)
{
    fetch_texts(&f->references);
    fetch_texts(&f->aliases);
    fetch_texts(&f->binaries);
}

void findings_ahead(const finding_refs *refs, size_t at)
{
    if (at + STRUCTS >= refs->len)
        return;
    fetch(refs->ptr[at + STRUCTS], sizeof(struct finding));
    fetch_parts(refs->ptr[at + PARTS]);
    fetch_all_texts(refs->ptr[at + TEXTS]);
}

void report_ahead(const struct report *report, size_t at)
{
    const struct finding *f = report->findings.ptr + at;
    if (at + STRUCTS >= report->findings.len)
        return;
    fetch(f + STRUCTS, sizeof(*f));
    fetch_parts(f + PARTS);
    fetch_all_texts(f + TEXTS);
}

/* --- the tally
 * ---------------------------------------------------------------------------------------- */
static size_t index_of(enum severity severity)
{
    return (size_t)(level_of(severity == SEVERITY_NONE ? SEVERITY_LOW : severity) - levels);
}

bool tally_findings(struct arena *arena, const struct report *report, struct tally *out)
{
    const struct report_filter none = {0};
    *out = (struct tally){.n_layers = report->layers.len};
    out->by_layer = arena_alloc(arena, (report->layers.len + 1) * sizeof(*out->by_layer));
    if (!out->by_layer)
        return false;
    for (size_t i = 0; i < report->layers.len; i++)
        out->by_layer[i] = 0;
    for (size_t i = 0; i < report->findings.len; i++) {
        const struct finding *finding = &report->findings.ptr[i];
        if (report_place_of(finding, &none) != PLACE_LISTED)
            continue;
        size_t level = index_of(finding->severity);
        ++*(finding->is_patchable ? &out->with_fix[level] : &out->without_fix[level]);
        ++*(finding->is_from_base ? &out->n_base : &out->n_own);
        out->n_kev += finding->is_kev;
        if (layer_of(report, finding->layer))
            out->by_layer[finding->layer]++;
    }
    return true;
}
