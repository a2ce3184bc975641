/* SPDX-License-Identifier: Apache-2.0 */
/* A new generation: every stored image is matched again from its layer inventories; no layer is
 * read. */
#include "base/clock.h"
#include "guard/internal.h"

struct rematch {
    struct loop *loop;
    const struct snapshot *snapshot;
    store_registries registries;
    struct stored_rules *rules; /* as they were when the batch began */
    struct arena arena;         /* of one image */
    size_t n_matched, n_queued;
};

static const struct store_registry *registry_of(const struct rematch *r, int64_t id)
{
    for (size_t i = 0; i < r->registries.len; i++)
        if (r->registries.ptr[i].id == id)
            return &r->registries.ptr[i];
    return NULL;
}

/* False in *is_there: a layer's inventory is not kept (a detector's revision rose). */
static bool load_layers(struct rematch *r, const struct stored_image *image,
                        const struct layer_inventory ***out, bool *is_there, struct err *err)
{
    size_t n = image->report.layers.len;
    const struct layer_inventory **layers =
        arena_array(&r->arena, const struct layer_inventory *, n + 1);
    if (!layers)
        return err_memory(err);
    *is_there = true;
    for (size_t i = 0; i < n && *is_there; i++) {
        const struct report_layer *l = &image->report.layers.ptr[i];
        struct layer_inventory *layer = arena_new(&r->arena, struct layer_inventory);
        str bytes;
        if (!layer)
            return err_memory(err);
        if (!store_layer_get(r->loop->store, &r->arena, &l->digest, &l->diff_id,
                             inventory_revision(), &bytes, is_there, err) ||
            (*is_there && !layer_inventory_decode(&r->arena, bytes, layer, err)))
            return false;
        layers[i] = layer;
    }
    *out = layers;
    return true;
}

static bool keep_one(struct arena *arena, const struct notice *notice, notices *to)
{
    struct notice *slot = vec_push(arena, to);
    if (slot)
        *slot = *notice;
    return slot != NULL;
}

bool notices_keep(struct arena *arena, const notices *inventory, const notices *stored, notices *to)
{
    for (size_t i = 0; i < inventory->len; i++)
        if (!keep_one(arena, &inventory->ptr[i], to))
            return false;
    for (size_t i = 0; i < stored->len; i++)
        if (stored->ptr[i].kind == NOTICE_SANDBOX && !keep_one(arena, &stored->ptr[i], to))
            return false;
    return true;
}

static bool take_notices(struct rematch *r, const struct stored_image *image,
                         const struct image_inventory *inventory, struct report *report,
                         struct err *err)
{
    notices stored = {0};
    report->notices = (notices){0};
    return store_image_notices(r->loop->store, &r->arena, image->id, &stored, err) &&
           (notices_keep(&r->arena, &inventory->notices, &stored, &report->notices) ||
            err_memory(err));
}

static bool match(struct rematch *r, const struct stored_image *image,
                  const struct layer_inventory *const *layers, struct report *report,
                  struct err *err)
{
    const struct scan_bases bases = {.find = base_find, .ctx = r->loop->store};
    struct image_inventory *inventory = arena_new(&r->arena, struct image_inventory);
    const struct store_registry *registry = registry_of(r, image->registry_id);
    if (!inventory)
        return err_memory(err);
    if (!registry)
        return err_set(err, ERR_NOT_FOUND, "image %lld: its registry is gone",
                       (long long)image->id);
    *report = image->report;
    report->scanned_at = clock_now_s();
    report->is_complete = true; /* every layer was read to its end, or it would not be kept */
    return scan_merge(r->loop->guard->scanner, &r->loop->slot->cancel, &r->arena, layers,
                      image->report.layers.len, inventory, err) &&
           take_notices(r, image, inventory, report, err) &&
           scan_rematch(r->snapshot->db, inventory, &bases, &r->arena, report, err) &&
           findings_name(&r->arena, r->loop->guard->config, registry, image->repository, report,
                         err) &&
           rules_over(r->rules, &r->arena, registry, image->repository, report, err);
}

