/* SPDX-License-Identifier: Apache-2.0 */
/* advisory.h - which versions of a package are affected by what: feeds, the compiled database, and
 * look-ups in it.  Not: whether an image is affected (match/).
 *
 * On disk, DIR holds
 *     current -> generations/000042        replaced by rename: readers see the old or the new one
 *     generations/000042/data.mdb          LMDB, immutable once published: MDB_RDONLY|MDB_NOLOCK
 *     generations/000042/seal              its digest, made with it
 *     sources/<feed>/<digest>.records      last good state of each source: what it is built from
 *     sources/<feed>/…                     what else the feed keeps, so that nothing is fetched
 * twice sources.json                         when each source was last tried, and how that went
 *     building-<pid>/                      a generation being made; the next update removes
 * leftovers lock                                 held by the one update Nothing is ever fetched on
 * the scan path.
 *
 * Owns: a db owns its mapping until advisory_db_close; look-ups borrow from it or copy into the
 * arena.  Threads: a db may be read by any number; an update holds DIR/lock. */
#pragma once

#include "base/cancel.h"
#include "model/model.h"

/* --- what is known about a package ---------------------------------------------------------------
 */
enum fix_state {
    FIX_UNKNOWN,
    FIX_FIXED,    /* a fixed version exists */
    FIX_AFFECTED, /* affected, no fix yet */
    FIX_WILL_NOT_FIX,
    FIX_DEFERRED,
    FIX_END_OF_LIFE,
    FIX_NOT_AFFECTED, /* the source says that the package is not affected */
};
const char *fix_state_name(enum fix_state state); /* "fixed", "will-not-fix", … */

/* Half-open, as OSV's events: introduced <= v < fixed; or v <= last_affected.  "0" or empty
 * introduced is before every version; all others empty: no end.  is_after: introduced itself is not
 * in it ("> 1.2", which some publishers write and OSV cannot say). */
struct version_range {
    str introduced, fixed, last_affected;
    bool is_after;
};
/* One statement of one record of one source about one package of one ecosystem. */
struct affected {
    str record; /* id of the record within its source: key of advisory_get */
    str source; /* feed name */
    VEC(struct version_range) ranges;
    strs versions; /* affected in so many words, besides the ranges */
    enum fix_state state;
    enum severity severity; /* the distribution's own rating of this package; unknown when none */
    strs arches; /* of these architectures only, as the package database spells them; none: all */
    str module;  /* rpm: "nodejs:18", only packages of that module stream; empty: says nothing */
    str note; /* the source's words on the state: "no-dsa: minor issue", "component not present" */
    strs symbols;   /* what of the package is vulnerable, where a source says it: "crypto/tls.Dial";
                       "crypto/tls" alone: all of that part */
    bool is_binary; /* the name is a binary package's, not a source's */
    bool is_withdrawn; /* the record was taken back: kept to explain, never to find */
};
typedef VEC(struct affected) affecteds;

/* The record itself. */
struct advisory {
    str id, source;
    strs aliases; /* same vulnerability by other names */
    strs related; /* upstream: not aliases */
    str title, description;
    str published, modified; /* RFC 3339 as published, or empty */
    str withdrawn;
    VEC(struct cvss) cvss;
    VEC(struct rating) ratings;
    strs cwes;       /* "CWE-79" */
    strs references; /* URLs */
    str revision;    /* what tells this state of the record from another: modified, or a digest */
};

/* What a source says of a CVE whatever the package: exploited, how likely, scores, words. */
struct enrichment {
    str source;
    bool is_kev, is_ransomware; /* CISA's catalogue: known exploited; by ransomware */
    str kev_added, kev_due;     /* "2021-12-10" */
    bool has_epss;
    double epss, epss_percentile; /* 0 to 1 */
    VEC(struct cvss) cvss;
    VEC(struct rating) ratings;
    strs cwes;
    str title, description, published, modified;
    strs references;
    bool is_rejected; /* the CVE was taken back by who gave it */
};
typedef VEC(struct enrichment) enrichments;

/* --- VEX: what a supplier says of vulnerabilities in a product
 * ------------------------------------------------------------ */
