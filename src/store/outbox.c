/* SPDX-License-Identifier: Apache-2.0 */
/* outbox.c - messages that wait until a receiver has them: one row a message and channel. */
#include "store/internal.h"

static const char *const states[] = {[OUTBOX_ANY] = "",
                                     [OUTBOX_QUEUED] = "queued",
                                     [OUTBOX_LEASED] = "sending",
                                     [OUTBOX_SENT] = "sent",
                                     [OUTBOX_DEAD] = "dead"};

const char *outbox_state_name(enum outbox_state state)
{
    return states[state <= OUTBOX_DEAD ? state : OUTBOX_ANY];
}

bool outbox_state_parse(str text, enum outbox_state *out)
{
    for (size_t i = OUTBOX_QUEUED; i < ARRAY_LEN(states); i++)
        if (str_eq(text, str_from(states[i]))) {
            *out = (enum outbox_state)i;
            return true;
        }
    return false;
}

/* --- in
 * -----------------------------------------------------------------------------------------------
 */
static bool message_insert(struct store *store, const struct outbox_message *m, int64_t now,
                           struct err *err)
{
    return db_run(store, err,
                  "INSERT INTO outbox (message, channel, kind, registry, repository, subject, body,"
                  " state, not_before, created_at)"
                  " VALUES ($1, $2, $3, $4, $5, $6, $7, 'queued', $8, $8)",
                  vt(m->message), vt(m->channel), vt(m->kind), vt(m->registry), vt(m->repository),
                  vt(m->subject), vt(m->body), vi(now));
}

/* Whoever takes the batch's rows out writes the messages: two servers cannot tell it twice. */
static bool add(struct store *store, const struct store_batch *batch,
                const struct outbox_message *list, size_t n, int64_t now, struct err *err)
{
    int64_t last = batch->changes.ptr[batch->changes.len - 1].id;
    if (!db_run(store, err, "DELETE FROM changes WHERE batch = $1 AND id <= $2", vt(batch->name),
                vi(last)))
        return false;
    if (db_changes(store) == 0)
        return true;
    for (size_t i = 0; i < n; i++)
        if (!message_insert(store, &list[i], now, err))
            return false;
    return true;
}

bool store_outbox_add(struct store *store, const struct store_batch *batch,
                      const struct outbox_message *list, size_t n, int64_t now, struct err *err)
{
    if (!batch->changes.len)
        return true;
    return TX_WRITTEN(store, err, add(store, batch, list, n, now, err));
}

/* --- reading
 * -------------------------------------------------------------------------------------------- */
#define COLUMNS                                                                                    \
    "id, message, channel, kind, registry, repository, subject, body, state, attempts, "           \
    "created_at,"                                                                                  \
    " not_before, ended_at, lease, error"

static bool message_read(struct rows *rows, struct arena *arena, struct outbox_message *out,
                         struct err *err)
{
    *out = (struct outbox_message){.id = row_int(rows, 0),
                                   .message = row_dup(rows, 1, arena),
                                   .channel = row_dup(rows, 2, arena),
                                   .kind = row_dup(rows, 3, arena),
                                   .registry = row_dup(rows, 4, arena),
                                   .repository = row_dup(rows, 5, arena),
                                   .subject = row_dup(rows, 6, arena),
                                   .body = row_dup(rows, 7, arena),
                                   .attempts = (unsigned)row_int(rows, 9),
                                   .created_at = row_int(rows, 10),
                                   .not_before = row_int(rows, 11),
                                   .ended_at = row_int(rows, 12),
                                   .lease = row_int(rows, 13),
                                   .error = row_dup(rows, 14, arena)};
    if (!outbox_state_parse(row_text(rows, 8), &out->state))
        return err_set(err, ERR_FORMAT, "store: message %lld has no known state",
                       (long long)out->id);
    return (out->message.ptr && out->channel.ptr && out->kind.ptr && out->registry.ptr &&
            out->repository.ptr && out->subject.ptr && out->body.ptr && out->error.ptr) ||
           err_memory(err);
}

