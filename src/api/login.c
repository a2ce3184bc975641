/* SPDX-License-Identifier: Apache-2.0 */
/* login.c - OAuth 2.0 client credentials (RFC 6749, 4.4), OpenID discovery and cloud metadata: what
 * Azure's clients ask before their first call.
 *
 *   GET  /TENANT/v2.0/.well-known/openid-configuration      where the rest is
 *   POST /TENANT/oauth2/v2.0/token  (v1: /oauth2/token)     client id and secret -> access token
 *   GET  /TENANT/discovery/v2.0/keys                        what it is signed with
 *   GET  /metadata/endpoints                                for the command line of Azure
 *
 * Whoever guesses is slowed down by address and by client id; an unknown client costs the same time
 * as a wrong secret. */
#include "api/internal.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/num.h"

enum { LIFETIME_S = 3600 };

/* --- where everything is
 * ----------------------------------------------------------------------------------- */
/* "common" and the like are ours too: there is one tenant. */
static str tenant_of(const struct api_call *call)
{
    return api_is_uuid(call->req->params[0]) ? call->req->params[0] : call->api->tenant;
}

static bool check_tenant(struct api_call *call, struct err *err)
{
    return str_eq_nocase(tenant_of(call), call->api->tenant) ||
           api_refuse(call, err, 400, "invalid_tenant",
                      "AADSTS90002: Tenant '" STR_FMT "' not found.",
                      STR_ARG(call->req->params[0]));
}

static bool write_url(struct api_call *call, const char *key, const char *path)
{
    str url = arena_printf(call->arena, STR_FMT "/" STR_FMT "%s", STR_ARG(api_origin(call)),
                           STR_ARG(call->api->tenant), path);
    jw_kstr(&call->jw, key, url);
    return url.ptr != NULL;
}

static void write_words(struct jw *jw, const char *key, const char *const *words)
{
    jw_key(jw, key);
    jw_arr(jw);
    for (; *words; words++)
        jw_str(jw, str_from(*words));
    jw_arr_end(jw);
}
#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static str host_of(struct api_call *call)
{
    str scheme, host, rest;
    return http_url_split(api_origin(call), &scheme, &host, &rest) ? host : STR("");
}

static bool get_discovery(struct api_call *call, struct err *err)
{
    static const struct {
        const char *key, *path;
    } urls[] = {{"issuer", "/v2.0"},
                {"authorization_endpoint", "/oauth2/v2.0/authorize"},
                {"token_endpoint", "/oauth2/v2.0/token"},
                {"jwks_uri", "/discovery/v2.0/keys"},
                {"device_authorization_endpoint", "/oauth2/v2.0/devicecode"},
                {"end_session_endpoint", "/oauth2/v2.0/logout"}};
    struct jw *jw = &call->jw;
    bool ok = true;
    if (!check_tenant(call, err))
        return false;
    jw_obj(jw);
    for (size_t i = 0; i < ARRAY_LEN(urls); i++)
        ok &= write_url(call, urls[i].key, urls[i].path);
    write_words(jw, "token_endpoint_auth_methods_supported",
                WORDS("client_secret_post", "client_secret_basic"));
    write_words(jw, "response_modes_supported", WORDS("query", "fragment", "form_post"));
    write_words(jw, "subject_types_supported", WORDS("pairwise"));
    write_words(jw, "id_token_signing_alg_values_supported", WORDS("RS256"));
    write_words(jw, "response_types_supported", WORDS("code", "id_token"));
    write_words(jw, "grant_types_supported", WORDS("client_credentials"));
    write_words(jw, "scopes_supported", WORDS("openid", "profile", "email", "offline_access"));
    jw_key(jw, "tenant_region_scope");
    jw_null(jw);
    jw_kstr(jw, "cloud_instance_name", host_of(call));
    jw_obj_end(jw);
    return ok ? api_done(call, 200, err) : err_memory(err);
}

