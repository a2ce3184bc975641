/* SPDX-License-Identifier: Apache-2.0 */
/* vex_meaning.c - does a VEX statement mean a finding?  Statements may be written by whoever pushes
 * to a registry, with products by the million: each is parsed once, and finds what it may mean by
 * its name.
 *
 *     finding ──> targets: the package, the binaries of its source, the packages of its file
 *     product ──> pattern ──> targets of that name */
#include "base/map.h"
#include "base/num.h"
#include "match/internal.h"

enum role { ROLE_PACKAGE, ROLE_BINARY, ROLE_BESIDE };
/* What a pattern may mean of a finding. */
struct target {
    enum role role;
    size_t binary; /* index into the finding's, of ROLE_BINARY */
    struct purl purl;
    struct target *next; /* of the same name */
};

static bool parse_purl(struct arena *arena, str text, struct purl *out)
{
    struct err ignored = {0};
    return str_starts(text, STR("pkg:")) && purl_parse(arena, text, PURL_ANY_CASE, out, &ignored);
}

static uint64_t bit_of(str name) { return 1ULL << (map_hash(name) & 63); }

static bool parse_pattern(struct arena *arena, str text, struct vex_purl *out)
{
    if (!parse_purl(arena, text, &out->purl))
        return false;
    out->bit = bit_of(out->purl.name);
    return true;
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

/* "https://ghcr.io/a/b/", as some write it. */
static bool is_repository(const struct vex_image *image, str url)
{
    str scheme, rest;
    if (str_cut(url, STR("://"), &scheme, &rest))
        url = rest;
    if (str_ends(url, STR("/")))
        url.len--;
    return str_eq_nocase(url, image->repository);
}

static bool fits_image(const struct vex_image *image, const struct purl_qualifier *q)
{
    if (str_eq(q->key, STR("repository_url")))
        return is_repository(image, q->value);
    if (str_eq(q->key, STR("tag")))
        return str_eq(q->value, image->tag);
    return str_eq(q->key, STR("arch")) && str_eq(q->value, image->arch);
}

static bool is_image(const struct vex_image *image, str product, const struct purl *purl)
{
    str named, digest; /* "ghcr.io/a/b:1.0@sha256:…" */
    if (product.len == 0)
        return false;
    if (has_digest(image, product) || str_eq(product, image->repository))
        return true;
    if (!str_starts(product, STR("pkg:")) && str_cut_byte(product, '@', &named, &digest))
        return has_digest(image, digest);
    if (!purl || !str_eq(purl->type, STR("oci")) || !str_eq_nocase(purl->name, image->name) ||
        (purl->version.len && !has_digest(image, purl->version)))
        return false;
    for (size_t i = 0; i < purl->qualifiers.len; i++)
        if (!fits_image(image, &purl->qualifiers.ptr[i]))
            return false;
    return true;
}

/* --- a statement, parsed once
 * ---------------------------------------------------------------------------------------- */
/* What is no purl means no package. */
static bool add_part(struct arena *arena, str text, vex_purls *out)
{
    struct vex_purl purl;
    if (!parse_pattern(arena, text, &purl))
        return true;
    struct vex_purl *slot = vec_push(arena, out);
    if (slot)
        *slot = purl;
    return slot != NULL;
}

static bool parse_product(struct vexing *v, const struct vex_product *from, struct vex_pattern *to)
{
    to->is_purl = parse_pattern(v->arena, from->id, &to->product);
    to->is_whole = from->subcomponents.len == 0;
    to->is_image = is_image(v->image, from->id, to->is_purl ? &to->product.purl : NULL) ||
                   is_image(v->image, from->digest, NULL);
    for (size_t i = 0; i < from->subcomponents.len; i++)
        if (!add_part(v->arena, from->subcomponents.ptr[i], &to->parts))
            return false;
    return true;
}

static bool parse_once(struct vexing *v, struct vex_parsed *statement)
{
    const struct vex_statement *said = statement->said;
    if (statement->patterns)
        return true;
    statement->patterns = arena_array(v->arena, struct vex_pattern, said->products.len + 1);
    statement->n_patterns = said->products.len;
    if (!statement->patterns)
        return false;
    for (size_t i = 0; i < said->products.len; i++)
        if (!parse_product(v, &said->products.ptr[i], &statement->patterns[i]))
            return false;
    return true;
}

/* --- a finding's targets
 * --------------------------------------------------------------------------------------------- */
static bool add_target(struct vexing *v, struct vex_targets *to, enum role role, size_t binary,
                       str purl)
{
    struct target *target = arena_new(v->arena, struct target);
    if (!purl.ptr || !target)
        return false;
    if (!parse_purl(v->arena, purl, &target->purl))
        return true;
    void **slot = map_at(&to->by_name, target->purl.name);
    if (!slot)
        return false;
    target->role = role;
    target->binary = binary;
    target->next = *slot;
    *slot = target;
    to->bits |= bit_of(target->purl.name);
    return true;
}

static str purl_in(struct vexing *v, const struct package *package)
{
    return purl_of(v->arena, package, &v->inventory->distro);
}

static bool add_binaries(struct vexing *v, const struct finding *f, struct vex_targets *to)
{
    const packages *all = &v->inventory->packages;
    for (size_t i = 0; i < all->len && f->binaries.len; i++) {
        const struct package *package = &all->ptr[i];
        if (!package->is_os || !str_eq(package->source_name, f->package_name) ||
            !str_eq(package->type, f->type))
            continue;
        for (size_t j = 0; j < f->binaries.len; j++)
            if (str_eq(f->binaries.ptr[j], package->name) &&
                !add_target(v, to, ROLE_BINARY, j, purl_in(v, package)))
                return false;
    }
    return true;
}

/* The packages of a file: once for all findings in it. */
static struct vex_targets *beside(struct vexing *v, str path)
{
    const packages *all = &v->inventory->packages;
    void **slot = map_at(&v->files, path);
    if (!slot || *slot)
        return slot ? *slot : NULL;
    struct vex_targets *targets = arena_new(v->arena, struct vex_targets);
    if (!targets)
        return NULL;
    map_init(&targets->by_name, v->arena);
    for (size_t i = 0; i < all->len; i++)
        if (!all->ptr[i].is_os && str_eq(all->ptr[i].path, path) &&
            !add_target(v, targets, ROLE_BESIDE, 0, purl_in(v, &all->ptr[i])))
            return NULL;
    *slot = targets;
    return targets;
}

bool vex_target(struct vexing *v, const struct finding *f)
{
    v->finding = f;
    v->beside = f->path.len ? beside(v, f->path) : NULL;
    v->targets = (struct vex_targets){0};
    map_init(&v->targets.by_name, v->arena);
    v->is_hit = arena_array(v->arena, bool, f->binaries.len + 1);
    return (v->beside || !f->path.len) && v->is_hit &&
           add_target(v, &v->targets, ROLE_PACKAGE, 0, f->purl) && add_binaries(v, f, &v->targets);
}

/* --- what patterns mean
 * ------------------------------------------------------------------------------------------- */
static void forget_hits(struct vexing *v)
{
    for (size_t i = 0; i < v->finding->binaries.len; i++)
        v->is_hit[i] = false;
}

/* The first target of the pattern's name. */
static const struct target *first_of(const struct vex_targets *targets,
                                     const struct vex_purl *pattern)
{
    bool may_be = targets && (targets->bits & pattern->bit);
    return may_be ? map_get(&targets->by_name, pattern->purl.name) : NULL;
}

/* True when it is the package itself; binaries that it means are kept in mind. */
static bool hit(struct vexing *v, const struct vex_purl *pattern)
{
    for (const struct target *t = first_of(&v->targets, pattern); t; t = t->next) {
        if (!purl_matches(&pattern->purl, &t->purl))
            continue;
        if (t->role == ROLE_PACKAGE)
            return true;
        v->is_hit[t->binary] = true;
    }
    return false;
}

/* The source package is named, or all its affected binaries are. */
static bool is_all_hit(const struct vexing *v)
{
    for (size_t i = 0; i < v->finding->binaries.len; i++)
        if (!v->is_hit[i])
            return false;
    return v->finding->binaries.len > 0;
}

/* Is a product another package of the finding's file? */
static bool is_beside(const struct vexing *v, const struct vex_purl *pattern)
{
    for (const struct target *t = first_of(v->beside, pattern); t; t = t->next)
        if (purl_matches(&pattern->purl, &t->purl))
            return true;
    return false;
}

/* Products that are named whole: the image, or patterns for packages, all of them together. */
static bool is_about_whole(struct vexing *v, const struct vex_parsed *statement)
{
    forget_hits(v);
    for (size_t i = 0; i < statement->n_patterns; i++) {
        const struct vex_pattern *pattern = &statement->patterns[i];
        if (pattern->is_whole &&
            (pattern->is_image || (pattern->is_purl && hit(v, &pattern->product))))
            return true;
    }
    return is_all_hit(v);
}

static bool is_about_part(struct vexing *v, const struct vex_pattern *pattern)
{
    if (!pattern->is_image && !(pattern->is_purl && is_beside(v, &pattern->product)))
        return false;
    forget_hits(v);
    for (size_t i = 0; i < pattern->parts.len; i++)
        if (hit(v, &pattern->parts.ptr[i]))
            return true;
    return is_all_hit(v);
}

bool vex_means(struct vexing *v, struct vex_parsed *statement, bool *out)
{
    if (!parse_once(v, statement))
        return err_memory(v->err);
    *out = is_about_whole(v, statement);
    for (size_t i = 0; i < statement->n_patterns && !*out; i++)
        *out = !statement->patterns[i].is_whole && is_about_part(v, &statement->patterns[i]);
    return true;
}
