/* SPDX-License-Identifier: Apache-2.0 */
#include "report/internal.h"

#include "os/file.h"

enum { PIECE_BYTES = 64 << 10 };

void out_open(struct out *out, int fd, struct err *err)
{
    *out = (struct out){.fd = fd, .err = err};
    /* One field may be as large as a feed's record, and six times that once escaped. */
    sb_init(&out->sb, 8 * LIMIT(FEED_RECORD));
}

static void flush(struct out *out)
{
    if (!out->has_failed)
        out->has_failed =
            !sb_ok(&out->sb, out->err) || !fd_write(out->fd, sb_str(&out->sb), out->err);
    sb_clear(&out->sb);
}

void out_piece(struct out *out)
{
    if (out->sb.len >= PIECE_BYTES || out->sb.has_failed)
        flush(out);
}

bool out_close(struct out *out)
{
    flush(out);
    sb_fini(&out->sb);
    return !out->has_failed;
}
