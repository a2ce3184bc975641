/* SPDX-License-Identifier: Apache-2.0 */
/* internal.h - what the files of api/ share: one call, and how it is refused. */
#pragma once

#include <pthread.h>

#include "api/api.h"
#include "store/principals.h"
#include "syntax/syntax.h"

/* --- roles.c, custom.c: what a role allows
 * ----------------------------------------------------------------------- */
struct role {
    const char *id, *name, *description;                                   /* id: UUID */
    const char *const *actions, *const *not_actions, *const *data_actions; /* each ends with NULL */
    const struct store_role *made; /* by somebody, and not built in; NULL */
};
typedef VEC(struct role) roles;
const struct role *role_at(size_t i); /* built in; NULL behind the last */
const struct role *role_find(str id); /* built in; NULL */
bool role_allows(const struct role *role, str action);
bool action_fits(str pattern, str action);
/* Where somebody may do what a role allows. */
struct grant {
    str scope; /* lower case, without slash at its end; empty: everywhere */
    const struct role *role;
};

/* --- tokens.c: access tokens, signed and read
 * ------------------------------------------------------------------ */
struct token_ring {
    const struct secret_key *key; /* borrowed: what the store's keys are sealed with */
    pthread_mutex_t lock;         /* guards the rest */
    struct arena arena;
    store_signing_keys keys; /* newest first */
    int64_t loaded_at;
};
struct token_claims {
    str issuer, audience, tenant, object_id, app_id;
    int64_t not_before, expires_at;
};
#define TOKEN_EXPIRED "the token has expired"
bool token_ring_init(struct token_ring *ring, const struct secret_key *key) NODISCARD;
void token_ring_fini(struct token_ring *ring);
/* @claims: a JSON object. */
bool token_sign(struct token_ring *ring, struct store *store, struct arena *arena, str claims,
                int64_t now, str *token, struct err *err) NODISCARD;
/* ERR_DENIED: not signed by us, too old or too new. */
bool token_verify(struct token_ring *ring, struct store *store, struct arena *arena, str token,
                  int64_t now, struct token_claims *out, struct err *err) NODISCARD;
/* The public keys, as an array of JWK. */
bool token_ring_write(struct token_ring *ring, struct store *store, struct jw *jw, int64_t now,
                      struct err *err) NODISCARD;

/* --- known.c: who a token is of, as long as nothing of that changes
 * ---------------------------------------------------------------------------------------------- */
enum { KNOWN_LOOK_MS = 1000 }; /* how long another process' change may go unseen */
struct known;
struct known_caller;
struct api_call;
struct known *known_open(void);
void known_close(struct known *known);
/* Fills call->caller when the token was seen; false: the store cannot be asked. */
bool known_take(struct api_call *call, str token, bool *is_known, struct err *err) NODISCARD;
/* Where all of call->caller is to lie; NULL: no memory. */
struct arena *known_begin(struct api_call *call);
void known_keep(struct api_call *call, str token, int64_t expires_at);
void known_give(struct api_call *call); /* when the request is done */
void known_forget(struct known *known); /* everybody */

/* --- secret.c: argon2id, a few at once
 * -------------------------------------------------------------------- */
struct hasher {
    pthread_mutex_t lock; /* guards n_free */
    pthread_cond_t changed;
    unsigned n_free;
    char nobody[128]; /* a hash that no secret has: what an unknown client is compared with */
};
bool hasher_init(struct hasher *hasher) NODISCARD;
void hasher_fini(struct hasher *hasher);
/* A new secret, which is seen this once, and what is kept of it. */
bool secret_make(struct hasher *hasher, struct arena *arena, str *secret,
                 struct store_principal_secret *out, struct err *err) NODISCARD;
/* ERR_UNAVAILABLE when too many are at it. */
bool secret_check(struct hasher *hasher, const store_principal_secrets *secrets, str secret,
                  int64_t now, bool *is_right, struct err *err) NODISCARD;

/* --- throttle.c: how often somebody may fail
 * -------------------------------------------------------------- */
