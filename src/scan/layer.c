/* SPDX-License-Identifier: Apache-2.0 */
/* layer.c - the parent's side of one layer: stream, hash, feed the analyser, validate its answer.
 */

#include "scan/internal.h"

static bool stream(struct channel *to, const struct layer_work *work, struct source from,
                   struct hash *hash, uint64_t *size, struct err *err)
{
    str chunk;
    enum next step;
    *size = 0;
    while ((step = from.read(from.ctx, &chunk, err)) == NEXT_ITEM) {
        hash_add(hash, chunk);
        *size += chunk.len;
        if (!channel_feed(to, chunk, err))
            return false;
        if (work->progress)
            work->progress(work->progress_ctx, *size);
        if (cancel_is(work->cancel, err))
            return false;
    }
    return step == NEXT_END;
}

/* A wrong digest explains every other failure, so it is looked at first. */
static bool check_digest(const struct layer_work *work, const digest *got, uint64_t size,
                         struct err *err)
{
    char want_text[DIGEST_TEXT_SIZE], got_text[DIGEST_TEXT_SIZE];
    const struct descriptor *what = work->what;
    if (digest_is_none(&what->digest))
        return true;
    if (!digest_eq(&what->digest, got)) {
        digest_print(&what->digest, want_text);
        digest_print(got, got_text);
        return err_set(err, ERR_MISMATCH, "its bytes have the digest %.23s…, not %.23s…", got_text,
                       want_text);
    }
    return what->size_bytes == UINT64_MAX || what->size_bytes == size ||
           err_set(err, ERR_MISMATCH, "it has %llu bytes, and its manifest says %llu",
                   (unsigned long long)size, (unsigned long long)what->size_bytes);
}

static bool run_child(struct channel *to, const struct layer_work *work, struct source from,
                      struct hash *hash, digest *got, struct sb *answer, struct err *err)
{
    uint64_t size;
    if (!stream(to, work, from, hash, &size, err))
        return false;
    got->n = (uint8_t)hash_done(hash, got->bytes);
    return check_digest(work, got, size, err) && channel_hear(to, answer, err);
}

bool layer_analyse(struct scanner *scanner, const struct layer_work *work, struct source from,
                   struct sb *answer, digest *got, struct err *err)
{
    struct channel to;
    struct hash *hash = NULL;
    uint32_t request = REQUEST_LAYER | (uint32_t)work->diff_kind << 8;
    *got = (digest){.kind = digest_is_none(&work->what->digest) ? HASH_SHA256
                                                                : work->what->digest.kind};
    bool is_done =
        hash_open(&hash, got->kind, err) && channel_open(&to, scanner, request, work->cancel, err);
    if (is_done) {
        is_done = run_child(&to, work, from, hash, got, answer, err);
        is_done = channel_close(&to, is_done, err);
    }
    hash_close(hash);
    return is_done;
}

/* --- what the child said: as little to be trusted as the layer itself
 * ----------------------------- */

bool layer_answer_parse(str bytes, enum hash_kind diff_kind, struct layer_answer *out,
                        struct err *err)
{
    struct rd in;
    rd_init(&in, bytes);
    *out = (struct layer_answer){.diff_id = {.kind = diff_kind}};
    if (!answer_begin(&in, err))
        return false;
    str diff_id = rd_blob(&in, HASH_MAX);
    for (size_t i = 0; i < diff_id.len; i++)
        out->diff_id.bytes[i] = (uint8_t)diff_id.ptr[i];
    out->diff_id.n = (uint8_t)diff_id.len;
    out->inflated_bytes = rd_varint(&in, UINT64_MAX);
    (void)rd_u8(&in);
    out->inventory = rd_blob(&in, LIMIT(FRAME));
    if (rd_is_ok(&in) && !rd_is_end(&in))
        rd_fail(&in, ERR_FORMAT, "more than one answer");
    return rd_ok(&in, err) || err_wrap(err, "the analyser's answer");
}
