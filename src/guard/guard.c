/* SPDX-License-Identifier: Apache-2.0 */
#include "guard/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "os/file.h"

/* --- opening
 * ------------------------------------------------------------------------------------------------
 */
static char *path_in(str dir, const char *name)
{
    char *path = NULL;
    return asprintf(&path, STR_FMT "/%s", STR_ARG(dir), name) < 0 ? NULL : path;
}

static bool lock_data(struct guard *guard, struct err *err)
{
    char *path = path_in(guard->config->data_dir, "lock");
    if (!path)
        return err_memory(err);
    guard->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    bool ok = true;
    if (guard->lock_fd < 0)
        ok = err_sys(err, ERR_IO, "%s", path);
    else if (flock(guard->lock_fd, LOCK_EX | LOCK_NB) != 0)
        ok =
            err_set(err, ERR_CONFLICT, "%s: another plimsoll serve uses this data directory", path);
    free(path);
    return ok;
}

static bool load_key(struct guard *guard, struct err *err)
{
    str file = guard->config->secret_key_file;
    char *path = strndup(file.ptr, file.len);
    bool ok = path ? secret_key_load(path, &guard->key, err) : err_memory(err);
    free(path);
    return ok;
}

static bool open_store(struct guard *guard, struct err *err)
{
    str name = guard->config->store;
    if (!(guard->store_path = strndup(name.ptr, name.len)))
        return err_memory(err);
    return store_pool_open(guard->store_path, STORE_DURABLE, &guard->durable, err) &&
           store_pool_open(guard->store_path, STORE_RELAXED, &guard->relaxed, err);
}

/* Sealed again only when it is another one: a new seal is a new row for every backup. */
static bool write_secret(struct guard *guard, struct store *store, int64_t registry_id,
                         const char *name, str secret, struct err *err)
{
    struct arena arena;
    struct err none = {0};
    str kept;
    arena_init(&arena, MIB);
    bool is_same = store_secret_get(store, &arena, &guard->key, registry_id, name, &kept, &none) &&
                   str_eq(kept, secret);
    arena_fini(&arena);
    return is_same ||
           store_secret_set(store, &guard->key, registry_id, name, secret, clock_now_s(), err);
}

static bool write_registries(struct guard *guard, struct store *store, struct err *err)
{
    for (size_t i = 0; i < guard->config->registries.len; i++) {
        const struct config_registry *r = &guard->config->registries.ptr[i];
        struct store_registry row = {.subscription = r->subscription,
                                     .resource_group = r->resource_group,
                                     .name = r->name,
                                     .host = r->host,
                                     .is_plain_http = r->is_plain_http};
        if (!store_registry_put(store, &row, clock_now_s(), err) ||
            !write_secret(guard, store, row.id, SECRET_USERNAME, r->username, err) ||
            !write_secret(guard, store, row.id, SECRET_PASSWORD, r->password, err))
            return false;
    }
    return true;
}

enum { MAX_DEATHS = 100 };

/* The lock says that no other process holds a lease on a store of our own: all are a killed
 * predecessor's. */
static bool prepare_store(struct guard *guard, struct err *err)
{
    struct store *store;
    size_t n = 0;
    if (!store_pool_take(guard->durable, &store, err))
        return false;
    bool ok = write_registries(guard, store, err) &&
              store_jobs_expire(store, clock_now_s(), !store_is_shared(store), MAX_DEATHS, &n, err);
    guard->is_shared = ok && store_is_shared(store);
    store_pool_give(guard->durable, store);
    if (ok && n)
        log_event(LOG_WARN, "jobs of a killed server are queued again", LOG_NUM("jobs", n));
    return ok;
}

static void init_threads(struct guard *guard)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&guard->changed, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&guard->lock, NULL);
}

bool guard_open(const struct guard_spec *spec, struct guard **out, struct err *err)
{
    struct guard *guard = calloc(1, sizeof(*guard));
    if (!guard)
        return err_memory(err);
    guard->config = spec->config;
    guard->scanner = spec->scanner;
    guard->lock_fd = -1;
    init_threads(guard);
    str text = spec->config->data_dir;
    char *dir = strndup(text.ptr, text.len);
    bool ok = dir ? dir_make(dir, err) : err_memory(err);
    free(dir);
    if (!ok || !lock_data(guard, err) || !load_key(guard, err) || !open_store(guard, err) ||
        !prepare_store(guard, err) ||
        !advisories_init(&guard->advisories, spec->config->database_dir, err)) {
        guard_close(guard);
        return false;
    }
    *out = guard;
    return true;
}

void guard_close(struct guard *guard)
{
    if (!guard)
        return;
    guard_stop(guard, 0);
    advisories_fini(&guard->advisories);
    store_pool_close(guard->relaxed);
    store_pool_close(guard->durable);
    free(guard->store_path);
    secret_key_forget(&guard->key);
    if (guard->lock_fd >= 0)
        close(guard->lock_fd);
    pthread_cond_destroy(&guard->changed);
    pthread_mutex_destroy(&guard->lock);
    free(guard);
}

const char *guard_store_path(const struct guard *guard) { return guard->store_path; }
const struct secret_key *guard_secret_key(const struct guard *guard) { return &guard->key; }

/* --- waking
 * --------------------------------------------------------------------------------------------------
 */
