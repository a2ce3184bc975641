/* SPDX-License-Identifier: Apache-2.0 */
/* scene.h - a registry, its token server and its blob store, all fake, and a source that asks them.
 */
#pragma once

#include "base/clock.h"
#include "base/sb.h"
#include "registry/registry.h"

#include "fake.h"

struct scene {
    struct arena arena;
    struct err err;
    struct fake *registry, *token, *cdn;
    struct registry_config config;
    struct reference ref;
    struct image_source *source;
};

static inline int set_up(void **state)
{
    struct scene *s = calloc(1, sizeof(*s));
    arena_init(&s->arena, 32 << 20);
    s->registry = fake_open();
    s->token = fake_open();
    s->cdn = fake_open();
    s->config = (struct registry_config){.is_plain_http = true, .timeout_s = 10};
    s->ref = (struct reference){
        .kind = SOURCE_REGISTRY, .repository = STR("team/app"), .tag = STR("v1")};
    s->ref.host = arena_printf(&s->arena, "127.0.0.1:%u", s->registry->port);
    setenv("DOCKER_CONFIG", "/no/such/folder", 1);
    *state = s;
    return 0;
}

static inline int tear_down(void **state)
{
    struct scene *s = *state;
    image_source_close(s->source);
    fake_close(s->registry);
    fake_close(s->token);
    fake_close(s->cdn);
    arena_fini(&s->arena);
    free(s);
    return 0;
}

static inline void say(struct scene *s, struct fake *fake, const char *status, const char *headers,
                       const char *body)
{
    assert_true(fake->n_replies < FAKE_MAX);
    fake->replies[fake->n_replies++] = arena_printf(
        &s->arena, "HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: %zu\r\n%s\r\n%s", status,
        strlen(body), headers, body);
}

static inline void ask_for_bearer(struct scene *s)
{
    say(s, s->registry, "401 Unauthorized",
        arena_printf(
            &s->arena,
            "WWW-Authenticate: Bearer realm=\"http://127.0.0.1:%u/token?a=b\",service=\"reg one\","
            "scope=\"repository:team/app:pull\"\r\n",
            s->token->port)
            .ptr,
        "{}");
}

static inline void open_source(struct scene *s)
{
    assert_ok(registry_open(&s->ref, &s->config, &s->source, &s->err), s->err);
}

static inline bool manifest(struct scene *s, str *bytes)
{
    digest got;
    s->err = (struct err){0};
    return s->source->ops->manifest(s->source, &s->arena, STR_NONE, NULL, bytes, &got, &s->err);
}

static inline void expect_error(struct scene *s, enum err_kind kind, const char *words)
{
    str bytes;
    assert_false(manifest(s, &bytes));
    if (s->err.kind != kind || !strstr(s->err.msg, words))
        fail_msg("%s: \"%s\", expected %s: \"%s\"", err_row(s->err.kind)->name, s->err.msg,
                 err_row(kind)->name, words);
}

static inline bool read_blob(struct scene *s, const char *content, str *out)
{
    struct descriptor what = {.digest = digest_of(HASH_SHA256, str_from(content)),
                              .size_bytes = strlen(content)};
    struct blob blob = {0};
    struct sb sb;
    str chunk;
    s->err = (struct err){0};
    if (!s->source->ops->blob(s->source, &what, &blob, &s->err))
        return false;
    sb_init(&sb, 1 << 20);
    enum next next;
    while ((next = blob.from.read(blob.from.ctx, &chunk, &s->err)) == NEXT_ITEM)
        sb_add(&sb, chunk);
    *out = arena_dup(&s->arena, sb_str(&sb));
    sb_fini(&sb);
    blob_close(&blob);
    return next == NEXT_END;
}

static inline bool has(const char *head, const char *words) { return strstr(head, words) != NULL; }

static inline void expect_line(const char *head, const char *line)
{
    if (!has(head, line))
        fail_msg("no \"%s\" in:\n%s", line, head);
}

static inline void break_off(struct scene *s, const char *status, const char *headers,
                             size_t length, const char *part)
{
    assert_true(s->registry->n_replies < FAKE_MAX);
    s->registry->replies[s->registry->n_replies++] = arena_printf(
        &s->arena, "HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: %zu\r\n%s\r\n%s", status,
        length, headers, part);
}
