/* SPDX-License-Identifier: Apache-2.0 */
/* A worker: leases scan jobs, runs them, and hands on what follows from a scan. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/map.h"
#include "guard/internal.h"

/* --- layer cache
 * -----------------------------------------------------------------------------------------------
 */
struct cache {
    struct guard *guard;
    uint64_t revision;
};

/* A cache that does not answer costs time, not truth. */
static void cache_complain(const struct err *err)
{
    log_event(LOG_WARN, "layer inventories", LOG_ERR(err));
}

static bool cache_get(void *ctx, struct arena *arena, const digest *layer, const digest *diff_id,
                      str *bytes)
{
    struct cache *cache = ctx;
    struct store *store;
    struct err err = {0};
    bool is_found = false;
    if (!store_pool_take(cache->guard->relaxed, &store, &err)) {
        cache_complain(&err);
        return false;
    }
    if (!store_layer_get(store, arena, layer, diff_id, cache->revision, bytes, &is_found, &err))
        cache_complain(&err);
    store_pool_give(cache->guard->relaxed, store);
    return is_found && !err_is(&err);
}

static void cache_put(void *ctx, const digest *layer, const digest *diff_id, str bytes)
{
    struct cache *cache = ctx;
    struct store *store;
    struct err err = {0};
    if (!store_pool_take(cache->guard->relaxed, &store, &err)) {
        cache_complain(&err);
        return;
    }
    if (!store_layer_put(store, layer, diff_id, cache->revision, bytes, clock_now_s(), &err))
        cache_complain(&err);
    store_pool_give(cache->guard->relaxed, store);
}

/* --- the scan
 * ----------------------------------------------------------------------------------------------------
 */
static bool fill_reference(struct arena *arena, const struct store_registry *registry,
                           const struct job *job, struct reference *out, struct err *err)
{
    *out = (struct reference){
        .kind = SOURCE_REGISTRY, .host = registry->host, .repository = job->repository};
    if (!digest_parse(job->digest, &out->digest))
        return err_set(err, ERR_FORMAT, "job %lld: not a digest: " STR_FMT, (long long)job->id,
                       STR_ARG(job->digest));
    out->text = arena_printf(arena, STR_FMT "/" STR_FMT "@" STR_FMT, STR_ARG(registry->host),
                             STR_ARG(job->repository), STR_ARG(job->digest));
    return out->text.ptr ? true : err_memory(err);
}

bool base_find(void *store, const digest *diff_ids, size_t n, size_t *n_base, struct err *err)
{
    return store_base_find(store, diff_ids, n, n_base, err);
}

struct scan {
    struct loop *loop;
    const struct job *job;
    struct store_registry registry;
    struct snapshot *snapshot;
    reports reports;
};

static bool scan(struct scan *s, struct err *err)
{
    struct loop *loop = s->loop;
    struct cache cache = {loop->guard, inventory_revision()};
    struct registry_config registry;
    struct scan_spec spec = {
        .choice = {.is_all = true},
        .registry = &registry,
        .db = s->snapshot->db,
        .bases = {.find = base_find, .ctx = loop->store},
        .cache = {cache_get, cache_put, &cache},
        .cancel = &loop->slot->cancel,
    };
    return registry_config_of(loop, &s->registry, &registry, err) &&
           fill_reference(&loop->arena, &s->registry, s->job, &spec.reference, err) &&
           scan_run(loop->guard->scanner, &spec, &loop->arena, &s->reports, err);
}

/* --- what follows
 * ------------------------------------------------------------------------------------------------
 */
bool wants_debian(const struct config *config)
{
    if (!config->feeds.len)
        return true;
    for (size_t i = 0; i < config->feeds.len; i++)
        if (str_eq(config->feeds.ptr[i].name, STR("debian-archive")))
            return true;
    return false;
}

static bool collect_wanted(struct arena *arena, const struct report *report, store_wanted *out)
{
    str ecosystem = distro_ecosystem(&report->distro, arena);
    struct map seen;
    map_init(&seen, arena);
    for (size_t i = 0; i < report->packages.len; i++) {
        const struct package *p = &report->packages.ptr[i];
        if (!p->is_os || !str_eq(p->type, STR("deb")) || !ecosystem.len)
            continue;
        str key = arena_printf(arena, STR_FMT " " STR_FMT, STR_ARG(p->source_name),
                               STR_ARG(p->source_version));
        void **at = key.ptr ? map_at(&seen, key) : NULL;
        if (!at)
            return false;
        if (*at)
            continue;
        struct wanted_package *w = vec_push(arena, out);
        if (!w)
            return false;
        *w = (struct wanted_package){ecosystem, p->source_name, p->source_version};
        *at = key.ptr ? w : NULL;
    }
    return true;
}

