/* SPDX-License-Identifier: Apache-2.0 */
/* zot's events (its documentation, "Event Support for zot"; CloudEvents 1.0, HTTP binding): mostly
 * in binary mode, where type, id and time are headers.  The type's prefix can be configured. */
#include "registry/internal.h"
#include "syntax/syntax.h"

static bool is_zot(const struct registry_message *in, const json_t *data)
{
    return json_str(data, "name").len > 0 && in->type.len > 0;
}

static enum registry_action action_of(str type)
{
    if (str_ends(type, STR(".image.updated")))
        return ACTION_PUSH;
    return str_ends(type, STR(".image.deleted")) ? ACTION_DELETE : ACTION_OTHER;
}

/* A reference is a tag or the digest.  To delete a tag leaves the image, which may have others. */
static bool read_zot(struct arena *arena, const struct registry_message *in, const json_t *data,
                     registry_events *out, struct err *err)
{
    str reference = json_str(data, "reference"), text = json_str(data, "digest");
    digest ignored;
    struct registry_event event = {.action = action_of(in->type)};
    if (event.action == ACTION_OTHER)
        return true;
    bool is_tag = reference.len > 0 && !digest_parse(reference, &ignored);
    if (!is_tag && text.len == 0)
        text = reference;
    if (is_tag && event.action == ACTION_DELETE)
        text = STR_NONE;
    if (!event_keep_time(in->time, &event.at, err) ||
        !event_keep_digest(text, &event.digest, err) ||
        !event_keep(arena, in->id, &event.id, err) ||
        !event_keep(arena, is_tag ? reference : STR_NONE, &event.tag, err) ||
        !event_keep(arena, json_str(data, "name"), &event.repository, err) ||
        !event_keep(arena, json_str(data, "mediaType"), &event.media_type, err))
        return false;
    if (str_is_empty(event.id) && !event_name_by_body(arena, in->body, 0, &event.id, err))
        return false;
    struct registry_event *slot = event_add(arena, out, err);
    if (slot)
        *slot = event;
    return slot != NULL;
}

const struct event_sender sender_zot = {is_zot, read_zot};
