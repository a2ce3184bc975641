/* SPDX-License-Identifier: Apache-2.0 */
/* internal.h - what a feed's file sees, and the rooms behind advisory.h.
 *
 *     place ──feed_get──> reader (osv.c …) ──feed_record──> sources/<feed>/records ──build──>
 * data.mdb
 *
 * A reader turns what its publisher wrote into records; it writes nothing else but its own cache.
 */
#pragma once

#include <stdio.h>

#include "advisory/advisory.h"
#include "base/map.h"
#include "base/rd.h"
#include "base/sb.h"
#include "codec/codec.h"
#include "http/http.h"
#include "os/file.h"
#include "syntax/syntax.h"

/* --- value.c: how records lie in files and in the database
 * ---------------------------------------- */
enum { ADVISORY_FORMAT = 3 }; /* of generations and of records files; raise it when bytes change */

void affected_print(const struct affected *affected, struct sb *out);
/* Borrows from @in; fails @in when the bytes are none of ours. */
bool affected_parse(struct rd *in, struct arena *arena, struct affected *out);
void record_text_print(const struct advisory *advisory, struct sb *out);
bool record_text_parse(struct rd *in, struct arena *arena, struct advisory *out);
/* Behind a record's text: the packages that it speaks of. */
bool record_places_parse(struct rd *in, struct arena *arena, advisory_places *out);
void enrichment_print(const struct enrichment *enrichment, struct sb *out);
bool enrichment_parse(struct rd *in, struct arena *arena, struct enrichment *out);
void source_state_print(const struct source_state *state, struct sb *out);
bool source_state_parse(struct rd *in, struct arena *arena, struct source_state *out);
/* A statement as it stands: its source's number, the mark of its record's text, its bytes. */
struct raw_statement {
    uint32_t source;
    uint32_t mark;
    str bytes;
};
/* The next of a package's value behind its count; false at the end or when @in failed. */
bool raw_statement_next(struct rd *in, struct raw_statement *out);
/* The statements of one package: what the database holds under its key.  Source numbers index
 * @sources. */
NODISCARD bool package_value_parse(str value, struct arena *arena,
                                   const struct source_state *sources, size_t n_sources,
                                   affecteds *out, struct err *err);
/* Of those only what @filter wants, appended. */
NODISCARD bool package_value_filter(str value, struct arena *arena,
                                    const struct source_state *sources, size_t n_sources,
                                    const struct affected_filter *filter, affecteds *out,
                                    struct err *err);

/* What the sources say of one CVE. */
NODISCARD bool enrichment_value_parse(str value, struct arena *arena,
                                      const struct source_state *sources, size_t n_sources,
                                      enrichments *out, struct err *err);

#define GENERATION_FMT "generations/%06llu"

/* --- db.c: keys
 * ------------------------------------------------------------------------------------ */
enum { KEY_MAX = 511, KEY_DIGEST = 32 };
enum key_kind {
    KEY_COVERAGE = 'C',
    KEY_ENRICHMENT = 'E',
    KEY_FILTER = 'F',
    KEY_NAME = 'I',
    KEY_META = 'M',
    KEY_PACKAGE = 'P',
    KEY_RECORD = 'R',
    KEY_TEXTS = 'T',
};
struct db_key {
    size_t len;
    char bytes[KEY_MAX];
};
static inline bool db_key_is_hashed(const struct db_key *key) { return key->bytes[0] & 0x20; }
/* Of a block of texts: the kind, source and block, both big-endian. */
void db_key_texts(struct db_key *key, uint32_t source, uint32_t block);
/* kind, @a, NUL, @b; what would be longer than KEY_MAX is its sha256 behind the kind in lower case.
 */
void db_key_make(struct db_key *key, enum key_kind kind, str a, str b);
/* Every key and value, in order of keys.  Of a hashed key @kind is the letter in capitals and
 * is_hashed is set: its names stand before the value (hashed_names). */
struct db_item {
    enum key_kind kind;
    bool is_hashed;
    str key; /* behind the letter */
    str value;
};
struct db_cursor;
NODISCARD bool db_cursor_open(const struct advisory_db *db, struct db_cursor **out,
                              struct err *err);
NODISCARD enum next db_cursor_next(struct db_cursor *cursor, struct db_item *out, struct err *err);
void db_cursor_close(struct db_cursor *cursor);
/* The two names of a key that has two; of a hashed one they are taken off the value. */
NODISCARD bool db_item_names(struct db_item *item, str *a, str *b, struct err *err);
/* The value under @kind of two names; ERR_NOT_FOUND when there is none. */
NODISCARD bool db_get_named(const struct advisory_db *db, enum key_kind kind, str a, str b,
                            str *out, struct err *err);
/* A record's text, unpacked into @arena. */
NODISCARD bool db_get_text(const struct advisory_db *db, str source, str record,
                           struct arena *arena, str *out, struct err *err);
