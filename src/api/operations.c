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
    jw_kint(jw, "newestGeneration", (int64_t)status.newest);
    jw_kbool(jw, "leader", status.is_leader);
    jw_kint(jw, "notificationsAccepted", (int64_t)status.notifications_accepted);
    jw_kint(jw, "notificationsRefused", (int64_t)status.notifications_refused);
    jw_kint(jw, "recentlyPulled", (int64_t)pulled.n_images);
    api_write_time(jw, "nextReassessment", pulled.next_at);
    jw_obj_end(jw);
    return api_done(call, 200, err);
}

/* --- scan by hand
 * --------------------------------------------------------------------------------- */

/* Nothing, or {}: the whole registry. */
static bool read_scan(struct api_call *call, str *repository, str *reference, bool *is_whole,
                      struct err *err)
{
    json_t *body = NULL;
    *is_whole = str_trim(call->req->body).len == 0;
    if (*is_whole)
        return true;
    if (!json_read(call->req->body, &body, err))
        return api_refuse(call, err, 400, "InvalidRequestContent", "The body is no JSON object: %s",
                          err->msg);
    *is_whole = json_is_object(body) && json_object_size(body) == 0;
    *repository = arena_dup(call->arena, json_str(body, "repository"));
    *reference = arena_dup(call->arena, json_str(body, "reference"));
    json_decref(body);
    if (!repository->ptr || !reference->ptr)
        return err_memory(err);
    return *is_whole || (repository->len > 0 && reference->len > 0) ||
           api_refuse(call, err, 400, "InvalidRequestContent",
                      "The body needs \"repository\" and \"reference\" (a tag or a digest), or "
                      "nothing at all for the whole registry.");
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
    struct registry_config config;
    if (!call->api->guard)
        return err_set(err, ERR_UNAVAILABLE, "nothing is guarded here");
    if (!guard_reach(call->api->guard, call->store, call->arena, registry, &config, err))
        return false;
    config.timeout_s = REGISTRY_TIMEOUT_S;
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

static bool check_plan(struct api_call *call, const struct store_registry *registry,
                       struct err *err)
{
    bool is_off = false;
    if (!store_plan_is_off(call->store, registry->id, &is_off, err))
        return false;
    return !is_off ||
           api_refuse(call, err, 409, "Conflict",
                      "The plan of the subscription '" STR_FMT "' is Free: nothing is scanned.",
                      STR_ARG(registry->subscription));
}

static bool queue_all(struct api_call *call, const struct store_registry *registry, struct err *err)
{
    size_t n = 0;
    const struct queue_spec spec = {.registry_id = registry->id, .priority = PRIORITY_MANUAL};
    if (!store_registry_queue(call->store, &spec, clock_now_s(), &n, err))
        return false;
    if (call->api->guard)
        guard_wake(call->api->guard);
    jw_obj(&call->jw);
    jw_kstr(&call->jw, "registry", registry->name);
    jw_kint(&call->jw, "jobs", (int64_t)n);
    jw_obj_end(&call->jw);
    return api_done(call, 202, err);
}

static bool queue_scan(struct api_call *call, struct err *err)
{
    struct store_registry registry = {0};
    str repository, reference, digest_text;
    bool is_new = false, is_whole = false;
    if (!read_scan(call, &repository, &reference, &is_whole, err) ||
        !store_registry_get(call->store, call->arena, call->req->params[0], &registry, err) ||
        !check_plan(call, &registry, err))
        return false;
    if (is_whole)
        return queue_all(call, &registry, err);
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
     API_OP(.run = get_health, .summary = "200 while the store answers", .is_public = true,
            .is_probe = true)},
    {"GET", "/readyz", NULL,
     API_OP(.run = get_ready,
            .summary = "200 while scans run; 503 without an advisory database, or while it stops",
            .is_public = true, .is_probe = true)},
    {"GET", OWN "status", NULL,
     API_OP(.run = get_status, ACTION("status/read"), .summary = "version, generation, counters",
            .is_list = true)},
    {"POST", OWN "registries/{registry}/scan", NULL,
     API_OP(.run = queue_scan, ACTION("scan/action"), .where = WHERE_REGISTRY,
            .summary = "queue a scan by hand: of one image, or of the whole registry")},
};
API_RESOURCE(operations, routes);
