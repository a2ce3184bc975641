/* SPDX-License-Identifier: Apache-2.0 */
/* What a scan or a re-match found out about an image, written in place of what stood there. */
#include <stdlib.h>

#include "store/internal.h"

static str digest_text(const digest *d, char out[static DIGEST_TEXT_SIZE])
{
    return digest_is_none(d) ? STR("") : digest_print(d, out);
}

static bool has_verdict(const struct report *report)
{
    return report->verdict == VERDICT_HEALTHY || report->verdict == VERDICT_UNHEALTHY ||
           report->verdict == VERDICT_NOT_APPLICABLE;
}

static bool failure_note(struct store *store, int64_t image_id, str failure, int64_t now,
                         struct err *err)
{
    return db_run(store, err, "UPDATE images SET failure = $1, failed_at = $2 WHERE id = $3",
                  vt(failure.len ? failure : STR("no reason was given")), vi(now), vi(image_id));
}

/* --- parts of an image
 * ------------------------------------------------------------------------------------ */
static bool layers_write(struct store *store, int64_t image_id, const struct report *report,
                         struct err *err)
{
    if (!db_run(store, err, "DELETE FROM image_layers WHERE image_id = $1", vi(image_id)))
        return false;
    for (size_t i = 0; i < report->layers.len; i++) {
        const struct report_layer *l = &report->layers.ptr[i];
        char layer[DIGEST_TEXT_SIZE], diff_id[DIGEST_TEXT_SIZE];
        if (!db_run(store, err,
                    "INSERT INTO image_layers (image_id, position, digest, diff_id, size_bytes,"
                    " created_by, is_base) VALUES ($1, $2, $3, $4, $5, $6, $7)",
                    vi(image_id), vu(i), vt(digest_text(&l->digest, layer)),
                    vt(digest_text(&l->diff_id, diff_id)), vu(l->size_bytes), vt(l->created_by),
                    vi(l->is_base)))
            return false;
    }
    return true;
}

/* Of an image stored before chains were: now. */
static bool chain_write(struct store *store, int64_t image_id, const struct report *report,
                        struct err *err)
{
    size_t n = report->layers.len;
    char text[DIGEST_TEXT_SIZE];
    digest *ids = calloc(2 * n + 1, sizeof(*ids)), chain = {0};
    if (!ids)
        return err_memory(err);
    for (size_t i = 0; i < n; i++)
        ids[i] = report->layers.ptr[i].diff_id;
    assess_chain_ids(ids, n, ids + n);
    if (n)
        chain = ids[2 * n - 1];
    free(ids);
    return db_run(store, err, "UPDATE images SET chain = $1 WHERE id = $2 AND chain <> $1",
                  vt(digest_text(&chain, text)), vi(image_id));
}

static bool base_write(struct store *store, int64_t image_id, const struct report *report,
                       struct err *err)
{
    uint64_t n = 0;
    while (n < report->layers.len && report->layers.ptr[n].is_base)
        n++;
    return db_run(store, err,
                  "UPDATE image_layers SET is_base = CASE WHEN position < $1 THEN 1 ELSE 0 END"
                  " WHERE image_id = $2 AND is_base <> CASE WHEN position < $1 THEN 1 ELSE 0 END",
                  vu(n), vi(image_id));
}

static bool notices_write(struct store *store, int64_t image_id, const struct report *report,
                          struct err *err)
{
    if (!db_run(store, err, "DELETE FROM image_notices WHERE image_id = $1", vi(image_id)))
        return false;
    for (size_t i = 0; i < report->notices.len; i++) {
        const struct notice *n = &report->notices.ptr[i];
        if (!db_run(
                store, err,
                "INSERT INTO image_notices (image_id, position, kind, is_incomplete, layer, path,"
                " message) VALUES ($1, $2, $3, $4, $5, $6, $7)",
                vi(image_id), vu(i), vc(word_notice(n->kind)), vi(n->is_incomplete), vi(n->layer),
                vt(n->path), vt(n->message)))
            return false;
    }
    return true;
}

