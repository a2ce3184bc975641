/* SPDX-License-Identifier: Apache-2.0 */
/* vex_feeds.c - what VEX feeds of the database say of the products that findings are in: the image,
 * the package itself, and the packages of its file (the main module of a Go binary).  Only these
 * are asked for, and only when the database has such statements; what is found is held against the
 * findings as the statements of any document are (vex.c). */
#include "base/map.h"
#include "match/internal.h"

struct asking {
    const struct match_lookup *lookup;
    const struct vex_image *image;
    const struct image_inventory *inventory;
    struct arena *arena;
    struct map asked; /* keys, purls and files */
    vex_statements said;
    struct err *err;
};

static bool is_first(struct asking *a, const char *kind, str what, bool *out)
{
    str key = arena_printf(a->arena, "%s" STR_FMT, kind, STR_ARG(what));
    void **slot = key.ptr ? map_at(&a->asked, key) : NULL;
    if (!slot)
        return err_memory(a->err);
    *out = *slot == NULL;
    *slot = a;
    return true;
}

/* --- from what the database keeps to a statement
 * ----------------------------------------------------------------- */
static enum vex_status status_of(const struct affected *kept)
{
    if (kept->state == FIX_NOT_AFFECTED)
        return str_eq(kept->note, STR("fixed")) ? VEX_FIXED : VEX_NOT_AFFECTED;
    return kept->state == FIX_AFFECTED ? VEX_AFFECTED : VEX_UNDER_INVESTIGATION;
}

static str words_of(const struct affected *kept)
{
    static const char *const said_by_status[] = {"fixed", "under investigation"};
    str words = kept->note;
    for (size_t i = 0; i < sizeof said_by_status / sizeof *said_by_status; i++)
        if (str_starts(words, str_from(said_by_status[i])))
            words = str_skip(words, str_from(said_by_status[i]).len);
    return str_starts(words, STR(": ")) ? str_skip(words, 2) : words;
}

/* A product as the document named it stands in the versions, its digest too. */
static bool add_product(struct asking *a, const struct affected *kept, struct vex_statement *to)
{
    struct vex_product *product = vec_push(a->arena, &to->products);
    if (!product)
        return err_memory(a->err);
    product->subcomponents = kept->symbols;
    for (size_t i = 0; i < kept->versions.len; i++) {
        bool is_digest = str_starts(kept->versions.ptr[i], STR("sha256:"));
        *(is_digest ? &product->digest : &product->id) = kept->versions.ptr[i];
    }
    return true;
}

static bool add_statement(struct asking *a, const struct affected *kept)
{
    struct advisory record;
    if (kept->is_withdrawn)
        return true;
    if (!a->lookup->get(a->lookup->ctx, a->arena, kept->source, kept->record, &record, a->err))
        return err_wrap(a->err, "record " STR_FMT " of " STR_FMT, STR_ARG(kept->record),
                        STR_ARG(kept->source));
    struct vex_statement *to = vec_push(a->arena, &a->said);
    if (!to)
        return err_memory(a->err);
    *to = (struct vex_statement){.vulnerability = record.id,
                                 .aliases = record.aliases,
                                 .status = status_of(kept),
                                 .text = words_of(kept),
                                 .author = record.title,
                                 .timestamp = record.modified,
                                 .document = kept->record,
                                 .feed = kept->source};
    return add_product(a, kept, to);
}

/* --- who is asked for
 * ---------------------------------------------------------------------------------------------- */
static bool ask(struct asking *a, str ecosystem, str name)
{
    affecteds found = {0};
    bool is_new = false;
    str key = arena_printf(a->arena, STR_FMT "\t" STR_FMT, STR_ARG(ecosystem), STR_ARG(name));
    if (!key.ptr)
        return err_memory(a->err);
    if (!is_first(a, "key ", key, &is_new))
        return false;
    if (!is_new || name.len == 0)
        return true;
    if (!a->lookup->find(a->lookup->ctx, a->arena, ecosystem, name, NULL, &found, a->err))
        return err_wrap(a->err, STR_FMT " " STR_FMT, STR_ARG(ecosystem), STR_ARG(name));
    for (size_t i = 0; i < found.len; i++)
        if (!add_statement(a, &found.ptr[i]))
            return false;
    return true;
}

static bool ask_image(struct asking *a)
{
    const struct vex_image *image = a->image;
    for (size_t i = 0; i < image->digests.len; i++)
        if (!ask(a, STR("VEX:oci"), image->digests.ptr[i]))
            return false;
    return ask(a, STR("VEX:oci"), image->repository) && ask(a, STR("VEX:oci"), image->name);
}

static bool ask_purl(struct asking *a, str purl)
{
    str ecosystem, name;
    if (!purl.ptr)
        return err_memory(a->err);
    return vex_product_key(purl, a->arena, &ecosystem, &name, a->err) && ask(a, ecosystem, name);
}

/* Binaries of the finding's source; or what lies in the same file. */
static bool is_beside(const struct finding *f, const struct package *package)
{
    if (f->class == CLASS_LANGUAGE)
        return !package->is_os && f->path.len && str_eq(package->path, f->path);
    return package->is_os && str_eq(package->type, f->type) &&
           str_eq(package->source_name, f->package_name);
}

static bool ask_finding(struct asking *a, const struct finding *f)
{
    const packages *all = &a->inventory->packages;
    bool is_new = false;
    if (!ask_purl(a, f->purl) ||
        !is_first(a, f->class == CLASS_LANGUAGE ? "path " : "source ",
                  f->class == CLASS_LANGUAGE ? f->path : f->package_name, &is_new))
        return false;
    for (size_t i = 0; is_new && i < all->len; i++)
        if (is_beside(f, &all->ptr[i]) &&
            !ask_purl(a, purl_of(a->arena, &all->ptr[i], &a->inventory->distro)))
            return false;
    return true;
}

/* --- all of it
 * ------------------------------------------------------------------------------------------ */
static bool tell(struct asking *a, const findings *all, size_t n, notices *told)
{
    const struct finding *first = NULL;
    for (size_t i = 0; i < all->len && !first; i++)
        first = all->ptr[i].disabled_by.len ? &all->ptr[i] : NULL;
    if (n == 0 || !first)
        return true;
    str message = arena_printf(a->arena,
                               "VEX: %zu of %zu findings are taken away by statements of the "
                               "advisory database, first " STR_FMT " of " STR_FMT " by " STR_FMT,
                               n, all->len, STR_ARG(first->id), STR_ARG(first->package_name),
                               STR_ARG(first->disabled_by));
    return (message.ptr && notice_add(a->arena, told, NOTICE_ADVISORY, false, STR_NONE, message)) ||
           err_memory(a->err);
}

bool match_vex(const struct match_lookup *lookup, const struct vex_image *image,
               const struct image_inventory *inventory, struct arena *arena, findings *all,
               notices *told, struct err *err)
{
    struct asking a = {
        .lookup = lookup, .image = image, .inventory = inventory, .arena = arena, .err = err};
    size_t n = 0;
    if (all->len == 0 || !lookup->has_vex || !lookup->has_vex(lookup->ctx))
        return true;
    map_init(&a.asked, arena);
    if (!ask_image(&a))
        return false;
    for (size_t i = 0; i < all->len; i++)
        if (!ask_finding(&a, &all->ptr[i]))
            return false;
    return vex_apply(arena, &a.said, image, inventory, all, &n, err) && tell(&a, all, n, told);
}
