/* SPDX-License-Identifier: Apache-2.0 */
/* internal.h - the seam between the store's SQL and an engine.  SQL here is what SQLite 3.35 and
 * PostgreSQL 15 both understand: parameters $1, $2, … ; ON CONFLICT; no pragmas, no rowid.
 * What differs is the driver's: words in braces ({id}, {bytes}, {real} in the schema; {for update},
 * {skip locked} behind a SELECT), how a transaction begins, error codes.
 *
 * Who writes at the same time: SQLite has one writer.  PostgreSQL has many (READ COMMITTED), so
 * what must not run beside itself takes a row first: registry_lock() before anything of a
 * registry's images, {for update} before a job's row.  That order, registry then job, everywhere.
 * TX_ALONE keeps all other writers out. */
#pragma once

#include <stdatomic.h>

#include "base/map.h"
#include "base/num.h"
#include "base/rd.h"
#include "base/sb.h"
#include "codec/codec.h"
#include "store/store.h"

struct value {
    enum { VALUE_NULL, VALUE_INT, VALUE_REAL, VALUE_TEXT, VALUE_BYTES } kind;
    int64_t num;
    double real;
    str text;
};
static inline struct value vi(int64_t n) { return (struct value){.kind = VALUE_INT, .num = n}; }
static inline struct value vu(uint64_t n) { return vi((int64_t)n); }
static inline struct value vr(double d) { return (struct value){.kind = VALUE_REAL, .real = d}; }
static inline struct value vt(str s) { return (struct value){.kind = VALUE_TEXT, .text = s}; }
static inline struct value vc(const char *c) { return vt(str_from(c)); }
static inline struct value vb(str s) { return (struct value){.kind = VALUE_BYTES, .text = s}; }

enum tx_kind {
    TX_READ,  /* one state of the whole store */
    TX_WRITE, /* beside other writers, where the engine can */
    TX_ALONE, /* no other writer */
};
struct driver {
    const char *name;
    bool is_shared; /* other processes, on other machines, may write to it too */
    /* True when @name names a store of this kind; *place is what is behind the prefix. */
    bool (*is_mine)(str name, str *place);
    /* What may be said of it: no password. */
    void (*describe)(const char *place, struct sb *out);
    bool (*open)(const char *place, enum store_mode mode, bool is_made, void **conn,
                 struct err *err);
    void (*close)(void *conn);
    bool (*script)(void *conn, const char *sql, struct err *err); /* several statements */
    bool (*has_table)(void *conn, const char *table, bool *has, struct err *err);
    bool (*check)(void *conn, struct err *err);
    bool (*prepare)(void *conn, const char *sql, void **stmt, struct err *err);
    void (*drop)(void *stmt);
    /* @is_long: more rows than should be held at once; nothing else runs until the reset. */
    bool (*bind)(void *stmt, const struct value *values, size_t n, bool is_long, struct err *err);
    enum next (*step)(void *stmt, struct err *err);
    void (*reset)(void *stmt);
    int64_t (*changes)(void *conn);
    int64_t (*get_int)(void *stmt, int column);
    double (*get_real)(void *stmt, int column);
    str (*get_text)(void *stmt, int column); /* borrowed until the next step */
    /* Of a row, whatever it holds; of a statement that has a row. */
    int (*n_columns)(void *stmt);
    const char *(*column_name)(void *stmt, int column);
    struct value (*get_value)(void *stmt, int column); /* borrowed until the next step */
    bool (*begin)(void *conn, enum tx_kind kind, struct err *err);
    bool (*commit)(void *conn, struct err *err);
    void (*rollback)(void *conn);
    bool (*is_passing)(void *conn); /* what failed last may well work when it is done again */
    void (*interrupt)(void *conn);  /* any thread */
    /* A table came whole, with ids of its own: new ones shall be higher, and what is in it known.
     * NULL: they are anyway. */
    bool (*settle)(void *conn, const char *table, bool has_id, struct err *err);
    /* Tell the other processes that there is work; wait for that.  NULL: there are none. */
    bool (*wake)(void *conn, struct err *err);
    enum next (*wait)(void *conn, uint32_t ms, struct err *err);
};
extern const struct driver driver_sqlite, driver_postgres;
/* NULL: no store is called so. */
const struct driver *driver_of(str name, str *place);

