/* SPDX-License-Identifier: Apache-2.0 */
/* update.c - read the feeds, one after the other; publish.c makes a generation of them. */
#include <errno.h>
#include <unistd.h>

#include "advisory/internal.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/num.h"
#include "os/file.h"

/* --- choosing
 * ------------------------------------------------------------------------------------- */

static struct known_source *known_make(struct update *update, const struct feed *feed)
{
    struct known_source *known = known_find(&update->known, str_from(feed->name));
    if (!known && (known = vec_push(&update->arena, &update->known))) {
        known->state.name = str_from(feed->name);
        known->state.licence = str_from(feed->licence);
    }
    return known;
}

typedef VEC(struct feed_choice) choices;

/* It was read once, and its records are of no use any more. */
static bool is_lost(const struct known_source *known)
{
    return known && str_is_empty(known->compiled) && known->state.n_records;
}

static bool is_chosen(const choices *list, const struct feed *feed)
{
    for (size_t i = 0; i < list->len; i++) {
        if (str_eq(list->ptr[i].name, str_from(feed->name)))
            return true;
    }
    return false;
}

static bool choose(struct update *update, choices *out, struct err *err)
{
    size_t n;
    const struct feed *const *feeds = advisory_feeds(&n);
    for (size_t i = 0; i < update->spec->n_feeds; i++) {
        struct feed_choice *choice = vec_push(&update->arena, out);
        if (!choice)
            return err_memory(err);
        *choice = update->spec->feeds[i];
        if (!advisory_feed_find(choice->name))
            return err_set(err, ERR_USAGE, "no feed is called " STR_FMT, STR_ARG(choice->name));
    }
    for (size_t i = 0; i < n; i++) {
        const struct known_source *known = known_find(&update->known, str_from(feeds[i]->name));
        bool is_due = update->spec->n_feeds
                          ? is_lost(known) && !is_chosen(out, feeds[i])
                          : known || (!update->known.len && !feeds[i]->is_named_only);
        if (!is_due)
            continue;
        struct feed_choice *choice = vec_push(&update->arena, out);
        if (!choice)
            return err_memory(err);
        *choice = (struct feed_choice){.name = str_from(feeds[i]->name),
                                       .place = known ? known->place : STR_NONE};
    }
    return true;
}

/* --- one source
 * ----------------------------------------------------------------------------------- */

/* Copies what the reader left in its own arena. */
static bool keep_state(struct arena *arena, const struct source_state *from,
                       struct source_state *to)
{
    *to = *from;
    to->notices = (notices){0};
    to->url = arena_dup(arena, from->url);
    to->digest = arena_dup(arena, from->digest);
    to->error = arena_dup(arena, from->error);
    for (size_t i = 0; i < from->notices.len; i++) {
        const struct notice *notice = &from->notices.ptr[i];
        if (!notice_add(arena, &to->notices, notice->kind, notice->is_incomplete, notice->path,
                        notice->message))
            return false;
    }
    return to->url.ptr && to->digest.ptr && to->error.ptr;
}

static bool digest_finish(struct feed_reader *reader, struct err *err)
{
    uint8_t sum[HASH_MAX];
    char hex[2 * HASH_MAX + 1];
    hex_print(sum, hash_done(reader->digest, sum), hex);
    reader->state->digest = arena_printf(reader->arena, "sha256:%s", hex);
    return reader->state->digest.ptr ? true : err_memory(err);
}

/* Reads into @path, which is left only when all went well. */
static bool read_into(struct feed_reader *reader, const char *path, str *compiled, struct err *err)
{
    if (!dir_make(reader->cache, err) || !records_create(&reader->records, path, err))
        return false;
    if (!hash_open(&reader->digest, HASH_SHA256, err)) {
        records_abort(reader->records);
        return false;
    }
    bool is_ok = reader->feed->read(reader, err) && digest_finish(reader, err);
    if (!is_ok)
        records_abort(reader->records);
    is_ok = is_ok && records_finish(reader->records, &reader->state->n_records, compiled,
                                    reader->arena, err);
    if (is_ok)
        feed_forget_others(reader);
    hash_close(reader->digest);
    http_client_close(reader->http);
    if (!is_ok)
        (void)unlink(path);
    return is_ok;
}

