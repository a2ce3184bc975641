/* SPDX-License-Identifier: Apache-2.0 */
/* match.h - package × advisory → finding, always with its explanation.  Not: what to do about it
 * (assess/).  One finding per (package, vulnerability): statements of several sources about the same
 * vulnerability, by id or alias, are its evidence.
 * Owns: nothing; findings live in the arena given and borrow from the inventory and the database.
 * Threads: pure. */
#pragma once

#include "advisory/advisory.h"
#include "inventory/inventory.h"

enum finding_class { CLASS_OS, CLASS_LANGUAGE, CLASS_KERNEL_HEADERS };
const char *finding_class_name(enum finding_class c); /* "os-package", "language-package", "kernel-headers" */

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

/* Why an image's release cannot be judged; MATCH_OK when it can.  Zero is the safe value. */
enum match_ground { MATCH_NO_DISTRO, MATCH_NOT_COVERED, MATCH_OK };

struct match_result {
    findings findings; /* sorted: severity rank, id, package, version */
    notices notices;   /* versions that could not be compared: is_incomplete */
    enum match_ground ground;
    str ecosystem; /* of the distribution; empty */
    bool is_complete;
};
NODISCARD bool match_image(const struct advisory_db *db, const struct image_inventory *inventory,
                           struct arena *arena, struct match_result *out, struct err *err);
