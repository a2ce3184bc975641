/* SPDX-License-Identifier: Apache-2.0 */
/* push.c - blobs and manifests into a registry: one POST to begin, one PUT with all of it; or a
 * mount of what another repository of the registry has. */
#include "registry/internal.h"

static bool send(struct registry *r, struct arena *arena, struct request *request,
                 struct reply *reply, struct err *err)
{
    request->max = LIMIT(MANIFEST);
    return registry_send(r, r->client, arena, request, reply, err);
}

static bool has_blob(struct registry *r, struct arena *arena, const char *digest_text, bool *out,
                     struct err *err)
{
    struct reply reply;
    struct request request = {.method = "HEAD"};
    request.path =
        arena_printf(arena, "/v2/%.*s/blobs/%s", STR_ARG(r->ref.repository), digest_text);
    if (!request.path.ptr)
        return err_memory(err);
    if (!send(r, arena, &request, &reply, err))
        return false;
    *out = reply.answer.status == 200;
    return *out || reply.answer.status == 404
               ? true
               : registry_fail_status(r, reply.answer.status, "blob", str_from(digest_text), err);
}

static bool take_location(struct registry *r, struct arena *arena, const struct reply *reply,
                          const char *digest_text, str *url, struct err *err)
{
    str location = http_header_get(&reply->answer.headers, STR("Location"));
    if (str_is_empty(location))
        return err_set(err, ERR_UNAVAILABLE, "%.*s: began an upload and did not say where",
                       STR_ARG(r->api_host));
    *url = arena_printf(arena, "%.*s%cdigest=%s", STR_ARG(location),
                        str_find_byte(location, '?') < location.len ? '&' : '?', digest_text);
    return url->ptr ? true : err_memory(err);
}

/* Where the upload goes on: the server's choice, with the digest behind it.  Empty in *url: the
 * blob was mounted from repository @from (empty: not asked for). */
static bool begin(struct registry *r, struct arena *arena, const char *digest_text, str from,
                  str *url, struct err *err)
{
    struct reply reply;
    struct request request = {.method = "POST"};
    *url = STR_NONE;
    request.path = arena_printf(arena, "/v2/%.*s/blobs/uploads/", STR_ARG(r->ref.repository));
    if (from.len)
        request.path = arena_printf(arena, "%.*s?mount=%s&from=%.*s", STR_ARG(request.path),
                                    digest_text, STR_ARG(http_url_escape(arena, from)));
    if (!request.path.ptr)
        return err_memory(err);
    if (!send(r, arena, &request, &reply, err))
        return false;
    if (reply.answer.status == 201 && from.len)
        return true;
    if (reply.answer.status != 202)
        return registry_fail_status(r, reply.answer.status, "an upload for", str_from(digest_text),
                                    err);
    return take_location(r, arena, &reply, digest_text, url, err);
}

static bool put_blob(struct registry *r, struct arena *arena, str bytes, const char *digest_text,
                     struct err *err)
{
    struct reply reply;
    struct request request = {
        .method = "PUT", .body = bytes, .content_type = "application/octet-stream"};
    if (!begin(r, arena, digest_text, STR_NONE, &request.url, err) ||
        !send(r, arena, &request, &reply, err))
        return false;
    return reply.answer.status == 201
               ? true
               : registry_fail_status(r, reply.answer.status, "blob", str_from(digest_text), err);
}

bool registry_has_blob(struct image_source *registry, const digest *name, bool *out,
                       struct err *err)
{
    struct registry *r = (struct registry *)registry;
    struct arena arena;
    char text[DIGEST_TEXT_SIZE];
    arena_init(&arena, 4 * LIMIT(MANIFEST));
    bool is_ok = has_blob(r, &arena, digest_print(name, text).ptr, out, err);
    arena_fini(&arena);
    return is_ok;
}

static bool stream_blob(struct registry *r, struct arena *arena, const struct upload *upload,
                        bool *is_again, struct err *err)
{
    struct reply reply;
    char text[DIGEST_TEXT_SIZE];
    const char *digest_text = digest_print(&upload->what->digest, text).ptr;
    struct request request = {.method = "PUT",
                              .body_from = upload->from,
                              .body_bytes = upload->what->size_bytes,
                              .content_type = "application/octet-stream"};
    *is_again = false;
    if (!begin(r, arena, digest_text, upload->mount_from, &request.url, err))
        return false;
    *upload->is_mounted = request.url.len == 0;
    if (*upload->is_mounted)
        return true;
    if (!send(r, arena, &request, &reply, err)) {
        *is_again = err->kind == ERR_UNAVAILABLE;
        return false;
    }
    if (reply.answer.status == 201)
        return true;
    *is_again =
        reply.answer.status == 401 || reply.answer.status == 429 || reply.answer.status >= 500;
    return registry_fail_status(r, reply.answer.status, "blob", str_from(digest_text), err);
}

