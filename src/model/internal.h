/* SPDX-License-Identifier: Apache-2.0 */
/* internal.h - the metrics of a CVSS vector, read the same way for every version; what a purl's
 * type asks of it. */
#pragma once

#include "model/model.h"

enum { CVSS_VALUES = 6, CVSS_METRICS = 32 };

/* One metric of one version of the standard.  A metric that is not mandatory has "not defined" as
 * its first value. */
struct cvss_metric {
    const char *key;
    bool is_mandatory;
    const char *values[CVSS_VALUES + 1]; /* NULL behind the last */
    double weights[CVSS_VALUES];         /* as the specification names them; unused by 4.0 */
};

/* "AV:N/AC:L/…" into the index of each metric's value.  Any order; a metric twice, one that is
 * unknown, a missing mandatory one or an unknown value is ERR_FORMAT. */
NODISCARD bool cvss_read(str vector, const struct cvss_metric *metrics, size_t n,
                         uint8_t values[static CVSS_METRICS], struct err *err);

NODISCARD bool cvss4_score(str metrics, double *score, struct err *err);

/* PURL_DASHES: '_' is written '-'.  PURL_ANY_KEYS: keys of qualifiers in upper case are taken as if
 * they were lower: the specification's own tests want that of maven, and of rpm and gem the
 * opposite, which is what its text says of a canonical purl. */
enum {
    PURL_LOWER_NS = 1,
    PURL_LOWER_NAME = 2,
    PURL_DASHES = 4,
    PURL_NEEDS_NS = 8,
    PURL_ANY_KEYS = 16,
};
struct purl_type {
    const char *type;
    unsigned flags;
    char separator; /* a package name is namespace and name around the last one of it; 0: name alone
                     */
};
const struct purl_type *
purl_type_find(str type); /* never NULL: of an unknown type nothing is asked */
static inline char purl_lower(char c) { return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c); }
/* The specification's rules for each component. */
NODISCARD bool purl_check(const struct purl *purl, struct err *err);
