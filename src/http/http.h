/* SPDX-License-Identifier: Apache-2.0 */
/* http.h - HTTP/1.1 (RFC 9112): a client by libcurl, a TLS server by libmicrohttpd, a router.
 * Not: any word of our domain.
 * Owns: what *_open made, until *_close.  Threads: a client serves one thread at a time; the server
 * calls handlers on its own workers, never on a network thread, so a handler may block. */
#pragma once

#include "base/cancel.h"
#include "base/limits.h"
#include "base/sb.h"
#include "base/vec.h"
#include "codec/codec.h"

struct http_header {
    str name, value; /* names compare without case */
};
typedef VEC(struct http_header) http_headers;
str http_header_get(const http_headers *headers, str name); /* the first; empty when absent */

/* --- client ---------------------------------------------------------------------------------- */
/* Clients that are closed rest here with their connections, until one of the same kind is opened.
 * Any thread.  Closed after the last of its clients. */
struct http_pool;
NODISCARD bool http_pool_open(struct http_pool **out, struct err *err);
void http_pool_close(struct http_pool *pool);

struct http_client_spec {
    const char *user_agent;
    const char *ca_file; /* NULL: the system's */
    const char *client_cert_file, *client_key_file;
    const char *ca_pem, *client_cert_pem, *client_key_pem; /* the same in memory, borrowed until the
                                                            * client is closed */
    const char *proxy;           /* NULL: from the environment; "": none */
    const char *no_proxy;        /* hosts that are reached without it, by commas; NULL: none */
    struct http_pool *pool;      /* borrowed; NULL: connections end with the client */
    uint32_t stall_s;            /* below LIMIT_HTTP_SPEED for so long; 0: 60 */
    uint32_t connect_s;          /* 0: 15 */
    const struct cancel *cancel; /* borrowed; may be NULL */
};
struct http_client;
NODISCARD bool http_client_open(const struct http_client_spec *spec, struct http_client **out,
                                struct err *err);
void http_client_close(struct http_client *client);

struct http_call {
    const char *method; /* NULL: GET */
    const char *url;    /* http: or https: only */
    const struct http_header *headers;
    size_t n_headers;
    str body;
    const struct source *body_from; /* instead of body: exactly body_bytes, pulled while they are
                                     * sent.  It is read once: no redirect is followed */
    uint64_t body_bytes;
    bool follows_redirects; /* at most 8; Authorization goes only to the first host (scheme and port
                             * too), and who asked by https is not led to http */
    uint64_t range_from;    /* >0: Range: bytes=N- */
};
/* Why there is no answer. */
enum http_failure {
    HTTP_FAILURE_NONE,
    HTTP_FAILURE_OTHER,
    HTTP_FAILURE_NAME,    /* no such host */
    HTTP_FAILURE_CONNECT, /* refused, unreachable */
    HTTP_FAILURE_TLS,
    HTTP_FAILURE_TIMEOUT,
    HTTP_FAILURE_BROKEN, /* the connection ended before the answer did */
};
struct http_answer {
    int status;
    enum http_failure failure;
    str final_url;
    http_headers headers;
    str body; /* http_fetch only */
};
/* Whole answer, body at most @max bytes, into @arena.  True for every status; false for what is not
 * an answer: ERR_UNAVAILABLE (refused, no such host, timeout, TLS: the message says which and names
 * the host), ERR_LIMIT, ERR_CANCELLED. */
NODISCARD bool http_fetch(struct http_client *client, const struct http_call *call,
                          struct arena *arena, size_t max, struct http_answer *out,
                          struct err *err);

/* A body as it comes: the headers are read, then http_stream_next gives chunks. A body shorter than
 * its Content-Length is ERR_UNAVAILABLE ("ended after N of M bytes").  Other calls of the same
 * client may run between two chunks. */
struct http_stream;
NODISCARD bool http_stream_open(struct http_client *client, const struct http_call *call,
                                struct arena *arena, struct http_stream **out,
                                struct http_answer *answer, struct err *err);
NODISCARD enum next http_stream_next(struct http_stream *stream, str *chunk, struct err *err);
void http_stream_close(struct http_stream *stream);

/* A header that may be sent: RFC 9110 5.1 and 5.5. */
bool http_header_may_be(str name, str value);

/* --- mail ------------------------------------------------------------------------------------- */
/* One message by SMTP (RFC 5321), over the client's libcurl. */
struct http_mail {
    const char *url; /* smtp://HOST:PORT, smtps://HOST:PORT */
    const char *ca_file;
    bool is_starttls; /* smtp: only with TLS, or not at all */
    const char *username, *password;
    str from;
    const str *to;
    size_t n_to;
    str message; /* RFC 5322, CRLF, dots are doubled on the way */
    uint32_t timeout_s;
    const struct cancel *cancel;
};
/* *status: the server's last reply, 250 when it took the message for every receiver; 0: none came.
 * *reply, in @arena: its words.  False: ERR_UNAVAILABLE (no connection, TLS, refused), in words. */
NODISCARD bool http_mail_send(const struct http_mail *mail, struct arena *arena, int *status,
                              str *reply, struct err *err);
/* "local@host.example", nothing that could mean more than that. */
bool http_mail_address(str text);

