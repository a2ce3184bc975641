/* SPDX-License-Identifier: Apache-2.0 */
/* operations.c - what an operator asks: is it alive, what is queued, what became of each image. */
#include "api/internal.h"

#include "base/clock.h"
#include "base/num.h"
#include "registry/registry.h"

enum { REGISTRY_TIMEOUT_S = 20 };

/* --- is it alive
 * ---------------------------------------------------------------------------------- */

static bool get_health(struct api_call *call, struct err *err)
{
    str value;
    if (!store_meta_get(call->store, call->arena, STR("health"), &value, err))
        return err_set(err, ERR_UNAVAILABLE, "the store does not answer");
    jw_obj(&call->jw);
    jw_kstr(&call->jw, "status", STR("ok"));
    jw_obj_end(&call->jw);
    return api_done(call, 200, err);
}

/* Not ready: results do not come, so a balancer may keep its traffic elsewhere. */
static bool get_ready(struct api_call *call, struct err *err)
{
    struct guard_status status = {0};
    str value;
    if (!store_meta_get(call->store, call->arena, STR("health"), &value, err))
        return err_set(err, ERR_UNAVAILABLE, "the store does not answer");
    if (call->api->guard)
        guard_status_get(call->api->guard, &status);
    if (!status.is_scanning)
        return err_set(err, ERR_UNAVAILABLE,
                       status.generation ? "it is stopping"
                                         : "there is no advisory database yet, so nothing can be "
                                           "judged");
    jw_obj(&call->jw);
    jw_kstr(&call->jw, "status", STR("ready"));
    jw_obj_end(&call->jw);
    return api_done(call, 200, err);
}

static bool get_status(struct api_call *call, struct err *err)
{
    struct guard_status status = {0};
    struct pulled_status pulled;
    struct jw *jw = &call->jw;
    if (!store_pulled_status(call->store, &pulled, err))
        return false;
    if (call->api->guard)
        guard_status_get(call->api->guard, &status);
    jw_obj(jw);
    jw_kstr(jw, "version", str_from(report_engine_version()));
    jw_kbool(jw, "scanning", status.is_scanning);
    jw_kint(jw, "generation", (int64_t)status.generation);
    jw_kint(jw, "notificationsAccepted", (int64_t)status.notifications_accepted);
    jw_kint(jw, "notificationsRefused", (int64_t)status.notifications_refused);
    jw_kint(jw, "recentlyPulled", (int64_t)pulled.n_images);
    api_write_time(jw, "nextReassessment", pulled.next_at);
    jw_obj_end(jw);
    return api_done(call, 200, err);
}

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
    jw_kstr_if(jw, "digest", job->digest);
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

/* --- scan by hand
 * --------------------------------------------------------------------------------- */

static bool read_scan(struct api_call *call, str *repository, str *reference, struct err *err)
{
    json_t *body = NULL;
    if (!json_read(call->req->body, &body, err))
        return api_refuse(call, err, 400, "InvalidRequestContent", "The body is no JSON object: %s",
                          err->msg);
    *repository = arena_dup(call->arena, json_str(body, "repository"));
    *reference = arena_dup(call->arena, json_str(body, "reference"));
    json_decref(body);
    if (!repository->ptr || !reference->ptr)
        return err_memory(err);
    return (repository->len > 0 && reference->len > 0) ||
           api_refuse(call, err, 400, "InvalidRequestContent",
                      "The body needs \"repository\" and \"reference\" (a tag or a digest).");
}

static const struct config_registry *find_config(const struct config *config, str name)
{
    for (size_t i = 0; i < config->registries.len; i++)
        if (str_eq_nocase(config->registries.ptr[i].name, name))
            return &config->registries.ptr[i];
    return NULL;
}

