/* SPDX-License-Identifier: Apache-2.0 */
/* tokens.c - access tokens: JWS (RFC 7519, RS256) that this server signs and reads.
 *
 *   signing_keys of the store, newest first ─> one signs, all verify, each is published (RFC 7517)
 *   a key signs for 30 days, and is known for another 30: no token lives that long
 *
 * Who shows a token of another algorithm, issuer or tenant, or one that ran out, is not let in. */
#include "api/internal.h"

#include <jwt.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <sodium.h>

#include "base/clock.h"
#include "base/log.h"

enum { RSA_BITS = 2048, DAY_S = 86400, SIGNS_S = 30 * DAY_S, KNOWN_S = 60 * DAY_S };
enum { RELOAD_S = 60, SKEW_S = 300, MEMORY = 1 << 20 };

/* --- keys
 * --------------------------------------------------------------------------------------------------
 */
static bool crypto_fault(struct err *err, const char *what)
{
    return err_set(err, ERR_IO, "OpenSSL: %s", what);
}

/* Whatever a BIO holds, as text of the arena. */
static str bio_text(struct arena *arena, BIO *bio)
{
    char *bytes = NULL;
    long n = bio ? BIO_get_mem_data(bio, &bytes) : 0;
    return n > 0 ? arena_dup(arena, str_of(bytes, (size_t)n)) : STR_NONE;
}

/* Names the key by what it is: RFC 7638 in spirit, of the DER of its public part. */
static str key_id(struct arena *arena, const EVP_PKEY *key)
{
    unsigned char *der = NULL, hash[crypto_hash_sha256_BYTES];
    char text[2 * sizeof(hash) + 1];
    int n = i2d_PUBKEY(key, &der);
    if (n <= 0)
        return STR_NONE;
    crypto_hash_sha256(hash, der, (unsigned)n);
    OPENSSL_free(der);
    sodium_bin2hex(text, sizeof(text), hash, sizeof(hash));
    return arena_dup(arena, str_of(text, 40));
}

static bool print_key(struct arena *arena, EVP_PKEY *key, struct store_signing_key *out,
                      struct err *err)
{
    BIO *private = BIO_new(BIO_s_secmem()), *public = BIO_new(BIO_s_mem());
    bool ok = private && public &&
              PEM_write_bio_PrivateKey(private, key, NULL, NULL, 0, NULL, NULL) == 1 &&
              PEM_write_bio_PUBKEY(public, key) == 1;
    if (ok) {
        out->private_pem = bio_text(arena, private);
        out->public_pem = bio_text(arena, public);
        out->kid = key_id(arena, key);
    }
    BIO_free(private);
    BIO_free(public);
    return ok && out->private_pem.ptr && out->public_pem.ptr && out->kid.ptr
               ? true
               : crypto_fault(err, "no key can be printed");
}

static bool make_key(struct arena *arena, int64_t now, struct store_signing_key *out,
                     struct err *err)
{
    EVP_PKEY *key = EVP_RSA_gen(RSA_BITS);
    if (!key)
        return crypto_fault(err, "no key can be made");
    *out = (struct store_signing_key){.created_at = now};
    bool ok = print_key(arena, key, out, err);
    EVP_PKEY_free(key);
    return ok;
}

/* --- the ring: what is known of the store's keys, for a minute
 * --------------------------------------------- */
bool token_ring_init(struct token_ring *ring, const struct secret_key *key)
{
    *ring = (struct token_ring){.key = key};
    arena_init(&ring->arena, MEMORY);
    return pthread_mutex_init(&ring->lock, NULL) == 0;
}

void token_ring_fini(struct token_ring *ring)
{
    arena_fini(&ring->arena);
    pthread_mutex_destroy(&ring->lock);
}

static bool load(struct token_ring *ring, struct store *store, struct err *err)
{
    ring->keys.len = ring->keys.cap = 0;
    ring->keys.ptr = NULL;
    arena_reset(&ring->arena);
    ring->loaded_at = clock_now_s();
    return store_signing_keys_list(store, &ring->arena, ring->key, &ring->keys, err);
}

