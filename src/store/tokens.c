/* SPDX-License-Identifier: Apache-2.0 */
#include <sodium.h>

#include "store/internal.h"

/* A token is 256 random bits, so a plain hash keeps it: there is nothing to guess. */
enum { TOKEN_BYTES = 32, HASH_TEXT = 2 * crypto_hash_sha256_BYTES + 1 };

static void hash_token(str token, char out[static HASH_TEXT])
{
    unsigned char hash[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(hash, (const unsigned char *)(token.ptr ? token.ptr : ""), token.len);
    sodium_bin2hex(out, HASH_TEXT, hash, sizeof(hash));
}

bool store_token_create(struct store *store, struct arena *arena, str name, int64_t now, str *token,
                        struct err *err)
{
    unsigned char secret[TOKEN_BYTES];
    char text[sodium_base64_ENCODED_LEN(TOKEN_BYTES, sodium_base64_VARIANT_URLSAFE_NO_PADDING)];
    if (sodium_init() < 0)
        return err_set(err, ERR_IO, "no source of random numbers");
    randombytes_buf(secret, sizeof(secret));
    sodium_bin2base64(text, sizeof(text), secret, sizeof(secret),
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    *token = arena_printf(arena, "plim_%s", text);
    sodium_memzero(secret, sizeof(secret));
    sodium_memzero(text, sizeof(text));
    if (!token->ptr)
        return err_memory(err);
    char hash[HASH_TEXT];
    hash_token(*token, hash);
    return db_run(store, err, "INSERT INTO tokens (name, hash, created_at) VALUES ($1, $2, $3)",
                  vt(name), vc(hash), vi(now));
}

bool store_token_count(struct store *store, size_t *n, struct err *err)
{
    int64_t count = 0;
    bool ok = db_int(store, 0, &count, err, "SELECT COUNT(*) FROM tokens");
    *n = (size_t)count;
    return ok;
}

bool store_token_check(struct store *store, struct arena *arena, str token, str *name,
                       struct err *err)
{
    auto_rows rows = {0};
    char hash[HASH_TEXT];
    hash_token(token, hash);
    if (!db_query(store, &rows, err, "SELECT name FROM tokens WHERE hash = $1", vc(hash)))
        return false;
    enum next next = rows_next(&rows, err);
    if (next == NEXT_ERR)
        return false;
    if (next == NEXT_END)
        return err_set(err, ERR_DENIED, "the token is not known");
    *name = row_dup(&rows, 0, arena);
    return name->ptr ? true : err_memory(err);
}
