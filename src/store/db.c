/* SPDX-License-Identifier: Apache-2.0 */
#include <sodium.h>
#include <time.h>

#include "base/log.h"
#include "store/internal.h"

/* Statements are prepared once a connection.  The text is a literal, so its address is its name. */
static struct prepared *slot_of(struct store *store, const char *sql)
{
    size_t i = ((uintptr_t)sql >> 4) % PREPARED_MAX;
    while (store->prepared[i].sql && store->prepared[i].sql != sql)
        i = (i + 1) % PREPARED_MAX;
    return &store->prepared[i];
}

static bool prepare(struct store *store, const char *sql, void **stmt, struct err *err)
{
    struct prepared *slot = slot_of(store, sql);
    if (!slot->sql) {
        if (store->n_prepared + 1 >= PREPARED_MAX)
            return err_set(err, ERR_LIMIT, "store: more statements than the cache holds");
        void *made = NULL;
        if (!store->driver->prepare(store->conn, sql, &made, err))
            return false;
        *slot = (struct prepared){sql, made};
        store->n_prepared++;
    }
    *stmt = slot->stmt;
    return true;
}

void rows_done(struct rows *rows)
{
    if (rows->stmt)
        rows->store->driver->reset(rows->stmt);
    rows->stmt = NULL;
}

bool db_query_(struct store *store, struct rows *rows, const char *sql, const struct value *values,
               size_t n, struct err *err)
{
    *rows = (struct rows){.store = store};
    if (!prepare(store, sql, &rows->stmt, err))
        return false;
    store->driver->reset(rows->stmt);
    return store->driver->bind(rows->stmt, values, n, false, err);
}

enum next rows_next(struct rows *rows, struct err *err)
{
    return rows->store->driver->step(rows->stmt, err);
}

bool db_run_(struct store *store, const char *sql, const struct value *values, size_t n,
             struct err *err)
{
    auto_rows rows = {0};
    if (!db_query_(store, &rows, sql, values, n, err))
        return false;
    return rows_next(&rows, err) != NEXT_ERR;
}

bool db_int_(struct store *store, int64_t otherwise, int64_t *out, const char *sql,
             const struct value *values, size_t n, struct err *err)
{
    auto_rows rows = {0};
    if (!db_query_(store, &rows, sql, values, n, err))
        return false;
    enum next next = rows_next(&rows, err);
    *out = next == NEXT_ITEM ? row_int(&rows, 0) : otherwise;
    return next != NEXT_ERR;
}

/* --- many rows at once
 * ------------------------------------------------------------------------------------------ */
enum { BULK_TEXT_MAX = 64 * KIB };

static char *bulk_print(const struct bulk *bulk, size_t n_rows, struct err *err)
{
    auto_sb sql;
    sb_init(&sql, BULK_TEXT_MAX);
    sb_addc(&sql, bulk->head);
    for (size_t row = 0, n = 1; row < n_rows; row++) {
        sb_addc(&sql, row ? ", (" : "(");
        for (size_t i = 0; i < bulk->n_columns; i++)
            sb_addf(&sql, i ? ", $%zu" : "$%zu", n++);
        sb_addc(&sql, ")");
    }
    sb_addc(&sql, bulk->tail);
    char *text = sb_ok(&sql, err) ? strdup(sql.ptr) : NULL;
    if (!text && !err_is(err))
        (void)err_memory(err);
    return text;
}

/* Made once a connection, so that its address may name the prepared statement. */
static const char *bulk_text(struct store *store, const struct bulk *bulk, size_t n_rows,
                             struct err *err)
{
    for (size_t i = 0; i < store->n_bulks; i++)
        if (store->bulks[i].bulk == bulk && store->bulks[i].n_rows == n_rows)
            return store->bulks[i].sql;
    if (store->n_bulks == BULKS_MAX) {
        (void)err_set(err, ERR_LIMIT, "store: more statements of many rows than are kept");
        return NULL;
    }
    char *sql = bulk_print(bulk, n_rows, err);
    if (sql)
        store->bulks[store->n_bulks++] = (struct bulk_text){bulk, n_rows, sql};
    return sql;
}

