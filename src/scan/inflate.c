/* SPDX-License-Identifier: Apache-2.0 */
/* inflate.c - a compressed archive into a file without a name.  The analyser inflates it in the
 * sandbox, with the limits of a layer; the parent moves bytes and counts them, and looks at none.
 *
 *     file ──pipe──> analyser ──pipe──> u32 n, n bytes … u32 0, answer ──> file without a name
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/num.h"
#include "os/file.h"
#include "scan/internal.h"

enum { POLL_MS = 250 };

struct inflation {
    struct sandbox_child child;
    const struct cancel *cancel;
    struct source from;
    str chunk; /* read, and not yet given to the child */
    int out_fd;
    uint64_t left_bytes; /* that may still be written */
    uint8_t head[4];     /* of the frame that begins */
    size_t n_head;
    uint32_t frame_bytes; /* left of the frame */
    bool is_at_answer;
    struct sb answer;
};

static void stop_feeding(struct inflation *in)
{
    close(in->child.in_fd);
    in->child.in_fd = -1;
}

/* Give the child what its pipe takes now. */
static bool feed(struct inflation *in, struct err *err)
{
    if (!in->chunk.len) {
        enum next step = in->from.read(in->from.ctx, &in->chunk, err);
        if (step == NEXT_END)
            stop_feeding(in);
        if (step != NEXT_ITEM)
            return step == NEXT_END;
    }
    ssize_t n = write(in->child.in_fd, in->chunk.ptr, in->chunk.len);
    if (n > 0)
        in->chunk = str_skip(in->chunk, (size_t)n);
    else if (errno == EPIPE)
        stop_feeding(in); /* it has failed, and its answer says why */
    else if (errno != EAGAIN && errno != EINTR)
        return err_sys(err, ERR_IO, "writing to the analyser");
    return true;
}

static bool keep(struct inflation *in, str bytes, struct err *err)
{
    if (bytes.len > in->left_bytes)
        return err_set(err, ERR_LIMIT, "it inflates to more than may be kept");
    in->left_bytes -= bytes.len;
    in->frame_bytes -= (uint32_t)bytes.len;
    return fd_write(in->out_fd, bytes, err) || err_wrap(err, "the inflated archive");
}

static bool take(struct inflation *in, str bytes, struct err *err)
{
    while (bytes.len && !in->is_at_answer) {
        if (in->frame_bytes) {
            size_t n = num_min(in->frame_bytes, bytes.len);
            if (!keep(in, str_slice(bytes, 0, n), err))
                return false;
            bytes = str_skip(bytes, n);
            continue;
        }
        in->head[in->n_head++] = (uint8_t)bytes.ptr[0];
        bytes = str_skip(bytes, 1);
        if (in->n_head < sizeof(in->head))
            continue;
        struct rd rd;
        rd_init(&rd, str_of((const char *)in->head, sizeof(in->head)));
        in->frame_bytes = rd_u32le(&rd);
        in->n_head = 0;
        in->is_at_answer = in->frame_bytes == 0;
    }
    sb_add(&in->answer, bytes);
    return sb_ok(&in->answer, err);
}

/* Both ways at once: the child writes while it reads. */
static bool move_all(struct inflation *in, struct err *err)
{
    char piece[64 << 10];
    size_t n = 1;
    while (n) {
        struct pollfd polls[2] = {{in->child.out_fd, POLLIN, 0}, {in->child.in_fd, POLLOUT, 0}};
        int n_ready = poll(polls, 2, POLL_MS); /* a descriptor below zero is passed over */
        if (cancel_is(in->cancel, err))
            return false;
        if (n_ready < 0 && errno != EINTR)
            return err_sys(err, ERR_IO, "poll");
        if (n_ready <= 0)
            continue;
        if (polls[1].revents && !feed(in, err))
            return false;
        if (polls[0].revents && (!fd_read(in->child.out_fd, piece, sizeof(piece), &n, err) ||
                                 !take(in, str_of(piece, n), err)))
            return false;
    }
    struct rd rd;
    rd_init(&rd, sb_str(&in->answer));
    return answer_begin(&rd, err);
}

/* On disk where that is possible; else in memory, and then no more than a scan may hold. */
static int unnamed_file(uint64_t *max_bytes)
{
    const char *dir = getenv("TMPDIR");
    int fd = open(dir && *dir ? dir : "/var/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    *max_bytes = fd >= 0 ? LIMIT(LAYER_INFLATED) : LIMIT(SCAN_MEMORY);
    return fd >= 0 ? fd : memfd_create("plimsoll-archive", MFD_CLOEXEC);
}

static bool inflate_from(struct scanner *scanner, struct inflation *in, struct err *err)
{
    struct err end = {0};
    if (!sandbox_spawn(scanner->sandbox, REQUEST_INFLATE, &in->child, err))
        return false;
    fcntl(in->child.in_fd, F_SETFL, O_NONBLOCK);
    bool is_done = move_all(in, err);
    bool has_ended_well = sandbox_child_end(&in->child, &end);
    if (has_ended_well || (!is_done && err->kind != ERR_SANDBOX))
        return is_done;
    *err = end;
    return false;
}

bool archive_inflate(struct scanner *scanner, int file_fd, const struct cancel *cancel, int *out_fd,
                     struct err *err)
{
    struct inflation in = {.cancel = cancel};
    struct source_fd *file = NULL;
    sb_init(&in.answer, 4 * KIB);
    in.out_fd = unnamed_file(&in.left_bytes);
    bool is_done = in.out_fd >= 0 || err_sys(err, ERR_IO, "a temporary file");
    is_done = is_done && source_fd_open(&file, file_fd, err);
    if (is_done) {
        in.from = source_from_fd(file);
        is_done = inflate_from(scanner, &in, err);
    }
    source_fd_close(file);
    sb_fini(&in.answer);
    if (is_done)
        *out_fd = in.out_fd;
    else if (in.out_fd >= 0)
        close(in.out_fd);
    return is_done;
}
