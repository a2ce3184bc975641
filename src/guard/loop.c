/* SPDX-License-Identifier: Apache-2.0 */
/* What every worker does with a job: lease, run, store the end; and how failures end. */
#include <sodium.h>

#include "base/clock.h"
#include "guard/internal.h"

enum { BACKOFF_MAX_S = 3600, MISSING_TRIES = 3 };

uint32_t backoff_s(uint32_t base_s, unsigned attempts)
{
    uint64_t wait = base_s;
    for (unsigned i = 1; i < attempts && wait < BACKOFF_MAX_S; i++)
        wait *= 2;
    uint32_t whole = (uint32_t)(wait < BACKOFF_MAX_S ? wait : BACKOFF_MAX_S);
    return whole + randombytes_uniform(whole / 4 + 1);
}

/* Trying again gives the same answer: the bytes behind a digest do not change. */
static bool is_final(enum err_kind kind)
{
    return kind == ERR_FORMAT || kind == ERR_UNSUPPORTED || kind == ERR_LIMIT || kind == ERR_USAGE;
}

/* What is not there was deleted, or is not yet everywhere: some registries tell of a push before
 * all their machines know it.  A few tries tell which; the next sweep takes it up again when it is
 * there after all. */
static unsigned max_attempts(const struct guard *guard, const struct job *job, enum err_kind kind)
{
    bool is_missing = job->kind == JOB_SCAN && kind == ERR_NOT_FOUND;
    unsigned max = guard->config->max_attempts;
    return is_missing && max > MISSING_TRIES ? MISSING_TRIES : max;
}

static void retry_or_bury(struct guard *guard, const struct job *job, enum err_kind kind,
                          struct job_outcome *out)
{
    bool is_last = job->attempts >= max_attempts(guard, job, kind);
    out->end = is_last ? JOB_END_DEAD : JOB_END_RETRY;
    out->not_before = out->now + backoff_s(guard->config->retry_base_s, job->attempts);
}

void outcome_of_error(struct guard *guard, const struct job *job, const struct slot *slot,
                      const struct err *err, struct arena *arena, struct job_outcome *out)
{
    out->error = arena_dup(arena, str_from(err->msg));
    /* While we stop, the sandbox may be gone before us: nothing that happens now is the job's
     * fault. */
    if (guard_is_stopping(guard)) {
        out->end = JOB_END_GIVE_BACK;
        return;
    }
    bool is_late =
        slot->cancel.deadline_mono_ms && clock_mono_ms() >= slot->cancel.deadline_mono_ms;
    if (err->kind == ERR_CANCELLED && is_late)
        out->error = arena_printf(arena, "it took longer than %llu seconds (limits: scan-time)",
                                  (unsigned long long)guard->config->limits.of[LIMIT_ID_SCAN_TIME]);
    if (job->kind == JOB_SCAN && is_final(err->kind))
        out->end = JOB_END_FAILED;
    else
        retry_or_bury(guard, job, err->kind, out);
}

void outcome_rests(struct guard *guard, const struct store_registry *registry,
                   struct job_outcome *out)
{
    int64_t earliest = out->now + registry_hub_rest_s(guard->hub, registry->host);
    if (out->end == JOB_END_RETRY && out->not_before < earliest)
        out->not_before = earliest;
}

static const char *end_word(enum job_end end)
{
    static const char *const words[] = {"done", "retry", "failed", "dead", "given back"};
    return words[end <= JOB_END_GIVE_BACK ? end : JOB_END_DEAD];
}

static void finish(struct loop *loop, const struct job *job, const struct job_outcome *outcome,
                   int64_t started_ms)
{
    struct err err = {0};
    bool is_bad = outcome->end == JOB_END_DEAD || outcome->end == JOB_END_FAILED;
    if (!store_job_finish(loop->store, job, outcome, &err)) {
        log_event(LOG_WARN, "the end of a job was not stored", LOG_NUM("job", job->id),
                  LOG_ERR(&err));
        return; /* the lease runs out, or went to another: the job runs again */
    }
    counters_add(&loop->guard->counters, job, outcome->end, clock_mono_ms() - started_ms,
                 clock_now_s());
    log_event(is_bad ? LOG_WARN : LOG_INFO, "job ended", LOG_NUM("job", job->id),
              LOG_STR("kind", str_from(job_kind_name(job->kind))),
              LOG_STR("repository", job->repository), LOG_STR("digest", job->digest),
              LOG_STR("end", str_from(end_word(outcome->end))), LOG_NUM("attempt", job->attempts),
              LOG_NUM("ms", clock_mono_ms() - started_ms), LOG_STR("error", outcome->error));
}

