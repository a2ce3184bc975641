/* SPDX-License-Identifier: Apache-2.0 */
/* build.c - records of all sources into one LMDB file, whole or not at all.
 *
 * The records files are mapped; what is collected are pointers into them, sorted by key, so that
 * LMDB is filled from left to right and the same records give the same order. */
#include <lmdb.h>
#include <stdlib.h>
#include <string.h>

#include "advisory/internal.h"
#include "base/limits.h"
#include "base/num.h"

enum { PUTS_A_TXN = 50000, MAP_FACTOR = 6 };
static const size_t MAP_LEAST = 64 << 20, MAP_MOST = 1ULL << 42;
static const size_t BUILD_MEMORY = 8ULL << 30; /* of pointers: 64 bytes a statement */

struct row {
    str a, b;  /* ecosystem and package, or source and record */
    str value; /* a statement, or where a record's text lies */
    uint32_t source, mark;
};
struct block {
    uint32_t source, number;
    str bytes; /* length and frame, as in the records file */
};
typedef VEC(struct row) rows;

struct build {
    struct arena arena;
    const struct build_source *sources;
    size_t n_sources;
    struct records_file *files;
    rows statements, records, enrichments; /* of those, a is the CVE */
    rows names;                            /* a: an alias, value: the record that bears it */
    VEC(struct block) blocks;
    strs coverage;
    uint64_t generation;
    const struct cancel *cancel;
};

struct filler {
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
    size_t n_puts;
    bool is_full; /* the map was too small: again with a larger one */
};

static int row_cmp(const void *left, const void *right)
{
    const struct row *a = left, *b = right;
    int order = str_cmp(a->a, b->a);
    if (order == 0)
        order = str_cmp(a->b, b->b);
    if (order == 0)
        order = a->source < b->source ? -1 : a->source > b->source;
    return order ? order : str_cmp(a->value, b->value);
}

static int str_order(const void *left, const void *right)
{
    return str_cmp(*(const str *)left, *(const str *)right);
}

static bool collect_texts(struct build *build, uint32_t source, struct rd *body, struct err *err)
{
    uint32_t number = 0;
    if (build->blocks.len && build->blocks.ptr[build->blocks.len - 1].source == source)
        number = build->blocks.ptr[build->blocks.len - 1].number + 1;
    struct block *block = vec_push(&build->arena, &build->blocks);
    if (!block)
        return err_memory(err);
    *block = (struct block){source, number, rd_rest(body)};
    return true;
}

static bool collect_record(struct build *build, uint32_t source, struct rd *body, struct err *err)
{
    struct record_frame frame;
    struct row *row = vec_push(&build->arena, &build->records);
    if (!row)
        return err_memory(err);
    if (!record_frame_read(body, &frame))
        return rd_ok(body, err);
    *row =
        (struct row){build->sources[source].state.name, frame.id, frame.place, source, frame.mark};
    struct rd names;
    rd_init(&names, frame.names);
    for (str name; record_frame_name(&names, &name);) {
        if (!str_eq(name, frame.id) && !(row = vec_push(&build->arena, &build->names)))
            return err_memory(err);
        if (!str_eq(name, frame.id))
            *row = (struct row){.a = name, .value = frame.id, .source = source};
    }
    for (size_t i = 0; i < frame.n_entries; i++) {
        if (!(row = vec_push(&build->arena, &build->statements)))
            return err_memory(err);
        *row = (struct row){.source = source, .mark = frame.mark};
        if (!record_frame_entry(body, &row->a, &row->b, &row->value))
            return rd_ok(body, err);
    }
    return true;
}

static bool collect_enrichment(struct build *build, uint32_t source, struct rd *body,
                               struct err *err)
{
    struct row *row = vec_push(&build->arena, &build->enrichments);
    if (!row)
        return err_memory(err);
    *row = (struct row){.a = rd_blob(body, LIMIT(FEED_RECORD)), .source = source};
    row->value = rd_blob(body, LIMIT(FEED_RECORD));
    return rd_ok(body, err);
}

