/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *join(const char *env, const char *path)
{
    static char full[PATH_MAX];
    const char *root = getenv(env);
    snprintf(full, sizeof(full), "%s/%s", root ? root : ".", path);
    return full;
}

const char *test_shared_path(const char *path) { return join("TEST_SHARED", path); }
const char *test_data_path(const char *path) { return join("TEST_DATA", path); }

static str read_whole(struct arena *arena, const char *full)
{
    int fd = open(full, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0)
        fail_msg("%s: %s", full, strerror(errno));
    char *bytes = arena_alloc(arena, (size_t)st.st_size + 1);
    if (!bytes)
        fail_msg("%s: larger than the test's arena", full);
    size_t done = 0;
    while (done < (size_t)st.st_size) {
        ssize_t n = read(fd, bytes + done, (size_t)st.st_size - done);
        if (n <= 0)
            fail_msg("%s: short read", full);
        done += (size_t)n;
    }
    close(fd);
    return (str){bytes, done};
}

str test_data(struct arena *arena, const char *path)
{
    return read_whole(arena, test_data_path(path));
}
str test_shared(struct arena *arena, const char *path)
{
    return read_whole(arena, test_shared_path(path));
}

void test_need_shared(const char *path)
{
    if (access(test_shared_path(path), R_OK) == 0)
        return;
    print_message("skipped: ../shared/%s is absent\n", path);
    skip();
}

const char *test_mkdir(struct arena *arena)
{
    const char *base = getenv("TMPDIR");
    str path = arena_printf(arena, "%s/plimsoll-test-XXXXXX", base ? base : "/tmp");
    char *writable = arena_alloc(arena, path.len + 1);
    memcpy(writable, path.ptr, path.len);
    if (!mkdtemp(writable))
        fail_msg("mkdtemp: %s", strerror(errno));
    return writable;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

void test_rmdir(const char *path) { nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS); }

bool test_next_row(struct rd *in, str *row)
{
    while (rd_line(in, 1 << 16, row)) {
        *row = str_trim(*row);
        if (row->len && row->ptr[0] != '#')
            return true;
    }
    return false;
}
