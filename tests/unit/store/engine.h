/* SPDX-License-Identifier: Apache-2.0 */
/* engine.h - a fresh, empty store of the engine under test: a file of SQLite, or, when
 * TEST_POSTGRES says where one is (tests/with-postgres), a schema of PostgreSQL. */
#pragma once

#include "../support.h"

#include <libpq-fe.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/num.h"
#include "codec/codec.h"
#include "os/file.h"
#include "store/store.h"

struct engine {
    bool is_postgres;
    const char *dir; /* of files */
    char schema[64];
    char name[700]; /* for store_open */
};

static inline void engine_pg(const char *conninfo, const char *sql)
{
    PGconn *db = PQconnectdb(conninfo);
    PGresult *result = PQexec(db, sql);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        fail_msg("%s: %s", sql, PQerrorMessage(db));
    PQclear(result);
    PQfinish(db);
}

static inline void engine_open_as(struct engine *e, struct arena *arena, bool is_postgres)
{
    static atomic_uint n;
    *e = (struct engine){.is_postgres = is_postgres, .dir = test_mkdir(arena)};
    if (!is_postgres) {
        snprintf(e->name, sizeof(e->name), "%s/store.db", e->dir);
        return;
    }
    const char *where = getenv("TEST_POSTGRES");
    char sql[128];
    snprintf(e->schema, sizeof(e->schema), "t_%ld_%u", (long)getpid(), atomic_fetch_add(&n, 1));
    snprintf(sql, sizeof(sql), "CREATE SCHEMA %s", e->schema);
    engine_pg(where, sql);
    snprintf(e->name, sizeof(e->name), "postgres:%s options='-c search_path=%s'", where, e->schema);
}

static inline bool engine_has_postgres(void) { return getenv("TEST_POSTGRES") != NULL; }

static inline void engine_open(struct engine *e, struct arena *arena)
{
    engine_open_as(e, arena, engine_has_postgres());
}

/* A statement behind the store's back. */
static inline void engine_run(struct engine *e, const char *sql)
{
    if (e->is_postgres) {
        engine_pg(e->name + strlen("postgres:"), sql);
        return;
    }
    sqlite3 *db;
    char *why = NULL;
    assert_int_equal(sqlite3_open(e->name, &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 5000);
    if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
        fail_msg("%s: %s", sql, why);
    sqlite3_close(db);
}

/* The first column of the first row, as a number. */
static inline long long engine_number(struct engine *e, const char *sql)
{
    long long n = -1;
    if (e->is_postgres) {
        PGconn *db = PQconnectdb(e->name + strlen("postgres:"));
        PGresult *result = PQexec(db, sql);
        if (PQresultStatus(result) != PGRES_TUPLES_OK || PQntuples(result) < 1)
            fail_msg("%s: %s", sql, PQerrorMessage(db));
        n = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
        PQclear(result);
        PQfinish(db);
        return n;
    }
    sqlite3 *db;
    sqlite3_stmt *stmt = NULL;
    assert_int_equal(sqlite3_open(e->name, &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 5000);
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK ||
        sqlite3_step(stmt) != SQLITE_ROW)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    n = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return n;
}

/* Every byte of @store, as a backup holds it, uncompressed. */
static inline str engine_bytes(struct arena *arena, struct store *store)
{
    struct store_counts counts;
    struct err err = {0};
    str packed, out;
    int fd = memfd_create("backup", MFD_CLOEXEC);
    assert_ok(store_backup(store, fd, NULL, &counts, &err), err);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_ok(file_read_fd(arena, fd, 16 << 20, &packed, &err), err);
    close(fd);
    assert_ok(decode_whole(arena, packed, 16 << 20, &out, &err), err);
    return out;
}

static inline bool engine_holds(struct engine *e, struct arena *arena, struct store *store,
                                str needle)
{
    str bytes = STR("");
    struct err err = {0};
    if (!e->is_postgres)
        assert_ok(file_read(arena, e->name, 16 << 20, &bytes, &err), err);
    return str_has(bytes, needle) || str_has(engine_bytes(arena, store), needle);
}

static inline void engine_close(struct engine *e)
{
    if (e->is_postgres) {
        char sql[128];
        snprintf(sql, sizeof(sql), "DROP SCHEMA %s CASCADE", e->schema);
        engine_pg(getenv("TEST_POSTGRES"), sql);
    }
    test_rmdir(e->dir);
}
