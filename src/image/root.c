/* SPDX-License-Identifier: Apache-2.0 */
/* root.c - dir: a folder as an image of one plain layer.  The tar stream is made while it is read:
 * one header or one piece of a body a step, so nothing grows with the tree but the names of the
 * folders on the way down, and of files that have several names: after the first the others are
 * hard links, as an image of the same tree has them.  GNU tar by libarchive: names as raw bytes,
 * whatever the locale says. */
#include "image/internal.h"

#include <archive.h>
#include <archive_entry.h> /* its struct archive_entry is opaque, and not image.h's: see new_entry */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/map.h"
#include "base/num.h"
#include "os/file.h"

struct root {
    struct image_source base;
    int fd;
    struct arena arena;
    str path, config, manifest;
    digest config_digest;
    bool (*wants)(void *ctx, const struct entry *entry);
    void *ctx;
};

/* A folder on the way down.  Each sub-folder is in it twice, as "name" and as "name/": the entry,
 * and what is below it.  So the order of steps is the byte order of paths ("a", "a-b", "a/x"). */
struct level {
    struct level *up;
    struct arena arena;
    str path; /* "usr/lib/", empty at the root */
    VEC(str) names;
    size_t at;
};

enum { PIECE = 256 << 10 };
struct root_stream {
    struct root *root; /* borrowed */
    struct archive *tar;
    struct level *level;
    struct sb out;
    uint64_t n_entries;
    struct arena arena; /* of the map */
    struct map names;   /* device and inode of a file that has several → the first (str *) */
    int file;           /* whose body is being written; -1: none */
    uint64_t left_bytes;
    bool is_done;
    char piece[PIECE];
};

/* --- folders
 * -------------------------------------------------------------------------------------- */
static int by_bytes(const void *a, const void *b)
{
    return str_cmp(*(const str *)a, *(const str *)b);
}

static void leave(struct root_stream *s)
{
    struct level *level = s->level;
    s->level = level->up;
    arena_fini(&level->arena);
    free(level);
}

static bool keep_name(struct level *level, str name, bool is_dir, struct err *err)
{
    str *slot = vec_push(&level->arena, &level->names);
    if (slot)
        *slot = arena_printf(&level->arena, "%.*s%.*s%s", STR_ARG(level->path), STR_ARG(name),
                             is_dir ? "/" : "");
    return slot && slot->ptr ? true : err_memory(err);
}

