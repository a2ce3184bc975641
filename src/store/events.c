/* SPDX-License-Identifier: Apache-2.0 */
#include <sodium.h>

#include "store/internal.h"

/* --- names to ids
 * ------------------------------------------------------------------------------------- */
bool repository_ensure(struct store *store, int64_t registry_id, str name, int64_t now, int64_t *id,
                       struct err *err)
{
    return db_run(store, err,
                  "INSERT INTO repositories (registry_id, name, first_seen) VALUES ($1, $2, $3)"
                  " ON CONFLICT (registry_id, name) DO NOTHING",
                  vi(registry_id), vt(name), vi(now)) &&
           db_int(store, 0, id, err,
                  "SELECT id FROM repositories WHERE registry_id = $1 AND name = $2",
                  vi(registry_id), vt(name));
}

bool image_ensure(struct store *store, int64_t registry_id, int64_t repository_id, str name,
                  int64_t now, int64_t *id, struct err *err)
{
    return db_run(store, err,
                  "INSERT INTO images (registry_id, repository_id, digest, first_seen)"
                  " VALUES ($1, $2, $3, $4) ON CONFLICT (repository_id, digest) DO NOTHING",
                  vi(registry_id), vi(repository_id), vt(name), vi(now)) &&
           db_int(store, 0, id, err,
                  "SELECT id FROM images WHERE repository_id = $1 AND digest = $2",
                  vi(repository_id), vt(name));
}

/* --- one event
 * ------------------------------------------------------------------------------------------ */
struct intake {
    struct store *store;
    int64_t registry_id, now;
    struct event_counts *counts;
};

static const char *action_word(enum event_action action)
{
    static const char *const words[] = {"", "push", "pull", "delete", "found"};
    return words[action <= EVENT_FOUND ? action : 0];
}

/* A sender that gives no id, or one too long for a key, is known by what it says. */
enum { ID_MAX = 512 };
static str event_key(const struct store_event *e,
                     char hash[static crypto_hash_sha256_BYTES * 2 + 1], struct sb *text)
{
    if (e->id.len && e->id.len <= ID_MAX)
        return e->id;
    unsigned char raw[crypto_hash_sha256_BYTES];
    sb_init(text, 4 * LIMIT(PATH));
    sb_addf(text, "%s %lld ", action_word(e->action), (long long)e->at);
    sb_add(text, e->id);
    sb_blob(text, e->repository);
    sb_blob(text, e->digest);
    sb_blob(text, e->tag);
    crypto_hash_sha256(raw, (const unsigned char *)(text->ptr ? text->ptr : ""), text->len);
    sodium_bin2hex(hash, crypto_hash_sha256_BYTES * 2 + 1, raw, sizeof(raw));
    return str_of(hash, crypto_hash_sha256_BYTES * 2);
}

static bool remember(struct intake *in, const struct store_event *e, bool *is_new, struct err *err)
{
    char hash[crypto_hash_sha256_BYTES * 2 + 1];
    auto_sb text = {0};
    bool ok = db_run(in->store, err,
                     "INSERT INTO events (registry_id, id, action, repository, digest, tag, at,"
                     " received_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
                     " ON CONFLICT (registry_id, id) DO NOTHING",
                     vi(in->registry_id), vt(event_key(e, hash, &text)), vc(action_word(e->action)),
                     vt(e->repository), vt(e->digest), vt(e->tag), vi(e->at), vi(in->now));
    *is_new = ok && db_changes(in->store) > 0;
    return ok;
}

/* A tag that is set to what it names already has no new history. */
static bool tag_note(struct intake *in, int64_t repository_id, int64_t image_id,
                     const struct store_event *e, struct err *err)
{
    return db_run(in->store, err,
                  "INSERT INTO tag_history (repository_id, name, digest, at)"
                  " SELECT $1, $2, $3, $4 WHERE NOT EXISTS (SELECT 1 FROM tags"
                  " WHERE repository_id = $1 AND name = $2 AND image_id = $5 AND set_at <= $4)",
                  vi(repository_id), vt(e->tag), vt(e->digest), vi(e->at), vi(image_id));
}

/* Nor has one that is removed without being there. */
static bool tag_note_gone(struct intake *in, int64_t repository_id, const struct store_event *e,
                          struct err *err)
{
    return db_run(in->store, err,
                  "INSERT INTO tag_history (repository_id, name, digest, at)"
                  " SELECT repository_id, name, '', $3 FROM tags"
                  " WHERE repository_id = $1 AND name = $2",
                  vi(repository_id), vt(e->tag), vi(e->at));
}

