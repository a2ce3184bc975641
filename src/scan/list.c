/* SPDX-License-Identifier: Apache-2.0 */
/* list.c - the entries of an archive file, found by the analyser: names as little to be trusted as
 * the archive itself. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "os/file.h"
#include "scan/internal.h"

/* "./a/b" and "/a/b" are a/b; nothing may climb. */
static bool clean_path(str path, str *out)
{
    str rest, part;
    while (str_starts(path, STR("./")) || str_starts(path, STR("/")))
        path = str_skip(path, path.ptr[0] == '/' ? 1 : 2);
    for (rest = path; str_next(&rest, '/', &part);)
        if (str_eq(part, STR("..")))
            return false;
    *out = path;
    return path.len <= LIMIT(PATH);
}

/* Links of docker archives look like "../<id>/layer.tar": resolve them against the folder they are
 * in. */
static bool clean_link(struct arena *arena, str path, str link, str *out)
{
    size_t slash = str_rfind_byte(path, '/');
    str folder = slash < path.len ? str_slice(path, 0, slash) : STR_NONE;
    while (str_starts(link, STR("../"))) {
        size_t up = str_rfind_byte(folder, '/');
        if (folder.len == 0)
            return false;
        folder = up < folder.len ? str_slice(folder, 0, up) : STR_NONE;
        link = str_skip(link, 3);
    }
    if (!clean_path(link, &link))
        return false;
    *out = folder.len ? arena_printf(arena, STR_FMT "/" STR_FMT, STR_ARG(folder), STR_ARG(link))
                      : arena_dup(arena, link);
    return out->ptr != NULL;
}

static bool take_entry(struct rd *in, struct arena *arena, uint64_t file_size, archive_entries *out,
                       struct err *err)
{
    struct archive_entry entry = {0};
    str path = rd_blob(in, LIMIT(PATH)), link = rd_blob(in, LIMIT(PATH));
    unsigned type = rd_u8(in);
    entry.type = type <= ENTRY_HARDLINK ? (enum entry_type)type : ENTRY_OTHER;
    entry.offset = rd_varint(in, file_size);
    entry.size_bytes = rd_varint(in, file_size);
    if (!rd_ok(in, err))
        return false;
    if (entry.size_bytes > file_size - entry.offset)
        return err_set(err, ERR_FORMAT, "an entry that reaches beyond the archive");
    if (!clean_path(path, &entry.path))
        return err_set(err, ERR_FORMAT, "an entry that climbs out: " STR_FMT, STR_ARG(path));
    bool has_link = entry.type == ENTRY_SYMLINK || entry.type == ENTRY_HARDLINK;
    bool is_kept = (entry.path = arena_dup(arena, entry.path)).ptr != NULL;
    if (entry.type == ENTRY_SYMLINK && !clean_link(arena, entry.path, link, &entry.link))
        return err_set(err, ERR_FORMAT, "a link that climbs out: " STR_FMT, STR_ARG(path));
    if (entry.type == ENTRY_HARDLINK &&
        (!clean_path(link, &link) || !(entry.link = arena_dup(arena, link)).ptr))
        return err_set(err, ERR_FORMAT, "a link that climbs out: " STR_FMT, STR_ARG(path));
    struct archive_entry *slot = is_kept || has_link ? vec_push(arena, out) : NULL;
    if (!slot)
        return err_memory(err);
    *slot = entry;
    return true;
}

static bool parse_list(str bytes, uint64_t file_size, struct arena *arena, archive_entries *out,
                       struct err *err)
{
    struct rd in;
    rd_init(&in, bytes);
    if (!answer_begin(&in, err))
        return false;
    uint64_t n = rd_varint(&in, LIMIT(LAYER_FILES));
    for (uint64_t i = 0; i < n; i++)
        if (!take_entry(&in, arena, file_size, out, err))
            return false;
    return rd_ok(&in, err);
}

static bool feed_file(struct channel *to, const char *path, uint64_t *size, struct err *err)
{
    struct source_fd *file = NULL;
    str chunk;
    enum next step = NEXT_ERR;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    *size = 0;
    if (fd < 0)
        return err_sys(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s", path);
    if (source_fd_open(&file, fd, err)) {
        struct source from = source_from_fd(file);
        while ((step = from.read(from.ctx, &chunk, err)) == NEXT_ITEM &&
               channel_feed(to, chunk, err) && !cancel_is(to->cancel, err))
            *size += chunk.len;
    }
    source_fd_close(file);
    close(fd);
    return step == NEXT_END;
}

bool archive_list(struct scanner *scanner, const char *path, const struct cancel *cancel,
                  struct arena *arena, archive_entries *out, struct err *err)
{
    struct channel to;
    uint64_t size;
    auto_sb answer;
    sb_init(&answer, LIMIT(FRAME));
    if (!channel_open(&to, scanner, REQUEST_LIST, cancel, err))
        return false;
    bool is_done = feed_file(&to, path, &size, err) && channel_hear(&to, &answer, err);
    return channel_close(&to, is_done, err) && parse_list(sb_str(&answer), size, arena, out, err);
}
