/* SPDX-License-Identifier: Apache-2.0 */
/* spans.c - many images in one commit: what an advisory change makes of a run of them.
 *
 * A span is short, so that whoever wants to write in between waits little.  Images without a change
 * are brought to the new generation by one statement; what changes is written many rows a
 * statement.  This is the one place that knows of each image which findings it gains and loses, and
 * its counts before and after (note_change). */
#include "store/internal.h"

struct run {
    struct store *store;
    struct span *span;
    struct arena arena;
    char engine[ENGINE_TEXT];
    int64_t last_id;
    VEC(struct span_image) images;
    strs units; /* of each, as they are stored */
    int64_t *ids;
    size_t n_ids;
    VEC(struct value) puts, drops, counts, news;
    store_ids wholes; /* ids of images that cannot be told by units */
};

/* --- reading
 * ------------------------------------------------------------------------------------------------
 */
/* Into the same room for image after image. */
static bool read_units(struct run *r, str bytes, store_ids *out, struct err *err)
{
    struct rd in;
    int64_t id = 0;
    if (r->n_ids < bytes.len) {
        r->n_ids = 2 * bytes.len;
        r->ids = arena_array(&r->arena, int64_t, r->n_ids);
    }
    *out = (store_ids){.ptr = r->ids};
    if (!r->ids && bytes.len)
        return err_memory(err);
    rd_init(&in, bytes);
    while (rd_is_ok(&in) && !rd_is_end(&in))
        out->ptr[out->len++] = id += (int64_t)rd_varint(&in, INT32_MAX);
    return rd_ok(&in, err);
}

static bool read_image(struct run *r, struct rows *rows, struct err *err)
{
    struct span_image *image = vec_push(&r->arena, &r->images);
    str *units = vec_push(&r->arena, &r->units);
    if (!image || !units)
        return err_memory(err);
    unsigned *const counts[] = {&image->counts.critical, &image->counts.high,
                                &image->counts.medium,   &image->counts.low,
                                &image->counts.unknown,  &image->counts.patchable,
                                &image->counts.disabled};
    image->id = row_int(rows, 0);
    image->repository = row_dup(rows, 2, &r->arena);
    image->digest = row_dup(rows, 3, &r->arena);
    for (size_t i = 0; i < ARRAY_LEN(counts); i++)
        *counts[i] = (unsigned)row_int(rows, 4 + (int)i);
    *units = row_dup(rows, 1, &r->arena);
    return (image->repository.ptr && image->digest.ptr && units->ptr) || err_memory(err);
}

/* The last image of the span: both tables are then read in one short range, whatever an engine
 * thinks of the rest. */
static bool find_end(struct run *r, struct err *err)
{
    struct span *s = r->span;
    if (!db_int(r->store, 0, &r->last_id, err,
                "SELECT image_id FROM image_units WHERE registry_id = $1 AND image_id > $2"
                " ORDER BY image_id LIMIT 1 OFFSET $3",
                vi(s->registry_id), vi(s->after_id), vu(s->limit)))
        return false;
    s->is_end = r->last_id == 0;
    if (s->is_end)
        r->last_id = INT64_MAX;
    return true;
}

static bool read_span(struct run *r, struct err *err)
{
    const struct span *s = r->span;
    auto_rows rows = {0};
    if (!db_query(r->store, &rows, err,
                  "SELECT u.image_id, u.bytes, p.name, i.digest, i.n_critical, i.n_high,"
                  " i.n_medium, i.n_low, i.n_unknown, i.n_patchable, i.n_disabled"
                  " FROM image_units u JOIN images i ON i.id = u.image_id"
                  " JOIN repositories p ON p.id = i.repository_id"
                  " WHERE u.registry_id = $1 AND u.image_id > $2 AND u.image_id <= $3"
                  " AND i.id > $2 AND i.id <= $3 AND u.engine = $4 AND i.generation = $5"
                  " AND i.tried_generation = $5 AND i.verdict <> '' AND i.has_inventory = 1"
                  " AND i.registry_id NOT IN " REGISTRIES_OFF,
                  vi(s->registry_id), vi(s->after_id), vi(r->last_id), vc(r->engine), vu(s->from)))
        return false;
    enum next next;
    while ((next = rows_next(&rows, err)) == NEXT_ITEM)
        if (!read_image(r, &rows, err))
            return false;
    return next == NEXT_END;
}

/* --- what becomes of an image
 * ------------------------------------------------------------------------------- */
#define PUSH(r, list, v)                                                                           \
    ({                                                                                             \
        struct value *slot_ = vec_push(&(r)->arena, (list));                                       \
        if (slot_)                                                                                 \
            *slot_ = (v);                                                                          \
        slot_ != NULL;                                                                             \
    })

static bool push_put(struct run *r, int64_t image_id, const struct span_finding *f)
{
    const struct span *s = r->span;
    return PUSH(r, &r->puts, vi(s->registry_id)) && PUSH(r, &r->puts, vi(image_id)) &&
           PUSH(r, &r->puts, vt(f->name)) && PUSH(r, &r->puts, vi(f->fact_id)) &&
           PUSH(r, &r->puts, vt(f->path)) && PUSH(r, &r->puts, vi(f->layer)) &&
           PUSH(r, &r->puts, vi(f->is_from_base)) && PUSH(r, &r->puts, vi(s->now));
}

