/* SPDX-License-Identifier: Apache-2.0 */
/* file.h - whole files, whole writes, and paths that stay below a root.
 * Every descriptor is CLOEXEC.  Every saved file is written aside, synced and renamed.
 * Errors: ERR_NOT_FOUND for a missing path, ERR_LIMIT above a maximum, ERR_IO otherwise; the
 * message names the path. */
#pragma once

#include "base/arena.h"
#include "base/vec.h"

/* Read a whole file of at most @max bytes into @arena; a NUL follows that the length does not
 * count. */
NODISCARD bool file_read(struct arena *arena, const char *path, size_t max, str *out,
                         struct err *err);
NODISCARD bool file_read_fd(struct arena *arena, int fd, size_t max, str *out, struct err *err);

/* Replace @path as a whole: temporary beside it, fsync, rename, fsync of the folder. */
NODISCARD bool file_save(const char *path, str bytes, unsigned mode, struct err *err);

/* mkdir -p, mode 0755 less the umask. */
NODISCARD bool dir_make(const char *path, struct err *err);
/* rm -rf, never through a symbolic link; a missing path is done. */
NODISCARD bool dir_remove(const char *path, struct err *err);

typedef VEC(str) str_vec;
/* Names in a folder but . and .., in byte order; copied into @arena. */
NODISCARD bool dir_list(struct arena *arena, const char *path, str_vec *names, struct err *err);

/* open() of @path below the folder @root_fd as if it were the root: no "..", no absolute link, no
 * magic link leads out of it (openat2, RESOLVE_IN_ROOT).  *fd is the caller's. */
NODISCARD bool root_open(int root_fd, const char *path, int flags, int *fd, struct err *err);

/* All of @bytes; EINTR and short writes are dealt with.  ERR_IO with errno EPIPE when nobody reads.
 */
NODISCARD bool fd_write(int fd, str bytes, struct err *err);
/* Up to @cap bytes; *n is 0 at the end. */
NODISCARD bool fd_read(int fd, void *buf, size_t cap, size_t *n, struct err *err);
