/* SPDX-License-Identifier: Apache-2.0 */
/* name_release.c - release files whose own name tells the distribution, so that their text may say
 * anything: "VMware Photon OS 3.0", "CBL-Mariner 2.0.20240112", "Gentoo Base System release 2.14",
 * and nothing at all in Arch's.  The version is the first word of the first line that begins with a
 * digit, perhaps behind a "v". */
#include "base/limits.h"
#include "base/num.h"
#include "inventory/internal.h"

static const struct {
    const char *file, *id;
} names[] = {
    {"arch-release", "arch"},     {"azurelinux-release", "azurelinux"},
    {"gentoo-release", "gentoo"}, {"mariner-release", "mariner"},
    {"photon-release", "photon"},
};

static str version_of(str line)
{
    str word;
    while (str_next(&line, ' ', &word)) {
        if (word.len > 1 && word.ptr[0] == 'v')
            word = str_skip(word, 1);
        if (word.len && word.ptr[0] >= '0' && word.ptr[0] <= '9')
            return word;
    }
    return STR_NONE;
}

/* Azure's third number is the build's day, which VERSION_ID has too. */
static bool name_release_parse(struct arena *arena, str path, struct rd *in,
                               struct file_record *file, struct err *err)
{
    str line = STR_NONE;
    if (!rd_line(in, LIMIT(FIELD), &line) && !rd_ok(in, err))
        return false;
    line = str_trim(line);
    struct distro *distro = &file->distro;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (!str_eq(path_base(path), str_from(names[i].file)))
            continue;
        distro->id = str_from(names[i].id);
        distro->version_id = arena_dup(arena, version_of(line));
        distro->name = arena_dup(arena, line);
        return (distro->version_id.ptr && distro->name.ptr) || err_memory(err);
    }
    return true; /* of another name: it is reached by a link, and says nothing */
}

const struct detector detector_name_release = {
    .name = "name_release",
    .revision = 1,
    .summary = "Arch, Azure Linux, Gentoo, Mariner and Photon where os-release is missing",
    .spec = "the files of the distributions' base packages",
    .paths = PATHS("etc/photon-release", "etc/azurelinux-release", "etc/mariner-release",
                   "etc/gentoo-release", "etc/arch-release"),
    .limit = LIMIT_ID_RELEASE_FILE,
    .release_rank = 7,
    .parse = name_release_parse,
};
