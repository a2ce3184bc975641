/* SPDX-License-Identifier: Apache-2.0 */
/* A new generation, and what it makes of the images that are stored; no layer is read.
 *
 * First by units: what changed is judged once a unit (delta.c) and written to the images that hold
 * it, a span of images a commit; images that hold nothing of it are only brought forward.  Then
 * whole, from the layer inventories: images that have no units (stored by an older Plimsoll, or by
 * another engine), whose generation is no longer kept, or of which the units do not tell all.  A
 * span that was committed is not done again: a run that is killed goes on where it was. */
#include <time.h>

#include "base/clock.h"
#include "guard/internal.h"

struct rematch {
    struct loop *loop;
    const struct snapshot *snapshot;
    store_registries registries;
    struct stored_rules *rules; /* as they were when the batch began */
    bool has_rules;             /* when units began to be told */
    struct arena arena;         /* of one image */
    size_t n_told, n_changed, n_matched, n_queued, n_rows;
};

/* --- by units
 * --------------------------------------------------------------------------------------------------
 */
struct spread {
    struct rematch *r;
    const struct deltas *deltas;
    const struct store_registry *registry;
    str arm_id;
};

static bool is_spoken_of(const struct spread *t, struct arena *arena,
                         const struct span_image *image, bool *out, struct err *err)
{
    *out = false;
    if (!t->deltas->spoken_of.len)
        return true;
    size_t slash = str_rfind_byte(image->repository, '/');
    str name =
        slash < image->repository.len ? str_skip(image->repository, slash + 1) : image->repository;
    str whole = arena_printf(arena, STR_FMT "/" STR_FMT, STR_ARG(t->registry->host),
                             STR_ARG(image->repository));
    *out = map_get(&t->deltas->spoken_of, name) || map_get(&t->deltas->spoken_of, whole) ||
           map_get(&t->deltas->spoken_of, image->digest);
    return whole.ptr ? true : err_memory(err);
}

static bool add_count(unsigned *to, int by)
{
    int64_t sum = (int64_t)*to + by;
    *to = (unsigned)sum;
    return sum >= 0 && sum <= INT32_MAX;
}

/* False: what is stored cannot have been what the unit had before. */
static bool add_counts(struct report_summary *to, const struct unit_change *change)
{
    return add_count(&to->critical, change->counts.critical) &&
           add_count(&to->high, change->counts.high) &&
           add_count(&to->medium, change->counts.medium) &&
           add_count(&to->low, change->counts.low) &&
           add_count(&to->unknown, change->counts.unknown) &&
           add_count(&to->patchable, change->counts.patchable);
}

static bool apply(const struct spread *t, struct arena *arena, const struct span_image *image,
                  const struct unit_change *change, struct span_change *out, struct err *err)
{
    str name = assess_finding_name(arena, t->arm_id, t->r->loop->guard->config->assessment_key,
                                   image->repository, image->digest, &change->finding);
    if (!name.ptr)
        return err_memory(err);
    out->is_whole = !add_counts(&out->counts, change) || out->is_whole;
    if (!change->is_put) {
        str *slot = vec_push(arena, &out->drop);
        if (!slot)
            return err_memory(err);
        *slot = name;
        return true;
    }
    struct span_finding *slot = vec_push(arena, &out->put);
    if (!slot)
        return err_memory(err);
    *slot = (struct span_finding){name, change->fact_id, change->finding.path, change->layer,
                                  change->is_from_base};
    return true;
}

static size_t n_counted(const struct report_summary *c)
{
    return (size_t)c->critical + c->high + c->medium + c->low + c->unknown;
}

