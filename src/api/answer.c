/* SPDX-License-Identifier: Apache-2.0 */
/* answer.c - headers and error bodies as Azure Resource Manager sends them. */
#include "api/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/num.h"

enum { RETRY_AFTER_S = 5, CLIENT_ID_MAX = 128 };

str api_uuid(struct arena *arena)
{
    uint8_t b[16];
    if (getrandom(b, sizeof(b), 0) != (ssize_t)sizeof(b))
        return STR_NONE;
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    return arena_printf(
        arena, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
        b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

str api_origin(const struct api_call *call)
{
    str url = call->api->config->public_url;
    while (str_ends(url, STR("/")))
        url.len--;
    return url.len ? url : call->req->scheme_host;
}

bool api_headers(struct api_call *call)
{
    static const struct http_header fixed[] = {
        {STR("Content-Type"), STR("application/json; charset=utf-8")},
        {STR("Cache-Control"), STR("no-cache")},
        {STR("Pragma"), STR("no-cache")},
        {STR("Expires"), STR("-1")},
        {STR("Strict-Transport-Security"), STR("max-age=31536000; includeSubDomains")},
        {STR("X-Content-Type-Options"), STR("nosniff")},
    };
    struct http_request *req = call->req;
    for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
        if (!http_respond_header(req, call->res, fixed[i].name, fixed[i].value))
            return false;
    str id = api_uuid(call->arena);
    str client = http_request_header(req, STR("x-ms-client-request-id"));
    str correlation = http_request_header(req, STR("x-ms-correlation-request-id"));
    if (correlation.len == 0 || correlation.len > CLIENT_ID_MAX)
        correlation = api_uuid(call->arena);
    if (!id.ptr || !correlation.ptr ||
        !http_respond_header(req, call->res, STR("x-ms-request-id"), id) ||
        !http_respond_header(req, call->res, STR("x-ms-correlation-request-id"), correlation))
        return false;
    return client.len == 0 || client.len > CLIENT_ID_MAX ||
           http_respond_header(req, call->res, STR("x-ms-client-request-id"), client);
}

bool api_done(struct api_call *call, int status, struct err *err)
{
    call->res->status = status;
    return sb_ok(&call->res->body, err);
}

bool api_body(struct api_call *call, json_t **out, struct err *err)
{
    if (!call->req->body.len)
        return (*out = json_object()) ? true : err_memory(err);
    if (!json_read(call->req->body, out, err))
        return api_refuse(call, err, 400, "InvalidRequestContent",
                          "The request content was invalid: %s", err->msg);
    if (json_is_object(*out))
        return true;
    json_decref(*out);
    *out = NULL;
    return api_refuse(call, err, 400, "InvalidRequestContent",
                      "The request content is no JSON object.");
}

void api_header_set(struct api_call *call, str name, str value)
{
    http_headers *headers = &call->res->headers;
    for (size_t i = 0; i < headers->len; i++)
        if (str_eq(headers->ptr[i].name, name))
            headers->ptr[i].value = value;
}

bool api_done_as(struct api_call *call, int status, const char *content_type, struct err *err)
{
    api_header_set(call, STR("Content-Type"), str_from(content_type));
    return api_done(call, status, err);
}

bool api_refuse(struct api_call *call, struct err *err, int status, const char *code,
                const char *fmt, ...)
{
    char text[sizeof(err->msg)];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    call->refusal_status = status;
    call->refusal_code = code;
    return err_set(err, ERR_USAGE, "%s", text);
}

/* Codes for errors that come from below. */
static const char *code_of(enum err_kind kind)
{
    static const char *const codes[] = {
        [ERR_USAGE] = "BadRequest",
        [ERR_FORMAT] = "InvalidRequestContent",
        [ERR_UNSUPPORTED] = "BadRequest",
        [ERR_LIMIT] = "RequestEntityTooLarge",
        [ERR_NOT_FOUND] = "ResourceNotFound",
        [ERR_DENIED] = "InvalidAuthenticationToken",
        [ERR_CONFLICT] = "Conflict",
        [ERR_UNAVAILABLE] = "ServiceUnavailable",
        [ERR_CANCELLED] = "ServiceUnavailable",
    };
    const char *code = (size_t)kind < ARRAY_LEN(codes) ? codes[kind] : NULL;
    return code ? code : "InternalServerError";
}

static void write_body(struct sb *body, const char *code, str message)
{
    struct jw jw;
    sb_clear(body);
    jw_init(&jw, body, false);
    jw_obj(&jw);
    jw_key(&jw, "error");
    jw_obj(&jw);
    jw_kstr(&jw, "code", str_from(code));
    jw_kstr(&jw, "message", message);
    jw_obj_end(&jw);
    jw_obj_end(&jw);
}

/* RFC 6749, 5.2, with what Azure's clients read besides: the number behind AADSTS. */
static void write_oauth_body(struct api_call *call, const char *code, str message)
{
    struct jw *jw = &call->jw;
    uint64_t number = 0;
    str head, rest;
    str_cut_byte(message, ':', &head, &rest);
    if (str_starts(head, STR("AADSTS")) && !str_to_u64(str_skip(head, 6), UINT32_MAX, &number))
        number = 0;
    sb_clear(&call->res->body);
    jw_init(jw, &call->res->body, false);
    jw_obj(jw);
    jw_kstr(jw, "error", str_from(code));
    jw_kstr(jw, "error_description", message);
    jw_key(jw, "error_codes");
    jw_arr(jw);
    if (number)
        jw_int(jw, (int64_t)number);
    jw_arr_end(jw);
    api_write_time(jw, "timestamp", clock_now_s());
    jw_kstr(jw, "trace_id", api_uuid(call->arena));
    jw_kstr(jw, "correlation_id", api_uuid(call->arena));
    jw_obj_end(jw);
}

/* Clients read code and message, and some discover their tenant from authorization_uri. */
static bool add_challenge(struct api_call *call, const char *code)
{
    bool is_missing = str_eq(str_from(code), STR("AuthenticationFailed"));
    str value = arena_printf(call->arena,
                             "Bearer authorization_uri=\"" STR_FMT "/" STR_FMT
                             "\", error=\"invalid_token\", error_description=\"%s\"",
                             STR_ARG(api_origin(call)), STR_ARG(call->api->tenant),
                             is_missing ? "The token is missing." : "The token is not known.");
    return value.ptr && http_respond_header(call->req, call->res, STR("WWW-Authenticate"), value);
}

void api_write_error(struct api_call *call, const struct err *err)
{
    int status = call->refusal_status ? call->refusal_status : err_row(err->kind)->http_status;
    const char *code = call->refusal_code ? call->refusal_code : code_of(err->kind);
    str message = str_from(err->msg);
    bool is_ok = true;
    if (status >= 500)
        log_event(LOG_ERROR, "request failed", LOG_NUM("request", call->req->id),
                  LOG_STR("path", call->req->path), LOG_NUM("status", status), LOG_ERR(err));
    if (status == 500) /* what broke inside is for the log */
        message = STR("The server has a fault; its log says which.");
    if (status == 401 && !call->is_oauth)
        is_ok = add_challenge(call, code);
    if (status == 503)
        is_ok = http_respond_header(call->req, call->res, STR("Retry-After"), STR("5"));
    if (call->is_oauth)
        write_oauth_body(call, code, message);
    else
        write_body(&call->res->body, code, message);
    call->res->status = is_ok ? status : 500;
}

const char *api_refusal(unsigned status, struct sb *body)
{
    static const struct {
        unsigned status;
        const char *code, *message;
    } rows[] = {
        {400, "BadRequest", "The request target is not well formed."},
        {413, "RequestEntityTooLarge", "The body is larger than this route takes."},
        {431, "RequestHeaderFieldsTooLarge", "The headers are larger than this server takes."},
        {503, "ServiceUnavailable", "The server is stopping."},
    };
    size_t i = 0;
    while (i < ARRAY_LEN(rows) && rows[i].status != status)
        i++;
    write_body(body, i < ARRAY_LEN(rows) ? rows[i].code : "InternalServerError",
               str_from(i < ARRAY_LEN(rows) ? rows[i].message
                                            : "The server has a fault; its log says which."));
    return "application/json; charset=utf-8";
}
