/* SPDX-License-Identifier: Apache-2.0 */
/* tags.c - the movable names of images, and what they named before. */
#include "api/internal.h"

#include "base/num.h"

/* --- all of a registry
 * ------------------------------------------------------------------------------------ */
static void write_tag(struct jw *jw, const struct store_tag_row *row)
{
    jw_obj(jw);
    jw_kstr(jw, "repository", row->repository);
    jw_kstr(jw, "tag", row->name);
    jw_kstr_if(jw, "digest", row->digest);
    api_write_time(jw, row->digest.len ? "setAt" : "removedAt", row->set_at);
    jw_obj_end(jw);
}

static bool list_tags(struct api_call *call, struct err *err)
{
    struct store_registry registry;
    struct store_page page;
    struct tag_filter filter = {.repository = http_request_query(call->req, STR("repository"))};
    store_tag_rows found = {0};
    str next = STR_NONE;
    struct jw *jw = &call->jw;
    if (!api_page(call, &page, err) || !api_flag(call, "removed", &filter.has_removed, err) ||
        !store_registry_get(call->store, call->arena, call->req->params[0], &registry, err))
        return false;
    if (!store_tag_rows_list(call->store, call->arena, registry.id, &filter, &page, &found, &next,
                             err))
        return api_page_error(call, err);
    jw_obj(jw);
    jw_key(jw, "value");
    jw_arr(jw);
    for (size_t i = 0; i < found.len; i++)
        write_tag(jw, &found.ptr[i]);
    jw_arr_end(jw);
    if (!api_next_link(call, next, err))
        return false;
    jw_obj_end(jw);
    return api_done(call, 200, err);
}

/* --- one tag
 * -----------------------------------------------------------------------------------------------
 */
static void write_change(struct jw *jw, const struct store_tag_change *change)
{
    jw_obj(jw);
    jw_kstr_if(jw, "digest", change->digest);
    jw_kbool(jw, "removed", change->digest.len == 0);
    api_write_time(jw, "at", change->at);
    jw_obj_end(jw);
}

static bool write_history(struct api_call *call, str repository, str tag,
                          const store_tag_changes *found, str next, struct err *err)
{
    struct jw *jw = &call->jw;
    jw_obj(jw);
    jw_kstr(jw, "repository", repository);
    jw_kstr(jw, "tag", tag);
    jw_key(jw, "value");
    jw_arr(jw);
    for (size_t i = 0; i < found->len; i++)
        write_change(jw, &found->ptr[i]);
    jw_arr_end(jw);
    if (!api_next_link(call, next, err))
        return false;
    jw_obj_end(jw);
    return api_done(call, 200, err);
}

static bool get_history(struct api_call *call, struct err *err)
{
    struct store_registry registry;
    struct store_page page;
    str repository = http_request_query(call->req, STR("repository"));
    str tag = call->req->params[1], next = STR_NONE;
    store_tag_changes found = {0};
    if (!repository.len)
        return api_refuse(call, err, 400, "InvalidParameter", "?repository= says whose tag it is.");
    if (!api_page(call, &page, err) ||
        !store_registry_get(call->store, call->arena, call->req->params[0], &registry, err))
        return false;
    if (!store_tag_history(call->store, call->arena, registry.id, repository, tag, &page, &found,
                           &next, err))
        return api_page_error(call, err);
    if (!found.len && !page.after.len)
        return err_set(err, ERR_NOT_FOUND, "no tag '" STR_FMT "' was seen in '" STR_FMT "'",
                       STR_ARG(tag), STR_ARG(repository));
    return write_history(call, repository, tag, &found, next, err);
}

#define OWN "/plimsoll/v1/registries/{registry}/tags"
static const struct http_route routes[] = {
    {"GET", OWN, NULL,
     API_OP(.run = list_tags, .action = "Microsoft.Security/plimsoll/tags/read",
            .where = WHERE_REGISTRY,
            .summary = "tags and what they name; ?repository= removed=true for those that are "
                       "gone too")},
    {"GET", OWN "/{tag}", NULL,
     API_OP(.run = get_history, .action = "Microsoft.Security/plimsoll/tags/read",
            .where = WHERE_REGISTRY,
            .summary = "what a tag of ?repository= named, newest first, and when it was removed")},
};
API_RESOURCE(tags, routes);
