/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "store/internal.h"

/* --- which engine
 * ------------------------------------------------------------------------------------------ */
const struct driver *driver_of(str name, str *place)
{
    static const struct driver *const all[] = {&driver_postgres, &driver_sqlite};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (all[i]->is_mine(name, place))
            return all[i];
    return NULL;
}

bool store_name_check(str name, struct err *err)
{
    str place;
    return driver_of(name, &place)
               ? true
               : err_set(err, ERR_USAGE,
                         "a store is sqlite:PATH, postgres:CONNINFO or postgresql://…");
}

str store_describe(struct arena *arena, const char *name)
{
    str place;
    const struct driver *driver = driver_of(str_from(name), &place);
    auto_sb text;
    sb_init(&text, LIMIT(PATH));
    if (driver)
        driver->describe(place.ptr, &text);
    return arena_dup(arena, driver && sb_str(&text).len ? sb_str(&text) : STR("a store"));
}

/* --- migrations: forward one step at a time, each in a commit with its number
 * ------------------------- */
static bool schema_now(struct store *store, int64_t *version, struct err *err)
{
    bool has = false;
    *version = 0;
    return store->driver->has_table(store->conn, "migrations", &has, err) &&
           (!has ||
            db_int(store, 0, version, err, "SELECT COALESCE(MAX(version), 0) FROM migrations"));
}

static bool refuse_newer(int64_t have, struct err *err)
{
    if (have <= store_schema_version())
        return true;
    return err_set(err, ERR_UNSUPPORTED,
                   "store: schema version %lld is newer than this program's %d; upgrade plimsoll, "
                   "or restore a backup made by this version",
                   (long long)have, store_schema_version());
}

static bool migrate(struct store *store, struct err *err)
{
    size_t n = 0;
    const struct migration *steps = schema_migrations(&n);
    int64_t have = 0;
    if (!schema_now(store, &have, err) || !refuse_newer(have, err) ||
        !store->driver->script(store->conn,
                               "CREATE TABLE IF NOT EXISTS migrations "
                               "(version BIGINT PRIMARY KEY);",
                               err))
        return false;
    for (size_t i = 0; i < n; i++)
        if (steps[i].version > have &&
            (!store->driver->script(store->conn, steps[i].sql, err) ||
             !db_run(store, err, "INSERT INTO migrations (version) VALUES ($1)",
                     vi(steps[i].version))))
            return err_wrap(err, "schema version %d", steps[i].version);
    return true;
}

/* Most who open find the schema as it should be, and wait for nobody. */
static bool prepare_schema(struct store *store, bool is_kept, int *was, struct err *err)
{
    int64_t have = 0;
    if (!schema_now(store, &have, err) || !refuse_newer(have, err))
        return false;
    if (was)
        *was = (int)have;
    if (have == store_schema_version())
        return true;
    if (!is_kept)
        return TX_DONE_ALONE(store, err, migrate(store, err));
    return have ? err_set(err, ERR_UNSUPPORTED,
                          "store: schema version %lld is older than this program's %d; bring it "
                          "forward: plimsoll store migrate",
                          (long long)have, store_schema_version())
                : err_set(err, ERR_NOT_FOUND, "store: there is none in it");
}

static bool open_at(const struct driver *driver, const char *place, enum store_mode mode,
                    bool is_kept, int *was, struct store **out, struct err *err)
{
    struct store *store = calloc(1, sizeof(*store));
    if (!store)
        return err_memory(err);
    store->driver = driver;
    store->mode = mode;
    if (!driver->open(place, mode, !is_kept, &store->conn, err) ||
        !prepare_schema(store, is_kept, was, err)) {
        store_close(store);
        return false;
    }
    *out = store;
    return true;
}

static bool open_named(const char *name, enum store_mode mode, bool is_kept, int *was,
                       struct store **out, struct err *err)
{
    str place;
    auto_sb shown;
    sb_init(&shown, LIMIT(PATH));
    const struct driver *driver = driver_of(str_from(name), &place);
    if (!driver)
        return store_name_check(str_from(name), err);
    if (open_at(driver, place.ptr, mode, is_kept, was, out, err))
        return true;
    driver->describe(place.ptr, &shown);
    return err_wrap(err, "%s", shown.ptr ? shown.ptr : driver->name);
}

bool store_open(const char *name, enum store_mode mode, struct store **out, struct err *err)
{
    return open_named(name, mode, false, NULL, out, err);
}

bool store_open_kept(const char *name, enum store_mode mode, struct store **out, struct err *err)
{
    return open_named(name, mode, true, NULL, out, err);
}

bool store_migrate(const char *name, int *from, struct err *err)
{
    struct store *store = NULL;
    bool ok = open_named(name, STORE_DURABLE, false, from, &store, err);
    store_close(store);
    return ok;
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
    for (size_t i = 0; i < store->n_bulks; i++)
        free(store->bulks[i].sql);
    free(store);
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
           db_run(store, err,
                  "DELETE FROM facts WHERE id IN"
                  " (SELECT id FROM facts EXCEPT SELECT fact_id FROM findings)") &&
           db_run(store, err,
                  "DELETE FROM advisories WHERE id IN"
                  " (SELECT id FROM advisories EXCEPT SELECT advisory_id FROM facts)");
}

bool store_purge(struct store *store, int64_t before, struct err *err)
{
    /* alone: a text that nobody uses now may be what another writer is about to use */
    return TX_DONE_ALONE(store, err, purge(store, before, err));
}
