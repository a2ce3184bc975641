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
    assert_ok(registry_events_parse(&arena, json, &events, &err), err);
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
        assert_false(registry_events_parse(&arena, str_trim(json), &events, &err));
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
    bool ok = registry_events_parse(arena, sb_str(&sb), &events, err);
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
    assert_false(
        registry_events_parse(&arena, str_of(large, LIMIT(EVENTS_BODY) + 1), &events, &err));
    assert_int_equal(err.kind, ERR_LIMIT);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events__envelope_of_the_documentation),
        cmocka_unit_test(test_events__bad_ones_are_refused),
        cmocka_unit_test(test_events__limits_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
