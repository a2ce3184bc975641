/* SPDX-License-Identifier: Apache-2.0 */
#include "os/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/num.h"
#include "base/sb.h"

static enum err_kind kind_of_errno(void)
{
    return errno == ENOENT || errno == ENOTDIR ? ERR_NOT_FOUND : ERR_IO;
}

bool fd_read(int fd, void *buf, size_t cap, size_t *n, struct err *err)
{
    ssize_t got;
    do {
        got = read(fd, buf, cap);
    } while (got < 0 && errno == EINTR);
    *n = got > 0 ? (size_t)got : 0;
    return got >= 0 || err_sys(err, ERR_IO, "read");
}

bool fd_write(int fd, str bytes, struct err *err)
{
    while (bytes.len) {
        ssize_t put = write(fd, bytes.ptr, bytes.len);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return err_sys(err, ERR_IO, "write");
        bytes = str_skip(bytes, (size_t)put);
    }
    return true;
}

/* Read into a buffer of @cap + 1 bytes until the end; a file that grows past it is over the limit.
 */
static bool read_up_to(int fd, char *buf, size_t cap, size_t *len, struct err *err)
{
    size_t n;
    *len = 0;
    do {
        if (!fd_read(fd, buf + *len, cap + 1 - *len, &n, err))
            return false;
        *len += n;
    } while (n && *len <= cap);
    buf[num_min(*len, cap)] = '\0';
    return true;
}

static bool read_unsized(struct arena *arena, int fd, size_t max, str *out, struct err *err)
{
    auto_sb all;
    char chunk[16 << 10];
    size_t n;
    sb_init(&all, max);
    do {
        if (!fd_read(fd, chunk, sizeof(chunk), &n, err))
            return false;
        sb_add(&all, (str){chunk, n});
    } while (n);
    if (!sb_ok(&all, err))
        return false;
    *out = arena_dup(arena, sb_str(&all));
    return out->ptr || err_memory(err);
}

bool file_read_fd(struct arena *arena, int fd, size_t max, str *out, struct err *err)
{
    struct stat st;
    *out = STR_NONE;
    if (fstat(fd, &st) != 0)
        return err_sys(err, ERR_IO, "stat");
    if (S_ISDIR(st.st_mode))
        return err_set(err, ERR_IO, "is a folder");
    /* /proc and pipes have no size */
    if (!S_ISREG(st.st_mode) || st.st_size == 0)
        return read_unsized(arena, fd, max, out, err);
    if ((uint64_t)st.st_size > max)
        return err_set(err, ERR_LIMIT, "%lld bytes are more than %zu", (long long)st.st_size, max);
    size_t cap = (size_t)st.st_size, len;
    char *buf = arena_alloc(arena, cap + 1);
    if (!buf)
        return err_memory(err);
    if (!read_up_to(fd, buf, cap, &len, err))
        return false;
    *out = (str){buf, num_min(len, cap)};
    return len <= cap || err_set(err, ERR_LIMIT, "grew while it was read");
}

bool file_read(struct arena *arena, const char *path, size_t max, str *out, struct err *err)
{
    auto_fd fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_sys(err, kind_of_errno(), "%s", path);
    return file_read_fd(arena, fd, max, out, err) || err_wrap(err, "%s", path);
}

static bool sync_folder_of(const char *path, struct err *err)
{
    auto_free char *copy = strdup(path);
    if (!copy)
        return err_memory(err);
    auto_fd fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0)
        return err_sys(err, ERR_IO, "sync of the folder of %s", path);
    return true;
}

bool file_save(const char *path, str bytes, unsigned mode, struct err *err)
{
    char temp[PATH_MAX];
    if (snprintf(temp, sizeof(temp), "%s.XXXXXX", path) >= (int)sizeof(temp))
        return err_set(err, ERR_LIMIT, "%s: path too long", path);
    auto_fd fd = mkostemp(temp, O_CLOEXEC);
    if (fd < 0)
        return err_sys(err, kind_of_errno(), "%s", path);
    if (!fd_write(fd, bytes, err))
        err_wrap(err, "%s", path);
    else if (fchmod(fd, mode) != 0 || fsync(fd) != 0 || rename(temp, path) != 0)
        err_sys(err, ERR_IO, "%s", path);
    else
        return sync_folder_of(path, err);
    unlink(temp);
    return false;
}

bool dir_make(const char *path, struct err *err)
{
    auto_free char *copy = strdup(path);
    if (!copy)
        return err_memory(err);
    for (char *slash = copy + 1; *copy && (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        if (mkdir(copy, 0755) != 0 && errno != EEXIST)
            return err_sys(err, kind_of_errno(), "%s", copy);
        *slash = '/';
    }
    if (mkdir(copy, 0755) == 0)
        return true;
    struct stat st;
    if (errno == EEXIST && stat(copy, &st) == 0 && S_ISDIR(st.st_mode))
        return true;
    return err_sys(err, kind_of_errno(), "%s", path);
}

static bool remove_at(int parent, const char *name, unsigned depth, struct err *err);

static bool empty_folder(int fd, unsigned depth, struct err *err)
{
    DIR *dir = fdopendir(fd);
    if (!dir) {
        close(fd);
        return err_sys(err, ERR_IO, "list");
    }
    bool is_done = true;
    for (struct dirent *item; is_done && (item = readdir(dir));)
        if (strcmp(item->d_name, ".") != 0 && strcmp(item->d_name, "..") != 0)
            is_done = remove_at(dirfd(dir), item->d_name, depth + 1, err);
    closedir(dir);
    return is_done;
}

static bool remove_at(int parent, const char *name, unsigned depth, struct err *err)
{
    if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
        return true;
    if (errno != EISDIR && errno != EPERM)
        return err_sys(err, kind_of_errno(), "%s", name);
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return err_sys(err, kind_of_errno(), "%s", name);
    if (depth > 256) {
        close(fd);
        return err_set(err, ERR_LIMIT, "%s: folders nested too deeply", name);
    }
    if (!empty_folder(fd, depth, err))
        return false;
    return unlinkat(parent, name, AT_REMOVEDIR) == 0 || err_sys(err, kind_of_errno(), "%s", name);
}

bool dir_remove(const char *path, struct err *err)
{
    return remove_at(AT_FDCWD, path, 0, err) || err_wrap(err, "removing %s", path);
}

static int cmp_name(const void *a, const void *b)
{
    return str_cmp(*(const str *)a, *(const str *)b);
}

bool dir_list(struct arena *arena, const char *path, str_vec *names, struct err *err)
{
    *names = (str_vec){0};
    DIR *dir = opendir(path);
    if (!dir)
        return err_sys(err, kind_of_errno(), "%s", path);
    bool has_room = true;
    for (struct dirent *item; has_room && (item = readdir(dir));) {
        if (strcmp(item->d_name, ".") == 0 || strcmp(item->d_name, "..") == 0)
            continue;
        str *name = vec_push(arena, names);
        if (name)
            *name = arena_dup(arena, str_from(item->d_name));
        has_room = name && name->ptr;
    }
    closedir(dir);
    if (!has_room)
        return err_memory(err);
    vec_sort(names, cmp_name);
    return true;
}

bool root_open(int root_fd, const char *path, int flags, int *fd, struct err *err)
{
    struct open_how how = {.flags = (uint64_t)(flags | O_CLOEXEC), .resolve = RESOLVE_IN_ROOT};
    *fd = (int)syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
    return *fd >= 0 || err_sys(err, kind_of_errno(), "%s", path);
}
