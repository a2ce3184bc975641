/* SPDX-License-Identifier: Apache-2.0 */
/* reach.c - how a registry is reached: as it is configured, as it was said over REST, or as the
 * store has it sealed from another server's configuration. */
#include "base/clock.h"
#include "guard/internal.h"

/* --- of the configuration
 * --------------------------------------------------------------------------- */
static str proxy_word(str proxy)
{
    if (!proxy.len)
        return STR("none");
    return str_eq(proxy, STR("environment")) ? STR("") : proxy;
}

void config_registry_reach(const struct config *config, const struct config_registry *r,
                           struct registry_config *out)
{
    bool is_own = r->proxy.len > 0;
    *out = (struct registry_config){
        .host = r->host,
        .is_plain_http = r->is_plain_http,
        .username = r->username,
        .password = r->password,
        .identity_token = r->identity_token,
        .azure = {r->tenant, r->client_id, r->client_secret, r->authority, r->audience},
        .ca_file = r->ca_file,
        .client_cert_file = r->client_cert_file,
        .client_key_file = r->client_key_file,
        .proxy = proxy_word(is_own ? r->proxy : config->proxy),
        .no_proxy = is_own ? r->no_proxy : config->no_proxy,
        .timeout_s = r->timeout_s,
        .concurrency = r->concurrency,
    };
}

/* --- of the store
 * ----------------------------------------------------------------------------------- */
/* All of it sealed: a row a text. */
#define KEPT(name, member)                                                                         \
    {                                                                                              \
        name, offsetof(struct registry_config, member)                                             \
    }
static const struct kept {
    const char *name;
    size_t offset;
} kept[] = {
    KEPT("username", username),
    KEPT("password", password),
    KEPT("identity-token", identity_token),
    KEPT("tenant", azure.tenant),
    KEPT("client-id", azure.client_id),
    KEPT("client-secret", azure.client_secret),
    KEPT("authority", azure.authority),
    KEPT("audience", azure.audience),
    KEPT("ca-file", ca_file),
    KEPT("client-certificate-file", client_cert_file),
    KEPT("client-key-file", client_key_file),
    KEPT("proxy", proxy),
    KEPT("no-proxy", no_proxy),
};

static str *kept_at(const struct kept *row, struct registry_config *in)
{
    return (str *)(void *)((char *)in + row->offset);
}

/* Sealed again only when it is another one: a new seal is a new row for every backup. */
static bool write_secret(struct guard *guard, struct store *store, int64_t registry_id,
                         const char *name, str secret, struct err *err)
{
    struct arena arena;
    struct err none = {0};
    str before;
    arena_init(&arena, MIB);
    bool is_same =
        store_secret_get(store, &arena, &guard->key, registry_id, name, &before, &none) &&
        str_eq(before, secret);
    arena_fini(&arena);
    return is_same ||
           store_secret_set(store, &guard->key, registry_id, name, secret, clock_now_s(), err);
}

bool registry_reach_save(struct guard *guard, struct store *store, int64_t registry_id,
                         const struct config *config, const struct config_registry *registry,
                         struct err *err)
{
    struct registry_config reach;
    config_registry_reach(config, registry, &reach);
    for (size_t i = 0; i < ARRAY_LEN(kept); i++)
        if (!write_secret(guard, store, registry_id, kept[i].name, *kept_at(&kept[i], &reach), err))
            return false;
    return true;
}

static bool reach_kept(const struct guard *guard, struct store *store, struct arena *arena,
                       const struct store_registry *registry, struct registry_config *out,
                       struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(kept); i++)
        if (!store_secret_get(store, arena, &guard->key, registry->id, kept[i].name,
                              kept_at(&kept[i], out), err))
            return false;
    if (!out->proxy.len)
        out->proxy = proxy_word(guard->config->proxy);
    return true;
}

/* --- of REST
 * ------------------------------------------------------------------------------------ */
static bool reach_made(const struct guard *guard, struct store *store, struct arena *arena,
                       const struct store_registry *registry, struct registry_config *out,
                       struct err *err)
{
    struct registry_settings s;
    if (!registry_settings_of(arena, registry, &s, err))
        return false;
    *out = (struct registry_config){
        .is_alone = true,
        .username = s.username,
        .ca_pem = s.ca_pem,
        .client_cert_pem = s.client_cert_pem,
        .proxy = s.proxy.len ? s.proxy : proxy_word(guard->config->proxy),
        .no_proxy = guard->config->no_proxy,
    };
    return store_secret_get(store, arena, &guard->key, registry->id, SECRET_PASSWORD,
                            &out->password, err) &&
           store_secret_get(store, arena, &guard->key, registry->id, SECRET_CLIENT_KEY,
                            &out->client_key_pem, err);
}

/* --- whichever it is
 * ------------------------------------------------------------------------------ */
bool guard_reach(struct guard *guard, struct store *store, struct arena *arena,
                 const struct store_registry *registry, struct registry_config *out,
                 struct err *err)
{
    const struct config_registry *c = config_registry_find(guard->config, registry->name);
    *out = (struct registry_config){0};
    if (c)
        config_registry_reach(guard->config, c, out);
    else if (registry->is_made ? !reach_made(guard, store, arena, registry, out, err)
                               : !reach_kept(guard, store, arena, registry, out, err))
        return false;
    out->host = registry->host;
    out->is_plain_http = registry->is_plain_http;
    out->hub = guard->hub;
    return true;
}

bool registry_config_of(struct loop *loop, const struct store_registry *registry,
                        struct registry_config *out, struct err *err)
{
    return guard_reach(loop->guard, loop->store, &loop->arena, registry, out, err);
}
