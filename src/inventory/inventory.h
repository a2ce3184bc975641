/* SPDX-License-Identifier: Apache-2.0 */
/* inventory.h - what is installed in an image, layer by layer and merged.  Not: whether it is
 * vulnerable (match/).
 *
 * A layer is looked at once, alone, in the sandbox: a layer_scan is fed the entries of its tar
 * stream and gives a layer_inventory, which travels and is stored as bytes.  image_inventory_merge
 * replays the layers from the base up; the result equals a scan of the flattened root.
 *
 * Owns: everything lives in the arena given.  Threads: one writer; read-only once made. */
#pragma once

#include "base/cancel.h"
#include "base/map.h"
#include "base/rd.h"
#include "base/sb.h"
#include "codec/codec.h"
#include "model/model.h"

/* --- detectors: one format per file, one row each
 * -------------------------------------------------- */
struct file_record;
struct detector {
    const char *name;  /* "dpkg" */
    unsigned revision; /* rises when the same input gives a different answer: cached results die */
    const char *summary;      /* for docs/support.md: what it reads */
    const char *spec;         /* the document it follows */
    const char *const *paths; /* patterns without leading slash, '*' matches within one component;
                                 NULL-terminated */
    enum limit_id limit;      /* of a file it reads whole */
    bool is_os_database;      /* unreadable: the scan is incomplete */
    const char
        *owner_type;       /* purl type of the packages whose files it lists; NULL: it lists none */
    bool is_spare;         /* its packages count where no other file has them, and otherwise add
                            * what that one lacks */
    unsigned release_rank; /* of a release file: the lowest that names a distribution wins, and
                            * within    a row the first path does; 0: not a release file */
    /* @file gains what @in holds; strings are copied into @arena.  On failure packages already
     * added stay, and the caller makes a notice of *err. */
    bool (*parse)(struct arena *arena, str path, struct rd *in, struct file_record *file,
                  struct err *err);
    /* A file beside this one, of its name and this suffix, changes what it holds.  Both are read by
     * this row, and their bytes are kept, as they may come from different layers. */
    const char *side_suffix; /* NULL: none */
    /* @file gains what both together hold. */
    bool (*combine)(struct arena *arena, str bytes, str side, struct file_record *file,
                    struct err *err);
};
#define PATHS(...) ((const char *const[]){__VA_ARGS__, NULL})
const struct detector *const *inventory_detectors(size_t *n);
const struct detector *detector_find(str name); /* NULL: not known */
/* Changes whenever a detector, its revision, or the encoding does: part of a stored inventory's
 * key. */
uint64_t inventory_revision(void);

/* The files of one package, as hashes of their paths: path_hash() of ownership.c, the same in every
 * process, with the collision argument there. */
struct file_owner {
    str name;            /* of a package of the detector's owner_type */
    VEC(uint64_t) paths; /* as listed, sorted */
};
/* dpkg-divert(1): who lists @from has it at @to, but for @by, in whose favour it is. */
struct file_diversion {
    str by; /* of the detector's owner_type; empty: the administrator */
    uint64_t from, to;
};

/* What one file of one layer said.  Besides the files at a detector's paths these are the strays:
 * files elsewhere with the name of a database, to which a link of another layer may lead. */
struct file_record {
    str path;       /* cleaned, no leading slash */
    uint64_t order; /* of its entry in the layer's stream, from 1 */
    const struct detector *detector;
    packages packages;    /* sorted by type, name, version, arch; layer -1, path = this path with a
                             leading slash */
    struct distro distro; /* of a release file; id empty otherwise */
    VEC(struct file_owner) owners; /* what a list of files says */
    size_t n_owned;                /* paths of all of them */
    VEC(struct file_diversion) diversions;
    bool is_failed; /* not read whole: if it is there after the merge, the image is incomplete */
    str reason;     /* why */
    /* Of a detector with a side_suffix: the file itself, when it is within the limit "deferred". */
    bool has_raw;
    str raw;
};

/* --- one layer
 * -------------------------------------------------------------------------------------- */
/* What the layer does to the file tree where it touches a database path, in the order of the
 * stream, for the merge to repeat.  A database path is one that a detector's pattern matches or a
 * folder above it; all whiteouts and opaque folders are kept, and links elsewhere that lead to a
 * database path. */
enum step_kind {
    STEP_WHITEOUT, /* the path loses what lower layers put there: "a/b" of "a/.wh.b" */
    STEP_OPAQUE,   /* the folder loses what lower layers put into it */
    STEP_FOLDER,   /* replaces what is not a folder */
    STEP_OTHER,    /* a file or device that is no database, and replaces what stood there */
    STEP_SYMLINK,
    STEP_HARDLINK,
    STEP_KINDS
};
struct layer_step {
    enum step_kind kind;
    uint64_t order; /* of its entry in the layer's stream, from 1 */
    str path;       /* cleaned, no leading slash */
    str target;     /* as stored for a symlink; cleaned path for a hard link; else empty */
};
/* What the layer does to executables, for the coverage: the entries in the order of the stream.
 * Executables are ELF files, scripts with "#!", and jar, war and ear archives.  Of files that are
 * none only the hash of the name is kept: they may replace one. */