enum vex_status {
    VEX_UNDER_INVESTIGATION, /* and whatever else is no answer */
    VEX_NOT_AFFECTED,
    VEX_AFFECTED,
    VEX_FIXED,
};
const char *vex_status_name(enum vex_status status); /* "not_affected" */
struct vex_product {
    str id;             /* purl, else image reference, CPE or name as the document has it */
    str digest;         /* "sha256:…" of the artefact, when the document tells one */
    strs subcomponents; /* purls, of which the statement is within the product; none: of it all */
};
struct vex_statement {
    str vulnerability; /* as the document calls it: CVE, GHSA, GO-… */
    strs aliases;
    VEC(struct vex_product) products;
    enum vex_status status;
    str justification; /* in OpenVEX's words: "vulnerable_code_not_present"; else the document's */
    str text;          /* impact, action, or detail */
    str author, timestamp, document;
    str feed; /* that keeps it; empty: of a document given by hand, or attached to the image */
};
typedef VEC(struct vex_statement) vex_statements;
/* OpenVEX (0.0.1 to 0.2), CSAF 2.0 VEX, CycloneDX (1.4 to 1.6) with analyses, an in-toto statement
 * whose predicate is OpenVEX, or a DSSE envelope or Sigstore bundle of one: told by their members.
 * Copies into @arena.  ERR_UNSUPPORTED when it is JSON and none of these. */
NODISCARD bool vex_parse(str text, struct arena *arena, vex_statements *out, struct err *err);
/* The same, with what the document says of itself. */
struct vex_document {
    vex_statements statements;
    str id;              /* as its author calls it; may be empty */
    bool is_in_envelope; /* signed: nobody has verified by whom */
    bool is_attestation; /* an in-toto statement: it is about its subjects alone */
    strs subjects;       /* their digests, "sha256:…" */
};
NODISCARD bool vex_document_parse(str text, struct arena *arena, struct vex_document *out,
                                  struct err *err);
/* Where the database keeps statements of VEX feeds (vexhub, ubuntu-vex), for advisory_find:
 * - A product that is a package of a distribution release (pkg:deb, pkg:apk, pkg:rpm with `distro`)
 *   is an `affected` of that release's ecosystem.  VEX speaks of the version it names and of no
 *   other: the version stands in `versions`, and without one the statement is of every version.
 *   not_affected and fixed are FIX_NOT_AFFECTED ("not affected", with the justification as the
 *   note, or "fixed"), affected is FIX_AFFECTED, under_investigation FIX_UNKNOWN.
 * - Any other product is kept under the ecosystem "VEX:<purl type>" ("VEX:oci", "VEX:golang",
 *   "VEX:other" for what is no purl), called as vex_product_key gives: `versions` holds the
 *   product as the document names it (purl, reference) and its digest where one is told, `symbols`
 *   the purls of the subcomponents that it is about (none: all of the product), `state` and `note`
 *   as above.  Who judges an image asks for what the image and the packages of a finding are
 *   called, and holds the product against them as any statement (match/).
 * VEX covers nothing. */
NODISCARD bool vex_product_key(str product, struct arena *arena, str *ecosystem, str *name,
                               struct err *err);

/* --- reading
 * --------------------------------------------------------------------------------------- */
struct source_state {
    str name, url;
    int64_t fetched_at;  /* UTC seconds */
    int64_t valid_until; /* 0: none stated; past it the source is stale, not failed */
    uint64_t n_records;
    str digest;   /* of what was read, "sha256:…" */
    str error;    /* of the last update, empty when it went well */
    bool is_held; /* that error is the firewall's: the new state moved too much at once */
    str licence;
    notices notices;
};
struct advisory_db;
/* ERR_NOT_FOUND when there is no database (the message says how to make one), ERR_UNSUPPORTED when
 * it is of a newer format, ERR_FORMAT when it is none. */
NODISCARD bool advisory_db_open(const char *dir, struct advisory_db **out, struct err *err);
/* A generation that is kept; 0: the current one.  Without news of its sources since. */
NODISCARD bool advisory_db_open_at(const char *dir, uint64_t generation, struct advisory_db **out,
                                   struct err *err);
typedef VEC(uint64_t) generation_list;
/* Those that are kept, oldest first. */
NODISCARD bool advisory_generations(const char *dir, struct arena *arena, generation_list *out,
                                    struct err *err);
void advisory_db_close(struct advisory_db *db);
uint64_t advisory_db_generation(const struct advisory_db *db);
/* What it was built from, as 64 hexadecimal digits: two databases that say the same bear the same,
 * whatever their numbers.  Borrowed. */
