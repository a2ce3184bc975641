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

/* Also for a registry that is none. */
static bool is_authentic(const struct notifier *notifier, const struct notification *in)
{
    bool is_same = secret_eq(in->secret, notifier->secret);
    return is_same && notifier->is_known && notifier->secret.len > 0;
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
struct pending {
    struct waiting waiting; /* first: it is what the intake gives back */
    struct guard *guard;
    str registry;
    struct notify_result result;
    notify_done *done;
    void *ctx;
};

static void refuse(struct guard *guard, str registry, const struct err *err)
{
    atomic_fetch_add(&guard->n_refused, 1);
    log_event(LOG_WARN, "notification refused", LOG_STR("registry", registry), LOG_ERR(err));
}

static void accept_it(struct guard *guard, str registry, const struct notify_result *result)
{
    atomic_fetch_add(&guard->n_accepted, 1);
    if (result->stored.n_jobs)
        guard_wake(guard);
    log_event(LOG_DEBUG, "notification kept", LOG_STR("registry", registry),
              LOG_NUM("events", result->n_events), LOG_NUM("jobs", result->stored.n_jobs));
}

static void tell(struct pending *p, const struct err *err)
{
    if (err)
        refuse(p->guard, p->registry, err);
    else
        accept_it(p->guard, p->registry, &p->result);
    p->done(p->ctx, &p->result, err);
}

static void kept(struct waiting *waiting)
{
    struct pending *p = (struct pending *)waiting;
    p->result.stored = waiting->counts;
    if (!waiting->is_kept)
        waiting->err.kind = ERR_UNAVAILABLE; /* whatever the store has: it shall be sent again */
    tell(p, waiting->is_kept ? NULL : &waiting->err);
}

static bool take_in(struct guard *guard, struct arena *arena, const struct notification *in,
                    store_events *events, unsigned *n_ignored, struct err *err)
{
    uint64_t max = guard->config->limits.of[LIMIT_ID_EVENTS_BODY];
    struct notifier notifier;
    if (!notifier_of(guard, arena, in->registry, &notifier, err)) {
        err->kind = ERR_UNAVAILABLE;
        return false;
    }
    if (!is_authentic(&notifier, in))
        return err_set(err, ERR_DENIED, "the notification's secret is not the configured one");
    if (in->message.body.len > max)
        return err_set(err, ERR_LIMIT, "the notification has %zu bytes; events-body is %llu",
                       in->message.body.len, (unsigned long long)max);
    return select_events(arena, &in->message, notifier.own_name, events, n_ignored, err);
}

void guard_notify_later(struct guard *guard, struct arena *arena, const struct notification *in,
                        notify_done *done, void *ctx)
{
    store_events events = {0};
    struct err err = {0};
    struct pending none = {.guard = guard, .registry = in->registry, .done = done, .ctx = ctx};
    struct pending *p = arena_new(arena, struct pending);
    struct settings *settings = guard_pin(guard);
    bool is_taken = p && take_in(guard, arena, in, &events, &none.result.n_ignored, &err);
    guard_unpin(guard, settings);
    if (!is_taken) {
        if (!p)
            (void)err_memory(&err);
        tell(&none, &err);
        return;
    }
    *p = none;
    p->result.n_events = (unsigned)events.len;
    p->waiting = (struct waiting){
        .registry = in->registry, .events = events.ptr, .n = events.len, .done = kept};
    if (!events.len)
        tell(p, NULL);
    else if (!intake_add(guard, &p->waiting, &err))
        tell(p, &err);
}

/* --- and waited for
 * -------------------------------------------------------------------------------------------------
 */
struct wait {
    pthread_mutex_t lock; /* guards the others */
    pthread_cond_t changed;
    bool is_done, is_kept;
    struct notify_result *result;
    struct err *err;
};

static void wake(void *ctx, const struct notify_result *result, const struct err *err)
{
    struct wait *w = ctx;
    pthread_mutex_lock(&w->lock);
    *w->result = *result;
    if (err)
        *w->err = *err;
    w->is_kept = !err;
    w->is_done = true;
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->lock);
}

bool guard_notify(struct guard *guard, struct arena *arena, const struct notification *in,
                  struct notify_result *out, struct err *err)
{
    struct wait w = {.result = out, .err = err};
    pthread_mutex_init(&w.lock, NULL);
    pthread_cond_init(&w.changed, NULL);
    guard_notify_later(guard, arena, in, wake, &w);
    pthread_mutex_lock(&w.lock);
    while (!w.is_done)
        pthread_cond_wait(&w.changed, &w.lock);
    pthread_mutex_unlock(&w.lock);
    pthread_cond_destroy(&w.changed);
    pthread_mutex_destroy(&w.lock);
    return w.is_kept;
}
