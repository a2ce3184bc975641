/* SPDX-License-Identifier: Apache-2.0 */
/* Reading findings: a page is one range of the primary key (registry, image, name). */
#include <assert.h>
#include <stdlib.h>

#include "store/internal.h"

#define FINDING_COLUMNS                                                                            \
    "SELECT f.image_id, f.name, f.path, f.layer, f.is_from_base, f.step, f.first_seen,"            \
    " x.class, x.type, x.purl, x.package_name, x.package_version, x.binaries, x.fix_state,"        \
    " x.fixed_version, x.is_patchable, x.severity, x.evidence, x.remediation_text,"                \
    " x.remediation_command, a.vulnerability, a.title, a.description, a.published, a.modified,"    \
    " a.category, a.is_kev, a.epss, a.aliases, a.links, a.cvss, a.ratings, f.registry_id,"         \
    " f.disabled_by, x.rated_by, x.rating_basis, a.cwes"
#define IMAGE_COLUMNS                                                                              \
    " p.name, i.digest, i.platform, i.media_type, i.os_id, i.os_version, i.last_pushed,"           \
    " i.scanned_at, i.generation"
enum { IMAGE_AT = 37, REGISTRY_AT = 46 };
/* CROSS JOIN keeps the order in which the tables are written: the range first, then look-ups. */
#define FACTS " CROSS JOIN facts x CROSS JOIN advisories a"
#define IMAGES " CROSS JOIN images i CROSS JOIN repositories p"
#define WITH_FACTS " WHERE x.id = f.fact_id AND a.id = x.advisory_id AND f.disabled_by = ''"
#define WITH_IMAGES " AND i.id = f.image_id AND p.id = i.repository_id"
#define LISTED " AND x.class <> 'kernel-headers'"

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
                          [34] = &f->rated_by,
                          [35] = &f->rating_basis};
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
           unpack_strs(arena, row_text(rows, 36), &f->cwes, err);
}

static bool image_part(struct rows *rows, int at, struct arena *arena, struct store_finding *out,
                       struct err *err)
{
    out->repository = row_dup(rows, at, arena);
    out->digest = row_dup(rows, at + 1, arena);
    out->platform = row_dup(rows, at + 2, arena);
    out->media_type = row_dup(rows, at + 3, arena);
    out->os_id = row_dup(rows, at + 4, arena);
    out->os_version = row_dup(rows, at + 5, arena);
    out->last_pushed = row_int(rows, at + 6);
    out->scanned_at = row_int(rows, at + 7);
    out->generation = (uint64_t)row_int(rows, at + 8);
    return out->repository.ptr && out->digest.ptr && out->platform.ptr && out->media_type.ptr &&
                   out->os_id.ptr && out->os_version.ptr
               ? true
               : err_memory(err);
}

static bool row_read(struct rows *rows, struct arena *arena, const struct store_registry *registry,
                     struct store_finding *out, struct err *err)
{
    *out = (struct store_finding){
        .registry = *registry, .image_id = row_int(rows, 0), .first_seen = row_int(rows, 6)};
    return finding_read(rows, arena, &out->finding, err);
}

static bool image_read(struct store *store, struct arena *arena, struct store_finding *out,
                       struct err *err)
{
    auto_rows rows = {0};
    if (!db_query(store, &rows, err,
                  "SELECT" IMAGE_COLUMNS " FROM images i JOIN repositories p"
                  " ON p.id = i.repository_id WHERE i.id = $1",
                  vi(out->image_id)))
        return false;
    enum next next = rows_next(&rows, err);
    if (next == NEXT_END)
        return err_set(err, ERR_FORMAT, "store: a finding of image %lld, which is not there",
                       (long long)out->image_id);
    return next == NEXT_ITEM && image_part(&rows, 0, arena, out, err);
}

static void image_copy(struct store_finding *to, const struct store_finding *from)
{
    to->repository = from->repository;
    to->digest = from->digest;
    to->platform = from->platform;
    to->media_type = from->media_type;
    to->os_id = from->os_id;
    to->os_version = from->os_version;
    to->last_pushed = from->last_pushed;
    to->scanned_at = from->scanned_at;
    to->generation = from->generation;
    to->tags = from->tags;
}

/* Findings of one image follow each other: it is read once. */
static bool images_fill(struct store *store, struct arena *arena, store_findings *out, size_t from,
                        struct err *err)
{
    for (size_t i = from; i < out->len; i++) {
        struct store_finding *now = &out->ptr[i];
        if (i > from && now[-1].image_id == now->image_id)
            image_copy(now, now - 1);
        else if (!image_read(store, arena, now, err) ||
                 !image_tags(store, arena, now->image_id, &now->tags, err))
            return false;
    }
    return true;
}

struct cursor {
    int64_t registry_id, image_id;
    str name;
};

/* A piece of a page is one range of findings, and then what belongs to each: said so, no planner
 * begins elsewhere; and with its length written out, a server plans it once and not each time. */
#define PIECE_LIMIT "251"
static_assert(STORE_PIECE == 250, "PIECE_LIMIT is one more");
#define PAGE " f.registry_id = $1 AND (f.image_id, f.name) > ($2, $3)"