/* Percent-encode all but RFC 3986's unreserved characters; ptr NULL: arena used up. */
str http_url_escape(struct arena *arena, str text);
NODISCARD bool http_url_unescape(struct arena *arena, str text, str *out);
/* scheme, host (with port) and the rest of an absolute URL; false when it is none. */
NODISCARD bool http_url_split(str url, str *scheme, str *host, str *rest);

/* --- server ---------------------------------------------------------------------------------- */
struct http_query {
    str key, value; /* decoded */
};
struct http_request {
    struct arena *arena; /* lives as long as the request */
    str method;
    str target; /* raw path, before decoding, without query */
    str path;   /* repeated slashes collapsed, one trailing slash dropped, segments still escaped */
    VEC(struct http_query) query;
    http_headers headers;
    str body;
    str remote;           /* address of the peer */
    str scheme_host;      /* "https://HOST:PORT" that the client used */
    str params[8];        /* decoded {name} segments of the route, in order */
    void *user;           /* of the server's spec */
    uint64_t id;          /* rises; for the log */
    str split, *segments; /* a path and what it is of; the router's own */
    size_t n_segments;
    const void *found; /* what lane_of() found out, for the handler */
    int fit;
    struct http_later *later; /* the server's own */
};
str http_request_header(const struct http_request *req, str name);
str http_request_query(const struct http_request *req,
                       str key); /* key without case; empty when absent */

struct http_response {
    int status;           /* a handler sets it: 0 is answered as 500 */
    http_headers headers; /* in the request's arena */
    struct sb body;       /* maximum LIMIT_HTTP_ANSWER */
};
/* False when the arena is used up. */
NODISCARD bool http_respond_header(struct http_request *req, struct http_response *res, str name,
                                   str value);

typedef void http_handler(struct http_request *req, struct http_response *res);
/* A handler that waits for something shared (a commit, say) needs no thread for it: it asks for the
 * answer to be given later, and returns; what it wrote into its response is dropped.  The request
 * and its arena live until http_answer(), which any thread calls, exactly once, perhaps before the
 * handler has returned.  NULL: no memory. */
struct http_later;
struct http_later *http_respond_later(struct http_request *req);
/* Takes the body's memory. */
void http_answer(struct http_later *later, struct http_response *res);
enum { HTTP_LANES = 3 };
struct http_server_spec {
    str address;           /* "127.0.0.1" or "::" */
    uint16_t port;         /* 0: any free one */
    str cert_pem, key_pem; /* empty: plain HTTP */
    unsigned n_workers;    /* of the first lane; 0: 4 */
    unsigned n_others;     /* of each other lane, when there is lane_of(); 0: 2 */
    /* Requests of one lane wait only for each other; those of the first are the first to get a
     * processor.  Called on network threads, before the handler.  NULL: there is one lane. */
    unsigned (*lane_of)(void *user, struct http_request *req);
    http_handler *handler;
    void *user;
    uint64_t max_body; /* 0: LIMIT_HTTP_BODY */
    /* A larger maximum for some targets; NULL: none. Answer 0 for the default. */
    uint64_t (*max_body_of)(void *user, str path);
    /* What stands in an answer that the server gives by itself (400, 413, 431, 500, 503): the
     * content type, and the text into @body.  NULL: one plain line.  Called on network threads too.
     */
    const char *(*refusal)(unsigned status, struct sb *body);
};
struct http_server;
/* The handler runs on a worker while the connection is suspended: a slow one delays only its
 * client. */
NODISCARD bool http_server_open(const struct http_server_spec *spec, struct http_server **out,
                                struct err *err);
uint16_t http_server_port(const struct http_server *server);
/* Stop accepting, let running handlers end (at most @grace_ms), close. */
void http_server_close(struct http_server *server, uint32_t grace_ms);

/* New connections get this certificate; those that are open keep theirs.  False: it is none, or not
 * the key's, and nothing changed. */
NODISCARD bool http_server_certificate(struct http_server *server, str cert_pem, str key_pem,
                                       struct err *err);
/* Frees what served connections of former certificates that have ended; true: some are left. */
bool http_server_reap(struct http_server *server);

/* A private key and a certificate it signs itself (ECDSA P-256, @days), with @names ("localhost",
 * "127.0.0.1", …) as subjectAltName, serverAuth: PEM into @arena. */
NODISCARD bool http_self_signed(struct arena *arena, const str *names, size_t n, unsigned days,
                                str *cert_pem, str *key_pem, struct err *err);

/* --- router ---------------------------------------------------------------------------------- */
/* Literal segments compare without case; "{name}" takes one segment, "{name*}" as many as it must
 * (at least one; one such a pattern).  At most 8 a pattern.  HEAD fits GET's rows.  The first row
 * that fits path and method wins; rows must not depend on order otherwise. */
struct http_route {
    const char *method;
    const char *pattern; /* "/healthz", "/subscriptions/{sub}/…/registries/{registry}" */
    http_handler *handler;
    const void *extra; /* what the table's owner wants beside it: permission, summary */
};
enum http_route_fit { ROUTE_NONE, ROUTE_OTHER_METHOD, ROUTE_FOUND };
/* Fills req->params. */
enum http_route_fit http_route_find(const struct http_route *routes, size_t n,
                                    struct http_request *req, const struct http_route **out);
