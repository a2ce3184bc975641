/* SPDX-License-Identifier: Apache-2.0 */
/* unit.c - an image in pieces that are judged alone: what a new generation of advisories is held
 * against, once for all images that hold the piece.
 *
 * Judging is that of a whole image (match/), of an inventory that has but the unit's packages. What
 * a unit's findings depend on is what the matcher asks for, so its keys are recorded there: nobody
 * lists here which names a package is looked up by. */
#include <stdlib.h>

#include "assess/internal.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/num.h"
#include "base/rd.h"

/* --- cutting
 * --------------------------------------------------------------------------------------------- */
static str source_of(const struct package *p)
{
    return p->source_name.len ? p->source_name : p->name;
}

/* "os deb openssl" or "file /app/server": statements on the one or the other reach no further. */
static str place_of(struct arena *arena, const struct package *p)
{
    return p->is_os ? arena_printf(arena, "os " STR_FMT " " STR_FMT, STR_ARG(p->type),
                                   STR_ARG(source_of(p)))
                    : arena_printf(arena, "file " STR_FMT, STR_ARG(p->path));
}

static bool add_package(struct arena *arena, struct map *by_place, unit_list *out,
                        const struct unit *like, const struct package *package)
{
    str place = place_of(arena, package);
    void **at = place.ptr ? map_at(by_place, place) : NULL;
    if (!at)
        return false;
    if (!*at) {
        struct unit *fresh = vec_push(arena, out);
        if (!fresh)
            return false;
        *fresh = *like;
        *at = (void *)(uintptr_t)out->len; /* its index and one: units move */
    }
    struct package *slot = vec_push(arena, &out->ptr[(size_t)(uintptr_t)*at - 1].part.packages);
    if (slot)
        *slot = *package;
    return slot != NULL;
}

/* What the database judges of it: an OS package has its files, or nobody knows its ecosystem. */
static bool is_judged(const struct unit *unit)
{
    for (size_t i = 0; i < unit->part.packages.len; i++) {
        const struct package *p = &unit->part.packages.ptr[i];
        if (p->is_os || (p->owned_by.len == 0 && ecosystem_find(p->type)))
            return true;
    }
    return unit->is_whole;
}

static bool add_whole(struct arena *arena, const struct image_inventory *inventory,
                      const struct unit *like, bool is_end_of_life, unit_list *out)
{
    struct unit *whole = vec_push(arena, out);
    if (!whole)
        return false;
    *whole = *like;
    whole->is_whole = true;
    whole->is_end_of_life = is_end_of_life;
    whole->tools = 0;
    str last = STR_NONE;
    for (size_t i = 0; i < inventory->packages.len; i++) { /* sorted by type */
        const struct package *p = &inventory->packages.ptr[i];
        if (p->is_os || p->owned_by.len || str_eq(p->type, last))
            continue;
        last = p->type;
        struct package *slot = vec_push(arena, &whole->part.packages);
        if (!slot)
            return false;
        *slot = (struct package){.type = p->type};
    }
    return true;
}

bool units_cut(struct arena *arena, const struct image_inventory *inventory, size_t n_base,
               bool is_end_of_life, unit_list *out, struct err *err)
{
    struct remedy_tools tools = assess_tools(&inventory->distro, &inventory->packages);
    const struct unit like = {
        .part = {.distro = inventory->distro}, .n_base = n_base, .tools = tools.present};
    struct map by_place;
    *out = (unit_list){0};
    map_init(&by_place, arena);
    if (!add_whole(arena, inventory, &like, is_end_of_life, out))
        return err_memory(err);
    for (size_t i = 0; i < inventory->packages.len; i++)
        if (!add_package(arena, &by_place, out, &like, &inventory->packages.ptr[i]))
            return err_memory(err);
    size_t n = 0;
    for (size_t i = 0; i < out->len; i++)
        if (is_judged(&out->ptr[i]))
            out->ptr[n++] = out->ptr[i];
    out->len = n;
    return true;
}

/* --- as bytes
 * -------------------------------------------------------------------------------------------- */
enum { REVISION = 1, IS_WHOLE = 1, IS_END_OF_LIFE = 2, IS_OS = 1, IS_BASE = 2, DECLARED = 4 };

static bool is_base(const struct unit *unit, const struct package *p)
{
    return p->layer >= 0 && (size_t)p->layer < unit->n_base;
}

static void print_package(const struct unit *unit, const struct package *p, struct sb *out)
{
    const str texts[] = {p->type,           p->name,       p->version, p->arch,    p->source_name,
                         p->source_version, p->modularity, p->path,    p->owned_by};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        sb_blob(out, texts[i]);
    sb_varint(out, (p->is_os ? IS_OS : 0U) | (is_base(unit, p) ? IS_BASE : 0U) |
                       (p->evidence == EVIDENCE_DECLARED ? DECLARED : 0U));
    sb_varint(out, (uint64_t)(p->layer + 1));
}

