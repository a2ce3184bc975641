/* SPDX-License-Identifier: Apache-2.0 */
/* changes.c - what results have changed and others may want to be told: noted in the transaction
 * that stores the result, made into messages afterwards (outbox.c).
 *
 *   result, failure ─ change_after ─> changes ─ store_changes_next ─> whoever words it
 *                                        └─ store_outbox_add ─> outbox, one row a channel
 *
 * A batch is what becomes one message: all platforms of one push; all images of one repository that
 * one generation changed.  Nothing is noted while nobody listens (meta "notify"). */
#include "store/internal.h"

#define IS_WATCHED " EXISTS (SELECT 1 FROM meta WHERE name = 'notify' AND value <> '')"

enum { BATCH_SIZE = 64 };

bool store_changes_watch(struct store *store, bool is_on, struct err *err)
{
    return store_meta_set(store, STR("notify"), is_on ? STR("on") : STR(""), err);
}

/* --- words
 * ---------------------------------------------------------------------------------------------- */
static const char *const kinds[] = {
    [NEWS_NONE] = "",         [NEWS_SCAN] = "scan",     [NEWS_REMATCH] = "rematch",
    [NEWS_FAILED] = "failed", [NEWS_PULLED] = "pulled", [NEWS_SOURCE] = "source"};

static enum news_kind kind_parse(str text)
{
    for (size_t i = 1; i < ARRAY_LEN(kinds); i++)
        if (str_eq(text, str_from(kinds[i])))
            return (enum news_kind)i;
    return NEWS_NONE;
}

/* --- noting
 * --------------------------------------------------------------------------------------------- */
bool change_before(struct store *store, int64_t image_id, int64_t now, struct change_before *out,
                   struct err *err)
{
    auto_rows rows = {0};
    *out = (struct change_before){0};
    if (!db_query(store, &rows, err,
                  "SELECT i.verdict, (SELECT COUNT(*) FROM findings f WHERE f.registry_id ="
                  " i.registry_id AND f.image_id = i.id AND f.first_seen = $2) FROM images i"
                  " WHERE i.id = $1 AND" IS_WATCHED,
                  vi(image_id), vi(now)))
        return false;
    enum next next = rows_next(&rows, err);
    if (next == NEXT_ITEM)
        *out =
            (struct change_before){true, word_verdict_parse(row_text(&rows, 0)), row_int(&rows, 1)};
    return next != NEXT_ERR;
}

static bool note(struct store *store, const struct change_spec *spec, const char *batch,
                 const struct change_before *before, struct err *err)
{
    return db_run(store, err,
                  "INSERT INTO changes (batch, kind, registry_id, image_id, repository, digest,"
                  " tag, verdict_before, detail, generation, at)"
                  " SELECT $1, $2, i.registry_id, i.id, p.name, $3, $4, $5, '', $6, $7"
                  " FROM images i JOIN repositories p ON p.id = i.repository_id WHERE i.id = $8"
                  " AND ((i.verdict = 'unhealthy' AND $9 < (SELECT COUNT(*) FROM findings f WHERE"
                  " f.registry_id = i.registry_id AND f.image_id = i.id AND f.first_seen = $7"
                  " AND f.disabled_by = '')) OR (i.verdict = 'healthy' AND $5 <> 'healthy'))",
                  vc(batch), vc(kinds[spec->kind]), vt(spec->digest), vt(spec->tag),
                  vc(word_verdict(before->verdict)), vu(spec->generation), vi(spec->at),
                  vi(spec->image_id), vi(before->n_new));
}

bool change_after(struct store *store, const struct change_spec *spec,
                  const struct change_before *before, struct err *err)
{
    char batch[BATCH_SIZE];
    int64_t repository_id = 0;
    if (!before->is_watched)
        return true;
    if (spec->kind == NEWS_SCAN) {
        snprintf(batch, sizeof(batch), "scan:%lld:%lld", (long long)spec->job_id,
                 (long long)spec->lease);
        return note(store, spec, batch, before, err);
    }
    if (!db_int(store, 0, &repository_id, err, "SELECT repository_id FROM images WHERE id = $1",
                vi(spec->image_id)))
        return false;
    snprintf(batch, sizeof(batch), "rematch:%llu:%lld", (unsigned long long)spec->generation,
             (long long)repository_id);
    return note(store, spec, batch, before, err);
}

