/* SPDX-License-Identifier: Apache-2.0 */
/* intake.c - one thread keeps what registries say.  While it waits for the disk, others arrive:
 * they are the next commit, however many.  Who comes alone is kept at once. */
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/map.h"
#include "guard/internal.h"

enum { BATCH_MAX = 256, MEMORY = 4 * MIB };

struct batch {
    struct guard *guard;
    struct store *store;
    struct arena arena;
    struct map ids; /* of registries, by name */
    struct waiting *of[BATCH_MAX];
    struct store_message messages[BATCH_MAX];
    size_t n;
};

/* --- a commit
 * ------------------------------------------------------------------------------------------------
 */
static bool id_of(struct batch *b, str name, int64_t *id, struct err *err)
{
    struct store_registry registry;
    void **at = map_at(&b->ids, name);
    if (!at)
        return err_memory(err);
    if (!*at) {
        int64_t *kept = arena_new(&b->arena, int64_t);
        if (!kept)
            return err_memory(err);
        if (!store_registry_get(b->store, &b->arena, name, &registry, err))
            return false;
        *kept = registry.id;
        at = map_at(&b->ids, name);
        if (!at)
            return err_memory(err);
        *at = kept;
    }
    *id = *(int64_t *)*at;
    return true;
}

/* A name that is not known does not hold up the others. */
static void keep_known(struct batch *b)
{
    struct waiting *known[BATCH_MAX];
    size_t n = 0;
    for (size_t i = 0; i < b->n; i++) {
        struct waiting *w = b->of[i];
        struct store_message *m = &b->messages[n];
        *m = (struct store_message){.events = w->events, .n = w->n};
        if (id_of(b, w->registry, &m->registry_id, &w->err))
            known[n++] = w;
    }
    store_messages_add(b->store, b->messages, n, clock_now_s());
    for (size_t i = 0; i < n; i++) {
        known[i]->is_kept = b->messages[i].is_kept;
        known[i]->counts = b->messages[i].counts;
        known[i]->err = b->messages[i].err;
    }
}

static void keep(struct batch *b)
{
    struct err err = {0};
    bool ok = store_pool_take(b->guard->durable, &b->store, &err);
    arena_reset(&b->arena);
    map_init(&b->ids, &b->arena);
    for (size_t i = 0; i < b->n; i++)
        b->of[i]->err = err;
    if (ok) {
        keep_known(b);
        store_pool_give(b->guard->durable, b->store);
    }
    for (size_t i = 0; i < b->n; i++)
        b->of[i]->done(b->of[i]); /* it is gone after that */
}

/* --- the thread
 * ---------------------------------------------------------------------------------------------- */
/* All that waits, at most a batch; false when there will be no more. */
static bool collect(struct intake *intake, struct batch *b)
{
    b->n = 0;
    pthread_mutex_lock(&intake->lock);
    while (!intake->first && intake->is_open)
        pthread_cond_wait(&intake->changed, &intake->lock);
    while (intake->first && b->n < BATCH_MAX) {
        b->of[b->n++] = intake->first;
        intake->first = intake->first->next;
    }
    if (!intake->first)
        intake->last = NULL;
    pthread_mutex_unlock(&intake->lock);
    return b->n > 0;
}

static void *intake_main(void *arg)
{
    struct batch *b = arg;
    arena_init(&b->arena, MEMORY);
    while (collect(&b->guard->intake, b))
        keep(b);
    arena_fini(&b->arena);
    free(b);
    return NULL;
}

bool intake_start(struct guard *guard, struct err *err)
{
    struct intake *intake = &guard->intake;
    struct batch *b = calloc(1, sizeof(*b));
    if (!b)
        return err_memory(err);
    b->guard = guard;
    intake->is_open = true; /* nobody looks yet */
    errno = pthread_create(&intake->thread, NULL, intake_main, b);
    if (errno == 0)
        return true;
    intake->is_open = false;
    free(b);
    return err_sys(err, ERR_UNAVAILABLE, "thread");
}

void intake_stop(struct guard *guard)
{
    struct intake *intake = &guard->intake;
    pthread_mutex_lock(&intake->lock);
    bool was_open = intake->is_open;
    intake->is_open = false;
    pthread_cond_broadcast(&intake->changed);
    pthread_mutex_unlock(&intake->lock);
    if (was_open)
        pthread_join(intake->thread, NULL);
}

bool intake_add(struct guard *guard, struct waiting *waiting, struct err *err)
{
    struct intake *intake = &guard->intake;
    waiting->next = NULL;
    pthread_mutex_lock(&intake->lock);
    bool is_open = intake->is_open;
    if (is_open) {
        if (intake->last)
            intake->last->next = waiting;
        else
            intake->first = waiting;
        intake->last = waiting;
        pthread_cond_signal(&intake->changed);
    }
    pthread_mutex_unlock(&intake->lock);
    return is_open || err_set(err, ERR_UNAVAILABLE, "the server is stopping");
}
