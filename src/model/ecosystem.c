/* SPDX-License-Identifier: Apache-2.0 */
/* ecosystem.c - which ordering an ecosystem's versions have: OSV's list of ecosystems, and the
 * types of purls.  What is missing here has an order that we do not know: its versions are unknown.
 */
#include "model/model.h"

#include "base/num.h"

static const struct ecosystem_row rows[] = {
    {"bioconductor", "Bioconductor", "cran"},
    {"bitnami", "Bitnami", "bitnami"},
    {"cargo", "crates.io", "cargo"},
    {"composer", "Packagist", "composer"},
    {"conan", "ConanCenter", "conan"},
    {"cran", "CRAN", "cran"},
    {"gem", "RubyGems", "gem"},
    {"github", "GitHub Actions", "semver"}, /* "v4" moves: no version */
    {"golang", "Go", "golang"},
    {"hackage", "Hackage", "hackage"},
    {"hex", "Hex", "hex"},
    {"julia", "Julia", "julia"},
    {"maven", "Maven", "maven"},
    {"npm", "npm", "npm"},
    {"nuget", "NuGet", "nuget"},
    {"pub", "Pub", "pub"},
    {"pypi", "PyPI", "pep440"},
    {"swift", "SwiftURL", "semver"},
    {"vscode-extension", "VSCode", "semver"},
};

/* Of no distribution in distro.c, and of no purl type of their own. */
static const struct ecosystem_row others[] = {
    {NULL, "Alpaquita", "apk"},     {NULL, "BellSoft Hardened Containers", "apk"},
    {NULL, "Echo", "dpkg"},         {NULL, "GHC", "hackage"},
    {NULL, "Kubernetes", "semver"}, {NULL, "Linux", "generic"},
    {NULL, "Mageia", "rpm"},        {NULL, "openEuler", "rpm"},
    {"alpm", NULL, "pacman"},       {"apk", NULL, "apk"},
    {"deb", NULL, "dpkg"},          {"ebuild", NULL, "portage"},
    {"generic", NULL, "generic"},   {"opkg", NULL, "dpkg"},
    {"rpm", NULL, "rpm"},
};

const struct ecosystem_row *ecosystem_rows(size_t *n)
{
    *n = ARRAY_LEN(rows);
    return rows;
}

const struct ecosystem_row *ecosystem_find(str type)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (str_eq(str_from(rows[i].type), type))
            return &rows[i];
    return NULL;
}

static const char *scheme_name(str ecosystem)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (str_eq(str_from(rows[i].ecosystem), ecosystem))
            return rows[i].scheme;
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        if (others[i].ecosystem && str_eq(str_from(others[i].ecosystem), ecosystem))
            return others[i].scheme;
    size_t n;
    const struct distro_row *distros = distro_rows(&n);
    for (size_t i = 0; i < n; i++)
        if (str_eq(str_from(distros[i].ecosystem), ecosystem))
            return distros[i].scheme;
    return NULL;
}

const struct version_scheme *ecosystem_scheme(str ecosystem)
{
    str name, release;
    (void)str_cut_byte(ecosystem, ':', &name, &release);
    return name.len ? version_find(str_from(scheme_name(name))) : NULL;
}

const struct version_scheme *purl_type_scheme(str type)
{
    const struct ecosystem_row *row = ecosystem_find(type);
    for (size_t i = 0; !row && i < ARRAY_LEN(others); i++)
        if (others[i].type && str_eq(str_from(others[i].type), type))
            row = &others[i];
    return row ? version_find(str_from(row->scheme)) : NULL;
}
