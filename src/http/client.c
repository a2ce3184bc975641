/* SPDX-License-Identifier: Apache-2.0 */
/* client.c - libcurl's multi interface, pulled by its caller.  Every transfer of a client shares
 * its connections; whoever waits for one drives them all, and a stream that nobody reads pauses
 * when its buffer is full. */
#include "http/http.h"

#include <assert.h>
#include <curl/curl.h>
#include <errno.h>
#include <string.h>
#include <threads.h>

#include "base/num.h"
#include "http/internal.h"

enum {
    STREAM_BUFFER = 2 << 20, /* holds what one read of libcurl gives, so that pauses are rare */
    READ_SIZE = 512 << 10,
    FETCH_READ_SIZE = 64 << 10,
    POLL_MS = 200, /* how late a wish to cancel is heard */
    MAX_REDIRECTS = 8,
    MAX_CONNECTIONS = 8,
};

struct http_client {
    struct http_client_spec spec;
    char *user_agent, *ca_file, *client_cert_file, *client_key_file, *proxy, *no_proxy;
    CURLM *multi;
    size_t n_transfers;
};

/* One call.  Heads of intermediate answers (1xx, redirects) are overwritten by the last one's. */
struct transfer {
    struct http_client *client; /* borrowed */
    CURL *easy;
    struct curl_slist *request_headers;
    struct arena *arena;        /* borrowed; gets the headers until the body starts */
    struct http_answer *answer; /* borrowed; NULL once the caller has it */
    struct sb body;
    const struct source *body_from;
    str upload; /* of body_from: read, and not yet sent */
    size_t head_bytes;
    uint64_t received_bytes;
    struct err fail; /* why a callback stopped the transfer */
    CURLcode result;
    bool is_stream, is_paused, has_body, is_done, chunk_is_out;
    char host[160]; /* asked first, for messages */
    char curl_text[CURL_ERROR_SIZE];
};

struct http_stream {
    struct transfer transfer;
};

/* --- libcurl's global state
 * ----------------------------------------------------------------------- */

static bool global_is_ready; /* lint: mutable static, written once under global_once */

static void global_init(void)
{
    global_is_ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

bool http_curl_ready(struct err *err)
{
    static once_flag global_once = ONCE_FLAG_INIT; /* lint: mutable static, guards libcurl's own */
    call_once(&global_once, global_init);
    return global_is_ready || err_set(err, ERR_UNAVAILABLE, "libcurl does not start");
}

/* --- client
 * --------------------------------------------------------------------------------------- */

static bool dup_option(char **to, const char *from, struct err *err)
{
    *to = from ? strdup(from) : NULL;
    return *to || !from || err_memory(err);
}

static bool client_new(const struct http_client_spec *spec, struct http_client **out,
                       struct err *err)
{
    if (!http_curl_ready(err))
        return false;
    struct http_client *client = calloc(1, sizeof(*client));
    if (!client)
        return err_memory(err);
    client->multi = curl_multi_init();
    if (!client->multi || !dup_option(&client->user_agent, spec->user_agent, err) ||
        !dup_option(&client->ca_file, spec->ca_file, err) ||
        !dup_option(&client->client_cert_file, spec->client_cert_file, err) ||
        !dup_option(&client->client_key_file, spec->client_key_file, err) ||
        !dup_option(&client->proxy, spec->proxy, err) ||
        !dup_option(&client->no_proxy, spec->no_proxy, err)) {
        http_client_free(client);
        return err_memory(err);
    }
    curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, (long)MAX_CONNECTIONS);
    *out = client;
    return true;
}

bool http_client_open(const struct http_client_spec *spec, struct http_client **out,
                      struct err *err)
{
    if (!http_curl_ready(err))
        return false;
    *out = spec->pool ? http_pool_take(spec->pool, spec) : NULL;
    if (!*out && !client_new(spec, out, err))
        return false;
    (*out)->spec = *spec;
    return true;
}

static bool is_same_option(const char *a, const char *b)
{
    return a && b ? str_eq(str_from(a), str_from(b)) : a == b;
}

