/* SPDX-License-Identifier: Apache-2.0 */
/* assess.h - from findings to a decision: verdict, remediation, names, score.  Pure functions,
 * shared by the command line and the server.  Not: finding (match/) or keeping (store/). Owns:
 * nothing; strings go into the arena given.  Threads: pure. */
#pragma once

#include "match/match.h"

enum verdict {
    VERDICT_UNKNOWN,
    VERDICT_HEALTHY,
    VERDICT_UNHEALTHY,
    VERDICT_NOT_APPLICABLE,
    VERDICT_FAILED
};
const char *verdict_name(enum verdict verdict); /* "Healthy", …; VERDICT_UNKNOWN prints "Failed" */

/* The verdict table of DESIGN 6: every input that decides it, and nothing else. */
struct verdict_input {
    str not_assessable; /* Windows, not an image …: the reason; empty when it is assessable */
    bool is_complete;   /* layers, databases, limits, versions */
    bool is_identified; /* a distribution or a package was found */
    enum match_ground ground;
    bool is_end_of_life;
    size_t n_findings; /* that no rule disables and that count (kernel headers do not) */
    str distro_name;   /* for the reason */
};
struct verdict_output {
    enum verdict verdict;
    str reason; /* empty for Healthy and Unhealthy */
};
/* @arena for the reason's text.  Never Healthy unless everything is known. */
struct verdict_output assess_verdict(struct arena *arena, const struct verdict_input *in);

/* Remediation of DESIGN 5: text, command, step. @created_by is the build step of the finding's
 * layer. */
NODISCARD bool assess_remediate(struct arena *arena, struct finding *finding,
                                const struct distro *distro, str created_by);

/* UUID version 8 (RFC 9562: our own, from sha256) over the parts, each with its length: the same
 * parts give the same name for ever. */
str assess_uuid(struct arena *arena, const str *parts, size_t n);
/* DESIGN 5: over registry, assessment key, repository, digest, package key and id. */
str assess_finding_name(struct arena *arena, str registry_id, str assessment_key, str repository,
                        str image_digest, const struct finding *finding);
