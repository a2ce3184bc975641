/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "store/internal.h"

/* --- migrations: forward one step at a time, each in a commit with its number
 * ------------------------- */
static bool migrate(struct store *store, struct err *err)
{
    size_t n = 0;
    const struct migration *steps = schema_migrations(&n);
    int64_t have = 0;
    if (!db_int(store, 0, &have, err, "SELECT COALESCE(MAX(version), 0) FROM migrations"))
        return false;
    if (have > store_schema_version())
        return err_set(
            err, ERR_UNSUPPORTED,
            "store: schema version %lld is newer than this program's %d; upgrade plimsoll, "
            "or restore a backup made by this version",
            (long long)have, store_schema_version());
    for (size_t i = 0; i < n; i++)
        if (steps[i].version > have &&
            (!store->driver->script(store->conn, steps[i].sql, err) ||
             !db_run(store, err, "INSERT INTO migrations (version) VALUES ($1)",
                     vi(steps[i].version))))
            return err_wrap(err, "schema version %d", steps[i].version);
    return true;
}

static bool prepare_schema(struct store *store, struct err *err)
{
    if (!tx_begin_write(store, err))
        return false;
    bool ok = store->driver->script(store->conn,
                                    "CREATE TABLE IF NOT EXISTS migrations "
                                    "(version BIGINT PRIMARY KEY);",
                                    err) &&
              migrate(store, err);
    return tx_end(store, ok, err);
}

bool store_open(const char *path, enum store_mode mode, struct store **out, struct err *err)
{
    struct store *store = calloc(1, sizeof(*store));
    if (!store)
        return err_memory(err);
    store->driver = &driver_sqlite;
    store->mode = mode;
    if (!store->driver->open(path, mode, &store->conn, err) || !prepare_schema(store, err)) {
        store_close(store);
        return err_wrap(err, "%s", path);
    }
    *out = store;
    return true;
}

void store_close(struct store *store)
{
    if (!store)
        return;
    for (size_t i = 0; i < PREPARED_MAX; i++)
        if (store->prepared[i].stmt)
            store->driver->drop(store->prepared[i].stmt);
    if (store->conn)
        store->driver->close(store->conn);
    free(store);
}

bool store_check(struct store *store, struct err *err)
{
    return store->driver->check(store->conn, err);
}

/* --- small facts
 * ---------------------------------------------------------------------------------------- */
bool store_meta_get(struct store *store, struct arena *arena, str key, str *value, struct err *err)
{
    auto_rows rows = {0};
    *value = STR("");
    if (!db_query(store, &rows, err, "SELECT value FROM meta WHERE name = $1", vt(key)))
        return false;
    enum next next = rows_next(&rows, err);
    if (next == NEXT_ITEM && !(*value = row_dup(&rows, 0, arena)).ptr)
        return err_memory(err);
    return next != NEXT_ERR;
}

bool store_meta_set(struct store *store, str key, str value, struct err *err)
{
    return db_run(store, err,
                  "INSERT INTO meta (name, value) VALUES ($1, $2)"
                  " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                  vt(key), vt(value));
}

static bool purge(struct store *store, int64_t before, struct err *err)
{
    return db_run(store, err,
                  "DELETE FROM jobs WHERE state IN ('done', 'failed', 'dead', 'cancelled')"
                  " AND finished_at < $1",
                  vi(before)) &&
           db_run(store, err, "DELETE FROM events WHERE received_at < $1", vi(before)) &&
           db_run(store, err, "DELETE FROM facts WHERE id NOT IN (SELECT fact_id FROM findings)") &&
           db_run(store, err,
                  "DELETE FROM advisories WHERE id NOT IN (SELECT advisory_id FROM facts)");
}

bool store_purge(struct store *store, int64_t before, struct err *err)
{
    return tx_begin_write(store, err) && tx_end(store, purge(store, before, err), err);
}
