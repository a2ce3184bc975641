/* SPDX-License-Identifier: Apache-2.0 */
/* suse_release.c - etc/SuSE-release, which SUSE wrote until os-release took over:
 *
 *     SUSE Linux Enterprise Server 11 (x86_64)
 *     VERSION = 11
 *     PATCHLEVEL = 4          os-release's VERSION_ID is then "11.4"; 0 adds nothing
 *     CODENAME = Harlequin    openSUSE's
 */
#include "base/limits.h"
#include "base/num.h"
#include "inventory/internal.h"

/* How the name begins, longest first where one begins like another; and the ID of os-release(5). */
static const struct {
    const char *name, *id;
} names[] = {
    {"SUSE Linux Enterprise Server for SAP", "sles_sap"},
    {"SUSE Linux Enterprise Server", "sles"},
    {"SUSE Linux Enterprise Desktop", "sled"},
    {"openSUSE", "opensuse"},
    {"SUSE LINUX", "opensuse"},
};

static bool read_fields(struct rd *in, str *version, str *patch, str *codename)
{
    str line, key, value;
    while (rd_line(in, LIMIT(FIELD), &line)) {
        if (!str_cut_byte(line, '=', &key, &value))
            continue; /* comments that the file has since SLES 12 */
        key = str_trim(key);
        value = str_trim(value);
        if (str_eq(key, STR("VERSION")))
            *version = value;
        else if (str_eq(key, STR("PATCHLEVEL")))
            *patch = str_eq(value, STR("0")) ? STR_NONE : value;
        else if (str_eq(key, STR("CODENAME")))
            *codename = value;
    }
    return rd_is_ok(in);
}

static const char *id_of(str name)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_starts(name, str_from(names[i].name)))
            return names[i].id;
    return NULL;
}

static bool suse_release_parse(struct arena *arena, str path, struct rd *in,
                               struct file_record *file, struct err *err)
{
    (void)path;
    str name, version = STR_NONE, patch = STR_NONE, codename = STR_NONE;
    if (!rd_line(in, LIMIT(FIELD), &name))
        return rd_ok(in, err); /* empty: it says nothing */
    name = str_trim(name);
    if (name.len == 0)
        return true;
    const char *id = id_of(name);
    if (!id)
        return err_set(err, ERR_FORMAT, "the distribution \"%.*s\" is not known", STR_ARG(name));
    if (!read_fields(in, &version, &patch, &codename))
        return rd_ok(in, err);
    struct distro *distro = &file->distro;
    distro->id = str_from(id);
    distro->version_id = arena_printf(arena, STR_FMT "%s" STR_FMT, STR_ARG(version),
                                      patch.len ? "." : "", STR_ARG(patch));
    distro->codename = arena_dup(arena, codename);
    distro->name = arena_dup(arena, name);
    return (distro->version_id.ptr && distro->codename.ptr && distro->name.ptr) || err_memory(err);
}

const struct detector detector_suse_release = {
    .name = "suse_release",
    .revision = 1,
    .summary = "SUSE and openSUSE where os-release is missing: VERSION, PATCHLEVEL, CODENAME",
    .spec = "the file of SUSE's release packages",
    .paths = PATHS("etc/SuSE-release"),
    .limit = LIMIT_ID_RELEASE_FILE,
    .release_rank = 6,
    .parse = suse_release_parse,
};
