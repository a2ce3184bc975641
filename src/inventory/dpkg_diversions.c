/* SPDX-License-Identifier: Apache-2.0 */
/* dpkg_diversions.c - var/lib/dpkg/diversions: where files of a package lie that gave way to those
 * of another.  Three lines each (dpkg-divert(1), dpkg's lib/dpkg/db-fsys-divert.c):
 *
 *   /usr/bin/parallel             as packages list it
 *   /usr/bin/parallel.moreutils   where it is
 *   parallel                      the package whose own file stays, or ":" of the administrator
 *
 * A broken one costs coverage, no package. */
#include "base/limits.h"
#include "inventory/internal.h"

static bool read_path(struct rd *in, uint64_t *hash)
{
    str line;
    if (!rd_line(in, LIMIT(STANZA_LINE), &line))
        return false;
    *hash = path_hash_from(PATH_ROOT_HASH, line);
    return str_starts(line, STR("/")) || rd_fail(in, ERR_FORMAT, "expected an absolute path");
}

static bool add(struct arena *arena, struct file_record *file, struct file_diversion diversion,
                struct err *err)
{
    if (file->diversions.len >= LIMIT(OWNED_PATHS))
        return err_set(err, ERR_LIMIT, "more than %zu files (owned-paths)",
                       (size_t)LIMIT(OWNED_PATHS));
    struct file_diversion *to = vec_push(arena, &file->diversions);
    if (!to)
        return err_memory(err);
    *to = diversion;
    to->by = arena_dup(arena, diversion.by);
    return to->by.ptr || err_memory(err);
}

static bool dpkg_diversions_parse(struct arena *arena, str path, struct rd *in,
                                  struct file_record *file, struct err *err)
{
    struct file_diversion diversion;
    (void)path;
    while (read_path(in, &diversion.from)) {
        if (!read_path(in, &diversion.to) || !rd_line(in, LIMIT(FIELD), &diversion.by)) {
            if (rd_is_ok(in))
                rd_fail(in, ERR_FORMAT, "a diversion of fewer than three lines");
            break;
        }
        if (str_eq(diversion.by, STR(":")))
            diversion.by = STR_NONE;
        if (!add(arena, file, diversion, err))
            return false;
    }
    return rd_ok(in, err);
}

const struct detector detector_dpkg_diversions = {
    .name = "dpkg_diversions",
    .revision = 1,
    .summary = "where files of Debian packages lie that were diverted",
    .spec = "dpkg-divert(1)",
    .paths = PATHS("var/lib/dpkg/diversions"),
    .limit = LIMIT_ID_PACKAGE_DB,
    .owner_type = "deb",
    .parse = dpkg_diversions_parse,
};
