/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "store/internal.h"

/* --- tags
 * ---------------------------------------------------------------------------------------------- */
static int cmp_str(const void *a, const void *b)
{
    return str_cmp(*(const str *)a, *(const str *)b);
}

bool image_tags(struct store *store, struct arena *arena, int64_t image_id, strs *out,
                struct err *err)
{
    auto_rows rows = {0};
    if (!db_query(store, &rows, err,
                  "SELECT name FROM tags WHERE image_id = $1 UNION SELECT t.name FROM tags t"
                  " JOIN index_children c ON c.index_id = t.image_id WHERE c.image_id = $1",
                  vi(image_id)))
        return false;
    enum next next;
    while ((next = rows_next(&rows, err)) == NEXT_ITEM) {
        str *tag = vec_push(arena, out);
        if (!tag || !(*tag = row_dup(&rows, 0, arena)).ptr)
            return err_memory(err);
    }
    vec_sort(out, cmp_str);
    return next == NEXT_END;
}

static bool parent_index(struct store *store, struct arena *arena, int64_t image_id, str *out,
                         struct err *err)
{
    auto_rows rows = {0};
    *out = STR("");
    if (!db_query(store, &rows, err,
                  "SELECT i.digest FROM index_children c JOIN images i ON i.id = c.index_id"
                  " WHERE c.image_id = $1 AND i.deleted_at = 0 ORDER BY i.id LIMIT 1",
                  vi(image_id)))
        return false;
    enum next next = rows_next(&rows, err);
    if (next == NEXT_ITEM && !(*out = row_dup(&rows, 0, arena)).ptr)
        return err_memory(err);
    return next != NEXT_ERR;
}

/* --- roll-up of an index
 * ----------------------------------------------------------------------------------- */
struct rollup {
    uint64_t n[VERDICT_FAILED + 1];
    struct report_summary counts;
};

/* The worst of its platforms; one that is not known lets nobody call the whole healthy. */
static enum verdict rollup_verdict(const struct rollup *r)
{
    if (r->n[VERDICT_UNHEALTHY])
        return VERDICT_UNHEALTHY;
    if (r->n[VERDICT_UNKNOWN])
        return VERDICT_UNKNOWN;
    if (r->n[VERDICT_HEALTHY])
        return VERDICT_HEALTHY;
    return r->n[VERDICT_NOT_APPLICABLE] ? VERDICT_NOT_APPLICABLE : VERDICT_UNKNOWN;
}

static void counts_add(struct report_summary *to, struct rows *rows, int first)
{
    to->critical += (unsigned)row_int(rows, first);
    to->high += (unsigned)row_int(rows, first + 1);
    to->medium += (unsigned)row_int(rows, first + 2);
    to->low += (unsigned)row_int(rows, first + 3);
    to->unknown += (unsigned)row_int(rows, first + 4);
    to->patchable += (unsigned)row_int(rows, first + 5);
    to->disabled += (unsigned)row_int(rows, first + 6);
}

static bool rollup_text(str *to, struct arena *arena, str platform, str text, struct err *err)
{
    if (to->len || !text.len)
        return true;
    *to = platform.len ? arena_printf(arena, STR_FMT ": " STR_FMT, STR_ARG(platform), STR_ARG(text))
                       : arena_dup(arena, text);
    return to->ptr ? true : err_memory(err);
}

/* What a platform without a verdict failed with, and why one is not applicable, is the whole's. */
static bool rollup_child(struct rollup *r, struct store_image *image, struct rows *rows,
                         struct arena *arena, str *reason, struct err *err)
{
    enum verdict verdict = word_verdict_parse(row_text(rows, 0));
    str platform = row_text(rows, 8);
    r->n[verdict]++;
    counts_add(&r->counts, rows, 1);
    image->n_platforms++;
    image->n_assessed += verdict != VERDICT_UNKNOWN;
    if (verdict == VERDICT_UNKNOWN)
        return rollup_text(&image->failure, arena, platform, row_text(rows, 9), err);
    return verdict != VERDICT_NOT_APPLICABLE ||
           rollup_text(reason, arena, platform, row_text(rows, 10), err);
}

