/* SPDX-License-Identifier: Apache-2.0 */
/* The listener: work that another process adds to a shared store is begun at once, not at the next
 * poll. */
#include "guard/internal.h"

enum { WAIT_MS = 500, PAUSE_MS = 1000 };

static void listen_on(struct guard *guard, struct store *store)
{
    bool was_deaf = false;
    while (!guard_is_stopping(guard)) {
        struct err err = {0};
        enum next next = store_wait(store, WAIT_MS, &err);
        if (next == NEXT_ITEM)
            guard_wake(guard);
        if (next == NEXT_ERR && !was_deaf)
            log_event(LOG_WARN, "news of other servers come by polling", LOG_ERR(&err));
        was_deaf = next == NEXT_ERR;
        if (was_deaf)
            guard_sleep(guard, guard_wakes(guard), PAUSE_MS);
    }
}

void *listener_main(void *arg)
{
    struct guard *guard = arg;
    struct store *store = NULL;
    struct err err = {0};
    if (store_pool_take(guard->relaxed, &store, &err))
        listen_on(guard, store);
    else
        log_event(LOG_WARN, "news of other servers come by polling", LOG_ERR(&err));
    store_pool_give(guard->relaxed, store);
    return NULL;
}
