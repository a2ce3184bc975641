/* SPDX-License-Identifier: Apache-2.0 */
/* internal.h - what the files of this folder share: cleaned paths, the compiled patterns, the small
 * file tree of the merge, and the sharing of strings between packages. */
#pragma once

#include "inventory/inventory.h"
#include "syntax/syntax.h"

/* --- paths ------------------------------------------------------------------------------------ */
enum clean {
    CLEAN_OK,
    CLEAN_CLIMBS, /* a ".." component: the path is the one without them, never out of the root */
    CLEAN_LONG,   /* longer than LIMIT_PATH: no path */
};
/* Without leading "./" and "/", empty, "." and ".." components; the root is empty.  @room holds
 * LIMIT_PATH bytes; *path is a slice of it or of @raw. */
enum clean path_clean(str raw, char *room, str *path);
/* Where the target of a symbolic link at @path leads by its letters alone. */
enum clean path_target(str path, str target, char *room, str *out);
str path_base(str path);
str path_dir(str path); /* empty: the root */
/* @pattern's '*' stands for any bytes of one component. */
bool path_glob(str pattern, str name);

/* --- the compiled patterns -------------------------------------------------------------------- */
struct matcher;
NODISCARD bool matcher_open(struct arena *arena, struct matcher **out, struct err *err);
/* Who reads a file of that path: the detector one of whose patterns matches it, or, with *is_stray,
 * the one whose pattern ends in the same name; NULL when nobody does. */
const struct detector *matcher_find(const struct matcher *matcher, str path, bool *is_stray);
/* A pattern matches something below @path. */
bool matcher_is_folder(const struct matcher *matcher, str path);
/* … or @path itself. */
bool matcher_is_known(const struct matcher *matcher, str path);
/* All of it that a layer's inventory keeps: known, or named like a database. */
bool matcher_is_kept(const struct matcher *matcher, str path);

/* layer_scan_open and image_inventory_merge with a matcher that many share: to compile one costs as
 * much as a small layer. */
NODISCARD bool layer_scan_open_with(struct arena *arena, const struct matcher *matcher,
                                    const struct cancel *cancel, struct layer_scan **out,
                                    struct err *err);
NODISCARD bool image_inventory_merge_with(struct arena *arena, const struct combiner *combiner,
                                          const struct matcher *matcher,
                                          const struct layer_inventory *const *layers, size_t n,
                                          struct image_inventory *out, struct err *err);

/* --- ownership.c: lists of files as hashes -----------------------------------------------------
 */
enum { PATH_ROOT_HASH = 0 };
uint64_t path_name_hash(str name); /* of one component; 48 bits */
uint64_t path_join_hash(uint64_t folder, uint64_t name);
/* @path, which need not be clean, from the folder of that hash on. */
uint64_t path_hash_from(uint64_t folder, str path);
/* A new owner, the last of the file's; then its files: @folder is the hash of the one that @path
 * starts in. */
NODISCARD bool owner_begin(struct arena *arena, struct file_record *file, str package,
                           struct err *err);
NODISCARD bool owner_add(struct arena *arena, struct file_record *file, uint64_t folder, str path,
                         struct err *err);
/* Sort, once all are in. */
void owners_seal(struct file_record *file);
void owners_encode(const struct file_record *file, struct sb *out);
/* Failure is the reader's. */
void owners_decode(struct arena *arena, struct rd *in, struct file_record *file);
/* A list of paths, a line each; @is_md5sums: behind a checksum and two columns, md5sum(1). */
NODISCARD bool owner_read_list(struct arena *arena, struct rd *in, bool is_md5sums,
                               struct file_record *file, struct err *err);
/* The scripts of a package's control archive, which lie beside its list at @path under the name
 * @stem, and which no list names. */
NODISCARD bool owner_add_scripts(struct arena *arena, struct file_record *file, str path, str stem,
                                 struct err *err);

