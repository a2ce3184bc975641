/* SPDX-License-Identifier: Apache-2.0 */
/* xz by liblzma itself: libarchive's filter takes a stream that was cut, or whose index is damaged,
 * for a whole one (seen in 3.6.2). */
#include <lzma.h>
#include <stdlib.h>

#include "codec/internal.h"

struct xz {
    lzma_stream stream;
    bool is_last; /* the source has ended: liblzma must finish now */
};

static bool xz_open(struct decoder *decoder, struct err *err)
{
    struct xz *xz = calloc(1, sizeof(*xz));
    if (!xz)
        return err_memory(err);
    decoder->state = xz;
    /* a zeroed lzma_stream is LZMA_STREAM_INIT */
    if (lzma_stream_decoder(&xz->stream, LIMIT(XZ_MEMORY), LZMA_CONCATENATED) != LZMA_OK)
        return err_memory(err);
    return true;
}

static void xz_close(struct decoder *decoder)
{
    struct xz *xz = decoder->state;
    lzma_end(&xz->stream);
    free(xz);
}

static enum next failed(const struct decoder *decoder, lzma_ret code, struct err *err)
{
    if (code == LZMA_MEMLIMIT_ERROR) {
        err_set(err, ERR_LIMIT, "xz stream: over the limit %s of %llu bytes",
                limit_row(LIMIT_ID_XZ_MEMORY)->key, (unsigned long long)LIMIT(XZ_MEMORY));
        return NEXT_ERR;
    }
    if (code == LZMA_MEM_ERROR) {
        err_memory(err);
        return NEXT_ERR;
    }
    return decoder_bad(decoder, err, code == LZMA_BUF_ERROR ? "ends in the middle" : "damaged");
}

static enum next xz_step(struct decoder *decoder, struct out *out, struct err *err)
{
    struct xz *xz = decoder->state;
    xz->stream.next_in = (const uint8_t *)decoder->in.ptr;
    xz->stream.avail_in = decoder->in.len;
    xz->stream.next_out = out->ptr + out->n;
    xz->stream.avail_out = out->cap - out->n;
    lzma_ret code = lzma_code(&xz->stream, xz->is_last ? LZMA_FINISH : LZMA_RUN);
    decoder->in = str_skip(decoder->in, decoder->in.len - xz->stream.avail_in);
    out->n = out->cap - xz->stream.avail_out;
    if (code == LZMA_STREAM_END)
        return NEXT_END;
    return code == LZMA_OK ? NEXT_ITEM : failed(decoder, code, err);
}

static enum next xz_fill(struct decoder *decoder, struct out *out, struct err *err)
{
    struct xz *xz = decoder->state;
    enum next step = NEXT_ITEM;
    while (step == NEXT_ITEM && out->n < out->cap) {
        enum next more = decoder_more(decoder, err);
        if (more == NEXT_ERR)
            return more;
        xz->is_last = more == NEXT_END;
        step = xz_step(decoder, out, err);
    }
    return step;
}

const struct codec_row codec_xz = {
    .name = "xz",
    .open = xz_open,
    .fill = xz_fill,
    .close = xz_close,
};
