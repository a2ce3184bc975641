/* SPDX-License-Identifier: Apache-2.0 */
/* The PostgreSQL driver, by libpq: one connection a thread, statements prepared on first use,
 * values and rows in binary.  All that is PostgreSQL's own is in this file.
 *
 * A connection that is lost is made again at the next begin, or before the next statement outside a
 * transaction; what was under way when it was lost is ERR_UNAVAILABLE (nobody knows whether a
 * commit arrived), unless it is sure that nothing was committed: then is_passing says so.
 * Column types that are bare TEXT compare bytes (COLLATE "C"), as SQLite's do. */
#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "store/internal.h"

/* "plimsoll" in ASCII: every writer shares it, TX_ALONE has it alone. */
#define LOCK_KEY "8100965748541713516"
#define CHANNEL "plimsoll_jobs"
#define FROZEN_MS "10000"
enum { VERSION_MIN = 150000, PASSES_MAX = 64 };

/* pg_type.dat */
enum {
    OID_BOOL = 16,
    OID_BYTES = 17,
    OID_INT8 = 20,
    OID_INT2 = 21,
    OID_INT4 = 23,
    OID_TEXT = 25,
    OID_REAL = 701,
    OID_NUMERIC = 1700
};

struct pg_stmt;
struct pg {
    PGconn *db;
    pthread_mutex_t lock; /* guards cancel, which other threads use */
    PGcancel *cancel;
    enum store_mode mode;
    unsigned session; /* rises with each connection: what was prepared before is gone */
    unsigned n_names; /* of prepared statements */
    int64_t n_changes;
    bool is_passing, is_listening, is_in_tx;
    struct pg_stmt *streaming; /* has the connection for itself */
};

struct pg_stmt {
    struct pg *pg;
    char *sql;
    unsigned session; /* in which it was prepared; 0: not yet */
    char name[16];
    /* what is bound: n values of each */
    size_t n, cap;
    Oid *types;
    const char **values;
    int *lengths, *formats;
    uint64_t *numbers;
    struct sb clean; /* texts that were no UTF-8 */
    bool is_long, was_sent;
    PGresult *rows;
    int row; /* -1: before the first */
};

/* --- errors
 * ---------------------------------------------------------------------------------------------- */
static bool is_class(const char *state, const char *class) { return !strncmp(state, class, 2); }

