/* SPDX-License-Identifier: Apache-2.0 */
/* redhat_release.c - etc/redhat-release and its kin: "<name> release <version> (<codename>)".
 * A derivative keeps its own file and often redhat-release too, so those with their own name go
 * first. */
#include "base/limits.h"
#include "inventory/internal.h"

/* How the name begins, longest first where one begins like another; and the ID of os-release(5). */
static const struct {
    const char *name, *id;
} names[] = {
    {"AlmaLinux", "almalinux"}, {"Amazon Linux", "amzn"},
    {"CentOS", "centos"},       {"Fedora", "fedora"},
    {"Oracle Linux", "ol"},     {"Red Hat Enterprise Linux", "rhel"},
    {"Rocky Linux", "rocky"},   {"Scientific Linux", "scientific"},
};

static bool copy_parts(struct arena *arena, struct distro *distro, str line, str rest,
                       struct err *err)
{
    str version, codename, after;
    str_cut_byte(str_trim(rest), ' ', &version, &rest);
    str_cut_byte(rest, '(', &after, &codename);
    str_cut_byte(codename, ')', &codename, &after);
    distro->version_id = arena_dup(arena, version);
    distro->codename = arena_dup(arena, codename);
    distro->name = arena_dup(arena, line);
    return (distro->version_id.ptr && distro->codename.ptr && distro->name.ptr) || err_memory(err);
}

static bool redhat_release_parse(struct arena *arena, str path, struct rd *in,
                                 struct file_record *file, struct err *err)
{
    (void)path;
    str line, name, rest;
    if (!rd_line(in, LIMIT(FIELD), &line))
        return rd_ok(in, err); /* empty: it says nothing */
    line = str_trim(line);
    if (line.len == 0)
        return true;
    if (!str_cut(line, STR(" release "), &name, &rest))
        return err_set(err, ERR_FORMAT, "not \"NAME release VERSION\"");
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (!str_starts(name, str_from(names[i].name)))
            continue;
        file->distro.id = str_from(names[i].id);
        return copy_parts(arena, &file->distro, line, rest, err);
    }
    return err_set(err, ERR_FORMAT, "the distribution \"%.*s\" is not known", STR_ARG(name));
}

const struct detector detector_redhat_release = {
    .name = "redhat_release",
    .revision = 1,
    .summary = "the distribution and version of Red Hat's kin where os-release is missing",
    .spec = "the files of redhat-release and the derivatives' release packages",
    .paths = PATHS("etc/oracle-release", "etc/rocky-release", "etc/almalinux-release",
                   "etc/centos-release", "etc/fedora-release", "usr/lib/fedora-release",
                   "etc/system-release", "etc/redhat-release", "usr/lib/redhat-release"),
    .limit = LIMIT_ID_RELEASE_FILE,
    .release_rank = 3,
    .parse = redhat_release_parse,
};
