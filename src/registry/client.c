/* SPDX-License-Identifier: Apache-2.0 */
/* client.c - one request to a registry and what may come between it and its answer:
 *
 *     scheme      https; on a loopback address plain http when https does not answer
 *     challenge   401 is answered once, and only when the registry itself said it
 *     redirect    followed by hand: Authorization goes to the registry's own scheme, host and port
 * only seat        readers of one host are counted, see hub.c
 *     patience    429 and 503, other troubles of the server and broken connections are tried again
 *                 for a while; Retry-After is minded when it is short */
#include <arpa/inet.h>
#include <sodium.h>
#include <time.h>

#include "base/clock.h"
#include "registry/internal.h"

enum { MAX_REDIRECTS = 8, SLICE_MS = 100, MAX_HEADERS = 3, RETRY_MS = 250, BUSY_MS = 1000 };

bool registry_host_is_loopback(str host)
{
    char text[INET6_ADDRSTRLEN] = {0};
    struct in_addr v4;
    struct in6_addr v6;
    str name = host, rest;
    bool is_v6 = str_starts(host, STR("["));
    if (is_v6)
        str_cut_byte(str_skip(host, 1), ']', &name, &rest);
    else
        str_cut_byte(host, ':', &name, &rest);
    if (str_eq_nocase(name, STR("localhost")))
        return true;
    if (name.len >= sizeof(text))
        return false;
    for (size_t i = 0; i < name.len; i++)
        text[i] = name.ptr[i];
    if (is_v6)
        return inet_pton(AF_INET6, text, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
    return inet_pton(AF_INET, text, &v4) == 1 && (ntohl(v4.s_addr) >> 24) == 127;
}

/* --- patience
 * --------------------------------------------------------------------------------------- */
/* Doubled each time; between half of it and all of it, so that those who were turned away together
 * do not come back together. */
static int64_t spread(int64_t base_ms, unsigned n_tries)
{
    int64_t whole = base_ms << (n_tries < 10 ? n_tries : 10);
    return whole / 2 + randombytes_uniform((uint32_t)(whole / 2) + 1);
}

/* What the server asks for (RFC 9110, 10.2.3), in milliseconds; -1: nothing. */
static int64_t asked_ms(const struct http_answer *answer)
{
    str text = http_header_get(&answer->headers, STR("Retry-After"));
    uint64_t seconds = 0;
    int64_t at = 0, now = clock_now_s();
    if (str_to_u64(text, UINT32_MAX, &seconds))
        return (int64_t)seconds * 1000;
    if (str_is_empty(text) || !clock_parse_rfc5322(text, &at))
        return -1;
    return at > now ? (at - now) * 1000 : 0;
}

static int64_t wait_of(const struct registry *r, const struct http_answer *answer, unsigned n_tries)
{
    bool is_busy = answer->status == 429 || answer->status == 503;
    int64_t ms = is_busy ? asked_ms(answer) : -1;
    if (ms < 0)
        return spread(is_busy ? BUSY_MS : RETRY_MS, n_tries);
    if (ms > 0)
        hub_rest(r->hub, r->api_host, ms);
    return ms;
}

static bool pause_ms(const struct cancel *cancel, int64_t ms)
{
    struct err err = {0};
    for (int64_t until = clock_mono_ms() + ms; clock_mono_ms() < until;) {
        if (cancel_is(cancel, &err))
            return false;
        nanosleep(&(const struct timespec){.tv_nsec = SLICE_MS * 1000000L}, NULL);
    }
    return true;
}

/* No such host, a wrong certificate, a stall: those are the same a second later. */
static bool may_pass(const struct http_answer *answer, bool is_harmless)
{
    int status = answer->status;
    if (answer->failure != HTTP_FAILURE_NONE)
        return is_harmless &&
               (answer->failure == HTTP_FAILURE_CONNECT || answer->failure == HTTP_FAILURE_BROKEN);
    return status == 429 || status == 503 ||
           (is_harmless && (status == 500 || status == 502 || status == 504));
}

bool registry_waits(const struct registry *r, const struct http_answer *answer, bool is_harmless,
                    unsigned n_tries)
{
    if (!may_pass(answer, is_harmless))
        return false;
    int64_t ms = wait_of(r, answer, n_tries);
    return n_tries + 1 < LIMIT(REGISTRY_TRIES) && ms <= (int64_t)LIMIT(REGISTRY_WAIT) * 1000 &&
           pause_ms(r->http.cancel, ms);
}

/* --- one exchange
 * ------------------------------------------------------------------------------------ */
static void drop(struct reply *reply)
{
    http_stream_close(reply->stream);
    reply->stream = NULL;
}

static bool exchange(struct http_client *client, struct arena *arena, const struct request *request,
                     str url, str authorization, struct reply *reply, struct err *err)
{
    struct http_header headers[MAX_HEADERS];
    size_t n = 0;
    if (request->accept)
        headers[n++] = (struct http_header){STR("Accept"), str_from(request->accept)};
    if (!str_is_empty(authorization))
        headers[n++] = (struct http_header){STR("Authorization"), authorization};
    if (request->content_type)
        headers[n++] = (struct http_header){STR("Content-Type"), str_from(request->content_type)};
    struct http_call call = {.method = request->method,
                             .url = url.ptr,
                             .headers = headers,
                             .n_headers = n,
                             .body = request->body,
                             .body_from = request->body_from,
                             .body_bytes = request->body_bytes,
                             .range_from = request->range_from};
    *reply = (struct reply){0};
    if (request->is_stream)
        return http_stream_open(client, &call, arena, &reply->stream, &reply->answer, err);
    return http_fetch(client, &call, arena, request->max, &reply->answer, err);
}

/* --- scheme
 * ------------------------------------------------------------------------------------------ */
static str home_url(struct registry *r, struct arena *arena, str path)
{
    mtx_lock(&r->lock);
    const char *scheme = r->is_plain_http ? "http" : "https";
    mtx_unlock(&r->lock);
    return arena_printf(arena, "%s://%.*s%.*s", scheme, STR_ARG(r->api_host), STR_ARG(path));
}

static void settle_scheme(struct registry *r, bool is_plain_http)
{
    mtx_lock(&r->lock);
    r->is_plain_http = is_plain_http;
    r->is_scheme_known = true;
    mtx_unlock(&r->lock);
}

/* The first request to a loopback address: https, and plain http when that fails.  When neither is
 * an answer, the error of https is the one to tell (400 is how a TLS server answers plain http). */
static bool exchange_first(struct registry *r, struct http_client *client, struct arena *arena,
                           const struct request *request, str url, str authorization,
                           struct reply *reply, struct err *err)
{
    struct err plain = {0};
    if (exchange(client, arena, request, url, authorization, reply, err)) {
        settle_scheme(r, false);
        return true;
    }
    if (!r->is_loopback || err->kind != ERR_UNAVAILABLE)
        return false;
    str plain_url = arena_printf(arena, "http%.*s", STR_ARG(str_skip(url, 5)));
    if (!plain_url.ptr)
        return err_memory(err);
    struct http_answer first = {.failure = reply->answer.failure};
    bool is_answer = exchange(client, arena, request, plain_url, authorization, reply, &plain);
    if (!is_answer || reply->answer.status == 400) {
        drop(reply);
        reply->answer = first;
        return false;
    }
    *err = (struct err){0};
    settle_scheme(r, true);
    return true;
}

static bool is_settled(struct registry *r)
{
    mtx_lock(&r->lock);
    bool is_known = r->is_scheme_known;
    mtx_unlock(&r->lock);
    return is_known;
}

static bool exchange_home(struct registry *r, struct http_client *client, struct arena *arena,
                          const struct request *request, str url, struct reply *reply,
                          struct err *err)
{
    str authorization;
    if (!registry_authorization(r, arena, &authorization, err))
        return false;
    if (request->is_anonymous)
        authorization = request->authorization;
    if (is_settled(r))
        return exchange(client, arena, request, url, authorization, reply, err);
    return exchange_first(r, client, arena, request, url, authorization, reply, err);
}

/* --- redirects
 * --------------------------------------------------------------------------------------- */
static bool is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* RFC 3986 section 5.2, as far as servers use it. */
static str join_url(struct arena *arena, str base, str location)
{
    str scheme, host, rest;
    if (str_starts(location, STR("http://")) || str_starts(location, STR("https://")))
        return arena_dup(arena, location);
    if (!http_url_split(base, &scheme, &host, &rest))
        return STR_NONE;
    if (str_starts(location, STR("//")))
        return arena_printf(arena, "%.*s:%.*s", STR_ARG(scheme), STR_ARG(location));
    if (str_starts(location, STR("/")))
        return arena_printf(arena, "%.*s://%.*s%.*s", STR_ARG(scheme), STR_ARG(host),
                            STR_ARG(location));
    str path = str_slice(rest, 0, str_find_byte(rest, '?'));
    size_t slash = str_rfind_byte(path, '/');
    str folder = str_slice(path, 0, slash < path.len ? slash + 1 : 0);
    return arena_printf(arena, "%.*s://%.*s%s%.*s%.*s", STR_ARG(scheme), STR_ARG(host),
                        folder.len ? "" : "/", STR_ARG(folder), STR_ARG(location));
}

static bool is_same_origin(str a, str b)
{
    str a_scheme, a_host, b_scheme, b_host, rest;
    return http_url_split(a, &a_scheme, &a_host, &rest) &&
           http_url_split(b, &b_scheme, &b_host, &rest) && str_eq_nocase(a_scheme, b_scheme) &&
           str_eq_nocase(a_host, b_host);
}

static bool redirect(const struct registry *r, struct arena *arena, struct reply *reply, str *url,
                     struct err *err)
{
    str location = http_header_get(&reply->answer.headers, STR("Location"));
    int status = reply->answer.status;
    str next = str_is_empty(location) ? STR_NONE : join_url(arena, *url, location);
    drop(reply);
    if (!next.ptr)
        return err_set(err, ERR_UNAVAILABLE, "%.*s: answered %d without a place to go to",
                       STR_ARG(r->api_host), status);
    if (str_starts(*url, STR("https://")) && !str_starts(next, STR("https://")))
        return err_set(err, ERR_UNAVAILABLE, "%.*s: redirects from https to %.*s",
                       STR_ARG(r->api_host), STR_ARG(str_slice(next, 0, 80)));
    *url = next;
    return true;
}

/* --- all of it
 * --------------------------------------------------------------------------------------- */
static bool is_harmless(const struct request *request)
{
    str method = request->method ? str_from(request->method) : STR("GET");
    return str_eq(method, STR("GET")) || str_eq(method, STR("HEAD")) ||
           str_eq(method, STR("OPTIONS"));
}

struct course {
    str url;
    bool is_home, has_authenticated;
    unsigned n_redirects, n_retries;
};

static str first_url(struct registry *r, struct arena *arena, const struct request *request)
{
    if (request->url.len)
        return join_url(arena, home_url(r, arena, STR("/")), request->url);
    return home_url(r, arena, request->path);
}

/* Whether the answer is not the last one: the course says where to ask next. */
static bool goes_on(struct registry *r, struct http_client *client, struct arena *arena,
                    const struct request *request, struct course *course, struct reply *reply,
                    struct err *err)
{
    int status = reply->answer.status;
    if (request->body_from) {
        if (status == 401 && course->is_home &&
            !registry_authenticate(r, client, arena, &reply->answer.headers, err))
            drop(reply);
        return false;
    }
    if (is_redirect(status)) {
        if (course->n_redirects++ >= MAX_REDIRECTS) {
            drop(reply);
            return err_set(err, ERR_UNAVAILABLE, "%.*s: more than %d redirects",
                           STR_ARG(r->api_host), MAX_REDIRECTS);
        }
        return redirect(r, arena, reply, &course->url, err);
    }
    if (status == 401 && course->is_home && !course->has_authenticated && !request->is_anonymous) {
        drop(reply);
        course->has_authenticated = true;
        course->url = first_url(r, arena, request);
        return registry_authenticate(r, client, arena, &reply->answer.headers, err);
    }
    if (!registry_waits(r, &reply->answer, is_harmless(request), course->n_retries))
        return false;
    course->n_retries++;
    drop(reply);
    return true;
}

static void note_failure(struct registry *r, enum http_failure failure)
{
    mtx_lock(&r->lock);
    r->failure = failure;
    mtx_unlock(&r->lock);
}

/* Without an answer: whether to ask once more. */
static bool tries_again(struct registry *r, const struct request *request, struct course *course,
                        struct reply *reply, struct err *err)
{
    if (err->kind != ERR_UNAVAILABLE ||
        !registry_waits(r, &reply->answer, is_harmless(request), course->n_retries))
        return false;
    course->n_retries++;
    *err = (struct err){0};
    return true;
}

static bool converse(struct registry *r, struct http_client *client, struct arena *arena,
                     const struct request *request, struct reply *reply, struct err *err)
{
    struct course course = {.url = first_url(r, arena, request)};
    for (;;) {
        if (!course.url.ptr)
            return err_memory(err);
        course.is_home = is_same_origin(course.url, home_url(r, arena, STR("/")));
        bool ok = course.is_home
                      ? exchange_home(r, client, arena, request, course.url, reply, err)
                      : exchange(client, arena, request, course.url, STR_NONE, reply, err);
        if (!ok)
            note_failure(r, reply->answer.failure);
        if (!ok && tries_again(r, request, &course, reply, err))
            continue;
        if (!ok)
            return false;
        if (!goes_on(r, client, arena, request, &course, reply, err))
            return !err_is(err);
    }
}

/* --- the seat
 * ---------------------------------------------------------------------------------------- */
static bool sit(struct registry *r, struct err *err)
{
    mtx_lock(&r->seat_lock);
    bool is_ok =
        r->n_reading > 0 || hub_sit(r->hub, r->api_host, r->concurrency, r->http.cancel, err);
    r->n_reading += is_ok;
    mtx_unlock(&r->seat_lock);
    return is_ok;
}

static void rise(struct registry *r)
{
    mtx_lock(&r->seat_lock);
    if (--r->n_reading == 0)
        hub_rise(r->hub, r->api_host);
    mtx_unlock(&r->seat_lock);
}

void registry_stream_close(struct registry *r, struct http_stream *stream)
{
    if (!stream)
        return;
    http_stream_close(stream);
    rise(r);
}

bool registry_send(struct registry *r, struct http_client *client, struct arena *arena,
                   const struct request *request, struct reply *reply, struct err *err)
{
    *err = (struct err){0};
    *reply = (struct reply){0};
    if (!is_harmless(request))
        return converse(r, client, arena, request, reply, err);
    if (!sit(r, err))
        return false;
    bool is_ok = converse(r, client, arena, request, reply, err);
    if (!reply->stream)
        rise(r);
    return is_ok;
}
