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
        ok = err_set(err, ERR_CONFLICT,
                     "%s: another plimsoll serve or worker uses this data directory", path);
    free(path);
    return ok;
}

/* A worker makes none: it could open nothing with it. */
static bool check_key(const struct guard *guard, const char *path, struct err *err)
{
    return guard->role != GUARD_WORKER || access(path, F_OK) == 0 ||
           err_set(err, ERR_USAGE,
                   "%s: there is none: a worker needs the key of the servers, which opens the "
                   "registries' credentials; copy it, or name it as secret-key-file",
                   path);
}

static bool load_key(struct guard *guard, struct err *err)
{
    str file = guard->config->secret_key_file;
    char *path = strndup(file.ptr, file.len);
    bool ok = path ? check_key(guard, path, err) && secret_key_load(path, &guard->key, err)
                   : err_memory(err);
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

static bool write_registry(struct guard *guard, struct store *store, const struct config *config,
                           const struct config_registry *r, struct err *err)
{
    struct store_registry row = {.subscription = r->subscription,
                                 .resource_group = r->resource_group,
                                 .name = r->name,
                                 .host = r->host,
                                 .is_plain_http = r->is_plain_http};
    return store_registry_put(store, &row, clock_now_s(), err) &&
           registry_reach_save(guard, store, row.id, config, r, err);
}

bool registries_write(struct guard *guard, const struct config *config, struct err *err)
{
    struct store *store;
    if (!store_pool_take(guard->durable, &store, err))
        return false;
    bool ok = store_changes_watch(store, config->channels.len > 0, err);
    for (size_t i = 0; ok && i < config->registries.len; i++)
        ok = write_registry(guard, store, config, &config->registries.ptr[i], err);
    store_pool_give(guard->durable, store);
    return ok;
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
    guard->is_shared = store_is_shared(store);
    bool ok = store_jobs_expire(store, clock_now_s(), !guard->is_shared, MAX_DEATHS, &n, err);
    store_pool_give(guard->durable, store);
    if (ok && n)
        log_event(LOG_WARN, "jobs of a killed server are queued again", LOG_NUM("jobs", n));
    return ok;
}

/* A file of SQLite is one server's. */
static bool check_role(const struct guard *guard, struct err *err)
{
    str name = guard->config->store;
    bool is_file = !str_starts(name, STR("postgres"));
    if (guard->scanner && !guard->config->workers && (is_file || guard->role == GUARD_WORKER))
        return err_set(err, ERR_USAGE,
                       "workers: 0 leaves all scans to plimsoll worker, on a store in PostgreSQL; "
                       "here it is at least 1");
    if (guard->role != GUARD_WORKER || !is_file)
        return true;
    return err_set(err, ERR_USAGE,
                   "worker: the store " STR_FMT
                   " is a file of one machine, and its server works on it already; workers share a "
                   "PostgreSQL: set store: to the one that the servers use",
                   STR_ARG(name));
}

static void init_threads(struct guard *guard)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&guard->changed, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&guard->lock, NULL);
    pthread_mutex_init(&guard->intake.lock, NULL);
    pthread_cond_init(&guard->intake.changed, NULL);
    pthread_mutex_init(&guard->settings_lock, NULL);
}

bool guard_open(const struct guard_spec *spec, struct guard **out, struct err *err)
{
    struct guard *guard = calloc(1, sizeof(*guard));
    if (!guard)
        return err_memory(err);
    guard->role = spec->role;
    guard->scanner = spec->scanner;
    guard->lock_fd = -1;
    init_threads(guard);
    if (!settings_open(guard, spec->config, err)) {
        guard_close(guard);
        return false;
    }
    str text = spec->config->data_dir;
    char *dir = strndup(text.ptr, text.len);
    bool ok = dir ? dir_make(dir, err) : err_memory(err);
    free(dir);
    if (!ok || !check_role(guard, err) || !lock_data(guard, err) || !load_key(guard, err) ||
        !open_store(guard, err) || !registry_hub_open(&guard->hub, err) ||
        (spec->role == GUARD_SERVER && !registries_write(guard, spec->config, err)) ||
        !prepare_store(guard, err) ||
        !advisories_init(&guard->advisories, spec->config->database_dir, err) ||
        !intake_start(guard, err)) {
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
    rules_give(guard->rules);
    registry_hub_close(guard->hub);
    store_pool_close(guard->relaxed);
    store_pool_close(guard->durable);
    free(guard->store_path);
    secret_key_forget(&guard->key);
    if (guard->lock_fd >= 0)
        close(guard->lock_fd);
    pthread_cond_destroy(&guard->intake.changed);
    pthread_mutex_destroy(&guard->intake.lock);
    pthread_cond_destroy(&guard->changed);
    pthread_mutex_destroy(&guard->lock);
    pthread_mutex_destroy(&guard->settings_lock);
    settings_close(guard);
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

void guard_cancel(struct guard *guard, int64_t job_id)
{
    pthread_mutex_lock(&guard->lock);
    for (size_t i = 0; i < SLOTS; i++)
        if (guard->slots[i].is_busy && guard->slots[i].id == job_id)
            cancel_want(&guard->slots[i].cancel);
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
    bool is_server = guard->role == GUARD_SERVER;
    if (!start_one(guard, keeper_main, guard, err) ||
        (is_server &&
         (!start_with_slot(guard, refresher_main, &guard->slots[SLOT_REFRESHER], err) ||
          !start_with_slot(guard, sweeper_main, &guard->slots[SLOT_SWEEPER], err) ||
          !start_with_slot(guard, importer_main, &guard->slots[SLOT_IMPORTER], err) ||
          !start_with_slot(guard, ruler_main, &guard->slots[SLOT_RULER], err) ||
          !start_with_slot(guard, deliver_main, &guard->slots[SLOT_DELIVERER], err))) ||
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
    intake_stop(guard);
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
        .is_leader = atomic_load(&guard->is_leader),
        .newest = atomic_load(&guard->newest_generation),
        .sandbox = guard->scanner ? scanner_level(guard->scanner) : SANDBOX_NONE,
        .is_reload_well = atomic_load(&guard->is_reload_well),
        .reloaded_at = atomic_load(&guard->reloaded_at),
    };
}
