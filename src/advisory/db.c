/* SPDX-License-Identifier: Apache-2.0 */
/* db.c - one generation, mapped and read.
 *
 * One LMDB table, its keys told apart by their first byte:
 *     'M'                        format, generation, sources
 *     'C' ecosystem              empty: a source for it was verified
 *     'E' CVE                    what sources say of it itself (enrichment_value_parse)
 *     'P' ecosystem NUL package  statements (package_value_parse)
 *     'R' source NUL record      the record's text
 * A longer key is its sha256 behind the letter in lower case.
 * One read transaction serves all threads: without lock file and without writers, mdb_get on the
 * unnamed table changes nothing in it. */
#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "advisory/internal.h"
#include "base/limits.h"
#include "base/log.h"

struct advisory_db {
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
    struct arena arena;
    uint64_t generation;
    VEC(struct source_state) sources; /* the first n_built are numbered by statements */
    size_t n_built;
    strs compiled; /* of those: digests of their records */
};

void db_key_make(struct db_key *key, enum key_kind kind, str a, str b)
{
    struct rd parts;
    size_t len = 1 + a.len + (kind == KEY_PACKAGE || kind == KEY_RECORD ? 1 + b.len : 0);
    if (len <= KEY_MAX) {
        key->bytes[0] = (char)kind;
        if (a.len)
            memcpy(key->bytes + 1, a.ptr, a.len);
        if (len > 1 + a.len) {
            key->bytes[1 + a.len] = '\0';
            if (b.len)
                memcpy(key->bytes + 2 + a.len, b.ptr, b.len);
        }
        key->len = len;
        return;
    }
    uint8_t sums[2 * HASH_MAX], sum[HASH_MAX];
    size_t n = hash_of(HASH_SHA256, a, sums);
    n += hash_of(HASH_SHA256, b, sums + n);
    hash_of(HASH_SHA256, str_of((const char *)sums, n), sum);
    rd_init(&parts, str_of((const char *)sum, KEY_DIGEST));
    key->bytes[0] = (char)(kind | 0x20);
    memcpy(key->bytes + 1, rd_bytes(&parts, KEY_DIGEST).ptr, KEY_DIGEST);
    key->len = 1 + KEY_DIGEST;
}

static enum err_kind kind_of(int rc)
{
    if (rc == MDB_VERSION_MISMATCH)
        return ERR_UNSUPPORTED;
    if (rc == MDB_INVALID || rc == MDB_CORRUPTED || rc == MDB_PAGE_NOTFOUND ||
        rc == MDB_INCOMPATIBLE)
        return ERR_FORMAT;
    return rc == ENOMEM ? ERR_MEMORY : ERR_IO;
}

/* False with NOT_FOUND for a key that is not there. */
static bool get(const struct advisory_db *db, const struct db_key *key, str *out, struct err *err)
{
    union {
        const char *borrowed;
        void *lmdb;
    } bytes = {.borrowed = key->bytes};
    MDB_val k = {.mv_size = key->len, .mv_data = bytes.lmdb}, v;
    int rc = mdb_get(db->txn, db->dbi, &k, &v);
    if (rc == MDB_NOTFOUND)
        return err_set(err, ERR_NOT_FOUND, "not in the database");
    if (rc != 0)
        return err_set(err, kind_of(rc), "advisory database: %s", mdb_strerror(rc));
    *out = str_of(v.mv_data, v.mv_size);
    return true;
}

/* A file shorter than its own header says would end the process at the first read behind its end.
 */
static bool check_size(struct advisory_db *db, const char *path, struct err *err)
{
    MDB_envinfo info;
    MDB_stat stat_db;
    struct stat st;
    mdb_filehandle_t fd;
    if (mdb_env_info(db->env, &info) || mdb_env_stat(db->env, &stat_db) ||
        mdb_env_get_fd(db->env, &fd) || fstat(fd, &st))
        return err_set(err, ERR_IO, "%s: no information", path);
    size_t need = (info.me_last_pgno + 1) * stat_db.ms_psize;
    if (st.st_size < 0 || (size_t)st.st_size < need)
        return err_set(err, ERR_FORMAT,
                       "%s: cut off at %lld of %zu bytes; run `plimsoll db update`", path,
                       (long long)st.st_size, need);
    return true;
}

