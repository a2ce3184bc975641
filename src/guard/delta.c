/* SPDX-License-Identifier: Apache-2.0 */
/* delta.c - what a new generation of advisories changes about the units of images.
 *
 *     advisory_diff ─> changed keys ─> units that ask for them ─> each judged by both generations
 *                                                              ─> findings that came, went, changed
 *
 * A finding that says something else at the same place is one row's new text for all images (a fact
 * renewed), unless its severity or anything else that is counted changed, or another unit shares
 * the row and goes another way: then it is written image by image.  What the two judgements cannot
 * tell of the image as a whole (coverage, end of life, what could not be compared, rejected CVEs,
 * what VEX takes away) makes the images that hold the unit due to be matched whole. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "guard/internal.h"

enum { BATCH = 256, CVES_MAX = 20000 };

/* What became of a fact in this run. */
struct fact_course {
    uint8_t to[STORE_FACT_DIGEST];
    size_t wish; /* and one: not settled yet */
};
struct pending {
    struct unit_delta *delta;
    struct unit_change change;
    size_t wish;
    bool is_conditional; /* only where the fact was not renewed */
};
struct making {
    struct loop *loop;
    const struct advisory_db *from, *to;
    int64_t now;
    struct deltas *out;
    struct arena scratch; /* of a batch */
    unit_keys keys;
    unit_keys uncovered; /* keys of ecosystems covered by one of the two only */
    struct map cves;     /* that changed */
    struct map courses;  /* digest of a fact → struct fact_course */
    VEC(struct fact_wish) wishes;
    VEC(struct fact_course *) renewed; /* by wish; NULL: not a renewal */
    VEC(struct pending) pending;
};

/* --- keys that changed
 * ---------------------------------------------------------------------------------------- */
static bool push_key(struct making *m, unit_keys *to, uint64_t key)
{
    uint64_t *slot = vec_push(&m->out->arena, to);
    if (slot)
        *slot = key;
    return slot != NULL;
}

static bool wants_name(void *ctx, str name)
{
    struct making *m = ctx;
    str cve = identity_cve(name);
    return cve.len && map_get(&m->cves, cve);
}

static bool take_place(void *ctx, const struct advisory_place *place)
{
    struct making *m = ctx;
    return push_key(m, &m->keys, unit_key(place->ecosystem, place->package));
}

/* A CVE that is rated anew: every package that a record with its name speaks of. */
static bool add_cves(struct making *m, const struct advisory_changes *changes, struct err *err)
{
    const strs *const lists[] = {&changes->cves, &changes->epss};
    const struct advisory_names names = {wants_name, take_place, m};
    map_init(&m->cves, &m->out->arena);
    for (size_t l = 0; l < ARRAY_LEN(lists); l++)
        for (size_t i = 0; i < lists[l]->len; i++)
            if (!map_put(&m->cves, lists[l]->ptr[i], m))
                return err_memory(err);
    if (!m->cves.len)
        return true;
    m->out->is_all = m->cves.len > CVES_MAX; /* to look at every unit is cheaper */
    return m->out->is_all ||
           (advisory_places_of(m->from, &names, err) && advisory_places_of(m->to, &names, err));
}

static bool add_changes(struct making *m, struct err *err)
{
    struct advisory_changes changes;
    if (!advisory_diff(m->from, m->to, &m->out->arena, &changes, err))
        return false;
    for (size_t i = 0; i < changes.packages.len; i++)
        if (!push_key(m, &m->keys,
                      unit_key(changes.packages.ptr[i].ecosystem, changes.packages.ptr[i].package)))
            return err_memory(err);
    for (size_t i = 0; i < changes.ecosystems.len; i++) {
        uint64_t key = unit_key(changes.ecosystems.ptr[i], STR(""));
        if (!push_key(m, &m->keys, key) || !push_key(m, &m->uncovered, key))
            return err_memory(err);
    }
    m->out->n_keys = m->keys.len;
    return add_cves(m, &changes, err);
}

/* Images of which VEX statements speak by name: they are matched whole. */
static bool add_spoken_of(struct making *m, struct err *err)
{
    const struct advisory_db *const dbs[] = {m->from, m->to};
    map_init(&m->out->spoken_of, &m->out->arena);
    for (size_t d = 0; d < ARRAY_LEN(dbs); d++) {
        strs names = {0};
        if (advisory_db_has_vex(dbs[d]) &&
            !advisory_packages(dbs[d], &m->out->arena, STR("VEX:oci"), &names, err))
            return false;
        for (size_t i = 0; i < names.len; i++)
            if (!map_put(&m->out->spoken_of, names.ptr[i], m))
                return err_memory(err);
    }
    return true;
}