static bool roll_up(struct store *store, struct arena *arena, struct store_image *image,
                    struct err *err)
{
    auto_rows rows = {0};
    struct rollup r = {0};
    str reason = STR_NONE;
    if (!db_query(store, &rows, err,
                  "SELECT i.verdict, i.n_critical, i.n_high, i.n_medium, i.n_low, i.n_unknown,"
                  " i.n_patchable, i.n_disabled, i.platform, i.failure, i.reason"
                  " FROM index_children c JOIN images i"
                  " ON i.id = c.image_id WHERE c.index_id = $1 AND i.deleted_at = 0 ORDER BY i.id",
                  vi(image->id)))
        return false;
    enum next next;
    while ((next = rows_next(&rows, err)) == NEXT_ITEM)
        if (!rollup_child(&r, image, &rows, arena, &reason, err))
            return false;
    image->verdict = rollup_verdict(&r);
    image->counts = r.counts;
    if (image->verdict == VERDICT_NOT_APPLICABLE && !image->reason.len)
        image->reason = reason;
    return next == NEXT_END;
}

/* --- status
 * --------------------------------------------------------------------------------------------- */
static const char *const status_names[] = {[IMAGE_ANY] = "",
                                           [IMAGE_HEALTHY] = "Healthy",
                                           [IMAGE_UNHEALTHY] = "Unhealthy",
                                           [IMAGE_NOT_APPLICABLE] = "NotApplicable",
                                           [IMAGE_PENDING] = "Pending",
                                           [IMAGE_FAILED] = "Failed"};

const char *image_status_name(enum image_status status)
{
    return status_names[status <= IMAGE_FAILED ? status : IMAGE_ANY];
}

bool image_status_parse(str text, enum image_status *out)
{
    for (size_t i = IMAGE_HEALTHY; i < ARRAY_LEN(status_names); i++)
        if (str_eq_nocase(text, str_from(status_names[i]))) {
            *out = (enum image_status)i;
            return true;
        }
    return false;
}

enum image_status store_image_status(const struct store_image *image)
{
    switch (image->verdict) {
    case VERDICT_HEALTHY:
        return IMAGE_HEALTHY;
    case VERDICT_UNHEALTHY:
        return IMAGE_UNHEALTHY;
    case VERDICT_NOT_APPLICABLE:
        return IMAGE_NOT_APPLICABLE;
    case VERDICT_FAILED:
    case VERDICT_UNKNOWN:
    default:
        return image->failure.len ? IMAGE_FAILED : IMAGE_PENDING;
    }
}

/* The word that an image of that status has in its row; an index has none. */
static const char *status_verdict(enum image_status status)
{
    static const enum verdict verdicts[] = {[IMAGE_HEALTHY] = VERDICT_HEALTHY,
                                            [IMAGE_UNHEALTHY] = VERDICT_UNHEALTHY,
                                            [IMAGE_NOT_APPLICABLE] = VERDICT_NOT_APPLICABLE,
                                            [IMAGE_PENDING] = VERDICT_UNKNOWN,
                                            [IMAGE_FAILED] = VERDICT_UNKNOWN};
    return word_verdict(verdicts[status]);
}

/* --- listing
 * ---------------------------------------------------------------------------------------------------
 */
static bool image_read(struct rows *rows, struct arena *arena,
                       const struct store_registry *registry, struct store_image *out,
                       struct err *err)
{
    *out = (struct store_image){
        .id = row_int(rows, 0),
        .registry = *registry,
        .repository = row_dup(rows, 1, arena),
        .digest = row_dup(rows, 2, arena),
        .media_type = row_dup(rows, 3, arena),
        .is_index = row_int(rows, 4) != 0,
        .platform = row_dup(rows, 5, arena),
        .os_id = row_dup(rows, 6, arena),
        .os_version = row_dup(rows, 7, arena),
        .os_name = row_dup(rows, 8, arena),
        .verdict = word_verdict_parse(row_text(rows, 9)),
        .is_complete = row_int(rows, 10) != 0,
        .reason = row_dup(rows, 11, arena),
        .failure = row_dup(rows, 12, arena),
        .failed_at = row_int(rows, 13),
        .generation = (uint64_t)row_int(rows, 14),
        .first_seen = row_int(rows, 15),
        .last_pushed = row_int(rows, 16),
        .last_pulled = row_int(rows, 17),
        .scanned_at = row_int(rows, 18),
        .size_bytes = (uint64_t)row_int(rows, 19),
    };
    counts_add(&out->counts, rows, 20);
    out->due_at = row_int(rows, 27);
    return out->repository.ptr && out->digest.ptr && out->media_type.ptr && out->platform.ptr &&
                   out->os_id.ptr && out->os_version.ptr && out->os_name.ptr && out->reason.ptr &&
                   out->failure.ptr
               ? true
               : err_memory(err);
}

