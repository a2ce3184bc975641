/* SPDX-License-Identifier: Apache-2.0 */
/* dpkg_list.c - var/lib/dpkg/info/<package>[:<architecture>].list: the paths that a package put
 * there, a line each, folders too (dpkg(1), FILES).  A broken one costs coverage, no package. */
#include "base/limits.h"
#include "base/num.h"
#include "inventory/internal.h"

/* The scripts of its control archive lie beside the list, which does not name them: they are of the
 * package too (deb-preinst(5) and the like). */
static bool add_scripts(struct arena *arena, struct file_record *file, str path, str stem,
                        struct err *err)
{
    static const char *const ends[] = {"preinst", "postinst", "prerm", "postrm", "config"};
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        str script = arena_printf(arena, STR_FMT ".%s", STR_ARG(stem), ends[i]);
        if (!script.ptr)
            return err_memory(err);
        if (!owner_add(arena, file, path_dir(path), script, err))
            return false;
    }
    return true;
}

static bool dpkg_list_parse(struct arena *arena, str path, struct rd *in, struct file_record *file,
                            struct err *err)
{
    str stem = path_base(path);
    stem = str_slice(stem, 0, stem.len - num_min(stem.len, STR(".list").len));
    return owner_begin(arena, file, str_slice(stem, 0, str_find_byte(stem, ':')), err) &&
           add_scripts(arena, file, path, stem, err) &&
           owner_read_list(arena, in, false, file, err);
}

const struct detector detector_dpkg_list = {
    .name = "dpkg_list",
    .revision = 1,
    .summary = "which files Debian packages own",
    .spec = "dpkg(1)",
    .paths = PATHS("var/lib/dpkg/info/*.list"),
    .limit = LIMIT_ID_PACKAGE_DB,
    .parse = dpkg_list_parse,
};
