/* SPDX-License-Identifier: Apache-2.0 */
/* opkg_list.c - usr/lib/opkg/info/NAME.list: the paths that a package put there, a line each; newer
 * ones have the mode behind a tab, and the target of a link behind another.  A broken one costs
 * coverage, no package. */
#include "base/limits.h"
#include "base/num.h"
#include "inventory/internal.h"

static bool opkg_list_parse(struct arena *arena, str path, struct rd *in, struct file_record *file,
                            struct err *err)
{
    str base = path_base(path), line, listed, rest;
    str name = str_slice(base, 0, base.len - num_min(base.len, STR(".list").len));
    if (!owner_begin(arena, file, name, err) || !owner_add_scripts(arena, file, path, name, err))
        return false;
    while (rd_line(in, LIMIT(STANZA_LINE), &line)) {
        listed = line;
        str_cut_byte(line, '\t', &listed, &rest);
        if (listed.len && !owner_add(arena, file, PATH_ROOT_HASH, listed, err))
            return false;
    }
    return rd_ok(in, err);
}

const struct detector detector_opkg_list = {
    .name = "opkg_list",
    .revision = 1,
    .summary = "which files OpenWrt and Yocto packages own",
    .spec = "opkg(1), the info folder",
    .paths = PATHS("usr/lib/opkg/info/*.list", "var/lib/opkg/info/*.list", "var/opkg/info/*.list"),
    .limit = LIMIT_ID_PACKAGE_DB,
    .owner_type = "opkg",
    .parse = opkg_list_parse,
};
