/* SPDX-License-Identifier: Apache-2.0 */
/* intake.c - what registries say, kept: many messages in one commit, and each step of it one
 * statement for all of them, so that neither the disk nor a server far away is asked per event.
 *
 *   events (new ones) → repositories → images → tags and their history → jobs
 *
 * A delete ends such a run: it is done by itself, then the next run begins. */
#include <sodium.h>
#include <stdlib.h>

#include "store/internal.h"

enum { MEMORY = 512 * MIB, ID_MAX = 512, HASH_TEXT = crypto_hash_sha256_BYTES * 2 + 1 };

/* One event of the batch. */
struct item {
    struct store_message *message;
    struct store_event e; /* its texts as the store keeps them, its time not ahead */
    str key;              /* by which it is known again */
    bool is_new;
};
struct home { /* a repository */
    int64_t registry_id, id;
    bool is_asked, is_off; /* the plan: known, but not scanned */
    str name;
};
struct subject { /* an image, and what a run says of it */
    struct home *home;
    struct store_message *message; /* which spoke of it first */
    str digest, tag, media_type;
    int64_t id, last_pushed, last_pulled;
    int priority; /* of its job */
    bool is_index, was_there, is_settled, has_job;
};
struct aim { /* a tag, and where it points */
    struct home *home;
    str name;
    int64_t image_id, set_at; /* 0: nowhere */
    bool is_moved;
};
struct naming { /* one event that names an image by a tag */
    struct aim *aim;
    const struct subject *subject;
    int64_t at;
};
struct batch {
    struct store *store;
    struct arena *arena;
    int64_t now;
    bool has_off; /* a plan is off somewhere */
    VEC(struct item) items;
    struct map known, homes; /* items by registry and key; homes by registry and name */
    /* of one run */
    struct map subjects, aims; /* by home and digest; by home and name */
    VEC(struct naming) namings;
};

/* --- texts
 * ------------------------------------------------------------------------------------------------
 */
/* Made clean before it is a key: what comes back from the store must be found again. */
static bool clean(struct batch *b, str *text, struct err *err)
{
    if (text_is_clean(*text))
        return true;
    auto_sb out;
    sb_init(&out, 3 * text->len + 1);
    text_clean(*text, &out);
    *text = arena_dup(b->arena, sb_str(&out));
    return text->ptr ? true : err_memory(err);
}

/* A number and a text as one key. */
static str key_of(struct arena *arena, int64_t number, str text)
{
    char *key = arena_alloc(arena, sizeof(number) + text.len);
    if (!key)
        return STR_NONE;
    memcpy(key, &number, sizeof(number));
    if (text.len)
        memcpy(key + sizeof(number), text.ptr, text.len);
    return str_of(key, sizeof(number) + text.len);
}

static void *get(const struct map *map, struct arena *arena, int64_t number, str text)
{
    str key = key_of(arena, number, text);
    return key.ptr ? map_get(map, key) : NULL;
}

static const char *action_word(enum event_action action)
{
    static const char *const words[] = {"", "push", "pull", "delete", "found", "import"};
    return words[action <= EVENT_IMPORT ? action : 0];
}

/* A sender that gives no id, or one too long for a key, is known by what it says. */
static bool name_event(struct batch *b, struct item *item, int64_t said_at, struct err *err)
{
    const struct store_event *e = &item->e;
    unsigned char raw[crypto_hash_sha256_BYTES];
    char hash[HASH_TEXT];
    auto_sb text = {0};
    item->key = e->id;
    if (e->id.len && e->id.len <= ID_MAX)
        return true;
    sb_init(&text, 4 * LIMIT(PATH));
    sb_addf(&text, "%s %lld ", action_word(e->action), (long long)said_at);
    sb_add(&text, e->id);
    sb_blob(&text, e->repository);
    sb_blob(&text, e->digest);
    sb_blob(&text, e->tag);
    crypto_hash_sha256(raw, (const unsigned char *)(text.ptr ? text.ptr : ""), text.len);
    sodium_bin2hex(hash, sizeof(hash), raw, sizeof(raw));
    item->key = arena_dup(b->arena, str_from(hash));
    return item->key.ptr ? true : err_memory(err);
}

