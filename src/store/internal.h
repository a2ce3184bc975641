/* SPDX-License-Identifier: Apache-2.0 */
/* internal.h - the seam between the store's SQL and an engine.  SQL here is what SQLite 3.35 and
 * PostgreSQL 15 both understand: parameters $1, $2, … ; ON CONFLICT; no pragmas, no rowid.
 * What differs is the driver's: types in braces in the schema ({id}, {bytes}, {real}), begin of a
 * writing transaction, error codes. */
#pragma once

#include "base/map.h"
#include "base/num.h"
#include "base/rd.h"
#include "base/sb.h"
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

struct driver {
    const char *name;
    bool (*open)(const char *path, enum store_mode mode, void **conn, struct err *err);
    void (*close)(void *conn);
    bool (*script)(void *conn, const char *sql, struct err *err); /* several statements */
    bool (*check)(void *conn, struct err *err);
    bool (*prepare)(void *conn, const char *sql, void **stmt, struct err *err);
    void (*drop)(void *stmt);
    bool (*bind)(void *stmt, const struct value *values, size_t n, struct err *err);
    enum next (*step)(void *stmt, struct err *err);
    void (*reset)(void *stmt);
    int64_t (*changes)(void *conn);
    int64_t (*get_int)(void *stmt, int column);
    double (*get_real)(void *stmt, int column);
    str (*get_text)(void *stmt, int column); /* borrowed until the next step */
    bool (*begin)(void *conn, bool is_write, struct err *err);
    bool (*commit)(void *conn, struct err *err);
    void (*rollback)(void *conn);
};
extern const struct driver driver_sqlite;

struct prepared {
    const char *sql; /* the literal itself is the key: no two compare */
    void *stmt;
};
enum { PREPARED_MAX = 256 };
struct store {
    const struct driver *driver;
    void *conn;
    enum store_mode mode;
    struct prepared prepared[PREPARED_MAX]; /* open addressing by address */
    size_t n_prepared;
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

/* --- transactions: ended by exactly one of commit and rollback
 * --------------------------------------- */
bool tx_begin_write(struct store *store, struct err *err) NODISCARD;
bool tx_begin_read(struct store *store, struct err *err) NODISCARD;
/* Commit when @ok, else roll back; the result is what the caller returns. */
bool tx_end(struct store *store, bool ok, struct err *err) NODISCARD;

/* --- schema
 * ------------------------------------------------------------------------------------------ */
struct migration {
    int version;
    const char *sql;
};
const struct migration *schema_migrations(size_t *n);

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
/* Bring the recommendation's state up to date after a change of an image. */
bool assessment_touch(struct store *store, int64_t registry_id, int64_t now,
                      struct err *err) NODISCARD;
/* Write the findings of a report in place of those that the image has. */
bool findings_replace(struct store *store, int64_t registry_id, int64_t image_id,
                      const struct report *report, int64_t now, struct err *err) NODISCARD;
bool job_add(struct store *store, const struct job_spec *spec, int64_t now, bool *is_new,
             struct err *err) NODISCARD;
/* End a job whose lease is still ours, else ERR_CONFLICT. */
bool job_end(struct store *store, const struct job *job, const struct job_outcome *outcome,
             struct err *err) NODISCARD;
/* Sort and copy the tags that name an image or an index that holds it. */
bool image_tags(struct store *store, struct arena *arena, int64_t image_id, strs *out,
                struct err *err) NODISCARD;
/* Registries of a scope, sorted by id. */
bool scope_registries(struct store *store, struct arena *arena, const struct store_scope *scope,
                      store_registries *out, struct err *err) NODISCARD;
/* "a.b.c" cursors: numbers, then free text. */
bool cursor_parse(str after, int64_t *numbers, size_t n, str *text, struct err *err) NODISCARD;
size_t page_limit(const struct store_page *page);
