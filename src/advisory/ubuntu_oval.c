/* SPDX-License-Identifier: Apache-2.0 */
/* ubuntu_oval.c - Canonical's OVAL: a file for each release, of CVEs or of notices (USN).
 * Packages are binaries.  What is not fixed says why: "needs fixing", deferred, ignored.  Fixes of
 * the extended support stand under the plain release: who lacks them is affected. */
#include "advisory/internal.h"
#include "base/num.h"

/* "Ubuntu 16.04 LTS" → "Ubuntu:16.04:LTS"; extended support is the same release. */
static bool ecosystem_of(struct arena *arena, str platform, strs *out, struct err *err)
{
    struct distro distro = {.id = STR("ubuntu")};
    str rest = platform, word;
    while (str_next(&rest, ' ', &word)) {
        if (str_find_byte(word, '.') < word.len && !distro.version_id.len)
            distro.version_id = word;
    }
    str name = distro_ecosystem(&distro, arena);
    return name.ptr ? strs_push(arena, out, name, err) : err_memory(err);
}

static bool ecosystems(struct arena *arena, const struct oval_place *place, strs *out,
                       struct err *err)
{
    const strs *platforms = &place->definition->platforms;
    for (size_t i = 0; i < platforms->len; i++) {
        if (!ecosystem_of(arena, platforms->ptr[i], out, err))
            return false;
    }
    return true;
}

static bool list(struct feed_reader *reader, str base, strs *out, struct err *err)
{
    static const char *const names[] = {
        "com.ubuntu.trusty.cve.oval.xml.bz2",   "com.ubuntu.xenial.cve.oval.xml.bz2",
        "com.ubuntu.bionic.cve.oval.xml.bz2",   "com.ubuntu.focal.cve.oval.xml.bz2",
        "com.ubuntu.jammy.cve.oval.xml.bz2",    "com.ubuntu.noble.cve.oval.xml.bz2",
        "com.ubuntu.plucky.cve.oval.xml.bz2",   "com.ubuntu.questing.cve.oval.xml.bz2",
        "com.ubuntu.resolute.cve.oval.xml.bz2", NULL};
    (void)base;
    return oval_list_fixed(reader->arena, names, out, err);
}

static bool ubuntu_oval_read(struct feed_reader *reader, struct err *err)
{
    static const struct oval_vendor vendor = {.ecosystems = ecosystems, .list = list};
    return oval_read(reader, &vendor, err);
}

const struct feed feed_ubuntu_oval = {
    .name = "ubuntu-oval",
    .summary = "Ubuntu: fixed and not yet fixed, per release (OVAL)",
    .default_url = "https://security-metadata.canonical.com/oval",
    .licence = "CC-BY-SA-4.0",
    .cadence = "hourly",
    .read = ubuntu_oval_read,
};
