/* SPDX-License-Identifier: Apache-2.0 */
/* vex.c - VEX statements against findings: which one counts, and what follows. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/num.h"
#include "match/internal.h"

typedef VEC(struct vex_parsed *) parsed_refs;

/* --- which statement counts
 * ------------------------------------------------------------------------------------------ */
static int64_t time_of(const struct vex_statement *statement)
{
    int64_t utc_s = INT64_MIN;
    return clock_parse(statement->timestamp, &utc_s) ? utc_s : INT64_MIN;
}

static bool index_name(struct vexing *v, str name, struct vex_parsed *statement)
{
    void **slot = map_at(&v->by_name, name);
    if (slot && !*slot)
        *slot = arena_new(v->arena, parsed_refs);
    struct vex_parsed **ref = slot && *slot ? vec_push(v->arena, (parsed_refs *)*slot) : NULL;
    if (!ref)
        return err_memory(v->err);
    *ref = statement;
    return true;
}

static bool index_statements(struct vexing *v, const vex_statements *said)
{
    struct vex_parsed *parsed = arena_array(v->arena, struct vex_parsed, said->len + 1);
    if (!parsed)
        return err_memory(v->err);
    for (size_t i = 0; i < said->len; i++) {
        const struct vex_statement *statement = &said->ptr[i];
        parsed[i] = (struct vex_parsed){.said = statement, .utc_s = time_of(statement)};
        if (!index_name(v, statement->vulnerability, &parsed[i]))
            return false;
        for (size_t j = 0; j < statement->aliases.len; j++)
            if (!index_name(v, statement->aliases.ptr[j], &parsed[i]))
                return false;
    }
    return true;
}

static int cmp_statements(const void *pa, const void *pb)
{
    const struct vex_parsed *a = *(struct vex_parsed *const *)pa,
                            *b = *(struct vex_parsed *const *)pb;
    return a->utc_s != b->utc_s ? (a->utc_s > b->utc_s) - (a->utc_s < b->utc_s) : (a > b) - (a < b);
}

static bool add_named(struct vexing *v, str name, parsed_refs *out)
{
    const parsed_refs *named = map_get(&v->by_name, name);
    for (size_t i = 0; named && i < named->len; i++) {
        struct vex_parsed **ref = vec_push(v->arena, out);
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
    *e = (struct finding_evidence){.source = statement->feed.len ? statement->feed : STR("vex"),
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
    parsed_refs refs = {0};
    if (!add_named(v, f->id, &refs))
        return false;
    for (size_t i = 0; i < f->aliases.len; i++)
        if (!add_named(v, f->aliases.ptr[i], &refs))
            return false;
    if (refs.len && !vex_target(v, f))
        return err_memory(v->err);
    vec_sort(&refs, cmp_statements);
    for (size_t i = 0; i < refs.len; i++) {
        bool is_meant = false;
        if (i && refs.ptr[i] == refs.ptr[i - 1])
            continue; /* by two of its names */
        if (!vex_means(v, refs.ptr[i], &is_meant) ||
            (is_meant && !take_away(v, f, refs.ptr[i]->said)))
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
    map_init(&v.files, arena);
    if (!index_statements(&v, said))
        return false;
    for (size_t i = 0; said->len && i < all->len; i++) {
        struct finding *f = &all->ptr[i];
        const char *before = f->disabled_by.ptr;
        if (!apply_to(&v, f))
            return false;
        *n_disabled += f->disabled_by.len && f->disabled_by.ptr != before;
    }
    return true;
}
