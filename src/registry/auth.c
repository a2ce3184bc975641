/* SPDX-License-Identifier: Apache-2.0 */
/* auth.c - from a challenge to an Authorization: basic, or a bearer token by the distribution
 * project's token specification (GET with basic credentials) or its OAuth 2 form (POST with a
 * refresh token). */
#include <openssl/evp.h>

#include "base/clock.h"
#include "registry/internal.h"
#include "syntax/syntax.h"

enum { TOKEN_DEFAULT_S = 60, TOKEN_MAX_S = 24 * 3600, SCOPE_MAX = 2048 };

static bool has_password(const struct registry *r)
{
    return !str_is_empty(r->credentials.username);
}

static bool has_credentials(const struct registry *r)
{
    return has_password(r) || !str_is_empty(r->azure.client_id) ||
           !str_is_empty(r->credentials.identity_token);
}

static str basic_header(const struct registry *r, struct arena *arena)
{
    auto_sb pair, header;
    sb_init(&pair, LIMIT(HTTP_HEADER) / 2);
    sb_init(&header, LIMIT(HTTP_HEADER));
    sb_add(&pair, r->credentials.username);
    sb_addc(&pair, ":");
    sb_add(&pair, r->credentials.password);
    unsigned char *text = arena_alloc(arena, pair.len / 3 * 4 + 8);
    if (!text || pair.has_failed)
        return STR_NONE;
    int n = EVP_EncodeBlock(text, (const unsigned char *)pair.ptr, (int)pair.len);
    sb_addc(&header, "Basic ");
    sb_add(&header, str_of((const char *)text, (size_t)n));
    return header.has_failed ? STR_NONE : arena_dup(arena, sb_str(&header));
}

static bool remember(struct registry *r, str authorization, int64_t expires_mono_ms,
                     struct err *err)
{
    mtx_lock(&r->lock);
    sb_clear(&r->authorization);
    sb_add(&r->authorization, authorization);
    r->expires_mono_ms = expires_mono_ms;
    bool ok = sb_ok(&r->authorization, err);
    mtx_unlock(&r->lock);
    return ok;
}

/* Who we are, where, and for which repository. */
static str shared_key(const struct registry *r, struct arena *arena)
{
    return arena_printf(arena, STR_FMT " " STR_FMT, STR_ARG(r->account),
                        STR_ARG(r->ref.repository));
}

/* Copied into @arena: our own while it holds, else one that another source got. */
bool registry_authorization(struct registry *r, struct arena *arena, str *out, struct err *err)
{
    str key = shared_key(r, arena);
    if (!key.ptr)
        return err_memory(err);
    mtx_lock(&r->lock);
    bool is_over = r->expires_mono_ms && clock_mono_ms() >= r->expires_mono_ms;
    bool is_none = is_over || !r->authorization.len;
    if (is_none && hub_token_get(r->hub, key, &r->authorization, &r->expires_mono_ms))
        is_over = false;
    *out = arena_dup(arena, is_over ? STR_NONE : sb_str(&r->authorization));
    mtx_unlock(&r->lock);
    return out->ptr ? true : err_memory(err);
}

static bool is_plain(struct registry *r)
{
    mtx_lock(&r->lock);
    bool is_plain_http = r->is_plain_http;
    mtx_unlock(&r->lock);
    return is_plain_http;
}

/* --- basic
 * ---------------------------------------------------------------------------------------- */
bool registry_basic(struct registry *r, struct arena *arena, str *out, struct err *err)
{
    if (!has_password(r))
        return err_set(err, ERR_DENIED,
                       "%.*s: asks for a user and password, and none are known: log in with docker "
                       "login or skopeo login, or configure them",
                       STR_ARG(r->api_host));
    if (is_plain(r) && !r->is_loopback)
        return err_set(err, ERR_DENIED, "%.*s: credentials are not sent over plain http",
                       STR_ARG(r->api_host));
    *out = basic_header(r, arena);
    return out->ptr || err_memory(err);
}