bool http_client_fits(const struct http_client *client, const struct http_client_spec *spec)
{
    return is_same_option(client->user_agent, spec->user_agent) &&
           is_same_option(client->ca_file, spec->ca_file) &&
           is_same_option(client->client_cert_file, spec->client_cert_file) &&
           is_same_option(client->client_key_file, spec->client_key_file) &&
           is_same_option(client->proxy, spec->proxy) &&
           is_same_option(client->no_proxy, spec->no_proxy);
}

void http_client_free(struct http_client *client)
{
    curl_multi_cleanup(client->multi);
    free(client->user_agent);
    free(client->ca_file);
    free(client->client_cert_file);
    free(client->client_key_file);
    free(client->proxy);
    free(client->no_proxy);
    free(client);
}

void http_client_close(struct http_client *client)
{
    if (!client)
        return;
    assert(client->n_transfers == 0 && "a stream outlives its client");
    if (client->spec.pool)
        http_pool_give(client->spec.pool, client);
    else
        http_client_free(client);
}

/* --- what libcurl calls
 * --------------------------------------------------------------------------- */

static size_t on_body(char *bytes, size_t size, size_t n, void *ctx)
{
    struct transfer *t = ctx;
    size_t len = size * n;
    t->has_body = true;
    /* A chunk that the caller holds must stay where it is. */
    if (t->is_stream && (t->chunk_is_out || t->body.len + len > STREAM_BUFFER)) {
        t->is_paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    sb_add(&t->body, str_of(bytes, len));
    if (t->body.has_failed) {
        err_set(&t->fail, ERR_LIMIT, "%s: the answer is longer than %zu bytes", t->host,
                t->body.max_bytes);
        return 0;
    }
    t->received_bytes += len;
    return len;
}

/* More of a streamed body; it blocks as long as its source does. */
static size_t on_upload(char *bytes, size_t size, size_t n, void *ctx)
{
    struct transfer *t = ctx;
    while (t->upload.len == 0) {
        enum next next = t->body_from->read(t->body_from->ctx, &t->upload, &t->fail);
        if (next == NEXT_END)
            return 0;
        if (next == NEXT_ERR)
            return CURL_READFUNC_ABORT;
    }
    size_t len = num_min(size * n, t->upload.len);
    memcpy(bytes, t->upload.ptr, len);
    t->upload = str_skip(t->upload, len);
    return len;
}

static bool add_header(struct transfer *t, str line)
{
    str name, value;
    if (!str_cut_byte(line, ':', &name, &value))
        return true; /* the empty line behind a head, or a folded one: nothing we could name */
    struct http_header *header = vec_push(t->arena, &t->answer->headers);
    if (!header)
        return err_memory(&t->fail);
    header->name = arena_dup(t->arena, str_trim(name));
    header->value = arena_dup(t->arena, str_trim(value));
    return (header->name.ptr && header->value.ptr) || err_memory(&t->fail);
}

static size_t on_header(char *bytes, size_t size, size_t n, void *ctx)
{
    struct transfer *t = ctx;
    str line = str_of(bytes, size * n);
    if (!t->answer || t->has_body)
        return line.len; /* trailers */
    if (str_starts(line, STR("HTTP/"))) {
        t->head_bytes = 0;
        t->answer->headers.len = 0;
        return line.len;
    }
    t->head_bytes += line.len;
    if (t->head_bytes > LIMIT(HTTP_HEADER)) {
        err_set(&t->fail, ERR_LIMIT, "%s: more than %llu bytes of headers", t->host,
                (unsigned long long)LIMIT(HTTP_HEADER));
        return 0;
    }
    return add_header(t, line) ? line.len : 0;
}

/* --- one transfer
 * --------------------------------------------------------------------------------- */

static bool add_request_header(struct transfer *t, str name, str value, struct err *err)
{
    if (!http_is_token(name) || !http_is_field_value(value))
        return err_set(err, ERR_FORMAT, "request header '" STR_FMT "' has forbidden characters",
                       STR_ARG(name));
    struct sb line;
    sb_init(&line, LIMIT(HTTP_HEADER));
    sb_add(&line, name);
    sb_addc(&line, value.len ? ": " : ";"); /* libcurl's way to send an empty one */
    sb_add(&line, value);
    struct curl_slist *longer =
        line.has_failed ? NULL : curl_slist_append(t->request_headers, line.ptr);
    sb_fini(&line);
    if (!longer)
        return err_memory(err);
    t->request_headers = longer;
    return true;
}

/* A name with nothing behind its colon: libcurl then does not send its own. */
static bool drop_header(struct transfer *t, const char *line, struct err *err)
{
    struct curl_slist *longer = curl_slist_append(t->request_headers, line);
    if (!longer)
        return err_memory(err);
    t->request_headers = longer;
    return true;
}

static bool set_headers(struct transfer *t, const struct http_call *call, struct err *err)
{
    bool has_type = false;
    for (size_t i = 0; i < call->n_headers; i++) {
        const struct http_header *header = &call->headers[i];
        has_type |= str_eq_nocase(header->name, STR("content-type"));
        if (!add_request_header(t, header->name, header->value, err))
            return false;
    }
    if (call->range_from > 0) {
        char range[40];
        snprintf(range, sizeof(range), "bytes=%llu-", (unsigned long long)call->range_from);
        if (!add_request_header(t, STR("Range"), str_from(range), err))
            return false;
    }
    if (!drop_header(t, "Expect:", err) || (!has_type && !drop_header(t, "Content-Type:", err)))
        return false;
    curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->request_headers);
    return true;
}