static enum err_kind kind_of(const char *state)
{
    static const struct {
        const char *state;
        enum err_kind kind;
    } rows[] = {
        {"40001", ERR_UNAVAILABLE}, {"40P01", ERR_UNAVAILABLE}, {"55P03", ERR_UNAVAILABLE},
        {"57014", ERR_CANCELLED},   {"42501", ERR_DENIED},      {"3D000", ERR_NOT_FOUND},
        {"XX001", ERR_FORMAT},      {"XX002", ERR_FORMAT},      {"25006", ERR_UNAVAILABLE},
    };
    static const struct {
        const char *class;
        enum err_kind kind;
    } classes[] = {
        {"23", ERR_CONFLICT},    {"28", ERR_DENIED},      {"08", ERR_UNAVAILABLE},
        {"53", ERR_UNAVAILABLE}, {"57", ERR_UNAVAILABLE}, {"58", ERR_UNAVAILABLE},
        {"54", ERR_LIMIT},       {"22", ERR_FORMAT},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (!strcmp(state, rows[i].state))
            return rows[i].kind;
    for (size_t i = 0; i < ARRAY_LEN(classes); i++)
        if (is_class(state, classes[i].class))
            return classes[i].kind;
    return ERR_IO;
}

static bool is_lost(const struct pg *pg) { return PQstatus(pg->db) != CONNECTION_OK; }

/* libpq's own words end with a line feed. */
static str message_of(const struct pg *pg, const PGresult *result)
{
    const char *primary = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    return str_trim(str_from(primary ? primary : PQerrorMessage(pg->db)));
}

static bool fail(struct pg *pg, const PGresult *result, const char *what, struct err *err)
{
    const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    str says = message_of(pg, result);
    bool gone = is_lost(pg);
    enum err_kind kind = gone || !state ? ERR_UNAVAILABLE : kind_of(state);
    pg->is_passing = gone || (state && (is_class(state, "40") || !strcmp(state, "55P03")));
    return err_set(err, kind, "store: %s: " STR_FMT, what, STR_ARG(says));
}

static bool is_good(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK || status == PGRES_SINGLE_TUPLE;
}

static bool run(struct pg *pg, const char *sql, const char *what, struct err *err)
{
    PGresult *result = PQexec(pg->db, sql);
    bool ok = is_good(result) || fail(pg, result, what, err);
    PQclear(result);
    return ok;
}

/* --- connecting
 * ----------------------------------------------------------------------------------------- */
/* "postgres:CONNINFO", "postgres://…", "postgresql://…" */
static bool pg_is_mine(str name, str *place)
{
    bool is_url = str_starts(name, STR("postgres://")) || str_starts(name, STR("postgresql://"));
    *place = is_url ? name : str_skip(name, sizeof("postgres:") - 1);
    return is_url || str_starts(name, STR("postgres:"));
}

static bool is_harmless(const char *keyword)
{
    static const char *const known[] = {"service", "host", "hostaddr", "port", "dbname", "user"};
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (!strcmp(keyword, known[i]))
            return true;
    return false;
}

static void pg_describe(const char *place, struct sb *out)
{
    PQconninfoOption *all = PQconninfoParse(place, NULL);
    sb_addc(out, "postgresql");
    for (const PQconninfoOption *o = all; o && o->keyword; o++)
        if (o->val && *o->val && is_harmless(o->keyword))
            sb_addf(out, " %s=%s", o->keyword, o->val);
    PQconninfoFree(all);
}

static void ignore_notice(void *ctx, const PGresult *notice)
{
    (void)ctx;
    (void)notice;
}

static bool check_server(struct pg *pg, struct err *err)
{
    int version = PQserverVersion(pg->db);
    const char *encoding = PQparameterStatus(pg->db, "server_encoding");
    if (version < VERSION_MIN)
        return err_set(err, ERR_UNSUPPORTED, "store: PostgreSQL %d is too old: 15 or newer",
                       version / 10000);
    if (!encoding || strcmp(encoding, "UTF8") != 0)
        return err_set(err, ERR_UNSUPPORTED,
                       "store: the database is encoded in %s: make one with createdb -E UTF8 -T "
                       "template0",
                       encoding ? encoding : "?");
    return true;
}

/* RELAXED gives up the wait for the disk; DURABLE insists on it, whatever the server's default. */
static bool set_up(struct pg *pg, struct err *err)
{
    /* A process that is frozen in a transaction must not hold its rows for ever. */
    static const char durable[] = "SET client_min_messages = warning;"
                                  "SET idle_in_transaction_session_timeout = " FROZEN_MS ";"
                                  "SELECT set_config('synchronous_commit', 'on', false)"
                                  " WHERE current_setting('synchronous_commit') = 'off'";
    static const char relaxed[] = "SET client_min_messages = warning; SET synchronous_commit = off;"
                                  "SET idle_in_transaction_session_timeout = " FROZEN_MS;
    PQsetNoticeReceiver(pg->db, ignore_notice, NULL);
    pthread_mutex_lock(&pg->lock);
    PQfreeCancel(pg->cancel);
    pg->cancel = PQgetCancel(pg->db);
    pthread_mutex_unlock(&pg->lock);
    pg->session++;
    pg->is_listening = pg->is_in_tx = false;
    pg->streaming = NULL;
    return check_server(pg, err) &&
           run(pg, pg->mode == STORE_DURABLE ? durable : relaxed, "session", err);
}

static void pg_close(void *conn)
{
    struct pg *pg = conn;
    PQfreeCancel(pg->cancel);
    PQfinish(pg->db);
    pthread_mutex_destroy(&pg->lock);
    free(pg);
}

/* What comes before dbname is a default, what comes after it holds. */
static bool pg_open(const char *place, enum store_mode mode, bool is_made, void **conn,
                    struct err *err)
{
    static const char *const keys[] = {"connect_timeout", "fallback_application_name", "dbname",
                                       "client_encoding", NULL};
    const char *const values[] = {"10", "plimsoll", place, "UTF8", NULL};
    (void)is_made; /* the database is the administrator's to make */
    struct pg *pg = calloc(1, sizeof(*pg));
    if (!pg)
        return err_memory(err);
    pthread_mutex_init(&pg->lock, NULL);
    pg->mode = mode;
    pg->db = PQconnectdbParams(keys, values, 1);
    if (!pg->db || is_lost(pg)) {
        bool ok = pg->db ? fail(pg, NULL, "connect", err) : err_memory(err);
        pg_close(pg);
        return ok;
    }
    if (!set_up(pg, err)) {
        pg_close(pg);
        return false;
    }
    *conn = pg;
    return true;
}

static bool connect_again(struct pg *pg, struct err *err)
{
    PQreset(pg->db);
    bool ok = is_lost(pg) ? fail(pg, NULL, "connect", err) : set_up(pg, err);
    pg->is_passing = false; /* a server that is down stays so for longer than we wait */
    return ok;
}

/* Before the first word of something new. */
static bool be_connected(struct pg *pg, struct err *err)
{
    pg->is_passing = false;
    return !is_lost(pg) || pg->is_in_tx || connect_again(pg, err);
}

/* --- statements
 * -----------------------------------------------------------------------------------------------
 */
static const struct dialect_word words[] = {
    {"{id}", "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY"},
    {"{bytes}", "BYTEA"},
    {"{real}", "DOUBLE PRECISION"},
    {"{for update}", " FOR NO KEY UPDATE"},
    {"{skip locked}", " FOR NO KEY UPDATE SKIP LOCKED"},
    {0},
};
static const struct dialect_word schema_words[] = {
    {"{id}", "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY"},
    {"{bytes}", "BYTEA"},
    {"{real}", "DOUBLE PRECISION"},
    {" TEXT ", " TEXT COLLATE \"C\" "},
    {" TEXT,", " TEXT COLLATE \"C\","},
    {" TEXT)", " TEXT COLLATE \"C\")"},
    {0},
};

static bool pg_script(void *conn, const char *sql, struct err *err)
{
    auto_sb text;
    return dialect(schema_words, sql, &text, err) && run(conn, text.ptr, "schema", err);
}

static bool pg_has_table(void *conn, const char *table, bool *has, struct err *err)
{
    struct pg *pg = conn;
    const char *const values[] = {table};
    if (!be_connected(pg, err))
        return false;
    PGresult *result =
        PQexecParams(pg->db, "SELECT to_regclass($1) IS NOT NULL", 1, NULL, values, NULL, NULL, 0);
    bool ok = PQresultStatus(result) == PGRES_TUPLES_OK || fail(pg, result, "schema", err);
    *has = ok && PQgetvalue(result, 0, 0)[0] == 't';
    PQclear(result);
    return ok;
}

static bool pg_prepare(void *conn, const char *sql, void **stmt, struct err *err)
{
    auto_sb text;
    if (!dialect(words, sql, &text, err))
        return false;
    struct pg_stmt *s = calloc(1, sizeof(*s));
    if (!s || !(s->sql = strdup(text.ptr))) {
        free(s);
        return err_memory(err);
    }
    s->pg = conn;
    *stmt = s;
    return true;
}

static void pg_interrupt(void *conn)
{
    struct pg *pg = conn;
    char why[64];
    pthread_mutex_lock(&pg->lock);
    if (pg->cancel)
        PQcancel(pg->cancel, why, sizeof(why));
    pthread_mutex_unlock(&pg->lock);
}

/* The rest of a stream is not wanted: the server is told, and what is on its way is taken. */
static void stop_stream(struct pg *pg)
{
    pg_interrupt(pg);
    for (PGresult *left; (left = PQgetResult(pg->db));)
        PQclear(left);
    pg->streaming = NULL;
}

static void pg_reset(void *stmt)
{
    struct pg_stmt *s = stmt;
    PQclear(s->rows);
    s->rows = NULL;
    s->row = -1;
    s->n = 0;
    s->was_sent = false;
    sb_fini(&s->clean);
    if (s->pg->streaming == s)
        stop_stream(s->pg);
}

static void pg_drop(void *stmt)
{
    struct pg_stmt *s = stmt;
    char sql[32];
    pg_reset(s);
    if (s->session && s->session == s->pg->session && !is_lost(s->pg) &&
        PQtransactionStatus(s->pg->db) != PQTRANS_INERROR) {
        snprintf(sql, sizeof(sql), "DEALLOCATE %s", s->name);
        PQclear(PQexec(s->pg->db, sql));
    }
    free(s->types);
    free((void *)s->values);
    free(s->lengths);
    free(s->formats);
    free(s->numbers);
    free(s->sql);
    free(s);
}

static bool grow(struct pg_stmt *s, size_t n, struct err *err)
{
    if (n <= s->cap)
        return true;
    Oid *types = realloc(s->types, n * sizeof(*types));
    s->types = types ? types : s->types;
    const char **values = realloc((void *)s->values, n * sizeof(*values));
    s->values = values ? values : s->values;
    int *lengths = realloc(s->lengths, n * sizeof(*lengths));
    s->lengths = lengths ? lengths : s->lengths;
    int *formats = realloc(s->formats, n * sizeof(*formats));
    s->formats = formats ? formats : s->formats;
    uint64_t *numbers = realloc(s->numbers, n * sizeof(*numbers));
    s->numbers = numbers ? numbers : s->numbers;
    if (!types || !values || !lengths || !formats || !numbers)
        return err_memory(err);
    s->cap = n;
    return true;
}

static uint64_t bits_of(double real)
{
    uint64_t bits;
    memcpy(&bits, &real, sizeof(bits));
    return bits;
}

static void put(struct pg_stmt *s, size_t i, Oid type, const char *bytes, size_t len)
{
    s->types[i] = type;
    s->values[i] = bytes;
    s->lengths[i] = (int)len;
    s->formats[i] = 1;
}

static void put_number(struct pg_stmt *s, size_t i, Oid type, uint64_t number)
{
    s->numbers[i] = __builtin_bswap64(number);
    put(s, i, type, (const char *)&s->numbers[i], sizeof(s->numbers[i]));
}

/* Texts that are no UTF-8 are rare: they are made so in one buffer that is big enough before. */
static bool clean_room(struct pg_stmt *s, const struct value *values, size_t n, struct err *err)
{
    size_t need = 0;
    for (size_t i = 0; i < n; i++) {
        if (values[i].text.len > INT32_MAX / 4)
            return err_set(err, ERR_LIMIT, "store: a value of %zu bytes", values[i].text.len);
        if (values[i].kind == VALUE_TEXT && !text_is_clean(values[i].text))
            need += 3 * values[i].text.len + 1;
    }
    sb_init(&s->clean, need);
    for (size_t i = 0; i < need; i++)
        sb_byte(&s->clean, 0); /* it does not move any more */
    sb_clear(&s->clean);
    return need == 0 || s->clean.ptr ? true : err_memory(err);
}

static void put_text(struct pg_stmt *s, size_t i, str text)
{
    if (text_is_clean(text)) {
        put(s, i, OID_TEXT, text.ptr ? text.ptr : "", text.len);
        return;
    }
    size_t from = s->clean.len;
    text_clean(text, &s->clean);
    put(s, i, OID_TEXT, s->clean.ptr + from, s->clean.len - from);
}

static bool pg_bind(void *stmt, const struct value *values, size_t n, bool is_long, struct err *err)
{
    struct pg_stmt *s = stmt;
    if (!grow(s, n, err) || !clean_room(s, values, n, err))
        return false;
    s->n = n;
    s->is_long = is_long;
    for (size_t i = 0; i < n; i++) {
        const struct value *v = &values[i];
        switch (v->kind) {
        case VALUE_INT:
            put_number(s, i, OID_INT8, (uint64_t)v->num);
            break;
        case VALUE_REAL:
            put_number(s, i, OID_REAL, bits_of(v->real));
            break;
        case VALUE_TEXT:
            put_text(s, i, v->text);
            break;
        case VALUE_BYTES:
            put(s, i, OID_BYTES, v->text.ptr ? v->text.ptr : "", v->text.len);
            break;
        case VALUE_NULL:
        default:
            put(s, i, 0, NULL, 0);
            break;
        }
    }
    return true;
}

/* --- running
 * ---------------------------------------------------------------------------------------------------
 */
static bool be_prepared(struct pg_stmt *s, struct err *err)
{
    struct pg *pg = s->pg;
    if (s->session == pg->session)
        return true;
    snprintf(s->name, sizeof(s->name), "p%u", pg->n_names++);
    PGresult *result = PQprepare(pg->db, s->name, s->sql, (int)s->n, s->types);
    bool ok = is_good(result) || fail(pg, result, "statement", err);
    PQclear(result);
    if (ok)
        s->session = pg->session;
    return ok;
}

static bool send_long(struct pg_stmt *s, struct err *err)
{
    struct pg *pg = s->pg;
    if (!PQsendQueryPrepared(pg->db, s->name, (int)s->n, s->values, s->lengths, s->formats, 1) ||
        !PQsetSingleRowMode(pg->db))
        return fail(pg, NULL, "query", err);
    pg->streaming = s;
    return true;
}

static bool run_whole(struct pg_stmt *s, struct err *err)
{
    struct pg *pg = s->pg;
    s->rows = PQexecPrepared(pg->db, s->name, (int)s->n, s->values, s->lengths, s->formats, 1);
    if (!is_good(s->rows)) {
        bool ok = fail(pg, s->rows, "query", err);
        PQclear(s->rows);
        s->rows = NULL;
        return ok;
    }
    uint64_t n = 0;
    pg->n_changes = str_to_u64(str_from(PQcmdTuples(s->rows)), INT64_MAX, &n) ? (int64_t)n : 0;
    return true;
}

static bool run_once(struct pg_stmt *s, struct err *err)
{
    return be_connected(s->pg, err) && be_prepared(s, err) &&
           (s->is_long ? send_long(s, err) : run_whole(s, err));
}

/* Outside a transaction a connection may have died since it was used last: to read again is
 * harmless.  (A write may have been done before the answer was lost.) */
static bool execute(struct pg_stmt *s, struct err *err)
{
    struct pg *pg = s->pg;
    if (pg->streaming)
        return err_set(err, ERR_IO, "store: a statement while the rows of another are read");
    s->was_sent = true;
    s->row = -1;
    if (run_once(s, err))
        return true;
    if (!is_lost(pg) || pg->is_in_tx || !str_starts(str_from(s->sql), STR("SELECT")))
        return false;
    *err = (struct err){0};
    return run_once(s, err);
}

static enum next next_streamed(struct pg_stmt *s, struct err *err)
{
    struct pg *pg = s->pg;
    PQclear(s->rows);
    s->rows = PQgetResult(pg->db);
    s->row = 0;
    if (PQresultStatus(s->rows) == PGRES_SINGLE_TUPLE)
        return NEXT_ITEM;
    bool ok = is_good(s->rows) || fail(pg, s->rows, "query", err);
    for (PGresult *left; (left = PQgetResult(pg->db));)
        PQclear(left);
    pg->streaming = NULL;
    return ok ? NEXT_END : NEXT_ERR;
}

static enum next pg_step(void *stmt, struct err *err)
{
    struct pg_stmt *s = stmt;
    if (!s->was_sent && !execute(s, err))
        return NEXT_ERR;
    if (s->is_long)
        return s->pg->streaming == s ? next_streamed(s, err) : NEXT_END;
    return s->rows && ++s->row < PQntuples(s->rows) ? NEXT_ITEM : NEXT_END;
}

static int64_t pg_changes(void *conn) { return ((struct pg *)conn)->n_changes; }

/* --- rows
 * ------------------------------------------------------------------------------------------------------
 */
static str cell(const struct pg_stmt *s, int column)
{
    if (!s->rows || s->row < 0 || s->row >= PQntuples(s->rows) ||
        PQgetisnull(s->rows, s->row, column))
        return STR("");
    return str_of(PQgetvalue(s->rows, s->row, column),
                  (size_t)PQgetlength(s->rows, s->row, column));
}

/* The integer part of numeric_send()'s digits of base 10,000. */
static int64_t numeric(str bytes)
{
    struct rd in;
    rd_init(&in, bytes);
    unsigned n = rd_u16be(&in);
    int weight = (int16_t)rd_u16be(&in);
    bool is_negative = rd_u16be(&in) == 0x4000;
    int64_t value = 0;
    (void)rd_u16be(&in);
    for (int i = 0; i <= weight; i++) {
        int64_t digit = (unsigned)i < n ? rd_u16be(&in) : 0;
        if (__builtin_mul_overflow(value, (int64_t)10000, &value) ||
            __builtin_add_overflow(value, digit, &value))
            return is_negative ? INT64_MIN : INT64_MAX;
    }
    return is_negative ? -value : value;
}

static uint64_t big_endian(str bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes.len && i < 8; i++)
        value = value << 8 | (unsigned char)bytes.ptr[i];
    return value;
}

