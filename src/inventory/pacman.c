/* SPDX-License-Identifier: Apache-2.0 */
/* pacman.c - var/lib/pacman/local/NAME-VERSION/desc: one package a file, in sections
 *
 *     %NAME%
 *     gawk
 *     (an empty line)
 *
 * of one line or, for lists, several. */
#include "base/limits.h"
#include "base/num.h"
#include "inventory/internal.h"

struct desc {
    str name, version, base, arch, packager;
    VEC(str) licenses;
};

static bool is_heading(str line)
{
    return line.len > 2 && line.ptr[0] == '%' && line.ptr[line.len - 1] == '%';
}

static str *value_of(struct desc *desc, str section)
{
    const struct {
        str name;
        str *value;
    } wanted[] = {
        {STR("%NAME%"), &desc->name},         {STR("%VERSION%"), &desc->version},
        {STR("%BASE%"), &desc->base},         {STR("%ARCH%"), &desc->arch},
        {STR("%PACKAGER%"), &desc->packager},
    };
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
        if (str_eq(wanted[i].name, section))
            return wanted[i].value;
    return NULL;
}

/* One line of a section. */
static bool read_value(struct arena *arena, struct desc *desc, str section, str line,
                       struct flaws *flaws, size_t number, struct err *err)
{
    if (section.len == 0) {
        flaws_add(flaws, number, "a value before the first %%SECTION%%");
        return true;
    }
    if (str_eq(section, STR("%LICENSE%"))) {
        str *license = vec_push(arena, &desc->licenses);
        if (!license)
            return err_memory(err);
        *license = line;
        return true;
    }
    str *value = value_of(desc, section);
    if (!value)
        return true;
    if (value->len)
        flaws_add(flaws, number, "a second value of " STR_FMT, STR_ARG(section));
    else
        *value = line;
    return true;
}

/* What it says, borrowed from @in. */
static bool read_desc(struct arena *arena, struct rd *in, struct desc *desc, struct flaws *flaws,
                      struct err *err)
{
    str line, section = STR_NONE;
    bool is_open = false; /* no empty line since the heading */
    while (rd_line(in, LIMIT(STANZA_LINE), &line)) {
        line = str_trim(line);
        if (line.len == 0) {
            is_open = false;
        } else if (!is_open && is_heading(line)) {
            section = line;
            is_open = true;
        } else if (!read_value(arena, desc, section, line, flaws, in->line, err)) {
            return false;
        }
    }
    return rd_ok(in, err);
}

static bool add_package(struct arena *arena, struct file_record *file, const struct desc *desc,
                        struct err *err)
{
    struct package *package =
        record_package(arena, file, "alpm", desc->name, desc->version, desc->arch, err);
    if (!package)
        return false;
    package->source_version = package->version; /* one build, one version */
    for (size_t i = 0; i < desc->licenses.len; i++)
        if (!licenses_add(arena, package, desc->licenses.ptr[i], err))
            return false;
    /* %BASE% is absent from packages that were built before pacman 4.2 */
    return record_share(arena, file, offsetof(struct package, source_name),
                        desc->base.len ? desc->base : desc->name, err) &&
           record_share(arena, file, offsetof(struct package, maintainer), desc->packager, err);
}

static bool pacman_parse(struct arena *arena, str path, struct rd *in, struct file_record *file,
                         struct err *err)
{
    (void)path;
    if (rd_is_end(in))
        return true; /* pacman makes the file before it writes it: nothing is installed yet */
    struct desc desc = {0};
    struct flaws flaws = {0};
    if (cancel_is(in->cancel, err) || !read_desc(arena, in, &desc, &flaws, err))
        return false;
    if (desc.name.len == 0 || desc.version.len == 0) {
        flaws_add(&flaws, 0, "no %s", desc.name.len ? "%VERSION%" : "%NAME%");
        return flaws_ok(&flaws, err);
    }
    if (!add_package(arena, file, &desc, err)) {
        file->packages.len = 0;
        return false;
    }
    return flaws_ok(&flaws, err);
}

const struct detector detector_pacman = {
    .name = "pacman",
    .revision = 1,
    .summary = "installed Arch Linux packages: %NAME%, %VERSION%, %BASE%, %ARCH%, %LICENSE%, "
               "%PACKAGER%",
    .spec = "pacman(8), libalpm's local database, version 9",
    .paths = PATHS("var/lib/pacman/local/*/desc"),
    .limit = LIMIT_ID_PACKAGE_DB,
    .is_os_database = true,
    .parse = pacman_parse,
};
