/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include "scene.h"

#define BILLING "/plimsoll/v1/billing"

static void test_billing__tells_a_month(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    add_image(s, 1, "v1", 1, NULL); /* judged in November 2023 */
    add_image(s, 2, "v2", 0, NULL);
    add_image(s, 3, "v3", 0, "no route to host");
    assert_int_equal(scene_get(s, BILLING "?month=2023-11"), 200);
    assert_str(scene_str(s, "month"), "2023-11");
    assert_int_equal(json_integer_value(scene_at(s, "images")), 2);
    assert_int_equal(json_array_size(scene_at(s, "totals")), 1);
    assert_str(scene_str(s, "totals.0.registry"), "Main");
    assert_int_equal(json_integer_value(scene_at(s, "totals.0.images")), 2);
    assert_int_equal(json_array_size(scene_at(s, "value")), 2);
    assert_str(scene_str(s, "value.0.repository"), "team/app");
    assert_true(str_eq(scene_str(s, "value.0.digest"), digest_n(s, 1)));
    assert_str(scene_str(s, "value.0.at"), "2023-11-14T22:14:20Z");
    assert_int_equal(scene_get(s, BILLING "?month=2023-12"), 200);
    assert_int_equal(json_integer_value(scene_at(s, "images")), 0);
    assert_int_equal(json_array_size(scene_at(s, "value")), 0);
    scene_close(s);
}

static void test_billing__pages_its_entries(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    size_t n = 0;
    for (unsigned i = 1; i <= 5; i++)
        add_image(s, i, "v", 0, NULL);
    const char *target = BILLING "?month=2023-11&$top=2";
    while (target) {
        assert_int_equal(scene_get(s, target), 200);
        assert_int_equal(json_integer_value(scene_at(s, "images")), 5);
        n += json_array_size(scene_at(s, "value"));
        str next = scene_str(s, "nextLink");
        target = next.len ? arena_cstr(&s->arena, next) : NULL;
    }
    assert_int_equal(n, 5);
    scene_close(s);
}

static void test_billing__wants_a_month(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "?month=",
                                      "?month=2023",
                                      "?month=2023-13",
                                      "?month=2023-00",
                                      "?month=23-11",
                                      "?month=2023-1",
                                      "?month=2023-11-01"};
    struct scene *s = scene_open();
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const char *target = arena_printf(&s->arena, BILLING "%s", bad[i]).ptr;
        assert_error(s, scene_get(s, target), 400, "InvalidParameter");
    }
    assert_error(s, scene_get(s, BILLING "?month=2023-11&$skipToken=AAAA"), 400,
                 "InvalidSkipToken");
    scene_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_billing__tells_a_month),
        cmocka_unit_test(test_billing__pages_its_entries),
        cmocka_unit_test(test_billing__wants_a_month),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
