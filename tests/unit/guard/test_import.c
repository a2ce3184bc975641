/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include <string.h>

#include "base/sb.h"
#include "guard/guard.h"

static void print(const struct import_request *r, struct sb *out)
{
    char text[DIGEST_TEXT_SIZE];
    bool is_digest = !digest_is_none(&r->digest);
    sb_addf(out, "%s" STR_FMT " " STR_FMT "%s" STR_FMT, r->from_registry.len ? "=" : "",
            STR_ARG(r->from_registry.len ? r->from_registry : r->from_host), STR_ARG(r->repository),
            is_digest ? "@" : ":", STR_ARG(is_digest ? digest_print(&r->digest, text) : r->tag));
    for (size_t i = 0; i < r->targets.len; i++) {
        const struct import_target *t = &r->targets.ptr[i];
        sb_addc(out, "; ");
        if (!t->tags.len)
            sb_add(out, t->repository);
        for (size_t k = 0; k < t->tags.len; k++)
            sb_addf(out, "%s" STR_FMT ":" STR_FMT, k ? " " : "", STR_ARG(t->repository),
                    STR_ARG(t->tags.ptr[k]));
    }
    if (r->is_forced)
        sb_addc(out, "; forced");
}

static void test_import__bodies_read_as_the_table_says(void **state)
{
    (void)state;
    struct arena arena;
    struct rd in;
    str row, body, expected;
    size_t n = 0;
    arena_init(&arena, 16 << 20);
    rd_init(&in, test_data(&arena, "guard/imports.txt"));
    while (test_next_row(&in, &row)) {
        struct import_request request;
        struct err err = {0};
        struct sb text;
        assert_true(str_cut(row, STR(" => "), &body, &expected));
        sb_init(&text, 4096);
        if (import_read(&arena, body, &request, &err)) {
            print(&request, &text);
        } else {
            assert_int_equal(err.kind, ERR_USAGE);
            sb_addf(&text, "! %s", err.msg);
        }
        if (!str_eq(sb_str(&text), expected))
            fail_msg("%.*s: \"%.*s\", expected \"%.*s\"", STR_ARG(body), STR_ARG(sb_str(&text)),
                     STR_ARG(expected));
        sb_fini(&text);
        n++;
    }
    assert_true(n > 20);
    arena_fini(&arena);
}

static void test_import__has_at_most_a_hundred_targets(void **state)
{
    (void)state;
    struct arena arena;
    struct sb body;
    struct import_request request;
    struct err err = {0};
    arena_init(&arena, 16 << 20);
    sb_init(&body, 1 << 20);
    sb_addc(&body, "{\"source\":{\"registryUri\":\"h\",\"sourceImage\":\"b:2\"},\"targetTags\":[");
    for (int i = 0; i < 101; i++)
        sb_addf(&body, "%s\"r%d:1\"", i ? "," : "", i);
    sb_addc(&body, "]}");
    assert_false(import_read(&arena, sb_str(&body), &request, &err));
    assert_string_equal(err.msg, "more than 100 target repositories");
    sb_fini(&body);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_import__bodies_read_as_the_table_says),
        cmocka_unit_test(test_import__has_at_most_a_hundred_targets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
