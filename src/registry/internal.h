/* SPDX-License-Identifier: Apache-2.0 */
/* internal.h - what the files of registry/ share: one registry, one request to it. */
#pragma once

#include <threads.h>

#include "http/http.h"
#include "registry/registry.h"
#include "syntax/syntax.h"

struct registry {
    struct image_source base;
    struct arena arena; /* what lives as long as the source */
    struct reference ref;
    str api_host;
    struct http_client_spec http;
    struct http_client *client;
    struct registry_credentials credentials;
    struct registry_azure azure;
    str account;              /* who we are there, hashed: the key of shared tokens */
    struct registry_hub *hub; /* borrowed; may be NULL */
    uint32_t concurrency;
    mtx_t seat_lock; /* guards n_reading; held while the first one waits for the seat */
    unsigned n_reading;
    bool is_loopback;
    mtx_t lock; /* guards all below: blob streams ask for tokens on threads of their own */
    bool is_plain_http, is_scheme_known;
    struct sb authorization;   /* "Bearer …", "Basic …", or empty */
    int64_t expires_mono_ms;   /* of a bearer token; 0: never */
    struct sb refresh;         /* an Azure registry's refresh token; empty: none yet */
    str realm;                 /* of the first challenge */
    enum http_failure failure; /* of the last request that got no answer */
};

struct request {
    str path;           /* "/v2/…" */
    str url;            /* absolute, instead of path: where an upload goes on */
    const char *method; /* NULL: GET */
    str body;
    const struct source *body_from; /* instead: body_bytes, read once, so nothing is tried again;
                                     * after a 401 the next request has the right token */
    uint64_t body_bytes;
    const char *content_type; /* of the body */
    const char *accept;
    uint64_t range_from;
    bool is_stream;
    bool is_anonymous; /* no Authorization, and a challenge is an answer */
    str authorization; /* with is_anonymous: this one, instead */
    size_t max;        /* of a body that is read whole */
};
struct reply {
    struct http_answer answer;
    struct http_stream *stream; /* of is_stream; the caller closes it */
};
/* client.c: one request with all that may come between: scheme, challenge, redirects, patience.
 * True for every status that is an answer.  @client is used by one thread at a time. */
NODISCARD bool registry_send(struct registry *registry, struct http_client *client,
                             struct arena *arena, const struct request *request,
                             struct reply *reply, struct err *err);
/* Whether @answer, or why there is none, asks to come again, and it is worth waiting; waits.
 * @is_harmless: the request may be sent twice. */
bool registry_waits(const struct registry *registry, const struct http_answer *answer,
                    bool is_harmless, unsigned n_tries);

/* Every stream of registry_send ends here. */
void registry_stream_close(struct registry *registry, struct http_stream *stream);

/* hub.c: a seat at @host for one source; waits while @max others have theirs.  Only who reads takes
 * one, so that nobody waits for a seat while holding what another reader waits for. */
NODISCARD bool hub_sit(struct registry_hub *hub, str host, uint32_t max,
                       const struct cancel *cancel, struct err *err);
void hub_rise(struct registry_hub *hub, str host);
void hub_rest(struct registry_hub *hub, str host, int64_t ms);
struct http_pool *hub_pool(struct registry_hub *hub);
/* Tokens by what they are for: @key.  False: none that is valid. */
bool hub_token_get(struct registry_hub *hub, str key, struct sb *out, int64_t *expires_mono_ms);
void hub_token_put(struct registry_hub *hub, str key, str token, int64_t expires_mono_ms);

/* registry.c: what a status that is no success means. */
bool registry_fail_status(const struct registry *registry, int status, const char *noun, str name,
                          struct err *err);

/* referrers.c: the op of a source */
NODISCARD bool registry_referrers(struct image_source *source, struct arena *arena,
                                  const digest *subject, str artifact_type, descriptors *out,
                                  struct err *err);

extern const char registry_accept_manifests[];

/* push.c: one attempt at a blob that @from gives once.  When *is_again, another one, with a source
 * opened anew, may end better. */