static bool open_env(struct advisory_db *db, const char *path, struct err *err)
{
    int rc = mdb_env_create(&db->env);
    if (rc == 0)
        rc = mdb_env_open(db->env, path, MDB_RDONLY | MDB_NOLOCK | MDB_NORDAHEAD | MDB_NOTLS, 0644);
    if (rc == ENOENT)
        return err_set(err, ERR_NOT_FOUND, "no advisory database");
    if (rc != 0)
        return err_set(err, kind_of(rc), "%s: not an advisory database: %s", path,
                       mdb_strerror(rc));
    if (!check_size(db, path, err))
        return false;
    rc = mdb_txn_begin(db->env, NULL, MDB_RDONLY, &db->txn);
    if (rc == 0)
        rc = mdb_dbi_open(db->txn, NULL, 0, &db->dbi);
    if (rc != 0)
        return err_set(err, kind_of(rc), "%s: %s", path, mdb_strerror(rc));
    return true;
}

static bool read_meta(struct advisory_db *db, struct err *err)
{
    struct db_key key;
    struct rd in;
    str value;
    db_key_make(&key, KEY_META, STR_NONE, STR_NONE);
    if (!get(db, &key, &value, err)) {
        if (err->kind == ERR_NOT_FOUND)
            err->kind = ERR_FORMAT;
        return err_wrap(err, "not an advisory database");
    }
    rd_init(&in, value);
    uint64_t format = rd_varint(&in, UINT32_MAX);
    if (rd_is_ok(&in) && format != ADVISORY_FORMAT)
        return err_set(
            err, ERR_UNSUPPORTED,
            "advisory database of format %llu; this program reads %d: run `plimsoll db update`",
            (unsigned long long)format, ADVISORY_FORMAT);
    db->generation = rd_u64le(&in);
    db->n_built = (size_t)rd_varint(&in, 256);
    for (size_t i = 0; i < db->n_built && rd_is_ok(&in); i++) {
        struct source_state *state = vec_push(&db->arena, &db->sources);
        str *digest = vec_push(&db->arena, &db->compiled);
        if (!state || !digest)
            return err_memory(err);
        source_state_parse(&in, &db->arena, state);
        *digest = rd_blob(&in, 256);
    }
    return rd_ok(&in, err) ? true : err_wrap(err, "advisory database");
}

/* What happened since the generation was made, without a new one: a later try, a failure. */
static bool add_news(struct advisory_db *db, const char *dir, struct err *err)
{
    known_sources known = {0};
    struct err why = {0};
    if (!known_load(dir, &db->arena, &known, &why)) {
        log_event(LOG_WARN, "state of the advisory sources is unreadable", LOG_ERR(&why));
        return true;
    }
    for (size_t i = 0; i < known.len; i++) {
        const struct known_source *now = &known.ptr[i];
        struct source_state *then = NULL;
        for (size_t j = 0; j < db->n_built && !then; j++) {
            if (str_eq(db->sources.ptr[j].name, now->state.name))
                then = &db->sources.ptr[j];
        }
        if (then && !str_eq(db->compiled.ptr[then - db->sources.ptr], now->compiled))
            continue; /* the reader is between two renames of an update, or holds an old generation
                       */
        uint64_t n_records = then ? then->n_records : 0;
        if (!then && !(then = vec_push(&db->arena, &db->sources)))
            return err_memory(err);
        *then = now->state;
        then->n_records = n_records;
    }
    return true;
}

