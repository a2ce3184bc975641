/* SPDX-License-Identifier: Apache-2.0 */
/* jobs.c - the queue: what waits, runs and ended, and what an operator does about it. */
#include "api/internal.h"

#include "base/clock.h"
#include "base/num.h"

/* --- jobs
 * ----------------------------------------------------------------------------------------- */

static void write_job(struct jw *jw, const struct job *job)
{
    jw_obj(jw);
    jw_kint(jw, "id", job->id);
    jw_kstr(jw, "kind", str_from(job_kind_name(job->kind)));
    jw_kstr(jw, "state", str_from(job_state_name(job->state)));
    jw_kstr_if(jw, "registry", job->registry);
    jw_kstr_if(jw, "repository", job->repository);
    jw_kstr_if(jw, job->kind == JOB_IMPORT ? "operation" : "digest", job->digest);
    jw_kstr_if(jw, "tag", job->tag);
    jw_kint(jw, "priority", job->priority);
    jw_kint(jw, "attempts", job->attempts);
    api_write_time(jw, "createdAt", job->created_at);
    api_write_time(jw, "notBefore", job->not_before);
    api_write_time(jw, "startedAt", job->started_at);
    api_write_time(jw, "leasedUntil", job->leased_until);
    api_write_time(jw, "finishedAt", job->finished_at);
    jw_kstr_if(jw, "error", job->error);
    jw_obj_end(jw);
}

static void write_job_counts(struct jw *jw, const struct job_counts *counts)
{
    jw_key(jw, "counts");
    jw_obj(jw);
    jw_kint(jw, "queued", (int64_t)counts->queued);
    jw_kint(jw, "running", (int64_t)counts->leased);
    jw_kint(jw, "done", (int64_t)counts->done);
    jw_kint(jw, "failed", (int64_t)counts->failed);
    jw_kint(jw, "dead", (int64_t)counts->dead);
    jw_kint(jw, "cancelled", (int64_t)counts->cancelled);
    jw_obj_end(jw);
}

static bool read_job_filter(struct api_call *call, struct job_filter *out, struct err *err)
{
    struct store_registry registry;
    str state = http_request_query(call->req, STR("state"));
    *out = (struct job_filter){0};
    if (state.len && !job_state_parse(state, &out->state))
        return api_refuse(call, err, 400, "InvalidParameter", "'" STR_FMT "' is no state of a job.",
                          STR_ARG(state));
    if (!api_registry(call, &registry, err))
        return false;
    out->registry_id = registry.id;
    struct store_scope *scope = arena_new(call->arena, struct store_scope);
    if (!scope)
        return err_memory(err);
    *scope = (struct store_scope){0};
    if (!api_within(call, STR(""), scope, err))
        return false;
    out->scope = scope->is_limited ? scope : NULL;
    return true;
}

static bool list_jobs(struct api_call *call, struct err *err)
{
    struct job_filter filter;
    struct store_page page;
    struct job_counts counts = {0};
    jobs found = {0};
    str next = STR_NONE;
    if (!api_page(call, &page, err) || !read_job_filter(call, &filter, err) ||
        !store_jobs_count(call->store, &counts, err))
        return false;
    if (!store_jobs_list(call->store, call->arena, &filter, &page, &found, &next, err))
        return api_page_error(call, err);
    struct jw *jw = &call->jw;
    jw_obj(jw);
    write_job_counts(jw, &counts);
    jw_key(jw, "value");
    jw_arr(jw);
    for (size_t i = 0; i < found.len; i++)
        write_job(jw, &found.ptr[i]);
    jw_arr_end(jw);
    if (!api_next_link(call, next, err))
        return false;
    jw_obj_end(jw);
    return api_done(call, 200, err);
}

/* --- one of them
 * ----------------------------------------------------------------------------------------- */

