/* SPDX-License-Identifier: Apache-2.0 */
/* internal.h - what the decoder lends its kinds, and the door between a source and libarchive. */
#pragma once

#include <archive.h>

#include "codec/codec.h"

enum { DECODER_CHUNK = 256 << 10, MAGIC_MAX = 6 };

/* Input flows from -> pending -> in.  @in is what a kind may read; the first bytes pass through
 * @head only when the source's first chunk is shorter than a magic number. */
struct decoder {
    struct source from;
    str in, pending; /* borrowed from the source or from head */
    bool is_end;     /* the source has no more */
    uint8_t head[MAGIC_MAX];
    size_t n_head;

    enum codec_kind kind;
    bool is_known, is_done;
    void *state; /* the kind's own */

    uint64_t pulled_bytes, out_bytes, max_out;
    uint8_t *own;   /* made when nobody gave a buffer */
    uint8_t *given; /* borrowed, for one call */
    size_t given_cap;
    struct err failed; /* sticky */
};

/* Where a kind writes: @n of @cap bytes are filled. */
struct out {
    uint8_t *ptr;
    size_t cap, n;
};

struct codec_row {
    const char *name;
    bool (*open)(struct decoder *decoder, struct err *err);
    /* Add to @out until it is full or the stream ends: NEXT_END when it ended (then @out may still
     * hold a last piece). */
    enum next (*fill)(struct decoder *decoder, struct out *out, struct err *err);
    void (*close)(struct decoder *decoder);
};
extern const struct codec_row codec_gzip, codec_zstd, codec_xz, codec_bzip2;

/* Make decoder->in not empty: NEXT_END when the source has no more. */
NODISCARD enum next decoder_more(struct decoder *decoder, struct err *err);
/* "gzip stream: <why>", ERR_FORMAT; always NEXT_ERR. */
enum next decoder_bad(const struct decoder *decoder, struct err *err, const char *why);

/* A source as libarchive wants it.  What went wrong below stays in @err, which says more than
 * libarchive's number. */
struct feed {
    struct source from;
    str first; /* read ahead; handed out before anything else */
    bool has_first;
    uint64_t bytes; /* handed out so far */
    struct err err;
};
la_ssize_t feed_read(struct archive *archive, void *feed, const void **bytes);
/* Turn libarchive's failure into ours: the source's own, or ERR_FORMAT with libarchive's words. */
bool feed_failed(const struct feed *feed, struct archive *archive, struct err *err);
