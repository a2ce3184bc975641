/* SPDX-License-Identifier: Apache-2.0 */
/* list.c - repositories of a registry and tags of a repository, page by page (distribution-spec,
 * "Listing tags"; CNCF Distribution, "Catalog").  The next page is where the Link header leads. */
#include "registry/internal.h"

enum { PAGE = 500 };

struct listing {
    struct registry *registry;
    struct arena arena; /* of one page */
    const char *member; /* that holds the names */
    size_t n_names;
    registry_name *each;
    void *ctx;
};

/* Where `Link: <URL>; rel="next"` leads, if that is this registry; empty: nowhere. */
static str next_of(const struct listing *l, const http_headers *headers)
{
    str url, scheme, host, path;
    if (!registry_link_next(http_header_get(headers, STR("Link")), &url))
        return STR_NONE;
    if (str_starts(url, STR("/")))
        return url;
    bool is_ours =
        http_url_split(url, &scheme, &host, &path) && str_eq_nocase(host, l->registry->api_host);
    return is_ours ? path : STR_NONE;
}

static bool take_names(struct listing *l, str body, struct err *err)
{
    auto_json *root = NULL;
    if (!json_read(body, &root, err))
        return err_wrap(err, "%.*s: %s", STR_ARG(l->registry->api_host), l->member);
    const json_t *names = json_arr(root, l->member); /* null when there are none */
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i));
        if (!name)
            return err_set(err, ERR_FORMAT, "%.*s: %s: not a name", STR_ARG(l->registry->api_host),
                           l->member);
        if (++l->n_names > LIMIT(NAMES))
            return err_set(err, ERR_LIMIT, "%.*s: more than %llu names in %s",
                           STR_ARG(l->registry->api_host), (unsigned long long)LIMIT(NAMES),
                           l->member);
        if (!l->each(l->ctx, str_from(name), err))
            return false;
    }
    return true;
}

/* *path becomes the next page's; empty behind the last. */
static bool list_page(struct listing *l, struct sb *path, bool *is_there, struct err *err)
{
    struct reply reply;
    struct registry *r = l->registry;
    const struct request request = {.path = sb_str(path), .max = LIMIT(MANIFEST)};
    size_t before = l->n_names;
    *is_there = true;
    if (!registry_send(r, r->client, &l->arena, &request, &reply, err))
        return false;
    *is_there = reply.answer.status != 404;
    if (!*is_there) {
        sb_clear(path);
        return true;
    }
    if (reply.answer.status != 200)
        return registry_fail_status(r, reply.answer.status, l->member, STR("list"), err);
    if (!take_names(l, reply.answer.body, err))
        return false;
    str next = next_of(l, &reply.answer.headers);
    if (next.len && l->n_names == before)
        return err_set(err, ERR_FORMAT, "%.*s: %s: an empty page that names a next one",
                       STR_ARG(r->api_host), l->member);
    sb_clear(path);
    sb_add(path, next);
    return sb_ok(path, err);
}

static bool list_all(struct listing *l, struct sb *path, bool *is_there, struct err *err)
{
    bool ok = sb_ok(path, err);
    arena_init(&l->arena, 4 * LIMIT(MANIFEST));
    while (ok && path->len) {
        bool is_page;
        arena_reset(&l->arena);
        ok = list_page(l, path, &is_page, err);
        *is_there = is_page || l->n_names;
    }
    arena_fini(&l->arena);
    return ok;
}

bool registry_each_repository(struct image_source *registry, registry_name *each, void *ctx,
                              struct err *err)
{
    struct registry *r = (struct registry *)registry;
    struct listing l = {.registry = r, .member = "repositories", .each = each, .ctx = ctx};
    bool is_there = false;
    auto_sb path;
    sb_init(&path, LIMIT(HTTP_HEADER));
    sb_addf(&path, "/v2/_catalog?n=%d", PAGE);
    if (!list_all(&l, &path, &is_there, err))
        return false;
    return is_there ||
           err_set(err, ERR_UNSUPPORTED, "%.*s: has no list of repositories", STR_ARG(r->api_host));
}

bool registry_each_tag(struct image_source *registry, registry_name *each, void *ctx,
                       bool *is_there, struct err *err)
{
    struct registry *r = (struct registry *)registry;
    struct listing l = {.registry = r, .member = "tags", .each = each, .ctx = ctx};
    auto_sb path;
    *is_there = false;
    sb_init(&path, LIMIT(HTTP_HEADER));
    sb_addf(&path, "/v2/" STR_FMT "/tags/list?n=%d", STR_ARG(r->ref.repository), PAGE);
    return list_all(&l, &path, is_there, err);
}

bool registry_turn_to(struct image_source *registry, str repository, struct err *err)
{
    struct registry *r = (struct registry *)registry;
    r->ref.repository = arena_dup(&r->arena, repository);
    r->ref.tag = STR_NONE;
    r->ref.digest = (digest){0};
    mtx_lock(&r->lock);
    if (!str_starts(sb_str(&r->authorization), STR("Basic ")))
        sb_clear(&r->authorization); /* a token is for one repository */
    r->expires_mono_ms = 0;
    mtx_unlock(&r->lock);
    return r->ref.repository.ptr ? true : err_memory(err);
}
