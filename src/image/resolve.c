/* SPDX-License-Identifier: Apache-2.0 */
/* resolve.c - from what a tag names to the images behind it: indexes are followed, attestations
 * left out, configurations read, and one platform or all of them chosen. */
#include "image/internal.h"

/* A manifest below an index that was not fetched, because its platform is not the one asked for. */
struct skipped {
    struct descriptor what;
    digest index;
};

struct walk {
    struct image_source *source;
    struct arena *arena;
    struct platform wanted;
    bool is_all, is_default; /* default: nobody asked for a platform */
    digest index;            /* the outermost */
    size_t n_documents;
    bool has_attestation, is_lenient; /* lenient: one broken child must not hide the others */
    struct err first;                 /* why the first broken child is */
    VEC(digest) seen;
    VEC(struct skipped) skipped;
    images found;
    VEC(struct platform) offered; /* of found, as their index says; else as their config does */
};

static bool add_document(struct walk *walk, str bytes, const digest *got,
                         const struct descriptor *as, unsigned depth, struct err *err);

/* --- one image ----------------------------------------------------------------------------------
 */
static bool load_config(struct walk *walk, struct image *image, struct err *err)
{
    str bytes;
    enum parse_flags flags = digest_is_none(&image->digest) ? PARSE_OWN : PARSE_FOREIGN;
    if (!blob_load(walk->source, walk->arena, &image->manifest.config, LIMIT(CONFIG), &bytes, err))
        return err_wrap(err, "config");
    if (!image_config_parse_as(flags, walk->arena, bytes, &image->config, err))
        return false;
    size_t n_layers = image->manifest.layers.len, n_ids = image->config.diff_ids.len;
    if (n_layers != n_ids)
        return err_set(err, ERR_FORMAT, "the manifest has %zu layers, its config %zu diff ids",
                       n_layers, n_ids);
    return true;
}

/* A config of a type nobody knows: it is an image if its bytes say so and fit the layers. */
static bool try_unknown(struct walk *walk, struct image *image, struct err *err)
{
    struct err why = {0};
    if (image->manifest.layers.len && load_config(walk, image, &why)) {
        image->manifest.kind = MANIFEST_IMAGE;
        image->manifest.reason = STR_NONE;
        return true;
    }
    /* what could not be fetched is not known to be anything */
    if (why.kind != ERR_NONE && why.kind != ERR_FORMAT && why.kind != ERR_LIMIT) {
        *err = why;
        return false;
    }
    image->config = (struct image_config){0};
    image->manifest.kind = MANIFEST_NOT_IMAGE;
    return true;
}

static bool judge_system(struct walk *walk, struct image *image, struct err *err)
{
    str os = image->platform.os;
    image->is_assessable = str_is_empty(os) || str_eq_nocase(os, STR("linux"));
    if (image->is_assessable)
        return true;
    bool is_windows = str_eq_nocase(os, STR("windows"));
    image->reason =
        is_windows ? STR("a Windows image: only Linux images are assessed")
                   : arena_printf(walk->arena, "an image for %.*s: only Linux images are assessed",
                                  STR_ARG(str_slice(os, 0, 60)));
    return image->reason.ptr ? true : err_memory(err);
}

static bool add_image(struct walk *walk, const struct manifest *manifest, const digest *got,
                      const struct descriptor *as, struct err *err)
{
    struct platform stated = as ? as->platform : (struct platform){0};
    struct image image = {.digest = *got, .index = walk->index, .manifest = *manifest};
    if (manifest->kind == MANIFEST_UNKNOWN && !try_unknown(walk, &image, err))
        return false;
    if (manifest->kind == MANIFEST_IMAGE && !load_config(walk, &image, err))
        return false;
    image.platform = str_is_empty(image.config.platform.os) ? stated : image.config.platform;
    if (image.manifest.kind == MANIFEST_NOT_IMAGE)
        image.reason = image.manifest.reason;
    else if (!judge_system(walk, &image, err))
        return false;
    struct image *slot = vec_push(walk->arena, &walk->found);
    struct platform *offered = vec_push(walk->arena, &walk->offered);
    if (!slot || !offered)
        return err_memory(err);
    *slot = image;
    *offered = str_is_empty(stated.os) ? image.platform : stated;
    return true;
}

/* --- indexes ------------------------------------------------------------------------------------
 */
static bool is_seen(const struct walk *walk, const digest *d)
{
    for (size_t i = 0; i < walk->seen.len; i++)
        if (digest_eq(&walk->seen.ptr[i], d))
            return true;
    return false;
}