/* Does the filter know of statements on it? */
bool db_may_have(const struct advisory_db *db, str ecosystem, str package);
NODISCARD bool db_has_record(const struct advisory_db *db, str source, str record, struct err *err);
NODISCARD bool db_unpack(const struct advisory_db *db, str block, struct arena *arena, str *texts,
                         struct err *err);
/* Digest of the records file that @name was built from; empty: it has no part in this generation.
 */
str advisory_db_compiled(const struct advisory_db *db, str name);
/* Sources that have a part in it. */
size_t advisory_db_built(const struct advisory_db *db);

/* --- filter.c: which packages there is any statement on
 * ----------------------------------------------------------------------------------------- */
/* Bytes of a filter for @n keys; false never, so that a look-up that finds nothing costs one line
 * of memory.  In 64-byte blocks, each key six bits of one block. */
size_t filter_size(size_t n);
uint64_t filter_hash(str a, str b);
void filter_add(unsigned char *filter, size_t size, uint64_t hash);
/* False: surely not there. */
bool filter_has(str filter, uint64_t hash);

/* --- records.c: the intermediate file of one source
 * ------------------------------------------------ */
/* A record's text as a number, by which two states of it are told apart. */
uint32_t text_mark(str text);
/* Texts lie in blocks of about this many bytes, each one zstd frame behind its length: small enough
 * that one record is had in microseconds, large enough that the frames are small. */
enum { TEXTS_BLOCK = 32 << 10 };
struct record_entry {
    str ecosystem, package;
    struct affected affected; /* record and source are filled when it is read back */
};
struct record {
    struct advisory advisory;
    VEC(struct record_entry) entries;
};
struct records_writer;
NODISCARD bool records_create(struct records_writer **out, const char *path, struct err *err);
NODISCARD bool records_add(struct records_writer *writer, const struct record *record,
                           struct err *err);
/* Of one CVE; counts as a record. */
NODISCARD bool records_enrich(struct records_writer *writer, str cve,
                              const struct enrichment *enrichment, struct err *err);
NODISCARD bool records_cover(struct records_writer *writer, str ecosystem, struct err *err);
/* End the file and sync it; @digest is of its bytes.  The writer is gone, also after an error. */
NODISCARD bool records_finish(struct records_writer *writer, uint64_t *n_records, str *digest,
                              struct arena *arena, struct err *err);
void records_abort(struct records_writer *writer);

struct records_file {
    str bytes; /* mapped */
    struct rd in;
};
enum frame_kind {
    FRAME_RECORD = 'R',
    FRAME_ENRICHMENT = 'N',
    FRAME_TEXTS = 'T',
    FRAME_COVERAGE = 'C',
    FRAME_END = 'E'
};
/* A record's frame, and behind it its entries, one by one.  False when the body failed. */
struct record_frame {
    str id;
    str names; /* its other names, as they stand: record_frame_name */
    str place; /* block, place and mark, as they stand */
    uint32_t mark;
    size_t n_entries;
};
bool record_frame_read(struct rd *body, struct record_frame *out);
/* The next of its names; false behind the last. */
bool record_frame_name(struct rd *names, str *out);
bool record_frame_entry(struct rd *body, str *ecosystem, str *package, str *statement);
NODISCARD bool records_open(struct records_file *file, const char *path, struct err *err);
void records_close(struct records_file *file);
/* The next frame's kind and body, borrowed from the mapping.  NEXT_END only behind a whole file. */
NODISCARD enum next records_next(struct records_file *file, enum frame_kind *kind, struct rd *body,
                                 struct err *err);

/* --- firewall.c
 * ----------------------------------------------------------------------------------------- */
/* *is_held, and ERR_MISMATCH in words, when the records at @after differ from those at @before by
 * more than the share @most: in number, or in what they are about. */
NODISCARD bool firewall_check(const char *before, const char *after, double most, bool *is_held,
                              struct err *err);

/* --- verify.c
 * ------------------------------------------------------------------------------------------- */
/* Write @folder/seal: the digest of its data.mdb. */
NODISCARD bool seal_write(const char *folder, struct err *err);

/* --- build.c: records of all sources -> one generation
 * ---------------------------------------------- */
struct build_source {
    struct source_state state;
    const char *path; /* of its records; NULL: it has none yet */
    str compiled;     /* digest of that file */
};
NODISCARD bool build_generation(const char *folder, uint64_t generation,
                                const struct build_source *sources, size_t n_sources,
                                const struct cancel *cancel, struct err *err);

/* --- state.c: sources.json
 * ---------------------------------------------------------------------------- */
struct known_source {
    struct source_state state;
    str place;    /* as it was asked for; empty: the default */
    str compiled; /* digest of its records file; empty: none */
};
typedef VEC(struct known_source) known_sources;
NODISCARD bool known_load(const char *dir, struct arena *arena, known_sources *out,
                          struct err *err);
