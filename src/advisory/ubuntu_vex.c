/* SPDX-License-Identifier: Apache-2.0 */
/* ubuntu_vex.c - Canonical's OpenVEX documents, one for each CVE.  They name the versions that are
 * published now, so they answer for exactly those and cover no release: that is ubuntu-oval's or
 * OSV's affair. */
#include "advisory/internal.h"

const struct feed feed_ubuntu_vex = {
    .name = "ubuntu-vex",
    .summary = "Ubuntu: which published versions are affected, fixed or not affected (OpenVEX)",
    .default_url = "https://security-metadata.canonical.com/vex/vex-all.tar.xz",
    .licence = "CC-BY-SA-4.0",
    .cadence = "daily",
    .is_named_only = true,
    .read = vex_feed_read,
};
