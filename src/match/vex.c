/* SPDX-License-Identifier: Apache-2.0 */
/* vex.c - VEX statements against findings: whom they mean, and what follows. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/num.h"
#include "match/internal.h"

static bool push(struct arena *arena, strs *list, str value)
{
    str *slot = value.len ? vec_push(arena, list) : NULL;
    if (slot)
        *slot = value;
    return slot || !value.len;
}

static bool claim_of(struct arena *arena, const struct vex_statement *statement,
                     const struct vex_product *product, struct vex_claim *out)
{
    *out = (struct vex_claim){.status = statement->status,
                              .subcomponents = product->subcomponents,
                              .justification = statement->justification,
                              .note = statement->text,
                              .document = statement->document,
                              .author = statement->author,
                              .timestamp = statement->timestamp};
    bool is_ok = push(arena, &out->vulnerabilities, statement->vulnerability) &&
                 push(arena, &out->products, product->id) &&
                 push(arena, &out->products, product->digest);
    for (size_t i = 0; i < statement->aliases.len && is_ok; i++)
        is_ok = push(arena, &out->vulnerabilities, statement->aliases.ptr[i]);
    return is_ok;
}

bool vex_claims_of(struct arena *arena, const vex_statements *statements, vex_claims *out)
{
    for (size_t i = 0; i < statements->len; i++) {
        const struct vex_statement *statement = &statements->ptr[i];
        for (size_t j = 0; j < statement->products.len; j++) {
            struct vex_claim *claim = vec_push(arena, out);
            if (!claim || !claim_of(arena, statement, &statement->products.ptr[j], claim))
                return false;
        }
    }
    return true;
}

typedef VEC(struct purl) purls;
typedef VEC(const struct vex_claim *) claim_refs;

struct vexing {
    struct arena *arena;
    const struct vex_image *image;
    const struct image_inventory *inventory;
    struct map by_name; /* vulnerability → claim_refs */
    struct err *err;
};

/* --- does a pattern mean a package?
 * --------------------------------------------------------------------------------------- */
static bool has_qualifier(const struct purl *purl, const struct purl_qualifier *wanted)
{
    for (size_t i = 0; i < purl->qualifiers.len; i++)
        if (str_eq(purl->qualifiers.ptr[i].key, wanted->key))
            return str_eq(purl->qualifiers.ptr[i].value, wanted->value);
    return false;
}

static bool purl_is(const struct purl *pattern, const struct purl *purl)
{
    if (!str_eq(pattern->type, purl->type) || !str_eq(pattern->ns, purl->ns) ||
        !str_eq(pattern->name, purl->name) ||
        (pattern->version.len && !str_eq(pattern->version, purl->version)) ||
        (pattern->subpath.len && !str_eq(pattern->subpath, purl->subpath)))
        return false;
    for (size_t i = 0; i < pattern->qualifiers.len; i++)
        if (!has_qualifier(purl, &pattern->qualifiers.ptr[i]))
            return false;
    return true;
}

static bool parse_purl(struct vexing *v, str text, struct purl *out)
{
    struct err ignored = {0};
    return str_starts(text, STR("pkg:")) &&
           purl_parse(v->arena, text, PURL_ANY_CASE, out, &ignored);
}

/* --- the image
 * -----------------------------------------------------------------------------------------------
 */
static bool has_digest(const struct vex_image *image, str digest)
{
    for (size_t i = 0; i < image->digests.len; i++)
        if (str_eq(image->digests.ptr[i], digest))
            return true;
    return false;
}

static bool fits_image(const struct vex_image *image, const struct purl_qualifier *q)
{
    if (str_eq(q->key, STR("repository_url")))
        return str_eq_nocase(q->value, image->repository);
    if (str_eq(q->key, STR("tag")))
        return str_eq(q->value, image->tag);
    return str_eq(q->key, STR("arch")) && str_eq(q->value, image->arch);
}

