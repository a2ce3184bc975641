/* SPDX-License-Identifier: Apache-2.0 */
/* deliver.c - the delivery thread: words what results have changed, one message a batch and
 * channel, and sends each until its receiver has it.
 *
 *   changes ─ tellings_load ─ letter_* ─> outbox ─ lease ─ channel_send ─> sent | queued | dead
 *
 * What it looks for by itself, every LOOK_MS: images with findings that were pulled, sources that
 * are held, leases of a server that died. */
#include "base/clock.h"
#include "guard/internal.h"

#include <sodium.h>
#include <stdlib.h>

enum {
    POLL_MS = 1000,
    IDLE_MS = 5000, /* no channel is configured */
    LOOK_MS = 10000,
    LEASE_S = 90, /* longer than the longest timeout */
    BATCH_MAX = 64,
    REST_MAX_S = 60,
    DAY_S = 86400,
    PULLED_S = 30 * DAY_S,
    TELL_AGAIN_S = 7 * DAY_S,
    KEEP_S = 30 * DAY_S,
};
#define BATCH_MEMORY (256 * MIB)

/* A receiver that does not answer is left alone for a little while, and others have their turn. */
struct rest {
    char channel[64];
    unsigned n_failed;
    int64_t until_ms;
};
/* What was last noted of a source. */
struct held {
    char name[64];
    bool is_held;
};
struct deliverer {
    struct guard *guard;
    struct slot *slot;
    struct store *store;
    struct arena arena;
    VEC(struct rest) rests;
    VEC(struct held) helds;
    struct arena rests_arena; /* of both */
    int64_t look_ms, purged_at;
};

/* --- wording
 * ---------------------------------------------------------------------------------------- */
