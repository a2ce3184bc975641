/* SPDX-License-Identifier: Apache-2.0 */
/* internal.h - what the writers share: output in pieces, text for terminals, grouping by fix. */
#pragma once

#include "base/sb.h"
#include "report/report.h"

/* --- output in pieces: memory does not grow with the report -------------------------------------- */
struct out {
    int fd;
    struct sb sb;    /* what was not written yet */
    struct err *err; /* borrowed; the first failure */
    bool has_failed;
};
void out_open(struct out *out, int fd, struct err *err);
/* Between two items: write when enough has come together. */
void out_piece(struct out *out);
/* Write the rest; false when anything failed on the way. */
NODISCARD bool out_close(struct out *out);

/* --- grouping: one upgrade that heals many findings is one step ----------------------------------- */
typedef VEC(const struct finding *) finding_refs;
struct group {
    const struct finding *first; /* names package, version, type */
    const struct finding *best;  /* with the highest fixed version: its command heals all */
    finding_refs members;        /* one per id, in the report's order: worst severity first */
    size_t n_findings;           /* the same id at several paths counts each time */
    strs paths;                  /* distinct, in the report's order */
    size_t n_kev;
    double epss; /* highest */
};
typedef VEC(struct group) groups;
/* Of the listed findings.  With a fix: by package and installed version, as long as their fixed
 * versions can be compared; without: by fix state too.  Sorted: with a fix, known exploited,
 * severity, EPSS, name.  False when @arena is used up. */
NODISCARD bool group_findings(struct arena *arena, const struct report *report,
                              const struct report_filter *filter, groups *out);
