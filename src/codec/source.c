/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/codec.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { FD_CHUNK = 256 << 10 };

static enum next mem_read(void *ctx, str *chunk, struct err *err)
{
    (void)err;
    struct source_mem *mem = ctx;
    *chunk = mem->rest;
    mem->rest = STR_NONE;
    return chunk->len ? NEXT_ITEM : NEXT_END;
}

struct source source_from_mem(struct source_mem *state, str bytes)
{
    state->rest = bytes;
    return (struct source){mem_read, state};
}

struct source_fd {
    int fd; /* borrowed */
    char bytes[FD_CHUNK];
};

bool source_fd_open(struct source_fd **out, int fd, struct err *err)
{
    struct source_fd *made = malloc(sizeof(*made));
    if (!made)
        return err_memory(err);
    made->fd = fd;
    *out = made;
    return true;
}

void source_fd_close(struct source_fd *fd) { free(fd); }

static enum next fd_source_read(void *ctx, str *chunk, struct err *err)
{
    struct source_fd *from = ctx;
    ssize_t n;
    do
        n = read(from->fd, from->bytes, sizeof(from->bytes));
    while (n < 0 && errno == EINTR);
    if (n < 0) {
        err_sys(err, ERR_IO, "read");
        return NEXT_ERR;
    }
    *chunk = (str){from->bytes, (size_t)n};
    return n ? NEXT_ITEM : NEXT_END;
}

struct source source_from_fd(struct source_fd *fd) { return (struct source){fd_source_read, fd}; }