/* Written before the verdicts of the images are.  Units never leave an image without a finding, so
 * there is no other news of them. */
static const struct bulk rematched = {
    "INSERT INTO changes (batch, kind, registry_id, image_id, repository, digest, tag,"
    " verdict_before, detail, generation, at)"
    " SELECT 'rematch:' || v.column2 || ':' || i.repository_id, 'rematch', i.registry_id, i.id,"
    " p.name, '', '', i.verdict, '', v.column2, v.column3 FROM (VALUES ",
    ") AS v JOIN images i ON i.id = v.column1 JOIN repositories p ON p.id = i.repository_id"
    " WHERE EXISTS (SELECT 1 FROM findings f WHERE f.registry_id = i.registry_id"
    " AND f.image_id = i.id AND f.first_seen = v.column3 AND f.disabled_by = '') AND" IS_WATCHED,
    3};

bool changes_rematched(struct store *store, const struct value *values, size_t n, struct err *err)
{
    return db_bulk(store, &rematched, values, n / rematched.n_columns, NULL, NULL, err);
}

/* Of a scan that will not be tried again.  What was deleted meanwhile fails too, and is no news. */
bool change_failed(struct store *store, const struct job *job, str error, int64_t now,
                   struct err *err)
{
    char batch[BATCH_SIZE];
    snprintf(batch, sizeof(batch), "failed:%lld:%lld", (long long)job->id, (long long)job->lease);
    return db_run(store, err,
                  "INSERT INTO changes (batch, kind, registry_id, image_id, repository, digest,"
                  " tag, verdict_before, detail, generation, at)"
                  " SELECT $1, 'failed', j.registry_id, 0, j.repository, j.digest, j.tag, '', $2,"
                  " 0, $3 FROM jobs j WHERE j.id = $4 AND j.kind = 'scan'"
                  " AND j.state IN ('failed', 'dead') AND NOT EXISTS (SELECT 1 FROM images i JOIN"
                  " repositories p ON p.id = i.repository_id WHERE p.registry_id = j.registry_id"
                  " AND p.name = j.repository AND i.digest = j.digest AND i.deleted_at <> 0)"
                  " AND" IS_WATCHED,
                  vc(batch), vt(error), vi(now), vi(job->id));
}

/* The same of jobs that died with their servers, at @now. */
bool changes_died(struct store *store, int64_t now, struct err *err)
{
    return db_run(store, err,
                  "INSERT INTO changes (batch, kind, registry_id, image_id, repository, digest,"
                  " tag, verdict_before, detail, generation, at)"
                  " SELECT 'failed:' || CAST(j.id AS TEXT) || ':' || CAST(j.lease AS TEXT),"
                  " 'failed', j.registry_id, 0, j.repository, j.digest, j.tag, '', j.error, 0, $1"
                  " FROM jobs j WHERE j.kind = 'scan' AND j.state = 'dead' AND j.finished_at = $1"
                  " AND j.deaths > 0 AND NOT EXISTS (SELECT 1 FROM changes c WHERE c.batch ="
                  " 'failed:' || CAST(j.id AS TEXT) || ':' || CAST(j.lease AS TEXT))"
                  " AND" IS_WATCHED,
                  vi(now));
}

/* --- what is found by looking
 * --------------------------------------------------------------------------- */
#define IS_DUE                                                                                     \
    " i.last_pulled > $1 AND i.verdict = 'unhealthy' AND i.is_index = 0 AND i.deleted_at = 0"      \
    " AND NOT EXISTS (SELECT 1 FROM told t WHERE t.name = 'pulled:' || CAST(i.id AS TEXT)"         \
    " AND t.at > $2)"

static bool pulled_note(struct store *store, const struct in_use_spec *spec, size_t *n,
                        struct err *err)
{
    char now[32];
    snprintf(now, sizeof(now), ":%lld", (long long)spec->now);
    if (!db_run(store, err,
                "INSERT INTO changes (batch, kind, registry_id, image_id, repository, digest,"
                " tag, verdict_before, detail, generation, at)"
                " SELECT 'pulled:' || CAST(i.repository_id AS TEXT) || $3, 'pulled',"
                " i.registry_id, i.id, p.name, i.digest, '', i.verdict, '', i.generation, $4"
                " FROM images i JOIN repositories p ON p.id = i.repository_id WHERE" IS_DUE,
                vi(spec->pulled_after), vi(spec->told_after), vc(now), vi(spec->now)))
        return false;
    *n = (size_t)db_changes(store);
    return *n == 0 ||
           db_run(store, err,
                  "INSERT INTO told (name, at) SELECT 'pulled:' || CAST(image_id AS TEXT), $1"
                  " FROM changes WHERE kind = 'pulled' AND at = $1"
                  " ON CONFLICT (name) DO UPDATE SET at = excluded.at",
                  vi(spec->now));
}