static bool push_counts(struct run *r, int64_t image_id, const struct report_summary *c)
{
    const unsigned counts[] = {c->critical, c->high,      c->medium,  c->low,
                               c->unknown,  c->patchable, c->disabled};
    uint64_t n = (uint64_t)c->critical + c->high + c->medium + c->low + c->unknown;
    bool ok = PUSH(r, &r->counts, vi(image_id)) && PUSH(r, &r->counts, vi(n > 0)) &&
              PUSH(r, &r->counts, vu(r->span->to));
    for (size_t i = 0; ok && i < ARRAY_LEN(counts); i++)
        ok = PUSH(r, &r->counts, vu(counts[i]));
    return ok;
}

static bool note_change(struct run *r, const struct span_image *image,
                        const struct span_change *change, struct err *err)
{
    bool ok = push_counts(r, image->id, &change->counts);
    for (size_t i = 0; ok && i < change->put.len; i++)
        ok = push_put(r, image->id, &change->put.ptr[i]);
    for (size_t i = 0; ok && i < change->drop.len; i++)
        ok = PUSH(r, &r->drops, vt(change->drop.ptr[i]));
    if (ok && change->put.len)
        ok = PUSH(r, &r->news, vi(image->id)) && PUSH(r, &r->news, vu(r->span->to)) &&
             PUSH(r, &r->news, vi(r->span->now));
    r->span->n_changed++;
    r->span->n_rows += change->put.len + change->drop.len;
    return ok || err_memory(err);
}

static bool note_whole(struct run *r, int64_t image_id, struct err *err)
{
    int64_t *slot = vec_push(&r->arena, &r->wholes);
    if (!slot)
        return err_memory(err);
    *slot = image_id;
    r->span->n_whole++;
    return true;
}

static bool decide(struct run *r, struct err *err)
{
    for (size_t i = 0; i < r->images.len; i++) {
        struct span_image *image = &r->images.ptr[i];
        struct span_change change = {.counts = image->counts};
        if (!read_units(r, r->units.ptr[i], &image->units, err) ||
            !r->span->change(r->span->ctx, &r->arena, image, &change, err))
            return false;
        if (change.is_whole
                ? !note_whole(r, image->id, err)
                : (change.put.len || change.drop.len) && !note_change(r, image, &change, err))
            return false;
    }
    r->span->n_images = r->images.len;
    return true;
}

/* --- writing
 * ------------------------------------------------------------------------------------------------
 */
/* The build step is the layer's, trimmed as remediations have it. */
static const struct bulk put_rows = {
    "INSERT INTO findings (registry_id, image_id, name, fact_id, path, layer, is_from_base, step,"
    " disabled_by, first_seen) SELECT v.column1, v.column2, v.column3, v.column4, v.column5,"
    " v.column6, v.column7, COALESCE((SELECT TRIM(l.created_by, ' \t\n\v\f\r') FROM image_layers l"
    " WHERE l.image_id = v.column2 AND l.position = v.column6), ''), '', v.column8 FROM (VALUES ",
    ") AS v WHERE TRUE ON CONFLICT (registry_id, image_id, name) DO UPDATE SET"
    " fact_id = excluded.fact_id, path = excluded.path, layer = excluded.layer,"
    " is_from_base = excluded.is_from_base, step = excluded.step",
    8};
/* A name is made of the registry and the image too: it is of one finding only. */
static const struct bulk drop_rows = {"DELETE FROM findings WHERE name IN (", ")", 1};
/* An image that has no finding left is not told here.  Rules that came meanwhile are held against
 * it by the ruler, which looks for images of an older revision. */
static const struct bulk count_rows = {
    "UPDATE images SET verdict = CASE WHEN v.column2 = 1 THEN 'unhealthy' ELSE verdict END,"
    " reason = CASE WHEN v.column2 = 1 THEN '' ELSE reason END, failure = '', failed_at = 0,"
    " generation = v.column3, tried_generation = v.column3, n_critical = v.column4,"
    " n_high = v.column5, n_medium = v.column6, n_low = v.column7, n_unknown = v.column8,"
    " n_patchable = v.column9, n_disabled = v.column10, rules_revision = 0 FROM (VALUES ",
    ") AS v WHERE images.id = v.column1", 10};

static bool drop_wholes(struct run *r, struct err *err)
{
    for (size_t i = 0; i < r->wholes.len; i++)
        if (!db_run(r->store, err,
                    "DELETE FROM image_units WHERE registry_id = $1 AND image_id = $2",
                    vi(r->span->registry_id), vi(r->wholes.ptr[i])))
            return false;
    return true;
}

