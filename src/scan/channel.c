/* SPDX-License-Identifier: Apache-2.0 */
/* channel.c - one question to a sandboxed child and its answer: bytes in, one message out. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "os/file.h"
#include "scan/internal.h"

enum { POLL_MS = 250 };

bool channel_open(struct channel *to, struct scanner *scanner, uint32_t request,
                  const struct cancel *cancel, struct err *err)
{
    *to = (struct channel){.cancel = cancel};
    if (!sandbox_spawn(scanner->sandbox, request, &to->child, err))
        return false;
    fcntl(to->child.in_fd, F_SETFL, O_NONBLOCK);
    return true;
}

/* Wait until the child takes bytes, or the work is cancelled. */
static bool wait_writable(struct channel *to, struct err *err)
{
    for (;;) {
        struct pollfd poller = {to->child.in_fd, POLLOUT, 0};
        int n = poll(&poller, 1, POLL_MS);
        if (cancel_is(to->cancel, err))
            return false;
        if (n > 0)
            return true;
        if (n < 0 && errno != EINTR)
            return err_sys(err, ERR_IO, "poll");
    }
}

bool channel_feed(struct channel *to, str chunk, struct err *err)
{
    while (chunk.len && !to->is_deaf) {
        ssize_t n = write(to->child.in_fd, chunk.ptr, chunk.len);
        if (n > 0)
            chunk = str_skip(chunk, (size_t)n);
        else if (errno == EPIPE)
            to->is_deaf = true;
        else if (errno == EAGAIN && !wait_writable(to, err))
            return false;
        else if (errno != EAGAIN && errno != EINTR)
            return err_sys(err, ERR_IO, "writing to the analyser");
    }
    return true;
}

bool channel_hear(struct channel *to, struct sb *answer, struct err *err)
{
    char chunk[64 << 10];
    close(to->child.in_fd); /* the question ends here */
    to->child.in_fd = -1;
    for (;;) {
        struct pollfd poller = {to->child.out_fd, POLLIN, 0};
        int ready = poll(&poller, 1, POLL_MS);
        if (cancel_is(to->cancel, err))
            return false;
        if (ready <= 0)
            continue;
        size_t n;
        if (!fd_read(to->child.out_fd, chunk, sizeof(chunk), &n, err))
            return false;
        if (n == 0)
            return sb_ok(answer, err);
        sb_add(answer, str_of(chunk, n));
    }
}

bool channel_close(struct channel *to, bool is_done, struct err *err)
{
    struct err end = {0};
    if (sandbox_child_end(&to->child, &end))
        return is_done;
    if (is_done)
        *err = end;
    return false;
}

bool answer_begin(struct rd *in, struct err *err)
{
    if (rd_u8(in) != ANSWER_VERSION)
        return err_set(err, ERR_SANDBOX, "the analyser gave no answer");
    unsigned kind = rd_u8(in);
    if (kind == ERR_NONE)
        return true;
    str msg = rd_blob(in, sizeof(err->msg));
    return err_set(err, kind < err_row_count() ? (enum err_kind)kind : ERR_FORMAT, STR_FMT,
                   STR_ARG(msg));
}
