/* SPDX-License-Identifier: Apache-2.0 */
/* model.h - the nouns that every folder above shares: package, purl, distribution, severity,
 * notice. Not: where they come from or what follows from them. Owns: nothing; every str and vec
 * lives in the arena of the scan that made it. Threads: plain values. */
#pragma once

#include "base/vec.h"
#include "version/version.h"

typedef VEC(str) strs;

/* --- severity (DESIGN: Unknown is a severity of its own and sorts after High) ------------------
 */
enum severity {
    SEVERITY_UNKNOWN,
    SEVERITY_NONE, /* rated, and rated as nothing */
    SEVERITY_LOW,
    SEVERITY_MEDIUM,
    SEVERITY_HIGH,
    SEVERITY_CRITICAL,
};
const char *severity_name(enum severity severity); /* "critical" … "unknown" */
/* Names of publishers too: "important", "moderate", "negligible", "unimportant", "end-of-life" …;
 * false when the word is not known. */
NODISCARD bool severity_parse(str text, enum severity *out);
/* For sorting: critical 0, high 1, unknown 2, medium 3, low 4, none 5. */
int severity_rank(enum severity severity);

struct cvss {
    str version; /* "2.0", "3.0", "3.1", "4.0" */
    str vector;
    double score; /* of the vector; 0 with is_scored false when it does not parse */
    bool is_scored;
    str source;
};
/* Score of a CVSS 2.0, 3.0, 3.1 or 4.0 vector by the FIRST specifications: all metrics that are
 * given count, which is the base score where only base metrics are.  False with ERR_FORMAT. */
NODISCARD bool cvss_score(str vector, double *score, struct err *err);
enum severity cvss_severity(double score);

struct rating {
    str source; /* feed that rated */
    enum severity severity;
};

/* --- distribution ------------------------------------------------------------------------------
 */
struct distro {
    str id; /* os-release ID: "debian", "alpine"; empty: unknown */
    str id_like;
    str version_id; /* "12", "3.20.3" */
    str codename;   /* VERSION_CODENAME */
    str name;       /* PRETTY_NAME */
    str path;       /* file that said so */
    int layer;      /* index of the layer that holds it */
};
/* One row of distro.c's table: id, ecosystem prefix of its advisories, how the release is cut out
 * of VERSION_ID, comparator, purl type, package manager. */
struct distro_row {
    const char *id;        /* "alpine" */
    const char *ecosystem; /* "Alpine" */
    const char *scheme; /* version_find(): "apk"; NULL from there when we have no such order yet */
    const char *purl_type;      /* "apk" */
    const char *category;       /* as disable rules filter: "Alpine" */
    const char *manager;        /* whose commands a remediation names: "apk", "apt", "dnf" … */
    unsigned n_release_parts;   /* 3.20.3 → 2 parts → "3.20"; 0: rolling, no release */
    const char *release_prefix; /* "v" for Alpine */
    const char *lts_suffix;     /* ":LTS" behind Ubuntu's even .04 */
    const char *patch_word;     /* " SP" of SUSE: 15.5 → "15 SP5", 15 → "15" */
    const char *edge; /* the development branch: Alpine's VERSION_ID 3.21_alpha20240606 → "edge" */
};
const struct distro_row *distro_find(str id); /* NULL: not known; never by ID_LIKE: other builds */
const struct distro_row *distro_rows(size_t *n);
/* The release as the distribution counts it: "12", "3.20", "22.04", "edge"; empty when there is
 * none or VERSION_ID is odd.  In @arena; ptr NULL when it is used up. */
str distro_release(const struct distro *distro, struct arena *arena);
/* OSV's name of the ecosystem with its release: "Debian:12", "Alpine:v3.20"; a rolling distribution
 * is its bare name, "Wolfi"; empty when the distro is not known or has no release (Debian sid).  In
 * @arena; ptr NULL when it is used up. */
str distro_ecosystem(const struct distro *distro, struct arena *arena);
/* Last public security support of the release, UTC seconds of the day it ends (its midnight; the
 * day itself is still supported); false: not known.  Debian's LTS counts as alive. */
NODISCARD bool distro_end_of_life(const struct distro *distro, int64_t *utc_s);
/* True when the last supported day is over at @now_s; a release without a known end is alive. */
bool distro_is_end_of_life(const struct distro *distro, int64_t now_s);

/* --- ecosystem ---------------------------------------------------------------------------------
 */