static bool get_keys(struct api_call *call, struct err *err)
{
    if (!check_tenant(call, err))
        return false;
    jw_obj(&call->jw);
    jw_key(&call->jw, "keys");
    if (!token_ring_write(&call->api->ring, call->store, &call->jw, clock_now_s(), err))
        return false;
    jw_obj_end(&call->jw);
    return api_done(call, 200, err);
}

/* --- cloud metadata: what `az cloud register` and ARM_CLOUD_METADATA_URL read
 * ----------------------------- */
static bool write_old_metadata(struct api_call *call)
{
    str origin = arena_printf(call->arena, STR_FMT "/", STR_ARG(api_origin(call)));
    str graph = arena_printf(call->arena, STR_FMT "graph/", STR_ARG(origin));
    struct jw *jw = &call->jw;
    jw_obj(jw);
    jw_kstr(jw, "galleryEndpoint", origin);
    jw_kstr(jw, "graphEndpoint", graph);
    jw_kstr(jw, "portalEndpoint", origin);
    jw_key(jw, "authentication");
    jw_obj(jw);
    jw_kstr(jw, "loginEndpoint", origin);
    jw_key(jw, "audiences");
    jw_arr(jw);
    jw_str(jw, api_origin(call));
    jw_arr_end(jw);
    jw_obj_end(jw);
    jw_obj_end(jw);
    return origin.ptr && graph.ptr;
}

static void write_authentication(struct api_call *call)
{
    struct jw *jw = &call->jw;
    jw_key(jw, "authentication");
    jw_obj(jw);
    jw_kstr(jw, "loginEndpoint", api_origin(call));
    jw_key(jw, "audiences");
    jw_arr(jw);
    jw_str(jw, api_origin(call));
    jw_str(jw, STR("https://management.azure.com/"));
    jw_arr_end(jw);
    jw_kstr(jw, "tenant", call->api->tenant);
    jw_kstr(jw, "identityProvider", STR("AAD"));
    jw_obj_end(jw);
}

/* A list of one cloud: newer clients. */
static bool write_metadata(struct api_call *call)
{
    static const char *const empty[] = {"batch",           "media",   "sqlManagement",
                                        "vmImageAliasDoc", "gallery", "activeDirectoryDataLake",
                                        "graphAudience"};
    str origin = arena_printf(call->arena, STR_FMT "/", STR_ARG(api_origin(call)));
    str graph = arena_printf(call->arena, STR_FMT "graph/", STR_ARG(origin));
    struct jw *jw = &call->jw;
    jw_arr(jw);
    jw_obj(jw);
    jw_kstr(jw, "name", STR("Plimsoll"));
    jw_kstr(jw, "portal", origin);
    jw_kstr(jw, "resourceManager", origin);
    write_authentication(call);
    jw_kstr(jw, "graph", graph);
    jw_kstr(jw, "microsoftGraphResourceId", graph);
    for (size_t i = 0; i < ARRAY_LEN(empty); i++)
        jw_kstr(jw, empty[i], STR(""));
    jw_key(jw, "suffixes");
    jw_obj(jw);
    jw_kstr(jw, "acrLoginServer", host_of(call));
    jw_kstr(jw, "storage", STR(""));
    jw_kstr(jw, "keyVaultDns", STR(""));
    jw_kstr(jw, "sqlServerHostname", STR(""));
    jw_obj_end(jw);
    jw_obj_end(jw);
    jw_arr_end(jw);
    return origin.ptr && graph.ptr;
}

static bool get_metadata(struct api_call *call, struct err *err)
{
    str version = http_request_query(call->req, STR("api-version"));
    bool is_old = version.len && str_cmp(version, STR("2019")) < 0;
    if (is_old ? !write_old_metadata(call) : !write_metadata(call))
        return err_memory(err);
    return api_done(call, 200, err);
}

