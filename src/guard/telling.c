/* SPDX-License-Identifier: Apache-2.0 */
/* telling.c - a batch of changes becomes what is told: the images as they are now, with the
 * findings that are news; and who wants to hear it. */
#include "guard/internal.h"

struct loading {
    struct store *store;
    struct arena *arena;
    const struct store_batch *batch;
    struct store_registry registry;
    tellings *out;
    struct err *err;
};

static struct telling *telling_of(struct loading *in, enum told what)
{
    const struct store_change *first = &in->batch->changes.ptr[0];
    for (size_t i = 0; i < in->out->len; i++)
        if (in->out->ptr[i].what == what)
            return &in->out->ptr[i];
    struct telling *t = vec_push(in->arena, in->out);
    if (t)
        *t = (struct telling){.what = what,
                              .at = first->at,
                              .registry = first->registry.len ? &in->registry : NULL,
                              .repository = first->repository,
                              .digest = first->digest,
                              .tag = first->tag,
                              .reason = first->detail};
    return t;
}

static bool add_image(struct loading *in, enum told what, const struct store_image *image,
                      const findings *news)
{
    struct telling *t = telling_of(in, what);
    struct told_image *slot = t ? vec_push(in->arena, &t->images) : NULL;
    if (!slot)
        return err_memory(in->err);
    *slot = (struct told_image){*image, *news};
    return true;
}

/* Healthy at its first scan is no news, unless it mends what its tag named before. */
static bool load_healthy(struct loading *in, const struct store_change *c,
                         const struct store_image *image)
{
    const findings none = {0};
    bool is_news = c->verdict_before == VERDICT_UNHEALTHY;
    if (c->kind == NEWS_SCAN && c->verdict_before == VERDICT_UNKNOWN &&
        !store_change_mends(in->store, image->id, &is_news, in->err))
        return false;
    return !is_news || add_image(in, TOLD_IMAGE_HEALTHY, image, &none);
}

static bool load_image(struct loading *in, const struct store_change *c)
{
    struct store_image image;
    findings news = {0};
    bool is_pulled = c->kind == NEWS_PULLED;
    if (!store_image_get(in->store, in->arena, &in->registry, c->image_id, &image, in->err))
        return in->err->kind == ERR_NOT_FOUND; /* it left meanwhile, and that is all right */
    if (image.verdict == VERDICT_HEALTHY)
        return is_pulled || load_healthy(in, c, &image);
    if (image.verdict != VERDICT_UNHEALTHY)
        return true;
    if (!store_image_findings(in->store, in->arena, &in->registry, c->image_id,
                              is_pulled ? 0 : c->at, &news, in->err))
        return false;
    return news.len == 0 ||
           add_image(in, is_pulled ? TOLD_PULLED_VULNERABLE : TOLD_NEW_FINDINGS, &image, &news);
}

static bool load_change(struct loading *in, const struct store_change *c)
{
    switch (c->kind) {
    case NEWS_SCAN:
    case NEWS_REMATCH:
    case NEWS_PULLED:
        return load_image(in, c);
    case NEWS_FAILED:
        return telling_of(in, TOLD_SCAN_FAILED) || err_memory(in->err);
    case NEWS_SOURCE:
        return telling_of(in, TOLD_SOURCE_HELD) || err_memory(in->err);
    case NEWS_NONE:
    default:
        return true;
    }
}

/* The index whose platforms all of them are; else what the one image is. */
static void name_whole(struct telling *t)
{
    if (!t->images.len)
        return;
    const struct store_image *first = &t->images.ptr[0].image;
    bool is_one = t->images.len == 1;
    for (size_t i = 1; i < t->images.len; i++)
        if (!first->index.len || !str_eq(t->images.ptr[i].image.index, first->index))
            return;
    t->digest = first->index.len && !(is_one && t->tag.len) ? first->index : first->digest;
    if (!t->tag.len && first->tags.len)
        t->tag = first->tags.ptr[0];
}

bool tellings_load(struct store *store, struct arena *arena, const struct store_batch *batch,
                   tellings *out, struct err *err)
{
    struct loading *in = arena_new(arena, struct loading);
    if (!in)
        return err_memory(err);
    *in = (struct loading){.store = store, .arena = arena, .batch = batch, .out = out, .err = err};
    str name = batch->changes.ptr[0].registry;
    if (name.len && !store_registry_get(store, arena, name, &in->registry, err))
        return false;
    for (size_t i = 0; i < batch->changes.len; i++) {
        in->err->kind = ERR_NONE;
        if (!load_change(in, &batch->changes.ptr[i]))
            return false;
    }
    err->kind = ERR_NONE;
    for (size_t i = 0; i < out->len; i++)
        if (batch->changes.ptr[0].kind == NEWS_SCAN)
            name_whole(&out->ptr[i]);
    return true;
}

/* --- who wants it
 * ---------------------------------------------------------------------------------- */
bool channel_wants_finding(const struct config_channel *channel, const struct finding *finding)
{
    return finding->severity == SEVERITY_UNKNOWN || finding->severity >= channel->severity;
}

static bool fits_any(const strs *globs, str text)
{
    bool fits = globs->len == 0;
    for (size_t i = 0; i < globs->len && !fits; i++)
        fits = assess_glob(globs->ptr[i], text);
    return fits;
}

static bool has_finding(const struct config_channel *channel, const struct telling *t)
{
    for (size_t i = 0; i < t->images.len; i++)
        for (size_t k = 0; k < t->images.ptr[i].news.len; k++)
            if (channel_wants_finding(channel, &t->images.ptr[i].news.ptr[k]))
                return true;
    return false;
}

/* A held source concerns every registry. */
bool channel_wants(const struct config_channel *channel, const struct telling *t)
{
    if (!(channel->events >> t->what & 1))
        return false;
    if (t->registry && (!fits_any(&channel->registries, t->registry->name) ||
                        !fits_any(&channel->repositories, t->repository)))
        return false;
    bool is_of_findings = t->what == TOLD_NEW_FINDINGS || t->what == TOLD_PULLED_VULNERABLE;
    return !is_of_findings || has_finding(channel, t);
}
