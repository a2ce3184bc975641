/* SPDX-License-Identifier: Apache-2.0 */
/* The sweeper: looks at what a registry has, and tells the store what no notification told: images
 * that were there before the registry was guarded, events that were lost, what was deleted.
 *
 *     repositories: the catalog, those that are configured, those that are known
 *       tags        each asked for its digest (HEAD)     new, or moved: found; no longer there:
 * gone untagged    each known digest asked for (HEAD)   no longer there: gone
 *
 * A scan that was given up (dead) is queued again: the registry answers.
 *
 * What it tells carries the time at which the sweep of the repository began, so that a push that
 * comes meanwhile wins. */
#include "base/clock.h"
#include "base/map.h"
#include "guard/internal.h"

enum { BATCH = 200 };

struct sweep {
    struct loop *loop;
    struct store_registry registry;
    struct image_source *source;
    struct arena arena; /* of one repository */
    str repository;
    bool has_catalog; /* it told us its repositories: then what it hides from us is not there */
    int64_t began;
    VEC(struct store_event) events; /* not yet told */
    size_t n_repositories, n_tags, n_found, n_gone, n_again, n_failed;
};

/* --- telling
 * -------------------------------------------------------------------------------------- */
static bool tell_all(struct sweep *s, struct err *err)
{
    struct event_counts counts;
    bool ok = store_events_add(s->loop->store, s->registry.id, s->events.ptr, s->events.len,
                               clock_now_s(), &counts, err);
    s->events.len = 0;
    if (ok && counts.n_jobs)
        guard_wake(s->loop->guard);
    return ok;
}

static bool tell(struct sweep *s, enum event_action action, str tag, str digest_text,
                 struct err *err)
{
    struct store_event *event = vec_push(&s->arena, &s->events);
    if (!event)
        return err_memory(err);
    *event = (struct store_event){.action = action,
                                  .repository = s->repository,
                                  .digest = arena_dup(&s->arena, digest_text),
                                  .tag = arena_dup(&s->arena, tag),
                                  .at = s->began};
    if (!event->digest.ptr || !event->tag.ptr)
        return err_memory(err);
    if (action == EVENT_FOUND)
        s->n_found++;
    else
        s->n_gone++;
    return s->events.len < BATCH || tell_all(s, err);
}

/* --- one repository
 * ---------------------------------------------------------------------------------- */
struct tags_now {
    struct sweep *sweep;
    struct map names;
};

static bool note_tag(void *ctx, str name, struct err *err)
{
    struct tags_now *now = ctx;
    str kept = arena_dup(&now->sweep->arena, name);
    if (cancel_is(&now->sweep->loop->slot->cancel, err))
        return false;
    return kept.ptr && map_put(&now->names, kept, now) ? true : err_memory(err);
}

