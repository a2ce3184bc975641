/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdlib.h>

#include "store/internal.h"

/* As many connections as were ever lent at once, at most KEPT of them kept open. */
enum { KEPT = 8 };
struct store_pool {
    pthread_mutex_t lock; /* guards idle, n_idle */
    char *path;
    enum store_mode mode;
    atomic_uint_fast64_t n_access; /* changes of access by its connections */
    struct store *idle[KEPT];
    size_t n_idle;
};

bool store_pool_open(const char *path, enum store_mode mode, struct store_pool **out,
                     struct err *err)
{
    struct store *first = NULL; /* a bad path is said now, not at the first request */
    if (!store_open(path, mode, &first, err))
        return false;
    struct store_pool *pool = calloc(1, sizeof(*pool));
    if (!pool || !(pool->path = strdup(path))) {
        free(pool);
        store_close(first);
        return err_memory(err);
    }
    pthread_mutex_init(&pool->lock, NULL);
    pool->mode = mode;
    first->n_access = &pool->n_access;
    pool->idle[pool->n_idle++] = first;
    *out = pool;
    return true;
}

void store_pool_close(struct store_pool *pool)
{
    if (!pool)
        return;
    for (size_t i = 0; i < pool->n_idle; i++)
        store_close(pool->idle[i]);
    pthread_mutex_destroy(&pool->lock);
    free(pool->path);
    free(pool);
}

bool store_pool_take(struct store_pool *pool, struct store **out, struct err *err)
{
    struct store *store = NULL;
    pthread_mutex_lock(&pool->lock);
    if (pool->n_idle)
        store = pool->idle[--pool->n_idle];
    pthread_mutex_unlock(&pool->lock);
    if (!store && !store_open(pool->path, pool->mode, &store, err))
        return false;
    store->n_access = &pool->n_access;
    *out = store;
    return true;
}

uint64_t store_pool_access(const struct store_pool *pool) { return atomic_load(&pool->n_access); }

void store_pool_give(struct store_pool *pool, struct store *store)
{
    if (!store)
        return;
    pthread_mutex_lock(&pool->lock);
    bool is_kept = pool->n_idle < KEPT;
    if (is_kept)
        pool->idle[pool->n_idle++] = store;
    pthread_mutex_unlock(&pool->lock);
    if (!is_kept)
        store_close(store);
}
