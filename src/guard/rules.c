/* SPDX-License-Identifier: Apache-2.0 */
/* rules.c - the stored disable rules: parsed once a revision and shared by all workers; held
 * against what is stored by a job of their own, so that a change applies at once. */
#include <stdlib.h>

#include "base/clock.h"
#include "guard/internal.h"

/* --- the set
 * ------------------------------------------------------------------------------------------------
 */
void rules_give(struct stored_rules *rules)
{
    if (!rules || atomic_fetch_sub(&rules->refs, 1) != 1)
        return;
    arena_fini(&rules->arena);
    free(rules);
}

static bool parse_all(struct stored_rules *out, struct store *store, struct err *err)
{
    store_rules all = {0};
    if (!store_rules_list(store, &out->arena, &all, &out->set.revision, err))
        return false;
    for (size_t i = 0; i < all.len; i++) {
        const struct store_rule *r = &all.ptr[i];
        struct err why = {0};
        if (r->is_expired || rules_parse(&out->arena, r->uuid, r->text, &out->rules, &why))
            continue;
        if (why.kind == ERR_MEMORY) {
            *err = why;
            return false;
        }
        /* of another version of ours: without it more is found, not less */
        log_event(LOG_ERROR, "a stored rule cannot be read, and disables nothing",
                  LOG_STR("rule", r->name), LOG_ERR(&why));
    }
    out->set.rules = &out->rules;
    return true;
}

static bool load(struct store *store, struct stored_rules **out, struct err *err)
{
    struct stored_rules *rules = calloc(1, sizeof(*rules));
    if (!rules)
        return err_memory(err);
    arena_init(&rules->arena, 64 * MIB);
    atomic_init(&rules->refs, 1);
    if (!parse_all(rules, store, err)) {
        rules_give(rules);
        return false;
    }
    *out = rules;
    return true;
}

/* NULL: another revision than the one that is held. */
static struct stored_rules *take_kept(struct guard *guard, uint64_t revision)
{
    pthread_mutex_lock(&guard->lock);
    struct stored_rules *kept = guard->rules;
    if (kept && kept->set.revision == revision)
        atomic_fetch_add(&kept->refs, 1);
    else
        kept = NULL;
    pthread_mutex_unlock(&guard->lock);
    return kept;
}

static void put_kept(struct guard *guard, struct stored_rules *rules)
{
    atomic_fetch_add(&rules->refs, 1);
    pthread_mutex_lock(&guard->lock);
    struct stored_rules *old = guard->rules;
    guard->rules = rules;
    pthread_mutex_unlock(&guard->lock);
    rules_give(old);
}

bool rules_take(struct guard *guard, struct store *store, struct stored_rules **out,
                struct err *err)
{
    uint64_t revision = 0;
    if (!store_rules_revision(store, &revision, err))
        return false;
    if ((*out = take_kept(guard, revision)))
        return true;
    if (!load(store, out, err))
        return false;
    put_kept(guard, *out);
    return true;
}

/* Names of rules go into the report, which outlives the reference. */
bool rules_over(const struct stored_rules *rules, struct arena *arena,
                const struct store_registry *registry, str repository, struct report *report,
                struct err *err)
{
    if (!store_rules_hold(arena, &rules->set, registry, repository, report, err))
        return false;
    for (size_t i = 0; rules->rules.all.len && i < report->findings.len; i++) {
        struct finding *f = &report->findings.ptr[i];
        if (!f->disabled_by.len)
            continue;
        f->disabled_by = arena_dup(arena, f->disabled_by);
        f->disabled_reason = arena_dup(arena, f->disabled_reason);
        if (!f->disabled_by.ptr || !f->disabled_reason.ptr)
            return err_memory(err);
    }
    return true;
}

/* --- over what is stored
 * ------------------------------------------------------------------------------------------------
 */
static bool is_current(struct loop *loop, const struct stored_rules *rules, bool *is,
                       struct err *err)
{
    uint64_t revision = 0;
    bool ok = store_rules_revision(loop->store, &revision, err);
    *is = revision == rules->set.revision;
    return ok;
}

/* Until nothing is left, or the rules have changed meanwhile. */
static bool apply_set(struct loop *loop, const struct stored_rules *rules, bool *is_done,
                      size_t *n_images, struct err *err)
{
    struct rules_run *run = NULL;
    size_t n = 1;
    bool ok = rules_run_open(loop->store, &rules->set, &run, err);
    *is_done = true;
    while (ok && n && *is_done && !guard_is_stopping(loop->guard)) {
        ok = !cancel_is(&loop->slot->cancel, err) && rules_run_step(run, clock_now_s(), &n, err) &&
             is_current(loop, rules, is_done, err);
        *n_images += n;
    }
    rules_run_close(run);
    if (ok && n && *is_done)
        return err_set(err, ERR_CANCELLED, "the server stops");
    return ok;
}

static bool apply_all(struct loop *loop, size_t *n_images, struct err *err)
{
    bool is_done = false;
    while (!is_done) {
        struct stored_rules *rules = NULL;
        if (!rules_take(loop->guard, loop->store, &rules, err))
            return false;
        bool ok = apply_set(loop, rules, &is_done, n_images, err);
        rules_give(rules);
        if (!ok)
            return false;
    }
    return true;
}

static void run_rules(struct loop *loop, const struct job *job, struct job_outcome *out)
{
    struct err err = {0};
    size_t n = 0;
    int64_t started_ms = clock_mono_ms();
    bool ok = apply_all(loop, &n, &err);
    log_event(LOG_INFO, "rules applied to what is stored", LOG_NUM("images", n),
              LOG_NUM("ms", clock_mono_ms() - started_ms));
    out->end = JOB_END_DONE;
    if (!ok)
        outcome_of_error(loop->guard, job, loop->slot, &err, &loop->arena, out);
    else
        guard_wake(loop->guard); /* some may have to be scanned */
}

enum { POLL_MS = 1000 };

void ruler_work(struct loop *loop)
{
    static const enum job_kind kinds[] = {JOB_RULES};
    while (!guard_is_stopping(loop->guard)) {
        uint64_t wakes = guard_wakes(loop->guard);
        if (!loop_step(loop, kinds, 1, 0, run_rules))
            guard_sleep(loop->guard, wakes, POLL_MS);
    }
}

/* A scan that began with the rules of before and ended after they were applied: its image is held
 * against the old ones still, so it is looked for now and then. */
enum { CATCH_UP_S = 60 };

static bool catch_up(struct store *store, int64_t now, struct err *err)
{
    uint64_t revision = 0;
    bool is_pending = false;
    const struct job_spec spec = {.kind = JOB_RULES, .priority = PRIORITY_PUSH, .not_before = now};
    if (!store_rules_revision(store, &revision, err))
        return false;
    if (!revision) /* there never was a rule */
        return true;
    if (!store_rules_pending(store, revision, &is_pending, err))
        return false;
    return !is_pending || store_job_add(store, &spec, now, NULL, err);
}

bool rules_schedule(struct guard *guard, struct store *store, int64_t now, struct err *err)
{
    size_t n = 0;
    bool is_due = now >= guard->rules_seen_at + CATCH_UP_S;
    if (!store_rules_expire(store, now, &n, err) || (is_due && !catch_up(store, now, err)))
        return false;
    if (is_due)
        guard->rules_seen_at = now;
    if (n) {
        log_event(LOG_INFO, "rules have expired", LOG_NUM("rules", n));
        guard_wake(guard);
    }
    return true;
}
