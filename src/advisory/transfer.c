/* SPDX-License-Identifier: Apache-2.0 */
/* transfer.c - the sources of a database as one signed file, and back.
 *
 *     skippable zstd frame (RFC 8878, 3.1.2)   {"plimsoll": "advisories/1", "key": …, "signature":
 * …} zstd of a tar                            manifest.json, then sources/<feed>/<digest>.records
 *
 * The signature is over the bytes of manifest.json, which names every other file by its digest. */
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#include "advisory/internal.h"
#include "base/auto.h"
#include "base/limits.h"
#include "base/log.h"
#include "syntax/syntax.h"

enum { SKIPPABLE_MAGIC = 0x184D2A50, SIGNATURE_MAX = 4096 };
static str manifest_name(void) { return STR("manifest.json"); }

static str entry_name(struct arena *arena, const struct known_source *source)
{
    return arena_printf(arena, "sources/" STR_FMT "/" STR_FMT ".records",
                        STR_ARG(source->state.name),
                        STR_ARG(str_skip(source->compiled, STR("sha256:").len)));
}

/* --- out
 * ------------------------------------------------------------------------------------------ */

static bool write_signature(int fd, str manifest, const struct signing_key *key,
                            struct arena *arena, struct err *err)
{
    uint8_t signature[crypto_sign_BYTES];
    struct jw jw;
    auto_sb text, frame;
    sb_init(&text, SIGNATURE_MAX);
    sb_init(&frame, 2 * SIGNATURE_MAX);
    crypto_sign_detached(signature, NULL, (const unsigned char *)manifest.ptr, manifest.len,
                         key->bytes);
    jw_init(&jw, &text, false);
    jw_obj(&jw);
    jw_kstr(&jw, "plimsoll", STR("advisories/1"));
    jw_kstr(&jw, "key", base64_print(arena, key->bytes + 32, crypto_sign_PUBLICKEYBYTES));
    jw_kstr(&jw, "signature", base64_print(arena, signature, sizeof signature));
    jw_obj_end(&jw);
    sb_u32le(&frame, SKIPPABLE_MAGIC);
    sb_u32le(&frame, (uint32_t)text.len);
    sb_add(&frame, sb_str(&text));
    return sb_ok(&text, err) && sb_ok(&frame, err) && fd_write(fd, sb_str(&frame), err);
}

static bool add_source(struct update *update, struct tar_writer *tar,
                       const struct known_source *source, struct err *err)
{
    struct records_file file;
    const char *path = update_records_path(update, source, err);
    const char *name = arena_cstr(&update->arena, entry_name(&update->arena, source));
    if (!path || !name)
        return err_memory(err);
    if (cancel_is(update->cancel, err) || !records_open(&file, path, err))
        return false;
    bool is_ok = tar_writer_add(tar, name, file.bytes, err);
    records_close(&file);
    return is_ok;
}

static bool write_all(struct update *update, int fd, const struct signing_key *key, struct err *err)
{
    struct tar_writer *tar = NULL;
    known_sources whole = {0};
    auto_sb manifest;
    sb_init(&manifest, LIMIT(FEED_RECORD));
    for (size_t i = 0; i < update->known.len; i++) {
        struct known_source *slot =
            str_is_empty(update->known.ptr[i].compiled) ? NULL : vec_push(&update->arena, &whole);
        if (slot)
            *slot = update->known.ptr[i];
    }
    if (!whole.len)
        return err_set(err, ERR_NOT_FOUND, "%s: nothing to export: run `plimsoll db update`",
                       update->dir);
    if (!known_print(&whole, &manifest, err) ||
        !write_signature(fd, sb_str(&manifest), key, &update->arena, err) ||
        !tar_writer_open(&tar, fd, err))
        return false;
    bool is_ok = tar_writer_add(tar, manifest_name().ptr, sb_str(&manifest), err);
    for (size_t i = 0; i < whole.len && is_ok; i++)
        is_ok = add_source(update, tar, &whole.ptr[i], err);
    struct err closing = {0};
    bool is_closed = tar_writer_close(tar, is_ok, &closing);
    if (is_ok && !is_closed)
        *err = closing;
    return is_ok && is_closed;
}

bool advisory_export(const char *dir, int fd, const struct signing_key *key,
                     const struct cancel *cancel, struct err *err)
{
    struct update update = {.dir = dir, .cancel = cancel};
    bool is_ok = sodium_init() >= 0 ? true : err_set(err, ERR_IO, "libsodium does not start");
    is_ok = is_ok && update_open(&update, err) && write_all(&update, fd, key, err);
    update_close(&update);
    return is_ok;
}

