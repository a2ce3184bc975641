/* SPDX-License-Identifier: Apache-2.0 */
/* words.c - what a finding tells a reader: its names, texts, references, and the evidence. */
#include "match/internal.h"

#include <stdlib.h>

static struct arena *arena_of(const struct making *m) { return m->context->arena; }

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

static bool add_strs(struct arena *arena, strs *to, const strs *from)
{
    for (size_t i = 0; i < from->len; i++)
        if (!push_unique(arena, to, from->ptr[i]))
            return false;
    return true;
}

/* What a record lacks is had from those of the CVE itself. */
static bool borrow_words(struct making *m)
{
    struct finding *f = m->finding;
    bool has_references = f->references.len > 0;
    for (size_t i = 0; i < m->enrichments.len; i++) {
        const struct enrichment *e = &m->enrichments.ptr[i];
        if (e->is_rejected)
            continue;
        first_of(&f->title, e->title);
        first_of(&f->description, e->description);
        first_of(&f->published, e->published);
        first_of(&f->modified, e->modified);
        if (!add_strs(arena_of(m), &f->cwes, &e->cwes) ||
            (!has_references && !add_strs(arena_of(m), &f->references, &e->references)))
            return false;
    }
    return true;
}

static bool describe_words(struct making *m)
{
    struct finding *f = m->finding;
    const struct claim *claim;
    for (size_t i = 0; (claim = making_next(m, &i));) {
        const struct advisory *a = claim->advisory;
        first_of(&f->title, a->title);
        first_of(&f->description, a->description);
        first_of(&f->published, a->published);
        first_of(&f->modified, a->modified);
        if (!add_names(m, a) || !add_strs(arena_of(m), &f->references, &a->references) ||
            !add_strs(arena_of(m), &f->cwes, &a->cwes))
            return false;
    }
    if (!borrow_words(m))
        return false;
    sort_unique(&f->aliases);
    sort_unique(&f->references);
    sort_unique(&f->cwes);
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

static bool push_evidence(struct making *m, const struct finding_evidence *evidence)
{
    if (has_evidence(m->finding, evidence))
        return true;
    struct finding_evidence *slot = vec_push(arena_of(m), &m->finding->evidence);
    if (slot)
        *slot = *evidence;
    return slot != NULL;
}

static bool add_evidence(struct making *m)
{
    const struct claim *claim;
    for (size_t i = 0; (claim = making_next(m, &i));) {
        struct finding_evidence evidence = {
            .source = claim->affected->source,
            .record = claim->affected->record,
            .revision = claim->advisory->revision,
            .range =
                range_print(arena_of(m), claim->affected, m->subject->scheme, claim->installed),
            .comparator = str_from(m->subject->scheme_name),
            .installed = claim->installed,
            .state = claim->affected->state,
            .note = claim->affected->note,
        };
        if (!evidence.range.ptr || !push_evidence(m, &evidence))
            return false;
    }
    return true;
}

static bool add_rejections(struct making *m)
{
    for (size_t i = 0; m->is_rejected && i < m->enrichments.len; i++) {
        const struct enrichment *e = &m->enrichments.ptr[i];
        const struct finding_evidence evidence = {.source = e->source,
                                                  .record = m->finding->id,
                                                  .revision = e->modified,
                                                  .note = STR("rejected by who gave the CVE")};
        if (e->is_rejected && !push_evidence(m, &evidence))
            return false;
    }
    return true;
}

bool words_fill(struct making *m)
{
    return describe_words(m) && add_evidence(m) && add_rejections(m);
}