static bool set_method(struct transfer *t, const struct http_call *call, struct err *err)
{
    str method = call->method ? str_from(call->method) : STR("GET");
    if (!http_is_token(method))
        return err_set(err, ERR_FORMAT, "'" STR_FMT "' is no HTTP method", STR_ARG(method));
    if (str_eq(method, STR("HEAD"))) {
        curl_easy_setopt(t->easy, CURLOPT_NOBODY, 1L);
        return true;
    }
    if (call->body_from) {
        curl_easy_setopt(t->easy, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(t->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)call->body_bytes);
        curl_easy_setopt(t->easy, CURLOPT_READFUNCTION, on_upload);
        curl_easy_setopt(t->easy, CURLOPT_READDATA, t);
        curl_easy_setopt(t->easy, CURLOPT_CUSTOMREQUEST, call->method);
        t->body_from = call->body_from;
        return true;
    }
    if (str_eq(method, STR("GET")) && call->body.len == 0)
        return true;
    bool has_body = call->body.len > 0 || str_eq(method, STR("POST")) ||
                    str_eq(method, STR("PUT")) || str_eq(method, STR("PATCH"));
    if (has_body) { /* borrowed: the caller's body lives as long as the call */
        curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body.len);
        curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, call->body.len ? call->body.ptr : "");
    }
    if (!str_eq(method, STR("POST")))
        curl_easy_setopt(t->easy, CURLOPT_CUSTOMREQUEST, call->method);
    return true;
}

static void set_pem(CURL *easy, CURLoption option, const char *pem)
{
    union { /* curl only reads it, and copies it */
        const char *text;
        void *data;
    } from = {.text = pem};
    struct curl_blob blob = {from.data, pem ? strlen(pem) : 0, CURL_BLOB_COPY};
    if (pem)
        curl_easy_setopt(easy, option, &blob);
}

static void set_security(struct transfer *t, const struct http_call *call, bool is_tls)
{
    const struct http_client *client = t->client;
    CURL *easy = t->easy;
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    /* Who asked with TLS is not led out of it. */
    curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, is_tls ? "https" : "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, call->follows_redirects ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_MAXREDIRS, (long)MAX_REDIRECTS);
    curl_easy_setopt(easy, CURLOPT_UNRESTRICTED_AUTH, 0L);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (client->ca_file) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, client->ca_file);
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }
    if (client->spec.ca_pem) {
        set_pem(easy, CURLOPT_CAINFO_BLOB, client->spec.ca_pem);
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }
    set_pem(easy, CURLOPT_SSLCERT_BLOB, client->spec.client_cert_pem);
    set_pem(easy, CURLOPT_SSLKEY_BLOB, client->spec.client_key_pem);
    if (client->client_cert_file)
        curl_easy_setopt(easy, CURLOPT_SSLCERT, client->client_cert_file);
    if (client->client_key_file)
        curl_easy_setopt(easy, CURLOPT_SSLKEY, client->client_key_file);
    if (client->proxy)
        curl_easy_setopt(easy, CURLOPT_PROXY, client->proxy);
    if (client->no_proxy)
        curl_easy_setopt(easy, CURLOPT_NOPROXY, client->no_proxy);
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
}

