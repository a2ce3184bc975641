/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/codec.h"

#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "base/sb.h"
#include "codec/internal.h"

static const struct codec_row plain = {.name = "plain"};

static const struct codec_row *const rows[CODEC_COUNT] = {
    [CODEC_PLAIN] = &plain, [CODEC_GZIP] = &codec_gzip,   [CODEC_ZSTD] = &codec_zstd,
    [CODEC_XZ] = &codec_xz, [CODEC_BZIP2] = &codec_bzip2,
};

static const struct codec_row *row_of(enum codec_kind kind)
{
    return rows[kind < CODEC_COUNT ? kind : CODEC_PLAIN];
}

const char *codec_name(enum codec_kind kind) { return row_of(kind)->name; }

bool decoder_open(struct decoder **out, struct source from, uint64_t max_out, struct err *err)
{
    struct decoder *decoder = calloc(1, sizeof(*decoder));
    if (!decoder) {
        err_memory(err);
        return false; /* in plain sight of gcc, which inlines this into decode_whole */
    }
    decoder->from = from;
    decoder->max_out = max_out;
    *out = decoder;
    return true;
}

void decoder_close(struct decoder *decoder)
{
    if (!decoder)
        return;
    if (decoder->state)
        row_of(decoder->kind)->close(decoder);
    free(decoder->own);
    free(decoder);
}

void decoder_set_buffer(struct decoder *decoder, void *buf, size_t cap)
{
    decoder->given = cap ? buf : NULL;
    decoder->given_cap = cap;
}

enum codec_kind decoder_kind(const struct decoder *decoder) { return decoder->kind; }
uint64_t decoder_bytes_out(const struct decoder *decoder) { return decoder->out_bytes; }

uint64_t decoder_bytes_in(const struct decoder *decoder)
{
    return decoder->pulled_bytes - decoder->in.len - decoder->pending.len;
}

enum next decoder_bad(const struct decoder *decoder, struct err *err, const char *why)
{
    err_set(err, ERR_FORMAT, "%s stream: %s", codec_name(decoder->kind), why);
    return NEXT_ERR;
}

/* The source's next chunk into @chunk. */
static enum next pull(struct decoder *decoder, str *chunk, struct err *err)
{
    *chunk = STR_NONE;
    while (chunk->len == 0) {
        enum next step =
            decoder->is_end ? NEXT_END : decoder->from.read(decoder->from.ctx, chunk, err);
        decoder->is_end = step == NEXT_END;
        if (step != NEXT_ITEM)
            return step;
    }
    decoder->pulled_bytes += chunk->len;
    return NEXT_ITEM;
}

enum next decoder_more(struct decoder *decoder, struct err *err)
{
    if (decoder->in.len)
        return NEXT_ITEM;
    if (decoder->pending.len == 0)
        return pull(decoder, &decoder->in, err);
    decoder->in = decoder->pending;
    decoder->pending = STR_NONE;
    return NEXT_ITEM;
}

/* Collect MAGIC_MAX bytes or all there are.  A first chunk that is long enough is not copied. */
static bool read_head(struct decoder *decoder, struct err *err)
{
    enum next step = pull(decoder, &decoder->pending, err);
    while (step == NEXT_ITEM && decoder->n_head + decoder->pending.len < MAGIC_MAX) {
        memcpy(decoder->head + decoder->n_head, decoder->pending.ptr, decoder->pending.len);
        decoder->n_head += decoder->pending.len;
        step = pull(decoder, &decoder->pending, err);
    }
    if (step == NEXT_ERR)
        return false;
    if (decoder->n_head == 0) {
        decoder->in = decoder->pending;
        decoder->pending = STR_NONE;
        return true;
    }
    size_t n = num_min(MAGIC_MAX - decoder->n_head, decoder->pending.len);
    if (n)
        memcpy(decoder->head + decoder->n_head, decoder->pending.ptr, n);
    decoder->n_head += n;
    decoder->pending = str_skip(decoder->pending, n);
    decoder->in = (str){(const char *)decoder->head, decoder->n_head};
    return true;
}

static bool is_bzip2(str head)
{
    str block = str_slice(head, 4, 6);
    return head.len >= 6 && str_starts(head, STR("BZh")) && head.ptr[3] >= '1' &&
           head.ptr[3] <= '9' && (str_eq(block, STR("\x31\x41")) || str_eq(block, STR("\x17\x72")));
}

/* RFC 8878, 3.1.1 and 3.1.2: a frame, or a skippable one. */
static bool is_zstd(str head)
{
    return str_starts(head, STR("\x28\xb5\x2f\xfd")) ||
           (head.len >= 4 && (head.ptr[0] & 0xf0) == 0x50 &&
            str_eq(str_slice(head, 1, 4), STR("\x2a\x4d\x18")));
}