NODISCARD bool known_save(const char *dir, const known_sources *known, struct err *err);
/* The same as text: {"format": …, "sources": […]}. */
NODISCARD bool known_print(const known_sources *known, struct sb *out, struct err *err);
NODISCARD bool known_parse(str text, struct arena *arena, known_sources *out, struct err *err);
struct known_source *known_find(const known_sources *known, str name);

/* --- publish.c: a database's folder while it is changed
 * -------------------------------------------------- */
struct update {
    const char *dir;
    const struct cancel *cancel;
    const struct update_spec *spec; /* NULL: no feed is read */
    struct arena arena;
    known_sources known;
    int lock;
    size_t n_failed;
    struct err first; /* the first source's failure */
    bool is_held;     /* the source just read was, by the firewall */
};
/* Take the lock and learn what is known; ERR_CONFLICT when another update runs.  To be closed also
 * after a failure. */
NODISCARD bool update_open(struct update *update, struct err *err);
/* Keep what is known and, when that is not what the current generation was made of, publish. */
NODISCARD bool update_finish(struct update *update, struct update_result *out, struct err *err);
void update_close(struct update *update);
/* DIR/@prefix@a@b; NULL with the error set. */
const char *update_path(struct update *update, const char *prefix, str a, str b, struct err *err);
const char *update_records_path(struct update *update, const struct known_source *known,
                                struct err *err);
NODISCARD bool sync_folder(const char *path, struct err *err);

/* --- keys.c
 * --------------------------------------------------------------------------------------------- */
str base64_print(struct arena *arena, const uint8_t *bytes, size_t n); /* ptr NULL: used up */

/* --- what a reader works with
 * --------------------------------------------------------------------------- */
struct feed_reader {
    const struct feed *feed;
    const struct update_spec *spec;
    str place;                  /* empty: the feed's default */
    struct arena *arena;        /* lives as long as this reading */
    struct source_state *state; /* the reader fills url, valid_until, digest, notices; error when a
                                 * part of it kept its last good state */
    struct records_writer *records;
    const char *cache;        /* sources/<feed>, the reader's own */
    str_vec fetched;          /* names in the cache of what was downloaded */
    struct http_client *http; /* opened by the first fetch */
    struct hash *digest;      /* feed_seen collects here */
    int64_t now_s;
    uint32_t backoff_ms; /* before the second try; doubles */
};

NODISCARD bool feed_record(struct feed_reader *reader, const struct record *record,
                           struct err *err);
NODISCARD bool feed_enrich(struct feed_reader *reader, str cve, const struct enrichment *enrichment,
                           struct err *err);
NODISCARD bool feed_covers(struct feed_reader *reader, str ecosystem, struct err *err);
/* False only when the arena is used up. */
NODISCARD bool feed_notice(struct feed_reader *reader, enum notice_kind kind, str path,
                           struct err *err, const char *fmt, ...) PRINTF(5, 6);
/* A record or document that cannot be read: a notice when it is its own fault (ERR_FORMAT,
 * ERR_LIMIT, ERR_UNSUPPORTED), so that the rest goes in; else false, and *err is *why. */
NODISCARD bool feed_broken(struct feed_reader *reader, str name, str id, const struct err *why,
                           struct err *err);
void feed_progress(struct feed_reader *reader, const char *what, uint64_t done, uint64_t total);
/* A file that was read becomes a part of the source's digest. */
void feed_seen(struct feed_reader *reader, str name, str bytes);
NODISCARD bool feed_seen_file(struct feed_reader *reader, str name, const char *path,
                              struct err *err);

/* --- place.c: a folder, a file or a URL
 * ------------------------------------------------------------------- */
bool place_is_url(str place);
/* @place/@path whole, at most @max bytes, retried when the failure may pass.  ERR_NOT_FOUND also
 * for 404 and 410.  In a folder nothing leads out of it. */
NODISCARD bool feed_get(struct feed_reader *reader, str place, str path, size_t max,
                        struct arena *arena, str *out, struct err *err);
/* The URL's body as a file in the cache: *path.  Asked for with the validators of last time, so
 * that what has not changed is not sent again; a broken transfer goes on where it broke; a digest
 * that the server states must hold (Repr-Digest, Digest, Content-MD5, x-goog-hash). */
NODISCARD bool feed_download(struct feed_reader *reader, str url, uint64_t max, const char **path,
                             struct err *err);
/* Forget cached files whose URLs this reading did not ask for. */
void feed_forget_others(struct feed_reader *reader);
/* Into memory; for feed_get. */
NODISCARD bool web_get(struct feed_reader *reader, str url, size_t max, struct arena *arena,
                       str *out, struct err *err);
/* @place/@path with what RFC 3986 does not let stand in a path escaped; NULL: too long. */
const char *url_join(struct arena *arena, str place, str path);
/* Sleeps, unless it is time to stop. */
NODISCARD bool feed_pause(struct feed_reader *reader, int64_t ms, struct err *err);
/* --- documents.c: every document of a place, whatever it is packed in
 * ------------------------------------------------------------------ */
