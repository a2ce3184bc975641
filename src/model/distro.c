/* SPDX-License-Identifier: Apache-2.0 */
/* distro.c - the distributions we know: os-release(5) ID → OSV ecosystem, package type, end of
 * life. Ecosystem names follow the OSV schema's list; those that it lacks are named in its manner,
 * so that nothing covers them by accident. */
#include "model/model.h"

#include "base/clock.h"
#include "base/num.h"

#define DEB .scheme = "dpkg", .purl_type = "deb", .manager = "apt"
#define APK .scheme = "apk", .purl_type = "apk", .manager = "apk"
#define RPM(tool) .scheme = "rpm", .purl_type = "rpm", .manager = (tool)
#define NAME(n) .ecosystem = (n), .category = (n)

static const struct distro_row rows[] = {
    {.id = "almalinux", NAME("AlmaLinux"), RPM("dnf"), .n_release_parts = 1},
    {.id = "alpine",
     NAME("Alpine"),
     APK,
     .n_release_parts = 2,
     .release_prefix = "v",
     .edge = "edge"},
    {.id = "amzn", NAME("Amazon Linux"), RPM("yum"), .n_release_parts = 1},
    {.id = "arch",
     NAME("Arch Linux"),
     .scheme = "pacman",
     .purl_type = "alpm",
     .manager = "pacman"},
    {.id = "azurelinux", NAME("Azure Linux"), RPM("tdnf"), .n_release_parts = 2},
    {.id = "bottlerocket", NAME("Bottlerocket"), RPM("apiclient")},
    {.id = "centos", NAME("CentOS"), RPM("yum"), .n_release_parts = 1},
    {.id = "chainguard", NAME("Chainguard"), APK},
    {.id = "debian", NAME("Debian"), DEB, .n_release_parts = 1},
    {.id = "fedora", NAME("Fedora"), RPM("dnf"), .n_release_parts = 1},
    {.id = "gentoo",
     NAME("Gentoo"),
     .scheme = "portage",
     .purl_type = "ebuild",
     .manager = "emerge"},
    {.id = "mariner", NAME("Azure Linux"), RPM("tdnf"), .n_release_parts = 2},
    {.id = "minimos", NAME("MinimOS"), APK},
    {.id = "ol", NAME("Oracle Linux"), RPM("dnf"), .n_release_parts = 1},
    {.id = "opensuse", /* before Leap: 13.2 and older */
     NAME("openSUSE"),
     RPM("zypper"),
     .n_release_parts = 2},
    {.id = "opensuse-leap",
     NAME("openSUSE"),
     RPM("zypper"),
     .n_release_parts = 2,
     .release_prefix = "Leap "},
    {.id = "opensuse-leap-micro",
     NAME("openSUSE"),
     RPM("transactional-update"),
     .n_release_parts = 2,
     .release_prefix = "Leap Micro "},
    {.id = "opensuse-microos",
     .ecosystem = "openSUSE:Tumbleweed",
     .category = "openSUSE",
     RPM("transactional-update")},
    {.id = "opensuse-tumbleweed",
     .ecosystem = "openSUSE:Tumbleweed",
     .category = "openSUSE",
     RPM("zypper")},
    {.id = "openwrt",
     NAME("OpenWrt"),
     .scheme = "dpkg",
     .purl_type = "opkg",
     .manager = "opkg",
     .n_release_parts = 2},
    {.id = "photon", NAME("Photon OS"), RPM("tdnf"), .n_release_parts = 2},
    {.id = "rhel",
     NAME("Red Hat"),
     RPM("dnf"),
     .n_release_parts = 1,
     .release_prefix = "enterprise_linux:"},
    {.id = "rocky", NAME("Rocky Linux"), RPM("dnf"), .n_release_parts = 1},
    {.id = "scientific", NAME("Scientific Linux"), RPM("yum"), .n_release_parts = 1},
    {.id = "sl-micro",
     NAME("SUSE"),
     RPM("transactional-update"),
     .n_release_parts = 2,
     .release_prefix = "Linux Micro "},
    {.id = "sle-micro",
     NAME("SUSE"),
     RPM("transactional-update"),
     .n_release_parts = 2,
     .release_prefix = "Linux Enterprise Micro "},
    {.id = "sled",
     NAME("SUSE"),
     RPM("zypper"),
     .n_release_parts = 2,
     .release_prefix = "Linux Enterprise Desktop ",
     .patch_word = " SP"},
    {.id = "sles",
     NAME("SUSE"),
     RPM("zypper"),
     .n_release_parts = 2,
     .release_prefix = "Linux Enterprise Server ",
     .patch_word = " SP"},
    {.id = "sles_sap",
     NAME("SUSE"),
     RPM("zypper"),
     .n_release_parts = 2,
     .release_prefix = "Linux Enterprise Server for SAP Applications ",
     .patch_word = " SP"},
    {.id = "ubuntu", NAME("Ubuntu"), DEB, .n_release_parts = 2, .lts_suffix = ":LTS"},
    {.id = "wolfi", NAME("Wolfi"), APK},
};

