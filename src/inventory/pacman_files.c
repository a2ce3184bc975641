/* SPDX-License-Identifier: Apache-2.0 */
/* pacman_files.c - var/lib/pacman/local/NAME-VERSION-RELEASE/files: what a package put where.
 *
 *     %FILES%
 *     usr/
 *     usr/bin/
 *     usr/bin/gawk
 *     (an empty line)
 *     %BACKUP%
 *     etc/x.conf (a tab) md5
 *
 * Folders end in a slash and own nothing.  A broken one costs coverage, no package. */
#include "base/limits.h"
#include "inventory/internal.h"

/* Neither version nor release has a hyphen (PKGBUILD(5)). */
static str name_of(str folder)
{
    str name = str_slice(folder, 0, str_rfind_byte(folder, '-'));
    size_t at = str_rfind_byte(name, '-');
    return name.len < folder.len && at < name.len ? str_slice(name, 0, at) : STR_NONE;
}

static bool pacman_files_parse(struct arena *arena, str path, struct rd *in,
                               struct file_record *file, struct err *err)
{
    str name = name_of(path_base(path_dir(path))), line;
    bool is_list = false;
    if (cancel_is(in->cancel, err))
        return false;
    if (name.len == 0)
        return true; /* no package's folder */
    if (!owner_begin(arena, file, name, err))
        return false;
    while (rd_line(in, LIMIT(STANZA_LINE), &line)) {
        if (str_starts(line, STR("%")) && str_ends(line, STR("%")))
            is_list = str_eq(line, STR("%FILES%"));
        else if (line.len == 0)
            is_list = false;
        else if (is_list && !str_ends(line, STR("/")) &&
                 !owner_add(arena, file, PATH_ROOT_HASH, line, err))
            return false;
    }
    return rd_ok(in, err);
}

const struct detector detector_pacman_files = {
    .name = "pacman_files",
    .revision = 1,
    .summary = "which files Arch Linux packages own: %FILES%",
    .spec = "pacman(8), libalpm's local database, version 9",
    .paths = PATHS("var/lib/pacman/local/*/files"),
    .limit = LIMIT_ID_PACKAGE_DB,
    .owner_type = "alpm",
    .parse = pacman_files_parse,
};