/* --- owned.c: whose a file is ------------------------------------------------------------------
 */
/* A list of the flattened root. */
struct owner_file {
    const struct file_record *record;
    str package; /* whose it is, where it only has the name of a file for it; else empty */
};
typedef VEC(struct owner_file) owner_files;
/* A link that leads to a folder: packages may list their files by a path through it. */
struct folder_link {
    uint64_t target; /* hash of the folder's real path */
    str folder;      /* that the link is in, real */
    uint64_t name;
};
struct owner {
    str package; /* "deb:openssl" */
    int layer;   /* that brought it; of several of the name the highest */
};
struct diversion {
    uint64_t from, to;
    str by; /* "deb:parallel" */
};
struct ownership {
    struct arena *arena;
    VEC(struct owner) owners;
    VEC(struct diversion) diversions; /* sorted by from */
    uint64_t *hashes;                 /* of paths, 0: free; cap is a power of two */
    uint32_t *whose;                  /* index into owners */
    size_t cap;
    VEC(struct folder_link) links; /* sorted by target */
    uint64_t n_joined;             /* names on the way to links so far */
    bool is_cut;                   /* folder-names or joined-names was crossed */
};
/* @links of @out are in; packages that are not installed own nothing. */
NODISCARD bool ownership_make(struct arena *arena, const owner_files *files, const packages *all,
                              struct ownership *out, struct err *err);
/* All hashes by which a list may name the folder of that real path: the real one, and those through
 * links.  Appended to @out. */
typedef VEC(uint64_t) folder_names;
NODISCARD bool ownership_names(struct ownership *ownership, str folder, folder_names *out,
                               struct err *err);
/* NULL: nobody's. */
const struct owner *ownership_find(const struct ownership *ownership, const folder_names *folder,
                                   uint64_t name);
/* Packages of other managers whose file is an OS package's get its name as owned_by.  One that came
 * in a later layer than its owner is not what the owner brought, and stays its own. */
NODISCARD bool ownership_mark(struct ownership *ownership, packages *all, struct err *err);

/* --- executables.c: the log of a layer ---------------------------------------------------------
 */
struct exec_scan {
    struct exec_log log;
    char head[4]; /* of the body in hand, when a detector had it */
    size_t n_head;
    bool has_head, is_broken_off; /* the next entry begins a run */
};
void exec_see(struct exec_scan *scan, str body);
NODISCARD bool exec_file(struct exec_scan *scan, struct arena *arena, const struct entry *entry,
                         str path, uint64_t order, struct archive_reader *archive, struct err *err);
NODISCARD bool exec_folder(struct exec_scan *scan, struct arena *arena, str path, uint64_t order,
                           struct err *err);
/* @target: of links; a hard link's is cleaned. */
NODISCARD bool exec_entry(struct exec_scan *scan, struct arena *arena, enum exec_kind kind,
                          str path, str target, uint64_t order, struct err *err);
/* By its mode and name alone. */
bool exec_is_likely(str name, uint32_t mode);
void exec_encode(const struct exec_log *log, struct sb *out);
/* Failure is the reader's. */
void exec_decode(struct arena *arena, struct rd *in, struct exec_log *out);

/* --- coverage.c --------------------------------------------------------------------------------
 */
/* @owners: the lists of the flattened root; @inventory's packages are in.  Fills its coverage, and
 * whose its packages are. */
NODISCARD bool coverage_measure(struct arena *arena, const struct layer_inventory *const *layers,
                                size_t n, const owner_files *owners,
                                struct image_inventory *inventory, struct err *err);