static void set_transport(struct transfer *t)
{
    const struct http_client_spec *spec = &t->client->spec;
    CURL *easy = t->easy;
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, t->client->user_agent);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, (long)(spec->connect_s ? spec->connect_s : 15));
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, (long)LIMIT(HTTP_SPEED));
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)(spec->stall_s ? spec->stall_s : 60));
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)(t->is_stream ? READ_SIZE : FETCH_READ_SIZE));
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, t->curl_text);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, t);
}

static void transfer_fini(struct transfer *t)
{
    if (t->easy) {
        curl_multi_remove_handle(t->client->multi, t->easy);
        curl_easy_cleanup(t->easy);
        t->client->n_transfers--;
    }
    curl_slist_free_all(t->request_headers);
    sb_fini(&t->body);
}

static bool name_host(struct transfer *t, const char *url, bool *is_tls, struct err *err)
{
    str scheme, host, rest;
    if (!http_url_split(str_from(url), &scheme, &host, &rest))
        scheme = host = STR_NONE;
    *is_tls = str_eq_nocase(scheme, STR("https"));
    if (!*is_tls && !str_eq_nocase(scheme, STR("http")))
        return err_set(err, ERR_FORMAT, "'%s' is no http or https address", url ? url : "");
    snprintf(t->host, sizeof(t->host), STR_FMT, STR_ARG(host));
    return true;
}

/* On failure the transfer is finished already. */
static bool transfer_start(struct transfer *t, const struct http_call *call, struct err *err)
{
    bool is_tls;
    if (!name_host(t, call->url, &is_tls, err))
        return false;
    t->easy = curl_easy_init();
    if (!t->easy)
        return err_memory(err);
    t->client->n_transfers++;
    set_transport(t);
    set_security(t, call, is_tls);
    if (set_method(t, call, err) && set_headers(t, call, err)) {
        if (curl_easy_setopt(t->easy, CURLOPT_URL, call->url) == CURLE_OK &&
            curl_multi_add_handle(t->client->multi, t->easy) == CURLM_OK)
            return true;
        err_memory(err);
    }
    transfer_fini(t);
    return false;
}

static void reap(struct http_client *client)
{
    int left;
    CURLMsg *msg;
    while ((msg = curl_multi_info_read(client->multi, &left))) {
        struct transfer *t = NULL;
        if (msg->msg != CURLMSG_DONE ||
            curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&t) != CURLE_OK)
            continue;
        t->is_done = true;
        t->result = msg->data.result;
    }
}

/* Until @t has a piece of body, or is done.  False: cancelled. */
static bool drive(struct transfer *t, struct err *err)
{
    struct http_client *client = t->client;
    while (!t->is_done) {
        if (cancel_is(client->spec.cancel, err))
            return err_wrap(err, "%s", t->host);
        int n_running;
        CURLMcode code = curl_multi_perform(client->multi, &n_running);
        reap(client);
        if (code == CURLM_OK && (t->is_done || (t->is_stream && t->body.len > 0)))
            break;
        if (code == CURLM_OK)
            code = curl_multi_poll(client->multi, NULL, 0, POLL_MS, NULL);
        if (code != CURLM_OK)
            return err_set(err, ERR_UNAVAILABLE, "%s: %s", t->host, curl_multi_strerror(code));
    }
    return true;
}

/* --- what went wrong
 * ------------------------------------------------------------------------------ */

/* The host that was talked to last: a redirect may have led elsewhere. */
static void current_host(const struct transfer *t, char *out, size_t size)
{
    char *url = NULL;
    str scheme, host, rest;
    if (curl_easy_getinfo(t->easy, CURLINFO_EFFECTIVE_URL, &url) == CURLE_OK &&
        http_url_split(str_from(url), &scheme, &host, &rest))
        snprintf(out, size, STR_FMT, STR_ARG(host));
    else
        snprintf(out, size, "%s", t->host);
}