/* Before the job ends: if the server dies in between, the scan runs again and this is done already.
 */
static bool hand_on_wanted(struct scan *s, struct err *err)
{
    store_wanted wanted = {0};
    size_t n_new = 0;
    int64_t last = 0, now = clock_now_s();
    struct guard *guard = s->loop->guard;
    if (!wants_debian(guard->config))
        return true;
    for (size_t i = 0; i < s->reports.len; i++)
        if (str_eq(s->reports.ptr[i]->distro.id, STR("debian")) &&
            !collect_wanted(&s->loop->arena, s->reports.ptr[i], &wanted))
            return err_memory(err);
    if (!wanted.len || !meta_time(s->loop->store, META_WANTED_READ_AT, &last, err))
        return !wanted.len;
    int64_t earliest = last + guard->config->refresh_pause_s;
    const struct job_spec then = {.kind = JOB_REFRESH,
                                  .repository = STR("debian-archive"),
                                  .priority = PRIORITY_MANUAL,
                                  .not_before = earliest > now ? earliest : now};
    if (!store_wanted_add(s->loop->store, wanted.ptr, wanted.len, &then, now, &n_new, err))
        return false;
    if (n_new)
        guard_wake(guard);
    return true;
}

static bool has_verdict(const struct report *report)
{
    return report->verdict != VERDICT_FAILED && report->verdict != VERDICT_UNKNOWN;
}

/* The first gap is the cause; the verdict's reason only says that there is one. */
static str why_incomplete(struct arena *arena, const struct report *report)
{
    for (size_t i = 0; i < report->notices.len; i++) {
        const struct notice *notice = &report->notices.ptr[i];
        digest layer;
        if (!notice->is_incomplete)
            continue;
        if (notice->path.len && !digest_parse(notice->path, &layer)) /* "layer 2: …" names itself */
            return arena_printf(arena, STR_FMT ": " STR_FMT, STR_ARG(notice->path),
                                STR_ARG(notice->message));
        return notice->message;
    }
    return report->reason.len ? report->reason : STR("the scan is incomplete");
}

static bool fill_results(struct scan *s, const struct stored_rules *rules, struct job_outcome *out,
                         struct err *err)
{
    struct arena *arena = &s->loop->arena;
    struct store_result *results = arena_array(arena, struct store_result, s->reports.len + 1);
    if (!results)
        return err_memory(err);
    for (size_t i = 0; i < s->reports.len; i++) {
        struct report *report = s->reports.ptr[i];
        if (!findings_name(arena, s->loop->guard->config, &s->registry, s->job->repository, report,
                           err) ||
            !rules_over(rules, arena, &s->registry, s->job->repository, report, err))
            return false;
        results[i].report = report;
        out->is_index = out->is_index || report->index.n > 0;
        if (!has_verdict(report) && !out->error.len)
            out->error = why_incomplete(arena, report);
    }
    out->results = results;
    out->n_results = s->reports.len;
    return true;
}

static bool take_results(struct scan *s, struct job_outcome *out, struct err *err)
{
    struct stored_rules *rules = NULL;
    if (!rules_take(s->loop->guard, s->loop->store, &rules, err))
        return false;
    bool ok = fill_results(s, rules, out, err);
    rules_give(rules);
    return ok;
}

static bool conclude(struct scan *s, struct job_outcome *out, struct err *err)
{
    struct err none = {0};
    out->generation = s->snapshot->generation;
    out->newest = atomic_load(&s->loop->guard->newest_generation);
    out->revision = inventory_revision();
    if (!s->reports.len)
        return err_set(err, ERR_UNSUPPORTED, "the manifest names no image");
    if (!hand_on_wanted(s, err) || !take_results(s, out, err))
        return false;
    out->end = JOB_END_DONE;
    if (!out->error.len)
        return true;
    /* An incomplete scan: what was found is kept, and it is tried again. */
    str error = out->error;
    err_set(&none, ERR_UNAVAILABLE, STR_FMT, STR_ARG(error));
    if (guard_is_stopping(s->loop->guard) || cancel_is(&s->loop->slot->cancel, &none))
        none.kind = ERR_CANCELLED;
    outcome_of_error(s->loop->guard, s->job, s->loop->slot, &none, &s->loop->arena, out);
    return true;
}

