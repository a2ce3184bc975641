/* SPDX-License-Identifier: Apache-2.0 */
#include "rows.h"

#include "base/clock.h"
#include "model/model.h"
#include "version/version.h"

static void test_distro__rules(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct rd in;
    rd_init(&in, test_data(&arena, "model/distro.txt"));
    str row;
    size_t n = 0;
    for (; test_next_row(&in, &row); n++) {
        struct distro distro = {.id = column(&row)};
        distro.version_id = column(&row);
        str ecosystem = column(&row), release = column(&row), day = column(&row);
        str got = distro_ecosystem(&distro, &arena);
        if (!got.ptr || !str_eq(got, ecosystem))
            fail_msg("is '" STR_FMT "', expected '" STR_FMT "'", STR_ARG(got), STR_ARG(ecosystem));
        assert_true(str_eq(distro_release(&distro, &arena), release));
        int64_t expected, end;
        bool has_end = distro_end_of_life(&distro, &end);
        assert_true(has_end == !str_eq(day, STR("-")));
        if (has_end)
            assert_true(clock_parse(day, &expected) && expected == end);
    }
    assert_true(n > 30);
    arena_fini(&arena);
}

static void test_distro__last_supported_day_is_alive(void **state)
{
    (void)state;
    struct distro distro = {.id = STR("debian"), .version_id = STR("11")};
    int64_t day;
    assert_true(clock_parse(STR("2026-08-31"), &day));
    assert_false(distro_is_end_of_life(&distro, day + 86399));
    assert_true(distro_is_end_of_life(&distro, day + 86400));
    distro.version_id = STR("99");
    assert_false(distro_is_end_of_life(&distro, INT64_MAX));
}

static void test_distro__every_row_is_complete(void **state)
{
    (void)state;
    size_t n;
    const struct distro_row *rows = distro_rows(&n);
    for (size_t i = 0; i < n; i++) {
        assert_ptr_equal(distro_find(str_from(rows[i].id)), &rows[i]);
        assert_true(rows[i].ecosystem && rows[i].scheme && rows[i].purl_type && rows[i].category &&
                    rows[i].manager);
    }
    assert_non_null(version_find(str_from(distro_find(STR("debian"))->scheme)));
    assert_non_null(version_find(str_from(distro_find(STR("alpine"))->scheme)));
}

/* One mistyped day would silently be "no known end". */
static void test_distro__every_release_day_parses(void **state)
{
    (void)state;
    static const struct {
        const char *id, *release, *day;
    } releases[] = {
#define RELEASE(id, release, day, name) {id, release, day},
#include "model/releases.inc"
#undef RELEASE
    };
    for (size_t i = 0; i < sizeof(releases) / sizeof(releases[0]); i++) {
        struct distro distro = {.id = str_from(releases[i].id),
                                .version_id = str_from(releases[i].release)};
        int64_t end, expected;
        if (!distro_end_of_life(&distro, &end) ||
            !clock_parse(str_from(releases[i].day), &expected) || end != expected)
            fail_msg("%s %s: the table's line is not found, or twice", releases[i].id,
                     releases[i].release);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_distro__rules),
        cmocka_unit_test(test_distro__last_supported_day_is_alive),
        cmocka_unit_test(test_distro__every_row_is_complete),
        cmocka_unit_test(test_distro__every_release_day_parses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