const struct distro_row *distro_find(str id)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (str_eq(str_from(rows[i].id), id))
            return &rows[i];
    return NULL;
}

const struct distro_row *distro_rows(size_t *n)
{
    *n = ARRAY_LEN(rows);
    return rows;
}

/* --- the release ---------------------------------------------------------------------------------
 */
enum { PART_MAX = 99999 };

/* The first @n dotted numbers of @version, as they are written; empty when one of them is no
 * number. */
static str numbers(str version, size_t n, size_t n_least)
{
    str rest = version, part;
    size_t end = 0, i = 0;
    uint64_t value;
    for (; i < n && str_next(&rest, '.', &part); i++) {
        if (!str_to_u64(part, PART_MAX, &value))
            return STR_NONE;
        end += part.len + (i ? 1 : 0);
    }
    return i >= n_least ? str_slice(version, 0, end) : STR_NONE;
}

static str release_of(const struct distro_row *row, const struct distro *distro)
{
    if (row->n_release_parts == 0)
        return STR_NONE;
    if (row->edge && str_has(distro->version_id, STR("_alpha")))
        return str_from(row->edge);
    return numbers(distro->version_id, row->n_release_parts,
                   row->patch_word ? 1 : row->n_release_parts);
}

str distro_release(const struct distro *distro, struct arena *arena)
{
    const struct distro_row *row = distro_find(distro->id);
    return arena_dup(arena, row ? release_of(row, distro) : STR_NONE);
}

/* Ubuntu: April of every even year. */
static bool is_lts(str release)
{
    str year, month;
    uint64_t number;
    str_cut_byte(release, '.', &year, &month);
    return str_eq(month, STR("04")) && str_to_u64(year, PART_MAX, &number) && number % 2 == 0;
}

str distro_ecosystem(const struct distro *distro, struct arena *arena)
{
    const struct distro_row *row = distro_find(distro->id);
    if (!row)
        return arena_dup(arena, STR_NONE);
    if (row->n_release_parts == 0)
        return arena_dup(arena, str_from(row->ecosystem));
    str release = release_of(row, distro), major, minor;
    if (release.len == 0)
        return arena_dup(arena, STR_NONE);
    bool is_edge = row->edge && str_eq(release, str_from(row->edge));
    const char *prefix = row->release_prefix && !is_edge ? row->release_prefix : "";
    if (row->patch_word && str_cut_byte(release, '.', &major, &minor))
        return arena_printf(arena, "%s:%s" STR_FMT "%s" STR_FMT, row->ecosystem, prefix,
                            STR_ARG(major), row->patch_word, STR_ARG(minor));
    return arena_printf(arena, "%s:%s" STR_FMT "%s", row->ecosystem, prefix, STR_ARG(release),
                        row->lts_suffix && is_lts(release) ? row->lts_suffix : "");
}

/* --- end of life
 * ---------------------------------------------------------------------------------- */
static const struct {
    const char *id, *release, *day;
} releases[] = {
#define RELEASE(id, release, day, name) {id, release, day},
#include "model/releases.inc"
#undef RELEASE
};

bool distro_end_of_life(const struct distro *distro, int64_t *utc_s)
{
    const struct distro_row *row = distro_find(distro->id);
    str release = row ? release_of(row, distro) : STR_NONE;
    for (size_t i = 0; release.len && i < ARRAY_LEN(releases); i++)
        if (str_eq(str_from(releases[i].id), distro->id) &&
            str_eq(str_from(releases[i].release), release))
            return clock_parse(str_from(releases[i].day), utc_s);
    return false;
}

bool distro_is_end_of_life(const struct distro *distro, int64_t now_s)
{
    int64_t day;
    enum { DAY_S = 24 * 60 * 60 };
    return distro_end_of_life(distro, &day) && now_s >= day + DAY_S;
}