/* Events come in any order: an older push does not take the tag from a newer one. */
static bool tag_set(struct intake *in, int64_t repository_id, int64_t image_id,
                    const struct store_event *e, struct err *err)
{
    if (!e->tag.len)
        return true;
    return tag_note(in, repository_id, image_id, e, err) &&
           db_run(in->store, err,
                  "INSERT INTO tags (repository_id, name, image_id, set_at) VALUES ($1, $2, $3, $4)"
                  " ON CONFLICT (repository_id, name) DO UPDATE SET image_id = excluded.image_id,"
                  " set_at = excluded.set_at WHERE tags.set_at <= excluded.set_at",
                  vi(repository_id), vt(e->tag), vi(image_id), vi(e->at));
}

static bool queue_scan(struct intake *in, const struct store_event *e, enum job_priority priority,
                       struct err *err)
{
    bool is_new = false;
    const struct job_spec spec = {.kind = JOB_SCAN,
                                  .registry_id = in->registry_id,
                                  .repository = e->repository,
                                  .digest = e->digest,
                                  .tag = e->tag,
                                  .priority = priority,
                                  .not_before = in->now};
    if (!job_add(in->store, &spec, in->now, &is_new, err))
        return false;
    in->counts->n_jobs += is_new;
    return true;
}

/* True when there is nothing to scan: a complete result stands, and the image was never gone since.
 */
static bool is_settled(struct intake *in, int64_t image_id, int64_t *settled, struct err *err)
{
    return db_int(in->store, 0, settled, err,
                  "SELECT CASE WHEN deleted_at = 0 AND scanned_at > 0 AND"
                  " (is_complete = 1 OR verdict = 'not-applicable') THEN 1 ELSE 0 END"
                  " FROM images WHERE id = $1",
                  vi(image_id));
}

static bool image_of(struct intake *in, const struct store_event *e, int64_t *repository_id,
                     int64_t *image_id, struct err *err)
{
    return repository_ensure(in->store, in->registry_id, e->repository, in->now, repository_id,
                             err) &&
           image_ensure(in->store, in->registry_id, *repository_id, e->digest, in->now, image_id,
                        err);
}

static bool take_push(struct intake *in, const struct store_event *e, enum job_priority priority,
                      struct err *err)
{
    int64_t repository_id = 0, image_id = 0, settled = 0;
    if (!image_of(in, e, &repository_id, &image_id, err) ||
        !is_settled(in, image_id, &settled, err) || !tag_set(in, repository_id, image_id, e, err))
        return false;
    if (!db_run(in->store, err,
                "UPDATE images SET deleted_at = 0, last_pushed = CASE WHEN last_pushed > $1 THEN"
                " last_pushed ELSE $1 END, is_index = CASE WHEN is_index = 1 THEN 1 ELSE $2 END,"
                " media_type = CASE WHEN $3 = '' THEN media_type ELSE $3 END WHERE id = $4",
                vi(e->action == EVENT_PUSH ? e->at : 0), vi(e->is_index), vt(e->media_type),
                vi(image_id)))
        return false;
    return settled ? true : queue_scan(in, e, priority, err);
}

/* An image that is pulled but was never seen was pushed before the registry was guarded. */
static bool take_pull(struct intake *in, const struct store_event *e, struct err *err)
{
    int64_t repository_id = 0, image_id = 0, settled = 0;
    if (!image_of(in, e, &repository_id, &image_id, err) ||
        !is_settled(in, image_id, &settled, err))
        return false;
    if (!db_run(in->store, err,
                "UPDATE images SET deleted_at = 0, last_pulled = CASE WHEN last_pulled > $1 THEN"
                " last_pulled ELSE $1 END, is_index = CASE WHEN is_index = 1 THEN 1 ELSE $2 END,"
                " media_type = CASE WHEN $3 = '' THEN media_type ELSE $3 END WHERE id = $4",
                vi(e->at), vi(e->is_index), vt(e->media_type), vi(image_id)))
        return false;
    return settled ? true : queue_scan(in, e, PRIORITY_PULLED, err);
}

/* --- deletes
 * ---------------------------------------------------------------------------------------------- */
/* Out of the results; the row, its layers and the history stay. */
static bool image_drop(struct intake *in, int64_t image_id, const struct store_event *e,
                       struct err *err)
{
    return db_run(in->store, err,
                  "INSERT INTO tag_history (repository_id, name, digest, at)"
                  " SELECT repository_id, name, '', $1 FROM tags WHERE image_id = $2",
                  vi(e->at), vi(image_id)) &&
           db_run(in->store, err, "DELETE FROM tags WHERE image_id = $1", vi(image_id)) &&
           db_run(in->store, err, "DELETE FROM index_children WHERE index_id = $1", vi(image_id)) &&
           db_run(in->store, err, "DELETE FROM findings WHERE registry_id = $1 AND image_id = $2",
                  vi(in->registry_id), vi(image_id)) &&
           db_run(in->store, err, "DELETE FROM image_notices WHERE image_id = $1", vi(image_id)) &&
           db_run(in->store, err,
                  "UPDATE images SET deleted_at = $1, verdict = '', is_complete = 0, reason = '',"
                  " scanned_at = 0, failure = '', failed_at = 0, n_critical = 0, n_high = 0,"
                  " n_medium = 0, n_low = 0, n_unknown = 0, n_patchable = 0, n_disabled = 0"
                  " WHERE id = $2",
                  vi(in->now), vi(image_id));
}

