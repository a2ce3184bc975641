/* SPDX-License-Identifier: Apache-2.0 */
/* pool.c - clients between two uses.  A client belongs to one thread at a time, so its connections
 * may go from one to the next without being shared. */
#include <stdlib.h>
#include <threads.h>

#include "http/internal.h"

enum { MAX_IDLE = 32 };

struct http_pool {
    mtx_t lock;                         /* guards all below */
    struct http_client *idle[MAX_IDLE]; /* the last one rests the shortest */
    size_t n_idle;
};

bool http_pool_open(struct http_pool **out, struct err *err)
{
    struct http_pool *pool = calloc(1, sizeof(*pool));
    if (!pool)
        return err_memory(err);
    mtx_init(&pool->lock, mtx_plain);
    *out = pool;
    return true;
}

void http_pool_close(struct http_pool *pool)
{
    if (!pool)
        return;
    for (size_t i = 0; i < pool->n_idle; i++)
        http_client_free(pool->idle[i]);
    mtx_destroy(&pool->lock);
    free(pool);
}

static struct http_client *pull(struct http_pool *pool, size_t at)
{
    struct http_client *client = pool->idle[at];
    pool->n_idle--;
    for (size_t i = at; i < pool->n_idle; i++)
        pool->idle[i] = pool->idle[i + 1];
    return client;
}

struct http_client *http_pool_take(struct http_pool *pool, const struct http_client_spec *spec)
{
    struct http_client *found = NULL;
    mtx_lock(&pool->lock);
    for (size_t i = pool->n_idle; i-- > 0 && !found;)
        if (http_client_fits(pool->idle[i], spec))
            found = pull(pool, i);
    mtx_unlock(&pool->lock);
    return found;
}

void http_pool_give(struct http_pool *pool, struct http_client *client)
{
    struct http_client *oldest = NULL;
    mtx_lock(&pool->lock);
    if (pool->n_idle == MAX_IDLE)
        oldest = pull(pool, 0);
    pool->idle[pool->n_idle++] = client;
    mtx_unlock(&pool->lock);
    if (oldest)
        http_client_free(oldest);
}