/* --- which of them are new
 * -------------------------------------------------------------------------------- */
static bool item_add(struct batch *b, struct store_message *message, const struct store_event *e,
                     struct err *err)
{
    struct item *item = vec_push(b->arena, &b->items);
    if (!item)
        return err_memory(err);
    *item = (struct item){.message = message, .e = *e};
    if (!clean(b, &item->e.id, err) || !clean(b, &item->e.repository, err) ||
        !clean(b, &item->e.digest, err) || !clean(b, &item->e.tag, err) ||
        !clean(b, &item->e.media_type, err) || !name_event(b, item, e->at, err))
        return false;
    if (e->at <= 0 || e->at > b->now)
        item->e.at = b->now; /* a clock that is ahead must not win over all that follows */
    return true;
}

static bool items_fill(struct batch *b, struct store_message *messages, size_t n, struct err *err)
{
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < messages[i].n; k++)
            if (!item_add(b, &messages[i], &messages[i].events[k], err))
                return false;
    return true;
}

static bool mark_new(void *ctx, struct rows *rows, struct err *err)
{
    struct batch *b = ctx;
    struct item *item = get(&b->known, b->arena, row_int(rows, 0), row_text(rows, 1));
    if (!item)
        return err_set(err, ERR_IO, "store: an event came back that was not sent");
    item->is_new = true;
    return true;
}

static void event_values(const struct batch *b, const struct item *item, struct value *to)
{
    const struct store_event *e = &item->e;
    const struct value row[] = {vi(item->message->registry_id),
                                vt(item->key),
                                vc(action_word(e->action)),
                                vt(e->repository),
                                vt(e->digest),
                                vt(e->tag),
                                vi(e->at),
                                vi(b->now)};
    memcpy(to, row, sizeof(row));
}

/* The same event twice in one batch is one row, and the first of them is new. */
static bool events_write(struct batch *b, struct err *err)
{
    static const struct bulk sql = {
        "INSERT INTO events (registry_id, id, action, repository, digest, tag, at, received_at)"
        " VALUES ",
        " ON CONFLICT (registry_id, id) DO NOTHING RETURNING registry_id, id", 8};
    struct value *values = arena_array(b->arena, struct value, b->items.len * sql.n_columns + 1);
    size_t n = 0;
    map_init(&b->known, b->arena);
    for (size_t i = 0; values && i < b->items.len; i++) {
        struct item *item = &b->items.ptr[i];
        str key = key_of(b->arena, item->message->registry_id, item->key);
        void **at = key.ptr ? map_at(&b->known, key) : NULL;
        if (!at)
            return err_memory(err);
        if (*at)
            continue;
        *at = item;
        event_values(b, item, values + sql.n_columns * n++);
    }
    return values ? db_bulk(b->store, &sql, values, n, mark_new, b, err) : err_memory(err);
}

/* --- repositories
 * --------------------------------------------------------------------------------------------- */
static bool home_found(void *ctx, struct rows *rows, struct err *err)
{
    struct batch *b = ctx;
    struct home *home = get(&b->homes, b->arena, row_int(rows, 1), row_text(rows, 2));
    if (!home)
        return err_set(err, ERR_IO, "store: a repository came back that was not asked for");
    home->id = row_int(rows, 0);
    return true;
}

/* A repository of the batch; *is_first: it was not asked for before. */
static bool home_of(struct batch *b, const struct item *item, struct home **out, struct err *err)
{
    str key = key_of(b->arena, item->message->registry_id, item->e.repository);
    void **at = key.ptr ? map_at(&b->homes, key) : NULL;
    if (at && !*at && (*at = arena_new(b->arena, struct home)))
        *(struct home *)*at =
            (struct home){.registry_id = item->message->registry_id, .name = item->e.repository};
    *out = at ? *at : NULL;
    if (!*out)
        return err_memory(err);
    if (!b->has_off || (*out)->is_asked)
        return true;
    (*out)->is_asked = true;
    return store_plan_is_off(b->store, (*out)->registry_id, &(*out)->is_off, err);
}