struct upload {
    const struct descriptor *what;
    const struct source *from;
    str mount_from;   /* a repository of the same registry that may have it; empty: none */
    bool *is_mounted; /* then nothing of @from was read */
};
NODISCARD bool registry_upload(struct image_source *registry, const struct upload *upload,
                               bool *is_again, struct err *err);
NODISCARD bool registry_has_blob(struct image_source *registry, const digest *name, bool *out,
                                 struct err *err);
NODISCARD bool registry_put_manifest(struct image_source *registry, str name, str json,
                                     const char *media_type, struct err *err);

/* auth.c: where a token is to be had. */
struct realm {
    str url, host, service, scope;
    bool takes_credentials; /* https, or this machine */
};
/* The bearer challenge among @headers; ERR_DENIED: none, or no safe one. */
NODISCARD bool registry_realm(struct registry *registry, struct arena *arena,
                              const http_headers *headers, struct realm *out, struct err *err);
/* A token from there, as it is: "Bearer" is not in front. */
NODISCARD bool registry_token(struct registry *registry, struct http_client *client,
                              struct arena *arena, const struct realm *realm, str *token,
                              int64_t *seconds, struct err *err);
NODISCARD bool registry_token_call(struct registry *registry, struct http_client *client,
                                   struct arena *arena, const struct http_call *call,
                                   struct http_answer *answer, struct err *err);
/* "key=value" of a form or query, with '&' in front unless it is the first. */
NODISCARD bool registry_form_add(struct sb *form, struct arena *arena, const char *key, str value,
                                 struct err *err);
/* A string of a JSON answer, copied; ERR_UNAVAILABLE when the answer is none, empty when it lacks
 * it. */
NODISCARD bool registry_answer_str(struct arena *arena, str host, str body, const char *key,
                                   str *out, struct err *err);
/* azure.c: the refresh token of a service principal: the kept one, unless @is_new is asked for. */
NODISCARD bool azure_refresh_token(struct registry *registry, struct http_client *client,
                                   struct arena *arena, const struct realm *realm, bool is_new,
                                   str *out, struct err *err);

/* auth.c: "Basic …" by user and password, for what is asked outside of /v2/; ERR_DENIED where they
 * are not sent. */
NODISCARD bool registry_basic(struct registry *registry, struct arena *arena, str *out,
                              struct err *err);

/* auth.c: answer a 401's challenges; the registry's Authorization is set when true. */
NODISCARD bool registry_authenticate(struct registry *registry, struct http_client *client,
                                     struct arena *arena, const http_headers *headers,
                                     struct err *err);
/* The Authorization to send, copied into @arena; empty: none, or no longer valid. */
NODISCARD bool registry_authorization(struct registry *registry, struct arena *arena, str *out,
                                      struct err *err);

/* credentials.c */
NODISCARD bool registry_credentials_load(struct arena *arena, str host,
                                         struct registry_credentials *out, struct err *err);

/* --- notifications: a sender a row
 * ------------------------------------------------------------------------------------------- */
struct event_sender {
    bool (*is_from)(const struct registry_message *in, const json_t *data);
    bool (*read)(struct arena *arena, const struct registry_message *in, const json_t *data,
                 registry_events *out, struct err *err);
};
extern const struct event_sender sender_distribution, sender_acr, sender_harbor, sender_zot;

struct registry_event *event_add(struct arena *arena, registry_events *out, struct err *err);
NODISCARD bool event_keep(struct arena *arena, str from, str *to, struct err *err);
NODISCARD bool event_keep_digest(str text, digest *out, struct err *err); /* empty: none */
NODISCARD bool event_keep_time(str text, int64_t *out, struct err *err);  /* empty: none */
NODISCARD bool event_is_whole(const struct registry_event *event, struct err *err);
/* The id of the @i-th event of a message without one. */
NODISCARD bool event_name_by_body(struct arena *arena, str body, size_t i, str *out,
                                  struct err *err);
