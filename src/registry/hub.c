/* SPDX-License-Identifier: Apache-2.0 */
/* hub.c - what the sources of one process share.  Hosts are as many as registries are configured,
 * tokens at most MAX_TOKENS: the one that ends first makes room. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "registry/internal.h"

enum { MAX_TOKENS = 1024, WAIT_MS = 100, DEFAULT_SEATS = 8 };

struct hub_host {
    struct hub_host *next;
    char *name;
    uint32_t n_seated;
    int64_t rest_until_mono_ms;
};
struct hub_token {
    char *key, *text;
    int64_t expires_mono_ms;
};
struct registry_hub {
    struct http_pool *pool;
    mtx_t lock; /* guards all below */
    cnd_t changed;
    struct hub_host *hosts;
    struct hub_token tokens[MAX_TOKENS];
    size_t n_tokens;
};

bool registry_hub_open(struct registry_hub **out, struct err *err)
{
    struct registry_hub *hub = calloc(1, sizeof(*hub));
    if (!hub)
        return err_memory(err);
    if (!http_pool_open(&hub->pool, err)) {
        free(hub);
        return false;
    }
    mtx_init(&hub->lock, mtx_plain);
    cnd_init(&hub->changed);
    *out = hub;
    return true;
}

static void token_fini(struct hub_token *token)
{
    if (token->text)
        explicit_bzero(token->text, strlen(token->text));
    free(token->key);
    free(token->text);
    *token = (struct hub_token){0};
}

void registry_hub_close(struct registry_hub *hub)
{
    if (!hub)
        return;
    for (struct hub_host *host = hub->hosts, *next; host; host = next) {
        next = host->next;
        free(host->name);
        free(host);
    }
    for (size_t i = 0; i < hub->n_tokens; i++)
        token_fini(&hub->tokens[i]);
    http_pool_close(hub->pool);
    cnd_destroy(&hub->changed);
    mtx_destroy(&hub->lock);
    free(hub);
}

struct http_pool *hub_pool(struct registry_hub *hub) { return hub ? hub->pool : NULL; }

/* --- hosts
 * ---------------------------------------------------------------------------------------- */
static struct hub_host *host_find(struct registry_hub *hub, str name)
{
    for (struct hub_host *host = hub->hosts; host; host = host->next)
        if (str_eq_nocase(str_from(host->name), name))
            return host;
    return NULL;
}

static struct hub_host *host_make(struct registry_hub *hub, str name)
{
    struct hub_host *host = host_find(hub, name);
    if (host)
        return host;
    host = calloc(1, sizeof(*host));
    if (!host || !(host->name = strndup(name.ptr, name.len))) {
        free(host);
        return NULL;
    }
    host->next = hub->hosts;
    return hub->hosts = host;
}

static void wait_a_little(struct registry_hub *hub)
{
    struct timespec until;
    timespec_get(&until, TIME_UTC);
    until.tv_nsec += WAIT_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    cnd_timedwait(&hub->changed, &hub->lock, &until);
}

/* Left alone for long is an error at once: the job comes again when it may. */
static bool must_wait(const struct hub_host *host, uint32_t max, bool *out, struct err *err)
{
    int64_t left_ms = host->rest_until_mono_ms - clock_mono_ms();
    *out = host->n_seated >= max || left_ms > 0;
    if (left_ms > (int64_t)LIMIT(REGISTRY_WAIT) * 1000)
        return err_set(err, ERR_UNAVAILABLE,
                       "%s: too many requests: it asks to be left alone for %lld more seconds",
                       host->name, (long long)(left_ms + 999) / 1000);
    return true;
}

