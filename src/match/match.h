/* SPDX-License-Identifier: Apache-2.0 */
/* match.h - package × advisory → finding, always with its explanation.  Not: what to do about it
 * (assess/).  One finding per (package, vulnerability): statements of several sources about the
 * same vulnerability, by id or alias, are its evidence.
 *
 * A package of the OS package manager is judged by its distribution's statements on its source (and
 * on its binaries, where a statement is on a binary), in the distribution's order of versions; any
 * other package by the statements of its own ecosystem.  What cannot be compared is a notice
 * that makes the result incomplete, never "not affected".
 *
 * Sources that disagree: the distribution's own ("debian-…" for ID debian) comes first, then the
 * others by name.  The fixed version is the first source's that names one: the smallest of its
 * fixes above the installed version that lies in none of its ranges.  A statement "not affected"
 * takes the vulnerability away from the package, or from the one binary that it is on; where the
 * distribution's own source says "affected", only one of its own can.
 *
 * Who is in a statement's scope (scope.c):
 *   arches    a package of one of them, or of none in particular ("noarch", "all", unknown)
 *   module    rpm: only packages of that stream; a module build that lost its label: unknown
 *   no module where its versions are those of module builds (".module_el8"): module builds only;
 *             where they are others: no module build; where it names no version: every package
 *
 * Withdrawn records find nothing.  A CVE that its authority rejected is found only where a source
 * stands behind it with a record of its own (a GHSA, a DSA), or the distribution's own source does;
 * then the evidence tells of the rejection.  What is left out is counted in a notice.
 *
 * Owns: nothing; findings live in the arena given and borrow from the inventory and the database.
 * Threads: pure. */
#pragma once

#include "advisory/advisory.h"
#include "inventory/inventory.h"

enum finding_class { CLASS_OS, CLASS_LANGUAGE, CLASS_KERNEL_HEADERS };
const char *
finding_class_name(enum finding_class c); /* "os-package", "language-package", "kernel-headers" */

struct finding_evidence {
    str source, record, revision;
    str range;      /* in words: ">= 0, < 3.0.11-1"; empty: nothing was compared (VEX, rejection) */
    str comparator; /* "dpkg" */
    str installed;
    enum fix_state state; /* what this source says of a fix */
    str note;             /* in its words: "no-dsa: minor issue" */
};
struct finding {
    str id; /* CVE, else GHSA, else the source's own */
    strs aliases;
    str package_name, package_version; /* the source package for dpkg, rpm, apk; else the package */
    str type, purl;
    strs binaries; /* installed binary packages of that source, sorted */
    str path;
    int layer;
    enum finding_class class;
    enum fix_state fix_state;
    str fixed_version; /* the first that heals it; empty when none */
    bool is_patchable;
    enum severity severity; /* by the precedence of DESIGN 5 */
    str rated_by;           /* the source that it comes from; empty: nobody rated it */
    str rating_basis;       /* "own rating", "CVSS 3.1", "word" */
    VEC(struct cvss) cvss;
    VEC(struct rating) ratings;
    bool is_kev;
    double epss;  /* 0: not known */
    strs cwes;    /* "CWE-79", sorted */
    str category; /* "Debian", "Alpine", "npm" */
    str title, description, published, modified;
    strs references;
    VEC(struct finding_evidence) evidence;
    /* filled by assess/ */
    str name; /* UUID of the sub-assessment */
    str remediation_text, remediation_command, remediation_step;
    str disabled_by;     /* a rule's name, or "vex:DOCUMENT"; empty: it counts */
    str disabled_reason; /* in the words of who disabled it */
    bool is_from_base;
};
typedef VEC(struct finding) findings;

/* Why an image cannot be judged; MATCH_OK when it can.  Zero is the safe value. */
enum match_ground {
    MATCH_NO_DISTRO,   /* it does not say which distribution it is */
    MATCH_NOT_COVERED, /* the database has no source for its release */
    MATCH_NO_PACKAGES, /* it names a distribution, and no package of it was found */
    MATCH_OK,
};

struct match_result {
    findings findings; /* sorted: severity rank, id, package, version, path */
    notices notices;   /* versions that could not be compared: is_incomplete */
    enum match_ground ground;
    str ecosystem; /* of the distribution; empty */
    bool is_complete;
};

/* Where statements come from: the database, or a test's lines. */
struct match_lookup {
    bool (*covers)(void *ctx, str ecosystem);
    /* The statements on a package that @filter lets through (all when it is NULL), appended to
     * *out, which starts empty. */
    bool (*find)(void *ctx, struct arena *arena, str ecosystem, str package,
                 const struct affected_filter *filter, affecteds *out, struct err *err);
    bool (*get)(void *ctx, struct arena *arena, str source, str record, struct advisory *out,
                struct err *err);
    /* What every source says of a CVE itself.  NULL: nobody was asked. */
    bool (*enrich)(void *ctx, struct arena *arena, str cve, enrichments *out, struct err *err);
    /* Every record that bears a name; for match_explain. */
    bool (*by_id)(void *ctx, struct arena *arena, str id, named_records *out, struct err *err);
    /* Are there statements of VEX feeds on products (advisory.h: "VEX:…")?  NULL: none. */
    bool (*has_vex)(void *ctx);
    void *ctx;
};
NODISCARD bool match_inventory(const struct match_lookup *lookup,
                               const struct image_inventory *inventory, struct arena *arena,
                               struct match_result *out, struct err *err);
/* The same with a database. */
NODISCARD bool match_image(const struct advisory_db *db, const struct image_inventory *inventory,
                           struct arena *arena, struct match_result *out, struct err *err);