static bool queue_scan(struct rematch *r, const struct stored_image *image, struct err *err)
{
    char text[DIGEST_TEXT_SIZE];
    const struct job_spec spec = {.kind = JOB_SCAN,
                                  .registry_id = image->registry_id,
                                  .repository = image->repository,
                                  .digest = digest_print(&image->report.digest, text),
                                  .priority = PRIORITY_SWEEP,
                                  .not_before = clock_now_s()};
    r->n_queued++;
    return store_job_add(r->loop->store, &spec, clock_now_s(), NULL, err);
}

static bool save(struct rematch *r, const struct stored_image *image, const struct report *report,
                 struct err *err)
{
    return store_rematch_save(r->loop->store, image->id, report, r->snapshot->generation,
                              clock_now_s(), err);
}

static bool rematch_one(struct rematch *r, const struct stored_image *image, struct err *err)
{
    const struct layer_inventory **layers = NULL;
    struct report report;
    bool is_there = false;
    /* Windows, a chart and so on: no advisory can change that. */
    if (!image->has_inventory && image->verdict == VERDICT_NOT_APPLICABLE)
        return save(r, image, NULL, err);
    if (image->has_inventory && !load_layers(r, image, &layers, &is_there, err))
        return false;
    if (!is_there)
        return queue_scan(r, image, err) && save(r, image, NULL, err);
    r->n_matched++;
    return match(r, image, layers, &report, err) && save(r, image, &report, err);
}

/* One image that cannot be matched must not keep all others at an old generation: it is scanned
 * anew. */
static bool rematch_or_scan(struct rematch *r, const struct stored_image *image, struct err *err)
{
    struct err why = {0};
    if (rematch_one(r, image, &why))
        return true;
    if (why.kind == ERR_UNAVAILABLE) {
        *err = why;
        return false;
    }
    log_event(LOG_WARN, "image cannot be matched again, it is scanned", LOG_NUM("image", image->id),
              LOG_ERR(&why));
    return queue_scan(r, image, err) && save(r, image, NULL, err);
}

enum { BATCH = 64 };

/* @after goes past the batch; false in *is_more at the end. */
static bool rematch_batch(struct rematch *r, int64_t *after, bool *is_more, struct err *err)
{
    stored_images batch = {0};
    struct arena arena;
    arena_init(&arena, 64 * MIB);
    bool ok = store_images_behind(r->loop->store, &arena, r->snapshot->generation, *after, BATCH,
                                  &batch, err) &&
              rules_take(r->loop->guard, r->loop->store, &r->rules, err);
    *is_more = ok && batch.len > 0;
    for (size_t i = 0; ok && i < batch.len && !cancel_is(&r->loop->slot->cancel, err) &&
                       !guard_is_stopping(r->loop->guard);
         i++) {
        arena_reset(&r->arena);
        ok = rematch_or_scan(r, &batch.ptr[i], err);
        *after = batch.ptr[i].id;
    }
    rules_give(r->rules);
    r->rules = NULL;
    arena_fini(&arena);
    return ok;
}

bool rematch_all(struct loop *loop, const struct snapshot *snapshot, bool *is_all, struct err *err)
{
    struct rematch r = {.loop = loop, .snapshot = snapshot};
    int64_t after = 0, started_ms = clock_mono_ms();
    bool is_more = true;
    struct err none = {0};
    if (!store_registries_list(loop->store, &loop->arena, NULL, &r.registries, err))
        return false;
    arena_init(&r.arena, loop->guard->config->limits.of[LIMIT_ID_SCAN_MEMORY]);
    bool ok = true, is_stopped = false;
    while (ok && is_more && !is_stopped) {
        ok = rematch_batch(&r, &after, &is_more, err);
        is_stopped = guard_is_stopping(loop->guard) || cancel_is(&loop->slot->cancel, &none);
    }
    arena_fini(&r.arena);
    *is_all = !is_more;
    if (r.n_queued)
        guard_wake(loop->guard);
    log_event(LOG_INFO, "images matched again", LOG_NUM("generation", snapshot->generation),
              LOG_NUM("images", r.n_matched), LOG_NUM("to-scan", r.n_queued),
              LOG_NUM("ms", clock_mono_ms() - started_ms));
    return ok;
}
