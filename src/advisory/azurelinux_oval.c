/* SPDX-License-Identifier: Apache-2.0 */
/* azurelinux_oval.c - Microsoft's OVAL of Azure Linux and CBL-Mariner, a definition for each CVE of
 * a source package.  The release stands in the versions (".azl3", ".cm2"), else in the file's name.
 * `patchable`: true, a fix is out; false, there is none yet; Not Applicable, it is not affected. */
#include "advisory/internal.h"
#include "base/num.h"

static str last_number(str text)
{
    str rest = text, word;
    while (str_next(&rest, '-', &word)) {
        str major, minor;
        uint64_t number;
        if (str_cut_byte(word, '.', &major, &minor) && str_to_u64(major, 99, &number) &&
            minor.len > 0 && minor.ptr[0] >= '0' && minor.ptr[0] <= '9')
            return str_slice(word, 0, major.len + 2);
    }
    return STR_NONE;
}

static str release_of(const struct oval_place *place)
{
    static const struct {
        const char *tag, *release;
    } rows[] = {
        {".azl4", "4.0"},
        {".azl3", "3.0"},
        {".cm2", "2.0"},
        {".cm1", "1.0"},
    };
    const struct version_range *range = &place->claim->range;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        str tag = str_from(rows[i].tag);
        if (str_ends(range->fixed, tag) || str_ends(range->last_affected, tag))
            return str_from(rows[i].release);
    }
    return last_number(place->name);
}

static bool ecosystems(struct arena *arena, const struct oval_place *place, strs *out,
                       struct err *err)
{
    str release = release_of(place);
    if (!release.len)
        return err_set(err, ERR_FORMAT, "neither a version nor the file's name says the release");
    str name = arena_printf(arena, "Azure Linux:" STR_FMT, STR_ARG(release));
    return name.ptr ? strs_push(arena, out, name, err) : err_memory(err);
}

static bool list(struct feed_reader *reader, str base, strs *out, struct err *err)
{
    static const char *const names[] = {"azurelinux-3.0-oval.xml", "cbl-mariner-2.0-oval.xml",
                                        "cbl-mariner-1.0-oval.xml", NULL};
    (void)base;
    return oval_list_fixed(reader->arena, names, out, err);
}

static bool azurelinux_oval_read(struct feed_reader *reader, struct err *err)
{
    static const struct oval_vendor vendor = {
        .ecosystems = ecosystems, .list = list, .names_sources = true};
    return oval_read(reader, &vendor, err);
}

const struct feed feed_azurelinux_oval = {
    .name = "azurelinux-oval",
    .summary = "Azure Linux and CBL-Mariner: fixed and not yet fixed (OVAL)",
    .default_url = "https://raw.githubusercontent.com/microsoft/AzureLinuxVulnerabilityData/main",
    .licence = "MIT",
    .cadence = "daily",
    .read = azurelinux_oval_read,
};