/* A re-match can be done without the registry when every layer's inventory was kept. */
static bool inventory_mark(struct store *store, int64_t image_id, uint64_t revision,
                           struct err *err)
{
    return db_run(store, err,
                  "UPDATE images SET has_inventory = CASE WHEN EXISTS (SELECT 1 FROM image_layers"
                  " WHERE image_id = $1) AND NOT EXISTS (SELECT 1 FROM image_layers l WHERE"
                  " l.image_id = $1 AND NOT EXISTS (SELECT 1 FROM layer_inventories v WHERE"
                  " v.digest = l.digest AND v.diff_id = l.diff_id AND v.revision = $2))"
                  " THEN 1 ELSE 0 END WHERE id = $1",
                  vi(image_id), vu(revision));
}

/* --- the verdict
 * -------------------------------------------------------------------------------------------- */
static struct report_summary count_findings(const struct report *report)
{
    struct report_summary s = {0};
    for (size_t i = 0; i < report->findings.len; i++) {
        const struct finding *f = &report->findings.ptr[i];
        unsigned *const of[] = {[SEVERITY_UNKNOWN] = &s.unknown, [SEVERITY_NONE] = &s.low,
                                [SEVERITY_LOW] = &s.low,         [SEVERITY_MEDIUM] = &s.medium,
                                [SEVERITY_HIGH] = &s.high,       [SEVERITY_CRITICAL] = &s.critical};
        if (f->disabled_by.len)
            s.disabled++;
        else if (f->class != CLASS_KERNEL_HEADERS) {
            ++*of[f->severity <= SEVERITY_CRITICAL ? f->severity : SEVERITY_UNKNOWN];
            s.patchable += f->is_patchable;
        }
    }
    return s;
}

static bool verdict_write(struct store *store, int64_t image_id, const struct report *report,
                          uint64_t generation, struct err *err)
{
    struct report_summary s = count_findings(report);
    return db_run(store, err,
                  "UPDATE images SET verdict = $1, is_complete = $2, reason = $3, failure = '',"
                  " failed_at = 0, generation = $4, tried_generation = $4, n_critical = $5,"
                  " n_high = $6, n_medium = $7, n_low = $8, n_unknown = $9, n_patchable = $10,"
                  " n_disabled = $11, clear_verdict = $12, clear_reason = $13,"
                  " rules_revision = $14 WHERE id = $15",
                  vc(word_verdict(report->verdict)), vi(report->is_complete), vt(report->reason),
                  vu(generation), vi(s.critical), vi(s.high), vi(s.medium), vi(s.low),
                  vi(s.unknown), vi(s.patchable), vi(s.disabled),
                  vc(word_verdict(report->clear_verdict)), vt(report->clear_reason),
                  vu(report->rules_revision), vi(image_id));
}

static bool details_write(struct store *store, int64_t image_id, const struct store_result *result,
                          int64_t now, struct err *err)
{
    const struct report *r = result->report;
    uint64_t size_bytes = 0;
    auto_sb labels;
    for (size_t i = 0; i < r->layers.len; i++)
        size_bytes +=
            r->layers.ptr[i].size_bytes <= INT64_MAX / 1024 ? r->layers.ptr[i].size_bytes : 0;
    sb_init(&labels, LIMIT(CONFIG) * 2);
    pack_labels(&labels, r);
    return sb_ok(&labels, err) &&
           db_run(store, err,
                  "UPDATE images SET platform = $1, os_id = $2, os_version = $3, os_name = $4,"
                  " source = $5, labels = $6, size_bytes = $7, scanned_at = $8,"
                  " media_type = CASE WHEN $9 = '' THEN media_type ELSE $9 END WHERE id = $10",
                  vt(r->platform), vt(r->distro.id), vt(r->distro.version_id), vt(r->distro.name),
                  vt(r->source), vt(sb_str(&labels)), vu(size_bytes), vi(now),
                  vt(result->media_type), vi(image_id));
}

struct write {
    struct store *store;
    int64_t registry_id, repository_id;
    const struct job_outcome *outcome;
    const struct job *job;
};

/* Of who is behind: a verdict of a later generation stands, what is in the image is kept, and the
 * re-match that follows looks at it. */