/* The driver's words in place of the portable ones; both tables end with a zeroed row. */
struct dialect_word {
    const char *token, *word;
};
bool dialect(const struct dialect_word *words, const char *sql, struct sb *out,
             struct err *err) NODISCARD;
/* Text that every engine takes: UTF-8 without NUL; what is not becomes U+FFFD. */
bool text_is_clean(str s);
void text_clean(str s, struct sb *out);

struct prepared {
    const char *sql; /* the literal itself is the key: no two compare */
    void *stmt;
};
enum { PREPARED_MAX = 512, BULKS_MAX = 192 };
struct bulk_text {
    const void *bulk;
    size_t n_rows;
    char *sql; /* owned */
};
struct store {
    const struct driver *driver;
    void *conn;
    enum store_mode mode;
    bool has_news;                  /* of this transaction: others are woken after its commit */
    bool changes_access;            /* of this transaction */
    atomic_uint_fast64_t *n_access; /* the pool's: changes of access; NULL: of none */
    struct prepared prepared[PREPARED_MAX]; /* open addressing by address */
    size_t n_prepared;
    struct bulk_text bulks[BULKS_MAX];
    size_t n_bulks;
    const char *fence_name; /* borrowed, of a literal */
    int64_t fence;          /* term of the leader that writes here; 0: whoever writes */
};

/* --- statements
 * ------------------------------------------------------------------------------------ */
struct rows {
    struct store *store;
    void *stmt;
};
void rows_done(struct rows *rows); /* harmless twice */
#define auto_rows __attribute__((cleanup(rows_done))) struct rows
bool db_query_(struct store *store, struct rows *rows, const char *sql, const struct value *values,
               size_t n, struct err *err) NODISCARD;
bool db_run_(struct store *store, const char *sql, const struct value *values, size_t n,
             struct err *err) NODISCARD;
#define VALUES_(...) ((const struct value[]){{.kind = VALUE_NULL}, ##__VA_ARGS__})
#define N_VALUES_(...) (sizeof(VALUES_(__VA_ARGS__)) / sizeof(struct value) - 1)
/* @sql is a literal, or at least lives as long as the store. */
#define db_query(store, rows, err, sql, ...)                                                       \
    db_query_((store), (rows), (sql), VALUES_(__VA_ARGS__) + 1, N_VALUES_(__VA_ARGS__), (err))
#define db_run(store, err, sql, ...)                                                               \
    db_run_((store), (sql), VALUES_(__VA_ARGS__) + 1, N_VALUES_(__VA_ARGS__), (err))
enum next rows_next(struct rows *rows, struct err *err) NODISCARD;
int64_t db_changes(struct store *store);
static inline int64_t row_int(struct rows *rows, int column)
{
    return rows->store->driver->get_int(rows->stmt, column);
}
static inline double row_real(struct rows *rows, int column)
{
    return rows->store->driver->get_real(rows->stmt, column);
}
/* Borrowed until the next row. */
static inline str row_text(struct rows *rows, int column)
{
    return rows->store->driver->get_text(rows->stmt, column);
}
/* Copied; ptr NULL when the arena is used up, so keep_all() below is asked once a row. */
static inline str row_dup(struct rows *rows, int column, struct arena *arena)
{
    return arena_dup(arena, rows->store->driver->get_text(rows->stmt, column));
}
/* First column of the only row; @otherwise when there is none. */
bool db_int_(struct store *store, int64_t otherwise, int64_t *out, const char *sql,
             const struct value *values, size_t n, struct err *err) NODISCARD;
