/* SPDX-License-Identifier: Apache-2.0 */
/* units.c - the pieces of images that are judged alone: each once, and per image a row of ids. */
#include <stdlib.h>

#include "store/internal.h"

enum { HASH_HEX = 32, UNITS_MAX = 200000, BATCH = 256 };
#define UNIT_BYTES_MAX (16 * MIB)

/* Whose findings they are: another engine may judge otherwise. */
void units_engine(char out[static ENGINE_TEXT])
{
    char text[DIGEST_TEXT_SIZE];
    digest engine = report_engine_digest();
    str hex = str_from(digest_print(&engine, text).ptr);
    snprintf(out, ENGINE_TEXT, "%.*s", ENGINE_TEXT - 1, hex.ptr + sizeof("sha256:") - 1);
}

/* --- writing the units of one image
 * ------------------------------------------------------------------------- */
struct made {
    const struct unit *unit;
    str bytes;
    char hash[HASH_HEX + 1];
    int64_t id; /* 0: not stored yet */
};
struct making {
    struct store *store;
    struct arena arena;
    unit_list units;
    struct made *all;
    size_t n;
    struct map by_hash;
};

static int cmp_made(const void *pa, const void *pb)
{
    const struct made *a = pa, *b = pb;
    return str_cmp(str_from(a->hash), str_from(b->hash));
}

static bool make_one(struct making *m, const struct unit *unit, struct made *out, struct err *err)
{
    uint8_t sum[HASH_MAX];
    auto_sb bytes;
    sb_init(&bytes, UNIT_BYTES_MAX);
    unit_print(unit, &bytes);
    if (!sb_ok(&bytes, err))
        return false;
    out->unit = unit;
    out->bytes = arena_dup(&m->arena, sb_str(&bytes));
    hash_of(HASH_SHA256, out->bytes, sum);
    hex_print(sum, HASH_HEX / 2, out->hash);
    return out->bytes.ptr ? true : err_memory(err);
}

/* In the order of their hashes, so that two writers of the same units wait for each other and never
 * both. */
static bool make_all(struct making *m, struct err *err)
{
    m->all = arena_array(&m->arena, struct made, m->units.len + 1);
    map_init(&m->by_hash, &m->arena);
    if (!m->all)
        return err_memory(err);
    for (size_t i = 0; i < m->units.len; i++)
        if (!make_one(m, &m->units.ptr[i], &m->all[i], err))
            return false;
    m->n = m->units.len;
    qsort(m->all, m->n, sizeof(*m->all), cmp_made);
    for (size_t i = 0; i < m->n; i++)
        if (!map_put(&m->by_hash, str_from(m->all[i].hash), &m->all[i]))
            return err_memory(err);
    return true;
}

static bool take_id(void *ctx, struct rows *rows, struct err *err)
{
    struct making *m = ctx;
    struct made *made = map_get(&m->by_hash, row_text(rows, 1));
    if (!made)
        return err_set(err, ERR_FORMAT, "store: a unit that nobody asked for");
    made->id = row_int(rows, 0);
    return true;
}

static bool find_ids(struct making *m, struct err *err)
{
    static const struct bulk find = {"SELECT id, hash FROM units WHERE hash IN (VALUES ", ")", 1};
    struct value *values = arena_array(&m->arena, struct value, m->n + 1);
    size_t n = 0;
    if (!values)
        return err_memory(err);
    for (size_t i = 0; i < m->n; i++)
        if (!m->all[i].id)
            values[n++] = vc(m->all[i].hash);
    return db_bulk(m->store, &find, values, n, take_id, m, err);
}

