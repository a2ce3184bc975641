/* SPDX-License-Identifier: Apache-2.0 */
/* assess.h - from findings to a decision: verdict, order, rules, remediation, names, score.  Pure
 * functions, shared by the command line and the server.  Not: finding (match/) or keeping (store/).
 * Owns: nothing; strings go into the arena given.  Threads: pure. */
#pragma once

#include "base/sb.h"
#include "image/image.h"
#include "match/match.h"

enum verdict {
    VERDICT_UNKNOWN,
    VERDICT_HEALTHY,
    VERDICT_UNHEALTHY,
    VERDICT_NOT_APPLICABLE,
    VERDICT_FAILED
};
const char *verdict_name(enum verdict verdict); /* "Healthy", …; VERDICT_UNKNOWN prints "Failed" */

/* The verdict table of DESIGN 6: every input that decides it, and nothing else. */
struct verdict_input {
    str not_assessable; /* Windows, not an image …: the reason; empty when it is assessable */
    bool is_complete;   /* layers, databases, limits, versions */
    bool is_identified; /* a distribution or a package was found */
    enum match_ground ground;
    bool is_end_of_life;
    size_t n_findings; /* that no rule disables and that count (kernel headers do not) */
    str distro_name;   /* for the reason */
};
struct verdict_output {
    enum verdict verdict;
    str reason; /* empty for Healthy and Unhealthy */
};
/* @arena for the reason's text.  Never Healthy unless everything is known. */
struct verdict_output assess_verdict(struct arena *arena, const struct verdict_input *in);

/* --- order of presentation, the same in every report: known exploited, severity, EPSS, fix
 * available
 */
struct assess_rank {
    bool is_kev;
    enum severity severity;
    double epss;
    bool is_patchable;
};
struct assess_rank assess_rank_of(const struct finding *finding);
/* The worse of each: what a group of findings is ranked by. */
struct assess_rank assess_rank_max(struct assess_rank a, struct assess_rank b);
int assess_rank_cmp(const struct assess_rank *a, const struct assess_rank *b);
/* By rank, then id, package, version, path: a total order. */
int assess_cmp(const struct finding *a, const struct finding *b);
typedef VEC(const struct finding *) finding_refs;
/* All of them by assess_cmp.  False when @arena is used up. */
NODISCARD bool assess_sort(struct arena *arena, finding_refs *refs);

/* --- base image: the longest layer chain that another known image consists of ------------------
 */
struct layer_chain {
    str name; /* of the image */
    const digest *diff_ids;
    size_t n;
};
typedef VEC(struct layer_chain) layer_chains;
/* How many of the first layers are the base's: 0 when no chain is the beginning of @diff_ids.  A
 * chain with a diff-id that nobody stated is none.  *which (NULL: not wanted): index of the chain.
 */
size_t assess_base(const digest *diff_ids, size_t n, const struct layer_chain *chains,
                   size_t n_chains, size_t *which);
/* OCI image-spec, config.md: out[i] is the ChainID of the first i + 1 layers; none from where a
 * diff-id is none. */
void assess_chain_ids(const digest *diff_ids, size_t n, digest *out);

/* --- rules: findings that somebody has decided not to count ------------------------------------
 */
enum rule_patch { RULE_ANY, RULE_PATCHABLE, RULE_NOT_PATCHABLE };
/* Scope and criteria add up; values of one of them are alternatives, none: any.  Text compares
 * without case; repositories and OS versions are globs (docs/RULES.md). */
struct rule {
    str name, justification;
    bool has_expiry;
    int64_t expires_at; /* UTC seconds: applies before it */
    strs subscriptions, resource_groups, registries, repositories, digests;
    strs ids;        /* of a finding or its sub-assessment, or an alias */
    strs cves;       /* its CVE */
    strs categories; /* "Debian", "npm" */
    strs checks;     /* part of the title */
    bool has_cvss_below;
    double cvss_below;            /* every CVSS v3 score is below it, and there is one */
    enum severity severity_below; /* rated, and below it; SEVERITY_UNKNOWN: any */
    enum rule_patch patch;
    strs os_versions;
    str file; /* where it stands */
    size_t line, column;
};
struct rules {
    VEC(struct rule) all; /* in order: of several that apply, the first is named */
};
/* A rules file (YAML, so JSON too), or a list of ids ("ID [until YYYY-MM-DD] reason"): recognised
 * by its form.  Appends.  ERR_USAGE, "FILE:LINE:COLUMN: what". */
NODISCARD bool rules_parse(struct arena *arena, str file, str text, struct rules *out,
                           struct err *err);
/* A glob over names with slashes: `?`, `*` (not over a slash), `**`; without case. */
bool assess_glob(str pattern, str text);
/* What a scope is held against; empty: not known, and then no such scope fits. */
struct rule_image {
    str subscription, resource_group;
    strs registries; /* all its names: host, name, ARM id */
    str repository;
    strs digests; /* of the manifest, and of the index it came from */
    const struct distro *distro;
};
struct rule_outcome {
    bool is_expired;
    bool is_out_of_scope; /* about other images */
    size_t n_matched;     /* findings that it fits; of an expired one: would fit */
    size_t n_disabled;    /* by it: no rule before it and no VEX statement took them */
};
/* Sets disabled_by and disabled_reason.  @outcomes has one element a rule. */
NODISCARD bool rules_apply(struct arena *arena, const struct rules *rules,
                           const struct rule_image *image, int64_t now_s, findings *all,
                           struct rule_outcome *outcomes);
