/* SPDX-License-Identifier: Apache-2.0 */
/* internal.h - what the files of api/ share: one call, and how it is refused. */
#pragma once

#include "api/api.h"
#include "syntax/syntax.h"

struct api {
    const struct config *_Atomic config; /* borrowed: whole while the guard's settings are pinned */
    struct guard *guard;                 /* borrowed, may be NULL */
    struct store_pool *pool;
    str assessment_key; /* in memory of the config */
};

struct api_call {
    struct api *api;
    struct http_request *req;
    struct http_response *res;
    struct arena *arena; /* of the request */
    struct store *store;
    struct jw jw;       /* into the answer's body */
    str principal;      /* who showed the token; empty: nobody */
    int refusal_status; /* set by api_refuse; 0: what the err's kind says */
    const char *refusal_code;
};

/* An operation answers by writing its JSON and api_done(); false: *err, or api_refuse(), says why
 * not, and whatever was written is dropped. */
typedef bool api_run(struct api_call *call, struct err *err);
struct api_op {
    api_run *run;
    const char *summary;
    bool is_public; /* no bearer token */
    bool is_arm;    /* wants api-version */
};
/* One file's rows; http_route.handler is NULL, extra is a struct api_op. */
struct api_resource {
    const struct http_route *routes;
    size_t n_routes;
};
#define API_OP(...) (&(const struct api_op){__VA_ARGS__})
#define API_RESOURCE(name, rows)                                                                   \
    const struct api_resource api_resource_##name = {.routes = (rows), .n_routes = ARRAY_LEN(rows)}

/* --- answer.c -----------------------------------------------------------------------------------
 */
/* Headers of ARM 1.3. */
NODISCARD bool api_headers(struct api_call *call);
NODISCARD bool api_done(struct api_call *call, int status, struct err *err);
/* The same for what is no JSON. */
NODISCARD bool api_done_as(struct api_call *call, int status, const char *content_type,
                           struct err *err);
/* Refuse with a code of ARM's own (1.5); always false. */
bool api_refuse(struct api_call *call, struct err *err, int status, const char *code,
                const char *fmt, ...) PRINTF(5, 6);
/* The error body for what api_refuse() or @err says. */
void api_write_error(struct api_call *call, const struct err *err);
/* A random UUID (RFC 9562, version 4); ptr NULL: the arena is used up. */
str api_uuid(struct arena *arena);
/* "https://host:port" for links: configured, or what the client used. */
str api_origin(const struct api_call *call);

/* --- scope.c: whose, and how many
 * ----------------------------------------------------------------- */
/* "subscriptions/S[/resourceGroups/G[/providers/Microsoft.ContainerRegistry/registries/R]]", and
 * that there is something of that kind. */
NODISCARD bool api_scope(struct api_call *call, str text, struct store_scope *out, struct err *err);
/* $top and $skipToken. */
NODISCARD bool api_page(struct api_call *call, struct store_page *out, struct err *err);
/* "nextLink", unless @next is empty. */
NODISCARD bool api_next_link(struct api_call *call, str next, struct err *err);
/* Refuses what a store said of a page: its token was not ours. */
NODISCARD bool api_page_error(struct api_call *call, struct err *err);
bool api_is_uuid(str text);
str api_lower(struct arena *arena, str text);

/* --- finding.c: a sub-assessment
 * ------------------------------------------------------------------ */
/* "…/providers/Microsoft.Security/assessments/KEY" of a registry. */
str api_assessment_id(struct api_call *call, const struct store_registry *registry);
NODISCARD bool api_write_finding(struct api_call *call, const struct store_finding *finding,
                                 struct err *err);
/* A time of the store as JSON; left out when 0. */
void api_write_time(struct jw *jw, const char *key, int64_t utc_s);
