/* SPDX-License-Identifier: Apache-2.0 */
/* secret.c - secrets of principals: "plims_HINT~REST".  The hint finds the one hash that is worth
 * the work, so every try costs one argon2id: of an unknown client, of a wrong secret, of a right
 * one.  At most HASHERS of them run at once, since each takes its memory. */
#include "api/internal.h"

#include <pthread.h>
#include <sodium.h>
#include <time.h>

/* OWASP's second choice: 19 MiB, two passes. */
enum { HASHERS = 2, WAIT_S = 5, MEMORY = 19 << 20, PASSES = 2, HINT = 8, RANDOM_BYTES = 32 };
#define PREFIX "plims_"

bool hasher_init(struct hasher *hasher)
{
    unsigned char noise[RANDOM_BYTES];
    randombytes_buf(noise, sizeof(noise));
    hasher->n_free = HASHERS;
    return pthread_mutex_init(&hasher->lock, NULL) == 0 &&
           pthread_cond_init(&hasher->changed, NULL) == 0 &&
           crypto_pwhash_str_alg(hasher->nobody, (const char *)noise, sizeof(noise), PASSES, MEMORY,
                                 crypto_pwhash_ALG_ARGON2ID13) == 0;
}

void hasher_fini(struct hasher *hasher)
{
    pthread_cond_destroy(&hasher->changed);
    pthread_mutex_destroy(&hasher->lock);
}

static bool enter(struct hasher *hasher, struct err *err)
{
    struct timespec until;
    int code = 0;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_S;
    pthread_mutex_lock(&hasher->lock);
    while (!hasher->n_free && code == 0)
        code = pthread_cond_timedwait(&hasher->changed, &hasher->lock, &until);
    bool is_in = hasher->n_free > 0;
    hasher->n_free -= is_in;
    pthread_mutex_unlock(&hasher->lock);
    return is_in || err_set(err, ERR_UNAVAILABLE, "too many sign-ins at once; try again");
}

static void leave(struct hasher *hasher)
{
    pthread_mutex_lock(&hasher->lock);
    hasher->n_free++;
    pthread_cond_signal(&hasher->changed);
    pthread_mutex_unlock(&hasher->lock);
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
    leave(hasher);
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
    leave(hasher);
    *is_right = is_same && one;
    return true;
}
