/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/internal.h"

#include <stdlib.h>

#include "base/num.h"

#include "registry/agent.inc" /* made by the build: name and version */

enum { MAX_RESUMES = 3 };

const char *registry_user_agent(void) { return REGISTRY_AGENT; }

/* --- what a status means
 * ------------------------------------------------------------------------------ */
bool registry_fail_status(const struct registry *r, int status, const char *noun, str name,
                          struct err *err)
{
    str host = r->api_host, repository = r->ref.repository;
    if (status == 401 || status == 403)
        return err_set(err, ERR_DENIED, "%.*s: %s %.*s:%.*s is denied (%d)", STR_ARG(host), noun,
                       STR_ARG(repository), STR_ARG(name), status);
    if (status == 404)
        return err_set(err, ERR_NOT_FOUND, "%.*s: no such repository or tag: %.*s:%.*s",
                       STR_ARG(host), STR_ARG(repository), STR_ARG(name));
    if (status == 429)
        return err_set(err, ERR_UNAVAILABLE, "%.*s: too many requests (429): wait, or log in",
                       STR_ARG(host));
    return err_set(err, ERR_UNAVAILABLE, "%.*s: answered %d for %s %.*s:%.*s", STR_ARG(host),
                   status, noun, STR_ARG(repository), STR_ARG(name));
}

/* --- manifests
 * ---------------------------------------------------------------------------------------- */
const char registry_accept_manifests[] =
    "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json, "
    "application/vnd.docker.distribution.manifest.v2+json, "
    "application/vnd.oci.artifact.manifest.v1+json, "
    "application/vnd.cncf.oras.artifact.manifest.v1+json";

static bool verify(const struct registry *r, const struct http_answer *answer, const digest *want,
                   digest *got, struct err *err)
{
    digest stated = {0};
    str header = http_header_get(&answer->headers, STR("Docker-Content-Digest"));
    bool is_stated = digest_parse(header, &stated);
    if (want && !digest_check(want, answer->body, err))
        return err_wrap(err, "%.*s: manifest of %.*s", STR_ARG(r->api_host),
                        STR_ARG(r->ref.repository));
    if (is_stated && !digest_check(&stated, answer->body, err))
        return err_wrap(err, "%.*s: Docker-Content-Digest of %.*s", STR_ARG(r->api_host),
                        STR_ARG(r->ref.repository));
    *got = want ? *want : is_stated ? stated : digest_of(HASH_SHA256, answer->body);
    return true;
}

static str name_of(const struct registry *r, str tag, const digest *want, char *text)
{
    if (want)
        return digest_print(want, text);
    if (!str_is_empty(tag))
        return tag;
    return str_is_empty(r->ref.tag) ? STR("latest") : r->ref.tag;
}

static bool registry_manifest(struct image_source *source, struct arena *arena, str tag,
                              const digest *want, str *bytes, digest *got, struct err *err)
{
    struct registry *r = (struct registry *)source;
    struct reply reply;
    char text[DIGEST_TEXT_SIZE];
    if (!want && str_is_empty(tag) && !digest_is_none(&r->ref.digest))
        want = &r->ref.digest;
    str name = name_of(r, tag, want, text);
    struct request request = {.accept = registry_accept_manifests, .max = LIMIT(MANIFEST)};
    request.path =
        arena_printf(arena, "/v2/%.*s/manifests/%.*s", STR_ARG(r->ref.repository), STR_ARG(name));
    if (!request.path.ptr)
        return err_memory(err);
    if (!registry_send(r, r->client, arena, &request, &reply, err))
        return false;
    if (reply.answer.status != 200)
        return registry_fail_status(r, reply.answer.status, "manifest", name, err);
    *bytes = reply.answer.body;
    return verify(r, &reply.answer, want, got, err);
}

/* --- blobs
 * -------------------------------------------------------------------------------------------- */
struct blob_stream {
    struct registry *registry; /* borrowed */
    struct http_client *client;
    struct http_stream *stream;
    struct arena arena; /* of one request */
    digest digest;
    uint64_t size_bytes, offset;
    uint64_t skip_bytes; /* a server that knows no ranges starts anew */
    unsigned n_resumes;
};

/* "bytes 100-199/200": whether it starts where we are. */
static bool starts_at(const struct http_answer *answer, uint64_t offset)
{
    str range = http_header_get(&answer->headers, STR("Content-Range")), first, rest;
    uint64_t from = 0;
    return str_starts(range, STR("bytes ")) &&
           str_cut_byte(str_skip(range, 6), '-', &first, &rest) &&
           str_to_u64(str_trim(first), UINT64_MAX, &from) && from == offset;
}

