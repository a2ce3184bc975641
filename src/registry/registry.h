/* SPDX-License-Identifier: Apache-2.0 */
/* registry.h - a client of OCI registries (distribution-spec 1.1), and the notifications they send.
 * Not: what the images mean (image/).
 * Credentials are bound to their host: a redirect to another host, or a token realm that was not
 * asked for by the registry itself, never sees them.  They go over https, or to a loopback address.
 * Every request carries registry_user_agent(), by which our own pulls are left out of pull
 * statistics. Owns: a source owns its connections until image_source_close.  Threads: one source,
 * one thread; blob streams have a connection of their own and may be read elsewhere; close them
 * first. */
#pragma once

#include "base/cancel.h"
#include "image/image.h"

/* What the sources of one process share: connections between two uses, tokens while they are valid,
 * how many talk to a host at one time, and how long one that asked for it is left alone.  Any
 * thread; closed after the last of its sources. */
struct registry_hub;
NODISCARD bool registry_hub_open(struct registry_hub **out, struct err *err);
void registry_hub_close(struct registry_hub *hub);
/* Seconds that @host still wants to be left alone (its Retry-After); 0: none.  NULL hub: 0. */
uint32_t registry_hub_rest_s(struct registry_hub *hub, str host);

/* A service principal of Microsoft Entra ID, for an Azure registry: client credentials at the
 * authority, traded at the registry (/oauth2/exchange) for a refresh token. */
struct registry_azure {
    str tenant, client_id, client_secret; /* all, or none */
    str authority; /* "https://login.microsoftonline.com"; empty: that of the host's cloud */
    str audience;  /* of its token; empty: the cloud's resource manager */
};

struct registry_config {
    str host; /* "reg.example:5000"; another one than the reference's is ERR_USAGE; empty: the
                 reference's */
    bool is_plain_http; /* never for a host that was not configured so; loopback addresses may be
                           tried */
    str username, password; /* basic, or traded for a bearer token */
    str identity_token;
    struct registry_azure azure; /* goes before the two above */
    str ca_file, client_cert_file, client_key_file;
    str ca_pem, client_cert_pem, client_key_pem; /* instead of files */
    bool is_alone;        /* without a username: anonymous, whatever Docker's config.json says */
    str proxy;            /* empty: the environment's; "none": none */
    str no_proxy;         /* hosts that are reached without it, by commas */
    uint32_t timeout_s;   /* of one request without progress; 0: 60 */
    uint32_t concurrency; /* sources that talk to the host at one time, of a hub; 0: 8 */
    struct registry_hub *hub;    /* borrowed; may be NULL */
    const struct cancel *cancel; /* borrowed; may be NULL */
};
const char *registry_user_agent(void); /* "plimsoll/0.1.0" */

/* @config may be NULL: anonymous, credentials from $DOCKER_CONFIG/config.json or
 * ~/.docker/config.json (auths only; a credential helper is a warning in the log).  No request is
 * made yet. The source's errors: ERR_DENIED (401, 403), ERR_NOT_FOUND, ERR_UNAVAILABLE (names the
 * host; 429 and 503 were tried again as long as Retry-After is short), ERR_MISMATCH (another digest
 * than promised). */
NODISCARD bool registry_open(const struct reference *ref, const struct registry_config *config,
                             struct image_source **out, struct err *err);

/* --- pushing, to a source of registry_open (distribution-spec, "Pushing blobs", "Pushing
 * manifests") ---------------------------------------------------------------------------------- */
/* Nothing is sent when the registry has it already.  ERR_MISMATCH when it stored another digest. */
NODISCARD bool registry_push_blob(struct image_source *registry, str bytes, const digest *name,
                                  struct err *err);
/* Under the reference's tag ("latest" when it has none). */
NODISCARD bool registry_push_manifest(struct image_source *registry, str json,
                                      const char *media_type, struct err *err);

