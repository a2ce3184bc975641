/* SPDX-License-Identifier: Apache-2.0 */
/* known.c - who a bearer token is of, and what was granted to them, for as long as nothing of that
 * changes: no signature is checked twice and no row is read twice.
 *
 *   token ─ keyed hash ─> entry { caller, epoch }   good while its epoch is the present one
 *   epoch = changes that this process made (store_pool_access) + changes seen in the store
 *
 * What this process changes is seen by the request that comes after the answer to the change.  What
 * another one changes is seen within KNOWN_LOOK_MS: that often somebody looks at the store's
 * revision of access.  An entry ends with its token, and after KNOWN_FOR_S in any case.
 * What is refused is never kept. */
#include "api/internal.h"

#include <sodium.h>
#include <stdlib.h>

#include "base/clock.h"

enum { WAYS = 4, SETS = 128, KNOWN_FOR_S = 60, KEPT_BYTES = 64 * KIB };
enum { HASH = crypto_generichash_BYTES, KEY = crypto_generichash_KEYBYTES };

struct known_caller {
    uint8_t hash[HASH];
    uint64_t epoch;
    int64_t until_s; /* UTC */
    unsigned n_refs; /* guarded by known->lock: one of the table, one of each request */
    struct arena arena;
    struct api_caller caller; /* in the arena */
};

struct known {
    uint8_t key[KEY];
    pthread_mutex_t lock; /* guards the rest, and n_refs */
    int64_t looked_at_ms;
    uint64_t n_seen;   /* changes seen in the store */
    char revision[32]; /* that was seen last */
    bool has_revision;
    struct known_caller *sets[SETS][WAYS];
};

struct known *known_open(void)
{
    struct known *known = calloc(1, sizeof(*known));
    if (!known || pthread_mutex_init(&known->lock, NULL) != 0) {
        free(known);
        return NULL;
    }
    randombytes_buf(known->key, sizeof(known->key));
    return known;
}

static void entry_free(struct known_caller *entry)
{
    arena_fini(&entry->arena);
    free(entry);
}

static void unref_locked(struct known_caller *entry)
{
    if (entry && --entry->n_refs == 0)
        entry_free(entry);
}

void known_close(struct known *known)
{
    if (!known)
        return;
    for (size_t i = 0; i < SETS; i++)
        for (size_t j = 0; j < WAYS; j++)
            unref_locked(known->sets[i][j]);
    pthread_mutex_destroy(&known->lock);
    free(known);
}

void known_forget(struct known *known)
{
    pthread_mutex_lock(&known->lock);
    known->n_seen++;
    pthread_mutex_unlock(&known->lock);
}

/* --- what changed
 * ------------------------------------------------------------------------------------------------
 */
/* True for the one whose turn it is to look. */
static bool is_due(struct known *known)
{
    int64_t now_ms = clock_mono_ms();
    pthread_mutex_lock(&known->lock);
    bool is_due = !known->looked_at_ms || now_ms - known->looked_at_ms >= KNOWN_LOOK_MS;
    if (is_due)
        known->looked_at_ms = now_ms;
    pthread_mutex_unlock(&known->lock);
    return is_due;
}

/* When the store cannot be asked nothing that is kept may be trusted. */
static bool look(struct api_call *call, struct err *err)
{
    struct known *known = call->api->known;
    str revision = STR("");
    bool ok = store_access_revision(call->store, call->arena, &revision, err);
    pthread_mutex_lock(&known->lock);
    if (!ok || !known->has_revision || !str_eq(revision, str_from(known->revision)))
        known->n_seen++;
    if (!ok)
        known->looked_at_ms = 0;
    snprintf(known->revision, sizeof(known->revision), STR_FMT, STR_ARG(revision));
    known->has_revision = ok;
    pthread_mutex_unlock(&known->lock);
    return ok;
}

static uint64_t epoch_locked(const struct api *api)
{
    return api->known->n_seen + store_pool_access(api->pool);
}

/* --- whom we know
 * ------------------------------------------------------------------------------------------------
 */
static struct known_caller **set_of(struct known *known, const uint8_t hash[static HASH])
{
    return known->sets[hash[0] % SETS];
}

static void hash_token(const struct known *known, str token, uint8_t out[static HASH])
{
    crypto_generichash(out, HASH, (const unsigned char *)token.ptr, token.len, known->key, KEY);
}

bool known_take(struct api_call *call, str token, bool *is_known, struct err *err)
{
    struct known *known = call->api->known;
    uint8_t hash[HASH];
    int64_t now = clock_now_s();
    *is_known = false;
    if (is_due(known) && !look(call, err))
        return false;
    hash_token(known, token, hash);
    pthread_mutex_lock(&known->lock);
    struct known_caller **set = set_of(known, hash);
    uint64_t epoch = epoch_locked(call->api);
    for (size_t i = 0; i < WAYS && !call->known; i++)
        if (set[i] && set[i]->epoch == epoch && now < set[i]->until_s &&
            memcmp(set[i]->hash, hash, HASH) == 0) {
            call->known = set[i];
            call->known->n_refs++;
        }
    pthread_mutex_unlock(&known->lock);
    *is_known = call->known != NULL;
    if (call->known)
        call->caller = call->known->caller;
    return true;
}

/* Its epoch is that of before anything was read: what changes meanwhile ends it at once. */
struct arena *known_begin(struct api_call *call)
{
    struct known_caller *entry = calloc(1, sizeof(*entry));
    if (!entry)
        return NULL;
    arena_init(&entry->arena, LIMIT(HTTP_ANSWER));
    entry->n_refs = 1;
    pthread_mutex_lock(&call->api->known->lock);
    entry->epoch = epoch_locked(call->api);
    pthread_mutex_unlock(&call->api->known->lock);
    call->known = entry;
    return &entry->arena;
}

/* In place of one that is no longer good, else of the one that ends first. */
static struct known_caller **slot_locked(struct known_caller **set, uint64_t epoch)
{
    struct known_caller **slot = &set[0];
    for (size_t i = 0; i < WAYS; i++) {
        if (!set[i] || set[i]->epoch != epoch)
            return &set[i];
        if (set[i]->until_s < (*slot)->until_s)
            slot = &set[i];
    }
    return slot;
}

void known_keep(struct api_call *call, str token, int64_t expires_at)
{
    struct known *known = call->api->known;
    struct known_caller *entry = call->known;
    int64_t until_s = clock_now_s() + KNOWN_FOR_S;
    entry->caller = call->caller;
    entry->until_s = until_s < expires_at ? until_s : expires_at;
    if (entry->arena.used_bytes > KEPT_BYTES)
        return;
    hash_token(known, token, entry->hash);
    pthread_mutex_lock(&known->lock);
    if (entry->epoch == epoch_locked(call->api)) {
        struct known_caller **slot = slot_locked(set_of(known, entry->hash), entry->epoch);
        unref_locked(*slot);
        *slot = entry;
        entry->n_refs++;
    }
    pthread_mutex_unlock(&known->lock);
}

void known_give(struct api_call *call)
{
    if (!call->known)
        return;
    pthread_mutex_lock(&call->api->known->lock);
    unref_locked(call->known);
    pthread_mutex_unlock(&call->api->known->lock);
    call->known = NULL;
}