void unit_print(const struct unit *unit, struct sb *out)
{
    const struct distro *d = &unit->part.distro;
    const str texts[] = {d->id, d->id_like, d->version_id, d->codename, d->name};
    sb_varint(out, REVISION);
    sb_varint(out, (unit->is_whole ? IS_WHOLE : 0U) | (unit->is_end_of_life ? IS_END_OF_LIFE : 0U));
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        sb_blob(out, texts[i]);
    sb_varint(out, unit->tools);
    sb_varint(out, unit->part.packages.len);
    for (size_t i = 0; i < unit->part.packages.len; i++)
        print_package(unit, &unit->part.packages.ptr[i], out);
}

static void parse_package(struct rd *in, struct unit *unit, struct package *p)
{
    str *const texts[] = {&p->type,       &p->name,        &p->version,
                          &p->arch,       &p->source_name, &p->source_version,
                          &p->modularity, &p->path,        &p->owned_by};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        *texts[i] = rd_blob(in, LIMIT(FIELD));
    uint64_t flags = rd_varint(in, IS_OS | IS_BASE | DECLARED);
    p->layer = (int)rd_varint(in, LIMIT(LAYERS)) - 1;
    p->is_os = flags & IS_OS;
    p->evidence = flags & DECLARED ? EVIDENCE_DECLARED : EVIDENCE_INSTALLED;
    if (flags & IS_BASE && (size_t)(p->layer + 1) > unit->n_base)
        unit->n_base = (size_t)(p->layer + 1);
}

bool unit_parse(struct arena *arena, str bytes, struct unit *out, struct err *err)
{
    struct distro *d = &out->part.distro;
    struct rd in;
    *out = (struct unit){0};
    str *const texts[] = {&d->id, &d->id_like, &d->version_id, &d->codename, &d->name};
    rd_init(&in, bytes);
    if (rd_varint(&in, UINT32_MAX) != REVISION)
        rd_fail(&in, ERR_UNSUPPORTED, "a unit of another revision");
    uint64_t flags = rd_varint(&in, IS_WHOLE | IS_END_OF_LIFE);
    out->is_whole = flags & IS_WHOLE;
    out->is_end_of_life = flags & IS_END_OF_LIFE;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        *texts[i] = rd_blob(&in, LIMIT(FIELD));
    out->tools = (unsigned)rd_varint(&in, UINT32_MAX);
    uint64_t n = rd_varint(&in, LIMIT(INVENTORY));
    for (uint64_t i = 0; i < n && rd_is_ok(&in); i++) {
        struct package *p = vec_push(arena, &out->part.packages);
        if (!p)
            return err_memory(err);
        parse_package(&in, out, p);
    }
    if (rd_is_ok(&in) && !rd_is_end(&in))
        rd_fail(&in, ERR_FORMAT, "more bytes than a unit has");
    return rd_ok(&in, err);
}

/* --- keys
 * ------------------------------------------------------------------------------------------------
 */
/* FNV-1a, mixed: two names that collide cost a comparison too much and nothing else. */
static uint64_t add_bytes(uint64_t hash, str bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        hash = (hash ^ (unsigned char)bytes.ptr[i]) * 0x100000001b3ULL;
    return hash;
}

uint64_t unit_key(str ecosystem, str package)
{
    uint64_t hash = add_bytes(0xcbf29ce484222325ULL, ecosystem);
    hash = add_bytes((hash ^ 0xff) * 0x100000001b3ULL, package);
    hash = (hash ^ hash >> 33) * 0xff51afd7ed558ccdULL;
    hash = (hash ^ hash >> 33) * 0xc4ceb9fe1a85ec53ULL;
    return (hash ^ hash >> 33) >> 1;
}

static bool add_key(struct arena *arena, unit_keys *to, uint64_t key)
{
    uint64_t *slot = vec_push(arena, to);
    if (slot)
        *slot = key;
    return slot != NULL;
}

static bool note_find(void *ctx, struct arena *arena, str ecosystem, str package,
                      const struct affected_filter *filter, affecteds *out, struct err *err)
{
    (void)filter;
    (void)out;
    return add_key(arena, ctx, unit_key(ecosystem, package)) || err_memory(err);
}

static bool note_covers(void *ctx, str ecosystem)
{
    (void)ctx;
    (void)ecosystem;
    return true;
}

static bool add_purl(struct arena *arena, str purl, unit_keys *to, struct err *err)
{
    str ecosystem, name;
    if (!purl.ptr)
        return err_memory(err);
    if (!vex_product_key(purl, arena, &ecosystem, &name, err))
        return false;
    return add_key(arena, to, unit_key(ecosystem, name)) || err_memory(err);
}

