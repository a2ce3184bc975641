/* SPDX-License-Identifier: Apache-2.0 */
/* generic.c - what many agree on, for ecosystems without rules of their own: any count of
 * numbers, missing ones are zero, and prereleases as SemVer has them.  Anything else is unknown. */
#include "version/internal.h"

static const struct version_grammar grammar = {.flags = GRAMMAR_ZEROES, .least = 1, .most = 0};

static bool generic_is_valid(str version) { return precedence_is_valid(version, grammar); }
static enum version_order generic_cmp(str a, str b) { return precedence_cmp(a, b, grammar); }

extern const struct version_scheme version_generic;
const struct version_scheme version_generic = {
    .name = "generic",
    .spec = "Semantic Versioning 2.0.0, 11, with any count of numbers",
    .is_valid = generic_is_valid,
    .cmp = generic_cmp,
};
