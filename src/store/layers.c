/* SPDX-License-Identifier: Apache-2.0 */
/* Layer inventories, images that a new generation makes due, and packages that feeds are asked
 * about. */
#include <stdlib.h>

#include "store/internal.h"

bool store_layer_get(struct store *store, struct arena *arena, const digest *layer,
                     const digest *diff_id, uint64_t revision, str *bytes, bool *is_found,
                     struct err *err)
{
    char a[DIGEST_TEXT_SIZE], b[DIGEST_TEXT_SIZE];
    auto_rows rows = {0};
    *is_found = false;
    if (digest_is_none(layer) || digest_is_none(diff_id))
        return true;
    if (!db_query(store, &rows, err,
                  "SELECT bytes FROM layer_inventories WHERE digest = $1 AND diff_id = $2"
                  " AND revision = $3",
                  vt(digest_print(layer, a)), vt(digest_print(diff_id, b)), vu(revision)))
        return false;
    enum next next = rows_next(&rows, err);
    if (next != NEXT_ITEM)
        return next == NEXT_END;
    *is_found = true;
    *bytes = row_dup(&rows, 0, arena);
    return bytes->ptr ? true : err_memory(err);
}

/* Inventories of other revisions of the same layer are of no more use. */
static bool layer_put(struct store *store, str layer, str diff_id, uint64_t revision, str bytes,
                      int64_t now, struct err *err)
{
    return db_run(store, err, "DELETE FROM layer_inventories WHERE digest = $1 AND revision <> $2",
                  vt(layer), vu(revision)) &&
           db_run(store, err,
                  "INSERT INTO layer_inventories (digest, diff_id, revision, bytes, stored_at)"
                  " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (digest, diff_id, revision) DO NOTHING",
                  vt(layer), vt(diff_id), vu(revision), vb(bytes), vi(now));
}

bool store_layer_put(struct store *store, const digest *layer, const digest *diff_id,
                     uint64_t revision, str bytes, int64_t now, struct err *err)
{
    char a[DIGEST_TEXT_SIZE], b[DIGEST_TEXT_SIZE];
    if (digest_is_none(layer) || digest_is_none(diff_id))
        return true; /* no name, no use */
    return TX_WRITTEN(store, err,
                      layer_put(store, digest_print(layer, a), digest_print(diff_id, b), revision,
                                bytes, now, err));
}

/* --- base images
 * -----------------------------------------------------------------------------------------------
 */
static bool has_chain(struct store *store, const digest *chain, bool *has, struct err *err)
{
    char text[DIGEST_TEXT_SIZE];
    int64_t id = 0;
    bool ok = db_int(store, 0, &id, err, "SELECT id FROM images WHERE chain = $1 LIMIT 1",
                     vt(digest_print(chain, text)));
    *has = id != 0;
    return ok;
}

bool store_base_find(struct store *store, const digest *diff_ids, size_t n, size_t *n_base,
                     struct err *err)
{
    digest *chains = calloc(n + 1, sizeof(*chains));
    bool ok = chains != NULL || err_memory(err), has = false;
    *n_base = 0;
    if (chains)
        assess_chain_ids(diff_ids, n, chains);
    for (size_t length = n ? n - 1 : 0; ok && length > 0 && !has; length--) {
        if (digest_is_none(&chains[length - 1]))
            continue;
        ok = has_chain(store, &chains[length - 1], &has, err);
        *n_base = has ? length : 0;
    }
    free(chains);
    return ok;
}

/* --- images behind a generation
 * ----------------------------------------------------------------------------- */
static bool stored_head(struct rows *rows, struct arena *arena, struct stored_image *out,
                        str *labels, struct err *err)
{
    out->id = row_int(rows, 0);
    out->registry_id = row_int(rows, 1);
    out->repository = row_dup(rows, 2, arena);
    out->verdict = word_verdict_parse(row_text(rows, 4));
    out->generation = (uint64_t)row_int(rows, 5);
    out->has_inventory = row_int(rows, 6) != 0;
    out->report.platform = row_dup(rows, 7, arena);
    out->report.source = row_dup(rows, 8, arena);
    out->report.scanned_at = row_int(rows, 9);
    *labels = row_dup(rows, 10, arena);
    if (!digest_parse(row_text(rows, 3), &out->report.digest))
        return err_set(err, ERR_FORMAT, "store: image %lld has no digest", (long long)out->id);
    return out->repository.ptr && out->report.platform.ptr && out->report.source.ptr && labels->ptr
               ? true
               : err_memory(err);
}

