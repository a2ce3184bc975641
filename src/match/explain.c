/* SPDX-License-Identifier: Apache-2.0 */
/* explain.c - why, or why not: every statement on a vulnerability, held against what is installed
 * with the same questions as judge.c asks, and each answer kept.
 *
 *     id ── by_id ──> records ── places ──> subjects ── statement ──> what became of it
 *
 * A CVE leads to the records that bear it; those about it alone lead on by their other names, so
 * that a record that bears only the GHSA is seen too.  Any other id leads to all names of its
 * records. */
#include "base/map.h"
#include "base/num.h"
#include "match/internal.h"

#include <stdlib.h>

enum { RECORDS_MAX = 4096 };

const char *explain_kind_name(enum explain_kind kind)
{
    static const char *const names[] = {
        [EXPLAIN_UNKNOWN] = "unknown",
        [EXPLAIN_AFFECTED] = "affected",
        [EXPLAIN_VEX] = "vex",
        [EXPLAIN_RULE] = "rule",
        [EXPLAIN_REJECTED] = "rejected",
        [EXPLAIN_OVERRULED] = "overruled",
        [EXPLAIN_DENIED] = "not-affected",
        [EXPLAIN_FIXED] = "fixed",
        [EXPLAIN_NOT_YET] = "not-yet-affected",
        [EXPLAIN_OUTSIDE] = "version-not-affected",
        [EXPLAIN_WITHDRAWN] = "withdrawn",
        [EXPLAIN_ARCH] = "other-architecture",
        [EXPLAIN_MODULE] = "other-module",
        [EXPLAIN_OWNED] = "owned",
        [EXPLAIN_OTHER_SOURCE] = "other-source",
        [EXPLAIN_RELEASE] = "other-release",
    };
    return (size_t)kind < ARRAY_LEN(names) ? names[kind] : names[EXPLAIN_UNKNOWN];
}

struct explaining {
    const struct match_lookup *lookup;
    const struct image_inventory *inventory;
    const findings *found;
    struct arena *arena;
    VEC(struct subject) subjects;
    struct map seen;                   /* names asked for, records taken */
    strs names;                        /* of the vulnerability */
    const struct named_record *record; /* now looked at */
    struct advisory advisory;          /* its text */
    struct explain_result *out;
    struct err *err;
};

static bool memory(struct explaining *x) { return err_memory(x->err); }

/* True when @key was not there before. */
static bool is_new(struct explaining *x, str key, bool *out)
{
    void **slot = map_at(&x->seen, key);
    if (!slot)
        return memory(x);
    *out = *slot == NULL;
    *slot = x;
    return true;
}

/* --- which records
 * ----------------------------------------------------------------------------------------- */
static bool add_name(struct explaining *x, str name)
{
    bool is_first = false;
    if (name.len == 0)
        return true;
    if (!is_new(x, name, &is_first))
        return false;
    str *slot = is_first ? vec_push(x->arena, &x->names) : NULL;
    if (!is_first)
        return true;
    if (!slot)
        return memory(x);
    *slot = name;
    return true;
}

static size_t count_cves(const struct advisory *advisory)
{
    if (identity_cve(advisory->id).len)
        return 1;
    size_t n = 0;
    for (size_t i = 0; i < advisory->aliases.len; i++)
        n += identity_cve(advisory->aliases.ptr[i]).len > 0;
    return n;
}

/* Names of a record that are the same vulnerability as @id. */
static bool add_names_of(struct explaining *x, str id, const struct advisory *advisory)
{
    bool is_of_cve = identity_cve(id).len > 0;
    if (is_of_cve && count_cves(advisory) > 1)
        return true; /* a DSA of several: its name is not this one's */
    for (size_t i = 0; i <= advisory->aliases.len; i++) {
        str name = i ? advisory->aliases.ptr[i - 1] : advisory->id;
        str cve = identity_cve(name);
        if (is_of_cve && cve.len && !str_eq(cve, identity_cve(id)))
            continue;
        if (!add_name(x, name) || !add_name(x, cve))
            return false;
    }
    return true;
}

