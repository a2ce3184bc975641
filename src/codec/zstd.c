/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 8878 by libzstd: any number of frames, skippable ones too.  Rubbish behind a frame is an
 * error of its own making. */
#include <stdlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "codec/internal.h"

struct zstd {
    ZSTD_DCtx *ctx;
    bool is_mid_frame;
    bool has_rest; /* the last call filled its room: more output may wait inside */
};

/* log2 of LIMIT_ZSTD_WINDOW */
static int window_log(void) { return 63 - __builtin_clzll(LIMIT(ZSTD_WINDOW)); }

static void zstd_close(struct decoder *decoder)
{
    struct zstd *zstd = decoder->state;
    ZSTD_freeDCtx(zstd->ctx);
    free(zstd);
}

static bool zstd_open(struct decoder *decoder, struct err *err)
{
    struct zstd *zstd = calloc(1, sizeof(*zstd));
    if (!zstd)
        return err_memory(err);
    decoder->state = zstd;
    zstd->ctx = ZSTD_createDCtx();
    if (!zstd->ctx ||
        ZSTD_isError(ZSTD_DCtx_setParameter(zstd->ctx, ZSTD_d_windowLogMax, window_log())))
        return err_memory(err);
    return true;
}

static enum next failed(const struct decoder *decoder, size_t code, struct err *err)
{
    if (ZSTD_getErrorCode(code) != ZSTD_error_frameParameter_windowTooLarge)
        return decoder_bad(decoder, err, ZSTD_getErrorName(code));
    err_set(err, ERR_LIMIT, "zstd stream: over the limit %s of %llu bytes",
            limit_row(LIMIT_ID_ZSTD_WINDOW)->key, (unsigned long long)LIMIT(ZSTD_WINDOW));
    return NEXT_ERR;
}

static enum next zstd_step(struct decoder *decoder, struct out *out, struct err *err)
{
    struct zstd *zstd = decoder->state;
    ZSTD_inBuffer in = {decoder->in.ptr, decoder->in.len, 0};
    ZSTD_outBuffer room = {out->ptr, out->cap, out->n};
    size_t code = ZSTD_decompressStream(zstd->ctx, &room, &in);
    if (ZSTD_isError(code))
        return failed(decoder, code, err);
    if (in.pos == 0 && room.pos == out->n && decoder->in.len)
        return decoder_bad(decoder, err, "no progress");
    decoder->in = str_skip(decoder->in, in.pos);
    out->n = room.pos;
    zstd->is_mid_frame = code != 0;
    zstd->has_rest = code != 0 && room.pos == room.size;
    return NEXT_ITEM;
}

static enum next zstd_fill(struct decoder *decoder, struct out *out, struct err *err)
{
    struct zstd *zstd = decoder->state;
    enum next step = NEXT_ITEM;
    while (step == NEXT_ITEM && out->n < out->cap) {
        if (!zstd->has_rest)
            step = decoder_more(decoder, err);
        if (step == NEXT_END && zstd->is_mid_frame)
            return decoder_bad(decoder, err, "ends in the middle");
        if (step == NEXT_ITEM)
            step = zstd_step(decoder, out, err);
    }
    return step;
}

const struct codec_row codec_zstd = {
    .name = "zstd",
    .open = zstd_open,
    .fill = zstd_fill,
    .close = zstd_close,
};