static bool fail_partial(const struct transfer *t, const char *host, struct err *err)
{
    curl_off_t expected = -1;
    curl_easy_getinfo(t->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &expected);
    if (expected >= 0)
        return err_set(err, ERR_UNAVAILABLE, "%s: the body ended after %llu of %lld bytes", host,
                       (unsigned long long)t->received_bytes, (long long)expected);
    return err_set(err, ERR_UNAVAILABLE, "%s: the body ended early, after %llu bytes", host,
                   (unsigned long long)t->received_bytes);
}

static bool fail_timeout(const struct transfer *t, const char *host, struct err *err)
{
    const struct http_client_spec *spec = &t->client->spec;
    curl_off_t ready_us = 0;
    curl_easy_getinfo(t->easy, CURLINFO_PRETRANSFER_TIME_T, &ready_us);
    if (ready_us == 0)
        return err_set(err, ERR_UNAVAILABLE, "%s: timeout, no connection within %u s", host,
                       spec->connect_s ? spec->connect_s : 15);
    return err_set(err, ERR_UNAVAILABLE, "%s: timeout, less than %llu bytes a second for %u s",
                   host, (unsigned long long)LIMIT(HTTP_SPEED), spec->stall_s ? spec->stall_s : 60);
}

static bool fail_connect(const struct transfer *t, const char *host, struct err *err)
{
    long sys = 0;
    curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &sys);
    if (sys == 0)
        return err_set(err, ERR_UNAVAILABLE, "%s: %s", host,
                       t->curl_text[0] ? t->curl_text : "no connection");
    errno = (int)sys;
    return err_sys(err, ERR_UNAVAILABLE, "%s", host); /* "connection refused", "no route to host" */
}

static bool is_tls_failure(CURLcode code)
{
    static const CURLcode codes[] = {
        CURLE_SSL_CONNECT_ERROR,   CURLE_PEER_FAILED_VERIFICATION,
        CURLE_SSL_CERTPROBLEM,     CURLE_SSL_CACERT_BADFILE,
        CURLE_SSL_CIPHER,          CURLE_SSL_ISSUER_ERROR,
        CURLE_SSL_ENGINE_NOTFOUND, CURLE_SSL_INVALIDCERTSTATUS,
        CURLE_SSL_CLIENTCERT,      CURLE_SSL_CRL_BADFILE,
        CURLE_USE_SSL_FAILED,
    };
    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        if (codes[i] == code)
            return true;
    return false;
}

static enum http_failure failure_of(const struct transfer *t)
{
    if (is_tls_failure(t->result))
        return HTTP_FAILURE_TLS;
    switch ((int)t->result) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        return HTTP_FAILURE_NAME;
    case CURLE_COULDNT_CONNECT:
        return HTTP_FAILURE_CONNECT;
    case CURLE_OPERATION_TIMEDOUT:
        return HTTP_FAILURE_TIMEOUT;
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_GOT_NOTHING:
        return HTTP_FAILURE_BROKEN;
    default:
        return HTTP_FAILURE_OTHER;
    }
}

