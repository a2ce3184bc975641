/* SPDX-License-Identifier: Apache-2.0 */
/* codec.h - bytes in, bytes or entries out: hashes, decompression, archives.  Not: what the bytes
 * mean.  Everything pulls: a reader asks its source for the next chunk.
 * Owns: what *_open made, until *_close (harmless on NULL).  Chunks are borrowed until the next
 * call. Threads: one at a time per object. */
#pragma once

#include "base/arena.h"
#include "base/cancel.h"
#include "base/limits.h"
#include "base/sb.h"

/* Where bytes come from.  read() gives the next chunk, never empty; NEXT_END after the last. */
struct source {
    enum next (*read)(void *ctx, str *chunk, struct err *err);
    void *ctx;
};

/* A source over bytes in memory (@state is caller's storage), and over a descriptor (256 KiB
 * chunks). */
struct source_mem {
    str rest;
};
struct source source_from_mem(struct source_mem *state, str bytes);
struct source_fd; /* opaque; owns its buffer, not the descriptor */
NODISCARD bool source_fd_open(struct source_fd **out, int fd, struct err *err);
void source_fd_close(struct source_fd *fd);
struct source source_from_fd(struct source_fd *fd);

/* --- hashes: FIPS 180-4, by OpenSSL EVP ----------------------------------------------------- */
enum hash_kind { HASH_SHA256, HASH_SHA512, HASH_SHA1, HASH_MD5 };
enum { HASH_MAX = 64 };
struct hash;
NODISCARD bool hash_open(struct hash **out, enum hash_kind kind, struct err *err);
void hash_add(struct hash *hash, str bytes);
/* Finish; gives the number of bytes in @out.  The hash may be used again from empty. */
size_t hash_done(struct hash *hash, uint8_t out[static HASH_MAX]);
void hash_close(struct hash *hash);
/* Of bytes at once. */
size_t hash_of(enum hash_kind kind, str bytes, uint8_t out[static HASH_MAX]);
/* Of a file; ERR_CANCELLED when it is time to stop (@cancel may be NULL). */
NODISCARD bool hash_file(const char *path, enum hash_kind kind, const struct cancel *cancel,
                         uint8_t out[static HASH_MAX], size_t *n, struct err *err);
/* Lower-case hexadecimal, NUL-terminated: @out has room for 2 * n + 1. */
void hex_print(const uint8_t *bytes, size_t n, char *out);
/* Exactly 2 * @n hexadecimal digits of either case. */
NODISCARD bool hex_parse(str text, uint8_t *out, size_t n);
/* RFC 4648 section 4, with padding; false when it is none, or @arena is used up. */
NODISCARD bool base64_decode(struct arena *arena, str text, str *out);

/* --- decompression: by magic bytes, never by label ------------------------------------------- */
enum codec_kind { CODEC_PLAIN, CODEC_GZIP, CODEC_ZSTD, CODEC_XZ, CODEC_BZIP2, CODEC_COUNT };
const char *codec_name(enum codec_kind kind);

/* gzip (RFC 1952, any number of members, by ISA-L igzip), zstd (RFC 8878, any number of frames,
 * skippable ones too), xz and bzip2 (any number of streams), or plain.
 * @max_out and the ratio of LIMIT_LAYER_RATIO after LIMIT_LAYER_RATIO_FREE end a bomb: ERR_LIMIT.
 * A stream that stops in the middle is ERR_FORMAT; so is rubbish behind a gzip member, except zero
 * padding. */
struct decoder;
NODISCARD bool decoder_open(struct decoder **out, struct source from, uint64_t max_out,
                            struct err *err);
NODISCARD enum next decoder_next(struct decoder *decoder, str *chunk, struct err *err);
/* The next decoder_next writes into @buf, and its chunk lies there: for a caller who hands chunks
 * to another thread without copying.  For one call; without it the decoder's own buffer is used
 * (plain bytes are then handed through as the source gave them). */
