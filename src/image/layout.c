/* SPDX-License-Identifier: Apache-2.0 */
/* layout.c - OCI image layout (image-spec image-layout.md), in a folder or in an archive:
 *
 *     oci-layout               {"imageLayoutVersion": "1.0.0"}
 *     index.json               an index; its children are named by
 * org.opencontainers.image.ref.name blobs/sha256/<hex>       manifests, configurations, layers
 */
#include "image/internal.h"

#include <stdio.h>
#include <stdlib.h>

struct layout {
    struct image_source base;
    struct files files;
    struct arena arena;
    struct reference ref;
    str index_bytes;
    struct manifest index;
};

enum { BLOB_PATH_SIZE = sizeof("blobs/sha256/") + DIGEST_TEXT_SIZE };

/* Only from a validated digest: a path that a document chose never reaches the file system. */
static void blob_path(const digest *d, char out[static BLOB_PATH_SIZE])
{
    char text[DIGEST_TEXT_SIZE];
    str algorithm, hex;
    str_cut_byte(digest_print(d, text), ':', &algorithm, &hex);
    snprintf(out, BLOB_PATH_SIZE, "blobs/%.*s/%.*s", STR_ARG(algorithm), STR_ARG(hex));
}

static bool read_blob(struct layout *self, struct arena *arena, const digest *d, str *out,
                      struct err *err)
{
    char path[BLOB_PATH_SIZE];
    blob_path(d, path);
    return files_read(&self->files, arena, path, LIMIT(MANIFEST), out, err) &&
           (digest_check(d, *out, err) ||
            err_wrap(err, "%.*s: %s", STR_ARG(self->files.path), path));
}

/* --- which of the children ----------------------------------------------------------------------
 */
/* "v1" names a child called "v1", and one called "reg.example/app:v1" when no other is. */
static bool has_name(const struct descriptor *child, str tag, bool is_exact)
{
    if (is_exact)
        return str_eq(child->ref_name, tag);
    size_t colon = str_rfind_byte(child->ref_name, ':');
    return colon < child->ref_name.len && str_eq(str_skip(child->ref_name, colon + 1), tag);
}

static size_t find_named(const struct manifest *index, str tag, bool is_exact,
                         const struct descriptor **out)
{
    size_t n = 0;
    for (size_t i = 0; i < index->children.len; i++) {
        const struct descriptor *child = &index->children.ptr[i];
        if (!has_name(child, tag, is_exact) || (n && digest_eq(&child->digest, &(*out)->digest)))
            continue;
        *out = child;
        n++;
    }
    return n;
}

static void list_names(const struct manifest *index, struct sb *into)
{
    size_t n = 0;
    for (size_t i = 0; i < index->children.len && n < 10; i++) {
        str name = index->children.ptr[i].ref_name;
        if (str_is_empty(name))
            continue;
        sb_addf(into, "%s%.*s", n++ ? ", " : "", STR_ARG(str_slice(name, 0, 80)));
    }
    if (n == 10)
        sb_addc(into, ", …");
    if (n == 0)
        sb_addc(into, "none");
}

static bool fail_with_names(const struct layout *self, enum err_kind kind, const char *what,
                            str tag, struct err *err)
{
    auto_sb names;
    sb_init(&names, 4096);
    list_names(&self->index, &names);
    return err_set(err, kind, "%.*s: %s%.*s; there are: %s", STR_ARG(self->files.path), what,
                   STR_ARG(tag), names.ptr ? names.ptr : "");
}

/* No tag was asked for: the only child; else, when no child has a name, the index as a whole (*out
 * NULL), which is what a build of several platforms leaves. */
static bool choose_untagged(const struct layout *self, const struct descriptor **out,
                            struct err *err)
{
    const struct manifest *index = &self->index;
    bool is_same = true, is_named = false;
    for (size_t i = 0; i < index->children.len; i++) {
        const struct descriptor *child = &index->children.ptr[i];
        is_named = is_named || !str_is_empty(child->ref_name);
        is_same = is_same && digest_eq(&child->digest, &index->children.ptr[0].digest);
    }
    if (index->children.len == 0)
        return err_set(err, ERR_NOT_FOUND, "%.*s: an OCI layout without images",
                       STR_ARG(self->files.path));
    *out = is_same ? &index->children.ptr[0] : NULL;
    if (is_same || !is_named)
        return true;
    return fail_with_names(self, ERR_NOT_FOUND, "several images, say which with :TAG", STR_NONE,
                           err);
}

