/* SPDX-License-Identifier: Apache-2.0 */
/* events.c - names to ids; what a delete takes out.  What comes in: intake.c. */
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

/* --- deletes
 * ---------------------------------------------------------------------------------------------- */
struct drop {
    struct store *store;
    int64_t registry_id, now;
};

/* A tag that is removed without being there has no new history. */
static bool tag_note_gone(struct drop *in, int64_t repository_id, const struct store_event *e,
                          struct err *err)
{
    return db_run(in->store, err,
                  "INSERT INTO tag_history (repository_id, name, digest, at)"
                  " SELECT repository_id, name, '', $3 FROM tags"
                  " WHERE repository_id = $1 AND name = $2",
                  vi(repository_id), vt(e->tag), vi(e->at));
}

/* Out of the results; the row, its layers and the history stay. */
static bool image_drop(struct drop *in, int64_t image_id, const struct store_event *e,
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

static bool cancel_queued(struct drop *in, const struct store_event *e, str name, struct err *err)
{
    return db_run(in->store, err,
                  "UPDATE jobs SET state = 'cancelled', finished_at = $1,"
                  " error = 'deleted from its registry' WHERE kind = 'scan' AND registry_id = $2"
                  " AND repository = $3 AND digest = $4 AND state = 'queued'",
                  vi(in->now), vi(in->registry_id), vt(e->repository), vt(name));
}

/* Without digest: every image of the repository.  What was pushed again after the delete stays:
 * events come in any order, and to show an image that is gone is the smaller mistake. */
static bool drop_all(struct drop *in, const struct store_event *e, int64_t repository_id,
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

static bool drop_tag(struct drop *in, const struct store_event *e, int64_t repository_id,
                     struct err *err)
{
    return tag_note_gone(in, repository_id, e, err) &&
           db_run(in->store, err,
                  "DELETE FROM tags WHERE repository_id = $1 AND name = $2 AND set_at <= $3",
                  vi(repository_id), vt(e->tag), vi(e->at));
}

bool event_delete(struct store *store, int64_t registry_id, const struct store_event *e,
                  int64_t now, struct err *err)
{
    struct drop drop = {store, registry_id, now}, *in = &drop;
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