str advisory_db_identity(const struct advisory_db *db);
size_t advisory_db_sources(const struct advisory_db *db, const struct source_state **out);
/* What is known of each source now, after the last update too, whether or not that made a
 * generation: none when there was no update yet. */
typedef VEC(struct source_state) source_states;
NODISCARD bool advisory_sources(const char *dir, struct arena *arena, source_states *out,
                                struct err *err);
/* True when a source for the release was verified, even with zero records. @ecosystem "Debian:12".
 */
bool advisory_db_covers(const struct advisory_db *db, str ecosystem);
/* Does it keep statements under any ecosystem "VEX:…"?  Known since it was opened. */
bool advisory_db_has_vex(const struct advisory_db *db);
/* Every statement on a package; an empty list is an answer.  Strings borrow from the mapping. */
NODISCARD bool advisory_find(const struct advisory_db *db, struct arena *arena, str ecosystem,
                             str package, affecteds *out, struct err *err);
/* The name under which statements on a package lie: where an ecosystem takes several spellings for
 * one name ("Flask", "flask"), the one it prefers.  Borrows @name when it is that; ptr NULL: arena
 * used up.  Look-ups want it. */
str advisory_fold_name(struct arena *arena, str ecosystem, str name);
/* Every package of @ecosystem that there are statements on, in no order. */
NODISCARD bool advisory_packages(const struct advisory_db *db, struct arena *arena, str ecosystem,
                                 strs *out, struct err *err);
/* Those that a filter lets through.  It is shown what decides about most statements (record,
 * source, state, severity, flags, ranges, versions), until it returns. */
struct affected_filter {
    bool (*wants)(void *ctx, const struct affected *statement);
    void *ctx;
};
NODISCARD bool advisory_find_if(const struct advisory_db *db, struct arena *arena, str ecosystem,
                                str package, const struct affected_filter *filter, affecteds *out,
                                struct err *err);
NODISCARD bool advisory_get(const struct advisory_db *db, struct arena *arena, str source,
                            str record, struct advisory *out, struct err *err);
/* A package that a record speaks of. */
struct advisory_place {
    str ecosystem, package;
};
typedef VEC(struct advisory_place) advisory_places;
struct named_record {
    str source, record;
    advisory_places places; /* every package that it has a statement on */
};
typedef VEC(struct named_record) named_records;
/* Every record that bears the name, as its id or as an alias; an empty list is an answer.  By
 * source, then record. */
NODISCARD bool advisory_by_id(const struct advisory_db *db, struct arena *arena, str id,
                              named_records *out, struct err *err);
/* Every package that a record speaks of one of whose names is wanted; more than once perhaps. */
struct advisory_names {
    bool (*wants)(void *ctx, str name);                          /* an id or an alias */
    bool (*take)(void *ctx, const struct advisory_place *place); /* false: no memory */
    void *ctx;
};
NODISCARD bool advisory_places_of(const struct advisory_db *db, const struct advisory_names *names,
                                  struct err *err);
/* What every source says of a CVE itself; an empty list is an answer. */
NODISCARD bool advisory_enrich(const struct advisory_db *db, struct arena *arena, str cve,
                               enrichments *out, struct err *err);

/* --- between two generations
 * ----------------------------------------------------------------------
 */
enum change_kind { CHANGE_ADDED, CHANGE_CHANGED, CHANGE_WITHDRAWN, CHANGE_REMOVED };
const char *change_kind_name(enum change_kind kind); /* "added", … */
struct package_change {
    str ecosystem, package;
    enum change_kind kind; /* of what is said about it; never WITHDRAWN */
};
struct record_change {
    str source, record;
    enum change_kind kind;
};
struct advisory_changes {
    VEC(struct package_change) packages; /* whose verdict may differ; by ecosystem and name */
    VEC(struct record_change) records;   /* by source and id */
    strs ecosystems;                     /* covered in one of the two only */
    strs cves; /* of which something but the EPSS was added, changed or removed */
    strs epss; /* of which perhaps the EPSS moved, and nothing else did */
};
/* What tells @to from @from.  Everything is copied into @arena. */
NODISCARD bool advisory_diff(const struct advisory_db *from, const struct advisory_db *to,
                             struct arena *arena, struct advisory_changes *out, struct err *err);

/* --- checking
 * --------------------------------------------------------------------------------------
 */
