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

static bool is_tripped(const struct report *report, const struct report_filter *filter,
                       const struct gate *gate)
{
    for (size_t i = 0; i < report->findings.len; i++)
        if (does_trip(&report->findings.ptr[i], filter, gate))
            return true;
    return false;
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
        if (gate->is_set && is_tripped(all[i], filter, gate))
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
