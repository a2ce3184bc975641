/* SPDX-License-Identifier: Apache-2.0 */
/* messages.c - what others are told: the channels, the messages over them, and a test. */
#include "api/internal.h"

#include "base/clock.h"
#include "base/num.h"

/* --- channels
 * ------------------------------------------------------------------------------------- */
static void write_texts(struct jw *jw, const char *key, const strs *list)
{
    jw_key(jw, key);
    jw_arr(jw);
    for (size_t i = 0; i < list->len; i++)
        jw_str(jw, list->ptr[i]);
    jw_arr_end(jw);
}

/* Where to, without what may be a secret: tokens stand in paths and queries of webhooks. */
static str host_of(struct arena *arena, str url)
{
    str scheme, host, rest, user;
    if (!http_url_split(url, &scheme, &host, &rest))
        return STR("");
    size_t at = str_rfind_byte(host, '@');
    user = at < host.len ? str_skip(host, at + 1) : host;
    return arena_printf(arena, STR_FMT "://" STR_FMT, STR_ARG(scheme), STR_ARG(user));
}

static void write_channel(struct api_call *call, const struct config_channel *c)
{
    struct jw *jw = &call->jw;
    jw_obj(jw);
    jw_kstr(jw, "name", c->name);
    jw_kstr(jw, "kind", c->kind == CHANNEL_SMTP ? STR("smtp") : STR("webhook"));
    jw_kstr(jw, "host", host_of(call->arena, c->url));
    jw_kbool(jw, "signed", c->secret.len > 0);
    jw_key(jw, "events");
    jw_arr(jw);
    for (unsigned t = 0; t < TOLD_TEST; t++)
        if (c->events >> t & 1)
            jw_str(jw, str_from(told_name((enum told)t)));
    jw_arr_end(jw);
    jw_kstr(jw, "severity",
            c->severity == SEVERITY_UNKNOWN ? STR("any") : str_from(severity_name(c->severity)));
    write_texts(jw, "registries", &c->registries);
    write_texts(jw, "repositories", &c->repositories);
    jw_obj_end(jw);
}

static bool list_channels(struct api_call *call, struct err *err)
{
    const struct config *config = call->api->config;
    jw_obj(&call->jw);
    jw_key(&call->jw, "value");
    jw_arr(&call->jw);
    for (size_t i = 0; i < config->channels.len; i++)
        write_channel(call, &config->channels.ptr[i]);
    jw_arr_end(&call->jw);
    jw_obj_end(&call->jw);
    return api_done(call, 200, err);
}

static bool test_channel(struct api_call *call, struct err *err)
{
    struct delivery_test test;
    struct jw *jw = &call->jw;
    if (!call->api->guard)
        return err_set(err, ERR_UNAVAILABLE, "nothing is guarded here");
    if (!guard_deliver_test(call->api->guard, call->arena, call->req->params[0], &test, err))
        return false;
    jw_obj(jw);
    jw_kbool(jw, "delivered", test.is_delivered);
    jw_kint(jw, "status", test.status);
    jw_kstr(jw, "message", test.message);
    jw_kstr_if(jw, "answer", test.answer);
    jw_kstr_if(jw, "error", test.error);
    jw_obj_end(jw);
    return api_done(call, 200, err);
}

/* --- messages
 * ------------------------------------------------------------------------------------- */
static void write_message(struct jw *jw, const struct outbox_message *m)
{
    jw_obj(jw);
    jw_kint(jw, "id", m->id);
    jw_kstr(jw, "message", m->message);
    jw_kstr(jw, "channel", m->channel);
    jw_kstr(jw, "kind", m->kind);
    jw_kstr(jw, "state", str_from(outbox_state_name(m->state)));
    jw_kstr(jw, "subject", m->subject);
    jw_kstr_if(jw, "registry", m->registry);
    jw_kstr_if(jw, "repository", m->repository);
    jw_kint(jw, "attempts", m->attempts);
    api_write_time(jw, "createdAt", m->created_at);
    if (m->state == OUTBOX_QUEUED)
        api_write_time(jw, "notBefore", m->not_before);
    api_write_time(jw, "endedAt", m->ended_at);
    jw_kstr_if(jw, "error", m->error);
    jw_obj_end(jw);
}

