/* SPDX-License-Identifier: Apache-2.0 */
/* Harbor's webhooks (its documentation, "Configure Webhook Notifications"): the default payload,
 * and CloudEvents, whose data is what the default has in event_data. */
#include "base/num.h"
#include "registry/internal.h"
#include "syntax/syntax.h"

static const struct row {
    const char *plain, *cloud; /* names of the type in either payload */
    enum registry_action action;
} rows[] = {
    {"PUSH_ARTIFACT", "harbor.artifact.pushed", ACTION_PUSH},
    {"PULL_ARTIFACT", "harbor.artifact.pulled", ACTION_PULL},
    {"DELETE_ARTIFACT", "harbor.artifact.deleted", ACTION_DELETE},
};

static bool is_harbor(const struct registry_message *in, const json_t *data)
{
    return str_starts(in->type, STR("harbor.")) || json_obj(data, "event_data") != NULL;
}

static enum registry_action action_of(str type)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (str_eq(type, str_from(rows[i].plain)) || str_eq(type, str_from(rows[i].cloud)))
            return rows[i].action;
    return ACTION_OTHER; /* scans, quotas, replication, retention */
}

/* A tag that is the digest stands for none. */
static bool read_resource(struct arena *arena, const json_t *resource, const json_t *repository,
                          struct registry_event *out, struct err *err)
{
    str tag = json_str(resource, "tag"), text = json_str(resource, "digest");
    if (str_eq(tag, text))
        tag = STR_NONE;
    return event_keep_digest(text, &out->digest, err) && event_keep(arena, tag, &out->tag, err) &&
           event_keep(arena, json_str(repository, "repo_full_name"), &out->repository, err) &&
           event_is_whole(out, err);
}

/* Every event of the message, but for the resource. */
static bool read_head(struct arena *arena, const struct registry_message *in, const json_t *data,
                      struct registry_event *out, struct err *err)
{
    bool is_cloud = in->type.len > 0;
    out->action = action_of(is_cloud ? in->type : json_str(data, "type"));
    out->at = json_int(data, "occur_at", 0);
    return event_keep_time(in->time, &out->at, err) && event_keep(arena, in->id, &out->id, err) &&
           event_keep(arena, is_cloud ? in->operator: json_str(data, "operator"), &out->actor_name,
                      err);
}

static bool name_event(struct arena *arena, const struct registry_message *in, size_t i,
                       struct registry_event *event, struct err *err)
{
    if (str_is_empty(event->id))
        return event_name_by_body(arena, in->body, i, &event->id, err);
    if (i == 0)
        return true;
    event->id = arena_printf(arena, "%.*s:%zu", STR_ARG(event->id), i);
    return event->id.ptr ? true : err_memory(err);
}

static bool read_harbor(struct arena *arena, const struct registry_message *in, const json_t *data,
                        registry_events *out, struct err *err)
{
    struct registry_event head = {0};
    const json_t *body = in->type.len ? data : json_obj(data, "event_data");
    const json_t *resources = json_arr(body, "resources");
    if (!read_head(arena, in, data, &head, err))
        return false;
    if (head.action == ACTION_OTHER)
        return true;
    if (json_array_size(resources) == 0 || json_array_size(resources) > LIMIT(EVENTS))
        return err_set(err, ERR_FORMAT, "%zu resources", json_array_size(resources));
    for (size_t i = 0; i < json_array_size(resources); i++) {
        struct registry_event *event = event_add(arena, out, err);
        if (!event)
            return false;
        *event = head;
        if (!name_event(arena, in, i, event, err) ||
            !read_resource(arena, json_array_get(resources, i), json_obj(body, "repository"), event,
                           err))
            return err_wrap(err, "resource %zu", i);
    }
    return true;
}

const struct event_sender sender_harbor = {is_harbor, read_harbor};