static bool is_image(struct vexing *v, str product)
{
    const struct vex_image *image = v->image;
    struct purl purl;
    if (product.len == 0)
        return false;
    if (has_digest(image, product) || str_eq(product, image->repository))
        return true;
    if (!parse_purl(v, product, &purl) || !str_eq(purl.type, STR("oci")) ||
        !str_eq_nocase(purl.name, image->name) ||
        (purl.version.len && !has_digest(image, purl.version)))
        return false;
    for (size_t i = 0; i < purl.qualifiers.len; i++)
        if (!fits_image(image, &purl.qualifiers.ptr[i]))
            return false;
    return true;
}

/* --- the package of a finding
 * ---------------------------------------------------------------------------------------- */
static bool package_is(struct vexing *v, const struct package *package, const struct purl *pattern)
{
    struct purl purl;
    return parse_purl(v, purl_of(v->arena, package, &v->inventory->distro), &purl) &&
           purl_is(pattern, &purl);
}

static bool binary_is(struct vexing *v, const struct finding *f, str name,
                      const struct purl *pattern)
{
    const packages *all = &v->inventory->packages;
    for (size_t i = 0; i < all->len; i++) {
        const struct package *package = &all->ptr[i];
        if (package->is_os && str_eq(package->type, f->type) && str_eq(package->name, name) &&
            str_eq(package->source_name, f->package_name) && package_is(v, package, pattern))
            return true;
    }
    return false;
}

static bool patterns_mean(struct vexing *v, const purls *patterns, const struct finding *f,
                          str binary)
{
    for (size_t i = 0; i < patterns->len; i++)
        if (binary_is(v, f, binary, &patterns->ptr[i]))
            return true;
    return false;
}

/* The source package is named, or all its affected binaries are. */
static bool mean_finding(struct vexing *v, const purls *patterns, const struct finding *f)
{
    struct purl purl;
    if (!parse_purl(v, f->purl, &purl))
        return false;
    for (size_t i = 0; i < patterns->len; i++)
        if (purl_is(&patterns->ptr[i], &purl))
            return true;
    for (size_t i = 0; i < f->binaries.len; i++)
        if (!patterns_mean(v, patterns, f, f->binaries.ptr[i]))
            return false;
    return f->binaries.len > 0;
}

static bool parse_patterns(struct vexing *v, const strs *texts, purls *out)
{
    struct purl purl;
    for (size_t i = 0; i < texts->len; i++) {
        if (!parse_purl(v, texts->ptr[i], &purl))
            continue;
        struct purl *slot = vec_push(v->arena, out);
        if (!slot)
            return false;
        *slot = purl;
    }
    return true;
}

/* Is a product another package of the finding's file? */
static bool is_beside(struct vexing *v, const purls *products, const struct finding *f)
{
    const packages *all = &v->inventory->packages;
    for (size_t i = 0; i < all->len; i++)
        for (size_t j = 0; j < products->len; j++)
            if (!all->ptr[i].is_os && f->path.len && str_eq(all->ptr[i].path, f->path) &&
                package_is(v, &all->ptr[i], &products->ptr[j]))
                return true;
    return false;
}

static bool is_about(struct vexing *v, const struct vex_claim *claim, const struct finding *f,
                     bool *out)
{
    purls products = {0}, subcomponents = {0};
    if (!parse_patterns(v, &claim->products, &products) ||
        !parse_patterns(v, &claim->subcomponents, &subcomponents))
        return err_memory(v->err);
    bool is_whole = claim->subcomponents.len == 0, is_product = false;
    for (size_t i = 0; i < claim->products.len && !is_product; i++)
        is_product = is_image(v, claim->products.ptr[i]);
    if (is_whole)
        *out = is_product || mean_finding(v, &products, f);
    else
        *out = (is_product || is_beside(v, &products, f)) && mean_finding(v, &subcomponents, f);
    return true;
}

/* --- which statement counts
 * ------------------------------------------------------------------------------------------ */