/* --- the units that ask for them
 * ---------------------------------------------------------------------------------------- */
/* Units whose findings may share facts with these: their facts are renewed together or not at all.
 */
static bool add_kin(struct making *m, const store_ids *ids, struct err *err)
{
    for (size_t i = 0; i < ids->len; i += BATCH) {
        stored_units list = {0};
        arena_reset(&m->scratch);
        if (!store_units_load(m->loop->store, &m->scratch, ids->ptr + i,
                              ids->len - i < BATCH ? ids->len - i : BATCH, &list, err))
            return false;
        for (size_t j = 0; j < list.len; j++) {
            struct unit unit;
            unit_keys kin;
            if (!unit_parse(&m->scratch, list.ptr[j].bytes, &unit, err) ||
                !unit_kin_of(&m->scratch, &unit, &kin, err))
                return false;
            for (size_t k = 0; k < kin.len; k++)
                if (!push_key(m, &m->keys, kin.ptr[k]))
                    return err_memory(err);
        }
    }
    return true;
}

static bool all_units(struct making *m, store_ids *out, struct err *err)
{
    size_t before;
    do {
        before = out->len;
        if (!store_units_after(m->loop->store, &m->out->arena, before ? out->ptr[before - 1] : 0,
                               10000, out, err))
            return false;
    } while (out->len > before);
    return true;
}

static bool find_units(struct making *m, store_ids *out, struct err *err)
{
    struct store *store = m->loop->store;
    if (m->out->is_all)
        return all_units(m, out, err);
    store_ids first = {0};
    unit_keys_sort(&m->keys);
    if (!store_units_find(store, &m->out->arena, m->keys.ptr, m->keys.len, &first, err) ||
        !add_kin(m, &first, err) ||
        !push_key(m, &m->keys, UNIT_KEY_WHOLE)) /* a release may have ended meanwhile */
        return err_is(err) ? false : err_memory(err);
    unit_keys_sort(&m->keys);
    return store_units_find(store, &m->out->arena, m->keys.ptr, m->keys.len, out, err);
}

/* --- what differs
 * -----------------------------------------------------------------------------------------------
 */
static void count(struct unit_change *change, const struct finding *f, int sign)
{
    int *const of[] = {[SEVERITY_UNKNOWN] = &change->counts.unknown,
                       [SEVERITY_NONE] = &change->counts.low,
                       [SEVERITY_LOW] = &change->counts.low,
                       [SEVERITY_MEDIUM] = &change->counts.medium,
                       [SEVERITY_HIGH] = &change->counts.high,
                       [SEVERITY_CRITICAL] = &change->counts.critical};
    if (f->class == CLASS_KERNEL_HEADERS)
        return;
    *of[f->severity <= SEVERITY_CRITICAL ? f->severity : SEVERITY_UNKNOWN] += sign;
    change->counts.patchable += f->is_patchable ? sign : 0;
}

static bool dup_texts(struct arena *arena, struct finding *f)
{
    str *const texts[] = {&f->id, &f->type, &f->package_name, &f->package_version, &f->path};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (!(*texts[i] = arena_dup(arena, *texts[i])).ptr)
            return false;
    return true;
}

/* @before or @after may be NULL. */
static bool change_of(struct making *m, const struct finding *before, const struct finding *after,
                      struct unit_change *out, struct err *err)
{
    const struct finding *f = after ? after : before;
    *out = (struct unit_change){.is_put = after != NULL,
                                .layer = f->layer,
                                .is_from_base = f->is_from_base,
                                .finding = {.id = f->id,
                                            .type = f->type,
                                            .package_name = f->package_name,
                                            .package_version = f->package_version,
                                            .path = f->path,
                                            .class = f->class}};
    if (before)
        count(out, before, -1);
    if (after)
        count(out, after, 1);
    return dup_texts(&m->out->arena, &out->finding) || err_memory(err);
}

static bool push_change(struct making *m, struct unit_delta *delta,
                        const struct unit_change *change, struct err *err)
{
    struct unit_change *slot = vec_push(&m->out->arena, &delta->changes);
    if (!slot)
        return err_memory(err);
    *slot = *change;
    return true;
}

