/* SPDX-License-Identifier: Apache-2.0 */
/* portage.c - var/db/pkg/CATEGORY/PF/: a folder a package, a small file each of its variables.
 *
 *     var/db/pkg/dev-perl/Getopt-Long-2.580.0-r1/PF      "Getopt-Long-2.580.0-r1"
 *                |        |           '- version, with the revision
 *                |        '- name
 *                '- category, part of the name that Gentoo's advisories use
 *
 * PF repeats the folder's name and is what we read: one small file a package whose name no other
 * software uses.  LICENSE, SLOT and the rest lie beside it under names that half of all images hold
 * by the thousand. */
#include "base/limits.h"
#include "inventory/internal.h"
#include "version/version.h"

static bool is_name(str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_word && c != '_' && c != '-' && c != '+')
            return false;
    }
    return name.len && name.ptr[0] != '-' && name.ptr[0] != '+';
}

/* Package Manager Specification 3.1.2: a name does not end in what could be a version, so the first
 * hyphen with a version behind it is the place. */
bool portage_split(str pf, str *name, str *version)
{
    const struct version_scheme *scheme = version_find(STR("portage"));
    for (size_t at = str_find_byte(pf, '-'); at < pf.len;
         at += 1 + str_find_byte(str_skip(pf, at + 1), '-')) {
        *name = str_slice(pf, 0, at);
        *version = str_skip(pf, at + 1);
        if (scheme->is_valid(*version))
            return is_name(*name);
    }
    return false;
}

str portage_name(struct arena *arena, str path, str name)
{
    str above = path_dir(path_dir(path)), category = path_base(above);
    bool is_top = str_eq(path_base(path_dir(above)), STR("db")); /* the database's own folder */
    return is_top || category.len == 0
               ? arena_dup(arena, name)
               : arena_printf(arena, STR_FMT "/" STR_FMT, STR_ARG(category), STR_ARG(name));
}

static bool add_package(struct arena *arena, struct file_record *file, str path, str name,
                        str version, struct err *err)
{
    str full = portage_name(arena, path, name);
    if (!full.ptr)
        return err_memory(err);
    struct package *package = record_package(arena, file, "ebuild", full, version, STR_NONE, err);
    if (!package)
        return false;
    package->source_name = package->name; /* every ebuild is its own source */
    package->source_version = package->version;
    return true;
}

static bool portage_parse(struct arena *arena, str path, struct rd *in, struct file_record *file,
                          struct err *err)
{
    str folder = path_base(path_dir(path));
    str line = STR_NONE, name, version, named, dated;
    if (cancel_is(in->cancel, err))
        return false;
    if (str_starts(folder, STR("-MERGING-")))
        return true; /* not installed yet, or never: Portage names it so until it is */
    if (!rd_line(in, LIMIT(FIELD), &line) && !rd_ok(in, err))
        return false;
    line = str_trim(line);
    bool has_folder = portage_split(folder, &named, &dated);
    str pf = line.len ? line : folder;
    if (line.len == 0 && !has_folder)
        return true;
    if (!portage_split(pf, &name, &version))
        return err_set(err, ERR_FORMAT, "\"%.*s\" is not NAME-VERSION", STR_ARG(pf));
    if (!add_package(arena, file, path, name, version, err))
        return false;
    return !has_folder || str_eq(pf, folder) ||
           err_set(err, ERR_FORMAT, "it says \"%.*s\", its folder \"%.*s\"", STR_ARG(pf),
                   STR_ARG(folder));
}

const struct detector detector_portage = {
    .name = "portage",
    .revision = 1,
    .summary = "installed Gentoo packages: category, name and version of the folder and its PF",
    .spec = "Gentoo Package Manager Specification, 3.1 and 3.2; portage(5), /var/db/pkg",
    .paths = PATHS("var/db/pkg/*/*/PF", "var/db/pkg/*/PF"),
    .limit = LIMIT_ID_RELEASE_FILE,
    .is_os_database = true,
    .parse = portage_parse,
};
