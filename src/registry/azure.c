/* SPDX-License-Identifier: Apache-2.0 */
/* azure.c - how a service principal comes to the refresh token of an Azure registry:
 *
 *     POST AUTHORITY/TENANT/oauth2/v2.0/token   client_credentials (RFC 6749, 4.4): Entra's token
 *     POST REGISTRY/oauth2/exchange             that token: the registry's refresh token
 *     POST REGISTRY/oauth2/token                auth.c, with the refresh token
 *
 * (Azure Container Registry, "Azure Container Registry integration with Microsoft Entra ID"; the
 * clouds' addresses: "Azure for US Government", "Azure in China", comparison of endpoints.) */
#include "base/num.h"
#include "registry/internal.h"

static const struct azure_cloud {
    const char *suffix; /* of login servers */
    const char *authority, *audience;
} clouds[] = {
    {".azurecr.io", "https://login.microsoftonline.com", "https://management.azure.com"},
    {".azurecr.us", "https://login.microsoftonline.us", "https://management.usgovcloudapi.net"},
    {".azurecr.cn", "https://login.chinacloudapi.cn", "https://management.chinacloudapi.cn"},
};

/* A private cloud's names are nobody's: what the configuration does not say is the public one's. */
static const struct azure_cloud *cloud_of(str host)
{
    str name, port;
    str_cut_byte(host, ':', &name, &port);
    for (size_t i = 0; i < ARRAY_LEN(clouds); i++)
        if (str_ends(name, str_from(clouds[i].suffix)))
            return &clouds[i];
    return &clouds[0];
}

static bool is_safe(const struct registry *r, str url)
{
    str scheme, host, rest;
    if (!http_url_split(url, &scheme, &host, &rest))
        return false;
    return str_eq_nocase(scheme, STR("https")) ||
           (str_eq_nocase(scheme, STR("http")) && r->is_loopback &&
            registry_host_is_loopback(host));
}

/* One form posted; *value is the member @key of the answer. */
static bool post(struct registry *r, struct http_client *client, struct arena *arena, str url,
                 const struct sb *form, const char *key, str *value, struct err *err)
{
    struct http_header header = {STR("Content-Type"), STR("application/x-www-form-urlencoded")};
    struct http_answer answer;
    struct err ignored = {0};
    str scheme, host, rest, why = STR_NONE;
    const char *address = arena_cstr(arena, url);
    if (!address)
        return err_memory(err);
    if (!http_url_split(url, &scheme, &host, &rest) || !is_safe(r, url))
        return err_set(err, ERR_DENIED, STR_FMT ": credentials go by https only", STR_ARG(url));
    struct http_call call = {
        .method = "POST", .url = address, .headers = &header, .n_headers = 1, .body = sb_str(form)};
    if (!registry_token_call(r, client, arena, &call, &answer, err))
        return false;
    if (answer.status == 200)
        return registry_answer_str(arena, host, answer.body, key, value, err) &&
               (value->len > 0 || err_set(err, ERR_UNAVAILABLE, STR_FMT ": its answer has no %s",
                                          STR_ARG(host), key));
    if (!registry_answer_str(arena, host, answer.body, "error", &why, &ignored))
        why = STR_NONE;
    bool is_refused = answer.status == 400 || answer.status == 401 || answer.status == 403;
    return err_set(err, is_refused ? ERR_DENIED : ERR_UNAVAILABLE,
                   STR_FMT ": refused the service principal (%d%s" STR_FMT ")", STR_ARG(host),
                   answer.status, why.len ? ", " : "", STR_ARG(str_slice(why, 0, 80)));
}

static bool entra_token(struct registry *r, struct http_client *client, struct arena *arena,
                        str *token, struct err *err)
{
    const struct registry_azure *azure = &r->azure;
    const struct azure_cloud *cloud = cloud_of(r->api_host);
    str authority = azure->authority.len ? azure->authority : str_from(cloud->authority);
    str audience = azure->audience.len ? azure->audience : str_from(cloud->audience);
    str url = arena_printf(arena, STR_FMT "/" STR_FMT "/oauth2/v2.0/token", STR_ARG(authority),
                           STR_ARG(http_url_escape(arena, azure->tenant)));
    str scope = arena_printf(arena, STR_FMT "/.default", STR_ARG(audience));
    auto_sb form;
    sb_init(&form, LIMIT(HTTP_BODY));
    if (!url.ptr || !scope.ptr)
        return err_memory(err);
    return registry_form_add(&form, arena, "grant_type", STR("client_credentials"), err) &&
           registry_form_add(&form, arena, "client_id", azure->client_id, err) &&
           registry_form_add(&form, arena, "client_secret", azure->client_secret, err) &&
           registry_form_add(&form, arena, "scope", scope, err) &&
           post(r, client, arena, url, &form, "access_token", token, err);
}

/* Only with the registry itself: Entra's token opens more than the registry. */
static bool exchange(struct registry *r, struct http_client *client, struct arena *arena,
                     const struct realm *realm, str entra, str *refresh, struct err *err)
{
    str scheme, host, rest;
    auto_sb form;
    sb_init(&form, LIMIT(HTTP_BODY));
    if (!http_url_split(realm->url, &scheme, &host, &rest) || !str_eq_nocase(host, r->api_host))
        return err_set(err, ERR_DENIED, STR_FMT ": its token realm is at another host, " STR_FMT,
                       STR_ARG(r->api_host), STR_ARG(realm->host));
    str url = arena_printf(arena, STR_FMT "://" STR_FMT "/oauth2/exchange", STR_ARG(scheme),
                           STR_ARG(host));
    if (!url.ptr)
        return err_memory(err);
    return registry_form_add(&form, arena, "grant_type", STR("access_token"), err) &&
           registry_form_add(&form, arena, "service", realm->service, err) &&
           registry_form_add(&form, arena, "tenant", r->azure.tenant, err) &&
           registry_form_add(&form, arena, "access_token", entra, err) &&
           post(r, client, arena, url, &form, "refresh_token", refresh, err);
}

static bool kept(struct registry *r, struct arena *arena, str *out)
{
    mtx_lock(&r->lock);
    *out = arena_dup(arena, sb_str(&r->refresh));
    mtx_unlock(&r->lock);
    return out->len > 0;
}

static bool keep(struct registry *r, str token, struct err *err)
{
    mtx_lock(&r->lock);
    sb_clear(&r->refresh);
    sb_add(&r->refresh, token);
    bool is_ok = sb_ok(&r->refresh, err);
    mtx_unlock(&r->lock);
    return is_ok;
}

bool azure_refresh_token(struct registry *r, struct http_client *client, struct arena *arena,
                         const struct realm *realm, bool is_new, str *out, struct err *err)
{
    str entra;
    if (!is_new && kept(r, arena, out))
        return true;
    return entra_token(r, client, arena, &entra, err) &&
           exchange(r, client, arena, realm, entra, out, err) && keep(r, *out, err);
}