static bool push_wish(struct making *m, const struct finding *before, const struct finding *after,
                      struct fact_course *course, size_t *which, struct err *err)
{
    struct fact_wish *wish = vec_push(&m->scratch, &m->wishes);
    struct fact_course **slot = vec_push(&m->scratch, &m->renewed);
    if (!wish || !slot)
        return err_memory(err);
    *wish = (struct fact_wish){.before = before, .after = after};
    *slot = course;
    *which = m->wishes.len - 1;
    return true;
}

static bool push_pending(struct making *m, struct unit_delta *delta, const struct finding *before,
                         const struct finding *after, size_t wish, bool is_conditional,
                         struct err *err)
{
    struct pending *p = vec_push(&m->scratch, &m->pending);
    if (!p)
        return err_memory(err);
    *p = (struct pending){.delta = delta, .wish = wish, .is_conditional = is_conditional};
    return change_of(m, before, after, &p->change, err);
}

static bool put(struct making *m, struct unit_delta *delta, const struct finding *before,
                const struct finding *after, struct err *err)
{
    size_t wish = 0;
    return push_wish(m, NULL, after, NULL, &wish, err) &&
           push_pending(m, delta, before, after, wish, false, err);
}

static bool is_counted_alike(const struct finding *a, const struct finding *b)
{
    return a->severity == b->severity && a->is_patchable == b->is_patchable && a->class == b->class;
}

static bool is_in_place(const struct finding *a, const struct finding *b)
{
    return str_eq(a->path, b->path) && a->layer == b->layer && a->is_from_base == b->is_from_base;
}

struct pair {
    const struct finding *before, *after;
    bool is_vexed;
};

/* The first that has this fact says where it goes; who wants something else writes its own rows. */
static bool compare_pair(struct making *m, struct unit_delta *delta, const struct pair *pair,
                         struct err *err)
{
    const struct finding *before = pair->before, *after = pair->after;
    uint8_t was[STORE_FACT_DIGEST], is[STORE_FACT_DIGEST];
    size_t wish = 0;
    if (!store_fact_digest(before, was, err) || !store_fact_digest(after, is, err))
        return false;
    str key = arena_dup(&m->out->arena, str_of((const char *)was, sizeof(was)));
    void **at = key.ptr ? map_at(&m->courses, key) : NULL;
    if (!at)
        return err_memory(err);
    bool is_same = memcmp(was, is, sizeof(was)) == 0, is_first = !*at;
    bool may_renew = !is_same && !pair->is_vexed && is_in_place(before, after) &&
                     is_counted_alike(before, after);
    struct fact_course *course = is_first ? arena_new(&m->out->arena, struct fact_course) : *at;
    if (!course)
        return err_memory(err);
    *at = course;
    if (is_first) {
        memcpy(course->to, may_renew ? is : was, sizeof(was));
        if (is_same && is_in_place(before, after))
            return true;
        if (!may_renew)
            return put(m, delta, before, after, err);
        if (!push_wish(m, before, after, course, &wish, err))
            return false;
        course->wish = wish + 1;
        return push_pending(m, delta, before, after, wish, true, err);
    }
    if (memcmp(course->to, is, sizeof(is)) != 0 || !is_in_place(before, after) ||
        !is_counted_alike(before, after))
        return put(m, delta, before, after, err);
    return !course->wish || push_pending(m, delta, before, after, course->wish - 1, true, err);
}

/* --- one unit
 * ---------------------------------------------------------------------------------------------------
 */
static str key_of(struct arena *arena, const struct finding *f)
{
    return arena_printf(arena, STR_FMT "\n" STR_FMT "\n" STR_FMT "\n" STR_FMT "\n" STR_FMT,
                        STR_ARG(f->id), STR_ARG(f->type), STR_ARG(f->package_name),
                        STR_ARG(f->package_version),
                        STR_ARG(f->class == CLASS_LANGUAGE ? f->path : STR("")));
}

static bool has_disabled(const struct unit_judgement *j)
{
    for (size_t i = 0; i < j->findings.len; i++)
        if (j->findings.ptr[i].disabled_by.len)
            return true;
    return false;
}

