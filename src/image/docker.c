/* SPDX-License-Identifier: Apache-2.0 */
/* docker.c - what `docker save` writes:
 *
 *     manifest.json     [{"Config": PATH, "RepoTags": ["name:tag"], "Layers": [PATH, …]}, …]
 *     PATH              configurations and layers; a layer may be a link to another entry, and gzip
 *
 * It holds no manifest, so one is made: the digest of the config is that of its bytes, the digest
 * of a layer that of its bytes as they stand. */
#include "image/internal.h"

#include <stdlib.h>

struct layer {
    const char *path;
    digest digest; /* none until it was read */
    uint64_t size_bytes;
};
struct saved {
    const char *config;
    strs tags;
    VEC(struct layer *) layers;
    str config_bytes;
    digest config_digest;
};
struct docker_archive {
    struct image_source base;
    struct files files;
    struct arena arena;
    str tag; /* of the reference */
    VEC(struct saved) images;
    struct map layers; /* path → struct layer */
};

/* --- manifest.json ------------------------------------------------------------------------------
 */
/* Entries are listed without a leading "./" or "/"; the manifest may write them so. */
static str clean(str path)
{
    while (str_starts(path, STR("./")) || str_starts(path, STR("/")))
        path = str_skip(path, str_starts(path, STR("/")) ? 1 : 2);
    return path;
}

static struct layer *layer_at(struct docker_archive *self, str path)
{
    struct layer *layer = map_get(&self->layers, path);
    if (layer)
        return layer;
    layer = arena_new(&self->arena, struct layer);
    const char *copy = arena_cstr(&self->arena, path);
    if (!layer || !copy || !map_put(&self->layers, str_from(copy), layer))
        return NULL;
    layer->path = copy;
    return layer;
}

static bool read_layers(struct docker_archive *self, json_t *list, struct saved *image,
                        struct err *err)
{
    size_t n = json_array_size(list);
    if (n > LIMIT(LAYERS))
        return err_set(err, ERR_LIMIT, "%zu layers, more than %llu", n,
                       (unsigned long long)LIMIT(LAYERS));
    for (size_t i = 0; i < n; i++) {
        str path = clean(json_str_of(json_array_get(list, i)));
        if (str_is_empty(path))
            return err_set(err, ERR_FORMAT, "layer %zu has no path", i);
        struct layer **slot = vec_push(&self->arena, &image->layers);
        if (!slot || !(*slot = layer_at(self, path)))
            return err_memory(err);
    }
    return true;
}

static bool read_tags(struct arena *arena, json_t *list, struct saved *image, struct err *err)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        str *tag = vec_push(arena, &image->tags);
        if (!tag)
            return err_memory(err);
        *tag = arena_dup(arena, json_str_of(json_array_get(list, i)));
        if (!tag->ptr)
            return err_memory(err);
    }
    return true;
}

static bool read_image(struct docker_archive *self, json_t *object, struct err *err)
{
    str config = clean(json_str(object, "Config"));
    if (str_is_empty(config) || !json_arr(object, "Layers"))
        return err_set(err, ERR_FORMAT, "an image without Config and Layers");
    struct saved *image = vec_push(&self->arena, &self->images);
    if (!image || !(image->config = arena_cstr(&self->arena, config)))
        return err_memory(err);
    return read_tags(&self->arena, json_arr(object, "RepoTags"), image, err) &&
           read_layers(self, json_arr(object, "Layers"), image, err);
}

static bool read_manifest(struct docker_archive *self, struct err *err)
{
    str text;
    if (!files_read(&self->files, &self->arena, "manifest.json", LIMIT(MANIFEST), &text, err))
        return false;
    auto_json *root = NULL;
    if (!json_read(text, &root, err))
        return false;
    if (json_array_size(root) == 0)
        return err_set(err, ERR_FORMAT, "not a list of images");
    if (json_array_size(root) > LIMIT(INDEX_CHILDREN))
        return err_set(err, ERR_LIMIT, "%zu images, more than %llu", json_array_size(root),
                       (unsigned long long)LIMIT(INDEX_CHILDREN));
    for (size_t i = 0; i < json_array_size(root); i++)
        if (!read_image(self, json_array_get(root, i), err))
            return false;
    return true;
}