static bool collect_coverage(struct build *build, struct rd *body, struct err *err)
{
    str *ecosystem = vec_push(&build->arena, &build->coverage);
    if (!ecosystem)
        return err_memory(err);
    *ecosystem = rd_blob(body, LIMIT(FEED_RECORD));
    return rd_ok(body, err);
}

static bool collect_frame(struct build *build, uint32_t source, enum frame_kind kind,
                          struct rd *body, struct err *err)
{
    if (kind == FRAME_RECORD)
        return collect_record(build, source, body, err);
    if (kind == FRAME_ENRICHMENT)
        return collect_enrichment(build, source, body, err);
    if (kind == FRAME_TEXTS)
        return collect_texts(build, source, body, err);
    return collect_coverage(build, body, err);
}

static bool collect_source(struct build *build, uint32_t source, struct err *err)
{
    enum frame_kind kind;
    struct rd body;
    enum next next;
    if (!build->sources[source].path)
        return true;
    struct records_file *file = &build->files[source];
    if (!records_open(file, build->sources[source].path, err))
        return false;
    while ((next = records_next(file, &kind, &body, err)) == NEXT_ITEM) {
        if (cancel_is(build->cancel, err))
            return false;
        if (!collect_frame(build, source, kind, &body, err))
            return err_wrap(err, "%s", build->sources[source].path);
    }
    return next == NEXT_END ? true : err_wrap(err, "%s", build->sources[source].path);
}

static bool lmdb_fail(struct filler *filler, int rc, struct err *err)
{
    filler->is_full = rc == MDB_MAP_FULL;
    return err_set(err, ERR_IO, "advisory database: %s", mdb_strerror(rc));
}

static bool commit(struct filler *filler, struct err *err)
{
    int rc = mdb_txn_commit(filler->txn);
    filler->txn = NULL;
    return rc ? lmdb_fail(filler, rc, err) : true;
}

static bool put(struct filler *filler, const struct db_key *key, str value, struct err *err)
{
    union {
        const char *borrowed;
        void *lmdb;
    } k = {.borrowed = key->bytes}, v = {.borrowed = value.ptr ? value.ptr : ""};
    MDB_val mk = {.mv_size = key->len, .mv_data = k.lmdb};
    MDB_val mv = {.mv_size = value.len, .mv_data = v.lmdb};
    if (!filler->txn) {
        int rc = mdb_txn_begin(filler->env, NULL, 0, &filler->txn);
        if (rc == 0)
            rc = mdb_dbi_open(filler->txn, NULL, 0, &filler->dbi);
        if (rc)
            return lmdb_fail(filler, rc, err);
    }
    /* Hashed keys, in lower case, sort behind all others but come between them: no MDB_APPEND. */
    unsigned flags = db_key_is_hashed(key) ? 0 : MDB_APPEND;
    int rc = mdb_put(filler->txn, filler->dbi, &mk, &mv, flags);
    if (rc == MDB_KEYEXIST)
        rc = mdb_put(filler->txn, filler->dbi, &mk, &mv, 0);
    if (rc)
        return lmdb_fail(filler, rc, err);
    return ++filler->n_puts % PUTS_A_TXN ? true : commit(filler, err);
}

static bool put_coverage(struct build *build, struct filler *filler, struct err *err)
{
    struct db_key key;
    for (size_t i = 0; i < build->coverage.len; i++) {
        if (i && str_eq(build->coverage.ptr[i], build->coverage.ptr[i - 1]))
            continue;
        db_key_make(&key, KEY_COVERAGE, build->coverage.ptr[i], STR_NONE);
        if (!put(filler, &key, STR_NONE, err))
            return false;
    }
    return true;
}

static bool put_meta(struct build *build, struct filler *filler, struct err *err)
{
    struct db_key key;
    auto_sb meta;
    sb_init(&meta, LIMIT(FEED_RECORD));
    sb_varint(&meta, ADVISORY_FORMAT);
    sb_u64le(&meta, build->generation);
    sb_varint(&meta, build->n_sources);
    for (size_t i = 0; i < build->n_sources; i++) {
        source_state_print(&build->sources[i].state, &meta);
        sb_blob(&meta, build->sources[i].compiled);
    }
    db_key_make(&key, KEY_META, STR_NONE, STR_NONE);
    return sb_ok(&meta, err) && put(filler, &key, sb_str(&meta), err);
}

