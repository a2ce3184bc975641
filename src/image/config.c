/* SPDX-License-Identifier: Apache-2.0 */
#include "image/internal.h"

#include <stdlib.h>

#include "base/num.h"

static const char *const config_keys[] = {"architecture", "os",      "os.version", "variant",
                                          "rootfs",       "history", "config",     "created"};
static const char *const rootfs_keys[] = {"type", "diff_ids"};

static bool read_diff_ids(enum parse_flags flags, struct arena *arena, json_t *root,
                          struct image_config *out, struct err *err)
{
    json_t *rootfs = json_obj(root, "rootfs");
    if (rootfs && json_has_case_twin(rootfs, rootfs_keys, ARRAY_LEN(rootfs_keys)))
        return err_set(err, ERR_FORMAT,
                       "a member's name differs from a known one only by its case");
    json_t *list = json_arr(rootfs, "diff_ids");
    size_t n = json_array_size(list);
    if (n > LIMIT(LAYERS))
        return err_set(err, ERR_LIMIT, "%zu diff ids, more than %llu", n,
                       (unsigned long long)LIMIT(LAYERS));
    for (size_t i = 0; i < n; i++) {
        json_t *item = json_array_get(list, i);
        digest *id = vec_push(arena, &out->diff_ids);
        if (!id)
            return err_memory(err);
        if (flags == PARSE_OWN && json_is_null(item))
            continue;
        if (!digest_parse(json_str_of(item), id))
            return err_set(err, ERR_FORMAT, "diff id %zu is not a digest", i);
    }
    return true;
}

static bool read_history(struct arena *arena, const json_t *root, struct image_config *out,
                         struct err *err)
{
    json_t *list = json_arr(root, "history");
    size_t n = json_array_size(list);
    if (n > LIMIT(HISTORY))
        return err_set(err, ERR_LIMIT, "%zu entries of history, more than %llu", n,
                       (unsigned long long)LIMIT(HISTORY));
    for (size_t i = 0; i < n; i++) {
        json_t *item = json_array_get(list, i);
        struct history *entry = vec_push(arena, &out->history);
        if (!entry || !json_keep(arena, item, "created_by", &entry->created_by) ||
            !json_keep(arena, item, "comment", &entry->comment))
            return err_memory(err);
        entry->is_empty_layer = json_flag(item, "empty_layer", false);
    }
    return true;
}

static int by_key(const void *a, const void *b)
{
    return str_cmp(((const struct label *)a)->key, ((const struct label *)b)->key);
}

static bool read_labels(struct arena *arena, const json_t *root, struct image_config *out,
                        struct err *err)
{
    json_t *labels = json_obj(json_obj(root, "config"), "Labels");
    for (void *it = json_object_iter(labels); it; it = json_object_iter_next(labels, it)) {
        struct label *label = vec_push(arena, &out->labels);
        if (!label)
            return err_memory(err);
        label->key = arena_dup(arena, str_from(json_object_iter_key(it)));
        label->value = arena_dup(arena, json_str_of(json_object_iter_value(it)));
        if (!label->key.ptr || !label->value.ptr)
            return err_memory(err);
    }
    vec_sort(&out->labels, by_key);
    return true;
}

/* What tells an image's configuration from any other JSON. */
static bool is_config(json_t *root)
{
    return json_is_object(root) &&
           (json_obj(root, "rootfs") || !str_is_empty(json_str(root, "architecture")) ||
            !str_is_empty(json_str(root, "os")));
}

static bool read_config(enum parse_flags flags, struct arena *arena, json_t *root,
                        struct image_config *out, struct err *err)
{
    if (!is_config(root))
        return err_set(err, ERR_FORMAT, "not the configuration of an image");
    if (json_has_case_twin(root, config_keys, ARRAY_LEN(config_keys)))
        return err_set(err, ERR_FORMAT,
                       "a member's name differs from a known one only by its case");
    if (!platform_read(arena, root, &out->platform) ||
        !json_keep(arena, root, "created", &out->created))
        return err_memory(err);
    return read_diff_ids(flags, arena, root, out, err) && read_history(arena, root, out, err) &&
           read_labels(arena, root, out, err);
}

bool image_config_parse_as(enum parse_flags flags, struct arena *arena, str json,
                           struct image_config *out, struct err *err)
{
    *out = (struct image_config){0};
    if (json.len > LIMIT(CONFIG))
        return err_set(err, ERR_LIMIT, "a config of %zu bytes, more than %llu", json.len,
                       (unsigned long long)LIMIT(CONFIG));
    auto_json *root = NULL;
    if (!json_read(json, &root, err))
        return err_wrap(err, "config");
    return read_config(flags, arena, root, out, err) || err_wrap(err, "config");
}

bool image_config_parse(struct arena *arena, str json, struct image_config *out, struct err *err)
{
    return image_config_parse_as(PARSE_FOREIGN, arena, json, out, err);
}

static size_t count_steps(const struct image_config *config)
{
    size_t n = 0;
    for (size_t i = 0; i < config->history.len; i++)
        n += !config->history.ptr[i].is_empty_layer;
    return n;
}

str image_created_by(const struct image_config *config, size_t layer)
{
    /* A history that tells of more or fewer layers than there are would blame the wrong step. */
    if (count_steps(config) != config->diff_ids.len)
        return STR_NONE;
    size_t at = 0;
    for (size_t i = 0; i < config->history.len; i++) {
        const struct history *entry = &config->history.ptr[i];
        if (entry->is_empty_layer)
            continue;
        if (at == layer)
            return entry->created_by;
        at++;
    }
    return STR_NONE;
}
