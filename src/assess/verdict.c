/* SPDX-License-Identifier: Apache-2.0 */
/* verdict.c - the verdict table of DESIGN 6.  Read from the top, the first line that applies
 * decides:
 *
 *     not assessable                        NotApplicable
 *     findings                              Unhealthy
 *     incomplete                            Failed
 *     nothing identified                    NotApplicable
 *     no distribution, release not covered  NotApplicable
 *     end of life                           NotApplicable
 *     none of these                         Healthy */
#include "assess/assess.h"

#include "base/num.h"

static const char *const names[] = {
    [VERDICT_UNKNOWN] = "Failed",      [VERDICT_HEALTHY] = "Healthy",
    [VERDICT_UNHEALTHY] = "Unhealthy", [VERDICT_NOT_APPLICABLE] = "NotApplicable",
    [VERDICT_FAILED] = "Failed",
};

const char *verdict_name(enum verdict verdict)
{
    return (size_t)verdict < ARRAY_LEN(names) ? names[verdict] : names[VERDICT_UNKNOWN];
}

static str or_else(str s, str other) { return s.len ? s : other; }

static enum verdict decide(struct arena *arena, const struct verdict_input *in, str *reason)
{
    str distro = or_else(in->distro_name, STR("the distribution"));
    if (in->not_assessable.len) {
        *reason = arena_dup(arena, in->not_assessable);
        return VERDICT_NOT_APPLICABLE;
    }
    if (in->n_findings)
        return VERDICT_UNHEALTHY;
    if (!in->is_complete) {
        *reason = STR("nothing was found, but the image was not read or judged completely: see the "
                      "notices; it is scanned again");
        return VERDICT_FAILED;
    }
    if (!in->is_identified) {
        *reason = STR("neither a distribution nor a package could be identified in the image");
        return VERDICT_NOT_APPLICABLE;
    }
    if (in->ground == MATCH_NO_DISTRO) {
        *reason = STR(
            "the image does not say which distribution it is, so its packages cannot be judged");
        return VERDICT_NOT_APPLICABLE;
    }
    if (in->ground == MATCH_NO_PACKAGES) {
        *reason = arena_printf(arena,
                               "the image says that it is " STR_FMT
                               ", but no package database of it was found, so nothing is known of "
                               "what is installed",
                               STR_ARG(distro));
        return VERDICT_NOT_APPLICABLE;
    }
    if (in->ground != MATCH_OK) {
        *reason = arena_printf(arena,
                               "the advisory database does not cover " STR_FMT
                               ": add a feed for it with `plimsoll db update`",
                               STR_ARG(distro));
        return VERDICT_NOT_APPLICABLE;
    }
    if (in->is_end_of_life) {
        *reason = arena_printf(
            arena,
            STR_FMT " is past its end of life: no more security updates, nothing new known; "
                    "move to a supported release",
            STR_ARG(distro));
        return VERDICT_NOT_APPLICABLE;
    }
    return VERDICT_HEALTHY;
}

struct verdict_output assess_verdict(struct arena *arena, const struct verdict_input *in)
{
    struct verdict_output out = {0};
    out.verdict = decide(arena, in, &out.reason);
    return out;
}
