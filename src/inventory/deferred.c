/* SPDX-License-Identifier: Apache-2.0 */
/* deferred.c - files that mean something only together, such as an SQLite database and its -wal,
 * each of which may be of another layer: what they held together after each layer. */
#include <string.h>

#include "inventory/internal.h"

enum { SIDE_BYTES_MIN = 33 }; /* a -wal of no more than its head holds nothing */

/* NULL: nothing beside it matters. */
static const char *suffix_of(const struct spot *spot)
{
    for (size_t i = 0; i < spot->states.len; i++)
        if (spot->states.ptr[i].record)
            return spot->states.ptr[i].record->detector->side_suffix;
    return NULL;
}

static bool is_side_record(const struct file_record *record)
{
    return record && record->detector->side_suffix &&
           (!record->has_raw || record->raw.len >= SIDE_BYTES_MIN);
}

/* --- together --------------------------------------------------------------------------------- */
static int cmp_packages(const void *a, const void *b) { return package_cmp_key(a, b); }

static bool fail(struct arena *arena, struct file_record *out, const char *why, struct err *err)
{
    out->is_failed = true;
    out->reason = arena_dup(arena, str_from(why));
    return out->reason.ptr || err_memory(err);
}

bool inventory_combine(struct arena *arena, const struct detector *detector, str bytes, str side,
                       struct file_record *out, struct err *err)
{
    struct err why = {0};
    *out = (struct file_record){.detector = detector, .distro.layer = -1};
    if (!detector->combine)
        return err_set(err, ERR_UNSUPPORTED, "detector \"%s\" combines nothing", detector->name);
    if (!detector->combine(arena, bytes, side, out, &why)) {
        if (why.kind == ERR_MEMORY) {
            *err = why;
            return false;
        }
        if (!fail(arena, out, why.msg, err))
            return false;
    }
    vec_sort(&out->packages, cmp_packages);
    owners_seal(out);
    return true;
}

static bool combine_here(void *ctx, struct arena *arena, const struct file_record *main, str side,
                         struct file_record *out, struct err *err)
{
    (void)ctx;
    return inventory_combine(arena, main->detector, main->raw, side, out, err);
}
const struct combiner combiner_here = {.combine = combine_here};

static bool are_both_kept(const struct file_record *main, const struct file_record *side)
{
    return main->has_raw && side->has_raw && main->raw.len > 0;
}

/* What @main holds with @side beside it.  Where that cannot be known it stays as it is, and says
 * so. */
static bool combine(struct arena *arena, const struct combiner *combiner,
                    const struct file_record *main, const struct file_record *side,
                    const struct file_record **out, struct err *err)
{
    struct file_record *both = arena_new(arena, struct file_record), got = {0};
    if (!both)
        return err_memory(err);
    *both = *main;
    *out = both;
    if (!are_both_kept(main, side))
        return fail(arena, both,
                    main->raw.len || !main->has_raw
                        ? "a file beside it changes it, and one is too large to keep (deferred)"
                        : "empty, but with a file beside it that is not",
                    err);
    if (!combiner->combine(combiner->ctx, arena, main, side->raw, &got, err))
        return false;
    both->is_failed = got.is_failed;
    both->reason = got.reason;
    if (got.is_failed && got.packages.len == 0)
        return true; /* better old than none */
    both->packages = got.packages;
    both->owners = got.owners;
    both->n_owned = got.n_owned;
    return true;
}

struct pair {
    const struct spot *spot, *side;
    size_t at, side_at;
    const struct file_record *record, *side_record;
};

/* The next layer that changed one of the two; false: there is none. */
static bool next_change(struct pair *pair, int *layer)
{
    const struct spot_state *a = NULL, *b = NULL;
    if (pair->at < pair->spot->states.len)
        a = &pair->spot->states.ptr[pair->at];
    if (pair->side_at < pair->side->states.len)
        b = &pair->side->states.ptr[pair->side_at];
    if (!a && !b)
        return false;
    *layer = !b || (a && a->layer < b->layer) ? a->layer : b->layer;
    if (a && a->layer == *layer) {
        pair->record = a->record;
        pair->at++;
    }
    if (b && b->layer == *layer) {
        pair->side_record = b->record;
        pair->side_at++;
    }
    return true;
}

static bool combine_states(struct tree *tree, const struct combiner *combiner, struct spot *spot,
                           const struct spot *side, struct err *err)
{
    __typeof__(spot->states) states = {0};
    struct pair pair = {.spot = spot, .side = side};
    int layer;
    while (next_change(&pair, &layer)) {
        const struct file_record *record = pair.record;
        if (!record && states.len == 0)
            continue;
        if (record && is_side_record(pair.side_record) &&
            !combine(tree->arena, combiner, record, pair.side_record, &record, err))
            return false;
        struct spot_state *state = vec_push(tree->arena, &states);
        if (!state)
            return err_memory(err);
        *state = (struct spot_state){layer, record};
    }
    spot->states = states;
    if (spot->record && states.len)
        spot->record = states.ptr[states.len - 1].record;
    return true;
}

/* --- what lies beside what -------------------------------------------------------------------- */
/* The file beside @spot, also one that is gone; NULL: there never was one. */
static bool find_side(const struct tree *tree, const struct spot *spot, struct spot **side,
                      struct err *err)
{
    str path = arena_printf(tree->arena, STR_FMT "%s", STR_ARG(spot->path), suffix_of(spot));
    *side = path.ptr ? map_get(&tree->spots, path) : NULL;
    return path.ptr || err_memory(err);
}

static bool is_side_name(const struct spot *spot)
{
    return str_ends(spot->path, str_from(suffix_of(spot)));
}

/* A link, a device or a hard link to the unknown in the place of the side file. */
static bool tell_unknown(struct tree *tree, struct spot *spot, struct err *err)
{
    struct file_record *copy = arena_new(tree->arena, struct file_record);
    if (!copy)
        return err_memory(err);
    *copy = *spot->record;
    spot->record = copy;
    spot->states.ptr[spot->states.len - 1].record = copy;
    return fail(tree->arena, copy, "a file beside it changes it, and no layer tells what that is",
                err);
}

bool deferred_combine(struct tree *tree, const struct combiner *combiner, struct err *err)
{
    for (size_t i = 0; i < tree->spots.len; i++) {
        struct spot *spot = tree->spots.entries[i].value, *side;
        if (!suffix_of(spot) || is_side_name(spot))
            continue;
        if (!find_side(tree, spot, &side, err))
            return false;
        if (!side)
            continue;
        if (side->states.len && !combine_states(tree, combiner, spot, side, err))
            return false;
        bool is_known = side->kind == SPOT_ABSENT || (side->kind == SPOT_FILE && side->record &&
                                                      side->record->detector->side_suffix);
        if (!is_known && spot->record && !tell_unknown(tree, spot, err))
            return false;
    }
    return true;
}

bool deferred_is_alone(const struct tree *tree, const struct spot *spot)
{
    if (!suffix_of(spot) || !is_side_name(spot) || !is_side_record(spot->record))
        return false;
    size_t suffix = str_from(suffix_of(spot)).len;
    const struct spot *main =
        map_get(&tree->spots, str_slice(spot->path, 0, spot->path.len - suffix));
    return !main || main->kind != SPOT_FILE;
}
