/* SPDX-License-Identifier: Apache-2.0 */
/* dpkg_list.c - var/lib/dpkg/info/<package>[:<architecture>].list: the paths that a package put
 * there, a line each, folders too (dpkg(1), FILES); and .md5sums beside it, where images were
 * stripped of the lists.  A broken one costs coverage, no package. */
#include "base/limits.h"
#include "inventory/internal.h"

static bool dpkg_list_parse(struct arena *arena, str path, struct rd *in, struct file_record *file,
                            struct err *err)
{
    str base = path_base(path);
    str stem = str_slice(base, 0, str_rfind_byte(base, '.'));
    return owner_begin(arena, file, str_slice(stem, 0, str_find_byte(stem, ':')), err) &&
           owner_add_scripts(arena, file, path, stem, err) &&
           owner_read_list(arena, in, str_ends(base, STR(".md5sums")), file, err);
}

const struct detector detector_dpkg_list = {
    .name = "dpkg_list",
    .revision = 2,
    .summary = "which files Debian packages own",
    .spec = "dpkg(1), md5sum(1)",
    .paths = PATHS("var/lib/dpkg/info/*.list", "var/lib/dpkg/info/*.md5sums"),
    .limit = LIMIT_ID_PACKAGE_DB,
    .owner_type = "deb",
    .parse = dpkg_list_parse,
};