enum exec_kind {
    EXEC_NOT, /* replaces what stood there */
    EXEC_FILE,
    EXEC_SYMLINK, /* all: whether one leads to a folder, the layers above and below tell */
    EXEC_HARDLINK,
    EXEC_KINDS
};
struct exec_entry {
    uint64_t name;   /* path_name_hash() */
    uint32_t kind;   /* enum exec_kind */
    uint32_t detail; /* index into details; of EXEC_NOT nothing */
};
struct exec_detail {
    str name;            /* of files and hard links */
    str target;          /* of links: as stored for a symlink, cleaned for a hard link */
    uint64_t size_bytes; /* of files */
};
struct exec_run { /* entries of one folder in a row */
    str folder;
    uint64_t order; /* of its first entry in the layer's stream */
    size_t n_entries;
    bool is_entry; /* the folder itself is an entry of the stream, the first of the run */
};
struct exec_log {
    VEC(struct exec_run) runs;
    VEC(struct exec_entry) entries; /* run after run */
    VEC(struct exec_detail) details;
    bool is_cut; /* more entries than covered-files: not measured */
};

struct layer_inventory {
    VEC(struct file_record) files; /* sorted by path, then order */
    VEC(struct layer_step) steps;  /* sorted by order */
    struct exec_log executables;
    notices notices;                /* about the layer itself; what a file lacks is in its record */
    uint64_t n_entries, size_bytes; /* entries, and the bytes of their bodies */
};

struct layer_scan;
NODISCARD bool layer_scan_open(struct arena *arena, const struct cancel *cancel,
                               struct layer_scan **out, struct err *err);
/* One tar entry.  Asks the compiled matcher once; when it wants the body it reads it from @archive
 * (archive_data) before returning.  A bad file is a notice, not a failure; false only when the
 * layer itself cannot be gone on with (limit of entries, arena, broken stream). */
NODISCARD bool layer_scan_entry(struct layer_scan *scan, const struct entry *entry,
                                struct archive_reader *archive, struct err *err);
NODISCARD bool layer_scan_close(struct layer_scan *scan, struct layer_inventory *out,
                                struct err *err);
/* True when a file of that path would be read whole, or is likely to be an executable: what dir:
 * asks before it streams a body.  Of a folder the coverage therefore lacks scripts and ELF files
 * that have neither a mode nor a name for it. */
bool inventory_wants(const struct entry *entry);

/* The layer as bytes, and back.  Decoding trusts nothing: the bytes come from the analyser or a
 * database.  Detectors are named; an unknown one is ERR_FORMAT. */
NODISCARD bool layer_inventory_encode(const struct layer_inventory *layer, struct sb *out,
                                      struct err *err);
NODISCARD bool layer_inventory_decode(struct arena *arena, str bytes, struct layer_inventory *out,
                                      struct err *err);

/* --- the image
 * --------------------------------------------------------------------------------------- */
struct unowned_file {
    str path; /* absolute; of hard links the first by letters */
    uint64_t size_bytes;
    int layer; /* that brought it */
};
/* Executable files of the image, and those that its packages list as theirs.  A file with several
 * hard links counts once, and is known when one of them is. */
struct coverage {
    bool is_measured; /* false: there were too many files */
    uint64_t executable_bytes, known_bytes;
    VEC(struct unowned_file) unowned; /* by size, largest first, then path; at most unowned-files */
    size_t n_unowned;                 /* all of them */
};
struct image_inventory {
    struct coverage coverage;
    struct distro distro;
    packages
        packages; /* sorted by type, name, version, arch, path; layer is the one that brought it */
    notices notices;
    bool is_complete;   /* every database was read whole */
    bool is_identified; /* at least a distribution or a package was found */
};
/* What a database holds together with the file beside it, which may be of another layer.  Both are
 * foreign bytes that no layer's analysis has read together, so a scan has it done where foreign
 * bytes are read: in the sandbox. */
struct combiner {
    /* @out gains packages and owners; what it could not read is told by is_failed and the reason.
     * False only when there can be no answer at all (memory, no sandbox, cancelled). */
    bool (*combine)(void *ctx, struct arena *arena, const struct file_record *main, str side,
                    struct file_record *out, struct err *err);
    void *ctx;
};
/* The work itself, in this process: what the analyser runs, and tests.  @out without path and
 * order. */
NODISCARD bool inventory_combine(struct arena *arena, const struct detector *detector, str bytes,
                                 str side, struct file_record *out, struct err *err);
extern const struct combiner combiner_here;

/* Layers from the base up, whiteouts, opaque folders, links and replacements applied; a package's
 * layer is the lowest one from which on it stood unchanged in its database.
 * @out borrows the strings of @layers. */
NODISCARD bool image_inventory_merge(struct arena *arena, const struct combiner *combiner,
                                     const struct layer_inventory *const *layers, size_t n,
                                     struct image_inventory *out, struct err *err);
