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

/* --- value.c: how records lie in files and in the database
 * ---------------------------------------- */
enum { ADVISORY_FORMAT = 2 }; /* of generations and of records files; raise it when bytes change */

void affected_print(const struct affected *affected, struct sb *out);
/* Borrows from @in; fails @in when the bytes are none of ours. */
bool affected_parse(struct rd *in, struct arena *arena, struct affected *out);
void record_text_print(const struct advisory *advisory, struct sb *out);
bool record_text_parse(struct rd *in, struct arena *arena, struct advisory *out);
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
NODISCARD bool db_has_record(const struct advisory_db *db, str source, str record, struct err *err);
NODISCARD bool db_unpack(const struct advisory_db *db, str block, struct arena *arena, str *texts,
                         struct err *err);
/* Digest of the records file that @name was built from; empty: it has no part in this generation.
 */
str advisory_db_compiled(const struct advisory_db *db, str name);
/* Sources that have a part in it. */
size_t advisory_db_built(const struct advisory_db *db);

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
    str place; /* block, place and mark, as they stand */
    uint32_t mark;
    size_t n_entries;
};
bool record_frame_read(struct rd *body, struct record_frame *out);
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

/* --- secdb.c
 * --------------------------------------------------------------------------------------------------
 */
struct secdb_fix {
    str package, version, id; /* version "0": not affected */
    str text;                 /* the item as published, when it says more than ids */
    strs others;              /* further ids of the same item */
};
struct secdb {
    str branch; /* distroversion */
    str repo;   /* reponame */
    VEC(struct secdb_fix) fixes;
    strs broken; /* items that are none, in words */
};
NODISCARD bool secdb_parse(str text, bool is_yaml, struct arena *arena, struct secdb *out,
                           struct err *err);

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