static bool fetch(struct walk *walk, const struct descriptor *what, unsigned depth, struct err *err)
{
    char text[DIGEST_TEXT_SIZE];
    str bytes = what->data;
    digest got = what->digest;
    digest_print(&what->digest, text);
    if (str_is_empty(bytes) && !walk->source->ops->manifest(walk->source, walk->arena, STR_NONE,
                                                            &what->digest, &bytes, &got, err))
        return false;
    if (!digest_check(&what->digest, bytes, err))
        return err_wrap(err, "manifest %s", text);
    if (what->size_bytes != UINT64_MAX && what->size_bytes != bytes.len)
        return err_set(err, ERR_MISMATCH, "manifest %s: %zu bytes, %llu were promised", text,
                       bytes.len, (unsigned long long)what->size_bytes);
    return add_document(walk, bytes, &what->digest, what, depth, err);
}

static bool skip(struct walk *walk, const struct descriptor *what, struct err *err)
{
    struct skipped *slot = vec_push(walk->arena, &walk->skipped);
    if (!slot)
        return err_memory(err);
    *slot = (struct skipped){*what, walk->index};
    return true;
}

/* A child that cannot be read becomes an image of which that is known; only what ends the whole
 * walk stays an error. */
static bool keep_broken(struct walk *walk, const struct descriptor *child, struct err *err)
{
    bool is_over = ++walk->n_documents > LIMIT(INDEX_CHILDREN);
    if (!walk->is_lenient || is_over || err->kind == ERR_CANCELLED || err->kind == ERR_MEMORY)
        return false;
    struct image *slot = vec_push(walk->arena, &walk->found);
    struct platform *offered = vec_push(walk->arena, &walk->offered);
    str reason = arena_dup(walk->arena, str_from(err->msg));
    if (!slot || !offered || !reason.ptr)
        return err_memory(err);
    *slot = (struct image){.digest = child->digest,
                           .index = walk->index,
                           .platform = child->platform,
                           .is_broken = true,
                           .reason = reason};
    *offered = child->platform;
    if (!err_is(&walk->first))
        walk->first = *err;
    *err = (struct err){0};
    return true;
}

static bool add_child(struct walk *walk, const struct descriptor *child, unsigned depth,
                      struct err *err)
{
    if (child->is_attestation || is_seen(walk, &child->digest)) {
        walk->has_attestation = walk->has_attestation || child->is_attestation;
        return true;
    }
    digest *seen = vec_push(walk->arena, &walk->seen);
    if (!seen)
        return err_memory(err);
    *seen = child->digest;
    bool is_stated = !str_is_empty(child->platform.os) && !str_is_empty(child->platform.arch);
    if (is_stated && !walk->is_all && !platform_fit(&walk->wanted, &child->platform))
        return skip(walk, child, err);
    return fetch(walk, child, depth + 1, err) || keep_broken(walk, child, err);
}

static bool add_index(struct walk *walk, const struct manifest *index, const digest *got,
                      unsigned depth, struct err *err)
{
    if (depth >= LIMIT(INDEX_DEPTH))
        return err_set(err, ERR_LIMIT, "an index within an index, more than %llu deep",
                       (unsigned long long)LIMIT(INDEX_DEPTH));
    if (depth == 0)
        walk->index = *got;
    for (size_t i = 0; i < index->children.len; i++)
        if (!add_child(walk, &index->children.ptr[i], depth, err))
            return false;
    return true;
}

static bool add_document(struct walk *walk, str bytes, const digest *got,
                         const struct descriptor *as, unsigned depth, struct err *err)
{
    struct manifest manifest;
    enum parse_flags flags = digest_is_none(got) ? PARSE_OWN : PARSE_FOREIGN;
    char text[DIGEST_TEXT_SIZE];
    digest_print(got, text);
    if (++walk->n_documents > LIMIT(INDEX_CHILDREN))
        return err_set(err, ERR_LIMIT, "more than %llu manifests behind one name",
                       (unsigned long long)LIMIT(INDEX_CHILDREN));
    bool ok = manifest_parse_as(flags, walk->arena, bytes, &manifest, err);
    if (ok && manifest.kind == MANIFEST_INDEX)
        return add_index(walk, &manifest, got, depth, err);
    ok = ok && add_image(walk, &manifest, got, as, err);
    return ok || (as ? err_wrap(err, "%.19s…", text) : false);
}

/* --- the choice ---------------------------------------------------------------------------------
 */
static bool is_image(const struct image *image) { return image->manifest.kind == MANIFEST_IMAGE; }

static bool fail_with_platforms(struct walk *walk, struct err *err)
{
    auto_sb list;
    sb_init(&list, 4096);
    size_t n = 0;
    for (size_t i = 0; i < walk->found.len && n < 8; i++) {
        if (!is_image(&walk->found.ptr[i]))
            continue;
        str text = platform_print(walk->arena, &walk->offered.ptr[i]);
        sb_addf(&list, "%s%.*s", n++ ? ", " : "", STR_ARG(str_slice(text, 0, 60)));
    }
    for (size_t i = 0; i < walk->skipped.len && n < 8; i++) {
        str text = platform_print(walk->arena, &walk->skipped.ptr[i].what.platform);
        sb_addf(&list, "%s%.*s", n++ ? ", " : "", STR_ARG(str_slice(text, 0, 60)));
    }
    str wanted = platform_print(walk->arena, &walk->wanted);
    return err_set(err, ERR_NOT_FOUND, "no image for %.*s; there are: %s%s", STR_ARG(wanted),
                   n ? list.ptr : "none", n == 8 ? ", …" : "");
}