struct advisory_size {
    uint64_t n_packages, n_statements, n_records, n_enrichments, n_ecosystems;
    uint64_t bytes, index_bytes, text_bytes; /* of the file; text: the pages of packed texts */
};
/* Every byte: the seal, each key and value, each text, and that each statement's record is there.
 * ERR_MISMATCH for another digest than sealed, ERR_FORMAT for what cannot be read. */
NODISCARD bool advisory_verify(const char *dir, uint64_t generation, const struct cancel *cancel,
                               struct advisory_size *out, struct err *err);

/* --- updating
 * -------------------------------------------------------------------------------------- */
/* A package of a scanned image, for feeds that read only what is asked for (debian-archive). */
struct wanted_package {
    str ecosystem, source_name, source_version;
};
struct feed_choice {
    str name;  /* a row of the feed table */
    str place; /* URL or folder; empty: the default */
};
/* Share by which a source may move at once before it is held: its records in number, or the set of
 * what they are about. */
#define ADVISORY_MAX_CHANGE 0.25
struct update_spec {
    const char *dir;
    const struct feed_choice *feeds; /* none: those the database has, or every default */
    size_t n_feeds;
    const struct wanted_package *wanted;
    size_t n_wanted;
    const struct cancel *cancel;
    void (*progress)(void *ctx, str feed, str what, uint64_t done, uint64_t total);
    void *progress_ctx;
    const char *keyring; /* of debian-archive; NULL: the one of Debian's package */
    const char *apt_dir; /* where APT's sources are read; NULL: /etc/apt */
    double max_change;   /* 0: ADVISORY_MAX_CHANGE; negative: anything goes */
    strs accepted;       /* feeds that may move by any share this time */
};
struct update_result {
    uint64_t generation; /* the one that is current now */
    bool is_new;         /* false: nothing changed, no generation was made */
    size_t n_failed;     /* sources that kept their last good state; their state says why */
};
/* Read the feeds, keep the others as they are, build aside, publish.  One source's failure is in
 * its source_state; false only when nothing could be published or kept. */
NODISCARD bool advisory_update(const struct update_spec *spec, struct update_result *out,
                               struct err *err);

/* --- carrying -----------------------------------------------------------------------------------
 * One file holds the last good state of every source, signed (Ed25519): a zstd file whose first,
 * skippable frame is the signature of manifest.json, and whose tar holds that manifest with the
 * digest of everything else.  `zstd -d` and `tar` read it.  What is imported is compiled anew here:
 * a foreign database is never mapped. */
struct signing_key {
    uint8_t bytes[64]; /* secret; the public half are the last 32 */
};
struct trusted_key {
    uint8_t bytes[32];
};
/* A new pair: the secret in @path (mode 0600, never replaced), the public key in @path.pub. */
NODISCARD bool signing_key_make(const char *path, struct err *err);
NODISCARD bool signing_key_load(const char *path, struct signing_key *out, struct err *err);
NODISCARD bool trusted_key_load(const char *path, struct trusted_key *out, struct err *err);

NODISCARD bool advisory_export(const char *dir, int fd, const struct signing_key *key,
                               const struct cancel *cancel, struct err *err);
struct import_spec {
    const char *dir;
    int fd;
    const struct trusted_key *keys;
    size_t n_keys;
    bool takes_older; /* also sources that were fetched before those that are here */
    const struct cancel *cancel;
};
/* Its sources take the place of those of the same name; others stay.  ERR_DENIED when no trusted
 * key signed it, ERR_MISMATCH when it is not what was signed, ERR_CONFLICT when it is older than
 * what is here.  Nothing changes unless all of it is good. */
NODISCARD bool advisory_import(const struct import_spec *spec, struct update_result *out,
                               struct err *err);

/* One row a feed; the table is made by meson. */
struct feed_reader;
struct feed {
    const char *name; /* "osv" */
    const char *summary;
    const char *default_url; /* NULL: derived (debian-archive reads the machine's APT sources) */
    const char *licence;
    const char *cadence; /* how often its publisher renews it: "hourly", "daily" */
    bool is_named_only;  /* not among those that are read when none is named */
    bool is_by_wish;     /* reads only what is asked for: its size says nothing */
    bool (*read)(struct feed_reader *reader, struct err *err); /* see internal.h */
};
const struct feed *const *advisory_feeds(size_t *n);
const struct feed *advisory_feed_find(str name); /* NULL: none is called so */
