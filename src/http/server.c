/* SPDX-License-Identifier: Apache-2.0 */
/* server.c - libmicrohttpd's network threads read a request, suspend its connection and queue it; a
 * worker runs the handler and resumes the connection with the answer.
 *
 *   network thread:  target → head → body → suspend ─┐         ┌─ resumed: queue the answer →
 * completed worker:                                          └ handler ┘
 *
 * Each lane has a queue and workers of its own, so that what takes long waits for its kind only.
 * A handler that asked for it returns without an answer, which comes later from any thread.
 * A job belongs to its connection; from the day close() gives a handler up, to its worker (or to
 * who answers later) too. */
#include "http/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/num.h"
#include "http/internal.h"

enum {
    N_WORKERS = 4,
    N_OTHERS = 2,
    OTHERS_NICE = 5, /* a list never takes the processor from a single get */
    N_NETWORK_THREADS = 2,
    IDLE_TIMEOUT_S = 75,
    FLUSH_MS = 500, /* for the 503s of handlers that close() gave up */
    POOL_BYTES_BESIDE_HEAD =
        32 << 10, /* what libmicrohttpd itself needs of a connection's memory */
    BACKLOG = 512,
    FORMER_MAX = 16,
};

static const char TLS_PRIORITIES[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";

/* Who answers later holds it, and by it the server. */
struct http_later {
    struct job *job;
    /* guarded by server->lock */
    struct http_later *next, *before;
    bool is_running; /* its handler has not returned */
    bool is_answered;
    unsigned status; /* of the answer that came before the handler returned */
    struct MHD_Response *response;
};

struct job {
    struct http_later later;
    struct http_server *server; /* borrowed */
    struct MHD_Connection *connection;
    struct arena arena;
    struct http_request req;
    struct sb body;
    char *target; /* owned; until the head is read */
    uint64_t n_discarded;
    unsigned refusal; /* status that the network thread answers by itself; 0: none */
    bool has_head;
    int64_t from_ms; /* when its handler began */
    /* guarded by server->lock from submit on */
    struct job *next;
    struct MHD_Response *response;
    unsigned status;
    unsigned n_refs;
    bool is_given_up;
};

/* Its fields are guarded by server->lock. */
struct lane {
    struct job *first, *last;
    pthread_cond_t work; /* a job was queued */
};

struct worker {
    struct http_server *server;
    struct lane *lane;
    pthread_t thread;
    struct job *job; /* guarded by server->lock; NULL: idle */
};

struct http_server {
    struct http_server_spec spec;
    char *address, *cert, *key;
    struct MHD_Daemon *daemon;
    struct MHD_Daemon *former[FORMER_MAX]; /* with open connections of a former certificate */
    size_t n_former;
    int listen_fd;
    uint16_t port;
    char mhd_text[160]; /* libmicrohttpd's last complaint, for the error of open() */
    atomic_uint_fast64_t last_id;
    /* lock guards the lanes, workers[].job, the marked fields of jobs, and the counters below */
    pthread_mutex_t lock;
    pthread_cond_t quiet; /* a request ended */
    struct lane lanes[HTTP_LANES];
    struct http_later waiting; /* ring of those that are answered later */
    size_t n_active;           /* requests begun and not completed */
    bool is_closing;
    unsigned n_refs; /* one for open..close, one a worker */
    unsigned n_workers;
    struct worker workers[];
};

/* --- jobs
 * ----------------------------------------------------------------------------------------- */

static void job_free(struct job *job)
{
    if (job->response)
        MHD_destroy_response(job->response);
    sb_fini(&job->body);
    arena_fini(&job->arena);
    free(job->target);
    free(job);
}

static void job_unref_locked(struct job *job)
{
    if (--job->n_refs == 0)
        job_free(job);
}

/* libmicrohttpd's first word about a request, with its target as it came. */
static void *on_target(void *ctx, const char *uri, struct MHD_Connection *connection)
{
    struct http_server *server = ctx;
    struct job *job = calloc(1, sizeof(*job));
    if (!job)
        return NULL;
    job->server = server;
    job->connection = connection;
    job->n_refs = 1;
    job->target = strdup(uri);
    arena_init(&job->arena, LIMIT(HTTP_ANSWER));
    pthread_mutex_lock(&server->lock);
    server->n_active++;
    pthread_mutex_unlock(&server->lock);
    return job;
}

static void on_completed(void *ctx, struct MHD_Connection *connection, void **request,
                         enum MHD_RequestTerminationCode how)
{
    (void)connection, (void)how;
    struct http_server *server = ctx;
    struct job *job = *request;
    *request = NULL;
    if (!job)
        return;
    pthread_mutex_lock(&server->lock);
    job_unref_locked(job);
    server->n_active--;
    pthread_cond_broadcast(&server->quiet);
    pthread_mutex_unlock(&server->lock);
}

/* --- answers
 * -------------------------------------------------------------------------------------- */

static const char *plain_refusal(unsigned status, struct sb *body)
{
    sb_addf(body, "%u %s\n", status, MHD_get_reason_phrase_for(status));
    return "text/plain; charset=utf-8";
}

static struct MHD_Response *refusal(const struct http_server *server, unsigned status)
{
    auto_sb body;
    sb_init(&body, LIMIT(HTTP_ANSWER));
    const char *type = (server->spec.refusal ? server->spec.refusal : plain_refusal)(status, &body);
    struct MHD_Response *response =
        MHD_create_response_from_buffer(body.len, body.ptr, MHD_RESPMEM_MUST_COPY);
    if (!response)
        return NULL;
    MHD_add_response_header(response, "Content-Type", type);
    if (status == 503)
        MHD_add_response_header(response, "Retry-After", "5");
    MHD_add_response_header(response, "Connection", "close");
    return response;
}

static enum MHD_Result refuse(struct job *job, unsigned status)
{
    struct MHD_Response *response = refusal(job->server, status);
    if (!response)
        return MHD_NO;
    enum MHD_Result result = MHD_queue_response(job->connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static bool response_add_headers(struct MHD_Response *to, const http_headers *headers,
                                 struct arena *arena)
{
    for (size_t i = 0; i < headers->len; i++) {
        const char *name = arena_cstr(arena, headers->ptr[i].name);
        const char *value = arena_cstr(arena, headers->ptr[i].value);
        if (!name || !value || MHD_add_response_header(to, name, value) != MHD_YES)
            return false;
    }
    return true;
}

/* Takes the body's memory. */
static struct MHD_Response *handler_response(struct job *job, struct http_response *res)
{
    bool has_body = res->body.len > 0 && res->status != 204 && res->status != 304;
    if (res->status < 200 || res->status > 599 || res->body.has_failed)
        return NULL;
    struct MHD_Response *response =
        has_body
            ? MHD_create_response_from_buffer(res->body.len, res->body.ptr, MHD_RESPMEM_MUST_FREE)
            : MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    if (!response)
        return NULL;
    if (has_body)
        res->body = (struct sb){0};
    if (response_add_headers(response, &res->headers, &job->arena))
        return response;
    MHD_destroy_response(response);
    return NULL;
}

bool http_respond_header(struct http_request *req, struct http_response *res, str name, str value)
{
    struct http_header *header = vec_push(req->arena, &res->headers);
    char *clean = arena_alloc(req->arena, value.len + 1);
    if (!header || !clean)
        return false;
    for (size_t i = 0; i < value.len; i++) /* a line end would begin a header of its own */
        clean[i] = http_is_field_value(str_slice(value, i, i + 1)) ? value.ptr[i] : '?';
    header->name = name;
    header->value = str_of(clean, value.len);
    return http_is_token(name);
}

/* --- workers
 * -------------------------------------------------------------------------------------- */

static struct MHD_Response *response_of(struct job *job, struct http_response *res,
                                        unsigned *status)
{
    struct MHD_Response *response = handler_response(job, res);
    *status = response ? (unsigned)res->status : 500;
    if (!response) {
        log_event(LOG_ERROR, "answer cannot be sent", LOG_NUM("request", job->req.id),
                  LOG_STR("path", job->req.path), LOG_NUM("status", res->status),
                  LOG_NUM("bytes", res->body.len));
        response = refusal(job->server, 500);
    }
    sb_fini(&res->body);
    if (log_is_on(LOG_DEBUG))
        log_event(LOG_DEBUG, "request", LOG_NUM("request", job->req.id),
                  LOG_STR("method", job->req.method), LOG_STR("path", job->req.path),
                  LOG_NUM("status", *status), LOG_NUM("ms", clock_mono_ms() - job->from_ms));
    return response;
}

/* False: it is answered later. */
static bool run_handler(struct job *job, struct MHD_Response **response, unsigned *status)
{
    struct http_response res = {.status = 0};
    job->from_ms = clock_mono_ms();
    sb_init(&res.body, LIMIT(HTTP_ANSWER));
    job->server->spec.handler(&job->req, &res);
    if (job->req.later) {
        sb_fini(&res.body);
        return false;
    }
    *response = response_of(job, &res, status);
    return true;
}

static void server_free(struct http_server *server)
{
    pthread_mutex_destroy(&server->lock);
    for (size_t i = 0; i < HTTP_LANES; i++)
        pthread_cond_destroy(&server->lanes[i].work);
    pthread_cond_destroy(&server->quiet);
    free(server->address);
    free(server->cert);
    free(server->key);
    free(server);
}

static void server_unref(struct http_server *server)
{
    pthread_mutex_lock(&server->lock);
    bool is_last = --server->n_refs == 0;
    pthread_mutex_unlock(&server->lock);
    if (is_last)
        server_free(server);
}

static struct job *pop_locked(struct lane *lane)
{
    struct job *job = lane->first;
    if (job)
        lane->first = job->next;
    if (!lane->first)
        lane->last = NULL;
    return job;
}

/* Under the lock, so that close() never finds a job between its answer and its resumption. */
static void finish_locked(struct job *job, unsigned status, struct MHD_Response *response)
{
    if (job->is_given_up) {
        if (response)
            MHD_destroy_response(response);
        job_unref_locked(job);
        return;
    }
    job->status = status;
    job->response = response;
    if (!response)
        job->refusal = 500; /* out of memory: the network thread tries, or drops the connection */
    MHD_resume_connection(job->connection);
}

/* --- answers that come later
 * ---------------------------------------------------------------------------- */

struct http_later *http_respond_later(struct http_request *req)
{
    struct job *job = (struct job *)(void *)((char *)req - offsetof(struct job, req));
    struct http_server *server = job->server;
    struct http_later *later = &job->later;
    pthread_mutex_lock(&server->lock);
    *later = (struct http_later){
        .job = job, .next = &server->waiting, .before = server->waiting.before, .is_running = true};
    later->next->before = later->before->next = later;
    server->n_refs++;
    pthread_mutex_unlock(&server->lock);
    req->later = later;
    return later;
}

static void unlink_locked(const struct http_later *later)
{
    later->next->before = later->before;
    later->before->next = later->next;
}

/* The handler has returned: the connection is resumed by whoever comes second, it or the answer. */
static void leave_locked(struct job *job)
{
    job->later.is_running = false;
    if (!job->later.is_answered)
        return;
    unlink_locked(&job->later);
    finish_locked(job, job->later.status, job->later.response);
}

void http_answer(struct http_later *later, struct http_response *res)
{
    struct job *job = later->job;
    struct http_server *server = job->server;
    unsigned status;
    struct MHD_Response *response = response_of(job, res, &status);
    pthread_mutex_lock(&server->lock);
    if (later->is_running) {
        later->is_answered = true;
        later->status = status;
        later->response = response;
    } else {
        unlink_locked(later);
        finish_locked(job, status, response);
    }
    pthread_mutex_unlock(&server->lock);
    server_unref(server);
}

static void *worker_run(void *ctx)
{
    struct worker *worker = ctx;
    struct http_server *server = worker->server;
    struct lane *lane = worker->lane;
    if (lane != server->lanes)
        (void)setpriority(PRIO_PROCESS, (id_t)gettid(), OTHERS_NICE); /* of this thread alone */
    pthread_mutex_lock(&server->lock);
    for (;;) {
        while (!lane->first && !server->is_closing)
            pthread_cond_wait(&lane->work, &server->lock);
        struct job *job = worker->job = pop_locked(lane);
        if (!job)
            break;
        pthread_mutex_unlock(&server->lock);
        unsigned status = 0;
        struct MHD_Response *response = NULL;
        bool is_done = run_handler(job, &response, &status);
        pthread_mutex_lock(&server->lock);
        worker->job = NULL;
        if (is_done)
            finish_locked(job, status, response);
        else
            leave_locked(job);
    }
    pthread_mutex_unlock(&server->lock);
    server_unref(server);
    return NULL;
}

/* --- reading a request
 * ---------------------------------------------------------------------------- */

struct header_ctx {
    struct http_request *req;
    size_t n_bytes;
    bool has_failed;
};

static enum MHD_Result on_header(void *ctx, enum MHD_ValueKind kind, const char *name,
                                 const char *value)
{
    (void)kind;
    struct header_ctx *to = ctx;
    struct arena *arena = to->req->arena;
    struct http_header *header = vec_push(arena, &to->req->headers);
    if (header) {
        header->name = arena_dup(arena, str_from(name));
        header->value = arena_dup(arena, str_trim(str_from(value)));
        to->n_bytes += header->name.len + header->value.len + 4;
    }
    to->has_failed |= !header || !header->name.ptr || !header->value.ptr;
    return to->has_failed ? MHD_NO : MHD_YES;
}

static str print_peer(struct arena *arena, struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    char text[64] = "";
    if (info && info->client_addr)
        getnameinfo(info->client_addr,
                    info->client_addr->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                                             : sizeof(struct sockaddr_in),
                    text, sizeof(text), NULL, 0, NI_NUMERICHOST);
    return arena_dup(arena, str_from(text));
}

static bool is_host(str host)
{
    for (size_t i = 0; i < host.len; i++) {
        char c = host.ptr[i];
        bool is_alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_alnum && str_find_byte(STR("-._:[]"), c) == 6)
            return false;
    }
    return host.len > 0;
}

static str print_scheme_host(const struct http_server *server, struct http_request *req)
{
    const char *scheme = server->cert ? "https" : "http";
    str host = http_request_header(req, STR("Host"));
    if (is_host(host))
        return arena_printf(req->arena, "%s://" STR_FMT, scheme, STR_ARG(host));
    bool is_v6 = strchr(server->address, ':') != NULL;
    return arena_printf(req->arena, is_v6 ? "%s://[%s]:%u" : "%s://%s:%u", scheme, server->address,
                        server->port);
}

/* The status to refuse it with; 0: well. */
static unsigned fill_request(struct job *job, const char *method)
{
    struct http_server *server = job->server;
    struct http_request *req = &job->req;
    struct err err;
    *req = (struct http_request){.arena = &job->arena, .user = server->spec.user};
    req->id = atomic_fetch_add(&server->last_id, 1) + 1;
    if (!job->target || !http_target_parse(str_from(job->target), req, &err))
        return job->target && err.kind == ERR_FORMAT ? 400 : 500;
    struct header_ctx headers = {.req = req};
    MHD_get_connection_values(job->connection, MHD_HEADER_KIND, on_header, &headers);
    if (headers.n_bytes + strlen(job->target) > LIMIT(HTTP_HEADER))
        return 431;
    req->method = arena_dup(&job->arena, str_from(method));
    req->remote = print_peer(&job->arena, job->connection);
    req->scheme_host = print_scheme_host(server, req);
    if (headers.has_failed || !req->method.ptr || !req->remote.ptr || !req->scheme_host.ptr)
        return 500;
    return 0;
}

static uint64_t max_body(const struct http_server *server, str path)
{
    uint64_t max = server->spec.max_body_of ? server->spec.max_body_of(server->spec.user, path) : 0;
    if (max == 0)
        max = server->spec.max_body;
    return max ? max : LIMIT(HTTP_BODY);
}

/* A body that is too large is read and dropped, up to a point, since a client that still sends does
 * not see the answer; one that asks first (Expect), or has far too much, is told at once. */
static enum MHD_Result begin(struct job *job, const char *method)
{
    job->has_head = true;
    job->refusal = fill_request(job, method);
    if (job->refusal)
        return refuse(job, job->refusal);
    uint64_t max = max_body(job->server, job->req.path), length = 0;
    sb_init(&job->body, max);
    str text = http_request_header(&job->req, STR("Content-Length"));
    if (text.len && !str_to_u64(text, UINT64_MAX, &length))
        length = UINT64_MAX;
    if (length <= max)
        return MHD_YES;
    job->refusal = 413;
    bool asks = http_request_header(&job->req, STR("Expect")).len > 0;
    return asks || length - max > LIMIT(HTTP_DISCARD) ? refuse(job, 413) : MHD_YES;
}

static enum MHD_Result take_body(struct job *job, const char *bytes, size_t *n)
{
    if (!job->refusal)
        sb_add(&job->body, str_of(bytes, *n));
    if (job->body.has_failed)
        job->refusal = 413;
    if (job->refusal)
        job->n_discarded += *n;
    *n = 0;
    return job->n_discarded > LIMIT(HTTP_DISCARD) + job->body.max_bytes ? MHD_NO : MHD_YES;
}

static enum MHD_Result submit(struct job *job)
{
    struct http_server *server = job->server;
    job->req.body = sb_str(&job->body);
    const struct http_server_spec *spec = &server->spec;
    unsigned number = spec->lane_of ? spec->lane_of(spec->user, &job->req) : 0;
    struct lane *lane = &server->lanes[number < HTTP_LANES ? number : 0];
    pthread_mutex_lock(&server->lock);
    bool is_closing = server->is_closing;
    if (!is_closing) {
        MHD_suspend_connection(job->connection);
        if (lane->last)
            lane->last->next = job;
        else
            lane->first = job;
        lane->last = job;
        pthread_cond_signal(&lane->work);
    }
    pthread_mutex_unlock(&server->lock);
    return is_closing ? refuse(job, 503) : MHD_YES;
}

/* Called with the head, with each piece of body, at the body's end, and when resumed. */
static enum MHD_Result on_request(void *ctx, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *bytes,
                                  size_t *n_bytes, void **request)
{
    (void)ctx, (void)url, (void)version;
    struct job *job = *request;
    if (!job)
        return MHD_NO;
    if (!job->has_head)
        return begin(job, method);
    if (*n_bytes > 0)
        return take_body(job, bytes, n_bytes);
    if (job->response)
        return MHD_queue_response(connection, job->status, job->response);
    return job->refusal ? refuse(job, job->refusal) : submit(job);
}

/* --- open and close
 * ------------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 0))) static void on_log(void *ctx, const char *fmt, va_list ap)
{
    struct http_server *server = ctx;
    char text[sizeof(server->mhd_text)];
    vsnprintf(text, sizeof(text), fmt, ap);
    if (!server->daemon) /* still in open(), one thread */
        memcpy(server->mhd_text, text, sizeof(text));
    log_event(LOG_DEBUG, "libmicrohttpd", LOG_STR("text", str_trim(str_from(text))));
}

static int bind_any(const struct addrinfo *list, struct err *err)
{
    for (const struct addrinfo *ai = list; ai; ai = ai->ai_next) {
        int on = 1, off = 0;
        auto_fd fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
            continue;
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
        if (ai->ai_family == AF_INET6)
            setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
        if (bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
            return take_fd(&fd);
    }
    err_sys(err, ERR_UNAVAILABLE, "cannot listen");
    return -1;
}

static bool listen_on(struct http_server *server, struct err *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICHOST};
    struct addrinfo *list = NULL;
    char port[8];
    snprintf(port, sizeof(port), "%u", server->spec.port);
    if (getaddrinfo(server->address, port, &hints, &list) != 0)
        return err_set(err, ERR_USAGE, "'%s' is no address to listen on", server->address);
    server->listen_fd = bind_any(list, err);
    freeaddrinfo(list);
    if (server->listen_fd < 0)
        return err_wrap(err, "%s port %u", server->address, server->spec.port);
    struct sockaddr_storage at = {0};
    socklen_t len = sizeof(at);
    getsockname(server->listen_fd, (struct sockaddr *)&at, &len);
    getnameinfo((struct sockaddr *)&at, len, NULL, 0, port, sizeof(port), NI_NUMERICSERV);
    uint64_t number = 0;
    if (!str_to_u64(str_from(port), UINT16_MAX, &number))
        return err_set(err, ERR_UNAVAILABLE, "%s: no port", server->address);
    server->port = (uint16_t)number;
    return true;
}

/* It gets a descriptor of its own, which it closes when it does not start. */
static bool start_daemon(struct http_server *server, struct MHD_Daemon **out, struct err *err)
{
    int fd = fcntl(server->listen_fd, F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        return err_sys(err, ERR_UNAVAILABLE, "listening socket");
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, server->cert},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, server->key},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_PRIORITIES},
        {MHD_OPTION_END, 0, NULL},
    };
    struct MHD_Daemon *daemon = MHD_start_daemon(
        server->cert ? flags | MHD_USE_TLS : flags, 0, NULL, NULL, on_request, server,
        MHD_OPTION_EXTERNAL_LOGGER, on_log, server, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_URI_LOG_CALLBACK, on_target, server, MHD_OPTION_NOTIFY_COMPLETED, on_completed,
        server, MHD_OPTION_THREAD_POOL_SIZE, (unsigned)N_NETWORK_THREADS,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)LIMIT(HTTP_CONNECTIONS),
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_TIMEOUT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)LIMIT(HTTP_HEADER) + POOL_BYTES_BESIDE_HEAD, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_ARRAY, server->cert ? tls : tls + 3, MHD_OPTION_END);
    if (!daemon)
        return err_set(err, ERR_UNAVAILABLE, "%s port %u: %s", server->address, server->port,
                       server->mhd_text[0] ? server->mhd_text : "the server does not start");
    *out = daemon;
    return true;
}