static bool change_image(void *ctx, struct arena *arena, const struct span_image *image,
                         struct span_change *out, struct err *err)
{
    const struct spread *t = ctx;
    if (!is_spoken_of(t, arena, image, &out->is_whole, err))
        return false;
    for (size_t i = 0; i < image->units.len && !out->is_whole; i++) {
        const struct unit_delta *delta = deltas_find(t->deltas, image->units.ptr[i]);
        out->is_whole = delta && delta->is_whole;
        for (size_t c = 0; delta && !out->is_whole && c < delta->changes.len; c++)
            if (!apply(t, arena, image, &delta->changes.ptr[c], out, err))
                return false;
    }
    /* Rules and VEX that disable look at all findings of an image; and an image without a finding
     * is healthy or not by more than its units. */
    bool is_changed = out->put.len || out->drop.len;
    if (is_changed && (image->counts.disabled || (out->put.len && t->r->has_rules) ||
                       (n_counted(&image->counts) && !n_counted(&out->counts))))
        out->is_whole = true;
    return true;
}

enum { SPAN_FIRST = 1024, SPAN_MIN = 512, SPAN_MAX = 4096, SPAN_MS = 200, PAUSE_US = 2000 };

/* So long that others wait little, so short that commits do not count. */
static size_t next_span(size_t limit, int64_t took_ms)
{
    if (took_ms > SPAN_MS)
        limit = limit * SPAN_MS / (size_t)took_ms;
    else if (took_ms < SPAN_MS / 2)
        limit *= 2;
    return limit < SPAN_MIN ? SPAN_MIN : limit > SPAN_MAX ? SPAN_MAX : limit;
}

static bool is_stopped(struct rematch *r)
{
    struct err none = {0};
    return guard_is_stopping(r->loop->guard) || cancel_is(&r->loop->slot->cancel, &none);
}

static bool tell_registry(struct spread *t, uint64_t from, struct err *err)
{
    static const struct timespec pause = {.tv_nsec = PAUSE_US * 1000L};
    struct rematch *r = t->r;
    struct span span = {.registry_id = t->registry->id,
                        .from = from,
                        .to = r->snapshot->generation,
                        .limit = SPAN_FIRST,
                        .now = clock_now_s(),
                        .change = change_image,
                        .ctx = t};
    do {
        int64_t began_ms = clock_mono_ms();
        if (!store_span_run(r->loop->store, &span, err))
            return false;
        r->n_told += span.n_images - span.n_whole;
        r->n_changed += span.n_changed;
        r->n_rows += span.n_rows;
        span.limit = next_span(span.limit, clock_mono_ms() - began_ms);
        if (span.n_images)
            nanosleep(&pause, NULL); /* SQLite hands the turn to whoever asks, not to who waited */
    } while (!span.is_end && !is_stopped(r));
    return true;
}

static bool tell_all(struct rematch *r, const struct deltas *deltas, uint64_t from, struct err *err)
{
    for (size_t i = 0; i < r->registries.len && !is_stopped(r); i++) {
        struct spread t = {.r = r, .deltas = deltas, .registry = &r->registries.ptr[i]};
        arena_reset(&r->arena);
        t.arm_id = store_registry_arm_id(&r->arena, t.registry);
        if (!t.arm_id.ptr)
            return err_memory(err);
        if (!tell_registry(&t, from, err))
            return false;
    }
    return true;
}

/* The very one that images were matched with, not another of that number. */
static bool open_generation(struct rematch *r, uint64_t generation, struct advisory_db **out,
                            struct err *err)
{
    bool is_it = false;
    if (!advisory_db_open_at(r->loop->guard->advisories.dir, generation, out, err))
        return false;
    if (store_generation_is(r->loop->store, &r->arena, generation, advisory_db_identity(*out),
                            &is_it, err) &&
        !is_it)
        err_set(err, ERR_MISMATCH, "generation %llu is another one than images were matched with",
                (unsigned long long)generation);
    if (is_it)
        return true;
    advisory_db_close(*out);
    *out = NULL;
    return false;
}

static bool look_at_rules(struct rematch *r, struct err *err)
{
    struct stored_rules *rules = NULL;
    if (!rules_take(r->loop->guard, r->loop->store, &rules, err))
        return false;
    r->has_rules = rules->rules.all.len > 0;
    rules_give(rules);
    return true;
}