static bool homes_pass(struct batch *b, const struct bulk *sql, bool with_time, bulk_row *on_row,
                       size_t *n_missing, struct err *err)
{
    struct value *values = arena_array(b->arena, struct value, (b->homes.len + 1) * sql->n_columns);
    *n_missing = 0;
    if (!values)
        return err_memory(err);
    for (size_t i = 0; i < b->homes.len; i++) {
        const struct home *home = b->homes.entries[i].value;
        struct value *to = values + sql->n_columns * *n_missing;
        if (home->id)
            continue;
        to[0] = vi(home->registry_id);
        to[1] = vt(home->name);
        if (with_time)
            to[2] = vi(b->now);
        ++*n_missing;
    }
    return db_bulk(b->store, sql, values, *n_missing, on_row, b, err);
}

static bool homes_fill(struct batch *b, struct err *err)
{
    /* a look-up a row: no planner may find a scan of the whole table cheaper */
    static const struct bulk find = {
        "SELECT (SELECT id FROM repositories WHERE registry_id = v.column1 AND name = v.column2),"
        " v.column1, v.column2 FROM (VALUES ",
        ") AS v", 2};
    static const struct bulk make = {
        "INSERT INTO repositories (registry_id, name, first_seen) VALUES ",
        " ON CONFLICT (registry_id, name) DO NOTHING RETURNING id, registry_id, name", 3};
    size_t n;
    return homes_pass(b, &find, false, home_found, &n, err) &&
           homes_pass(b, &make, true, home_found, &n, err);
}

/* --- images
 * ---------------------------------------------------------------------------------------------------
 */
static bool subject_found(void *ctx, struct rows *rows, struct err *err)
{
    struct batch *b = ctx;
    struct subject *subject = get(&b->subjects, b->arena, row_int(rows, 1), row_text(rows, 2));
    if (!subject)
        return err_set(err, ERR_IO, "store: an image came back that was not asked for");
    int64_t state = row_int(rows, 0); /* 0: not there */
    subject->id = state / 2;
    subject->is_settled = state % 2 != 0;
    subject->was_there = state && row_int(rows, 3);
    return true;
}

static int priority_of(enum event_action action)
{
    switch (action) {
    case EVENT_PUSH:
        return PRIORITY_PUSH;
    case EVENT_PULL:
        return PRIORITY_PULLED;
    case EVENT_IMPORT:
        return PRIORITY_IMPORT;
    case EVENT_FOUND:
    case EVENT_DELETE:
    case EVENT_NONE:
    default:
        return PRIORITY_SWEEP;
    }
}

/* What several events say of one image adds up. */
static void subject_merge(struct subject *s, const struct item *item)
{
    const struct store_event *e = &item->e;
    int priority = priority_of(e->action);
    bool is_push = e->action != EVENT_FOUND && e->action != EVENT_PULL;
    if (is_push && e->at > s->last_pushed)
        s->last_pushed = e->at;
    if (e->action == EVENT_PULL && e->at > s->last_pulled)
        s->last_pulled = e->at;
    s->is_index = s->is_index || e->is_index;
    if (e->media_type.len)
        s->media_type = e->media_type;
    if (!s->tag.len)
        s->tag = e->tag;
    if (priority > s->priority)
        s->priority = priority;
}

static bool subject_of(struct batch *b, struct home *home, const struct item *item,
                       struct subject **out, struct err *err)
{
    str key = key_of(b->arena, home->id, item->e.digest);
    void **at = key.ptr ? map_at(&b->subjects, key) : NULL;
    if (at && !*at && (*at = arena_new(b->arena, struct subject)))
        *(struct subject *)*at =
            (struct subject){.home = home, .message = item->message, .digest = item->e.digest};
    if (!at || !*at)
        return err_memory(err);
    subject_merge(*at, item);
    *out = *at;
    return true;
}