struct documents {
    const char *const
        *suffixes;      /* of the documents' names, packing taken off; NULL behind the last */
    uint64_t max_bytes; /* of one document */
    /* @arena is empty at each call and reset behind it.  False ends the reading. */
    bool (*take)(void *ctx, struct arena *arena, str name, str text, struct err *err);
    void *ctx;
};
/* @place is a file, a folder (with what lies below it), or the URL of a file.  A document may stand
 * alone or in a zip or tar, compressed or not (gzip, zstd, xz, bzip2).  Folders in order of names;
 * one that has an all.zip means that alone.  Every file read becomes a part of the source's digest.
 * ERR_NOT_FOUND when nothing there is called like a document. */
NODISCARD bool feed_documents(struct feed_reader *reader, str place, const struct documents *spec,
                              struct err *err);
/* The reader's place, or its feed's default; becomes the source's url. */
str feed_place(struct feed_reader *reader);

/* "sha256:<hex>" of bytes, in @arena. */
str sha256_print(struct arena *arena, str bytes);
bool digest_is(str bytes, str sha256_hex);

/* --- osv_record.c
 * ------------------------------------------------------------------------------------------- */
/* One OSV record (JSON).  ERR_FORMAT says what is wrong with it. */
NODISCARD bool osv_record_parse(str text, struct arena *arena, struct record *out, struct err *err);

/* --- osv.c: names of the zips of the public bucket, escaped as in a URL
 * --------------------------------------------------- */
const char *const *osv_exports(size_t *n);

/* --- osv_names.c
 * -------------------------------------------------------------------------------------------- */
/* Under which names a statement on an ecosystem is asked for. */
NODISCARD bool osv_ecosystems(str ecosystem, struct arena *arena, strs *out, struct err *err);
bool osv_is_distribution(str ecosystem);
bool osv_is_bug_fix(str id); /* an erratum that says itself that it is no security update */
str osv_module(str title);   /* empty: it names none, or several */

/* --- osv_specific.c: what publishers add to the schema
 * ---------------------------------------------------------------------- */
/* Fills symbols, note, module, state and severity of @entry from what stands beside its versions.
 */
NODISCARD bool osv_specifics(const json_t *affected, struct arena *arena,
                             struct record_entry *entry, struct err *err);
/* The highest of publishers' own words ("Ubuntu": "medium") in a list of severities. */
enum severity osv_own_severity(const json_t *severities);
/* "Important: openssl security update" of AlmaLinux, Rocky, Red Hat. */
enum severity osv_title_severity(str title);

/* --- gather.c: steps that readers share; strings are borrowed
 * --------------------------------------------------------------- */
/* Unless it is empty or there already (of long lists this is not asked). */
NODISCARD bool strs_push(struct arena *arena, strs *list, str value, struct err *err);
/* @slot is what vec_push gave: NULL means that the arena is used up. */
NODISCARD bool cvss_set(struct cvss *slot, str vector, str source, struct err *err);
NODISCARD bool rating_set(struct rating *slot, str source, enum severity severity, struct err *err);
enum severity severity_word(str word); /* SEVERITY_UNKNOWN when the word is none */
/* The next CVE id within *rest, which moves behind it; empty when there is no more. */
str cve_next(str *rest);
str cve_first(str text);
bool cve_is(str id);              /* one id and nothing else */
str ubuntu_release(str codename); /* "jammy" → "22.04"; empty: not known */
/* RFC 4180: the fields of the next record. */
NODISCARD enum next csv_next(struct rd *in, struct arena *arena, strs *fields, struct err *err);

/* What a parser of CVEs hands over; false ends it. */
struct enrich_sink {
    bool (*take)(void *ctx, str cve, const struct enrichment *enrichment, struct err *err);
    bool (*broken)(void *ctx, str id, const struct err *why, struct err *err);
    void *ctx;
};
struct enrich_spec {
    const char *const *suffixes;
    uint64_t max_bytes;
    const char *prefix; /* of the documents' names; NULL: any */
    bool (*parse)(str text, struct arena *arena, const struct enrich_sink *sink, struct err *err);
};
/* Every document of the places; of a CVE that several speak of, the first counts. */
NODISCARD bool feed_enrichments(struct feed_reader *reader, const str *places, size_t n_places,
                                const struct enrich_spec *spec, struct err *err);
NODISCARD bool feed_enrichments_at_place(struct feed_reader *reader, const struct enrich_spec *spec,
                                         struct err *err);
/* Feeds of one record a document: every document of the place; the ecosystems named are covered. */
struct recording {
    struct feed_reader *reader;
    const char *prefix; /* of the documents' names; NULL: any */
    bool (*parse_json)(const json_t *root, struct arena *arena, struct record *out,
                       struct err *err); /* or */
    bool (*parse_text)(str text, struct arena *arena, struct record *out, struct err *err);
    struct map covered;
    uint64_t n_records;
};
NODISCARD bool feed_record_documents(struct recording *recording, const char *const *suffixes,
                                     struct err *err);
