/* SPDX-License-Identifier: Apache-2.0 */
/* vex_cyclonedx.c - analyses of a CycloneDX document (cyclonedx.org, 1.4 to 1.6).
 *
 * `affects` names components by bom-ref, of this document or of another ("urn:cdx:serial/1#ref").
 * When the document is about one product (metadata.component) they are subcomponents of it.
 *
 *     not_affected, false_positive        not_affected
 *     resolved, resolved_with_pedigree    fixed
 *     exploitable                         affected
 *     in_triage, none                     under_investigation */
#include "advisory/internal.h"
#include "base/limits.h"
#include "base/num.h"

enum { COMPONENT_DEPTH = 32 };

struct bom {
    struct vex_reading *v;
    struct map purls; /* bom-ref → JSON object of the component */
    str subject;      /* the product */
    str subject_ref;
};

static bool add_components(struct bom *bom, const json_t *list, int depth)
{
    if (depth > COMPONENT_DEPTH)
        return err_set(bom->v->err, ERR_LIMIT, "components nest deeper than %d", COMPONENT_DEPTH);
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *component = json_array_get(list, i);
        str ref = json_str(component, "bom-ref");
        if (ref.len && !map_put(&bom->purls, ref, component))
            return err_memory(bom->v->err);
        if (!add_components(bom, json_arr(component, "components"), depth + 1))
            return false;
    }
    return true;
}

/* A purl where there is one; else the name, else the reference itself. */
static str name_of(const struct bom *bom, str ref)
{
    size_t hash = str_find_byte(ref, '#');
    str own = str_starts(ref, STR("urn:cdx:")) && hash < ref.len ? str_skip(ref, hash + 1) : ref;
    const json_t *component = map_get(&bom->purls, own);
    str purl = json_str(component, "purl");
    if (purl.len)
        return purl;
    return component && !str_starts(own, STR("pkg:")) && json_str(component, "name").len
               ? json_str(component, "name")
               : own;
}

static enum vex_status status_of(str state)
{
    if (str_eq(state, STR("not_affected")) || str_eq(state, STR("false_positive")))
        return VEX_NOT_AFFECTED;
    if (str_starts(state, STR("resolved")))
        return VEX_FIXED;
    return str_eq(state, STR("exploitable")) ? VEX_AFFECTED : VEX_UNDER_INVESTIGATION;
}

