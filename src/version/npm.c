/* SPDX-License-Identifier: Apache-2.0 */
/* npm.c - versions as npm takes them: SemVer, parsed loosely (node-semver, "loose"). */
#include "version/internal.h"

static const struct version_grammar grammar = {
    .flags = GRAMMAR_TRIMMED | GRAMMAR_LOOSE | GRAMMAR_ZEROES, .least = 3, .most = 3};

static bool npm_is_valid(str version) { return precedence_is_valid(version, grammar); }
static enum version_order npm_cmp(str a, str b) { return precedence_cmp(a, b, grammar); }

extern const struct version_scheme version_npm;
const struct version_scheme version_npm = {
    .name = "npm",
    .spec = "Semantic Versioning 2.0.0 as node-semver parses it loosely",
    .is_valid = npm_is_valid,
    .cmp = npm_cmp,
};