static bool use_basic(struct registry *r, struct arena *arena, struct err *err)
{
    str header;
    return registry_basic(r, arena, &header, err) && remember(r, header, 0, err);
}

/* --- bearer
 * --------------------------------------------------------------------------------------- */
static bool read_realm(struct registry *r, struct arena *arena,
                       const struct registry_challenge *challenge, struct realm *out,
                       struct err *err)
{
    str scheme, rest;
    *out = (struct realm){.url = challenge->realm, .service = challenge->service};
    if (!http_url_split(challenge->realm, &scheme, &out->host, &rest))
        return err_set(err, ERR_DENIED, "%.*s: its token realm \"%.*s\" is not an address",
                       STR_ARG(r->api_host), STR_ARG(str_slice(challenge->realm, 0, 80)));
    bool is_https = str_eq_nocase(scheme, STR("https"));
    bool is_http = str_eq_nocase(scheme, STR("http"));
    bool is_loopback = registry_host_is_loopback(out->host);
    if (!is_https && (!is_http || !(is_loopback || is_plain(r))))
        return err_set(err, ERR_DENIED, "%.*s: its token realm %.*s is not https",
                       STR_ARG(r->api_host), STR_ARG(str_slice(challenge->realm, 0, 80)));
    /* a stranger's http port on our own machine is no place for the secrets of a remote registry */
    out->takes_credentials = is_https || (is_loopback && r->is_loopback);
    out->scope = str_is_empty(challenge->scope) && str_is_empty(r->ref.repository)
                     ? STR("registry:catalog:*")
                 : str_is_empty(challenge->scope)
                     ? arena_printf(arena, "repository:%.*s:pull", STR_ARG(r->ref.repository))
                     : challenge->scope;
    if (out->scope.len > SCOPE_MAX)
        return err_set(err, ERR_LIMIT, "%.*s: a token scope of %zu bytes", STR_ARG(r->api_host),
                       out->scope.len);
    return out->scope.ptr ? true : err_memory(err);
}

static bool fail_credentials(const struct realm *realm, struct err *err)
{
    return err_set(err, ERR_DENIED, "%.*s: credentials are not sent over plain http",
                   STR_ARG(realm->host));
}

bool registry_token_call(struct registry *r, struct http_client *client, struct arena *arena,
                         const struct http_call *call, struct http_answer *answer, struct err *err)
{
    for (unsigned n_tries = 0;; n_tries++) {
        *err = (struct err){0};
        bool is_answer = http_fetch(client, call, arena, LIMIT(HTTP_BODY), answer, err);
        if (!is_answer && !registry_waits(r, answer, true, n_tries))
            return err_wrap(err, "token");
        if (is_answer && !registry_waits(r, answer, true, n_tries))
            return true;
    }
}

bool registry_form_add(struct sb *form, struct arena *arena, const char *key, str value,
                       struct err *err)
{
    str escaped = http_url_escape(arena, value);
    if (!escaped.ptr)
        return err_memory(err);
    sb_addf(form, "%s%s=", form->len ? "&" : "", key);
    sb_add(form, escaped);
    return sb_ok(form, err);
}

static bool ask_by_get(struct registry *r, struct http_client *client, struct arena *arena,
                       const struct realm *realm, struct http_answer *answer, struct err *err)
{
    bool has_query = str_find_byte(realm->url, '?') < realm->url.len;
    auto_sb url;
    sb_init(&url, LIMIT(HTTP_HEADER));
    sb_add(&url, realm->url);
    sb_addc(&url, has_query ? "&service=" : "?service=");
    sb_add(&url, http_url_escape(arena, realm->service));
    sb_addc(&url, "&scope=");
    sb_add(&url, http_url_escape(arena, realm->scope));
    struct http_header header = {STR("Authorization"), STR_NONE};
    if (has_password(r) && !realm->takes_credentials)
        return fail_credentials(realm, err);
    if (has_password(r))
        header.value = basic_header(r, arena);
    if (has_password(r) && !header.value.ptr)
        return err_memory(err);
    if (!sb_ok(&url, err))
        return false;
    struct http_call call = {.url = url.ptr, .headers = &header, .n_headers = has_password(r)};
    return registry_token_call(r, client, arena, &call, answer, err);
}

