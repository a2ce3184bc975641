/* SPDX-License-Identifier: Apache-2.0 */
/* rating.c - how bad it is: every source's rating is kept, one of them decides. */
#include "match/internal.h"

#include "base/num.h"

static struct arena *arena_of(const struct making *m) { return m->context->arena; }

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

static bool add_ratings(struct making *m, const struct rating *ratings, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!add_rating(m, ratings[i].source, ratings[i].severity))
            return false;
    return true;
}

static bool add_scores(struct making *m, str source, const struct cvss *scores, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct cvss cvss = scores[i];
        if (cvss.source.len == 0)
            cvss.source = source;
        if (!add_cvss(m, &cvss))
            return false;
    }
    return true;
}

/* Those of the claims first, then what is said of the CVE whatever the package. */
static bool collect_ratings(struct making *m)
{
    const struct claim *claim;
    for (size_t i = 0; (claim = making_next(m, &i));) {
        const struct advisory *a = claim->advisory;
        if (!add_rating(m, claim->affected->source, claim->affected->severity) ||
            !add_ratings(m, a->ratings.ptr, a->ratings.len) ||
            !add_scores(m, a->source, a->cvss.ptr, a->cvss.len))
            return false;
    }
    for (size_t i = 0; i < m->enrichments.len; i++) {
        const struct enrichment *e = &m->enrichments.ptr[i];
        if (!add_ratings(m, e->ratings.ptr, e->ratings.len) ||
            !add_scores(m, e->source, e->cvss.ptr, e->cvss.len))
            return false;
        m->finding->is_kev = m->finding->is_kev || e->is_kev;
        if (e->has_epss && e->epss > m->finding->epss)
            m->finding->epss = e->epss;
    }
    return true;
}

static bool is_nvd(str source)
{
    return str_eq_nocase(source, STR("nvd")) || str_ends(source, STR("@nist.gov"));
}

static void rate_as(struct finding *f, enum severity severity, str source, const char *basis)
{
    f->severity = severity;
    f->rated_by = source;
    f->rating_basis = str_from(basis);
}

/* Version 2 knows no critical: NVD's bands for it end at high. */
static enum severity severity_of(const struct cvss *cvss)
{
    enum severity severity = cvss_severity(cvss->score);
    bool is_v2 = str_starts(cvss->version, STR("2"));
    return is_v2 && severity == SEVERITY_CRITICAL ? SEVERITY_HIGH : severity;
}

/* The first scored vector of a version that begins so, of the record's owner or of NVD. */
static bool rate_by_cvss(struct finding *f, str version, bool of_nvd)
{
    for (size_t i = 0; i < f->cvss.len; i++) {
        const struct cvss *cvss = &f->cvss.ptr[i];
        if (!cvss->is_scored || !str_starts(cvss->version, version) ||
            is_nvd(cvss->source) != of_nvd)
            continue;
        const char *basis = str_eq(cvss->version, STR("4.0"))   ? "CVSS 4.0"
                            : str_eq(cvss->version, STR("3.1")) ? "CVSS 3.1"
                            : str_eq(cvss->version, STR("3.0")) ? "CVSS 3.0"
                                                                : "CVSS 2.0";
        rate_as(f, severity_of(cvss), cvss->source, basis);
        return true;
    }
    return false;
}

static const struct claim *own_rating(const struct making *m)
{
    const struct claim *claim = NULL;
    for (size_t i = 0; m->subject->is_os && (claim = making_next(m, &i));)
        if (claim->affected->severity != SEVERITY_UNKNOWN)
            return claim;
    return NULL;
}

/* DESIGN 5: the distribution's own rating of the package, else CVSS 4 or 3 of the record's owner,
 * else NVD's, else version 2; a publisher's bare word where there is no vector at all. */
static void rate(struct making *m)
{
    static const struct {
        const char *version;
        bool of_nvd;
    } order[] = {{"4", false}, {"3", false}, {"4", true}, {"3", true}, {"2", false}, {"2", true}};
    struct finding *f = m->finding;
    const struct claim *own = own_rating(m);
    if (own) {
        rate_as(f, own->affected->severity, own->affected->source, "own rating");
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(order); i++)
        if (rate_by_cvss(f, str_from(order[i].version), order[i].of_nvd))
            return;
    if (f->ratings.len)
        rate_as(f, f->ratings.ptr[0].severity, f->ratings.ptr[0].source, "word");
}

bool rating_fill(struct making *m)
{
    if (!collect_ratings(m))
        return false;
    rate(m);
    return true;
}
