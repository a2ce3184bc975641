/* SPDX-License-Identifier: Apache-2.0 */
/* db.c - one generation, mapped and read.
 *
 * One LMDB table, its keys told apart by their first byte:
 *     'F'                        filter of the keys below 'P' (filter.c)
 *     'I' name                   records that have it as alias: source and id of each
 *     'M'                        format, generation, sources
 *     'C' ecosystem              empty: a source for it was verified
 *     'E' CVE                    what sources say of it itself (enrichment_value_parse)
 *     'P' ecosystem NUL package  statements (package_value_parse)
 *     'R' source NUL record      source, block, place: three varints
 *     'T' source block           length of the texts, and a zstd frame of them, each a blob
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
#include "os/file.h"

struct advisory_db {
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
    struct arena arena;
    uint64_t generation;
    VEC(struct source_state) sources; /* the first n_built are numbered by statements */
    size_t n_built;
    strs compiled; /* of those: digests of their records */
    char identity[2 * KEY_DIGEST + 1];
    str filter; /* of packages */
    bool has_vex;
    struct unpacker *unpacker;
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

static void u32be_print(uint32_t value, char *to)
{
    for (int i = 0; i < 4; i++)
        to[i] = (char)(value >> (24 - 8 * i));
}

void db_key_texts(struct db_key *key, uint32_t source, uint32_t block)
{
    key->bytes[0] = (char)KEY_TEXTS;
    u32be_print(source, key->bytes + 1);
    u32be_print(block, key->bytes + 5);
    key->len = 9;
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

struct db_cursor {
    MDB_cursor *lmdb;
    bool is_begun;
};

bool db_cursor_open(const struct advisory_db *db, struct db_cursor **out, struct err *err)
{
    struct db_cursor *cursor = calloc(1, sizeof *cursor);
    if (!cursor)
        return err_memory(err);
    int rc = mdb_cursor_open(db->txn, db->dbi, &cursor->lmdb);
    if (rc) {
        free(cursor);
        return err_set(err, kind_of(rc), "advisory database: %s", mdb_strerror(rc));
    }
    *out = cursor;
    return true;
}

static struct db_item item_of(str key, str value)
{
    return (struct db_item){.kind = (enum key_kind)(key.ptr[0] & ~0x20),
                            .is_hashed = key.ptr[0] & 0x20,
                            .key = str_skip(key, 1),
                            .value = value};
}

enum next db_cursor_next(struct db_cursor *cursor, struct db_item *out, struct err *err)
{
    MDB_val k, v;
    int rc = mdb_cursor_get(cursor->lmdb, &k, &v, cursor->is_begun ? MDB_NEXT : MDB_FIRST);
    cursor->is_begun = true;
    if (rc == MDB_NOTFOUND)
        return NEXT_END;
    str key = str_of(k.mv_data, k.mv_size);
    if (rc || !key.len) {
        err_set(err, rc ? kind_of(rc) : ERR_FORMAT, "advisory database: %s",
                rc ? mdb_strerror(rc) : "an empty key");
        return NEXT_ERR;
    }
    *out = item_of(key, str_of(v.mv_data, v.mv_size));
    return NEXT_ITEM;
}

void db_cursor_close(struct db_cursor *cursor)
{
    if (!cursor)
        return;
    mdb_cursor_close(cursor->lmdb);
    free(cursor);
}

/* Two blobs before the value proper. */
static bool take_names(str *value, str *a, str *b, struct err *err)
{
    struct rd in;
    rd_init(&in, *value);
    *a = rd_blob(&in, LIMIT(FEED_RECORD));
    *b = rd_blob(&in, LIMIT(FEED_RECORD));
    *value = rd_rest(&in);
    return rd_ok(&in, err);
}

bool db_item_names(struct db_item *item, str *a, str *b, struct err *err)
{
    if (item->is_hashed)
        return take_names(&item->value, a, b, err);
    if (!str_cut_byte(item->key, '\0', a, b))
        *a = item->key;
    return true;
}

/* The value under @kind of two names; two pairs of long names never pass for each other. */
bool db_get_named(const struct advisory_db *db, enum key_kind kind, str a, str b, str *out,
                  struct err *err)
{
    struct db_key key;
    str own_a, own_b;
    db_key_make(&key, kind, a, b);
    if (!get(db, &key, out, err))
        return false;
    if (!db_key_is_hashed(&key))
        return true;
    if (!take_names(out, &own_a, &own_b, err))
        return false;
    return str_eq(a, own_a) && str_eq(b, own_b)
               ? true
               : err_set(err, ERR_NOT_FOUND, "not in the database");
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
    if (!rd_ok(&in, err))
        return err_wrap(err, "advisory database");
    db_key_make(&key, KEY_FILTER, STR_NONE, STR_NONE);
    return get(db, &key, &db->filter, err) ||
           err_set(err, ERR_FORMAT, "advisory database: its filter of packages is missing");
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

static int cmp_generations(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

/* Is there a key of a package of an ecosystem "VEX:…"?  A database whose every such name is longer
 * than a key passes for one without, and takes nothing away. */
static bool find_vex(struct advisory_db *db, struct err *err)
{
    struct db_key key;
    MDB_cursor *cursor;
    MDB_val k, v;
    db_key_make(&key, KEY_PACKAGE, STR("VEX:"), STR_NONE);
    str prefix = str_of(key.bytes, key.len - 1); /* without the NUL between the names */
    union {
        const char *borrowed;
        void *lmdb;
    } bytes = {.borrowed = key.bytes};
    int rc = mdb_cursor_open(db->txn, db->dbi, &cursor);
    if (rc)
        return err_set(err, kind_of(rc), "advisory database: %s", mdb_strerror(rc));
    k = (MDB_val){.mv_size = prefix.len, .mv_data = bytes.lmdb};
    rc = mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE);
    mdb_cursor_close(cursor);
    db->has_vex = rc == 0 && str_starts(str_of(k.mv_data, k.mv_size), prefix);
    return rc == 0 || rc == MDB_NOTFOUND
               ? true
               : err_set(err, kind_of(rc), "advisory database: %s", mdb_strerror(rc));
}

/* Of all keys that begin with @prefix, those of packages of @ecosystem. */
static bool list_packages(const struct advisory_db *db, struct arena *arena, str prefix,
                          str ecosystem, strs *out, struct err *err)
{
    MDB_cursor *cursor;
    MDB_val k = {.mv_size = prefix.len, .mv_data = (void *)(uintptr_t)prefix.ptr}, v;
    str had, package;
    int rc = mdb_cursor_open(db->txn, db->dbi, &cursor);
    if (rc)
        return err_set(err, kind_of(rc), "advisory database: %s", mdb_strerror(rc));
    bool ok = true;
    for (rc = mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE); ok && !rc;
         rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT)) {
        str key = str_of(k.mv_data, k.mv_size);
        if (!str_starts(key, prefix))
            break;
        struct db_item item = item_of(key, str_of(v.mv_data, v.mv_size));
        ok = db_item_names(&item, &had, &package, err);
        str *slot = ok && str_eq(had, ecosystem) ? vec_push(arena, out) : NULL;
        if (slot)
            *slot = arena_dup(arena, package);
        if (ok && str_eq(had, ecosystem) && (!slot || !slot->ptr))
            ok = err_memory(err);
    }
    mdb_cursor_close(cursor);
    return ok && (rc == 0 || rc == MDB_NOTFOUND ||
                  err_set(err, kind_of(rc), "advisory database: %s", mdb_strerror(rc)));
}

