/* SPDX-License-Identifier: Apache-2.0 */
/* cargo.c - crates: SemVer without exception.  That the order of Rust's crate `semver` goes on with
 * the build metadata concerns sorting alone: a requirement ignores it, and so do advisories. */
#include "version/internal.h"

static const struct version_grammar grammar = {.flags = 0, .least = 3, .most = 3};

static bool cargo_is_valid(str version) { return precedence_is_valid(version, grammar); }
static enum version_order cargo_cmp(str a, str b) { return precedence_cmp(a, b, grammar); }

extern const struct version_scheme version_cargo;
const struct version_scheme version_cargo = {
    .name = "cargo",
    .spec = "Semantic Versioning 2.0.0, The Cargo Book: Version field",
    .is_valid = cargo_is_valid,
    .cmp = cargo_cmp,
};