/* What was not changed holds in the new generation too. */
static bool bring_forward(struct run *r, struct err *err)
{
    const struct span *s = r->span;
    return db_run(r->store, err,
                  "UPDATE images SET generation = $1, tried_generation = $1, failure = '',"
                  " failed_at = 0 WHERE registry_id = $2 AND id > $3 AND id <= $4"
                  " AND generation = $5 AND tried_generation = $5 AND verdict <> ''"
                  " AND has_inventory = 1 AND registry_id NOT IN " REGISTRIES_OFF
                  " AND EXISTS (SELECT 1 FROM image_units u WHERE"
                  " u.registry_id = $2 AND u.image_id = images.id AND u.image_id > $3"
                  " AND u.image_id <= $4 AND u.engine = $6)",
                  vu(s->to), vi(s->registry_id), vi(s->after_id), vi(r->last_id), vu(s->from),
                  vc(r->engine));
}

static bool write_span(struct run *r, struct err *err)
{
    return db_bulk(r->store, &drop_rows, r->drops.ptr, r->drops.len / drop_rows.n_columns, NULL,
                   NULL, err) &&
           db_bulk(r->store, &put_rows, r->puts.ptr, r->puts.len / put_rows.n_columns, NULL, NULL,
                   err) &&
           changes_rematched(r->store, r->news.ptr, r->news.len, err) &&
           db_bulk(r->store, &count_rows, r->counts.ptr, r->counts.len / count_rows.n_columns, NULL,
                   NULL, err) &&
           drop_wholes(r, err) && bring_forward(r, err) &&
           (!r->counts.len || assessment_touch(r->store, r->span->registry_id, r->span->now, err));
}

static bool run_span(struct run *r, struct err *err)
{
    struct span *s = r->span;
    struct arena arena = r->arena;
    arena_reset(&arena);
    *r = (struct run){.store = r->store, .span = s, .arena = arena};
    s->n_images = s->n_changed = s->n_whole = s->n_rows = 0;
    units_engine(r->engine);
    return registry_lock(r->store, s->registry_id, err) && find_end(r, err) && read_span(r, err) &&
           decide(r, err) && (s->n_images == 0 || write_span(r, err));
}

bool store_span_run(struct store *store, struct span *span, struct err *err)
{
    struct run r = {.store = store, .span = span};
    arena_init(&r.arena, LIMIT(SCAN_MEMORY));
    bool ok = TX_WRITTEN(store, err, run_span(&r, err));
    if (ok)
        span->after_id = r.last_id;
    arena_fini(&r.arena);
    return ok;
}

/* --- what a generation's number stands for
 * ------------------------------------------------------------------------------- */
enum { NAME_MAX_TEXT = 64 };
#define AMBIGUOUS STR("-")

static str name_of(uint64_t generation, char out[static NAME_MAX_TEXT])
{
    snprintf(out, NAME_MAX_TEXT, "generation-%llu", (unsigned long long)generation);
    return str_from(out);
}

/* A scan notes it with each result, so the usual case is one look. */
bool generation_note(struct store *store, uint64_t generation, str identity, struct err *err)
{
    char text[NAME_MAX_TEXT];
    str name = name_of(generation, text);
    int64_t is_known = 0;
    if (!db_int(store, 0, &is_known, err, "SELECT 1 FROM meta WHERE name = $1 AND value = $2",
                vt(name), vt(identity)))
        return false;
    return is_known || db_run(store, err,
                              "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name)"
                              " DO UPDATE SET value = CASE WHEN meta.value = excluded.value THEN"
                              " meta.value ELSE $3 END",
                              vt(name), vt(identity), vt(AMBIGUOUS));
}

bool store_generation_note(struct store *store, uint64_t generation, str identity, struct err *err)
{
    return TX_WRITTEN(store, err, generation_note(store, generation, identity, err));
}

bool store_generation_is(struct store *store, struct arena *arena, uint64_t generation,
                         str identity, bool *is_so, struct err *err)
{
    char text[NAME_MAX_TEXT];
    str value;
    if (!store_meta_get(store, arena, name_of(generation, text), &value, err))
        return false;
    *is_so = str_eq(value, identity);
    return true;
}

/* --- which generations images are of
 * ------------------------------------------------------------------------ */
bool store_generations_behind(struct store *store, struct arena *arena, uint64_t generation,
                              store_generations *out, struct err *err)
{
    auto_rows rows = {0};
    if (!db_query(store, &rows, err,
                  "SELECT generation, COUNT(*) FROM images WHERE verdict <> ''"
                  " AND tried_generation = generation AND generation < $1 AND generation > 0"
                  " AND has_inventory = 1 AND registry_id NOT IN " REGISTRIES_OFF
                  " GROUP BY generation ORDER BY COUNT(*) DESC, generation",
                  vu(generation)))
        return false;
    enum next next;
    while ((next = rows_next(&rows, err)) == NEXT_ITEM) {
        struct store_generation *one = vec_push(arena, out);
        if (!one)
            return err_memory(err);
        *one = (struct store_generation){(uint64_t)row_int(&rows, 0), (uint64_t)row_int(&rows, 1)};
    }
    return next == NEXT_END;
}