bool store_outbox_get(struct store *store, struct arena *arena, int64_t id,
                      struct outbox_message *out, struct err *err)
{
    auto_rows rows = {0};
    if (!db_query(store, &rows, err, "SELECT " COLUMNS " FROM outbox WHERE id = $1", vi(id)))
        return false;
    enum next next = rows_next(&rows, err);
    if (next == NEXT_END)
        return err_set(err, ERR_NOT_FOUND, "message %lld: not known", (long long)id);
    return next == NEXT_ITEM && message_read(&rows, arena, out, err);
}

static bool list_read(struct rows *rows, struct arena *arena, outbox_messages *out, struct err *err)
{
    enum next next;
    while ((next = rows_next(rows, err)) == NEXT_ITEM) {
        struct outbox_message *one = vec_push(arena, out);
        if (!one)
            return err_memory(err);
        if (!message_read(rows, arena, one, err))
            return false;
    }
    return next == NEXT_END;
}

bool store_outbox_list(struct store *store, struct arena *arena, const struct outbox_filter *filter,
                       const struct store_page *page, outbox_messages *out, str *next,
                       struct err *err)
{
    auto_rows rows = {0};
    int64_t below = INT64_MAX;
    size_t limit = page_limit(page);
    *next = STR("");
    if (page && page->after.len && !cursor_parse(page->after, &below, 1, NULL, err))
        return false;
    if (!db_query(store, &rows, err,
                  "SELECT " COLUMNS " FROM outbox WHERE id < $1 AND ($2 = '' OR channel = $2)"
                  " AND ($3 = '' OR state = $3) ORDER BY id DESC LIMIT $4",
                  vi(below), vt(filter->channel), vc(outbox_state_name(filter->state)),
                  vu(limit + 1)) ||
        !list_read(&rows, arena, out, err))
        return false;
    if (out->len > limit) {
        out->len = limit;
        *next = arena_printf(arena, "%lld", (long long)out->ptr[limit - 1].id);
    }
    return next->ptr || err_memory(err);
}

bool store_outbox_count(struct store *store, struct outbox_counts *out, struct err *err)
{
    auto_rows rows = {0};
    *out = (struct outbox_counts){0};
    uint64_t none = 0;
    uint64_t *const of[] = {[OUTBOX_ANY] = &none,
                            [OUTBOX_QUEUED] = &out->queued,
                            [OUTBOX_LEASED] = &out->leased,
                            [OUTBOX_SENT] = &out->sent,
                            [OUTBOX_DEAD] = &out->dead};
    if (!db_query(store, &rows, err, "SELECT state, COUNT(*) FROM outbox GROUP BY state"))
        return false;
    enum next next;
    while ((next = rows_next(&rows, err)) == NEXT_ITEM) {
        enum outbox_state state;
        if (outbox_state_parse(row_text(&rows, 0), &state))
            *of[state] = (uint64_t)row_int(&rows, 1);
    }
    return next == NEXT_END;
}

bool store_outbox_channels(struct store *store, struct arena *arena, strs *out, struct err *err)
{
    auto_rows rows = {0};
    if (!db_query(store, &rows, err,
                  "SELECT DISTINCT channel FROM outbox WHERE state = 'queued' ORDER BY channel"))
        return false;
    enum next next;
    while ((next = rows_next(&rows, err)) == NEXT_ITEM) {
        str *one = vec_push(arena, out);
        if (!one || !(*one = row_dup(&rows, 0, arena)).ptr)
            return err_memory(err);
    }
    return next == NEXT_END;
}

/* --- out
 * ---------------------------------------------------------------------------------------------- */
#define CANDIDATE                                                                                  \
    "SELECT id FROM outbox WHERE state = 'queued' AND channel = $1 AND not_before <= $2"           \
    " ORDER BY id LIMIT 1"

static enum next candidate(struct store *store, str channel, int64_t now, bool is_taken,
                           int64_t *id, struct err *err)
{
    static const char look[] = CANDIDATE, take[] = CANDIDATE "{skip locked}";
    auto_rows rows = {0};
    if (!db_query(store, &rows, err, is_taken ? take : look, vt(channel), vi(now)))
        return NEXT_ERR;
    enum next next = rows_next(&rows, err);
    if (next == NEXT_ITEM)
        *id = row_int(&rows, 0);
    return next;
}

