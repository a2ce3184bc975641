/* SPDX-License-Identifier: Apache-2.0 */
/* events.c - whose notification it is: told by its form, as senders share content types. */
#include "base/clock.h"
#include "base/num.h"
#include "registry/internal.h"
#include "syntax/syntax.h"

static const struct event_sender *const senders[] = {&sender_distribution, &sender_acr,
                                                     &sender_harbor, &sender_zot};

bool event_keep(struct arena *arena, str from, str *to, struct err *err)
{
    if (from.len > LIMIT(FIELD))
        return err_set(err, ERR_LIMIT, "a field of %zu bytes, more than %llu", from.len,
                       (unsigned long long)LIMIT(FIELD));
    *to = arena_dup(arena, from);
    return to->ptr ? true : err_memory(err);
}

bool event_keep_digest(str text, digest *out, struct err *err)
{
    return str_is_empty(text) || digest_parse(text, out) ||
           err_set(err, ERR_FORMAT, "\"%.*s\" is not a digest", STR_ARG(str_slice(text, 0, 90)));
}

bool event_keep_time(str text, int64_t *out, struct err *err)
{
    return str_is_empty(text) || clock_parse(text, out) ||
           err_set(err, ERR_FORMAT, "\"%.*s\" is not a time", STR_ARG(str_slice(text, 0, 60)));
}

struct registry_event *event_add(struct arena *arena, registry_events *out, struct err *err)
{
    struct registry_event *event = vec_push(arena, out);
    if (!event)
        (void)err_memory(err);
    return event;
}

bool event_is_whole(const struct registry_event *event, struct err *err)
{
    return !str_is_empty(event->repository) || err_set(err, ERR_FORMAT, "no repository");
}

/* A message that is sent again is the same bytes. */
bool event_name_by_body(struct arena *arena, str body, size_t i, str *out, struct err *err)
{
    char text[DIGEST_TEXT_SIZE];
    digest name = digest_of(HASH_SHA256, body);
    *out = arena_printf(arena, "body:%.*s:%zu", STR_ARG(digest_print(&name, text)), i);
    return out->ptr ? true : err_memory(err);
}

/* CloudEvents, structured: what else is a header stands around the data. */
static json_t *unwrap(struct registry_message *in, json_t *root)
{
    if (!json_is_object(json_object_get(root, "data")) ||
        !str_starts(json_str(root, "specversion"), STR("1.")))
        return root;
    in->type = json_str(root, "type");
    in->id = json_str(root, "id");
    in->time = json_str(root, "time");
    in->operator= json_str(root, "operator");
    return json_object_get(root, "data");
}

static bool read_all(struct arena *arena, struct registry_message *in, json_t *root,
                     registry_events *out, struct err *err)
{
    json_t *data = unwrap(in, root);
    for (size_t i = 0; i < ARRAY_LEN(senders); i++)
        if (senders[i]->is_from(in, data))
            return senders[i]->read(arena, in, data, out, err);
    return err_set(err, ERR_FORMAT,
                   "neither of Distribution, an Azure registry, Harbor nor zot: no list of events, "
                   "action or type that is known");
}

bool registry_events_parse(struct arena *arena, const struct registry_message *message,
                           registry_events *out, struct err *err)
{
    struct registry_message in = *message;
    *out = (registry_events){0};
    if (in.body.len > LIMIT(EVENTS_BODY))
        return err_set(err, ERR_LIMIT, "a notification of %zu bytes, more than %llu", in.body.len,
                       (unsigned long long)LIMIT(EVENTS_BODY));
    auto_json *root = NULL;
    return (json_read(in.body, &root, err) && read_all(arena, &in, root, out, err)) ||
           err_wrap(err, "notification");
}