static bool image_complete(struct store *store, struct arena *arena, struct store_image *image,
                           struct err *err)
{
    return image_tags(store, arena, image->id, &image->tags, err) &&
           parent_index(store, arena, image->id, &image->index, err) &&
           (!image->is_index || roll_up(store, arena, image, err));
}

/* The rows of one batch.  An index' status comes of its platforms, so the filter sees it here. */
static bool batch_read(struct store *store, struct arena *arena,
                       const struct store_registry *registry, const struct image_filter *filter,
                       struct rows *rows, size_t limit, int64_t *after, size_t *n,
                       store_images *out, struct err *err)
{
    enum next next = NEXT_END;
    while (out->len < limit && (next = rows_next(rows, err)) == NEXT_ITEM) {
        struct store_image image;
        ++*n;
        *after = row_int(rows, 0);
        if (!image_read(rows, arena, registry, &image, err) ||
            !image_complete(store, arena, &image, err))
            return false;
        if (filter->status && store_image_status(&image) != filter->status)
            continue;
        struct store_image *slot = vec_push(arena, out);
        if (!slot)
            return err_memory(err);
        *slot = image;
    }
    return next != NEXT_ERR;
}

#define IMAGE_TAGGED(more)                                                                         \
    "EXISTS (SELECT 1 FROM tags t WHERE (t.image_id = i.id OR t.image_id IN"                       \
    " (SELECT c.index_id FROM index_children c WHERE c.image_id = i.id))" more ")"

static bool batch_query(struct store *store, struct rows *rows, int64_t registry_id,
                        const struct image_filter *f, int64_t after, size_t limit, struct err *err)
{
    return db_query(store, rows, err,
                    "SELECT i.id, p.name, i.digest, i.media_type, i.is_index, i.platform, i.os_id,"
                    " i.os_version, i.os_name, i.verdict, i.is_complete, i.reason, i.failure,"
                    " i.failed_at, i.generation, i.first_seen, i.last_pushed, i.last_pulled,"
                    " i.scanned_at, i.size_bytes, i.n_critical, i.n_high, i.n_medium, i.n_low,"
                    " i.n_unknown, i.n_patchable, i.n_disabled, i.due_at"
                    " FROM images i JOIN repositories p ON p.id = i.repository_id"
                    " WHERE i.registry_id = $1 AND i.id > $2 AND i.deleted_at = 0"
                    " AND ($3 = '' OR p.name = $3) AND ($4 = '' OR i.digest = $4)"
                    " AND ($5 = '' OR " IMAGE_TAGGED(
                        " AND t.name = $5") ")"
                                            " AND ($6 = 0 OR NOT " IMAGE_TAGGED(
                                                "") ") AND ($7 = 0 OR i.last_pulled >= $7)"
                                                    " AND ($8 = '' OR i.is_index = 1 OR i.verdict "
                                                    "= $9) ORDER BY i.id LIMIT $10",
                    vi(registry_id), vi(after), vt(f->repository), vt(f->digest), vt(f->tag),
                    vi(f->is_untagged), vi(f->pulled_since), vc(image_status_name(f->status)),
                    vc(status_verdict(f->status)), vu(limit));
}