static bool bulk_run(struct store *store, const char *sql, const struct value *values, size_t n,
                     bulk_row *on_row, void *ctx, struct err *err)
{
    auto_rows rows = {0};
    if (!db_query_(store, &rows, sql, values, n, err))
        return false;
    enum next next;
    while ((next = rows_next(&rows, err)) == NEXT_ITEM)
        if (on_row && !on_row(ctx, &rows, err))
            return false;
    return next == NEXT_END;
}

bool db_bulk(struct store *store, const struct bulk *bulk, const struct value *values,
             size_t n_rows, bulk_row *on_row, void *ctx, struct err *err)
{
    static const size_t sizes[] = {64, 32, 16, 8, 4, 2, 1};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        const char *sql = n_rows >= sizes[i] ? bulk_text(store, bulk, sizes[i], err) : NULL;
        if (n_rows >= sizes[i] && !sql)
            return false;
        for (; n_rows >= sizes[i]; n_rows -= sizes[i]) {
            size_t n = sizes[i] * bulk->n_columns;
            if (!bulk_run(store, sql, values, n, on_row, ctx, err))
                return false;
            values += n;
        }
    }
    return true;
}

int64_t db_changes(struct store *store) { return store->driver->changes(store->conn); }

static bool begin(struct store *store, enum tx_kind kind, struct err *err)
{
    store->has_news = store->changes_access = false;
    if (!store->driver->begin(store->conn, kind, err))
        return false;
    if (kind == TX_READ || fence_confirm(store, err))
        return true;
    store->driver->rollback(store->conn);
    return false;
}

bool tx_begin_write(struct store *store, struct err *err) { return begin(store, TX_WRITE, err); }
bool tx_begin_alone(struct store *store, struct err *err) { return begin(store, TX_ALONE, err); }
bool tx_begin_read(struct store *store, struct err *err) { return begin(store, TX_READ, err); }

/* Others poll as well, so a call that does not reach them costs a second and no job. */
static void tell(struct store *store)
{
    struct err err = {0};
    if (store->has_news && store->driver->wake && !store->driver->wake(store->conn, &err))
        log_event(LOG_DEBUG, "other servers were not woken", LOG_ERR(&err));
    store->has_news = false;
}

/* Also when nobody knows whether the commit arrived. */
static void tell_access(struct store *store)
{
    if (store->changes_access && store->n_access)
        atomic_fetch_add(store->n_access, 1);
    store->changes_access = false;
}

bool tx_end(struct store *store, bool ok, struct err *err)
{
    bool is_done = ok && store->driver->commit(store->conn, err);
    tell_access(store);
    if (is_done) {
        tell(store);
        return true;
    }
    store->driver->rollback(store->conn);
    return false;
}

enum { TRIES = 12, PAUSE_US = 2000 };

bool tx_again(struct store *store, unsigned *n_tries, struct err *err)
{
    if (!store->driver->is_passing(store->conn) || ++*n_tries >= TRIES)
        return false;
    uint32_t us = randombytes_uniform(PAUSE_US << (*n_tries < 6 ? *n_tries : 6));
    const struct timespec pause = {.tv_nsec = (long)us * 1000};
    nanosleep(&pause, NULL);
    *err = (struct err){0};
    return true;
}

bool store_is_shared(const struct store *store) { return store->driver->is_shared; }
void store_interrupt(struct store *store) { store->driver->interrupt(store->conn); }

enum next store_wait(struct store *store, uint32_t ms, struct err *err)
{
    if (store->driver->wait)
        return store->driver->wait(store->conn, ms, err);
    err_set(err, ERR_UNSUPPORTED, "store: nobody else can bring work to this one");
    return NEXT_ERR;
}
