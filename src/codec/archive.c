/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/codec.h"

#include <archive.h>
#include <archive_entry.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "base/sb.h"
#include "codec/internal.h"

enum { ZEROS = 64 << 10, ZIP_BLOCK = 64 << 10 };

static const char zeros[ZEROS];

struct archive_reader {
    struct archive *archive;
    struct feed feed;
    enum archive_kind kind;
    bool is_end; /* at once, where the source has no bytes: an archive of no entries */
    locale_t locale;
    struct err failed;   /* sticky */
    struct err bad_body; /* until the next entry */

    /* the body of the entry at hand */
    bool has_body;
    uint64_t at, size; /* next byte to give, and the end */
    str piece;         /* read and not yet given, from at + hole */
    uint64_t hole;
};

/* libarchive converts pax and zip names from UTF-8 to the locale's charset: in a UTF-8 locale it
 * composes them (NFC), so other bytes come out than went in.  In the C locale the conversion fails,
 * and its tar reader warns and gives the raw bytes; but its zip reader gives no name at all, so zip
 * names are composed.  "C" is built into glibc; "C.UTF-8" is a file, so the process's own locale
 * serves where it is a UTF-8 one: inside the sandbox no file can be opened. */
static locale_t make_locale(enum archive_kind kind)
{
    if (kind != ARCHIVE_ZIP)
        return newlocale(LC_CTYPE_MASK, "C", NULL);
    if (strcmp(nl_langinfo(CODESET), "UTF-8") == 0)
        return duplocale(uselocale(NULL));
    return newlocale(LC_CTYPE_MASK, "C.UTF-8", NULL);
}

static locale_t enter(const struct archive_reader *reader) { return uselocale(reader->locale); }
static void leave(locale_t before) { uselocale(before); }

static bool reader_fail(struct archive_reader *reader, struct err *err)
{
    static const char *const names[] = {"tar", "zip", "ar"};
    feed_failed(&reader->feed, reader->archive, err);
    if (!err_is(&reader->feed.err) && err->kind == ERR_FORMAT)
        err_wrap(err, "%s archive", names[reader->kind]);
    reader->failed = *err;
    return false;
}

static bool add_format(struct archive *archive, enum archive_kind kind, bool can_seek)
{
    switch (kind) {
    case ARCHIVE_TAR:
        return archive_read_support_format_tar(archive) == ARCHIVE_OK; /* ustar, pax, GNU */
    case ARCHIVE_ZIP:
        return (can_seek ? archive_read_support_format_zip_seekable(archive)
                         : archive_read_support_format_zip_streamable(archive)) == ARCHIVE_OK;
    case ARCHIVE_AR:
        return archive_read_support_format_ar(archive) == ARCHIVE_OK;
    default:
        return false;
    }
}

static bool reader_new(struct archive_reader **out, enum archive_kind kind, bool can_seek,
                       struct err *err)
{
    struct archive_reader *reader = calloc(1, sizeof(*reader));
    if (!reader)
        return err_memory(err);
    reader->kind = kind;
    reader->locale = make_locale(kind);
    reader->archive = archive_read_new();
    if (!reader->locale || !reader->archive || !add_format(reader->archive, kind, can_seek)) {
        archive_close(reader);
        return err_memory(err);
    }
    *out = reader;
    return true;
}

/* The first chunk is read here, because libarchive would call an empty archive rubbish. */
static bool open_source(struct archive_reader *reader, struct err *err)
{
    struct feed *feed = &reader->feed;
    enum next step = feed->from.read(feed->from.ctx, &feed->first, err);
    if (step == NEXT_ERR)
        return false;
    feed->has_first = step == NEXT_ITEM;
    reader->is_end = step == NEXT_END;
    if (reader->is_end)
        return true;
    locale_t before = enter(reader);
    int code = archive_read_open(reader->archive, feed, NULL, feed_read, NULL);
    leave(before);
    return code == ARCHIVE_OK || reader_fail(reader, err);
}

bool archive_open(struct archive_reader **out, enum archive_kind kind, struct source from,
                  struct err *err)
{
    struct archive_reader *reader = NULL;
    if (!reader_new(&reader, kind, false, err) || !reader)
        return false;
    reader->feed.from = from;
    if (!open_source(reader, err)) {
        archive_close(reader);
        return false;
    }
    *out = reader;
    return true;
}