/* --- the tree: what the layers so far made of the database paths ------------------------------ */
enum spot_kind { SPOT_ABSENT, SPOT_DIR, SPOT_FILE, SPOT_SYMLINK };
struct spot_state {
    int layer;
    const struct file_record *record; /* NULL: gone, or not a database */
};
struct spot {
    str path; /* real: no component is a link */
    struct spot *parent;
    struct spot *first, *last, *next, *prev; /* those of its folder that are there */
    enum spot_kind kind;
    int layer;                        /* that put it there */
    int cleared_layer;                /* in which its lower content was taken away */
    str target;                       /* of a symlink */
    const struct file_record *record; /* of a file; NULL: its content is not known */
    const char *reason;               /* why it is not */
    VEC(struct spot_state) states;    /* by layer, the last one is the present */
    bool is_reached, is_read; /* for the merge: some pattern led here; its packages are in */
};
struct tree {
    struct arena *arena;
    struct map spots; /* by real path, also those that are gone */
    struct spot *root;
    char *room[2], *missing;
    notices *told;
    const struct matcher *matcher;
    int n_layers;      /* so far, with the one in hand */
    bool is_odd;       /* the last walk went through a link that a later layer may have replaced */
    bool is_uncertain; /* and something depended on it */
    uint64_t n_walked; /* names of paths so far; more than walked-names: no path is followed */
    size_t n_lost;     /* entries without a place */
};
NODISCARD bool tree_init(struct tree *tree, struct arena *arena, const struct matcher *matcher,
                         notices *told, struct err *err);
/* Repeat what the layer did. */
NODISCARD bool tree_apply(struct tree *tree, const struct layer_inventory *layer, int index,
                          struct err *err);
enum walk {
    WALK_FOUND,
    WALK_ABSENT,  /* *missing is where it would be */
    WALK_BLOCKED, /* a file stands in the way */
    WALK_LOOP,    /* too many links, or too long a path */
    WALK_SPENT,   /* tree_is_spent(): to be told once */
};
/* Another name of a path is looked at; false: there were enough. */
bool tree_take_name(struct tree *tree);
bool tree_is_spent(const struct tree *tree);
/* Follow @path from @from, links too, the last one as well. */
enum walk tree_find(struct tree *tree, struct spot *from, str path, struct spot **spot,
                    str *missing);

/* --- for detectors ---------------------------------------------------------------------------- */
/* A new package with its first four fields copied.  @file's last package shares its strings where
 * they are equal.  NULL with ERR_MEMORY or ERR_LIMIT. */
struct package *record_package(struct arena *arena, struct file_record *file, const char *type,
                               str name, str version, str arch, struct err *err);
/* After a failure: there is no memory, or no place for any package.  Otherwise it is this one only.
 */
bool record_is_full(const struct file_record *file, const struct err *err);
/* Copy, or what the package before has when it is equal.  Offset of a str in struct package. */
NODISCARD bool record_share(struct arena *arena, struct file_record *file, size_t field, str value,
                            struct err *err);
/* Collects what is wrong with a file's records: the first reason in full and the number of others.
 */
struct flaws {
    struct err first;
    size_t n;
};
void flaws_add(struct flaws *flaws, size_t line, const char *fmt, ...) PRINTF(3, 4);
/* True when there were none, otherwise false and *err tells. */
NODISCARD bool flaws_ok(const struct flaws *flaws, struct err *err);

/* Every stanza of a deb822 database, one by one.  A broken one is a flaw and the rest is read;
 * @read returns false, with *err, only when the work cannot go on. */
typedef bool (*stanza_reader)(void *ctx, const struct stanza *stanza, struct err *err);
NODISCARD bool stanzas_read(struct rd *in, struct flaws *flaws, stanza_reader read, void *ctx,
                            struct err *err);
/* "NAME-VERSION" of Portage; false: it is none. */
bool portage_split(str pf, str *name, str *version);
/* Category and name of the package whose folder holds @path; ptr NULL: no memory. */
str portage_name(struct arena *arena, str path, str name);
/* The stanzas of opkg's status file, or of one package's control file. */
NODISCARD bool opkg_read(struct arena *arena, struct rd *in, struct file_record *file,
                         bool is_control, struct err *err);