/* The id, and whether a complete result stands of an image that was never gone since. */
#define IMAGE_STATE                                                                                \
    "id * 2 + CASE WHEN deleted_at = 0 AND scanned_at > 0 AND"                                     \
    " (is_complete = 1 OR verdict = 'not-applicable') THEN 1 ELSE 0 END"

static bool subjects_find(struct batch *b, struct err *err)
{
    static const struct bulk sql = {
        "SELECT (SELECT " IMAGE_STATE " FROM images WHERE repository_id = v.column1"
        " AND digest = v.column2), v.column1, v.column2, 1 FROM (VALUES ",
        ") AS v", 2};
    struct value *values = arena_array(b->arena, struct value, b->subjects.len * sql.n_columns);
    if (!values)
        return err_memory(err);
    for (size_t i = 0; i < b->subjects.len; i++) {
        const struct subject *s = b->subjects.entries[i].value;
        values[2 * i] = vi(s->home->id);
        values[2 * i + 1] = vt(s->digest);
    }
    return db_bulk(b->store, &sql, values, b->subjects.len, subject_found, b, err);
}

/* Those that are not there are made as they are said to be; nobody else makes them meanwhile, for
 * we have their registries' locks. */
static bool subjects_make(struct batch *b, struct err *err)
{
    static const struct bulk sql = {
        "INSERT INTO images (registry_id, repository_id, digest, first_seen, last_pushed,"
        " last_pulled, is_index, media_type) VALUES ",
        " RETURNING id * 2, repository_id, digest, 0", 8};
    struct value *values = arena_array(b->arena, struct value, b->subjects.len * sql.n_columns);
    size_t n = 0;
    if (!values)
        return err_memory(err);
    for (size_t i = 0; i < b->subjects.len; i++) {
        const struct subject *s = b->subjects.entries[i].value;
        const struct value row[] = {
            vi(s->home->registry_id), vi(s->home->id),    vt(s->digest),   vi(b->now),
            vi(s->last_pushed),       vi(s->last_pulled), vi(s->is_index), vt(s->media_type)};
        if (!s->id)
            memcpy(values + sql.n_columns * n++, row, sizeof(row));
    }
    return db_bulk(b->store, &sql, values, n, subject_found, b, err);
}

static bool subjects_update(struct batch *b, struct err *err)
{
    static const struct bulk sql = {
        "UPDATE images SET deleted_at = 0,"
        " last_pushed = CASE WHEN last_pushed > v.column2 THEN last_pushed ELSE v.column2 END,"
        " last_pulled = CASE WHEN last_pulled > v.column3 THEN last_pulled ELSE v.column3 END,"
        " is_index = CASE WHEN is_index = 1 THEN 1 ELSE v.column4 END,"
        " media_type = CASE WHEN v.column5 = '' THEN media_type ELSE v.column5 END"
        " FROM (VALUES ",
        ") AS v WHERE images.id = v.column1", 5};
    struct value *values = arena_array(b->arena, struct value, b->subjects.len * sql.n_columns);
    size_t n = 0;
    if (!values)
        return err_memory(err);
    for (size_t i = 0; i < b->subjects.len; i++) {
        const struct subject *s = b->subjects.entries[i].value;
        const struct value row[] = {vi(s->id), vi(s->last_pushed), vi(s->last_pulled),
                                    vi(s->is_index), vt(s->media_type)};
        if (s->was_there)
            memcpy(values + sql.n_columns * n++, row, sizeof(row));
    }
    return db_bulk(b->store, &sql, values, n, NULL, NULL, err);
}

/* --- tags
 * ---------------------------------------------------------------------------------------------------
 */
static bool naming_add(struct batch *b, const struct item *item, struct home *home,
                       const struct subject *subject, struct err *err)
{
    const struct store_event *e = &item->e;
    if (!e->tag.len || e->action == EVENT_PULL)
        return true;
    str key = key_of(b->arena, home->id, e->tag);
    void **at = key.ptr ? map_at(&b->aims, key) : NULL;
    struct naming *naming = vec_push(b->arena, &b->namings);
    if (at && !*at && (*at = arena_new(b->arena, struct aim)))
        *(struct aim *)*at = (struct aim){.home = home, .name = e->tag};
    if (!at || !*at || !naming)
        return err_memory(err);
    *naming = (struct naming){*at, subject, e->at};
    return true;
}