static void write_message_counts(struct jw *jw, const struct outbox_counts *counts)
{
    jw_key(jw, "counts");
    jw_obj(jw);
    jw_kint(jw, "queued", (int64_t)counts->queued);
    jw_kint(jw, "sending", (int64_t)counts->leased);
    jw_kint(jw, "sent", (int64_t)counts->sent);
    jw_kint(jw, "dead", (int64_t)counts->dead);
    jw_obj_end(jw);
}

static bool read_filter(struct api_call *call, struct outbox_filter *out, struct err *err)
{
    str state = http_request_query(call->req, STR("state"));
    *out = (struct outbox_filter){.channel = http_request_query(call->req, STR("channel"))};
    return !state.len || outbox_state_parse(state, &out->state) ||
           api_refuse(call, err, 400, "InvalidParameter", "'" STR_FMT "' is no state of a message.",
                      STR_ARG(state));
}

static bool list_messages(struct api_call *call, struct err *err)
{
    struct outbox_filter filter;
    struct store_page page;
    struct outbox_counts counts = {0};
    outbox_messages found = {0};
    str next = STR_NONE;
    if (!api_page(call, &page, err) || !read_filter(call, &filter, err) ||
        !store_outbox_count(call->store, &counts, err))
        return false;
    if (!store_outbox_list(call->store, call->arena, &filter, &page, &found, &next, err))
        return api_page_error(call, err);
    jw_obj(&call->jw);
    write_message_counts(&call->jw, &counts);
    jw_key(&call->jw, "value");
    jw_arr(&call->jw);
    for (size_t i = 0; i < found.len; i++)
        write_message(&call->jw, &found.ptr[i]);
    jw_arr_end(&call->jw);
    if (!api_next_link(call, next, err))
        return false;
    jw_obj_end(&call->jw);
    return api_done(call, 200, err);
}

static bool read_id(struct api_call *call, int64_t *id, struct err *err)
{
    uint64_t number = 0;
    str text = call->req->params[0];
    if (!str_to_u64(text, INT64_MAX, &number))
        return api_refuse(call, err, 404, "NotFound", "There is no message '" STR_FMT "'.",
                          STR_ARG(text));
    *id = (int64_t)number;
    return true;
}

static bool requeue_message(struct api_call *call, struct err *err)
{
    int64_t id = 0;
    struct outbox_message message;
    if (!read_id(call, &id, err) || !store_outbox_requeue(call->store, id, clock_now_s(), err) ||
        !store_outbox_get(call->store, call->arena, id, &message, err))
        return false;
    if (call->api->guard)
        guard_wake(call->api->guard);
    write_message(&call->jw, &message);
    return api_done(call, 202, err);
}

#define OWN "/plimsoll/v1/notify"
#define ACTION(of) .action = "Microsoft.Security/plimsoll/notify/" of
static const struct http_route routes[] = {
    {"GET", OWN "/channels", NULL,
     API_OP(.run = list_channels, ACTION("read"),
            .summary = "the channels over which others are told")},
    {"POST", OWN "/channels/{channel}/test", NULL,
     API_OP(.run = test_channel, ACTION("test/action"),
            .summary = "send a test message now, and say what the receiver answered")},
    {"GET", OWN "/messages", NULL,
     API_OP(.run = list_messages, ACTION("read"), .summary = "messages to others, newest first")},
    {"POST", OWN "/messages/{id}/requeue", NULL,
     API_OP(.run = requeue_message, ACTION("requeue/action"),
            .summary = "send a dead message once more")},
};
API_RESOURCE(messages, routes);