/* Rows of the same key become one value: how many, then each with its source. */
static bool put_groups(struct build *build, struct filler *filler, enum key_kind kind,
                       const rows *list, struct err *err)
{
    struct db_key key;
    auto_sb value;
    sb_init(&value, LIMIT(FEED_FILE));
    for (size_t i = 0, end; i < list->len; i = end) {
        const struct row *first = &list->ptr[i];
        for (end = i + 1; end < list->len; end++) {
            const struct row *row = &list->ptr[end];
            if (!str_eq(row->a, first->a) || !str_eq(row->b, first->b))
                break;
        }
        db_key_make(&key, kind, first->a, first->b);
        sb_clear(&value);
        if (db_key_is_hashed(&key)) {
            sb_blob(&value, first->a);
            sb_blob(&value, first->b);
        }
        sb_varint(&value, end - i);
        for (size_t j = i; j < end; j++) {
            sb_varint(&value, list->ptr[j].source);
            sb_u32le(&value, list->ptr[j].mark);
            sb_blob(&value, list->ptr[j].value);
        }
        if (!sb_ok(&value, err) || !put(filler, &key, sb_str(&value), err))
            return err_wrap(err, STR_FMT " " STR_FMT, STR_ARG(first->a), STR_ARG(first->b));
        if (cancel_is(build->cancel, err))
            return false;
    }
    return true;
}

/* An alias: the records that bear it, each its source and id. */
static bool put_names(struct build *build, struct filler *filler, struct err *err)
{
    struct db_key key;
    auto_sb value;
    sb_init(&value, LIMIT(FEED_FILE));
    const rows *list = &build->names;
    for (size_t i = 0, end; i < list->len; i = end) {
        const struct row *first = &list->ptr[i];
        db_key_make(&key, KEY_NAME, first->a, STR_NONE);
        sb_clear(&value);
        if (db_key_is_hashed(&key)) {
            sb_blob(&value, first->a);
            sb_blob(&value, STR_NONE);
        }
        for (end = i; end < list->len && str_eq(list->ptr[end].a, first->a); end++) {
            sb_varint(&value, list->ptr[end].source);
            sb_blob(&value, list->ptr[end].value);
        }
        if (!sb_ok(&value, err) || !put(filler, &key, sb_str(&value), err))
            return err_wrap(err, "name " STR_FMT, STR_ARG(first->a));
        if (cancel_is(build->cancel, err))
            return false;
    }
    return true;
}

static bool put_filter(struct build *build, struct filler *filler, struct err *err)
{
    struct db_key key;
    const rows *list = &build->statements;
    size_t n = 0;
    for (size_t i = 0; i < list->len; i++)
        n += i == 0 || !str_eq(list->ptr[i].b, list->ptr[i - 1].b) ||
             !str_eq(list->ptr[i].a, list->ptr[i - 1].a);
    size_t size = filter_size(n);
    unsigned char *bytes = calloc(1, size);
    if (!bytes)
        return err_memory(err);
    for (size_t i = 0; i < list->len; i++)
        filter_add(bytes, size, filter_hash(list->ptr[i].a, list->ptr[i].b));
    db_key_make(&key, KEY_FILTER, STR_NONE, STR_NONE);
    bool is_ok = put(filler, &key, str_of((const char *)bytes, size), err);
    free(bytes);
    return is_ok;
}

static bool put_records(struct build *build, struct filler *filler, struct err *err)
{
    struct db_key key;
    auto_sb value;
    sb_init(&value, KIB);
    for (size_t i = 0; i < build->records.len; i++) {
        const struct row *row = &build->records.ptr[i];
        db_key_make(&key, KEY_RECORD, row->a, row->b);
        sb_clear(&value);
        if (db_key_is_hashed(&key)) {
            sb_blob(&value, row->a);
            sb_blob(&value, row->b);
        }
        sb_varint(&value, row->source);
        sb_add(&value, row->value);
        if (!sb_ok(&value, err) || !put(filler, &key, sb_str(&value), err))
            return err_wrap(err, "record " STR_FMT, STR_ARG(row->b));
    }
    return true;
}

