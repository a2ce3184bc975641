/* SPDX-License-Identifier: Apache-2.0 */
/* Reading findings: a page is one range of the primary key (registry, image, name). */
#include "store/internal.h"

/* CROSS JOIN keeps the order in which the tables are written: the range first, then look-ups. */
#define FINDING_COLUMNS                                                                            \
    "SELECT f.image_id, f.name, f.path, f.layer, f.is_from_base, f.step, f.first_seen,"            \
    " x.class, x.type, x.purl, x.package_name, x.package_version, x.binaries, x.fix_state,"        \
    " x.fixed_version, x.is_patchable, x.severity, x.evidence, x.remediation_text,"                \
    " x.remediation_command, a.vulnerability, a.title, a.description, a.published, a.modified,"    \
    " a.category, a.is_kev, a.epss, a.aliases, a.links, a.cvss, a.ratings, f.registry_id,"         \
    " f.disabled_by, p.name, i.digest, i.platform, i.media_type, i.os_id, i.os_version,"           \
    " i.last_pushed, i.scanned_at, i.generation, x.rated_by, x.rating_basis, a.cwes"
#define FINDING_JOINS                                                                              \
    " CROSS JOIN facts x CROSS JOIN advisories a CROSS JOIN images i"                              \
    " CROSS JOIN repositories p WHERE x.id = f.fact_id AND a.id = x.advisory_id"                   \
    " AND i.id = f.image_id AND p.id = i.repository_id"                                            \
    " AND f.disabled_by = '' AND x.class <> 'kernel-headers'"
#define FINDING_SELECT FINDING_COLUMNS " FROM findings f" FINDING_JOINS

static bool finding_read(struct rows *rows, struct arena *arena, struct finding *f, struct err *err)
{
    str *const texts[] = {[1] = &f->name,
                          [2] = &f->path,
                          [5] = &f->remediation_step,
                          [8] = &f->type,
                          [9] = &f->purl,
                          [10] = &f->package_name,
                          [11] = &f->package_version,
                          [14] = &f->fixed_version,
                          [18] = &f->remediation_text,
                          [19] = &f->remediation_command,
                          [20] = &f->id,
                          [21] = &f->title,
                          [22] = &f->description,
                          [23] = &f->published,
                          [24] = &f->modified,
                          [25] = &f->category,
                          [33] = &f->disabled_by,
                          [43] = &f->rated_by,
                          [44] = &f->rating_basis};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (texts[i] && !(*texts[i] = row_dup(rows, (int)i, arena)).ptr)
            return err_memory(err);
    f->layer = (int)row_int(rows, 3);
    f->is_from_base = row_int(rows, 4) != 0;
    f->class = word_class_parse(row_text(rows, 7));
    f->fix_state = word_fix_parse(row_text(rows, 13));
    f->is_patchable = row_int(rows, 15) != 0;
    f->severity = word_severity_parse(row_text(rows, 16));
    f->is_kev = row_int(rows, 26) != 0;
    f->epss = row_real(rows, 27);
    return unpack_strs(arena, row_text(rows, 12), &f->binaries, err) &&
           unpack_evidence(arena, row_text(rows, 17), f, err) &&
           unpack_strs(arena, row_text(rows, 28), &f->aliases, err) &&
           unpack_strs(arena, row_text(rows, 29), &f->references, err) &&
           unpack_cvss(arena, row_text(rows, 30), f, err) &&
           unpack_ratings(arena, row_text(rows, 31), f, err) &&
           unpack_strs(arena, row_text(rows, 45), &f->cwes, err);
}

static bool row_read(struct rows *rows, struct arena *arena, const struct store_registry *registry,
                     struct store_finding *out, struct err *err)
{
    *out = (struct store_finding){
        .registry = *registry,
        .image_id = row_int(rows, 0),
        .first_seen = row_int(rows, 6),
        .repository = row_dup(rows, 34, arena),
        .digest = row_dup(rows, 35, arena),
        .platform = row_dup(rows, 36, arena),
        .media_type = row_dup(rows, 37, arena),
        .os_id = row_dup(rows, 38, arena),
        .os_version = row_dup(rows, 39, arena),
        .last_pushed = row_int(rows, 40),
        .scanned_at = row_int(rows, 41),
        .generation = (uint64_t)row_int(rows, 42),
    };
    if (!out->repository.ptr || !out->digest.ptr || !out->platform.ptr || !out->media_type.ptr ||
        !out->os_id.ptr || !out->os_version.ptr)
        return err_memory(err);
    return finding_read(rows, arena, &out->finding, err);
}

/* Findings of one image follow each other: its tags are read once. */
static bool tags_fill(struct store *store, struct arena *arena, store_findings *out, size_t from,
                      struct err *err)
{
    for (size_t i = from; i < out->len; i++) {
        struct store_finding *now = &out->ptr[i];
        if (i > from && now[-1].image_id == now->image_id)
            now->tags = now[-1].tags;
        else if (!image_tags(store, arena, now->image_id, &now->tags, err))
            return false;
    }
    return true;
}

struct cursor {
    int64_t registry_id, image_id;
    str name;
};

