/* SPDX-License-Identifier: Apache-2.0 */
/* vex.c - VEX statements against findings: whom they mean, and what follows. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/num.h"
#include "match/internal.h"

typedef VEC(struct purl) purls;
typedef VEC(const struct vex_statement *) statement_refs;

struct vexing {
    struct arena *arena;
    const struct vex_image *image;
    const struct image_inventory *inventory;
    struct map by_name; /* vulnerability → statement_refs */
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

/* What is no purl means no package. */
static bool push_pattern(struct vexing *v, str text, purls *out)
{
    struct purl purl;
    if (!parse_purl(v, text, &purl))
        return true;
    struct purl *slot = vec_push(v->arena, out);
    if (slot)
        *slot = purl;
    return slot != NULL;
}

static bool parse_patterns(struct vexing *v, const strs *texts, purls *out)
{
    for (size_t i = 0; i < texts->len; i++)
        if (!push_pattern(v, texts->ptr[i], out))
            return false;
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

/* Products that are named whole: the image, or patterns for packages, all of them together. */
static bool is_about_whole(struct vexing *v, const struct vex_statement *statement,
                           const struct finding *f, bool *out)
{
    purls patterns = {0};
    for (size_t i = 0; i < statement->products.len; i++) {
        const struct vex_product *product = &statement->products.ptr[i];
        if (product->subcomponents.len)
            continue;
        *out = is_image(v, product->id) || is_image(v, product->digest);
        if (*out)
            return true;
        if (!push_pattern(v, product->id, &patterns))
            return err_memory(v->err);
    }
    *out = mean_finding(v, &patterns, f);
    return true;
}

static bool is_about_part(struct vexing *v, const struct vex_product *product,
                          const struct finding *f, bool *out)
{
    purls whole = {0}, parts = {0};
    if (!push_pattern(v, product->id, &whole) ||
        !parse_patterns(v, &product->subcomponents, &parts))
        return err_memory(v->err);
    *out = (is_image(v, product->id) || is_image(v, product->digest) || is_beside(v, &whole, f)) &&
           mean_finding(v, &parts, f);
    return true;
}

static bool is_about(struct vexing *v, const struct vex_statement *statement,
                     const struct finding *f, bool *out)
{
    if (!is_about_whole(v, statement, f, out))
        return false;
    for (size_t i = 0; i < statement->products.len && !*out; i++)
        if (statement->products.ptr[i].subcomponents.len &&
            !is_about_part(v, &statement->products.ptr[i], f, out))
            return false;
    return true;
}

/* --- which statement counts
 * ------------------------------------------------------------------------------------------ */
static bool index_name(struct vexing *v, str name, const struct vex_statement *statement)
{
    void **slot = map_at(&v->by_name, name);
    if (slot && !*slot)
        *slot = arena_new(v->arena, statement_refs);
    const struct vex_statement **ref =
        slot && *slot ? vec_push(v->arena, (statement_refs *)*slot) : NULL;
    if (!ref)
        return err_memory(v->err);
    *ref = statement;
    return true;
}

static bool index_statements(struct vexing *v, const vex_statements *said)
{
    for (size_t i = 0; i < said->len; i++) {
        const struct vex_statement *statement = &said->ptr[i];
        if (!index_name(v, statement->vulnerability, statement))
            return false;
        for (size_t j = 0; j < statement->aliases.len; j++)
            if (!index_name(v, statement->aliases.ptr[j], statement))
                return false;
    }
    return true;
}

static int64_t time_of(const struct vex_statement *statement)
{
    int64_t utc_s = INT64_MIN;
    return clock_parse(statement->timestamp, &utc_s) ? utc_s : INT64_MIN;
}

static int cmp_statements(const void *pa, const void *pb)
{
    const struct vex_statement *a = *(const struct vex_statement *const *)pa,
                               *b = *(const struct vex_statement *const *)pb;
    int64_t ta = time_of(a), tb = time_of(b);
    return ta != tb ? (ta > tb) - (ta < tb) : (a > b) - (a < b);
}

static bool add_named(struct vexing *v, str name, statement_refs *out)
{
    const statement_refs *named = map_get(&v->by_name, name);
    for (size_t i = 0; named && i < named->len; i++) {
        const struct vex_statement **ref = vec_push(v->arena, out);
        if (!ref)
            return err_memory(v->err);
        *ref = named->ptr[i];
    }
    return true;
}

static bool take_away(struct vexing *v, struct finding *f, const struct vex_statement *statement)
{
    bool is_gone = statement->status == VEX_NOT_AFFECTED || statement->status == VEX_FIXED;
    struct finding_evidence *e = vec_push(v->arena, &f->evidence);
    if (!e)
        return err_memory(v->err);
    str note =
        arena_printf(v->arena, "%s%s" STR_FMT "%s" STR_FMT, vex_status_name(statement->status),
                     statement->justification.len ? ": " : "", STR_ARG(statement->justification),
                     statement->text.len ? ": " : "", STR_ARG(statement->text));
    str by = arena_printf(v->arena, "vex:" STR_FMT, STR_ARG(statement->document));
    if (!note.ptr || !by.ptr)
        return err_memory(v->err);
    *e = (struct finding_evidence){.source = STR("vex"),
                                   .record = statement->document,
                                   .revision = statement->timestamp,
                                   .state = statement->status == VEX_NOT_AFFECTED ? FIX_NOT_AFFECTED
                                            : statement->status == VEX_FIXED      ? FIX_FIXED
                                                                                  : FIX_UNKNOWN,
                                   .note = note};
    f->disabled_by = is_gone ? by : STR_NONE;
    f->disabled_reason = is_gone ? note : STR_NONE;
    return true;
}

static bool apply_to(struct vexing *v, struct finding *f)
{
    statement_refs refs = {0};
    if (!add_named(v, f->id, &refs))
        return false;
    for (size_t i = 0; i < f->aliases.len; i++)
        if (!add_named(v, f->aliases.ptr[i], &refs))
            return false;
    vec_sort(&refs, cmp_statements);
    for (size_t i = 0; i < refs.len; i++) {
        bool is_meant = false;
        if (i && refs.ptr[i] == refs.ptr[i - 1])
            continue; /* by two of its names */
        if (!is_about(v, refs.ptr[i], f, &is_meant) || (is_meant && !take_away(v, f, refs.ptr[i])))
            return false;
    }
    return true;
}

bool vex_apply(struct arena *arena, const vex_statements *said, const struct vex_image *image,
               const struct image_inventory *inventory, findings *all, size_t *n_disabled,
               struct err *err)
{
    struct vexing v = {.arena = arena, .image = image, .inventory = inventory, .err = err};
    *n_disabled = 0;
    map_init(&v.by_name, arena);
    if (!index_statements(&v, said))
        return false;
    for (size_t i = 0; said->len && i < all->len; i++) {
        if (!apply_to(&v, &all->ptr[i]))
            return false;
        *n_disabled += all->ptr[i].disabled_by.len > 0;
    }
    return true;
}