#define db_int(store, otherwise, out, err, sql, ...)                                               \
    db_int_((store), (otherwise), (out), (sql), VALUES_(__VA_ARGS__) + 1, N_VALUES_(__VA_ARGS__),  \
            (err))

/* One statement for many rows: @head, a "($1, $2)" of @n_columns a row, @tail.  A server that is
 * far away is asked once for 64 of them. */
struct bulk {
    const char *head, *tail;
    size_t n_columns;
};
typedef bool bulk_row(void *ctx, struct rows *rows, struct err *err);
/* @bulk is static.  @on_row, which may be NULL, sees every row that comes back. */
bool db_bulk(struct store *store, const struct bulk *bulk, const struct value *values,
             size_t n_rows, bulk_row *on_row, void *ctx, struct err *err) NODISCARD;

/* --- transactions: ended by exactly one of commit and rollback
 * --------------------------------------- */
bool tx_begin_write(struct store *store, struct err *err) NODISCARD;
bool tx_begin_read(struct store *store, struct err *err) NODISCARD;
bool tx_begin_alone(struct store *store, struct err *err) NODISCARD;
/* Commit when @ok, else roll back; the result is what the caller returns. */
bool tx_end(struct store *store, bool ok, struct err *err) NODISCARD;
/* True, after a little while, when the transaction that failed should be done once more. */
bool tx_again(struct store *store, unsigned *n_tries, struct err *err);
/* @work in a transaction; begun anew when the engine gave it up in favour of another one's.  So
 * @work starts from nothing each time. */
#define TX_(store, begin, err, work)                                                               \
    ({                                                                                             \
        bool tx_ok_;                                                                               \
        unsigned tx_tries_ = 0;                                                                    \
        do                                                                                         \
            tx_ok_ = begin((store), (err)) && tx_end((store), (work), (err));                      \
        while (!tx_ok_ && tx_again((store), &tx_tries_, (err)));                                   \
        tx_ok_;                                                                                    \
    })
#define TX_WRITTEN(store, err, work) TX_(store, tx_begin_write, err, work)
#define TX_DONE_ALONE(store, err, work) TX_(store, tx_begin_alone, err, work)

/* access.c: in the transaction that changes who may do what. */
bool access_note(struct store *store, struct err *err) NODISCARD;

/* --- schema
 * ------------------------------------------------------------------------------------------ */
struct migration {
    int version;
    const char *sql;
};
const struct migration *schema_migrations(size_t *n);

/* False with ERR_CONFLICT when who leads now is not whom the fence lets write. */
bool fence_confirm(struct store *store, struct err *err) NODISCARD;

/* --- words on disk: a contract of the store, whatever is printed elsewhere
 * ----------------------------- */
const char *word_verdict(enum verdict verdict);
enum verdict word_verdict_parse(str text);
const char *word_severity(enum severity severity);
enum severity word_severity_parse(str text);
const char *word_fix(enum fix_state state);
enum fix_state word_fix_parse(str text);
const char *word_class(enum finding_class class);
enum finding_class word_class_parse(str text);
const char *word_notice(enum notice_kind kind);
enum notice_kind word_notice_parse(str text);
enum job_kind word_job_kind_parse(str text);

/* --- lists inside a column: JSON
 * -------------------------------------------------------------------------- */
/* Printing fails with the buffer (sb_ok); an empty list is an empty text. */
void pack_strs(struct sb *out, const strs *list);
void pack_labels(struct sb *out, const struct report *report);
void pack_cvss(struct sb *out, const struct finding *finding);
void pack_ratings(struct sb *out, const struct finding *finding);
void pack_evidence(struct sb *out, const struct finding *finding);
bool unpack_strs(struct arena *arena, str text, strs *out, struct err *err) NODISCARD;
bool unpack_labels(struct arena *arena, str text, struct report *out, struct err *err) NODISCARD;
bool unpack_cvss(struct arena *arena, str text, struct finding *out, struct err *err) NODISCARD;
bool unpack_ratings(struct arena *arena, str text, struct finding *out, struct err *err) NODISCARD;
bool unpack_evidence(struct arena *arena, str text, struct finding *out, struct err *err) NODISCARD;