/* VEX statements are on what a package or its source is called as a product. */
static bool add_products(struct arena *arena, const struct unit *unit, unit_keys *to,
                         struct err *err)
{
    for (size_t i = 0; i < unit->part.packages.len; i++) {
        struct package p = unit->part.packages.ptr[i];
        if (!add_purl(arena, purl_of(arena, &p, &unit->part.distro), to, err))
            return false;
        p.name = source_of(&p);
        if (p.is_os && !add_purl(arena, purl_of(arena, &p, &unit->part.distro), to, err))
            return false;
    }
    return true;
}

static int cmp_keys(const void *pa, const void *pb)
{
    uint64_t a = *(const uint64_t *)pa, b = *(const uint64_t *)pb;
    return (a > b) - (a < b);
}

void unit_keys_sort(unit_keys *keys)
{
    size_t n = 0;
    vec_sort(keys, cmp_keys);
    for (size_t i = 0; i < keys->len; i++)
        if (n == 0 || keys->ptr[n - 1] != keys->ptr[i])
            keys->ptr[n++] = keys->ptr[i];
    keys->len = n;
}

static bool whole_keys(struct arena *arena, const struct unit *unit, unit_keys *out)
{
    str ecosystem = distro_ecosystem(&unit->part.distro, arena);
    if (!ecosystem.ptr || !add_key(arena, out, UNIT_KEY_WHOLE) ||
        !add_key(arena, out, unit_key(ecosystem, STR(""))))
        return false;
    for (size_t i = 0; i < unit->part.packages.len; i++) {
        const struct ecosystem_row *row = ecosystem_find(unit->part.packages.ptr[i].type);
        if (row && !add_key(arena, out, unit_key(str_from(row->ecosystem), STR(""))))
            return false;
    }
    return true;
}

bool unit_keys_of(struct arena *arena, const struct unit *unit, unit_keys *out, struct err *err)
{
    const struct match_lookup lookup = {.covers = note_covers, .find = note_find, .ctx = out};
    struct match_result ignored;
    *out = (unit_keys){0};
    bool ok = unit->is_whole ? whole_keys(arena, unit, out) || err_memory(err)
                             : match_inventory(&lookup, &unit->part, arena, &ignored, err) &&
                                   add_products(arena, unit, out, err);
    unit_keys_sort(out);
    return ok;
}

bool unit_kin_of(struct arena *arena, const struct unit *unit, unit_keys *out, struct err *err)
{
    str of_distro = distro_ecosystem(&unit->part.distro, arena);
    *out = (unit_keys){0};
    for (size_t i = 0; i < unit->part.packages.len && !unit->is_whole; i++) {
        const struct package *p = &unit->part.packages.ptr[i];
        const struct ecosystem_row *row = ecosystem_find(p->type);
        str ecosystem = p->is_os ? of_distro : row ? str_from(row->ecosystem) : STR("");
        str name = p->is_os ? source_of(p) : advisory_fold_name(arena, ecosystem, p->name);
        if (!ecosystem.ptr || !name.ptr || !add_key(arena, out, unit_key(ecosystem, name)))
            return err_memory(err);
    }
    unit_keys_sort(out);
    return true;
}

/* --- judging
 * --------------------------------------------------------------------------------------------- */
static bool hold_against_vex(const struct advisory_db *db, const struct unit *unit,
                             struct arena *arena, struct unit_judgement *out, struct err *err)
{
    static const struct vex_image nameless = {0}; /* what is said of images is not asked for */
    size_t n = out->findings.len;
    size_t *before = arena_array(arena, size_t, n + 1);
    bool *is_vexed = arena_array(arena, bool, n + 1);
    notices ignored = {0};
    if (!before || !is_vexed)
        return err_memory(err);
    for (size_t i = 0; i < n; i++)
        before[i] = out->findings.ptr[i].evidence.len;
    if (!match_vex_image(db, &nameless, &unit->part, arena, &out->findings, &ignored, err))
        return false;
    for (size_t i = 0; i < n; i++)
        is_vexed[i] = out->findings.ptr[i].evidence.len != before[i];
    out->is_vexed = is_vexed;
    return true;
}

bool unit_judge(const struct advisory_db *db, const struct unit *unit, struct arena *arena,
                struct unit_judgement *out, struct err *err)
{
    const struct remedy_tools tools = {.distro = &unit->part.distro,
                                       .row = distro_find(unit->part.distro.id),
                                       .present = unit->tools};
    struct match_result matched;
    *out = (struct unit_judgement){0};
    if (unit->is_whole)
        return true;
    if (!match_image(db, &unit->part, arena, &matched, err))
        return false;
    out->findings = matched.findings;
    out->notices = matched.notices;
    if (!hold_against_vex(db, unit, arena, out, err))
        return false;
    for (size_t i = 0; i < out->findings.len; i++) {
        struct finding *f = &out->findings.ptr[i];
        f->is_from_base = f->layer >= 0 && (size_t)f->layer < unit->n_base;
        if (!assess_remediate(arena, f, &tools, STR("")))
            return err_memory(err);
    }
    return true;
}