/* The words of a licence expression: "MIT AND (BSD-2-Clause OR ISC)" has three; "WITH exception"
 * belongs to the one before. */
NODISCARD bool licenses_add(struct arena *arena, struct package *package, str text,
                            struct err *err);
/* Packages of a detector that is spare, where another file of the same package manager has them,
 * give their source, licences and maintainer to those and go. */
NODISCARD bool spare_drop(struct arena *arena, packages *all, struct err *err);

/* Assignments of os-release(5): the next "NAME=value" with shell quoting undone, value in @arena.
 * A line that is none is counted in *n_odd and passed over. */
struct assignment {
    str name, value;
};
NODISCARD enum next assignment_read(struct rd *in, struct arena *arena, struct assignment *out,
                                    size_t *n_odd);

/* --- rpm: three databases of the same headers ---------------------------------------------------
 */
struct rpm_reader {
    struct arena *arena;
    struct file_record *file;
    struct flaws flaws;
    const struct cancel *cancel; /* borrowed, may be NULL */
    VEC(uint64_t) folders;       /* hashes of those of the header in hand */
};
#define RPM_PATHS(name) "var/lib/rpm/" name, "usr/lib/sysimage/rpm/" name, "usr/share/rpm/" name
/* The package of header @number, and the files that it owns, unless it is a key ("gpg-pubkey").  A
 * broken one is a flaw; where only its list of files is, the package stays.  False only when there
 * is no room for more. */
NODISCARD bool rpm_add_header(struct rpm_reader *rpm, uint32_t number, str blob, struct err *err);

/* --- SQLite's file format, https://sqlite.org/fileformat2.html: tables, read only ---------------
 */
struct sqlite {
    str db, wal;
    uint32_t page_bytes, usable_bytes; /* of a page */
    uint32_t n_pages;
    uint32_t *frames; /* by page number: of the -wal, from 1; 0: the page is in the database */
    uint8_t *seen;    /* by page number: every page has one place, so a cycle is seen */
    const struct cancel *cancel;
    struct flaws *flaws; /* pages that are broken; the others go on */
};
/* The pages of @db with the committed ones of @wal (may be empty) over them.  Both stay borrowed;
 * cancel and flaws are the caller's to set before. */
NODISCARD bool sqlite_open(struct arena *arena, str db, str wal, struct sqlite *out,
                           struct err *err);
/* Root page of the table; *root 0: there is none. */
NODISCARD bool sqlite_find_table(struct sqlite *db, str name, uint32_t *root, struct err *err);
/* Each row's number and record in the order of the b-tree; @row's false ends it. */
typedef bool (*sqlite_row)(void *context, int64_t number, str record, struct err *err);
NODISCARD bool sqlite_each_row(struct sqlite *db, uint32_t root, sqlite_row row, void *context,
                               struct err *err);
/* Column @i of a record as the bytes it is stored in; false: not there, or broken. */
enum sqlite_type { SQLITE_OTHER, SQLITE_NUMBER, SQLITE_BYTES, SQLITE_WORDS };
struct sqlite_value {
    enum sqlite_type type;
    uint64_t number; /* of SQLITE_NUMBER */
    str bytes;       /* a blob's or a text's */
};
NODISCARD bool sqlite_column(str record, unsigned i, struct sqlite_value *out);

/* --- files that another file changes --------------------------------------------------------- */
/* The raw bytes of a database and of the file beside it, which may be of different layers, become
 * the states of the database's spot. */
NODISCARD bool deferred_combine(struct tree *tree, const struct combiner *combiner,
                                struct err *err);
/* @spot is a side file with something in it, and there is no database for it. */
bool deferred_is_alone(const struct tree *tree, const struct spot *spot);

int package_cmp_key(const struct package *a,
                    const struct package *b); /* type, name, version, arch */
enum { INVENTORY_ENCODING = 3 };
