/* SPDX-License-Identifier: Apache-2.0 */
/* judge.c - from the statements on a subject to its vulnerabilities. */
#include "match/internal.h"

#include "base/num.h"

bool subject_is_own(const struct subject *subject, str source)
{
    str rest = str_skip(source, subject->own.len);
    return subject->own.len && str_starts(source, subject->own) &&
           (rest.len == 0 || str_starts(rest, STR("-")));
}

/* What could not be judged, for one notice a subject. */
struct unknowns {
    size_t n;
    str installed;
    const struct affected *first;
};

struct judging {
    struct context *context;
    const struct subject *subject;
    claims claims;
    struct unknowns unknowns;
};

/* NULL with the error set. */
static const struct advisory *load_record(struct judging *j, const struct affected *affected)
{
    struct context *c = j->context;
    struct advisory *advisory = arena_new(c->arena, struct advisory);
    if (!advisory) {
        err_memory(c->err);
        return NULL;
    }
    if (c->lookup->get(c->lookup->ctx, c->arena, affected->source, affected->record, advisory,
                       c->err))
        return advisory;
    err_wrap(c->err, "record " STR_FMT " of " STR_FMT, STR_ARG(affected->record),
             STR_ARG(affected->source));
    return NULL;
}

/* Of @package, or of any of the subject's. */
static enum applies in_scope(const struct judging *j, const struct affected *affected,
                             const struct package *package)
{
    if (package)
        return scope_of(affected, package);
    enum applies in = APPLIES_NO;
    for (size_t i = 0; i < j->subject->n_packages && in != APPLIES_YES; i++)
        in = applies_either(in, scope_of(affected, j->subject->packages[i]));
    return in;
}

static str version_of(const struct judging *j, const struct package *package)
{
    return package ? package->version : j->subject->version;
}

static bool add_statement(struct judging *j, const struct affected *affected,
                          const struct package *package)
{
    str installed = version_of(j, package);
    enum applies applies = range_applies(affected, j->subject->scheme, installed);
    bool is_denial = affected->state == FIX_NOT_AFFECTED;
    if (applies != APPLIES_NO)
        applies = applies_both(applies, in_scope(j, affected, package));
    if (applies == APPLIES_NO || affected->is_withdrawn || (is_denial && applies != APPLIES_YES))
        return true; /* a denial that may not apply denies nothing */
    const struct advisory *advisory = load_record(j, affected);
    if (!advisory)
        return false;
    if (advisory->withdrawn.len)
        return true;
    if (applies == APPLIES_UNKNOWN) {
        if (j->unknowns.n++ == 0)
            j->unknowns = (struct unknowns){1, installed, affected};
        return true;
    }
    struct claim *claim = vec_push(j->context->arena, &j->claims);
    if (!claim)
        return err_memory(j->context->err);
    *claim = (struct claim){.affected = affected,
                            .advisory = advisory,
                            .package = package,
                            .installed = installed,
                            .is_denial = is_denial,
                            .is_own = subject_is_own(j->subject, affected->source)};
    return true;
}

/* --- the cheap question, asked of every statement before anything is kept of it
 * -------------------------------------------------------------------------------- */
struct question {
    const struct judging *judging;
    const struct package *package; /* whose own name was looked up; NULL: the subject's */
    bool is_read;
    struct installed installed; /* when is_read */
};

static bool may_matter(void *ctx, const struct affected *affected)
{
    struct question *q = ctx;
    if (affected->is_withdrawn)
        return false;
    if (!q->package && q->judging->subject->is_os && affected->is_binary)
        return true; /* for the binaries of the source's name, whatever their version */
    if (!q->is_read)
        q->installed =
            installed_of(q->judging->subject->scheme, version_of(q->judging, q->package));
    q->is_read = true;
    return range_applies_to(affected, &q->installed) != APPLIES_NO;
}

static bool look_up(struct judging *j, const struct package *package, affecteds *out)
{
    struct context *c = j->context;
    struct question question = {.judging = j, .package = package};
    const struct affected_filter filter = {.wants = may_matter, .ctx = &question};
    str name = package ? package->name : j->subject->lookup_name;
    *out = (affecteds){0};
    return c->lookup->find(c->lookup->ctx, c->arena, j->subject->ecosystem, name, &filter, out,
                           c->err) ||
           err_wrap(c->err, "package " STR_FMT, STR_ARG(name));
}

