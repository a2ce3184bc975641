/* SPDX-License-Identifier: Apache-2.0 */
/* imports.c - importImage as a long-running operation (arm-api 1.7, 7.2): its state is that of a
 * job in the store, so it outlives the server that began it. */
#include "api/internal.h"

#include "base/num.h"

#define NAME_PREFIX STR("registries-")
#define LOCATION STR("global")

/* --- where to ask
 * ----------------------------------------------------------------------------------------- */

static str version_of(const struct api_call *call)
{
    return http_request_query(call->req, STR("api-version"));
}

static str operation_url(struct api_call *call, str subscription, const char *kind, str operation)
{
    str version = http_url_escape(call->arena, version_of(call));
    return arena_printf(call->arena,
                        STR_FMT "/subscriptions/" STR_FMT
                                "/providers/Microsoft.ContainerRegistry/locations/" STR_FMT
                                "/%s/" STR_FMT STR_FMT "?api-version=" STR_FMT,
                        STR_ARG(api_origin(call)), STR_ARG(subscription), STR_ARG(LOCATION), kind,
                        STR_ARG(NAME_PREFIX), STR_ARG(operation), STR_ARG(version));
}

static bool add_header(struct api_call *call, const char *name, str value, struct err *err)
{
    return (value.ptr && http_respond_header(call->req, call->res, str_from(name), value)) ||
           err_memory(err);
}

/* 202: ask again in a second.  Location alone, as the cloud's: with Azure-AsyncOperation beside it
 * the SDKs throw an error that has neither status nor code. */
static bool answer_running(struct api_call *call, str subscription, str operation, struct err *err)
{
    str result = operation_url(call, subscription, "operationResults", operation);
    if (!add_header(call, "Location", result, err) ||
        !add_header(call, "Retry-After", STR("1"), err))
        return false;
    jw_null(&call->jw);
    return api_done(call, 202, err);
}

/* --- asking for one
 * ----------------------------------------------------------------------------------------- */

static bool refuse_body(struct api_call *call, struct err *err)
{
    char text[sizeof(err->msg)];
    if (err->kind != ERR_USAGE)
        return false;
    memcpy(text, err->msg, sizeof(text));
    return api_refuse(call, err, 400, "InvalidParameters", "%s", text);
}

/* The id is the whole of it: a registry of that name elsewhere is another one. */
static bool check_source(struct api_call *call, const struct import_request *request,
                         struct err *err)
{
    struct store_registry from;
    struct err why = {0};
    if (request->has_credentials && !request->password.len)
        return api_refuse(call, err, 400, "InvalidParameters",
                          "source.credentials.password: is required.");
    if (!request->from_registry.len)
        return true;
    str asked = api_lower(call->arena, request->from_id);
    if (!asked.ptr)
        return err_memory(err);
    if (!api_may(call, STR("Microsoft.ContainerRegistry/registries/pull/read"), asked))
        return api_refuse(call, err, 403, "LinkedAuthorizationFailed",
                          "The client '" STR_FMT "' has no permission to pull from '" STR_FMT "'.",
                          STR_ARG(call->caller.object_id), STR_ARG(request->from_id));
    bool is_found =
        store_registry_get(call->store, call->arena, request->from_registry, &from, &why);
    if (!is_found && why.kind != ERR_NOT_FOUND) {
        *err = why;
        return false;
    }
    str id = is_found ? store_registry_arm_id(call->arena, &from) : STR("");
    if (!id.ptr)
        return err_memory(err);
    return str_eq_nocase(id, request->from_id) ||
           api_refuse(call, err, 400, "InvalidParameters",
                      "source.resourceId: the registry '" STR_FMT "' is not guarded here.",
                      STR_ARG(request->from_registry));
}

static bool import_image(struct api_call *call, struct err *err)
{
    struct store_registry registry;
    struct import_request request;
    str operation = api_uuid(call->arena);
    if (!call->api->guard)
        return err_set(err, ERR_UNAVAILABLE, "nothing is guarded here");
    if (!operation.ptr)
        return err_memory(err);
    if (!api_registry_of_path(call, &registry, err))
        return false;
    if (!import_read(call->arena, call->req->body, &request, err))
        return refuse_body(call, err);
    return check_source(call, &request, err) &&
           guard_import(call->api->guard, call->store, call->arena, &registry, call->req->body,
                        operation, err) &&
           answer_running(call, registry.subscription, operation, err);
}

/* --- and after it
 * ----------------------------------------------------------------------------------------- */

static bool refuse_unknown(struct api_call *call, struct err *err)
{
    return api_refuse(call, err, 404, "NotFound", "The operation '" STR_FMT "' was not found.",
                      STR_ARG(call->req->params[2]));
}

