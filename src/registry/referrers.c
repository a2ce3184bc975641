/* SPDX-License-Identifier: Apache-2.0 */
/* referrers.c - which manifests refer to an image (distribution-spec 1.1, "Listing Referrers"):
 *
 *     GET /v2/<name>/referrers/<digest>?artifactType=…    an index, in pages by Link
 *     404: a registry of before 1.1                       the index under the tag <algorithm>-<hex>
 *
 * OCI-Filters-Applied says whether the registry minded the type; where it did not, we do. */
#include "base/limits.h"
#include "registry/internal.h"

/* --- Link
 * -------------------------------------------------------------------------------------------- */
static bool is_next(str parameters)
{
    str one, name, value;
    while (str_next(&parameters, ';', &one)) {
        if (!str_cut_byte(one, '=', &name, &value) || !str_eq_nocase(str_trim(name), STR("rel")))
            continue;
        value = str_trim(value);
        if (value.len >= 2 && str_starts(value, STR("\"")) && str_ends(value, STR("\"")))
            value = str_slice(value, 1, value.len - 1);
        return str_eq_nocase(value, STR("next"));
    }
    return false;
}

bool registry_link_next(str value, str *target)
{
    str before, rest = value, parameters;
    *target = STR_NONE;
    while (str_cut_byte(rest, '<', &before, &rest)) {
        str link;
        if (!str_cut_byte(rest, '>', &link, &rest))
            return false;
        /* a comma within a quoted parameter ends it too: then there is no rel, or a broken one */
        (void)str_cut_byte(rest, ',', &parameters, &rest);
        if (link.len && is_next(parameters)) {
            *target = link;
            return true;
        }
    }
    return false;
}

/* --- pages
 * ------------------------------------------------------------------------------------------- */
static bool has_filtered(const struct http_answer *answer)
{
    str applied = http_header_get(&answer->headers, STR("OCI-Filters-Applied")), one;
    while (str_next(&applied, ',', &one))
        if (str_eq_nocase(str_trim(one), STR("artifactType")))
            return true;
    return false;
}

static bool first_path(const struct registry *r, struct arena *arena, const digest *subject,
                       str artifact_type, str *out, struct err *err)
{
    char text[DIGEST_TEXT_SIZE];
    str type = http_url_escape(arena, artifact_type);
    if (!type.ptr)
        return err_memory(err);
    *out = arena_printf(arena, "/v2/%.*s/referrers/%s%s%.*s", STR_ARG(r->ref.repository),
                        digest_print(subject, text).ptr, type.len ? "?artifactType=" : "",
                        STR_ARG(type));
    return out->ptr || err_memory(err);
}

/* One page: its children, and where the next is. */
static bool take_page(const struct registry *r, struct arena *arena, const struct http_answer *page,
                      str artifact_type, descriptors *out, str *next, struct err *err)
{
    struct manifest index;
    str link = http_header_get(&page->headers, STR("Link"));
    if (!manifest_parse(arena, page->body, &index, err) ||
        !referrers_add(arena, &index, has_filtered(page) ? STR_NONE : artifact_type, out, err))
        return err_wrap(err, "%.*s: referrers of %.*s", STR_ARG(r->api_host),
                        STR_ARG(r->ref.repository));
    if (!registry_link_next(link, next))
        *next = STR_NONE;
    if (next->len && index.children.len == 0) /* it could go on so for ever */
        return err_set(err, ERR_FORMAT, "%.*s: a page without referrers that names a next one",
                       STR_ARG(r->api_host));
    return true;
}

/* No list is kept: what clients keep instead, under a tag.  None is an answer. */
static bool by_tag(struct registry *r, struct arena *arena, const digest *subject,
                   str artifact_type, descriptors *out, struct err *err)
{
    char tag[REFERRERS_TAG_SIZE];
    struct manifest index;
    digest got;
    str bytes;
    if (!r->base.ops->manifest(&r->base, arena, referrers_tag(subject, tag), NULL, &bytes, &got,
                               err)) {
        if (err->kind != ERR_NOT_FOUND)
            return false;
        *err = (struct err){0};
        return true;
    }
    return (manifest_parse(arena, bytes, &index, err) &&
            referrers_add(arena, &index, artifact_type, out, err)) ||
           err_wrap(err, "%.*s: %.*s:%s", STR_ARG(r->api_host), STR_ARG(r->ref.repository), tag);
}

bool registry_referrers(struct image_source *source, struct arena *arena, const digest *subject,
                        str artifact_type, descriptors *out, struct err *err)
{
    struct registry *r = (struct registry *)source;
    struct request request = {.accept = "application/vnd.oci.image.index.v1+json",
                              .max = LIMIT(MANIFEST)};
    struct reply reply;
    char text[DIGEST_TEXT_SIZE];
    if (!first_path(r, arena, subject, artifact_type, &request.path, err))
        return false;
    for (size_t n = 0; n < LIMIT(REFERRERS); n++) { /* pages may hold nothing that is wanted */
        if (!registry_send(r, r->client, arena, &request, &reply, err))
            return false;
        int status = reply.answer.status;
        if (!request.url.len && (status == 404 || status == 405))
            return by_tag(r, arena, subject, artifact_type, out, err);
        if (status != 200)
            return registry_fail_status(r, status, "referrers of", digest_print(subject, text),
                                        err);
        if (!take_page(r, arena, &reply.answer, artifact_type, out, &request.url, err))
            return false;
        if (!request.url.len)
            return true;
    }
    return err_set(err, ERR_LIMIT, "%.*s: referrers: more than %llu pages", STR_ARG(r->api_host),
                   (unsigned long long)LIMIT(REFERRERS));
}