static bool is_outdated(struct write *w, int64_t image_id, bool *outdated, struct err *err)
{
    int64_t newer = 0;
    const struct job_outcome *o = w->outcome;
    *outdated = false;
    if (o->newest <= o->generation)
        return true;
    if (!db_int(w->store, 0, &newer, err,
                "SELECT 1 FROM images WHERE id = $1 AND verdict <> '' AND generation > $2",
                vi(image_id), vu(o->generation)))
        return false;
    *outdated = newer != 0;
    return !newer || db_run(w->store, err, "UPDATE images SET tried_generation = 0 WHERE id = $1",
                            vi(image_id));
}

static bool rematch_when_behind(struct store *store, const struct job_outcome *o, struct err *err)
{
    const struct job_spec spec = {
        .kind = JOB_REMATCH, .priority = PRIORITY_PUSH, .not_before = o->now};
    return o->newest <= o->generation || job_add(store, &spec, o->now, NULL, err);
}

static bool is_deleted(struct store *store, int64_t image_id, bool *deleted, struct err *err)
{
    int64_t at = 0;
    bool ok =
        db_int(store, 0, &at, err, "SELECT deleted_at FROM images WHERE id = $1", vi(image_id));
    *deleted = at != 0;
    return ok;
}

static bool result_write(struct write *w, const struct store_result *result, int64_t *image_id,
                         struct err *err)
{
    const struct report *report = result->report;
    const struct job_outcome *o = w->outcome;
    char text[DIGEST_TEXT_SIZE];
    bool deleted = false, outdated = false;
    if (digest_is_none(&report->digest))
        return err_set(err, ERR_FORMAT, "the result has no digest");
    if (!image_ensure(w->store, w->registry_id, w->repository_id,
                      digest_text(&report->digest, text), o->now, image_id, err) ||
        !is_deleted(w->store, *image_id, &deleted, err))
        return false;
    if (deleted)
        return true;
    if (!has_verdict(report))
        return failure_note(w->store, *image_id, report->reason, o->now, err);
    struct change_before before;
    const struct change_spec change = {.kind = NEWS_SCAN,
                                       .image_id = *image_id,
                                       .job_id = w->job->id,
                                       .lease = w->job->lease,
                                       .digest = w->job->digest,
                                       .tag = w->job->tag,
                                       .generation = o->generation,
                                       .at = o->now};
    return change_before(w->store, *image_id, o->now, &before, err) &&
           details_write(w->store, *image_id, result, o->now, err) &&
           layers_write(w->store, *image_id, report, err) &&
           chain_write(w->store, *image_id, report, err) &&
           inventory_mark(w->store, *image_id, o->revision, err) &&
           is_outdated(w, *image_id, &outdated, err) &&
           (outdated ||
            (notices_write(w->store, *image_id, report, err) &&
             verdict_write(w->store, *image_id, report, o->generation, err) &&
             findings_replace(w->store, w->registry_id, *image_id, report, o->now, err) &&
             units_write(w->store, w->registry_id, *image_id, report, err))) &&
           ledger_note(w->store, *image_id, report, o->now, err) &&
           change_after(w->store, &change, &before, err);
}

/* --- an index
 * ------------------------------------------------------------------------------------------------
 */
static bool index_open(struct write *w, const struct job *job, int64_t *index_id, struct err *err)
{
    return image_ensure(w->store, w->registry_id, w->repository_id, job->digest, w->outcome->now,
                        index_id, err) &&
           db_run(w->store, err, "DELETE FROM index_children WHERE index_id = $1", vi(*index_id));
}

static bool index_child(struct write *w, int64_t index_id, int64_t image_id, struct err *err)
{
    return db_run(w->store, err,
                  "INSERT INTO index_children (index_id, image_id) VALUES ($1, $2)"
                  " ON CONFLICT (index_id, image_id) DO NOTHING",
                  vi(index_id), vi(image_id));
}

static bool index_close(struct write *w, int64_t index_id, bool is_complete, struct err *err)
{
    return db_run(
        w->store, err,
        "UPDATE images SET is_index = 1, scanned_at = $1, is_complete = $2, generation = $3,"
        " failure = '', failed_at = 0 WHERE id = $4 AND deleted_at = 0",
        vi(w->outcome->now), vi(is_complete), vu(w->outcome->generation), vi(index_id));
}