static bool aim_found(void *ctx, struct rows *rows, struct err *err)
{
    struct batch *b = ctx;
    struct aim *aim = get(&b->aims, b->arena, row_int(rows, 0), row_text(rows, 1));
    if (!aim)
        return err_set(err, ERR_IO, "store: a tag came back that was not asked for");
    aim->image_id = row_int(rows, 2);
    aim->set_at = row_int(rows, 3);
    return true;
}

static bool aims_find(struct batch *b, struct err *err)
{
    static const struct bulk sql = {
        "SELECT v.column1, v.column2,"
        " (SELECT image_id FROM tags WHERE repository_id = v.column1 AND name = v.column2),"
        " (SELECT set_at FROM tags WHERE repository_id = v.column1 AND name = v.column2)"
        " FROM (VALUES ",
        ") AS v", 2};
    struct value *values = arena_array(b->arena, struct value, sql.n_columns * b->aims.len + 1);
    if (!values)
        return err_memory(err);
    for (size_t i = 0; i < b->aims.len; i++) {
        const struct aim *aim = b->aims.entries[i].value;
        values[2 * i] = vi(aim->home->id);
        values[2 * i + 1] = vt(aim->name);
    }
    return db_bulk(b->store, &sql, values, b->aims.len, aim_found, b, err);
}

/* Events come in any order: an older push does not take the tag from a newer one.  And a tag that
 * is set to what it names already has no new history. */
static bool aim_take(const struct naming *n)
{
    struct aim *aim = n->aim;
    bool is_newer = !aim->image_id || aim->set_at <= n->at;
    bool is_history = aim->image_id != n->subject->id || !is_newer;
    if (is_newer) {
        aim->image_id = n->subject->id;
        aim->set_at = n->at;
        aim->is_moved = true;
    }
    return is_history;
}

static bool history_write(struct batch *b, struct err *err)
{
    static const struct bulk sql = {
        "INSERT INTO tag_history (repository_id, name, digest, at) VALUES ", "", 4};
    struct value *values = arena_array(b->arena, struct value, sql.n_columns * b->namings.len + 1);
    size_t n = 0;
    if (!values)
        return err_memory(err);
    for (size_t i = 0; i < b->namings.len; i++) {
        const struct naming *one = &b->namings.ptr[i];
        const struct value row[] = {vi(one->aim->home->id), vt(one->aim->name),
                                    vt(one->subject->digest), vi(one->at)};
        if (aim_take(one))
            memcpy(values + sql.n_columns * n++, row, sizeof(row));
    }
    return db_bulk(b->store, &sql, values, n, NULL, NULL, err);
}

static bool tags_write(struct batch *b, struct err *err)
{
    static const struct bulk sql = {
        "INSERT INTO tags (repository_id, name, image_id, set_at) VALUES ",
        " ON CONFLICT (repository_id, name) DO UPDATE SET image_id = excluded.image_id,"
        " set_at = excluded.set_at",
        4};
    struct value *values = arena_array(b->arena, struct value, sql.n_columns * b->aims.len + 1);
    size_t n = 0;
    if (!values)
        return err_memory(err);
    if (!aims_find(b, err) || !history_write(b, err))
        return false;
    for (size_t i = 0; i < b->aims.len; i++) {
        const struct aim *aim = b->aims.entries[i].value;
        const struct value row[] = {vi(aim->home->id), vt(aim->name), vi(aim->image_id),
                                    vi(aim->set_at)};
        if (aim->is_moved)
            memcpy(values + sql.n_columns * n++, row, sizeof(row));
    }
    return db_bulk(b->store, &sql, values, n, NULL, NULL, err);
}

/* --- jobs
 * ---------------------------------------------------------------------------------------------------
 */
