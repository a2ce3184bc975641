/* SPDX-License-Identifier: Apache-2.0 */
/* alpine_release.c - etc/alpine-release: the version, alone on a line. */
#include "base/limits.h"
#include "inventory/internal.h"

static bool alpine_release_parse(struct arena *arena, str path, struct rd *in,
                                 struct file_record *file, struct err *err)
{
    (void)path;
    str line;
    if (!rd_line(in, LIMIT(FIELD), &line))
        return rd_ok(in, err); /* empty: it says nothing */
    line = str_trim(line);
    if (line.len == 0)
        return true;
    if (line.ptr[0] < '0' || line.ptr[0] > '9')
        return err_set(err, ERR_FORMAT, "\"%.*s\" is no version", STR_ARG(line));
    file->distro.id = STR("alpine");
    file->distro.version_id = arena_dup(arena, line);
    return file->distro.version_id.ptr || err_memory(err);
}

const struct detector detector_alpine_release = {
    .name = "alpine_release",
    .revision = 1,
    .summary = "the Alpine version where os-release is missing",
    .spec = "the file of alpine-baselayout",
    .paths = PATHS("etc/alpine-release"),
    .limit = LIMIT_ID_RELEASE_FILE,
    .release_rank = 4,
    .parse = alpine_release_parse,
};