bool advisory_packages(const struct advisory_db *db, struct arena *arena, str ecosystem, strs *out,
                       struct err *err)
{
    static const char hashed[] = {KEY_PACKAGE | 0x20};
    struct db_key key;
    db_key_make(&key, KEY_PACKAGE, ecosystem, STR_NONE);
    return list_packages(db, arena, str_of(key.bytes, key.len), ecosystem, out, err) &&
           list_packages(db, arena, str_of(hashed, 1), ecosystem, out, err);
}

static bool make_identity(struct advisory_db *db, struct err *err)
{
    uint8_t sum[HASH_MAX];
    auto_sb parts;
    sb_init(&parts, LIMIT(FEED_RECORD));
    for (size_t i = 0; i < db->n_built; i++) {
        sb_blob(&parts, db->sources.ptr[i].name);
        sb_blob(&parts, db->compiled.ptr[i]);
    }
    if (!sb_ok(&parts, err))
        return false;
    hash_of(HASH_SHA256, sb_str(&parts), sum);
    hex_print(sum, KEY_DIGEST, db->identity);
    return true;
}

/* The folder @name below @dir. */
static bool open_folder(const char *dir, const char *name, struct advisory_db **out,
                        struct err *err)
{
    struct advisory_db *db = calloc(1, sizeof *db);
    if (!db || !unpacker_open(&db->unpacker, err)) {
        free(db);
        return err_memory(err);
    }
    arena_init(&db->arena, LIMIT(FEED_RECORD));
    const char *path = arena_cstr(&db->arena, arena_printf(&db->arena, "%s/%s", dir, name));
    bool is_ok = path ? open_env(db, path, err) && read_meta(db, err) && make_identity(db, err) &&
                            find_vex(db, err)
                      : err_memory(err);
    if (!is_ok) {
        advisory_db_close(db);
        return false;
    }
    *out = db;
    return true;
}