static bool results_write(struct write *w, const struct job *job, struct err *err)
{
    const struct job_outcome *o = w->outcome;
    int64_t index_id = 0;
    bool is_complete = true;
    if (o->is_index && !index_open(w, job, &index_id, err))
        return false;
    for (size_t i = 0; i < o->n_results; i++) {
        int64_t image_id = 0;
        if (!result_write(w, &o->results[i], &image_id, err) ||
            (o->is_index && !index_child(w, index_id, image_id, err)))
            return false;
        is_complete = is_complete && has_verdict(o->results[i].report);
    }
    return !o->is_index || index_close(w, index_id, is_complete, err);
}

/* A scan that gave no result leaves its reason with the image. */
static bool attempt_note(struct store *store, const struct job *job, const struct job_outcome *o,
                         struct err *err)
{
    return db_run(
        store, err,
        "UPDATE images SET failure = $1, failed_at = $2 WHERE digest = $3 AND repository_id"
        " IN (SELECT id FROM repositories WHERE registry_id = $4 AND name = $5)"
        " AND deleted_at = 0",
        vt(o->error), vi(o->now), vt(job->digest), vi(job->registry_id), vt(job->repository));
}

static bool finish(struct store *store, const struct job *job, const struct job_outcome *o,
                   struct err *err)
{
    struct write w = {store, job->registry_id, 0, o, job};
    if (!registry_lock(store, job->registry_id, err) || !job_end(store, job, o, err))
        return false;
    if (job->kind != JOB_SCAN || o->end == JOB_END_GIVE_BACK)
        return true;
    if (o->end != JOB_END_DONE && !change_failed(store, job, o->error, o->now, err))
        return false;
    if (!o->n_results)
        return o->end == JOB_END_DONE || attempt_note(store, job, o, err);
    return repository_ensure(store, job->registry_id, job->repository, o->now, &w.repository_id,
                             err) &&
           results_write(&w, job, err) && assessment_touch(store, job->registry_id, o->now, err) &&
           rematch_when_behind(store, o, err);
}

bool store_job_finish(struct store *store, const struct job *job, const struct job_outcome *outcome,
                      struct err *err)
{
    return TX_WRITTEN(store, err, finish(store, job, outcome, err));
}

/* --- re-match
 * --------------------------------------------------------------------------------------------------
 */
static bool rematch_due(struct store *store, int64_t image_id, uint64_t generation,
                        int64_t *registry_id, struct err *err)
{
    return db_int(store, 0, registry_id, err,
                  "SELECT registry_id FROM images WHERE id = $1 AND verdict <> ''"
                  " AND tried_generation < $2",
                  vi(image_id), vu(generation));
}

static bool tried_mark(struct store *store, int64_t image_id, uint64_t generation, struct err *err)
{
    return db_run(store, err, "UPDATE images SET tried_generation = $1 WHERE id = $2",
                  vu(generation), vi(image_id));
}

static bool rematch_save(struct store *store, int64_t image_id, const struct report *report,
                         uint64_t generation, int64_t now, struct err *err)
{
    int64_t registry_id = 0;
    if (!rematch_due(store, image_id, generation, &registry_id, err))
        return false;
    if (registry_id && (!registry_lock(store, registry_id, err) ||
                        !rematch_due(store, image_id, generation, &registry_id, err)))
        return false; /* while we waited for the lock somebody else may have been faster */
    if (!registry_id)
        return true;
    if (!report)
        return tried_mark(store, image_id, generation, err);
    if (!has_verdict(report))
        return failure_note(store, image_id, report->reason, now, err) &&
               tried_mark(store, image_id, generation, err);
    struct change_before before;
    const struct change_spec change = {
        .kind = NEWS_REMATCH, .image_id = image_id, .generation = generation, .at = now};
    return change_before(store, image_id, now, &before, err) &&
           chain_write(store, image_id, report, err) && base_write(store, image_id, report, err) &&
           notices_write(store, image_id, report, err) &&
           verdict_write(store, image_id, report, generation, err) &&
           findings_replace(store, registry_id, image_id, report, now, err) &&
           units_write(store, registry_id, image_id, report, err) &&
           assessment_touch(store, registry_id, now, err) &&
           change_after(store, &change, &before, err);
}

bool store_rematch_save(struct store *store, int64_t image_id, const struct report *report,
                        uint64_t generation, int64_t now, struct err *err)
{
    return TX_WRITTEN(store, err, rematch_save(store, image_id, report, generation, now, err));
}