/* From a generation that is not kept any more nobody can tell what changed. */
static bool tell_from(struct rematch *r, uint64_t generation, struct err *err)
{
    struct advisory_db *from = NULL;
    struct deltas deltas = {0};
    struct err why = {0};
    int64_t began_ms = clock_mono_ms();
    if (!open_generation(r, generation, &from, &why)) {
        log_event(LOG_INFO, "images are matched whole", LOG_NUM("generation", generation),
                  LOG_ERR(&why));
        return true;
    }
    bool ok = look_at_rules(r, err) && deltas_make(r->loop, from, r->snapshot->db, &deltas, err);
    if (ok)
        log_event(LOG_INFO, "advisories compared", LOG_NUM("from", generation),
                  LOG_NUM("to", r->snapshot->generation), LOG_NUM("keys", deltas.n_keys),
                  LOG_NUM("units", deltas.n_units), LOG_NUM("changed", deltas.all.len),
                  LOG_NUM("facts-renewed", deltas.n_renewed),
                  LOG_NUM("ms", clock_mono_ms() - began_ms));
    ok = ok && tell_all(r, &deltas, generation, err);
    deltas_fini(&deltas);
    advisory_db_close(from);
    return ok;
}

enum { GENERATIONS_MAX = 4 };

/* What cannot be told by units for a reason that is not the store's is matched whole. */
static bool tell_by_units(struct rematch *r, struct err *err)
{
    store_generations behind = {0};
    if (!store_generation_note(r->loop->store, r->snapshot->generation,
                               advisory_db_identity(r->snapshot->db), err) ||
        !store_generations_behind(r->loop->store, &r->loop->arena, r->snapshot->generation, &behind,
                                  err))
        return false;
    for (size_t i = 0; i < behind.len && i < GENERATIONS_MAX && !is_stopped(r); i++) {
        struct err why = {0};
        if (tell_from(r, behind.ptr[i].generation, &why))
            continue;
        if (why.kind == ERR_UNAVAILABLE || why.kind == ERR_CANCELLED) {
            *err = why;
            return false;
        }
        log_event(LOG_WARN, "images are matched whole",
                  LOG_NUM("generation", behind.ptr[i].generation), LOG_ERR(&why));
    }
    return true;
}

/* --- whole
 * ------------------------------------------------------------------------------------------------------
 */

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

static bool match_whole(struct rematch *r, bool *is_all, struct err *err)
{
    int64_t after = 0;
    bool is_more = true, ok = true;
    while (ok && is_more && !is_stopped(r))
        ok = rematch_batch(r, &after, &is_more, err);
    *is_all = !is_more;
    return ok;
}

bool rematch_all(struct loop *loop, const struct snapshot *snapshot, bool *is_all, struct err *err)
{
    struct rematch r = {.loop = loop, .snapshot = snapshot};
    int64_t started_ms = clock_mono_ms();
    *is_all = false;
    if (!store_registries_list(loop->store, &loop->arena, NULL, &r.registries, err))
        return false;
    arena_init(&r.arena, loop->guard->config->limits.of[LIMIT_ID_SCAN_MEMORY]);
    bool ok = tell_by_units(&r, err) && match_whole(&r, is_all, err);
    arena_fini(&r.arena);
    if (r.n_queued)
        guard_wake(loop->guard);
    atomic_fetch_add(&loop->guard->counters.told, r.n_told);
    atomic_fetch_add(&loop->guard->counters.matched, r.n_matched);
    atomic_fetch_add(&loop->guard->counters.changed, r.n_changed);
    atomic_fetch_add(&loop->guard->counters.rows, r.n_rows);
    log_event(LOG_INFO, "images matched again", LOG_NUM("generation", snapshot->generation),
              LOG_NUM("by-units", r.n_told), LOG_NUM("changed", r.n_changed),
              LOG_NUM("whole", r.n_matched), LOG_NUM("findings-written", r.n_rows),
              LOG_NUM("to-scan", r.n_queued), LOG_NUM("ms", clock_mono_ms() - started_ms));
    return ok;
}