#define IMPORT_ACTION "Microsoft.ContainerRegistry/registries/importImage/action"

/* Who may import there may ask what became of it. */
static bool may_see(struct api_call *call, const struct store_import *import)
{
    const struct store_registry registry = {.subscription = import->subscription,
                                            .resource_group = import->resource_group,
                                            .name = import->registry};
    str id = store_registry_arm_id(call->arena, &registry);
    str scope = id.ptr ? api_lower(call->arena, id) : id;
    return scope.ptr && api_may(call, STR(IMPORT_ACTION), scope);
}

static bool find(struct api_call *call, struct store_import *out, struct err *err)
{
    str subscription, name = call->req->params[2];
    if (!api_subscription_id(call, &subscription, err))
        return false;
    if (!str_starts(name, NAME_PREFIX))
        return refuse_unknown(call, err);
    str operation = api_lower(call->arena, str_skip(name, NAME_PREFIX.len));
    if (!operation.ptr)
        return err_memory(err);
    if (!store_import_get(call->store, call->arena, operation, out, err))
        return err->kind == ERR_NOT_FOUND ? refuse_unknown(call, err) : false;
    return (str_eq_nocase(subscription, out->subscription) && may_see(call, out)) ||
           refuse_unknown(call, err);
}

static bool is_running(const struct job *job)
{
    return job->state == JOB_QUEUED || job->state == JOB_LEASED;
}

struct failure {
    const char *code;
    int status;
};

/* Never 5xx: clients try those again, and it would say the same. */
static struct failure failure_of(const struct store_import *import)
{
    static const struct failure rows[] = {{"Conflict", 409},
                                          {"LinkedAuthorizationFailed", 403},
                                          {"ResourceNotFound", 404},
                                          {"ServiceUnavailable", 400},
                                          {"InvalidParameters", 400}};
    if (import->job.state == JOB_CANCELLED)
        return (struct failure){"Canceled", 409};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (str_eq(import->code, str_from(rows[i].code)))
            return rows[i];
    return (struct failure){"BadRequest", 400};
}

static bool get_result(struct api_call *call, struct err *err)
{
    struct store_import import;
    if (!find(call, &import, err))
        return false;
    if (is_running(&import.job))
        return answer_running(call, import.subscription, import.operation, err);
    if (import.job.state == JOB_DONE) {
        jw_null(&call->jw);
        return api_done(call, 200, err);
    }
    struct failure failure = failure_of(&import);
    return api_refuse(call, err, failure.status, failure.code, STR_FMT, STR_ARG(import.job.error));
}

static const char *status_word(const struct job *job)
{
    if (is_running(job))
        return "InProgress";
    return job->state == JOB_DONE        ? "Succeeded"
           : job->state == JOB_CANCELLED ? "Canceled"
                                         : "Failed";
}

static bool get_status(struct api_call *call, struct err *err)
{
    struct store_import import;
    struct jw *jw = &call->jw;
    if (!find(call, &import, err))
        return false;
    if (is_running(&import.job) && !add_header(call, "Retry-After", STR("1"), err))
        return false;
    jw_obj(jw);
    jw_kstr(jw, "id", call->req->path);
    jw_kstr(jw, "name", call->req->params[2]);
    jw_kstr(jw, "status", str_from(status_word(&import.job)));
    api_write_time(jw, "startTime", import.job.created_at);
    api_write_time(jw, "endTime", import.job.finished_at);
    if (!is_running(&import.job) && import.job.state != JOB_DONE) {
        jw_key(jw, "error");
        jw_obj(jw);
        jw_kstr(jw, "code", str_from(failure_of(&import).code));
        jw_kstr(jw, "message", import.job.error);
        jw_obj_end(jw);
    }
    jw_obj_end(jw);
    return api_done(call, 200, err);
}

#define PROVIDER "/providers/Microsoft.ContainerRegistry/"
#define OPERATIONS "/subscriptions/{subscription}" PROVIDER "locations/{location}/"
static const struct http_route routes[] = {
    {"POST",
     "/subscriptions/{subscription}/resourceGroups/{group}" PROVIDER
     "registries/{registry}/importImage",
     NULL,
     API_OP(.run = import_image, .action = IMPORT_ACTION, .where = WHERE_PATH,
            .summary = "copy an image into the registry; long-running", .is_arm = true)},
    {"GET", OPERATIONS "operationResults/{operation}", NULL,
     API_OP(.run = get_result, .summary = "202 while an import runs, then 200 or its error",
            .is_arm = true)},
    {"GET", OPERATIONS "operationStatuses/{operation}", NULL,
     API_OP(.run = get_status, .summary = "the state of an import", .is_arm = true)},
};
API_RESOURCE(imports, routes);