bool advisory_db_open(const char *dir, struct advisory_db **out, struct err *err)
{
    struct advisory_db *db = calloc(1, sizeof *db);
    if (!db)
        return err_memory(err);
    arena_init(&db->arena, LIMIT(FEED_RECORD));
    const char *path = arena_cstr(&db->arena, arena_printf(&db->arena, "%s/current", dir));
    bool is_ok = path ? open_env(db, path, err) : err_memory(err);
    if (!is_ok && err->kind == ERR_NOT_FOUND)
        err_set(err, ERR_NOT_FOUND,
                "no advisory database in %s: make one with `plimsoll db update --db %s`", dir, dir);
    if (is_ok)
        is_ok = read_meta(db, err) && add_news(db, dir, err);
    if (!is_ok) {
        advisory_db_close(db);
        return false;
    }
    *out = db;
    return true;
}

void advisory_db_close(struct advisory_db *db)
{
    if (!db)
        return;
    if (db->txn)
        mdb_txn_abort(db->txn);
    if (db->env)
        mdb_env_close(db->env);
    arena_fini(&db->arena);
    free(db);
}

uint64_t advisory_db_generation(const struct advisory_db *db) { return db->generation; }

size_t advisory_db_built(const struct advisory_db *db) { return db->n_built; }

str advisory_db_compiled(const struct advisory_db *db, str name)
{
    for (size_t i = 0; i < db->n_built; i++) {
        if (str_eq(db->sources.ptr[i].name, name))
            return db->compiled.ptr[i];
    }
    return STR_NONE;
}

size_t advisory_db_sources(const struct advisory_db *db, const struct source_state **out)
{
    *out = db->sources.ptr;
    return db->sources.len;
}

bool advisory_db_covers(const struct advisory_db *db, str ecosystem)
{
    struct db_key key;
    struct err ignored = {0};
    str value;
    db_key_make(&key, KEY_COVERAGE, ecosystem, STR_NONE);
    return !str_is_empty(ecosystem) && get(db, &key, &value, &ignored);
}

bool advisory_enrich(const struct advisory_db *db, struct arena *arena, str cve, enrichments *out,
                     struct err *err)
{
    struct db_key key;
    struct err missing = {0};
    str value;
    *out = (enrichments){0};
    db_key_make(&key, KEY_ENRICHMENT, cve, STR_NONE);
    if (!get(db, &key, &value, &missing)) {
        if (missing.kind == ERR_NOT_FOUND)
            return true;
        *err = missing;
        return false;
    }
    return enrichment_value_parse(value, arena, db->sources.ptr, db->n_built, out, err);
}

bool advisory_find(const struct advisory_db *db, struct arena *arena, str ecosystem, str package,
                   affecteds *out, struct err *err)
{
    struct db_key key;
    struct err missing = {0};
    str value;
    *out = (affecteds){0};
    db_key_make(&key, KEY_PACKAGE, ecosystem, package);
    if (!get(db, &key, &value, &missing)) {
        if (missing.kind == ERR_NOT_FOUND)
            return true;
        *err = missing;
        return false;
    }
    return package_value_parse(value, arena, db->sources.ptr, db->n_built, out, err);
}

bool advisory_get(const struct advisory_db *db, struct arena *arena, str source, str record,
                  struct advisory *out, struct err *err)
{
    struct db_key key;
    struct rd in;
    str value;
    db_key_make(&key, KEY_RECORD, source, record);
    if (!get(db, &key, &value, err))
        return err_wrap(err, "record " STR_FMT " of " STR_FMT, STR_ARG(record), STR_ARG(source));
    rd_init(&in, value);
    if (record_text_parse(&in, arena, out) && !rd_is_end(&in))
        rd_fail(&in, ERR_FORMAT, "%zu bytes too many", rd_left(&in));
    if (!rd_ok(&in, err))
        return err_wrap(err, "record " STR_FMT, STR_ARG(record));
    out->source = source;
    for (size_t i = 0; i < db->n_built; i++) {
        if (str_eq(db->sources.ptr[i].name, source))
            out->source = db->sources.ptr[i].name;
    }
    return true;
}