static bool start_workers(struct http_server *server, unsigned n_first, unsigned n_others,
                          struct err *err)
{
    for (unsigned i = 0; i < n_first + n_others * (HTTP_LANES - 1); i++) {
        struct worker *worker = &server->workers[i];
        worker->server = server;
        worker->lane = &server->lanes[i < n_first ? 0 : 1 + (i - n_first) / n_others];
        server->n_refs++; /* no worker looks at it yet */
        errno = pthread_create(&worker->thread, NULL, worker_run, worker);
        if (errno) {
            server->n_refs--;
            return err_sys(err, ERR_UNAVAILABLE, "worker thread");
        }
        server->n_workers++;
    }
    return true;
}

static char *dup_str(str s)
{
    char *copy = calloc(1, s.len + 1);
    if (copy && s.len)
        memcpy(copy, s.ptr, s.len);
    return copy;
}

static bool init(struct http_server *server, const struct http_server_spec *spec, struct err *err)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&server->lock, NULL);
    for (size_t i = 0; i < HTTP_LANES; i++)
        pthread_cond_init(&server->lanes[i].work, NULL);
    pthread_cond_init(&server->quiet, &attr);
    pthread_condattr_destroy(&attr);
    server->spec = *spec;
    server->waiting.next = server->waiting.before = &server->waiting;
    server->n_refs = 1;
    server->listen_fd = -1;
    bool is_tls = spec->cert_pem.len > 0;
    server->address = dup_str(spec->address);
    server->cert = is_tls ? dup_str(spec->cert_pem) : NULL;
    server->key = is_tls ? dup_str(spec->key_pem) : NULL;
    return (server->address && (!is_tls || (server->cert && server->key))) || err_memory(err);
}