/* One row of ecosystem.c's table: purl type, OSV's name, ordering (version_find). */
struct ecosystem_row {
    const char *type, *ecosystem, *scheme;
};
/* The ecosystems of languages and tools; those of distributions are distro_rows'. */
const struct ecosystem_row *ecosystem_rows(size_t *n);
const struct ecosystem_row *ecosystem_find(str purl_type); /* NULL: not known */
/* Which ordering the versions of an ecosystem have, by OSV's name, a release behind it allowed
 * ("Debian:12"), or of a purl's type.  NULL: not known, nobody can say. */
const struct version_scheme *ecosystem_scheme(str ecosystem);
const struct version_scheme *purl_type_scheme(str type);

/* --- package -----------------------------------------------------------------------------------
 */
enum evidence { EVIDENCE_INSTALLED, EVIDENCE_DECLARED };

struct package {
    str type;    /* purl type: "deb", "apk", "rpm", "npm" … */
    str name;    /* as the package database spells it */
    str version; /* whole: "1:2.3-4", epoch included where there is one */
    str arch;
    str source_name; /* the package itself where the database names no other */
    str source_version;
    str maintainer;
    str vendor;     /* rpm: who built it */
    str modularity; /* rpm: "nodejs:18:8090020230825141447:a75119d5", the module it is of */
    str path;       /* of the database or artefact, absolute */
    str owned_by;   /* "deb:openssl" when an OS package owns the files; else empty */
    strs licenses;
    enum evidence evidence;
    bool is_os; /* installed by the OS package manager: judged by the distribution's advisories */
    bool is_spare; /* its own file knows it, and no database does (inventory/) */
    int layer;     /* index from the base that brought it; -1 inside one layer's inventory */
};
typedef VEC(struct package) packages;

/* package-url/purl-spec.  @ns may be empty; @qualifiers are @n_qualifiers pairs: key, value, key,
 * value … (2 × n strs); empty values are left out; order, case and escaping are the
 * specification's.  ptr NULL: arena used up. */
str purl_print(struct arena *arena, str type, str ns, str name, str version, const str *qualifiers,
               size_t n_qualifiers);
struct purl_qualifier {
    str key, value;
};
struct purl {
    str type, ns, name, version, subpath;  /* decoded; type, and what it wants, in lower case */
    VEC(struct purl_qualifier) qualifiers; /* sorted by key, each once */
};
enum { PURL_ANY_CASE = 1 }; /* keys of qualifiers may be in upper case, and become lower */
/* By the specification's "How to parse", all its components checked.  ERR_FORMAT says which one. */
NODISCARD bool purl_parse(struct arena *arena, str text, unsigned flags, struct purl *out,
                          struct err *err);
/* Does @purl meet @pattern, as VEX statements and rules mean it?  Type, namespace and name are the
 * same; version, qualifiers and subpath that the pattern has are those of the purl, which may have
 * more.  Versions are the same when their type's order says so and their build ("+…") is one. */
bool purl_matches(const struct purl *pattern, const struct purl *purl);
/* What purl_parse would take, in canonical form; ERR_FORMAT otherwise. */
NODISCARD bool purl_build(struct arena *arena, const struct purl *purl, str *out, struct err *err);
/* Of an installed package of a distribution:
 * pkg:deb/debian/openssl@3.0.11-1?arch=amd64&distro=debian-12. Of any other: its name is split as
 * its type wants it (npm scope, Go path, Maven group …). */
str purl_of(struct arena *arena, const struct package *package, const struct distro *distro);

/* --- notices: what was not read, cut, or understood; always shown -------------------------------
 */
enum notice_kind {
    NOTICE_INFO,        /* worth knowing; changes nothing */
    NOTICE_UNREADABLE,  /* a file or database that could not be read */
    NOTICE_LIMIT,       /* a limit was crossed */
    NOTICE_VERSION,     /* a version that does not parse */
    NOTICE_SANDBOX,     /* weaker isolation than asked for */
    NOTICE_ADVISORY,    /* a source is stale, trimmed, or absent */
    NOTICE_UNSUPPORTED, /* something we cannot read yet */
};
const char *notice_kind_name(enum notice_kind kind);
struct notice {
    enum notice_kind kind;
    bool is_incomplete; /* the scan cannot be called complete because of it */
    int layer;          /* -1: none */
    str path;
    str message;
};
typedef VEC(struct notice) notices;
/* Copies; false when the arena is used up. */
NODISCARD bool notice_add(struct arena *arena, notices *to, enum notice_kind kind,
                          bool is_incomplete, str path, str message);