static bool choose(const struct layout *self, str tag, const struct descriptor **out,
                   struct err *err)
{
    *out = NULL;
    if (str_is_empty(tag))
        return choose_untagged(self, out, err);
    size_t n = find_named(&self->index, tag, true, out);
    if (n == 0)
        n = find_named(&self->index, tag, false, out);
    if (n == 1)
        return true;
    return fail_with_names(self, ERR_NOT_FOUND, n ? "more than one image is called " : "no image ",
                           tag, err);
}

/* --- the source ---------------------------------------------------------------------------------
 */
static bool layout_manifest(struct image_source *source, struct arena *arena, str tag,
                            const digest *want, str *bytes, digest *got, struct err *err)
{
    struct layout *self = (struct layout *)source;
    const struct descriptor *child = NULL;
    if (!want && str_is_empty(tag) && !digest_is_none(&self->ref.digest))
        want = &self->ref.digest;
    if (!want && !choose(self, str_is_empty(tag) ? self->ref.tag : tag, &child, err))
        return false;
    if (!want && !child) {
        *bytes = arena_dup(arena, self->index_bytes);
        *got = digest_of(HASH_SHA256, self->index_bytes);
        return bytes->ptr ? true : err_memory(err);
    }
    *got = want ? *want : child->digest;
    if (!read_blob(self, arena, got, bytes, err))
        return false;
    if (child && child->size_bytes != UINT64_MAX && child->size_bytes != bytes->len)
        return err_set(
            err, ERR_MISMATCH, "%.*s: the manifest has %zu bytes, the index promised %llu",
            STR_ARG(self->files.path), bytes->len, (unsigned long long)child->size_bytes);
    return true;
}

static bool layout_blob(struct image_source *source, const struct descriptor *what,
                        struct blob *out, struct err *err)
{
    struct layout *self = (struct layout *)source;
    if (digest_is_none(&what->digest))
        return err_set(err, ERR_FORMAT, "a blob without a digest");
    char path[BLOB_PATH_SIZE];
    struct extent extent;
    blob_path(&what->digest, path);
    return files_find(&self->files, path, &extent, err) && extent_blob(&extent, out, err);
}

/* --- referrers
 * ------------------------------------------------------------------------------------------------
 */
/* The manifest of a child in an arena of its own: of most of them only the subject matters. */
static bool refers(struct layout *self, struct arena *arena, const digest *subject,
                   struct descriptor *child, bool *out, struct err *err)
{
    struct arena own;
    struct manifest manifest;
    struct err why = {0};
    str bytes;
    arena_init(&own, 8 * LIMIT(MANIFEST));
    bool is_read = read_blob(self, &own, &child->digest, &bytes, &why) &&
                   manifest_parse(&own, bytes, &manifest, &why);
    /* what cannot be read may be one: whoever fetches it says why not */
    *out = !is_read || digest_eq(&manifest.subject, subject);
    child->artifact_type = STR("");
    if (is_read && *out)
        child->artifact_type =
            arena_dup(arena, manifest.artifact_type.len ? manifest.artifact_type
                                                        : manifest.config.media_type);
    arena_fini(&own);
    return child->artifact_type.ptr || err_memory(err);
}

static bool add_children(struct layout *self, struct arena *arena, const digest *subject,
                         descriptors *out, struct err *err)
{
    for (size_t i = 0; i < self->index.children.len; i++) {
        struct descriptor child = self->index.children.ptr[i];
        bool is_one = false;
        if (digest_eq(&child.digest, subject))
            continue;
        if (!refers(self, arena, subject, &child, &is_one, err))
            return false;
        struct descriptor *slot = is_one ? vec_push(arena, out) : NULL;
        if (is_one && !slot)
            return err_memory(err);
        if (is_one)
            *slot = child;
    }
    return true;
}

/* The children of index.json that have the subject, and the index that is called after it, which a
 * client leaves that copied from a registry without a list.  There are no more than children of an
 * index, so nobody filters for us. */
