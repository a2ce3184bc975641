/* SPDX-License-Identifier: Apache-2.0 */
/* removal.c - a registry that is guarded no longer.  What it showed leaves the results; what was
 * done with it (tag history, ledger, jobs that ended) stays. */
#include "store/internal.h"

#define OF_REGISTRY(column, table) column " IN (SELECT id FROM " table " WHERE registry_id = $1)"

static bool names_drop(struct store *store, int64_t id, int64_t now, struct err *err)
{
    return db_run(store, err,
                  "INSERT INTO tag_history (repository_id, name, digest, at)"
                  " SELECT repository_id, name, '', $2 FROM tags WHERE " OF_REGISTRY(
                      "repository_id", "repositories"),
                  vi(id), vi(now)) &&
           db_run(store, err,
                  "DELETE FROM tags WHERE " OF_REGISTRY("repository_id", "repositories"), vi(id)) &&
           db_run(store, err, "DELETE FROM index_children WHERE " OF_REGISTRY("index_id", "images"),
                  vi(id));
}

static bool results_drop(struct store *store, int64_t id, int64_t now, struct err *err)
{
    return db_run(store, err, "DELETE FROM findings WHERE registry_id = $1", vi(id)) &&
           db_run(store, err, "DELETE FROM image_notices WHERE " OF_REGISTRY("image_id", "images"),
                  vi(id)) &&
           db_run(store, err,
                  "UPDATE images SET deleted_at = $2, verdict = '', is_complete = 0, reason = '',"
                  " scanned_at = 0, failure = '', failed_at = 0, n_critical = 0, n_high = 0,"
                  " n_medium = 0, n_low = 0, n_unknown = 0, n_patchable = 0, n_disabled = 0"
                  " WHERE registry_id = $1 AND deleted_at = 0",
                  vi(id), vi(now)) &&
           db_run(store, err, "DELETE FROM assessments WHERE registry_id = $1", vi(id)) &&
           db_run(store, err, "DELETE FROM secrets WHERE registry_id = $1", vi(id));
}

/* A running job loses its lease, so what it still finds is refused. */
static bool jobs_cancel(struct store *store, int64_t id, int64_t now, struct err *err)
{
    return db_run(store, err,
                  "UPDATE jobs SET state = 'cancelled', lease = lease + 1, leased_until = 0,"
                  " finished_at = $2, error = 'the registry was removed' WHERE registry_id = $1"
                  " AND state IN ('queued', 'running')",
                  vi(id), vi(now));
}

static bool registry_remove(struct store *store, int64_t id, int64_t now, struct err *err)
{
    if (!registry_lock(store, id, err) ||
        !db_run(store, err,
                "UPDATE registries SET removed_at = $2, folded = folded || '#' || id"
                " WHERE id = $1 AND removed_at = 0",
                vi(id), vi(now)))
        return false;
    if (!db_changes(store))
        return err_set(err, ERR_NOT_FOUND, "registry %lld: not known", (long long)id);
    return jobs_cancel(store, id, now, err) && names_drop(store, id, now, err) &&
           results_drop(store, id, now, err);
}

bool store_registry_remove(struct store *store, int64_t id, int64_t now, struct err *err)
{
    return TX_WRITTEN(store, err, registry_remove(store, id, now, err));
}

bool store_registry_size(struct store *store, int64_t id, uint64_t *bytes, struct err *err)
{
    int64_t sum = 0;
    bool ok = db_int(store, 0, &sum, err,
                     "SELECT COALESCE(SUM(size_bytes), 0) FROM (SELECT DISTINCT l.digest,"
                     " l.size_bytes FROM image_layers l JOIN images i ON i.id = l.image_id"
                     " WHERE i.registry_id = $1 AND i.deleted_at = 0) once",
                     vi(id));
    *bytes = sum > 0 ? (uint64_t)sum : 0;
    return ok;
}