/* --- in
 * --------------------------------------------------------------------------------------------- */

struct import {
    const struct import_spec *spec;
    struct update update;
    struct source_fd *bytes;
    struct decoder *decoder;
    struct archive_reader *tar;
    str key, signature; /* decoded */
    known_sources sources;
    size_t n_read;
};

static bool read_frame(struct import *import, struct err *err)
{
    auto_json *root = NULL;
    struct arena *arena = &import->update.arena;
    char text[8 + SIGNATURE_MAX];
    struct rd in;
    ssize_t n = pread(import->spec->fd, text, sizeof text, 0);
    if (n < 0)
        return err_sys(err, ERR_IO, "reading");
    rd_init(&in, str_of(text, (size_t)n));
    if (rd_u32le(&in) != SKIPPABLE_MAGIC)
        return err_set(err, ERR_FORMAT, "not an export of `plimsoll db export`");
    uint32_t len = rd_u32le(&in);
    str json = rd_bytes(&in, len > SIGNATURE_MAX ? SIZE_MAX : len);
    if (!rd_ok(&in, err) || !json_read(json, &root, err))
        return err_wrap(err, "signature");
    if (!str_eq(json_str(root, "plimsoll"), STR("advisories/1")))
        return err_set(err, ERR_UNSUPPORTED, "an export of another version of this program");
    bool is_ok = base64_decode(arena, json_str(root, "key"), &import->key) &&
                 base64_decode(arena, json_str(root, "signature"), &import->signature) &&
                 import->key.len == crypto_sign_PUBLICKEYBYTES &&
                 import->signature.len == crypto_sign_BYTES;
    return is_ok ? true : err_set(err, ERR_FORMAT, "signature: not an Ed25519 key and signature");
}

static bool is_trusted(const struct import *import)
{
    for (size_t i = 0; i < import->spec->n_keys; i++) {
        if (memcmp(import->spec->keys[i].bytes, import->key.ptr, import->key.len) == 0)
            return true;
    }
    return false;
}

static bool check_signature(struct import *import, str manifest, struct err *err)
{
    if (!is_trusted(import))
        return err_set(err, ERR_DENIED, "signed by " STR_FMT ", which is no trusted key",
                       STR_ARG(base64_print(&import->update.arena, (const uint8_t *)import->key.ptr,
                                            import->key.len)));
    return crypto_sign_verify_detached((const unsigned char *)import->signature.ptr,
                                       (const unsigned char *)manifest.ptr, manifest.len,
                                       (const unsigned char *)import->key.ptr) == 0
               ? true
               : err_set(err, ERR_MISMATCH, "manifest.json is not what was signed");
}

/* Names and digests become paths. */
static bool is_sound(const struct known_source *source)
{
    uint8_t sum[HASH_MAX];
    str name = source->state.name, hex = str_skip(source->compiled, STR("sha256:").len);
    return str_starts(source->compiled, STR("sha256:")) && hex_parse(hex, sum, 32) &&
           advisory_feed_find(name);
}

static bool check_age(struct import *import, const struct known_source *source, struct err *err)
{
    const struct known_source *own = known_find(&import->update.known, source->state.name);
    if (import->spec->takes_older || !own || str_is_empty(own->compiled) ||
        own->state.fetched_at <= source->state.fetched_at)
        return true;
    return err_set(err, ERR_CONFLICT,
                   STR_FMT
                   ": the export's is older than the one here; --older takes it all the same",
                   STR_ARG(source->state.name));
}

static bool read_manifest(struct import *import, struct err *err)
{
    struct entry entry;
    str text;
    enum next next = archive_next(import->tar, &entry, err);
    if (next == NEXT_ERR)
        return false;
    if (next == NEXT_END || !str_eq(entry.path, manifest_name()))
        return err_set(err, ERR_FORMAT, "its first file is not manifest.json");
    if (!archive_body(import->tar, &import->update.arena, LIMIT(FEED_RECORD), &text, err) ||
        !check_signature(import, text, err) ||
        !known_parse(text, &import->update.arena, &import->sources, err))
        return false;
    for (size_t i = 0; i < import->sources.len; i++) {
        if (!is_sound(&import->sources.ptr[i]))
            return err_set(err, ERR_UNSUPPORTED, "source " STR_FMT " is not known to this program",
                           STR_ARG(import->sources.ptr[i].state.name));
        if (!check_age(import, &import->sources.ptr[i], err))
            return false;
    }
    return true;
}

