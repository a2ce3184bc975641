/* SPDX-License-Identifier: Apache-2.0 */
/* bitnami.c - the versions of Bitnami's packages: SemVer of one to three numbers, behind which a
 * hyphen and digits alone are the revision of the package and no prerelease:
 * 1.2.3-rc.1 < 1.2.3 < 1.2.3-0 < 1.2.3-1. */
#include "version/internal.h"

static const struct version_grammar grammar = {.flags = GRAMMAR_ZEROES, .least = 1, .most = 3};

struct parts {
    struct version_precedence upstream;
    str revision;
};

static bool split(str version, struct parts *out)
{
    if (!precedence_split(version, grammar, &out->upstream))
        return false;
    out->revision = STR_NONE;
    if (version_is_number(out->upstream.prerelease)) {
        out->revision = out->upstream.prerelease;
        out->upstream.prerelease = STR_NONE;
    }
    return true;
}

static bool bitnami_is_valid(str version)
{
    struct parts parts;
    return split(version, &parts);
}

static enum version_order bitnami_cmp(str a, str b)
{
    struct parts pa, pb;
    if (!split(a, &pa) || !split(b, &pb))
        return VERSION_UNKNOWN;
    int sign = precedence_sign(&pa.upstream, &pb.upstream, grammar.flags);
    if (!sign)
        sign = (pa.revision.len > 0) - (pb.revision.len > 0);
    return version_order_of(sign ? sign : version_cmp_numbers(pa.revision, pb.revision));
}

extern const struct version_scheme version_bitnami;
const struct version_scheme version_bitnami = {
    .name = "bitnami",
    .spec = "Semantic Versioning 2.0.0 and Bitnami's revision",
    .is_valid = bitnami_is_valid,
    .cmp = bitnami_cmp,
};
