/* SPDX-License-Identifier: Apache-2.0 */
#include "base/num.h"
#include "model/model.h"

static const struct {
    const char *name;
    int rank; /* sorts: the actionable first, what nobody rated right behind high */
} severities[] = {
    [SEVERITY_UNKNOWN] = {"unknown", 2}, [SEVERITY_NONE] = {"none", 5},
    [SEVERITY_LOW] = {"low", 4},         [SEVERITY_MEDIUM] = {"medium", 3},
    [SEVERITY_HIGH] = {"high", 1},       [SEVERITY_CRITICAL] = {"critical", 0},
};

/* Publishers' words beyond our own, and who says so. */
static const struct {
    const char *word;
    enum severity severity;
} words[] = {
    {"moderate", SEVERITY_MEDIUM},          /* Red Hat, SUSE, GHSA */
    {"important", SEVERITY_HIGH},           /* Red Hat, SUSE, Amazon */
    {"negligible", SEVERITY_LOW},           /* Ubuntu */
    {"minor", SEVERITY_LOW},                /* Debian, older SUSE */
    {"unimportant", SEVERITY_LOW},          /* Debian: no security impact in practice */
    {"untriaged", SEVERITY_UNKNOWN},        /* Ubuntu */
    {"not yet assigned", SEVERITY_UNKNOWN}, /* Debian urgency */
    {"end-of-life", SEVERITY_UNKNOWN},      /* Debian urgency: a state, not a rating */
    {"unspecified", SEVERITY_UNKNOWN},      /* Red Hat */
    {"n/a", SEVERITY_UNKNOWN},
    {"informational", SEVERITY_NONE}, /* RustSec */
};

const char *severity_name(enum severity severity)
{
    return severities[(size_t)severity < ARRAY_LEN(severities) ? severity : SEVERITY_UNKNOWN].name;
}

bool severity_parse(str text, enum severity *out)
{
    text = str_trim(text);
    for (size_t i = 0; i < ARRAY_LEN(severities); i++)
        if (str_eq_nocase(text, str_from(severities[i].name))) {
            *out = (enum severity)i;
            return true;
        }
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (str_eq_nocase(text, str_from(words[i].word))) {
            *out = words[i].severity;
            return true;
        }
    return false;
}

int severity_rank(enum severity severity)
{
    return severities[(size_t)severity < ARRAY_LEN(severities) ? severity : SEVERITY_UNKNOWN].rank;
}

/* CVSS 3.1 section 5, 4.0 section 6: the same bands; the National Vulnerability Database's for 2.0
 * differ only in having no critical. */
enum severity cvss_severity(double score)
{
    if (score >= 9.0)
        return SEVERITY_CRITICAL;
    if (score >= 7.0)
        return SEVERITY_HIGH;
    if (score >= 4.0)
        return SEVERITY_MEDIUM;
    return score > 0.0 ? SEVERITY_LOW : SEVERITY_NONE;
}
