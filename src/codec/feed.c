/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/internal.h"

#include <errno.h>

la_ssize_t feed_read(struct archive *archive, void *ctx, const void **bytes)
{
    struct feed *feed = ctx;
    str chunk = feed->first;
    enum next step =
        feed->has_first ? NEXT_ITEM : feed->from.read(feed->from.ctx, &chunk, &feed->err);
    feed->has_first = false;
    if (step == NEXT_ERR) {
        archive_set_error(archive, EIO, "source");
        return -1;
    }
    if (step == NEXT_END)
        return 0;
    feed->bytes += chunk.len;
    *bytes = chunk.ptr;
    return (la_ssize_t)chunk.len;
}

bool feed_failed(const struct feed *feed, struct archive *archive, struct err *err)
{
    if (err_is(&feed->err)) {
        *err = feed->err;
        return false;
    }
    if (archive_errno(archive) == ENOMEM)
        return err_memory(err);
    const char *why = archive_error_string(archive);
    return err_set(err, ERR_FORMAT, "%s", why ? why : "not decodable");
}
