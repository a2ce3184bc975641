/* SPDX-License-Identifier: Apache-2.0 */
/* debian_version.c - etc/debian_version: "12.5", or "trixie/sid" before a release and in
 * derivatives, which have an os-release or lsb-release that goes first. */
#include "base/limits.h"
#include "inventory/internal.h"

static bool debian_version_parse(struct arena *arena, str path, struct rd *in,
                                 struct file_record *file, struct err *err)
{
    (void)path;
    str line;
    if (!rd_line(in, LIMIT(FIELD), &line))
        return rd_ok(in, err); /* empty: it says nothing */
    line = str_trim(line);
    if (line.len == 0)
        return true;
    struct distro *distro = &file->distro;
    str copy = arena_dup(arena, line);
    if (!copy.ptr)
        return err_memory(err);
    distro->id = STR("debian");
    if (copy.ptr[0] >= '0' && copy.ptr[0] <= '9')
        distro->version_id =
            str_slice(copy, 0, str_find_byte(copy, '.')); /* os-release says "12" */
    else
        distro->codename = copy;
    return true;
}

const struct detector detector_debian_version = {
    .name = "debian_version",
    .revision = 1,
    .summary = "the Debian release where os-release is missing or names none",
    .spec = "the file of base-files",
    .paths = PATHS("etc/debian_version"),
    .limit = LIMIT_ID_RELEASE_FILE,
    .release_rank = 5,
    .parse = debian_version_parse,
};