/* Two servers must not note the same; that nothing is due, they may see side by side. */
bool store_changes_pulled(struct store *store, const struct in_use_spec *spec, size_t *n,
                          struct err *err)
{
    int64_t is_due = 0;
    *n = 0;
    if (!db_int(store, 0, &is_due, err, "SELECT 1 FROM images i WHERE" IS_DUE " LIMIT 1",
                vi(spec->pulled_after), vi(spec->told_after)))
        return false;
    return !is_due || TX_DONE_ALONE(store, err, pulled_note(store, spec, n, err));
}

static bool source_note(struct store *store, str name, str error, int64_t now, bool *is_new,
                        struct err *err)
{
    auto_sb key, batch;
    sb_init(&key, LIMIT(FIELD));
    sb_init(&batch, LIMIT(FIELD));
    sb_addf(&key, "held:" STR_FMT, STR_ARG(name));
    sb_addf(&batch, "source:" STR_FMT ":%lld", STR_ARG(name), (long long)now);
    if (!sb_ok(&key, err) || !sb_ok(&batch, err))
        return false;
    if (!error.len)
        return db_run(store, err, "DELETE FROM told WHERE name = $1", vt(sb_str(&key)));
    if (!db_run(store, err,
                "INSERT INTO told (name, at) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING",
                vt(sb_str(&key)), vi(now)))
        return false;
    *is_new = db_changes(store) > 0;
    return !*is_new ||
           db_run(store, err,
                  "INSERT INTO changes (batch, kind, registry_id, image_id, repository, digest,"
                  " tag, verdict_before, detail, generation, at)"
                  " VALUES ($1, 'source', 0, 0, '', $2, '', '', $3, 0, $4)",
                  vt(sb_str(&batch)), vt(name), vt(error), vi(now));
}

bool store_changes_source(struct store *store, str name, str error, int64_t now, bool *is_new,
                          struct err *err)
{
    *is_new = false;
    return TX_WRITTEN(store, err, source_note(store, name, error, now, is_new, err));
}

/* --- handing on
 * ----------------------------------------------------------------------------------------- */
/* What belongs together is waited for, not for ever: a re-match, until it ends; an image that
 * nothing names yet, for the index that is pushed after its platforms. */
#define IS_RIPE                                                                                    \
    " c.kind NOT IN ('scan', 'rematch') OR c.at <= $1 OR (c.kind = 'rematch' AND NOT EXISTS"       \
    " (SELECT 1 FROM jobs WHERE kind = 'rematch' AND state = 'running'))"                          \
    " OR (c.kind = 'scan' AND (EXISTS (SELECT 1 FROM tags t WHERE t.image_id = c.image_id)"        \
    " OR EXISTS (SELECT 1 FROM index_children k WHERE k.image_id = c.image_id)"                    \
    " OR (c.at <= $2 AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.kind = 'scan'"                   \
    " AND j.registry_id = c.registry_id AND j.repository = c.repository"                           \
    " AND j.state IN ('queued', 'running')))))"

static bool batch_ripe(struct store *store, struct arena *arena, int64_t now, str *batch,
                       int64_t *image_id, struct err *err)
{
    auto_rows rows = {0};
    *batch = STR_NONE;
    *image_id = 0;
    if (!db_query(store, &rows, err,
                  "SELECT c.batch, CASE WHEN c.kind = 'scan' THEN c.image_id ELSE 0 END"
                  " FROM changes c WHERE" IS_RIPE " ORDER BY c.id LIMIT 1",
                  vi(now - CHANGES_WAIT_S), vi(now - CHANGES_NAMELESS_S)))
        return false;
    enum next next = rows_next(&rows, err);
    if (next != NEXT_ITEM)
        return next == NEXT_END;
    *image_id = row_int(&rows, 1);
    *batch = row_dup(&rows, 0, arena);
    return batch->ptr || err_memory(err);
}