bool hub_sit(struct registry_hub *hub, str name, uint32_t max, const struct cancel *cancel,
             struct err *err)
{
    bool is_ok = true, waits = true;
    if (!hub)
        return true;
    mtx_lock(&hub->lock);
    struct hub_host *host = host_make(hub, name);
    if (!host)
        is_ok = err_memory(err);
    while (is_ok && waits) {
        is_ok = must_wait(host, max ? max : DEFAULT_SEATS, &waits, err);
        if (is_ok && waits && cancel_is(cancel, err))
            is_ok = err_wrap(err, "%s", host->name);
        if (is_ok && waits)
            wait_a_little(hub);
    }
    if (is_ok)
        host->n_seated++;
    mtx_unlock(&hub->lock);
    return is_ok;
}

void hub_rise(struct registry_hub *hub, str name)
{
    if (!hub)
        return;
    mtx_lock(&hub->lock);
    struct hub_host *host = host_find(hub, name);
    if (host && host->n_seated)
        host->n_seated--;
    cnd_broadcast(&hub->changed);
    mtx_unlock(&hub->lock);
}

void hub_rest(struct registry_hub *hub, str name, int64_t ms)
{
    if (!hub)
        return;
    mtx_lock(&hub->lock);
    struct hub_host *host = host_make(hub, name);
    int64_t until = clock_mono_ms() + ms;
    if (host && until > host->rest_until_mono_ms)
        host->rest_until_mono_ms = until;
    mtx_unlock(&hub->lock);
}

uint32_t registry_hub_rest_s(struct registry_hub *hub, str name)
{
    int64_t left_ms = 0;
    if (!hub)
        return 0;
    mtx_lock(&hub->lock);
    const struct registry_row *row = registry_row_find(name);
    const struct hub_host *host = host_find(hub, row ? str_from(row->api_host) : name);
    if (host)
        left_ms = host->rest_until_mono_ms - clock_mono_ms();
    mtx_unlock(&hub->lock);
    return left_ms > 0 ? (uint32_t)((left_ms + 999) / 1000) : 0;
}

/* --- tokens
 * --------------------------------------------------------------------------------------- */
static struct hub_token *token_find(struct registry_hub *hub, str key)
{
    for (size_t i = 0; i < hub->n_tokens; i++)
        if (str_eq(str_from(hub->tokens[i].key), key))
            return &hub->tokens[i];
    return NULL;
}

bool hub_token_get(struct registry_hub *hub, str key, struct sb *out, int64_t *expires_mono_ms)
{
    bool is_valid = false;
    if (!hub)
        return false;
    mtx_lock(&hub->lock);
    const struct hub_token *token = token_find(hub, key);
    if (token && token->expires_mono_ms > clock_mono_ms()) {
        sb_clear(out);
        sb_addc(out, token->text);
        *expires_mono_ms = token->expires_mono_ms;
        is_valid = !out->has_failed;
    }
    mtx_unlock(&hub->lock);
    return is_valid;
}

/* A free slot, its own, or that of the one that ends first. */
static struct hub_token *token_slot(struct registry_hub *hub, str key)
{
    struct hub_token *slot = token_find(hub, key);
    if (!slot && hub->n_tokens < MAX_TOKENS)
        return &hub->tokens[hub->n_tokens++];
    if (!slot) {
        slot = &hub->tokens[0];
        for (size_t i = 1; i < MAX_TOKENS; i++)
            if (hub->tokens[i].expires_mono_ms < slot->expires_mono_ms)
                slot = &hub->tokens[i];
    }
    token_fini(slot);
    return slot;
}

void hub_token_put(struct registry_hub *hub, str key, str token, int64_t expires_mono_ms)
{
    if (!hub)
        return;
    char *kept_key = strndup(key.ptr, key.len), *text = strndup(token.ptr, token.len);
    if (!kept_key || !text) {
        free(kept_key);
        free(text);
        return; /* it is asked for again */
    }
    mtx_lock(&hub->lock);
    *token_slot(hub, key) =
        (struct hub_token){.key = kept_key, .text = text, .expires_mono_ms = expires_mono_ms};
    mtx_unlock(&hub->lock);
}
