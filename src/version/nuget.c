/* SPDX-License-Identifier: Apache-2.0 */
/* nuget.c - NuGetVersion: up to four numbers, missing ones are zero, identifiers without case. */
#include "version/internal.h"

static const struct version_grammar grammar = {
    .flags = GRAMMAR_TRIMMED | GRAMMAR_ZEROES | GRAMMAR_NOCASE, .least = 1, .most = 4};

static bool nuget_is_valid(str version) { return precedence_is_valid(version, grammar); }
static enum version_order nuget_cmp(str a, str b) { return precedence_cmp(a, b, grammar); }

extern const struct version_scheme version_nuget;
const struct version_scheme version_nuget = {
    .name = "nuget",
    .spec = "NuGet, Package versioning",
    .is_valid = nuget_is_valid,
    .cmp = nuget_cmp,
};
