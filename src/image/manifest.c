/* SPDX-License-Identifier: Apache-2.0 */
#include "image/internal.h"

#include "base/num.h"

static const char *const manifest_keys[] = {"schemaVersion", "mediaType", "artifactType", "config",
                                            "layers",        "manifests", "subject",      "blobs"};
static const char *const descriptor_keys[] = {
    "mediaType", "digest", "size", "urls", "data", "platform", "annotations", "artifactType"};

bool platform_read(struct arena *arena, const json_t *object, struct platform *out)
{
    return json_keep(arena, object, "os", &out->os) &&
           json_keep(arena, object, "architecture", &out->arch) &&
           json_keep(arena, object, "variant", &out->variant) &&
           json_keep(arena, object, "os.version", &out->os_version);
}

static bool is_foreign_type(str media_type)
{
    return str_has(media_type, STR(".foreign.")) || str_has(media_type, STR(".nondistributable."));
}

static bool read_size(const json_t *object, uint64_t *out, struct err *err)
{
    json_t *size = json_object_get(object, "size");
    *out = UINT64_MAX;
    if (!size)
        return true;
    if (!json_is_integer(size) || json_integer_value(size) < 0)
        return err_set(err, ERR_FORMAT, "its size is not a number of bytes");
    *out = (uint64_t)json_integer_value(size);
    return true;
}

static bool read_digest(const json_t *object, enum parse_flags flags, digest *out, struct err *err)
{
    str text = json_str(object, "digest");
    if (flags == PARSE_OWN && str_is_empty(text))
        return true;
    if (!digest_parse(text, out))
        return err_set(err, ERR_FORMAT, "\"%.*s\" is not a digest",
                       STR_ARG(str_slice(text, 0, 90)));
    return true;
}

static bool keep_data(struct arena *arena, const json_t *object, struct descriptor *out,
                      struct err *err)
{
    str data = json_str(object, "data");
    if (str_is_empty(data))
        return true;
    if (!base64_decode(arena, data, &out->data))
        return err_set(err, ERR_FORMAT, "its data is not base64");
    return digest_is_none(&out->digest) || digest_check(&out->digest, out->data, err);
}

static bool read_descriptor(struct arena *arena, enum parse_flags flags, json_t *object,
                            struct descriptor *out, struct err *err)
{
    if (!json_is_object(object))
        return err_set(err, ERR_FORMAT, "not an object");
    if (json_has_case_twin(object, descriptor_keys, ARRAY_LEN(descriptor_keys)))
        return err_set(err, ERR_FORMAT,
                       "a member's name differs from a known one only by its case");
    if (!read_digest(object, flags, &out->digest, err) ||
        !read_size(object, &out->size_bytes, err) || !keep_data(arena, object, out, err))
        return false;
    json_t *notes = json_obj(object, "annotations");
    if (!json_keep(arena, object, "mediaType", &out->media_type) ||
        !json_keep(arena, object, "artifactType", &out->artifact_type) ||
        !json_keep(arena, notes, "org.opencontainers.image.ref.name", &out->ref_name) ||
        !platform_read(arena, json_obj(object, "platform"), &out->platform))
        return err_memory(err);
    bool is_unknown =
        str_eq(out->platform.os, STR("unknown")) && str_eq(out->platform.arch, STR("unknown"));
    out->is_attestation = is_unknown || !str_is_empty(json_str(notes, "vnd.docker.reference.type"));
    out->is_foreign = is_foreign_type(out->media_type);
    return true;
}

static bool read_list(struct arena *arena, enum parse_flags flags, json_t *list, const char *noun,
                      size_t max, struct descriptor **ptr, size_t *len, struct err *err)
{
    size_t n = json_array_size(list);
    if (n > max)
        return err_set(err, ERR_LIMIT, "%zu %ss, more than %zu", n, noun, max);
    *ptr = arena_array(arena, struct descriptor, n ? n : 1);
    if (!*ptr)
        return err_memory(err);
    for (size_t i = 0; i < n; i++)
        if (!read_descriptor(arena, flags, json_array_get(list, i), &(*ptr)[i], err))
            return err_wrap(err, "%s %zu", noun, i);
    *len = n;
    return true;
}