static bool ask(struct blob_stream *s, struct err *err)
{
    struct reply reply;
    char text[DIGEST_TEXT_SIZE];
    arena_reset(&s->arena);
    struct request request = {.is_stream = true, .range_from = s->offset};
    request.path =
        arena_printf(&s->arena, "/v2/%.*s/blobs/%s", STR_ARG(s->registry->ref.repository),
                     digest_print(&s->digest, text).ptr);
    if (!request.path.ptr)
        return err_memory(err);
    if (!registry_send(s->registry, s->client, &s->arena, &request, &reply, err))
        return false;
    s->stream = reply.stream;
    int status = reply.answer.status;
    if (status == 206 && !starts_at(&reply.answer, s->offset))
        return err_set(err, ERR_UNAVAILABLE, "%.*s: answered another range than was asked for",
                       STR_ARG(s->registry->api_host));
    if (status != 200 && (status != 206 || s->offset == 0))
        return registry_fail_status(s->registry, status, "blob", str_from(text), err);
    s->skip_bytes = status == 200 ? s->offset : 0;
    return true;
}

static enum next next_chunk(struct blob_stream *s, str *chunk, struct err *err)
{
    enum next next;
    while ((next = http_stream_next(s->stream, chunk, err)) == NEXT_ITEM) {
        size_t n = s->skip_bytes < chunk->len ? (size_t)s->skip_bytes : chunk->len;
        s->skip_bytes -= n;
        *chunk = str_skip(*chunk, n);
        if (chunk->len)
            break;
    }
    if (next == NEXT_ITEM)
        s->offset += chunk->len;
    bool is_short = s->size_bytes != UINT64_MAX && s->offset < s->size_bytes;
    if (next != NEXT_END || !is_short)
        return next;
    err_set(err, ERR_UNAVAILABLE, "%.*s: the blob ended after %llu of %llu bytes",
            STR_ARG(s->registry->api_host), (unsigned long long)s->offset,
            (unsigned long long)s->size_bytes);
    return NEXT_ERR;
}

/* A broken transfer goes on where it broke; the digest, which is the caller's to check, spans all.
 */
static enum next blob_next(void *ctx, str *chunk, struct err *err)
{
    struct blob_stream *s = ctx;
    enum next next = next_chunk(s, chunk, err);
    while (next == NEXT_ERR && err->kind == ERR_UNAVAILABLE && s->n_resumes < MAX_RESUMES) {
        s->n_resumes++;
        registry_stream_close(s->registry, s->stream);
        s->stream = NULL;
        *err = (struct err){0};
        if (!ask(s, err))
            return NEXT_ERR;
        next = next_chunk(s, chunk, err);
    }
    return next;
}

static void blob_stream_close(struct blob *blob)
{
    struct blob_stream *s = blob->ctx;
    registry_stream_close(s->registry, s->stream);
    http_client_close(s->client);
    arena_fini(&s->arena);
    free(s);
}

static bool registry_blob(struct image_source *source, const struct descriptor *what,
                          struct blob *out, struct err *err)
{
    struct registry *r = (struct registry *)source;
    if (digest_is_none(&what->digest))
        return err_set(err, ERR_FORMAT, "a blob without a digest");
    struct blob_stream *s = calloc(1, sizeof(*s));
    if (!s)
        return err_memory(err);
    s->registry = r;
    s->digest = what->digest;
    s->size_bytes = what->size_bytes;
    arena_init(&s->arena, LIMIT(MANIFEST));
    *out = (struct blob){{blob_next, s}, blob_stream_close, s};
    if (http_client_open(&r->http, &s->client, err) && ask(s, err))
        return true;
    blob_close(out);
    return false;
}

/* --- the source
 * --------------------------------------------------------------------------------------- */
static void registry_close(struct image_source *source)
{
    struct registry *r = (struct registry *)source;
    http_client_close(r->client);
    sb_fini(&r->authorization);
    sb_fini(&r->refresh);
    mtx_destroy(&r->lock);
    mtx_destroy(&r->seat_lock);
    arena_fini(&r->arena);
    free(r);
}

static const struct image_source_ops registry_ops = {.manifest = registry_manifest,
                                                     .blob = registry_blob,
                                                     .close = registry_close,
                                                     .referrers = registry_referrers};

static bool keep(struct registry *r, str from, str *to, struct err *err)
{
    *to = arena_dup(&r->arena, from);
    return to->ptr ? true : err_memory(err);
}

static bool keep_cstr(struct registry *r, str from, const char **to, struct err *err)
{
    *to = str_is_empty(from) ? NULL : arena_cstr(&r->arena, from);
    return *to || str_is_empty(from) ? true : err_memory(err);
}

static bool keep_reference(struct registry *r, const struct reference *ref, struct err *err)
{
    const struct registry_row *row = registry_row_find(ref->host);
    r->ref.digest = ref->digest;
    r->is_loopback = registry_host_is_loopback(ref->host);
    return keep(r, ref->host, &r->ref.host, err) &&
           keep(r, ref->repository, &r->ref.repository, err) &&
           keep(r, ref->tag, &r->ref.tag, err) &&
           keep(r, row ? str_from(row->api_host) : ref->host, &r->api_host, err);
}