bool registry_upload(struct image_source *registry, const struct upload *upload, bool *is_again,
                     struct err *err)
{
    struct registry *r = (struct registry *)registry;
    struct arena arena;
    arena_init(&arena, 4 * LIMIT(MANIFEST));
    bool is_ok = stream_blob(r, &arena, upload, is_again, err);
    arena_fini(&arena);
    return is_ok;
}

bool registry_push_blob(struct image_source *registry, str bytes, const digest *name,
                        struct err *err)
{
    struct registry *r = (struct registry *)registry;
    struct arena arena;
    char text[DIGEST_TEXT_SIZE];
    bool is_there = false;
    arena_init(&arena, 4 * LIMIT(MANIFEST));
    const char *digest_text = digest_print(name, text).ptr;
    bool is_ok = has_blob(r, &arena, digest_text, &is_there, err) &&
                 (is_there || put_blob(r, &arena, bytes, digest_text, err));
    arena_fini(&arena);
    return is_ok;
}

static bool put_manifest(struct registry *r, struct arena *arena, struct request *request, str tag,
                         struct err *err)
{
    struct reply reply;
    digest stated, own = digest_of(HASH_SHA256, request->body);
    if (!send(r, arena, request, &reply, err))
        return false;
    if (reply.answer.status != 201)
        return registry_fail_status(r, reply.answer.status, "manifest", tag, err);
    str header = http_header_get(&reply.answer.headers, STR("Docker-Content-Digest"));
    if (digest_parse(header, &stated) && !digest_eq(&stated, &own))
        return err_set(err, ERR_MISMATCH, "%.*s: stored the manifest as %.*s", STR_ARG(r->api_host),
                       STR_ARG(header));
    return true;
}

bool registry_put_manifest(struct image_source *registry, str name, str json,
                           const char *media_type, struct err *err)
{
    struct registry *r = (struct registry *)registry;
    struct arena arena;
    struct request request = {.method = "PUT", .body = json, .content_type = media_type};
    arena_init(&arena, 4 * LIMIT(MANIFEST));
    request.path =
        arena_printf(&arena, "/v2/%.*s/manifests/%.*s", STR_ARG(r->ref.repository), STR_ARG(name));
    bool is_ok = request.path.ptr ? put_manifest(r, &arena, &request, name, err) : err_memory(err);
    arena_fini(&arena);
    return is_ok;
}

bool registry_push_manifest(struct image_source *registry, str json, const char *media_type,
                            struct err *err)
{
    const struct registry *r = (const struct registry *)registry;
    str tag = str_is_empty(r->ref.tag) ? STR("latest") : r->ref.tag;
    return registry_put_manifest(registry, tag, json, media_type, err);
}

static bool head_manifest(struct registry *r, struct arena *arena, str name, digest *out,
                          struct err *err)
{
    struct reply reply;
    struct request request = {.method = "HEAD", .accept = registry_accept_manifests};
    *out = (digest){0};
    request.path =
        arena_printf(arena, "/v2/%.*s/manifests/%.*s", STR_ARG(r->ref.repository), STR_ARG(name));
    if (!request.path.ptr)
        return err_memory(err);
    if (!send(r, arena, &request, &reply, err))
        return false;
    if (reply.answer.status == 404)
        return true;
    if (reply.answer.status != 200)
        return registry_fail_status(r, reply.answer.status, "manifest", name, err);
    str header = http_header_get(&reply.answer.headers, STR("Docker-Content-Digest"));
    return digest_parse(header, out) ||
           err_set(err, ERR_UNAVAILABLE, "%.*s: does not tell the digest of %.*s",
                   STR_ARG(r->api_host), STR_ARG(name));
}

bool registry_digest_of(struct image_source *registry, str name, digest *out, struct err *err)
{
    struct arena arena;
    arena_init(&arena, 4 * LIMIT(MANIFEST));
    bool is_ok = head_manifest((struct registry *)registry, &arena, name, out, err);
    arena_fini(&arena);
    return is_ok;
}
