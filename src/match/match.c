/* SPDX-License-Identifier: Apache-2.0 */
#include "match/match.h"

#include "base/num.h"
#include "match/internal.h"

#include <stdlib.h>

const char *finding_class_name(enum finding_class class)
{
    static const char *const names[] = {
        [CLASS_OS] = "os-package",
        [CLASS_LANGUAGE] = "language-package",
        [CLASS_KERNEL_HEADERS] = "kernel-headers",
    };
    return (size_t) class < ARRAY_LEN(names) ? names[class] : names[CLASS_OS];
}

static int cmp_findings(const void *pa, const void *pb)
{
    const struct finding *a = pa, *b = pb;
    int sign = severity_rank(a->severity) - severity_rank(b->severity);
    if (!sign)
        sign = str_cmp(a->id, b->id);
    if (!sign)
        sign = str_cmp(a->package_name, b->package_name);
    if (!sign)
        sign = str_cmp(a->package_version, b->package_version);
    if (!sign)
        sign = str_cmp(a->type, b->type);
    return sign ? sign : str_cmp(a->path, b->path);
}

/* --- what cannot be judged at all
 * --------------------------------------------------------------------- */
static bool tell(struct context *c, enum notice_kind kind, bool is_incomplete, str message)
{
    return (message.ptr &&
            notice_add(c->arena, &c->out->notices, kind, is_incomplete, STR_NONE, message)) ||
           err_memory(c->err);
}

/* Packages of another package manager than the distribution's: its advisories do not speak of them.
 */
static bool tell_foreign(struct context *c, const struct image_inventory *inventory)
{
    const struct distro_row *row = distro_find(inventory->distro.id);
    size_t n = 0;
    str type = STR_NONE;
    for (size_t i = 0; row && i < inventory->packages.len; i++) {
        const struct package *package = &inventory->packages.ptr[i];
        if (!package->is_os || str_eq(package->type, str_from(row->purl_type)))
            continue;
        type = package->type;
        n++;
    }
    if (n == 0)
        return true;
    return tell(c, NOTICE_UNSUPPORTED, true,
                arena_printf(c->arena,
                             "%zu packages of type " STR_FMT
                             " cannot be judged by the advisories of %s",
                             n, STR_ARG(type), row->ecosystem));
}

static bool is_covered(const struct context *c, str ecosystem)
{
    return ecosystem.len && c->lookup->covers(c->lookup->ctx, ecosystem);
}

/* One notice a package type whose ecosystem no feed covers; packages come sorted by type. */
static bool tell_uncovered(struct context *c, const struct image_inventory *inventory,
                           bool *has_uncovered)
{
    str last = STR_NONE;
    for (size_t i = 0; i < inventory->packages.len; i++) {
        const struct package *package = &inventory->packages.ptr[i];
        if (package->is_os || package->owned_by.len || str_eq(package->type, last))
            continue;
        last = package->type;
        const struct ecosystem_row *row = ecosystem_find(package->type);
        if (row && is_covered(c, str_from(row->ecosystem)))
            continue;
        *has_uncovered = true;
        if (!tell(c, NOTICE_ADVISORY, false,
                  arena_printf(c->arena,
                               "the advisory database has no feed for packages of type " STR_FMT,
                               STR_ARG(package->type))))
            return false;
    }
    return true;
}

/* One notice for those that their own ecosystem does not judge, because an OS package has them. */
static bool tell_owned(struct context *c, const struct image_inventory *inventory)
{
    size_t n = 0;
    const struct package *first = NULL;
    for (size_t i = 0; i < inventory->packages.len; i++) {
        const struct package *package = &inventory->packages.ptr[i];
        if (package->is_os || package->owned_by.len == 0)
            continue;
        first = n++ ? first : package;
    }
    if (n == 0)
        return true;
    return tell(c, NOTICE_INFO, false,
                arena_printf(c->arena,
                             "%zu package%s of other managers belong%s to packages of the "
                             "distribution, whose advisories judge them: first " STR_FMT " " STR_FMT
                             " of " STR_FMT,
                             n, n == 1 ? "" : "s", n == 1 ? "s" : "", STR_ARG(first->type),
                             STR_ARG(first->name), STR_ARG(first->owned_by)));
}

static bool has_os_package(const struct image_inventory *inventory)
{
    for (size_t i = 0; i < inventory->packages.len; i++)
        if (inventory->packages.ptr[i].is_os)
            return true;
    return false;
}

/* Only a distribution judges what an OS package owns. */
static bool has_owned_package(const struct image_inventory *inventory)
{
    for (size_t i = 0; i < inventory->packages.len; i++)
        if (inventory->packages.ptr[i].owned_by.len)
            return true;
    return false;
}

/* An image without a distribution is judged when all that is in it has an ecosystem of its own. One
 * that names a distribution and shows no package of it has a database that was removed, or that no
 * detector reads: nothing is known of what is installed. */
static enum match_ground ground_of(const struct context *c, const struct image_inventory *inventory,
                                   bool has_uncovered)
{
    bool has_os = has_os_package(inventory);
    if (inventory->distro.id.len && !is_covered(c, c->out->ecosystem))
        return MATCH_NOT_COVERED;
    if (inventory->distro.id.len)
        return has_os ? MATCH_OK : MATCH_NO_PACKAGES;
    bool is_own_judge = !has_os && !has_owned_package(inventory) && !has_uncovered;
    return inventory->packages.len && is_own_judge ? MATCH_OK : MATCH_NO_DISTRO;
}

static bool tell_rejected(struct context *c)
{
    if (c->n_rejected == 0)
        return true;
    return tell(c, NOTICE_ADVISORY, false,
                arena_printf(c->arena,
                             "%zu findings are left out because their CVE was rejected by who gave "
                             "it, first " STR_FMT,
                             c->n_rejected, STR_ARG(c->first_rejected)));
}

/* --- all of it
 * ------------------------------------------------------------------------------------------ */
static bool judge_all(struct context *c, const struct image_inventory *inventory)
{
    struct subjects all;
    struct subject subject;
    if (!subjects_open(c->arena, inventory, c->out->ecosystem, &all))
        return err_memory(c->err);
    while (subject_next(&all, &subject)) {
        if (!subject.lookup_name.ptr)
            return err_memory(c->err);
        if (subject.ecosystem.len && !judge(c, &subject))
            return false;
    }
    return true;
}

static bool is_complete(const notices *list)
{
    for (size_t i = 0; i < list->len; i++)
        if (list->ptr[i].is_incomplete)
            return false;
    return true;
}

bool match_inventory(const struct match_lookup *lookup, const struct image_inventory *inventory,
                     struct arena *arena, struct match_result *out, struct err *err)
{
    *out = (struct match_result){0};
    struct context c = {
        .lookup = lookup, .distro = &inventory->distro, .arena = arena, .out = out, .err = err};
    out->ecosystem = distro_ecosystem(&inventory->distro, arena);
    if (!out->ecosystem.ptr)
        return err_memory(err);
    bool has_uncovered = false;
    if (!tell_foreign(&c, inventory) || !tell_uncovered(&c, inventory, &has_uncovered) ||
        !tell_owned(&c, inventory) || !judge_all(&c, inventory) || !tell_rejected(&c))
        return false;
    out->ground = ground_of(&c, inventory, has_uncovered);
    vec_sort(&out->findings, cmp_findings);
    out->is_complete = is_complete(&out->notices);
    return true;
}
