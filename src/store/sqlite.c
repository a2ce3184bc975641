/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite driver: WAL, one connection a thread.  All that is SQLite's own is in this file.
 * synchronous=FULL for DURABLE: in WAL mode NORMAL syncs only at checkpoints, so an acknowledged
 * commit could be lost with the power.  secure_delete is on in Debian's build and doubles what a
 * delete writes; nothing here is a secret in the clear, so it is turned off. */
#include <errno.h>
#include <sqlite3.h>
#include <time.h>
#include <unistd.h>

#include "store/internal.h"

enum { BUSY_MS = 15000, BUSY_PAUSE_MS = 1 };

static bool fail(sqlite3 *db, int rc, const char *what, struct err *err)
{
    const char *says = db ? sqlite3_errmsg(db) : sqlite3_errstr(rc);
    enum err_kind kind = ERR_UNAVAILABLE;
    switch (rc & 0xff) {
    case SQLITE_CONSTRAINT:
        kind = ERR_CONFLICT;
        break;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_SCHEMA:
    case SQLITE_MISMATCH:
        kind = ERR_FORMAT;
        break;
    case SQLITE_NOMEM:
        kind = ERR_MEMORY;
        break;
    case SQLITE_INTERRUPT:
        kind = ERR_CANCELLED;
        break;
    case SQLITE_TOOBIG:
        kind = ERR_LIMIT;
        break;
    case SQLITE_ERROR:
    case SQLITE_RANGE:
    case SQLITE_MISUSE:
        kind = ERR_IO;
        break;
    default:
        break; /* full, locked, unreadable, gone: all are "not now" */
    }
    return err_set(err, kind, "store: %s: %s", what, says);
}

static const char *const pragmas_common =
    "PRAGMA foreign_keys=ON; PRAGMA secure_delete=OFF; PRAGMA temp_store=MEMORY;"
    "PRAGMA trusted_schema=OFF; PRAGMA journal_size_limit=67108864; PRAGMA cell_size_check=ON;";

/* Bringing the log home takes two syncs and every page that changed: that is for results and
 * re-matches, after 64 MiB; who waits for an acknowledgement does it only when nobody else did. */
static const char *const pragmas_durable =
    "PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=65536;";
static const char *const pragmas_relaxed =
    "PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=16384; PRAGMA cache_size=-16384;";

/* SQLite's own sleeps grow to 100 ms and so miss the short while between two commits of a long row
 * of them. */
static int wait_for_turn(void *ctx, int n_waits)
{
    static const struct timespec pause = {.tv_nsec = BUSY_PAUSE_MS * 1000000L};
    (void)ctx;
    nanosleep(&pause, NULL);
    return n_waits < BUSY_MS / BUSY_PAUSE_MS;
}

