/* SPDX-License-Identifier: Apache-2.0 */
/* documents.c - every document of a place: loose, in folders, zips and tars, compressed or not.
 * What a file is packed in is told by its name, how it is compressed by its bytes. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "advisory/internal.h"
#include "base/auto.h"
#include "base/limits.h"
#include "base/num.h"
#include "os/file.h"

enum { FOLDER_DEPTH = 8 };
static const uint64_t TREE_MEMORY = 1 * GIB; /* what a reader makes of one document */

struct walk {
    struct feed_reader *reader;
    const struct documents *spec;
    struct arena arena; /* of one document */
    uint64_t n;
};

enum packing { PACKING_OTHER, PACKING_NONE, PACKING_ZIP, PACKING_TAR };

static str without(str name, str suffix)
{
    return str_ends(name, suffix) ? str_slice(name, 0, name.len - suffix.len) : name;
}

static bool is_document(const struct walk *walk, str name)
{
    for (const char *const *suffix = walk->spec->suffixes; *suffix; suffix++) {
        if (str_ends(name, str_from(*suffix)))
            return true;
    }
    return false;
}

static enum packing packing_of(const struct walk *walk, str name)
{
    static const char *const compressions[] = {".gz", ".zst", ".xz", ".bz2"};
    if (str_ends(name, STR(".zip")))
        return PACKING_ZIP;
    if (str_ends(name, STR(".tgz")))
        return PACKING_TAR;
    for (size_t i = 0; i < ARRAY_LEN(compressions); i++) {
        str bare = without(name, str_from(compressions[i]));
        if (bare.len < name.len)
            name = bare;
    }
    return str_ends(name, STR(".tar")) ? PACKING_TAR
           : is_document(walk, name)   ? PACKING_NONE
                                       : PACKING_OTHER;
}

static bool take(struct walk *walk, str name, str text, struct err *err)
{
    if (cancel_is(walk->reader->spec->cancel, err))
        return false;
    if (++walk->n % 1000 == 0)
        feed_progress(walk->reader, "records", walk->n, 0);
    return walk->spec->take(walk->spec->ctx, &walk->arena, name, text, err);
}

/* --- archives
 * ----------------------------------------------------------------------------------------- */

static bool take_entry(struct walk *walk, struct archive_reader *archive, const struct entry *entry,
                       struct err *err)
{
    struct err why = {0};
    str body;
    arena_reset(&walk->arena);
    if (entry->type != ENTRY_FILE || !is_document(walk, entry->path))
        return true;
    str name = arena_dup(&walk->arena, entry->path);
    if (!name.ptr)
        return err_memory(err);
    if (!archive_body(archive, &walk->arena, walk->spec->max_bytes, &body, &why))
        return feed_broken(walk->reader, name, STR_NONE, &why, err);
    return take(walk, name, body, err);
}

static bool take_entries(struct walk *walk, struct archive_reader *archive, struct err *err)
{
    struct entry entry;
    enum next next;
    while ((next = archive_next(archive, &entry, err)) == NEXT_ITEM) {
        if (!take_entry(walk, archive, &entry, err))
            return false;
    }
    return next == NEXT_END;
}

static bool take_zip(struct walk *walk, const char *path, struct err *err)
{
    struct archive_reader *zip = NULL;
    bool is_ok = archive_open_zip_file(&zip, path, err) && take_entries(walk, zip, err);
    archive_close(zip);
    return is_ok ? true : err_wrap(err, "%s", path);
}

/* What a file holds once its compression is taken off. */
struct unpacked {
    int fd;
    struct source_fd *source;
    struct decoder *decoder;
};