enum { THROTTLE_BUCKETS = 4096 };
struct bucket {
    int64_t at_ms;
    uint32_t spent;
};
struct throttle {
    pthread_mutex_t lock; /* guards buckets */
    unsigned char key[16];
    struct bucket buckets[THROTTLE_BUCKETS];
};
bool throttle_init(struct throttle *throttle) NODISCARD;
void throttle_fini(struct throttle *throttle);
bool throttle_may(struct throttle *throttle, str name, int64_t now_ms, unsigned *wait_s);
void throttle_spend(struct throttle *throttle, str name, int64_t now_ms);

struct api {
    const struct config *_Atomic config; /* borrowed: whole while the guard's settings are pinned */
    struct guard *guard;                 /* borrowed, may be NULL */
    struct store_pool *pool;
    str assessment_key; /* in memory of the config */
    bool is_probe;
    str tenant; /* UUID */
    char tenant_text[40];
    struct token_ring ring;
    struct hasher hasher;
    struct throttle by_address, by_client; /* failed sign-ins */
    struct known *known;
};

/* Who asks. */
struct api_caller {
    bool is_owner; /* showed a token of the server itself: may everything */
    str name, object_id, app_id;
    VEC(struct grant) grants;
};

struct api_call {
    struct api *api;
    struct http_request *req;
    struct http_response *res;
    struct arena *arena; /* of the request */
    struct store *store;
    struct jw jw; /* into the answer's body */
    struct api_caller caller;
    struct known_caller *known; /* what the caller lies in */
    str action;                 /* that was granted, perhaps only for a part of what is asked */
    bool is_oauth;              /* errors look as RFC 6749 says */
    int refusal_status;         /* set by api_refuse; 0: what the err's kind says */
    const char *refusal_code;
    str arm_id; /* of the registry that was written last */
    int64_t arm_id_of;
    struct http_later *later; /* of a copy that api_later() made */
};

/* Over which scope a role must allow an operation's action. */
enum api_where {
    WHERE_SERVER,   /* all of it */
    WHERE_PATH,     /* the resource that the path names */
    WHERE_REGISTRY, /* the registry that the first parameter names */
};
/* An operation answers by writing its JSON and api_done(); false: *err, or api_refuse(), says why
 * not, and whatever was written is dropped. */