static bool take_record(struct explaining *x, const struct named_record *record, bool leads_on)
{
    bool is_first = false;
    struct advisory advisory;
    str key = arena_printf(x->arena, "\t" STR_FMT "\t" STR_FMT, STR_ARG(record->source),
                           STR_ARG(record->record));
    if (!key.ptr)
        return memory(x);
    if (!is_new(x, key, &is_first))
        return false;
    if (!is_first || x->out->records.len >= RECORDS_MAX)
        return true;
    struct named_record *slot = vec_push(x->arena, &x->out->records);
    if (!slot)
        return memory(x);
    *slot = *record;
    return !leads_on || (x->lookup->get(x->lookup->ctx, x->arena, record->source, record->record,
                                        &advisory, x->err) &&
                         add_names_of(x, x->out->id, &advisory));
}

/* The name itself, then the names that its records have besides. */
static bool collect_records(struct explaining *x)
{
    if (!add_name(x, x->out->id) || !add_name(x, identity_cve(x->out->id)))
        return false;
    size_t n_asked = x->names.len;
    for (size_t i = 0; i < x->names.len; i++) {
        named_records list;
        if (!x->lookup->by_id(x->lookup->ctx, x->arena, x->names.ptr[i], &list, x->err))
            return false;
        for (size_t j = 0; j < list.len; j++)
            if (!take_record(x, &list.ptr[j], i < n_asked))
                return false;
    }
    return true;
}

/* --- one answer
 * --------------------------------------------------------------------------------------------- */
static struct explanation *push(struct explaining *x, enum explain_kind kind, str ecosystem,
                                str package)
{
    struct explanation *e = vec_push(x->arena, &x->out->all);
    if (!e) {
        memory(x);
        return NULL;
    }
    *e = (struct explanation){.kind = kind,
                              .source = x->record->source,
                              .record = x->record->record,
                              .revision = x->advisory.revision,
                              .ecosystem = ecosystem,
                              .package = package,
                              .trace = STR(""),
                              .layer = -1};
    return e;
}

static bool describe_subject(struct explaining *x, struct explanation *e, const struct subject *s,
                             const struct package *package)
{
    e->type = s->type;
    e->name = s->name;
    e->version = package ? package->version : s->version;
    e->comparator = str_from(s->scheme_name);
    e->path = s->packages[0]->path;
    e->layer = s->packages[0]->layer;
    for (size_t i = 0; s->is_os && i < s->n_packages; i++) {
        if (s->packages[i]->layer < e->layer)
            e->layer = s->packages[i]->layer;
        if (!push_unique(x->arena, &e->binaries, s->packages[i]->name))
            return memory(x);
    }
    return true;
}

/* The finding of this match that is about it. */
static const struct finding *finding_of(const struct explaining *x, const struct subject *s)
{
    for (size_t i = 0; x->found && i < x->found->len; i++) {
        const struct finding *f = &x->found->ptr[i];
        if (!str_eq(f->package_name, s->name) || !str_eq(f->package_version, s->version) ||
            !str_eq(f->type, s->type) || (!s->is_os && !str_eq(f->path, s->packages[0]->path)))
            continue;
        for (size_t j = 0; j < x->names.len; j++) {
            if (str_eq(f->id, x->names.ptr[j]))
                return f;
            for (size_t k = 0; k < f->aliases.len; k++)
                if (str_eq(f->aliases.ptr[k], x->names.ptr[j]))
                    return f;
        }
    }
    return NULL;
}

/* It applies, and is or would be a finding. */
static void conclude(const struct explaining *x, const struct subject *s, struct explanation *e)
{
    const struct finding *f = finding_of(x, s);
    e->finding = f;
    if (f && f->disabled_by.len)
        e->kind = str_starts(f->disabled_by, STR("vex:")) ? EXPLAIN_VEX : EXPLAIN_RULE;
    else if (f)
        e->kind = EXPLAIN_AFFECTED;
    else
        e->kind = x->out->is_rejected ? EXPLAIN_REJECTED : EXPLAIN_OVERRULED;
}

static enum applies scope_of_any(const struct subject *s, const struct affected *affected,
                                 const struct package *package, bool *has_arch)
{
    enum applies in = APPLIES_NO;
    *has_arch = false;
    for (size_t i = 0; i < (package ? 1 : s->n_packages); i++) {
        const struct package *one = package ? package : s->packages[i];
        if (!scope_has_arch(affected, one))
            continue;
        *has_arch = true;
        in = applies_either(in, scope_module(affected, one));
    }
    return in;
}

