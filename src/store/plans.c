/* SPDX-License-Identifier: Apache-2.0 */
/* plans.c - whether the registries of a subscription are guarded; what is queued when they are.  A
 * subscription without a row is guarded: whoever connects a registry wants that. */
#include "store/internal.h"

enum { PULLED_S = 30 * 86400 }; /* DESIGN 5: recently */

static char fold(char c) { return (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c); }

static bool folded(str text, struct sb *out, struct err *err)
{
    sb_init(out, LIMIT(PATH));
    for (size_t i = 0; i < text.len; i++)
        sb_byte(out, (uint8_t)fold(text.ptr[i]));
    return sb_ok(out, err);
}

static const char *tier_word(bool is_off) { return is_off ? "free" : "standard"; }

bool store_plan_get(struct store *store, struct arena *arena, str subscription,
                    struct store_plan *out, struct err *err)
{
    auto_sb key;
    auto_rows rows = {0};
    *out = (struct store_plan){.changed_by = STR("")};
    if (!folded(subscription, &key, err) ||
        !db_query(store, &rows, err,
                  "SELECT tier, changed_at, changed_by FROM plans WHERE subscription = $1",
                  vt(sb_str(&key))))
        return false;
    enum next next = rows_next(&rows, err);
    if (next != NEXT_ITEM)
        return next == NEXT_END;
    *out = (struct store_plan){.is_off = str_eq(row_text(&rows, 0), STR("free")),
                               .changed_at = row_int(&rows, 1),
                               .changed_by = row_dup(&rows, 2, arena)};
    return out->changed_by.ptr ? true : err_memory(err);
}

bool store_plan_is_off(struct store *store, int64_t registry_id, bool *is_off, struct err *err)
{
    int64_t found = 0;
    bool ok = db_int(store, 0, &found, err,
                     "SELECT 1 FROM registries r JOIN plans p"
                     " ON p.subscription = LOWER(r.subscription) WHERE r.id = $1"
                     " AND p.tier = 'free'",
                     vi(registry_id));
    *is_off = found != 0;
    return ok;
}

/* --- what is queued
 * ------------------------------------------------------------------------------------------- */
static bool sweep_add(struct store *store, const struct queue_spec *spec, int64_t now, size_t *n,
                      struct err *err)
{
    bool is_new = false;
    const struct job_spec sweep = {.kind = JOB_SWEEP,
                                   .registry_id = spec->registry_id,
                                   .priority = (enum job_priority)spec->priority,
                                   .not_before = now};
    if (!job_add(store, &sweep, now, &is_new, err))
        return false;
    *n += is_new;
    return true;
}

/* An index brings its children with it, so those are left out.  What is queued already takes the
 * higher priority. */
#define WANTED                                                                                     \
    " FROM images i JOIN repositories p ON p.id = i.repository_id WHERE i.registry_id = $1"        \
    " AND i.deleted_at = 0 AND ($2 = 0 OR i.scanned_at = 0 OR (i.is_complete = 0"                  \
    " AND i.verdict <> 'not-applicable') OR i.generation < $3)"                                    \
    " AND NOT EXISTS (SELECT 1 FROM index_children c JOIN images x ON x.id = c.index_id"           \
    " WHERE c.image_id = i.id AND x.deleted_at = 0)"

static bool scans_add(struct store *store, const struct queue_spec *spec, int64_t now, size_t *n,
                      struct err *err)
{
    if (!db_run(store, err,
                "INSERT INTO jobs (kind, state, registry_id, repository, digest, tag, priority,"
                " created_at, not_before) SELECT 'scan', 'queued', i.registry_id, p.name, i.digest,"
                " '', CASE WHEN $2 = 1 AND i.last_pulled > 0 AND i.last_pulled >= $6 THEN $7 ELSE "
                "$5 END, $4,"
                " $4" WANTED " ORDER BY i.last_pulled DESC, i.id"
                " ON CONFLICT (kind, registry_id, repository, digest)"
                " WHERE state IN ('queued', 'running') DO NOTHING",
                vi(spec->registry_id), vi(spec->is_due_only), vu(spec->generation), vi(now),
                vi(spec->priority), vi(now - PULLED_S), vi(PRIORITY_PULLED)))
        return false;
    *n += (size_t)db_changes(store);
    store->has_news = true;
    return db_run(store, err,
                  "UPDATE jobs SET priority = $1 WHERE kind = 'scan' AND registry_id = $2"
                  " AND state = 'queued' AND priority < $1",
                  vi(spec->priority), vi(spec->registry_id));
}

