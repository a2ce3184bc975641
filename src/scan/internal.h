/* SPDX-License-Identifier: Apache-2.0 */
/* internal.h - between the two sides of the pipe.
 *
 * A request is one number: what to do in the low byte, the diff-id's hash kind above it.
 * The answer is one message, after which the child ends:
 *
 *     u8   version (1)
 *     u8   error kind; not 0: blob message, end
 *     blob diff-id bytes                                  (layer)
 *     varint inflated bytes, u8 codec                     (layer)
 *     blob layer inventory                                (layer)
 *     varint n, then n × (blob path, blob link, u8 type, varint offset, varint size)   (list)
 *     layer inventory with one file                       (combine)
 *
 * What is asked: the bytes of a layer or archive; to combine: blob detector, blob path, blob
 * database, blob file beside it.
 *
 * An archive that is inflated is answered by frames, u32 length and the bytes, of which the last is
 * empty; the answer follows it.
 */
#pragma once

#include "base/rd.h"
#include "base/sb.h"
#include "scan/scan.h"

enum { ANSWER_VERSION = 1 };
enum request { REQUEST_LAYER = 1, REQUEST_LIST = 2, REQUEST_INFLATE = 3, REQUEST_COMBINE = 4 };

extern const struct sandbox_spec analyser_spec;

struct scanner {
    struct sandbox *sandbox;
};

/* One question to a child of the zygote. */
struct channel {
    struct sandbox_child child;
    const struct cancel *cancel;
    bool is_deaf; /* the child reads no more: it has failed, and its answer says why */
};
NODISCARD bool channel_open(struct channel *to, struct scanner *scanner, uint32_t request,
                            const struct cancel *cancel, struct err *err);
NODISCARD bool channel_feed(struct channel *to, str bytes, struct err *err);
/* Ends the question; the whole answer, which the child writes at its end. */
NODISCARD bool channel_hear(struct channel *to, struct sb *answer, struct err *err);
/* After channel_open that succeeded, always.  Gives @is_done, or false with how the child died. */
NODISCARD bool channel_close(struct channel *to, bool is_done, struct err *err);

/* What the analyser said of a layer. */
struct layer_answer {
    digest diff_id;
    uint64_t inflated_bytes;
    str inventory; /* encoded */
};

/* One layer from its stream to an answer: hashes the compressed bytes on the way.
 * @got   the digest of what was streamed
 * @size  its bytes */
struct layer_work {
    const struct descriptor *what;
    enum hash_kind diff_kind;
    const struct cancel *cancel;
    void (*progress)(void *ctx, uint64_t done_bytes);
    void *progress_ctx;
};
NODISCARD bool layer_analyse(struct scanner *scanner, const struct layer_work *work,
                             struct source from, struct sb *answer, digest *got, struct err *err);
NODISCARD bool layer_answer_parse(str bytes, enum hash_kind diff_kind, struct layer_answer *out,
                                  struct err *err);

/* The entries of an archive file, found in the sandbox. */
NODISCARD bool archive_list(struct scanner *scanner, const char *path, const struct cancel *cancel,
                            struct arena *arena, archive_entries *out, struct err *err);

/* A compressed archive, inflated in the sandbox into a file without a name (*out_fd, the
 * caller's). */
NODISCARD bool archive_inflate(struct scanner *scanner, int file_fd, const struct cancel *cancel,
                               int *out_fd, struct err *err);
/* The version and the error that an answer begins with. */
NODISCARD bool answer_begin(struct rd *in, struct err *err);

/* All layers of an image, in parallel; inventories[i] is NULL where layer i could not be read, and
 * then a notice says why. */
struct layers_result {
    const struct layer_inventory **inventories;
    bool is_complete;
};
NODISCARD bool layers_run(struct scanner *scanner, const struct scan_spec *spec,
                          struct image_source *source, const struct image *image,
                          struct arena *arena, struct report *report, struct layers_result *out,
                          struct err *err);

/* --- attached.c: VEX documents that are attached to an image
 * ------------------------------------------------------------------------------------------------
 */
struct attached_document {
    str digest, subject, id; /* of its bytes; what it is attached to; as its author calls it */
    size_t n_statements;
    bool is_in_envelope;
};
struct attached_vex {
    vex_statements statements; /* of all; the document of each is its digest */
    VEC(struct attached_document) documents;
};
/* What cannot be read is a notice in *told; false only when the scan cannot go on. */
NODISCARD bool attached_vex_read(struct image_source *source, const struct image *image,
                                 struct arena *arena, struct attached_vex *out, notices *told,
                                 struct err *err);
/* One notice a document: where it was and what it took away from @all.  @place of the image. */
NODISCARD bool attached_vex_tell(const struct attached_vex *attached, str place,
                                 const findings *all, struct arena *arena, notices *told,
                                 struct err *err);