static bool get_instance(struct api_call *call, struct err *err)
{
    struct jw *jw = &call->jw;
    str authority = http_request_query(call->req, STR("authorization_endpoint")), scheme, host,
        rest;
    if (!http_url_split(authority, &scheme, &host, &rest) || !str_eq_nocase(host, host_of(call)))
        return api_refuse(call, err, 400, "invalid_instance",
                          "AADSTS50049: The authority is not of this server.");
    jw_obj(jw);
    bool ok =
        write_url(call, "tenant_discovery_endpoint", "/v2.0/.well-known/openid-configuration");
    jw_kstr(jw, "api-version", STR("1.1"));
    jw_key(jw, "metadata");
    jw_arr(jw);
    jw_obj(jw);
    jw_kstr(jw, "preferred_network", host);
    jw_kstr(jw, "preferred_cache", host);
    jw_key(jw, "aliases");
    jw_arr(jw);
    jw_str(jw, host);
    jw_arr_end(jw);
    jw_obj_end(jw);
    jw_arr_end(jw);
    jw_obj_end(jw);
    return ok ? api_done(call, 200, err) : err_memory(err);
}

/* --- the token request
 * --------------------------------------------------------------------------------------- */
struct login {
    str grant_type, client_id, client_secret;
    str audience; /* asked for: scope without "/.default", or resource */
    bool is_v1;
};

static bool unform(struct arena *arena, str text, str *out)
{
    char *plain = arena_alloc(arena, text.len + 1);
    if (!plain)
        return false;
    for (size_t i = 0; i < text.len; i++)
        plain[i] = text.ptr[i] == '+' ? ' ' : text.ptr[i];
    return http_url_unescape(arena, str_of(plain, text.len), out);
}

static str field(struct arena *arena, str form, str name)
{
    str pair, key, value, plain;
    while (form.len && str_next(&form, '&', &pair)) {
        str_cut_byte(pair, '=', &key, &value);
        if (unform(arena, key, &plain) && str_eq(plain, name))
            return unform(arena, value, &plain) ? plain : STR_NONE;
    }
    return STR("");
}

/* RFC 6749, 2.3.1: in the form, or as Basic with both parts form-encoded. */
static void read_basic(struct api_call *call, struct login *login)
{
    str header = str_trim(http_request_header(call->req, STR("Authorization"))), scheme, rest, id,
        secret;
    if (login->client_id.len || !str_cut_byte(header, ' ', &scheme, &rest) ||
        !str_eq_nocase(scheme, STR("Basic")) ||
        !base64_decode(call->arena, str_trim(rest), &rest) ||
        !str_cut_byte(rest, ':', &id, &secret))
        return;
    if (!unform(call->arena, id, &login->client_id) ||
        !unform(call->arena, secret, &login->client_secret))
        login->client_id = STR("");
}

static void read_login(struct api_call *call, bool is_v1, struct login *login)
{
    str form = call->req->body, suffix = STR("/.default");
    *login =
        (struct login){.grant_type = field(call->arena, form, STR("grant_type")),
                       .client_id = field(call->arena, form, STR("client_id")),
                       .client_secret = field(call->arena, form, STR("client_secret")),
                       .audience = field(call->arena, form, is_v1 ? STR("resource") : STR("scope")),
                       .is_v1 = is_v1};
    if (str_ends(login->audience, suffix))
        login->audience.len -= suffix.len;
    read_basic(call, login);
}

static bool check_form(struct api_call *call, const struct login *login, struct err *err)
{
    if (!login->grant_type.len || !login->client_id.len)
        return api_refuse(call, err, 400, "invalid_request",
                          "AADSTS900144: The request body must contain the parameter '%s'.",
                          login->grant_type.len ? "client_id" : "grant_type");
    if (!str_eq(login->grant_type, STR("client_credentials")))
        return api_refuse(call, err, 400, "unsupported_grant_type",
                          "AADSTS70003: The grant type '" STR_FMT "' is not supported.",
                          STR_ARG(login->grant_type));
    if (!login->client_secret.len)
        return api_refuse(call, err, 400, "invalid_request",
                          "AADSTS7000216: 'client_secret' is required for this grant.");
    return login->audience.len ||
           api_refuse(call, err, 400, login->is_v1 ? "invalid_resource" : "invalid_scope",
                      "AADSTS70011: The parameter '%s' is missing.",
                      login->is_v1 ? "resource" : "scope");
}

