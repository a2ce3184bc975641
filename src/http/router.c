/* SPDX-License-Identifier: Apache-2.0 */
/* router.c - which row of a table of routes a path fits.
 * With at most one "{name*}" a pattern, its length follows from the number of segments behind it:
 * so
 * "/{scope*}/providers/P/things" matches on the last "/providers/" by itself, in one pass. */
#include "http/internal.h"

#include "base/limits.h"
#include "base/num.h"

enum { N_PARAMS = ARRAY_LEN(((struct http_request *)0)->params) };

struct segments {
    str *of;
    size_t n;
};

static size_t count_segments(str path) /* without its first slash */
{
    size_t n = path.len > 0;
    for (size_t i = 0; i < path.len; i++)
        n += path.ptr[i] == '/';
    return n;
}

/* False when there are more than we look at. */
static bool split(struct arena *arena, str path, struct segments *out)
{
    str rest = str_skip(path, 1), segment;
    size_t n = count_segments(rest);
    *out = (struct segments){.of = n <= LIMIT(HTTP_SEGMENTS) ? arena_array(arena, str, n) : NULL};
    while (out->of && out->n < n && str_next(&rest, '/', &segment))
        out->of[out->n++] = segment;
    return out->of != NULL;
}

static bool is_param(str part) { return str_starts(part, STR("{")) && str_ends(part, STR("}")); }
static bool is_many(str part) { return is_param(part) && str_ends(part, STR("*}")); }

/* Literals of a path may be escaped too: "%6ealthz". */
static bool fits_literal(struct arena *arena, str part, str segment)
{
    str plain;
    if (str_eq_nocase(part, segment))
        return true;
    return str_find_byte(segment, '%') < segment.len && http_url_unescape(arena, segment, &plain) &&
           str_eq_nocase(part, plain);
}

/* Borrowed from first to behind last: they are slices of one path. */
static str join(const str *segments, size_t n)
{
    const str *last = &segments[n - 1];
    return str_of(segments[0].ptr, (size_t)(last->ptr + last->len - segments[0].ptr));
}

static bool fits(const char *pattern, const struct segments *path, struct arena *arena, str *params,
                 size_t *n_params)
{
    str rest = str_skip(str_from(pattern), 1), part;
    size_t at = 0;
    *n_params = 0;
    while (rest.len > 0 && str_next(&rest, '/', &part)) {
        size_t behind = is_many(part) ? count_segments(rest) : 0, n = 1;
        if (path->n < at + 1 + behind || *n_params == N_PARAMS)
            return false; /* a pattern with N_PARAMS parameters ends with the last */
        if (is_many(part))
            n = path->n - at - behind;
        if (is_param(part))
            params[(*n_params)++] = join(&path->of[at], n);
        else if (!fits_literal(arena, part, path->of[at]))
            return false;
        at += n;
    }
    return at == path->n;
}

static bool fits_method(str asked, const char *method)
{
    return str_eq(asked, str_from(method)) ||
           (str_eq(asked, STR("HEAD")) && str_eq(str_from(method), STR("GET")));
}

static bool decode_params(struct http_request *req, const str *raw, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!http_url_unescape(req->arena, raw[i], &req->params[i]))
            return false;
    return true;
}

enum http_route_fit http_route_find(const struct http_route *routes, size_t n,
                                    struct http_request *req, const struct http_route **out)
{
    struct segments path;
    enum http_route_fit fit = ROUTE_NONE;
    bool is_split =
        req->segments && req->split.ptr == req->path.ptr && req->split.len == req->path.len;
    if (!is_split) {
        req->segments = NULL;
        req->split = req->path;
    }
    if (!is_split && split(req->arena, req->path, &path)) {
        req->segments = path.of;
        req->n_segments = path.n;
    }
    if (!req->segments)
        return ROUTE_NONE;
    path = (struct segments){req->segments, req->n_segments};
    for (size_t i = 0; i < n; i++) {
        str raw[N_PARAMS] = {0};
        size_t n_params;
        if (!fits(routes[i].pattern, &path, req->arena, raw, &n_params))
            continue;
        fit = ROUTE_OTHER_METHOD;
        if (!fits_method(req->method, routes[i].method))
            continue;
        *out = &routes[i];
        return decode_params(req, raw, n_params) ? ROUTE_FOUND : ROUTE_NONE;
    }
    return fit;
}
