/* SPDX-License-Identifier: Apache-2.0 */
/* files.c - bytes by path: below a folder (never out of it), or inside an archive file, whose
 * entries somebody listed for us and whose offsets are checked here. */
#include "image/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/file.h"

enum { CHUNK = 256 << 10 };

static bool open_path(struct arena *arena, str path, int flags, int *fd, struct err *err)
{
    const char *name = arena_cstr(arena, path);
    if (!name)
        return err_memory(err);
    *fd = open(name, flags | O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (*fd < 0)
        return err_sys(err, errno == ENOENT || errno == ENOTDIR ? ERR_NOT_FOUND : ERR_IO, "%s",
                       name);
    return true;
}

bool files_open_dir(struct files *files, struct arena *arena, str path, struct err *err)
{
    *files = (struct files){.fd = -1, .path = path};
    return open_path(arena, path, O_DIRECTORY, &files->fd, err);
}

static bool keep_entry(struct files *files, struct arena *arena, const struct archive_entry *entry,
                       struct err *err)
{
    bool is_inside = entry->offset <= files->size_bytes &&
                     entry->size_bytes <= files->size_bytes - entry->offset;
    if (entry->type == ENTRY_FILE && !is_inside)
        return err_set(err, ERR_FORMAT, "%.*s: the archive ends inside %.*s", STR_ARG(files->path),
                       STR_ARG(entry->path));
    struct archive_entry *copy = arena_new(arena, struct archive_entry);
    if (!copy)
        return err_memory(err);
    *copy = *entry;
    copy->path = arena_dup(arena, entry->path);
    copy->link = arena_dup(arena, entry->link);
    /* of two entries with one path the later one counts, as when unpacking */
    if (!copy->path.ptr || !copy->link.ptr || !map_put(&files->entries, copy->path, copy))
        return err_memory(err);
    return true;
}

bool files_open_archive(struct files *files, struct arena *arena, str path,
                        const archive_entries *entries, struct err *err)
{
    *files = (struct files){.fd = -1, .is_archive = true, .path = path};
    map_init(&files->entries, arena);
    if (!open_path(arena, path, 0, &files->fd, err))
        return false;
    struct stat st;
    if (fstat(files->fd, &st) != 0)
        return err_sys(err, ERR_IO, "%.*s", STR_ARG(path));
    if (!S_ISREG(st.st_mode))
        return err_set(err, ERR_IO, "%.*s: not a file", STR_ARG(path));
    if (archive_is_compressed(files->fd))
        return err_set(err, ERR_UNSUPPORTED,
                       "%.*s: a compressed archive cannot be read in place: decompress it first",
                       STR_ARG(path));
    files->size_bytes = (uint64_t)st.st_size;
    for (size_t i = 0; i < entries->len; i++)
        if (!keep_entry(files, arena, &entries->ptr[i], err))
            return false;
    return true;
}

void files_close(struct files *files)
{
    if (files->fd >= 0)
        close(files->fd);
    files->fd = -1;
}

static const struct archive_entry *entry_of(const struct files *files, str path, struct err *err)
{
    for (unsigned hops = 0; hops <= LIMIT(SYMLINK_HOPS); hops++) {
        const struct archive_entry *entry = map_get(&files->entries, path);
        if (!entry) {
            err_set(err, ERR_NOT_FOUND, "%.*s: has no %.*s", STR_ARG(files->path), STR_ARG(path));
            return NULL;
        }
        if (entry->type == ENTRY_FILE)
            return entry;
        if (entry->type != ENTRY_SYMLINK && entry->type != ENTRY_HARDLINK) {
            err_set(err, ERR_FORMAT, "%.*s: %.*s is not a file", STR_ARG(files->path),
                    STR_ARG(path));
            return NULL;
        }
        path = entry->link;
    }
    err_set(err, ERR_FORMAT, "%.*s: %.*s is a link that leads in circles", STR_ARG(files->path),
            STR_ARG(path));
    return NULL;
}

static bool find_in_dir(const struct files *files, const char *path, struct extent *out,
                        struct err *err)
{
    struct stat st;
    if (!root_open(files->fd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, &out->fd, err))
        return err_wrap(err, "%.*s", STR_ARG(files->path));
    out->is_owned = true;
    if (fstat(out->fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        extent_close(out);
        return err_set(err, ERR_FORMAT, "%.*s: %s is not a file", STR_ARG(files->path), path);
    }
    out->size_bytes = (uint64_t)st.st_size;
    return true;
}

bool files_find(const struct files *files, const char *path, struct extent *out, struct err *err)
{
    *out = (struct extent){.fd = -1};
    if (!files->is_archive)
        return find_in_dir(files, path, out, err);
    const struct archive_entry *entry = entry_of(files, str_from(path), err);
    if (!entry)
        return false;
    *out = (struct extent){files->fd, false, entry->offset, entry->size_bytes};
    return true;
}

bool files_has(const struct files *files, const char *path)
{
    struct extent extent;
    struct err err = {0};
    if (!files_find(files, path, &extent, &err))
        return false;
    extent_close(&extent);
    return true;
}

void extent_close(struct extent *extent)
{
    if (extent->is_owned && extent->fd >= 0)
        close(extent->fd);
    *extent = (struct extent){.fd = -1};
}

/* Up to @cap bytes at the front of the extent, which moves on; 0 only at its end. */
static bool extent_take(struct extent *extent, char *buf, size_t cap, size_t *n, struct err *err)
{
    size_t want = extent->size_bytes < cap ? (size_t)extent->size_bytes : cap;
    *n = 0;
    if (want == 0)
        return true;
    ssize_t got;
    do
        got = pread(extent->fd, buf, want, (off_t)extent->offset);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return err_sys(err, ERR_IO, "read");
    if (got == 0)
        return err_set(err, ERR_FORMAT, "the file ends %llu bytes early",
                       (unsigned long long)extent->size_bytes);
    extent->offset += (uint64_t)got;
    extent->size_bytes -= (uint64_t)got;
    *n = (size_t)got;
    return true;
}

bool extent_read(struct extent *extent, struct arena *arena, size_t max, str *out, struct err *err)
{
    if (extent->size_bytes > max)
        return err_set(err, ERR_LIMIT, "%llu bytes, more than %zu",
                       (unsigned long long)extent->size_bytes, max);
    size_t size = (size_t)extent->size_bytes, done = 0;
    char *bytes = arena_alloc(arena, size + 1);
    if (!bytes)
        return err_memory(err);
    while (done < size) {
        size_t n = 0;
        if (!extent_take(extent, bytes + done, size - done, &n, err))
            return false;
        done += n;
    }
    *out = (str){bytes, size};
    return true;
}

bool files_read(const struct files *files, struct arena *arena, const char *path, size_t max,
                str *out, struct err *err)
{
    struct extent extent;
    if (!files_find(files, path, &extent, err))
        return false;
    bool ok = extent_read(&extent, arena, max, out, err) ||
              err_wrap(err, "%.*s: %s", STR_ARG(files->path), path);
    extent_close(&extent);
    return ok;
}

/* --- blobs --------------------------------------------------------------------------------------
 */
struct extent_stream {
    struct extent extent;
    char buf[CHUNK];
};

static enum next extent_next(void *ctx, str *chunk, struct err *err)
{
    struct extent_stream *stream = ctx;
    size_t n = 0;
    if (!extent_take(&stream->extent, stream->buf, sizeof(stream->buf), &n, err))
        return NEXT_ERR;
    *chunk = (str){stream->buf, n};
    return n ? NEXT_ITEM : NEXT_END;
}

static void extent_stream_close(struct blob *blob)
{
    struct extent_stream *stream = blob->ctx;
    extent_close(&stream->extent);
    free(stream);
}

bool extent_blob(struct extent *extent, struct blob *out, struct err *err)
{
    struct extent_stream *stream = malloc(sizeof(*stream));
    if (!stream) {
        extent_close(extent);
        return err_memory(err);
    }
    stream->extent = *extent;
    *extent = (struct extent){.fd = -1};
    *out = (struct blob){{extent_next, stream}, extent_stream_close, stream};
    return true;
}

static void memory_close(struct blob *blob) { free(blob->ctx); }

bool blob_from_bytes(str bytes, struct blob *out, struct err *err)
{
    struct source_mem *state = calloc(1, sizeof(*state));
    if (!state)
        return err_memory(err);
    *out = (struct blob){source_from_mem(state, bytes), memory_close, state};
    return true;
}

/* --- whole blobs --------------------------------------------------------------------------------
 */
static bool drain(struct blob *blob, size_t max, struct sb *into, struct err *err)
{
    str chunk;
    enum next next;
    while ((next = blob->from.read(blob->from.ctx, &chunk, err)) == NEXT_ITEM) {
        if (chunk.len > max - into->len)
            return err_set(err, ERR_LIMIT, "more than %zu bytes", max);
        sb_add(into, chunk);
    }
    return next == NEXT_END && sb_ok(into, err);
}

static bool load_stream(struct image_source *source, struct arena *arena,
                        const struct descriptor *what, size_t max, str *out, struct err *err)
{
    struct blob blob = {0};
    if (!source->ops->blob(source, what, &blob, err))
        return false;
    auto_sb bytes;
    sb_init(&bytes, max + 1);
    bool ok = drain(&blob, max, &bytes, err);
    blob_close(&blob);
    if (!ok)
        return false;
    *out = arena_dup(arena, sb_str(&bytes));
    return out->ptr ? true : err_memory(err);
}

bool blob_load(struct image_source *source, struct arena *arena, const struct descriptor *what,
               size_t max, str *out, struct err *err)
{
    if (what->size_bytes != UINT64_MAX && what->size_bytes > max)
        return err_set(err, ERR_LIMIT, "%llu bytes, more than %zu",
                       (unsigned long long)what->size_bytes, max);
    if (!str_is_empty(what->data)) /* its digest was checked by the parser */
        *out = what->data;
    else if (!load_stream(source, arena, what, max, out, err))
        return false;
    if (what->size_bytes != UINT64_MAX && what->size_bytes != out->len)
        return err_set(err, ERR_MISMATCH, "%zu bytes, %llu were promised", out->len,
                       (unsigned long long)what->size_bytes);
    return digest_check(&what->digest, *out, err);
}