/* --- pieces that several files use
 * -------------------------------------------------------------------------- */
/* A repository's or image's id by name; made when unknown. */
bool repository_ensure(struct store *store, int64_t registry_id, str name, int64_t now, int64_t *id,
                       struct err *err) NODISCARD;
bool image_ensure(struct store *store, int64_t registry_id, int64_t repository_id, str name,
                  int64_t now, int64_t *id, struct err *err) NODISCARD;
/* Take out what a delete names, but for what was pushed after it. */
bool event_delete(struct store *store, int64_t registry_id, const struct store_event *event,
                  int64_t now, struct err *err) NODISCARD;
/* The queued or running job of the same work is as urgent as this one; *is_there: there is one. */
bool job_merge(struct store *store, const struct job_spec *spec, bool *is_there,
               struct err *err) NODISCARD;
/* Bring the recommendation's state up to date after a change of an image. */
bool assessment_touch(struct store *store, int64_t registry_id, int64_t now,
                      struct err *err) NODISCARD;
/* Write the findings of a report in place of those that the image has. */
bool findings_replace(struct store *store, int64_t registry_id, int64_t image_id,
                      const struct report *report, int64_t now, struct err *err) NODISCARD;
bool generation_note(struct store *store, uint64_t generation, str identity,
                     struct err *err) NODISCARD;
enum { ENGINE_TEXT = 17 };
void units_engine(char out[static ENGINE_TEXT]);
/* What of the image is judged alone when advisories change: its units, in place of those it had. */
bool units_write(struct store *store, int64_t registry_id, int64_t image_id,
                 const struct report *report, struct err *err) NODISCARD;
/* The id of the row that says what @finding says, made when there is none. */
bool fact_id(struct store *store, const struct finding *finding, int64_t *id,
             struct err *err) NODISCARD;
/* One entry per subscription and digest, at the first complete scan that was one. */
bool ledger_note(struct store *store, int64_t image_id, const struct report *report, int64_t now,
                 struct err *err) NODISCARD;
/* changes.c: asked before anything of an image is written, and after all of it was. */
struct change_before {
    bool is_watched;
    enum verdict verdict;
    int64_t n_new; /* findings that were new at @now already */
};
struct change_spec {
    enum news_kind kind; /* NEWS_SCAN or NEWS_REMATCH */
    int64_t image_id, job_id, lease;
    str digest, tag; /* of the job */
    uint64_t generation;
    int64_t at;
};
bool change_before(struct store *store, int64_t image_id, int64_t now, struct change_before *out,
                   struct err *err) NODISCARD;
bool change_after(struct store *store, const struct change_spec *spec,
                  const struct change_before *before, struct err *err) NODISCARD;
/* Many images of a re-match that have gained findings: id, generation and time of each. */
bool changes_rematched(struct store *store, const struct value *values, size_t n,
                       struct err *err) NODISCARD;
bool changes_died(struct store *store, int64_t now, struct err *err) NODISCARD;
bool change_failed(struct store *store, const struct job *job, str error, int64_t now,
                   struct err *err) NODISCARD;
bool job_add(struct store *store, const struct job_spec *spec, int64_t now, bool *is_new,
             struct err *err) NODISCARD;
/* End a job whose lease is still ours, else ERR_CONFLICT. */
bool job_end(struct store *store, const struct job *job, const struct job_outcome *outcome,
             struct err *err) NODISCARD;
/* Sort and copy the tags that name an image or an index that holds it. */
bool image_tags(struct store *store, struct arena *arena, int64_t image_id, strs *out,
                struct err *err) NODISCARD;
