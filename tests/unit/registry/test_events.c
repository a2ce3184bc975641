/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include "base/limits.h"
#include "base/sb.h"
#include "registry/registry.h"

static const char *const actions[] = {"other", "push", "pull", "delete", "mount"};

static str or_dash(str s) { return str_is_empty(s) ? STR("-") : s; }

static str print(struct arena *arena, const struct registry_event *e)
{
    return arena_printf(arena, "%.*s %s %.*s %.*s %s %.*s %.*s %.*s %lld", STR_ARG(e->id),
                        actions[e->action], STR_ARG(e->repository), STR_ARG(or_dash(e->tag)),
                        e->is_blob ? "blob" : "manifest", STR_ARG(or_dash(e->media_type)),
                        STR_ARG(or_dash(e->user_agent)), STR_ARG(or_dash(e->actor_name)),
                        (long long)e->at);
}

static void test_events__envelope_of_the_documentation(void **state)
{
    (void)state;
    struct arena arena;
    struct err err = {0};
    registry_events events;
    arena_init(&arena, 4 << 20);
    str json = test_data(&arena, "registry/events/push.json"), row;
    assert_ok(
        registry_events_parse(&arena, &(struct registry_message){.body = json}, &events, &err),
        err);
    struct rd in;
    size_t n = 0;
    rd_init(&in, test_data(&arena, "registry/events.txt"));
    for (; test_next_row(&in, &row); n++) {
        assert_true(n < events.len);
        str got = print(&arena, &events.ptr[n]);
        if (!str_eq(got, row))
            fail_msg("%.*s\n  is %.*s", STR_ARG(row), STR_ARG(got));
        bool has_digest = n < 5;
        assert_int_equal(!digest_is_none(&events.ptr[n].digest), has_digest);
    }
    assert_int_equal(n, events.len);
    arena_fini(&arena);
}

/* "body:*" stands for an id made of the bytes. */
static bool is_as(struct arena *arena, const struct registry_event *e, str wanted)
{
    char text[DIGEST_TEXT_SIZE];
    struct registry_event named = *e;
    if (str_starts(wanted, STR("body:*")) && str_starts(e->id, STR("body:")))
        named.id = STR("body:*");
    str hex =
        digest_is_none(&e->digest) ? STR("-") : str_slice(digest_print(&e->digest, text), 7, 11);
    str got = arena_printf(arena, "%.*s %.*s", STR_ARG(print(arena, &named)), STR_ARG(hex));
    if (!str_eq(got, wanted))
        fail_msg("%.*s\n  is %.*s", STR_ARG(wanted), STR_ARG(got));
    return true;
}

static str header_of(str *words)
{
    str word = STR_NONE;
    while (!word.len && words->len)
        str_cut_byte(*words, ' ', &word, words);
    return str_eq(word, STR("-")) ? STR_NONE : word;
}

static void check_sender(struct arena *arena, str row)
{
    str file, rest, headers, wanted, one;
    struct err err = {0};
    registry_events events;
    size_t n = 0;
    str_cut(row, STR(" | "), &file, &rest);
    str_cut_byte(rest, '|', &headers, &wanted);
    const char *path =
        arena_cstr(arena, arena_printf(arena, "registry/events/%.*s.json", STR_ARG(file)));
    struct registry_message message = {.body = test_data(arena, path)};
    message.type = header_of(&headers);
    message.id = header_of(&headers);
    message.time = header_of(&headers);
    if (!registry_events_parse(arena, &message, &events, &err))
        fail_msg("%.*s: %s", STR_ARG(row), err.msg);
    for (wanted = str_trim(wanted); wanted.len; n++) {
        str_cut(wanted, STR(" ; "), &one, &wanted);
        if (n >= events.len)
            fail_msg("%.*s: %zu events", STR_ARG(row), events.len);
        assert_true(is_as(arena, &events.ptr[n], str_trim(one)));
    }
    if (n != events.len)
        fail_msg("%.*s: %zu events", STR_ARG(row), events.len);
}