static bool unpacked_open(struct unpacked *file, const char *path, uint64_t max, struct err *err)
{
    *file = (struct unpacked){.fd = open(path, O_RDONLY | O_CLOEXEC)};
    if (file->fd < 0)
        return err_sys(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s", path);
    return source_fd_open(&file->source, file->fd, err) &&
           decoder_open(&file->decoder, source_from_fd(file->source), max, err);
}

static void unpacked_close(struct unpacked *file)
{
    decoder_close(file->decoder);
    source_fd_close(file->source);
    if (file->fd >= 0)
        close(file->fd);
}

static bool take_tar(struct walk *walk, const char *path, struct err *err)
{
    struct unpacked file;
    struct archive_reader *tar = NULL;
    bool is_ok = unpacked_open(&file, path, LIMIT(FEED_ARCHIVE), err) &&
                 archive_open(&tar, ARCHIVE_TAR, source_from_decoder(file.decoder), err) &&
                 take_entries(walk, tar, err);
    archive_close(tar);
    unpacked_close(&file);
    return is_ok ? true : err_wrap(err, "%s", path);
}

/* --- files and folders
 * -------------------------------------------------------------------------------- */

static bool read_whole(struct walk *walk, const char *path, str *text, struct err *err)
{
    struct unpacked file;
    auto_sb whole;
    str chunk;
    enum next next = NEXT_ERR;
    sb_init(&whole, walk->spec->max_bytes);
    if (unpacked_open(&file, path, LIMIT(FEED_FILE), err)) {
        while ((next = decoder_next(file.decoder, &chunk, err)) == NEXT_ITEM)
            sb_add(&whole, chunk);
    }
    unpacked_close(&file);
    if (next != NEXT_END || !sb_ok(&whole, err))
        return false;
    *text = arena_dup(&walk->arena, sb_str(&whole));
    return text->ptr ? true : err_memory(err);
}

static bool take_loose(struct walk *walk, const char *path, str name, struct err *err)
{
    struct err why = {0};
    str text;
    arena_reset(&walk->arena);
    return read_whole(walk, path, &text, &why)
               ? take(walk, name, text, err)
               : feed_broken(walk->reader, name, STR_NONE, &why, err);
}

static bool take_file(struct walk *walk, const char *path, str name, struct err *err)
{
    enum packing packing = packing_of(walk, name);
    if (packing == PACKING_OTHER)
        return true;
    if (!feed_seen_file(walk->reader, name, path, err))
        return false;
    if (packing == PACKING_NONE)
        return take_loose(walk, path, name, err);
    return packing == PACKING_ZIP ? take_zip(walk, path, err) : take_tar(walk, path, err);
}

/* What else lies beside an all.zip (an index, the same unpacked) is not read a second time. */
static bool has_all_zip(const str_vec *names)
{
    for (size_t i = 0; i < names->len; i++) {
        if (str_eq(names->ptr[i], STR("all.zip")))
            return true;
    }
    return false;
}

static bool take_path(struct walk *walk, const char *path, str name, int depth, struct err *err);

static bool take_folder(struct walk *walk, const char *path, str name, int depth, struct err *err)
{
    struct arena *arena = walk->reader->arena;
    str_vec names = {0};
    if (depth > FOLDER_DEPTH)
        return feed_notice(walk->reader, NOTICE_LIMIT, name, err, "folders nest deeper than %d",
                           FOLDER_DEPTH);
    if (!dir_list(arena, path, &names, err))
        return false;
    bool has_zip = has_all_zip(&names);
    for (size_t i = 0; i < names.len; i++) {
        str own = names.ptr[i];
        str below = arena_printf(arena, STR_FMT "%s" STR_FMT, STR_ARG(name), name.len ? "/" : "",
                                 STR_ARG(own));
        const char *full =
            arena_cstr(arena, arena_printf(arena, "%s/" STR_FMT, path, STR_ARG(own)));
        if (!full || !below.ptr)
            return err_memory(err);
        if (str_starts(own, STR(".")) || (has_zip && !str_eq(own, STR("all.zip"))))
            continue;
        if (!take_path(walk, full, below, depth + 1, err))
            return false;
    }
    return true;
}

static bool take_path(struct walk *walk, const char *path, str name, int depth, struct err *err)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return err_sys(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s", path);
    if (S_ISREG(st.st_mode))
        return take_file(walk, path, name, err);
    return S_ISDIR(st.st_mode) ? take_folder(walk, path, name, depth, err) : true;
}

/* --- places
 * -----------------------------------------------------------------------------------------------
 */

/* The last step of a path or URL, without its query. */
static str last_step(str place)
{
    str bare, query;
    if (place_is_url(place) && str_cut_byte(place, '?', &bare, &query))
        place = bare;
    size_t slash = str_rfind_byte(place, '/');
    return slash < place.len ? str_skip(place, slash + 1) : place;
}

static bool take_url(struct walk *walk, str url, struct err *err)
{
    const char *path;
    return feed_download(walk->reader, url, LIMIT(FEED_FILE), &path, err) &&
           take_file(walk, path, last_step(url), err);
}

static bool take_disk(struct walk *walk, str place, struct err *err)
{
    struct stat st;
    const char *path = arena_cstr(walk->reader->arena, place);
    if (!path)
        return err_memory(err);
    bool is_folder = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
    return take_path(walk, path, is_folder ? STR_NONE : last_step(place), 0, err);
}

bool feed_documents(struct feed_reader *reader, str place, const struct documents *spec,
                    struct err *err)
{
    struct walk walk = {.reader = reader, .spec = spec};
    arena_init(&walk.arena, TREE_MEMORY + 2 * spec->max_bytes);
    bool is_ok = place_is_url(place) ? take_url(&walk, place, err) : take_disk(&walk, place, err);
    arena_fini(&walk.arena);
    if (is_ok && !walk.n)
        return err_set(err, ERR_NOT_FOUND, STR_FMT ": nothing there is called *%s", STR_ARG(place),
                       spec->suffixes[0]);
    return is_ok;
}
