/* SPDX-License-Identifier: Apache-2.0 */
/* registry_doc.c - what ARM keeps of a registry, read from a body and from the store.  Members that
 * we do not know are left alone: clients send more with every year. */
#include "api/internal.h"

#include "base/num.h"

enum { TAGS_MAX = 50, TAG_NAME_MAX = 512, TAG_VALUE_MAX = 256, WORD_MAX = 64 };

/* For clients that send only what they know of: the host as a tag. */
#define TAG_HOST STR("plimsoll-host")
#define TAG_PLAIN STR("plimsoll-plain-http")

static bool complain(struct err *err, const char *what)
{
    return err_set(err, ERR_USAGE, "%s", what);
}

static bool keep(struct arena *arena, str text, str *out, struct err *err)
{
    *out = arena_dup(arena, text);
    return out->ptr || err_memory(err);
}

static bool is_word(str text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < ' ' || text.ptr[i] == 0x7f)
            return false;
    return text.len > 0 && text.len <= WORD_MAX;
}

/* --- members
 * ----------------------------------------------------------------------------------------- */
static bool read_tags(struct arena *arena, const json_t *tags, struct registry_doc *doc,
                      struct err *err)
{
    const char *name;
    json_t *value, *object;
    if (!tags)
        return true;
    doc->tags.len = 0;
    if (json_is_null(tags))
        return true;
    if (!json_is_object(tags) || json_object_size(tags) > TAGS_MAX)
        return complain(err, "tags: wants an object of at most 50 texts");
    union {
        const json_t *from;
        json_t *to;
    } same = {tags}; /* jansson's iteration wants it mutable, and changes nothing */
    object = same.to;
    json_object_foreach(object, name, value)
    {
        str key = str_from(name), text = json_str_of(value);
        struct registry_tag *tag = vec_push(arena, &doc->tags);
        if (!json_is_string(value) || !key.len || key.len > TAG_NAME_MAX ||
            text.len > TAG_VALUE_MAX)
            return complain(err, "tags: wants names of at most 512 and texts of at most 256 bytes");
        if (!tag)
            return err_memory(err);
        if (!keep(arena, key, &tag->name, err) || !keep(arena, text, &tag->value, err))
            return false;
    }
    return true;
}

static bool read_sku(struct arena *arena, const json_t *root, struct registry_doc *doc,
                     struct err *err)
{
    static const char *const names[] = {"Classic", "Basic", "Standard", "Premium"};
    const json_t *sku = json_object_get(root, "sku");
    if (!sku)
        return true;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_eq_nocase(json_str(sku, "name"), str_from(names[i])))
            return keep(arena, str_from(names[i]), &doc->sku, err);
    return complain(err, "sku.name: wants Classic, Basic, Standard or Premium");
}

static bool read_location(struct arena *arena, const json_t *root, struct registry_doc *doc,
                          struct err *err)
{
    const json_t *value = json_object_get(root, "location");
    if (!value)
        return true;
    return is_word(json_str_of(value)) ? keep(arena, json_str_of(value), &doc->location, err)
                                       : complain(err, "location: wants the name of a region");
}

/* Tags speak where properties.plimsoll does not. */
static bool read_reach(struct arena *arena, const json_t *root, struct registry_doc *doc,
                       struct err *err)
{
    const json_t *properties = json_object_get(root, "properties");
    const json_t *own = json_object_get(properties, "plimsoll");
    if (properties && !json_is_object(properties) && !json_is_null(properties))
        return complain(err, "properties: wants an object");
    if (own && !json_is_object(own))
        return complain(err, "properties.plimsoll: wants an object");
    if (json_object_get(root, "tags"))
        for (size_t i = 0; i < doc->tags.len; i++) {
            const struct registry_tag *tag = &doc->tags.ptr[i];
            if (str_eq_nocase(tag->name, TAG_HOST))
                doc->reach.host = tag->value;
            if (str_eq_nocase(tag->name, TAG_PLAIN))
                doc->reach.is_plain_http = str_eq_nocase(tag->value, STR("true"));
        }
    return registry_settings_read(arena, own, &doc->reach, err);
}

/* What a tag said was not looked at yet. */
static bool check_host(const struct registry_settings *reach, struct err *err)
{
    struct registry_settings again = {0};
    struct arena arena;
    auto_json *object = json_pack("{s:s#}", "host", reach->host.ptr, reach->host.len);
    if (!reach->host.len)
        return true;
    if (!object)
        return complain(err, "tags: plimsoll-host is no host");
    arena_init(&arena, MIB);
    bool ok = registry_settings_read(&arena, object, &again, err);
    arena_fini(&arena);
    return ok;
}

bool registry_doc_read(struct arena *arena, str body, bool is_patch, struct registry_doc *doc,
                       struct err *err)
{
    auto_json *root = NULL;
    if (!json_read(body, &root, err)) {
        err->kind = ERR_USAGE;
        return false;
    }
    if (!json_is_object(root))
        return complain(err, "the body is no object");
    if (!read_location(arena, root, doc, err) || !read_sku(arena, root, doc, err) ||
        !read_tags(arena, json_object_get(root, "tags"), doc, err) ||
        !read_reach(arena, root, doc, err))
        return false;
    if (!is_patch && !doc->location.len)
        return complain(err, "location: is required");
    if (!is_patch && !doc->sku.len)
        return complain(err, "sku.name: is required");
    return check_host(&doc->reach, err);
}

/* --- in the store
 * ----------------------------------------------------------------------------------------- */
bool registry_doc_of(struct arena *arena, const struct store_registry *registry,
                     struct registry_doc *out, struct err *err)
{
    auto_json *root = NULL;
    *out = (struct registry_doc){
        .location = STR("global"), .sku = STR("Standard"), .created_at = registry->created_at};
    if (!registry->properties.len)
        return registry_settings_of(arena, registry, &out->reach, err);
    if (!json_read(registry->properties, &root, err) || !read_location(arena, root, out, err) ||
        !read_sku(arena, root, out, err) ||
        !read_tags(arena, json_object_get(root, "tags"), out, err) ||
        !keep(arena, json_str(root, "createdBy"), &out->created_by, err) ||
        !keep(arena, json_str(root, "changedBy"), &out->changed_by, err))
        return false;
    out->changed_at = json_int(root, "changedAt", 0);
    return registry_settings_of(arena, registry, &out->reach, err);
}

bool registry_doc_print(struct arena *arena, const struct registry_doc *doc, str *out,
                        struct err *err)
{
    auto_sb text;
    struct jw jw;
    sb_init(&text, 2 * LIMIT(HTTP_BODY));
    jw_init(&jw, &text, false);
    jw_obj(&jw);
    jw_kstr(&jw, "location", doc->location);
    jw_key(&jw, "sku");
    jw_obj(&jw);
    jw_kstr(&jw, "name", doc->sku);
    jw_obj_end(&jw);
    jw_key(&jw, "tags");
    jw_obj(&jw);
    for (size_t i = 0; i < doc->tags.len; i++) {
        jw_key_text(&jw, doc->tags.ptr[i].name);
        jw_str(&jw, doc->tags.ptr[i].value);
    }
    jw_obj_end(&jw);
    jw_kstr(&jw, "createdBy", doc->created_by);
    jw_kstr(&jw, "changedBy", doc->changed_by);
    jw_kint(&jw, "changedAt", doc->changed_at);
    jw_key(&jw, "plimsoll");
    registry_settings_write(&jw, &doc->reach);
    jw_obj_end(&jw);
    if (!sb_ok(&text, err))
        return false;
    *out = arena_dup(arena, sb_str(&text));
    return out->ptr || err_memory(err);
}
