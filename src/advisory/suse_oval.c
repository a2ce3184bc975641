/* SPDX-License-Identifier: Apache-2.0 */
/* suse_oval.c - SUSE's OVAL: a file for each product, a definition for each CVE, packages by the
 * products that they are installed in.
 *
 *     SUSE Linux Enterprise Server 15 SP5                 SUSE:Linux Enterprise Server 15 SP5
 *     openSUSE Leap 15.5                                  openSUSE:Leap 15.5
 *     SUSE Linux Enterprise Server 15 SP1-LTSS            its own, and the server without LTSS
 *     SUSE Linux Enterprise Module for Basesystem 15 SP5  its own, and the server, SAP and desktop
 *
 * A system does not say which modules it draws from, and who has no long-term support is affected
 * by what only that fixed. */
#include "advisory/internal.h"
#include "base/num.h"

static bool add(struct arena *arena, const char *prefix, str rest, strs *out, struct err *err)
{
    str name = arena_printf(arena, "%s" STR_FMT, prefix, STR_ARG(rest));
    return name.ptr ? strs_push(arena, out, name, err) : err_memory(err);
}

/* "Basesystem 15 SP5" → "15 SP5": from the first word that is a number. */
static str version_of(str text)
{
    str rest = text, word;
    while (str_next(&rest, ' ', &word)) {
        uint64_t number;
        if (str_to_u64(word, 99, &number))
            return str_slice(text, text.len - rest.len - (rest.len ? 1 : 0) - word.len, text.len);
    }
    return STR_NONE;
}

static bool add_module(struct arena *arena, str version, strs *out, struct err *err)
{
    static const char *const products[] = {"SUSE:Linux Enterprise Server ",
                                           "SUSE:Linux Enterprise Server for SAP Applications ",
                                           "SUSE:Linux Enterprise Desktop "};
    for (size_t i = 0; version.len && i < ARRAY_LEN(products); i++) {
        if (!add(arena, products[i], version, out, err))
            return false;
    }
    return true;
}

static bool add_platform(struct arena *arena, str platform, strs *out, struct err *err)
{
    str open = STR("openSUSE "), suse = STR("SUSE "), module = STR("Linux Enterprise Module for ");
    if (str_starts(platform, open))
        return add(arena, "openSUSE:", str_skip(platform, open.len), out, err);
    str rest = str_starts(platform, suse) ? str_skip(platform, suse.len) : platform;
    if (!add(arena, "SUSE:", rest, out, err))
        return false;
    if (str_ends(rest, STR("-LTSS")))
        return add(arena, "SUSE:", str_slice(rest, 0, rest.len - STR("-LTSS").len), out, err);
    return !str_starts(rest, module) ||
           add_module(arena, version_of(str_skip(rest, module.len)), out, err);
}

static bool ecosystems(struct arena *arena, const struct oval_place *place, strs *out,
                       struct err *err)
{
    const strs *platforms =
        place->claim->platforms.len ? &place->claim->platforms : &place->definition->platforms;
    for (size_t i = 0; i < platforms->len; i++) {
        if (!add_platform(arena, platforms->ptr[i], out, err))
            return false;
    }
    return true;
}

static bool list(struct feed_reader *reader, str base, strs *out, struct err *err)
{
    static const char *const names[] = {"suse.linux.enterprise.12.xml.gz",
                                        "suse.linux.enterprise.15.xml.gz",
                                        "suse.linux.enterprise.16.xml.gz",
                                        "suse.linux.enterprise.micro.5.1.xml.gz",
                                        "suse.linux.enterprise.micro.5.2.xml.gz",
                                        "suse.linux.enterprise.micro.5.3.xml.gz",
                                        "suse.linux.enterprise.micro.5.4.xml.gz",
                                        "suse.linux.enterprise.micro.5.5.xml.gz",
                                        "suse.linux.micro.6.xml.gz",
                                        "opensuse.leap.15.5.xml.gz",
                                        "opensuse.leap.15.6.xml.gz",
                                        "opensuse.leap.16.0.xml.gz",
                                        "opensuse.tumbleweed.xml.gz",
                                        NULL};
    (void)base;
    return oval_list_fixed(reader->arena, names, out, err);
}

static bool suse_oval_read(struct feed_reader *reader, struct err *err)
{
    static const struct oval_vendor vendor = {.ecosystems = ecosystems, .list = list};
    return oval_read(reader, &vendor, err);
}

const struct feed feed_suse_oval = {
    .name = "suse-oval",
    .summary = "SUSE Linux Enterprise and openSUSE: what was fixed where (OVAL)",
    .default_url = "https://ftp.suse.com/pub/projects/security/oval",
    .licence = "CC-BY-4.0",
    .cadence = "daily",
    .read = suse_oval_read,
};