static bool configure(sqlite3 *db, enum store_mode mode, struct err *err)
{
    sqlite3_extended_result_codes(db, 1);
    sqlite3_busy_handler(db, wait_for_turn, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    int rc = sqlite3_exec(db, "PRAGMA journal_mode=WAL;", NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(db, pragmas_common, NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(db, mode == STORE_DURABLE ? pragmas_durable : pragmas_relaxed, NULL, NULL,
                          NULL);
    return rc == SQLITE_OK || fail(db, rc, "open", err);
}

/* "sqlite:PATH", or a path alone. */
static bool lite_is_mine(str name, str *place)
{
    bool has_prefix = str_starts(name, STR("sqlite:"));
    *place = has_prefix ? str_skip(name, sizeof("sqlite:") - 1) : name;
    return place->len > 0 && (has_prefix || !str_has(name, STR("://")));
}

static void lite_describe(const char *path, struct sb *out) { sb_addc(out, path); }

static bool lite_open(const char *path, enum store_mode mode, bool is_made, void **conn,
                      struct err *err)
{
    sqlite3 *db = NULL;
    if (!is_made && access(path, F_OK) != 0)
        return err_sys(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "store");
    int rc = sqlite3_open_v2(
        path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (is_made ? SQLITE_OPEN_CREATE : 0),
        NULL);
    bool ok = rc == SQLITE_OK ? configure(db, mode, err) : fail(db, rc, "open", err);
    if (!ok) {
        sqlite3_close_v2(db);
        return false;
    }
    *conn = db;
    return true;
}

static void lite_close(void *conn) { sqlite3_close_v2(conn); }

/* $1 is a name to SQLite, ?1 a number. */
static const struct dialect_word words[] = {
    {"{id}", "INTEGER PRIMARY KEY"},
    {"{bytes}", "BLOB"},
    {"{real}", "REAL"},
    {"{for update}", ""},
    {"{skip locked}", ""},
    {"$", "?"},
    {0},
};

static bool lite_script(void *conn, const char *sql, struct err *err)
{
    auto_sb text;
    if (!dialect(words, sql, &text, err))
        return false;
    int rc = sqlite3_exec(conn, text.ptr, NULL, NULL, NULL);
    return rc == SQLITE_OK || fail(conn, rc, "schema", err);
}

static bool lite_has_table(void *conn, const char *table, bool *has, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(
        conn, "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", -1, &stmt, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_text(stmt, 1, table, -1, SQLITE_STATIC);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(stmt);
    *has = rc == SQLITE_ROW;
    sqlite3_finalize(stmt);
    return rc == SQLITE_ROW || rc == SQLITE_DONE || fail(conn, rc, "schema", err);
}

static int first_complaint(void *ctx, int n, char **columns, char **names)
{
    (void)names;
    struct err *err = ctx;
    if (n > 0 && columns[0] && !str_eq(str_from(columns[0]), STR("ok")) && !err_is(err))
        err_set(err, ERR_FORMAT, "store: %s", columns[0]);
    return 0;
}

static bool lite_check(void *conn, struct err *err)
{
    struct err found = {0};
    int rc = sqlite3_exec(conn, "PRAGMA integrity_check(1);", first_complaint, &found, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(conn, "PRAGMA foreign_key_check;", first_complaint, &found, NULL);
    if (rc != SQLITE_OK)
        return fail(conn, rc, "check", err);
    if (err_is(&found))
        *err = found;
    return !err_is(&found);
}

static bool lite_prepare(void *conn, const char *sql, void **stmt, struct err *err)
{
    auto_sb text;
    if (!dialect(words, sql, &text, err))
        return false;
    sqlite3_stmt *made = NULL;
    int rc =
        sqlite3_prepare_v3(conn, text.ptr, (int)text.len, SQLITE_PREPARE_PERSISTENT, &made, NULL);
    *stmt = made;
    return rc == SQLITE_OK || fail(conn, rc, "statement", err);
}

static void lite_drop(void *stmt) { sqlite3_finalize(stmt); }

static int bind_one(sqlite3_stmt *stmt, int at, const struct value *v)
{
    const char *ptr = v->text.ptr ? v->text.ptr : "";
    switch (v->kind) {
    case VALUE_INT:
        return sqlite3_bind_int64(stmt, at, v->num);
    case VALUE_REAL:
        return sqlite3_bind_double(stmt, at, v->real);
    case VALUE_TEXT:
        return sqlite3_bind_text64(stmt, at, ptr, v->text.len, SQLITE_STATIC, SQLITE_UTF8);
    case VALUE_BYTES:
        return sqlite3_bind_blob64(stmt, at, ptr, v->text.len, SQLITE_STATIC);
    case VALUE_NULL:
    default:
        return sqlite3_bind_null(stmt, at);
    }
}

static bool lite_bind(void *stmt, const struct value *values, size_t n, bool is_long,
                      struct err *err)
{
    (void)is_long; /* rows come one by one anyway */
    sqlite3_stmt *s = stmt;
    if (sqlite3_bind_parameter_count(s) != (int)n)
        return err_set(err, ERR_IO, "store: %zu values for %d parameters", n,
                       sqlite3_bind_parameter_count(s));
    for (size_t i = 0; i < n; i++) {
        int rc = bind_one(s, (int)i + 1, &values[i]);
        if (rc != SQLITE_OK)
            return fail(sqlite3_db_handle(s), rc, "bind", err);
    }
    return true;
}

static enum next lite_step(void *stmt, struct err *err)
{
    int rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW)
        return NEXT_ITEM;
    if (rc == SQLITE_DONE)
        return NEXT_END;
    (void)fail(sqlite3_db_handle(stmt), rc, "query", err);
    return NEXT_ERR;
}

static void lite_reset(void *stmt)
{
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt); /* bound text was borrowed */
}

static int64_t lite_changes(void *conn) { return sqlite3_changes64(conn); }
static int64_t lite_int(void *stmt, int column) { return sqlite3_column_int64(stmt, column); }
static double lite_real(void *stmt, int column) { return sqlite3_column_double(stmt, column); }

static str lite_text(void *stmt, int column)
{
    const char *ptr = sqlite3_column_blob(stmt, column); /* before the length: SQLite's rule */
    int n = sqlite3_column_bytes(stmt, column);
    return ptr && n > 0 ? str_of(ptr, (size_t)n) : STR("");
}

static int lite_n_columns(void *stmt) { return sqlite3_column_count(stmt); }
static const char *lite_column_name(void *stmt, int i) { return sqlite3_column_name(stmt, i); }

static struct value lite_value(void *stmt, int column)
{
    switch (sqlite3_column_type(stmt, column)) {
    case SQLITE_INTEGER:
        return vi(lite_int(stmt, column));
    case SQLITE_FLOAT:
        return vr(lite_real(stmt, column));
    case SQLITE_TEXT:
        return vt(lite_text(stmt, column));
    case SQLITE_BLOB:
        return vb(lite_text(stmt, column));
    default:
        return (struct value){.kind = VALUE_NULL};
    }
}

static bool run(sqlite3 *db, const char *sql, struct err *err)
{
    int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK || fail(db, rc, sql, err);
}

/* IMMEDIATE: a reader that turns writer half-way could only fail. */
static bool lite_begin(void *conn, enum tx_kind kind, struct err *err)
{
    return run(conn, kind == TX_READ ? "BEGIN" : "BEGIN IMMEDIATE", err);
}
static bool lite_commit(void *conn, struct err *err) { return run(conn, "COMMIT", err); }
static void lite_rollback(void *conn)
{
    if (!sqlite3_get_autocommit(conn))
        sqlite3_exec(conn, "ROLLBACK", NULL, NULL, NULL);
}

/* Writers wait for each other (BUSY_MS): who waited so long need not try again. */
static bool lite_is_passing(void *conn)
{
    (void)conn;
    return false;
}

static void lite_interrupt(void *conn) { sqlite3_interrupt(conn); }

const struct driver driver_sqlite = {
    .name = "sqlite",
    .is_mine = lite_is_mine,
    .describe = lite_describe,
    .open = lite_open,
    .close = lite_close,
    .script = lite_script,
    .has_table = lite_has_table,
    .check = lite_check,
    .prepare = lite_prepare,
    .drop = lite_drop,
    .bind = lite_bind,
    .step = lite_step,
    .reset = lite_reset,
    .changes = lite_changes,
    .get_int = lite_int,
    .get_real = lite_real,
    .get_text = lite_text,
    .n_columns = lite_n_columns,
    .column_name = lite_column_name,
    .get_value = lite_value,
    .begin = lite_begin,
    .commit = lite_commit,
    .rollback = lite_rollback,
    .is_passing = lite_is_passing,
    .interrupt = lite_interrupt,
};
