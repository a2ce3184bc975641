/* SPDX-License-Identifier: Apache-2.0 */
/* pub.c - Dart's pub_semver: SemVer whose build metadata is ordered, none before any.  More
 * and fewer than three numbers are read too, as advisories have them. */
#include "version/internal.h"

static const struct version_grammar grammar = {
    .flags = GRAMMAR_TRIMMED | GRAMMAR_ZEROES | GRAMMAR_BUILD, .least = 1, .most = 0};

static bool pub_is_valid(str version) { return precedence_is_valid(version, grammar); }
static enum version_order pub_cmp(str a, str b) { return precedence_cmp(a, b, grammar); }

extern const struct version_scheme version_pub;
const struct version_scheme version_pub = {
    .name = "pub",
    .spec = "Dart pub_semver, class Version",
    .is_valid = pub_is_valid,
    .cmp = pub_cmp,
};