static bool index_claims(struct vexing *v, const vex_claims *said)
{
    for (size_t i = 0; i < said->len; i++) {
        const struct vex_claim *claim = &said->ptr[i];
        for (size_t j = 0; j < claim->vulnerabilities.len; j++) {
            void **slot = map_at(&v->by_name, claim->vulnerabilities.ptr[j]);
            if (slot && !*slot)
                *slot = arena_new(v->arena, claim_refs);
            const struct vex_claim **ref =
                slot && *slot ? vec_push(v->arena, (claim_refs *)*slot) : NULL;
            if (!ref)
                return err_memory(v->err);
            *ref = claim;
        }
    }
    return true;
}

static int64_t time_of(const struct vex_claim *claim)
{
    int64_t utc_s = INT64_MIN;
    return clock_parse(claim->timestamp, &utc_s) ? utc_s : INT64_MIN;
}

static int cmp_claims(const void *pa, const void *pb)
{
    const struct vex_claim *a = *(const struct vex_claim *const *)pa,
                           *b = *(const struct vex_claim *const *)pb;
    int64_t ta = time_of(a), tb = time_of(b);
    return ta != tb ? (ta > tb) - (ta < tb) : (a > b) - (a < b);
}

static bool add_named(struct vexing *v, str name, claim_refs *out)
{
    const claim_refs *named = map_get(&v->by_name, name);
    for (size_t i = 0; named && i < named->len; i++) {
        const struct vex_claim **ref = vec_push(v->arena, out);
        if (!ref)
            return err_memory(v->err);
        *ref = named->ptr[i];
    }
    return true;
}

static bool take_away(struct vexing *v, struct finding *f, const struct vex_claim *claim)
{
    bool is_gone = claim->status == VEX_NOT_AFFECTED || claim->status == VEX_FIXED;
    struct finding_evidence *e = vec_push(v->arena, &f->evidence);
    if (!e)
        return err_memory(v->err);
    str note = arena_printf(v->arena, "%s%s" STR_FMT "%s" STR_FMT, vex_status_name(claim->status),
                            claim->justification.len ? ": " : "", STR_ARG(claim->justification),
                            claim->note.len ? ": " : "", STR_ARG(claim->note));
    str by = arena_printf(v->arena, "vex:" STR_FMT, STR_ARG(claim->document));
    if (!note.ptr || !by.ptr)
        return err_memory(v->err);
    *e = (struct finding_evidence){.source = STR("vex"),
                                   .record = claim->document,
                                   .revision = claim->timestamp,
                                   .state = claim->status == VEX_NOT_AFFECTED ? FIX_NOT_AFFECTED
                                            : claim->status == VEX_FIXED      ? FIX_FIXED
                                                                              : FIX_UNKNOWN,
                                   .note = note};
    f->disabled_by = is_gone ? by : STR_NONE;
    return true;
}

static bool apply_to(struct vexing *v, struct finding *f)
{
    claim_refs refs = {0};
    if (!add_named(v, f->id, &refs))
        return false;
    for (size_t i = 0; i < f->aliases.len; i++)
        if (!add_named(v, f->aliases.ptr[i], &refs))
            return false;
    vec_sort(&refs, cmp_claims);
    for (size_t i = 0; i < refs.len; i++) {
        bool is_meant = false;
        if (i && refs.ptr[i] == refs.ptr[i - 1])
            continue; /* by two of its names */
        if (!is_about(v, refs.ptr[i], f, &is_meant) || (is_meant && !take_away(v, f, refs.ptr[i])))
            return false;
    }
    return true;
}

bool vex_apply(struct arena *arena, const vex_claims *said, const struct vex_image *image,
               const struct image_inventory *inventory, findings *all, size_t *n_disabled,
               struct err *err)
{
    struct vexing v = {.arena = arena, .image = image, .inventory = inventory, .err = err};
    *n_disabled = 0;
    map_init(&v.by_name, arena);
    if (!index_claims(&v, said))
        return false;
    for (size_t i = 0; said->len && i < all->len; i++) {
        if (!apply_to(&v, &all->ptr[i]))
            return false;
        *n_disabled += all->ptr[i].disabled_by.len > 0;
    }
    return true;
}