static bool is_linux_offered(const struct walk *walk)
{
    for (size_t i = 0; i < walk->skipped.len; i++)
        if (str_eq(walk->skipped.ptr[i].what.platform.os, STR("linux")))
            return true;
    return false;
}

/* Nobody asked for a platform and the machine's own is not there: the only image is meant all the
 * same, and where none is for Linux, the first one says so. */
static bool fall_back(struct walk *walk, struct err *err)
{
    if (!walk->is_default || walk->found.len || walk->skipped.len == 0 ||
        (walk->skipped.len > 1 && is_linux_offered(walk)))
        return true;
    struct skipped first = walk->skipped.ptr[0];
    walk->index = first.index;
    walk->is_all = true; /* should it be an index: whatever is in it */
    return fetch(walk, &first.what, 1, err);
}

static size_t best_fit(const struct walk *walk)
{
    size_t best = walk->found.len;
    int best_fit = 0;
    for (size_t i = 0; i < walk->found.len; i++) {
        int fit = platform_fit(&walk->wanted, &walk->offered.ptr[i]);
        if (!is_image(&walk->found.ptr[i]) || fit <= best_fit)
            continue;
        best = i;
        best_fit = fit;
    }
    return best;
}

static size_t count_images(const struct walk *walk)
{
    size_t n = 0;
    for (size_t i = 0; i < walk->found.len; i++)
        n += is_image(&walk->found.ptr[i]);
    return n;
}

static bool give(struct walk *walk, size_t i, images *out, struct err *err)
{
    struct image *slot = vec_push(walk->arena, out);
    if (!slot)
        return err_memory(err);
    *slot = walk->found.ptr[i];
    return true;
}

static bool choose_one(struct walk *walk, images *out, struct err *err)
{
    size_t best = best_fit(walk);
    if (best < walk->found.len)
        return give(walk, best, out, err);
    size_t n_images = count_images(walk), n_known = n_images + walk->skipped.len;
    if (n_known == 0) /* artifacts only: the first says why */
        return give(walk, 0, out, err);
    for (size_t i = 0; i < walk->found.len; i++) {
        bool is_nameless = str_is_empty(walk->offered.ptr[i].os);
        if (is_image(&walk->found.ptr[i]) && ((walk->is_default && n_images == 1) || is_nameless))
            return give(walk, i, out, err);
    }
    return fail_with_platforms(walk, err);
}

static bool is_all_broken(const struct walk *walk)
{
    for (size_t i = 0; i < walk->found.len; i++)
        if (!walk->found.ptr[i].is_broken)
            return false;
    return walk->found.len > 0;
}

static bool give_empty_index(struct walk *walk, images *out, struct err *err)
{
    struct image *slot = vec_push(walk->arena, out);
    if (!slot)
        return err_memory(err);
    slot->digest = walk->index;
    slot->index = walk->index;
    slot->manifest.kind = MANIFEST_NOT_IMAGE;
    slot->reason = walk->has_attestation ? STR("an index that holds attestations only, no image")
                                         : STR("an index without images");
    slot->manifest.reason = slot->reason;
    return true;
}

bool image_resolve(struct image_source *source, struct arena *arena, str tag, const digest *want,
                   const struct image_choice *choice, images *out, struct err *err)
{
    struct walk walk = {.source = source, .arena = arena, .is_all = choice->is_all};
    walk.is_lenient = choice->is_all;
    walk.is_default = str_is_empty(choice->platform.os);
    walk.wanted = walk.is_default ? platform_own() : choice->platform;
    str bytes;
    digest got = {0};
    *out = (images){0};
    if (!source->ops->manifest(source, arena, tag, want, &bytes, &got, err) ||
        !add_document(&walk, bytes, &got, NULL, 0, err) || !fall_back(&walk, err))
        return false;
    if (is_all_broken(&walk)) {
        *err = walk.first;
        return false;
    }
    if (walk.found.len == 0 && walk.skipped.len == 0)
        return give_empty_index(&walk, out, err);
    if (!choice->is_all && walk.found.len)
        return choose_one(&walk, out, err);
    if (walk.found.len == 0)
        return fail_with_platforms(&walk, err);
    for (size_t i = 0; i < walk.found.len; i++)
        if (!give(&walk, i, out, err))
            return false;
    return true;
}