/* Publishers of rpm advisories name binary packages (AlmaLinux), sources (Rocky), or both: what is
 * said under either name counts. */
static bool names_either(const struct judging *j, const struct package *package)
{
    return str_eq(package->type, STR("rpm")) && !str_eq(package->name, j->subject->name);
}

/* Statements on a binary package are for its own version, which may differ from its source's. */
static bool add_binary(struct judging *j, const struct package *package, const affecteds *of_source)
{
    affecteds found;
    const affecteds *statements = of_source;
    if (!str_eq(package->name, j->subject->name)) {
        if (!look_up(j, package, &found))
            return false;
        statements = &found; /* its elements are in the arena */
    }
    for (size_t i = 0; i < statements->len; i++)
        if ((statements->ptr[i].is_binary || names_either(j, package)) &&
            !add_statement(j, &statements->ptr[i], package))
            return false;
    return true;
}

static bool is_repeated(const struct subject *subject, size_t i)
{
    if (i == 0)
        return false;
    const struct package *a = subject->packages[i - 1], *b = subject->packages[i];
    return str_eq(a->name, b->name) && str_eq(a->version, b->version) && str_eq(a->arch, b->arch);
}

static bool collect(struct judging *j)
{
    const struct subject *subject = j->subject;
    affecteds statements;
    if (!look_up(j, NULL, &statements))
        return false;
    for (size_t i = 0; i < statements.len; i++)
        if (!(subject->is_os && statements.ptr[i].is_binary) &&
            !add_statement(j, &statements.ptr[i], NULL))
            return false;
    for (size_t i = 0; subject->is_os && i < subject->n_packages; i++)
        if (!is_repeated(subject, i) && !add_binary(j, subject->packages[i], &statements))
            return false;
    return true;
}

const char *subject_unknown(const struct subject *subject, const struct affected *affected,
                            str installed)
{
    if (!subject->scheme)
        return "we do not know its order of versions";
    if (!subject->scheme->is_valid(installed))
        return "its version is not a valid one";
    if (subject->scheme->is_moving && subject->scheme->is_moving(installed))
        return "it is of a branch, whose code changes under one name";
    if (range_applies(affected, subject->scheme, installed) == APPLIES_YES)
        return "it is a module build, and its database does not say of which module";
    if (affected->ranges.len == 0 && affected->versions.len == 0)
        return "no version is named";
    return "a version in them is not a valid one";
}

static bool tell_unknowns(struct judging *j)
{
    const struct unknowns *u = &j->unknowns;
    if (u->n == 0)
        return true;
    struct context *c = j->context;
    const struct subject *subject = j->subject;
    const char *why = subject_unknown(subject, u->first, u->installed);
    str message = arena_printf(
        c->arena,
        STR_FMT " " STR_FMT " could not be compared (%s) with %zu advisories, first " STR_FMT
                " of " STR_FMT ": %s",
        STR_ARG(subject->name), STR_ARG(u->installed), subject->scheme_name, u->n,
        STR_ARG(u->first->record), STR_ARG(u->first->source), why);
    str path = subject->packages[0]->path;
    return (message.ptr &&
            notice_add(c->arena, &c->out->notices, NOTICE_VERSION, true, path, message)) ||
           err_memory(c->err);
}

bool judge(struct context *context, const struct subject *subject)
{
    struct judging j = {.context = context, .subject = subject};
    if (!collect(&j) || !tell_unknowns(&j))
        return false;
    link_list links = {0};
    if (j.claims.len && !identify(context->arena, &j.claims, &links))
        return err_memory(context->err);
    for (size_t i = 0, end; i < links.len; i = end) {
        for (end = i + 1; end < links.len && str_eq(links.ptr[i].id, links.ptr[end].id);)
            end++;
        if (!finding_make(context, subject, &links.ptr[i], end - i))
            return false;
    }
    return true;
}
