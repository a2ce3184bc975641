/* SPDX-License-Identifier: Apache-2.0 */
/* oracle_oval.c - Oracle's errata (ELSA) of all releases in one OVAL file.  What is built for
 * Ksplice, or for FIPS, is numbered apart: "Oracle Linux:8:ksplice", "Oracle Linux:9:fips". */
#include "advisory/internal.h"
#include "base/num.h"

static bool add_platform(struct arena *arena, str platform, strs *out, struct err *err)
{
    str version = str_skip(platform, STR("Oracle Linux ").len);
    if (!str_starts(platform, STR("Oracle Linux ")))
        return true;
    (void)str_cut_byte(str_trim(version), ' ', &version, &(str){0});
    str name = arena_printf(arena, "Oracle Linux:" STR_FMT, STR_ARG(version));
    return name.ptr ? strs_push(arena, out, name, err) : err_memory(err);
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
    static const char *const names[] = {"com.oracle.elsa-all.xml.bz2", NULL};
    (void)base;
    return oval_list_fixed(reader->arena, names, out, err);
}

static bool oracle_oval_read(struct feed_reader *reader, struct err *err)
{
    static const struct oval_vendor vendor = {.ecosystems = ecosystems, .list = list};
    return oval_read(reader, &vendor, err);
}

const struct feed feed_oracle_oval = {
    .name = "oracle-oval",
    .summary = "Oracle Linux: errata of all releases (OVAL)",
    .default_url = "https://linux.oracle.com/security/oval",
    .licence = "Oracle's terms of use",
    .cadence = "daily",
    .read = oracle_oval_read,
};