NODISCARD bool kev_parse(str text, struct arena *arena, const struct enrich_sink *sink,
                         struct err *err);
NODISCARD bool epss_parse(str text, struct arena *arena, const struct enrich_sink *sink,
                          struct err *err);
NODISCARD bool nvd_parse(str text, struct arena *arena, const struct enrich_sink *sink,
                         struct err *err);
NODISCARD bool cvelist_parse(str text, struct arena *arena, const struct enrich_sink *sink,
                             struct err *err);

/* --- csaf.c: products of a CSAF document; borrows from the tree of JSON
 * -------------------------------------------------------- */
struct csaf_product {
    str id, name, purl, cpe;
    str component, platform; /* of a relationship: ids of products; else empty */
    /* what the vulnerability at hand says of it: csaf_facts */
    str flag;                /* "component_not_present" */
    str impact;              /* the vendor's own severity, or why it is not affected */
    str remedy, remedy_text; /* "vendor_fix", "no_fix_planned" …; never a workaround */
};
struct csaf_tree {
    struct arena *arena;
    struct map products; /* id → struct csaf_product */
    struct map groups;   /* id → JSON array of product ids */
};
NODISCARD bool csaf_tree_read(const json_t *root, struct arena *arena, struct csaf_tree *out,
                              struct err *err);
struct csaf_product *csaf_product(const struct csaf_tree *tree, str id); /* NULL: not in it */
/* What a relationship is about, and where it is a part of; a plain product is both. */
const struct csaf_product *csaf_component(const struct csaf_tree *tree,
                                          const struct csaf_product *product);
const struct csaf_product *csaf_platform(const struct csaf_tree *tree,
                                         const struct csaf_product *product);
void csaf_facts(struct csaf_tree *tree, const json_t *vulnerability);
str csaf_note(const json_t *notes, const char *category);

/* --- redhat.c: Red Hat's names
 * --------------------------------------------------------------------------------------- */
struct redhat_package {
    str name, version; /* version with its epoch unless that is 0; empty: whatever the version */
    str arch;          /* empty: none named, or a source */
    str module;        /* "nodejs:18" */
    bool is_source;
};
/* "cpe:/o:redhat:enterprise_linux:9::baseos" → "Red Hat:enterprise_linux:9"; empty: not Red Hat's.
 */
NODISCARD bool redhat_ecosystem(struct arena *arena, str cpe, str *out, struct err *err);
void redhat_nevra(str text, struct redhat_package *out);
/* The name is empty when it is no rpm's purl. */
NODISCARD bool redhat_purl(struct arena *arena, str text, struct redhat_package *out,
                           struct err *err);
/* One more fix of a package: the highest counts, of builds of one module stream the lowest. */
NODISCARD bool redhat_add_fix(struct arena *arena, struct affected *affected, str version,
                              struct err *err);
enum fix_state redhat_fix_state(str words); /* "Will not fix"; FIX_AFFECTED when not known */

NODISCARD bool redhat_api_parse(const json_t *root, struct arena *arena, struct record *out,
                                struct err *err);
/* One CVE of Ubuntu's tracker, as the tracker's own text or as JSON. */
NODISCARD bool ubuntu_tracker_parse(str text, struct arena *arena, struct record *out,
                                    struct err *err);

/* --- redhat_vex.c: one CSAF document of Red Hat; @take gets a record for each vulnerability
 * ------------------------------------- */
NODISCARD bool redhat_vex_parse(const json_t *root, struct arena *arena,
                                bool (*take)(void *ctx, const struct record *record,
                                             struct err *err),
                                void *ctx, struct err *err);

/* --- oval.c: a document of OVAL definitions; all strings in the arena
 * ---------------------------------------------------------- */
enum oval_kind { OVAL_OTHER, OVAL_PACKAGE, OVAL_KERNEL };
struct oval_test {
    enum oval_kind kind;
    bool is_none; /* it wants that nothing is there */
    str object;
    strs states;
};
struct oval_object {
    strs names;
    str variable; /* the names are its values */
};
struct oval_value {
    str text, operation; /* "less than" */
};
struct oval_state {
    struct oval_value evr, arch, version;
    bool has_other;
};
enum oval_node_kind { OVAL_AND, OVAL_OR, OVAL_CRITERION };
struct oval_node {
    enum oval_node_kind kind;
    bool is_negated;
    str test, comment; /* of a criterion */
    VEC(struct oval_node *) children;
};
struct oval_reference {
    str source, id, url;
};
struct oval_cve {
    str id, cvss2, cvss3, cwe, impact; /* cvss: "7.5/CVSS:3.1/…" */
};
struct oval_resolution {
    str state; /* "Will not fix" */
    strs components;
};
struct oval_definition {
    str id, class, title, description, severity, patchable, issued, updated;
    strs platforms, cpes;
    VEC(struct oval_reference) references;
    VEC(struct oval_cve) cves;
    VEC(struct oval_resolution) resolutions;
    struct oval_node *criteria; /* NULL: none */
};
struct oval_document {
    bool is_oval;
    str timestamp;
    VEC(struct oval_definition) definitions;
    struct map tests, objects, states, variables; /* by id */
};
NODISCARD bool oval_parse(str text, struct arena *arena, struct oval_document *out,
                          struct err *err);

