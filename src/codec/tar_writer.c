/* SPDX-License-Identifier: Apache-2.0 */
/* tar_writer.c - a tar of regular files (POSIX.1-2001 ustar), compressed with zstd, by libarchive.
 */
#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>

#include "codec/codec.h"

struct tar_writer {
    struct archive *archive;
};

static bool fail(struct tar_writer *tar, struct err *err)
{
    const char *why = archive_error_string(tar->archive);
    return err_set(err, ERR_IO, "tar archive: %s", why ? why : "cannot be written");
}

bool tar_writer_open(struct tar_writer **out, int fd, struct err *err)
{
    struct tar_writer *tar = calloc(1, sizeof *tar);
    if (!tar || !(tar->archive = archive_write_new())) {
        free(tar);
        return err_memory(err);
    }
    if (archive_write_set_format_ustar(tar->archive) != ARCHIVE_OK ||
        archive_write_add_filter_zstd(tar->archive) != ARCHIVE_OK ||
        archive_write_open_fd(tar->archive, fd) != ARCHIVE_OK) {
        fail(tar, err);
        archive_write_free(tar->archive);
        free(tar);
        return false;
    }
    *out = tar;
    return true;
}

bool tar_writer_add(struct tar_writer *tar, const char *path, str bytes, struct err *err)
{
    struct archive_entry *entry = archive_entry_new();
    if (!entry)
        return err_memory(err);
    archive_entry_set_pathname(entry, path);
    archive_entry_set_size(entry, (la_int64_t)bytes.len);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    bool is_ok = archive_write_header(tar->archive, entry) == ARCHIVE_OK;
    archive_entry_free(entry);
    while (is_ok && bytes.len) {
        la_ssize_t n = archive_write_data(tar->archive, bytes.ptr, bytes.len);
        is_ok = n > 0;
        bytes = str_skip(bytes, is_ok ? (size_t)n : 0);
    }
    return is_ok || fail(tar, err);
}

bool tar_writer_close(struct tar_writer *tar, bool is_whole, struct err *err)
{
    if (!tar)
        return true;
    bool is_ok = !is_whole || archive_write_close(tar->archive) == ARCHIVE_OK || fail(tar, err);
    if (!is_whole)
        archive_write_fail(tar->archive);
    archive_write_free(tar->archive);
    free(tar);
    return is_ok;
}
