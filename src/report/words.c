/* SPDX-License-Identifier: Apache-2.0 */
/* The words and numbers that every report for people has in common. */
#include "report/internal.h"

#include <string.h>

const char *plural(size_t n) { return n == 1 ? "" : "s"; }

struct verdict_look verdict_look(enum verdict verdict)
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

size_t verdict_worst(const struct report *const *reports, size_t n, size_t *n_worst)
{
    size_t worst = 0;
    for (size_t i = 0; i < n; i++)
        if (verdict_rank(reports[i]->verdict) < verdict_rank(reports[worst]->verdict))
            worst = i;
    *n_worst = 0;
    for (size_t i = 0; i < n; i++)
        *n_worst += verdict_rank(reports[i]->verdict) == verdict_rank(reports[worst]->verdict);
    return worst;
}

bool is_one_source(const struct report *const *reports, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (!str_eq(reports[i]->source, reports[0]->source))
            return false;
    return true;
}

const char *fix_state_words(enum fix_state state)
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

unsigned summary_count(const struct report_summary *summary, enum severity severity)
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

unsigned summary_total(const struct report_summary *summary)
{
    return summary->critical + summary->high + summary->medium + summary->low + summary->unknown;
}

bool report_verdict_words(struct sb *out, const struct report *report)
{
    struct report_summary summary = report_summarize(report);
    unsigned total = summary_total(&summary);
    if (report->verdict == VERDICT_HEALTHY) {
        sb_addf(out, "nothing known against its %zu package%s", report->packages.len,
                plural(report->packages.len));
        if (summary.disabled)
            sb_addf(out, " but %u disabled finding%s", summary.disabled, plural(summary.disabled));
        return true;
    }
    if (report->verdict != VERDICT_UNHEALTHY)
        return false;
    sb_addf(out, "%s%u finding%s", report->is_complete ? "" : "at least ", total, plural(total));
    if (summary.critical)
        sb_addf(out, ", %u critical", summary.critical);
    if (summary.high)
        sb_addf(out, ", %u high", summary.high);
    sb_addf(out, ", %u with a fix", summary.patchable);
    if (summary.disabled)
        sb_addf(out, ", %u disabled", summary.disabled);
    return true;
}

/* --- numbers -------------------------------------------------------------------------------------
 */
/* Never rounded up to 100 %: a file that is not known must show. */
static unsigned permille(uint64_t part, uint64_t whole)
{
    while (whole > UINT64_MAX / 1000) {
        part >>= 1;
        whole >>= 1;
    }
    return whole ? (unsigned)(part * 1000 / whole) : 1000;
}

void size_print(char out[static 32], uint64_t bytes)
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

bool coverage_print(const struct coverage *coverage, char out[static 160])
{
    char size[32];
    if (!coverage->is_measured || coverage->executable_bytes == 0)
        return false;
    unsigned share = permille(coverage->known_bytes, coverage->executable_bytes);
    size_t n = coverage->n_unowned;
    size_print(size, coverage->executable_bytes);
    int len = snprintf(out, 160, "%u.%u %% of %s executable bytes belong to known packages",
                       share / 10, share % 10, size);
    if (n)
        snprintf(out + len, 160 - (size_t)len, ", %zu file%s do%s not%s", n, plural(n),
                 n == 1 ? "es" : "", coverage->unowned.len ? ":" : "");
    return true;
}

bool epss_print(double epss, char out[static 16])
{
    if (!(epss > 0))
        return false;
    unsigned shown = epss < 1 ? (unsigned)(epss * 1000 + 0.5) : 1000;
    if (shown)
        snprintf(out, 16, "%u.%u %%", shown / 10, shown % 10);
    else
        snprintf(out, 16, "< 0.1 %%");
    return true;
}

/* --- where it comes from -------------------------------------------------------------------------
 */
const struct report_layer *layer_of(const struct report *report, int layer)
{
    return layer >= 0 && (size_t)layer < report->layers.len ? &report->layers.ptr[layer] : NULL;
}

bool has_base(const struct report *report)
{
    for (size_t i = 0; i < report->layers.len; i++)
        if (report->layers.ptr[i].is_base)
            return true;
    return false;
}

const char *origin_words(const struct report *report, const struct finding *finding)
{
    if (!has_base(report))
        return "";
    return finding->is_from_base ? "base image" : "own step";
}

/* --- addresses -----------------------------------------------------------------------------------
 */
static bool is_word(str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool is_letter = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (!is_letter && c != '-' && c != ':' && c != '.')
            return false;
    }
    return text.len > 0 && text.len < 40;
}

const char *advisory_site(str id)
{
    static const struct {
        str prefix;
        const char *site;
    } sites[] = {
        {STR("CVE-"), "https://www.cve.org/CVERecord?id="},
        {STR("GHSA-"), "https://github.com/advisories/"},
        {STR("DSA-"), "https://security-tracker.debian.org/tracker/"},
        {STR("DLA-"), "https://security-tracker.debian.org/tracker/"},
        {STR("USN-"), "https://ubuntu.com/security/notices/"},
        {STR("RHSA-"), "https://access.redhat.com/errata/"},
        {STR("RUSTSEC-"), "https://rustsec.org/advisories/"},
        {STR("GO-"), "https://pkg.go.dev/vuln/"},
        {STR("PYSEC-"), "https://osv.dev/vulnerability/"},
        {STR("MAL-"), "https://osv.dev/vulnerability/"},
    };
    for (size_t i = 0; i < sizeof(sites) / sizeof(*sites); i++)
        if (str_starts(id, sites[i].prefix))
            return is_word(id) ? sites[i].site : NULL;
    return NULL;
}

bool is_link(str url)
{
    if (!str_starts(url, STR("https://")) && !str_starts(url, STR("http://")))
        return false;
    unsigned odd = 0; /* no early end: eight bytes and more at a time */
    for (size_t i = 0; i < url.len; i++)
        odd |= (unsigned char)(url.ptr[i] - 0x21) > 0x7e - 0x21;
    return !odd;
}