static bool put_texts(struct build *build, struct filler *filler, struct err *err)
{
    struct db_key key;
    for (size_t i = 0; i < build->blocks.len; i++) {
        const struct block *block = &build->blocks.ptr[i];
        db_key_texts(&key, block->source, block->number);
        if (!put(filler, &key, block->bytes, err) || cancel_is(build->cancel, err))
            return err_wrap(err, "texts");
    }
    return true;
}

static bool fill(struct build *build, const char *folder, size_t map_bytes, bool *is_full,
                 struct err *err)
{
    struct filler filler = {0};
    int rc = mdb_env_create(&filler.env);
    if (rc == 0)
        rc = mdb_env_set_mapsize(filler.env, map_bytes);
    if (rc == 0)
        rc = mdb_env_open(filler.env, folder, MDB_NOLOCK | MDB_NOSYNC | MDB_NOTLS, 0644);
    bool is_ok = rc ? lmdb_fail(&filler, rc, err) : true;
    is_ok = is_ok && put_coverage(build, &filler, err) &&
            put_groups(build, &filler, KEY_ENRICHMENT, &build->enrichments, err) &&
            put_filter(build, &filler, err) && put_names(build, &filler, err) &&
            put_meta(build, &filler, err) &&
            put_groups(build, &filler, KEY_PACKAGE, &build->statements, err) &&
            put_records(build, &filler, err) && put_texts(build, &filler, err);
    if (filler.txn && is_ok)
        is_ok = commit(&filler, err);
    if (filler.txn)
        mdb_txn_abort(filler.txn);
    if (is_ok && (rc = mdb_env_sync(filler.env, 1)) != 0)
        is_ok = lmdb_fail(&filler, rc, err);
    if (filler.env)
        mdb_env_close(filler.env);
    *is_full = filler.is_full;
    return is_ok;
}

/* Empties what a too small map left behind. */
static bool fill_until_it_fits(struct build *build, const char *folder, size_t bytes,
                               struct err *err)
{
    bool is_full = false;
    size_t map_bytes = num_max(MAP_LEAST, bytes * MAP_FACTOR);
    map_bytes -= map_bytes % (1 << 20);
    while (!fill(build, folder, map_bytes, &is_full, err)) {
        if (!is_full || map_bytes >= MAP_MOST)
            return false;
        map_bytes *= 2;
        const char *path =
            arena_cstr(&build->arena, arena_printf(&build->arena, "%s/data.mdb", folder));
        if (!path)
            return err_memory(err);
        (void)remove(path);
        *err = (struct err){0};
    }
    return true;
}

bool build_generation(const char *folder, uint64_t generation, const struct build_source *sources,
                      size_t n_sources, const struct cancel *cancel, struct err *err)
{
    struct build build = {
        .sources = sources, .n_sources = n_sources, .generation = generation, .cancel = cancel};
    size_t bytes = 0;
    arena_init(&build.arena, BUILD_MEMORY);
    build.files = arena_array(&build.arena, struct records_file, n_sources);
    bool is_ok = build.files || !n_sources ? true : err_memory(err);
    for (size_t i = 0; i < n_sources && is_ok; i++) {
        is_ok = collect_source(&build, (uint32_t)i, err);
        bytes += build.files[i].bytes.len;
    }
    if (is_ok) {
        vec_sort(&build.statements, row_cmp);
        vec_sort(&build.enrichments, row_cmp);
        vec_sort(&build.records, row_cmp);
        vec_sort(&build.names, row_cmp);
        vec_sort(&build.coverage, str_order);
        is_ok = fill_until_it_fits(&build, folder, bytes, err);
    }
    for (size_t i = 0; build.files && i < n_sources; i++)
        records_close(&build.files[i]);
    arena_fini(&build.arena);
    return is_ok;
}