static void run_leased(struct loop *loop, const struct job *job, uint64_t limit_s, run_job *run)
{
    int64_t started_ms = clock_mono_ms();
    struct job_outcome outcome = {.now = clock_now_s()};
    slot_open(loop->guard, loop->slot, job, limit_s);
    run(loop, job, &outcome);
    outcome.now = clock_now_s();
    finish(loop, job, &outcome, started_ms);
    snapshot_give(loop->snapshot);
    loop->snapshot = NULL;
    slot_close(loop->guard, loop->slot);
}

bool loop_step(struct loop *loop, const enum job_kind *kinds, size_t n_kinds, uint64_t limit_s,
               run_job *run)
{
    struct err err = {0};
    struct job job;
    const struct lease_spec spec = {.kinds = kinds,
                                    .n_kinds = n_kinds,
                                    .now = clock_now_s(),
                                    .lease_s = loop->guard->config->lease_s};
    arena_reset(&loop->arena);
    enum next next = store_job_lease(loop->store, &loop->arena, &spec, &job, &err);
    if (next == NEXT_ERR)
        log_event(LOG_ERROR, "no job can be leased", LOG_ERR(&err));
    if (next != NEXT_ITEM)
        return false;
    struct settings *settings = guard_pin(loop->guard);
    run_leased(loop, &job, limit_s, run);
    guard_unpin(loop->guard, settings);
    return true;
}

/* --- adding jobs of our own
 * --------------------------------------------------------------------------------- */
bool add_refresh(struct guard *guard, struct store *store, str feed, int64_t not_before,
                 struct err *err)
{
    const struct job_spec spec = {.kind = JOB_REFRESH,
                                  .repository = feed,
                                  .priority = PRIORITY_MANUAL,
                                  .not_before = not_before};
    if (!store_job_add(store, &spec, clock_now_s(), NULL, err))
        return false;
    guard_wake(guard);
    return true;
}

bool add_rematch(struct guard *guard, struct store *store, struct err *err)
{
    const struct job_spec spec = {
        .kind = JOB_REMATCH, .priority = PRIORITY_PUSH, .not_before = clock_now_s()};
    if (!store_job_add(store, &spec, clock_now_s(), NULL, err))
        return false;
    guard_wake(guard);
    return true;
}

bool meta_time(struct store *store, str key, int64_t *at, struct err *err)
{
    struct arena arena;
    str text;
    uint64_t value = 0;
    arena_init(&arena, 64 * KIB);
    bool ok = store_meta_get(store, &arena, key, &text, err);
    *at = ok && str_to_u64(text, INT64_MAX, &value) ? (int64_t)value : 0;
    arena_fini(&arena);
    return ok;
}

bool meta_time_set(struct store *store, str key, int64_t at, struct err *err)
{
    char text[32];
    snprintf(text, sizeof(text), "%lld", (long long)at);
    return store_meta_set(store, key, str_from(text), err);
}

bool findings_name(struct arena *arena, const struct config *config,
                   const struct store_registry *registry, str repository, struct report *report,
                   struct err *err)
{
    char text[DIGEST_TEXT_SIZE];
    str id = store_registry_arm_id(arena, registry);
    if (!id.ptr)
        return err_memory(err);
    str image = digest_print(&report->digest, text);
    for (size_t i = 0; i < report->findings.len; i++) {
        struct finding *finding = &report->findings.ptr[i];
        finding->name =
            assess_finding_name(arena, id, config->assessment_key, repository, image, finding);
        if (!finding->name.ptr)
            return err_memory(err);
    }
    return true;
}