static bool ask_by_post(struct registry *r, struct http_client *client, struct arena *arena,
                        const struct realm *realm, str refresh, struct http_answer *answer,
                        struct err *err)
{
    if (!realm->takes_credentials)
        return fail_credentials(realm, err);
    auto_sb body;
    sb_init(&body, LIMIT(HTTP_BODY));
    const char *url = arena_cstr(arena, realm->url);
    if (!url)
        return err_memory(err);
    if (!registry_form_add(&body, arena, "grant_type", STR("refresh_token"), err) ||
        !registry_form_add(&body, arena, "client_id", STR("plimsoll"), err) ||
        !registry_form_add(&body, arena, "service", realm->service, err) ||
        !registry_form_add(&body, arena, "scope", realm->scope, err) ||
        !registry_form_add(&body, arena, "refresh_token", refresh, err))
        return false;
    struct http_header header = {STR("Content-Type"), STR("application/x-www-form-urlencoded")};
    struct http_call call = {
        .method = "POST", .url = url, .headers = &header, .n_headers = 1, .body = sb_str(&body)};
    return registry_token_call(r, client, arena, &call, answer, err);
}

/* A kept refresh token may have ended (3 hours, at Azure's): then a new one, once. */
static bool ask_as_principal(struct registry *r, struct http_client *client, struct arena *arena,
                             const struct realm *realm, struct http_answer *answer, struct err *err)
{
    for (int is_new = 0; is_new < 2; is_new++) {
        str refresh;
        if (!azure_refresh_token(r, client, arena, realm, is_new, &refresh, err) ||
            !ask_by_post(r, client, arena, realm, refresh, answer, err))
            return false;
        if (answer->status != 400 && answer->status != 401)
            break;
    }
    return true;
}

bool registry_answer_str(struct arena *arena, str host, str body, const char *key, str *out,
                         struct err *err)
{
    auto_json *root = NULL;
    struct err why = {0};
    if (!json_read(body, &root,
                   &why)) /* a page of some proxy: nothing that the image is to blame for */
        return err_set(err, ERR_UNAVAILABLE, STR_FMT ": token: %s", STR_ARG(host), why.msg);
    *out = arena_dup(arena, json_str(root, key));
    return out->ptr || err_memory(err);
}

static bool read_token(struct arena *arena, const struct realm *realm, str body, str *token,
                       int64_t *seconds, struct err *err)
{
    auto_json *root = NULL;
    if (!registry_answer_str(arena, realm->host, body, "token", token, err) ||
        (!token->len && !registry_answer_str(arena, realm->host, body, "access_token", token, err)))
        return false;
    if (!token->len)
        return err_set(err, ERR_DENIED, "%.*s: gave no token", STR_ARG(realm->host));
    if (!json_read(body, &root, err))
        return false;
    *seconds = json_int(root, "expires_in", TOKEN_DEFAULT_S);
    *seconds = *seconds < 1 ? 1 : *seconds > TOKEN_MAX_S ? TOKEN_MAX_S : *seconds;
    return true;
}

static bool fail_token(const struct registry *r, const struct realm *realm, int status,
                       struct err *err)
{
    if (status == 401 || status == 403 || status == 400)
        return err_set(err, ERR_DENIED, "%.*s: %s for %.*s", STR_ARG(realm->host),
                       has_credentials(r) ? "refused the credentials"
                                          : "gives no token without "
                                            "credentials",
                       STR_ARG(r->ref.repository));
    return err_set(err, status >= 500 || status == 429 ? ERR_UNAVAILABLE : ERR_DENIED,
                   "%.*s: answered %d when asked for a token", STR_ARG(realm->host), status);
}

