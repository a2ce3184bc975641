/* SPDX-License-Identifier: Apache-2.0 */
/* hex.c - Elixir's Version: SemVer, and nothing shorter than three numbers. */
#include "version/internal.h"

static const struct version_grammar grammar = {.flags = 0, .least = 3, .most = 3};

static bool hex_is_valid(str version) { return precedence_is_valid(version, grammar); }
static enum version_order hex_cmp(str a, str b) { return precedence_cmp(a, b, grammar); }

extern const struct version_scheme version_hex;
const struct version_scheme version_hex = {
    .name = "hex",
    .spec = "Elixir, module Version",
    .is_valid = hex_is_valid,
    .cmp = hex_cmp,
};
