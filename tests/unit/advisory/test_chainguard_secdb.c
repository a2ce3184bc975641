/* SPDX-License-Identifier: Apache-2.0 */
#include "compiled.h"

static void test_chainguard_secdb__is_of_its_own_ecosystem(void **state)
{
    (void)state;
    struct compiled c;
    compiled_init(&c);
    compiled_copy(&c, "advisory/wolfi.json", "security.json");
    compiled_run(&c, "chainguard-secdb", NULL);
    assert_true(advisory_db_covers(c.db, STR("Chainguard")));
    assert_false(advisory_db_covers(c.db, STR("Wolfi")));
    assert_str(compiled_ranges(&c, "Chainguard", "one", "CGA-1111-1111-1111"), ">=0 <1.0-r1");
    compiled_fini(&c);
}

static void test_chainguard_secdb__a_file_that_is_none_is_an_error(void **state)
{
    (void)state;
    struct compiled c;
    struct err err = {0};
    struct update_result result;
    compiled_init(&c);
    compiled_put(&c, "security.json", STR("{\"packages\": 1}"));
    struct feed_choice choice = {STR("chainguard-secdb"), str_from(compiled_path(&c, "feed"))};
    const char *db = compiled_path(&c, "db");
    struct update_spec spec = {.dir = db, .feeds = &choice, .n_feeds = 1};
    assert_false(advisory_update(&spec, &result, &err));
    assert_int_equal(err.kind, ERR_FORMAT);
    test_rmdir(c.dir);
    arena_fini(&c.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chainguard_secdb__is_of_its_own_ecosystem),
        cmocka_unit_test(test_chainguard_secdb__a_file_that_is_none_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
