/* SPDX-License-Identifier: Apache-2.0 */
/* portage_contents.c - var/db/pkg/CATEGORY/PF/CONTENTS: what a package put where, a line each.
 *
 *     dir /usr/bin
 *     obj /usr/bin/sed 5f4dcc3b5aa765d61d8327deb882cf99 1700000000
 *     sym /usr/bin/gsed -> sed 1700000000
 *
 * Names may have blanks, so that an obj's other words are cut from its end.  Files only: folders,
 * links and devices own nothing.  A broken one costs coverage, no package. */
#include "base/limits.h"
#include "base/num.h"
#include "inventory/internal.h"

/* Without its last word; false: it has none. */
static bool cut_last(str *line)
{
    size_t at = str_rfind_byte(*line, ' ');
    if (at >= line->len)
        return false;
    *line = str_slice(*line, 0, at);
    return true;
}

static bool is_other(str kind)
{
    static const char *const others[] = {"dir", "sym", "dev", "fif"};
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        if (str_eq(kind, str_from(others[i])))
            return true;
    return false;
}

static bool portage_contents_parse(struct arena *arena, str path, struct rd *in,
                                   struct file_record *file, struct err *err)
{
    str name, version, line, kind, rest;
    struct flaws flaws = {0};
    if (cancel_is(in->cancel, err))
        return false;
    if (!portage_split(path_base(path_dir(path)), &name, &version))
        return true; /* not installed yet, or not Portage's */
    str full = portage_name(arena, path, name);
    if (!full.ptr)
        return err_memory(err);
    if (!owner_begin(arena, file, full, err))
        return false;
    while (rd_line(in, LIMIT(STANZA_LINE), &line)) {
        if (!str_cut_byte(line, ' ', &kind, &rest) || is_other(kind)) {
            if (line.len && !rest.len)
                flaws_add(&flaws, in->line, "not \"kind path\"");
            continue;
        }
        if (!str_eq(kind, STR("obj")) || !cut_last(&rest) || !cut_last(&rest))
            flaws_add(&flaws, in->line, "not \"obj path md5 time\"");
        else if (!owner_add(arena, file, PATH_ROOT_HASH, rest, err))
            return false;
    }
    return rd_ok(in, err) && flaws_ok(&flaws, err);
}

const struct detector detector_portage_contents = {
    .name = "portage_contents",
    .revision = 1,
    .summary = "which files Gentoo packages own: obj lines",
    .spec = "portage(5), /var/db/pkg",
    .paths = PATHS("var/db/pkg/*/*/CONTENTS", "var/db/pkg/*/CONTENTS"),
    .limit = LIMIT_ID_PACKAGE_DB,
    .owner_type = "ebuild",
    .parse = portage_contents_parse,
};
