/* SPDX-License-Identifier: Apache-2.0 */
#include "api/api.h"

#include "api/internal.h"
#include "base/num.h"

#define ROW(name) extern const struct api_resource api_resource_##name;
#include "api/resources.inc"
#undef ROW

static const struct api_resource *const resources[] = {
#define ROW(name) &api_resource_##name,
#include "api/resources.inc"
#undef ROW
};

bool api_open(const struct api_spec *spec, struct api **out, struct err *err)
{
    struct api *api = calloc(1, sizeof(*api));
    if (!api)
        return err_memory(err);
    api->config = spec->config;
    api->guard = spec->guard;
    api->assessment_key = spec->config->assessment_key.len
                              ? spec->config->assessment_key
                              : STR("dbd0cb49-b563-45e7-9724-889e799fa648");
    if (!store_pool_open(spec->store_path, STORE_DURABLE, &api->pool, err)) {
        free(api);
        return false;
    }
    *out = api;
    return true;
}

void api_close(struct api *api)
{
    if (!api)
        return;
    store_pool_close(api->pool);
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
        *out =
            (struct api_row){route->method, route->pattern, op->summary, op->is_public, op->is_arm};
        return true;
    }
    return false;
}

/* --- who asks
 * ------------------------------------------------------------------------------------- */

static bool authenticate(struct api_call *call, struct err *err)
{
    str header = http_request_header(call->req, STR("Authorization")), scheme, token;
    str_cut_byte(header, ' ', &scheme, &token);
    token = str_trim(token);
    if (!str_eq_nocase(scheme, STR("Bearer")) || token.len == 0)
        return api_refuse(call, err, 401, "AuthenticationFailed",
                          "Authentication failed. The 'Authorization' header is missing or is no "
                          "bearer token.");
    if (store_token_check(call->store, call->arena, token, &call->principal, err))
        return true;
    return err->kind == ERR_DENIED ? api_refuse(call, err, 401, "InvalidAuthenticationToken",
                                                "The access token is not known to this server.")
                                   : false;
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

static bool serve(struct api_call *call, struct err *err)
{
    const struct api_op *op = NULL;
    enum http_route_fit fit = find(call->req, &op);
    if (!store_pool_take(call->api->pool, &call->store, err))
        return false;
    /* The token comes before everything, so that strangers cannot ask what there is. */
    if (op && op->is_public)
        return op->run(call, err);
    if (!authenticate(call, err))
        return false;
    if (!op)
        return refuse_route(call, fit, err);
    return (!op->is_arm || check_version(call, err)) && check_type(call, err) && op->run(call, err);
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
    if (call.store)
        store_pool_give(call.api->pool, call.store);
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