/* --- oval_claims.c: what the criteria say of packages
 * -------------------------------------------------------------------------- */
struct oval_claim {
    strs names;
    struct version_range range; /* introduced empty: from the first version */
    str exact;                  /* this version only */
    strs arches, platforms;     /* platforms as the criteria call them */
    str module, comment;
    bool is_ksplice, is_denied; /* denied: "is not affected" */
};
typedef VEC(struct oval_claim) oval_claims;
/* *n_unknown: criteria that were not understood, and are left out. */
NODISCARD bool oval_claim(const struct oval_document *document,
                          const struct oval_definition *definition, struct arena *arena,
                          oval_claims *out, size_t *n_unknown, struct err *err);

/* --- oval_feed.c: the reader of every vendor
 * --------------------------------------------------------------------------------- */
struct oval_place {
    str name; /* of the document */
    const struct oval_definition *definition;
    const struct oval_claim *claim;
};
struct oval_vendor {
    /* Which ecosystems a claim is of; none: of nobody's packages. */
    bool (*ecosystems)(struct arena *arena, const struct oval_place *place, strs *out,
                       struct err *err);
    /* What an erratum is called; @word is the first of its title.  NULL: just that. */
    bool (*name)(struct arena *arena, const struct oval_definition *definition, str word, str *out,
                 struct err *err);
    /* The files of a server, below @base. */
    bool (*list)(struct feed_reader *reader, str base, strs *out, struct err *err);
    bool names_sources; /* packages are sources, not binaries */
};
NODISCARD bool oval_read(struct feed_reader *reader, const struct oval_vendor *vendor,
                         struct err *err);
NODISCARD bool oval_list_fixed(struct arena *arena, const char *const *names, strs *out,
                               struct err *err);

/* --- updateinfo.c: bulletins of an rpm repository; all strings in the arena
 * ------------------------------------------------------- */
struct update_package {
    str name, version, arch; /* version with its epoch unless that is 0 */
};
struct update_notice {
    str id, type, title, severity, description, issued, updated, collection;
    str link; /* RSS */
    strs cves, related, urls;
    VEC(struct update_package) packages;
};
enum updateinfo_kind { UPDATEINFO_NONE, UPDATEINFO_UPDATES, UPDATEINFO_RSS, UPDATEINFO_REPOMD };
struct updateinfo {
    enum updateinfo_kind kind;
    VEC(struct update_notice) notices;
    str location, sha256; /* of repomd.xml: where its updateinfo lies */
};
NODISCARD bool updateinfo_parse(str text, struct arena *arena, struct updateinfo *out,
                                struct err *err);

/* --- vex.c, vex_csaf.c, vex_cyclonedx.c: statements; vex_records.c: what the database keeps
 * ---------------------------------------- */
struct vex_reading {
    struct arena *arena;
    vex_statements *out;
    str author, timestamp, document; /* of what is added from now on */
    bool has_failed;                 /* the arena is used up */
    struct err *err;
};
str vex_own(struct vex_reading *v, str text); /* a copy; failure is sticky */
void vex_push(struct vex_reading *v, strs *list, str text);
struct vex_statement *vex_add(struct vex_reading *v); /* NULL: failed */
struct vex_product *vex_add_product(struct vex_reading *v, struct vex_statement *statement);
NODISCARD bool vex_read_csaf(struct vex_reading *v, const json_t *root);
NODISCARD bool vex_read_cyclonedx(struct vex_reading *v, const json_t *root);
/* @name of the document; @take gets a record for each vulnerability. */
NODISCARD bool vex_to_records(const vex_statements *statements, str name, struct arena *arena,
                              bool (*take)(void *ctx, const struct record *record, struct err *err),
                              void *ctx, struct err *err);
/* The reader of a VEX repository, or of a heap of VEX documents. */
NODISCARD bool vex_feed_read(struct feed_reader *reader, struct err *err);

/* --- secdb.c
 * --------------------------------------------------------------------------------------------------
 */