static bool try_scan(struct scan *s, struct job_outcome *out, struct err *err)
{
    return snapshot_take(&s->loop->guard->advisories, &s->snapshot, err) &&
           store_registry_get(s->loop->store, &s->loop->arena, s->job->registry, &s->registry,
                              err) &&
           scan(s, err) && conclude(s, out, err);
}

static void run_scan(struct loop *loop, const struct job *job, struct job_outcome *out)
{
    struct scan s = {.loop = loop, .job = job};
    struct err err = {0};
    log_event(LOG_INFO, "scan starts", LOG_NUM("job", job->id), LOG_STR("registry", job->registry),
              LOG_STR("repository", job->repository), LOG_STR("digest", job->digest));
    if (!try_scan(&s, out, &err)) {
        out->results = NULL;
        out->n_results = 0;
        outcome_of_error(loop->guard, job, loop->slot, &err, &loop->arena, out);
    }
    outcome_rests(loop->guard, &s.registry, out);
    loop->snapshot = s.snapshot; /* until the results are stored */
}

/* A generation that was published while we scanned has been re-matched perhaps without this image.
 */
static void catch_up(struct loop *loop, uint64_t *seen)
{
    struct err err = {0};
    uint64_t now = advisories_generation(&loop->guard->advisories);
    if (now != *seen && *seen && !add_rematch(loop->guard, loop->store, &err))
        log_event(LOG_ERROR, "no re-match can be queued", LOG_ERR(&err));
    else
        *seen = now;
}

/* --- the thread
 * ----------------------------------------------------------------------------------------------------
 */
enum { POLL_MS = 1000 };

/* Without advisories there is no verdict: jobs wait for the first generation, and for a worker's to
 * be one of the servers'. */
static bool may_work(struct guard *guard, bool *was_foreign)
{
    bool is_foreign = guard_is_foreign(guard);
    if (is_foreign && !*was_foreign)
        log_event(LOG_WARN,
                  "no work yet: no server has the generation of this advisory database; it must be "
                  "theirs, shared or copied",
                  LOG_NUM("generation", advisories_generation(&guard->advisories)),
                  LOG_NUM("servers", atomic_load(&guard->newest_generation)));
    *was_foreign = is_foreign;
    return !is_foreign && advisories_generation(&guard->advisories) != 0;
}

static void work(struct loop *loop)
{
    static const enum job_kind kinds[] = {JOB_SCAN};
    struct guard *guard = loop->guard;
    bool was_foreign = true; /* the first second says nothing */
    while (!guard_is_stopping(guard)) {
        uint64_t limit_s = guard->config->limits.of[LIMIT_ID_SCAN_TIME];
        uint64_t wakes = guard_wakes(guard);
        uint64_t generation = advisories_generation(&guard->advisories);
        bool was_busy = may_work(guard, &was_foreign) &&
                        loop_step(loop, kinds, ARRAY_LEN(kinds), limit_s, run_scan);
        if (was_busy)
            catch_up(loop, &generation);
        else
            guard_sleep(guard, wakes, POLL_MS);
    }
}

static bool loop_open(struct loop *loop, struct guard_thread *thread)
{
    struct err err = {0};
    *loop = (struct loop){.guard = thread->guard, .slot = thread->slot};
    arena_init(&loop->arena, loop->guard->config->limits.of[LIMIT_ID_SCAN_MEMORY]);
    if (store_pool_take(loop->guard->relaxed, &loop->store, &err))
        return true;
    log_event(LOG_ERROR, "a worker cannot open the store", LOG_ERR(&err));
    return false;
}

static void loop_close(struct loop *loop)
{
    store_pool_give(loop->guard->relaxed, loop->store);
    arena_fini(&loop->arena);
}

static void *thread_main(struct guard_thread *thread, void (*run)(struct loop *))
{
    struct loop loop;
    if (loop_open(&loop, thread))
        run(&loop);
    loop_close(&loop);
    free(thread);
    return NULL;
}

void *worker_main(void *arg) { return thread_main(arg, work); }
void *refresher_main(void *arg) { return thread_main(arg, refresher_work); }
void *sweeper_main(void *arg) { return thread_main(arg, sweeper_work); }
void *importer_main(void *arg) { return thread_main(arg, importer_work); }
void *ruler_main(void *arg) { return thread_main(arg, ruler_work); }