static bool job_made(void *ctx, struct rows *rows, struct err *err)
{
    struct batch *b = ctx;
    struct home *home = get(&b->homes, b->arena, row_int(rows, 0), row_text(rows, 1));
    struct subject *s = home ? get(&b->subjects, b->arena, home->id, row_text(rows, 2)) : NULL;
    if (!s)
        return err_set(err, ERR_IO, "store: a job came back that was not asked for");
    s->has_job = true;
    s->message->counts.n_jobs++;
    b->store->has_news = true;
    return true;
}

static bool job_join(struct batch *b, const struct subject *s, struct err *err)
{
    const struct job_spec spec = {.kind = JOB_SCAN,
                                  .registry_id = s->home->registry_id,
                                  .repository = s->home->name,
                                  .digest = s->digest,
                                  .tag = s->tag,
                                  .priority = (enum job_priority)s->priority,
                                  .not_before = b->now};
    bool is_new = false;
    if (!job_add(b->store, &spec, b->now, &is_new, err))
        return false;
    s->message->counts.n_jobs += is_new;
    return true;
}

/* What has no verdict is to be scanned; where that was known already, it becomes as urgent. */
static bool jobs_write(struct batch *b, struct err *err)
{
    static const struct bulk sql = {
        "INSERT INTO jobs (kind, state, registry_id, repository, digest, tag, priority, created_at,"
        " not_before) VALUES ",
        " ON CONFLICT (kind, registry_id, repository, digest)"
        " WHERE state IN ('queued', 'running') DO NOTHING RETURNING registry_id, repository,"
        " digest",
        9};
    struct value *values = arena_array(b->arena, struct value, b->subjects.len * sql.n_columns);
    size_t n = 0;
    if (!values)
        return err_memory(err);
    for (size_t i = 0; i < b->subjects.len; i++) {
        const struct subject *s = b->subjects.entries[i].value;
        const struct value row[] = {vc(job_kind_name(JOB_SCAN)),
                                    vc(job_state_name(JOB_QUEUED)),
                                    vi(s->home->registry_id),
                                    vt(s->home->name),
                                    vt(s->digest),
                                    vt(s->tag),
                                    vi(s->priority),
                                    vi(b->now),
                                    vi(b->now)};
        if (!s->is_settled && !s->home->is_off)
            memcpy(values + sql.n_columns * n++, row, sizeof(row));
    }
    if (!db_bulk(b->store, &sql, values, n, job_made, b, err))
        return false;
    for (size_t i = 0; i < b->subjects.len; i++) {
        const struct subject *s = b->subjects.entries[i].value;
        if (!s->is_settled && !s->home->is_off && !s->has_job && !job_join(b, s, err))
            return false;
    }
    return true;
}

/* --- a run: pushes, pulls and finds
 * ------------------------------------------------------------------------ */
static bool speaks_of_image(const struct item *item)
{
    enum event_action a = item->e.action;
    return item->is_new &&
           (a == EVENT_PUSH || a == EVENT_PULL || a == EVENT_FOUND || a == EVENT_IMPORT);
}

static bool run_read(struct batch *b, size_t from, size_t to, struct err *err)
{
    struct home *home;
    struct subject *subject = NULL;
    for (size_t i = from; i < to; i++)
        if (speaks_of_image(&b->items.ptr[i]) && !home_of(b, &b->items.ptr[i], &home, err))
            return false;
    if (!homes_fill(b, err))
        return false;
    for (size_t i = from; i < to; i++) {
        const struct item *item = &b->items.ptr[i];
        if (speaks_of_image(item) &&
            (!home_of(b, item, &home, err) || !subject_of(b, home, item, &subject, err) ||
             !naming_add(b, item, home, subject, err)))
            return false;
    }
    return true;
}

static bool run_write(struct batch *b, size_t from, size_t to, struct err *err)
{
    map_init(&b->subjects, b->arena);
    map_init(&b->aims, b->arena);
    b->namings.len = 0;
    if (!run_read(b, from, to, err))
        return false;
    return !b->subjects.len || (subjects_find(b, err) && subjects_update(b, err) &&
                                subjects_make(b, err) && tags_write(b, err) && jobs_write(b, err));
}

