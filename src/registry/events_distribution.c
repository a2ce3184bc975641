/* SPDX-License-Identifier: Apache-2.0 */
/* CNCF Distribution's envelope (its documentation, about/notifications), and the single event that
 * an Azure registry's webhook posts in the same words (Azure Container Registry webhook reference).
 */
#include "base/num.h"
#include "registry/internal.h"
#include "syntax/syntax.h"

static enum registry_action action_of(str text)
{
    static const struct {
        const char *name;
        enum registry_action action;
    } rows[] = {{"push", ACTION_PUSH},
                {"pull", ACTION_PULL},
                {"delete", ACTION_DELETE},
                {"mount", ACTION_MOUNT}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (str_eq(text, str_from(rows[i].name)))
            return rows[i].action;
    return ACTION_OTHER; /* ping, quarantine, chart_push … */
}

static bool read_target(struct arena *arena, const json_t *target, struct registry_event *out,
                        struct err *err)
{
    if (!event_keep(arena, json_str(target, "repository"), &out->repository, err) ||
        !event_keep(arena, json_str(target, "tag"), &out->tag, err) ||
        !event_keep(arena, json_str(target, "mediaType"), &out->media_type, err) ||
        !event_keep_digest(json_str(target, "digest"), &out->digest, err))
        return false;
    out->is_blob = str_eq(out->media_type, STR("application/octet-stream")) ||
                   str_has(json_str(target, "url"), STR("/blobs/"));
    return true;
}

static bool read_event(struct arena *arena, const json_t *object, struct registry_event *out,
                       struct err *err)
{
    if (!json_is_object(object))
        return err_set(err, ERR_FORMAT, "not an object");
    out->action = action_of(json_str(object, "action"));
    return event_keep_time(json_str(object, "timestamp"), &out->at, err) &&
           event_keep(arena, json_str(object, "id"), &out->id, err) &&
           event_keep(arena, json_str(json_obj(object, "request"), "useragent"), &out->user_agent,
                      err) &&
           event_keep(arena, json_str(json_obj(object, "actor"), "name"), &out->actor_name, err) &&
           read_target(arena, json_obj(object, "target"), out, err);
}

static bool is_distribution(const struct registry_message *in, const json_t *data)
{
    (void)in;
    return json_arr(data, "events") != NULL;
}

static bool read_envelope(struct arena *arena, const struct registry_message *in,
                          const json_t *data, registry_events *out, struct err *err)
{
    const json_t *list = json_arr(data, "events");
    (void)in;
    if (json_array_size(list) > LIMIT(EVENTS))
        return err_set(err, ERR_LIMIT, "%zu events, more than %llu", json_array_size(list),
                       (unsigned long long)LIMIT(EVENTS));
    for (size_t i = 0; i < json_array_size(list); i++) {
        struct registry_event *event = event_add(arena, out, err);
        if (!event || !read_event(arena, json_array_get(list, i), event, err) ||
            !event_is_whole(event, err))
            return err_wrap(err, "event %zu", i);
    }
    return true;
}

static bool is_acr(const struct registry_message *in, const json_t *data)
{
    (void)in;
    return json_str(data, "action").len > 0;
}

static bool read_one(struct arena *arena, const struct registry_message *in, const json_t *data,
                     registry_events *out, struct err *err)
{
    struct registry_event *event = event_add(arena, out, err);
    (void)in;
    if (!event || !read_event(arena, data, event, err))
        return false;
    if (event->action != ACTION_OTHER)
        return event_is_whole(event, err);
    out->len = 0; /* a ping has no repository; of the others nothing is to be done */
    return true;
}

const struct event_sender sender_distribution = {is_distribution, read_envelope};
const struct event_sender sender_acr = {is_acr, read_one};