/* CycloneDX's words in OpenVEX's, where they mean the same. */
static str justification_of(str word)
{
    static const struct {
        const char *cyclonedx, *openvex;
    } rows[] = {
        {"code_not_present", "vulnerable_code_not_present"},
        {"code_not_reachable", "vulnerable_code_not_in_execute_path"},
        {"protected_by_mitigating_control", "inline_mitigations_already_exist"},
        {"protected_at_runtime", "inline_mitigations_already_exist"},
        {"protected_at_perimeter", "inline_mitigations_already_exist"},
        {"protected_by_compiler", "inline_mitigations_already_exist"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (str_eq(word, str_from(rows[i].cyclonedx)))
            return str_from(rows[i].openvex);
    }
    return word;
}

static struct vex_statement *add_statement(struct bom *bom, const json_t *item,
                                           enum vex_status status)
{
    struct vex_reading *v = bom->v;
    const json_t *analysis = json_obj(item, "analysis"), *others = json_arr(item, "references");
    struct vex_statement *out = vex_add(v);
    if (!out)
        return NULL;
    out->vulnerability = vex_own(v, json_str(item, "id"));
    for (size_t i = 0; i < json_array_size(others); i++)
        vex_push(v, &out->aliases, json_str(json_array_get(others, i), "id"));
    out->status = status;
    out->justification = vex_own(v, justification_of(json_str(analysis, "justification")));
    out->text = vex_own(v, json_str(analysis, "detail"));
    if (!out->text.len)
        out->text = vex_own(v, json_str(item, "recommendation"));
    if (json_str(analysis, "lastUpdated").len)
        out->timestamp = vex_own(v, json_str(analysis, "lastUpdated"));
    return out;
}

static void add_product(struct bom *bom, struct vex_statement *statement, str ref, str name)
{
    struct vex_product *product = vex_add_product(bom->v, statement);
    bool is_part = bom->subject.len && !str_eq(ref, bom->subject_ref);
    if (!product)
        return;
    product->id = vex_own(bom->v, is_part ? bom->subject : name);
    if (is_part)
        vex_push(bom->v, &product->subcomponents, name);
}

/* A purl of that version; what is no purl stays. */
static str at_version(struct vex_reading *v, str name, str version)
{
    struct purl purl;
    struct err ignored = {0};
    str out = name;
    if (!version.len || !purl_parse(v->arena, name, PURL_ANY_CASE, &purl, &ignored))
        return name;
    purl.version = version;
    return purl_build(v->arena, &purl, &out, &ignored) ? out : name;
}

/* Versions that the entry lists with a status of their own. */
static bool read_versions(struct bom *bom, const json_t *item, const json_t *versions, str ref,
                          enum vex_status status)
{
    for (size_t i = 0; i < json_array_size(versions); i++) {
        const json_t *version = json_array_get(versions, i);
        str word = json_str(version, "status");
        if (json_str(version, "range").len)
            continue; /* vers: ranges are no version; the analysis speaks of the component */
        enum vex_status own = str_eq(word, STR("unaffected")) ? VEX_NOT_AFFECTED
                              : str_eq(word, STR("unknown"))  ? VEX_UNDER_INVESTIGATION
                              : status == VEX_UNDER_INVESTIGATION && word.len ? VEX_AFFECTED
                                                                              : status;
        struct vex_statement *statement = add_statement(bom, item, own);
        if (!statement)
            return false;
        add_product(bom, statement, ref,
                    at_version(bom->v, name_of(bom, ref), json_str(version, "version")));
    }
    return true;
}

static bool read_vulnerability(struct bom *bom, const json_t *item)
{
    const json_t *analysis = json_obj(item, "analysis"), *affects = json_arr(item, "affects");
    enum vex_status status = status_of(json_str(analysis, "state"));
    struct vex_statement *statement = NULL;
    if (!json_str(item, "id").len)
        return err_set(bom->v->err, ERR_FORMAT, "a vulnerability without an id");
    for (size_t i = 0; i < json_array_size(affects); i++) {
        const json_t *affect = json_array_get(affects, i), *versions = json_arr(affect, "versions");
        str ref = json_str(affect, "ref");
        if (json_array_size(versions)) {
            if (!read_versions(bom, item, versions, ref, status))
                return false;
            statement = NULL; /* pointers into the list die */
            continue;
        }
        if (!analysis)
            continue; /* an inventory of vulnerabilities is no statement on them */
        if (!statement && !(statement = add_statement(bom, item, status)))
            return false;
        add_product(bom, statement, ref, name_of(bom, ref));
    }
    return true;
}

bool vex_read_cyclonedx(struct vex_reading *v, const json_t *root)
{
    struct bom bom = {.v = v};
    json_t *meta = json_obj(root, "metadata"), *subject = json_obj(meta, "component");
    const json_t *list = json_arr(root, "vulnerabilities"), *authors = json_arr(meta, "authors");
    map_init(&bom.purls, v->arena);
    v->document = vex_own(v, json_str(root, "serialNumber"));
    v->timestamp = vex_own(v, json_str(meta, "timestamp"));
    v->author = vex_own(v, json_str(json_array_get(authors, 0), "name"));
    if (!v->author.len)
        v->author = vex_own(v, json_str(json_obj(meta, "supplier"), "name"));
    bom.subject_ref = json_str(subject, "bom-ref");
    bom.subject = json_str(subject, "purl");
    if (!bom.subject.len)
        bom.subject = json_str(subject, "name");
    if (bom.subject_ref.len && !map_put(&bom.purls, bom.subject_ref, subject))
        return err_memory(v->err);
    if (!add_components(&bom, json_arr(root, "components"), 0))
        return false;
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (!read_vulnerability(&bom, json_array_get(list, i)))
            return false;
    }
    return true;
}
