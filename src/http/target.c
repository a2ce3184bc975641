/* SPDX-License-Identifier: Apache-2.0 */
/* target.c - a request target (RFC 9112 3.2) into path and query.
 * @azure/arm-security sends "//subscriptions/…", which a general URL parser takes for a host. */
#include "http/internal.h"

/* Scheme and authority of an absolute-form target go; what else has a "://" in it is a path. */
static str origin_form(str raw)
{
    str scheme, host, rest;
    if (raw.len == 0 || raw.ptr[0] == '/' || !http_url_split(raw, &scheme, &host, &rest))
        return raw;
    return str_starts(rest, STR("/")) ? rest : STR("/");
}

static bool is_clean(str path)
{
    for (size_t i = 0; i < path.len; i++) {
        unsigned char c = (unsigned char)path.ptr[i];
        if (c <= 0x20 || c == 0x7f)
            return false;
    }
    return true;
}

/* Escapes are decoded here only to see that they can be. */
static bool has_good_escapes(struct arena *arena, str path)
{
    str plain;
    return str_find_byte(path, '%') == path.len ||
           (http_url_unescape(arena, path, &plain) && str_find_byte(plain, '\0') == plain.len);
}

static str collapse_slashes(struct arena *arena, str raw)
{
    char *out = arena_alloc(arena, raw.len + 1);
    if (!out)
        return STR_NONE;
    size_t n = 0;
    for (size_t i = 0; i < raw.len; i++)
        if (raw.ptr[i] != '/' || n == 0 || out[n - 1] != '/')
            out[n++] = raw.ptr[i];
    if (n > 1 && out[n - 1] == '/')
        n--;
    return str_of(out, n);
}

/* Decoded as forms do it, '+' is a space; what cannot be decoded stays as it is. */
static str decode_query(struct arena *arena, str text)
{
    str copy = arena_dup(arena, text), plain;
    if (!copy.ptr)
        return STR_NONE;
    char *bytes = arena_alloc(arena, text.len + 1);
    if (!bytes)
        return STR_NONE;
    for (size_t i = 0; i < text.len; i++)
        bytes[i] = text.ptr[i] == '+' ? ' ' : text.ptr[i];
    return http_url_unescape(arena, str_of(bytes, text.len), &plain) ? plain : copy;
}

static bool parse_query(str text, struct http_request *req, struct err *err)
{
    str pair;
    while (str_next(&text, '&', &pair)) {
        if (pair.len == 0)
            continue;
        str key, value;
        str_cut_byte(pair, '=', &key, &value);
        struct http_query *query = vec_push(req->arena, &req->query);
        if (!query)
            return err_memory(err);
        query->key = decode_query(req->arena, key);
        query->value = decode_query(req->arena, value);
        if (!query->key.ptr || !query->value.ptr)
            return err_memory(err);
    }
    return true;
}

bool http_target_parse(str raw, struct http_request *req, struct err *err)
{
    str path, query;
    str_cut_byte(origin_form(raw), '?', &path, &query);
    if (path.len == 0 || path.ptr[0] != '/')
        return err_set(err, ERR_FORMAT, "the request target is no path");
    if (!is_clean(path) || !has_good_escapes(req->arena, path))
        return err_set(err, ERR_FORMAT, "the request target has a forbidden character");
    req->target = arena_dup(req->arena, path);
    req->path = req->target.ptr ? collapse_slashes(req->arena, req->target) : STR_NONE;
    if (!req->path.ptr)
        return err_memory(err);
    return parse_query(query, req, err);
}

str http_request_header(const struct http_request *req, str name)
{
    return http_header_get(&req->headers, name);
}

str http_request_query(const struct http_request *req, str key)
{
    for (size_t i = 0; i < req->query.len; i++)
        if (str_eq_nocase(req->query.ptr[i].key, key))
            return req->query.ptr[i].value;
    return STR_NONE;
}
