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
 * takes the vulnerability away from the package, or from the one binary that it is on. Owns:
 * nothing; findings live in the arena given and borrow from the inventory and the database.
 * Threads: pure. */
#pragma once

#include "advisory/advisory.h"
#include "inventory/inventory.h"

enum finding_class { CLASS_OS, CLASS_LANGUAGE, CLASS_KERNEL_HEADERS };
const char *
finding_class_name(enum finding_class c); /* "os-package", "language-package", "kernel-headers" */

struct finding_evidence {
    str source, record, revision;
    str range;      /* in words: ">= 0, < 3.0.11-1" */
    str comparator; /* "dpkg" */
    str installed;
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
    VEC(struct cvss) cvss;
    VEC(struct rating) ratings;
    bool is_kev;
    double epss;
    str category; /* "Debian", "Alpine", "npm" */
    str title, description, published, modified;
    strs references;
    VEC(struct finding_evidence) evidence;
    /* filled by assess/ */
    str name; /* UUID of the sub-assessment */
    str remediation_text, remediation_command, remediation_step;
    str disabled_by;
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
    /* Every statement on a package, appended to *out, which starts empty. */
    bool (*find)(void *ctx, struct arena *arena, str ecosystem, str package, affecteds *out,
                 struct err *err);
    bool (*get)(void *ctx, struct arena *arena, str source, str record, struct advisory *out,
                struct err *err);
    void *ctx;
};
NODISCARD bool match_inventory(const struct match_lookup *lookup,
                               const struct image_inventory *inventory, struct arena *arena,
                               struct match_result *out, struct err *err);
/* The same with a database. */
NODISCARD bool match_image(const struct advisory_db *db, const struct image_inventory *inventory,
                           struct arena *arena, struct match_result *out, struct err *err);