static bool findings_of(struct store *store, struct arena *arena,
                        const struct store_registry *registry, const struct image_filter *filter,
                        const struct cursor *after, size_t limit, store_findings *out,
                        struct err *err)
{
    auto_rows rows = {0};
    bool is_inside = registry->id == after->registry_id;
    size_t from = out->len;
    if (!db_query_long(store, &rows, err,
                       FINDING_SELECT " AND f.registry_id = $1 AND (f.image_id, f.name) > ($2, $3)"
                                      " AND ($4 = '' OR p.name = $4) AND ($5 = '' OR i.digest = $5)"
                                      " ORDER BY f.image_id, f.name LIMIT $6",
                       vi(registry->id), vi(is_inside ? after->image_id : 0),
                       vt(is_inside ? after->name : STR("")),
                       vt(filter ? filter->repository : STR("")),
                       vt(filter ? filter->digest : STR("")), vu(limit - out->len)))
        return false;
    enum next next;
    while ((next = rows_next(&rows, err)) == NEXT_ITEM) {
        struct store_finding *one = vec_push(arena, out);
        if (!one)
            return err_memory(err);
        if (!row_read(&rows, arena, registry, one, err))
            return false;
    }
    rows_done(&rows);
    return next == NEXT_END && tags_fill(store, arena, out, from, err);
}

static bool cursor_read(const struct store_page *page, struct cursor *out, struct err *err)
{
    int64_t numbers[2] = {0};
    *out = (struct cursor){0};
    if (!page || !page->after.len)
        return true;
    if (!cursor_parse(page->after, numbers, 2, &out->name, err))
        return false;
    out->registry_id = numbers[0];
    out->image_id = numbers[1];
    return true;
}

static bool list(struct store *store, struct arena *arena, const struct store_scope *scope,
                 const struct image_filter *filter, const struct store_page *page,
                 store_findings *out, str *next, struct err *err)
{
    store_registries registries = {0};
    struct cursor after;
    size_t limit = page_limit(page);
    if (!cursor_read(page, &after, err) || !scope_registries(store, arena, scope, &registries, err))
        return false;
    for (size_t i = 0; i < registries.len && out->len <= limit; i++)
        if (registries.ptr[i].id >= after.registry_id &&
            !findings_of(store, arena, &registries.ptr[i], filter, &after, limit + 1, out, err))
            return false;
    *next = STR("");
    if (out->len > limit) {
        const struct store_finding *last = &out->ptr[limit - 1];
        out->len = limit;
        *next = arena_printf(arena, "%lld.%lld." STR_FMT, (long long)last->registry.id,
                             (long long)last->image_id, STR_ARG(last->finding.name));
    }
    return next->ptr ? true : err_memory(err);
}

bool store_findings_list(struct store *store, struct arena *arena, const struct store_scope *scope,
                         const struct image_filter *filter, const struct store_page *page,
                         store_findings *out, str *next, struct err *err)
{
    return tx_begin_read(store, err) &&
           tx_end(store, list(store, arena, scope, filter, page, out, next, err), err);
}

bool store_image_findings(struct store *store, struct arena *arena,
                          const struct store_registry *registry, int64_t image_id,
                          int64_t first_seen, findings *out, struct err *err)
{
    auto_rows rows = {0};
    if (!db_query(store, &rows, err,
                  FINDING_SELECT " AND f.registry_id = $1 AND f.image_id = $2"
                                 " AND ($3 = 0 OR f.first_seen = $3) ORDER BY f.name",
                  vi(registry->id), vi(image_id), vi(first_seen)))
        return false;
    enum next next;
    while ((next = rows_next(&rows, err)) == NEXT_ITEM) {
        struct finding *one = vec_push(arena, out);
        if (!one)
            return err_memory(err);
        if (!finding_read(&rows, arena, one, err))
            return false;
    }
    return next == NEXT_END;
}

enum { REGISTRY_AT = 46 };

static bool registry_of(struct rows *rows, struct arena *arena, struct store_registry *out,
                        struct err *err)
{
    *out = (struct store_registry){.id = row_int(rows, 32),
                                   .subscription = row_dup(rows, REGISTRY_AT, arena),
                                   .resource_group = row_dup(rows, REGISTRY_AT + 1, arena),
                                   .name = row_dup(rows, REGISTRY_AT + 2, arena),
                                   .host = row_dup(rows, REGISTRY_AT + 3, arena),
                                   .is_plain_http = row_int(rows, REGISTRY_AT + 4) != 0,
                                   .created_at = row_int(rows, REGISTRY_AT + 5),
                                   .properties = row_dup(rows, REGISTRY_AT + 6, arena),
                                   .is_made = row_int(rows, REGISTRY_AT + 7) != 0};
    return out->subscription.ptr && out->resource_group.ptr && out->name.ptr && out->host.ptr &&
                   out->properties.ptr
               ? true
               : err_memory(err);
}

/* Two statements and no transaction: what costs most of it is the way to a server and back. */
bool store_finding_get(struct store *store, struct arena *arena, const struct store_scope *scope,
                       str name, struct store_finding *out, struct err *err)
{
    auto_rows rows = {0};
    if (!db_query(store, &rows, err,
                  FINDING_COLUMNS ", r.subscription, r.resource_group, r.name, r.host,"
                                  " r.is_plain_http, r.created_at, r.properties,"
                                  " r.is_made FROM findings f CROSS JOIN registries r" FINDING_JOINS
                                  " AND r.id = f.registry_id AND r.removed_at = 0"
                                  " AND f.name = $1",
                  vt(name)))
        return false;
    enum next next;
    while ((next = rows_next(&rows, err)) == NEXT_ITEM) {
        struct store_registry in;
        if (!registry_of(&rows, arena, &in, err))
            return false;
        if (scope_has(scope, &in))
            return row_read(&rows, arena, &in, out, err) &&
                   image_tags(store, arena, out->image_id, &out->tags, err);
    }
    return next == NEXT_ERR
               ? false
               : err_set(err, ERR_NOT_FOUND, "finding " STR_FMT ": not known", STR_ARG(name));
}