/* --- which of the images ------------------------------------------------------------------------
 */
static bool has_tag(const struct saved *image, str tag)
{
    for (size_t i = 0; i < image->tags.len; i++) {
        str name = image->tags.ptr[i];
        size_t colon = str_rfind_byte(name, ':');
        if (str_eq(name, tag) || (colon < name.len && str_eq(str_skip(name, colon + 1), tag)))
            return true;
    }
    return false;
}

static bool fail_with_tags(const struct docker_archive *self, const char *what, str tag,
                           struct err *err)
{
    size_t n = 0;
    auto_sb names;
    sb_init(&names, 4096);
    for (size_t i = 0; i < self->images.len; i++)
        for (size_t j = 0; j < self->images.ptr[i].tags.len && n < 10; j++)
            sb_addf(&names, "%s%.*s", n++ ? ", " : "",
                    STR_ARG(str_slice(self->images.ptr[i].tags.ptr[j], 0, 80)));
    return err_set(err, ERR_NOT_FOUND, "%.*s: %s%.*s; there are: %s%s", STR_ARG(self->files.path),
                   what, STR_ARG(tag), n ? names.ptr : "images without a tag",
                   n == 10 ? ", …" : "");
}

static bool choose(struct docker_archive *self, str tag, struct saved **out, struct err *err)
{
    size_t n = 0;
    *out = &self->images.ptr[0];
    if (str_is_empty(tag) && self->images.len == 1)
        return true;
    if (str_is_empty(tag))
        return fail_with_tags(self, "several images, say which with :TAG", STR_NONE, err);
    for (size_t i = 0; i < self->images.len; i++) {
        if (!has_tag(&self->images.ptr[i], tag))
            continue;
        *out = &self->images.ptr[i];
        n++;
    }
    if (n == 1)
        return true;
    return fail_with_tags(self, n ? "more than one image is called " : "no image ", tag, err);
}

/* --- the manifest we make -----------------------------------------------------------------------
 */
static bool hash_layer(const struct docker_archive *self, struct layer *layer, struct err *err)
{
    struct extent extent;
    struct blob blob = {0};
    struct hash *hash = NULL;
    if (!digest_is_none(&layer->digest))
        return true;
    if (!files_find(&self->files, layer->path, &extent, err))
        return false;
    layer->size_bytes = extent.size_bytes;
    if (!extent_blob(&extent, &blob, err))
        return false;
    enum next next = NEXT_ERR;
    str chunk;
    if (hash_open(&hash, HASH_SHA256, err))
        while ((next = blob.from.read(blob.from.ctx, &chunk, err)) == NEXT_ITEM)
            hash_add(hash, chunk);
    if (next == NEXT_END)
        layer->digest.n = (uint8_t)hash_done(hash, layer->digest.bytes);
    hash_close(hash);
    blob_close(&blob);
    return next == NEXT_END || err_wrap(err, "%.*s: %s", STR_ARG(self->files.path), layer->path);
}

static bool load_config(struct docker_archive *self, struct saved *image, struct err *err)
{
    if (!digest_is_none(&image->config_digest))
        return true;
    if (!files_read(&self->files, &self->arena, image->config, LIMIT(CONFIG), &image->config_bytes,
                    err))
        return false;
    image->config_digest = digest_of(HASH_SHA256, image->config_bytes);
    return true;
}

static void print_descriptor(struct jw *jw, const char *media_type, const digest *d, uint64_t size)
{
    char text[DIGEST_TEXT_SIZE];
    jw_obj(jw);
    jw_kstr(jw, "mediaType", str_from(media_type));
    jw_kstr(jw, "digest", digest_print(d, text));
    jw_kint(jw, "size", (int64_t)size);
    jw_obj_end(jw);
}