/* The digest under a tag, or the digest itself if it is there; none when there is no such. */
NODISCARD bool registry_digest_of(struct image_source *registry, str name, digest *out,
                                  struct err *err);

enum registry_login { LOGIN_NONE, LOGIN_BASIC, LOGIN_BEARER };
struct registry_pong {
    bool is_plain_http;
    enum registry_login login; /* what it asked for */
    bool is_anonymous;         /* nothing to log in with was known */
    str username, server;      /* may be empty */
    str realm;                 /* of the challenge; empty: none */
};
/* A product or service whose registry is known by its host, or by where it sends for a token. */
struct registry_vendor {
    const char *name;
    const char *host;    /* "ghcr.io", or what it ends with: ".azurecr.io"; NULL: anybody's */
    const char *realm;   /* path of its token realm; NULL: none of its own */
    const char *catalog; /* whether /v2/_catalog lists repositories; what to do without it */
    const char *events;  /* what tells us of pushes and pulls, and where that is configured */
};
/* NULL behind the last; the last one fits every registry. */
const struct registry_vendor *registry_vendor_at(size_t i);
/* @realm: URL of the challenge; may be empty. */
const struct registry_vendor *registry_vendor_of(str host, str realm);

/* Is it a registry that lets us in?  ERR_UNSUPPORTED: it answers, and is none. */
NODISCARD bool registry_ping(struct image_source *registry, struct arena *arena,
                             struct registry_pong *out, struct err *err);

/* What to do about @err of this source: more than its kind can tell.  NULL: nothing is known. */
const char *registry_remedy(struct image_source *registry, const struct err *err);

/* Webhooks of the repository's project that a Harbor tells its members of ("List webhook policies"
 * of its API v2.0). */
struct registry_hooks {
    bool is_told; /* false: this registry cannot be asked, or does not let us */
    size_t n_enabled;
    bool has_push, has_pull, has_delete;
    str address; /* of the first that is enabled */
};
NODISCARD bool registry_hooks_get(struct image_source *registry, struct arena *arena,
                                  struct registry_hooks *out, struct err *err);

enum registry_permit { PERMIT_UNKNOWN, PERMIT_YES, PERMIT_NO };
/* May we pull, push, delete in its repository?  By the scope of a token that is asked for, or by
 * the methods that the registry allows (OPTIONS); nothing is changed.  *how says which. */
struct registry_permits {
    enum registry_permit pull, push, remove;
    const char *how; /* "the token's scope", "the methods it allows"; "" when neither told */
};
NODISCARD bool registry_permits_get(struct image_source *registry, struct arena *arena,
                                    struct registry_permits *out, struct err *err);
/* Does it answer a Range with 206 (a broken blob can be resumed)? */
NODISCARD bool registry_resumes(struct image_source *registry, const struct descriptor *blob,
                                bool *out, struct err *err);
/* Whether it keeps a list of referrers of its own (distribution-spec 1.1), or clients' tags stand
 * for it. */
NODISCARD bool registry_has_referrers(struct image_source *registry, const digest *subject,
                                      bool *out, struct err *err);

/* --- what there is -----------------------------------------------------------------------------
 */
/* A source for a whole registry: a reference with a host and no repository. */
typedef bool registry_name(void *ctx, str name, struct err *err);
/* In pages; at most LIMIT_NAMES.  ERR_UNSUPPORTED: this registry has no catalog. */
NODISCARD bool registry_each_repository(struct image_source *registry, registry_name *each,
                                        void *ctx, struct err *err);
/* Of its repository; of one that is not there, or is not shown to us: none, and *is_there false. */
NODISCARD bool registry_each_tag(struct image_source *registry, registry_name *each, void *ctx,
                                 bool *is_there, struct err *err);
/* The same connections, for another repository.  Blobs of the former must be closed. */
NODISCARD bool registry_turn_to(struct image_source *registry, str repository, struct err *err);

/* --- copying: an image, or an index with all that it names, from any source ---------------------
 */