/* Of several servers that want one at once, one makes it; the others read it. */
static bool renew(struct token_ring *ring, struct store *store, int64_t now, struct err *err)
{
    struct store_signing_key fresh;
    struct arena arena;
    arena_init(&arena, MEMORY);
    bool ok = make_key(&arena, now, &fresh, err) &&
              (store_signing_key_add(store, ring->key, &fresh, now - SIGNS_S, now - KNOWN_S, err) ||
               err->kind == ERR_CONFLICT);
    arena_fini(&arena);
    if (ok)
        log_event(LOG_INFO, "a new key signs access tokens");
    return ok && load(ring, store, err);
}

static bool is_stale(const struct token_ring *ring, int64_t now)
{
    return !ring->loaded_at || now >= ring->loaded_at + RELOAD_S || now < ring->loaded_at;
}

/* The lock is held. */
static bool ready(struct token_ring *ring, struct store *store, int64_t now, struct err *err)
{
    if (is_stale(ring, now) && !load(ring, store, err))
        return false;
    if (ring->keys.len && ring->keys.ptr[0].created_at > now - SIGNS_S)
        return true;
    return renew(ring, store, now, err);
}

/* --- signing
 * -----------------------------------------------------------------------------------------------
 */
static str sign(struct arena *arena, const struct store_signing_key *key, const char *claims)
{
    jwt_t *jwt = NULL;
    char *text = NULL;
    str out = STR_NONE;
    const char *kid = arena_cstr(arena, key->kid);
    if (kid && jwt_new(&jwt) == 0 &&
        jwt_set_alg(jwt, JWT_ALG_RS256, (const unsigned char *)key->private_pem.ptr,
                    (int)key->private_pem.len) == 0 &&
        jwt_add_header(jwt, "kid", kid) == 0 && jwt_add_header(jwt, "typ", "JWT") == 0 &&
        jwt_add_grants_json(jwt, claims) == 0 && (text = jwt_encode_str(jwt)))
        out = arena_dup(arena, str_from(text));
    free(text);
    jwt_free(jwt);
    return out;
}

bool token_sign(struct token_ring *ring, struct store *store, struct arena *arena, str claims,
                int64_t now, str *token, struct err *err)
{
    const char *json = arena_cstr(arena, claims);
    if (!json)
        return err_memory(err);
    pthread_mutex_lock(&ring->lock);
    bool ok = ready(ring, store, now, err);
    if (ok)
        *token = sign(arena, &ring->keys.ptr[0], json);
    pthread_mutex_unlock(&ring->lock);
    if (!ok)
        return false;
    return token->ptr ? true : crypto_fault(err, "no token can be signed");
}

/* --- reading
 * -----------------------------------------------------------------------------------------------
 */
/* The key is chosen by us and the algorithm is not the token's to choose: a public key must never
 * be taken for the secret of an HMAC. */
static jwt_t *verified(const struct store_signing_key *key, const char *token)
{
    jwt_t *jwt = NULL;
    if (jwt_decode(&jwt, token, (const unsigned char *)key->public_pem.ptr,
                   (int)key->public_pem.len) != 0)
        return NULL;
    if (jwt_get_alg(jwt) == JWT_ALG_RS256)
        return jwt;
    jwt_free(jwt);
    return NULL;
}

static jwt_t *verified_by_any(struct token_ring *ring, const char *token)
{
    for (size_t i = 0; i < ring->keys.len; i++) {
        jwt_t *jwt = verified(&ring->keys.ptr[i], token);
        if (jwt)
            return jwt;
    }
    return NULL;
}

static str grant(struct arena *arena, jwt_t *jwt, const char *name)
{
    const char *text = jwt_get_grant(jwt, name);
    return arena_dup(arena, text ? str_from(text) : STR(""));
}