/* The CVE that an id is or, as a distribution's name of it, holds; empty when none. */
str identity_cve(str id);

/* --- why, or why not
 * ------------------------------------------------------------------------------------------ */
/* What became of one statement of one record.  Zero is the safe value. */
enum explain_kind {
    EXPLAIN_UNKNOWN,      /* could not be compared */
    EXPLAIN_AFFECTED,     /* it is a finding */
    EXPLAIN_VEX,          /* it would be one, and a VEX statement takes it away */
    EXPLAIN_RULE,         /* … a disable rule does */
    EXPLAIN_REJECTED,     /* … its CVE was rejected, and nobody stands behind it */
    EXPLAIN_OVERRULED,    /* … a source that counts more says "not affected" */
    EXPLAIN_DENIED,       /* this source says "not affected" */
    EXPLAIN_FIXED,        /* at or above the version that heals it */
    EXPLAIN_NOT_YET,      /* below the first affected version */
    EXPLAIN_OUTSIDE,      /* in none of the affected ranges or versions */
    EXPLAIN_WITHDRAWN,    /* the record was taken back */
    EXPLAIN_ARCH,         /* of other architectures */
    EXPLAIN_MODULE,       /* of another module, or of none */
    EXPLAIN_OWNED,        /* an OS package owns it: the distribution judges it */
    EXPLAIN_OTHER_SOURCE, /* an OS package, and a statement of upstream or of another distribution
                           */
    EXPLAIN_RELEASE,      /* of another release of the distribution */
};
const char *explain_kind_name(enum explain_kind kind); /* "fixed", "other-release", … */
struct explanation {
    enum explain_kind kind;
    str source, record, revision; /* of the record */
    str ecosystem, package;       /* of the statement */
    str type, name, version;      /* what it was held against: source package, or package */
    strs binaries;                /* of the source, installed */
    str path, owned_by;
    int layer;
    str comparator; /* "dpkg" */
    str trace;      /* "3.0.11-1 < 3.0.11-2"; empty: nothing was compared */
    str note;       /* the source's words, or why nothing could be compared */
    enum fix_state state;
    const struct finding *finding; /* AFFECTED, VEX, RULE: the finding; else NULL */
};
struct explain_result {
    str id;
    named_records records;       /* that bear the name, or a name of the same vulnerability */
    VEC(struct explanation) all; /* sorted by kind, then package, source, record */
    VEC(struct advisory_place) not_installed; /* of this image's ecosystems, by name */
    size_t n_elsewhere; /* packages of ecosystems that have nothing to do with this image */
    enrichments enrichments;
    bool is_rejected, is_covered; /* is the image's distribution covered? */
    str ecosystem;                /* of the image's distribution; empty */
};
/* Both ways: every statement that bears @id and what became of it in an image that was matched,
 * with @found of that match. */
NODISCARD bool match_explain(const struct match_lookup *lookup,
                             const struct image_inventory *inventory, const findings *found, str id,
                             struct arena *arena, struct explain_result *out, struct err *err);
NODISCARD bool match_explain_image(const struct advisory_db *db,
                                   const struct image_inventory *inventory, const findings *found,
                                   str id, struct arena *arena, struct explain_result *out,
                                   struct err *err);

/* --- VEX: what somebody says of a product whose vulnerabilities are listed
 * ----------------------------------------------------------------------------------------
 * After OpenVEX 0.2; CSAF VEX and CycloneDX VEX say the same in other words.  A purl in a statement
 * is a pattern: without a version it matches every version, what qualifiers and subpath it has must
 * be those of the package, and the package may have more.
 *
 * A statement is about a finding when one of its names is the finding's id or alias, and
 *   - a product is the image (digest, name, pkg:oci purl) and it has no subcomponent, or one that
 *     is the package; or
 *   - a product is the package, and it has no subcomponent; or
 *   - a product is a package of the same file (the main module of a Go binary) and a subcomponent
 *     is the package.
 * A source package is meant when it is named, or when all its affected binaries are.  Of several
 * statements the latest counts, of the same time the last given.
 *
 * Statements come from three places, each applied after the one before, so that the later has the
 * last word: VEX feeds of the database, documents attached to the image (whoever may push wrote
 * them: only when asked for), documents given by hand. */
struct vex_image {
    strs digests;   /* of the manifest, and of the index it came from */
    str name;       /* the last part of the repository */
    str repository; /* "docker.io/library/debian" */
    str tag;        /* empty: none */
    str arch;       /* "amd64" */
};
/* Marks what statements take away: disabled_by "vex:DOCUMENT", the statement among the evidence.
 * Other statements become evidence and take nothing away; the latest of them that says so gives
 * back what was taken before.  Run after match_image; *n_disabled counts findings that these
 * statements took away. */
NODISCARD bool vex_apply(struct arena *arena, const vex_statements *said,
                         const struct vex_image *image, const struct image_inventory *inventory,
                         findings *all, size_t *n_disabled, struct err *err);
/* The same with what VEX feeds of the database keep of the image, of the packages that findings are
 * on, and of those of the same file.  Costs nothing where the database has no such statement.
 * *told gains a notice of how many findings were taken away. */
NODISCARD bool match_vex(const struct match_lookup *lookup, const struct vex_image *image,
                         const struct image_inventory *inventory, struct arena *arena,
                         findings *all, notices *told, struct err *err);
NODISCARD bool match_vex_image(const struct advisory_db *db, const struct vex_image *image,
                               const struct image_inventory *inventory, struct arena *arena,
                               findings *all, notices *told, struct err *err);
