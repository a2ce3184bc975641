/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets of registries: sealed with XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha), so that neither
 * a file of the store nor a backup tells them.  What a secret is for is authenticated with it: a
 * row moved to another registry does not open.
 *
 *   sealed   byte 1, 24 bytes nonce, ciphertext with 16 bytes tag
 *   with it  "plimsoll.secret/1", registry id as u64le, name
 *
 * The key file is 64 hexadecimal digits and a line feed, mode 0600. */
#include <errno.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/file.h"
#include "store/internal.h"

enum {
    VERSION = 1,
    NONCE = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    TAG = crypto_aead_xchacha20poly1305_ietf_ABYTES,
    HEAD = 1 + NONCE,
    KEY = crypto_aead_xchacha20poly1305_ietf_KEYBYTES,
    SECRET_MAX = 64 << 10,
};
_Static_assert(KEY == sizeof(((struct secret_key *)0)->bytes), "the key of the header");

/* --- the key
 * ---------------------------------------------------------------------------------------------------
 */
/* Made aside and linked, so that of two who make it at once both get the same. */
static bool key_make(const char *path, struct err *err)
{
    uint8_t bytes[KEY];
    char text[2 * KEY + 2], *aside = NULL;
    randombytes_buf(bytes, sizeof(bytes));
    sodium_bin2hex(text, sizeof(text), bytes, sizeof(bytes));
    text[2 * KEY] = '\n';
    if (asprintf(&aside, "%s.%ld", path, (long)getpid()) < 0)
        return err_memory(err);
    bool ok = file_save(aside, str_of(text, 2 * KEY + 1), 0600, err);
    if (ok && link(aside, path) != 0 && errno != EEXIST)
        ok = err_sys(err, ERR_IO, "%s", path);
    (void)unlink(aside);
    free(aside);
    sodium_memzero(bytes, sizeof(bytes));
    sodium_memzero(text, sizeof(text));
    return ok;
}

static bool key_check(const char *path, struct err *err)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return err_sys(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s", path);
    if (st.st_mode & 077)
        return err_set(err, ERR_DENIED,
                       "%s: the key may be read by others (mode %03o): chmod 600, and think of the "
                       "secrets as known",
                       path, (unsigned)st.st_mode & 0777);
    return true;
}

static bool key_read(const char *path, struct secret_key *out, struct err *err)
{
    struct arena arena;
    str text;
    arena_init(&arena, 64 * KIB);
    bool ok = file_read(&arena, path, 4 * KIB, &text, err);
    if (ok && !hex_parse(str_trim(text), out->bytes, KEY))
        ok = err_set(err, ERR_FORMAT, "%s: not a key: 64 hexadecimal digits are wanted", path);
    if (ok)
        sodium_memzero((char *)(uintptr_t)text.ptr, text.len);
    arena_fini(&arena);
    return ok;
}

bool secret_key_load(const char *path, struct secret_key *out, struct err *err)
{
    if (sodium_init() < 0)
        return err_set(err, ERR_IO, "no source of random numbers");
    if (access(path, F_OK) != 0 && errno == ENOENT && !key_make(path, err))
        return false;
    return key_check(path, err) && key_read(path, out, err);
}

void secret_key_forget(struct secret_key *key) { sodium_memzero(key, sizeof(*key)); }

/* --- sealing
 * ---------------------------------------------------------------------------------------------------
 */
static bool purpose(int64_t registry_id, const char *name, struct sb *out, struct err *err)
{
    sb_init(out, KIB);
    sb_addc(out, "plimsoll.secret/1");
    sb_u64le(out, (uint64_t)registry_id);
    sb_addc(out, name);
    return sb_ok(out, err);
}

static const unsigned char *bytes_of(str s) { return (const unsigned char *)(s.ptr ? s.ptr : ""); }

bool secret_seal(struct arena *arena, const struct secret_key *key, int64_t registry_id,
                 const char *name, str secret, str *sealed, struct err *err)
{
    auto_sb with = {0};
    unsigned long long len = 0;
    if (secret.len > SECRET_MAX)
        return err_set(err, ERR_LIMIT, "a secret of %zu bytes", secret.len);
    unsigned char *out = arena_alloc(arena, HEAD + TAG + secret.len);
    if (!out)
        return err_memory(err);
    if (!purpose(registry_id, name, &with, err))
        return false;
    out[0] = VERSION;
    randombytes_buf(out + 1, NONCE);
    crypto_aead_xchacha20poly1305_ietf_encrypt(out + HEAD, &len, bytes_of(secret), secret.len,
                                               bytes_of(sb_str(&with)), with.len, NULL, out + 1,
                                               key->bytes);
    *sealed = str_of((const char *)out, HEAD + (size_t)len);
    return true;
}

bool secret_unseal(struct arena *arena, const struct secret_key *key, int64_t registry_id,
                   const char *name, str sealed, str *secret, struct err *err)
{
    auto_sb with;
    unsigned long long len = 0;
    struct rd in;
    rd_init(&in, sealed);
    uint8_t version = rd_u8(&in);
    str nonce = rd_bytes(&in, NONCE), box = rd_rest(&in);
    if (!purpose(registry_id, name, &with, err))
        return false;
    if (!rd_is_ok(&in) || version != VERSION || box.len < TAG)
        return err_set(err, ERR_FORMAT, "the sealed %s of registry %lld is damaged", name,
                       (long long)registry_id);
    char *out = arena_alloc(arena, box.len - TAG + 1);
    if (!out)
        return err_memory(err);
    if (crypto_aead_xchacha20poly1305_ietf_decrypt((unsigned char *)out, &len, NULL, bytes_of(box),
                                                   box.len, bytes_of(sb_str(&with)), with.len,
                                                   bytes_of(nonce), key->bytes) != 0)
        return err_set(err, ERR_MISMATCH,
                       "the %s of registry %lld was sealed with another key: see secret-key-file",
                       name, (long long)registry_id);
    *secret = str_of(out, (size_t)len);
    return true;
}

bool store_secret_get(struct store *store, struct arena *arena, const struct secret_key *key,
                      int64_t registry_id, const char *name, str *secret, struct err *err)
{
    auto_rows rows = {0};
    *secret = STR("");
    if (!db_query(store, &rows, err,
                  "SELECT sealed FROM secrets WHERE registry_id = $1 AND name = $2",
                  vi(registry_id), vc(name)))
        return false;
    enum next next = rows_next(&rows, err);
    return next == NEXT_ITEM
               ? secret_unseal(arena, key, registry_id, name, row_text(&rows, 0), secret, err)
               : next == NEXT_END;
}

bool store_secret_set(struct store *store, const struct secret_key *key, int64_t registry_id,
                      const char *name, str secret, int64_t now, struct err *err)
{
    struct arena arena;
    str sealed;
    if (!secret.len)
        return db_run(store, err, "DELETE FROM secrets WHERE registry_id = $1 AND name = $2",
                      vi(registry_id), vc(name));
    arena_init(&arena, 2 * SECRET_MAX);
    bool ok = secret_seal(&arena, key, registry_id, name, secret, &sealed, err) &&
              db_run(store, err,
                     "INSERT INTO secrets (registry_id, name, sealed, changed_at)"
                     " VALUES ($1, $2, $3, $4) ON CONFLICT (registry_id, name) DO UPDATE SET"
                     " sealed = excluded.sealed, changed_at = excluded.changed_at",
                     vi(registry_id), vc(name), vb(sealed), vi(now));
    arena_fini(&arena);
    return ok;
}