static enum codec_kind kind_of(str head)
{
    if (str_starts(head, STR("\x1f\x8b")))
        return CODEC_GZIP;
    if (is_zstd(head))
        return CODEC_ZSTD;
    if (str_starts(head, STR("\xfd"
                             "7zXZ\0")))
        return CODEC_XZ;
    return is_bzip2(head) ? CODEC_BZIP2 : CODEC_PLAIN;
}

static bool find_kind(struct decoder *decoder, struct err *err)
{
    if (decoder->is_known)
        return true;
    if (!read_head(decoder, err))
        return false;
    decoder->kind = kind_of(decoder->in);
    decoder->is_known = true;
    return decoder->kind == CODEC_PLAIN || row_of(decoder->kind)->open(decoder, err);
}

/* Plain bytes are handed through, and copied only when the caller wants them in a place. */
static enum next next_plain(struct decoder *decoder, str *chunk, struct err *err)
{
    enum next step = decoder_more(decoder, err);
    if (step != NEXT_ITEM)
        return step;
    size_t n = decoder->given ? num_min(decoder->in.len, decoder->given_cap) : decoder->in.len;
    *chunk = str_slice(decoder->in, 0, n);
    decoder->in = str_skip(decoder->in, n);
    if (decoder->given) {
        memcpy(decoder->given, chunk->ptr, n);
        chunk->ptr = (const char *)decoder->given;
    }
    return NEXT_ITEM;
}

static enum next next_packed(struct decoder *decoder, str *chunk, struct err *err)
{
    struct out out = {.ptr = decoder->given, .cap = decoder->given_cap};
    if (!out.ptr) {
        if (!decoder->own && !(decoder->own = malloc(DECODER_CHUNK))) {
            err_memory(err);
            return NEXT_ERR;
        }
        out = (struct out){.ptr = decoder->own, .cap = DECODER_CHUNK};
    }
    enum next step = row_of(decoder->kind)->fill(decoder, &out, err);
    *chunk = (str){(const char *)out.ptr, out.n};
    if (step == NEXT_END)
        decoder->is_done = true;
    return step == NEXT_END && out.n ? NEXT_ITEM : step;
}

static bool check_limits(const struct decoder *decoder, struct err *err)
{
    if (decoder->out_bytes > decoder->max_out)
        return err_set(err, ERR_LIMIT, "%s stream: over the size limit of %llu bytes",
                       codec_name(decoder->kind), (unsigned long long)decoder->max_out);
    if (decoder->out_bytes <= LIMIT(LAYER_RATIO_FREE) ||
        decoder->out_bytes / LIMIT(LAYER_RATIO) <= decoder_bytes_in(decoder))
        return true;
    return err_set(err, ERR_LIMIT, "%s stream: over the limit %s of %llu to 1",
                   codec_name(decoder->kind), limit_row(LIMIT_ID_LAYER_RATIO)->key,
                   (unsigned long long)LIMIT(LAYER_RATIO));
}

static enum next step_of(struct decoder *decoder, str *chunk, struct err *err)
{
    if (!find_kind(decoder, err))
        return NEXT_ERR;
    enum next step = decoder->kind == CODEC_PLAIN ? next_plain(decoder, chunk, err)
                                                  : next_packed(decoder, chunk, err);
    if (step != NEXT_ITEM)
        return step;
    decoder->out_bytes += chunk->len;
    return check_limits(decoder, err) ? NEXT_ITEM : NEXT_ERR;
}

enum next decoder_next(struct decoder *decoder, str *chunk, struct err *err)
{
    *chunk = STR_NONE;
    if (err_is(&decoder->failed)) {
        *err = decoder->failed;
        return NEXT_ERR;
    }
    enum next step = decoder->is_done ? NEXT_END : step_of(decoder, chunk, err);
    decoder->given = NULL;
    if (step == NEXT_END)
        decoder->is_done = true;
    if (step == NEXT_ERR) {
        decoder->failed = *err;
        *chunk = STR_NONE;
    }
    return step;
}

static enum next source_decoder_read(void *ctx, str *chunk, struct err *err)
{
    return decoder_next(ctx, chunk, err);
}

struct source source_from_decoder(struct decoder *decoder)
{
    return (struct source){source_decoder_read, decoder};
}

static bool decode_into(struct sb *whole, struct decoder *decoder, struct err *err)
{
    str chunk;
    enum next step;
    while ((step = decoder_next(decoder, &chunk, err)) == NEXT_ITEM)
        sb_add(whole, chunk);
    return step == NEXT_END && sb_ok(whole, err);
}

bool decode_whole(struct arena *arena, str bytes, size_t max, str *out, struct err *err)
{
    struct source_mem mem;
    struct decoder *decoder;
    if (!decoder_open(&decoder, source_from_mem(&mem, bytes), max, err))
        return false;
    auto_sb whole;
    sb_init(&whole, max);
    bool is_done = decode_into(&whole, decoder, err);
    decoder_close(decoder);
    if (!is_done)
        return false;
    *out = arena_dup(arena, sb_str(&whole));
    return out->ptr || err_memory(err);
}