bool advisory_db_open(const char *dir, struct advisory_db **out, struct err *err)
{
    struct advisory_db *db = NULL;
    if (!open_folder(dir, "current", &db, err))
        return err->kind == ERR_NOT_FOUND
                   ? err_set(
                         err, ERR_NOT_FOUND,
                         "no advisory database in %s: make one with `plimsoll db update --db %s`",
                         dir, dir)
                   : false;
    if (!add_news(db, dir, err)) {
        advisory_db_close(db);
        return false;
    }
    *out = db;
    return true;
}

bool advisory_db_open_at(const char *dir, uint64_t generation, struct advisory_db **out,
                         struct err *err)
{
    char name[64];
    if (!generation)
        return open_folder(dir, "current", out, err);
    snprintf(name, sizeof name, GENERATION_FMT, (unsigned long long)generation);
    if (open_folder(dir, name, out, err))
        return true;
    return err->kind == ERR_NOT_FOUND
               ? err_set(err, ERR_NOT_FOUND, "%s: no generation %llu is kept", dir,
                         (unsigned long long)generation)
               : false;
}

bool advisory_generations(const char *dir, struct arena *arena, generation_list *out,
                          struct err *err)
{
    str_vec names = {0};
    const char *path = arena_cstr(arena, arena_printf(arena, "%s/generations", dir));
    if (!path)
        return err_memory(err);
    if (!dir_list(arena, path, &names, err))
        return err_wrap(err, "no advisory database in %s", dir);
    for (size_t i = 0; i < names.len; i++) {
        uint64_t number, *slot;
        if (!str_to_u64(names.ptr[i], UINT32_MAX, &number))
            continue;
        if (!(slot = vec_push(arena, out)))
            return err_memory(err);
        *slot = number;
    }
    vec_sort(out, cmp_generations);
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
    unpacker_close(db->unpacker);
    arena_fini(&db->arena);
    free(db);
}

uint64_t advisory_db_generation(const struct advisory_db *db) { return db->generation; }

size_t advisory_db_built(const struct advisory_db *db) { return db->n_built; }

str advisory_db_identity(const struct advisory_db *db) { return str_from(db->identity); }

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

bool advisory_db_has_vex(const struct advisory_db *db) { return db->has_vex; }

bool advisory_enrich(const struct advisory_db *db, struct arena *arena, str cve, enrichments *out,
                     struct err *err)
{
    struct err missing = {0};
    str value;
    *out = (enrichments){0};
    if (!db_get_named(db, KEY_ENRICHMENT, cve, STR_NONE, &value, &missing)) {
        if (missing.kind == ERR_NOT_FOUND)
            return true;
        *err = missing;
        return false;
    }
    return enrichment_value_parse(value, arena, db->sources.ptr, db->n_built, out, err);
}

bool db_may_have(const struct advisory_db *db, str ecosystem, str package)
{
    return filter_has(db->filter, filter_hash(ecosystem, package));
}

bool advisory_find_if(const struct advisory_db *db, struct arena *arena, str ecosystem, str package,
                      const struct affected_filter *filter, affecteds *out, struct err *err)
{
    struct err missing = {0};
    str value;
    *out = (affecteds){0};
    if (!db_may_have(db, ecosystem, package))
        return true;
    if (!db_get_named(db, KEY_PACKAGE, ecosystem, package, &value, &missing)) {
        if (missing.kind == ERR_NOT_FOUND)
            return true;
        *err = missing;
        return false;
    }
    return filter
               ? package_value_filter(value, arena, db->sources.ptr, db->n_built, filter, out, err)
               : package_value_parse(value, arena, db->sources.ptr, db->n_built, out, err);
}