/* What a reader must know: expired rules, and those that fit nothing. */
NODISCARD bool rules_tell(struct arena *arena, const struct rules *rules,
                          const struct rule_outcome *outcomes, notices *to);

/* --- remediation -------------------------------------------------------------------------------
 */
/* What an image can be mended with. */
struct remedy_tools {
    const struct distro *distro;
    const struct distro_row *row; /* of it; NULL: not known */
    unsigned present; /* package managers that are installed: bits of remedy.c's table */
};
struct remedy_tools assess_tools(const struct distro *distro, const packages *installed);
/* Text, command, step of DESIGN 5.  @created_by is the build step of the finding's layer. */
NODISCARD bool assess_remediate(struct arena *arena, struct finding *finding,
                                const struct remedy_tools *tools, str created_by);
/* Why there is no version to go to: "the publisher will not fix it". */
const char *assess_state_words(enum fix_state state);
/* The ordering of its fixed version; NULL when nobody can compare it. */
const struct version_scheme *assess_fix_scheme(const struct finding *finding);
/* The same for one finding after the other, looked up only where type or comparator change. */
struct fix_ordering {
    const struct finding *last; /* borrowed; zeroed: none */
    const struct version_scheme *scheme;
};
const struct version_scheme *assess_fix_scheme_next(struct fix_ordering *ordering,
                                                    const struct finding *finding);

/* --- units: what can be judged apart from the rest of its image ----------------------------------
 */
/* The installed binaries of one source package, or what lies in one file: everything that the
 * findings on these packages depend on, but for what is said of the image by its name or digest
 * (VEX statements on images, rules).  Two images that hold the same unit have the same findings on
 * it. */
struct unit {
    bool is_whole;       /* the one without packages: what is said of the image as a whole */
    bool is_end_of_life; /* of the whole: when it was judged */
    struct image_inventory part; /* distribution and packages */
    size_t n_base;               /* packages of layers below it are the base image's */
    unsigned tools;              /* remedy_tools.present of the image */
};
typedef VEC(struct unit) unit_list;
/* Borrows from @inventory. */
NODISCARD bool units_cut(struct arena *arena, const struct image_inventory *inventory,
                         size_t n_base, bool is_end_of_life, unit_list *out, struct err *err);
/* As bytes, the same for the same unit; and back. */
void unit_print(const struct unit *unit, struct sb *out);
NODISCARD bool unit_parse(struct arena *arena, str bytes, struct unit *out, struct err *err);
/* What an advisory database is asked for to judge it, as unit_key gives: sorted, each once.  Of the
 * whole: the ecosystems whose coverage matters, and UNIT_KEY_WHOLE. */
typedef VEC(uint64_t) unit_keys;
/* Rising, each once. */
void unit_keys_sort(unit_keys *keys);
NODISCARD bool unit_keys_of(struct arena *arena, const struct unit *unit, unit_keys *out,
                            struct err *err);
uint64_t unit_key(str ecosystem, str package); /* the same for ever; below 2^63 */
#define UNIT_KEY_WHOLE unit_key(STR(""), STR(""))
/* Keys of what its findings may share with findings of other units: its source package; its
 * packages. */
NODISCARD bool unit_kin_of(struct arena *arena, const struct unit *unit, unit_keys *out,
                           struct err *err);
/* Findings with remediation, without name and build step, and what match_image says of the
 * packages.  *is_vexed[i]: a VEX statement speaks of finding i. */
struct unit_judgement {
    findings findings;
    const bool *is_vexed;
    notices notices;
};
NODISCARD bool unit_judge(const struct advisory_db *db, const struct unit *unit,
                          struct arena *arena, struct unit_judgement *out, struct err *err);

/* --- the plan: which steps heal what ------------------------------------------------------------
 */
struct plan_package {
    const struct finding *first; /* names package, version, type, binaries */
    const struct finding *best;  /* with the highest fixed version: to go to */
    finding_refs members;        /* in the order of presentation */
    struct assess_rank rank;
    str parent; /* npm: it comes with this package; empty: it stands for itself */
};
struct plan_step {
    int layer; /* -1: not known */
    bool is_base;
    str manager;    /* "apt", "npm"; empty: by hand */
    str folder;     /* of the project, or the program; empty: the image's own packages */
    str command;    /* heals all its packages; empty: see how */
    str how;        /* in words */
    str build_step; /* the Dockerfile line that brought the layer */
    VEC(struct plan_package) packages;
    size_t n_findings;
    struct assess_rank rank;
};
struct plan_rest { /* what no step heals */
    const struct finding *first;
    finding_refs members;
    struct assess_rank rank;
    str why;
};
struct plan {
    VEC(struct plan_step) steps;    /* worst first */
    VEC(struct plan_rest) unhealed; /* worst first */
    size_t n_healed, n_unhealed;    /* findings */
};
/* One upgrade that heals many findings is one package of a step; packages of one manager in one
 * layer are one step.  @build_steps: of each layer. */
NODISCARD bool assess_plan(struct arena *arena, const finding_refs *listed,
                           const struct remedy_tools *tools, const strs *build_steps,
                           struct plan *out);

/* --- names ---------------------------------------------------------------------------------------
 */
/* UUID version 8 (RFC 9562: our own, from sha256) over the parts, each with its length: the same
 * parts give the same name for ever. */
str assess_uuid(struct arena *arena, const str *parts, size_t n);
/* DESIGN 5: over registry, assessment key, repository, digest, package key and id. */
str assess_finding_name(struct arena *arena, str registry_id, str assessment_key, str repository,
                        str image_digest, const struct finding *finding);