static bool read_claims(struct arena *arena, jwt_t *jwt, struct token_claims *out, struct err *err)
{
    *out = (struct token_claims){.issuer = grant(arena, jwt, "iss"),
                                 .audience = grant(arena, jwt, "aud"),
                                 .tenant = grant(arena, jwt, "tid"),
                                 .object_id = grant(arena, jwt, "oid"),
                                 .app_id = grant(arena, jwt, "appid"),
                                 .not_before = jwt_get_grant_int(jwt, "nbf"),
                                 .expires_at = jwt_get_grant_int(jwt, "exp")};
    return out->issuer.ptr && out->audience.ptr && out->tenant.ptr && out->object_id.ptr &&
                   out->app_id.ptr
               ? true
               : err_memory(err);
}

static bool is_in_time(const struct token_claims *claims, int64_t now, struct err *err)
{
    if (now >= claims->expires_at)
        return err_set(err, ERR_DENIED, TOKEN_EXPIRED);
    return now + SKEW_S >= claims->not_before
               ? true
               : err_set(err, ERR_DENIED, "the token is not valid yet");
}

bool token_verify(struct token_ring *ring, struct store *store, struct arena *arena, str token,
                  int64_t now, struct token_claims *out, struct err *err)
{
    const char *text = arena_cstr(arena, token);
    if (!text)
        return err_memory(err);
    pthread_mutex_lock(&ring->lock);
    bool ok = ready(ring, store, now, err);
    jwt_t *jwt = ok ? verified_by_any(ring, text) : NULL;
    pthread_mutex_unlock(&ring->lock);
    if (!ok)
        return false;
    if (!jwt)
        return err_set(err, ERR_DENIED, "the token's signature is not ours");
    ok = read_claims(arena, jwt, out, err) && is_in_time(out, now, err);
    jwt_free(jwt);
    return ok;
}

/* --- publishing
 * --------------------------------------------------------------------------------------------
 */
static bool write_number(struct jw *jw, const char *name, const EVP_PKEY *key, const char *param)
{
    BIGNUM *number = NULL;
    unsigned char bytes[RSA_BITS / 8 * 2];
    char text[sizeof(bytes) * 2];
    bool ok = EVP_PKEY_get_bn_param(key, param, &number) == 1 &&
              (size_t)BN_num_bytes(number) <= sizeof(bytes);
    if (ok) {
        int n = BN_bn2bin(number, bytes);
        sodium_bin2base64(text, sizeof(text), bytes, (size_t)n,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING);
        jw_kstr(jw, name, str_from(text));
    }
    BN_free(number);
    return ok;
}

static bool write_key(struct jw *jw, const struct store_signing_key *key)
{
    BIO *bio = BIO_new_mem_buf(key->public_pem.ptr, (int)key->public_pem.len);
    EVP_PKEY *public = bio ? PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL) : NULL;
    jw_obj(jw);
    jw_kstr(jw, "kty", STR("RSA"));
    jw_kstr(jw, "use", STR("sig"));
    jw_kstr(jw, "alg", STR("RS256"));
    jw_kstr(jw, "kid", key->kid);
    bool ok = public && write_number(jw, "n", public, OSSL_PKEY_PARAM_RSA_N) &&
              write_number(jw, "e", public, OSSL_PKEY_PARAM_RSA_E);
    jw_obj_end(jw);
    EVP_PKEY_free(public);
    BIO_free(bio);
    return ok;
}

bool token_ring_write(struct token_ring *ring, struct store *store, struct jw *jw, int64_t now,
                      struct err *err)
{
    pthread_mutex_lock(&ring->lock);
    bool ok = ready(ring, store, now, err), is_written = true;
    jw_arr(jw);
    for (size_t i = 0; ok && i < ring->keys.len; i++)
        is_written &= write_key(jw, &ring->keys.ptr[i]);
    jw_arr_end(jw);
    pthread_mutex_unlock(&ring->lock);
    if (!ok)
        return false;
    return is_written ? true : crypto_fault(err, "a key cannot be read");
}
