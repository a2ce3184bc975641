/* SPDX-License-Identifier: Apache-2.0 */
/* vex.c - VEX documents into statements: which form one is, and OpenVEX itself
 * (github.com/openvex/spec, 0.0.1 and 0.2).  CSAF and CycloneDX have files of their own. */
#include "advisory/internal.h"
#include "base/limits.h"
#include "base/num.h"

static const char *const STATUS_NAMES[] = {
    [VEX_UNDER_INVESTIGATION] = "under_investigation",
    [VEX_NOT_AFFECTED] = "not_affected",
    [VEX_AFFECTED] = "affected",
    [VEX_FIXED] = "fixed",
};

const char *vex_status_name(enum vex_status status)
{
    return STATUS_NAMES[(size_t)status < ARRAY_LEN(STATUS_NAMES) ? status : 0];
}

str vex_own(struct vex_reading *v, str text)
{
    if (str_is_empty(text))
        return STR_NONE;
    str copy = arena_dup(v->arena, text);
    v->has_failed |= !copy.ptr;
    return copy;
}

void vex_push(struct vex_reading *v, strs *list, str text)
{
    if (!strs_push(v->arena, list, vex_own(v, text), v->err))
        v->has_failed = true;
}

struct vex_statement *vex_add(struct vex_reading *v)
{
    struct vex_statement *statement = vec_push(v->arena, v->out);
    if (!statement) {
        v->has_failed = true;
        return NULL;
    }
    statement->author = v->author;
    statement->timestamp = v->timestamp;
    statement->document = v->document;
    return statement;
}

struct vex_product *vex_add_product(struct vex_reading *v, struct vex_statement *statement)
{
    struct vex_product *product = vec_push(v->arena, &statement->products);
    v->has_failed |= !product;
    return product;
}

/* --- OpenVEX
 * ----------------------------------------------------------------------------------------- */

static bool read_status(struct vex_reading *v, const json_t *object, struct vex_statement *out)
{
    str word = json_str(object, "status");
    for (size_t i = 0; i < ARRAY_LEN(STATUS_NAMES); i++) {
        if (!str_eq(word, str_from(STATUS_NAMES[i])))
            continue;
        out->status = (enum vex_status)i;
        return true;
    }
    return err_set(v->err, ERR_FORMAT, "a statement of status \"" STR_FMT "\"", STR_ARG(word));
}

/* A string (0.0.1), or an object whose purl counts more than its @id. */
static str id_of(const json_t *item)
{
    str purl = json_str(json_obj(item, "identifiers"), "purl");
    if (json_is_string(item))
        return json_str_of(item);
    return purl.len ? purl : json_str(item, "@id");
}

static void read_product(struct vex_reading *v, const json_t *item, const json_t *shared,
                         struct vex_statement *out)
{
    const json_t *parts = json_arr(item, "subcomponents");
    struct vex_product *product = vex_add_product(v, out);
    if (!product)
        return;
    str sha256 = json_str(json_obj(item, "hashes"), "sha-256");
    product->id = vex_own(v, id_of(item));
    if (sha256.len) {
        product->digest = arena_printf(v->arena, "sha256:" STR_FMT, STR_ARG(sha256));
        v->has_failed |= !product->digest.ptr;
    }
    if (!parts)
        parts = shared;
    for (size_t i = 0; i < json_array_size(parts); i++)
        vex_push(v, &product->subcomponents, id_of(json_array_get(parts, i)));
}

static void read_vulnerability(struct vex_reading *v, const json_t *value,
                               struct vex_statement *out)
{
    const json_t *aliases = json_arr(value, "aliases");
    str name = json_is_string(value) ? json_str_of(value) : json_str(value, "name");
    if (str_is_empty(name))
        name = json_str(value, "@id");
    out->vulnerability = vex_own(v, name);
    for (size_t i = 0; i < json_array_size(aliases); i++) {
        str alias = json_str_of(json_array_get(aliases, i));
        if (!place_is_url(alias)) /* Canonical's aliases are references */
            vex_push(v, &out->aliases, alias);
    }
}

static bool read_statement(struct vex_reading *v, const json_t *item)
{
    static const char *const texts[] = {"impact_statement", "action_statement", "status_notes"};
    const json_t *products = json_arr(item, "products"), *shared = json_arr(item, "subcomponents");
    struct vex_statement *out = vex_add(v);
    if (!out || !read_status(v, item, out))
        return false;
    read_vulnerability(v, json_object_get(item, "vulnerability"), out);
    if (str_is_empty(out->vulnerability))
        return err_set(v->err, ERR_FORMAT, "a statement without a vulnerability");
    out->justification = vex_own(v, json_str(item, "justification"));
    for (size_t i = 0; i < ARRAY_LEN(texts) && !out->text.len; i++)
        out->text = vex_own(v, json_str(item, texts[i]));
    if (json_str(item, "timestamp").len)
        out->timestamp = vex_own(v, json_str(item, "timestamp"));
    for (size_t i = 0; i < json_array_size(products); i++)
        read_product(v, json_array_get(products, i), shared, out);
    return true;
}

