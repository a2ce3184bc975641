/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 1952 by ISA-L.  A file is members one behind the other; ISA-L knows one, so the loop between
 * them is ours:  header -> body -> (end | zeros to the end | header). */
#include <isa-l/igzip_lib.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "codec/internal.h"

enum phase { PHASE_HEADER, PHASE_BODY, PHASE_BETWEEN, PHASE_ZEROS };

/* What one call may hand to ISA-L, whose counters have 32 bits. */
enum { STEP_MAX = 1 << 30 };

struct gzip {
    enum phase phase;
    bool has_rest;                  /* the last call filled its room: more output may wait inside */
    struct isal_gzip_header header; /* its parser stops and goes on anywhere */
    struct inflate_state inflate;
};

static void begin_member(struct gzip *gzip)
{
    isal_inflate_reset(&gzip->inflate);
    gzip->inflate.crc_flag = ISAL_GZIP_NO_HDR_VER; /* header by us, trailer verified */
    isal_gzip_header_init(&gzip->header);
    gzip->phase = PHASE_HEADER;
    gzip->has_rest = false;
}

static bool gzip_open(struct decoder *decoder, struct err *err)
{
    struct gzip *gzip = calloc(1, sizeof(*gzip));
    if (!gzip)
        return err_memory(err);
    isal_inflate_init(&gzip->inflate);
    begin_member(gzip);
    decoder->state = gzip;
    return true;
}

static void gzip_close(struct decoder *decoder) { free(decoder->state); }

static void lend_input(struct gzip *gzip, str in)
{
    /* ISA-L reads through a pointer to non-const and never writes there. */
    union {
        const char *lent;
        uint8_t *taken;
    } door = {.lent = in.ptr};
    gzip->inflate.next_in = door.taken;
    gzip->inflate.avail_in = (uint32_t)num_min(in.len, STEP_MAX);
}

static void take_back(struct decoder *decoder, const struct gzip *gzip, size_t lent)
{
    decoder->in = str_skip(decoder->in, lent - gzip->inflate.avail_in);
}

static const char *why(int code)
{
    switch (code) {
    case ISAL_INVALID_BLOCK:
        return "invalid block";
    case ISAL_INVALID_SYMBOL:
        return "invalid symbol";
    case ISAL_INVALID_LOOKBACK:
        return "reference before the start";
    case ISAL_INVALID_WRAPPER:
        return "invalid member header";
    case ISAL_UNSUPPORTED_METHOD:
        return "method is not deflate";
    case ISAL_INCORRECT_CHECKSUM:
        return "wrong checksum";
    default:
        return "not decodable";
    }
}

static enum next read_header(struct decoder *decoder, struct gzip *gzip, struct err *err)
{
    lend_input(gzip, decoder->in);
    size_t lent = gzip->inflate.avail_in;
    int code = isal_read_gzip_header(&gzip->inflate, &gzip->header);
    take_back(decoder, gzip, lent);
    if (code < 0)
        return decoder_bad(decoder, err, why(code));
    if (code == ISAL_DECOMP_OK)
        gzip->phase = PHASE_BODY;
    return NEXT_ITEM;
}

/* One step of inflate.  When it leaves room in @out, no output waits inside. */
static enum next read_body(struct decoder *decoder, struct gzip *gzip, struct out *out,
                           struct err *err)
{
    struct inflate_state *inflate = &gzip->inflate;
    size_t room = num_min(out->cap - out->n, STEP_MAX);
    lend_input(gzip, decoder->in);
    size_t lent = inflate->avail_in;
    inflate->next_out = out->ptr + out->n;
    inflate->avail_out = (uint32_t)room;
    int code = isal_inflate(inflate);
    take_back(decoder, gzip, lent);
    out->n += room - inflate->avail_out;
    if (code != ISAL_DECOMP_OK)
        return decoder_bad(decoder, err, why(code));
    bool is_finished = inflate->block_state == ISAL_BLOCK_FINISH;
    gzip->has_rest = !is_finished && inflate->avail_out == 0;
    if (is_finished)
        gzip->phase = PHASE_BETWEEN;
    else if (lent == inflate->avail_in && room == inflate->avail_out && lent)
        return decoder_bad(decoder, err, "no progress");
    return NEXT_ITEM;
}

static enum next read_between(struct decoder *decoder, struct gzip *gzip, struct err *err)
{
    if (decoder->in.ptr[0] == 0)
        gzip->phase = PHASE_ZEROS;
    else if (decoder->in.ptr[0] == 0x1f)
        begin_member(gzip);
    else
        return decoder_bad(decoder, err, "rubbish behind the last member");
    return NEXT_ITEM;
}

static enum next read_zeros(struct decoder *decoder, struct err *err)
{
    str in = decoder->in;
    if (in.ptr[0] != 0 || memcmp(in.ptr, in.ptr + 1, in.len - 1) != 0)
        return decoder_bad(decoder, err, "rubbish behind the last member");
    decoder->in = STR_NONE;
    return NEXT_ITEM;
}

static enum next gzip_fill(struct decoder *decoder, struct out *out, struct err *err)
{
    struct gzip *gzip = decoder->state;
    enum next step = NEXT_ITEM;
    while (step == NEXT_ITEM && out->n < out->cap) {
        if (!gzip->has_rest)
            step = decoder_more(decoder, err);
        bool is_whole = gzip->phase == PHASE_BETWEEN || gzip->phase == PHASE_ZEROS;
        if (step == NEXT_END && !is_whole)
            return decoder_bad(decoder, err, "ends in the middle");
        if (step != NEXT_ITEM)
            return step;
        if (gzip->phase == PHASE_HEADER)
            step = read_header(decoder, gzip, err);
        else if (gzip->phase == PHASE_BODY)
            step = read_body(decoder, gzip, out, err);
        else if (gzip->phase == PHASE_BETWEEN)
            step = read_between(decoder, gzip, err);
        else
            step = read_zeros(decoder, err);
    }
    return step;
}

const struct codec_row codec_gzip = {
    .name = "gzip",
    .open = gzip_open,
    .fill = gzip_fill,
    .close = gzip_close,
};