bool advisory_find(const struct advisory_db *db, struct arena *arena, str ecosystem, str package,
                   affecteds *out, struct err *err)
{
    return advisory_find_if(db, arena, ecosystem, package, NULL, out, err);
}

/* The text at @place of unpacked @texts, into @arena. */
static bool text_at(str texts, uint64_t place, struct arena *arena, str *out, struct err *err)
{
    struct rd in;
    rd_init(&in, texts);
    for (uint64_t i = 0; i < place && rd_is_ok(&in); i++)
        rd_blob(&in, LIMIT(FEED_RECORD));
    str text = rd_blob(&in, LIMIT(FEED_RECORD));
    if (!rd_ok(&in, err))
        return false;
    *out = arena_dup(arena, text);
    return out->ptr ? true : err_memory(err);
}

bool db_unpack(const struct advisory_db *db, str block, struct arena *arena, str *texts,
               struct err *err)
{
    struct rd in;
    rd_init(&in, block);
    size_t n = (size_t)rd_varint(&in, 2 * LIMIT(FEED_RECORD));
    str frame = rd_rest(&in);
    char *to = rd_is_ok(&in) ? arena_alloc(arena, n + 1) : NULL;
    if (!to)
        return rd_ok(&in, err) && err_memory(err);
    *texts = str_of(to, n);
    return unpacker_take(db->unpacker, frame, to, n, err);
}

/* A block is small but for one that holds a huge record. */
static bool unpack_text(const struct advisory_db *db, str block, uint64_t place,
                        struct arena *arena, str *out, struct err *err)
{
    char small[2 * TEXTS_BLOCK];
    struct rd in;
    rd_init(&in, block);
    size_t n = (size_t)rd_varint(&in, 2 * LIMIT(FEED_RECORD));
    str frame = rd_rest(&in);
    if (!rd_ok(&in, err))
        return false;
    char *to = n <= sizeof small ? small : malloc(n);
    if (!to)
        return err_memory(err);
    bool is_ok = unpacker_take(db->unpacker, frame, to, n, err) &&
                 text_at(str_of(to, n), place, arena, out, err);
    if (to != small)
        free(to);
    return is_ok;
}

bool db_get_text(const struct advisory_db *db, str source, str record, struct arena *arena,
                 str *out, struct err *err)
{
    struct db_key key;
    struct rd in;
    str value;
    if (!db_get_named(db, KEY_RECORD, source, record, &value, err))
        return false;
    rd_init(&in, value);
    uint32_t number = (uint32_t)rd_varint(&in, UINT32_MAX);
    uint32_t block = (uint32_t)rd_varint(&in, UINT32_MAX);
    uint64_t place = rd_varint(&in, 2 * LIMIT(FEED_RECORD));
    db_key_texts(&key, number, block);
    return rd_ok(&in, err) && get(db, &key, &value, err) &&
           unpack_text(db, value, place, arena, out, err);
}

bool db_has_record(const struct advisory_db *db, str source, str record, struct err *err)
{
    str value;
    return db_get_named(db, KEY_RECORD, source, record, &value, err) ||
           err_wrap(err, "record " STR_FMT " of " STR_FMT, STR_ARG(record), STR_ARG(source));
}

bool advisory_get(const struct advisory_db *db, struct arena *arena, str source, str record,
                  struct advisory *out, struct err *err)
{
    struct rd in;
    str value;
    if (!db_get_text(db, source, record, arena, &value, err))
        return err_wrap(err, "record " STR_FMT " of " STR_FMT, STR_ARG(record), STR_ARG(source));
    rd_init(&in, value);
    record_text_parse(&in, arena, out); /* the places behind it are advisory_by_id's */
    if (!rd_ok(&in, err))
        return err_wrap(err, "record " STR_FMT, STR_ARG(record));
    out->source = source;
    for (size_t i = 0; i < db->n_built; i++) {
        if (str_eq(db->sources.ptr[i].name, source))
            out->source = db->sources.ptr[i].name;
    }
    return true;
}
