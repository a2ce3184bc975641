/* SPDX-License-Identifier: Apache-2.0 */
/* attached.c - VEX documents that are attached to an image where it lies:
 *
 *     image, and the index it came from ── referrers ──> manifests ──> layers: documents
 *                                       ── tag "sha256-<hex>.att" ──> DSSE envelopes (cosign)
 *
 * Whoever may push to the repository wrote them, and no signature is verified: they are read only
 * when somebody asks for it.  They are JSON of a bounded size, depth and number, read here as the
 * manifests are.  What cannot be read is a notice: it takes nothing away. */
#include "base/limits.h"
#include "base/map.h"
#include "base/num.h"
#include "scan/internal.h"

#include <stdio.h>

/* --- which artifacts may be VEX
 * -------------------------------------------------------------------------------------- */
static const struct form {
    const char *type;  /* of an artifact or a layer, without parameters */
    bool may_be_other; /* an SBOM, a provenance: when it is no VEX, nobody wants to know */
} forms[] = {
    {"application/vnd.openvex+json", false},
    {"application/openvex+json", false},
    {"application/csaf+json", false},
    {"application/vnd.csaf+json", false},
    {"application/vnd.cyclonedx+json", true},
    {"application/vnd.in-toto+json", true},
    {"application/vnd.dsse.envelope.v1+json", true},
    {"application/vnd.dev.sigstore.bundle.v0.3+json", true},
    {"application/vnd.dev.sigstore.bundle+json", true},
};

/* Types that say nothing: the other type decides, of the layer or of the artifact. */
static const char *const mute_types[] = {
    "",
    "application/vnd.oci.empty.v1+json",
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.unknown.artifact.v1",
    "application/vnd.oci.image.layer.v1.tar",
    "application/octet-stream",
    "application/json",
};

static str bare_type(str type) { return str_trim(str_slice(type, 0, str_find_byte(type, ';'))); }

static const struct form *form_find(str type)
{
    for (size_t i = 0; i < ARRAY_LEN(forms); i++)
        if (str_eq_nocase(bare_type(type), str_from(forms[i].type)))
            return &forms[i];
    return NULL;
}

static bool is_mute(str type)
{
    for (size_t i = 0; i < ARRAY_LEN(mute_types); i++)
        if (str_eq_nocase(bare_type(type), str_from(mute_types[i])))
            return true;
    return false;
}

static const struct form *form_of(const struct manifest *artifact, const struct descriptor *layer)
{
    const struct form *form = form_find(layer->media_type);
    if (!form && is_mute(layer->media_type))
        form = form_find(artifact->artifact_type);
    if (!form && is_mute(layer->media_type) && is_mute(artifact->artifact_type))
        form = form_find(artifact->config.media_type);
    return form;
}

/* --- one reading
 * ------------------------------------------------------------------------------------------- */
struct attaching {
    struct image_source *source;
    const struct image *image;
    const digest *subject; /* the image's, or its index's */
    struct arena *arena;   /* of the scan */
    struct arena lists, work;
    size_t left_bytes; /* for statements */
    struct map seen;
    size_t n_artifacts;
    struct attached_vex *out;
    notices *told;
    struct err *err;
};

static bool tell(struct attaching *a, enum notice_kind kind, str message)
{
    return (message.ptr && notice_add(a->arena, a->told, kind, false, STR_NONE, message)) ||
           err_memory(a->err);
}

/* What could not be read is told and left out; only the wish to stop ends the reading. */
static bool leave_out(struct attaching *a, const char *noun, str name, const struct err *why)
{
    if (why->kind == ERR_CANCELLED) {
        *a->err = *why;
        return false;
    }
    bool is_limit = why->kind == ERR_LIMIT || why->kind == ERR_MEMORY;
    return tell(a, is_limit ? NOTICE_LIMIT : NOTICE_UNREADABLE,
                arena_printf(a->arena, "VEX: %s " STR_FMT " is left out: %s", noun, STR_ARG(name),
                             why->msg));
}

static bool is_first(struct attaching *a, str name, bool *out)
{
    str key = arena_dup(a->arena, name);
    void **slot = key.ptr ? map_at(&a->seen, key) : NULL;
    if (!slot)
        return err_memory(a->err);
    *out = *slot == NULL;
    *slot = a;
    return true;
}

/* --- a document
 * -------------------------------------------------------------------------------------------- */
static bool is_of_image(const struct attaching *a, const strs *subjects)
{
    const digest *own[] = {&a->image->digest, &a->image->index};
    for (size_t i = 0; i < subjects->len; i++)
        for (size_t j = 0; j < ARRAY_LEN(own); j++) {
            char text[DIGEST_TEXT_SIZE];
            if (!digest_is_none(own[j]) && str_eq(subjects->ptr[i], digest_print(own[j], text)))
                return true;
        }
    return false;
}

