/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/codec.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "base/auto.h"
#include "base/num.h"

static const char *const names[] = {
    [HASH_SHA256] = "SHA256",
    [HASH_SHA512] = "SHA512",
    [HASH_SHA1] = "SHA1",
    [HASH_MD5] = "MD5",
};

struct hash {
    EVP_MD_CTX *ctx;
    EVP_MD *md;
    bool has_failed; /* then hash_done gives no digest, which equals none */
};

bool hash_open(struct hash **out, enum hash_kind kind, struct err *err)
{
    struct hash *hash = calloc(1, sizeof(*hash));
    if (!hash)
        return err_memory(err);
    hash->ctx = EVP_MD_CTX_new();
    hash->md = EVP_MD_fetch(NULL, names[kind], NULL);
    if (!hash->ctx || !hash->md || EVP_DigestInit_ex2(hash->ctx, hash->md, NULL) != 1) {
        hash_close(hash);
        return err_set(err, ERR_UNSUPPORTED, "OpenSSL offers no %s here", names[kind]);
    }
    *out = hash;
    return true;
}

void hash_add(struct hash *hash, str bytes)
{
    if (bytes.len && EVP_DigestUpdate(hash->ctx, bytes.ptr, bytes.len) != 1)
        hash->has_failed = true;
}

size_t hash_done(struct hash *hash, uint8_t out[static HASH_MAX])
{
    unsigned n = 0;
    if (EVP_DigestFinal_ex(hash->ctx, out, &n) != 1 || hash->has_failed)
        n = 0;
    hash->has_failed = EVP_DigestInit_ex2(hash->ctx, hash->md, NULL) != 1;
    return n;
}

void hash_close(struct hash *hash)
{
    if (!hash)
        return;
    EVP_MD_CTX_free(hash->ctx);
    EVP_MD_free(hash->md);
    free(hash);
}

size_t hash_of(enum hash_kind kind, str bytes, uint8_t out[static HASH_MAX])
{
    size_t n = 0;
    const void *data = bytes.ptr ? bytes.ptr : "";
    return EVP_Q_digest(NULL, names[kind], NULL, data, bytes.len, out, &n) == 1 ? n : 0;
}

void hex_print(const uint8_t *bytes, size_t n, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * n] = '\0';
}

static bool digit(char c, uint8_t *value)
{
    if (c >= '0' && c <= '9')
        *value = (uint8_t)(c - '0');
    else if (c >= 'a' && c <= 'f')
        *value = (uint8_t)(c - 'a' + 10);
    else if (c >= 'A' && c <= 'F')
        *value = (uint8_t)(c - 'A' + 10);
    else
        return false;
    return true;
}

bool hex_parse(str text, uint8_t *out, size_t n)
{
    size_t digits;
    if (!num_mul(n, 2, &digits) || text.len != digits)
        return false;
    for (size_t i = 0; i < n; i++) {
        uint8_t high, low;
        if (!digit(text.ptr[2 * i], &high) || !digit(text.ptr[2 * i + 1], &low))
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

bool base64_decode(struct arena *arena, str text, str *out)
{
    *out = STR_NONE;
    size_t n_pad = 0;
    while (n_pad < 2 && n_pad < text.len && text.ptr[text.len - 1 - n_pad] == '=')
        n_pad++;
    if (text.len % 4 != 0 || text.len > INT32_MAX / 2)
        return false;
    unsigned char *bytes = arena_alloc(arena, text.len / 4 * 3 + 1);
    if (!bytes)
        return false;
    int n = EVP_DecodeBlock(bytes, (const unsigned char *)text.ptr, (int)text.len);
    if (n < 0 || (size_t)n < n_pad)
        return false;
    *out = (str){(const char *)bytes, (size_t)n - n_pad};
    return true;
}

bool hash_file(const char *path, enum hash_kind kind, const struct cancel *cancel,
               uint8_t out[static HASH_MAX], size_t *n, struct err *err)
{
    struct source_fd *bytes = NULL;
    struct hash *hash = NULL;
    str chunk;
    enum next next = NEXT_ERR;
    auto_fd fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_sys(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s", path);
    if (source_fd_open(&bytes, fd, err) && hash_open(&hash, kind, err)) {
        struct source source = source_from_fd(bytes);
        while ((next = source.read(source.ctx, &chunk, err)) == NEXT_ITEM &&
               !cancel_is(cancel, err))
            hash_add(hash, chunk);
    }
    if (next == NEXT_END)
        *n = hash_done(hash, out);
    hash_close(hash);
    source_fd_close(bytes);
    return next == NEXT_END;
}