/* RFC 9562, version 4. */
str message_id(struct arena *arena)
{
    unsigned char b[16];
    randombytes_buf(b, sizeof(b));
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    return arena_printf(
        arena, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
        b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

bool message_write(struct arena *arena, const struct config *config,
                   const struct config_channel *channel, const struct telling *telling,
                   struct outbox_message *out, struct err *err)
{
    struct letter letter;
    *out =
        (struct outbox_message){.message = message_id(arena),
                                .channel = channel->name,
                                .kind = str_from(told_name(telling->what)),
                                .registry = telling->registry ? telling->registry->name : STR_NONE,
                                .repository = telling->repository};
    if (!out->message.ptr)
        return err_memory(err);
    if (!letter_write(arena, config, channel, telling, &letter, err))
        return false;
    out->subject = letter.summary;
    return channel->kind == CHANNEL_SMTP ? letter_mail(&letter, out->message, &out->body, err)
                                         : letter_json(&letter, out->message, &out->body, err);
}

static bool word_batch(struct deliverer *d, const struct store_batch *batch, struct err *err)
{
    const struct config *config = d->guard->config;
    tellings all = {0};
    outbox_messages messages = {0};
    if (!tellings_load(d->store, &d->arena, batch, &all, err))
        return false;
    for (size_t i = 0; i < all.len; i++)
        for (size_t k = 0; k < config->channels.len; k++) {
            const struct config_channel *channel = &config->channels.ptr[k];
            if (!channel_wants(channel, &all.ptr[i]))
                continue;
            struct outbox_message *one = vec_push(&d->arena, &messages);
            if (!one)
                return err_memory(err);
            if (!message_write(&d->arena, config, channel, &all.ptr[i], one, err))
                return false;
        }
    return store_outbox_add(d->store, batch, messages.ptr, messages.len, clock_now_s(), err);
}

/* Images of which a batch's worth does not fit are told of in smaller ones. */
static enum next word_next(struct deliverer *d, size_t limit, struct err *err)
{
    struct store_batch batch;
    arena_reset(&d->arena);
    enum next next = store_changes_next(d->store, &d->arena, clock_now_s(), limit, &batch, err);
    if (next != NEXT_ITEM || word_batch(d, &batch, err))
        return next;
    if (err->kind == ERR_UNAVAILABLE || (err->kind == ERR_MEMORY && limit > 1))
        return NEXT_ERR;
    /* It would fail the same way every time, and keep all others from being told. */
    log_event(LOG_ERROR, "notify: a change cannot be told", LOG_STR("batch", batch.name),
              LOG_ERR(err));
    return store_outbox_add(d->store, &batch, NULL, 0, clock_now_s(), err) ? NEXT_ITEM : NEXT_ERR;
}

static void word_all(struct deliverer *d)
{
    size_t limit = BATCH_MAX;
    while (!guard_is_stopping(d->guard)) {
        struct err err = {0};
        enum next next = word_next(d, limit, &err);
        if (next == NEXT_END)
            return;
        if (next == NEXT_ERR && err.kind == ERR_MEMORY && limit > 1) {
            limit /= 2;
            continue;
        }
        if (next == NEXT_ERR) {
            log_event(LOG_ERROR, "notify: a message cannot be written", LOG_ERR(&err));
            return;
        }
    }
}

/* --- sending
 * ------------------------------------------------------------------------------------------ */
static struct rest *rest_of(struct deliverer *d, str channel)
{
    for (size_t i = 0; i < d->rests.len; i++)
        if (str_eq(str_from(d->rests.ptr[i].channel), channel))
            return &d->rests.ptr[i];
    struct rest *rest = vec_push(&d->rests_arena, &d->rests);
    if (rest)
        snprintf(rest->channel, sizeof(rest->channel), STR_FMT, STR_ARG(channel));
    return rest;
}

static void note_rest(struct deliverer *d, const struct config_channel *c, const struct sent *s)
{
    struct rest *rest = rest_of(d, c->name);
    if (!rest)
        return;
    rest->n_failed = s->is_down ? rest->n_failed + 1 : 0;
    int64_t pause_s = (int64_t)c->retry_base_s * rest->n_failed;
    if (s->retry_after_s > pause_s)
        pause_s = s->retry_after_s;
    rest->until_ms =
        rest->n_failed ? clock_mono_ms() + 1000 * (pause_s < REST_MAX_S ? pause_s : REST_MAX_S) : 0;
}

static void note_end(struct deliverer *d, const struct config_channel *c,
                     const struct outbox_message *m, const struct sent *s)
{
    struct err err = {0};
    int64_t now = clock_now_s();
    struct outbox_outcome outcome = {.state = s->end, .error = s->error, .now = now};
    if (s->end == OUTBOX_QUEUED)
        outcome.not_before =
            now + (s->retry_after_s ? s->retry_after_s : backoff_s(c->retry_base_s, m->attempts));
    if (s->is_stopped) {
        outcome.state = OUTBOX_QUEUED;
        outcome.not_before = now;
        outcome.is_no_attempt = true;
    }
    if (!store_outbox_end(d->store, m, &outcome, &err))
        log_event(LOG_WARN, "notify: the end of a delivery was not stored", LOG_ERR(&err));
    else
        deliveries_add(d->guard, m, outcome.state);
    log_event(s->end == OUTBOX_SENT ? LOG_INFO : LOG_WARN, "notify: delivery",
              LOG_STR("channel", m->channel), LOG_STR("kind", m->kind),
              LOG_STR("message", m->message),
              LOG_STR("end", str_from(outbox_state_name(outcome.state))),
              LOG_NUM("attempt", m->attempts), LOG_STR("error", s->error));
}

/* True when one was tried. */
static bool send_one(struct deliverer *d, const struct config_channel *c)
{
    struct err err = {0};
    struct outbox_message message;
    struct sent sent;
    const struct rest *rest = rest_of(d, c->name);
    if (rest && rest->until_ms > clock_mono_ms())
        return false;
    arena_reset(&d->arena);
    enum next next =
        store_outbox_lease(d->store, &d->arena, c->name, clock_now_s(), LEASE_S, &message, &err);
    if (next == NEXT_ERR)
        log_event(LOG_ERROR, "notify: no message can be leased", LOG_ERR(&err));
    if (next != NEXT_ITEM)
        return false;
    const struct job busy = {0};
    slot_open(d->guard, d->slot, &busy, 0);
    channel_send(c, &message, &d->slot->cancel, &d->arena, &sent);
    note_end(d, c, &message, &sent);
    note_rest(d, c, &sent);
    slot_close(d->guard, d->slot);
    return true;
}

/* Channels take turns, so that one with many messages does not keep the others waiting. */
static bool send_all(struct deliverer *d)
{
    bool was_any = false, is_any = true;
    while (is_any && !guard_is_stopping(d->guard)) {
        const struct config *config = d->guard->config;
        is_any = false;
        for (size_t i = 0; i < config->channels.len && !guard_is_stopping(d->guard); i++)
            is_any = send_one(d, &config->channels.ptr[i]) || is_any;
        was_any = was_any || is_any;
    }
    return was_any;
}

/* --- looking
 * ------------------------------------------------------------------------------------------ */
static bool wants(const struct config *config, enum told what)
{
    for (size_t i = 0; i < config->channels.len; i++)
        if (config->channels.ptr[i].events >> what & 1)
            return true;
    return false;
}

static bool look_at_pulled(struct deliverer *d, struct err *err)
{
    int64_t now = clock_now_s();
    size_t n = 0;
    const struct in_use_spec spec = {
        .now = now, .pulled_after = now - PULLED_S, .told_after = now - TELL_AGAIN_S};
    return !wants(d->guard->config, TOLD_PULLED_VULNERABLE) ||
           store_changes_pulled(d->store, &spec, &n, err);
}

static struct held *held_of(struct deliverer *d, str name, bool *is_known)
{
    *is_known = true;
    for (size_t i = 0; i < d->helds.len; i++)
        if (str_eq(str_from(d->helds.ptr[i].name), name))
            return &d->helds.ptr[i];
    *is_known = false;
    struct held *held = vec_push(&d->rests_arena, &d->helds);
    if (held)
        snprintf(held->name, sizeof(held->name), STR_FMT, STR_ARG(name));
    return held;
}

/* The store is asked when something changed, and once after the start. */
static bool look_at_source(struct deliverer *d, const struct source_state *source, struct err *err)
{
    bool is_known = false, is_new = false;
    struct held *held = held_of(d, source->name, &is_known);
    str why = source->error.len ? source->error : STR("it moved too much at once");
    if (!held)
        return err_memory(err);
    if (is_known && held->is_held == source->is_held)
        return true;
    if (!store_changes_source(d->store, source->name, source->is_held ? why : STR_NONE,
                              clock_now_s(), &is_new, err)) {
        held->is_held = !source->is_held; /* ask again */
        return false;
    }
    held->is_held = source->is_held;
    return true;
}

static bool look_at_sources(struct deliverer *d, struct err *err)
{
    source_states sources = {0};
    arena_reset(&d->arena);
    if (!wants(d->guard->config, TOLD_SOURCE_HELD))
        return true;
    bool ok = advisory_sources(d->guard->advisories.dir, &d->arena, &sources, err);
    for (size_t i = 0; ok && i < sources.len; i++)
        ok = look_at_source(d, &sources.ptr[i], err);
    return ok;
}

static bool bury_orphans(struct deliverer *d, struct err *err)
{
    strs channels = {0};
    arena_reset(&d->arena);
    if (!store_outbox_channels(d->store, &d->arena, &channels, err))
        return false;
    for (size_t i = 0; i < channels.len; i++)
        if (!config_channel_find(d->guard->config, channels.ptr[i]) &&
            !store_outbox_bury(d->store, channels.ptr[i],
                               STR("no channel of that name is configured"), clock_now_s(), err))
            return false;
    return true;
}

static bool look(struct deliverer *d, struct err *err)
{
    int64_t now = clock_now_s();
    size_t n = 0;
    if (!look_at_pulled(d, err) || !look_at_sources(d, err) || !bury_orphans(d, err) ||
        !store_outbox_expire(d->store, now, false, &n, err))
        return false;
    if (now - d->purged_at < DAY_S)
        return true;
    d->purged_at = now;
    return store_outbox_purge(d->store, now - KEEP_S, err);
}

static void look_when_due(struct deliverer *d)
{
    struct err err = {0};
    int64_t now_ms = clock_mono_ms();
    if (now_ms < d->look_ms)
        return;
    d->look_ms = now_ms + LOOK_MS;
    if (!look(d, &err))
        log_event(LOG_ERROR, "notify", LOG_ERR(&err));
}

/* --- the thread
 * --------------------------------------------------------------------------------------- */
static void deliver(struct deliverer *d)
{
    struct err err = {0};
    size_t n = 0;
    if (!store_is_shared(d->store) && !store_outbox_expire(d->store, clock_now_s(), true, &n, &err))
        log_event(LOG_ERROR, "notify", LOG_ERR(&err));
    while (!guard_is_stopping(d->guard)) {
        uint64_t wakes = guard_wakes(d->guard);
        struct settings *settings = guard_pin(d->guard);
        bool has_channels = d->guard->config->channels.len > 0;
        look_when_due(d);
        word_all(d);
        bool was_any = send_all(d);
        guard_unpin(d->guard, settings);
        if (!was_any)
            guard_sleep(d->guard, wakes, has_channels ? POLL_MS : IDLE_MS);
    }
}

void *deliver_main(void *arg)
{
    struct guard_thread *thread = arg;
    struct deliverer d = {.guard = thread->guard, .slot = thread->slot};
    struct err err = {0};
    arena_init(&d.arena, BATCH_MEMORY);
    arena_init(&d.rests_arena, MIB);
    if (store_pool_take(d.guard->relaxed, &d.store, &err))
        deliver(&d);
    else
        log_event(LOG_ERROR, "notify: cannot open the store", LOG_ERR(&err));
    store_pool_give(d.guard->relaxed, d.store);
    arena_fini(&d.rests_arena);
    arena_fini(&d.arena);
    free(thread);
    return NULL;
}

/* --- by hand
 * ------------------------------------------------------------------------------------------- */
static bool test_channel(struct guard *guard, struct arena *arena, str name,
                         struct delivery_test *out, struct err *err)
{
    const struct config *config = guard->config;
    const struct config_channel *channel = config_channel_find(config, name);
    struct outbox_message message;
    struct cancel cancel = {0};
    struct sent sent;
    if (!channel)
        return err_set(err, ERR_NOT_FOUND, "no channel is called " STR_FMT, STR_ARG(name));
    const struct telling telling = {
        .what = TOLD_TEST, .at = clock_now_s(), .digest = channel->name};
    if (!message_write(arena, config, channel, &telling, &message, err))
        return false;
    message.created_at = telling.at;
    channel_send(channel, &message, &cancel, arena, &sent);
    deliveries_add(guard, &message, sent.end == OUTBOX_SENT ? OUTBOX_SENT : OUTBOX_DEAD);
    *out = (struct delivery_test){.is_delivered = sent.end == OUTBOX_SENT,
                                  .status = sent.status,
                                  .message = message.message,
                                  .answer = sent.answer,
                                  .error = sent.error};
    return true;
}

bool guard_deliver_test(struct guard *guard, struct arena *arena, str channel,
                        struct delivery_test *out, struct err *err)
{
    struct settings *settings = guard_pin(guard);
    bool ok = test_channel(guard, arena, channel, out, err);
    guard_unpin(guard, settings);
    return ok;
}