void decoder_set_buffer(struct decoder *decoder, void *buf, size_t cap);
enum codec_kind decoder_kind(const struct decoder *decoder); /* known after the first next */
uint64_t decoder_bytes_in(const struct decoder *decoder);
uint64_t decoder_bytes_out(const struct decoder *decoder);
struct source source_from_decoder(struct decoder *decoder);
void decoder_close(struct decoder *decoder);
/* Everything, at most @max bytes, into @arena. */
NODISCARD bool decode_whole(struct arena *arena, str bytes, size_t max, str *out, struct err *err);

/* --- compression of our own: one zstd frame (RFC 8878)
 * -------------------------------------------------- */
/* Appends the frame to @out.  A packer keeps its working memory from one call to the next. */
struct packer;
NODISCARD bool packer_open(struct packer **out, int level, struct err *err);
NODISCARD bool packer_add(struct packer *packer, str bytes, struct sb *out, struct err *err);
void packer_close(struct packer *packer);
/* Exactly @n bytes come out, or ERR_FORMAT.  Unpackers may be used by several threads at once. */
struct unpacker;
NODISCARD bool unpacker_open(struct unpacker **out, struct err *err);
NODISCARD bool unpacker_take(struct unpacker *unpacker, str frame, char *to, size_t n,
                             struct err *err);
void unpacker_close(struct unpacker *unpacker);

/* --- archives: tar (ustar, pax, GNU), zip, ar; by libarchive ---------------------------------- */
enum entry_type { ENTRY_OTHER, ENTRY_FILE, ENTRY_DIR, ENTRY_SYMLINK, ENTRY_HARDLINK };
struct entry {
    str path; /* raw bytes as stored (zip: UTF-8 names are composed, NFC); "./a", "a/" and "/a" are
               * for the caller to clean */
    str link; /* target of a symbolic or hard link */
    enum entry_type type;
    uint32_t mode; /* permission bits */
    uint64_t size_bytes;
    uint64_t data_offset; /* of the body in the archive, uncompressed tar only */
};
struct archive_reader;
enum archive_kind { ARCHIVE_TAR, ARCHIVE_ZIP, ARCHIVE_AR };
NODISCARD bool archive_open(struct archive_reader **out, enum archive_kind kind, struct source from,
                            struct err *err);
/* Zip with seeking, by its central directory, as everybody else reads it: from a file, or from
 * memory that outlives the reader.  (A zip that streams is read by its local headers, which may
 * tell another story and know no modes.) */
NODISCARD bool archive_open_zip_file(struct archive_reader **out, const char *path,
                                     struct err *err);
NODISCARD bool archive_open_zip_mem(struct archive_reader **out, str bytes, struct err *err);
/* The next entry; strings are borrowed until the next call.  The body that nobody read is skipped.
 * A tar stream that ends without its end marker is complete when it ends at an entry's border. */
NODISCARD enum next archive_next(struct archive_reader *archive, struct entry *entry,
                                 struct err *err);
/* The next piece of the entry's body, holes filled with zeros.  In a zip an error may be of this
 * body alone (wrong checksum, encrypted): archive_next then goes on. */
NODISCARD enum next archive_data(struct archive_reader *archive, str *chunk, struct err *err);
/* The whole body, at most @max bytes, into @arena. */
NODISCARD bool archive_body(struct archive_reader *archive, struct arena *arena, size_t max,
                            str *out, struct err *err);
void archive_close(struct archive_reader *archive);

/* A tar of regular files, compressed with zstd, into @fd, which stays the caller's.  The same files
 * give the same bytes: no times, no owners. */
struct tar_writer;
NODISCARD bool tar_writer_open(struct tar_writer **out, int fd, struct err *err);
NODISCARD bool tar_writer_add(struct tar_writer *tar, const char *path, str bytes, struct err *err);
/* The end is written when @is_whole.  The writer is gone, also after an error. */
NODISCARD bool tar_writer_close(struct tar_writer *tar, bool is_whole, struct err *err);

/* --- before a sandbox closes -------------------------------------------------------------------
 */
/* Use each library once, so that afterwards none opens a file: OpenSSL's configuration, iconv's
 * tables.  Call it in the locale that stays.  The zip reader also asks for the time zone at every
 * entry, which touches no file only when TZ is set: setenv("TZ", "UTC0", 1). */
NODISCARD bool codec_warm_up(struct err *err);