static bool keep_azure(struct registry *r, const struct registry_azure *azure, struct err *err)
{
    size_t n =
        (azure->tenant.len > 0) + (azure->client_id.len > 0) + (azure->client_secret.len > 0);
    if (n != 0 && n != 3)
        return err_set(err, ERR_USAGE, "a service principal is tenant, client id and secret");
    return keep(r, azure->tenant, &r->azure.tenant, err) &&
           keep(r, azure->client_id, &r->azure.client_id, err) &&
           keep(r, azure->client_secret, &r->azure.client_secret, err) &&
           keep(r, azure->authority, &r->azure.authority, err) &&
           keep(r, azure->audience, &r->azure.audience, err);
}

static bool keep_transport(struct registry *r, const struct registry_config *config,
                           struct err *err)
{
    struct http_client_spec *http = &r->http;
    http->stall_s = config->timeout_s;
    http->cancel = config->cancel;
    http->pool = hub_pool(config->hub);
    r->hub = config->hub;
    r->concurrency = config->concurrency;
    r->is_plain_http = config->is_plain_http;
    r->is_scheme_known = config->is_plain_http;
    if (str_eq(config->proxy, STR("none")))
        http->proxy = "";
    else if (!keep_cstr(r, config->proxy, &http->proxy, err))
        return false;
    return keep_cstr(r, config->no_proxy, &http->no_proxy, err) &&
           keep_cstr(r, config->ca_file, &http->ca_file, err) &&
           keep_cstr(r, config->client_cert_file, &http->client_cert_file, err) &&
           keep_cstr(r, config->client_key_file, &http->client_key_file, err) &&
           keep_cstr(r, config->ca_pem, &http->ca_pem, err) &&
           keep_cstr(r, config->client_cert_pem, &http->client_cert_pem, err) &&
           keep_cstr(r, config->client_key_pem, &http->client_key_pem, err);
}

static bool keep_config(struct registry *r, const struct registry_config *config, struct err *err)
{
    return keep_transport(r, config, err) && keep_azure(r, &config->azure, err) &&
           keep(r, config->username, &r->credentials.username, err) &&
           keep(r, config->password, &r->credentials.password, err) &&
           keep(r, config->identity_token, &r->credentials.identity_token, err);
}

/* Names the account and not its secrets. */
static bool name_account(struct registry *r, struct err *err)
{
    const str parts[] = {r->api_host,
                         r->credentials.username,
                         r->credentials.password,
                         r->credentials.identity_token,
                         r->azure.tenant,
                         r->azure.client_id,
                         r->azure.client_secret};
    char text[DIGEST_TEXT_SIZE];
    auto_sb all;
    sb_init(&all, LIMIT(CONFIG));
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        sb_add(&all, parts[i]);
        sb_byte(&all, '\0');
    }
    if (!sb_ok(&all, err))
        return false;
    digest hash = digest_of(HASH_SHA256, sb_str(&all));
    return keep(r, digest_print(&hash, text), &r->account, err);
}

static bool prepare(struct registry *r, const struct reference *ref,
                    const struct registry_config *config, struct err *err)
{
    if (ref->kind != SOURCE_REGISTRY)
        return err_set(err, ERR_USAGE, "%.*s: not an image in a registry", STR_ARG(ref->text));
    if (config && !str_is_empty(config->host) && !str_eq_nocase(config->host, ref->host))
        return err_set(err, ERR_USAGE, "the configuration is for %.*s, the image is in %.*s",
                       STR_ARG(config->host), STR_ARG(ref->host));
    r->http.user_agent = registry_user_agent();
    if (!keep_reference(r, ref, err) || (config && !keep_config(r, config, err)))
        return false;
    bool is_given = config && (config->is_alone || config->username.len ||
                               config->identity_token.len || config->azure.client_id.len);
    if (!is_given && !registry_credentials_load(&r->arena, r->ref.host, &r->credentials, err))
        return false;
    return name_account(r, err) && http_client_open(&r->http, &r->client, err);
}

bool registry_open(const struct reference *ref, const struct registry_config *config,
                   struct image_source **out, struct err *err)
{
    struct registry *r = calloc(1, sizeof(*r));
    if (!r)
        return err_memory(err);
    r->base.ops = &registry_ops;
    arena_init(&r->arena, LIMIT(CONFIG));
    sb_init(&r->authorization, LIMIT(HTTP_HEADER));
    sb_init(&r->refresh, LIMIT(HTTP_HEADER));
    mtx_init(&r->lock, mtx_plain);
    mtx_init(&r->seat_lock, mtx_plain);
    if (prepare(r, ref, config, err)) {
        *out = &r->base;
        return true;
    }
    registry_close(&r->base);
    return false;
}