struct copy_progress {
    uint64_t done_bytes, total_bytes; /* of the blobs known so far */
    size_t n_blobs, n_done;
};
struct copy_spec {
    struct image_source *from;
    str tag; /* at the source; both empty: its default */
    const digest *want;
    struct image_source *to; /* of registry_open: one repository */
    const str *tags;         /* to set there; none: it can be pulled by digest only */
    size_t n_tags;
    bool is_forced; /* tags that name something else are moved */
    str mount_from; /* the source's repository when it is in the same registry; empty */
    void (*progress)(void *ctx, const struct copy_progress *now); /* may be NULL */
    void *progress_ctx;
    const struct cancel *cancel;
};
struct copy_result {
    digest digest; /* of what was asked for */
    str media_type;
    size_t n_manifests;
    size_t n_blobs, n_mounted, n_there; /* all; without moving a byte; were there already */
    uint64_t moved_bytes;
};
/* Every digest is verified on the way.  ERR_CONFLICT, before anything is sent, when a tag names
 * something else and nothing is forced.  Layers that no registry distributes stay where they are.
 */
NODISCARD bool registry_copy(const struct copy_spec *spec, struct arena *arena,
                             struct copy_result *out, struct err *err);

/* Whether @host, with or without a port, is this machine: localhost, 127.0.0.0/8, [::1]. */
bool registry_host_is_loopback(str host);

/* --- challenges: RFC 9110 section 11.6.1, the token specification of distribution ---------------
 */
struct registry_challenge {
    str scheme; /* "Bearer", as sent */
    str realm, service, scope, error;
};
typedef VEC(struct registry_challenge) registry_challenges;
/* All challenges of one WWW-Authenticate value, added to @out.  False when it is not well formed or
 * the arena is used up. */
NODISCARD bool registry_challenge_parse(struct arena *arena, str value, registry_challenges *out);

/* --- pages: RFC 8288, as far as registries use it
 * ----------------------------------------------------------------------------- */
/* The target of the link of a Link header whose relation is "next"; borrows from @value. */
NODISCARD bool registry_link_next(str value, str *target);

/* --- Docker's config.json ------------------------------------------------------------------------
 */
struct registry_credentials {
    str username, password, identity_token;
    bool has_helper; /* a credential helper is named for this host, which we do not run */
};
/* What @json says of @host ("docker.io", "reg.example:5000"); nothing of it is not an error. */
NODISCARD bool registry_credentials_parse(struct arena *arena, str json, str host,
                                          struct registry_credentials *out, struct err *err);

/* --- notifications: of CNCF Distribution (v1 and v2 of its envelope), an Azure registry's webhook,
 * Harbor's (both payloads), and zot's CloudEvents -----------------------------------------------
 */
enum registry_action { ACTION_OTHER, ACTION_PUSH, ACTION_PULL, ACTION_DELETE, ACTION_MOUNT };
struct registry_event {
    str id;
    enum registry_action action;
    str repository, tag; /* tag is empty when pushed or pulled by digest */
    digest digest;       /* none when a tag was deleted */
    str media_type;
    bool is_blob; /* a layer or configuration; nothing to be scanned by itself */
    str user_agent, actor_name;
    int64_t at; /* UTC seconds; 0: not said */
};
typedef VEC(struct registry_event) registry_events;
/* What a registry posted.  But for the body all may be empty: CloudEvents in binary mode have it in
 * headers. */
struct registry_message {
    str body;
    str type, id, time; /* Ce-Type, Ce-Id, Ce-Time */
    str operator;       /* a structured event's, filled in by the parser */
};
/* Of what asks for nothing (a ping, a finished scan) *out is empty.  An event whose sender gives no
 * id is named by its bytes.  ERR_FORMAT for what no sender sends, an event without repository or
 * with a digest that is none; ERR_LIMIT above LIMIT_EVENTS_BODY or LIMIT_EVENTS. */
NODISCARD bool registry_events_parse(struct arena *arena, const struct registry_message *message,
                                     registry_events *out, struct err *err);