static double pg_real(void *stmt, int column);

static int64_t pg_int(void *stmt, int column)
{
    struct pg_stmt *s = stmt;
    str bytes = cell(s, column);
    Oid type = s->rows ? PQftype(s->rows, column) : 0;
    if (type == OID_NUMERIC && bytes.len)
        return numeric(bytes);
    if (type == OID_REAL)
        return (int64_t)pg_real(stmt, column);
    uint64_t value = big_endian(bytes);
    if (type == OID_INT2)
        return (int16_t)value;
    return type == OID_INT4 ? (int32_t)value : (int64_t)value;
}

static double pg_real(void *stmt, int column)
{
    struct pg_stmt *s = stmt;
    if (!s->rows || PQftype(s->rows, column) != OID_REAL)
        return (double)pg_int(stmt, column);
    uint64_t bits = big_endian(cell(s, column));
    double real;
    memcpy(&real, &bits, sizeof(real));
    return real;
}

static str pg_text(void *stmt, int column) { return cell(stmt, column); }
static int pg_n_columns(void *stmt) { return PQnfields(((struct pg_stmt *)stmt)->rows); }
static const char *pg_column_name(void *stmt, int column)
{
    return PQfname(((struct pg_stmt *)stmt)->rows, column);
}

static struct value pg_value(void *stmt, int column)
{
    struct pg_stmt *s = stmt;
    if (PQgetisnull(s->rows, s->row, column))
        return (struct value){.kind = VALUE_NULL};
    switch (PQftype(s->rows, column)) {
    case OID_INT2:
    case OID_INT4:
    case OID_INT8:
    case OID_BOOL:
    case OID_NUMERIC:
        return vi(pg_int(s, column));
    case OID_REAL:
        return vr(pg_real(s, column));
    case OID_BYTES:
        return vb(cell(s, column));
    default:
        return vt(cell(s, column));
    }
}

