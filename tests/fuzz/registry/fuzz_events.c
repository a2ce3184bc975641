/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a notification, and as Docker's config.json. */
#include "registry/registry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile unsigned char sink; /* lint: mutable static, keeps the reads */

static void touch(str s)
{
    for (size_t i = 0; i < s.len; i++)
        sink ^= (unsigned char)s.ptr[i];
}

static void touch_event(const struct registry_event *e)
{
    char text[DIGEST_TEXT_SIZE];
    if (str_is_empty(e->repository))
        __builtin_trap();
    touch(e->id);
    touch(e->repository);
    touch(e->tag);
    touch(e->media_type);
    touch(e->user_agent);
    touch(e->actor_name);
    touch(digest_print(&e->digest, text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    registry_events events;
    struct registry_credentials credentials;
    struct err err = {0};
    str json = {(const char *)data, size};
    static const char *const types[] = {"", "zotregistry.image.updated", "harbor.artifact.pulled"};
    const struct registry_message message = {
        .body = json, .type = str_from(types[size % 3]), .id = STR("1")};
    arena_init(&arena, 16 << 20);
    if (registry_events_parse(&arena, &message, &events, &err))
        for (size_t i = 0; i < events.len; i++)
            touch_event(&events.ptr[i]);
    if (registry_credentials_parse(&arena, json, STR("reg.example:5000"), &credentials, &err)) {
        touch(credentials.username);
        touch(credentials.password);
        touch(credentials.identity_token);
    }
    arena_fini(&arena);
    return 0;
}