static void test_events__of_every_sender(void **state)
{
    (void)state;
    struct arena arena;
    struct rd in;
    size_t n = 0;
    arena_init(&arena, 4 << 20);
    rd_init(&in, test_data(&arena, "registry/events-senders.txt"));
    for (str row; test_next_row(&in, &row); n++)
        check_sender(&arena, row);
    assert_true(n >= 16);
    arena_fini(&arena);
}

/* What is sent again is known by its bytes; what differs is not. */
static void test_events__ids_made_of_the_bytes(void **state)
{
    (void)state;
    struct arena arena;
    struct err err = {0};
    registry_events a, b, c;
    arena_init(&arena, 4 << 20);
    struct registry_message push = {.body = test_data(&arena, "registry/events/harbor-push.json")};
    struct registry_message pull = {
        .body = test_data(&arena, "registry/events/harbor-pull-digest.json")};
    assert_ok(registry_events_parse(&arena, &push, &a, &err), err);
    assert_ok(registry_events_parse(&arena, &push, &b, &err), err);
    assert_ok(registry_events_parse(&arena, &pull, &c, &err), err);
    assert_true(str_eq(a.ptr[0].id, b.ptr[0].id));
    assert_false(str_eq(a.ptr[0].id, c.ptr[0].id));
    arena_fini(&arena);
}

static void test_events__bad_ones_are_refused(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 4 << 20);
    struct rd in;
    str row, words, json;
    size_t n = 0;
    rd_init(&in, test_data(&arena, "registry/events-bad.txt"));
    for (; test_next_row(&in, &row); n++) {
        struct err err = {0};
        registry_events events;
        (void)str_cut(row, STR(" |"), &words, &json);
        assert_false(registry_events_parse(
            &arena, &(struct registry_message){.body = str_trim(json)}, &events, &err));
        assert_int_equal(err.kind, ERR_FORMAT);
        if (!str_has(str_from(err.msg), words))
            fail_msg("\"%s\", expected \"%.*s\"", err.msg, STR_ARG(words));
    }
    assert_true(n >= 10);
    arena_fini(&arena);
}

static bool parse_many(struct arena *arena, size_t n, struct err *err)
{
    registry_events events;
    struct sb sb;
    sb_init(&sb, 2 * LIMIT(EVENTS_BODY));
    sb_addc(&sb, "{\"events\":[");
    for (size_t i = 0; i < n; i++)
        sb_addf(&sb, "%s{\"target\":{\"repository\":\"a\"}}", i ? "," : "");
    sb_addc(&sb, "]}");
    bool ok =
        registry_events_parse(arena, &(struct registry_message){.body = sb_str(&sb)}, &events, err);
    sb_fini(&sb);
    return ok;
}

static void test_events__limits_hold(void **state)
{
    (void)state;
    struct arena arena;
    struct err err = {0};
    registry_events events;
    arena_init(&arena, 64 << 20);
    assert_ok(parse_many(&arena, LIMIT(EVENTS), &err), err);
    assert_false(parse_many(&arena, LIMIT(EVENTS) + 1, &err));
    assert_int_equal(err.kind, ERR_LIMIT);
    char *large = arena_alloc(&arena, LIMIT(EVENTS_BODY) + 1);
    assert_false(registry_events_parse(
        &arena, &(struct registry_message){.body = str_of(large, LIMIT(EVENTS_BODY) + 1)}, &events,
        &err));
    assert_int_equal(err.kind, ERR_LIMIT);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events__envelope_of_the_documentation),
        cmocka_unit_test(test_events__of_every_sender),
        cmocka_unit_test(test_events__ids_made_of_the_bytes),
        cmocka_unit_test(test_events__bad_ones_are_refused),
        cmocka_unit_test(test_events__limits_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
