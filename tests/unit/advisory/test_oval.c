/* SPDX-License-Identifier: Apache-2.0 */
#include "feeds.h"

static void read_fixture(struct arena *arena, struct oval_document *document, oval_claims *claims,
                         size_t *n_unknown)
{
    struct err err = {0};
    assert_ok(oval_parse(test_data(arena, "advisory/oval.xml"), arena, document, &err), err);
    assert_int_equal(document->definitions.len, 2);
    *claims = (oval_claims){0};
    assert_ok(oval_claim(document, &document->definitions.ptr[0], arena, claims, n_unknown, &err),
              err);
}

static void test_oval__definitions_keep_what_they_say(void **state)
{
    (void)state;
    struct arena arena;
    struct oval_document document;
    oval_claims claims;
    size_t n;
    arena_init(&arena, 1 << 22);
    read_fixture(&arena, &document, &claims, &n);
    const struct oval_definition *d = &document.definitions.ptr[0];
    assert_str(document.timestamp, "2024-01-01T00:00:00");
    assert_str(d->class, "patch");
    assert_str(d->severity, "Important");
    assert_str(d->updated, "2024-01-03");
    assert_int_equal(d->cves.len, 2);
    assert_str(d->cves.ptr[1].id, "CVE-2024-10002");
    assert_str(d->cves.ptr[1].impact, "low");
    assert_int_equal(d->cpes.len, 2);
    assert_str(d->platforms.ptr[0], "Red Hat Enterprise Linux 8");
    arena_fini(&arena);
}

static void test_oval__criteria_are_packages_below_conditions(void **state)
{
    (void)state;
    struct arena arena;
    struct oval_document document;
    oval_claims claims;
    size_t n_unknown;
    arena_init(&arena, 1 << 22);
    read_fixture(&arena, &document, &claims, &n_unknown);
    assert_int_equal(claims.len, 3);
    assert_int_equal(n_unknown, 1); /* the one that nobody knows */
    const struct oval_claim *demo = &claims.ptr[0], *libs = &claims.ptr[1], *last = &claims.ptr[2];
    assert_str(demo->names.ptr[0], "demo");
    assert_str(demo->range.fixed, "3.1-2.el8");
    assert_str(demo->module, "demo:3");
    assert_int_equal(demo->arches.len, 2);
    assert_int_equal(demo->platforms.len, 2);
    assert_str(demo->platforms.ptr[1], "Red Hat CoreOS 4");
    assert_int_equal(libs->names.len, 2); /* the values of a variable */
    assert_str(libs->range.introduced, "3.0");
    assert_str(libs->range.fixed, "3.1-2.el8"); /* two tests below one AND are one range */
    assert_str(last->names.ptr[0], "demo-missing");
    assert_str(last->range.fixed, "2:1-1"); /* by its comment: the test is not in the document */
    arena_fini(&arena);
}

static void test_oval__what_is_no_oval_is_an_error(void **state)
{
    (void)state;
    struct arena arena;
    struct oval_document document;
    struct err err = {0};
    arena_init(&arena, 1 << 20);
    assert_false(oval_parse(STR("<html/>"), &arena, &document, &err));
    assert_int_equal(err.kind, ERR_FORMAT);
    assert_false(oval_parse(STR("<oval_definitions><definitions>"), &arena, &document, &err));
    arena_fini(&arena);
}

static void test_oval__criteria_that_nest_for_ever_end(void **state)
{
    (void)state;
    struct arena arena;
    struct oval_document document;
    struct err err = {0};
    struct sb text;
    arena_init(&arena, 1 << 22);
    sb_init(&text, 1 << 20);
    sb_addc(&text, "<oval_definitions><definition>");
    for (int i = 0; i < 100; i++)
        sb_addc(&text, "<criteria>");
    assert_false(oval_parse(sb_str(&text), &arena, &document, &err));
    assert_int_equal(err.kind, ERR_LIMIT);
    sb_fini(&text);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_oval__definitions_keep_what_they_say),
        cmocka_unit_test(test_oval__criteria_are_packages_below_conditions),
        cmocka_unit_test(test_oval__what_is_no_oval_is_an_error),
        cmocka_unit_test(test_oval__criteria_that_nest_for_ever_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