static bool read_openvex(struct vex_reading *v, const json_t *root)
{
    const json_t *list = json_arr(root, "statements");
    v->document = vex_own(v, json_str(root, "@id"));
    v->author = vex_own(v, json_str(root, "author"));
    v->timestamp = vex_own(v, json_str(root, "timestamp"));
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (!read_statement(v, json_array_get(list, i)))
            return v->has_failed ? false : err_wrap(v->err, "statement %zu", i);
    }
    return true;
}

/* --- which form
 * -------------------------------------------------------------------------------------- */

static bool is_openvex(str context) { return str_has(context, STR("openvex")); }

/* in-toto Statement (0.1, 1): whom it is about, and OpenVEX as the predicate. */
static bool read_attestation(struct vex_reading *v, const json_t *root, struct vex_document *out)
{
    const json_t *subjects = json_arr(root, "subject");
    out->is_attestation = true;
    for (size_t i = 0; i < json_array_size(subjects); i++) {
        str hex = json_str(json_obj(json_array_get(subjects, i), "digest"), "sha256");
        str digest = hex.len ? arena_printf(v->arena, "sha256:" STR_FMT, STR_ARG(hex)) : STR_NONE;
        v->has_failed |= hex.len && !digest.ptr;
        vex_push(v, &out->subjects, digest);
    }
    return read_openvex(v, json_obj(root, "predicate"));
}

static bool read_any(struct vex_reading *v, const json_t *root, struct vex_document *out)
{
    if (is_openvex(json_str(root, "@context")))
        return read_openvex(v, root);
    if (json_obj(root, "predicate") && is_openvex(json_str(root, "predicateType")))
        return read_attestation(v, root, out);
    if (str_eq(json_str(root, "bomFormat"), STR("CycloneDX")))
        return vex_read_cyclonedx(v, root);
    if (json_str(json_obj(root, "document"), "csaf_version").len)
        return vex_read_csaf(v, root);
    return err_set(v->err, ERR_UNSUPPORTED, "neither OpenVEX, CSAF nor CycloneDX");
}

/* --- envelopes: DSSE (github.com/secure-systems-lab/dsse, 1.0), alone or in a Sigstore bundle
 * ---------------------------------------------------------------------------------------------- */

/* NULL: @root is none. */
static const json_t *envelope_of(const json_t *root)
{
    const json_t *inner = json_obj(root, "dsseEnvelope");
    const json_t *envelope = inner ? inner : root;
    return json_is_string(json_object_get(envelope, "payload")) &&
                   json_is_string(json_object_get(envelope, "payloadType"))
               ? envelope
               : NULL;
}

/* *out is the caller's. */
static bool open_envelope(struct arena *arena, const json_t *envelope, json_t **out,
                          struct err *err)
{
    str payload, type = json_str(envelope, "payloadType");
    if (!str_eq(type, STR("application/vnd.in-toto+json")))
        return err_set(err, ERR_UNSUPPORTED, "an envelope of \"" STR_FMT "\"",
                       STR_ARG(str_slice(type, 0, 80)));
    if (!base64_decode(arena, json_str(envelope, "payload"), &payload))
        return err_set(err, ERR_FORMAT, "the payload of its envelope is not base64");
    return json_read(payload, out, err) || err_wrap(err, "the payload of its envelope");
}

bool vex_document_parse(str text, struct arena *arena, struct vex_document *out, struct err *err)
{
    auto_json *root = NULL, *inner = NULL;
    struct vex_reading reading = {.arena = arena, .out = &out->statements, .err = err};
    *out = (struct vex_document){0};
    if (!json_read(text, &root, err))
        return false;
    const json_t *envelope = envelope_of(root);
    out->is_in_envelope = envelope != NULL;
    if (envelope && !open_envelope(arena, envelope, &inner, err))
        return false;
    bool is_ok = read_any(&reading, envelope ? inner : root, out);
    out->id = reading.document;
    return reading.has_failed ? err_memory(err) : is_ok;
}

bool vex_parse(str text, struct arena *arena, vex_statements *out, struct err *err)
{
    struct vex_document document;
    bool is_ok = vex_document_parse(text, arena, &document, err);
    *out = document.statements;
    return is_ok;
}