static bool insert_units(struct making *m, struct err *err)
{
    static const struct bulk insert = {"INSERT INTO units (hash, bytes) VALUES ",
                                       " ON CONFLICT (hash) DO NOTHING", 2};
    struct value *values = arena_array(&m->arena, struct value, 2 * m->n + 1);
    size_t n = 0;
    if (!values)
        return err_memory(err);
    for (size_t i = 0; i < m->n; i++) {
        if (m->all[i].id)
            continue;
        values[2 * n] = vc(m->all[i].hash);
        values[2 * n++ + 1] = vb(m->all[i].bytes);
    }
    return db_bulk(m->store, &insert, values, n, NULL, NULL, err);
}

static bool insert_keys(struct making *m, const struct made *made, struct err *err)
{
    static const struct bulk insert = {"INSERT INTO unit_keys (hash, unit_id) VALUES ",
                                       " ON CONFLICT (hash, unit_id) DO NOTHING", 2};
    unit_keys keys;
    if (!unit_keys_of(&m->arena, made->unit, &keys, err))
        return false;
    struct value *values = arena_array(&m->arena, struct value, 2 * keys.len + 1);
    if (!values)
        return err_memory(err);
    for (size_t i = 0; i < keys.len; i++) {
        values[2 * i] = vu(keys.ptr[i]);
        values[2 * i + 1] = vi(made->id);
    }
    return db_bulk(m->store, &insert, values, keys.len, NULL, NULL, err);
}

static bool store_new(struct making *m, struct err *err)
{
    bool *is_new = arena_array(&m->arena, bool, m->n + 1);
    if (!is_new)
        return err_memory(err);
    for (size_t i = 0; i < m->n; i++)
        is_new[i] = m->all[i].id == 0;
    if (!insert_units(m, err) || !find_ids(m, err))
        return false;
    for (size_t i = 0; i < m->n; i++) {
        if (m->all[i].id == 0)
            return err_set(err, ERR_UNAVAILABLE, "store: a unit is gone");
        if (is_new[i] && !insert_keys(m, &m->all[i], err))
            return false;
    }
    return true;
}

static int cmp_ids(const void *pa, const void *pb)
{
    int64_t a = *(const int64_t *)pa, b = *(const int64_t *)pb;
    return (a > b) - (a < b);
}

static size_t sort_ids(int64_t *ids, size_t n)
{
    size_t kept = 0;
    if (n)
        qsort(ids, n, sizeof(*ids), cmp_ids);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || ids[kept - 1] != ids[i])
            ids[kept++] = ids[i];
    return kept;
}

static bool write_row(struct making *m, int64_t registry_id, int64_t image_id, struct err *err)
{
    char engine[ENGINE_TEXT];
    auto_sb bytes;
    int64_t *ids = arena_array(&m->arena, int64_t, m->n + 1), before = 0;
    if (!ids)
        return err_memory(err);
    for (size_t i = 0; i < m->n; i++)
        ids[i] = m->all[i].id;
    sb_init(&bytes, UNIT_BYTES_MAX);
    size_t n = sort_ids(ids, m->n);
    for (size_t i = 0; i < n; before = ids[i++])
        sb_varint(&bytes, (uint64_t)(ids[i] - before));
    units_engine(engine);
    return sb_ok(&bytes, err) &&
           db_run(m->store, err,
                  "INSERT INTO image_units (registry_id, image_id, engine, bytes)"
                  " VALUES ($1, $2, $3, $4) ON CONFLICT (registry_id, image_id) DO UPDATE SET"
                  " engine = excluded.engine, bytes = excluded.bytes",
                  vi(registry_id), vi(image_id), vc(engine), vb(sb_str(&bytes)));
}

static bool drop_row(struct store *store, int64_t registry_id, int64_t image_id, struct err *err)
{
    return db_run(store, err, "DELETE FROM image_units WHERE registry_id = $1 AND image_id = $2",
                  vi(registry_id), vi(image_id));
}

static size_t n_base_of(const struct report *report)
{
    size_t n = 0;
    while (n < report->layers.len && report->layers.ptr[n].is_base)
        n++;
    return n;
}

