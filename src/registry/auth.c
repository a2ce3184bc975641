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
    return has_password(r) || !str_is_empty(r->credentials.identity_token);
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

bool registry_authorization(struct registry *r, struct arena *arena, str *out, struct err *err)
{
    mtx_lock(&r->lock);
    bool is_over = r->expires_mono_ms && clock_mono_ms() >= r->expires_mono_ms;
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
static bool use_basic(struct registry *r, struct arena *arena, struct err *err)
{
    if (!has_password(r))
        return err_set(err, ERR_DENIED,
                       "%.*s: asks for a user and password, and none are known: log in with docker "
                       "login or skopeo login, or configure them",
                       STR_ARG(r->api_host));
    if (is_plain(r) && !r->is_loopback)
        return err_set(err, ERR_DENIED, "%.*s: credentials are not sent over plain http",
                       STR_ARG(r->api_host));
    str header = basic_header(r, arena);
    return header.ptr ? remember(r, header, 0, err) : err_memory(err);
}

/* --- bearer
 * --------------------------------------------------------------------------------------- */
struct realm {
    str url, host, service, scope;
    bool takes_credentials; /* https, or this machine */
};

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

static bool send_token_request(struct registry *r, struct http_client *client, struct arena *arena,
                               const struct http_call *call, struct http_answer *answer,
                               struct err *err)
{
    for (unsigned n_tries = 0;; n_tries++) {
        if (!http_fetch(client, call, arena, LIMIT(HTTP_BODY), answer, err))
            return err_wrap(err, "token");
        if (!registry_waits(r, answer, n_tries))
            return true;
    }
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
    return send_token_request(r, client, arena, &call, answer, err);
}

static bool ask_by_post(struct registry *r, struct http_client *client, struct arena *arena,
                        const struct realm *realm, struct http_answer *answer, struct err *err)
{
    if (!realm->takes_credentials)
        return fail_credentials(realm, err);
    str service = http_url_escape(arena, realm->service),
        scope = http_url_escape(arena, realm->scope);
    str token = http_url_escape(arena, r->credentials.identity_token);
    auto_sb body;
    sb_init(&body, LIMIT(HTTP_BODY));
    sb_addc(&body, "grant_type=refresh_token&client_id=plimsoll&service=");
    sb_add(&body, service);
    sb_addc(&body, "&scope=");
    sb_add(&body, scope);
    sb_addc(&body, "&refresh_token=");
    sb_add(&body, token);
    const char *url = arena_cstr(arena, realm->url);
    if (!service.ptr || !scope.ptr || !token.ptr || !url)
        return err_memory(err);
    struct http_header header = {STR("Content-Type"), STR("application/x-www-form-urlencoded")};
    struct http_call call = {
        .method = "POST", .url = url, .headers = &header, .n_headers = 1, .body = sb_str(&body)};
    return sb_ok(&body, err) && send_token_request(r, client, arena, &call, answer, err);
}

static bool read_token(struct registry *r, const struct realm *realm, str body, struct err *err)
{
    auto_json *root = NULL;
    if (!json_read(body, &root, err))
        return err_wrap(err, "%.*s: token", STR_ARG(realm->host));
    str token = json_str(root, "token");
    if (str_is_empty(token))
        token = json_str(root, "access_token");
    if (str_is_empty(token))
        return err_set(err, ERR_DENIED, "%.*s: gave no token", STR_ARG(realm->host));
    int64_t seconds = json_int(root, "expires_in", TOKEN_DEFAULT_S);
    seconds = seconds < 1 ? 1 : seconds > TOKEN_MAX_S ? TOKEN_MAX_S : seconds;
    auto_sb header;
    sb_init(&header, LIMIT(HTTP_HEADER));
    sb_addc(&header, "Bearer ");
    sb_add(&header, token);
    /* renewed a little early: it must still hold when the request arrives */
    return sb_ok(&header, err) &&
           remember(r, sb_str(&header), clock_mono_ms() + seconds * 900, err);
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

static bool use_bearer(struct registry *r, struct http_client *client, struct arena *arena,
                       const struct registry_challenge *challenge, struct err *err)
{
    struct realm realm;
    struct http_answer answer;
    if (!read_realm(r, arena, challenge, &realm, err))
        return false;
    bool ok = str_is_empty(r->credentials.identity_token)
                  ? ask_by_get(r, client, arena, &realm, &answer, err)
                  : ask_by_post(r, client, arena, &realm, &answer, err);
    if (!ok)
        return false;
    if (answer.status != 200)
        return fail_token(r, &realm, answer.status, err);
    return read_token(r, &realm, answer.body, err);
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

bool registry_authenticate(struct registry *r, struct http_client *client, struct arena *arena,
                           const http_headers *headers, struct err *err)
{
    registry_challenges all = {0};
    for (size_t i = 0; i < headers->len; i++)
        if (str_eq_nocase(headers->ptr[i].name, STR("WWW-Authenticate")) &&
            !registry_challenge_parse(arena, headers->ptr[i].value, &all))
            return err_set(err, ERR_FORMAT, "%.*s: its WWW-Authenticate is not well formed",
                           STR_ARG(r->api_host));
    const struct registry_challenge *bearer = find(&all, STR("Bearer"));
    if (bearer)
        return use_bearer(r, client, arena, bearer, err);
    if (find(&all, STR("Basic")))
        return use_basic(r, arena, err);
    return err_set(err, ERR_DENIED, "%.*s: wants neither basic nor bearer authentication",
                   STR_ARG(r->api_host));
}