bool http_server_open(const struct http_server_spec *spec, struct http_server **out,
                      struct err *err)
{
    unsigned n = spec->n_workers ? spec->n_workers : N_WORKERS;
    unsigned n_others = spec->n_others ? spec->n_others : N_OTHERS;
    if (!spec->lane_of)
        n_others = 0;
    size_t n_all = n + (size_t)n_others * (HTTP_LANES - 1);
    struct http_server *server = calloc(1, sizeof(*server) + n_all * sizeof(server->workers[0]));
    if (!server)
        return err_memory(err);
    if (!init(server, spec, err) || !listen_on(server, err) ||
        !start_workers(server, n, n_others, err) || !start_daemon(server, &server->daemon, err)) {
        http_server_close(server, 0);
        return false;
    }
    *out = server;
    return true;
}

uint16_t http_server_port(const struct http_server *server) { return server->port; }

/* --- another certificate
 * ---------------------------------------------------------------------------- */
bool http_server_reap(struct http_server *server)
{
    size_t n = 0;
    for (size_t i = 0; i < server->n_former; i++) {
        struct MHD_Daemon *daemon = server->former[i];
        const union MHD_DaemonInfo *info =
            MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);
        if (info && info->num_connections > 0)
            server->former[n++] = daemon;
        else
            MHD_stop_daemon(daemon);
    }
    server->n_former = n;
    return n > 0;
}

