/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_url.c - a request target, whole: split, unescape, target, router. */
#include "http/internal.h"

#include <stdlib.h>

#include "base/num.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void nothing(struct http_request *req, struct http_response *res) { (void)req, (void)res; }

/* Reads every byte, so that a sanitizer sees a slice that points elsewhere. */
static size_t read_all(str s)
{
    size_t sum = 0;
    for (size_t i = 0; i < s.len; i++)
        sum += (unsigned char)s.ptr[i];
    return sum;
}

static size_t route(struct http_request *req)
{
    static const struct http_route routes[] = {
        {"GET", "/", nothing, NULL},
        {"GET", "/a/{b}/c/{d}", nothing, NULL},
        {"POST", "/{s*}/providers/p/things/{n}", nothing, NULL},
        {"GET", "/{s*}/providers/p/things/{n}", nothing, NULL},
        {"GET", "/{all*}", nothing, NULL},
    };
    const struct http_route *found = NULL;
    size_t sum = 0;
    if (http_route_find(routes, ARRAY_LEN(routes), req, &found) == ROUTE_FOUND)
        for (size_t i = 0; i < ARRAY_LEN(req->params); i++)
            sum += read_all(req->params[i]);
    return sum + (found ? read_all(str_from(found->pattern)) : 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct err err;
    str text = str_of((const char *)data, size), scheme, host, rest, plain;
    arena_init(&arena, 64 * MIB);
    size_t sum = 0;
    if (http_url_split(text, &scheme, &host, &rest))
        sum += read_all(scheme) + read_all(host) + read_all(rest);
    if (http_url_unescape(&arena, text, &plain)) {
        sum += read_all(plain);
        str again;
        if (!http_url_unescape(&arena, http_url_escape(&arena, plain), &again) ||
            !str_eq(again, plain))
            abort();
    }
    struct http_request req = {.arena = &arena, .method = STR("GET")};
    if (http_target_parse(text, &req, &err)) {
        if (str_has(req.path, STR("//")) || req.path.ptr[0] != '/')
            abort();
        for (size_t i = 0; i < req.query.len; i++)
            sum += read_all(req.query.ptr[i].key) + read_all(req.query.ptr[i].value);
        sum += route(&req);
    }
    arena_fini(&arena);
    return sum == SIZE_MAX; /* used, and 0 */
}
