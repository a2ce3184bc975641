/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "http/http.h"

static void nothing(struct http_request *req, struct http_response *res) { (void)req, (void)res; }

static void test_route__fits_by_the_table(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 * MIB);
    struct rd in;
    rd_init(&in, test_data(&arena, "http/routes.txt"));
    str row;
    size_t n_rows = 0;
    while (test_next_row(&in, &row)) {
        str pattern, path, expected, rest;
        assert_true(str_cut(row, STR("|"), &pattern, &rest));
        assert_true(str_cut(rest, STR("|"), &path, &expected));
        pattern = str_trim(pattern), path = str_trim(path), expected = str_trim(expected);
        struct http_route route = {"GET", arena_cstr(&arena, pattern), nothing, NULL};
        struct http_request req = {.arena = &arena, .method = STR("GET"), .path = path};
        const struct http_route *found;
        struct sb params;
        sb_init(&params, 4096);
        if (http_route_find(&route, 1, &req, &found) != ROUTE_FOUND)
            sb_addc(&params, "-");
        else
            for (size_t i = 0; i < ARRAY_LEN(req.params) && req.params[i].ptr; i++)
                sb_addf(&params, "%s" STR_FMT, i ? " " : "", STR_ARG(req.params[i]));
        if (!str_eq(sb_str(&params), expected))
            fail_msg(STR_FMT ": is \"" STR_FMT "\"", STR_ARG(row), STR_ARG(sb_str(&params)));
        sb_fini(&params);
        n_rows++;
    }
    assert_true(n_rows > 20);
    arena_fini(&arena);
}

static void test_route__tells_another_method_from_nothing(void **state)
{
    (void)state;
    static const struct http_route routes[] = {
        {"GET", "/a/{x}", nothing, "get"},
        {"POST", "/a/{x}", nothing, "post"},
        {"GET", "/{y*}", nothing, "any"},
    };
    struct arena arena;
    arena_init(&arena, 1 * MIB);
    const struct http_route *found;
    struct http_request req = {.arena = &arena, .method = STR("POST"), .path = STR("/a/b")};
    assert_int_equal(http_route_find(routes, 3, &req, &found), ROUTE_FOUND);
    assert_string_equal(found->extra, "post");
    req.method = STR("HEAD");
    assert_int_equal(http_route_find(routes, 3, &req, &found), ROUTE_FOUND);
    assert_string_equal(found->extra, "get");
    req.method = STR("DELETE");
    assert_int_equal(http_route_find(routes, 3, &req, &found), ROUTE_OTHER_METHOD);
    assert_int_equal(http_route_find(routes, 2, &req, &found), ROUTE_OTHER_METHOD);
    req.path = STR("/b");
    assert_int_equal(http_route_find(routes, 2, &req, &found), ROUTE_NONE);
    arena_fini(&arena);
}

static void test_route__ends_at_its_limits(void **state)
{
    (void)state;
    struct http_route route = {"GET", "/{y*}", nothing, NULL};
    const struct http_route *found;
    struct arena arena;
    arena_init(&arena, 1 * MIB);
    struct sb path;
    sb_init(&path, 4096);
    for (size_t i = 0; i < LIMIT(HTTP_SEGMENTS); i++)
        sb_addc(&path, "/a");
    struct http_request req = {.arena = &arena, .method = STR("GET"), .path = sb_str(&path)};
    assert_int_equal(http_route_find(&route, 1, &req, &found), ROUTE_FOUND);
    sb_addc(&path, "/a");
    req.path = sb_str(&path);
    assert_int_equal(http_route_find(&route, 1, &req, &found), ROUTE_NONE);
    route.pattern =
        "/{1}/{2}/{3}/{4}/{5}/{6}/{7}/{8}/{9}"; /* one more than a request has room for */
    req.path = STR("/1/2/3/4/5/6/7/8/9");
    assert_int_equal(http_route_find(&route, 1, &req, &found), ROUTE_NONE);
    sb_fini(&path);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_route__fits_by_the_table),
        cmocka_unit_test(test_route__tells_another_method_from_nothing),
        cmocka_unit_test(test_route__ends_at_its_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
