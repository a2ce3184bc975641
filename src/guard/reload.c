/* SPDX-License-Identifier: Apache-2.0 */
/* reload.c - the configuration as a chain of immutable states, oldest first.  guard->config is the
 * newest; whoever reads it for longer than a line pins the chain before:
 *
 *   settings (pins 1) ─> settings (pins 0) ─> settings, now (pins 3)
 *   freed from this end, as far as nobody is pinned: a reader that began at one state may have seen
 *   that one and every later one, and no earlier one. */
#include "base/clock.h"
#include "guard/internal.h"

#include <stdlib.h>

struct settings {
    struct arena arena; /* of what was read again; the first one is its owner's */
    struct config own;
    const struct config *config;
    unsigned pins;
    struct settings *next;
};

static void settings_free(struct settings *settings)
{
    arena_fini(&settings->arena);
    free(settings);
}

bool settings_open(struct guard *guard, const struct config *config, struct err *err)
{
    struct settings *first = calloc(1, sizeof(*first));
    if (!first)
        return err_memory(err);
    first->config = config;
    guard->oldest = guard->newest = first;
    guard->config = config;
    atomic_store(&guard->reloaded_at, clock_now_s());
    atomic_store(&guard->is_reload_well, true);
    return true;
}

void settings_close(struct guard *guard)
{
    while (guard->oldest) {
        struct settings *next = guard->oldest->next;
        settings_free(guard->oldest);
        guard->oldest = next;
    }
}

static void drop_old_locked(struct guard *guard)
{
    while (guard->oldest != guard->newest && guard->oldest->pins == 0) {
        struct settings *next = guard->oldest->next;
        settings_free(guard->oldest);
        guard->oldest = next;
    }
}

struct settings *guard_pin(struct guard *guard)
{
    pthread_mutex_lock(&guard->settings_lock);
    struct settings *settings = guard->newest;
    settings->pins++;
    pthread_mutex_unlock(&guard->settings_lock);
    return settings;
}

void guard_unpin(struct guard *guard, struct settings *settings)
{
    pthread_mutex_lock(&guard->settings_lock);
    settings->pins--;
    drop_old_locked(guard);
    pthread_mutex_unlock(&guard->settings_lock);
}

const struct config *guard_config(const struct guard *guard) { return guard->config; }

/* --- reading again
 * ------------------------------------------------------------------------------------- */
#define CONFIG_MEMORY (16 * MIB)

bool guard_settings_read(struct guard *guard, const char *path, struct settings **out,
                         struct err *err)
{
    struct settings *fresh = calloc(1, sizeof(*fresh));
    if (!fresh)
        return err_memory(err);
    arena_init(&fresh->arena, CONFIG_MEMORY);
    fresh->config = &fresh->own;
    if (!config_load(&fresh->arena, path, &fresh->own, err) ||
        !config_keep(&fresh->arena, guard->config, &fresh->own, err)) {
        settings_free(fresh);
        return false;
    }
    *out = fresh;
    return true;
}

const struct config *guard_settings_config(const struct settings *settings)
{
    return settings->config;
}

void guard_settings_drop(struct settings *settings) { settings_free(settings); }

bool guard_reload(struct guard *guard, struct settings *fresh, struct err *err)
{
    if (!registries_write(guard, fresh->config, err))
        return false;
    pthread_mutex_lock(&guard->settings_lock);
    guard->newest->next = fresh;
    guard->newest = fresh;
    guard->config = fresh->config;
    drop_old_locked(guard);
    pthread_mutex_unlock(&guard->settings_lock);
    guard_wake(guard);
    return true;
}

void guard_reload_note(struct guard *guard, bool is_well)
{
    atomic_store(&guard->is_reload_well, is_well);
    if (is_well)
        atomic_store(&guard->reloaded_at, clock_now_s());
}
