/* SPDX-License-Identifier: Apache-2.0 */
#include "api/api.h"

#include "api/internal.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/num.h"

#define ROW(name) extern const struct api_resource api_resource_##name;
#include "api/resources.inc"
#undef ROW

static const struct api_resource *const resources[] = {
#define ROW(name) &api_resource_##name,
#include "api/resources.inc"
#undef ROW
};

/* Made once; all servers of a store speak for the same tenant. */
static bool load_tenant(struct api *api, struct err *err)
{
    struct store *store;
    struct arena arena;
    str tenant = STR("");
    if (!store_pool_take(api->pool, &store, err))
        return false;
    arena_init(&arena, 64 * KIB);
    bool ok = store_tenant(store, &arena, &tenant, err);
    if (ok) {
        snprintf(api->tenant_text, sizeof(api->tenant_text), STR_FMT, STR_ARG(tenant));
        api->tenant = str_from(api->tenant_text);
    }
    arena_fini(&arena);
    store_pool_give(api->pool, store);
    return ok;
}

static bool init_sign_in(struct api *api, const struct api_spec *spec, struct err *err)
{
    api->known = known_open();
    return api->known && token_ring_init(&api->ring, spec->key) && hasher_init(&api->hasher) &&
                   throttle_init(&api->by_address) && throttle_init(&api->by_client)
               ? true
               : err_memory(err);
}

bool api_open(const struct api_spec *spec, struct api **out, struct err *err)
{
    struct api *api = calloc(1, sizeof(*api));
    if (!api)
        return err_memory(err);
    api->config = spec->config;
    api->guard = spec->guard;
    api->is_probe = spec->is_probe;
    api->assessment_key = spec->config->assessment_key.len
                              ? spec->config->assessment_key
                              : STR("dbd0cb49-b563-45e7-9724-889e799fa648");
    if (!init_sign_in(api, spec, err) ||
        !store_pool_open(spec->store_path, STORE_DURABLE, &api->pool, err) ||
        !load_tenant(api, err)) {
        api_close(api);
        return false;
    }
    *out = api;
    return true;
}

void api_close(struct api *api)
{
    if (!api)
        return;
    known_close(api->known);
    store_pool_close(api->pool);
    token_ring_fini(&api->ring);
    hasher_fini(&api->hasher);
    throttle_fini(&api->by_address);
    throttle_fini(&api->by_client);
    free(api);
}

bool api_row_at(size_t index, struct api_row *out)
{
    for (size_t i = 0; i < ARRAY_LEN(resources); i++) {
        if (index >= resources[i]->n_routes) {
            index -= resources[i]->n_routes;
            continue;
        }
        const struct http_route *route = &resources[i]->routes[index];
        const struct api_op *op = route->extra;
        *out = (struct api_row){route->method, route->pattern, op->summary,
                                op->is_public, op->is_arm,     op->action};
        return true;
    }
    return false;
}

/* --- what is asked
 * -------------------------------------------------------------------------------- */

static bool is_digits(str text)
{
    uint64_t number;
    return text.len > 0 && str_to_u64(text, 9999, &number);
}

/* "2021-06-01", "2019-01-01-preview": any date, for every client sends another. */
static bool is_api_version(str text)
{
    str suffix = str_skip(text, 10);
    return text.len >= 10 && is_digits(str_slice(text, 0, 4)) && text.ptr[4] == '-' &&
           is_digits(str_slice(text, 5, 7)) && text.ptr[7] == '-' &&
           is_digits(str_slice(text, 8, 10)) &&
           (suffix.len == 0 || str_eq_nocase(suffix, STR("-preview")) ||
            str_eq_nocase(suffix, STR("-privatepreview")));
}

static bool check_version(struct api_call *call, struct err *err)
{
    str version = http_request_query(call->req, STR("api-version"));
    if (version.len == 0)
        return api_refuse(call, err, 400, "MissingApiVersionParameter",
                          "The api-version query parameter (?api-version=) is required for all "
                          "requests.");
    return is_api_version(version) ||
           api_refuse(call, err, 400, "InvalidApiVersionParameter",
                      "The api-version '" STR_FMT "' is invalid: expected yyyy-MM-dd.",
                      STR_ARG(version));
}

/* A body that a handler will read as JSON says that it is; parameters of the type do not matter. */
static bool check_type(struct api_call *call, struct err *err)
{
    str type = http_request_header(call->req, STR("Content-Type")), parameters;
    str_cut_byte(type, ';', &type, &parameters);
    return call->req->body.len == 0 || str_eq_nocase(str_trim(type), STR("application/json")) ||
           api_refuse(call, err, 415, "UnsupportedMediaType",
                      "The content type '" STR_FMT "' is not supported: expected application/json.",
                      STR_ARG(type));
}

static enum http_route_fit find(struct http_request *req, const struct api_op **op)
{
    enum http_route_fit best = ROUTE_NONE;
    for (size_t i = 0; i < ARRAY_LEN(resources); i++) {
        const struct http_route *route = NULL;
        enum http_route_fit fit =
            http_route_find(resources[i]->routes, resources[i]->n_routes, req, &route);
        if (fit == ROUTE_FOUND) {
            *op = route->extra;
            return fit;
        }
        if (fit == ROUTE_OTHER_METHOD)
            best = fit;
    }
    return best;
}