static enum next lease_locked(struct store *store, struct arena *arena, str channel, int64_t now,
                              uint32_t lease_s, struct outbox_message *out, struct err *err)
{
    int64_t id = 0;
    enum next next = candidate(store, channel, now, true, &id, err);
    if (next == NEXT_ITEM &&
        (!db_run(store, err,
                 "UPDATE outbox SET state = 'sending', lease = lease + 1, attempts = attempts + 1,"
                 " leased_until = $1 WHERE id = $2",
                 vi(now + lease_s), vi(id)) ||
         !store_outbox_get(store, arena, id, out, err)))
        return NEXT_ERR;
    return next;
}

enum next store_outbox_lease(struct store *store, struct arena *arena, str channel, int64_t now,
                             uint32_t lease_s, struct outbox_message *out, struct err *err)
{
    int64_t id;
    enum next next = candidate(store, channel, now, false, &id, err);
    if (next != NEXT_ITEM)
        return next;
    bool ok = TX_WRITTEN(store, err,
                         (next = lease_locked(store, arena, channel, now, lease_s, out, err)) !=
                             NEXT_ERR);
    return ok ? next : NEXT_ERR;
}

bool store_outbox_end(struct store *store, const struct outbox_message *message,
                      const struct outbox_outcome *o, struct err *err)
{
    bool is_queued = o->state == OUTBOX_QUEUED;
    if (!db_run(store, err,
                "UPDATE outbox SET state = $1, not_before = CASE WHEN $2 = 1 THEN $3 ELSE"
                " not_before END, ended_at = $4, leased_until = 0, error = $5,"
                " attempts = attempts - $6 WHERE id = $7 AND lease = $8 AND state = 'sending'",
                vc(outbox_state_name(o->state)), vi(is_queued), vi(o->not_before),
                vi(is_queued ? 0 : o->now), vt(o->error), vi(o->is_no_attempt), vi(message->id),
                vi(message->lease)))
        return false;
    return db_changes(store) > 0 ||
           err_set(err, ERR_CONFLICT, "message %lld: the lease is no longer ours",
                   (long long)message->id);
}

/* A death of ours says nothing about the receiver, so it is no attempt. */
bool store_outbox_expire(struct store *store, int64_t now, bool is_all, size_t *n, struct err *err)
{
    if (!db_run(store, err,
                "UPDATE outbox SET state = 'queued', attempts = attempts - 1, lease = lease + 1,"
                " leased_until = 0 WHERE state = 'sending' AND ($1 = 1 OR leased_until < $2)",
                vi(is_all), vi(now)))
        return false;
    *n = (size_t)db_changes(store);
    return true;
}

bool store_outbox_bury(struct store *store, str channel, str error, int64_t now, struct err *err)
{
    return db_run(store, err,
                  "UPDATE outbox SET state = 'dead', error = $1, ended_at = $2"
                  " WHERE state = 'queued' AND channel = $3",
                  vt(error), vi(now), vt(channel));
}

bool store_outbox_requeue(struct store *store, int64_t id, int64_t now, struct err *err)
{
    if (!db_run(store, err,
                "UPDATE outbox SET state = 'queued', attempts = 0, not_before = $1, ended_at = 0"
                " WHERE id = $2 AND state = 'dead'",
                vi(now), vi(id)))
        return false;
    return db_changes(store) > 0 ||
           err_set(err, ERR_NOT_FOUND, "message %lld: there is no dead one", (long long)id);
}

bool store_outbox_purge(struct store *store, int64_t before, struct err *err)
{
    return db_run(store, err,
                  "DELETE FROM outbox WHERE state IN ('sent', 'dead') AND ended_at < $1",
                  vi(before)) &&
           db_run(store, err, "DELETE FROM told WHERE name LIKE 'pulled:%' AND at < $1",
                  vi(before));
}