/* --- transactions
 * --------------------------------------------------------------------------------------------- */
static void pg_rollback(void *conn)
{
    struct pg *pg = conn;
    if (!is_lost(pg) && PQtransactionStatus(pg->db) != PQTRANS_IDLE)
        PQclear(PQexec(pg->db, "ROLLBACK"));
    pg->is_in_tx = false;
}

static bool pg_begin(void *conn, enum tx_kind kind, struct err *err)
{
    static const char *const sql[] = {
        [TX_READ] = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        [TX_WRITE] = "BEGIN; SELECT pg_advisory_xact_lock_shared(" LOCK_KEY ")",
        [TX_ALONE] = "BEGIN; SELECT pg_advisory_xact_lock(" LOCK_KEY ")",
    };
    struct pg *pg = conn;
    if (!be_connected(pg, err))
        return false;
    bool ok = run(pg, sql[kind], "begin", err);
    if (!ok && is_lost(pg)) { /* it died since it was used last */
        *err = (struct err){0};
        ok = connect_again(pg, err) && run(pg, sql[kind], "begin", err);
    }
    if (!ok)
        pg_rollback(pg); /* begun, but without its lock */
    pg->is_in_tx = ok;
    return ok;
}

/* When the answer to a COMMIT is lost, nobody knows: that is not done again. */
static bool pg_commit(void *conn, struct err *err)
{
    struct pg *pg = conn;
    PGresult *result = PQexec(pg->db, "COMMIT");
    bool ok = is_good(result) || fail(pg, result, "commit", err);
    pg->is_passing = !ok && pg->is_passing && !is_lost(pg);
    if (ok && strcmp(PQcmdStatus(result), "COMMIT") != 0)
        ok = err_set(err, ERR_UNAVAILABLE, "store: commit: the transaction had failed");
    PQclear(result);
    pg->is_in_tx = pg->is_in_tx && !ok;
    return ok;
}