/* No new connection. */
static void quiesce(struct MHD_Daemon *daemon)
{
    int fd = MHD_quiesce_daemon(daemon);
    if (fd >= 0)
        close(fd);
}

/* The new daemon accepts from the same socket before the former one stops to, so no client is
 * refused in between. */
static bool replace_daemon(struct http_server *server, struct err *err)
{
    struct MHD_Daemon *fresh = NULL;
    if (!start_daemon(server, &fresh, err))
        return err_set(err, ERR_FORMAT, "it is none, or the key is not its own");
    quiesce(server->daemon);
    server->former[server->n_former++] = server->daemon;
    server->daemon = fresh;
    return true;
}

bool http_server_certificate(struct http_server *server, str cert_pem, str key_pem, struct err *err)
{
    char *cert = server->cert, *key = server->key;
    http_server_reap(server);
    if (!cert || (str_eq(str_from(cert), cert_pem) && str_eq(str_from(key), key_pem)))
        return true;
    if (server->n_former == FORMER_MAX)
        return err_set(err, ERR_UNAVAILABLE, "connections of %d former certificates are still open",
                       FORMER_MAX);
    server->cert = dup_str(cert_pem);
    server->key = dup_str(key_pem);
    bool ok = server->cert && server->key ? replace_daemon(server, err) : err_memory(err);
    free(ok ? cert : server->cert); /* libmicrohttpd has read its own copy */
    free(ok ? key : server->key);
    if (!ok) {
        server->cert = cert;
        server->key = key;
    }
    return ok || err_wrap(err, "certificate");
}

