/* SPDX-License-Identifier: Apache-2.0 */
/* internal.h - the metrics of a CVSS vector, read the same way for every version. */
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