static bool has_same_notices(const notices *a, const notices *b)
{
    bool is_same = a->len == b->len;
    for (size_t i = 0; is_same && i < a->len; i++)
        is_same = a->ptr[i].kind == b->ptr[i].kind && str_eq(a->ptr[i].message, b->ptr[i].message);
    return is_same;
}

/* Both come in one order. */
static bool is_same_judgement(const struct unit_judgement *a, const struct unit_judgement *b,
                              bool *is_same, struct err *err)
{
    *is_same = a->findings.len == b->findings.len;
    for (size_t i = 0; *is_same && i < a->findings.len; i++) {
        const struct finding *x = &a->findings.ptr[i], *y = &b->findings.ptr[i];
        uint8_t dx[STORE_FACT_DIGEST], dy[STORE_FACT_DIGEST];
        if (!store_fact_digest(x, dx, err) || !store_fact_digest(y, dy, err))
            return false;
        *is_same = memcmp(dx, dy, sizeof(dx)) == 0 && is_in_place(x, y) &&
                   str_eq(x->disabled_by, y->disabled_by);
    }
    return true;
}

static bool compare(struct making *m, struct unit_delta *delta, const struct unit_judgement *was,
                    const struct unit_judgement *is, struct err *err)
{
    struct map before;
    map_init(&before, &m->scratch);
    for (size_t i = 0; i < was->findings.len; i++) {
        str key = key_of(&m->scratch, &was->findings.ptr[i]);
        if (!key.ptr || !map_put(&before, key, &was->findings.ptr[i]))
            return err_memory(err);
    }
    for (size_t i = 0; i < is->findings.len; i++) {
        const struct finding *f = &is->findings.ptr[i];
        str key = key_of(&m->scratch, f);
        void **at = key.ptr ? map_at(&before, key) : NULL;
        if (!at)
            return err_memory(err);
        const struct finding *old = *at;
        *at = NULL;
        const struct pair pair = {
            old, f, is->is_vexed[i] || (old && was->is_vexed[old - was->findings.ptr])};
        if (!(old ? compare_pair(m, delta, &pair, err) : put(m, delta, NULL, f, err)))
            return false;
    }
    for (size_t i = 0; i < before.len; i++) {
        struct unit_change change;
        if (before.entries[i].value &&
            (!change_of(m, before.entries[i].value, NULL, &change, err) ||
             !push_change(m, delta, &change, err)))
            return false;
    }
    return true;
}

/* Of the image as a whole: did its coverage change, or has its release ended since? */
static bool whole_is_due(struct making *m, const struct unit *unit, bool *is_due, struct err *err)
{
    unit_keys keys;
    *is_due = !unit->is_end_of_life && distro_is_end_of_life(&unit->part.distro, m->now);
    if (!unit_keys_of(&m->scratch, unit, &keys, err))
        return false;
    for (size_t i = 0; i < keys.len; i++)
        for (size_t j = 0; j < m->uncovered.len; j++)
            *is_due = *is_due || keys.ptr[i] == m->uncovered.ptr[j];
    return true;
}

static bool judge(struct making *m, const struct stored_unit *stored, struct unit_delta *delta,
                  struct err *err)
{
    struct unit *unit = arena_new(&m->scratch, struct unit);
    struct unit_judgement was, is;
    *delta = (struct unit_delta){.unit_id = stored->id};
    if (!unit)
        return err_memory(err);
    if (!unit_parse(&m->scratch, stored->bytes, unit, err))
        return false;
    if (unit->is_whole)
        return whole_is_due(m, unit, &delta->is_whole, err);
    if (!unit_judge(m->from, unit, &m->scratch, &was, err) ||
        !unit_judge(m->to, unit, &m->scratch, &is, err))
        return false;
    bool is_same = true;
    if ((has_disabled(&was) || has_disabled(&is)) && !is_same_judgement(&was, &is, &is_same, err))
        return false;
    delta->is_whole = !is_same || !has_same_notices(&was.notices, &is.notices);
    return delta->is_whole || compare(m, delta, &was, &is, err);
}

/* --- all of them
 * ---------------------------------------------------------------------------------------------------
 */