static void wait_quiet_locked(struct http_server *server, uint32_t ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    while (server->n_active > 0)
        if (pthread_cond_timedwait(&server->quiet, &server->lock, &until) != 0)
            return;
}

static void answer_503_locked(struct job *job)
{
    job->status = job->refusal = 503;
    job->response = refusal(job->server, 503);
    MHD_resume_connection(job->connection);
}

static void give_up_one_locked(struct job *job)
{
    job->is_given_up = true;
    job->n_refs++;
    answer_503_locked(job);
}

/* Nobody waits for these any more: their clients get 503, their handlers end when they end. */
static void give_up_locked(struct http_server *server)
{
    struct job *job;
    for (size_t i = 0; i < HTTP_LANES; i++)
        while ((job = pop_locked(&server->lanes[i])))
            answer_503_locked(job);
    for (unsigned i = 0; i < server->n_workers; i++) {
        job = server->workers[i].job;
        if (!job)
            continue;
        give_up_one_locked(job);
    }
    for (struct http_later *l = server->waiting.next; l != &server->waiting; l = l->next)
        if (!l->is_running) /* else its worker was just seen to */
            give_up_one_locked(l->job);
}

static void end_workers(struct http_server *server)
{
    for (unsigned i = 0; i < server->n_workers; i++) {
        pthread_mutex_lock(&server->lock);
        bool is_busy = server->workers[i].job != NULL;
        pthread_t thread = server->workers[i].thread;
        pthread_mutex_unlock(&server->lock);
        if (is_busy)
            pthread_detach(thread);
        else
            pthread_join(thread, NULL);
    }
}

void http_server_close(struct http_server *server, uint32_t grace_ms)
{
    if (!server)
        return;
    if (server->daemon)
        quiesce(server->daemon);
    pthread_mutex_lock(&server->lock);
    server->is_closing = true;
    for (size_t i = 0; i < HTTP_LANES; i++)
        pthread_cond_broadcast(&server->lanes[i].work);
    if (server->daemon) {
        wait_quiet_locked(server, grace_ms);
        if (server->n_active > 0) {
            give_up_locked(server);
            wait_quiet_locked(server, FLUSH_MS);
        }
    }
    pthread_mutex_unlock(&server->lock);
    for (size_t i = 0; i < server->n_former; i++)
        MHD_stop_daemon(server->former[i]);
    if (server->daemon)
        MHD_stop_daemon(server->daemon);
    if (server->listen_fd >= 0)
        close(server->listen_fd);
    end_workers(server);
    server_unref(server);
}
