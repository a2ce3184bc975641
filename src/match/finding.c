/* SPDX-License-Identifier: Apache-2.0 */
/* finding.c - one vulnerability of one subject: what the claims say together.  Claims come in the
 * order of identify(): the distribution's own first. */
#include "match/internal.h"

#include "base/num.h"

#include <stdlib.h>

struct making {
    struct context *context;
    const struct subject *subject;
    const struct link *links; /* denials among them */
    size_t n;
    package_refs affected; /* installed packages that are affected, by name */
    struct finding *finding;
};

static struct arena *arena_of(const struct making *m) { return m->context->arena; }

/* The affirmative claims in order; NULL at the end. */
static const struct claim *next_claim(const struct making *m, size_t *i)
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
    return !claim->package || (str_eq(claim->package->name, package->name) &&
                               str_eq(claim->package->version, package->version));
}

static bool is_affected(const struct making *m, const struct package *package)
{
    bool is_claimed = false;
    for (size_t i = 0; i < m->n; i++) {
        const struct claim *claim = m->links[i].claim;
        if (!concerns(claim, package))
            continue;
        if (claim->is_denial)
            return false;
        is_claimed = true;
    }
    return is_claimed;
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

static bool push_unique(struct arena *arena, strs *to, str s)
{
    if (s.len == 0 || (to->len && str_eq(to->ptr[to->len - 1], s)))
        return true;
    str *slot = vec_push(arena, to);
    if (slot)
        *slot = s;
    return slot != NULL;
}

static int cmp_strs(const void *a, const void *b)
{
    return str_cmp(*(const str *)a, *(const str *)b);
}

static void sort_unique(strs *list)
{
    vec_sort(list, cmp_strs);
    size_t n = 0;
    for (size_t i = 0; i < list->len; i++)
        if (n == 0 || !str_eq(list->ptr[n - 1], list->ptr[i]))
            list->ptr[n++] = list->ptr[i];
    list->len = n;
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
    for (size_t i = 0; (claim = next_claim(m, &i));)
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
    for (size_t i = 0; (claim = next_claim(m, &i));) {
        if (!str_eq(claim->affected->source, source) && best.len)
            break;
        source = claim->affected->source;
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
    for (size_t i = 0; f->fix_state == FIX_UNKNOWN && (claim = next_claim(m, &i));)
        f->fix_state = claim->affected->state;
}

/* --- ratings and severity
 * --------------------------------------------------------------------------- */
static bool add_rating(struct making *m, str source, enum severity severity)
{
    struct finding *f = m->finding;
    if (severity == SEVERITY_UNKNOWN)
        return true;
    for (size_t i = 0; i < f->ratings.len; i++)
        if (str_eq(f->ratings.ptr[i].source, source) && f->ratings.ptr[i].severity == severity)
            return true;
    struct rating *rating = vec_push(arena_of(m), &f->ratings);
    if (rating)
        *rating = (struct rating){.source = source, .severity = severity};
    return rating != NULL;
}

static bool add_cvss(struct making *m, const struct cvss *cvss)
{
    struct finding *f = m->finding;
    for (size_t i = 0; i < f->cvss.len; i++)
        if (str_eq(f->cvss.ptr[i].vector, cvss->vector) &&
            str_eq(f->cvss.ptr[i].source, cvss->source))
            return true;
    struct cvss *slot = vec_push(arena_of(m), &f->cvss);
    if (slot)
        *slot = *cvss;
    return slot != NULL;
}

static bool collect_ratings(struct making *m)
{
    const struct claim *claim;
    for (size_t i = 0; (claim = next_claim(m, &i));) {
        const struct advisory *a = claim->advisory;
        if (!add_rating(m, claim->affected->source, claim->affected->severity))
            return false;
        for (size_t j = 0; j < a->ratings.len; j++)
            if (!add_rating(m, a->ratings.ptr[j].source, a->ratings.ptr[j].severity))
                return false;
        for (size_t j = 0; j < a->cvss.len; j++)
            if (!add_cvss(m, &a->cvss.ptr[j]))
                return false;
    }
    return true;
}

static bool is_nvd(str source)
{
    return str_eq_nocase(source, STR("nvd")) || str_ends(source, STR("@nist.gov"));
}

/* The first scored vector of a version that begins so, of the record's owner or of NVD. */
static bool rate_by_cvss(const struct finding *f, str version, bool of_nvd, enum severity *out)
{
    for (size_t i = 0; i < f->cvss.len; i++) {
        const struct cvss *cvss = &f->cvss.ptr[i];
        if (cvss->is_scored && str_starts(cvss->version, version) &&
            is_nvd(cvss->source) == of_nvd) {
            *out = cvss_severity(cvss->score);
            return true;
        }
    }
    return false;
}

/* DESIGN 5: the distribution's own rating of the package, else CVSS 4 or 3 of the record's owner,
 * else NVD's, else version 2; a publisher's bare word where there is no vector at all. */
static enum severity rate(const struct making *m)
{
    static const struct {
        const char *version;
        bool of_nvd;
    } order[] = {{"4", false}, {"3", false}, {"4", true}, {"3", true}, {"2", false}, {"2", true}};
    const struct claim *claim;
    enum severity severity;
    for (size_t i = 0; (claim = next_claim(m, &i));)
        if (claim->affected->severity != SEVERITY_UNKNOWN)
            return claim->affected->severity;
    for (size_t i = 0; i < ARRAY_LEN(order); i++)
        if (rate_by_cvss(m->finding, str_from(order[i].version), order[i].of_nvd, &severity))
            return severity;
    return m->finding->ratings.len ? m->finding->ratings.ptr[0].severity : SEVERITY_UNKNOWN;
}

/* --- words and evidence
 * ------------------------------------------------------------------------------ */
static void first_of(str *to, str s)
{
    if (to->len == 0)
        *to = s;
}

/* Names of the same vulnerability; other CVEs of a record that names several are others. */
static bool is_alias(const struct finding *f, str name)
{
    return !str_eq(name, f->id) &&
           (identity_cve(name).len == 0 || str_eq(identity_cve(name), f->id));
}

static bool add_names(struct making *m, const struct advisory *a)
{
    struct finding *f = m->finding;
    if (is_alias(f, a->id) && !push_unique(arena_of(m), &f->aliases, a->id))
        return false;
    for (size_t i = 0; i < a->aliases.len; i++)
        if (is_alias(f, a->aliases.ptr[i]) &&
            !push_unique(arena_of(m), &f->aliases, a->aliases.ptr[i]))
            return false;
    return true;
}

static bool describe_words(struct making *m)
{
    struct finding *f = m->finding;
    const struct claim *claim;
    for (size_t i = 0; (claim = next_claim(m, &i));) {
        const struct advisory *a = claim->advisory;
        first_of(&f->title, a->title);
        first_of(&f->description, a->description);
        first_of(&f->published, a->published);
        first_of(&f->modified, a->modified);
        if (!add_names(m, a))
            return false;
        for (size_t j = 0; j < a->references.len; j++)
            if (!push_unique(arena_of(m), &f->references, a->references.ptr[j]))
                return false;
    }
    sort_unique(&f->aliases);
    sort_unique(&f->references);
    return true;
}

static bool has_evidence(const struct finding *f, const struct finding_evidence *e)
{
    for (size_t i = 0; i < f->evidence.len; i++) {
        const struct finding_evidence *other = &f->evidence.ptr[i];
        if (str_eq(other->source, e->source) && str_eq(other->record, e->record) &&
            str_eq(other->installed, e->installed) && str_eq(other->range, e->range))
            return true;
    }
    return false;
}

static bool add_evidence(struct making *m)
{
    const struct claim *claim;
    for (size_t i = 0; (claim = next_claim(m, &i));) {
        struct finding_evidence evidence = {
            .source = claim->affected->source,
            .record = claim->affected->record,
            .revision = claim->advisory->revision,
            .range =
                range_print(arena_of(m), claim->affected, m->subject->scheme, claim->installed),
            .comparator = str_from(m->subject->scheme_name),
            .installed = claim->installed,
        };
        if (!evidence.range.ptr)
            return false;
        if (has_evidence(m->finding, &evidence))
            continue;
        struct finding_evidence *slot = vec_push(arena_of(m), &m->finding->evidence);
        if (!slot)
            return false;
        *slot = evidence;
    }
    return true;
}

/* --- all together
 * ------------------------------------------------------------------------------------- */
static bool fill(struct making *m)
{
    describe_fix(m);
    if (!describe_packages(m) || !print_purl(m) || !collect_ratings(m) || !describe_words(m) ||
        !add_evidence(m))
        return false;
    m->finding->severity = rate(m);
    return true;
}

bool finding_make(struct context *context, const struct subject *subject, const struct link *links,
                  size_t n)
{
    struct making m = {.context = context, .subject = subject, .links = links, .n = n};
    size_t first = 0;
    if (!find_affected(&m))
        return err_memory(context->err);
    if (m.affected.len == 0 || !next_claim(&m, &first))
        return true;
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
