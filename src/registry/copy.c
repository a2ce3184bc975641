/* SPDX-License-Identifier: Apache-2.0 */
/* copy.c - an image into a registry: blobs first, then the manifests from the leaves up, tags last,
 * so that a name never leads to what is not there. */
#include "base/map.h"
#include "registry/internal.h"

enum { MAX_ATTEMPTS = 4 };

struct copy {
    const struct copy_spec *spec;
    struct arena *arena;
    struct copy_result *out;
    struct map seen; /* digests of blobs and manifests that are done */
    struct copy_progress now;
};

/* --- a blob on its way
 * ---------------------------------------------------------------------------- */
/* What the source gives, hashed and counted: too much or something else ends the transfer before
 * the other side has all of it. */
struct passage {
    struct copy *copy;
    const struct descriptor *what;
    struct blob blob; /* opened when its first byte is wanted: a mount wants none */
    struct hash *hash;
    uint64_t passed_bytes;
    bool is_wrong;
};

static bool fail_blob(struct passage *p, struct err *err)
{
    char text[DIGEST_TEXT_SIZE];
    p->is_wrong = true;
    return err_set(err, ERR_MISMATCH, "the source's blob %.19s… is not what its digest says",
                   digest_print(&p->what->digest, text).ptr);
}

static void tell(struct copy *copy)
{
    if (copy->spec->progress)
        copy->spec->progress(copy->spec->progress_ctx, &copy->now);
}

static enum next pass(void *ctx, str *chunk, struct err *err)
{
    struct passage *p = ctx;
    struct image_source *from = p->copy->spec->from;
    digest got = {.kind = p->what->digest.kind};
    if (!p->blob.from.read && !from->ops->blob(from, p->what, &p->blob, err))
        return NEXT_ERR;
    enum next next = p->blob.from.read(p->blob.from.ctx, chunk, err);
    if (next == NEXT_ERR || cancel_is(p->copy->spec->cancel, err))
        return NEXT_ERR;
    if (next == NEXT_ITEM) {
        hash_add(p->hash, *chunk);
        p->passed_bytes += chunk->len;
        p->copy->now.done_bytes += chunk->len;
        tell(p->copy);
        if (p->passed_bytes < p->what->size_bytes)
            return NEXT_ITEM;
        got.n = (uint8_t)hash_done(p->hash, got.bytes);
        if (p->passed_bytes == p->what->size_bytes && digest_eq(&got, &p->what->digest))
            return NEXT_ITEM;
    } else if (p->passed_bytes == p->what->size_bytes) {
        return NEXT_END;
    }
    (void)fail_blob(p, err);
    return NEXT_ERR;
}

/* Once; *is_again when another attempt may end better. */
static bool attempt(struct copy *copy, const struct descriptor *what, bool *is_mounted,
                    bool *is_again, struct err *err)
{
    const struct copy_spec *spec = copy->spec;
    struct passage passage = {.copy = copy, .what = what};
    struct source from = {pass, &passage};
    const struct upload upload = {
        .what = what, .from = &from, .mount_from = spec->mount_from, .is_mounted = is_mounted};
    uint64_t before = copy->now.done_bytes;
    *is_again = false;
    bool is_done = hash_open(&passage.hash, what->digest.kind, err) &&
                   registry_upload(spec->to, &upload, is_again, err);
    blob_close(&passage.blob);
    hash_close(passage.hash);
    *is_again = *is_again && !passage.is_wrong;
    if (is_done)
        copy->out->moved_bytes += passage.passed_bytes;
    else
        copy->now.done_bytes = before;
    return is_done;
}

static bool move_blob(struct copy *copy, const struct descriptor *what, struct err *err)
{
    bool is_there = false, is_mounted = false, is_again = true, is_done = false;
    if (!registry_has_blob(copy->spec->to, &what->digest, &is_there, err))
        return false;
    for (unsigned i = 0; !is_there && !is_done && is_again && i < MAX_ATTEMPTS; i++) {
        *err = (struct err){0};
        is_done = attempt(copy, what, &is_mounted, &is_again, err);
    }
    copy->out->n_blobs++;
    copy->out->n_there += is_there;
    copy->out->n_mounted += is_mounted;
    copy->now.n_done++;
    if (is_there || is_mounted)
        copy->now.done_bytes += what->size_bytes;
    tell(copy);
    return is_there || is_done;
}

static bool is_first(struct copy *copy, const digest *name, bool *out, struct err *err)
{
    char text[DIGEST_TEXT_SIZE];
    str key = arena_dup(copy->arena, digest_print(name, text));
    *out = key.ptr && !map_get(&copy->seen, key);
    return key.ptr && (!*out || map_put(&copy->seen, key, copy)) ? true : err_memory(err);
}

