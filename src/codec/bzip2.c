/* SPDX-License-Identifier: Apache-2.0 */
/* bzip2 by libbz2 itself: libarchive's filter takes a stream that was cut, or whose checksum is
 * wrong, for a whole one (seen in 3.6.2).  Streams may follow each other, and nothing else may. */
#include <bzlib.h>
#include <limits.h>
#include <stdlib.h>

#include "base/num.h"
#include "codec/internal.h"

struct bzip2 {
    bz_stream stream;
    bool is_open;  /* in the middle of a stream */
    bool has_rest; /* the last call filled its room: more output may wait inside */
};

static bool bzip2_open(struct decoder *decoder, struct err *err)
{
    decoder->state = calloc(1, sizeof(struct bzip2));
    return decoder->state || err_memory(err);
}

static void bzip2_close(struct decoder *decoder)
{
    struct bzip2 *bzip2 = decoder->state;
    if (bzip2->is_open)
        BZ2_bzDecompressEnd(&bzip2->stream);
    free(bzip2);
}

static bool begin_stream(struct bzip2 *bzip2, struct err *err)
{
    bzip2->stream = (bz_stream){0};
    bzip2->is_open = BZ2_bzDecompressInit(&bzip2->stream, 0, 0) == BZ_OK;
    return bzip2->is_open || err_memory(err);
}

static enum next bzip2_step(struct decoder *decoder, struct out *out, struct err *err)
{
    struct bzip2 *bzip2 = decoder->state;
    /* libbz2 reads through a pointer to non-const and never writes there. */
    union {
        const char *lent;
        char *taken;
    } door = {.lent = decoder->in.ptr};
    unsigned lent = (unsigned)num_min(decoder->in.len, INT_MAX);
    unsigned room = (unsigned)num_min(out->cap - out->n, INT_MAX);
    bzip2->stream.next_in = door.taken;
    bzip2->stream.avail_in = lent;
    bzip2->stream.next_out = (char *)out->ptr + out->n;
    bzip2->stream.avail_out = room;
    int code = BZ2_bzDecompress(&bzip2->stream);
    decoder->in = str_skip(decoder->in, lent - bzip2->stream.avail_in);
    out->n += room - bzip2->stream.avail_out;
    bzip2->has_rest = code == BZ_OK && bzip2->stream.avail_out == 0;
    if (code == BZ_STREAM_END) {
        BZ2_bzDecompressEnd(&bzip2->stream);
        bzip2->is_open = false;
        return NEXT_ITEM;
    }
    bool is_stuck = lent && bzip2->stream.avail_in == lent && bzip2->stream.avail_out == room;
    if (code == BZ_OK && !is_stuck)
        return NEXT_ITEM;
    return decoder_bad(decoder, err,
                       code == BZ_DATA_ERROR_MAGIC ? "rubbish for a header" : "damaged");
}

static enum next bzip2_fill(struct decoder *decoder, struct out *out, struct err *err)
{
    struct bzip2 *bzip2 = decoder->state;
    enum next step = NEXT_ITEM;
    while (step == NEXT_ITEM && out->n < out->cap) {
        if (!bzip2->has_rest)
            step = decoder_more(decoder, err);
        if (step == NEXT_END && bzip2->is_open)
            return decoder_bad(decoder, err, "ends in the middle");
        if (step != NEXT_ITEM)
            return step;
        if (!bzip2->is_open && !begin_stream(bzip2, err))
            return NEXT_ERR;
        step = bzip2_step(decoder, out, err);
    }
    return step;
}

const struct codec_row codec_bzip2 = {
    .name = "bzip2",
    .open = bzip2_open,
    .fill = bzip2_fill,
    .close = bzip2_close,
};