static bool refuse_route(struct api_call *call, enum http_route_fit fit, struct err *err)
{
    str path = call->req->path;
    if (fit == ROUTE_OTHER_METHOD)
        return api_refuse(call, err, 405, "HttpMethodNotAllowed",
                          "The method " STR_FMT " is not allowed here.",
                          STR_ARG(call->req->method));
    return api_refuse(call, err, 404, "NotFound", "There is nothing at '" STR_FMT "'.",
                      STR_ARG(path));
}

static bool is_reading(const struct http_request *req)
{
    static const str reading[] = {STR("GET"), STR("HEAD"), STR("OPTIONS")};
    for (size_t i = 0; i < ARRAY_LEN(reading); i++)
        if (str_eq(req->method, reading[i]))
            return true;
    return false;
}

/* Single gets; lists; what writes, and so may wait for another writer, and sign-in, which is meant
 * to be slow. */
enum { LANE_GETS, LANE_LISTS, LANE_WRITES };
unsigned api_lane(void *user, struct http_request *req)
{
    (void)user;
    const struct api_op *op = NULL;
    req->fit = find(req, &op);
    req->found = op;
    if (!op || op->is_later)
        return LANE_GETS;
    if (!is_reading(req))
        return LANE_WRITES;
    bool is_wide = op->is_list || str_starts(req->path, STR("/plimsoll/")) ||
                   str_eq(req->path, STR("/metrics"));
    return is_wide ? LANE_LISTS : LANE_GETS;
}

static bool serve(struct api_call *call, struct err *err)
{
    const struct api_op *op = call->req->found;
    enum http_route_fit fit = op ? (enum http_route_fit)call->req->fit : find(call->req, &op);
    if (call->api->is_probe && (!op || !op->is_probe))
        return refuse_route(call, fit, err);
    if (op && op->is_later)
        return op->run(call, err);
    if (!store_pool_take(call->api->pool, &call->store, err))
        return false;
    /* The token comes before everything, so that strangers cannot ask what there is. */
    if (op && (op->is_public || call->api->is_probe))
        return op->run(call, err);
    if (!api_authenticate(call, err))
        return false;
    if (!op)
        return refuse_route(call, fit, err);
    return api_authorise(call, op, err) && (!op->is_arm || check_version(call, err)) &&
           check_type(call, err) && op->run(call, err);
}

/* What may have changed something, and whatever became of it: who, what, when.  A notification is
 * an event, and kept as one. */
static void audit(struct api_call *call)
{
    const struct http_request *req = call->req;
    struct err err = {0};
    if (is_reading(req))
        return;
    if (!call->store || !(call->caller.is_owner || call->caller.object_id.len))
        return;
    const struct store_audit entry = {
        .at = clock_now_s(),
        .principal = call->caller.object_id.len ? call->caller.object_id : call->caller.name,
        .method = req->method,
        .path = req->path,
        .request = http_header_get(&call->res->headers, STR("x-ms-request-id")),
        .address = req->remote,
        .status = call->res->status};
    if (!store_audit_add(call->store, &entry, &err))
        log_event(LOG_ERROR, "the audit misses a request", LOG_STR("path", req->path),
                  LOG_ERR(&err));
}

void api_configure(struct api *api, const struct config *config) { api->config = config; }

static struct settings *pin(struct api *api) { return api->guard ? guard_pin(api->guard) : NULL; }

static void unpin(struct api *api, struct settings *settings)
{
    if (settings)
        guard_unpin(api->guard, settings);
}

static void handle(struct http_request *req, struct http_response *res)
{
    struct err err = {0};
    struct api_call call = {.api = req->user, .req = req, .res = res, .arena = req->arena};
    jw_init(&call.jw, &res->body, false);
    if (!api_headers(&call)) {
        res->status = 500;
        return;
    }
    if (!serve(&call, &err))
        api_write_error(&call, &err);
    if (req->later)
        return; /* its arena may be another thread's already */
    audit(&call);
    known_give(&call);
    if (call.store)
        store_pool_give(call.api->pool, call.store);
}

struct api_call *api_later(struct api_call *call)
{
    struct api_call *copy = arena_new(call->arena, struct api_call);
    struct http_response *res = arena_new(call->arena, struct http_response);
    if (!copy || !res)
        return NULL;
    *res = (struct http_response){.headers = call->res->headers};
    *copy = *call;
    copy->res = res;
    sb_init(&res->body, LIMIT(HTTP_ANSWER));
    jw_init(&copy->jw, &res->body, false);
    copy->later = http_respond_later(call->req);
    return copy->later ? copy : NULL;
}

void api_answer(struct api_call *later, bool ok, const struct err *err)
{
    struct settings *settings = pin(later->api);
    if (!ok)
        api_write_error(later, err);
    unpin(later->api, settings);
    http_answer(later->later, later->res);
}

void api_handle(struct http_request *req, struct http_response *res)
{
    struct api *api = req->user;
    struct settings *settings = pin(api);
    handle(req, res);
    unpin(api, settings);
}

uint64_t api_max_body(void *user, str path)
{
    struct api *api = user;
    struct settings *settings = pin(api);
    const struct limits *limits = &api->config->limits;
    bool is_events = str_eq_nocase(str_slice(path, 0, 15), STR("/notifications/"));
    uint64_t max = limits->of[is_events ? LIMIT_ID_EVENTS_BODY : LIMIT_ID_HTTP_BODY];
    unpin(api, settings);
    return max;
}