static bool keep(struct attaching *a, str name, const struct vex_document *document)
{
    char text[DIGEST_TEXT_SIZE];
    struct attached_document *slot = vec_push(a->arena, &a->out->documents);
    str own = arena_dup(a->arena, name);
    str place = arena_dup(a->arena, digest_print(a->subject, text));
    if (!slot || !own.ptr || !place.ptr)
        return err_memory(a->err);
    *slot = (struct attached_document){.digest = own,
                                       .subject = place,
                                       .id = document->id,
                                       .n_statements = document->statements.len,
                                       .is_in_envelope = document->is_in_envelope};
    for (size_t i = 0; i < document->statements.len; i++) {
        struct vex_statement *statement = vec_push(a->arena, &a->out->statements);
        if (!statement)
            return err_memory(a->err);
        *statement = document->statements.ptr[i];
        statement->document = own;
    }
    return true;
}

/* @own: an arena for what the document says, the caller's unless it is kept. */
static bool judge(struct attaching *a, const struct form *form, str name, str text,
                  struct arena *own)
{
    struct vex_document document;
    struct err why = {0};
    bool is_vex = vex_document_parse(text, own, &document, &why);
    if (form->may_be_other && (is_vex ? document.statements.len == 0 : why.kind == ERR_UNSUPPORTED))
        return true;
    if (is_vex && document.is_attestation && !is_of_image(a, &document.subjects)) {
        err_set(&why, ERR_MISMATCH, "it is an attestation that does not name this image");
        is_vex = false;
    }
    if (!is_vex)
        return leave_out(a, "document", name, &why);
    a->left_bytes -= own->used_bytes < a->left_bytes ? own->used_bytes : a->left_bytes;
    arena_absorb(a->arena, own);
    return keep(a, name, &document);
}

static bool take_document(struct attaching *a, const struct form *form,
                          const struct descriptor *what)
{
    char name[DIGEST_TEXT_SIZE];
    struct arena own;
    struct err why = {0};
    str text;
    bool is_new = false;
    if (!is_first(a, digest_print(&what->digest, name), &is_new))
        return false;
    if (!is_new)
        return true;
    if (!blob_load(a->source, &a->work, what, LIMIT(VEX_DOCUMENT), &text, &why))
        return leave_out(a, "document", str_from(name), &why);
    arena_init(&own, a->left_bytes);
    bool is_done = judge(a, form, str_from(name), text, &own);
    arena_fini(&own);
    return is_done;
}

/* --- an artifact
 * ------------------------------------------------------------------------------------------- */
static bool take_layers(struct attaching *a, const struct manifest *artifact)
{
    for (size_t i = 0; i < artifact->layers.len; i++) {
        const struct form *form = form_of(artifact, &artifact->layers.ptr[i]);
        if (form && !take_document(a, form, &artifact->layers.ptr[i]))
            return false;
    }
    return true;
}

/* True when there is room for one more. */
static bool has_room(struct attaching *a, bool *out)
{
    struct err why = {0};
    *out = a->n_artifacts++ < LIMIT(VEX_DOCUMENTS);
    if (*out || a->n_artifacts > LIMIT(VEX_DOCUMENTS) + 1)
        return true;
    err_set(&why, ERR_LIMIT, "vex-documents: more than %llu artifacts are attached to it",
            (unsigned long long)LIMIT(VEX_DOCUMENTS));
    return leave_out(a, "what else is attached to", STR("the image"), &why);
}

static bool take_artifact(struct attaching *a, const struct descriptor *what)
{
    char name[DIGEST_TEXT_SIZE];
    struct manifest artifact;
    struct err why = {0};
    digest got;
    str bytes;
    bool is_new = false, is_room = false;
    if (!is_first(a, digest_print(&what->digest, name), &is_new) ||
        (is_new && !has_room(a, &is_room)))
        return false;
    if (!is_room)
        return true;
    arena_reset(&a->work);
    if (!a->source->ops->manifest(a->source, &a->work, STR_NONE, &what->digest, &bytes, &got,
                                  &why) ||
        !manifest_parse(&a->work, bytes, &artifact, &why))
        return leave_out(a, "artifact", str_from(name), &why);
    if (!digest_eq(&artifact.subject, a->subject)) {
        err_set(&why, ERR_MISMATCH, "it is listed as attached to the image and does not say so");
        return leave_out(a, "artifact", str_from(name), &why);
    }
    return take_layers(a, &artifact);
}

