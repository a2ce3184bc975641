/* SPDX-License-Identifier: Apache-2.0 */
/* permits.c - what we may do, asked without doing it: the scope that a token was given (its JWT's
 * `access`, distribution's token specification; read, not verified: it decides nothing), else the
 * methods of OPTIONS. */
#include "registry/internal.h"

/* --- by token
 * ------------------------------------------------------------------------------------- */
/* base64url without padding (RFC 7515, 2). */
static bool decode(struct arena *arena, str text, str *out)
{
    static const char pad[] = "===";
    auto_sb plain;
    sb_init(&plain, LIMIT(HTTP_HEADER));
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        sb_byte(&plain, (uint8_t)(c == '-' ? '+' : c == '_' ? '/' : c));
    }
    sb_add(&plain, str_of(pad, (4 - text.len % 4) % 4));
    return !plain.has_failed && base64_decode(arena, sb_str(&plain), out);
}

static bool has_action(const json_t *access, str repository, const char *action)
{
    for (size_t i = 0; i < json_array_size(access); i++) {
        const json_t *one = json_array_get(access, i), *actions = json_arr(one, "actions");
        if (!str_eq(json_str(one, "name"), repository))
            continue;
        for (size_t j = 0; j < json_array_size(actions); j++) {
            const char *word = json_string_value(json_array_get(actions, j));
            if (word &&
                (str_eq(str_from(word), str_from(action)) || str_eq(str_from(word), STR("*"))))
                return true;
        }
    }
    return false;
}

static enum registry_permit permit(bool is_allowed) { return is_allowed ? PERMIT_YES : PERMIT_NO; }

/* An opaque token tells nothing. */
static void read_claims(const struct registry *r, struct arena *arena, str token,
                        struct registry_permits *out)
{
    str head, payload, rest, json;
    auto_json *root = NULL;
    struct err ignored = {0};
    if (!str_cut_byte(token, '.', &head, &rest) || !str_cut_byte(rest, '.', &payload, &rest) ||
        !decode(arena, payload, &json) || !json_read(json, &root, &ignored))
        return;
    const json_t *access = json_arr(root, "access");
    if (!access)
        return;
    out->pull = permit(has_action(access, r->ref.repository, "pull"));
    out->push = permit(has_action(access, r->ref.repository, "push"));
    out->remove = permit(has_action(access, r->ref.repository, "delete"));
    out->how = "the token's scope";
}

static bool ask_token(struct registry *r, struct arena *arena, const http_headers *headers,
                      struct registry_permits *out, struct err *err)
{
    struct realm realm;
    str token;
    int64_t seconds = 0;
    if (!registry_realm(r, arena, headers, &realm, err))
        return false;
    realm.scope =
        arena_printf(arena, "repository:" STR_FMT ":pull,push,delete", STR_ARG(r->ref.repository));
    if (!realm.scope.ptr)
        return err_memory(err);
    if (!registry_token(r, r->client, arena, &realm, &token, &seconds, err))
        return false;
    read_claims(r, arena, token, out);
    return true;
}

/* --- by methods
 * ----------------------------------------------------------------------------------- */
static bool allows(str methods, str wanted)
{
    str one;
    while (str_next(&methods, ',', &one))
        if (str_eq_nocase(str_trim(one), wanted))
            return true;
    return false;
}

static bool ask_methods(struct registry *r, struct arena *arena, struct registry_permits *out,
                        struct err *err)
{
    struct reply reply;
    struct request request = {.method = "OPTIONS", .max = LIMIT(MANIFEST)};
    request.path =
        arena_printf(arena, "/v2/" STR_FMT "/manifests/latest", STR_ARG(r->ref.repository));
    if (!request.path.ptr)
        return err_memory(err);
    if (!registry_send(r, r->client, arena, &request, &reply, err))
        return false;
    str methods = http_header_get(&reply.answer.headers, STR("Allow"));
    if (reply.answer.status >= 300 || !methods.len)
        return true;
    out->pull = permit(allows(methods, STR("GET")));
    out->push = permit(allows(methods, STR("PUT")));
    out->remove = permit(allows(methods, STR("DELETE")));
    out->how = "the methods it allows";
    return true;
}

bool registry_permits_get(struct image_source *registry, struct arena *arena,
                          struct registry_permits *out, struct err *err)
{
    struct registry *r = (struct registry *)registry;
    const struct request request = {
        .path = STR("/v2/"), .max = LIMIT(MANIFEST), .is_anonymous = true};
    struct reply reply;
    *out = (struct registry_permits){.how = ""};
    if (!registry_send(r, r->client, arena, &request, &reply, err))
        return false;
    bool wants_token = false;
    for (size_t i = 0; i < reply.answer.headers.len; i++)
        wants_token |= str_eq_nocase(reply.answer.headers.ptr[i].name, STR("WWW-Authenticate")) &&
                       str_starts(reply.answer.headers.ptr[i].value, STR("Bearer"));
    return wants_token ? ask_token(r, arena, &reply.answer.headers, out, err)
                       : ask_methods(r, arena, out, err);
}

/* --- what it can
 * ---------------------------------------------------------------------------------- */
bool registry_resumes(struct image_source *registry, const struct descriptor *blob, bool *out,
                      struct err *err)
{
    struct registry *r = (struct registry *)registry;
    struct arena arena;
    struct reply reply;
    char text[DIGEST_TEXT_SIZE];
    struct request request = {.is_stream = true, .range_from = 1};
    *out = false;
    arena_init(&arena, LIMIT(MANIFEST));
    request.path = arena_printf(&arena, "/v2/" STR_FMT "/blobs/%s", STR_ARG(r->ref.repository),
                                digest_print(&blob->digest, text).ptr);
    bool is_ok = request.path.ptr ? registry_send(r, r->client, &arena, &request, &reply, err)
                                  : err_memory(err);
    if (is_ok) {
        *out = reply.answer.status == 206;
        registry_stream_close(r, reply.stream);
    }
    arena_fini(&arena);
    return is_ok;
}

bool registry_has_referrers(struct image_source *registry, const digest *subject, bool *out,
                            struct err *err)
{
    struct registry *r = (struct registry *)registry;
    struct arena arena;
    struct reply reply;
    char text[DIGEST_TEXT_SIZE];
    struct request request = {.accept = "application/vnd.oci.image.index.v1+json",
                              .max = LIMIT(MANIFEST)};
    *out = false;
    arena_init(&arena, 4 * LIMIT(MANIFEST));
    request.path = arena_printf(&arena, "/v2/" STR_FMT "/referrers/%s", STR_ARG(r->ref.repository),
                                digest_print(subject, text).ptr);
    bool is_ok = request.path.ptr ? registry_send(r, r->client, &arena, &request, &reply, err)
                                  : err_memory(err);
    *out = is_ok && reply.answer.status == 200;
    arena_fini(&arena);
    return is_ok;
}
