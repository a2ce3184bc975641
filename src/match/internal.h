/* SPDX-License-Identifier: Apache-2.0 */
/* internal.h - the rooms of match/, in the order in which a package walks through them:
 *
 *     subject ── lookup ──> claims ── identity ──> vulnerabilities ──> findings
 *
 * A subject is what is judged: a source package with its installed binaries, or one package.  A
 * claim is one statement that applies to it, with its record.  A vulnerability is what claims are
 * about. */
#pragma once

#include "base/map.h"
#include "match/match.h"
#include "version/version.h"

/* --- range.c
 * ---------------------------------------------------------------------------------------- */
/* Zero is the safe value. */
enum applies { APPLIES_UNKNOWN, APPLIES_NO, APPLIES_YES };
/* Is @version one that @affected speaks of?  @scheme NULL: we have no such order. */
enum applies range_applies(const struct affected *affected, const struct version_scheme *scheme,
                           str version);
/* A version that is asked about often, read once; is_moving: of a branch, whose code changes. */
struct installed {
    const struct version_scheme *scheme;
    str version;
    struct version_read read;
    bool is_moving;
};
struct installed installed_of(const struct version_scheme *scheme, str version);
enum applies range_applies_to(const struct affected *affected, const struct installed *version);
/* In words, those of its ranges that hold @version: ">= 1.0, < 1.2".  ptr NULL: arena used up. */
str range_print(struct arena *arena, const struct affected *affected,
                const struct version_scheme *scheme, str version);

/* Three answers: as Kleene has them. */
enum applies applies_both(enum applies a, enum applies b);
enum applies applies_either(enum applies a, enum applies b);

/* --- scope.c
 * ---------------------------------------------------------------------------------------- */
/* Does @affected speak of a package of this architecture and module, whatever its version? */
enum applies scope_of(const struct affected *affected, const struct package *package);
bool scope_has_arch(const struct affected *affected, const struct package *package);
enum applies scope_module(const struct affected *affected, const struct package *package);
/* "nodejs:18" of a label "nodejs:18:8090020230825141447:a75119d5". */
str scope_stream(str modularity);

/* Of a version that a statement does not hold: the comparison that says why, "3.1 >= 3.0", and
 * which side of it.  ptr NULL: arena used up. */
enum outside { OUTSIDE_ALL, OUTSIDE_FIXED, OUTSIDE_BELOW };
str range_outside(struct arena *arena, const struct affected *affected,
                  const struct version_scheme *scheme, str version, enum outside *side);
/* Of one that it holds: "3.0.11-1 < 3.0.11-2". */
str range_inside(struct arena *arena, const struct affected *affected,
                 const struct version_scheme *scheme, str version);

/* --- subject.c
 * --------------------------------------------------------------------------------------- */
struct subject {
    const struct package *const
        *packages; /* installed binaries, by name; borrowed from the inventory */
    size_t n_packages;
    str type, name, version;
    str lookup_name;                     /* as statements spell it; ptr NULL: arena used up */
    str ecosystem;                       /* empty: nobody judges it */
    const struct version_scheme *scheme; /* NULL: we have no such order */
    const char *scheme_name, *category;
    str own; /* how the names of the distribution's own sources begin; empty */
    bool is_os;
};
bool package_is_kernel_headers(str name);

typedef VEC(const struct package *) package_refs;
/* Who judges packages of one type. */
struct subject_judge {
    str ecosystem, own;
    const struct version_scheme *scheme;
    const char *scheme_name, *category;
    bool is_os;
};
/* Packages that can be judged, those of one subject side by side: opened once, then cut. */
struct subjects {
    struct arena *arena;
    const struct distro *distro;
    const struct distro_row *row;
    str ecosystem; /* of the distribution */
    const struct package **ptr;
    size_t len, at;
    struct subject_judge judge; /* of judge_type, the last one asked for */
    str judge_type;
};
/* False: arena used up.  @ecosystem of the image's distribution. */
NODISCARD bool subjects_open(struct arena *arena, const struct image_inventory *inventory,
                             str ecosystem, struct subjects *out);
/* The next subject; false at the end. */
bool subject_next(struct subjects *all, struct subject *out);

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
    size_t n_rejected; /* findings left out: their CVE was rejected */
    str first_rejected;
};
NODISCARD bool judge(struct context *context, const struct subject *subject);
/* A distribution's own source: "debian-archive", "alpine-secdb", "redhat". */
bool subject_is_own(const struct subject *subject, str source);
/* Why @installed could not be compared with @affected, in words. */
const char *subject_unknown(const struct subject *subject, const struct affected *affected,
                            str installed);

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

/* --- finding.c
 * ----------------------------------------------------------------------------------------- */
/* @n links of one id, at least one; pushes nothing when every binary is denied. */
NODISCARD bool finding_make(struct context *context, const struct subject *subject,
                            const struct link *links, size_t n);

struct making {
    struct context *context;
    const struct subject *subject;
    const struct link *links; /* denials among them */
    size_t n;
    package_refs affected;   /* installed packages that are affected, by name */
    enrichments enrichments; /* what is said of the CVE itself */
    bool is_rejected;        /* by who gave the CVE */
    struct finding *finding;
};
/* The affirmative claims in order, from *i on; NULL at the end. */
const struct claim *making_next(const struct making *m, size_t *i);
NODISCARD bool push_unique(struct arena *arena, strs *to, str s); /* unless it is the last */

/* Is the CVE taken back by who gave it, as far as anybody knows? */
bool enrichment_is_rejected(const enrichments *list);

/* --- rating.c: CVSS, ratings and the severity by DESIGN 5.  False: arena used up.
 * ------------------------------------------------------------------------------------------ */
NODISCARD bool rating_fill(struct making *m);

/* --- words.c: title, description, names, references, evidence.  False: arena used up.
 * ------------------------------------------------------------------------------------------- */
NODISCARD bool words_fill(struct making *m);

/* --- vex_meaning.c: does a statement mean a finding?
 * ------------------------------------------------------------------------------------------ */
/* A purl, and its name as one bit of 64: most names that are not the same differ in it. */
struct vex_purl {
    struct purl purl;
    uint64_t bit;
};
typedef VEC(struct vex_purl) vex_purls;
struct vex_pattern {
    bool is_image, is_whole, is_purl; /* whole: it has no subcomponents */
    struct vex_purl product;
    vex_purls parts;
};
struct vex_parsed {
    const struct vex_statement *said;
    int64_t utc_s;
    struct vex_pattern *patterns; /* NULL: nobody asked yet */
    size_t n_patterns;
};
/* What a pattern may mean: name → struct target. */
struct vex_targets {
    struct map by_name;
    uint64_t bits; /* of all names */
};
struct vexing {
    struct arena *arena;
    const struct vex_image *image;
    const struct image_inventory *inventory;
    struct map by_name; /* vulnerability → parsed_refs */
    struct map files;   /* path → struct vex_targets: what is in it */
    struct err *err;
    /* of the finding that is looked at */
    const struct finding *finding;
    struct vex_targets targets, *beside;
    bool *is_hit; /* by a binary's index */
};
/* Look at @f from now on.  False: arena used up. */
NODISCARD bool vex_target(struct vexing *v, const struct finding *f);
NODISCARD bool vex_means(struct vexing *v, struct vex_parsed *statement, bool *out);