/* --- who it is
 * ------------------------------------------------------------------------------------------------
 */
static bool slow_down(struct api_call *call, unsigned wait_s, struct err *err)
{
    str wait = arena_printf(call->arena, "%u", wait_s);
    if (!wait.ptr || !http_respond_header(call->req, call->res, STR("Retry-After"), wait))
        return err_memory(err);
    return api_refuse(call, err, 429, "temporarily_unavailable",
                      "AADSTS90006: Too many failed sign-ins; try again in %u seconds.", wait_s);
}

static bool may_try(struct api_call *call, const struct login *login, int64_t now_ms,
                    struct err *err)
{
    unsigned wait_s = 0;
    if (!throttle_may(&call->api->by_address, call->req->remote, now_ms, &wait_s) ||
        !throttle_may(&call->api->by_client, login->client_id, now_ms, &wait_s))
        return slow_down(call, wait_s, err);
    return true;
}

static bool find_principal(struct api_call *call, const struct login *login,
                           struct store_principal *principal, store_principal_secrets *secrets,
                           struct err *err)
{
    struct err why = {0};
    str id = api_lower(call->arena, login->client_id);
    if (!id.ptr)
        return err_memory(err);
    if (!store_principal_get(call->store, call->arena, id, principal, &why)) {
        *principal = (struct store_principal){0};
        if (why.kind == ERR_NOT_FOUND)
            return true;
        *err = why;
        return false;
    }
    return store_principal_secrets_list(call->store, call->arena, principal->object_id, secrets,
                                        err);
}

static bool refuse_login(struct api_call *call, const struct login *login, int64_t now_ms,
                         struct err *err)
{
    throttle_spend(&call->api->by_address, call->req->remote, now_ms);
    throttle_spend(&call->api->by_client, login->client_id, now_ms);
    log_event(LOG_WARN, "sign-in refused", LOG_STR("client", login->client_id),
              LOG_STR("address", call->req->remote));
    return api_refuse(call, err, 401, "invalid_client",
                      "AADSTS7000215: Invalid client or client secret provided.");
}

static bool sign_in(struct api_call *call, const struct login *login,
                    struct store_principal *principal, struct err *err)
{
    store_principal_secrets secrets = {0};
    int64_t now_ms = clock_mono_ms();
    bool is_right = false;
    if (!may_try(call, login, now_ms, err) ||
        !find_principal(call, login, principal, &secrets, err) ||
        !secret_check(&call->api->hasher, &secrets, login->client_secret, clock_now_s(), &is_right,
                      err))
        return false;
    return is_right && !principal->is_disabled ? true : refuse_login(call, login, now_ms, err);
}

/* --- the token
 * ------------------------------------------------------------------------------------------------
 */
static str claims_of(struct api_call *call, const struct login *login,
                     const struct store_principal *principal, int64_t now)
{
    auto_sb text;
    struct jw jw;
    sb_init(&text, LIMIT(HTTP_BODY));
    jw_init(&jw, &text, false);
    jw_obj(&jw);
    jw_kstr(&jw, "aud", login->audience);
    jw_kstr(&jw, "iss",
            arena_printf(call->arena, STR_FMT "/" STR_FMT "/v2.0", STR_ARG(api_origin(call)),
                         STR_ARG(call->api->tenant)));
    jw_kint(&jw, "iat", now);
    jw_kint(&jw, "nbf", now);
    jw_kint(&jw, "exp", now + LIFETIME_S);
    jw_kstr(&jw, "appid", principal->app_id);
    jw_kstr(&jw, "azp", principal->app_id);
    jw_kstr(&jw, "oid", principal->object_id);
    jw_kstr(&jw, "sub", principal->object_id);
    jw_kstr(&jw, "tid", call->api->tenant);
    jw_kstr(&jw, "ver", login->is_v1 ? STR("1.0") : STR("2.0"));
    jw_kstr(&jw, "idtyp", STR("app"));
    jw_obj_end(&jw);
    struct err none = {0};
    return sb_ok(&text, &none) ? arena_dup(call->arena, sb_str(&text)) : STR_NONE;
}

