/* SPDX-License-Identifier: Apache-2.0 */
/* opkg_control.c - usr/lib/opkg/info/NAME.control: what opkg kept of a package's own control file.
 * Where images were stripped of the status file these are what is left; where it is there, they
 * say source, licence and maintainer, which it does not. */
#include "base/limits.h"
#include "inventory/internal.h"

static bool opkg_control_parse(struct arena *arena, str path, struct rd *in,
                               struct file_record *file, struct err *err)
{
    (void)path;
    return opkg_read(arena, in, file, true, err);
}

const struct detector detector_opkg_control = {
    .name = "opkg_control",
    .revision = 1,
    .summary = "opkg packages that no status file lists, and for the others Source, SourceName, "
               "License, Maintainer",
    .spec = "opkg(1), the info folder; deb-control(5)",
    .paths = PATHS("usr/lib/opkg/info/*.control", "var/lib/opkg/info/*.control"),
    .limit = LIMIT_ID_PACKAGE_DB,
    .is_os_database = true,
    .is_spare = true,
    .parse = opkg_control_parse,
};