static bool explain_scope(struct explaining *x, const struct subject *s,
                          const struct affected *affected, const struct package *package,
                          struct explanation *e)
{
    bool has_arch;
    enum applies in = scope_of_any(s, affected, package, &has_arch);
    const struct package *one = package ? package : s->packages[0];
    if (in == APPLIES_YES)
        return true;
    e->kind = !has_arch ? EXPLAIN_ARCH : in == APPLIES_NO ? EXPLAIN_MODULE : EXPLAIN_UNKNOWN;
    if (e->kind == EXPLAIN_UNKNOWN)
        e->note = str_from(subject_unknown(s, affected, e->version));
    else if (e->kind == EXPLAIN_ARCH)
        e->note = arena_printf(x->arena, "it speaks of " STR_FMT "%s, installed is " STR_FMT,
                               STR_ARG(affected->arches.ptr[0]),
                               affected->arches.len > 1 ? " and others" : "", STR_ARG(one->arch));
    else
        e->note = arena_printf(
            x->arena, "it speaks of %s" STR_FMT ", installed is of %s" STR_FMT,
            affected->module.len ? "module " : "builds ",
            STR_ARG(affected->module.len ? affected->module : STR("of another kind")),
            one->modularity.len ? "module " : "",
            STR_ARG(one->modularity.len ? scope_stream(one->modularity) : STR("no named module")));
    return e->note.ptr ? true : memory(x);
}

static bool explain_version(struct explaining *x, const struct subject *s,
                            const struct affected *affected, struct explanation *e)
{
    static const enum explain_kind kinds[] = {[OUTSIDE_ALL] = EXPLAIN_OUTSIDE,
                                              [OUTSIDE_FIXED] = EXPLAIN_FIXED,
                                              [OUTSIDE_BELOW] = EXPLAIN_NOT_YET};
    enum outside side;
    switch (range_applies(affected, s->scheme, e->version)) {
    case APPLIES_UNKNOWN:
        e->kind = EXPLAIN_UNKNOWN;
        e->note = str_from(subject_unknown(s, affected, e->version));
        return true;
    case APPLIES_NO:
        e->trace = range_outside(x->arena, affected, s->scheme, e->version, &side);
        e->kind = affected->state == FIX_NOT_AFFECTED ? EXPLAIN_OUTSIDE : kinds[side];
        break;
    case APPLIES_YES:
    default:
        e->trace = range_inside(x->arena, affected, s->scheme, e->version);
        e->kind = affected->state == FIX_NOT_AFFECTED ? EXPLAIN_DENIED : EXPLAIN_AFFECTED;
        break;
    }
    return e->trace.ptr ? true : memory(x);
}

static bool explain_statement(struct explaining *x, const struct subject *s,
                              const struct affected *affected, const struct package *package,
                              str name)
{
    struct explanation *e = push(x, EXPLAIN_WITHDRAWN, s->ecosystem, name);
    if (!e || !describe_subject(x, e, s, package))
        return false;
    e->state = affected->state;
    e->note = affected->note;
    if (affected->is_withdrawn || x->advisory.withdrawn.len) {
        e->note = x->advisory.withdrawn;
        return true;
    }
    if (!explain_version(x, s, affected, e))
        return false;
    bool is_in = e->kind == EXPLAIN_AFFECTED || e->kind == EXPLAIN_DENIED;
    if (is_in && !explain_scope(x, s, affected, package, e))
        return false;
    if (e->kind == EXPLAIN_AFFECTED)
        conclude(x, s, e);
    return true;
}

/* --- statements of the subject's own ecosystem
 * ---------------------------------------------------------------------------------------- */
static bool is_of_record(void *ctx, const struct affected *affected)
{
    const struct named_record *record = ctx;
    return str_eq(affected->source, record->source) && str_eq(affected->record, record->record);
}

static bool explain_named(struct explaining *x, const struct subject *s, str name,
                          const struct package *package)
{
    union {
        const struct named_record *borrowed;
        void *ctx;
    } of = {.borrowed = x->record};
    const struct affected_filter filter = {.wants = is_of_record, .ctx = of.ctx};
    affecteds list = {0};
    if (!x->lookup->find(x->lookup->ctx, x->arena, s->ecosystem, name, &filter, &list, x->err))
        return false;
    bool is_own_name = package && str_eq(package->name, s->name);
    for (size_t i = 0; i < list.len; i++) {
        const struct affected *affected = &list.ptr[i];
        if (!is_of_record(of.ctx, affected))
            continue;
        bool is_for_binary = s->is_os && affected->is_binary;
        bool is_either = str_eq(s->type, STR("rpm")) && !is_own_name;
        if (package ? is_for_binary || is_either : !is_for_binary)
            if (!explain_statement(x, s, affected, package, name))
                return false;
    }
    return true;
}