/* The error of a transfer that is done and not well.  Always false. */
static bool transfer_fail(const struct transfer *t, struct err *err)
{
    char host[sizeof(t->host)];
    if (t->answer)
        t->answer->failure = err_is(&t->fail) ? HTTP_FAILURE_OTHER : failure_of(t);
    if (err_is(&t->fail)) {
        *err = t->fail;
        return false;
    }
    current_host(t, host, sizeof(host));
    const char *text = t->curl_text[0] ? t->curl_text : curl_easy_strerror(t->result);
    if (is_tls_failure(t->result))
        return err_set(err, ERR_UNAVAILABLE, "%s: TLS: %s", host, text);
    if (t->result == CURLE_PARTIAL_FILE || (t->result == CURLE_RECV_ERROR && t->received_bytes))
        return fail_partial(t, host, err);
    if (t->result == CURLE_OPERATION_TIMEDOUT)
        return fail_timeout(t, host, err);
    if (t->result == CURLE_COULDNT_CONNECT)
        return fail_connect(t, host, err);
    if (t->result == CURLE_COULDNT_RESOLVE_HOST)
        return err_set(err, ERR_UNAVAILABLE, "%s: no such host", host);
    if (t->result == CURLE_COULDNT_RESOLVE_PROXY)
        return err_set(err, ERR_UNAVAILABLE, "%s: the proxy's host is not known", host);
    if (t->result == CURLE_TOO_MANY_REDIRECTS)
        return err_set(err, ERR_UNAVAILABLE, "%s: more than %d redirects", host, MAX_REDIRECTS);
    if (t->result == CURLE_GOT_NOTHING)
        return err_set(err, ERR_UNAVAILABLE, "%s: closed the connection without an answer", host);
    return err_set(err, t->result == CURLE_OUT_OF_MEMORY ? ERR_MEMORY : ERR_UNAVAILABLE, "%s: %s",
                   host, text);
}

/* Status and address of an answer whose head is complete. */
static bool transfer_head(struct transfer *t, struct err *err)
{
    long status = 0;
    char *url = NULL;
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(t->easy, CURLINFO_EFFECTIVE_URL, &url);
    t->answer->status = (int)status;
    t->answer->final_url = arena_dup(t->arena, str_from(url));
    return t->answer->final_url.ptr || err_memory(err);
}

/* --- the two ways to call
 * ------------------------------------------------------------------------- */

bool http_fetch(struct http_client *client, const struct http_call *call, struct arena *arena,
                size_t max, struct http_answer *out, struct err *err)
{
    struct transfer t = {.client = client, .arena = arena, .answer = out};
    *out = (struct http_answer){0};
    sb_init(&t.body, max);
    if (!transfer_start(&t, call, err))
        return false;
    bool is_ok = drive(&t, err) && (t.result == CURLE_OK || transfer_fail(&t, err)) &&
                 transfer_head(&t, err);
    if (is_ok) {
        out->body = arena_dup(arena, sb_str(&t.body));
        is_ok = out->body.ptr || err_memory(err);
    }
    transfer_fini(&t);
    return is_ok;
}

bool http_stream_open(struct http_client *client, const struct http_call *call, struct arena *arena,
                      struct http_stream **out, struct http_answer *answer, struct err *err)
{
    struct http_stream *stream = calloc(1, sizeof(*stream));
    if (!stream)
        return err_memory(err);
    struct transfer *t = &stream->transfer;
    *t = (struct transfer){.client = client, .arena = arena, .answer = answer, .is_stream = true};
    *answer = (struct http_answer){0};
    sb_init(&t->body, STREAM_BUFFER);
    if (!transfer_start(t, call, err)) {
        free(stream);
        return false;
    }
    bool is_ok = drive(t, err) && (t->result == CURLE_OK || t->has_body || transfer_fail(t, err)) &&
                 transfer_head(t, err);
    if (!is_ok) {
        http_stream_close(stream);
        return false;
    }
    t->answer = NULL;
    *out = stream;
    return true;
}

static void resume(struct transfer *t)
{
    if (!t->is_paused || t->is_done)
        return;
    t->is_paused = false;
    curl_easy_pause(t->easy, CURLPAUSE_CONT); /* delivers what libcurl kept; may pause again */
}

enum next http_stream_next(struct http_stream *stream, str *chunk, struct err *err)
{
    struct transfer *t = &stream->transfer;
    if (t->chunk_is_out) {
        sb_clear(&t->body);
        t->chunk_is_out = false;
    }
    if (t->body.len == 0) {
        resume(t);
        if (t->body.len == 0 && !drive(t, err))
            return NEXT_ERR;
    }
    if (t->body.len > 0) {
        t->chunk_is_out = true;
        *chunk = sb_str(&t->body);
        return NEXT_ITEM;
    }
    if (t->result != CURLE_OK) {
        transfer_fail(t, err);
        return NEXT_ERR;
    }
    return NEXT_END;
}

void http_stream_close(struct http_stream *stream)
{
    if (!stream)
        return;
    transfer_fini(&stream->transfer);
    free(stream);
}