static bool ask(struct store *store, struct rows *rows, const struct store_registry *registry,
                const struct image_filter *filter, const struct cursor *after, size_t limit,
                struct err *err)
{
    if (limit == STORE_PIECE + 1 && (!filter || (!filter->repository.len && !filter->digest.len)))
        return db_query(store, rows, err,
                        FINDING_COLUMNS
                        " FROM (SELECT f.* FROM findings f WHERE" PAGE " AND f.disabled_by = ''"
                        " ORDER BY f.image_id, f.name LIMIT " PIECE_LIMIT ") f" FACTS WITH_FACTS,
                        vi(registry->id), vi(after->image_id), vt(after->name));
    return db_query(store, rows, err,
                    FINDING_COLUMNS " FROM findings f" FACTS IMAGES WITH_FACTS WITH_IMAGES
                                    " AND" PAGE " AND ($4 = '' OR p.name = $4)"
                                    " AND ($5 = '' OR i.digest = $5)"
                                    " ORDER BY f.image_id, f.name LIMIT $6",
                    vi(registry->id), vi(after->image_id), vt(after->name),
                    vt(filter ? filter->repository : STR("")),
                    vt(filter ? filter->digest : STR("")), vu(limit));
}

static int cmp_places(int64_t a_image, str a, int64_t b_image, str b)
{
    return a_image != b_image ? (a_image > b_image) - (a_image < b_image) : str_cmp(a, b);
}

static int cmp_findings(const void *pa, const void *pb)
{
    const struct store_finding *a = pa, *b = pb;
    return cmp_places(a->image_id, a->finding.name, b->image_id, b->finding.name);
}

/* Rows come in the order of the range, but for a planner that knows better. */
static void put_in_order(store_findings *out, size_t from)
{
    for (size_t i = from + 1; i < out->len; i++)
        if (cmp_findings(&out->ptr[i - 1], &out->ptr[i]) > 0) {
            qsort(out->ptr + from, out->len - from, sizeof(*out->ptr), cmp_findings);
            return;
        }
}

/* The next of a registry, and how far they reach: kernel headers are passed over here, so that a
 * range of many of them is not read in vain by one statement. */
static bool piece_of(struct store *store, struct arena *arena,
                     const struct store_registry *registry, const struct image_filter *filter,
                     struct cursor *after, size_t limit, store_findings *out, size_t *n_read,
                     struct err *err)
{
    auto_rows rows = {0};
    struct cursor at = *after;
    enum next next;
    *n_read = 0;
    if (!ask(store, &rows, registry, filter, after, limit, err))
        return false;
    for (; (next = rows_next(&rows, err)) == NEXT_ITEM; ++*n_read) {
        int64_t image_id = row_int(&rows, 0);
        if (cmp_places(image_id, row_text(&rows, 1), at.image_id, at.name) > 0) {
            at.image_id = image_id;
            at.name = row_dup(&rows, 1, arena);
        }
        if (!at.name.ptr)
            return err_memory(err);
        if (word_class_parse(row_text(&rows, 7)) == CLASS_KERNEL_HEADERS)
            continue;
        struct store_finding *one = vec_push(arena, out);
        if (!one)
            return err_memory(err);
        if (!row_read(&rows, arena, registry, one, err))
            return false;
    }
    *after = at;
    return next == NEXT_END;
}

static bool findings_of(struct store *store, struct arena *arena,
                        const struct store_registry *registry, const struct image_filter *filter,
                        const struct cursor *after, size_t limit, store_findings *out,
                        struct err *err)
{
    struct cursor at = {.registry_id = registry->id, .name = STR("")};
    size_t from = out->len, n_asked, n_read;
    if (registry->id == after->registry_id)
        at = *after;
    do {
        size_t piece = out->len;
        n_asked = limit - piece;
        if (!piece_of(store, arena, registry, filter, &at, n_asked, out, &n_read, err))
            return false;
        put_in_order(out, piece);
    } while (out->len < limit && n_read == n_asked);
    return images_fill(store, arena, out, from, err);
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
                  FINDING_COLUMNS " FROM findings f" FACTS WITH_FACTS LISTED
                                  " AND f.registry_id = $1 AND f.image_id = $2"
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
                  FINDING_COLUMNS "," IMAGE_COLUMNS ", r.subscription, r.resource_group, r.name,"
                                  " r.host, r.is_plain_http, r.created_at, r.properties, r.is_made"
                                  " FROM findings f CROSS JOIN registries r" FACTS IMAGES WITH_FACTS
                                      WITH_IMAGES LISTED " AND r.id = f.registry_id"
                                  " AND r.removed_at = 0 AND f.name = $1",
                  vt(name)))
        return false;
    enum next next;
    while ((next = rows_next(&rows, err)) == NEXT_ITEM) {
        struct store_registry in;
        if (!registry_of(&rows, arena, &in, err))
            return false;
        if (scope_has(scope, &in))
            return row_read(&rows, arena, &in, out, err) &&
                   image_part(&rows, IMAGE_AT, arena, out, err) &&
                   image_tags(store, arena, out->image_id, &out->tags, err);
    }
    return next == NEXT_ERR
               ? false
               : err_set(err, ERR_NOT_FOUND, "finding " STR_FMT ": not known", STR_ARG(name));
}