struct secdb_fix {
    str package, version, id; /* version "0": not affected */
    str text;                 /* the item as published, when it says more than ids */
    strs others;              /* further ids of the same item */
    strs aliases;             /* those that are certain; secdb_parse leaves them */
    str note;                 /* of the statement; the same */
};
struct secdb {
    str branch; /* distroversion */
    str repo;   /* reponame */
    VEC(struct secdb_fix) fixes;
    strs broken; /* items that are none, in words */
};
NODISCARD bool secdb_parse(str text, bool is_yaml, struct arena *arena, struct secdb *out,
                           struct err *err);

/* --- record_set.c: records gathered from many places before they are written; strings are borrowed
 * ----------------------------- */
struct set_record {
    struct record record;
    struct map entries; /* "ecosystem/package" → index + 1 into record.entries */
    strs others;        /* for the reader's own use */
};
struct record_set {
    struct feed_reader *reader;
    struct arena *arena;
    struct map by_id; /* id → struct set_record *, in the order in which they came */
};
void record_set_init(struct record_set *set, struct feed_reader *reader, struct arena *arena);
/* The record called @id, made when it is new; NULL with the error set. */
struct set_record *record_set_at(struct record_set *set, str id, struct err *err);
/* Its statement on the package, made when it is new; good until the next call. */
struct affected *record_set_entry(struct record_set *set, struct set_record *record, str ecosystem,
                                  str package, struct err *err);
NODISCARD bool record_set_write(struct record_set *set, struct err *err);
NODISCARD bool range_add(struct arena *arena, struct affected *affected, struct version_range range,
                         struct err *err);

/* --- secdb_set.c: records of secfixes
 * ------------------------------------------------------------------------ */
struct secdb_set {
    struct record_set records;
    struct map owners; /* further id → its one record, or the map itself when there are several */
};
void secdb_set_init(struct secdb_set *set, struct feed_reader *reader, struct arena *arena);
NODISCARD bool secdb_set_add(struct secdb_set *set, str ecosystem, const struct secdb_fix *fix,
                             struct err *err);
NODISCARD bool secdb_set_write(struct secdb_set *set, struct err *err);

/* --- wolfi_secdb.c: for chainguard_secdb.c, which differs in its ecosystem
 * ------------------------------------- */
NODISCARD bool wolfi_form_read(struct feed_reader *reader, str ecosystem, struct err *err);

/* --- json_members.c: the members of a large JSON object without a tree of the whole
 * --------------------------------------------- */
struct json_members {
    struct rd in;
    bool has_begun;
};
void json_members_init(struct json_members *members, str text);
/* The next member as it stands: its name in quotes, its value.  NEXT_END only behind a whole
 * object. */
NODISCARD enum next json_members_next(struct json_members *members, str *name, str *value,
                                      struct err *err);
NODISCARD bool json_member_name(struct arena *arena, str quoted, str *out, struct err *err);

/* --- debian_list.c: DSA/list and DLA/list; borrows from the text
 * ------------------------------------------------------------------- */
struct debian_fix {
    str codename, package, version; /* or "<not-affected>" … */
    str words;                      /* in brackets behind it */
};
struct debian_notice {
    str id, title, published;
    size_t line;
    strs ids; /* CVEs */
    VEC(struct debian_fix) fixes;
};
struct debian_list {
    VEC(struct debian_notice) notices;
    strs broken; /* lines that are none, in words */
};
NODISCARD bool debian_list_parse(str text, struct arena *arena, struct debian_list *out,
                                 struct err *err);

/* --- arch.c: one group, borrowing from the tree
 * --------------------------------------------------------------- */
NODISCARD bool arch_group_parse(const json_t *group, struct arena *arena, struct record *out,
                                struct err *err);

/* --- intervals.c
 * -------------------------------------------------------------------------------------------- */
/* One range each, in their order. */
NODISCARD bool intervals_add(const version_intervals *intervals, struct arena *arena,
                             struct affected *out, struct err *err);

/* --- rubysec.c
 * -------------------------------------------------------------------------------------------- */
/* The ranges that none of the requirements (each one clause: "~> 1.2, >= 1.2.5") holds, in order.
 * ERR_FORMAT when one of them cannot be read. */
NODISCARD bool gem_affected(const strs *healthy, struct arena *arena, struct affected *out,
                            struct err *err);

/* --- rubysec.c, friendsofphp.c: one file, borrowing from the text
 * ------------------------------------------------------------ */
/* *is_clear false: its versions could not be read, and *err says why. */
NODISCARD bool rubysec_parse(str text, str stem, struct arena *arena, struct record *out,
                             bool *is_clear, struct err *err);
/* @unclear: branches that could not be read, in words. */
NODISCARD bool friendsofphp_parse(str text, str name, struct arena *arena, struct record *out,
                                  strs *unclear, struct err *err);

/* --- debian_codenames.c
 * ------------------------------------------------------------------------------------------- */
/* "bookworm" → "Debian:12"; empty for sid, which has no number, and for names we do not know. */
str debian_ecosystem(str codename);
bool debian_codename_is_known(str codename); /* also "sid" */

