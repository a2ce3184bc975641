/* SPDX-License-Identifier: Apache-2.0 */
/* semver.c - Semantic Versioning 2.0.0, with the "v" of tags and white space around it
 * allowed. */
#include "version/internal.h"

static const struct version_grammar grammar = {.flags = GRAMMAR_TRIMMED, .least = 3, .most = 3};

static bool semver_is_valid(str version) { return precedence_is_valid(version, grammar); }
static enum version_order semver_cmp(str a, str b) { return precedence_cmp(a, b, grammar); }

extern const struct version_scheme version_semver;
const struct version_scheme version_semver = {
    .name = "semver",
    .spec = "Semantic Versioning 2.0.0",
    .is_valid = semver_is_valid,
    .cmp = semver_cmp,
};