static bool stored_layers(struct store *store, struct arena *arena, struct stored_image *out,
                          struct err *err)
{
    auto_rows rows = {0};
    if (!db_query(store, &rows, err,
                  "SELECT digest, diff_id, size_bytes, created_by, is_base FROM image_layers"
                  " WHERE image_id = $1 ORDER BY position",
                  vi(out->id)))
        return false;
    enum next next;
    while ((next = rows_next(&rows, err)) == NEXT_ITEM) {
        struct report_layer *l = vec_push(arena, &out->report.layers);
        if (!l)
            return err_memory(err);
        str layer = row_text(&rows, 0);
        if (layer.len && !digest_parse(layer, &l->digest))
            return err_set(err, ERR_FORMAT, "store: a layer of image %lld has no digest",
                           (long long)out->id);
        str diff_id = row_text(&rows, 1);
        if (diff_id.len && !digest_parse(diff_id, &l->diff_id))
            return err_set(err, ERR_FORMAT, "store: a layer of image %lld has no diff id",
                           (long long)out->id);
        l->size_bytes = (uint64_t)row_int(&rows, 2);
        l->is_base = row_int(&rows, 4) != 0;
        if (!(l->created_by = row_dup(&rows, 3, arena)).ptr)
            return err_memory(err);
    }
    return next == NEXT_END;
}

bool store_images_behind(struct store *store, struct arena *arena, uint64_t generation,
                         int64_t after_id, size_t limit, stored_images *out, struct err *err)
{
    auto_rows rows = {0};
    if (!db_query(store, &rows, err,
                  "SELECT i.id, i.registry_id, p.name, i.digest, i.verdict, i.generation,"
                  " i.has_inventory, i.platform, i.source, i.scanned_at, i.labels"
                  " FROM images i JOIN repositories p ON p.id = i.repository_id"
                  " WHERE i.id > $1 AND i.verdict <> '' AND i.tried_generation < $2"
                  " AND i.registry_id NOT IN " REGISTRIES_OFF " ORDER BY i.id LIMIT $3",
                  vi(after_id), vu(generation), vu(limit)))
        return false;
    enum next next;
    while ((next = rows_next(&rows, err)) == NEXT_ITEM) {
        struct stored_image *image = vec_push(arena, out);
        str labels;
        if (!image)
            return err_memory(err);
        if (!stored_head(&rows, arena, image, &labels, err) ||
            !unpack_labels(arena, labels, &image->report, err) ||
            !stored_layers(store, arena, image, err))
            return false;
    }
    return next == NEXT_END;
}

/* --- wanted packages
 * -------------------------------------------------------------------------------------------- */
enum { KEY_MAX = 1024 };

static bool wanted_add(struct store *store, const struct wanted_package *list, size_t n,
                       const struct job_spec *then, int64_t now, size_t *n_new, struct err *err)
{
    *n_new = 0;
    for (size_t i = 0; i < n; i++) {
        if (list[i].source_name.len + list[i].source_version.len > KEY_MAX)
            continue; /* no feed has such a package */
        if (!db_run(store, err,
                    "INSERT INTO wanted (ecosystem, source_name, source_version, first_seen)"
                    " VALUES ($1, $2, $3, $4)"
                    " ON CONFLICT (ecosystem, source_name, source_version) DO NOTHING",
                    vt(list[i].ecosystem), vt(list[i].source_name), vt(list[i].source_version),
                    vi(now)))
            return false;
        *n_new += db_changes(store) > 0;
    }
    return !then || !*n_new || job_add(store, then, now, NULL, err);
}

bool store_wanted_add(struct store *store, const struct wanted_package *list, size_t n,
                      const struct job_spec *then, int64_t now, size_t *n_new, struct err *err)
{
    *n_new = 0;
    return !n || TX_WRITTEN(store, err, wanted_add(store, list, n, then, now, n_new, err));
}

bool store_wanted_list(struct store *store, struct arena *arena, store_wanted *out, struct err *err)
{
    auto_rows rows = {0};
    if (!db_query(store, &rows, err,
                  "SELECT ecosystem, source_name, source_version FROM wanted"
                  " ORDER BY ecosystem, source_name, source_version"))
        return false;
    enum next next;
    while ((next = rows_next(&rows, err)) == NEXT_ITEM) {
        struct wanted_package *w = vec_push(arena, out);
        if (!w)
            return err_memory(err);
        w->ecosystem = row_dup(&rows, 0, arena);
        w->source_name = row_dup(&rows, 1, arena);
        w->source_version = row_dup(&rows, 2, arena);
        if (!w->ecosystem.ptr || !w->source_name.ptr || !w->source_version.ptr)
            return err_memory(err);
    }
    return next == NEXT_END;
}
