/* SPDX-License-Identifier: Apache-2.0 */
/* chainguard_secdb.c - Chainguard's security.json, in the form of Wolfi's. */
#include "advisory/internal.h"

static bool chainguard_secdb_read(struct feed_reader *reader, struct err *err)
{
    return wolfi_form_read(reader, STR("Chainguard"), err);
}

const struct feed feed_chainguard_secdb = {
    .name = "chainguard-secdb",
    .summary = "Chainguard: which version of a package fixed what",
    .default_url = "https://packages.cgr.dev/chainguard/security.json",
    .licence = "as Chainguard states (CC-BY-NC-ND-4.0)",
    .cadence = "hourly",
    .read = chainguard_secdb_read,
};
