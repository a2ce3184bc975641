/* SPDX-License-Identifier: Apache-2.0 */
/* internal.h - the rooms of match/, in the order in which a package walks through them:
 *
 *     subject ── lookup ──> claims ── identity ──> vulnerabilities ──> findings
 *
 * A subject is what is judged: a source package with its installed binaries, or one package.  A
 * claim is one statement that applies to it, with its record.  A vulnerability is what claims are
 * about. */
#pragma once

#include "match/match.h"
#include "version/version.h"

/* --- range.c
 * ---------------------------------------------------------------------------------------- */
/* Zero is the safe value. */
enum applies { APPLIES_UNKNOWN, APPLIES_NO, APPLIES_YES };
/* Is @version one that @affected speaks of?  @scheme NULL: we have no such order. */
enum applies range_applies(const struct affected *affected, const struct version_scheme *scheme,
                           str version);
/* In words, those of its ranges that hold @version: ">= 1.0, < 1.2".  ptr NULL: arena used up. */
str range_print(struct arena *arena, const struct affected *affected,
                const struct version_scheme *scheme, str version);

/* --- subject.c
 * --------------------------------------------------------------------------------------- */
struct subject {
    const struct package *const
        *packages; /* installed binaries, by name; borrowed from the inventory */
    size_t n_packages;
    str type, name, version;
    str ecosystem;                       /* empty: nobody judges it */
    const struct version_scheme *scheme; /* NULL: we have no such order */
    const char *scheme_name, *category;
    str own; /* ID of the distribution, whose own sources' names begin so; empty */
    bool is_os;
};
bool package_is_kernel_headers(str name);

typedef VEC(const struct package *) package_refs;
/* Packages that can be judged, those of one subject side by side: sort, then cut. */
NODISCARD bool subjects_sort(struct arena *arena, const packages *all, package_refs *out);
/* The next subject from *at on; false at the end.  @ecosystem and @distro of the image. */
bool subject_next(const package_refs *refs, const struct distro *distro, str ecosystem, size_t *at,
                  struct subject *out);

/* --- judge.c
 * ------------------------------------------------------------------------------------------ */
struct claim {
    const struct affected *affected;
    const struct advisory *advisory;
    const struct package *package; /* the binary that it is on; NULL: the subject */
    str installed;
    bool is_denial; /* "not affected" */
    bool is_own;    /* of the distribution itself */
};
typedef VEC(struct claim) claims;

struct context {
    const struct match_lookup *lookup;
    const struct distro *distro;
    struct arena *arena;
    struct match_result *out;
    struct err *err;
};
NODISCARD bool judge(struct context *context, const struct subject *subject);

/* --- identity.c
 * --------------------------------------------------------------------------------------- */
/* One claim's part in one vulnerability. */
struct link {
    str id; /* CVE, else GHSA, else the source's own */
    const struct claim *claim;
};
typedef VEC(struct link) link_list;
/* Sorted by id, then own claims first, then source, record, binary. */
NODISCARD bool identify(struct arena *arena, const claims *all, link_list *out);
/* The CVE that an id is or, as a distribution's name of it, holds; empty when none. */
str identity_cve(str id);

/* --- finding.c
 * ----------------------------------------------------------------------------------------- */
/* @n links of one id, at least one; pushes nothing when every binary is denied. */
NODISCARD bool finding_make(struct context *context, const struct subject *subject,
                            const struct link *links, size_t n);
