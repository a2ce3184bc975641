/* SPDX-License-Identifier: Apache-2.0 */
/* secret.c - secrets of principals: "plims_HINT~REST".  The hint finds the one hash that is worth
 * the work, so every try costs one argon2id: of an unknown client, of a wrong secret, of a right
 * one.  At most HASHERS of them run at once, since each takes its memory. */
#include "api/internal.h"

#include <errno.h>
#include <sodium.h>
#include <time.h>

/* OWASP's second choice: 19 MiB, two passes. */
enum { HASHERS = 2, WAIT_S = 5, MEMORY = 19 << 20, PASSES = 2, HINT = 8, RANDOM_BYTES = 32 };
#define PREFIX "plims_"

bool hasher_init(struct hasher *hasher)
{
    unsigned char noise[RANDOM_BYTES];
    randombytes_buf(noise, sizeof(noise));
    return sem_init(&hasher->free, 0, HASHERS) == 0 &&
           crypto_pwhash_str_alg(hasher->nobody, (const char *)noise, sizeof(noise), PASSES, MEMORY,
                                 crypto_pwhash_ALG_ARGON2ID13) == 0;
}

void hasher_fini(struct hasher *hasher) { sem_destroy(&hasher->free); }

static bool enter(struct hasher *hasher, struct err *err)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_S;
    while (sem_timedwait(&hasher->free, &until) != 0)
        if (errno != EINTR)
            return err_set(err, ERR_UNAVAILABLE, "too many sign-ins at once; try again");
    return true;
}

bool secret_make(struct hasher *hasher, struct arena *arena, str *secret,
                 struct store_principal_secret *out, struct err *err)
{
    unsigned char bytes[RANDOM_BYTES];
    char text[2 * RANDOM_BYTES], hash[crypto_pwhash_STRBYTES];
    randombytes_buf(bytes, sizeof(bytes));
    sodium_bin2base64(text, sizeof(text), bytes, sizeof(bytes),
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    out->hint = arena_dup(arena, str_of(text, HINT));
    *secret = arena_printf(arena, PREFIX "%.*s~%s", HINT, text, text + HINT);
    sodium_memzero(text, sizeof(text));
    if (!out->hint.ptr || !secret->ptr)
        return err_memory(err);
    if (!enter(hasher, err))
        return false;
    bool ok = crypto_pwhash_str_alg(hash, secret->ptr, secret->len, PASSES, MEMORY,
                                    crypto_pwhash_ALG_ARGON2ID13) == 0;
    sem_post(&hasher->free);
    if (!ok)
        return err_memory(err);
    out->hash = arena_dup(arena, str_from(hash));
    return out->hash.ptr ? true : err_memory(err);
}

static const struct store_principal_secret *find(const store_principal_secrets *secrets, str secret,
                                                 int64_t now)
{
    if (!str_starts(secret, STR(PREFIX)))
        return NULL;
    str hint = str_slice(secret, sizeof(PREFIX) - 1, sizeof(PREFIX) - 1 + HINT);
    for (size_t i = 0; i < secrets->len; i++)
        if (str_eq(secrets->ptr[i].hint, hint) &&
            (!secrets->ptr[i].expires_at || now < secrets->ptr[i].expires_at))
            return &secrets->ptr[i];
    return NULL;
}

bool secret_check(struct hasher *hasher, const store_principal_secrets *secrets, str secret,
                  int64_t now, bool *is_right, struct err *err)
{
    char hash[crypto_pwhash_STRBYTES] = "";
    const struct store_principal_secret *one = find(secrets, secret, now);
    str kept = one ? one->hash : str_from(hasher->nobody);
    memcpy(hash, kept.ptr, kept.len < sizeof(hash) ? kept.len : sizeof(hash) - 1);
    if (!enter(hasher, err))
        return false;
    bool is_same = crypto_pwhash_str_verify(hash, secret.ptr ? secret.ptr : "", secret.len) == 0;
    sem_post(&hasher->free);
    *is_right = is_same && one;
    return true;
}