static bool pg_is_passing(void *conn) { return ((struct pg *)conn)->is_passing; }

/* --- other processes
 * ---------------------------------------------------------------------------------------------------
 */
static bool pg_wake(void *conn, struct err *err)
{
    struct pg *pg = conn;
    return be_connected(pg, err) && run(pg, "NOTIFY " CHANNEL, "notify", err);
}

/* All that came are one. */
static bool take_notices(struct pg *pg)
{
    bool is_any = false;
    for (PGnotify *n; (n = PQnotifies(pg->db));) {
        is_any = true;
        PQfreemem(n);
    }
    return is_any;
}

static bool listen_now(struct pg *pg, struct err *err)
{
    if (!be_connected(pg, err))
        return false;
    if (!pg->is_listening)
        pg->is_listening = run(pg, "LISTEN " CHANNEL, "listen", err);
    return pg->is_listening;
}

static enum next pg_wait(void *conn, uint32_t ms, struct err *err)
{
    struct pg *pg = conn;
    int64_t until_ms = clock_mono_ms() + ms;
    if (!listen_now(pg, err))
        return NEXT_ERR;
    for (;;) {
        if (take_notices(pg))
            return NEXT_ITEM;
        int64_t left_ms = until_ms - clock_mono_ms();
        if (left_ms <= 0)
            return NEXT_END;
        struct pollfd at = {.fd = PQsocket(pg->db), .events = POLLIN};
        int n = poll(&at, 1, (int)left_ms);
        if (n > 0 && !PQconsumeInput(pg->db)) {
            fail(pg, NULL, "wait", err);
            return NEXT_ERR;
        }
        if (n < 0 && errno != EINTR) {
            err_sys(err, ERR_IO, "store: wait");
            return NEXT_ERR;
        }
    }
}