/* --- changelog.c: deb-changelog(5)
 * ------------------------------------------------------------------------------- */
struct changelog_cve {
    str id, line; /* the line that names it, without bullet */
};
struct changelog_entry {
    str version, distribution;
    int64_t date; /* 0: does not parse */
    VEC(struct changelog_cve) cves;
};
struct changelog {
    VEC(struct changelog_entry) entries; /* as written: newest first */
    bool is_cut;                         /* says itself that older entries were left out */
};
/* Entries of @source only: those of an earlier name have versions of their own.  Borrows from
 * @text. */
NODISCARD bool changelog_parse(str text, str source, struct arena *arena, struct changelog *out,
                               struct err *err);

/* --- debian_index.c: what an APT archive says of itself
 * ------------------------------------------------------------ */
struct deb_release {
    str codename, label;
    int64_t date, valid_until; /* 0: none */
    bool has_by_hash;
    strs architectures;
    strs hashes; /* path, sha256, path, … */
};
/* @text is what gpgv gave back: only signed bytes. */
NODISCARD bool deb_release_parse(str text, struct arena *arena, struct deb_release *out,
                                 struct err *err);
str deb_release_hash(const struct deb_release *release, str path); /* empty: not listed */

struct deb_source {
    str name, version, directory, format;
    str checksums; /* "sha256 size file" a line */
};
/* Newest version of each source into @by_name (name → struct deb_source *). */
NODISCARD bool deb_sources_parse(str text, struct arena *arena, struct map *by_name,
                                 struct err *err);
/* The file of a source that holds debian/changelog, by its format. */
bool deb_source_file(const struct deb_source *source, str *name, str *sha256, bool *is_diff);
/* The description of the source itself. */
str deb_source_digest(const struct deb_source *source);

struct deb_binary {
    str package, filename, sha256;
    uint64_t size;
};
typedef VEC(struct deb_binary) deb_binaries;
/* Binary packages by what they were made from: "source version" → deb_binaries *, smallest first.
 */
NODISCARD bool deb_packages_parse(str text, struct arena *arena, struct map *by_source,
                                  struct err *err);

/* --- debian_changelog.c: the changelog within a source or binary package
 * --------------------------------------------- */
/* From a .debian.tar.*, a native tar, or a .diff.gz; ERR_NOT_FOUND when it holds none. */
NODISCARD bool changelog_of_source(str archive, bool is_diff, struct arena *arena, str *out,
                                   struct err *err);
/* From a .deb; ERR_NOT_FOUND when its documentation folder is a link or has none. */
NODISCARD bool changelog_of_deb(str archive, str package, struct arena *arena, str *out,
                                struct err *err);

/* --- debian_archive.c and its rooms: debian_suites.c (what the archive has), debian_fetch.c
 * (changelogs), debian_records.c (what follows)
 * ------------------------------------------------------------------------ */
enum debian_suite_kind { SUITE_MAIN, SUITE_SECURITY, SUITE_KINDS };
struct debian_row {
    const char *number, *codename, *security;
};
struct debian_suite {
    str name;  /* "bookworm-security" */
    str place; /* that it was read from */
    struct deb_release release;
    struct map sources;     /* name → struct deb_source * */
    struct map binaries;    /* "source version" → deb_binaries * */
    size_t n_architectures; /* whose binaries were read so far: as many as were needed */
};
struct debian_release {
    const struct debian_row *row;
    str ecosystem; /* "Debian:12" */
    struct debian_suite suites[SUITE_KINDS];
    bool is_good; /* both suites verified */
};
struct debian {
    struct feed_reader *reader;
    strs places[SUITE_KINDS];
    struct map wanted;        /* ecosystem TAB source → struct wanted_package * */
    struct map_entry *sorted; /* the same by key */
    VEC(struct debian_release) releases;
    strs used; /* names in the cache that this reading needed */
};
NODISCARD bool debian_suites_load(struct debian *debian, struct debian_release *release,
                                  struct err *err);
/* Binary packages made from @source, from the suite's Packages; NULL with no error when it has
 * none. */
const deb_binaries *debian_binaries(struct debian *debian, struct debian_suite *suite,
                                    const struct deb_source *source, struct err *err);
/* The changelog of the suite's version of @source, from the cache or the archive, into @arena. */
NODISCARD bool debian_changelog_get(struct debian *debian, struct debian_suite *suite,
                                    const struct deb_source *source, struct arena *arena, str *out,
                                    struct err *err);
NODISCARD bool debian_records_write(struct debian *debian, struct err *err);

/* --- apt_sources.c
 * ------------------------------------------------------------------------------------------------------
 */
struct apt_source {
    str uri;
    str suite;
};
typedef VEC(struct apt_source) apt_sources;
/* One-line and deb822 sources below @apt_dir; file: URIs become paths. */
NODISCARD bool apt_sources_load(const char *apt_dir, struct arena *arena, apt_sources *out,
                                struct err *err);
