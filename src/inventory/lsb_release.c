/* SPDX-License-Identifier: Apache-2.0 */
/* lsb_release.c - etc/lsb-release, for systems older than os-release: LSB 3.0, 22.1 lsb_release. */
#include "base/limits.h"
#include "inventory/internal.h"

/* "Ubuntu" is the ID "ubuntu" of os-release(5): lower case, [a-z0-9._-], spaces left out. */
static str id_from_name(struct arena *arena, str name)
{
    char *id = arena_alloc(arena, name.len + 1);
    size_t n = 0;
    for (size_t i = 0; id && i < name.len; i++) {
        char c = name.ptr[i];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-')
            id[n++] = c;
    }
    return (str){id, n};
}

static bool lsb_release_parse(struct arena *arena, str path, struct rd *in,
                              struct file_record *file, struct err *err)
{
    (void)path;
    struct distro *distro = &file->distro;
    struct assignment assignment;
    size_t n_odd = 0;
    enum next next;
    while ((next = assignment_read(in, arena, &assignment, &n_odd)) == NEXT_ITEM) {
        if (str_eq(assignment.name, STR("DISTRIB_ID"))) {
            distro->id = id_from_name(arena, assignment.value);
            if (!distro->id.ptr)
                return err_memory(err);
        } else if (str_eq(assignment.name, STR("DISTRIB_RELEASE"))) {
            distro->version_id = assignment.value;
        } else if (str_eq(assignment.name, STR("DISTRIB_CODENAME"))) {
            distro->codename = assignment.value;
        } else if (str_eq(assignment.name, STR("DISTRIB_DESCRIPTION"))) {
            distro->name = assignment.value;
        }
    }
    if (next == NEXT_ERR)
        return rd_ok(in, err);
    if (distro->id.len == 0 && n_odd)
        return err_set(err, ERR_FORMAT, "no DISTRIB_ID, and %zu lines that are no assignment",
                       n_odd);
    return true;
}

const struct detector detector_lsb_release = {
    .name = "lsb_release",
    .revision = 1,
    .summary = "the distribution where os-release is missing: DISTRIB_ID, _RELEASE, _CODENAME, "
               "_DESCRIPTION",
    .spec = "Linux Standard Base 3.0, lsb_release",
    .paths = PATHS("etc/lsb-release", "usr/lib/lsb-release"),
    .limit = LIMIT_ID_RELEASE_FILE,
    .release_rank = 2,
    .parse = lsb_release_parse,
};