typedef bool api_run(struct api_call *call, struct err *err);
struct api_op {
    api_run *run;
    const char *summary;
    bool is_public;     /* no bearer token */
    bool is_arm;        /* wants api-version */
    const char *action; /* that a role must allow; NULL: whoever is signed in */
    enum api_where where;
    bool is_probe; /* a worker answers it too */
    bool is_later; /* answers by api_later(), and needs no store of its own; is_public */
    bool is_list;  /* who may read a part of it gets that part */
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
/* A copy of @call, in the request's arena, that is answered by api_answer() from another thread;
 * the operation returns true then.  NULL: no memory. */
struct api_call *api_later(struct api_call *call);
/* @ok false: with the error body of @err. */
void api_answer(struct api_call *later, bool ok, const struct err *err);
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

/* In place of one that is there. */
void api_header_set(struct api_call *call, str name, str value);

/* --- access.c: who asks, and may they
 * -------------------------------------------------------------------------- */
NODISCARD bool api_authenticate(struct api_call *call, struct err *err);
NODISCARD bool api_authorise(struct api_call *call, const struct api_op *op, struct err *err);
/* @scope in lower case; empty: the server. */
bool api_may(const struct api_call *call, str action, str scope);
bool api_may_below(const struct api_call *call, str action, str scope);
/* Limits @out to what call->action was granted for. */
NODISCARD bool api_within(struct api_call *call, str scope, struct store_scope *out,
                          struct err *err);
/* True when anything is granted at, above or below the scope. */
bool api_sees(const struct api_call *call, str scope);
bool api_is_below(str inner, str outer); /* or the same; both in lower case */
str api_subscription_path(str scope);    /* "/subscriptions/S" of it; empty: of none */
/* ERR as 400 or 404 when it is none that the caller sees. */
NODISCARD bool api_subscription(struct api_call *call, str id, struct store_subscription *out,
                                struct err *err);
NODISCARD bool role_read_permissions(struct arena *arena, const json_t *permissions,
                                     struct role *out);
/* Roles that somebody made. */
NODISCARD bool roles_load(struct api_call *call, roles *out, struct err *err);

/* --- filter.c: $filter
 * --------------------------------------------------------------------------------------------- */
struct filter_term {
    str name, value;
    bool is_call; /* "atScope()" */
};
typedef VEC(struct filter_term) filter_terms;
/* @names: what may be compared ("roleName") or called ("atScope()"), ended by NULL. */
NODISCARD bool api_filter(struct api_call *call, const char *const *names, filter_terms *out,
                          struct err *err);
str filter_get(const filter_terms *terms, str name); /* ptr NULL: not asked */
/* tagName and tagValue of a filter; @tags: JSON or empty. */
bool api_has_tag(str tags, const filter_terms *terms);
/* The body as a JSON object; an empty body is an empty object.  *out: json_decref. */
NODISCARD bool api_body(struct api_call *call, json_t **out, struct err *err);

/* --- scope.c: whose, and how many
 * ----------------------------------------------------------------- */
/* "subscriptions/S[/resourceGroups/G[/providers/Microsoft.ContainerRegistry/registries/R]]", and
 * that there is something of that kind. */
NODISCARD bool api_scope(struct api_call *call, str text, struct store_scope *out, struct err *err);
/* The same, whether there is such a thing or not. */
NODISCARD bool api_scope_asked(struct api_call *call, str text, struct store_scope *out,
                               struct err *err);
/* The registry that ?registry= names; id 0 when none is asked for. */
NODISCARD bool api_registry(struct api_call *call, struct store_registry *out, struct err *err);
/* ?NAME=true or false; false when it is not there. */
NODISCARD bool api_flag(struct api_call *call, const char *name, bool *out, struct err *err);
NODISCARD bool api_scope_parse(str text, struct store_scope *out);
/* $top and $skipToken. */
NODISCARD bool api_page(struct api_call *call, struct store_page *out, struct err *err);
/* "nextLink", unless @next is empty. */
NODISCARD bool api_next_link(struct api_call *call, str next, struct err *err);
/* Refuses what a store said of a page: its token was not ours. */
NODISCARD bool api_page_error(struct api_call *call, struct err *err);
bool api_is_uuid(str text);
/* The well-formed subscription of params[0], whether it has registries or not. */
NODISCARD bool api_subscription_id(struct api_call *call, str *out, struct err *err);
str api_lower(struct arena *arena, str text);

/* --- registry_doc.c: a registry as ARM has it ---------------------------------------------------
 */
struct registry_tag {
    str name, value;
};
struct registry_doc {
    str location, sku;
    VEC(struct registry_tag) tags;
    struct registry_settings reach;
    str created_by, changed_by;
    int64_t created_at, changed_at;
};
/* The body of PUT, or of PATCH into what is there; ERR_USAGE says what is wrong, in ARM's words
 * what is missing (err->msg begins with "location" or "sku"). */
NODISCARD bool registry_doc_read(struct arena *arena, str body, bool is_patch,
                                 struct registry_doc *doc, struct err *err);
NODISCARD bool registry_doc_of(struct arena *arena, const struct store_registry *registry,
                               struct registry_doc *out, struct err *err);
/* For store_registry.properties. */
NODISCARD bool registry_doc_print(struct arena *arena, const struct registry_doc *doc, str *out,
                                  struct err *err);
/* registries.c: the one of params[0..2]; refuses when there is none. */
NODISCARD bool api_registry_of_path(struct api_call *call, struct store_registry *out,
                                    struct err *err);

/* --- finding.c: a sub-assessment
 * ------------------------------------------------------------------ */
/* "…/providers/Microsoft.Security/assessments/KEY" of a registry. */
str api_assessment_id(struct api_call *call, const struct store_registry *registry);
NODISCARD bool api_write_finding(struct api_call *call, const struct store_finding *finding,
                                 struct err *err);
/* A time of the store as JSON; left out when 0. */
void api_write_time(struct jw *jw, const char *key, int64_t utc_s);
