/* SPDX-License-Identifier: Apache-2.0 */
/* api.h - the REST routes of a server: findings and recommendations in Azure's shapes,
 * notifications of registries, and what an operator asks of the queue.  One file a resource, each
 * ending with its rows. Not: HTTP itself (http/), what the answers say (store/, guard/).
 *
 *   request ─ route ─ token ─ api-version ─ handler ─> JSON
 *        any of them says no ───────────────────────> {"error":{"code","message"}}
 *
 * Owns: an api owns its connections to the store until api_close.  Threads: any, at the same time.
 */
#pragma once

#include "guard/guard.h"
#include "http/http.h"

struct api_spec {
    const struct config *config; /* borrowed */
    struct guard *guard;         /* borrowed; NULL: notifications are refused with 503 */
    const char *store_path;
    bool is_probe; /* only what says how it is: health, readiness, metrics; to anybody */
    const struct secret_key *key; /* borrowed: what the keys of access tokens are sealed with */
};
struct api;
NODISCARD bool api_open(const struct api_spec *spec, struct api **out, struct err *err);
/* The configuration changed: guard_reload took this one. */
void api_configure(struct api *api, const struct config *config);
/* After the server that uses it was closed. */
void api_close(struct api *api);

/* The principal that the first start makes, and its secret, seen this once; later: only the tenant.
 */
struct api_owner {
    str tenant, client_id, secret;
};
NODISCARD bool api_first_owner(struct api *api, struct arena *arena, struct api_owner *out,
                               struct err *err);

/* What takes long, and what writes, each waits for its kind only; for http_server_spec.lane_of. */
unsigned api_lane(void *user, struct http_request *req);
/* For http_server_spec: handler (user is the struct api), max_body_of (as configured), refusal. */
void api_handle(struct http_request *req, struct http_response *res);
uint64_t api_max_body(void *user, str path);
const char *api_refusal(unsigned status, struct sb *body);

/* What documents and tests loop over. */
struct api_row {
    const char *method, *pattern, *summary;
    bool is_public;     /* no bearer token */
    bool is_arm;        /* wants api-version */
    const char *action; /* that a role must allow; NULL: none */
};
/* The built-in roles, and whether one allows an action. */
const char *api_role_name(size_t i); /* NULL behind the last */
bool api_role_may(size_t i, const char *action);
/* The metrics of GET /metrics. */
struct api_metric {
    const char *name, *type, *help;
};
const struct api_metric *api_metric_at(size_t i); /* NULL behind the last */
/* The row of @index over all resources; false behind the last. */
bool api_row_at(size_t index, struct api_row *out);