static bool images_of(struct store *store, struct arena *arena,
                      const struct store_registry *registry, const struct image_filter *filter,
                      int64_t after, size_t limit, store_images *out, struct err *err)
{
    static const struct image_filter all = {0};
    enum { BATCH = 100 };
    size_t n, room;
    if (!filter)
        filter = &all;
    do {
        auto_rows rows = {0};
        n = 0;
        room = num_max(limit - out->len, BATCH);
        if (!batch_query(store, &rows, registry->id, filter, after, room, err) ||
            !batch_read(store, arena, registry, filter, &rows, limit, &after, &n, out, err))
            return false;
    } while (n == room && out->len < limit);
    return true;
}

static bool list(struct store *store, struct arena *arena, const struct store_scope *scope,
                 const struct image_filter *filter, const struct store_page *page,
                 store_images *out, str *next, struct err *err)
{
    store_registries registries = {0};
    int64_t after[2] = {0};
    size_t limit = page_limit(page);
    if ((page && page->after.len && !cursor_parse(page->after, after, 2, NULL, err)) ||
        !scope_registries(store, arena, scope, &registries, err))
        return false;
    for (size_t i = 0; i < registries.len && out->len <= limit; i++) {
        const struct store_registry *r = &registries.ptr[i];
        if (r->id < after[0])
            continue;
        if (!images_of(store, arena, r, filter, r->id == after[0] ? after[1] : 0, limit + 1, out,
                       err))
            return false;
    }
    *next = STR("");
    if (out->len > limit) {
        const struct store_image *last = &out->ptr[limit - 1];
        out->len = limit;
        *next = arena_printf(arena, "%lld.%lld", (long long)last->registry.id, (long long)last->id);
    }
    return next->ptr ? true : err_memory(err);
}

bool store_images_list(struct store *store, struct arena *arena, const struct store_scope *scope,
                       const struct image_filter *filter, const struct store_page *page,
                       store_images *out, str *next, struct err *err)
{
    return tx_begin_read(store, err) &&
           tx_end(store, list(store, arena, scope, filter, page, out, next, err), err);
}

bool store_image_notices(struct store *store, struct arena *arena, int64_t image_id, notices *out,
                         struct err *err)
{
    auto_rows rows = {0};
    if (!db_query(store, &rows, err,
                  "SELECT kind, is_incomplete, layer, path, message FROM image_notices"
                  " WHERE image_id = $1 ORDER BY position",
                  vi(image_id)))
        return false;
    enum next next;
    while ((next = rows_next(&rows, err)) == NEXT_ITEM) {
        struct notice *n = vec_push(arena, out);
        if (!n)
            return err_memory(err);
        *n = (struct notice){.kind = word_notice_parse(row_text(&rows, 0)),
                             .is_incomplete = row_int(&rows, 1) != 0,
                             .layer = (int)row_int(&rows, 2),
                             .path = row_dup(&rows, 3, arena),
                             .message = row_dup(&rows, 4, arena)};
        if (!n->path.ptr || !n->message.ptr)
            return err_memory(err);
    }
    return next == NEXT_END;
}

bool store_images_count(struct store *store, struct store_image_counts *out, struct err *err)
{
    auto_rows rows = {0};
    enum next next;
    uint64_t *const of[] = {[VERDICT_HEALTHY] = &out->healthy,
                            [VERDICT_UNHEALTHY] = &out->unhealthy,
                            [VERDICT_NOT_APPLICABLE] = &out->not_applicable,
                            [VERDICT_UNKNOWN] = &out->pending};
    *out = (struct store_image_counts){0};
    if (!db_query(store, &rows, err,
                  "SELECT verdict, CASE WHEN failure = '' THEN 0 ELSE 1 END AS has_failed, COUNT(*)"
                  " FROM images WHERE deleted_at = 0 AND is_index = 0"
                  " GROUP BY verdict, CASE WHEN failure = '' THEN 0 ELSE 1 END"))
        return false;
    while ((next = rows_next(&rows, err)) == NEXT_ITEM) {
        enum verdict verdict = word_verdict_parse(row_text(&rows, 0));
        bool is_in_vain = verdict == VERDICT_UNKNOWN && row_int(&rows, 1);
        *(is_in_vain ? &out->failed : of[verdict]) += (uint64_t)row_int(&rows, 2);
    }
    return next == NEXT_END;
}