static bool read_index(struct arena *arena, json_t *root, struct manifest *out, struct err *err)
{
    out->kind = MANIFEST_INDEX;
    bool ok = read_list(arena, PARSE_FOREIGN, json_arr(root, "manifests"), "manifest",
                        LIMIT(INDEX_CHILDREN), &out->children.ptr, &out->children.len, err);
    out->children.cap = out->children.len;
    return ok;
}

static bool read_image(struct arena *arena, enum parse_flags flags, json_t *root,
                       struct manifest *out, struct err *err)
{
    json_t *config = json_object_get(root, "config");
    json_t *layers = json_object_get(root, "layers");
    if (!json_is_array(layers) || !config)
        return err_set(err, ERR_FORMAT, "a manifest without %s", config ? "layers" : "config");
    if (!read_descriptor(arena, PARSE_FOREIGN, config, &out->config, err))
        return err_wrap(err, "config");
    if (!read_list(arena, flags, layers, "layer", LIMIT(LAYERS), &out->layers.ptr, &out->layers.len,
                   err))
        return false;
    out->layers.cap = out->layers.len;
    return manifest_judge(arena, out) || err_memory(err);
}

/* ORAS artifact-spec and the artifact manifest of OCI image-spec 1.1-rc: blobs and no config. */
static bool read_artifact(struct arena *arena, struct manifest *out, struct err *err)
{
    const char *name = artifact_name(out->artifact_type);
    out->kind = MANIFEST_NOT_IMAGE;
    out->reason = arena_printf(arena, "%s, not a container image",
                               name ? name : "an artifact without layers");
    return out->reason.ptr ? true : err_memory(err);
}

static bool check_schema(json_t *root, struct err *err)
{
    if (json_has_case_twin(root, manifest_keys, ARRAY_LEN(manifest_keys)))
        return err_set(err, ERR_FORMAT,
                       "a member's name differs from a known one only by its case");
    int64_t version = json_int(root, "schemaVersion", 2);
    if (version == 1 || json_arr(root, "fsLayers"))
        return err_set(err, ERR_UNSUPPORTED,
                       "an image manifest of schema 1, which was given up in 2017: push the image "
                       "again with a current client");
    if (version != 2)
        return err_set(err, ERR_UNSUPPORTED, "a manifest of schema version %lld",
                       (long long)version);
    /* CVE-2021-41190: one document that is a manifest to one reader and an index to the next. */
    if (json_object_get(root, "manifests") &&
        (json_object_get(root, "layers") || json_object_get(root, "config")))
        return err_set(err, ERR_FORMAT, "both a manifest and an index");
    return true;
}

static bool read_subject(const json_t *root, struct manifest *out, struct err *err)
{
    json_t *subject = json_obj(root, "subject");
    return !subject || read_digest(subject, PARSE_FOREIGN, &out->subject, err) ||
           err_wrap(err, "subject");
}

static bool read_root(enum parse_flags flags, struct arena *arena, json_t *root,
                      struct manifest *out, struct err *err)
{
    if (!json_is_object(root))
        return err_set(err, ERR_FORMAT, "neither a manifest nor an index");
    if (!check_schema(root, err) || !read_subject(root, out, err))
        return false;
    if (!json_keep(arena, root, "mediaType", &out->media_type) ||
        !json_keep(arena, root, "artifactType", &out->artifact_type))
        return err_memory(err);
    if (json_arr(root, "manifests"))
        return read_index(arena, root, out, err);
    if (json_object_get(root, "layers") || json_object_get(root, "config"))
        return read_image(arena, flags, root, out, err);
    if (json_arr(root, "blobs") || (!str_is_empty(out->artifact_type) && json_obj(root, "subject")))
        return read_artifact(arena, out, err);
    return err_set(err, ERR_FORMAT, "neither a manifest nor an index");
}

bool manifest_parse_as(enum parse_flags flags, struct arena *arena, str json, struct manifest *out,
                       struct err *err)
{
    *out = (struct manifest){0};
    if (json.len > LIMIT(MANIFEST))
        return err_set(err, ERR_LIMIT, "a manifest of %zu bytes, more than %llu", json.len,
                       (unsigned long long)LIMIT(MANIFEST));
    auto_json *root = NULL;
    if (!json_read(json, &root, err))
        return err_wrap(err, "manifest");
    return read_root(flags, arena, root, out, err) || err_wrap(err, "manifest");
}

bool manifest_parse(struct arena *arena, str json, struct manifest *out, struct err *err)
{
    return manifest_parse_as(PARSE_FOREIGN, arena, json, out, err);
}