/* One place of the record against one subject: *is_here when it names something of it. */
static bool explain_here(struct explaining *x, const struct subject *s,
                         const struct advisory_place *place, bool *is_here)
{
    if (!str_eq(s->ecosystem, place->ecosystem))
        return true;
    if (str_eq(place->package, s->lookup_name)) {
        *is_here = true;
        if (!explain_named(x, s, s->lookup_name, NULL))
            return false;
    }
    for (size_t i = 0; s->is_os && i < s->n_packages; i++) {
        const struct package *package = s->packages[i];
        if (!str_eq(package->name, place->package) ||
            (i && str_eq(package->name, s->packages[i - 1]->name)))
            continue;
        *is_here = true;
        if (!explain_named(x, s, package->name, package))
            return false;
    }
    return true;
}

/* --- statements of others
 * --------------------------------------------------------------------------------------------- */
static str family_of(str ecosystem)
{
    str head, tail;
    (void)str_cut_byte(ecosystem, ':', &head, &tail);
    return head;
}

static bool has_name(const struct subject *s, str name)
{
    if (str_eq(s->name, name))
        return true;
    for (size_t i = 0; i < s->n_packages; i++)
        if (str_eq(s->packages[i]->name, name))
            return true;
    return false;
}

/* An OS package of that name, spoken of by upstream, another distribution or another release. */
static bool explain_elsewhere(struct explaining *x, const struct subject *s,
                              const struct advisory_place *place, bool *is_here)
{
    bool is_first = false;
    if (!s->is_os || str_eq(s->ecosystem, place->ecosystem) || !has_name(s, place->package))
        return true;
    *is_here = true;
    bool is_release =
        s->ecosystem.len && str_eq(family_of(s->ecosystem), family_of(place->ecosystem));
    str key = arena_printf(x->arena, "\t" STR_FMT "\t" STR_FMT "\t" STR_FMT "\t" STR_FMT,
                           STR_ARG(family_of(place->ecosystem)), STR_ARG(s->name),
                           STR_ARG(s->version), STR_ARG(x->record->source));
    if (!key.ptr)
        return memory(x);
    if (!is_new(x, key, &is_first))
        return false;
    if (!is_first)
        return true; /* one a family of ecosystems */
    struct explanation *e = push(x, is_release ? EXPLAIN_RELEASE : EXPLAIN_OTHER_SOURCE,
                                 place->ecosystem, place->package);
    return e && describe_subject(x, e, s, NULL);
}

/* What an OS package owns is no subject: its own ecosystem does not judge it. */
static bool explain_owned(struct explaining *x, const struct advisory_place *place, bool *is_here)
{
    const packages *all = &x->inventory->packages;
    for (size_t i = 0; i < all->len; i++) {
        const struct package *package = &all->ptr[i];
        const struct ecosystem_row *row = package->is_os ? NULL : ecosystem_find(package->type);
        if (!row || !package->owned_by.len || !str_eq(str_from(row->ecosystem), place->ecosystem))
            continue;
        str name = advisory_fold_name(x->arena, place->ecosystem, package->name);
        if (!name.ptr)
            return memory(x);
        if (!str_eq(name, place->package))
            continue;
        struct explanation *e = push(x, EXPLAIN_OWNED, place->ecosystem, place->package);
        if (!e)
            return false;
        e->type = package->type;
        e->name = package->name;
        e->version = package->version;
        e->path = package->path;
        e->layer = package->layer;
        e->owned_by = package->owned_by;
        *is_here = true;
    }
    return true;
}

/* --- statements of VEX feeds on products
 * ------------------------------------------------------------------------------------ */
static bool has_evidence_of(const struct finding *f, const struct named_record *record)
{
    for (size_t i = 0; i < f->evidence.len; i++)
        if (str_eq(f->evidence.ptr[i].source, record->source) &&
            str_eq(f->evidence.ptr[i].record, record->record))
            return true;
    return false;
}

