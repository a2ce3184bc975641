/* SPDX-License-Identifier: Apache-2.0 */
/* finding.c - one vulnerability of one subject: what the claims say together.  Claims come in the
 * order of identify(): the distribution's own first. */
#include "match/internal.h"

static struct arena *arena_of(const struct making *m) { return m->context->arena; }

const struct claim *making_next(const struct making *m, size_t *i)
{
    while (*i < m->n) {
        const struct claim *claim = m->links[(*i)++].claim;
        if (!claim->is_denial)
            return claim;
    }
    return NULL;
}

/* --- which installed packages --------------------------------------------------------------------
 */
static bool concerns(const struct claim *claim, const struct package *package)
{
    return (!claim->package || (str_eq(claim->package->name, package->name) &&
                                str_eq(claim->package->version, package->version))) &&
           scope_of(claim->affected, package) == APPLIES_YES;
}

/* A denial of the distribution's own source beats every claim, another's only those of others. */
static bool is_affected(const struct making *m, const struct package *package)
{
    bool is_claimed = false, is_claimed_by_own = false, is_denied = false;
    for (size_t i = 0; i < m->n; i++) {
        const struct claim *claim = m->links[i].claim;
        if (!concerns(claim, package))
            continue;
        if (claim->is_denial && claim->is_own)
            return false;
        is_denied = is_denied || claim->is_denial;
        is_claimed = is_claimed || !claim->is_denial;
        is_claimed_by_own = is_claimed_by_own || (!claim->is_denial && claim->is_own);
    }
    return is_claimed_by_own || (is_claimed && !is_denied);
}

static bool find_affected(struct making *m)
{
    for (size_t i = 0; i < m->subject->n_packages; i++) {
        if (!is_affected(m, m->subject->packages[i]))
            continue;
        const struct package **slot = vec_push(arena_of(m), &m->affected);
        if (!slot)
            return false;
        *slot = m->subject->packages[i];
    }
    return true;
}

bool push_unique(struct arena *arena, strs *to, str s)
{
    if (s.len == 0 || (to->len && str_eq(to->ptr[to->len - 1], s)))
        return true;
    str *slot = vec_push(arena, to);
    if (slot)
        *slot = s;
    return slot != NULL;
}

/* The lowest layer that brought one of them, and its database. */
static bool describe_packages(struct making *m)
{
    struct finding *f = m->finding;
    const struct package *lowest = m->affected.ptr[0];
    bool is_headers = true;
    for (size_t i = 0; i < m->affected.len; i++) {
        const struct package *package = m->affected.ptr[i];
        if (m->subject->is_os && !push_unique(arena_of(m), &f->binaries, package->name))
            return false;
        if (package->layer < lowest->layer)
            lowest = package;
        is_headers = is_headers && package_is_kernel_headers(package->name);
    }
    f->path = lowest->path;
    f->layer = lowest->layer;
    f->class = !m->subject->is_os ? CLASS_LANGUAGE : is_headers ? CLASS_KERNEL_HEADERS : CLASS_OS;
    return true;
}

/* A source package's purl says so in the way of its type. */
static bool print_purl(struct making *m)
{
    struct package package = *m->affected.ptr[0];
    package.name = m->subject->name;
    package.version = m->subject->version;
    if (str_eq(package.type, STR("deb")))
        package.arch = STR("source");
    else if (str_eq(package.type, STR("rpm")))
        package.arch = STR("src");
    m->finding->purl = purl_of(arena_of(m), &package, m->context->distro);
    return m->finding->purl.ptr != NULL;
}

/* --- the fix
 * -------------------------------------------------------------------------------------- */
/* Does any claim of @source (about the same binary) still hold at @version? */
static bool still_affects(const struct making *m, const struct claim *of, str version)
{
    const struct claim *claim;
    for (size_t i = 0; (claim = making_next(m, &i));)
        if (str_eq(claim->affected->source, of->affected->source) &&
            claim->package == of->package &&
            range_applies(claim->affected, m->subject->scheme, version) == APPLIES_YES)
            return true;
    return false;
}