bool archive_open_zip_file(struct archive_reader **out, const char *path, struct err *err)
{
    struct archive_reader *reader = NULL;
    if (!reader_new(&reader, ARCHIVE_ZIP, true, err) || !reader)
        return false;
    locale_t before = enter(reader);
    int code = archive_read_open_filename(reader->archive, path, ZIP_BLOCK);
    leave(before);
    if (code == ARCHIVE_OK) {
        *out = reader;
        return true;
    }
    const char *why = archive_error_string(reader->archive);
    err_set(err, archive_errno(reader->archive) > 0 ? ERR_IO : ERR_FORMAT, "%s: %s", path,
            why ? why : "not readable");
    archive_close(reader);
    return false;
}

bool archive_open_zip_mem(struct archive_reader **out, str bytes, struct err *err)
{
    struct archive_reader *reader = NULL;
    if (!reader_new(&reader, ARCHIVE_ZIP, true, err) || !reader)
        return false;
    locale_t before = enter(reader);
    int code = archive_read_open_memory(reader->archive, bytes.ptr ? bytes.ptr : "", bytes.len);
    leave(before);
    if (code != ARCHIVE_OK) {
        reader_fail(reader, err);
        archive_close(reader);
        return false;
    }
    *out = reader;
    return true;
}

void archive_close(struct archive_reader *reader)
{
    if (!reader)
        return;
    archive_read_free(reader->archive);
    if (reader->locale)
        freelocale(reader->locale);
    free(reader);
}

static enum entry_type type_of(struct archive_entry *from)
{
    if (archive_entry_hardlink(from))
        return ENTRY_HARDLINK;
    switch (archive_entry_filetype(from)) {
    case AE_IFREG:
        return ENTRY_FILE;
    case AE_IFDIR:
        return ENTRY_DIR;
    case AE_IFLNK:
        return ENTRY_SYMLINK;
    default:
        return ENTRY_OTHER;
    }
}

/* An ar file of System V ends its names with a slash. */
static str name_of(const struct archive_reader *reader, struct archive_entry *from)
{
    str path = str_from(archive_entry_pathname(from));
    if (reader->kind == ARCHIVE_AR && path.len > 1 && str_ends(path, STR("/")))
        path.len--;
    return path;
}

static bool fill_entry(struct archive_reader *reader, struct archive_entry *from,
                       struct entry *entry, struct err *err)
{
    *entry = (struct entry){.path = name_of(reader, from), .type = type_of(from)};
    entry->mode = (uint32_t)archive_entry_perm(from);
    if (entry->type == ENTRY_HARDLINK)
        entry->link = str_from(archive_entry_hardlink(from));
    if (entry->type == ENTRY_SYMLINK)
        entry->link = str_from(archive_entry_symlink(from));
    la_int64_t size = archive_entry_size_is_set(from) ? archive_entry_size(from) : 0;
    la_int64_t offset = reader->kind == ARCHIVE_TAR ? archive_filter_bytes(reader->archive, 0) : 0;
    if (size < 0 || offset < 0 || !entry->path.ptr) {
        err_set(err, ERR_FORMAT, "an entry without a name or with a negative size");
        reader->failed = *err;
        return false;
    }
    entry->size_bytes = (uint64_t)size;
    entry->data_offset = (uint64_t)offset;
    return true;
}

enum next archive_next(struct archive_reader *reader, struct entry *entry, struct err *err)
{
    *entry = (struct entry){0};
    if (err_is(&reader->failed)) {
        *err = reader->failed;
        return NEXT_ERR;
    }
    reader->has_body = false;
    reader->bad_body = (struct err){0};
    if (reader->is_end)
        return NEXT_END;
    struct archive_entry *from;
    locale_t before = enter(reader);
    int code = archive_read_next_header(reader->archive, &from);
    bool is_read =
        (code == ARCHIVE_OK || code == ARCHIVE_WARN) && fill_entry(reader, from, entry, err);
    leave(before);
    if (code == ARCHIVE_EOF) {
        reader->is_end = true;
        return NEXT_END;
    }
    if (code != ARCHIVE_OK && code != ARCHIVE_WARN)
        reader_fail(reader, err);
    if (!is_read)
        return NEXT_ERR;
    reader->has_body = true;
    reader->at = reader->hole = 0;
    reader->piece = STR_NONE;
    reader->size = archive_entry_size_is_set(from) ? entry->size_bytes : 0;
    return NEXT_ITEM;
}