/* What the registry itself says that the reference names now, so that a job has a digest. */
static bool resolve(struct api_call *call, const struct store_registry *registry, str repository,
                    str reference, str *digest_text, struct err *err)
{
    bool is_digest = str_find_byte(reference, ':') < reference.len;
    str text = arena_printf(call->arena, "docker://" STR_FMT "/" STR_FMT "%s" STR_FMT,
                            STR_ARG(registry->host), STR_ARG(repository), is_digest ? "@" : ":",
                            STR_ARG(reference));
    struct reference ref;
    if (!text.ptr)
        return err_memory(err);
    if (!reference_parse(call->arena, text, &ref, err))
        return api_refuse(call, err, 400, "InvalidParameter",
                          "'" STR_FMT "' and '" STR_FMT "' name no image.", STR_ARG(repository),
                          STR_ARG(reference));
    const struct config_registry *own = find_config(call->api->config, registry->name);
    struct registry_config config = {.host = registry->host,
                                     .is_plain_http = registry->is_plain_http,
                                     .username = own ? own->username : STR_NONE,
                                     .password = own ? own->password : STR_NONE,
                                     .ca_file = own ? own->ca_file : STR_NONE,
                                     .timeout_s = REGISTRY_TIMEOUT_S};
    const digest *want = digest_is_none(&ref.digest) ? NULL : &ref.digest;
    struct image_source *source = NULL;
    str bytes;
    digest got = {0};
    if (!registry_open(&ref, &config, &source, err))
        return false;
    bool is_ok = source->ops->manifest(source, call->arena, ref.tag, want, &bytes, &got, err);
    image_source_close(source);
    if (!is_ok)
        return false;
    char printed[DIGEST_TEXT_SIZE];
    *digest_text = arena_dup(call->arena, digest_print(&got, printed));
    return digest_text->ptr || err_memory(err);
}

/* Our caller's token is good; it is the registry that does not let us in. */
static bool refuse_resolve(struct api_call *call, struct err *err)
{
    if (err->kind == ERR_DENIED)
        return api_refuse(call, err, 403, "LinkedAuthorizationFailed", "%s", err->msg);
    return false;
}

static bool queue_scan(struct api_call *call, struct err *err)
{
    struct store_registry registry = {0};
    str repository, reference, digest_text;
    bool is_new = false;
    if (!read_scan(call, &repository, &reference, err) ||
        !store_registry_get(call->store, call->arena, call->req->params[0], &registry, err))
        return false;
    if (!resolve(call, &registry, repository, reference, &digest_text, err))
        return refuse_resolve(call, err);
    int64_t now = clock_now_s();
    bool has_tag = !str_eq(reference, digest_text);
    struct job_spec spec = {.kind = JOB_SCAN,
                            .registry_id = registry.id,
                            .repository = repository,
                            .digest = digest_text,
                            .tag = has_tag ? reference : STR_NONE,
                            .priority = PRIORITY_MANUAL,
                            .not_before = now};
    if (!store_job_add(call->store, &spec, now, &is_new, err))
        return false;
    if (call->api->guard)
        guard_wake(call->api->guard);
    jw_obj(&call->jw);
    jw_kstr(&call->jw, "registry", registry.name);
    jw_kstr(&call->jw, "repository", repository);
    jw_kstr(&call->jw, "digest", digest_text);
    jw_kbool(&call->jw, "new", is_new);
    jw_obj_end(&call->jw);
    return api_done(call, 202, err);
}

#define OWN "/plimsoll/v1/"
/* Below Microsoft.Security, so that Azure's security roles cover them. */
#define ACTION(of) .action = "Microsoft.Security/plimsoll/" of
static const struct http_route routes[] = {
    {"GET", "/healthz", NULL,
     API_OP(.run = get_health, .summary = "200 while the store answers", .is_public = true)},
    {"GET", "/readyz", NULL,
     API_OP(.run = get_ready,
            .summary = "200 while scans run; 503 without an advisory database, or while it stops",
            .is_public = true)},
    {"GET", OWN "status", NULL,
     API_OP(.run = get_status, ACTION("status/read"), .summary = "version, generation, counters",
            .is_list = true)},
    {"GET", OWN "jobs", NULL,
     API_OP(.run = list_jobs, ACTION("jobs/read"), .summary = "the queue, newest first",
            .is_list = true)},
    {"POST", OWN "registries/{registry}/scan", NULL,
     API_OP(.run = queue_scan, ACTION("scan/action"), .where = WHERE_REGISTRY,
            .summary = "queue a scan by hand")},
};
API_RESOURCE(operations, routes);