static bool print_manifest(const struct saved *image, struct arena *arena, str *out,
                           struct err *err)
{
    struct jw jw;
    auto_sb text;
    sb_init(&text, LIMIT(MANIFEST));
    jw_init(&jw, &text, false);
    jw_obj(&jw);
    jw_kint(&jw, "schemaVersion", 2);
    jw_kstr(&jw, "mediaType", STR("application/vnd.oci.image.manifest.v1+json"));
    jw_key(&jw, "config");
    print_descriptor(&jw, "application/vnd.oci.image.config.v1+json", &image->config_digest,
                     image->config_bytes.len);
    jw_key(&jw, "layers");
    jw_arr(&jw);
    for (size_t i = 0; i < image->layers.len; i++)
        print_descriptor(&jw, "application/vnd.oci.image.layer.v1.tar",
                         &image->layers.ptr[i]->digest, image->layers.ptr[i]->size_bytes);
    jw_arr_end(&jw);
    jw_obj_end(&jw);
    if (!sb_ok(&text, err))
        return false;
    *out = arena_dup(arena, sb_str(&text));
    return out->ptr ? true : err_memory(err);
}

static bool docker_manifest(struct image_source *source, struct arena *arena, str tag,
                            const digest *want, str *bytes, digest *got, struct err *err)
{
    struct docker_archive *self = (struct docker_archive *)source;
    struct saved *image = NULL;
    if (!choose(self, str_is_empty(tag) ? self->tag : tag, &image, err) ||
        !load_config(self, image, err))
        return false;
    for (size_t i = 0; i < image->layers.len; i++)
        if (!hash_layer(self, image->layers.ptr[i], err))
            return false;
    if (!print_manifest(image, arena, bytes, err))
        return false;
    *got = digest_of(HASH_SHA256, *bytes);
    if (want && !digest_eq(want, got))
        return err_set(err, ERR_NOT_FOUND,
                       "%.*s: a docker-archive keeps no manifests: ask for a tag, not for a digest",
                       STR_ARG(self->files.path));
    return true;
}

static bool blob_of_image(struct docker_archive *self, struct saved *image, const digest *d,
                          struct blob *out, bool *is_found, struct err *err)
{
    *is_found = true;
    if (digest_eq(&image->config_digest, d))
        return blob_from_bytes(image->config_bytes, out, err);
    struct extent extent;
    for (size_t i = 0; i < image->layers.len; i++)
        if (digest_eq(&image->layers.ptr[i]->digest, d))
            return files_find(&self->files, image->layers.ptr[i]->path, &extent, err) &&
                   extent_blob(&extent, out, err);
    *is_found = false;
    return false;
}

static bool docker_blob(struct image_source *source, const struct descriptor *what,
                        struct blob *out, struct err *err)
{
    struct docker_archive *self = (struct docker_archive *)source;
    bool is_found = false;
    for (size_t i = 0; i < self->images.len && !digest_is_none(&what->digest); i++) {
        bool ok = blob_of_image(self, &self->images.ptr[i], &what->digest, out, &is_found, err);
        if (is_found)
            return ok;
    }
    char text[DIGEST_TEXT_SIZE];
    digest_print(&what->digest, text);
    return err_set(err, ERR_NOT_FOUND, "%.*s: has no blob %s", STR_ARG(self->files.path), text);
}

static void docker_close(struct image_source *source)
{
    struct docker_archive *self = (struct docker_archive *)source;
    files_close(&self->files);
    arena_fini(&self->arena);
    free(self);
}

static const struct image_source_ops docker_ops = {
    .manifest = docker_manifest, .blob = docker_blob, .close = docker_close};

bool docker_archive_open(struct files *files, struct arena *arena, const struct reference *ref,
                         struct image_source **out, struct err *err)
{
    struct docker_archive *self = calloc(1, sizeof(*self));
    if (!self) {
        files_close(files);
        arena_fini(arena);
        return err_memory(err);
    }
    self->base.ops = &docker_ops;
    self->files = *files;
    self->arena = *arena;
    self->files.entries.arena = &self->arena;
    map_init(&self->layers, &self->arena);
    self->files.path = arena_dup(&self->arena, ref->path);
    self->tag = arena_dup(&self->arena, ref->tag);
    if (!self->files.path.ptr || !self->tag.ptr)
        err_memory(err);
    else if (read_manifest(self, err)) {
        *out = &self->base;
        return true;
    } else
        err_wrap(err, "%.*s: manifest.json", STR_ARG(ref->path));
    docker_close(&self->base);
    return false;
}
