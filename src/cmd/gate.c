/* SPDX-License-Identifier: Apache-2.0 */
/* What is shown, and what the exit code is: pure. */
#include "cmd/internal.h"

bool severities_parse(str list, unsigned *out, struct err *err)
{
    str word;
    *out = 0;
    while (str_next(&list, ',', &word)) {
        enum severity severity;
        word = str_trim(word);
        if (!severity_parse(word, &severity) ||
            !str_eq_nocase(word, str_from(severity_name(severity))))
            return err_set(err, ERR_USAGE,
                           "\"" STR_FMT "\": no severity, one of: critical, high, medium, low, "
                           "none, unknown",
                           STR_ARG(word));
        *out |= 1U << severity;
    }
    if (!*out)
        return err_set(err, ERR_USAGE, "no severity given");
    return true;
}

static bool does_trip(const struct finding *finding, const struct report_filter *filter,
                      const struct gate *gate)
{
    if (report_place_of(finding, filter) != PLACE_LISTED)
        return false;
    return finding->severity == SEVERITY_UNKNOWN || finding->severity >= gate->severity;
}

size_t gate_count(const struct report *report, const struct report_filter *filter,
                  const struct gate *gate)
{
    size_t n = 0;
    for (size_t i = 0; gate->is_set && i < report->findings.len; i++)
        n += does_trip(&report->findings.ptr[i], filter, gate);
    return n;
}

static bool is_short(const struct report *report)
{
    switch (report->verdict) {
    case VERDICT_HEALTHY:
    case VERDICT_UNHEALTHY:
        return !report->is_complete;
    case VERDICT_NOT_APPLICABLE:
        return false;
    case VERDICT_UNKNOWN:
    case VERDICT_FAILED:
        break;
    }
    return true;
}

int scan_exit_code(const struct report *const *all, size_t n, const struct report_filter *filter,
                   const struct gate *gate)
{
    int code = n ? EXIT_DONE : EXIT_INCOMPLETE;
    for (size_t i = 0; i < n; i++) {
        if (gate_count(all[i], filter, gate))
            return EXIT_GATE;
        if (is_short(all[i]))
            code = EXIT_INCOMPLETE;
    }
    return code;
}

static void say_formats(struct sb *out, bool is_sbom)
{
    size_t n, n_said = 0;
    const struct report_format *const *all = report_formats(&n);
    for (size_t i = 0; i < n; i++)
        if (!is_sbom || all[i]->is_sbom_too)
            sb_addf(out, "%s%s (%s)", n_said++ ? "; " : "; one of: ", all[i]->name,
                    all[i]->summary);
}
void cmd_say_formats(struct sb *out) { say_formats(out, false); }
void cmd_say_sbom_formats(struct sb *out) { say_formats(out, true); }
/* --- the last line, for formats that have none of their own
 * ----------------------------------------- */
static void verdict_line(struct sb *out, const struct report *report)
{
    sb_addf(out, "%s: ", verdict_name(report->verdict));
    if (!report_verdict_words(out, report))
        report_text(out, report->reason.len ? report->reason : STR("no reason was given"), 0);
    sb_addc(out, " \xc2\xb7 ");
    report_text(out, report->source, 0);
    if (report->platform.len) {
        sb_addc(out, " ");
        report_text(out, report->platform, 0);
    }
    sb_addc(out, "\n");
}

void verdict_lines(struct sb *out, const struct report *const *all, size_t n)
{
    for (size_t i = 0; i < n; i++)
        verdict_line(out, all[i]);
}

void gate_line(struct sb *out, const struct report *const *all, size_t n,
               const struct report_filter *filter, const struct gate *gate)
{
    size_t n_tripping = 0;
    for (size_t i = 0; i < n; i++)
        n_tripping += gate_count(all[i], filter, gate);
    if (n_tripping)
        sb_addf(out, "--fail-on %s: %zu finding%s trip%s it\n", severity_name(gate->severity),
                n_tripping, n_tripping == 1 ? "" : "s", n_tripping == 1 ? "s" : "");
}

const struct report_format *cmd_format(str name, bool is_sbom, struct err *err)
{
    size_t n;
    const struct report_format *const *all = report_formats(&n);
    auto_sb names;
    sb_init(&names, 4096);
    for (size_t i = 0; i < n; i++) {
        if (is_sbom && !all[i]->is_sbom_too)
            continue;
        if (str_eq(str_from(all[i]->name), name))
            return all[i];
        sb_addf(&names, "%s%s", names.len ? ", " : "", all[i]->name);
    }
    err_set(err, ERR_USAGE, "--format " STR_FMT ": unknown format, one of: " STR_FMT, STR_ARG(name),
            STR_ARG(sb_str(&names)));
    return NULL;
}