bool registry_token(struct registry *r, struct http_client *client, struct arena *arena,
                    const struct realm *realm, str *token, int64_t *seconds, struct err *err)
{
    struct http_answer answer;
    str identity = r->credentials.identity_token;
    bool ok = r->azure.client_id.len ? ask_as_principal(r, client, arena, realm, &answer, err)
              : identity.len         ? ask_by_post(r, client, arena, realm, identity, &answer, err)
                                     : ask_by_get(r, client, arena, realm, &answer, err);
    if (!ok)
        return false;
    if (answer.status != 200)
        return fail_token(r, realm, answer.status, err);
    return read_token(arena, realm, answer.body, token, seconds, err);
}

static bool use_bearer(struct registry *r, struct http_client *client, struct arena *arena,
                       const struct registry_challenge *challenge, struct err *err)
{
    struct realm realm;
    str token;
    int64_t seconds = 0;
    if (!read_realm(r, arena, challenge, &realm, err) ||
        !registry_token(r, client, arena, &realm, &token, &seconds, err))
        return false;
    str header = arena_printf(arena, "Bearer " STR_FMT, STR_ARG(token));
    str key = shared_key(r, arena);
    if (!header.ptr || !key.ptr)
        return err_memory(err);
    /* renewed a little early: it must still hold when the request arrives */
    int64_t expires_mono_ms = clock_mono_ms() + seconds * 900;
    hub_token_put(r->hub, key, header, expires_mono_ms);
    return remember(r, header, expires_mono_ms, err);
}

/* --- the choice
 * ------------------------------------------------------------------------------------- */
static const struct registry_challenge *find(const registry_challenges *all, str scheme)
{
    for (size_t i = 0; i < all->len; i++)
        if (str_eq_nocase(all->ptr[i].scheme, scheme))
            return &all->ptr[i];
    return NULL;
}

static bool read_challenges(const struct registry *r, struct arena *arena,
                            const http_headers *headers, registry_challenges *all, struct err *err)
{
    for (size_t i = 0; i < headers->len; i++)
        if (str_eq_nocase(headers->ptr[i].name, STR("WWW-Authenticate")) &&
            !registry_challenge_parse(arena, headers->ptr[i].value, all))
            return err_set(err, ERR_DENIED, "%.*s: its WWW-Authenticate is not well formed",
                           STR_ARG(r->api_host));
    return true;
}

/* The first one, for people: it lives as long as the source. */
static void note_realm(struct registry *r, str realm)
{
    mtx_lock(&r->lock);
    if (!r->realm.len && realm.len < SCOPE_MAX)
        r->realm = arena_dup(&r->arena, realm);
    mtx_unlock(&r->lock);
}

bool registry_realm(struct registry *r, struct arena *arena, const http_headers *headers,
                    struct realm *out, struct err *err)
{
    registry_challenges all = {0};
    if (!read_challenges(r, arena, headers, &all, err))
        return false;
    const struct registry_challenge *bearer = find(&all, STR("Bearer"));
    return bearer ? read_realm(r, arena, bearer, out, err)
                  : err_set(err, ERR_DENIED, STR_FMT ": asks for no token", STR_ARG(r->api_host));
}

bool registry_authenticate(struct registry *r, struct http_client *client, struct arena *arena,
                           const http_headers *headers, struct err *err)
{
    registry_challenges all = {0};
    if (!read_challenges(r, arena, headers, &all, err))
        return false;
    const struct registry_challenge *bearer = find(&all, STR("Bearer"));
    if (bearer) {
        note_realm(r, bearer->realm);
        return use_bearer(r, client, arena, bearer, err);
    }
    if (find(&all, STR("Basic")))
        return use_basic(r, arena, err);
    return err_set(err, ERR_DENIED, "%.*s: wants neither basic nor bearer authentication",
                   STR_ARG(r->api_host));
}