/* --- care
 * ------------------------------------------------------------------------------------------------------------
 */
/* Rows refer to rows that are there, and keys are valid: what a server that lost pages, or a
 * superuser with triggers off, leaves.  Every row is read by who asks for a whole check. */
static bool pg_check(void *conn, struct err *err)
{
    static const char bad[] =
        "SELECT conrelid::regclass::text || ': ' || conname FROM pg_constraint WHERE NOT "
        "convalidated"
        " UNION ALL SELECT indrelid::regclass::text || ': ' || indexrelid::regclass::text FROM "
        "pg_index"
        " WHERE NOT indisvalid AND indrelid IN (SELECT oid FROM pg_class WHERE relnamespace ="
        " current_schema()::regnamespace) LIMIT 1";
    struct pg *pg = conn;
    if (!be_connected(pg, err))
        return false;
    PGresult *result = PQexec(pg->db, bad);
    bool ok = PQresultStatus(result) == PGRES_TUPLES_OK || fail(pg, result, "check", err);
    if (ok && PQntuples(result) > 0)
        ok = err_set(err, ERR_FORMAT, "store: not valid: %s", PQgetvalue(result, 0, 0));
    PQclear(result);
    return ok;
}

/* Without statistics a planner takes every name for one of 200, and reads whole tables. */
static bool pg_settle(void *conn, const char *table, bool has_id, struct err *err)
{
    char sql[256];
    snprintf(sql, sizeof(sql),
             "SELECT setval(pg_get_serial_sequence('%s', 'id'), COALESCE(MAX(id), 0) + 1, false)"
             " FROM %s",
             table, table);
    if (has_id && !run(conn, sql, "renumber", err))
        return false;
    snprintf(sql, sizeof(sql), "ANALYZE %s", table);
    return run(conn, sql, "analyze", err);
}

const struct driver driver_postgres = {
    .name = "postgresql",
    .is_shared = true,
    .is_mine = pg_is_mine,
    .describe = pg_describe,
    .open = pg_open,
    .close = pg_close,
    .script = pg_script,
    .has_table = pg_has_table,
    .check = pg_check,
    .prepare = pg_prepare,
    .drop = pg_drop,
    .bind = pg_bind,
    .step = pg_step,
    .reset = pg_reset,
    .changes = pg_changes,
    .get_int = pg_int,
    .get_real = pg_real,
    .get_text = pg_text,
    .n_columns = pg_n_columns,
    .column_name = pg_column_name,
    .get_value = pg_value,
    .begin = pg_begin,
    .commit = pg_commit,
    .rollback = pg_rollback,
    .is_passing = pg_is_passing,
    .interrupt = pg_interrupt,
    .settle = pg_settle,
    .wake = pg_wake,
    .wait = pg_wait,
};