/* Who may do it for some registries only learns nothing of the jobs of others. */
static bool check_seen(struct api_call *call, const struct job *job, struct err *err)
{
    struct store_registry registry;
    struct err why = {0};
    str scope = STR("");
    if (call->caller.is_owner || api_may(call, call->action, STR("")))
        return true;
    if (job->registry_id &&
        store_registry_get(call->store, call->arena, job->registry, &registry, &why) &&
        registry.id == job->registry_id)
        scope = store_registry_arm_id(call->arena, &registry);
    scope = scope.ptr ? api_lower(call->arena, scope) : scope;
    if (!scope.ptr)
        return err_memory(err);
    return (scope.len && api_may(call, call->action, scope)) ||
           err_set(err, ERR_NOT_FOUND, "job %lld: not known", (long long)job->id);
}

static bool read_job(struct api_call *call, struct job *out, struct err *err)
{
    uint64_t id;
    str text = call->req->params[0];
    if (!str_to_u64(text, INT64_MAX, &id))
        return api_refuse(call, err, 400, "InvalidParameter", "'" STR_FMT "' is no job's number.",
                          STR_ARG(text));
    return store_job_get(call->store, call->arena, (int64_t)id, out, err) &&
           check_seen(call, out, err);
}

static bool show_job(struct api_call *call, int64_t id, struct err *err)
{
    struct job job;
    if (!store_job_get(call->store, call->arena, id, &job, err))
        return false;
    write_job(&call->jw, &job);
    return api_done(call, 200, err);
}

static bool get_job(struct api_call *call, struct err *err)
{
    struct job job;
    return read_job(call, &job, err) && show_job(call, job.id, err);
}

static bool refuse_state(struct api_call *call, const struct job *job, const char *wants,
                         struct err *err)
{
    return api_refuse(call, err, 409, "Conflict", "The job %lld is %s: only one that is %s can be.",
                      (long long)job->id, job_state_name(job->state), wants);
}

static bool cancel_job(struct api_call *call, struct err *err)
{
    struct job job;
    if (!read_job(call, &job, err))
        return false;
    if (!store_job_cancel(call->store, job.id, clock_now_s(), err))
        return err->kind == ERR_NOT_FOUND ? refuse_state(call, &job, "queued or running", err)
                                          : false;
    if (call->api->guard)
        guard_cancel(call->api->guard, job.id);
    return show_job(call, job.id, err);
}

/* The password of an import is forgotten with its end, so that one is asked for anew. */
static bool requeue_job(struct api_call *call, struct err *err)
{
    struct job job;
    if (!read_job(call, &job, err))
        return false;
    if (job.kind == JOB_IMPORT)
        return api_refuse(call, err, 409, "Conflict",
                          "An import that ended is not queued again: ask for it anew.");
    if (!store_job_requeue(call->store, job.id, clock_now_s(), err)) {
        if (err->kind == ERR_CONFLICT)
            return api_refuse(call, err, 409, "Conflict", "The same work is queued already.");
        return err->kind == ERR_NOT_FOUND
                   ? refuse_state(call, &job, "dead, failed or cancelled", err)
                   : false;
    }
    if (call->api->guard)
        guard_wake(call->api->guard);
    return show_job(call, job.id, err);
}

#define OWN "/plimsoll/v1/"
#define ACTION(what) .action = "Microsoft.Security/plimsoll/jobs/" what, .is_list = true
static const struct http_route routes[] = {
    {"GET", OWN "jobs", NULL,
     API_OP(.run = list_jobs, ACTION("read"), .summary = "the queue, newest first")},
    {"GET", OWN "jobs/{id}", NULL, API_OP(.run = get_job, ACTION("read"), .summary = "one job")},
    {"POST", OWN "jobs/{id}/cancel", NULL,
     API_OP(.run = cancel_job, ACTION("cancel/action"),
            .summary = "cancel a job that is queued or running")},
    {"POST", OWN "jobs/{id}/requeue", NULL,
     API_OP(.run = requeue_job, ACTION("requeue/action"),
            .summary = "queue a dead, failed or cancelled job again")},
};
API_RESOURCE(jobs, routes);