static bool cancel_queued(struct intake *in, const struct store_event *e, str name, struct err *err)
{
    return db_run(in->store, err,
                  "UPDATE jobs SET state = 'cancelled', finished_at = $1,"
                  " error = 'deleted from its registry' WHERE kind = 'scan' AND registry_id = $2"
                  " AND repository = $3 AND digest = $4 AND state = 'queued'",
                  vi(in->now), vi(in->registry_id), vt(e->repository), vt(name));
}

/* Without digest: every image of the repository.  What was pushed again after the delete stays:
 * events come in any order, and to show an image that is gone is the smaller mistake. */
static bool drop_all(struct intake *in, const struct store_event *e, int64_t repository_id,
                     struct err *err)
{
    for (;;) {
        int64_t id = 0;
        char name[160];
        size_t len = 0;
        {
            auto_rows rows = {0};
            if (!db_query(
                    in->store, &rows, err,
                    "SELECT id, digest FROM images WHERE repository_id = $1 AND deleted_at = 0"
                    " AND ($2 = '' OR digest = $2) AND last_pushed <= $3 ORDER BY id LIMIT 1",
                    vi(repository_id), vt(e->digest), vi(e->at)))
                return false;
            enum next next = rows_next(&rows, err);
            if (next != NEXT_ITEM)
                return next == NEXT_END;
            id = row_int(&rows, 0);
            str d = row_text(&rows, 1);
            len = num_min(d.len, sizeof(name));
            memcpy(name, d.ptr, len);
        }
        if (!image_drop(in, id, e, err) || !cancel_queued(in, e, str_of(name, len), err))
            return false;
    }
}

static bool drop_tag(struct intake *in, const struct store_event *e, int64_t repository_id,
                     struct err *err)
{
    return tag_note_gone(in, repository_id, e, err) &&
           db_run(in->store, err,
                  "DELETE FROM tags WHERE repository_id = $1 AND name = $2 AND set_at <= $3",
                  vi(repository_id), vt(e->tag), vi(e->at));
}

static bool take_delete(struct intake *in, const struct store_event *e, struct err *err)
{
    int64_t repository_id = 0;
    if (!db_int(in->store, 0, &repository_id, err,
                "SELECT id FROM repositories WHERE registry_id = $1 AND name = $2",
                vi(in->registry_id), vt(e->repository)))
        return false;
    if (!repository_id)
        return true; /* never seen: nothing to take out */
    bool is_tag = !e->digest.len && e->tag.len;
    return is_tag ? drop_tag(in, e, repository_id, err) : drop_all(in, e, repository_id, err);
}

/* --- the commit
 * ------------------------------------------------------------------------------------------- */
static bool take(struct intake *in, const struct store_event *sent, struct err *err)
{
    bool is_new = false;
    if (!remember(in, sent, &is_new, err))
        return false;
    struct store_event clamped = *sent, *e = &clamped;
    if (e->at <= 0 || e->at > in->now)
        e->at = in->now; /* a clock that is ahead must not win over all that follows */
    if (!is_new) {
        in->counts->n_known++;
        return true;
    }
    in->counts->n_new++;
    switch (e->action) {
    case EVENT_PUSH:
        return take_push(in, e, PRIORITY_PUSH, err);
    case EVENT_FOUND:
        return take_push(in, e, PRIORITY_SWEEP, err);
    case EVENT_PULL:
        return take_pull(in, e, err);
    case EVENT_DELETE:
        return take_delete(in, e, err);
    case EVENT_NONE:
    default:
        return true;
    }
}

static bool take_all(struct intake *in, const struct store_event *events, size_t n, struct err *err)
{
    *in->counts = (struct event_counts){0};
    if (!registry_lock(in->store, in->registry_id, err))
        return false;
    for (size_t i = 0; i < n; i++)
        if (!take(in, &events[i], err))
            return false;
    return in->counts->n_new == 0 || assessment_touch(in->store, in->registry_id, in->now, err);
}

bool store_events_add(struct store *store, int64_t registry_id, const struct store_event *events,
                      size_t n, int64_t now, struct event_counts *out, struct err *err)
{
    struct intake in = {store, registry_id, now, out};
    *out = (struct event_counts){0};
    if (!n)
        return true;
    bool ok = TX_WRITTEN(store, err, take_all(&in, events, n, err));
    if (!ok)
        *out = (struct event_counts){0};
    return ok;
}
