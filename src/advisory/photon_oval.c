/* SPDX-License-Identifier: Apache-2.0 */
/* photon_oval.c - VMware's advisories of Photon OS, an OVAL file for each release.  Their numbers
 * ("PHSA-2020:00001") begin anew in every file: the release is put behind them. */
#include "advisory/internal.h"
#include "base/num.h"

/* "Photon 3", "Photon OS 5" → "3" */
static str release_of(str platform)
{
    size_t space = str_rfind_byte(platform, ' ');
    return space < platform.len ? str_skip(platform, space + 1) : STR_NONE;
}

static bool ecosystems(struct arena *arena, const struct oval_place *place, strs *out,
                       struct err *err)
{
    const strs *platforms = &place->definition->platforms;
    for (size_t i = 0; i < platforms->len; i++) {
        str release = release_of(platforms->ptr[i]);
        bool has_dot = str_find_byte(release, '.') < release.len;
        struct distro distro = {
            .id = STR("photon"),
            .version_id = arena_printf(arena, STR_FMT "%s", STR_ARG(release), has_dot ? "" : ".0")};
        str name = distro_ecosystem(&distro, arena);
        if (!distro.version_id.ptr || !name.ptr)
            return err_memory(err);
        if (!strs_push(arena, out, name, err))
            return false;
    }
    return true;
}

static bool name(struct arena *arena, const struct oval_definition *d, str word, str *out,
                 struct err *err)
{
    str release = d->platforms.len ? release_of(d->platforms.ptr[0]) : STR_NONE;
    *out = arena_printf(arena, STR_FMT ":" STR_FMT, STR_ARG(word), STR_ARG(release));
    return out->ptr ? true : err_memory(err);
}

static bool list(struct feed_reader *reader, str base, strs *out, struct err *err)
{
    static const char *const names[] = {
        "com.vmware.phsa-photon1.xml.gz", "com.vmware.phsa-photon2.xml.gz",
        "com.vmware.phsa-photon3.xml.gz", "com.vmware.phsa-photon4.xml.gz",
        "com.vmware.phsa-photon5.xml.gz", NULL};
    (void)base;
    return oval_list_fixed(reader->arena, names, out, err);
}

static bool photon_oval_read(struct feed_reader *reader, struct err *err)
{
    static const struct oval_vendor vendor = {.ecosystems = ecosystems, .name = name, .list = list};
    return oval_read(reader, &vendor, err);
}

const struct feed feed_photon_oval = {
    .name = "photon-oval",
    .summary = "Photon OS: advisories of each release (OVAL)",
    .default_url = "https://packages.vmware.com/photon/photon_oval_definitions",
    .licence = "none stated (published by VMware for public use)",
    .cadence = "daily",
    .is_named_only = true,
    .read = photon_oval_read,
};
