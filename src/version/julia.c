/* SPDX-License-Identifier: Apache-2.0 */
/* julia.c - Julia's VersionNumber: SemVer of one to three numbers whose build number is ordered:
 * binary packages are 1.2.11+0, 1.2.11+1. */
#include "version/internal.h"

static const struct version_grammar grammar = {
    .flags = GRAMMAR_ZEROES | GRAMMAR_BUILD, .least = 1, .most = 3};

static bool julia_is_valid(str version) { return precedence_is_valid(version, grammar); }
static enum version_order julia_cmp(str a, str b) { return precedence_cmp(a, b, grammar); }

extern const struct version_scheme version_julia;
const struct version_scheme version_julia = {
    .name = "julia",
    .spec = "Julia Base, VersionNumber",
    .is_valid = julia_is_valid,
    .cmp = julia_cmp,
};
