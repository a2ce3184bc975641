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

/* --- detectors: one format per file, one row each -------------------------------------------------- */
struct file_record;
struct detector {
    const char *name;      /* "dpkg" */
    unsigned revision;     /* rises when the same input gives a different answer: cached results die */
    const char *summary;   /* for docs/support.md: what it reads */
    const char *spec;      /* the document it follows */
    const char *const *paths; /* patterns without leading slash, '*' matches within one component; NULL-terminated */
    size_t max_bytes;      /* of a file it reads whole */
    bool is_os_database;   /* unreadable: the scan is incomplete */
    /* @file gains what @in holds; strings are copied into @arena.  On failure packages already added
     * stay, and the caller makes a notice of *err. */
    bool (*parse)(struct arena *arena, str path, struct rd *in, struct file_record *file,
                  struct err *err);
};
#define PATHS(...) ((const char *const[]){__VA_ARGS__, NULL})
const struct detector *const *inventory_detectors(size_t *n);
/* Changes whenever a detector, its revision, or the encoding does: part of a stored inventory's key. */
uint64_t inventory_revision(void);

/* What one file of one layer said. */
struct file_record {
    str path; /* cleaned, no leading slash */
    const struct detector *detector;
    packages packages;   /* layer -1, path = this path with a leading slash */
    struct distro distro; /* of a release file; id empty otherwise */
    bool is_failed;      /* it could not be read: notice made; merged, it makes the image incomplete */
    str reason;
};

/* --- one layer -------------------------------------------------------------------------------------- */
struct layer_link {
    str path, target; /* target as stored for a symlink; cleaned path for a hard link */
    bool is_hard;
};
struct layer_inventory {
    VEC(struct file_record) files;  /* sorted by path */
    strs whiteouts;                 /* paths that a lower layer loses: "a/b" of "a/.wh.b" */
    strs opaques;                   /* folders whose lower content is gone */
    strs folders;                   /* folders on the way to a database path, that replace what is not a folder */
    VEC(struct layer_link) links;   /* those whose path or target touches a database or install prefix */
    strs replaced;                  /* other files or links standing where a database path goes through */
    notices notices;
    uint64_t n_entries, size_bytes; /* entries and inflated bytes seen */
};

struct layer_scan;
NODISCARD bool layer_scan_open(struct arena *arena, const struct cancel *cancel,
                               struct layer_scan **out, struct err *err);
/* One tar entry.  Asks the compiled matcher once; when it wants the body it reads it from @archive
 * (archive_data) before returning.  A bad file is a notice, not a failure; false only when the layer
 * itself cannot be gone on with (limit of entries, arena, broken stream). */
NODISCARD bool layer_scan_entry(struct layer_scan *scan, const struct entry *entry,
                                struct archive_reader *archive, struct err *err);
NODISCARD bool layer_scan_close(struct layer_scan *scan, struct layer_inventory *out, struct err *err);
/* True when a file of that path would be read whole: what dir: asks before it streams a body. */
bool inventory_wants(const struct entry *entry);

/* The layer as bytes, and back.  Decoding trusts nothing: the bytes come from the analyser or a
 * database.  Detectors are named; an unknown one is ERR_FORMAT. */
NODISCARD bool layer_inventory_encode(const struct layer_inventory *layer, struct sb *out,
                                      struct err *err);
NODISCARD bool layer_inventory_decode(struct arena *arena, str bytes, struct layer_inventory *out,
                                      struct err *err);

/* --- the image --------------------------------------------------------------------------------------- */
struct image_inventory {
    struct distro distro;
    packages packages; /* sorted by type, name, version, arch, path; layer is the one that brought it */
    notices notices;
    bool is_complete;  /* every database was read whole */
    bool is_identified; /* at least a distribution or a package was found */
};
/* Layers from the base up, whiteouts, opaque folders, links and replacements applied; a package's
 * layer is the lowest one from which on it stood unchanged in its database. */
NODISCARD bool image_inventory_merge(struct arena *arena, const struct layer_inventory *const *layers,
                                     size_t n, struct image_inventory *out, struct err *err);