/* cosign's attestations; most images have none. */
static bool take_attestations(struct attaching *a)
{
    char tag[REFERRERS_TAG_SIZE], name[REFERRERS_TAG_SIZE + 4];
    struct manifest artifact;
    struct err why = {0};
    digest got;
    str bytes;
    snprintf(name, sizeof(name), "%s.att", referrers_tag(a->subject, tag).ptr);
    arena_reset(&a->work);
    if (!a->source->ops->manifest(a->source, &a->work, str_from(name), NULL, &bytes, &got, &why))
        return why.kind == ERR_NOT_FOUND || leave_out(a, "tag", str_from(name), &why);
    if (!manifest_parse(&a->work, bytes, &artifact, &why))
        return leave_out(a, "tag", str_from(name), &why);
    return take_layers(a, &artifact);
}

/* --- all that is attached to one digest
 * ------------------------------------------------------------------------------------------ */
static bool list_type(struct attaching *a, const char *type, descriptors *out, struct err *why)
{
    return a->source->ops->referrers(a->source, &a->lists, a->subject, str_from(type), out, why);
}

/* Where too many refer to it, only those of our types are asked for. */
static bool list(struct attaching *a, descriptors *out, struct err *why)
{
    if (list_type(a, "", out, why) || why->kind != ERR_LIMIT)
        return why->kind == ERR_NONE;
    *why = (struct err){0};
    *out = (descriptors){0};
    for (size_t i = 0; i < ARRAY_LEN(forms); i++)
        if (!list_type(a, forms[i].type, out, why))
            return false;
    return true;
}

static bool take_all(struct attaching *a)
{
    char name[DIGEST_TEXT_SIZE];
    descriptors found = {0};
    struct err why = {0};
    if (!list(a, &found, &why) &&
        !leave_out(a, "what refers to", digest_print(a->subject, name), &why))
        return false;
    for (size_t i = 0; i < found.len; i++) {
        str type = found.ptr[i].artifact_type;
        if ((is_mute(type) || form_find(type)) && !take_artifact(a, &found.ptr[i]))
            return false;
    }
    return take_attestations(a);
}

static bool read_all(struct attaching *a)
{
    const digest *subjects[] = {&a->image->digest, &a->image->index};
    if (!a->source->ops->referrers)
        return tell(a, NOTICE_INFO, STR("VEX: nothing can be attached to this kind of source"));
    for (size_t i = 0; i < ARRAY_LEN(subjects); i++) {
        a->subject = subjects[i];
        if (digest_is_none(a->subject) || (i && digest_eq(subjects[i], subjects[0])))
            continue;
        if (!take_all(a))
            return false;
    }
    return a->out->documents.len || tell(a, NOTICE_INFO,
                                         STR("VEX: no document is attached to the "
                                             "image"));
}

bool attached_vex_read(struct image_source *source, const struct image *image, struct arena *arena,
                       struct attached_vex *out, notices *told, struct err *err)
{
    struct attaching a = {.source = source,
                          .image = image,
                          .arena = arena,
                          .left_bytes = LIMIT(VEX_MEMORY),
                          .out = out,
                          .told = told,
                          .err = err};
    *out = (struct attached_vex){0};
    map_init(&a.seen, arena);
    arena_init(&a.lists, LIMIT(VEX_MEMORY));
    arena_init(&a.work, LIMIT(VEX_MEMORY));
    bool is_done = read_all(&a);
    arena_fini(&a.lists);
    arena_fini(&a.work);
    return is_done;
}

/* --- what came of it
 * -------------------------------------------------------------------------------------------- */
static size_t count_taken(const findings *all, str document)
{
    size_t n = 0;
    for (size_t i = 0; i < all->len; i++) {
        str by = all->ptr[i].disabled_by;
        n += str_starts(by, STR("vex:")) && str_eq(str_skip(by, 4), document);
    }
    return n;
}

bool attached_vex_tell(const struct attached_vex *attached, str place, const findings *all,
                       struct arena *arena, notices *told, struct err *err)
{
    for (size_t i = 0; i < attached->documents.len; i++) {
        const struct attached_document *d = &attached->documents.ptr[i];
        str message = arena_printf(
            arena,
            "VEX: document " STR_FMT "%s" STR_FMT "%s, attached to " STR_FMT " in " STR_FMT
            ": %zu statements take %zu of %zu findings away; %s",
            STR_ARG(d->digest), d->id.len ? " (" : "", STR_ARG(str_slice(d->id, 0, 200)),
            d->id.len ? ")" : "", STR_ARG(d->subject), STR_ARG(place), d->n_statements,
            count_taken(all, d->digest), all->len,
            d->is_in_envelope ? "its signature was not verified" : "it is not signed");
        if (!message.ptr || !notice_add(arena, told, NOTICE_ADVISORY, false, STR_NONE, message))
            return err_memory(err);
    }
    return true;
}