/* Before anything of a registry's images is written: nobody else does until we commit. */
bool registry_lock(struct store *store, int64_t registry_id, struct err *err) NODISCARD;
/* Registries of a scope, sorted by id. */
bool scope_registries(struct store *store, struct arena *arena, const struct store_scope *scope,
                      store_registries *out, struct err *err) NODISCARD;
bool scope_has(const struct store_scope *scope, const struct store_registry *registry);
/* "a.b.c" cursors: numbers, then free text. */
bool cursor_parse(str after, int64_t *numbers, size_t n, str *text, struct err *err) NODISCARD;
size_t page_limit(const struct store_page *page);

/* Ids of registries whose plan is off. */
#define REGISTRIES_OFF                                                                             \
    "(SELECT off.id FROM registries off JOIN plans o ON o.subscription = LOWER(off.subscription)"  \
    " WHERE o.tier = 'free')"

/* secrets.c: @registry_id and @name say what it is for, and are authenticated with it. */
bool secret_seal(struct arena *arena, const struct secret_key *key, int64_t registry_id,
                 const char *name, str secret, str *sealed, struct err *err) NODISCARD;
bool secret_unseal(struct arena *arena, const struct secret_key *key, int64_t registry_id,
                   const char *name, str sealed, str *secret, struct err *err) NODISCARD;

/* --- whole tables: for check, backup and copy
 * ------------------------------------------------------------------------- */
struct table {
    const char *name,
        *key;    /* key: the order in which its rows are read, the same on every engine */
    bool has_id; /* {id}: numbers of its own */
};
/* All but the list of migrations, what is referred to first; NULL behind the last. */
const struct table *table_at(size_t i);
const struct table *table_find(str name);
bool table_count(struct store *store, const struct table *table, uint64_t *n,
                 struct err *err) NODISCARD;

/* Rows, each in bytes that are the same on every engine: a kind and its value a column. */
struct table_reader {
    struct store *store;
    const struct table *table;
    void *stmt;
    enum next first; /* of the row that was read to know the columns */
    bool is_first;
    struct sb row;
    struct hash *hash; /* of all rows */
    uint64_t n_rows, n_bytes;
};
/* @columns: "a, b"; NULL: all. */
bool table_open(struct store *store, const struct table *table, const char *columns,
                struct table_reader *out, struct err *err) NODISCARD;
/* @row is borrowed until the next call. */
enum next table_next(struct table_reader *reader, str *row, struct err *err) NODISCARD;
void table_columns(struct table_reader *reader, struct sb *out); /* "a, b" */
void table_close(struct table_reader *reader);
#define auto_reader __attribute__((cleanup(table_close))) struct table_reader

enum { DIGEST_BYTES = 32 };
/* What was read or written of a table: to be compared. */
struct table_sum {
    uint64_t n_rows, n_bytes;
    uint8_t digest[DIGEST_BYTES];
};
void table_sum_of(struct table_reader *reader, struct table_sum *out); /* after NEXT_END */

/* The other way: rows into a table that has none. */
struct table_writer {
    struct store *store;
    const struct table *table;
    str columns; /* borrowed */
    size_t n_columns;
    struct sb pending;
    size_t n_pending;
    void *many, *one; /* statements */
};
/* ERR_FORMAT when @columns is no list of names. */
bool writer_open(struct store *store, const struct table *table, str columns,
                 struct table_writer *out, struct err *err) NODISCARD;
bool writer_add(struct table_writer *writer, str row, struct err *err) NODISCARD;
/* Writes what is left, and reads all back: ERR_MISMATCH when it is not @expected. */
bool writer_end(struct table_writer *writer, const struct table_sum *expected,
                const struct store_watch *watch, struct err *err) NODISCARD;
void writer_close(struct table_writer *writer);
#define auto_writer __attribute__((cleanup(writer_close))) struct table_writer

/* False, with ERR_CANCELLED, when it is time to stop. */
bool watch_tell(const struct store_watch *watch, const char *what, uint64_t done, uint64_t total,
                struct err *err) NODISCARD;