static bool push_vex(struct explaining *x, const struct subject *s, const struct finding *f,
                     const struct advisory_place *place, enum explain_kind kind, str note)
{
    struct explanation *e = push(x, kind, place->ecosystem, place->package);
    if (!e || !describe_subject(x, e, s, NULL))
        return false;
    e->comparator = STR("");
    e->note = note;
    e->finding = kind == EXPLAIN_AFFECTED ? f : NULL;
    return e->note.ptr || note.len == 0 ? true : memory(x);
}

/* A finding that the statement was held against: what it said of it stands in the evidence. */
static bool explain_vex_finding(struct explaining *x, const struct subject *s,
                                const struct finding *f, const struct advisory_place *place)
{
    for (size_t i = 0; i < f->evidence.len; i++) {
        const struct finding_evidence *row = &f->evidence.ptr[i];
        if (!str_eq(row->source, x->record->source) || !str_eq(row->record, x->record->record))
            continue;
        bool is_denial = row->state == FIX_NOT_AFFECTED || row->state == FIX_FIXED;
        enum explain_kind kind = is_denial            ? EXPLAIN_DENIED
                                 : f->disabled_by.len ? EXPLAIN_VEX
                                                      : EXPLAIN_AFFECTED;
        return push_vex(x, s, f, place, kind, row->note);
    }
    return true;
}

/* It speaks of this package, and not of what is installed: another version, file or image. */
static bool explain_vex_other(struct explaining *x, const struct subject *s,
                              const struct advisory_place *place, bool *is_here)
{
    str ecosystem, name;
    struct package package = *s->packages[0];
    package.name = s->name;
    package.version = s->version;
    str purl = purl_of(x->arena, &package, &x->inventory->distro);
    if (!purl.ptr)
        return memory(x);
    if (!vex_product_key(purl, x->arena, &ecosystem, &name, x->err))
        return false;
    if (!str_eq(ecosystem, place->ecosystem) || !str_eq(name, place->package))
        return true;
    *is_here = true;
    return push_vex(x, s, NULL, place, EXPLAIN_OUTSIDE,
                    STR("it is not about what is installed: another version, part or file"));
}

static bool explain_vex_place(struct explaining *x, const struct advisory_place *place,
                              bool *is_here)
{
    if (!str_starts(place->ecosystem, STR("VEX:")))
        return true;
    for (size_t i = 0; i < x->subjects.len; i++) {
        const struct subject *s = &x->subjects.ptr[i];
        const struct finding *f = finding_of(x, s);
        bool is_held = f && has_evidence_of(f, x->record);
        bool is_first = false;
        str key = arena_printf(x->arena, "\tvex\t" STR_FMT "\t%zu", STR_ARG(x->record->record), i);
        if (!key.ptr)
            return memory(x);
        if (is_held && !is_new(x, key, &is_first))
            return false;
        *is_here |= is_held;
        if (is_held ? is_first && !explain_vex_finding(x, s, f, place)
                    : !explain_vex_other(x, s, place, is_here))
            return false;
    }
    return true;
}

/* Is the ecosystem one that this image's packages are judged by? */
static bool is_of_image(const struct explaining *x, str ecosystem)
{
    if (x->out->ecosystem.len && str_eq(x->out->ecosystem, ecosystem))
        return true;
    for (size_t i = 0; i < x->inventory->packages.len; i++) {
        const struct package *package = &x->inventory->packages.ptr[i];
        const struct ecosystem_row *row = package->is_os ? NULL : ecosystem_find(package->type);
        if (row && str_eq(str_from(row->ecosystem), ecosystem))
            return true;
    }
    return false;
}

static bool note_absent(struct explaining *x, const struct advisory_place *place)
{
    bool is_first = false;
    str key = arena_printf(x->arena, "\t\t" STR_FMT "\t" STR_FMT, STR_ARG(place->ecosystem),
                           STR_ARG(place->package));
    if (!key.ptr)
        return memory(x);
    if (!is_new(x, key, &is_first))
        return false;
    if (!is_first)
        return true;
    if (!is_of_image(x, place->ecosystem)) {
        x->out->n_elsewhere++;
        return true;
    }
    struct advisory_place *slot = vec_push(x->arena, &x->out->not_installed);
    if (!slot)
        return memory(x);
    *slot = *place;
    return true;
}