static bool copy_blob(struct copy *copy, const struct descriptor *what, struct err *err)
{
    bool is_new;
    if (what->is_foreign || digest_is_none(&what->digest))
        return true;
    if (what->size_bytes == UINT64_MAX)
        return err_set(err, ERR_FORMAT, "a blob without a size");
    if (!is_first(copy, &what->digest, &is_new, err) || !is_new)
        return !err_is(err);
    copy->now.n_blobs++;
    copy->now.total_bytes += what->size_bytes;
    return move_blob(copy, what, err);
}

/* --- manifests
 * ------------------------------------------------------------------------------------ */
static str media_type_of(const struct manifest *manifest)
{
    if (manifest->media_type.len)
        return manifest->media_type;
    return manifest->kind == MANIFEST_INDEX ? STR("application/vnd.oci.image.index.v1+json")
                                            : STR("application/vnd.oci.image.manifest.v1+json");
}

struct document {
    str json, media_type;
    digest digest;
    struct manifest manifest;
};

static bool read_document(struct copy *copy, str tag, const digest *want, struct document *out,
                          struct err *err);
static bool copy_named(struct copy *copy, const struct document *of, unsigned depth,
                       struct err *err);

static bool copy_children(struct copy *copy, const struct manifest *manifest, unsigned depth,
                          struct err *err)
{
    for (size_t i = 0; i < manifest->children.len; i++) {
        struct document child;
        char text[DIGEST_TEXT_SIZE];
        const digest *name = &manifest->children.ptr[i].digest;
        bool is_new;
        if (!is_first(copy, name, &is_new, err))
            return false;
        if (!is_new)
            continue;
        const char *printed = digest_print(name, text).ptr;
        if (!read_document(copy, STR_NONE, name, &child, err) ||
            !copy_named(copy, &child, depth + 1, err))
            return err_wrap(err, "%.19s…", printed);
        const char *type = arena_cstr(copy->arena, child.media_type);
        if (!type ||
            !registry_put_manifest(copy->spec->to, str_from(printed), child.json, type, err))
            return type ? false : err_memory(err);
    }
    return true;
}

static bool read_document(struct copy *copy, str tag, const digest *want, struct document *out,
                          struct err *err)
{
    struct image_source *from = copy->spec->from;
    if (!from->ops->manifest(from, copy->arena, tag, want, &out->json, &out->digest, err) ||
        !manifest_parse(copy->arena, out->json, &out->manifest, err))
        return false;
    out->media_type = media_type_of(&out->manifest);
    copy->out->n_manifests++;
    return true;
}

/* All that it names; itself is the caller's to put. */
static bool copy_named(struct copy *copy, const struct document *of, unsigned depth,
                       struct err *err)
{
    const struct manifest *manifest = &of->manifest;
    if (depth > LIMIT(INDEX_DEPTH))
        return err_set(err, ERR_LIMIT, "indexes within indexes, deeper than %llu",
                       (unsigned long long)LIMIT(INDEX_DEPTH));
    if (!copy_children(copy, manifest, depth, err) || !copy_blob(copy, &manifest->config, err))
        return false;
    for (size_t i = 0; i < manifest->layers.len; i++)
        if (!copy_blob(copy, &manifest->layers.ptr[i], err))
            return false;
    return true;
}

/* --- names
 * ---------------------------------------------------------------------------------------- */
/* Before anything is sent.  A tag that names it already is no conflict. */
static bool check_tags(const struct copy_spec *spec, const digest *here, struct err *err)
{
    digest there;
    for (size_t i = 0; !spec->is_forced && i < spec->n_tags; i++) {
        if (!registry_digest_of(spec->to, spec->tags[i], &there, err))
            return false;
        if (!digest_is_none(&there) && !digest_eq(&there, here))
            return err_set(err, ERR_CONFLICT, "tag " STR_FMT " names another image already",
                           STR_ARG(spec->tags[i]));
    }
    return true;
}

static bool put_names(const struct copy_spec *spec, struct arena *arena, const struct document *top,
                      struct err *err)
{
    char text[DIGEST_TEXT_SIZE];
    const char *type = arena_cstr(arena, top->media_type);
    str name = digest_print(&top->digest, text);
    if (!type)
        return err_memory(err);
    if (!spec->n_tags)
        return registry_put_manifest(spec->to, name, top->json, type, err);
    for (size_t i = 0; i < spec->n_tags; i++)
        if (!registry_put_manifest(spec->to, spec->tags[i], top->json, type, err))
            return false;
    return true;
}

bool registry_copy(const struct copy_spec *spec, struct arena *arena, struct copy_result *out,
                   struct err *err)
{
    struct copy copy = {.spec = spec, .arena = arena, .out = out};
    struct document top;
    *out = (struct copy_result){0};
    map_init(&copy.seen, arena);
    if (!read_document(&copy, spec->tag, spec->want, &top, err) ||
        !check_tags(spec, &top.digest, err) || !copy_named(&copy, &top, 0, err) ||
        !put_names(spec, arena, &top, err))
        return false;
    out->digest = top.digest;
    out->media_type = top.media_type;
    return true;
}