/* Deletes come between runs.  What was known of repositories stays true. */
static bool items_write(struct batch *b, struct err *err)
{
    size_t from = 0;
    for (size_t i = 0; i < b->items.len; i++) {
        const struct item *item = &b->items.ptr[i];
        if (!item->is_new || item->e.action != EVENT_DELETE)
            continue;
        if (!run_write(b, from, i, err) ||
            !event_delete(b->store, item->message->registry_id, &item->e, b->now, err) ||
            !assessment_touch(b->store, item->message->registry_id, b->now, err))
            return false;
        from = i + 1;
    }
    return run_write(b, from, b->items.len, err);
}

/* --- a batch
 * -------------------------------------------------------------------------------------------------
 */
static int cmp_id(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* In one order, as everybody does. */
static bool lock_registries(struct batch *b, const struct store_message *messages, size_t n,
                            struct err *err)
{
    int64_t *ids = arena_array(b->arena, int64_t, n);
    if (!ids)
        return err_memory(err);
    for (size_t i = 0; i < n; i++)
        ids[i] = messages[i].registry_id;
    qsort(ids, n, sizeof(*ids), cmp_id);
    for (size_t i = 0; i < n; i++)
        if ((!i || ids[i] != ids[i - 1]) && !registry_lock(b->store, ids[i], err))
            return false;
    return true;
}

static bool plans_look(struct batch *b, struct err *err)
{
    int64_t found = 0;
    bool ok = db_int(b->store, 0, &found, err, "SELECT 1 FROM plans WHERE tier = 'free' LIMIT 1");
    b->has_off = found != 0;
    return ok;
}

static bool batch_write(struct batch *b, struct store_message *messages, size_t n, struct err *err)
{
    arena_reset(b->arena);
    *b = (struct batch){.store = b->store, .arena = b->arena, .now = b->now};
    map_init(&b->homes, b->arena);
    for (size_t i = 0; i < n; i++)
        messages[i].counts = (struct event_counts){0};
    if (!lock_registries(b, messages, n, err) || !plans_look(b, err) ||
        !items_fill(b, messages, n, err) || !events_write(b, err))
        return false;
    for (size_t i = 0; i < b->items.len; i++) {
        struct event_counts *counts = &b->items.ptr[i].message->counts;
        ++*(b->items.ptr[i].is_new ? &counts->n_new : &counts->n_known);
    }
    return items_write(b, err);
}

static bool keep(struct store *store, struct store_message *messages, size_t n, int64_t now,
                 struct err *err)
{
    struct arena arena;
    struct batch b = {.store = store, .arena = &arena, .now = now};
    arena_init(&arena, MEMORY);
    bool ok = TX_WRITTEN(store, err, batch_write(&b, messages, n, err));
    arena_fini(&arena);
    for (size_t i = 0; i < n; i++) {
        messages[i].is_kept = ok;
        messages[i].err = *err;
        if (!ok)
            messages[i].counts = (struct event_counts){0};
    }
    return ok;
}

/* What is wrong with the store is wrong for all of them. */
static bool is_for_all(const struct err *err)
{
    return err->kind == ERR_UNAVAILABLE || err->kind == ERR_CANCELLED || err->kind == ERR_DENIED;
}

void store_messages_add(struct store *store, struct store_message *messages, size_t n, int64_t now)
{
    struct err err = {0};
    if (!n || keep(store, messages, n, now, &err) || n == 1 || is_for_all(&err))
        return;
    for (size_t i = 0; i < n; i++) {
        err = (struct err){0};
        (void)keep(store, &messages[i], 1, now, &err);
    }
}

bool store_events_add(struct store *store, int64_t registry_id, const struct store_event *events,
                      size_t n, int64_t now, struct event_counts *out, struct err *err)
{
    struct store_message one = {.registry_id = registry_id, .events = events, .n = n};
    *out = (struct event_counts){0};
    if (!n)
        return true;
    store_messages_add(store, &one, 1, now);
    *out = one.counts;
    *err = one.err;
    return one.is_kept;
}