static bool cut_and_write(struct making *m, int64_t registry_id, int64_t image_id,
                          const struct report *report, struct err *err)
{
    const struct image_inventory inventory = {.distro = report->distro,
                                              .packages = report->packages};
    struct err why = {0};
    if (!units_cut(&m->arena, &inventory, n_base_of(report), report->is_end_of_life, &m->units,
                   err))
        return false;
    if (m->units.len > UNITS_MAX || !make_all(m, &why)) /* too large to be told in pieces */
        return drop_row(m->store, registry_id, image_id, err);
    return find_ids(m, err) && store_new(m, err) && write_row(m, registry_id, image_id, err);
}

bool units_write(struct store *store, int64_t registry_id, int64_t image_id,
                 const struct report *report, struct err *err)
{
    struct making m = {.store = store};
    arena_init(&m.arena, LIMIT(SCAN_MEMORY));
    bool ok = cut_and_write(&m, registry_id, image_id, report, err) &&
              (!report->has_database ||
               generation_note(store, report->generation, report->database, err));
    arena_fini(&m.arena);
    return ok;
}

/* --- reading
 * ------------------------------------------------------------------------------------------------
 */
struct reading {
    struct arena *arena;
    store_ids *ids;
    stored_units *units;
};

static bool read_id(void *ctx, struct rows *rows, struct err *err)
{
    struct reading *r = ctx;
    int64_t *slot = vec_push(r->arena, r->ids);
    if (!slot)
        return err_memory(err);
    *slot = row_int(rows, 0);
    return true;
}

static bool read_unit(void *ctx, struct rows *rows, struct err *err)
{
    struct reading *r = ctx;
    struct stored_unit *slot = vec_push(r->arena, r->units);
    if (!slot)
        return err_memory(err);
    *slot = (struct stored_unit){row_int(rows, 0), row_dup(rows, 1, r->arena)};
    return slot->bytes.ptr ? true : err_memory(err);
}

bool store_units_find(struct store *store, struct arena *arena, const uint64_t *keys, size_t n,
                      store_ids *out, struct err *err)
{
    static const struct bulk find = {"SELECT unit_id FROM unit_keys WHERE hash IN (VALUES ", ")",
                                     1};
    struct value values[BATCH];
    struct reading r = {.arena = arena, .ids = out};
    for (size_t i = 0, end; i < n; i = end) {
        end = n - i < BATCH ? n : i + BATCH;
        for (size_t j = i; j < end; j++)
            values[j - i] = vu(keys[j]);
        if (!db_bulk(store, &find, values, end - i, read_id, &r, err))
            return false;
    }
    out->len = sort_ids(out->ptr, out->len);
    return true;
}

bool store_units_after(struct store *store, struct arena *arena, int64_t after, size_t limit,
                       store_ids *out, struct err *err)
{
    auto_rows rows = {0};
    struct reading r = {.arena = arena, .ids = out};
    if (!db_query(store, &rows, err, "SELECT id FROM units WHERE id > $1 ORDER BY id LIMIT $2",
                  vi(after), vu(limit)))
        return false;
    enum next next;
    while ((next = rows_next(&rows, err)) == NEXT_ITEM)
        if (!read_id(&r, &rows, err))
            return false;
    return next == NEXT_END;
}

bool store_units_load(struct store *store, struct arena *arena, const int64_t *ids, size_t n,
                      stored_units *out, struct err *err)
{
    static const struct bulk load = {"SELECT id, bytes FROM units WHERE id IN (VALUES ", ")", 1};
    struct value values[BATCH];
    struct reading r = {.arena = arena, .units = out};
    for (size_t i = 0, end; i < n; i = end) {
        end = n - i < BATCH ? n : i + BATCH;
        for (size_t j = i; j < end; j++)
            values[j - i] = vi(ids[j]);
        if (!db_bulk(store, &load, values, end - i, read_unit, &r, err))
            return false;
    }
    return true;
}