static bool is_dir(DIR *dir, const struct dirent *item)
{
    struct stat st;
    if (item->d_type != DT_UNKNOWN)
        return item->d_type == DT_DIR;
    return fstatat(dirfd(dir), item->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

static bool read_dir(struct level *level, DIR *dir, struct err *err)
{
    for (;;) {
        errno = 0;
        struct dirent *item = readdir(dir);
        if (!item)
            return errno == 0 ? true : err_sys(err, ERR_IO, "/%.*s", STR_ARG(level->path));
        str name = str_from(item->d_name);
        if (str_eq(name, STR(".")) || str_eq(name, STR("..")))
            continue;
        if (level->path.len + name.len > LIMIT(PATH))
            return err_set(err, ERR_LIMIT, "a path of more than %llu bytes below /%.*s",
                           (unsigned long long)LIMIT(PATH),
                           STR_ARG(str_slice(level->path, 0, 100)));
        if (!keep_name(level, name, false, err) ||
            (is_dir(dir, item) && !keep_name(level, name, true, err)))
            return false;
    }
}

/* The kernel's own views of itself hold nothing that somebody installed, cannot all be read even by
 * root, and change while they are read: mounted below the root they are empty folders to us.  A
 * /dev of devtmpfs says it is tmpfs, and holds special files only. */
static bool is_kernel_view(int fd)
{
    static const unsigned long types[] = {PROC_SUPER_MAGIC,   SYSFS_MAGIC,
                                          CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC,
                                          DEVPTS_SUPER_MAGIC, 0x19800202 /* mqueue */};
    struct statfs fs;
    if (fstatfs(fd, &fs) != 0)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if ((unsigned long)fs.f_type == types[i])
            return true;
    return false;
}

/* Whatever vanished between two looks was never there; all else that cannot be read is an error. */
static bool is_gone(struct err *err)
{
    if (err->kind != ERR_NOT_FOUND)
        return false;
    *err = (struct err){0};
    return true;
}

static bool fill(struct root_stream *s, struct level *level, struct err *err)
{
    int fd = -1;
    const char *path = level->path.len ? level->path.ptr : ".";
    if (!root_open(s->root->fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW, &fd, err))
        return is_gone(err);
    if (level->up && is_kernel_view(fd)) {
        close(fd);
        return true;
    }
    DIR *dir = fdopendir(fd);
    if (!dir) {
        close(fd);
        return err_sys(err, ERR_IO, "%s", path);
    }
    bool ok = read_dir(level, dir, err);
    closedir(dir);
    vec_sort(&level->names, by_bytes);
    return ok;
}

static bool enter(struct root_stream *s, str path, struct err *err)
{
    struct level *level = calloc(1, sizeof(*level));
    if (!level)
        return err_memory(err);
    arena_init(&level->arena, LIMIT(SCAN_MEMORY));
    level->up = s->level;
    s->level = level;
    level->path = arena_dup(&level->arena, path);
    return level->path.ptr ? fill(s, level, err) : err_memory(err);
}

/* --- entries
 * -------------------------------------------------------------------------------------- */
static enum entry_type type_of(mode_t mode)
{
    if (S_ISREG(mode))
        return ENTRY_FILE;
    if (S_ISDIR(mode))
        return ENTRY_DIR;
    return S_ISLNK(mode) ? ENTRY_SYMLINK : ENTRY_OTHER;
}

/* Sockets do not exist in tar: every special file is a pipe there. */
static unsigned tar_type_of(enum entry_type type)
{
    switch (type) {
    case ENTRY_FILE:
    case ENTRY_HARDLINK:
        return AE_IFREG;
    case ENTRY_DIR:
        return AE_IFDIR;
    case ENTRY_SYMLINK:
        return AE_IFLNK;
    case ENTRY_OTHER:
        break;
    }
    return AE_IFIFO;
}

static bool write_header(struct root_stream *s, const struct entry *entry, uint64_t body_bytes,
                         struct err *err)
{
    __auto_type header = archive_entry_new(); /* libarchive's */
    if (!header)
        return err_memory(err);
    archive_entry_set_pathname(header, entry->path.ptr);
    archive_entry_set_filetype(header, tar_type_of(entry->type));
    archive_entry_set_perm(header, (mode_t)entry->mode);
    archive_entry_set_mtime(header, 0, 0);
    archive_entry_set_size(header, (int64_t)body_bytes);
    if (entry->type == ENTRY_SYMLINK)
        archive_entry_set_symlink(header, entry->link.ptr);
    if (entry->type == ENTRY_HARDLINK)
        archive_entry_set_hardlink(header, entry->link.ptr);
    int result = archive_write_header(s->tar, header);
    archive_entry_free(header);
    if (result == ARCHIVE_OK)
        return true;
    return err_set(err, ERR_IO, "/%.*s: %s", STR_ARG(entry->path), archive_error_string(s->tar));
}

static bool read_link(struct level *level, int fd, struct entry *entry, struct err *err)
{
    char *target = arena_alloc(&level->arena, LIMIT(PATH) + 2);
    if (!target)
        return err_memory(err);
    ssize_t n = readlinkat(fd, "", target, LIMIT(PATH) + 1);
    if (n < 0)
        return err_sys(err, ERR_IO, "/%.*s", STR_ARG(entry->path));
    if ((uint64_t)n > LIMIT(PATH))
        return err_set(err, ERR_LIMIT, "/%.*s: a link of more than %llu bytes",
                       STR_ARG(entry->path), (unsigned long long)LIMIT(PATH));
    entry->link = (str){target, (size_t)n};
    return true;
}

/* The body is read from a descriptor of its own, opened only now: a file that nobody wants need not
 * be readable. */
static bool open_body(struct root_stream *s, const struct entry *entry, struct err *err)
{
    struct stat st;
    if (!root_open(s->root->fd, entry->path.ptr, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
                   &s->file, err))
        return false;
    if (fstat(s->file, &st) != 0 || !S_ISREG(st.st_mode) ||
        (uint64_t)st.st_size != entry->size_bytes)
        return err_set(err, ERR_IO, "/%.*s: changed while it was read", STR_ARG(entry->path));
    s->left_bytes = entry->size_bytes;
    return true;
}

static bool describe(struct level *level, int fd, str path, struct stat *st, struct entry *entry,
                     struct err *err)
{
    if (fstat(fd, st) != 0)
        return err_sys(err, ERR_IO, "/%.*s", STR_ARG(path));
    *entry =
        (struct entry){.path = path, .type = type_of(st->st_mode), .mode = st->st_mode & 07777};
    if (entry->type == ENTRY_FILE)
        entry->size_bytes = (uint64_t)st->st_size;
    return entry->type != ENTRY_SYMLINK || read_link(level, fd, entry, err);
}

/* Where the file's body was streamed under another name; NULL: nowhere, or the map is full. */
static const str *name_of(const struct root_stream *s, const struct stat *st)
{
    uint64_t key[] = {st->st_dev, st->st_ino};
    return st->st_nlink > 1 ? map_get(&s->names, str_of((const char *)key, sizeof(key))) : NULL;
}

/* Nothing depends on it that a file with several names is known as one: there is no failure. */
static void keep_file(struct root_stream *s, const struct stat *st, str path)
{
    struct {
        uint64_t key[2];
        str path;
    } * file;
    if (st->st_nlink <= 1 || s->names.len >= LIMIT(HARD_LINKS))
        return;
    file = arena_alloc(&s->arena, sizeof(*file));
    if (!file)
        return;
    file->key[0] = st->st_dev;
    file->key[1] = st->st_ino;
    file->path = arena_dup(&s->arena, path);
    if (file->path.ptr)
        (void)!map_put(&s->names, str_of((const char *)file->key, sizeof(file->key)), &file->path);
}

static bool add_entry(struct root_stream *s, str path, struct err *err)
{
    int fd = -1;
    struct entry entry;
    struct stat st;
    if (++s->n_entries > LIMIT(LAYER_FILES))
        return err_set(err, ERR_LIMIT, "more than %llu files",
                       (unsigned long long)LIMIT(LAYER_FILES));
    if (!root_open(s->root->fd, path.ptr, O_PATH | O_NOFOLLOW | O_CLOEXEC, &fd, err))
        return is_gone(err);
    bool ok = describe(s->level, fd, path, &st, &entry, err);
    close(fd);
    if (!ok)
        return false;
    const str *first = entry.type == ENTRY_FILE ? name_of(s, &st) : NULL;
    if (first) {
        entry.type = ENTRY_HARDLINK;
        entry.link = *first;
        return write_header(s, &entry, 0, err);
    }
    bool is_wanted =
        entry.type == ENTRY_FILE && entry.size_bytes > 0 && s->root->wants(s->root->ctx, &entry);
    if (is_wanted && !open_body(s, &entry, err))
        return is_gone(err);
    if (is_wanted)
        keep_file(s, &st, path);
    return write_header(s, &entry, is_wanted ? entry.size_bytes : 0, err);
}

/* --- the stream
 * ----------------------------------------------------------------------------------- */
static bool end_body(struct root_stream *s)
{
    close(s->file);
    s->file = -1;
    return true;
}

static bool add_piece(struct root_stream *s, struct err *err)
{
    size_t n = 0, want = s->left_bytes < PIECE ? (size_t)s->left_bytes : PIECE;
    if (want == 0)
        return end_body(s);
    if (!fd_read(s->file, s->piece, want, &n, err))
        return false;
    if (n == 0)
        return err_set(err, ERR_IO, "a file became shorter while it was read");
    s->left_bytes -= n;
    if (archive_write_data(s->tar, s->piece, n) == (la_ssize_t)n)
        return true;
    return err_set(err, ERR_IO, "%s", archive_error_string(s->tar));
}

static bool finish(struct root_stream *s, struct err *err)
{
    s->is_done = true;
    if (archive_write_close(s->tar) == ARCHIVE_OK)
        return true;
    return err_set(err, ERR_IO, "%s", archive_error_string(s->tar));
}

static bool step(struct root_stream *s, struct err *err)
{
    if (s->file >= 0)
        return add_piece(s, err);
    struct level *level = s->level;
    if (!level)
        return finish(s, err);
    if (level->at == level->names.len) {
        leave(s);
        return true;
    }
    str name = level->names.ptr[level->at++];
    return str_ends(name, STR("/")) ? enter(s, name, err) : add_entry(s, name, err);
}

static enum next root_next(void *ctx, str *chunk, struct err *err)
{
    struct root_stream *s = ctx;
    sb_clear(&s->out);
    while (s->out.len < PIECE / 2 && !s->is_done)
        if (!step(s, err)) {
            err_wrap(err, "%.*s", STR_ARG(s->root->path));
            return NEXT_ERR;
        }
    if (!sb_ok(&s->out, err))
        return NEXT_ERR;
    *chunk = sb_str(&s->out);
    return chunk->len ? NEXT_ITEM : NEXT_END;
}

static la_ssize_t collect(struct archive *tar, void *ctx, const void *bytes, size_t n)
{
    struct root_stream *s = ctx;
    (void)tar;
    sb_add(&s->out, str_of(bytes, n));
    return (la_ssize_t)n;
}

static void root_stream_close(struct blob *blob)
{
    struct root_stream *s = blob->ctx;
    while (s->level)
        leave(s);
    if (s->file >= 0)
        close(s->file);
    s->file = -1;
    archive_write_free(s->tar); /* may write an end once more: out is still there */
    sb_fini(&s->out);
    arena_fini(&s->arena);
    free(s);
}

static bool start(struct root_stream *s, struct err *err)
{
    s->tar = archive_write_new();
    if (!s->tar)
        return err_memory(err);
    bool ok = archive_write_set_format_gnutar(s->tar) == ARCHIVE_OK &&
              archive_write_add_filter_none(s->tar) == ARCHIVE_OK &&
              archive_write_set_bytes_per_block(s->tar, 0) == ARCHIVE_OK &&
              archive_write_open(s->tar, s, NULL, collect, NULL) == ARCHIVE_OK;
    return ok ? enter(s, STR_NONE, err) : err_set(err, ERR_IO, "%s", archive_error_string(s->tar));
}

static bool open_layer(struct root *root, struct blob *out, struct err *err)
{
    struct root_stream *s = calloc(1, sizeof(*s));
    if (!s)
        return err_memory(err);
    s->root = root;
    s->file = -1;
    sb_init(&s->out, 4 * PIECE);
    arena_init(&s->arena, LIMIT(SCAN_MEMORY));
    map_init(&s->names, &s->arena);
    *out = (struct blob){{root_next, s}, root_stream_close, s};
    if (start(s, err))
        return true;
    blob_close(out);
    return err_wrap(err, "%.*s", STR_ARG(root->path));
}

/* --- the source
 * ----------------------------------------------------------------------------------- */
static bool root_manifest(struct image_source *source, struct arena *arena, str tag,
                          const digest *want, str *bytes, digest *got, struct err *err)
{
    struct root *self = (struct root *)source;
    *got = (digest){0};
    if (want || !str_is_empty(tag))
        return err_set(err, ERR_USAGE, "%.*s: a plain folder has no tags", STR_ARG(self->path));
    *bytes = arena_dup(arena, self->manifest);
    return bytes->ptr ? true : err_memory(err);
}

static bool root_blob(struct image_source *source, const struct descriptor *what, struct blob *out,
                      struct err *err)
{
    struct root *self = (struct root *)source;
    if (digest_is_none(&what->digest))
        return open_layer(self, out, err);
    if (digest_eq(&what->digest, &self->config_digest))
        return blob_from_bytes(self->config, out, err);
    return err_set(err, ERR_NOT_FOUND, "%.*s: a plain folder has no such blob",
                   STR_ARG(self->path));
}

static void root_close(struct image_source *source)
{
    struct root *self = (struct root *)source;
    if (self->fd >= 0)
        close(self->fd);
    arena_fini(&self->arena);
    free(self);
}

static const struct image_source_ops root_ops = {
    .manifest = root_manifest, .blob = root_blob, .close = root_close};

/* What nobody knows before the layer was read is left out: see parse_flags. */
static bool make_documents(struct root *self, struct err *err)
{
    char text[DIGEST_TEXT_SIZE];
    struct platform own = platform_own();
    self->config = arena_printf(&self->arena,
                                "{\"architecture\":\"%.*s\",\"variant\":\"%.*s\",\"os\":\"linux\","
                                "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[null]}}",
                                STR_ARG(own.arch), STR_ARG(own.variant));
    self->config_digest = digest_of(HASH_SHA256, self->config);
    digest_print(&self->config_digest, text);
    self->manifest = arena_printf(
        &self->arena,
        "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\","
        "\"config\":{\"mediaType\":\"application/vnd.oci.image.config.v1+json\",\"digest\":\"%s\","
        "\"size\":%zu},\"layers\":[{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar\"}]}",
        text, self->config.len);
    return self->config.ptr && self->manifest.ptr ? true : err_memory(err);
}

static bool open_root(struct root *self, const struct reference *ref, struct err *err)
{
    self->path = arena_dup(&self->arena, ref->path);
    if (!self->path.ptr)
        return err_memory(err);
    self->fd = open(self->path.ptr, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (self->fd < 0)
        return err_sys(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s", self->path.ptr);
    return make_documents(self, err);
}

bool image_source_open_root(const struct reference *ref,
                            bool (*wants)(void *ctx, const struct entry *entry), void *ctx,
                            struct image_source **out, struct err *err)
{
    struct root *self = calloc(1, sizeof(*self));
    if (!self)
        return err_memory(err);
    self->base.ops = &root_ops;
    self->fd = -1;
    self->wants = wants;
    self->ctx = ctx;
    arena_init(&self->arena, LIMIT(CONFIG));
    if (open_root(self, ref, err)) {
        *out = &self->base;
        return true;
    }
    root_close(&self->base);
    return false;
}