static bool is_accepted(const struct update *update, str name)
{
    const strs *accepted = &update->spec->accepted;
    for (size_t i = 0; i < accepted->len; i++) {
        if (str_eq(accepted->ptr[i], name))
            return true;
    }
    return false;
}

/* The firewall; a first state, or one from elsewhere, has nothing to be compared with. */
static bool is_believed(struct update *update, const struct known_source *known, str place,
                        const char *fresh, struct err *err)
{
    double most = update->spec->max_change;
    const struct feed *feed = advisory_feed_find(known->state.name);
    if (most < 0 || feed->is_by_wish || str_is_empty(known->compiled) ||
        !str_eq(place, known->place) || is_accepted(update, known->state.name))
        return true;
    const char *before = update_records_path(update, known, err);
    return before && firewall_check(before, fresh, most > 0 ? most : ADVISORY_MAX_CHANGE,
                                    &update->is_held, err);
}

static bool read_feed(struct update *update, struct known_source *known, str place,
                      struct arena *arena, struct err *err)
{
    struct source_state state = {.name = known->state.name, .licence = known->state.licence};
    struct feed_reader reader = {
        .feed = advisory_feed_find(known->state.name),
        .spec = update->spec,
        .place = place,
        .arena = arena,
        .state = &state,
        .now_s = clock_now_s(),
    };
    str compiled;
    state.fetched_at = reader.now_s;
    reader.cache = update_path(update, "sources/", known->state.name, STR_NONE, err);
    const char *fresh =
        update_path(update, "sources/", known->state.name, STR("/records.new"), err);
    if (!reader.cache || !fresh || !read_into(&reader, fresh, &compiled, err))
        return false;
    if (!is_believed(update, known, place, fresh, err)) {
        (void)unlink(fresh);
        return false;
    }
    known->compiled = arena_dup(&update->arena, compiled);
    if (!known->compiled.ptr || !keep_state(&update->arena, &state, &known->state))
        return err_memory(err);
    const char *path = update_records_path(update, known, err);
    if (!path)
        return false;
    if (rename(fresh, path) != 0)
        return err_sys(err, ERR_IO, "%s", path);
    return sync_folder(reader.cache, err);
}

/* A failure stays with its source, except the wish to stop. */
static bool update_source(struct update *update, const struct feed_choice *choice, struct err *err)
{
    struct arena arena;
    struct err why = {0};
    struct known_source *known = known_make(update, advisory_feed_find(choice->name));
    if (!known)
        return err_memory(err);
    arena_init(&arena, 4 * GIB);
    struct known_source before = *known;
    update->is_held = false;
    bool is_ok = read_feed(update, known, choice->place, &arena, &why);
    arena_fini(&arena);
    if (!is_ok)
        *known = before;
    known->place = arena_dup(&update->arena, choice->place);
    if (!known->place.ptr)
        return err_memory(err);
    if (!is_ok) {
        known->state.is_held = update->is_held;
        known->state.error = arena_dup(&update->arena, str_from(why.msg));
        if (!known->state.error.ptr)
            return err_memory(err);
        log_event(LOG_WARN, "advisory source keeps its last good state",
                  LOG_STR("feed", choice->name), LOG_ERR(&why));
    }
    if (!str_is_empty(known->state.error)) {
        update->n_failed++;
        if (!err_is(&update->first))
            update->first = is_ok ? (struct err){.kind = ERR_UNAVAILABLE} : why;
    }
    if (why.kind == ERR_CANCELLED) {
        *err = why;
        return false;
    }
    return true;
}

/* --- the whole
 * ---------------------------------------------------------------------------------------- */

static bool run(struct update *update, struct update_result *out, struct err *err)
{
    choices list = {0};
    if (!choose(update, &list, err))
        return false;
    for (size_t i = 0; i < list.len; i++) {
        if (!update_source(update, &list.ptr[i], err))
            return false;
    }
    out->n_failed = update->n_failed;
    return update_finish(update, out, err);
}

bool advisory_update(const struct update_spec *spec, struct update_result *out, struct err *err)
{
    struct update update = {.dir = spec->dir, .cancel = spec->cancel, .spec = spec};
    *out = (struct update_result){0};
    bool is_ok = update_open(&update, err) && run(&update, out, err);
    update_close(&update);
    return is_ok;
}
