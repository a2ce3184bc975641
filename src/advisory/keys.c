/* SPDX-License-Identifier: Apache-2.0 */
/* keys.c - Ed25519 keys in files of one line: "plimsoll-secret-key <base64>", and the same with
 * "public" for the other half. */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#include "advisory/internal.h"
#include "base/auto.h"
#include "base/limits.h"
#include "os/file.h"

static str secret_word(void) { return STR("plimsoll-secret-key"); }
static str public_word(void) { return STR("plimsoll-public-key"); }

str base64_print(struct arena *arena, const uint8_t *bytes, size_t n)
{
    size_t room = sodium_base64_encoded_len(n, sodium_base64_VARIANT_ORIGINAL);
    char *text = arena_alloc(arena, room);
    if (!text)
        return STR_NONE;
    sodium_bin2base64(text, room, bytes, n, sodium_base64_VARIANT_ORIGINAL);
    return str_of(text, room - 1);
}

static bool write_line(struct arena *arena, const char *path, mode_t mode, str word,
                       const uint8_t *bytes, size_t n, struct err *err)
{
    str base64 = base64_print(arena, bytes, n);
    str line = arena_printf(arena, STR_FMT " " STR_FMT "\n", STR_ARG(word), STR_ARG(base64));
    if (!base64.ptr || !line.ptr)
        return err_memory(err);
    auto_fd fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0)
        return err_sys(err, errno == EEXIST ? ERR_CONFLICT : ERR_IO, "%s", path);
    return fd_write(fd, line, err) && (fsync(fd) == 0 || err_sys(err, ERR_IO, "%s", path));
}

bool signing_key_make(const char *path, struct err *err)
{
    uint8_t public[crypto_sign_PUBLICKEYBYTES], secret[crypto_sign_SECRETKEYBYTES];
    struct arena arena;
    arena_init(&arena, 64 * KIB);
    const char *public_path = arena_cstr(&arena, arena_printf(&arena, "%s.pub", path));
    bool is_ok = sodium_init() >= 0 && public_path ? true : err_memory(err);
    if (is_ok) {
        crypto_sign_keypair(public, secret);
        is_ok = write_line(&arena, path, 0600, secret_word(), secret, sizeof secret, err) &&
                write_line(&arena, public_path, 0644, public_word(), public, sizeof public, err);
    }
    sodium_memzero(secret, sizeof secret);
    arena_fini(&arena);
    return is_ok;
}

static bool read_line(const char *path, str word, uint8_t *bytes, size_t n, struct err *err)
{
    struct arena arena;
    str text, base64, decoded = STR_NONE;
    arena_init(&arena, 64 * KIB);
    bool is_ok = file_read(&arena, path, KIB, &text, err);
    base64 = is_ok ? str_trim(str_skip(text, word.len)) : STR_NONE;
    if (is_ok &&
        (!str_starts(text, word) || !base64_decode(&arena, base64, &decoded) || decoded.len != n))
        is_ok = err_set(err, ERR_FORMAT, "%s: not a " STR_FMT " file", path, STR_ARG(word));
    if (is_ok)
        memcpy(bytes, decoded.ptr, n);
    arena_fini(&arena);
    return is_ok;
}

bool signing_key_load(const char *path, struct signing_key *out, struct err *err)
{
    return read_line(path, secret_word(), out->bytes, sizeof out->bytes, err);
}

bool trusted_key_load(const char *path, struct trusted_key *out, struct err *err)
{
    return read_line(path, public_word(), out->bytes, sizeof out->bytes, err);
}