static bool copy_body(struct import *import, const char *path, str want, struct err *err)
{
    struct hash *hash = NULL;
    uint8_t sum[HASH_MAX], digest[HASH_MAX];
    str chunk;
    enum next next;
    auto_fd fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return err_sys(err, ERR_IO, "%s", path);
    if (!hash_open(&hash, HASH_SHA256, err))
        return false;
    while ((next = archive_data(import->tar, &chunk, err)) == NEXT_ITEM) {
        hash_add(hash, chunk);
        if (cancel_is(import->spec->cancel, err) || !fd_write(fd, chunk, err))
            break;
    }
    size_t n = hash_done(hash, sum);
    hash_close(hash);
    if (next != NEXT_END)
        return false;
    if (!hex_parse(str_skip(want, STR("sha256:").len), digest, n) || memcmp(sum, digest, n) != 0)
        return err_set(err, ERR_MISMATCH, "not the bytes that were signed");
    return fsync(fd) == 0 ? true : err_sys(err, ERR_IO, "%s", path);
}

static bool read_source(struct import *import, const struct known_source *source, struct err *err)
{
    struct update *update = &import->update;
    struct records_file file;
    const char *folder = update_path(update, "sources/", source->state.name, STR_NONE, err);
    const char *fresh =
        update_path(update, "sources/", source->state.name, STR("/import.new"), err);
    const char *path = update_records_path(update, source, err);
    if (!folder || !fresh || !path || !dir_make(folder, err) ||
        !copy_body(import, fresh, source->compiled, err) || !records_open(&file, fresh, err))
        return err_wrap(err, STR_FMT, STR_ARG(source->state.name));
    records_close(&file);
    if (rename(fresh, path) != 0)
        return err_sys(err, ERR_IO, "%s", path);
    import->n_read++;
    return sync_folder(folder, err);
}

static const struct known_source *source_named(struct import *import, str path)
{
    for (size_t i = 0; i < import->sources.len; i++) {
        if (str_eq(entry_name(&import->update.arena, &import->sources.ptr[i]), path))
            return &import->sources.ptr[i];
    }
    return NULL;
}

static bool read_sources(struct import *import, struct err *err)
{
    struct entry entry;
    enum next next;
    while ((next = archive_next(import->tar, &entry, err)) == NEXT_ITEM) {
        const struct known_source *source = source_named(import, entry.path);
        if (!source)
            return err_set(err, ERR_FORMAT, STR_FMT ": a file that the manifest does not name",
                           STR_ARG(entry.path));
        if (!read_source(import, source, err))
            return false;
    }
    if (next == NEXT_END && import->n_read != import->sources.len)
        return err_set(err, ERR_FORMAT, "%zu of %zu sources: the file is cut", import->n_read,
                       import->sources.len);
    return next == NEXT_END;
}

static bool merge(struct import *import, struct err *err)
{
    struct update *update = &import->update;
    for (size_t i = 0; i < import->sources.len; i++) {
        const struct known_source *source = &import->sources.ptr[i];
        struct known_source *own = known_find(&update->known, source->state.name);
        if (!own && !(own = vec_push(&update->arena, &update->known)))
            return err_memory(err);
        *own = *source;
    }
    return true;
}

static bool run(struct import *import, struct update_result *out, struct err *err)
{
    if (!read_frame(import, err) || lseek(import->spec->fd, 0, SEEK_SET) != 0 ||
        !source_fd_open(&import->bytes, import->spec->fd, err) ||
        !decoder_open(&import->decoder, source_from_fd(import->bytes), 64 * GIB, err) ||
        !archive_open(&import->tar, ARCHIVE_TAR, source_from_decoder(import->decoder), err))
        return err_is(err) ? false : err_sys(err, ERR_IO, "reading");
    return read_manifest(import, err) && read_sources(import, err) && merge(import, err) &&
           update_finish(&import->update, out, err);
}

bool advisory_import(const struct import_spec *spec, struct update_result *out, struct err *err)
{
    struct import import = {.spec = spec, .update = {.dir = spec->dir, .cancel = spec->cancel}};
    *out = (struct update_result){0};
    bool is_ok = sodium_init() >= 0 ? true : err_set(err, ERR_IO, "libsodium does not start");
    is_ok = update_open(&import.update, err) && is_ok && run(&import, out, err);
    archive_close(import.tar);
    decoder_close(import.decoder);
    source_fd_close(import.bytes);
    update_close(&import.update);
    return is_ok;
}