/* The smaller of two fixes; one that heals is better than one that does not. */
static void take_fix(const struct making *m, const struct claim *claim, str fixed, str *best,
                     bool *is_healing)
{
    const struct version_scheme *scheme = m->subject->scheme;
    if (fixed.len == 0 || !scheme || scheme->cmp(fixed, claim->installed) != VERSION_GREATER)
        return;
    bool heals = !still_affects(m, claim, fixed);
    bool is_better = best->len == 0 || (heals && !*is_healing) ||
                     (heals == *is_healing && scheme->cmp(fixed, *best) == VERSION_LESS);
    if (!is_better)
        return;
    *best = fixed;
    *is_healing = heals;
}

/* By the first source that names a fix. */
static str first_fix(const struct making *m)
{
    str best = STR_NONE, source = STR_NONE;
    bool is_healing = false;
    const struct claim *claim;
    for (size_t i = 0; (claim = making_next(m, &i));) {
        if (!str_eq(claim->affected->source, source) && best.len)
            break;
        source = claim->affected->source;
        if (claim->affected->state != FIX_FIXED && claim->affected->state != FIX_UNKNOWN)
            continue; /* its ranges end where it stops speaking, not where somebody mended it */
        for (size_t r = 0; r < claim->affected->ranges.len; r++)
            take_fix(m, claim, claim->affected->ranges.ptr[r].fixed, &best, &is_healing);
    }
    return best;
}

static void describe_fix(struct making *m)
{
    struct finding *f = m->finding;
    const struct claim *claim;
    f->fixed_version = first_fix(m);
    f->is_patchable = f->fixed_version.len > 0;
    f->fix_state = f->is_patchable ? FIX_FIXED : FIX_UNKNOWN;
    for (size_t i = 0; f->fix_state == FIX_UNKNOWN && (claim = making_next(m, &i));)
        f->fix_state = claim->affected->state;
    if (f->fix_state == FIX_FIXED && !f->is_patchable)
        f->fix_state = FIX_AFFECTED; /* fixed elsewhere: in no version above this one */
}

/* --- all together
 * ------------------------------------------------------------------------------------- */
static bool fill(struct making *m)
{
    describe_fix(m);
    return describe_packages(m) && print_purl(m) && rating_fill(m) && words_fill(m);
}

/* A CVE is rejected when a source says so and none holds a record of it against that.  What is
 * known to be exploited is real, whatever became of its number. */
bool enrichment_is_rejected(const enrichments *list)
{
    bool is_rejected = false;
    for (size_t i = 0; i < list->len; i++) {
        const struct enrichment *e = &list->ptr[i];
        is_rejected = is_rejected || e->is_rejected;
        if (e->is_kev || (!e->is_rejected && (e->cvss.len || e->description.len)))
            return false;
    }
    return is_rejected;
}

/* Does a source stand behind it with more than the CVE's number? */
static bool has_standing(const struct making *m)
{
    const struct claim *claim;
    for (size_t i = 0; (claim = making_next(m, &i));)
        if (claim->is_own || identity_cve(claim->advisory->id).len == 0)
            return true;
    return false;
}

static bool enrich(struct making *m)
{
    struct context *c = m->context;
    if (!c->lookup->enrich || identity_cve(m->links->id).len == 0)
        return true;
    if (!c->lookup->enrich(c->lookup->ctx, c->arena, m->links->id, &m->enrichments, c->err))
        return err_wrap(c->err, STR_FMT, STR_ARG(m->links->id));
    m->is_rejected = enrichment_is_rejected(&m->enrichments);
    return true;
}

bool finding_make(struct context *context, const struct subject *subject, const struct link *links,
                  size_t n)
{
    struct making m = {.context = context, .subject = subject, .links = links, .n = n};
    size_t first = 0;
    if (!find_affected(&m))
        return err_memory(context->err);
    if (m.affected.len == 0 || !making_next(&m, &first))
        return true;
    if (!enrich(&m))
        return false;
    if (m.is_rejected && !has_standing(&m)) {
        if (context->n_rejected++ == 0)
            context->first_rejected = links->id;
        return true;
    }
    m.finding = vec_push(context->arena, &context->out->findings);
    if (!m.finding)
        return err_memory(context->err);
    *m.finding = (struct finding){.id = links->id,
                                  .package_name = subject->name,
                                  .package_version = subject->version,
                                  .type = subject->type,
                                  .category = str_from(subject->category)};
    return fill(&m) || err_memory(context->err);
}