void guard_wake(struct guard *guard)
{
    pthread_mutex_lock(&guard->lock);
    guard->wakes++;
    pthread_cond_broadcast(&guard->changed);
    pthread_mutex_unlock(&guard->lock);
}

uint64_t guard_wakes(struct guard *guard)
{
    pthread_mutex_lock(&guard->lock);
    uint64_t wakes = guard->wakes;
    pthread_mutex_unlock(&guard->lock);
    return wakes;
}

static struct timespec mono_in(uint32_t ms)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += ms / 1000;
    at.tv_nsec += (long)(ms % 1000) * 1000000L;
    if (at.tv_nsec >= 1000000000L) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000L;
    }
    return at;
}

/* @seen was read before the queue was looked at, so what came in between is not slept over. */
void guard_sleep(struct guard *guard, uint64_t seen, uint32_t timeout_ms)
{
    struct timespec until = mono_in(timeout_ms);
    pthread_mutex_lock(&guard->lock);
    while (guard->wakes == seen && !atomic_load(&guard->is_stopping))
        if (pthread_cond_timedwait(&guard->changed, &guard->lock, &until) != 0)
            break;
    pthread_mutex_unlock(&guard->lock);
}

bool guard_is_stopping(struct guard *guard) { return atomic_load(&guard->is_stopping); }

/* --- slots
 * ------------------------------------------------------------------------------------------------------
 */
void slot_open(struct guard *guard, struct slot *slot, const struct job *job, uint64_t limit_s)
{
    pthread_mutex_lock(&guard->lock);
    atomic_store(&slot->cancel.is_wanted, false);
    slot->cancel.deadline_mono_ms = limit_s ? clock_mono_ms() + (int64_t)limit_s * 1000 : 0;
    slot->id = job->id;
    slot->lease = job->lease;
    slot->is_busy = true;
    pthread_mutex_unlock(&guard->lock);
}

void slot_close(struct guard *guard, struct slot *slot)
{
    pthread_mutex_lock(&guard->lock);
    slot->is_busy = false;
    pthread_cond_broadcast(&guard->changed);
    pthread_mutex_unlock(&guard->lock);
}

/* --- threads
 * -----------------------------------------------------------------------------------------------------
 */
static bool start_one(struct guard *guard, void *(*run)(void *), void *arg, struct err *err)
{
    int rc = pthread_create(&guard->threads[guard->n_threads], NULL, run, arg);
    if (rc != 0) {
        errno = rc;
        return err_sys(err, ERR_IO, "thread");
    }
    guard->n_threads++;
    return true;
}

static bool start_with_slot(struct guard *guard, void *(*run)(void *), struct slot *slot,
                            struct err *err)
{
    struct guard_thread *arg = malloc(sizeof(*arg));
    if (!arg)
        return err_memory(err);
    *arg = (struct guard_thread){guard, slot};
    if (start_one(guard, run, arg, err))
        return true; /* the thread frees it */
    free(arg);
    return false;
}

static bool start_all(struct guard *guard, struct err *err)
{
    if (!start_one(guard, keeper_main, guard, err) ||
        !start_with_slot(guard, refresher_main, &guard->slots[SLOT_REFRESHER], err) ||
        !start_with_slot(guard, sweeper_main, &guard->slots[SLOT_SWEEPER], err) ||
        (guard->is_shared && !start_one(guard, listener_main, guard, err)))
        return false;
    for (uint32_t i = 0; i < guard->config->workers && i < WORKERS_MAX; i++)
        if (!start_with_slot(guard, worker_main, &guard->slots[i], err))
            return false;
    return true;
}

bool guard_start(struct guard *guard, struct err *err)
{
    if (!guard->scanner || start_all(guard, err))
        return true;
    guard_stop(guard, 0);
    return false;
}

static bool any_busy(const struct guard *guard)
{
    for (size_t i = 0; i < SLOTS; i++)
        if (guard->slots[i].is_busy)
            return true;
    return false;
}

void guard_stop(struct guard *guard, uint32_t grace_ms)
{
    struct timespec until = mono_in(grace_ms);
    pthread_mutex_lock(&guard->lock);
    atomic_store(&guard->is_stopping, true);
    pthread_cond_broadcast(&guard->changed);
    while (any_busy(guard))
        if (pthread_cond_timedwait(&guard->changed, &guard->lock, &until) != 0)
            break;
    for (size_t i = 0; i < SLOTS; i++)
        if (guard->slots[i].is_busy)
            cancel_want(&guard->slots[i].cancel);
    pthread_mutex_unlock(&guard->lock);
    for (size_t i = 0; i < guard->n_threads; i++)
        pthread_join(guard->threads[i], NULL);
    guard->n_threads = 0;
}

void guard_status_get(struct guard *guard, struct guard_status *out)
{
    uint64_t generation = advisories_generation(&guard->advisories);
    *out = (struct guard_status){
        .is_scanning = guard->scanner && generation && !atomic_load(&guard->is_stopping),
        .generation = generation,
        .notifications_accepted = atomic_load(&guard->n_accepted),
        .notifications_refused = atomic_load(&guard->n_refused),
        .sandbox = guard->scanner ? scanner_level(guard->scanner) : SANDBOX_NONE,
    };
}