/* Platforms of one index are one batch, whichever job scanned each. */
static bool batch_join(struct store *store, struct arena *arena, int64_t image_id, str *batch,
                       struct err *err)
{
    int64_t index_id = 0;
    if (!db_int(store, 0, &index_id, err,
                "SELECT COALESCE(MIN(k.index_id), 0) FROM index_children k JOIN images i"
                " ON i.id = k.index_id WHERE k.image_id = $1 AND i.deleted_at = 0",
                vi(image_id)))
        return false;
    if (!index_id)
        return true;
    *batch = arena_printf(arena, "index:%lld", (long long)index_id);
    return batch->ptr
               ? db_run(
                     store, err,
                     "UPDATE changes SET batch = $1 WHERE kind = 'scan' AND batch <> $1"
                     " AND image_id IN (SELECT image_id FROM index_children WHERE index_id = $2)",
                     vt(*batch), vi(index_id))
               : err_memory(err);
}

static bool change_read(struct rows *rows, struct arena *arena, struct store_change *out,
                        struct err *err)
{
    *out = (struct store_change){.id = row_int(rows, 0),
                                 .kind = kind_parse(row_text(rows, 1)),
                                 .registry = row_dup(rows, 2, arena),
                                 .image_id = row_int(rows, 3),
                                 .repository = row_dup(rows, 4, arena),
                                 .digest = row_dup(rows, 5, arena),
                                 .tag = row_dup(rows, 6, arena),
                                 .verdict_before = word_verdict_parse(row_text(rows, 7)),
                                 .detail = row_dup(rows, 8, arena),
                                 .generation = (uint64_t)row_int(rows, 9),
                                 .at = row_int(rows, 10)};
    return (out->registry.ptr && out->repository.ptr && out->digest.ptr && out->tag.ptr &&
            out->detail.ptr) ||
           err_memory(err);
}

enum next store_changes_next(struct store *store, struct arena *arena, int64_t now, size_t limit,
                             struct store_batch *out, struct err *err)
{
    auto_rows rows = {0};
    int64_t image_id = 0;
    *out = (struct store_batch){0};
    if (!batch_ripe(store, arena, now, &out->name, &image_id, err))
        return NEXT_ERR;
    if (!out->name.len)
        return NEXT_END;
    if (image_id && !batch_join(store, arena, image_id, &out->name, err))
        return NEXT_ERR;
    if (!db_query(store, &rows, err,
                  "SELECT c.id, c.kind, COALESCE(r.name, ''), c.image_id, c.repository, c.digest,"
                  " c.tag, c.verdict_before, c.detail, c.generation, c.at FROM changes c"
                  " LEFT JOIN registries r ON r.id = c.registry_id WHERE c.batch = $1"
                  " ORDER BY c.id LIMIT $2",
                  vt(out->name), vu(limit)))
        return NEXT_ERR;
    enum next next;
    while ((next = rows_next(&rows, err)) == NEXT_ITEM) {
        struct store_change *one = vec_push(arena, &out->changes);
        if (!one) {
            err_memory(err);
            return NEXT_ERR;
        }
        if (!change_read(&rows, arena, one, err))
            return NEXT_ERR;
    }
    if (next == NEXT_ERR)
        return NEXT_ERR;
    return out->changes.len ? NEXT_ITEM : NEXT_END;
}

/* The tag's last other image, or one of its platforms, had findings: then the new one mends it. */
bool store_change_mends(struct store *store, int64_t image_id, bool *mends, struct err *err)
{
    int64_t n = 0;
    bool ok = db_int(
        store, 0, &n, err,
        "SELECT COUNT(*) FROM tags t JOIN images c ON c.id = t.image_id JOIN tag_history h"
        " ON h.repository_id = t.repository_id AND h.name = t.name JOIN images o"
        " ON o.repository_id = h.repository_id AND o.digest = h.digest"
        " WHERE (t.image_id = $1 OR t.image_id IN"
        " (SELECT index_id FROM index_children WHERE image_id = $1))"
        " AND h.id = (SELECT MAX(x.id) FROM tag_history x WHERE x.repository_id = t.repository_id"
        " AND x.name = t.name AND x.digest <> c.digest AND x.digest <> '')"
        " AND (o.verdict = 'unhealthy' OR EXISTS (SELECT 1 FROM index_children k JOIN images y"
        " ON y.id = k.image_id WHERE k.index_id = o.id AND y.verdict = 'unhealthy'))",
        vi(image_id));
    *mends = n > 0;
    return ok;
}