static void write_v1(struct api_call *call, const struct login *login, int64_t now)
{
    struct jw *jw = &call->jw;
    jw_kstr(jw, "expires_in", arena_printf(call->arena, "%d", LIFETIME_S - 1));
    jw_kstr(jw, "ext_expires_in", arena_printf(call->arena, "%d", LIFETIME_S - 1));
    jw_kstr(jw, "expires_on", arena_printf(call->arena, "%lld", (long long)now + LIFETIME_S));
    jw_kstr(jw, "not_before", arena_printf(call->arena, "%lld", (long long)now));
    jw_kstr(jw, "resource", login->audience);
}

static bool answer(struct api_call *call, const struct login *login,
                   const struct store_principal *principal, struct err *err)
{
    int64_t now = clock_now_s();
    struct jw *jw = &call->jw;
    str token, claims = claims_of(call, login, principal, now);
    if (!claims.ptr)
        return err_memory(err);
    if (!token_sign(&call->api->ring, call->store, call->arena, claims, now, &token, err))
        return false;
    jw_obj(jw);
    jw_kstr(jw, "token_type", STR("Bearer"));
    if (login->is_v1) {
        write_v1(call, login, now);
    } else {
        jw_kint(jw, "expires_in", LIFETIME_S - 1);
        jw_kint(jw, "ext_expires_in", LIFETIME_S - 1);
    }
    jw_kstr(jw, "access_token", token);
    jw_obj_end(jw);
    api_header_set(call, STR("Cache-Control"), STR("no-store"));
    return api_done(call, 200, err);
}

static bool give_token(struct api_call *call, bool is_v1, struct err *err)
{
    struct login login;
    struct store_principal principal;
    read_login(call, is_v1, &login);
    call->is_oauth = true;
    return check_tenant(call, err) && check_form(call, &login, err) &&
           sign_in(call, &login, &principal, err) && answer(call, &login, &principal, err);
}

static bool post_token(struct api_call *call, struct err *err)
{
    return give_token(call, false, err);
}
static bool post_token_v1(struct api_call *call, struct err *err)
{
    return give_token(call, true, err);
}

#define DISCOVERY "/.well-known/openid-configuration"
static const struct http_route routes[] = {
    {"GET", "/metadata/endpoints", NULL,
     API_OP(.run = get_metadata, .summary = "cloud metadata for Azure's command line",
            .is_public = true)},
    {"GET", "/common/discovery/instance", NULL,
     API_OP(.run = get_instance, .summary = "instance discovery", .is_public = true)},
    {"GET", "/{tenant}/v2.0" DISCOVERY, NULL,
     API_OP(.run = get_discovery, .summary = "OpenID discovery", .is_public = true)},
    {"GET", "/{tenant}" DISCOVERY, NULL,
     API_OP(.run = get_discovery, .summary = "OpenID discovery, first version", .is_public = true)},
    {"GET", "/{tenant}/discovery/v2.0/keys", NULL,
     API_OP(.run = get_keys, .summary = "keys that access tokens are signed with (JWKS)",
            .is_public = true)},
    {"GET", "/{tenant}/discovery/keys", NULL,
     API_OP(.run = get_keys, .summary = "the same", .is_public = true)},
    {"POST", "/{tenant}/oauth2/v2.0/token", NULL,
     API_OP(.run = post_token, .summary = "client id and secret for an access token",
            .is_public = true)},
    {"POST", "/{tenant}/oauth2/token", NULL,
     API_OP(.run = post_token_v1, .summary = "the same, for clients that name a resource",
            .is_public = true)},
};
API_RESOURCE(login, routes);