/* Whoever asks has perhaps just mended what they failed at. */
static bool hurry(struct store *store, int64_t registry_id, int64_t now, struct err *err)
{
    return db_run(store, err,
                  "UPDATE jobs SET not_before = $1, attempts = 0 WHERE registry_id = $2"
                  " AND kind IN ('scan', 'sweep') AND state = 'queued' AND not_before > $1",
                  vi(now), vi(registry_id));
}

static bool queue(struct store *store, const struct queue_spec *spec, int64_t now, size_t *n,
                  struct err *err)
{
    bool is_off = false;
    *n = 0;
    return registry_lock(store, spec->registry_id, err) &&
           store_plan_is_off(store, spec->registry_id, &is_off, err) &&
           (is_off || (hurry(store, spec->registry_id, now, err) &&
                       scans_add(store, spec, now, n, err) && sweep_add(store, spec, now, n, err)));
}

bool store_registry_queue(struct store *store, const struct queue_spec *spec, int64_t now,
                          size_t *n_jobs, struct err *err)
{
    return TX_WRITTEN(store, err, queue(store, spec, now, n_jobs, err));
}

/* --- the switch
 * -----------------------------------------------------------------------------------------------
 */
static bool cancel_all(struct store *store, int64_t registry_id, int64_t now, struct err *err)
{
    return db_run(store, err,
                  "UPDATE jobs SET state = 'cancelled', lease = lease + 1, leased_until = 0,"
                  " finished_at = $1, error = 'the plan was switched off' WHERE registry_id = $2"
                  " AND kind IN ('scan', 'sweep') AND state IN ('queued', 'running')",
                  vi(now), vi(registry_id));
}

static bool tier_write(struct store *store, str key, bool is_off, str actor, int64_t now,
                       struct err *err)
{
    return db_run(store, err,
                  "INSERT INTO plans (subscription, tier, changed_at, changed_by)"
                  " VALUES ($1, $2, $3, $4) ON CONFLICT (subscription) DO UPDATE SET"
                  " tier = excluded.tier, changed_at = excluded.changed_at,"
                  " changed_by = excluded.changed_by",
                  vt(key), vc(tier_word(is_off)), vi(now), vt(actor));
}

/* Images of the time when it was off are behind: they are matched again too. */
static bool switch_on(struct store *store, const store_registries *all, uint64_t generation,
                      int64_t now, size_t *n_jobs, struct err *err)
{
    const struct job_spec rematch = {
        .kind = JOB_REMATCH, .priority = PRIORITY_PULLED, .not_before = now};
    for (size_t i = 0; i < all->len; i++) {
        size_t n = 0;
        const struct queue_spec spec = {.registry_id = all->ptr[i].id,
                                        .priority = PRIORITY_SWEEP,
                                        .is_due_only = true,
                                        .generation = generation};
        if (!queue(store, &spec, now, &n, err))
            return false;
        *n_jobs += n;
    }
    return job_add(store, &rematch, now, NULL, err);
}

struct plan_change {
    struct arena *arena;
    str subscription, actor;
    bool is_off;
    uint64_t generation;
    int64_t now;
};

static bool change(struct store *store, const struct plan_change *c, size_t *n_jobs,
                   struct err *err)
{
    auto_sb key;
    struct store_plan old;
    store_registries all = {0};
    const struct store_scope scope = {.subscription = c->subscription};
    *n_jobs = 0;
    if (!folded(c->subscription, &key, err) ||
        !store_plan_get(store, c->arena, c->subscription, &old, err) ||
        !scope_registries(store, c->arena, &scope, &all, err))
        return false;
    if (old.changed_at && old.is_off == c->is_off)
        return true;
    if (!tier_write(store, sb_str(&key), c->is_off, c->actor, c->now, err))
        return false;
    for (size_t i = 0; c->is_off && i < all.len; i++)
        if (!registry_lock(store, all.ptr[i].id, err) ||
            !cancel_all(store, all.ptr[i].id, c->now, err))
            return false;
    return c->is_off || !old.is_off || switch_on(store, &all, c->generation, c->now, n_jobs, err);
}

bool store_plan_set(struct store *store, str subscription, bool is_off, uint64_t generation,
                    str actor, int64_t now, size_t *n_jobs, struct err *err)
{
    struct arena arena;
    arena_init(&arena, 16 * MIB);
    const struct plan_change c = {&arena, subscription, actor, is_off, generation, now};
    bool ok = TX_DONE_ALONE(store, err, change(store, &c, n_jobs, err));
    arena_fini(&arena);
    return ok;
}
