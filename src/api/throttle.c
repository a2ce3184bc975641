/* SPDX-License-Identifier: Apache-2.0 */
/* throttle.c - how often somebody may try.  A bucket a key (an address, a client id) in a table of
 * fixed size: who collides shares a bucket, which costs an attacker nothing but time and a guest at
 * worst some seconds.  The key is hashed with a secret of this process, so collisions cannot be
 * chosen.
 *
 *   a bucket holds BURST tries and gains one each REFILL_MS */
#include "api/internal.h"

#include <sodium.h>

enum { BURST = 10, REFILL_MS = 3000 };

bool throttle_init(struct throttle *throttle)
{
    *throttle = (struct throttle){0};
    randombytes_buf(throttle->key, sizeof(throttle->key));
    return pthread_mutex_init(&throttle->lock, NULL) == 0;
}

void throttle_fini(struct throttle *throttle) { pthread_mutex_destroy(&throttle->lock); }

static struct bucket *bucket_of(struct throttle *throttle, str name)
{
    uint64_t hash;
    unsigned char out[crypto_shorthash_BYTES];
    _Static_assert(sizeof(hash) == sizeof(out), "a hash fills a number");
    _Static_assert(sizeof(throttle->key) == crypto_shorthash_KEYBYTES, "the key of the header");
    crypto_shorthash(out, (const unsigned char *)(name.ptr ? name.ptr : ""), name.len,
                     throttle->key);
    memcpy(&hash, out, sizeof(hash));
    return &throttle->buckets[hash % THROTTLE_BUCKETS];
}

static void refill(struct bucket *bucket, int64_t now_ms)
{
    int64_t n = (now_ms - bucket->at_ms) / REFILL_MS;
    if (!bucket->at_ms || n > bucket->spent) {
        *bucket = (struct bucket){.at_ms = now_ms};
        return;
    }
    bucket->spent -= (uint32_t)n;
    bucket->at_ms += n * REFILL_MS;
}

bool throttle_may(struct throttle *throttle, str name, int64_t now_ms, unsigned *wait_s)
{
    pthread_mutex_lock(&throttle->lock);
    struct bucket *bucket = bucket_of(throttle, name);
    refill(bucket, now_ms);
    bool is_free = bucket->spent < BURST;
    *wait_s = (unsigned)((bucket->at_ms + REFILL_MS - now_ms + 999) / 1000);
    pthread_mutex_unlock(&throttle->lock);
    return is_free;
}

void throttle_spend(struct throttle *throttle, str name, int64_t now_ms)
{
    pthread_mutex_lock(&throttle->lock);
    struct bucket *bucket = bucket_of(throttle, name);
    refill(bucket, now_ms);
    if (bucket->spent < BURST)
        bucket->spent++;
    pthread_mutex_unlock(&throttle->lock);
}
