/* SPDX-License-Identifier: Apache-2.0 */
/* images.c - what is in the registries, with the verdict of each. */
#include "api/internal.h"

#include "base/clock.h"
#include "base/num.h"

/* --- one image
 * -------------------------------------------------------------------------------------------- */
static void write_counts(struct jw *jw, const struct report_summary *s)
{
    jw_key(jw, "counts");
    jw_obj(jw);
    jw_kint(jw, "findings", (int64_t)s->critical + s->high + s->medium + s->low + s->unknown);
    jw_kint(jw, "critical", s->critical);
    jw_kint(jw, "high", s->high);
    jw_kint(jw, "medium", s->medium);
    jw_kint(jw, "low", s->low);
    jw_kint(jw, "unknown", s->unknown);
    jw_kint(jw, "patchable", s->patchable);
    jw_kint(jw, "disabled", s->disabled);
    jw_obj_end(jw);
}

static void write_platforms(struct jw *jw, const struct store_image *image)
{
    jw_key(jw, "platforms");
    jw_obj(jw);
    jw_kint(jw, "total", (int64_t)image->n_platforms);
    jw_kint(jw, "assessed", (int64_t)image->n_assessed);
    jw_obj_end(jw);
}

static void write_tags(struct jw *jw, const struct store_image *image)
{
    jw_key(jw, "tags");
    jw_arr(jw);
    for (size_t i = 0; i < image->tags.len; i++)
        jw_str(jw, image->tags.ptr[i]);
    jw_arr_end(jw);
    jw_kbool(jw, "untagged", image->tags.len == 0);
}

static void write_times(struct jw *jw, const struct store_image *image)
{
    api_write_time(jw, "firstSeen", image->first_seen);
    api_write_time(jw, "lastPushed", image->last_pushed);
    api_write_time(jw, "lastPulled", image->last_pulled);
    api_write_time(jw, "scannedAt", image->scanned_at);
    api_write_time(jw, "nextReassessment", image->due_at);
    api_write_time(jw, "failedAt", image->failed_at);
}

static void write_image(struct jw *jw, const struct store_image *image)
{
    jw_obj(jw);
    jw_kstr(jw, "registry", image->registry.name);
    jw_kstr(jw, "repository", image->repository);
    jw_kstr(jw, "digest", image->digest);
    jw_kstr_if(jw, "index", image->index);
    jw_kbool(jw, "isIndex", image->is_index);
    if (image->is_index)
        write_platforms(jw, image);
    jw_kstr_if(jw, "mediaType", image->media_type);
    jw_kstr_if(jw, "platform", image->platform);
    jw_kstr_if(jw, "os", image->os_name);
    write_tags(jw, image);
    jw_kstr(jw, "status", str_from(image_status_name(store_image_status(image))));
    jw_kbool(jw, "complete", image->is_complete);
    jw_kstr_if(jw, "reason", image->reason);
    jw_kstr_if(jw, "failure", image->failure);
    jw_kint(jw, "generation", (int64_t)image->generation);
    jw_kint(jw, "sizeBytes", (int64_t)image->size_bytes);
    write_times(jw, image);
    write_counts(jw, &image->counts);
    jw_obj_end(jw);
}

/* --- all of them
 * ------------------------------------------------------------------------------------------ */
static bool read_filter(struct api_call *call, struct image_filter *out, struct err *err)
{
    const struct http_request *req = call->req;
    str status = http_request_query(req, STR("status"));
    str since = http_request_query(req, STR("pulledSince"));
    *out = (struct image_filter){.repository = http_request_query(req, STR("repository")),
                                 .digest = http_request_query(req, STR("digest")),
                                 .tag = http_request_query(req, STR("tag"))};
    if (status.len && !image_status_parse(status, &out->status))
        return api_refuse(call, err, 400, "InvalidParameter",
                          "'" STR_FMT "' is no status: expected Healthy, Unhealthy, NotApplicable, "
                          "Pending or Failed.",
                          STR_ARG(status));
    if (since.len && (!clock_parse(since, &out->pulled_since) || out->pulled_since <= 0))
        return api_refuse(call, err, 400, "InvalidParameter",
                          "pulledSince is '" STR_FMT "': expected a time as 2026-11-24T06:00:00Z.",
                          STR_ARG(since));
    return api_flag(call, "untagged", &out->is_untagged, err);
}

static bool list_images(struct api_call *call, struct err *err)
{
    struct store_registry registry;
    struct store_page page;
    struct image_filter filter;
    store_images found = {0};
    str next = STR_NONE;
    if (!api_page(call, &page, err) || !read_filter(call, &filter, err) ||
        !api_registry(call, &registry, err))
        return false;
    struct store_scope scope = {.subscription = registry.subscription,
                                .resource_group = registry.resource_group,
                                .registry = registry.name};
    if (!api_within(call, STR(""), &scope, err))
        return false;
    if (!store_images_list(call->store, call->arena, &scope, &filter, &page, &found, &next, err))
        return api_page_error(call, err);
    jw_obj(&call->jw);
    jw_key(&call->jw, "value");
    jw_arr(&call->jw);
    for (size_t i = 0; i < found.len; i++)
        write_image(&call->jw, &found.ptr[i]);
    jw_arr_end(&call->jw);
    if (!api_next_link(call, next, err))
        return false;
    jw_obj_end(&call->jw);
    return api_done(call, 200, err);
}

static const struct http_route routes[] = {
    {"GET", "/plimsoll/v1/images", NULL,
     API_OP(.run = list_images, .action = "Microsoft.Security/plimsoll/images/read",
            .is_list = true,
            .summary = "images with verdict and counts; ?registry= repository= tag= digest= "
                       "status= untagged= pulledSince=")},
};
API_RESOURCE(images, routes);