/* A zip entry that is encrypted, damaged or packed in an odd way does not spoil the others. */
static enum next body_failed(struct archive_reader *reader, int code, struct err *err)
{
    reader_fail(reader, err);
    if (reader->kind == ARCHIVE_ZIP && code != ARCHIVE_FATAL && !err_is(&reader->feed.err)) {
        reader->failed = (struct err){0};
        reader->bad_body = *err;
    }
    return NEXT_ERR;
}

/* The next block of libarchive, with the hole before it. */
static enum next read_block(struct archive_reader *reader, struct err *err)
{
    const void *bytes = NULL;
    size_t n = 0;
    la_int64_t offset = (la_int64_t)reader->at;
    int code = archive_read_data_block(reader->archive, &bytes, &n, &offset);
    if (code == ARCHIVE_EOF) {
        /* A sparse file may end in a hole. */
        reader->has_body = false;
        reader->hole = reader->size > reader->at ? reader->size - reader->at : 0;
        return reader->hole ? NEXT_ITEM : NEXT_END;
    }
    if (code != ARCHIVE_OK)
        return body_failed(reader, code, err);
    if (offset < 0 || (uint64_t)offset < reader->at) {
        err_set(err, ERR_FORMAT, "pieces of a sparse file overlap");
        reader->failed = *err;
        return NEXT_ERR;
    }
    reader->hole = (uint64_t)offset - reader->at;
    reader->piece = (str){bytes, n};
    return NEXT_ITEM;
}

enum next archive_data(struct archive_reader *reader, str *chunk, struct err *err)
{
    *chunk = STR_NONE;
    if (err_is(&reader->failed) || err_is(&reader->bad_body)) {
        *err = err_is(&reader->failed) ? reader->failed : reader->bad_body;
        return NEXT_ERR;
    }
    while (reader->hole == 0 && reader->piece.len == 0) {
        enum next step = reader->has_body ? read_block(reader, err) : NEXT_END;
        if (step != NEXT_ITEM)
            return step;
    }
    if (reader->hole) {
        *chunk = (str){zeros, (size_t)(reader->hole < ZEROS ? reader->hole : ZEROS)};
        reader->hole -= chunk->len;
    } else {
        *chunk = reader->piece;
        reader->piece = STR_NONE;
    }
    reader->at += chunk->len;
    return NEXT_ITEM;
}

static bool too_large(size_t max, struct err *err)
{
    return err_set(err, ERR_LIMIT, "an entry of more than the limit of %zu bytes", max);
}

/* Tar and ar know the size beforehand, so the body is written where it will stay. */
static bool body_known(struct archive_reader *reader, struct arena *arena, str *out,
                       struct err *err)
{
    size_t size = (size_t)reader->size, n = 0;
    char *bytes = arena_alloc(arena, size + 1);
    if (!bytes)
        return err_memory(err);
    str chunk;
    enum next step;
    while ((step = archive_data(reader, &chunk, err)) == NEXT_ITEM) {
        if (chunk.len > size - n)
            return err_set(err, ERR_FORMAT, "an entry is longer than it says");
        memcpy(bytes + n, chunk.ptr, chunk.len);
        n += chunk.len;
    }
    *out = (str){bytes, n};
    return step == NEXT_END;
}

static bool body_unknown(struct archive_reader *reader, struct arena *arena, size_t max, str *out,
                         struct err *err)
{
    auto_sb whole;
    sb_init(&whole, max);
    str chunk;
    enum next step;
    while ((step = archive_data(reader, &chunk, err)) == NEXT_ITEM && !whole.has_failed)
        sb_add(&whole, chunk);
    if (step == NEXT_ERR)
        return false;
    if (whole.has_failed)
        return too_large(max, err);
    *out = arena_dup(arena, sb_str(&whole));
    return out->ptr || err_memory(err);
}

bool archive_body(struct archive_reader *reader, struct arena *arena, size_t max, str *out,
                  struct err *err)
{
    *out = STR_NONE;
    if (reader->size > max || max == SIZE_MAX)
        return too_large(max, err);
    return reader->kind == ARCHIVE_ZIP ? body_unknown(reader, arena, max, out, err)
                                       : body_known(reader, arena, out, err);
}
