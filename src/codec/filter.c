/* SPDX-License-Identifier: Apache-2.0 */
/* xz and bzip2 by libarchive's filters over its "raw" format.  The filter is named, not guessed:
 * guessing would unpack an xz inside an xz. */
#include <archive_entry.h>
#include <stdlib.h>

#include "codec/internal.h"

struct filter {
    struct archive *archive;
    struct feed feed;
    bool is_begun;
};

static enum next in_read(void *ctx, str *chunk, struct err *err)
{
    struct decoder *decoder = ctx;
    enum next step = decoder_more(decoder, err);
    *chunk = decoder->in;
    decoder->in = STR_NONE;
    return step;
}

static void filter_close(struct decoder *decoder)
{
    struct filter *filter = decoder->state;
    archive_read_free(filter->archive);
    free(filter);
}

static bool filter_open(struct decoder *decoder, int code, struct err *err)
{
    struct filter *filter = calloc(1, sizeof(*filter));
    if (!filter)
        return err_memory(err);
    decoder->state = filter;
    filter->feed.from = (struct source){in_read, decoder};
    filter->archive = archive_read_new();
    if (!filter->archive)
        return err_memory(err);
    archive_read_support_format_raw(filter->archive);
    archive_read_support_format_empty(filter->archive);
    if (archive_read_append_filter(filter->archive, code) < ARCHIVE_WARN)
        return err_set(err, ERR_UNSUPPORTED, "%s is not built into libarchive here",
                       codec_name(decoder->kind));
    return true;
}

static bool xz_open(struct decoder *decoder, struct err *err)
{
    return filter_open(decoder, ARCHIVE_FILTER_XZ, err);
}

static bool bzip2_open(struct decoder *decoder, struct err *err)
{
    return filter_open(decoder, ARCHIVE_FILTER_BZIP2, err);
}

static enum next failed(const struct decoder *decoder, struct filter *filter, struct err *err)
{
    feed_failed(&filter->feed, filter->archive, err);
    if (err->kind == ERR_FORMAT)
        err_wrap(err, "%s stream", codec_name(decoder->kind));
    return NEXT_ERR;
}

static enum next begin(const struct decoder *decoder, struct filter *filter, struct err *err)
{
    filter->is_begun = true;
    if (archive_read_open(filter->archive, &filter->feed, NULL, feed_read, NULL) != ARCHIVE_OK)
        return failed(decoder, filter, err);
    struct archive_entry *entry;
    int code = archive_read_next_header(filter->archive, &entry);
    if (code == ARCHIVE_EOF)
        return NEXT_END;
    return code == ARCHIVE_OK ? NEXT_ITEM : failed(decoder, filter, err);
}

static enum next filter_fill(struct decoder *decoder, struct out *out, struct err *err)
{
    struct filter *filter = decoder->state;
    enum next step = filter->is_begun ? NEXT_ITEM : begin(decoder, filter, err);
    if (step != NEXT_ITEM)
        return step;
    la_ssize_t n = archive_read_data(filter->archive, out->ptr, out->cap);
    if (n < 0)
        return failed(decoder, filter, err);
    out->n = (size_t)n;
    return out->n < out->cap ? NEXT_END : NEXT_ITEM;
}

const struct codec_row codec_xz = {
    .name = "xz",
    .open = xz_open,
    .fill = filter_fill,
    .close = filter_close,
};

const struct codec_row codec_bzip2 = {
    .name = "bzip2",
    .open = bzip2_open,
    .fill = filter_fill,
    .close = filter_close,
};