static bool layout_referrers(struct image_source *source, struct arena *arena,
                             const digest *subject, str artifact_type, descriptors *out,
                             struct err *err)
{
    struct layout *self = (struct layout *)source;
    const struct descriptor *named = NULL;
    struct manifest list = {.kind = MANIFEST_INDEX}, index;
    char tag[REFERRERS_TAG_SIZE];
    str bytes;
    if (!add_children(self, arena, subject, &list.children, err) ||
        !referrers_add(arena, &list, artifact_type, out, err))
        return false;
    if (!find_named(&self->index, referrers_tag(subject, tag), true, &named))
        return true;
    return read_blob(self, arena, &named->digest, &bytes, err) &&
           manifest_parse(arena, bytes, &index, err) &&
           referrers_add(arena, &index, artifact_type, out, err);
}

static void layout_close(struct image_source *source)
{
    struct layout *self = (struct layout *)source;
    files_close(&self->files);
    arena_fini(&self->arena);
    free(self);
}

static const struct image_source_ops layout_ops = {.manifest = layout_manifest,
                                                   .blob = layout_blob,
                                                   .close = layout_close,
                                                   .referrers = layout_referrers};

static bool read_version(struct layout *self, struct err *err)
{
    str text;
    if (!files_read(&self->files, &self->arena, "oci-layout", LIMIT(MANIFEST), &text, err))
        return false;
    auto_json *root = NULL;
    if (!json_read(text, &root, err))
        return err_wrap(err, "%.*s: oci-layout", STR_ARG(self->files.path));
    str version = json_str(root, "imageLayoutVersion");
    if (!str_starts(version, STR("1.")))
        return err_set(err, ERR_UNSUPPORTED,
                       "%.*s: OCI layout of version \"%.*s\", 1 is understood",
                       STR_ARG(self->files.path), STR_ARG(str_slice(version, 0, 20)));
    return true;
}

static bool read_index(struct layout *self, struct err *err)
{
    if (!files_read(&self->files, &self->arena, "index.json", LIMIT(MANIFEST), &self->index_bytes,
                    err))
        return false;
    if (!manifest_parse(&self->arena, self->index_bytes, &self->index, err))
        return err_wrap(err, "%.*s: index.json", STR_ARG(self->files.path));
    if (self->index.kind != MANIFEST_INDEX)
        return err_set(err, ERR_FORMAT, "%.*s: index.json is not an index",
                       STR_ARG(self->files.path));
    return true;
}

bool layout_open(struct files *files, struct arena *arena, const struct reference *ref,
                 struct image_source **out, struct err *err)
{
    struct layout *self = calloc(1, sizeof(*self));
    if (!self) {
        files_close(files);
        arena_fini(arena);
        return err_memory(err);
    }
    self->base.ops = &layout_ops;
    self->files = *files;
    self->arena = *arena;
    self->files.entries.arena = &self->arena;
    self->ref = *ref;
    self->files.path = arena_dup(&self->arena, ref->path);
    self->ref.tag = arena_dup(&self->arena, ref->tag);
    if (!self->files.path.ptr || !self->ref.tag.ptr)
        err_memory(err);
    else if (read_version(self, err) && read_index(self, err)) {
        *out = &self->base;
        return true;
    }
    layout_close(&self->base);
    return false;
}

bool image_source_open_dir(const struct reference *ref, struct image_source **out, struct err *err)
{
    struct files files;
    struct arena arena;
    arena_init(&arena, LIMIT(SCAN_MEMORY));
    if (files_open_dir(&files, &arena, ref->path, err))
        return layout_open(&files, &arena, ref, out, err);
    arena_fini(&arena);
    return false;
}

/* Which of the two formats an archive is, its entries say; where it is both (Docker 25 and later
 * save so), the layout is the better one: its digests are the registry's. */
bool image_source_open_archive(const struct reference *ref, const archive_entries *entries,
                               struct image_source **out, struct err *err)
{
    struct files files;
    struct arena arena;
    arena_init(&arena, LIMIT(SCAN_MEMORY));
    if (!files_open_archive(&files, &arena, ref->path, entries, err)) {
        files_close(&files);
        arena_fini(&arena);
        return false;
    }
    bool is_layout = files_has(&files, "oci-layout") && files_has(&files, "index.json");
    bool is_docker = files_has(&files, "manifest.json");
    if (is_docker && (!is_layout || ref->kind == SOURCE_DOCKER_ARCHIVE))
        return docker_archive_open(&files, &arena, ref, out, err);
    if (is_layout)
        return layout_open(&files, &arena, ref, out, err);
    files_close(&files);
    arena_fini(&arena);
    return err_set(err, ERR_FORMAT,
                   "%.*s: not an image archive: neither manifest.json nor oci-layout is in it",
                   STR_ARG(ref->path));
}
