/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include "scene.h"

#define TAGS "/plimsoll/v1/registries/MAIN/tags"

static unsigned n_events;

static void tell(struct scene *s, enum event_action action, const char *repository, unsigned image,
                 const char *tag, int64_t at)
{
    struct event_counts counts;
    struct store_event event = {.id = arena_printf(&s->arena, "e%u", n_events++),
                                .action = action,
                                .repository = str_from(repository),
                                .digest = image ? digest_n(s, image) : STR(""),
                                .tag = str_from(tag),
                                .at = at};
    assert_ok(store_events_add(s->store, s->registry.id, &event, 1, 1700000000, &counts, &s->err),
              s->err);
}

static void fill(struct scene *s)
{
    tell(s, EVENT_PUSH, "team/app", 1, "v1", 1600000000);
    tell(s, EVENT_PUSH, "team/app", 1, "v1", 1600000010); /* again: no change */
    tell(s, EVENT_PUSH, "team/app", 2, "v1", 1600000020);
    tell(s, EVENT_PUSH, "team/app", 2, "old", 1600000030);
    tell(s, EVENT_DELETE, "team/app", 0, "old", 1600000040);
    tell(s, EVENT_DELETE, "team/app", 0, "never", 1600000040);
    tell(s, EVENT_PUSH, "base", 3, "v1", 1600000050);
}

static void test_tags__are_listed_with_what_they_name(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    fill(s);
    assert_int_equal(scene_get(s, TAGS), 200);
    assert_int_equal(json_array_size(scene_at(s, "value")), 2);
    assert_str(scene_str(s, "value.0.repository"), "team/app");
    assert_str(scene_str(s, "value.0.tag"), "v1");
    assert_true(str_eq(scene_str(s, "value.0.digest"), digest_n(s, 2)));
    assert_str(scene_str(s, "value.0.setAt"), "2020-09-13T12:27:00Z");
    assert_str(scene_str(s, "value.1.repository"), "base");
    assert_int_equal(scene_get(s, TAGS "?repository=base"), 200);
    assert_int_equal(json_array_size(scene_at(s, "value")), 1);
    assert_int_equal(scene_get(s, TAGS "?removed=true&repository=team/app"), 200);
    assert_int_equal(json_array_size(scene_at(s, "value")), 2);
    assert_str(scene_str(s, "value.0.tag"), "old");
    assert_int_equal(scene_str(s, "value.0.digest").len, 0);
    assert_str(scene_str(s, "value.0.removedAt"), "2020-09-13T12:27:20Z");
    assert_str(scene_str(s, "value.1.tag"), "v1");
    assert_error(s, scene_get(s, TAGS "?removed=perhaps"), 400, "InvalidParameter");
    assert_error(s, scene_get(s, "/plimsoll/v1/registries/nobody/tags"), 404, "ResourceNotFound");
    scene_close(s);
}

static void test_tags__are_paged(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    size_t n = 0;
    fill(s);
    for (unsigned i = 10; i < 20; i++)
        tell(s, EVENT_PUSH, "team/app", i, arena_printf(&s->arena, "t%u", i).ptr, 1600000000);
    const char *target = TAGS "?$top=3&removed=true";
    for (;;) {
        assert_int_equal(scene_get(s, target), 200);
        n += json_array_size(scene_at(s, "value"));
        str next = scene_str(s, "nextLink");
        if (!next.len)
            break;
        assert_int_equal(json_array_size(scene_at(s, "value")), 3);
        target = arena_cstr(&s->arena, next);
    }
    assert_int_equal(n, 13);
    assert_error(s, scene_get(s, TAGS "?$skipToken=AAAA"), 400, "InvalidSkipToken");
    scene_close(s);
}

static void test_tags__have_a_history(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    fill(s);
    assert_int_equal(scene_get(s, TAGS "/v1?repository=team/app"), 200);
    assert_int_equal(json_array_size(scene_at(s, "value")), 2);
    assert_true(str_eq(scene_str(s, "value.0.digest"), digest_n(s, 2)));
    assert_str(scene_str(s, "value.0.at"), "2020-09-13T12:27:00Z");
    assert_true(str_eq(scene_str(s, "value.1.digest"), digest_n(s, 1)));
    assert_true(json_is_false(scene_at(s, "value.1.removed")));
    assert_int_equal(scene_get(s, TAGS "/old?repository=team/app"), 200);
    assert_true(json_is_true(scene_at(s, "value.0.removed")));
    assert_true(str_eq(scene_str(s, "value.1.digest"), digest_n(s, 2)));
    /* page by page */
    assert_int_equal(scene_get(s, TAGS "/v1?repository=team/app&$top=1"), 200);
    const char *more = arena_cstr(&s->arena, scene_str(s, "nextLink"));
    assert_int_equal(scene_get(s, more), 200);
    assert_true(str_eq(scene_str(s, "value.0.digest"), digest_n(s, 1)));
    assert_int_equal(scene_str(s, "nextLink").len, 0);
    assert_error(s, scene_get(s, TAGS "/never?repository=team/app"), 404, "ResourceNotFound");
    assert_error(s, scene_get(s, TAGS "/v1?repository=nowhere"), 404, "ResourceNotFound");
    assert_error(s, scene_get(s, TAGS "/v1"), 400, "InvalidParameter");
    scene_close(s);
}

/* A deleted image takes its tags with it; the history says when. */
static void test_tags__of_a_deleted_image_were_removed(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    tell(s, EVENT_PUSH, "team/app", 1, "v1", 1600000000);
    tell(s, EVENT_DELETE, "team/app", 1, "", 1600000010);
    assert_int_equal(scene_get(s, TAGS), 200);
    assert_int_equal(json_array_size(scene_at(s, "value")), 0);
    assert_int_equal(scene_get(s, TAGS "/v1?repository=team/app"), 200);
    assert_int_equal(json_array_size(scene_at(s, "value")), 2);
    assert_true(json_is_true(scene_at(s, "value.0.removed")));
    scene_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tags__are_listed_with_what_they_name),
        cmocka_unit_test(test_tags__are_paged),
        cmocka_unit_test(test_tags__have_a_history),
        cmocka_unit_test(test_tags__of_a_deleted_image_were_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