static const struct store_tag *known_tag(const store_tags *known, str name)
{
    size_t low = 0, high = known->len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int c = str_cmp(known->ptr[middle].name, name);
        if (c == 0)
            return &known->ptr[middle];
        if (c < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* A tag that went between the list and the question is none. */
static bool look_at_tag(struct sweep *s, const store_tags *known, str name, struct err *err)
{
    char text[DIGEST_TEXT_SIZE];
    digest now;
    const struct store_tag *before = known_tag(known, name);
    s->n_tags++;
    if (cancel_is(&s->loop->slot->cancel, err) || !registry_digest_of(s->source, name, &now, err))
        return false;
    str is_now = digest_print(&now, text);
    if (digest_is_none(&now) || (before && str_eq(before->digest, is_now)))
        return true;
    return tell(s, EVENT_FOUND, name, is_now, err);
}

static bool look_at_untagged(struct sweep *s, struct err *err)
{
    strs untagged = {0};
    if (!store_untagged_list(s->loop->store, &s->arena, s->registry.id, s->repository, &untagged,
                             err))
        return false;
    for (size_t i = 0; i < untagged.len; i++) {
        digest now;
        if (cancel_is(&s->loop->slot->cancel, err) ||
            !registry_digest_of(s->source, untagged.ptr[i], &now, err))
            return false;
        if (digest_is_none(&now) && !tell(s, EVENT_DELETE, STR_NONE, untagged.ptr[i], err))
            return false;
    }
    return true;
}

/* What was given up while the registry was in trouble gets another round of tries: it answers now.
 */
static bool take_up_again(struct sweep *s, struct err *err)
{
    strs given_up = {0};
    struct store *store = s->loop->store;
    if (!store_given_up_list(store, &s->arena, s->registry.id, s->repository, &given_up, err))
        return false;
    for (size_t i = 0; i < given_up.len; i++) {
        const struct job_spec spec = {.kind = JOB_SCAN,
                                      .registry_id = s->registry.id,
                                      .repository = s->repository,
                                      .digest = given_up.ptr[i],
                                      .priority = PRIORITY_SWEEP,
                                      .not_before = s->began};
        if (!store_job_add(store, &spec, s->began, NULL, err))
            return false;
        s->n_again++;
    }
    if (given_up.len)
        guard_wake(s->loop->guard);
    return true;
}

/* Untagged images are looked at after the tags that are gone were told: they may be theirs. */
static bool compare(struct sweep *s, const struct tags_now *now, struct err *err)
{
    store_tags known = {0};
    if (!store_tags_list(s->loop->store, &s->arena, s->registry.id, s->repository, &known, err))
        return false;
    for (size_t i = 0; i < now->names.len; i++)
        if (!look_at_tag(s, &known, now->names.entries[i].key, err))
            return false;
    for (size_t i = 0; i < known.len; i++)
        if (!map_get(&now->names, known.ptr[i].name) &&
            !tell(s, EVENT_DELETE, known.ptr[i].name, STR_NONE, err))
            return false;
    return tell_all(s, err) && look_at_untagged(s, err) && tell_all(s, err) &&
           take_up_again(s, err);
}

static bool sweep_repository(struct sweep *s, str repository, struct err *err)
{
    struct tags_now now = {.sweep = s};
    arena_reset(&s->arena);
    s->events.ptr = NULL;
    s->events.len = s->events.cap = 0;
    s->repository = repository;
    s->began = clock_now_s();
    s->n_repositories++;
    map_init(&now.names, &s->arena);
    bool is_there;
    if (!registry_turn_to(s->source, repository, err) ||
        !registry_each_tag(s->source, note_tag, &now, &is_there, err))
        return false;
    if (is_there || s->has_catalog)
        return compare(s, &now, err);
    /* many registries say so to strangers too */
    log_event(LOG_WARN, "sweep: not there, or not shown to this account: what is known of it stays",
              LOG_STR("registry", s->registry.name), LOG_STR("repository", repository));
    return true;
}

/* --- all of them
 * -------------------------------------------------------------------------------------- */
struct names {
    struct arena *arena;
    struct map map;
};

static bool note_repository(void *ctx, str name, struct err *err)
{
    struct names *names = ctx;
    str kept = arena_dup(names->arena, name);
    return kept.ptr && map_put(&names->map, kept, names) ? true : err_memory(err);
}

static bool note_all(struct names *names, const strs *list, struct err *err)
{
    for (size_t i = 0; i < list->len; i++)
        if (!note_repository(names, list->ptr[i], err))
            return false;
    return true;
}

/* Without a catalog only what is configured or known can be looked at, and the log says so. */
static bool ask_catalog(struct sweep *s, struct names *names, struct err *err)
{
    struct err why = {0};
    s->has_catalog = registry_each_repository(s->source, note_repository, names, &why);
    if (s->has_catalog)
        return true;
    if (why.kind != ERR_UNSUPPORTED && why.kind != ERR_DENIED && why.kind != ERR_NOT_FOUND) {
        *err = why;
        return false;
    }
    log_event(LOG_WARN, "sweep: no catalog: list the repositories in the configuration",
              LOG_STR("registry", s->registry.name), LOG_ERR(&why));
    return true;
}

static bool collect_names(struct sweep *s, struct names *names, struct err *err)
{
    strs known = {0};
    struct registry_settings settings;
    if (!registry_settings_any(s->loop->guard, names->arena, &s->registry, &settings, err))
        return false;
    bool is_listed = settings.repositories.len > 0;
    map_init(&names->map, names->arena);
    if (is_listed ? !note_all(names, &settings.repositories, err) : !ask_catalog(s, names, err))
        return false;
    return store_repositories_list(s->loop->store, names->arena, s->registry.id, &known, err) &&
           note_all(names, &known, err);
}

/* One that fails does not keep the others from being looked at. */
static bool sweep_all(struct sweep *s, struct err *err)
{
    struct names names = {.arena = &s->loop->arena};
    struct err first = {0};
    if (!collect_names(s, &names, err))
        return false;
    for (size_t i = 0; i < names.map.len; i++) {
        struct err why = {0};
        if (sweep_repository(s, names.map.entries[i].key, &why))
            continue;
        log_event(LOG_WARN, "sweep of a repository", LOG_STR("registry", s->registry.name),
                  LOG_STR("repository", names.map.entries[i].key), LOG_ERR(&why));
        s->n_failed++;
        if (!err_is(&first))
            first = why;
        if (why.kind == ERR_CANCELLED || why.kind == ERR_MEMORY)
            break;
    }
    *err = first;
    return !err_is(&first);
}

static bool sweep(struct sweep *s, struct err *err)
{
    const struct reference whole = {.kind = SOURCE_REGISTRY, .host = s->registry.host};
    struct registry_config config;
    if (!registry_config_of(s->loop, &s->registry, &config, err))
        return false;
    config.cancel = &s->loop->slot->cancel;
    if (!registry_open(&whole, &config, &s->source, err))
        return false;
    arena_init(&s->arena, s->loop->guard->config->limits.of[LIMIT_ID_SCAN_MEMORY]);
    bool ok = sweep_all(s, err);
    arena_fini(&s->arena);
    image_source_close(s->source);
    return ok;
}

static void run_sweep(struct loop *loop, const struct job *job, struct job_outcome *out)
{
    struct sweep s = {.loop = loop};
    struct err err = {0};
    bool ok = store_registry_get(loop->store, &loop->arena, job->registry, &s.registry, &err) &&
              sweep(&s, &err);
    log_event(ok ? LOG_INFO : LOG_WARN, "registry swept", LOG_STR("registry", job->registry),
              LOG_NUM("repositories", s.n_repositories), LOG_NUM("tags", s.n_tags),
              LOG_NUM("found", s.n_found), LOG_NUM("gone", s.n_gone), LOG_NUM("again", s.n_again),
              LOG_NUM("failed", s.n_failed));
    out->end = JOB_END_DONE;
    if (!ok)
        outcome_of_error(loop->guard, job, loop->slot, &err, &loop->arena, out);
    outcome_rests(loop->guard, &s.registry, out);
}

enum { POLL_MS = 1000 };

void sweeper_work(struct loop *loop)
{
    static const enum job_kind kinds[] = {JOB_SWEEP};
    while (!guard_is_stopping(loop->guard)) {
        uint64_t wakes = guard_wakes(loop->guard);
        if (!loop_step(loop, kinds, 1, 0, run_sweep))
            guard_sleep(loop->guard, wakes, POLL_MS);
    }
}

/* --- when
 * ---------------------------------------------------------------------------------------- */
static str last_key(struct arena *arena, const struct store_registry *registry)
{
    return arena_printf(arena, "swept-at:%lld", (long long)registry->id);
}

static bool add_when_due(struct guard *guard, struct store *store, struct arena *arena,
                         const struct store_registry *registry, int64_t now, struct err *err)
{
    int64_t last = 0;
    str key = last_key(arena, registry);
    struct registry_settings settings;
    bool is_ours = registry->is_made || config_registry_find(guard->config, registry->name);
    if (!key.ptr)
        return err_memory(err);
    if (!registry_settings_any(guard, arena, registry, &settings, err))
        return false;
    uint32_t interval =
        settings.sweep_interval_s ? settings.sweep_interval_s : guard->config->sweep_interval_s;
    if (!interval || !is_ours)
        return true; /* not asked for, or no longer configured */
    if (!meta_time(store, key, &last, err))
        return false;
    if (now < last + interval)
        return true;
    const struct job_spec spec = {.kind = JOB_SWEEP,
                                  .registry_id = registry->id,
                                  .priority = PRIORITY_SWEEP,
                                  .not_before = now};
    if (!store_job_add(store, &spec, now, NULL, err) || !meta_time_set(store, key, now, err))
        return false;
    guard_wake(guard);
    return true;
}

bool sweeps_schedule(struct guard *guard, struct store *store, int64_t now, struct err *err)
{
    struct arena arena;
    store_registries all = {0};
    arena_init(&arena, 64 * MIB);
    bool ok = store_registries_list(store, &arena, NULL, &all, err);
    for (size_t i = 0; ok && i < all.len; i++)
        ok = add_when_due(guard, store, &arena, &all.ptr[i], now, err);
    arena_fini(&arena);
    return ok;
}