static bool explain_place(struct explaining *x, const struct advisory_place *place)
{
    bool is_here = false;
    for (size_t i = 0; i < x->subjects.len; i++)
        if (!explain_here(x, &x->subjects.ptr[i], place, &is_here) ||
            !explain_elsewhere(x, &x->subjects.ptr[i], place, &is_here))
            return false;
    return explain_vex_place(x, place, &is_here) && explain_owned(x, place, &is_here) &&
           (is_here || note_absent(x, place));
}

static bool explain_record(struct explaining *x, const struct named_record *record)
{
    x->record = record;
    if (!x->lookup->get(x->lookup->ctx, x->arena, record->source, record->record, &x->advisory,
                        x->err))
        return false;
    for (size_t i = 0; i < record->places.len; i++) {
        bool is_repeated = false;
        for (size_t j = 0; j < i && !is_repeated; j++)
            is_repeated = str_eq(record->places.ptr[i].package, record->places.ptr[j].package) &&
                          str_eq(record->places.ptr[i].ecosystem, record->places.ptr[j].ecosystem);
        if (!is_repeated && !explain_place(x, &record->places.ptr[i]))
            return false;
    }
    return true;
}

/* --- all of it
 * ------------------------------------------------------------------------------------------ */
static bool collect_subjects(struct explaining *x)
{
    struct subjects all;
    struct subject subject;
    if (!subjects_open(x->arena, x->inventory, x->out->ecosystem, &all))
        return memory(x);
    while (subject_next(&all, &subject)) {
        struct subject *slot = vec_push(x->arena, &x->subjects);
        if (!slot || !subject.lookup_name.ptr)
            return memory(x);
        *slot = subject;
    }
    return true;
}

static int cmp_explanations(const void *pa, const void *pb)
{
    const struct explanation *a = pa, *b = pb;
    int sign = (a->kind > b->kind) - (a->kind < b->kind);
    if (!sign)
        sign = str_cmp(a->name, b->name);
    if (!sign)
        sign = str_cmp(a->version, b->version);
    if (!sign)
        sign = str_cmp(a->path, b->path);
    if (!sign)
        sign = str_cmp(a->source, b->source);
    if (!sign)
        sign = str_cmp(a->record, b->record);
    if (!sign)
        sign = str_cmp(a->ecosystem, b->ecosystem);
    return sign ? sign : str_cmp(a->package, b->package);
}

static int cmp_places(const void *pa, const void *pb)
{
    const struct advisory_place *a = pa, *b = pb;
    int sign = str_cmp(a->package, b->package);
    return sign ? sign : str_cmp(a->ecosystem, b->ecosystem);
}

static bool enrich(struct explaining *x)
{
    for (size_t i = 0; i < x->names.len && x->lookup->enrich; i++) {
        if (!str_eq(identity_cve(x->names.ptr[i]), x->names.ptr[i]))
            continue;
        enrichments list;
        if (!x->lookup->enrich(x->lookup->ctx, x->arena, x->names.ptr[i], &list, x->err))
            return false;
        if (list.len && !x->out->enrichments.len)
            x->out->enrichments = list;
    }
    x->out->is_rejected = enrichment_is_rejected(&x->out->enrichments);
    return true;
}

bool match_explain(const struct match_lookup *lookup, const struct image_inventory *inventory,
                   const findings *found, str id, struct arena *arena, struct explain_result *out,
                   struct err *err)
{
    *out = (struct explain_result){.id = id};
    struct explaining x = {.lookup = lookup,
                           .inventory = inventory,
                           .found = found,
                           .arena = arena,
                           .out = out,
                           .err = err};
    map_init(&x.seen, arena);
    out->ecosystem = distro_ecosystem(&inventory->distro, arena);
    if (!out->ecosystem.ptr)
        return err_memory(err);
    out->is_covered = out->ecosystem.len && lookup->covers(lookup->ctx, out->ecosystem);
    if (!collect_subjects(&x) || !collect_records(&x) || !enrich(&x))
        return false;
    for (size_t i = 0; i < out->records.len; i++)
        if (!explain_record(&x, &out->records.ptr[i]))
            return false;
    vec_sort(&out->all, cmp_explanations);
    vec_sort(&out->not_installed, cmp_places);
    return true;
}
