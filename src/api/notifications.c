/* SPDX-License-Identifier: Apache-2.0 */
/* notifications.c - what a registry posts when something is pushed, pulled or deleted. */
#include "api/internal.h"

#include "base/num.h"

/* The configured header of the sender: with the word Bearer or without, or the password of Basic.
 */
static str presented_secret(const struct http_request *req)
{
    str header = str_trim(http_request_header(req, STR("Authorization"))), scheme, secret, name;
    if (str_cut_byte(header, ' ', &scheme, &secret) && str_eq_nocase(scheme, STR("Bearer")))
        return str_trim(secret);
    if (str_eq_nocase(scheme, STR("Basic")) &&
        base64_decode(req->arena, str_trim(secret), &secret) &&
        str_cut_byte(secret, ':', &name, &secret))
        return secret;
    return header;
}

static void write_counts(struct jw *jw, const struct notify_result *result)
{
    jw_obj(jw);
    jw_kint(jw, "events", result->n_events);
    jw_kint(jw, "ignored", result->n_ignored);
    jw_kint(jw, "new", result->stored.n_new);
    jw_kint(jw, "known", result->stored.n_known);
    jw_kint(jw, "jobs", result->stored.n_jobs);
    jw_obj_end(jw);
}

/* 202 means kept: the sender forgets, so we must not. */
static void answer(void *ctx, const struct notify_result *result, const struct err *why)
{
    struct api_call *call = ctx;
    struct err err = {0};
    if (why) {
        api_answer(call, false, why);
        return;
    }
    write_counts(&call->jw, result);
    bool ok = api_done(call, 202, &err);
    api_answer(call, ok, &err);
}

static bool take_notification(struct api_call *call, struct err *err)
{
    const struct http_request *req = call->req;
    if (!call->api->guard)
        return err_set(err, ERR_UNAVAILABLE, "nothing is guarded here");
    struct api_call *later = api_later(call);
    struct notification in = {.registry = req->params[0],
                              .secret = presented_secret(req),
                              .message = {.body = req->body,
                                          .type = http_request_header(req, STR("Ce-Type")),
                                          .id = http_request_header(req, STR("Ce-Id")),
                                          .time = http_request_header(req, STR("Ce-Time"))}};
    if (!later)
        return err_memory(err);
    guard_notify_later(call->api->guard, call->arena, &in, answer, later);
    return true;
}

static const struct http_route routes[] = {
    {"POST", "/notifications/{registry}", NULL,
     API_OP(.run = take_notification,
            .summary = "a registry's notification; its shared secret as bearer token",

            .is_public = true, .is_later = true)},
};
API_RESOURCE(notifications, routes);
