/* SPDX-License-Identifier: Apache-2.0 */
#include <sodium.h>

#include "base/clock.h"
#include "guard/internal.h"

/* --- who
 * ---------------------------------------------------------------------------------------------------
 */
/* Compared by hash, so that time tells nothing about length or content. */
static bool secret_eq(str a, str b)
{
    unsigned char x[crypto_hash_sha256_BYTES], y[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(x, (const unsigned char *)(a.ptr ? a.ptr : ""), a.len);
    crypto_hash_sha256(y, (const unsigned char *)(b.ptr ? b.ptr : ""), b.len);
    return sodium_memcmp(x, y, sizeof(x)) == 0;
}

static bool is_authentic(const struct config *config, const struct notification *in)
{
    const struct config_registry *registry = config_registry_find(config, in->registry);
    str expected = registry && registry->notification_secret.len ? registry->notification_secret
                                                                 : config->notification_secret;
    bool is_same = secret_eq(in->secret, expected); /* also for a registry that is none */
    return is_same && registry && expected.len > 0;
}

/* --- what
 * ----------------------------------------------------------------------------------------------------
 */
static bool is_index_type(str media_type)
{
    return str_has(media_type, STR("manifest.list")) || str_has(media_type, STR("image.index"));
}

/* Harbor says who pulled, and not with what.  Names of accounts differ in more than case. */
static bool is_ours(const struct registry_event *event, str own_name)
{
    if (event->user_agent.len)
        return str_starts(event->user_agent, STR("plimsoll/"));
    return own_name.len && str_eq_nocase(event->actor_name, own_name);
}

static enum event_action action_of(const struct registry_event *event, str own_name)
{
    switch (event->action) {
    case ACTION_PUSH:
        return event->is_blob || !event->digest.n ? EVENT_NONE : EVENT_PUSH;
    case ACTION_PULL:
        return event->is_blob || !event->digest.n || is_ours(event, own_name) ? EVENT_NONE
                                                                              : EVENT_PULL;
    case ACTION_DELETE:
        return EVENT_DELETE;
    case ACTION_MOUNT:
    case ACTION_OTHER:
    default:
        return EVENT_NONE;
    }
}

static bool convert(struct arena *arena, const struct registry_event *event, str own_name,
                    struct store_event *out)
{
    char text[DIGEST_TEXT_SIZE];
    *out = (struct store_event){
        .id = event->id,
        .action = action_of(event, own_name),
        .repository = event->repository,
        .tag = event->tag,
        .media_type = event->media_type,
        .is_index = is_index_type(event->media_type),
        .at = event->at,
        .digest = arena_dup(arena, event->digest.n ? digest_print(&event->digest, text) : STR("")),
    };
    return out->digest.ptr != NULL;
}

typedef VEC(struct store_event) store_events;
static bool select_events(struct arena *arena, const struct registry_message *message, str own_name,
                          store_events *out, unsigned *n_ignored, struct err *err)
{
    registry_events events = {0};
    if (!registry_events_parse(arena, message, &events, err))
        return false;
    for (size_t i = 0; i < events.len; i++) {
        if (action_of(&events.ptr[i], own_name) == EVENT_NONE) {
            ++*n_ignored;
            continue;
        }
        struct store_event *one = vec_push(arena, out);
        if (!one || !convert(arena, &events.ptr[i], own_name, one))
            return err_memory(err);
    }
    return true;
}

/* --- and kept
 * -------------------------------------------------------------------------------------------------
 */
static bool keep(struct guard *guard, struct arena *arena, str name, const store_events *events,
                 struct event_counts *counts, struct err *err)
{
    struct store *store;
    struct store_registry registry;
    if (!store_pool_take(guard->durable, &store, err))
        return false;
    bool ok =
        store_registry_get(store, arena, name, &registry, err) &&
        store_events_add(store, registry.id, events->ptr, events->len, clock_now_s(), counts, err);
    store_pool_give(guard->durable, store);
    return ok;
}

/* The name under which we log in there. */
static str own_name(const struct config *config, str name)
{
    const struct config_registry *registry = config_registry_find(config, name);
    return registry ? registry->username : STR_NONE;
}

static bool notify(struct guard *guard, struct arena *arena, const struct notification *in,
                   struct notify_result *out, struct err *err)
{
    store_events events = {0};
    uint64_t max = guard->config->limits.of[LIMIT_ID_EVENTS_BODY];
    if (!is_authentic(guard->config, in))
        return err_set(err, ERR_DENIED, "the notification's secret is not the configured one");
    if (in->message.body.len > max)
        return err_set(err, ERR_LIMIT, "the notification has %zu bytes; events-body is %llu",
                       in->message.body.len, (unsigned long long)max);
    if (!select_events(arena, &in->message, own_name(guard->config, in->registry), &events,
                       &out->n_ignored, err))
        return false;
    out->n_events = (unsigned)events.len;
    if (!events.len || keep(guard, arena, in->registry, &events, &out->stored, err))
        return true;
    err->kind = ERR_UNAVAILABLE; /* whatever the store has: the registry shall send it again */
    return false;
}

bool guard_notify(struct guard *guard, struct arena *arena, const struct notification *in,
                  struct notify_result *out, struct err *err)
{
    *out = (struct notify_result){0};
    if (!notify(guard, arena, in, out, err)) {
        atomic_fetch_add(&guard->n_refused, 1);
        log_event(LOG_WARN, "notification refused", LOG_STR("registry", in->registry),
                  LOG_ERR(err));
        return false;
    }
    atomic_fetch_add(&guard->n_accepted, 1);
    if (out->stored.n_jobs)
        guard_wake(guard);
    log_event(LOG_DEBUG, "notification kept", LOG_STR("registry", in->registry),
              LOG_NUM("events", out->n_events), LOG_NUM("jobs", out->stored.n_jobs));
    return true;
}
