/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guard/internal.h"

bool advisories_init(struct advisories *advisories, str dir, struct err *err)
{
    pthread_mutex_init(&advisories->lock, NULL);
    advisories->dir = strndup(dir.ptr, dir.len);
    return advisories->dir ? true : err_memory(err);
}

void snapshot_give(struct snapshot *snapshot)
{
    if (!snapshot || atomic_fetch_sub(&snapshot->refs, 1) != 1)
        return;
    advisory_db_close(snapshot->db);
    free(snapshot);
}

void advisories_fini(struct advisories *advisories)
{
    if (!advisories->dir)
        return;
    snapshot_give(advisories->now);
    free(advisories->dir);
    pthread_mutex_destroy(&advisories->lock);
    advisories->dir = NULL;
}

/* Where DIR/current leads: what tells one generation from the next without opening it. */
static bool read_target(const char *dir, char *out, size_t size)
{
    char *path = NULL;
    if (asprintf(&path, "%s/current", dir) < 0)
        return false;
    ssize_t n = readlink(path, out, size - 1);
    free(path);
    if (n <= 0)
        return false;
    out[n] = '\0';
    return true;
}

static bool snapshot_open(const char *dir, const char *target, struct snapshot **out,
                          struct err *err)
{
    struct snapshot *snapshot = calloc(1, sizeof(*snapshot));
    if (!snapshot)
        return err_memory(err);
    if (!advisory_db_open(dir, &snapshot->db, err)) {
        free(snapshot);
        return false;
    }
    atomic_init(&snapshot->refs, 1);
    snapshot->generation = advisory_db_generation(snapshot->db);
    snprintf(snapshot->target, sizeof(snapshot->target), "%s", target);
    *out = snapshot;
    return true;
}

static bool renew(struct advisories *advisories, struct err *err)
{
    char target[sizeof(advisories->now->target)];
    if (!read_target(advisories->dir, target, sizeof(target)))
        return advisories->now ? true
                               : err_set(err, ERR_NOT_FOUND,
                                         "%s: there is no advisory database yet", advisories->dir);
    if (advisories->now && str_eq(str_from(advisories->now->target), str_from(target)))
        return true;
    struct snapshot *fresh = NULL;
    if (!snapshot_open(advisories->dir, target, &fresh, err))
        return false;
    snapshot_give(advisories->now);
    advisories->now = fresh;
    return true;
}

bool snapshot_take(struct advisories *advisories, struct snapshot **out, struct err *err)
{
    pthread_mutex_lock(&advisories->lock);
    bool ok = renew(advisories, err);
    if (ok) {
        atomic_fetch_add(&advisories->now->refs, 1);
        *out = advisories->now;
    }
    pthread_mutex_unlock(&advisories->lock);
    return ok;
}

uint64_t advisories_generation(struct advisories *advisories)
{
    struct err none;
    pthread_mutex_lock(&advisories->lock);
    uint64_t generation = renew(advisories, &none) ? advisories->now->generation : 0;
    pthread_mutex_unlock(&advisories->lock);
    return generation;
}