static bool settle(struct making *m, struct err *err)
{
    if (m->wishes.len && !store_facts_settle(m->loop->store, m->wishes.ptr, m->wishes.len, err))
        return false;
    for (size_t i = 0; i < m->wishes.len; i++) {
        const struct fact_wish *wish = &m->wishes.ptr[i];
        struct fact_course *course = m->renewed.ptr[i];
        if (!course)
            continue;
        course->wish = 0;
        m->out->n_renewed += wish->is_renewed;
        if (!wish->is_renewed && !store_fact_digest(wish->before, course->to, err))
            return false;
    }
    for (size_t i = 0; i < m->pending.len; i++) {
        struct pending *p = &m->pending.ptr[i];
        const struct fact_wish *wish = &m->wishes.ptr[p->wish];
        p->change.fact_id = wish->id;
        if (!(p->is_conditional && wish->is_renewed) && !push_change(m, p->delta, &p->change, err))
            return false;
    }
    return true;
}

static bool judge_batch(struct making *m, const int64_t *ids, size_t n, struct err *err)
{
    stored_units list = {0};
    arena_reset(&m->scratch);
    memset(&m->wishes, 0, sizeof(m->wishes));
    memset(&m->renewed, 0, sizeof(m->renewed));
    memset(&m->pending, 0, sizeof(m->pending));
    struct unit_delta *deltas = arena_array(&m->scratch, struct unit_delta, n + 1);
    if (!deltas)
        return err_memory(err);
    if (!store_units_load(m->loop->store, &m->scratch, ids, n, &list, err))
        return false;
    for (size_t i = 0; i < list.len; i++)
        if (!judge(m, &list.ptr[i], &deltas[i], err) || cancel_is(&m->loop->slot->cancel, err))
            return err_wrap(err, "unit %lld", (long long)list.ptr[i].id);
    if (!settle(m, err))
        return false;
    for (size_t i = 0; i < list.len; i++) {
        if (!deltas[i].is_whole && !deltas[i].changes.len)
            continue;
        struct unit_delta *slot = vec_push(&m->out->arena, &m->out->all);
        if (!slot)
            return err_memory(err);
        *slot = deltas[i];
    }
    return true;
}

static int cmp_deltas(const void *pa, const void *pb)
{
    const struct unit_delta *a = pa, *b = pb;
    return (a->unit_id > b->unit_id) - (a->unit_id < b->unit_id);
}

/* Most units of an image are not among them: one bit says so. */
static bool index_deltas(struct making *m, struct err *err)
{
    struct deltas *d = m->out;
    vec_sort(&d->all, cmp_deltas);
    d->max_id = d->all.len ? (uint64_t)d->all.ptr[d->all.len - 1].unit_id : 0;
    d->bits = arena_array(&d->arena, uint64_t, d->max_id / 64 + 1);
    if (!d->bits)
        return err_memory(err);
    for (size_t i = 0; i < d->all.len; i++)
        d->bits[d->all.ptr[i].unit_id / 64] |= 1ULL << (d->all.ptr[i].unit_id % 64);
    return true;
}

const struct unit_delta *deltas_find(const struct deltas *d, int64_t unit_id)
{
    const struct unit_delta key = {.unit_id = unit_id};
    if ((uint64_t)unit_id > d->max_id || !(d->bits[unit_id / 64] >> (unit_id % 64) & 1))
        return NULL;
    return bsearch(&key, d->all.ptr, d->all.len, sizeof(key), cmp_deltas);
}

static bool make(struct making *m, struct err *err)
{
    store_ids ids = {0};
    if (!add_changes(m, err) || !add_spoken_of(m, err) || !find_units(m, &ids, err))
        return false;
    m->out->n_units = ids.len;
    map_init(&m->courses, &m->out->arena);
    for (size_t i = 0; i < ids.len; i += BATCH)
        if (!judge_batch(m, ids.ptr + i, ids.len - i < BATCH ? ids.len - i : BATCH, err))
            return false;
    return index_deltas(m, err);
}

bool deltas_make(struct loop *loop, const struct advisory_db *from, const struct advisory_db *to,
                 struct deltas *out, struct err *err)
{
    struct making m = {.loop = loop, .from = from, .to = to, .now = clock_now_s(), .out = out};
    *out = (struct deltas){0};
    arena_init(&out->arena, loop->guard->config->limits.of[LIMIT_ID_SCAN_MEMORY]);
    arena_init(&m.scratch, loop->guard->config->limits.of[LIMIT_ID_SCAN_MEMORY]);
    bool ok = make(&m, err);
    arena_fini(&m.scratch);
    return ok;
}

void deltas_fini(struct deltas *deltas) { arena_fini(&deltas->arena); }
